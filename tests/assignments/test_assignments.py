"""The problem sets as a teacher uses them: releases, variants, and a class that is marked.

Submissions of a right, a wrong, an empty, a cheating and a harmful kind go through all of it:
sandbox, judge, nbgrader's gradebook, feedback and CSV.
"""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest
from bs4 import BeautifulSoup
from click.testing import CliRunner
from nbformat import NotebookNode
from xavier_grading import sets
from xavier_grading.__main__ import cli
from xavier_grading.mark import notebooks, sandbox

ROOT = Path(__file__).resolve().parents[2]
ASSIGNMENTS = ROOT / "assignments"
KEY = "correct horse battery staple"


def call(*arguments: Any) -> Any:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A copy of the course, without what was handed in."""
    for name in ("source", "release"):
        shutil.copytree(ASSIGNMENTS / name, tmp_path / "course" / name)
    return tmp_path / "course"


@pytest.mark.thorough
def test_releases_are_those_of_the_sources() -> None:
    done = call("release", "--check")
    assert done.exit_code == 0, done.output


@pytest.mark.thorough
def test_a_stale_release_is_noticed_and_made_again(course: Path) -> None:
    for name in ("ps1", "ps3", "ps4"):
        shutil.rmtree(course / "source" / name)
        shutil.rmtree(course / "release" / name)
    path = course / "release" / "ps2" / "ps2.ipynb"
    good = path.read_bytes()
    path.write_bytes(good.replace(b"Derive it", b"Derive that", 1))
    done = call("release", "--check", "--course", course)
    assert done.exit_code == 1 and "differs" in done.output and path.read_bytes() != good
    assert call("release", "--course", course).exit_code == 0
    assert path.read_bytes() == good


def roster(course: Path, text: str) -> Path:
    path = course / "students.csv"
    path.write_text(text)
    return path


def test_everybody_gets_numbers_of_their_own(course: Path) -> None:
    students = roster(course, "name,student\nAda,ada\nBob,bob@x.org\n")
    done = call("variant", "--course", course, "--key", KEY, "--roster", students)
    assert done.exit_code == 0, done.output
    texts = set()
    for student in ("ada", "bob@x.org"):
        for name in sets.PROBLEM_SETS:
            path = course / "variants" / student / name / f"{name}.ipynb"
            notebook = nbformat.read(path, as_version=4)
            nbformat.validate(notebook)
            texts.add(path.read_text())
            assert KEY not in path.read_text()
            assert notebooks.made_with(notebook) == notebooks.fingerprint(KEY)
        assert (course / "variants" / student / "ps4" / "patients.npz").is_file()
    assert len(texts) == 8
    patients = [course / "variants" / s / "ps4" / "patients.npz" for s in ("ada", "bob@x.org")]
    assert patients[0].read_bytes() != patients[1].read_bytes()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "column student"),
        ("name\nada\n", "column student"),
        ("student\n", "at least one row"),
        ("student\n../ada\n", "'../ada' cannot be"),
        ("student\n.hidden\n", "cannot be"),
        ("student\nada\nada\n", "twice"),
        ("student\nada\n\n,\n", "cannot be"),
    ],
)
def test_a_bad_roster_is_refused(course: Path, text: str, said: str) -> None:
    done = call("variant", "--course", course, "--key", KEY, "--roster", roster(course, text))
    assert done.exit_code == 1 and said in done.output
    assert not (course / "variants").exists()


def test_a_variant_needs_a_key(course: Path) -> None:
    done = call("variant", "--course", course, "--roster", roster(course, "student\nada\n"))
    assert done.exit_code == 1 and "key" in done.output


def test_there_must_be_something_to_mark(course: Path) -> None:
    done = call("grade", "--course", course, "--sandbox", "limits")
    assert done.exit_code == 1 and "nothing in" in done.output


# --------------------------------------------------------------------------------------------------
# A class
# --------------------------------------------------------------------------------------------------


def own(student: str, name: str = "ps2") -> NotebookNode:
    """A perfect submission."""
    source = nbformat.read(ASSIGNMENTS / "source" / name / f"{name}.ipynb", as_version=4)
    return notebooks.personal(source, sets.problem_set(name).variant(student, KEY))


def cell(notebook: NotebookNode, grade_id: str) -> NotebookNode:
    ids = (c.metadata.get("nbgrader", {}).get("grade_id") for c in notebook.cells)
    return notebook.cells[list(ids).index(grade_id)]


def wrong(notebook: NotebookNode) -> None:
    """The noise is forgotten, and the evidence is short."""
    cell(notebook, "answer-term").source += "\nforward = n_in * v * q"
    cell(notebook, "answer-evidence").source += "\nevidence['slope'] = evidence['slope'][:10]"


def cheat(notebook: NotebookNode) -> None:
    """Marks are printed, checks replaced, the package of marks is opened, cells are gone."""
    for name in ("answer-term", "answer-slope", "answer-compromise", "answer-residual"):
        cell(notebook, name).source = "class Yes:\n    def __eq__(self, other): return True\nYes()"
    for name in ("term", "forward", "slope"):
        cell(notebook, name).source = "print('3.0')\n3.0"
    cell(notebook, "answer-dies").source = (
        "import xavier_grading\nxavier_grading.checker = lambda *a: (lambda *b, **c: None)\n"
        "from xavier_grading.sets import ps2\nterm = ps2.truth('term', variant)"
    )
    notebook.cells.remove(cell(notebook, "compromise"))


def harm(notebook: NotebookNode) -> None:
    """It ends its process, eats memory and writes where it should not."""
    cell(notebook, "answer-slope").source = "import os; os._exit(0)"
    cell(notebook, "answer-residual").source = "x = bytearray(100 * 2**30)"
    cell(notebook, "answer-dies").source = f"open({str(ROOT / 'harmed')!r}, 'w').write('x')"


@pytest.mark.thorough
@pytest.mark.skipif(
    sandbox.protection() != "namespaces",
    reason="no sandbox here: Linux and bubblewrap are needed (apt install bubblewrap)",
)
def test_a_class_is_marked(course: Path) -> None:
    for name in ("ps1", "ps3", "ps4"):
        shutil.rmtree(course / "source" / name)
    for student, change in (("good", None), ("wrong", wrong), ("cheat", cheat), ("harmful", harm)):
        notebook = own(student)
        if change is not None:
            change(notebook)
        hand_in(course, student, notebook)
    hand_in(course, "empty", None)
    (course / "private").mkdir()
    (course / "private" / "ps2.py").write_text(
        "from xavier_grading.check.parts import right, wrong\n"
        "def bound(answers, variant):\n"
        "    small = len(str(answers.get('bound'))) < 3\n"
        "    return wrong('short', 'A teacher wants more.') if small else right()\n"
        "JUDGES = {'bound': bound}\n"
    )
    done = call("grade", "--course", course, "--key", KEY, "--jobs", 2)
    assert done.exit_code == 0, done.output
    marks = parts_of(course)
    assert total(marks, "good") == 46.0
    assert marks["wrong", "forward"]["fault"] == "no noise"
    assert marks["wrong", "sample_slope"]["fault"] == "few"
    assert marks["wrong", "dies"]["points"] == "1.5"  # the line is right, the formula built on it
    assert total(marks, "wrong") == 46.0 - 3 - 5 - 1.5
    assert total(marks, "empty") == 0.0
    assert all(row["message"] for row in marks.values())
    assert total(marks, "cheat") == 0.0
    assert not (ROOT / "harmed").exists()
    assert float(marks["harmful", "term"]["points"]) == 3.0
    assert "ended" in marks["harmful", "slope"]["message"]
    gradebook(course, marks)
    feedback(course)
    again(course, marks)


def hand_in(course: Path, student: str, notebook: NotebookNode | None) -> None:
    path = course / "submitted" / student / "ps2" / "ps2.ipynb"
    path.parent.mkdir(parents=True)
    if notebook is None:
        shutil.copy(course / "release" / "ps2" / "ps2.ipynb", path)
    else:
        nbformat.write(notebook, path)


def parts_of(course: Path) -> dict[tuple[str, str], dict[str, str]]:
    with (course / "marking" / "parts.csv").open(newline="") as file:
        return {(row["student"], row["part"]): row for row in csv.DictReader(file)}


def total(marks: dict[tuple[str, str], dict[str, str]], student: str) -> float:
    return sum(float(row["points"]) for (who, _), row in marks.items() if who == student)


def gradebook(course: Path, marks: dict[tuple[str, str], dict[str, str]]) -> None:
    """nbgrader's marks are the judge's; the written answer waits for the teacher."""
    with (course / "marking" / "grades.csv").open(newline="") as file:
        rows = {row["student_id"]: row for row in csv.DictReader(file)}
    assert set(rows) == {"good", "wrong", "cheat", "harmful", "empty"}
    for student, row in rows.items():
        assert float(row["raw_score"]) == pytest.approx(total(marks, student)), student
        assert float(row["max_score"]) == 50.0


def feedback(course: Path) -> None:
    """Everybody has a page that says what is wrong."""
    for student, said in (("good", "in one of its forms"), ("wrong", "the noise is left out"),
                          ("harmful", "the process ended")):  # fmt: skip
        page = course / "marking" / "feedback" / student / "ps2" / "ps2.html"
        text = BeautifulSoup(page.read_text(), "html.parser").get_text(" ")
        assert said in text, student


def again(course: Path, marks: dict[tuple[str, str], dict[str, str]]) -> None:
    """A second run reads what is marked; a report that is damaged is made again."""
    reports = course / "marking" / "reports"
    kept = {path: path.read_bytes() for path in reports.rglob("*.json")}
    broken = reports / "good" / "ps2.json"
    broken.write_text("{")
    done = call("grade", "--course", course, "--key", KEY, "--jobs", 1, "--no-feedback")
    assert done.exit_code == 0, done.output
    assert parts_of(course) == marks
    for path, content in kept.items():
        if path != broken:
            assert path.read_bytes() == content
    assert json.loads(broken.read_text())["marks"] == json.loads(kept[broken])["marks"]
