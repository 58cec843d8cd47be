"""Notebooks of problem sets: what a student is given, and what of it comes back.

A problem set's cells are of four kinds: locked ones, which are restored whatever was done to them;
answers, of which the student's text counts; marks, which nobody but the judge fills in; and the
variant, the student's own numbers. What a student adds is kept where it was put.
"""

from __future__ import annotations

import copy
import hashlib
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from ..check.parts import Variant

LARGEST = 20_000_000
"""Bytes that a submission's notebook may have."""


class Unreadable(ValueError):
    """A file is no notebook."""


def read(path: Path) -> NotebookNode:
    """Read a notebook that a stranger wrote.

    Raises:
        Unreadable: it is missing, too large, or no notebook.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise Unreadable(f"{path.name} has more than {LARGEST:,} bytes")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what editors of all ages leave out
            text = path.read_text(encoding="utf-8-sig")  # some editors put a mark before it
            notebook: NotebookNode = nbformat.reads(text, as_version=4)
        for cell in notebook.cells:
            if not isinstance(cell.source, str) or not isinstance(cell.metadata, dict):
                raise Unreadable(f"{path.name} is no notebook")
        return notebook
    except FileNotFoundError:
        raise Unreadable("there is no notebook") from None
    except (OSError, ValueError, AttributeError, KeyError, TypeError, RecursionError) as error:
        raise Unreadable(f"{path.name} is no notebook: {str(error)[:100]}") from None


def write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: what reads it never sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
        file.write(content)
    Path(file.name).chmod(0o644)
    Path(file.name).replace(path)


def personal(release: NotebookNode, variant: Variant) -> NotebookNode:
    """The notebook that one student is given."""
    notebook = copy.deepcopy(release)
    for cell in notebook.cells:
        if _is_variant(cell):
            cell.source = variant_source(variant.shown)
    notebook.metadata["xavier"] = {"student": variant.student, "key": fingerprint(variant.key)}
    return notebook


def fingerprint(key: str) -> str:
    """What tells that a notebook was made with a key, and does not tell the key."""
    return hashlib.sha256(b"fingerprint of " + key.encode()).hexdigest()[:12]


def made_with(notebook: NotebookNode) -> str | None:
    """The fingerprint of the key that a notebook says it was made with."""
    found = notebook.metadata.get("xavier")
    key = found.get("key") if isinstance(found, dict) else None
    return key if isinstance(key, str) else None


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


def restored(
    submitted: NotebookNode | None, release: NotebookNode, variant: Variant
) -> NotebookNode:
    """A submission with everything that was locked as it was given out, and no outputs.

    Args:
        submitted: the submission; None if there is none.
        release: the notebook as everybody is given it.
        variant: the student's own numbers.
    """
    given = personal(release, variant)
    ids = {_id(cell) for cell in given.cells} - {None}
    answers: dict[str, NotebookNode] = {}
    extra: dict[str | None, list[NotebookNode]] = {}
    anchor: str | None = None
    for cell in submitted.cells if submitted is not None else ():
        name = _id(cell)
        if _is_variant(cell):
            anchor = "variant"
        elif name in ids and name not in answers:
            answers[name or ""] = cell
            anchor = name
        elif name not in ids:
            extra.setdefault(anchor, []).append(cell)
    cells = [_clean(cell) for cell in extra.get(None, [])]
    for cell in given.cells:
        name = _id(cell)
        if name in answers and _is_answer(cell) and answers[name].cell_type == cell.cell_type:
            cell.source = answers[name].source
        cells.append(_clean(cell))
        cells += [_clean(c) for c in extra.get("variant" if _is_variant(cell) else name, [])]
    given.cells = cells
    for number, cell in enumerate(given.cells):  # whatever a submission had, ids are unique
        cell["id"] = f"cell-{number}"
    return given


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


def _clean(cell: NotebookNode) -> NotebookNode:
    """A cell without outputs; without metadata, if it is none of ours."""
    own = {k: v for k, v in cell.metadata.items() if k in ("nbgrader", "tags")} if _id(cell) else {}
    if _is_variant(cell):
        own = {"tags": ["variant"]}
    makers: dict[str, Callable[..., NotebookNode]] = {
        "code": nbformat.v4.new_code_cell,
        "markdown": nbformat.v4.new_markdown_cell,
    }
    maker = makers.get(cell.cell_type, makers["markdown"])  # raw text becomes text
    return maker(cell.source, metadata=own)


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
    return "variant" in (cell.metadata.get("tags") or [])
