"""Where a run stands, in one file: written whole or not at all, and read only if nothing is amiss.

A checkpoint is three lines of text and an archive of arrays. The lines are a name, the SHA-256 of
all that follows, and JSON: what the run is of, its state, and how to put its tables together. The
archive is NumPy's, uncompressed, and is read without unpickling anything. Numbers come back to the
bit.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from xavier import files

_NAME = b"xavier checkpoint 1\n"
_TEXT = ("object", "str", "string")  # dtypes under which pandas keeps text


class CheckpointError(ValueError):
    """A checkpoint is there and is not what was asked for: damaged, foreign, or of another run."""


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """What a checkpoint holds.

    Attributes:
        state: whatever JSON can say.
        tensors: by name, on the CPU.
        tables: by name, with columns of numbers and text.
    """

    state: dict[str, Any]
    tensors: dict[str, Tensor]
    tables: dict[str, pd.DataFrame]


def save(path: Path, checkpoint: Checkpoint, *, of: Mapping[str, Any]) -> None:
    """Write a checkpoint in the place of an earlier one.

    Args:
        path: the file; its folder is made if it is not there.
        checkpoint: what to write. The tables' indices are not kept.
        of: what tells this run from others, as JSON can say it; `load` asks for it.

    Raises:
        TypeError: something is not of a kind that is kept.
        OSError: it cannot be written; an earlier one is as it was.
    """
    arrays = [tensor.detach().cpu().numpy() for tensor in checkpoint.tensors.values()]
    tables: dict[str, list[tuple[str, str, list[str] | None]]] = {}
    for name, table in checkpoint.tables.items():
        if not table.columns.is_unique or not all(isinstance(c, str) for c in table.columns):
            raise TypeError(f"table {name!r} must have columns of different names, as text")
        tables[name] = []
        for column in table.columns:
            values, words = _values(f"column {column!r} of table {name!r}", table[column])
            arrays.append(values)
            tables[name].append((column, str(table[column].dtype), words))
    head = {
        "of": dict(of),
        "state": checkpoint.state,
        "tensors": list(checkpoint.tensors),
        "tables": tables,
    }
    line = json.dumps(head).encode() + b"\n"
    packed = io.BytesIO()
    np.savez(packed, *arrays)  # by number, not by name: no name is lost or taken for another
    body = line + packed.getbuffer()
    digest = hashlib.sha256(body).hexdigest().encode()
    files.replace(path, _NAME + digest + b"\n" + body, "save the checkpoint")


def load(path: Path, *, of: Mapping[str, Any]) -> Checkpoint | None:
    """Read a checkpoint after checking all of it.

    Args:
        path: the file.
        of: what `save` was given.

    Returns:
        The checkpoint, or None if there is none. In tables, missing text is None, or NaN where
        pandas has a dtype of its own for text.

    Raises:
        CheckpointError: there is one, but it is damaged or of another run.
        OSError: it cannot be read.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except IsADirectoryError:
        _refuse(path, "expected a file, found a folder")
    if not data.startswith(_NAME):
        _refuse(path, f"expected a file that begins with {_NAME!r}, found {data[: len(_NAME)]!r}")
    digest, _, body = data[len(_NAME) :].partition(b"\n")
    if hashlib.sha256(body).hexdigest().encode() != digest:
        _refuse(path, "it was damaged or cut short: its SHA-256 is not the one it names")
    line, _, packed = body.partition(b"\n")
    try:
        head = json.loads(line)
        theirs, state = _dict(head["of"]), _dict(head["state"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        _refuse(path, f"its third line is not that of a checkpoint: {error!r}")
    if (asked := json.loads(json.dumps(dict(of)))) != theirs:
        differ = asked.keys() ^ theirs.keys()
        differ |= {key for key in asked.keys() & theirs.keys() if asked[key] != theirs[key]}
        _refuse(path, f"it is of another run, which differs in {', '.join(sorted(differ))}")
    try:
        return Checkpoint(state, *_unpack(head, packed))
    except MemoryError:
        raise
    except Exception as error:  # the seal is right, so whatever made it made it so
        _refuse(path, f"its arrays are not those of a checkpoint: {error!r}")


def _values(name: str, values: pd.Series[Any]) -> tuple[NDArray[Any], list[str] | None]:
    """A column as numbers, or as numbers and the words that they stand for, -1 for none."""
    dtype = values.dtype
    if isinstance(dtype, np.dtype) and dtype.kind in "biuf":
        return values.to_numpy(), None
    if str(dtype) in _TEXT:
        codes, found = pd.factorize(values)
        words = list(found)
        if all(isinstance(word, str) for word in words):
            return codes, words
    raise TypeError(f"{name} must hold numbers or text, got {dtype}: {values.head(3).tolist()}")


def _unpack(head: Any, packed: bytes) -> tuple[dict[str, Tensor], dict[str, pd.DataFrame]]:
    """Tensors and tables, of what `save` has put into the archive one after the other."""
    with np.load(io.BytesIO(packed), allow_pickle=False) as archive:
        arrays = [archive[f"arr_{k}"] for k in range(len(archive.files))]
    numbers = iter(arrays)
    tensors = {name: torch.from_numpy(next(numbers)) for name in head["tensors"]}
    tables = {
        name: pd.DataFrame(
            {column: _column(next(numbers), dtype, words) for column, dtype, words in columns}
        )
        for name, columns in head["tables"].items()
    }
    if (left := len(list(numbers))) > 0:
        raise ValueError(f"{left} of {len(arrays)} are not named")
    return tensors, tables


def _column(values: NDArray[Any], dtype: str, words: list[str] | None) -> pd.Series[Any]:
    if words is None:
        return pd.Series(values)
    return pd.Series([words[code] if code >= 0 else None for code in values], dtype=dtype)


def _dict(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"expected a dictionary, found {value!r}")
    return value


def _refuse(path: Path, reason: str) -> NoReturn:
    raise CheckpointError(
        f"the checkpoint {path} is refused: {reason}; delete it to begin the run anew"
    )
