"""Mark submissions: run each in its sandbox, judge it, and keep what was found."""

from __future__ import annotations

import contextlib
import hashlib
import json
import multiprocessing
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import nbformat

from .. import sets
from ..check import parts
from ..check.parts import Finding, Judge, Variant
from . import notebooks, sandbox
from .notebooks import Restored, printable
from .runner import within
from .sandbox import Limits, Protection, Submission


@dataclass(frozen=True)
class Mark:
    """One part of a submission.

    Attributes:
        points: that it got.
        most: that there are.
        fault: name of what is wrong, "" if nothing is.
        message: for the student.
    """

    points: float
    most: float
    fault: str
    message: str


@dataclass(frozen=True)
class Report:
    """A submission that was marked.

    Attributes:
        student: whose it is.
        problem_set: of which.
        version: of what decides the marks: submission, key, judges; "" if marking itself failed,
            so that it is tried again.
        marks: by part.
        notes: what stands first on the student's page, such as cells that are lost.
        troubles: cells that failed, and how.
        seconds: that it took.
        by: what held the submission.
    """

    student: str
    problem_set: str
    version: str
    marks: Mapping[str, Mark]
    notes: Sequence[str] = ()
    troubles: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    by: str = ""

    @property
    def total(self) -> float:
        """Points of all parts."""
        return sum(mark.points for mark in self.marks.values())


@dataclass(frozen=True)
class Task:
    """A submission to be marked.

    Attributes:
        student: whose it is.
        problem_set: of which.
        notebook: the file that was handed in.
        release: the file that was given out, with public numbers.
        key: with which students' numbers are drawn.
        private: a teacher's own judges, see `xavier_grading.mark.marking.extra_judges`.
        limits: what the submission may use.
        by: what holds it.
        note: on the file, for the student.
    """

    student: str
    problem_set: str
    notebook: Path
    release: Path
    key: str = parts.PUBLIC
    private: Path | None = None
    limits: Limits = field(default_factory=Limits)
    by: Protection = "namespaces"
    note: str = ""

    @property
    def variant(self) -> Variant:
        """The student's own numbers."""
        student = parts.PUBLIC if self.key == parts.PUBLIC else self.student
        return sets.problem_set(self.problem_set).variant(student, self.key)

    @property
    def version(self) -> str:
        """Changes with all that decides the marks."""
        digest = hashlib.sha256(_judges().encode())
        for path in (self.notebook, self.release, self.private):
            try:
                content = notebooks.content(path) if path is not None else b""
            except (OSError, notebooks.Unreadable) as error:
                content = str(error).encode()
            digest.update(hashlib.sha256(content).digest())
        own = (self.student, self.key, self.by, self.limits, self.note)
        digest.update("\n".join(map(str, own)).encode("utf-8", "replace"))
        return digest.hexdigest()[:32]

    def restored(self) -> tuple[Restored, str]:
        """The submission with what was locked restored; why not, if it cannot be read."""
        release = nbformat.read(self.release, as_version=4)
        try:
            submitted = notebooks.read(self.notebook)
        except notebooks.Unreadable as error:
            reason = f"{error} ({self.note})" if self.note else str(error)
            return notebooks.restored(None, release, self.variant), reason
        found = notebooks.restored(submitted, release, self.variant)
        _, made_for = notebooks.named(submitted)
        if made_for not in ("", self.problem_set):
            found.notes.insert(0, f"This is a notebook of {made_for}, not of {self.problem_set}.")
        if self.note:
            found.notes.append(f"Of the file: {self.note}.")
        return found, ""


@cache
def _judges() -> str:
    """A hash of everything in this package that decides a mark."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def mark(task: Task) -> Report:
    """Mark one submission; whatever it is and does, this returns."""
    start = time.monotonic()
    try:
        return _mark(task, start)
    except Exception as error:
        return _failed(task, f"{type(error).__name__}: {error}", start)


def _failed(task: Task, why: str, start: float) -> Report:
    """The report of a submission that the marking itself stumbled over."""
    said = f"No mark yet: the marking stopped at this submission ({why[:200]}). Ask your teacher."
    found = _for_all(task, parts.wrong("failed", said))
    return replace(_report(task, found, start), version="")


def _for_all(task: Task, finding: Finding) -> dict[str, Finding]:
    return {part.name: finding for part in sets.problem_set(task.problem_set).parts}


def _mark(task: Task, start: float) -> Report:
    chosen = sets.problem_set(task.problem_set)
    restored, reason = task.restored()
    if reason:
        found = _for_all(task, parts.wrong("unreadable", f"No mark: {reason}."))
        return _report(task, found, start, [f"Your notebook could not be read: {reason}."])
    extra = extra_judges(task.private)
    variant = task.variant
    with Submission(
        files=variant.files, withheld=chosen.withheld, limits=task.limits, by=task.by
    ) as submission:
        troubles = _run(submission, list(notebooks.runnable(restored.notebook)))

        def judged(part: parts.Part) -> Finding:
            with within(task.limits.total):  # whatever an answer makes a judge compute
                return parts.judge(part, submission, variant)

        found = {part.name: judged(part) for part in chosen.parts}
        for name, judge in extra.items():
            if name in found:
                own = judged(replace(chosen.part(name), judge=judge))
                found[name] = min(found[name], own, key=lambda finding: finding.share)
    for name, _, cell in notebooks.questions(restored.notebook):
        if name in found and cell is not None:
            own_cell = str(cell.metadata["nbgrader"]["grade_id"])
            found[name] = _explained(found[name], own_cell, restored, troubles)
    return _report(task, found, start, restored.notes, troubles)


def _run(submission: Submission, cells: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Run cells; what failed, and how.

    One that misses a name runs once more at the end: in a notebook whose cells were moved, the name
    may come from below.
    """
    troubles: dict[str, str] = {}
    for name, source in cells:
        if (trouble := submission.run(name, source)) is not None:
            troubles[name] = trouble
    for name, source in cells:
        if troubles.get(name, "").startswith("NameError") and submission.run(name, source) is None:
            del troubles[name]
    return troubles


def _explained(
    finding: Finding, cell: str, restored: Restored, troubles: Mapping[str, str]
) -> Finding:
    """What is said of a part, with the errors of its cell, and others' where they are the cause."""
    if finding.share == 1.0:
        return finding
    if cell in restored.untouched and finding.share == 0.0:
        return parts.wrong("unanswered", "Not answered.")
    if cell in restored.lost and finding.fault == "unanswered":
        finding = replace(
            finding, message=f"The cell {cell} is not there as code. {finding.message}"
        )
    told = [f"cell {cell}"] if f"cell {cell}" in troubles else []
    if finding.fault == "unanswered":
        untouched = {f"cell {name}" for name in restored.untouched}
        told += [name for name in troubles if name not in untouched and name not in told]
    if not told:
        return finding
    said = "; ".join(f"{name}: {troubles[name]}" for name in told[:3])
    return replace(finding, message=f"{finding.message} What failed when it was run: {said}.")


def _report(
    task: Task,
    found: Mapping[str, Finding],
    start: float,
    notes: Sequence[str] = (),
    troubles: Mapping[str, str] | None = None,
) -> Report:
    marks = {
        part.name: Mark(
            round(part.points * found[part.name].share, 2),
            part.points,
            found[part.name].fault,
            printable(found[part.name].message),
        )
        for part in sets.problem_set(task.problem_set).parts
    }
    seconds = round(time.monotonic() - start, 2)
    said = [printable(note) for note in notes]
    return Report(
        *(task.student, task.problem_set, task.version, marks, said, dict(troubles or {})),
        *(seconds, task.by),
    )


def extra_judges(path: Path | None) -> dict[str, Judge]:
    """A teacher's own judges, from a Python file that defines ``JUDGES``, a dict by part.

    A part gets the smaller of the two marks. The file is the teacher's, and is run.

    Raises:
        ValueError: it defines none.
    """
    if path is None or not path.is_file():
        return {}
    names: dict[str, Any] = {"__file__": str(path), "__name__": path.stem}
    exec(compile(path.read_bytes(), str(path), "exec"), names)
    found = names.get("JUDGES")
    if not isinstance(found, dict):
        raise ValueError(f"{path} must define JUDGES, a dict of judges by part")
    return dict(found)


# --------------------------------------------------------------------------------------------------
# Many
# --------------------------------------------------------------------------------------------------


def mark_all(
    tasks: Sequence[Task],
    folder: Path,
    jobs: int = 1,
    shown: Callable[[Report], object] = lambda _: None,
) -> list[Report]:
    """Mark submissions, each as soon as a process is free; those that are marked already are read.

    Args:
        tasks: of what is to be marked.
        folder: where reports are kept, one file each; a run that was interrupted goes on there.
        jobs: submissions at a time.
        shown: called with each report.

    Returns:
        Reports in the order of the tasks.
    """
    found = {
        k: report
        for k, task in enumerate(tasks)
        if (report := load(_file(folder, task))) is not None and report.version == task.version
    }
    for report in found.values():
        shown(report)

    def keep(k: int, report: Report) -> None:
        found[k] = report
        save(report, _file(folder, tasks[k]))
        shown(report)

    left = [k for k in range(len(tasks)) if k not in found]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context) as pool:
        futures = {pool.submit(mark, tasks[k]): k for k in left}
        for future in as_completed(futures):
            with contextlib.suppress(BrokenProcessPool):
                keep(futures[future], future.result())
    # If a worker was killed, all that were waiting are lost with it: each gets one of its own.
    for k in (k for k in left if k not in found):
        with ProcessPoolExecutor(1, context) as pool:
            try:
                report = pool.submit(mark, tasks[k]).result()
            except BrokenProcessPool:
                report = _failed(tasks[k], "its process was killed", time.monotonic())
            keep(k, report)
    return [found[k] for k in range(len(tasks))]


def _file(folder: Path, task: Task) -> Path:
    return folder / task.student / f"{task.problem_set}.json"


def save(report: Report, path: Path) -> None:
    """Keep a report."""
    notebooks.write(path, json.dumps(asdict(report), indent=1).encode())


def load(path: Path) -> Report | None:
    """A report that was kept; None if there is none, or it is damaged."""
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        held["marks"] = {name: Mark(**entry) for name, entry in held["marks"].items()}
        return Report(**held)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def protected(wanted: str) -> Protection:
    """What submissions will be held by.

    Args:
        wanted: "namespaces" or "limits".

    Raises:
        RuntimeError: namespaces are wanted and not to be had; the message says what to do.
    """
    if wanted == "limits":
        return "limits"
    found = sandbox.protection()
    if found != "namespaces":
        raise RuntimeError(
            "submissions are run in namespaces of their own, which needs Linux and bubblewrap: "
            "install it (apt install bubblewrap), or say --sandbox limits to have time, memory and "
            "processes limited and nothing else. A submission can then read and change what you can"
        )
    return found
