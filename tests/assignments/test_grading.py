"""Parts and variants, what comes back of a notebook, and how submissions are marked."""

from __future__ import annotations

import copy
import importlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import docutils.nodes
import nbformat
import numpy as np
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_raw_cell
from xavier_grading import checker, mark, sets
from xavier_grading.check import parts
from xavier_grading.check.answers import Local, Make, Unanswered
from xavier_grading.check.parts import Finding, NotYet, Part, ProblemSet, Variant
from xavier_grading.mark import marking, notebooks, pages
from xavier_grading.mark.marking import Task
from xavier_grading.mark.runner import within
from xavier_grading.mark.sandbox import Limits

ROOT = Path(__file__).resolve().parents[2]
ASSIGNMENTS = ROOT / "assignments"
NAMES = tuple(sets.PROBLEM_SETS)


def source(name: str) -> NotebookNode:
    return nbformat.read(ASSIGNMENTS / "source" / name / f"{name}.ipynb", as_version=4)


def release(name: str) -> NotebookNode:
    return nbformat.read(ASSIGNMENTS / "release" / name / f"{name}.ipynb", as_version=4)


def cell(notebook: NotebookNode, grade_id: str) -> NotebookNode:
    return next(
        c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == grade_id
    )


# --------------------------------------------------------------------------------------------------
# Parts and variants
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_variant_is_the_same_again_and_other_for_others(name: str) -> None:
    chosen = sets.problem_set(name)
    one = chosen.variant("ada", "key")
    assert chosen.variant("ada", "key") == one
    others = [chosen.variant(*who) for who in (("bob", "key"), ("eve", "key"), ("ada", "other"))]
    assert all(dict(other.shown) != dict(one.shown) for other in others)
    draws = {tuple(v.rng("x").integers(10**9, size=2)) for v in (one, *others)}
    assert len(draws) == 4 and one.rng("y").integers(10**9) not in {d[0] for d in draws}


@pytest.mark.parametrize("name", NAMES)
def test_what_is_shown_is_plain_python(name: str) -> None:
    for k in range(20):
        shown = dict(sets.problem_set(name).variant(f"s{k}", "key").shown)
        names: dict[str, Any] = {}
        exec(notebooks.variant_source(shown), names)
        assert names["variant"] == shown
        json.dumps(shown)


def test_what_only_the_key_tells_is_not_shown() -> None:
    for k in range(20):
        variant = sets.problem_set("ps4").variant(f"s{k}", "key")
        assert set(variant.hidden) == {"faults"} and "faults" not in variant.shown
        assert variant["faults"] == variant.hidden["faults"]


def test_a_share_of_the_points_rests_on_what_students_make() -> None:
    for chosen in sets.PROBLEM_SETS.values():
        own = sum(part.points for part in chosen.parts if part.own)
        assert own >= 0.4 * sum(part.points for part in chosen.parts), chosen.name
        assert 60 <= chosen.minutes <= 120


STUDENTS_SIDE = """
import builtins, importlib, pkgutil, sys

there = builtins.__import__


def imported(name, names=None, *rest):
    ours = str((names or {}).get("__name__")).partition(".")[0] in ("xavier", "xavier_grading")
    if ours and name.partition(".")[0] in ("fcntl", "grp", "pty", "pwd", "resource", "termios"):
        raise ModuleNotFoundError(f"No module named {name!r}, as on Windows")
    return there(name, names, *rest)


builtins.__import__ = imported
import xavier_grading
from xavier_grading import check, sets

for package in (check, sets):
    for found in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        importlib.import_module(found.name)
from xavier import datasets, network, training

shown = sets.problem_set("ps1").variant().shown
tell = xavier_grading.checker("ps1", shown)
tell("sparse", sparse_std=lambda n: (shown["density"] * n) ** -0.5)
print([name for name in sys.modules if name.startswith("xavier_grading.mark")])
"""


def test_the_students_side_runs_where_there_is_no_posix() -> None:
    """It imports neither what Windows lacks nor what marks."""
    told = subprocess.run(
        [sys.executable, "-c", STUDENTS_SIDE], capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith("sparse: ") and told.stdout.endswith("[]\n")


def test_what_the_students_side_uses_of_pandas_was_tried_with_its_edition_2_2() -> None:
    """With 2.2.3 a network was trained, tables were sent, and set 4's right answers were judged.

    A name that is new here is to be tried with such an edition, which Colab has, before it is.
    """
    code = [
        c.source for name in NAMES for c in release(name).cells if c.cell_type == "code"
    ]  # fmt: skip
    modules = re.findall(r"(?m)^from xavier\.(\w+) import", "\n".join(code))
    files = [ROOT / "xavier" / f"{name}.py" for name in (*modules, "datasets")]
    code += [path.read_text() for path in (*files, *(ASSIGNMENTS / "kit").glob("[cs]*/*.py"))]
    used = {name for text in code for name in re.findall(r"\b(?:pd|pandas)\.(\w+)", text)}
    assert len(files) > 2 and used == {"DataFrame", "Index", "RangeIndex", "Series", "concat"}


@pytest.mark.parametrize("name", NAMES)
def test_every_part_says_where_the_book_has_it(name: str) -> None:
    for part in sets.problem_set(name).parts:
        chapter, _, heading = part.read.partition(": ")
        notebook = nbformat.read(ROOT / "chapters" / f"{chapter}.ipynb", as_version=4)
        texts = "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
        assert heading in re.findall(r"(?m)^#+ (.+)$", texts), part.read
        assert part.section == f"chapter {int(chapter[:2])}, “{heading}”"
        anchor = docutils.nodes.make_id(heading)
        assert part.address == f"chapters/{chapter}.html#{anchor}"


def made_up(judge: parts.Judge, read: str = "") -> ProblemSet:
    part = Part("a", 2, 5, "easy", ("a",), judge, "Think.", read)
    return ProblemSet("psx", "", (part,), lambda _: ({}, {}, {}), (), 1)


def test_all_that_is_wrong_is_told_and_the_first_decides() -> None:
    def judge(answers: Any, variant: Variant) -> Iterator[Finding]:
        yield parts.right("So far.")
        yield parts.wrong("one", "One is wrong.", 0.5)
        yield parts.wrong("two", "Two is.")
        yield parts.wrong("one", "One is wrong.", 0.2)
        yield parts.right()
        raise errors[0]

    errors: list[Exception] = []
    part = made_up(judge, "03_scale: Six chapters").parts[0]
    told = "One is wrong. Two is."
    for error, more in ((Unanswered("no end"), " No answer: no end."), (KeyError("x"), "")):
        errors[:] = [error]
        found = parts.judge(part, Local({}), made_up(judge).variant())
        assert found == Finding(0.5, "one", told + more)
    many = [parts.wrong("x", f"{k}.") for k in range(9)]
    assert parts.together(many).message.endswith("5. And 3 things more.")
    assert parts.together([]) == parts.right()
    check = parts.Checker(made_up(judge, "03_scale: Six chapters"), {})
    with pytest.raises(NotYet, match=r"Hint: Think\. Read again: chapter 3, “Six chapters”\.$"):
        check("a", a=1)


def test_a_checker_says_so_and_hints_once(capsys: pytest.CaptureFixture[str]) -> None:
    def judge(answers: Any, variant: Variant) -> Finding:
        return parts.right("Yes.") if answers.get("a") == 3 else parts.wrong("x", "No.", 0.5)

    check = parts.Checker(made_up(judge), {})
    with pytest.raises(NotYet, match=r"^a: No\. Hint: Think\.$"):
        check("a", a=1)
    with pytest.raises(NotYet, match=r"^a: No\.$"):
        check("a", a=2)
    check("a", a=3)
    check.again("a", a=3)
    assert capsys.readouterr().out == "a: Yes.\n"
    with pytest.raises(NotYet, match="other numbers"):
        check.again("a", a=4)
    with pytest.raises(ValueError, match="part must be one of a"):
        check("b", a=3)


def test_other_questions_are_asked_when_it_is_marked() -> None:
    seen = []

    def judge(answers: Any, variant: Variant) -> Finding:
        seen.append(int(variant.rng("q").integers(10**9)))
        return parts.right()

    check = parts.Checker(made_up(judge), {})
    check("a", a=1)
    check.again("a", a=1)
    marked = replace(made_up(judge).variant("ada", "key"))
    parts.judge(made_up(judge).parts[0], Local({}), marked)
    assert len(set(seen)) == 3


@pytest.mark.parametrize(
    ("error", "fault"),
    [(Unanswered("x"), "unanswered"), (ValueError("x"), "form"), (KeyError("x"), "form"),
     (TypeError("x"), "form"), (ZeroDivisionError("x"), "form"), (AttributeError("x"), "form")],
)  # fmt: skip
def test_an_answer_of_another_form_is_worth_nothing(error: Exception, fault: str) -> None:
    def judge(answers: Any, variant: Variant) -> Finding:
        raise error

    found = parts.judge(made_up(judge).parts[0], Local({}), Variant("psx", "", {}))
    assert (found.share, found.fault) == (0.0, fault) and "x" in found.message


def test_a_checker_is_silent_while_it_is_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XAVIER_GRADING", "off")
    checker("ps3", {})("anything", at="all")
    monkeypatch.delenv("XAVIER_GRADING")
    with pytest.raises(ValueError, match="problem set must be one of ps1"):
        checker("ps9", {})


def test_local_answers_are_what_another_process_would_send() -> None:
    held = Local({"f": lambda x, rng, k=1: (x, rng.random() * 0 + k), "n": 3, "g": 1, "e": 1 / 3})
    assert held.call("f", [1, 2], Make("rng", seed=1), k=5) == [[1, 2], 5.0]
    assert held.get("n") == 3
    for ask in (lambda: held.get("m"), lambda: held.call("g"), lambda: held.parameters("x"),
                lambda: held.call("f")):  # fmt: skip
        with pytest.raises(Unanswered):
            ask()


def test_things_are_made_once_for_a_label() -> None:
    held = Local({"draw": lambda rng: rng.random(), "use": lambda module: None})
    first, second = (held.call("draw", Make("rng", "one", 5)) for _ in range(2))
    assert first != second and held.call("draw", Make("rng", "two", 5)) == first
    held.call("use", Make("module", "net", 0, (("linear", 3, 2), ("tanh",), ("norm", 2))))
    found = held.parameters("net")
    assert {name: p.shape for name, p in found.items()} == {
        "0.weight": (2, 3), "0.bias": (2,), "2.weight": (2,), "2.bias": (2,),
    }  # fmt: skip
    assert all(np.all(p == 7.0) for p in found.values())


# --------------------------------------------------------------------------------------------------
# Notebooks
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_has_a_mark_for_every_part(name: str) -> None:
    chosen = sets.problem_set(name)
    expected = {part.name: float(part.points) for part in chosen.parts}
    for notebook in (source(name), release(name)):
        assert notebooks.marks(notebook) == expected
        ids = [c.metadata.nbgrader.grade_id for c in notebook.cells if "nbgrader" in c.metadata]
        assert len(set(ids)) == len(ids)
        for part in chosen.parts:
            assert cell(notebook, part.name).source.startswith(f'check("{part.name}", ')
        managed = [c for c in notebook.cells if "variant" not in c.metadata.get("tags", [])]
        assert all("nbgrader" in c.metadata for c in managed)


@pytest.mark.parametrize("name", NAMES)
def test_a_release_has_no_solution(name: str) -> None:
    given = release(name)
    text = "\n".join(c.source for c in given.cells)
    for said in ("BEGIN SOLUTION", "HIDDEN TESTS", "Rubric", "Model answer", "check.again"):
        assert said in "\n".join(c.source for c in source(name).cells)
        assert said not in text
    assert all(not c.get("outputs") for c in given.cells)


def answered(name: str = "ps2", student: str = "ada", key: str = "key") -> NotebookNode:
    """A perfect submission."""
    return notebooks.personal(source(name), sets.problem_set(name).variant(student, key))


def came(submitted: NotebookNode | None, name: str = "ps2") -> notebooks.Restored:
    return notebooks.restored(
        submitted, release(name), sets.problem_set(name).variant("ada", "key")
    )


def back(submitted: NotebookNode | None, name: str = "ps2") -> NotebookNode:
    return came(submitted, name).notebook


def test_a_submission_comes_back_as_it_was() -> None:
    submitted = answered()
    found = back(submitted)
    own = {
        c.metadata.nbgrader.grade_id: c.source for c in submitted.cells if "nbgrader" in c.metadata
    }
    for c in found.cells:
        if "nbgrader" in c.metadata and c.metadata.nbgrader.solution:
            assert c.source == own[c.metadata.nbgrader.grade_id]
    nbformat.validate(found)


def test_locked_cells_come_back_whatever_was_done_to_them() -> None:
    whole = back(answered())
    submitted = answered()
    for c in list(submitted.cells):
        kind = c.metadata.get("nbgrader", {})
        if kind.get("grade") and not kind.get("solution"):
            c.source = "print('full marks')"
        elif kind.get("locked"):
            submitted.cells.remove(c)
    submitted.cells = [c for c in submitted.cells if "variant" not in c.metadata.get("tags", [])]
    assert [c.source for c in back(submitted).cells] == [c.source for c in whole.cells]


def test_points_and_kinds_cannot_be_changed() -> None:
    submitted = answered()
    cell(submitted, "term").metadata.nbgrader.points = 1000
    cell(submitted, "answer-term").metadata.nbgrader.grade = True
    cell(submitted, "forward").metadata.nbgrader.solution = True
    cell(submitted, "forward").source = "1000"
    found = back(submitted)
    assert notebooks.marks(found) == notebooks.marks(release("ps2"))
    assert cell(found, "forward").source == cell(release("ps2"), "forward").source


def test_what_a_student_adds_stays_where_it_was_put() -> None:
    submitted = answered()
    place = submitted.cells.index(cell(submitted, "answer-slope"))
    submitted.cells.insert(place, new_code_cell("helper = 1"))
    submitted.cells.insert(0, new_code_cell("first = 1"))
    submitted.cells.append(new_markdown_cell("Thanks."))
    submitted.cells.append(new_raw_cell("raw"))
    found = [c.source for c in back(submitted).cells]
    assert found[0] == "first = 1" and found[-2:] == ["Thanks.", "raw"]
    assert found[found.index("helper = 1") + 1] == cell(submitted, "answer-slope").source


def test_a_cell_that_was_split_or_copied_counts_whole_and_it_is_said() -> None:
    submitted = answered()
    twin = copy.deepcopy(cell(submitted, "answer-term"))
    twin.source = "term = term"
    submitted.cells.insert(submitted.cells.index(cell(submitted, "answer-term")) + 1, twin)
    found = came(submitted)
    sources = [c.source for c in found.notebook.cells]
    assert sources[sources.index("term = term") - 1] == cell(submitted, "answer-term").source
    assert found.notes == ["The cell answer-term is there 2 times: all were taken, in their order."]


def test_cells_are_known_by_their_ids_and_by_their_text() -> None:
    whole = [c.source for c in back(answered()).cells]
    submitted = answered()
    for c in submitted.cells:
        c.metadata = {}
    found = came(submitted)
    assert [c.source for c in found.notebook.cells] == whole and found.notes == []
    for c in submitted.cells:
        c.id = "x"
    found = came(submitted)
    code = dict(notebooks.runnable(found.notebook)).values()
    for c in submitted.cells:
        if c.cell_type == "code" and not c.source.startswith("check("):
            assert c.source in code
    assert not any("NotImplementedError" in c for c in code)
    assert len(found.notes) == 1 and "lost what its cells are called" in found.notes[0]


def test_a_lost_cell_is_named_and_its_stub_is_not_run() -> None:
    submitted = answered()
    submitted.cells.remove(cell(submitted, "answer-slope"))
    term = cell(submitted, "answer-term")
    submitted.cells[submitted.cells.index(term)] = new_markdown_cell(
        term.source, metadata=term.metadata
    )
    found = came(submitted)
    assert found.lost == {"answer-slope", "answer-term"}
    assert "answer-term is no code any more" in found.notes[0]
    assert "answer-slope is not there" in found.notes[1]
    assert not any("NotImplementedError" in c for _, c in notebooks.runnable(found.notebook))


def test_the_variant_is_the_students_own() -> None:
    submitted = answered()
    for c in submitted.cells:
        if "variant" in c.metadata.get("tags", []):
            c.source = "variant = {'noise': 'none'}"
    own = sets.problem_set("ps2").variant("ada", "key")
    assert notebooks.variant_source(own.shown) in [c.source for c in back(submitted).cells]


def test_nothing_but_the_marks_is_left_out_of_a_run() -> None:
    run = dict(notebooks.runnable(back(answered())))
    assert not any(code.startswith("check(") for code in run.values())
    assert any("variant = {" in code for code in run.values())
    assert "cell answer-term" in run


def test_a_missing_submission_is_the_release() -> None:
    found = back(None)
    code = [c for c in found.cells if c.cell_type == "code" and "nbgrader" in c.metadata]
    answers = [c for c in code if c.metadata.nbgrader.solution]
    assert answers and all("NotImplementedError" in c.source for c in answers)


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '"text"', '{"cells": 3}', '{"cells": [3]}', "[" * 100_000, "NaN", "1" * 5000,
     '{"cells": [{"cell_type": "code", "source": 3, "metadata": {}}]}', "\ud800"],
)  # fmt: skip
def test_what_is_no_notebook_is_said_to_be_none(tmp_path: Path, content: str) -> None:
    path = tmp_path / "ps2.ipynb"
    path.write_bytes(content.encode("utf-8", "surrogatepass"))
    with pytest.raises(notebooks.Unreadable, match=r"no notebook|no text"):
        notebooks.read(path)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "cp1252"])
def test_a_notebook_is_read_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x = 'ü'")])
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps(notebook, ensure_ascii=False), encoding=encoding)
    assert notebooks.read(path).cells[0].source == "x = 'ü'"


def test_old_formats_odd_metadata_and_half_characters_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    cells = [
        {"cell_type": "code", "input": ["x = 1\r\n", "y = '\ud800\x1b'"], "metadata": 5, "id": [1]},
        {"cell_type": "heading", "source": "Title", "metadata": {"tags": 5, "nbgrader": []}},
    ]
    path.write_text(json.dumps({"nbformat": 3, "worksheets": [{"cells": cells}], "metadata": []}))
    found = notebooks.read(path).cells
    assert found[0].source == "x = 1\ny = '?'" and found[1].cell_type == "markdown"
    assert back(notebooks.read(path)).cells[0].source == found[0].source


def test_lines_end_as_they_do_anywhere() -> None:
    assert notebooks.printable("a\rb\r\nc\nd") == "a\nb\nc\nd"


def test_a_heading_of_the_students_own_names_no_part() -> None:
    submitted = answered()
    place = submitted.cells.index(cell(submitted, "answer-term"))
    submitted.cells.insert(place, new_markdown_cell("# 3 of 3 points"))
    headings = [heading for _, heading, _ in notebooks.questions(back(submitted))]
    assert headings == [heading for _, heading, _ in notebooks.questions(back(answered()))]


# Where the first exception lands, in a callback of the collector's say, it is ignored and told.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_text_that_takes_for_ever_is_shown_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    formulas = " ".join(f"$x_{{{k}}} < y$" for k in range(20_000))
    assert pages._answer(new_markdown_cell("$x < y$ <b>")).count("<img") == 1
    monkeypatch.setattr(pages, "_PATIENCE", 0.5)
    shown = pages._answer(new_markdown_cell(formulas))
    assert shown.startswith("<pre>") and "&lt; y$" in shown and "<img" not in shown


def test_time_is_the_processors_and_the_clock_stops_what_waits() -> None:
    """Neither depends on what else the machine has to do."""
    with within(0.5):
        time.sleep(1.0)
    with pytest.raises(TimeoutError, match=r"more than 0\.2 seconds"), within(0.2):
        while True:
            pass
    with pytest.raises(TimeoutError, match=r"more than 0\.2 s by the clock"), within(60, clock=0.2):
        time.sleep(60)


def test_a_limit_comes_again_where_its_exception_was_taken() -> None:
    taken = 0
    with pytest.raises(TimeoutError), within(0.1):
        while True:
            try:
                while True:
                    pass
            except TimeoutError:
                taken += 1
                if taken == 2:
                    raise
    assert taken == 2


def test_marking_says_what_it_needs_where_it_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "name", "nt")
        with pytest.raises(SystemExit, match="Windows with WSL"):
            importlib.reload(mark)
    importlib.reload(mark)


def test_links_pipes_and_devices_are_not_opened(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    nbformat.write(answered(), tmp_path / "other" / "ps2.ipynb")
    (tmp_path / "a.ipynb").symlink_to(tmp_path / "other" / "ps2.ipynb")
    (tmp_path / "folder").symlink_to(tmp_path / "other")
    os.mkfifo(tmp_path / "b.ipynb")
    (tmp_path / "c.ipynb").mkdir()
    (tmp_path / "own" / "ps2").mkdir(parents=True)
    nbformat.write(answered(), tmp_path / "own" / "ps2" / "ps2.ipynb")
    (tmp_path / "student").symlink_to(tmp_path / "own")
    for path in (tmp_path / "a.ipynb", tmp_path / "folder" / "ps2.ipynb", tmp_path / "b.ipynb",
                 tmp_path / "student" / "ps2" / "ps2.ipynb", tmp_path / "c.ipynb",
                 Path("/dev/zero")):  # fmt: skip
        with pytest.raises(notebooks.Unreadable, match=r"link|no plain file|no notebook"):
            notebooks.read(path)


@pytest.mark.parametrize(
    ("files", "chosen", "said"),
    [
        (["ps2.ipynb"], "ps2.ipynb", ""),
        (["ps2 (1).ipynb"], "ps2 (1).ipynb", "is called ps2 (1).ipynb"),
        (["PS2.IPYNB"], "PS2.IPYNB", "is called PS2.IPYNB"),
        (["ps2.ipynb", "old.ipynb", ".hidden.ipynb"], "ps2.ipynb", "not read: old.ipynb"),
        (["a.ipynb", "b.ipynb"], "ps2.ipynb", "none of a.ipynb, b.ipynb"),
        ([], "ps2.ipynb", ""),
    ],
)
def test_the_notebook_is_found_whatever_it_is_called(
    tmp_path: Path, files: list[str], chosen: str, said: str
) -> None:
    for name in files:
        (tmp_path / name).touch()
    path, note = notebooks.find(tmp_path, "ps2")
    assert path.name == chosen and said in note and bool(said) == bool(note)
    assert notebooks.find(tmp_path / "none", "ps2")[1] == ""


def test_too_large_a_notebook_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notebooks, "LARGEST", 10)
    (tmp_path / "a.ipynb").write_text("x" * 11)
    with pytest.raises(notebooks.Unreadable, match="more than 10 bytes"):
        notebooks.read(tmp_path / "a.ipynb")
    with pytest.raises(notebooks.Unreadable, match="there is no notebook"):
        notebooks.read(tmp_path / "b.ipynb")


# --------------------------------------------------------------------------------------------------
# Marks
# --------------------------------------------------------------------------------------------------


QUICK = Limits(cell=60, call=20, total=240)


def task(tmp_path: Path, notebook: NotebookNode | None, **changes: Any) -> Task:
    path = tmp_path / "ps2.ipynb"
    if notebook is not None:
        nbformat.write(notebook, path)
    given = ASSIGNMENTS / "release" / "ps2" / "ps2.ipynb"
    return replace(Task("ada", "ps2", path, given, "key", by="limits"), **changes)


def test_all_that_decides_a_mark_changes_its_version(tmp_path: Path) -> None:
    one = task(tmp_path, answered())
    private = tmp_path / "private.py"
    private.write_text("JUDGES = {}")
    versions = {
        one.version,
        replace(one, key="other").version,
        replace(one, student="bob").version,
        replace(one, by="namespaces").version,
        replace(one, private=private).version,
    }
    changed = answered()
    cell(changed, "answer-term").source += "\n"
    versions.add(task(tmp_path, changed).version)
    assert len(versions) == 6


def test_whatever_goes_wrong_in_marking_is_a_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("half \ud800")

    monkeypatch.setattr(notebooks, "restored", fail)
    report = marking.mark(task(tmp_path, answered()))
    assert report.total == 0 and report.version == ""
    assert all("RuntimeError: half ?" in mark.message for mark in report.marks.values())
    marking.save(report, tmp_path / "kept.json")
    assert marking.load(tmp_path / "kept.json") == report


@pytest.mark.thorough
def test_a_worker_that_is_killed_takes_no_other_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The private file of a teacher is run in the worker: here it ends it.
    private = tmp_path / "private.py"
    private.write_text("import os\nos._exit(9)")
    tasks = [
        task(tmp_path, None, student="ada", private=private),
        *(task(tmp_path, None, student=name) for name in ("bob", "eve")),
    ]
    tasks = [replace(t, notebook=ASSIGNMENTS / "release" / "ps2" / "ps2.ipynb", limits=QUICK)
             for t in tasks]  # fmt: skip
    told: list[str] = []
    reports = marking.mark_all(tasks, tmp_path / "r", 2, lambda report: told.append(report.student))
    assert sorted(told) == ["ada", "bob", "eve"]
    assert "was killed" in reports[0].marks["term"].message
    assert {mark.message for mark in reports[1].marks.values()} == {"Not answered."}
    assert reports[1].marks == reports[2].marks


def test_what_cannot_be_read_gets_nothing_and_says_why(tmp_path: Path) -> None:
    broken = task(tmp_path, None)
    assert marking.mark(broken).total == 0
    broken.notebook.write_text("{")
    report = marking.mark(broken)
    assert all("no notebook" in mark.message for mark in report.marks.values())


def test_a_report_is_kept_and_read_again(tmp_path: Path) -> None:
    report = marking.mark(task(tmp_path, None))
    marking.save(report, tmp_path / "kept.json")
    assert marking.load(tmp_path / "kept.json") == report
    for damaged in ("", "{}", '{"marks": 1}', (tmp_path / "kept.json").read_text()[:-30]):
        (tmp_path / "damaged.json").write_text(damaged)
        assert marking.load(tmp_path / "damaged.json") is None
    assert marking.load(tmp_path / "missing.json") is None


def test_private_judges_must_say_which(tmp_path: Path) -> None:
    path = tmp_path / "ps2.py"
    assert marking.extra_judges(path) == {} and marking.extra_judges(None) == {}
    path.write_text("X = 1")
    with pytest.raises(ValueError, match="must define JUDGES"):
        marking.extra_judges(path)


def test_namespaces_are_asked_for_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xavier_grading.mark.sandbox.protection", lambda: "limits")
    assert marking.protected("limits") == "limits"
    with pytest.raises(RuntimeError, match="bubblewrap"):
        marking.protected("namespaces")
    assert "PATH" in os.environ
