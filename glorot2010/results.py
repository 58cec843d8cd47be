"""Records of runs: one file each, written whole or not at all, and read only if nothing is amiss.

A record is the file ``EXPERIMENT.SCALE.csv.gz``. Unpacked it is text: one line of JSON after
``"# "``, the header, then comma-separated values with a line of column names. ``zcat`` shows it,
and ``pandas.read_csv(path, skiprows=1)`` reads its rows where this package is not (pandas 2 to the
bit only with ``float_precision="round_trip"``). The header tells where they come from:

==================== =============================================================================
"schema"             version of this format, `SCHEMA`
"experiment"         with "scale", what the file is named after
"config"             all that decides the rows, and "config_sha256", its `config_hash`
"seeds"              seeds whose runs are in the rows
"versions"           of Python, this package and the libraries that compute
"device", "command"  what it ran on, and how it was called
"wall_time"          seconds that it took, all points together; of one core, if that computed it
"columns"            dtypes by name, in order
"missing"            for columns of text with missing values, what stands for them in the file
"n_rows"             number of rows, and "rows_sha256", over all after the header's line
"sha256"             over the header's other fields, written as `config_hash` writes a config
==================== =============================================================================

The packed bytes have a SHA-256 of their own, in the comment that the gzip format has room for: a
record that was damaged, cut short, or edited and packed again is refused. Nothing is unpickled.
Equal content gives equal bytes, on any machine with the same zlib.
"""

from __future__ import annotations

import contextlib
import csv
import gzip
import hashlib
import io
import json
import math
import os
import platform
import re
import secrets
import shlex
import struct
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pandas as pd

from xavier import __version__, checks, files

SCHEMA: int = 1
"""The version of the format that `save` writes, and the only one that `load` reads."""

_SUFFIX = ".csv.gz"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
_FILE = re.compile(rf"({_NAME.pattern})\.({_NAME.pattern}){re.escape(_SUFFIX)}")

# What every record starts with: no time, no file name, a comment; then the comment, which is the
# seal: the SHA-256 of all that follows it.
_GZIP = b"\x1f\x8b\x08\x10\x00\x00\x00\x00\x02\xff"
_SEAL = re.compile(rb"sha256:([0-9a-f]{64})\0")
_SEALED = len(_GZIP) + len("sha256:") + 64 + 1

_FIELDS: dict[str, type] = {
    **{"schema": int, "experiment": str, "scale": str, "config": dict, "config_sha256": str},
    **{"seeds": list, "versions": dict, "device": str, "wall_time": float, "command": str},
    **{"columns": dict, "missing": dict, "n_rows": int, "rows_sha256": str, "sha256": str},
}
_LIBRARIES = ("torch", "numpy", "scipy", "pandas")

_INTEGERS = tuple(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))
_FLOATS = ("float16", "float32", "float64")
_DTYPES = ("bool", *_INTEGERS, *_FLOATS, "str")
_LONGEST = 10_000  # characters of a value; what reads them here stops at 131,072

_NAMELESS = 10.0  # seconds after which a lock that does not say whose it is belongs to nobody
_TAKING_OVER = 60.0  # seconds, likewise for the mark of who removes a lock


class RecordError(ValueError):
    """A record is there and is not what was asked for: damaged, foreign, or of another config."""


class RecordMissing(FileNotFoundError):
    """There is no such record."""


class RecordBusy(RuntimeError):
    """Another process is running the same experiment at the same scale."""


@dataclass(frozen=True)
class Header:
    """What a record says about its rows.

    Attributes:
        path: the file.
        experiment: name of the experiment.
        scale: name of the scale.
        config: all that decides the rows.
        config_hash: what `glorot2010.results.config_hash` gives for ``config``.
        seeds: seeds whose runs are in the rows.
        versions: of Python, this package and the libraries that compute.
        device: what it ran on.
        wall_time: seconds that it took, all points together; of one core, if that computed it.
        command: how it was called.
        columns: dtypes by column, in order.
        n_rows: number of rows.
    """

    path: Path
    experiment: str
    scale: str
    config: Mapping[str, Any]
    config_hash: str
    seeds: tuple[int, ...]
    versions: Mapping[str, str]
    device: str
    wall_time: float
    command: str
    columns: Mapping[str, str]
    n_rows: int

    @property
    def made(self) -> str:
        """How the rows were made and what that took, in a line for a reader."""
        where = "one core" if self.device == "cpu" else self.device
        return f"{self.command}: {duration(self.wall_time)} on {where}"


@dataclass(frozen=True, eq=False)
class Record(Header):
    """A header and its rows.

    Attributes:
        rows: the table that was saved.
    """

    rows: pd.DataFrame


# --------------------------------------------------------------------------------------------------
# Save, load, list
# --------------------------------------------------------------------------------------------------


def duration(seconds: float) -> str:
    """A time in the two largest units that it has."""
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
    """Return the SHA-256 of a config, which does not depend on the order of its keys.

    It is taken over JSON with sorted keys, no blanks, ASCII characters only, and floats as Python
    writes them. A tuple counts as a list; 1, 1.0 and True are three different values.

    Raises:
        TypeError: the config is no mapping, or holds what JSON has no form for.
        ValueError: it holds a float that is infinite or not a number.
    """
    return _sha256(_canonical(_config(config)))


def results_folder(folder: str | Path | None = None) -> Path:
    """Return the folder of the records.

    Args:
        folder: where they are; by default what the environment variable ``XAVIER_RESULTS`` says,
            and without it ``results`` in the repository that the package was installed from.

    Raises:
        FileNotFoundError: nothing says where, and the package does not lie in its repository.
    """
    if folder is not None:
        return Path(folder)
    if named := os.environ.get("XAVIER_RESULTS"):
        return Path(named)
    root = Path(__file__).resolve().parent.parent
    if not (root / "pyproject.toml").is_file():
        raise FileNotFoundError(
            "no folder for the records: the package does not lie in its repository, so set the "
            "environment variable XAVIER_RESULTS to a folder, or give one as folder (--results)"
        )
    return root / "results"


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
    folder: str | Path | None = None,
) -> Path:
    """Write a record, in the place of an earlier one if there is one.

    Whatever goes wrong, and wherever the process is killed, the earlier record stays as it was
    until the new one is complete.

    Args:
        rows: columns of integers, floats, bools and text, named by text. Values and dtypes are kept
            to the bit, but that all NaN are one NaN, and text comes back in pandas' own dtype for
            it. The index is not kept.
        experiment: a name of letters, digits, dashes and underscores, as is the scale's.
        scale: such as "smoke", "book" or "paper".
        config: all that decides the rows, as JSON can say it.
        seeds: seeds whose runs are in the rows.
        device: what it ran on.
        wall_time: seconds that it took, all points together; of one core, if that computed it.
        command: how to run it again.
        folder: as in `results_folder`; made if it is not there.

    Returns:
        The file.

    Raises:
        TypeError: an argument is of the wrong type, or a column is of a dtype that is not kept.
        ValueError: an argument is out of range, columns share a name, or an index has a name
            and so looks like data.
        OSError: the file cannot be written: no space, no permission. Earlier records are intact.
    """
    path = _path(experiment, scale, folder)
    columns, missing, table = _write_rows(rows)
    plain = _config(config)
    header: dict[str, Any] = {
        "schema": SCHEMA,
        "experiment": experiment,
        "scale": scale,
        "config": plain,
        "config_sha256": _sha256(_canonical(plain)),
        "seeds": _seeds(seeds),
        "versions": _versions(),
        "device": _said("device", device),
        "wall_time": _seconds("wall_time", wall_time),
        "command": _said("command", command),
        "columns": columns,
        "missing": missing,
        "n_rows": len(rows),
        "rows_sha256": _sha256(table),
    }
    header["sha256"] = _sha256(_canonical(header))
    line = json.dumps(header, allow_nan=False).encode()
    files.replace(path, _pack(b"# " + line + b"\n" + table), "save the record")
    return path


def load(
    experiment: str,
    scale: str,
    *,
    config: Mapping[str, Any] | None = None,
    folder: str | Path | None = None,
    command: str | None = None,
) -> Record:
    """Read a record, after checking all of it.

    Args:
        experiment, scale: as in `save`.
        config: what the record must have been made with; by default anything.
        folder: as in `results_folder`.
        command: what makes it, for a message; by default a run of the experiment at that scale.

    Returns:
        The record, equal to what was saved.

    Raises:
        RecordMissing: there is none.
        RecordError: there is one, but it is damaged, of another schema, not a record, or made with
            another config. The message says what was expected, what was found, and the command
            that makes the record anew.
        ValueError: a name is not allowed, or the config is not one.
    """
    path = _path(experiment, scale, folder)
    asked = None if config is None else _config(config)
    again = _again(command or f"xavier run {experiment} --scale {scale}", folder)
    try:
        line, _, table = _unpack(_read(path)).partition(b"\n")
        header, missing = _header(path, line, table)
        if asked is not None and (differences := _differences(header.config, asked)):
            shown = "; ".join(differences[:5]) + ("; ..." if len(differences) > 5 else "")
            _refuse(f"it was made with another config: {shown}")
        return Record(**vars(header), rows=_read_rows(table, header, missing))
    except (FileNotFoundError, NotADirectoryError):
        message = f"no record of {experiment} at scale {scale}, expected {path}; {again}"
        raise RecordMissing(message) from None
    except RecordError as error:
        raise RecordError(f"the record {path} is refused: {error}; {again}") from None


def records(
    folder: str | Path | None = None,
) -> dict[tuple[str, str], Header | RecordError]:
    """List the records by experiment and scale, reading no more than their headers.

    A header is checked, its rows are not: that is for `load`.

    Args:
        folder: as in `results_folder`.

    Returns:
        For every file that is named like a record its header, or the error that says what is
        wrong with it. Files named otherwise are not looked at.
    """
    found: dict[tuple[str, str], Header | RecordError] = {}
    where = results_folder(folder)
    for path in sorted(where.iterdir()) if where.is_dir() else ():
        if not (name := _FILE.fullmatch(path.name)):
            continue
        experiment, scale = name.groups()
        try:
            found[experiment, scale] = _header(path, _first_line(path))[0]
        except RecordError as error:
            again = _again(f"xavier run {experiment} --scale {scale}", folder)
            found[experiment, scale] = RecordError(
                f"the record {path} is refused: {error}; {again}"
            )
    return found


# --------------------------------------------------------------------------------------------------
# One run at a time
# --------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def lock(experiment: str, scale: str, folder: str | Path | None = None) -> Iterator[None]:
    """Keep others from running an experiment at a scale, in a ``with`` block.

    The lock is a small file beside the record, which says who holds it. Where its holder was
    killed, it is taken over: at once if that was on this machine (not on Windows), else when
    somebody has deleted the file.

    Args:
        experiment, scale: as in `save`.
        folder: as in `results_folder`; made if it is not there.

    Raises:
        RecordBusy: another has the lock; the message says who, since when, and what to do.
        OSError: the folder cannot be written.
    """
    path = _path(experiment, scale, folder).with_name(f".{experiment}.{scale}.lock")
    own = {
        **{"pid": os.getpid(), "born": _born(os.getpid())},
        **{"host": platform.node(), "namespace": _namespace()},
        **{"since": datetime.now().astimezone().isoformat(timespec="seconds")},
        **{"token": secrets.token_hex(8)},  # no two locks are equal
    }
    text = json.dumps(own).encode()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        while not _create(path, text):
            if _left(path):
                _take_away(path)
            elif held := _content(path):
                raise RecordBusy(_busy(f"{experiment} at scale {scale}", path, held))
    except OSError as error:
        files.cannot("take the lock", error, path)
    try:
        yield
    finally:
        if os.getpid() == own["pid"] and _content(path) == text:  # not in a forked child
            path.unlink(missing_ok=True)


def _create(path: Path, text: bytes) -> bool:
    """Make a file that is not there; whether it was not there."""
    try:
        opened = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
    except FileExistsError:
        return False
    try:
        with os.fdopen(opened, "wb") as file:
            file.write(text)
    except OSError:
        path.unlink(missing_ok=True)
        raise
    return True


def _content(path: Path) -> bytes | None:
    """A lock's text, None if there is no lock; its holder may be just about to write it."""
    try:
        return path.read_bytes() or b"?"
    except FileNotFoundError:
        return None


def _holder(text: bytes) -> dict[str, Any] | None:
    """Who holds a lock, None if it does not say."""
    try:
        held = json.loads(text)
        known = held["pid"] > 0 and {"born", "host", "namespace", "since"} <= set(held)
    except (ValueError, TypeError, KeyError):
        return None
    return held if known else None


def _left(path: Path) -> bool:
    """Whether the holder of a lock is known to be gone."""
    if (text := _content(path)) is None:
        return False
    if (held := _holder(text)) is None:
        return files.age(path) > _NAMELESS
    here = held["host"] == platform.node() and held["namespace"] == _namespace()
    return here and not _alive(held["pid"], held["born"])


def _take_away(path: Path) -> None:
    """Remove a lock whose holder is gone, as nobody else does at the same time.

    Of two processes that see a dead holder, the slower one could else remove the new lock of the
    faster one. So who removes a lock first makes a mark that only one can make, and looks again.
    """
    mark = path.with_suffix(".break")
    if not _create(mark, b""):
        if files.age(mark) > _TAKING_OVER:  # killed while it had the mark
            mark.unlink(missing_ok=True)
        time.sleep(0.01)
        return
    try:
        if _left(path):
            path.unlink(missing_ok=True)
    finally:
        mark.unlink(missing_ok=True)


def _busy(what: str, path: Path, text: bytes) -> str:
    held = _holder(text)
    who = "a process that has not said who it is"
    if held:
        who = f"process {held['pid']} on {held['host']} since {held['since']}"
    return f"{what} is being run by {who}; wait for it, or if it is gone, delete {path}"


def _alive(pid: int, born: str | None) -> bool:
    """Whether a process of this machine still runs, and is not a later one of the same number."""
    if os.name != "posix":  # on Windows the next line would end it
        return True
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return born is None or _born(pid) == born


def _born(pid: int) -> str | None:
    """When a process began, in a form that Linux has; None if it has ended, or elsewhere."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError):
        return None
    return None if state in "ZX" else fields[18]


def _namespace() -> str | None:
    """Within what the numbers of processes count: containers of one machine have their own."""
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return None


# --------------------------------------------------------------------------------------------------
# Files
# --------------------------------------------------------------------------------------------------


def _path(experiment: str, scale: str, folder: str | Path | None) -> Path:
    for name, value in (("experiment", experiment), ("scale", scale)):
        if not isinstance(value, str):
            raise TypeError(f"{name} must be a name, got {value!r}")
        if not _NAME.fullmatch(value):
            raise ValueError(
                f"{name} must be at most 100 letters, digits, dashes and underscores and begin "
                f"with a letter or digit, got {value!r}"
            )
    return results_folder(folder) / f"{experiment}.{scale}{_SUFFIX}"


def _again(command: str, folder: str | Path | None) -> str:
    """How to make a record, for a message."""
    where = "" if folder is None else f" --results {shlex.quote(os.fspath(folder))}"
    return f"to make it anew: {command}{where}"


def _pack(text: bytes) -> bytes:
    """Compress and seal; the gzip format written out, so that nothing in it depends on the day."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = packer.compress(text) + packer.flush()
    body += struct.pack("<LL", zlib.crc32(text), len(text) & 0xFFFFFFFF)
    return _GZIP + f"sha256:{_sha256(body)}\0".encode() + body


def _unpack(data: bytes) -> bytes:
    """Check the seal and decompress."""
    if not data:
        _refuse("expected a record, found an empty file")
    if not _GZIP.startswith(data[: len(_GZIP)]) and not data.startswith(_GZIP[:2]):
        _refuse(f"expected a gzip file, found one that starts with {data[:8]!r}")
    seal = _SEAL.fullmatch(data[len(_GZIP) : _SEALED])
    if not data.startswith(_GZIP) or not seal:
        _refuse(
            "expected a sealed gzip file as save writes it, found another gzip header: it was "
            "damaged, cut short, or packed by something else"
        )
    expected, found = seal[1].decode(), _sha256(data[_SEALED:])
    if found != expected:
        _refuse(
            f"it was damaged or cut short: expected bytes whose SHA-256 is {expected}, found "
            f"{len(data) - _SEALED} bytes with {found}"
        )
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        _refuse(f"expected gzip data, found none that unpacks ({error})")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except IsADirectoryError:
        _refuse("expected a file, found a folder")
    except PermissionError:
        if path.is_dir():  # what Windows calls it
            _refuse("expected a file, found a folder")
        raise


def _first_line(path: Path) -> bytes:
    if path.is_dir():
        _refuse("expected a file, found a folder")
    try:
        with gzip.open(path) as file:
            line = file.readline()
    except (OSError, EOFError, zlib.error) as error:
        _refuse(f"expected gzip data, found none that unpacks ({error})")
    if not line.endswith(b"\n"):
        _refuse("expected a header, found an end within its line")
    return line[:-1]


def _refuse(reason: str) -> NoReturn:
    raise RecordError(reason)


# --------------------------------------------------------------------------------------------------
# Headers
# --------------------------------------------------------------------------------------------------


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _canonical(value: Any) -> bytes:
    """The one form of a value, for hashes and comparisons."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _config(config: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(config, Mapping):
        raise TypeError(f"config must be a mapping, got {config!r}")
    plain: dict[str, Any] = _plain("config", config)
    return plain


def _plain(name: str, value: Any) -> Any:
    """A value as JSON gives it back, with sorted keys."""
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{name} must be finite, got {value!r}")
        return float(value)
    if isinstance(value, list | tuple):
        return [_plain(f"{name}[{index}]", item) for index, item in enumerate(value)]
    if not isinstance(value, Mapping):
        raise TypeError(
            f"{name} must be None, a bool, int, float or str, or a list, tuple or mapping of "
            f"them, got {value!r}"
        )
    for key in value:
        if not isinstance(key, str):
            raise TypeError(f"{name} must have keys of text, got {key!r}")
    return {key: _plain(f"{name}[{key!r}]", value[key]) for key in sorted(value)}


def _differences(recorded: Any, asked: Any, name: str = "") -> list[str]:
    """What differs between two configs, key by key."""
    if isinstance(recorded, Mapping) and isinstance(asked, Mapping):
        found = []
        for key in sorted({*recorded, *asked}):
            inner = f"{name}.{key}" if name else key
            if key not in recorded:
                found.append(f"{inner} is not in the record, expected {asked[key]!r}")
            elif key not in asked:
                found.append(f"{inner} is {recorded[key]!r} in the record, expected none")
            else:
                found += _differences(recorded[key], asked[key], inner)
        return found
    if _canonical(recorded) == _canonical(asked):
        return []
    return [f"{name} is {recorded!r} in the record, expected {asked!r}"]


def _seeds(seeds: Any) -> list[int]:
    if isinstance(seeds, str) or not isinstance(seeds, Iterable):
        raise TypeError(f"seeds must be integers, got {seeds!r}")
    return [checks.seed("seeds", seed) for seed in seeds]


def _said(name: str, value: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be text, got {value!r}")
    if not value:
        raise ValueError(f"{name} must not be empty")
    return value


def _seconds(name: str, value: float) -> float:
    if (seconds := checks.finite(name, value)) < 0:
        raise ValueError(f"{name} must be at least 0, got {value!r}")
    return seconds


def _versions() -> dict[str, str]:
    # The package's own is asked of itself: it may be run from its folder, without being installed.
    found = {"python": platform.python_version(), "xavier": __version__}
    for library in _LIBRARIES:
        try:
            found[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            found[library] = "not installed"
    return found


def _header(path: Path, line: bytes, table: bytes | None = None) -> tuple[Header, dict[str, str]]:
    """Read and check a header, against the rows if they are given.

    Returns:
        The header, and what stands for missing values in columns of text.
    """
    try:
        if not line.startswith(b"# "):
            raise ValueError("no '# '")
        found = json.loads(line[2:])
        _canonical(found)  # not so with numbers that JSON has no form for
    except (ValueError, RecursionError):
        _refuse(f"expected a line of '# ' and JSON, found {line[:40]!r}")
    if not isinstance(found, dict) or "schema" not in found:
        _refuse("expected the header of a record, found other JSON")
    if found["schema"] != SCHEMA:
        _refuse(f"expected schema {SCHEMA}, found {found['schema']!r}")
    for field, kind in _FIELDS.items():
        if type(found.get(field)) is not kind:
            _refuse(
                f"expected the header's {field!r} to be {kind.__name__}, found {found.get(field)!r}"
            )
    if unknown := sorted(set(found) - set(_FIELDS)):
        _refuse(f"expected a header without {', '.join(map(repr, unknown))}")
    _same("a header", found.pop("sha256"), _canonical(found))
    _same("a config", found["config_sha256"], _canonical(found["config"]))
    named, expected = (f"{found['experiment']}.{found['scale']}{_SUFFIX}", path.name)
    if named != expected:
        _refuse(f"expected the record {expected}, found one that says it is {named}")
    if table is not None:
        _same("rows", found["rows_sha256"], table)
    header = Header(
        path=path,
        config_hash=found["config_sha256"],
        seeds=tuple(found["seeds"]),
        **{
            field: found[field]
            for field in _FIELDS
            if field in Header.__annotations__ and field != "seeds"
        },
    )
    return header, found["missing"]


def _same(what: str, expected: str, data: bytes) -> None:
    if (found := _sha256(data)) != expected:
        _refuse(f"expected {what} whose SHA-256 is {expected}, found {found}")


# --------------------------------------------------------------------------------------------------
# Rows
# --------------------------------------------------------------------------------------------------


def _write_rows(rows: pd.DataFrame) -> tuple[dict[str, str], dict[str, str], bytes]:
    """Return dtypes by column, what stands for missing text by column, and the table as text."""
    if not isinstance(rows, pd.DataFrame):
        raise TypeError(f"rows must be a DataFrame, got {type(rows).__name__}")
    if rows.index.nlevels > 1 or rows.index.name is not None:
        raise ValueError(
            f"rows must have an index without a name, as it is not kept, got {rows.index.names}; "
            "call reset_index() first"
        )
    names = list(rows.columns)
    if not names or not all(isinstance(name, str) and name for name in names):
        raise ValueError(f"rows must have columns named by text, got {names}")
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"rows must have columns of different names, got {repeated} twice")
    dtypes: dict[str, str] = {}
    missing: dict[str, str] = {}
    written: list[list[Any]] = []
    for name in names:
        column = rows[name]
        if column.dtype == object or str(column.dtype) == "str":
            values = [_text(name, value) for value in column.tolist()]
            dtypes[name] = "str"
            if None in values:
                missing[name] = mark = _mark(set(values))
                values = [mark if value is None else value for value in values]
        elif isinstance(column.dtype, np.dtype) and column.dtype.name in _DTYPES:
            dtypes[name] = column.dtype.name
            # Narrower floats are written as the float64 that equals them, exactly.
            values = column.to_numpy().tolist()
        else:
            raise TypeError(
                f"rows[{name!r}] must be of dtype {', '.join(_DTYPES)}, got {column.dtype}"
            )
        written.append(values)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(names)
    writer.writerows(zip(*written, strict=True))
    try:
        return dtypes, missing, text.getvalue().encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"rows must hold text that UTF-8 can say: {error}") from None


def _text(name: str, value: Any) -> str | None:
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return None
    if not isinstance(value, str):
        raise TypeError(f"rows[{name!r}] must be numbers of one dtype or text, holds {value!r}")
    if len(value) > _LONGEST:
        raise ValueError(
            f"rows[{name!r}] must hold text of at most {_LONGEST} characters, has {len(value)}"
        )
    return str(value)


def _mark(values: set[str | None]) -> str:
    """What stands for missing text: nothing, or if that is among the values, a text that is not."""
    mark = ""
    while mark in values:
        mark = mark + "_" if mark else "NA"
    return mark


def _read_rows(table: bytes, header: Header, missing: Mapping[str, str]) -> pd.DataFrame:
    try:
        lines = list(csv.reader(io.StringIO(table.decode(), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        _refuse(f"expected comma-separated values, found what is not ({error})")
    names = list(header.columns)
    if not names or not lines or lines[0] != names:
        _refuse(f"expected the columns {names}, found {lines[0] if lines else 'none'}")
    if len(lines) - 1 != header.n_rows:
        _refuse(f"expected {header.n_rows} rows, found {len(lines) - 1}")
    try:
        columns = list(zip(*lines, strict=True))
    except ValueError:
        _refuse(f"expected {len(names)} values in every row, found another number in some")
    if unknown := sorted(set(missing) - {n for n in names if header.columns[n] == "str"}):
        _refuse(f"expected missing text in columns of text only, found {unknown}")
    return pd.DataFrame(
        {
            name: _column(name, values[1:], header.columns[name], missing.get(name))
            for name, values in zip(names, columns, strict=True)
        }
    )


def _column(name: str, texts: Sequence[str], dtype: str, mark: str | None) -> Any:
    if dtype == "str":
        if mark is not None:
            return pd.Series([None if text == mark else text for text in texts], dtype="str")
        return pd.Series(list(texts), dtype="str")
    read: Callable[[str], Any]
    if dtype == "bool":
        read = {"True": True, "False": False}.__getitem__
    elif dtype in _INTEGERS:
        read = int
    elif dtype in _FLOATS:
        read = float
    else:
        _refuse(f"expected a dtype among {', '.join(_DTYPES)}, found {dtype!r} for {name!r}")
    try:
        values = [read(text) for text in texts]
        if dtype in _FLOATS:
            wide = np.array(values, dtype=np.float64)
            with np.errstate(over="ignore", under="ignore"):
                narrow = wide.astype(dtype)
            if not np.array_equal(narrow, wide, equal_nan=True):
                raise ValueError("a number has more digits")
            return narrow
        return np.array(values, dtype=dtype)
    except (KeyError, ValueError, OverflowError) as error:
        _refuse(f"expected {name!r} to be {dtype}, found what is not ({error})")
