"""Solutions of the problem sets as people write them: right ones pass, wrong ones are named.

``corpus/psN.py`` holds, for every part, two right solutions of different style and at least six
wrong ones, so many that every fault that a judge can name is met. Each is a piece of code that is
run on top of the source's own solution, and judged for its part alone.
"""

from __future__ import annotations

import ast
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
KIT = ROOT / "assignments" / "kit"
QUICK = "ps2"  # the set whose public variant is judged in `make test`


@cache
def corpus(name: str) -> ModuleType:
    """The corpus of a problem set."""
    path = Path(__file__).parent / "corpus" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"corpus_{name}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def wrong(name: str, student: str = parts.PUBLIC) -> dict[str, list[tuple[str, float, str]]]:
    """Wrong answers by part; some need what is in the public variant."""
    more = getattr(corpus(name), "OF_PUBLIC", {}) if student == parts.PUBLIC else {}
    return {part: [*entries, *more.get(part, ())] for part, entries in corpus(name).WRONG.items()}


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
    with pytest.MonkeyPatch.context() as patch:
        # Ada's numbers are chosen: with others, what comes of two mistakes may be the same number.
        patch.setattr(parts, "_stretched", str.encode)
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


def _students(name: str) -> tuple[str, ...]:
    # The first takes half a minute to solve.
    return (parts.PUBLIC,) if name == "ps1" else (parts.PUBLIC, "ada")


def _quick(name: str, student: str, part: str) -> bool:
    slow = part.startswith("sample_") and part != "sample_slope"  # all draws are made again
    return (name, student) == (QUICK, parts.PUBLIC) and not slow


CASES = [
    pytest.param(
        *(name, student, part.name),
        id=f"{name}-{student}-{part.name}",
        marks=() if _quick(name, student, part.name) else pytest.mark.thorough,
    )
    for name, chosen in sets.PROBLEM_SETS.items()
    for student in _students(name)
    for part in chosen.parts
]


@pytest.mark.parametrize(("name", "student", "part"), CASES)
def test_right_ones_pass(name: str, student: str, part: str) -> None:
    for code in ("", *corpus(name).RIGHT[part]):
        finding = found(name, student, part, code)
        assert (finding.share, finding.fault) == (1.0, ""), (code, finding.message)


@pytest.mark.parametrize(("name", "student", "part"), CASES)
def test_wrong_ones_are_named(name: str, student: str, part: str) -> None:
    for fault, share, code in wrong(name, student)[part]:
        finding = found(name, student, part, code)
        assert (finding.fault, round(finding.share, 3)) == (fault, share), (code, finding.message)
        assert len(finding.message) > 10


@pytest.mark.parametrize(("name", "student", "part"), CASES)
def test_nothing_gets_nothing(name: str, student: str, part: str) -> None:
    variant = sets.problem_set(name).variant(student, "a key for tests")
    finding = parts.judge(sets.problem_set(name).part(part), Local({}), variant)
    assert (finding.share, finding.fault) == (0.0, "unanswered")


@pytest.mark.parametrize("name", sets.PROBLEM_SETS)
def test_there_are_enough(name: str) -> None:
    for part in sets.problem_set(name).parts:
        assert len(set(corpus(name).RIGHT[part.name])) >= 2, part.name
        assert len({code for *_, code in wrong(name)[part.name]}) >= 6, part.name


def named_faults(module: Path) -> set[str]:
    """The names of faults in a module's source: in calls of `wrong` and the like, and in tables."""
    calls = (node for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.Call))
    names: list[ast.expr] = []
    for call in calls:
        function = ast.unparse(call.func).rpartition(".")[2]
        if function in ("wrong", "Mistake", "Ratio", "Case"):
            names += call.args[:1]
        elif function == "failing":  # a row of whether it fails, and the name
            names += [row.elts[1] for row in call.args if isinstance(row, ast.Tuple)]
    found = {name.value for name in names if isinstance(name, ast.Constant)}
    return {name for name in found if isinstance(name, str)} - {""}


@pytest.mark.parametrize("name", sets.PROBLEM_SETS)
def test_every_fault_that_a_judge_can_name_is_met(name: str) -> None:
    met = {fault for entries in wrong(name).values() for fault, *_ in entries}
    assert named_faults(KIT / "sets" / f"{name}.py") - met == set()


def test_every_fault_that_judges_share_is_met() -> None:
    met = {
        fault
        for name in sets.PROBLEM_SETS
        for entries in wrong(name).values()
        for fault, *_ in entries
    }
    shared = set().union(*(named_faults(path) for path in (KIT / "check").glob("*.py")))
    assert len(shared) > 10 and shared - met == set()
