"""Mark submissions: run each in its sandbox, judge it, and keep what was found."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from .. import sets
from ..check import parts
from ..check.parts import Finding, Judge, Variant
from . import notebooks, sandbox
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
        version: of what decides the marks: submission, key, judges.
        marks: by part.
        troubles: cells that failed, and how.
        seconds: that it took.
        by: what held the submission.
    """

    student: str
    problem_set: str
    version: str
    marks: Mapping[str, Mark]
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
    """

    student: str
    problem_set: str
    notebook: Path
    release: Path
    key: str = parts.PUBLIC
    private: Path | None = None
    limits: Limits = field(default_factory=Limits)
    by: Protection = "namespaces"

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
            content = path.read_bytes() if path is not None and path.is_file() else b""
            digest.update(hashlib.sha256(content).digest())
        digest.update(f"{self.student}\n{self.key}\n{self.by}\n{self.limits}".encode())
        return digest.hexdigest()[:32]

    def restored(self) -> tuple[NotebookNode, str]:
        """The submission with what was locked restored; why not, if it cannot be read."""
        release = notebooks.read(self.release)
        try:
            submitted = notebooks.read(self.notebook)
        except notebooks.Unreadable as error:
            return notebooks.restored(None, release, self.variant), str(error)
        found = notebooks.restored(submitted, release, self.variant)
        key = notebooks.made_with(submitted)
        if key is not None and key != notebooks.fingerprint(self.key):
            return found, "its numbers were made with another key than the one that it is marked by"
        return found, ""


@cache
def _judges() -> str:
    """A hash of everything in this package that decides a mark."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def mark(task: Task) -> Report:
    """Mark one submission; whatever it does, this returns."""
    start = time.monotonic()
    chosen = sets.problem_set(task.problem_set)
    notebook, reason = task.restored()
    if reason:
        found = {
            part.name: parts.wrong("unreadable", f"No mark: {reason}.") for part in chosen.parts
        }
        return _report(task, found, {}, start)
    extra = extra_judges(task.private)
    variant = task.variant
    troubles: dict[str, str] = {}
    with Submission(
        files=variant.files, withheld=chosen.withheld, limits=task.limits, by=task.by
    ) as submission:
        for name, source in notebooks.runnable(notebook):
            trouble = submission.run(name, source)
            if trouble is not None:
                troubles[name] = trouble
        found = {part.name: parts.judge(part, submission, variant) for part in chosen.parts}
        for name, judge in extra.items():
            if name in found:
                own = parts.judge(replace(chosen.part(name), judge=judge), submission, variant)
                found[name] = min(found[name], own, key=lambda finding: finding.share)
    named = {name: _with_trouble(finding, troubles) for name, finding in found.items()}
    return _report(task, named, troubles, start)


def _with_trouble(finding: Finding, troubles: Mapping[str, str]) -> Finding:
    """A missing answer, with the cells that failed: one of them should have given it."""
    if finding.message == "Not answered." or finding.fault != "unanswered" or not troubles:
        return finding
    named = {name: told for name, told in troubles.items() if "NotImplementedError" not in told}
    if not named:
        return Finding(finding.share, finding.fault, "Not answered.")
    told = "; ".join(f"{name}: {trouble}" for name, trouble in list(named.items())[:2])
    return Finding(finding.share, finding.fault, f"{finding.message} A cell failed: {told}.")


def _report(
    task: Task, found: Mapping[str, Finding], troubles: Mapping[str, str], start: float
) -> Report:
    chosen = sets.problem_set(task.problem_set)
    marks = {
        part.name: Mark(
            round(part.points * found[part.name].share, 2),
            part.points,
            found[part.name].fault,
            found[part.name].message,
        )
        for part in chosen.parts
    }
    seconds = round(time.monotonic() - start, 2)
    return Report(
        task.student, task.problem_set, task.version, marks, dict(troubles), seconds, task.by
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
    exec(compile(path.read_text(), str(path), "exec"), names)
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
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        futures = {pool.submit(mark, task): k for k, task in enumerate(tasks) if k not in found}
        for future in as_completed(futures):
            k = futures[future]
            found[k] = future.result()
            save(found[k], _file(folder, tasks[k]))
            shown(found[k])
    return [found[k] for k in range(len(tasks))]


def _file(folder: Path, task: Task) -> Path:
    return folder / task.student / f"{task.problem_set}.json"


def save(report: Report, path: Path) -> None:
    """Keep a report."""
    notebooks.write(path, json.dumps(asdict(report), indent=1).encode())


def load(path: Path) -> Report | None:
    """A report that was kept; None if there is none, or it is damaged."""
    try:
        held = json.loads(path.read_text())
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
