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
    for name in sets.PROBLEM_SETS.keys() - {"ps2"}:
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
    done = call(
        *("variant", "--course", course, "--key", KEY),
        *("--roster", students, "--address", "git+x"),
    )
    assert done.exit_code == 0, done.output
    texts = set()
    for student in ("ada", "bob@x.org"):
        for name in sets.PROBLEM_SETS:
            path = course / "variants" / student / name / f"{name}.ipynb"
            notebook = nbformat.read(path, as_version=4)
            nbformat.validate(notebook)
            texts.add(path.read_text())
            assert KEY not in path.read_text() and "git+x" in path.read_text()
            assert notebooks.named(notebook) == (student, name)
            assert notebook.metadata.kernelspec
        assert (course / "variants" / student / "ps4" / "patients.npz").is_file()
    assert len(texts) == 2 * len(sets.PROBLEM_SETS)
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


def test_the_key_is_made_by_the_program_and_kept(course: Path) -> None:
    students = roster(course, "student\nada\n")
    assert call("variant", "--course", course, "--roster", students).exit_code == 0
    kept = course / "private" / "key"
    key = kept.read_text()
    assert len(key) >= 32 and kept.stat().st_mode & 0o077 == 0
    assert call("variant", "--course", course, "--roster", students).exit_code == 0
    assert kept.read_text() == key
    variant = sets.problem_set("ps2").variant("ada", key)
    text = (course / "variants" / "ada" / "ps2" / "ps2.ipynb").read_text()
    notebook = nbformat.reads(text, as_version=4)
    assert notebooks.variant_of(notebook) == notebooks.variant_source(variant.shown)
    done = call("variant", "--course", course, "--key", "short", "--roster", students)
    assert done.exit_code == 1 and "at least 12" in done.output
    (course / "submitted" / "ada" / "ps2").mkdir(parents=True)
    done = call("grade", "--course", course, "--key", KEY, "--sandbox", "limits")
    assert done.exit_code == 1 and "another key" in done.output


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
    few = "[: 10 if what == 'slope' else 99]"
    cell(
        notebook, "answer-evidence"
    ).source += f"\nlong = sample\nsample = lambda what, rng: long(what, rng){few}"


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
    for name in sets.PROBLEM_SETS.keys() - {"ps2"}:
        shutil.rmtree(course / "source" / name)
    for student, change in (("good", None), ("wrong", wrong), ("cheat", cheat), ("harmful", harm)):
        notebook = own(student)
        if change is not None:
            change(notebook)
        hand_in(course, student, notebook)
    hand_in(course, "empty", None)
    hand_in(course, "friend", own("good"))
    path = course / "submitted" / "broken" / "ps2" / "ps2.ipynb"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"{")
    (course / "private").mkdir()
    (course / "private" / "students.csv").write_text(
        "student,Student,ID\ngood,Good,1\naway,Away,2\n"
    )
    stamp = course / "submitted" / "good" / "ps2" / "timestamp.txt"
    stamp.write_text("2027-01-31 14:00:00 UTC")
    (course / "private" / "ps2.py").write_text(
        "from xavier_grading.check.parts import right, wrong\n"
        "def bound(answers, variant):\n"
        "    small = len(str(answers.get('bound'))) < 3\n"
        "    return wrong('short', 'A teacher wants more.') if small else right()\n"
        "JUDGES = {'bound': bound}\n"
    )
    done = call(
        *("grade", "--course", course, "--key", KEY, "--jobs", 2),
        *("--due", "2027-01-31T12:00", "--book", "https://book.org"),
    )
    assert done.exit_code == 0, done.output
    assert "/7] broken" in done.output and "could not be read" in done.output
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
    """The tables have the judge's marks; the written answer waits for the teacher."""

    def table(name: str) -> list[dict[str, str]]:
        with (course / "marking" / name).open(newline="") as file:
            return list(csv.DictReader(file))

    rows = {row["student_id"]: row for row in table("grades.csv")}
    assert set(rows) == {
        *("good", "wrong", "cheat", "harmful", "empty", "friend", "broken", "away"),
    }
    assert rows.pop("away")["status"] == "not handed in"
    for student, row in rows.items():
        assert float(row["score"]) == pytest.approx(total(marks, student)), student
        assert float(row["max_score"]) == 46.0 and float(row["to_be_marked"]) == 4.0
        assert row["status"] == ("no notebook" if student == "broken" else "to be marked")
    assert rows["good"]["percent"] == "100" and rows["good"]["late"] == "2"
    canvas = table("canvas.csv")
    assert list(canvas[0]) == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "ps2"]
    assert canvas[0]["Student"].strip() == "Points Possible" and canvas[0]["ps2"] == "50"
    assert canvas[1]["ps2"] == "" and {"Good", "Away"} <= {row["Student"] for row in canvas}
    assert {"Email address", "ps2"} <= set(table("moodle.csv")[0])
    pairs = {(row["student"], row["other"]): row["what"] for row in table("copies.csv")}
    assert ("friend", "good") in pairs and "made for" in pairs["friend", "good"]
    assert not any("empty" in pair for pair in pairs)


def feedback(course: Path) -> None:
    """Everybody has a page that says what is wrong, and runs nothing."""
    for student, said in (
        ("good", "4 more are for written answers"),
        ("good", "46 of 46 points"),
        ("wrong", "the noise is left out"),
        ("wrong", "Read again: chapter 4"),
        ("harmful", "the process ended"),
        ("broken", "could not be read"),
        ("empty", "Not answered."),
    ):
        page = (course / "marking" / "feedback" / student / "ps2.html").read_text()
        text = " ".join(BeautifulSoup(page, "html.parser").get_text(" ").split())
        assert said in text, (student, text)
        assert "<script" not in page and "default-src 'none'" in page
    assert not (course / "marking" / "feedback" / "away").exists()


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
