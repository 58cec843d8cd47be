"""What a teacher may want to look at: submissions that are too much like one another.

Nothing is decided here and no mark changes: `flags` gives rows with both names. Answers are
compared as rows of words, in which names that the student has chosen count by the order of their
coming, so that other names and other blanks make no other solution.
"""

from __future__ import annotations

import builtins
import keyword
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from .. import sets
from ..check import parts
from . import notebooks
from .marking import Task

ALIKE: float = 0.8
"""The share of the shorter one's rows of five words that are the other's, too, from which on."""

_FEWEST = 150  # words of answers, below which many are alike by chance
_MOST = 100_000  # words that are looked at
_WORD = re.compile(r"\w+|[^\w\s]")
_KNOWN = {*keyword.kwlist, *dir(builtins)}


@dataclass(frozen=True)
class Flag:
    """Two names, and why they stand side by side.

    Attributes:
        problem_set: of which.
        student: whose submission it is.
        other: another student, or the book's own solution.
        what: they have in common.
    """

    problem_set: str
    student: str
    other: str
    what: str


def flags(tasks: Sequence[Task], sources: Path) -> list[Flag]:
    """All pairs of one problem set that have something in common which they should not have.

    Args:
        tasks: of one problem set.
        sources: the folder with the problem sets' solutions.
    """
    found: list[Flag] = []
    words: dict[str, list[str]] = {}
    numbers = {notebooks.variant_source(task.variant.shown): task.student for task in tasks}
    for task in tasks:
        name = task.problem_set
        for link in (task.notebook, task.notebook.parent, task.notebook.parent.parent):
            if link.is_symlink():
                target = os.fspath(link.readlink())
                found.append(Flag(name, task.student, notebooks.printable(target), "a link to it"))
        try:
            notebook = notebooks.read(task.notebook)
        except notebooks.Unreadable:
            continue
        made_for, _ = notebooks.named(notebook)
        if made_for not in ("", task.student, parts.PUBLIC):
            other = notebooks.printable(made_for)[:64]
            found.append(Flag(name, task.student, other, "the file was made for the other"))
        shown = notebooks.variant_of(notebook)
        if task.key != parts.PUBLIC and numbers.get(shown, task.student) != task.student:
            found.append(Flag(name, task.student, numbers[shown], "the other's numbers"))
        given = nbformat.read(task.release, as_version=4)
        words[task.student] = _words(notebook, given)
    if tasks:
        name, given = tasks[0].problem_set, nbformat.read(tasks[0].release, as_version=4)
        source = sources / name / f"{name}.ipynb"
        if source.is_file():
            solution = nbformat.read(source, as_version=4)
            words["(the book's solution)"] = _words(solution, given)
        found += [Flag(name, a, b, f"{share:.0%} of the code") for a, b, share in _alike(words)]
    pairs: dict[tuple[str, str], list[str]] = {}
    for flag in found:
        pairs.setdefault((flag.student, flag.other), []).append(flag.what)
    return [Flag(found[0].problem_set, a, b, "; ".join(what)) for (a, b), what in pairs.items()]


def _words(notebook: NotebookNode, given: NotebookNode) -> list[str]:
    """The words of what a student wrote: of all code that was not given out, cell by cell."""
    code = [cell.source for cell in given.cells if cell.cell_type == "code"]
    known = {word for source in code for word in _WORD.findall(source)} | _KNOWN
    handed = {re.sub(r"\s+", "", source) for source in (*code, notebooks.variant_of(notebook))}
    found = []
    for cell in notebook.cells:
        ours = cell.metadata.get("nbgrader", {"solution": True})
        locked = not (isinstance(ours, dict) and ours.get("solution"))
        if cell.cell_type != "code" or locked or re.sub(r"\s+", "", cell.source) in handed:
            continue
        order: dict[str, str] = {}
        for word in _WORD.findall(re.sub(r"#.*", "", cell.source)):
            own = word.isidentifier() and word not in known
            found.append(order.setdefault(word, f"_{len(order)}") if own else word)
    return found[:_MOST]


def _alike(words: Mapping[str, list[str]]) -> list[tuple[str, str, float]]:
    """Pairs of names that have nearly all rows of five words in common, and what share of them."""
    rows = {
        name: set(zip(*(w[i:] for i in range(5)), strict=False))
        for name, w in words.items()
        if len(w) >= _FEWEST
    }
    found = []
    for a, b in combinations(sorted(rows), 2):
        share = len(rows[a] & rows[b]) / min(len(rows[a]), len(rows[b]))
        if share >= ALIKE:
            found.append((b, a, share) if a.startswith("(") else (a, b, share))
    return found


def sets_of(tasks: Sequence[Task]) -> list[str]:
    """Problem sets that somebody has handed in, in their order."""
    there = {task.problem_set for task in tasks}
    return [name for name in sets.PROBLEM_SETS if name in there]
