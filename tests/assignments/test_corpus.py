"""Solutions of the problem sets as people write them: right ones pass, wrong ones are named.

``corpus/psN.py`` holds, for every part, at least three right solutions of different style and eight
wrong ones, most of them mistakes that have been published. Each is a piece of code that is run on
top of the source's own solution, and judged for its part alone.
"""

from __future__ import annotations

import copy
import importlib.util
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from xavier_grading import sets
from xavier_grading.check import parts
from xavier_grading.check.answers import Local
from xavier_grading.check.parts import Finding, Variant
from xavier_grading.mark import notebooks

ROOT = Path(__file__).resolve().parents[2]
FEWEST_RIGHT, FEWEST_WRONG = 3, 8


@cache
def corpus(name: str) -> ModuleType:
    """The corpus of a problem set."""
    path = Path(__file__).parent / "corpus" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"corpus_{name}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def solved(name: str, student: str) -> tuple[dict[str, Any], Variant]:
    """What the source's own solution defines, for a student's numbers."""
    key = parts.PUBLIC if student == parts.PUBLIC else "a key for tests"
    variant = sets.problem_set(name).variant(student, key)
    source = ROOT / "assignments" / "source" / name / f"{name}.ipynb"
    notebook = notebooks.personal(notebooks.read(source), variant)
    names: dict[str, Any] = {}
    before, there = os.environ.get("XAVIER_GRADING"), Path.cwd()
    os.environ["XAVIER_GRADING"] = "off"
    try:
        os.chdir(_folder(name, student))
        for file, content in variant.files.items():
            Path(file).write_bytes(content)
        for cell, code in notebooks.runnable(notebook):
            exec(compile(code, cell, "exec"), names)
    finally:
        os.chdir(there)
        if before is None:
            del os.environ["XAVIER_GRADING"]
        else:
            os.environ["XAVIER_GRADING"] = before
    return names, variant


_FOLDERS: dict[str, Path] = {}


def _folder(name: str, student: str) -> Path:
    folder = _FOLDERS["root"] / name / student
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module", autouse=True)
def _room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A folder, and one thread: networks as small as these wait for a second one."""
    _FOLDERS["root"] = tmp_path_factory.mktemp("solved")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def found(name: str, student: str, part: str, code: str) -> Finding:
    """What the judge of a part says when some code has been run after the solution."""
    solution, variant = solved(name, student)
    wanted = sets.problem_set(name).part(part)
    # Answers are changed in place by some of the corpus; functions and modules are not copied.
    own = {k: copy.deepcopy(v) if k in wanted.asks and not callable(v) else v
           for k, v in solution.items()}  # fmt: skip
    exec(compile(code, f"{name} {part}", "exec"), own)
    return parts.judge(wanted, Local(own), variant)


def _cases(kind: str) -> list[Any]:
    return list(_each(kind))


def _each(kind: str) -> Iterator[Any]:
    for name in sets.PROBLEM_SETS:
        for student in _students(name):
            for part, entries in getattr(corpus(name), kind).items():
                for k, entry in enumerate(entries):
                    yield pytest.param(
                        *(name, student, part, entry),
                        id=f"{name}-{student}-{part}-{k}",
                        marks=() if student == parts.PUBLIC else pytest.mark.thorough,
                    )


def _students(name: str) -> tuple[str, ...]:
    # The first takes half a minute to solve.
    return (parts.PUBLIC,) if name == "ps1" else (parts.PUBLIC, "ada")


@pytest.mark.parametrize(("name", "student", "part", "code"), _cases("RIGHT"))
def test_right(name: str, student: str, part: str, code: str) -> None:
    finding = found(name, student, part, code)
    assert (finding.share, finding.fault) == (1.0, ""), finding.message


@pytest.mark.parametrize(("name", "student", "part", "entry"), _cases("WRONG"))
def test_wrong(name: str, student: str, part: str, entry: tuple[str, float, str]) -> None:
    fault, share, code = entry
    finding = found(name, student, part, code)
    assert (finding.fault, round(finding.share, 3)) == (fault, share), finding.message
    assert len(finding.message) > 10


@pytest.mark.parametrize("name", sets.PROBLEM_SETS)
def test_there_are_enough(name: str) -> None:
    held, chosen = corpus(name), sets.problem_set(name)
    for part in chosen.parts:
        assert len(set(held.RIGHT.get(part.name, ()))) >= FEWEST_RIGHT, part.name
        wrong = held.WRONG.get(part.name, ())
        assert len({code for *_, code in wrong}) >= FEWEST_WRONG, part.name
        # Most faults are called by a name that says more than that it is wrong.
        assert len({fault for fault, *_ in wrong}) >= 4, part.name


@pytest.mark.parametrize("name", sets.PROBLEM_SETS)
def test_the_source_gets_all_points(name: str) -> None:
    for student in _students(name):
        for part in sets.problem_set(name).parts:
            finding = found(name, student, part.name, "")
            assert finding.share == 1.0, (student, part.name, finding.message)


@pytest.mark.parametrize("name", sets.PROBLEM_SETS)
def test_nothing_gets_nothing(name: str) -> None:
    _, variant = solved(name, parts.PUBLIC)
    for part in sets.problem_set(name).parts:
        finding = parts.judge(part, Local({}), variant)
        assert (finding.share, finding.fault) == (0.0, "unanswered")
