"""No dead name: what texts, notebooks and docstrings call by its dotted name or path is there."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("xavier", "glorot2010", "assignments")
TEXTS = sorted(
    path
    for pattern in (
        "*.md", "pyproject.toml", "Makefile", "chapters/*.md", "chapters/*.ipynb",
        "assignments/source/*/*.ipynb", "tools/*.py", "benchmarks/*.py",
        *(f"{package}/**/*.py" for package in PACKAGES),
    )
    for path in ROOT.glob(pattern)
)  # fmt: skip
NAME = re.compile(
    r"(?<![\w./-])(?:xavier|glorot2010|xavier_grading)(?!\.mplstyle)(?:\.[A-Za-z]\w*)+(?![\w/]|\.py)"
)
# Folders of a course are made when there is one; words in capitals stand for a name.
FILE = re.compile(
    r"(?<![\w./-])(?:xavier|glorot2010|assignments|chapters|tests|tools|benchmarks|_ext|_static)/"
    r"(?!marking|variants|submitted|private|\S*[A-Z]{2})(?>[\w./-]*\w)(?![\\{*]|\.[{*])"
)


def exists(name: str) -> bool:
    """Whether a dotted name is a module, what a module holds, or a field of a class in it."""
    module, *rest = name.split(".")
    found = importlib.import_module(module)
    for k, part in enumerate(rest):
        fields = getattr(found, "__annotations__", {})
        if hasattr(found, part):
            found = getattr(found, part)
        elif part in fields:
            return True
        else:
            try:
                found = importlib.import_module(".".join([module, *rest[: k + 1]]))
            except ModuleNotFoundError:
                return False
    return True


def read(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        return "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"])
    return text


def test_every_dotted_name_of_ours_is_there() -> None:
    found = {(name, path.name) for path in TEXTS for name in NAME.findall(read(path))}
    assert len(found) > 300
    missing = {pair for pair in found if not exists(pair[0])}
    assert sorted(missing) == []


def test_every_file_that_is_named_is_there() -> None:
    found = {(name, path.name) for path in TEXTS for name in FILE.findall(read(path))}
    missing = {pair for pair in found if not (ROOT / pair[0]).exists()}
    assert sorted(missing) == []


@pytest.mark.parametrize(
    ("name", "there"),
    [
        ("xavier.rules.glorot", True), ("xavier.network.Network.step", True),
        ("xavier.network.Trace.z", True), ("glorot2010.cli", True),
        ("xavier.rules.gloriot", False), ("xavier.no_such", False),
        ("xavier.network.Trace.zz", False),
    ],
)  # fmt: skip
def test_a_dead_name_is_told_from_a_living_one(name: str, there: bool) -> None:
    assert exists(name) == there
