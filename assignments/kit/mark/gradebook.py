"""The judge's marks in nbgrader's gradebook, in which a teacher marks written answers.

nbgrader makes the releases and keeps the gradebook. It runs no submission.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
import warnings
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader import utils
from nbgrader.api import Gradebook

from . import notebooks
from .marking import Report
from .pages import Written

COURSE = "xavier"
"""What nbgrader calls the course."""

_LINE = 76  # characters of a line of feedback


def run(course: Path, *arguments: str) -> None:
    """Run a command of nbgrader on a course.

    Args:
        course: the folder with ``source`` and the rest.
        arguments: of the command, its name first.

    Raises:
        RuntimeError: it failed; the message has the end of what it printed.
    """
    done = subprocess.run(
        [
            *(sys.executable, "-m", "nbgrader", *arguments),
            *(f"--CourseDirectory.root={course}", f"--CourseDirectory.course_id={COURSE}"),
            *("--OverwriteCells.add_missing_cells=True", "--log-level=WARN"),
        ],
        cwd=course,
        capture_output=True,
        text=True,
        check=False,
        # nbgrader calls a command of its own environment by name.
        env={
            **os.environ,
            "PATH": os.pathsep.join([os.fspath(Path(sys.executable).parent), os.environ["PATH"]]),
            "PYTHONWARNINGS": "ignore",
        },
    )
    if done.returncode:
        said = (done.stdout + done.stderr)[-2000:]
        raise RuntimeError(f"nbgrader {' '.join(arguments)} failed:\n{said}")


def enter(room: Path, problem_set: str, student: str, notebook: NotebookNode, told: Report) -> None:
    """Put a judged submission into the gradebook, and where nbgrader's own pages look for it.

    Args:
        room: the folder with the gradebook, in which the problem set is known.
        problem_set: which.
        student: whose it is.
        notebook: as it was restored; it is changed.
        told: the judge's report.
    """
    with (
        warnings.catch_warnings(action="ignore"),  # nbgrader's way with its database gives some
        Gradebook(f"sqlite:///{room / 'gradebook.db'}", COURSE) as book,
    ):
        book.update_or_create_student(student)
        submitted = book.update_or_create_submission(problem_set, student).notebooks[0]
        grades = {grade.name: grade for grade in submitted.grades}
        comments = {comment.name: comment for comment in submitted.comments}
        for number, cell in enumerate(harmless(notebook).cells, start=1):
            name = cell.metadata.get("nbgrader", {}).get("grade_id", str(number))
            mark = told.marks.get(name)
            said = mark.message if mark else told.troubles.get(f"cell {name}", "")
            if cell.cell_type == "code" and said:
                text = textwrap.fill(said if mark else f"While it was marked: {said}", _LINE) + "\n"
                cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=text)]
            if (grade := grades.get(name)) is not None:
                # For a written answer nbgrader says none, or nothing where it is as handed out.
                grade.auto_score = mark.points if mark else utils.determine_grade(cell)[0]
                given = grade.manual_score is not None
                grade.needs_manual_grade = given or grade.auto_score is None
            if (comment := comments.get(name)) is not None:
                same = cell.metadata.nbgrader.get("checksum") == utils.compute_checksum(cell)
                comment.auto_comment = "No response." if same else None
        book.db.commit()
    text = nbformat.writes(notebook).encode("utf-8", "replace")
    for folder in ("submitted", "autograded"):
        notebooks.write(room / folder / student / problem_set / f"{problem_set}.ipynb", text)


def harmless(notebook: NotebookNode) -> NotebookNode:
    """The notebook, changed: its Markdown has no HTML and no links, which nbgrader would obey."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            # A tag begins with < and a letter or a sign; a link is ]( or ]:.
            text = re.sub(r"<(?=[A-Za-z/!?])", "< ", cell.source)
            cell.source = re.sub(r"\](?=[(:\[])", "] ", text)
    return notebook


def written(database: Path) -> dict[tuple[str, str], dict[str, Written]]:
    """Points and comments that the teacher gave to written answers, by student and problem set."""
    found: dict[tuple[str, str], dict[str, Written]] = {}
    if not database.is_file():
        return found
    with Gradebook(f"sqlite:///{database}", COURSE) as book:
        for assignment in book.assignments:
            for submission in assignment.submissions:
                for notebook in submission.notebooks:
                    said = {c.name: c.manual_comment or "" for c in notebook.comments}
                    found[submission.student.id, assignment.name] = {
                        grade.name: Written(grade.manual_score, said.get(grade.name, ""))
                        for grade in notebook.grades
                        if grade.cell.cell_type == "markdown"
                    }
    return found


def names(course: Path) -> Sequence[str]:
    """Problem sets that have a source."""
    return sorted(path.parent.name for path in course.glob("source/*/*.ipynb"))
