"""``python -m xavier_grading``: releases, variants and marks of the problem sets."""

from __future__ import annotations

import csv
import filecmp
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NoReturn, TypeVar

import click
import nbformat

from . import sets
from .check import parts
from .mark import copies, gradebook, marking, notebooks, pages, tables
from .mark.copies import Flag
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
    envvar="KEY",
    help="What students' numbers are drawn with.  [default: that in private/key]",
)
_T = TypeVar("_T")
_SHORTEST = 12  # characters of a key that somebody made up


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
        chosen = sets.problem_set(name)
        variant = chosen.variant()
        path = folder / "source" / name / f"{name}.ipynb"
        notebook = notebooks.personal(nbformat.read(path, as_version=4), variant)
        del notebook.metadata["xavier"]
        points = sum(part.points for part in chosen.parts) + sum(
            notebooks.written(notebook).values()
        )
        head = notebook.cells[0]
        head.source = head.source.replace("{minutes}", str(chosen.minutes))
        head.source = head.source.replace("{points}", f"{points:g}")
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
@click.option("--address", envvar="ADDRESS", default="",
              help="Where students install the package from, as git+https://... .")  # fmt: skip
def variant(course: Path, key: str | None, roster: Path, address: str) -> None:
    """Make every student's own notebooks, in variants/STUDENT/.

    Without a key one is made, at random, and kept in private/key.
    """
    students = _students(roster)
    kept = course / "private" / "key"
    if key is None and not kept.is_file():
        write(kept, secrets.token_urlsafe(24).encode())
        kept.chmod(0o600)
    key = _chosen(course, key)
    write(course / "private" / "students.csv", roster.read_bytes())
    for number, student in enumerate(students, start=1):
        for name in gradebook.names(course):
            own = sets.problem_set(name).variant(student, key)
            given = course / "release" / name / f"{name}.ipynb"
            notebook = notebooks.personal(nbformat.read(given, as_version=4), own, address)
            folder = course / "variants" / student / name
            write(folder / given.name, nbformat.writes(notebook).encode())
            for file, content in own.files.items():
                write(folder / file, content)
        click.echo(f"[{number}/{len(students)}] {student}")
    click.echo(f"{len(students)} students' notebooks are in {_near(course / 'variants')}")
    if kept.is_file():
        click.echo(f"The key is in {_near(kept)}: keep it. Marks can be given with no other.")


def _chosen(course: Path, key: str | None) -> str:
    """The key that was given, or that is kept; the public one if there is none."""
    kept = course / "private" / "key"
    if key is None:
        return kept.read_text(encoding="utf-8").strip() if kept.is_file() else parts.PUBLIC
    if len(key) < _SHORTEST:
        _fail(f"a key has at least {_SHORTEST} characters; without one, a random one is made")
    return key


def _rows(roster: Path) -> list[dict[str, str]]:
    try:
        with roster.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))
    except (UnicodeDecodeError, csv.Error) as error:
        _fail(f"{roster} must be a CSV file in UTF-8: {error}")


def _students(roster: Path) -> list[str]:
    """Names from a roster, which can all be a folder's."""
    rows = _rows(roster)
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
@click.option("--feedback/--no-feedback", default=True, help="Whether to write students' pages.")
@click.option("--book", envvar="BOOK_URL", default="", help="Address of the book, for links.")
@click.option("--due", envvar="DUE", help="When they had to be there, as 2027-01-31T12:00.")
def grade(
    course: Path,
    key: str | None,
    jobs: int,
    sandbox: str,
    feedback: bool,
    book: str,
    due: str | None,
) -> None:
    """Mark all that is in submitted/STUDENT/PROBLEM_SET/. Needs Linux, macOS or WSL.

    What is marked is not marked again, unless it, the key or a judge has changed. In marking/ there
    are then grades.csv (a line a student and set), canvas.csv and moodle.csv (the same, to be
    imported), parts.csv (a line a part), copies.csv (pairs to look at), and pages in feedback/.
    """
    course = course.resolve()
    try:
        by = marking.protected(sandbox)
    except RuntimeError as error:
        _fail(str(error))
    key = _chosen(course, key)
    _made_with(course, key)
    tasks = _tasks(course, key, by)
    if not tasks:
        _fail(f"there is nothing in {_near(course / 'submitted')}/STUDENT/PROBLEM_SET/")
    room = course / "marking"
    done = 0

    def shown(report: Report) -> None:
        nonlocal done
        done += 1
        most = sum(mark.most for mark in report.marks.values())
        why = "" if report.version else "  (marking failed)"
        click.echo(
            f"[{done}/{len(tasks)}] {report.student:<20} {report.problem_set} "
            f"{report.total:5.1f} of {most:g}{''.join(f'  {n}' for n in report.notes[:1])}{why}"
        )

    reports = marking.mark_all(tasks, room / "reports", jobs, shown)
    write(room / "parts.csv", tables.by_part(reports))
    _tried("the gradebook", lambda: _into_gradebook(course, room, tasks, reports))
    written = _tried("the gradebook", lambda: gradebook.written(room / "gradebook.db")) or {}
    grades = []
    for task, report in zip(tasks, reports, strict=True):
        who = f"{task.student}, {task.problem_set}"
        own = written.get((task.student, task.problem_set), {})
        given = notebooks.written(nbformat.read(task.release, as_version=4))
        grades.append(tables.grade(report, given, own, task.notebook.parent, due))
        if feedback:
            make = partial(_page, task, report, own, book)
            sorry = pages.bare(*(task.student, task.problem_set), "Ask your teacher for your page.")
            path = room / "feedback" / task.student / f"{task.problem_set}.html"
            write(path, (_tried(who, make) or sorry).encode("utf-8", "replace"))
    roster = _roster(course)
    grades += _missing(course, tasks, roster)
    grades.sort(key=lambda entry: (entry.student_id, entry.assignment))
    flags: list[Flag] = []
    for name in copies.sets_of(tasks):
        these = [task for task in tasks if task.problem_set == name]
        flags += _tried(f"copies in {name}", partial(copies.flags, these, course / "source")) or []
    write(room / "grades.csv", tables.by_set(grades))
    write(room / "canvas.csv", tables.canvas(grades, roster))
    write(room / "moodle.csv", tables.moodle(grades, roster))
    write(room / "copies.csv", tables.flagged(flags))
    click.echo(f"Marks: {_near(room / 'grades.csv')}, canvas.csv, moodle.csv; parts.csv by part")
    if feedback:
        click.echo(f"Pages: {_near(room / 'feedback')}/STUDENT/PROBLEM_SET.html")
    if flags:
        click.echo(f"{len(flags)} pairs to look at: {_near(room / 'copies.csv')}")


def _page(task: Task, report: Report, own: Mapping[str, pages.Written], book: str) -> str:
    return pages.page(report, task.restored()[0], own, book)


def _tried(what: str, do: Callable[[], _T]) -> _T | None:
    """What something gives; None, and a line that says of whom, if it fails: the class goes on."""
    try:
        return do()
    except Exception as error:
        said = notebooks.printable(f"{type(error).__name__}: {error}")
        click.echo(f"{what}: {said[-1000:]}", err=True)
        return None


def _roster(course: Path) -> dict[str, dict[str, str]]:
    """What the roster says of each student; empty if there is none."""
    kept = course / "private" / "students.csv"
    return {row["student"].strip(): row for row in _rows(kept)} if kept.is_file() else {}


def _missing(
    course: Path, tasks: Sequence[Task], roster: Mapping[str, object]
) -> list[tables.Grade]:
    """A line for everybody who has not handed in what others have."""
    there = {(task.student, task.problem_set) for task in tasks}
    known = {*roster, *(path.name for path in (course / "variants").glob("*/"))}
    everybody = known | {student for student, _ in there}
    return [
        tables.Grade(student, name, "not handed in")
        for student in sorted(everybody)
        for name in copies.sets_of(tasks)
        if (student, name) not in there
    ]


def _made_with(course: Path, key: str) -> None:
    """Refuse a key that the variants were not made with: all marks would be wrong."""
    for path in sorted((course / "variants").glob("*/*/*.ipynb"))[:1]:
        student, name = path.parts[-3:-1]
        own = sets.problem_set(name).variant(student, key)
        if notebooks.variant_of(notebooks.read(path)) != notebooks.variant_source(own.shown):
            _fail(f"{_near(path)} was made with another key than the one that is marked by")


def _tasks(course: Path, key: str, by: Protection) -> list[Task]:
    """One for each submission, in the order of names."""
    found = []
    for folder in sorted((course / "submitted").glob("*/*/")):
        student, name = folder.parent.name, folder.name
        if name not in sets.PROBLEM_SETS or not _STUDENT.fullmatch(student):
            click.echo(f"passed over: {notebooks.printable(_near(folder))}", err=True)
            continue
        path, note = notebooks.find(folder, name)
        private = course / "private" / f"{name}.py"
        try:
            marking.extra_judges(private)
        except Exception as error:
            _fail(f"{_near(private)}: {type(error).__name__}: {error}")
        release = course / "release" / name / f"{name}.ipynb"
        found.append(Task(student, name, path, release, key, private, by=by, note=note))
    return found


_CONFIG = """# Written by `make grade`, for nbgrader's own pages: start JupyterLab in this folder.
from pathlib import Path

c = get_config()
c.CourseDirectory.course_id = "xavier"
c.CourseDirectory.root = str(Path(__file__).resolve().parent)
c.Autograde.autograde_preprocessors = []  # marks are there; nothing that was handed in is run
"""


def _into_gradebook(
    course: Path, room: Path, tasks: Sequence[Task], reports: Sequence[Report]
) -> None:
    """Let nbgrader keep the marks: in a course of its own, with restored notebooks."""
    for name in ("source", "submitted", "autograded"):
        shutil.rmtree(room / name, ignore_errors=True)
    shutil.copytree(course / "source", room / "source")
    write(room / "nbgrader_config.py", _CONFIG.encode())
    for name in copies.sets_of(tasks):
        gradebook.run(room, "generate_assignment", name, "--create", "--force")
    for task, report in zip(tasks, reports, strict=True):
        own = task.student, task.problem_set
        _tried(", ".join(own), partial(_enter, room, task, report))


def _enter(room: Path, task: Task, report: Report) -> None:
    notebook = task.restored()[0].notebook
    gradebook.enter(room, task.problem_set, task.student, notebook, report)


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
