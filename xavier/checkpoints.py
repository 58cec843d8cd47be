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
from torch import Tensor

from xavier import files

_NAME = b"xavier checkpoint 1\n"


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
        checkpoint: what to write.
        of: what tells this run from others, as JSON can say it; `load` asks for it.

    Raises:
        TypeError: something is not of a kind that is kept.
        OSError: it cannot be written; an earlier one is as it was.
    """
    arrays = {f"tensor {k}": x.detach().cpu().numpy() for k, x in checkpoint.tensors.items()}
    tables: dict[str, dict[str, Any]] = {}
    for name, table in checkpoint.tables.items():
        tables[name] = {}
        for column in table.columns:
            values = table[column]
            words = None
            if values.dtype.kind not in "biuf":
                codes, unique = pd.factorize(values)  # -1 where nothing is
                values, words = pd.Series(codes), [str(word) for word in unique]
            arrays[f"table {name} {column}"] = values.to_numpy()
            tables[name][column] = words
    head = {"of": dict(of), "state": checkpoint.state, "tables": tables}
    packed = io.BytesIO()
    packed.write(json.dumps(head).encode() + b"\n")
    np.savez(packed, allow_pickle=False, **arrays)
    body = packed.getvalue()
    digest = hashlib.sha256(body).hexdigest().encode()
    files.replace(path, _NAME + digest + b"\n" + body, "save the checkpoint")


def load(path: Path, *, of: Mapping[str, Any]) -> Checkpoint | None:
    """Read a checkpoint after checking all of it.

    Args:
        path: the file.
        of: what `save` was given.

    Returns:
        The checkpoint, or None if there is none.

    Raises:
        CheckpointError: there is one, but it is damaged or of another run.
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
    head = json.loads(line)
    if (asked := json.loads(json.dumps(dict(of)))) != head["of"]:
        keys = [k for k in asked | head["of"] if asked.get(k) != head["of"].get(k)]
        _refuse(path, f"it is of another run, which differs in {', '.join(sorted(keys))}")
    with np.load(io.BytesIO(packed), allow_pickle=False) as arrays:
        tensors = {
            key.removeprefix("tensor "): torch.from_numpy(arrays[key])
            for key in arrays.files
            if key.startswith("tensor ")
        }
        tables = {
            name: pd.DataFrame(
                {
                    column: _column(arrays[f"table {name} {column}"], words)
                    for column, words in columns.items()
                }
            )
            for name, columns in head["tables"].items()
        }
    return Checkpoint(head["state"], tensors, tables)


def _column(values: Any, words: list[str] | None) -> Any:
    return values if words is None else [words[code] if code >= 0 else None for code in values]


def _refuse(path: Path, reason: str) -> NoReturn:
    raise CheckpointError(
        f"the checkpoint {path} is refused: {reason}; delete it to begin the run anew"
    )
