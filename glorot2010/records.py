"""Records of runs: a file each of comma-separated values, below a line that says what made them.

A record is the file ``EXPERIMENT.SCALE.csv.gz``. Its first line is JSON after ``"# "``: experiment
and scale, the whole configuration, seeds, versions, device, command, seconds, the columns' dtypes,
a SHA-256 of all that follows, and perhaps a note on the data. ``zcat`` shows it, and
``pandas.read_csv(path, skiprows=1)`` reads its rows where this package is not.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import os
import platform
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd
from filelock import FileLock, Timeout

from xavier import __version__, files

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
_SUFFIX = ".csv.gz"
_LIBRARIES = ("torch", "numpy", "scipy", "pandas")
_SCHEMA = 1
_HEADER = (
    *("schema", "experiment", "scale", "config", "config_sha256", "seeds", "versions", "device"),
    *("wall_time", "command", "columns", "rows_sha256"),
)  # besides a "note", which few records have


class RecordError(ValueError):
    """A record is there and is not what was asked for: damaged, or of another configuration."""


class RecordMissing(FileNotFoundError):
    """There is no such record."""


class RecordBusy(RuntimeError):
    """Another process is running the same experiment at the same scale."""


@dataclass(frozen=True, eq=False)
class Record:
    """A table and what made it.

    Attributes:
        path: the file.
        rows: the table that was saved.
        experiment: name of the experiment.
        scale: name of the scale.
        config: all that decides the rows.
        seeds: seeds whose runs are in the rows.
        versions: of Python, this package and the libraries that compute.
        device: what it ran on.
        wall_time: seconds that its points took, all together; of one core, if that computed them.
            What a process did that was killed is not in it.
        command: how it was called.
        note: in what its data are not those that the experiment names; empty if in nothing.
    """

    path: Path
    rows: pd.DataFrame
    experiment: str
    scale: str
    config: Mapping[str, Any]
    seeds: tuple[int, ...]
    versions: Mapping[str, str]
    device: str
    wall_time: float
    command: str
    note: str = ""

    @property
    def made(self) -> str:
        """How the rows were made and what that took, in a line for a reader."""
        where = "one core" if self.device == "cpu" else self.device
        note = self.note and f"; {self.note}"
        return f"{self.command}: {duration(self.wall_time)} on {where}{note}"


def duration(seconds: float) -> str:
    """A time in the two largest units that it has.

    >>> duration(21747.2)
    '6 h 2 min'
    """
    if seconds < 1:
        return "less than 1 s"
    for unit, length, smaller, part in (
        ("d", 86400, "h", 3600),
        ("h", 3600, "min", 60),
        ("min", 60, "s", 1),
    ):
        if round(seconds / part) * part >= length:
            whole, rest = divmod(round(seconds / part), length // part)
            few = rest and whole < 10  # of what takes long, the smaller unit says nothing
            return f"{whole} {unit} {rest} {smaller}" if few else f"{whole} {unit}"
    return f"{seconds:.0f} s"


def config_hash(config: Mapping[str, Any]) -> str:
    """The SHA-256 of a configuration, as JSON with sorted keys and no blanks.

    >>> config_hash({"b": 1, "a": (2,)}) == config_hash({"a": [2], "b": 1})
    True
    """
    text = json.dumps(config, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def results_folder(folder: str | Path | None = None) -> Path:
    """Return the folder of the records.

    Args:
        folder: where they are; by default what the environment variable ``XAVIER_RESULTS`` says,
            and without it ``results`` in the repository that the package was installed from.

    Raises:
        FileNotFoundError: nothing says where, and the package does not lie in its repository.
        ValueError: the folder is empty text.
    """
    if folder == "":
        raise ValueError("folder (--results) must be the path of a folder, got ''")
    if named := folder or os.environ.get("XAVIER_RESULTS"):
        return Path(named)
    root = Path(__file__).resolve().parent.parent
    if (root / "pyproject.toml").is_file():
        return root / "results"
    raise FileNotFoundError(
        "no folder for the records: the package does not lie in its repository; set the "
        "environment variable XAVIER_RESULTS to a folder, or give one as folder (--results)"
    )


def path_of(experiment: str, scale: str, folder: str | Path | None) -> Path:
    """The file of a record.

    Raises:
        ValueError: a name is not allowed.
    """
    for name, value in (("experiment", experiment), ("scale", scale)):
        if not _NAME.fullmatch(value):
            raise ValueError(
                f"{name} must be at most 100 letters, digits, dashes and underscores and begin "
                f"with a letter or digit, got {value!r}"
            )
    return results_folder(folder) / f"{experiment}.{scale}{_SUFFIX}"


def save(
    rows: pd.DataFrame,
    *,
    experiment: str,
    scale: str,
    config: Mapping[str, Any],
    seeds: Iterable[int],
    device: str,
    wall_time: float,
    command: str,
    note: str = "",
    folder: str | Path | None = None,
) -> Path:
    """Write a record, whole or not at all, in the place of an earlier one if there is one.

    Args:
        rows: columns of numbers, bools and text, none of the text missing. The index is not kept.
        experiment, scale: names of letters, digits, dashes and underscores.
        config: all that decides the rows, as JSON can say it.
        seeds, device, wall_time, command, note: as in `Record`.
        folder: as in `results_folder`; made if it is not there.

    Returns:
        The file.

    Raises:
        ValueError: a name is not allowed, or text is missing, which would come back as "".
        OSError: the file cannot be written; an earlier one is as it was.
    """
    path = path_of(experiment, scale, folder)
    if missing := [name for name in rows if rows[name].dtype.kind == "O" and rows[name].hasnans]:
        raise ValueError(f"rows must have text in all of {missing}, in some it is missing")
    # Single precision is written as the double that it equals, and so read to the bit.
    wide = rows.astype(dict.fromkeys(rows.select_dtypes("float32"), "float64"))
    table = wide.to_csv(
        index=False, na_rep="nan", lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC
    ).encode()
    header = {
        "schema": _SCHEMA,
        "experiment": experiment,
        "scale": scale,
        "config": config,
        "config_sha256": config_hash(config),
        "seeds": list(seeds),
        "versions": {
            "python": platform.python_version(),
            "xavier": __version__,
            **{library: metadata.version(library) for library in _LIBRARIES},
        },
        "device": device,
        "wall_time": wall_time,
        "command": command,
        # Text is an object before pandas 3.
        "columns": {
            str(name): str(dtype).replace("object", "str") for name, dtype in rows.dtypes.items()
        },
        "rows_sha256": hashlib.sha256(table).hexdigest(),
        **({"note": note} if note else {}),
    }
    line = json.dumps(header, allow_nan=False).encode()
    files.replace(path, gzip.compress(b"# " + line + b"\n" + table, mtime=0))
    return path


def load(
    experiment: str,
    scale: str,
    *,
    config: Mapping[str, Any] | None = None,
    folder: str | Path | None = None,
    command: str | None = None,
) -> Record:
    """Read a record.

    Args:
        experiment, scale: as in `save`.
        config: what the record must have been made with; by default anything.
        folder: as in `results_folder`.
        command: what makes it, for a message; by default a run of the experiment at that scale.

    Returns:
        The record, its rows equal to those that were saved.

    Raises:
        RecordMissing: there is none.
        RecordError: there is one, but it is damaged, or made with another configuration, or a
            folder is in its place.
        OSError: it cannot be read.
        ValueError: a name is not allowed.
    """
    path = path_of(experiment, scale, folder)
    again = f"to make it: {command or f'xavier run {experiment} --scale {scale}'}"
    try:
        line, _, table = gzip.decompress(path.read_bytes()).partition(b"\n")
        header = _header(line)
    except (FileNotFoundError, NotADirectoryError):
        raise RecordMissing(
            f"no record of {experiment} at scale {scale}, expected {path}; {again}"
        ) from None
    except (gzip.BadGzipFile, zlib.error, EOFError, ValueError, TypeError, RecursionError) as error:
        raise RecordError(_damaged(path, error, again)) from None
    except OSError:
        if not path.is_dir():
            raise
        raise RecordError(
            f"the record {path} is refused: it is a folder, expected a file; move it away, {again}"
        ) from None
    reason = ""
    if (header["experiment"], header["scale"]) != (experiment, scale):
        reason = f"it says it is of {header['experiment']} at scale {header['scale']}"
    elif hashlib.sha256(table).hexdigest() != header["rows_sha256"]:
        reason = "its rows are not those that were saved"
    elif config is not None and config_hash(config) != header["config_sha256"]:
        differ = _differences(header["config"], json.loads(json.dumps(config)))
        reason = f"it was made with another configuration: {'; '.join(differ[:5])}"
    if reason:
        raise RecordError(f"the record {path} is refused: {reason}; delete it, {again}")
    try:
        rows = _table(table, header["columns"])
    except (ValueError, TypeError, OverflowError, csv.Error) as error:
        raise RecordError(_damaged(path, error, again)) from None
    said = {f: header[f] for f in Record.__annotations__ if f not in ("path", "rows", "note")}
    said |= {"seeds": tuple(said["seeds"]), "note": header.get("note", "")}
    return Record(path, rows, **said)


def _header(line: bytes) -> dict[str, Any]:
    """The first line of a record, as `save` writes it.

    Raises:
        ValueError, TypeError: it is not so; the message says in what.
        RecursionError: it is JSON too deep to read.
    """
    header: dict[str, Any] = json.loads(line.removeprefix(b"# "))
    if missing := {*_HEADER} - {*header}:
        raise ValueError(f"its first line must have {', '.join(sorted(missing))}")
    if header["schema"] != _SCHEMA:
        raise ValueError(f"schema must be {_SCHEMA}, got {header['schema']}")
    if header["config_sha256"] != config_hash(header["config"]):
        raise ValueError("config_sha256 must be that of config")
    return header


def _table(table: bytes, columns: Mapping[str, str]) -> pd.DataFrame:
    """The rows of a record, in columns of these dtypes.

    Raises:
        ValueError, TypeError, OverflowError, csv.Error: they have others, or no such numbers.
    """
    names = next(csv.reader(io.TextIOWrapper(io.BytesIO(table), "utf-8", newline="")), [])
    if names != list(columns):
        raise ValueError(f"columns must be those of the rows, {names}, got {list(columns)}")
    # Python's own reading of decimal numbers is exact; not all versions of pandas' is.
    read = {name: "str" if "float" in dtype else dtype for name, dtype in columns.items()}
    return pd.read_csv(io.BytesIO(table), dtype=read, keep_default_na=False).astype(columns)


def _damaged(path: Path, error: Exception, again: str) -> str:
    what = f"{type(error).__name__}: {error}"
    return f"the record {path} is damaged ({what}); delete it, {again}"


@contextmanager
def lock(experiment: str, scale: str, folder: str | Path | None = None) -> Iterator[None]:
    """Keep others from running an experiment at a scale, in a ``with`` block.

    The system frees the lock when its holder ends, however that ends.

    Raises:
        RecordBusy: another process has it.
    """
    path = path_of(experiment, scale, folder).with_name(f".{experiment}.{scale}.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        held = FileLock(path).acquire(timeout=0)
    except Timeout:
        raise RecordBusy(f"another process is running {experiment} at scale {scale}") from None
    with held:
        try:
            yield
        finally:
            with suppress(OSError):  # not on Windows, where it is open
                path.unlink()


def _differences(recorded: Any, asked: Any, name: str = "") -> list[str]:
    """What differs between two configurations, key by key."""
    if isinstance(recorded, Mapping) and isinstance(asked, Mapping):
        return [
            found
            for key in sorted({*recorded, *asked})
            for found in _differences(
                recorded.get(key), asked.get(key), f"{name}.{key}" if name else key
            )
        ]
    if json.dumps(recorded) == json.dumps(asked):  # 1, 1.0 and True are three values
        return []
    return [f"{name} is {recorded!r} in the record, expected {asked!r}"]
