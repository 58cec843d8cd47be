"""Mark a class: ``python -m benchmarks.classes [--students 100] [--set ps2]``.

The class is made from the solutions of a problem set: of every ten students four hand in all of
them, three leave one answer out, one leaves half out, one has cells that fail and one hands in
nothing but the release. All are marked with one worker, then with two, then once more, when the
reports are there. Nothing is asserted: the reader sees whether the marks are the same.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from tqdm import tqdm
from xavier_grading import sets
from xavier_grading.mark import marking, notebooks
from xavier_grading.mark.marking import Report, Task

ASSIGNMENTS = Path(__file__).parents[1] / "assignments"
KEY = "a class of the benchmark"


def submission(problem_set: str, student: int) -> NotebookNode:
    """What a student hands in."""
    variant = sets.problem_set(problem_set).variant(f"student{student}", KEY)
    source = ASSIGNMENTS / "source" / problem_set / f"{problem_set}.ipynb"
    notebook = notebooks.personal(nbformat.read(source, as_version=4), variant)
    answers = [
        cell
        for cell in notebook.cells
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("solution")
    ]
    kind = student % 10
    if kind in (4, 5, 6):
        answers[student % len(answers)].source = "pass"
    elif kind == 7:
        for cell in answers[::2]:
            cell.source = "pass"
    elif kind == 8:
        for cell in answers[::3]:
            cell.source = "raise RuntimeError('not finished')"
    elif kind == 9:
        for cell in answers:
            cell.source = "raise NotImplementedError"
    return notebook


def tasks(problem_set: str, students: int, folder: Path) -> Iterator[Task]:
    release = ASSIGNMENTS / "release" / problem_set / f"{problem_set}.ipynb"
    by = marking.protected("namespaces")
    for student in range(students):
        path = folder / f"student{student}.ipynb"
        nbformat.write(submission(problem_set, student), path)
        yield Task(f"student{student}", problem_set, path, release, key=KEY, by=by)


def marked(wanted: list[Task], folder: Path, jobs: int, name: str) -> tuple[list[Report], float]:
    start = time.perf_counter()
    with tqdm(total=len(wanted), desc=name) as bar:
        reports = marking.mark_all(wanted, folder, jobs, lambda report: bar.update() and None)
    return reports, time.perf_counter() - start


def marks(reports: list[Report]) -> list[dict[str, object]]:
    """All that a report says but how long it took."""
    return [asdict(report) | {"seconds": 0.0} for report in reports]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.classes")
    parser.add_argument("--students", type=int, default=100)
    parser.add_argument(
        "--set", dest="problem_set", default="ps2", choices=sorted(sets.PROBLEM_SETS)
    )
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "submitted").mkdir()
        all_of_them = list(tasks(wanted.problem_set, wanted.students, folder / "submitted"))
        one, alone = marked(all_of_them, folder / "one", 1, "one worker")
        two, together = marked(all_of_them, folder / "two", 2, "two workers")
        again, read = marked(all_of_them, folder / "two", 2, "once more")
    each = sorted(report.seconds for report in one)
    print(f"{wanted.students} submissions of {wanted.problem_set}")
    print(f"one worker:  {alone / wanted.students:6.2f} s a submission")
    print(f"two workers: {together / wanted.students:6.2f} s, {alone / together:.2f} times as fast")
    print(f"once more:   {read / wanted.students:6.3f} s")
    print(
        f"a submission takes {statistics.median(each):.2f} s, from {each[0]:.2f} to {each[-1]:.2f}"
    )
    print(f"same marks with one and two workers: {marks(one) == marks(two)}")
    print(f"same marks when marked once more: {marks(two) == marks(again)}")
    totals = [report.total for report in one]
    print(f"marks from {min(totals):g} to {max(totals):g}, {len(set(totals))} different ones")


if __name__ == "__main__":
    main()
