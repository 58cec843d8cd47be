"""Notebooks of problem sets: what a student is given, and what of it comes back.

A problem set's cells are of four kinds: locked ones, which are restored whatever was done to them;
answers, of which the student's text counts; marks, which nobody but the judge fills in; and the
variant, the student's own numbers. What a student adds is kept where it was put.

What comes back has been through editors, mail and other people's programs. A cell is known by its
metadata, where these are lost by its id, and where that is lost, too, by its text.
"""

from __future__ import annotations

import copy
import json
import os
import re
import stat
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from ..check.parts import Variant

LARGEST = 20_000_000
"""Bytes that a submission's notebook may have."""

INSTALL = "given-00"
"""The cell that installs what is needed."""

_MOST = 2_000  # cells of one notebook
_LONGEST = 500_000  # characters of one cell
_LOST = "# This cell is not in what was handed in."


class Unreadable(ValueError):
    """A file is no notebook."""


def find(folder: Path, name: str) -> tuple[Path, str]:
    """The notebook in a folder that was handed in, and a word on it if it is not plain.

    Args:
        folder: of one student and problem set.
        name: of the problem set, after which the file should be called.
    """
    expected = folder / f"{name}.ipynb"
    try:
        there = sorted(path.name for path in folder.iterdir())
    except OSError:
        return expected, ""
    found = [n for n in there if ".ipynb" in n.lower() and not n.startswith(".")]
    others = [n for n in found if n != expected.name]
    if expected.name in found:
        return expected, f"also handed in, and not read: {', '.join(others)}" if others else ""
    if len(others) == 1:
        return folder / others[0], f"the file is called {others[0]}, not {expected.name}"
    if others:
        return expected, f"none of {', '.join(others)} is called {expected.name}"
    return expected, ""


def read(path: Path) -> NotebookNode:
    """Read a notebook that a stranger wrote, in any encoding, of any edition of the format.

    Raises:
        Unreadable: it is missing, no plain file, too large, or no notebook.
    """
    try:
        found = _parsed(content(path))
        # Editions 2 and 3 have sheets, and the code of a cell as its input.
        sheets = found.get("worksheets") or [found]
        cells = [_cell(cell) for sheet in sheets for cell in sheet["cells"]]
        if len(cells) > _MOST:
            raise Unreadable(f"{path.name} has more than {_MOST:,} cells")
        metadata = found.get("metadata")
        own = metadata.get("xavier") if isinstance(metadata, dict) else None
        kept = {"xavier": own} if isinstance(own, dict) else {}
        whole: NotebookNode = nbformat.from_dict(
            {"cells": cells, "metadata": kept, "nbformat": 4, "nbformat_minor": 5}
        )
        return whole
    except Unreadable:
        raise
    except FileNotFoundError:
        raise Unreadable("there is no notebook") from None
    except Exception as error:  # a stranger's file can be wrong in any way
        said = printable(str(error))[:100]
        raise Unreadable(f"{path.name} is no notebook: {said or type(error).__name__}") from None


def _parsed(held: bytes) -> Any:
    try:
        return json.loads(held)
    except UnicodeDecodeError:  # some editors save what Windows did before there was Unicode
        return json.loads(held.decode("cp1252", "replace"))


def content(path: Path) -> bytes:
    """The bytes of a file that is none but itself: no link, no pipe, no device.

    Raises:
        Unreadable: it is one of these, or too large.
        OSError: it cannot be read.
    """
    try:
        for folder in (path.parent, path.parent.parent):  # of the set, and of the student
            if folder.is_symlink():
                raise Unreadable(f"the folder {folder.name} is a link to another place")
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError:
        if path.is_symlink():
            raise Unreadable(f"{path.name} is a link to another file") from None
        raise
    with os.fdopen(file, "rb") as opened:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise Unreadable(f"{path.name} is no plain file")
        held = opened.read(LARGEST + 1)
    if len(held) > LARGEST:
        raise Unreadable(f"{path.name} has more than {LARGEST:,} bytes")
    return held


def _cell(found: Any) -> NotebookNode:
    """A cell with what counts of it: its kind, text, id, and metadata of ours."""
    source = found.get("source", found.get("input", ""))
    text = "".join(source) if isinstance(source, list) else source
    if not isinstance(text, str):
        raise Unreadable("the text of a cell is no text")
    if len(text) > _LONGEST:
        raise Unreadable(f"a cell has more than {_LONGEST:,} characters")
    metadata = found.get("metadata")
    kept: dict[str, Any] = {}
    for key, kind in (("nbgrader", dict), ("tags", list)):
        if isinstance(metadata, dict) and isinstance(metadata.get(key), kind):
            kept[key] = metadata[key]
    sort = "code" if found.get("cell_type") == "code" else "markdown"  # raw text becomes text
    held = {"cell_type": sort, "source": printable(text), "metadata": kept, "id": found.get("id")}
    cell: NotebookNode = nbformat.from_dict(held)
    return cell


def printable(text: str) -> str:
    """A text without what no file or page can hold: half characters, and signals to terminals."""
    text = re.sub(r"\r\n?", "\n", text.encode("utf-8", "replace").decode())
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", "", text)


def write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: what reads it never sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
        file.write(content)
    Path(file.name).chmod(0o644)
    Path(file.name).replace(path)


def personal(release: NotebookNode, variant: Variant, address: str = "") -> NotebookNode:
    """The notebook that one student is given.

    Args:
        release: as everybody is given it.
        variant: the student's own numbers.
        address: where the package is installed from; "" leaves what the release says.
    """
    notebook = copy.deepcopy(release)
    for cell in notebook.cells:
        if _is_variant(cell):
            cell.source = variant_source(variant.shown)
        if address and _id(cell) == INSTALL:
            cell.source = cell.source.replace('ADDRESS = ""', f"ADDRESS = {address!r}")
    notebook.metadata["xavier"] = {"student": variant.student, "set": variant.problem_set}
    return notebook


def named(notebook: NotebookNode) -> tuple[str, str]:
    """The student and the problem set that a notebook says it was made for; "" if it does not."""
    own = notebook.metadata.get("xavier")
    own = own if isinstance(own, dict) else {}
    return str(own.get("student", "")), str(own.get("set", ""))


def variant_of(notebook: NotebookNode) -> str:
    """The text of the cell with the student's numbers; "" if there is none."""
    return next((cell.source for cell in notebook.cells if _is_variant(cell)), "")


def variant_source(shown: Mapping[str, Any]) -> str:
    """The cell with a student's numbers."""
    lines = ["variant = {"]
    for name, value in shown.items():
        line = f'    "{name}": {value!r},'
        if len(line) <= 96 or not isinstance(value, dict | list):
            lines.append(line)
        elif isinstance(value, dict):
            lines += [f'    "{name}": {{', *(f"        {k!r}: {v!r}," for k, v in value.items())]
            lines.append("    },")
        else:
            lines += [f'    "{name}": [', *(f"        {item!r}," for item in value), "    ],"]
    return "\n".join([*lines, "}"])


@dataclass(frozen=True)
class Restored:
    """A submission as it is marked.

    Attributes:
        notebook: with everything that was locked as it was given out, and no outputs.
        notes: what the student has to know of it: cells that are lost, or are there twice.
        untouched: names of answers that are as they were handed out.
        lost: names of answers that are not there.
    """

    notebook: NotebookNode
    notes: list[str]
    untouched: frozenset[str]
    lost: frozenset[str]


def restored(submitted: NotebookNode | None, release: NotebookNode, variant: Variant) -> Restored:
    """A submission with everything that was locked as it was given out.

    Args:
        submitted: the submission; None if there is none.
        release: the notebook as everybody is given it.
        variant: the student's own numbers.
    """
    given = personal(release, variant)
    names = [_id(cell) or "variant" for cell in given.cells]
    found: dict[str, list[NotebookNode]] = {}
    extra: dict[str, list[NotebookNode]] = {}
    anchor = ""
    for cell in (given if submitted is None else submitted).cells:
        name = _name(cell, given, names)
        if name is None:
            extra.setdefault(anchor, []).append(cell)
        else:
            found.setdefault(name, []).append(cell)
            anchor = name
    notes: list[str] = []
    untouched, lost = set(), set()
    cells = [_plain(cell) for cell in extra.get("", [])]
    for name, cell in zip(names, given.cells, strict=True):
        twins: list[NotebookNode] = []
        if _is_answer(cell):
            pieces = [piece for piece in found.get(name, []) if piece.cell_type == cell.cell_type]
            if not pieces:
                lost.add(name)
                other = "is no code any more" if cell.cell_type == "code" else "is code now"
                notes.append(
                    f"The cell {name} {other if name in found else 'is not there'}: "
                    "what it held does not count."
                )
                cell.source = _LOST if cell.cell_type == "code" else ""
            elif all(_same(piece, cell) for piece in pieces):
                untouched.add(name)
            elif cell.cell_type == "code":
                cell.source = pieces[0].source
                twins = [piece for piece in pieces[1:] if not _same(piece, cell)]
            else:
                cell.source = "\n\n".join(piece.source for piece in pieces)
            if len(pieces) > 1:
                notes.append(
                    f"The cell {name} is there {len(pieces)} times: all were taken, in their order."
                )
        cells.append(_clean(cell))
        cells += [_plain(c) for c in (*twins, *extra.get(name, []))]
    given.cells = cells
    for number, cell in enumerate(given.cells):  # whatever a submission had, ids are unique
        cell["id"] = f"cell-{number}"
    if submitted is not None and len(lost) > 1 and not any(map(_id, submitted.cells)):
        # An editor that drops metadata and ids: the cells run as they come, in their places.
        notes = [
            "This notebook has lost what its cells are called. They were run in their order; save "
            "it with Jupyter, or start from the file that you were given."
        ]
    return Restored(given, notes, frozenset(untouched), frozenset(lost))


def _name(cell: NotebookNode, given: NotebookNode, names: list[str]) -> str | None:
    """Which cell that was given out a cell is; None if it is none of them."""
    if _is_variant(cell):
        return "variant"
    if (name := _id(cell)) in names:
        return name
    for own, original in zip(names, given.cells, strict=True):
        if cell.id == original.id or (not _is_answer(original) and _same(cell, original)):
            return own
    return None


def _same(cell: NotebookNode, other: NotebookNode) -> bool:
    """Whether two cells are one but for blanks."""
    a, b = (re.sub(r"\s+", " ", c.source).strip() for c in (cell, other))
    return bool(a == b and cell.cell_type == other.cell_type)


def runnable(notebook: NotebookNode) -> Iterator[tuple[str, str]]:
    """Name and code of each cell that is run before the judge asks: all but the marks."""
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type == "code" and not _is_mark(cell) and cell.source.strip():
            yield f"cell {_id(cell) or number}", cell.source


def marks(notebook: NotebookNode) -> dict[str, float]:
    """Parts that are marked by the judge, and their points."""
    return {
        str(_id(cell)): float(cell.metadata["nbgrader"]["points"])
        for cell in notebook.cells
        if cell.cell_type == "code" and _is_mark(cell)
    }


def written(notebook: NotebookNode) -> dict[str, float]:
    """Answers that the teacher marks, and their points."""
    return {
        str(_id(cell)): float(cell.metadata["nbgrader"]["points"])
        for cell in notebook.cells
        if _nbgrader(cell).get("grade") and _is_answer(cell)
    }


def questions(notebook: NotebookNode) -> Iterator[tuple[str, str, NotebookNode | None]]:
    """What is marked, in order: its name, the heading that it stands under, and its answer.

    Several parts can share the answer that stands before them.
    """
    heading, answer = "", None
    for cell in notebook.cells:
        text = cell.source if cell.cell_type == "markdown" and _id(cell) else ""  # of ours
        if not _is_answer(cell) and (at := re.search(r"(?m)^#+ (.+)", text)):
            heading = at.group(1)
        if _is_answer(cell):
            answer = cell
        if _nbgrader(cell).get("grade"):
            yield str(_id(cell)), heading, answer


def _clean(cell: NotebookNode) -> NotebookNode:
    """A cell of ours, without outputs, with what we know it by."""
    own = {k: v for k, v in cell.metadata.items() if k in ("nbgrader", "tags")}
    return _plain(cell, own)


def _plain(cell: NotebookNode, metadata: Mapping[str, Any] | None = None) -> NotebookNode:
    held = {"cell_type": cell.cell_type, "source": cell.source, "metadata": dict(metadata or {})}
    if cell.cell_type == "code":
        held |= {"outputs": [], "execution_count": None}
    made: NotebookNode = nbformat.from_dict(held)
    return made


def _nbgrader(cell: NotebookNode) -> Mapping[str, Any]:
    found = cell.metadata.get("nbgrader")
    return found if isinstance(found, dict) else {}


def _id(cell: NotebookNode) -> str | None:
    found = _nbgrader(cell).get("grade_id")
    return found if isinstance(found, str) else None


def _is_answer(cell: NotebookNode) -> bool:
    return bool(_nbgrader(cell).get("solution"))


def _is_mark(cell: NotebookNode) -> bool:
    return bool(_nbgrader(cell).get("grade")) and not _is_answer(cell)


def _is_variant(cell: NotebookNode) -> bool:
    tags = cell.metadata.get("tags")
    tagged = isinstance(tags, list) and "variant" in tags
    return tagged or (cell.cell_type == "code" and cell.source.startswith("variant = {"))
