"""Tables of marks: for the teacher, by part, and in the columns that Canvas and Moodle import."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd
from nbgrader.utils import parse_utc

from . import notebooks
from .copies import Flag
from .marking import Report
from .pages import Written

CANVAS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
"""Columns that a gradebook of Canvas has before those of assignments."""

MOODLE = ("First name", "Last name", "ID number", "Email address")
"""Columns of Moodle's grade export by which an import finds its users."""


@dataclass(frozen=True)
class Grade:
    """A line of the table of grades.

    Attributes:
        student_id: whose it is.
        assignment: the problem set.
        status: "marked", "to be marked" while written answers are, "no notebook" if none could be
            read, "failed" if the marking stumbled over it, or "not handed in".
        score: of the judge, and of what the teacher has marked; None if there is nothing to mark.
        max_score: that there are for this.
        percent: of these.
        to_be_marked: points of written answers that wait.
        handed_in: as the file timestamp.txt beside the notebook says.
        late: hours after the time that was set; None if it was not late, or that is not known.
    """

    student_id: str
    assignment: str
    status: str
    score: float | None = None
    max_score: float | None = None
    percent: float | None = None
    to_be_marked: float | None = None
    handed_in: str = ""
    late: float | None = None


def grade(
    report: Report,
    points: Mapping[str, float],
    written: Mapping[str, Written],
    folder: Path,
    due: str | None = None,
) -> Grade:
    """A line of a submission.

    Args:
        report: of the judge.
        points: of the set's written answers, by their names.
        written: what the teacher has given for them.
        folder: of the submission.
        due: when it should have come.
    """
    given = {n: w.points for n, w in written.items() if n in points and w.points is not None}
    open_ = sum(most for name, most in points.items() if name not in given)
    score = report.total + sum(given.values())
    most = sum(mark.most for mark in report.marks.values()) + sum(points.values()) - open_
    faults = {mark.fault for mark in report.marks.values()}
    status = "to be marked" if open_ else "marked"
    for fault, name in (("failed", "failed"), ("unreadable", "no notebook")):
        status = name if faults == {fault} else status
    handed_in, late = _time(folder, due)
    return Grade(
        *(report.student, report.problem_set, status, round(score, 2), most),
        *(round(100 * score / most, 1), open_, handed_in, late),
    )


def _time(folder: Path, due: str | None) -> tuple[str, float | None]:
    try:
        said = notebooks.content(folder / "timestamp.txt")[:60].decode().strip()
        if due is None:
            return notebooks.printable(said), None
        hours = (parse_utc(said) - parse_utc(due)).total_seconds() / 3600
        return notebooks.printable(said), round(hours, 1) if hours > 0 else None
    except Exception:  # there is none, or it is no time
        return "", None


def by_part(reports: Sequence[Report]) -> bytes:
    """A line for every part of every submission."""
    rows = [
        {"student": report.student, "problem_set": report.problem_set, "part": name, **asdict(mark)}
        for report in reports
        for name, mark in report.marks.items()
    ]
    return _csv(rows, ["student", "problem_set", "part", "points", "most", "fault", "message"])


def by_set(grades: Sequence[Grade]) -> bytes:
    """A line for every student and problem set."""
    return _csv([asdict(grade) for grade in grades], list(Grade.__annotations__))


def flagged(flags: Sequence[Flag]) -> bytes:
    """A line for every pair of names that a teacher may want to look at."""
    return _csv([asdict(flag) for flag in flags], list(Flag.__annotations__))


def canvas(grades: Sequence[Grade], roster: Mapping[str, Mapping[str, str]]) -> bytes:
    """Canvas's gradebook: a column for every set, the points that are possible in the second line.

    What is not marked to the end, or not handed in, is left empty, which changes nothing there.
    """
    names, rows = _wide(grades)
    most = dict.fromkeys(names, 0.0)
    for g in grades:
        whole = (g.max_score or 0) + (g.to_be_marked or 0)
        most[g.assignment] = max(most[g.assignment], whole)
    table: list[dict[str, object]] = [{"Student": "    Points Possible", **most}]
    for student, scores in rows.items():
        own = {"Student": student, "SIS Login ID": student} | _filled(roster, student, CANVAS)
        table.append({**own, **scores})
    return _csv(table, [*CANVAS, *names])


def moodle(grades: Sequence[Grade], roster: Mapping[str, Mapping[str, str]]) -> bytes:
    """A file for Moodle's import of grades; users are found by their e-mail address."""
    names, rows = _wide(grades)
    table = [
        {"Email address": student, **_filled(roster, student, MOODLE), **scores}
        for student, scores in rows.items()
    ]
    return _csv(table, [*MOODLE, *names])


def _wide(grades: Sequence[Grade]) -> tuple[list[str], dict[str, dict[str, float | None]]]:
    """Names of the sets, and the final scores of each student by set."""
    names = list(dict.fromkeys(grade.assignment for grade in grades))
    rows: dict[str, dict[str, float | None]] = {}
    for entry in grades:
        final = entry.score if entry.status == "marked" else None
        rows.setdefault(entry.student_id, dict.fromkeys(names))[entry.assignment] = final
    return sorted(names), rows


def _filled(
    roster: Mapping[str, Mapping[str, str]], student: str, columns: Sequence[str]
) -> dict[str, str]:
    """What the roster says of a student in these columns."""
    return {c: v for c, v in roster.get(student, {}).items() if c in columns and v}


def _csv(rows: Sequence[Mapping[str, object]], columns: Sequence[str]) -> bytes:
    table = pd.DataFrame(list(rows), columns=list(columns))
    return table.to_csv(index=False, float_format="%g").encode("utf-8", "replace")
