"""``python -m xavier_grading``: releases, variants and marks of the problem sets."""

from __future__ import annotations

import csv
import filecmp
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NoReturn

import click
import nbformat
import pandas as pd
from tqdm import tqdm

from . import sets
from .check import parts
from .mark import gradebook, marking, notebooks
from .mark.marking import Report, Task
from .mark.notebooks import write
from .mark.sandbox import Protection

COURSE = Path(__file__).resolve().parents[1]
"""The course of this repository."""

_STUDENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}")
_folder = click.option(
    "--course",
    type=click.Path(path_type=Path, file_okay=False),
    default=COURSE,
    help="Folder of the course.  [default: assignments]",
)
_key = click.option(
    "--key",
    default=parts.PUBLIC,
    envvar="KEY",
    help="What students' numbers are drawn with; yours alone.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Problem sets: make releases and students' variants, and mark what comes back."""


@cli.command()
@_folder
@click.option("--check", is_flag=True, help="Change nothing; fail if something would change.")
@click.option("--solve", is_flag=True, help="Run the solutions too: they must get all points.")
def release(course: Path, check: bool, solve: bool) -> None:
    """Make what students get from the sources with solutions."""
    with tempfile.TemporaryDirectory() as temporary:
        made = _generate(course, Path(temporary))
        stale = []
        for path in sorted(p for p in made.rglob("*") if p.is_file()):
            target = course / "release" / path.relative_to(made)
            if not (target.is_file() and filecmp.cmp(path, target, shallow=False)):
                stale.append(target)
                if not check:
                    write(target, path.read_bytes())
    for target in stale:
        click.echo(f"{'differs' if check else 'written'}: {_near(target)}")
    if check and stale:
        _fail("the releases are not those of the sources; make assignments writes them")
    click.echo(f"{len(gradebook.names(course))} releases are as their sources say")
    for name in gradebook.names(course) if solve else ():
        source = course / "source" / name / f"{name}.ipynb"
        given = course / "release" / name / f"{name}.ipynb"
        report = marking.mark(Task(parts.PUBLIC, name, source, given, by="limits"))
        lost = {part: mark.message for part, mark in report.marks.items() if mark.fault}
        if lost:
            told = "; ".join(f"{part}: {message}" for part, message in lost.items())
            _fail(f"the solution of {name} does not get all points: {told}")
        click.echo(f"{name}: its solution gets {report.total:g} points, in {report.seconds:.0f} s")


def _generate(course: Path, folder: Path) -> Path:
    """Releases of all sources, in a folder."""
    shutil.copytree(course / "source", folder / "source")
    for name in gradebook.names(folder):
        variant = sets.problem_set(name).variant()
        path = folder / "source" / name / f"{name}.ipynb"
        notebook = notebooks.personal(nbformat.read(path, as_version=4), variant)
        del notebook.metadata["xavier"]
        nbformat.write(notebook, path)
        for file, content in variant.files.items():
            (path.parent / file).write_bytes(content)
        gradebook.run(folder, "generate_assignment", name, "--create")
    return folder / "release"


@cli.command()
@_folder
@_key
@click.option("--roster", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              envvar="ROSTER", required=True, help="A CSV file with a column student.")  # fmt: skip
def variant(course: Path, key: str, roster: Path) -> None:
    """Make every student's own notebooks, in variants/STUDENT/."""
    if key == parts.PUBLIC:
        _fail("a key of your own is needed: make variant KEY=... (any phrase; keep it)")
    students = _students(roster)
    for student in tqdm(students, unit="student", disable=None):
        for name in gradebook.names(course):
            own = sets.problem_set(name).variant(student, key)
            given = course / "release" / name / f"{name}.ipynb"
            notebook = notebooks.personal(notebooks.read(given), own)
            folder = course / "variants" / student / name
            write(folder / given.name, nbformat.writes(notebook).encode())
            for file, content in own.files.items():
                write(folder / file, content)
    click.echo(f"{len(students)} students' notebooks are in {_near(course / 'variants')}")
    click.echo("Keep the key: marks can be given with no other.")


def _students(roster: Path) -> list[str]:
    """Names from a roster.

    Raises:
        ClickException: there is no such column, or a name that cannot be a folder's.
    """
    with roster.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows or "student" not in rows[0]:
        _fail(f"{roster} must be a CSV file with a column student, and at least one row")
    students = [(row["student"] or "").strip() for row in rows]
    for student in students:
        if not _STUDENT.fullmatch(student):
            _fail(
                f"{student!r} cannot be a student's name: letters, digits and _ . @ - are allowed"
            )
    if len(set(students)) < len(students):
        _fail(f"{roster} names a student twice")
    return students


@cli.command()
@_folder
@_key
@click.option("--jobs", type=click.IntRange(min=1), default=os.cpu_count() or 1,
              help="Submissions at a time.  [default: the number of cores]")  # fmt: skip
@click.option("--sandbox", type=click.Choice(["namespaces", "limits"]), default="namespaces",
              envvar="SANDBOX", show_default=True, help="What holds a submission.")  # fmt: skip
@click.option("--feedback/--no-feedback", default=True, help="Whether to write feedback pages.")
def grade(course: Path, key: str, jobs: int, sandbox: str, feedback: bool) -> None:
    """Mark all that is in submitted/STUDENT/PROBLEM_SET/.

    What is marked is not marked again, unless it, the key or a judge has changed. Marks are in
    marking/grades.csv (a line a student and set) and marking/parts.csv (a line a part), feedback
    pages in marking/feedback/.
    """
    course = course.resolve()
    try:
        by = marking.protected(sandbox)
    except RuntimeError as error:
        _fail(str(error))
    tasks = _tasks(course, key, by)
    if not tasks:
        _fail(f"there is nothing in {_near(course / 'submitted')}/STUDENT/PROBLEM_SET/")
    room = course / "marking"
    with tqdm(total=len(tasks), unit="submission", disable=None) as bar:
        reports = marking.mark_all(tasks, room / "reports", jobs, lambda _: bar.update())
    _write_parts(reports, room / "parts.csv")
    _into_gradebook(course, room, tasks, feedback)
    for report in reports:
        most = sum(mark.most for mark in report.marks.values())
        click.echo(f"{report.student:<20} {report.problem_set}  {report.total:5.1f} of {most:g}")
    click.echo(f"Marks: {_near(room / 'grades.csv')}, by part {_near(room / 'parts.csv')}")
    if feedback:
        click.echo(f"Feedback: {_near(room / 'feedback')}/STUDENT/PROBLEM_SET/")


def _tasks(course: Path, key: str, by: Protection) -> list[Task]:
    """One for each submission, in the order of names."""
    found = []
    for folder in sorted((course / "submitted").glob("*/*/")):
        student, name = folder.parent.name, folder.name
        if name not in sets.PROBLEM_SETS or not _STUDENT.fullmatch(student):
            click.echo(f"passed over: {_near(folder)}", err=True)
            continue
        found.append(
            Task(
                student,
                name,
                folder / f"{name}.ipynb",
                course / "release" / name / f"{name}.ipynb",
                key,
                course / "private" / f"{name}.py",
                by=by,
            )
        )
    return found


def _write_parts(reports: Iterable[Report], path: Path) -> None:
    rows = [
        {"student": report.student, "problem_set": report.problem_set, "part": name, **asdict(mark)}
        for report in reports
        for name, mark in report.marks.items()
    ]
    columns = ["student", "problem_set", "part", "points", "most", "fault", "message"]
    table = pd.DataFrame(rows, columns=columns)
    write(path, table.to_csv(index=False, float_format="%g").encode())


_CONFIG = """# Written by `make grade`, for nbgrader's own pages: start JupyterLab in this folder.
from pathlib import Path

from xavier_grading.mark.gradebook import PREPROCESSORS

c = get_config()
c.CourseDirectory.course_id = "xavier"
c.CourseDirectory.root = str(Path(__file__).resolve().parent)
c.Autograde.autograde_preprocessors = list(PREPROCESSORS)
c.Marks.reports = str(Path(__file__).resolve().parent / "reports")
"""


def _into_gradebook(course: Path, room: Path, tasks: Sequence[Task], feedback: bool) -> None:
    """Let nbgrader keep the marks: in a course of its own, with restored notebooks."""
    for name in ("source", "submitted", "autograded"):
        shutil.rmtree(room / name, ignore_errors=True)
    shutil.copytree(course / "source", room / "source")
    write(room / "nbgrader_config.py", _CONFIG.encode())
    for name in sorted({task.problem_set for task in tasks}):
        gradebook.run(room, "generate_assignment", name, "--create", "--force")
        for task in (task for task in tasks if task.problem_set == name):
            path = room / "submitted" / task.student / name / f"{name}.ipynb"
            write(path, nbformat.writes(task.restored()[0]).encode())
        gradebook.autograde(room, name, room / "reports")
        if feedback:
            gradebook.run(room, "generate_feedback", name, "--force")
    gradebook.run(room, "export", f"--to={room / 'grades.csv'}")


def _near(path: Path) -> str:
    """A path as it is seen from here."""
    try:
        return os.fspath(path.relative_to(Path.cwd()))
    except ValueError:
        return os.fspath(path)


def _fail(message: str) -> NoReturn:
    raise click.ClickException(message)


if __name__ == "__main__":
    cli()
