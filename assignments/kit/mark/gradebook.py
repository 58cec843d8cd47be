"""The judge's marks in nbgrader's gradebook, in which a teacher marks written answers.

nbgrader makes the releases and keeps the gradebook. It does not run submissions: where it would,
`Marks` puts in what the judge has found.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Unicode

from . import marking
from .pages import Written

_LINE = 76  # characters of a line of feedback

PREPROCESSORS = (
    "xavier_grading.mark.gradebook.Marks",
    "nbgrader.preprocessors.LimitOutput",
    "nbgrader.preprocessors.SaveAutoGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
)
"""What nbgrader does with a submission that it marks, with `Marks` where it would run it."""


class Marks(NbGraderPreprocessor):  # type: ignore[misc]
    """Fill the cells that are marked with the points and messages of the judge's report."""

    reports = Unicode("", help="folder of the judge's reports").tag(config=True)

    def preprocess(
        self, nb: NotebookNode, resources: dict[str, Any]
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Called by nbgrader for one submission.

        Raises:
            FileNotFoundError: it has not been judged.
        """
        student, problem_set = (resources["nbgrader"][k] for k in ("student", "assignment"))
        path = Path(self.reports) / student / f"{problem_set}.json"
        report = marking.load(path)
        if report is None:
            raise FileNotFoundError(f"{path} is missing: the submission has not been judged")
        for number, cell in enumerate(nb.cells, start=1):
            if cell.cell_type != "code":
                continue
            name = cell.metadata.get("nbgrader", {}).get("grade_id", str(number))
            if name in report.marks:
                mark = report.marks[name]
                text = textwrap.fill(mark.message, _LINE) + "\n"  # the page cuts long lines off
                said = nbformat.v4.new_output("stream", name="stdout", text=text)
                points = nbformat.v4.new_output(
                    "execute_result", {"text/plain": f"{mark.points:g}"}, execution_count=number
                )
                cell.outputs = [said, points]
            elif (trouble := report.troubles.get(f"cell {name}")) is not None:
                text = textwrap.fill(f"While it was marked: {trouble}", _LINE) + "\n"
                cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=text)]
        return nb, resources


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
            *(f"--CourseDirectory.root={course}", "--CourseDirectory.course_id=xavier"),
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


def autograde(course: Path, problem_set: str, reports: Path) -> None:
    """Put the judge's marks of a problem set into the gradebook; nothing of a submission is run.

    Args:
        course: the folder with ``source``, ``submitted`` and the rest.
        problem_set: which.
        reports: folder of the judge's reports.

    Raises:
        RuntimeError: nbgrader failed.
    """
    # Said here and not left to a file: without it nbgrader would run what was handed in.
    run(
        course,
        *("autograde", problem_set, "--force", f"--Marks.reports={reports}"),
        f"--Autograde.autograde_preprocessors={list(PREPROCESSORS)}",
    )


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
    with Gradebook(f"sqlite:///{database}") as book:
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
