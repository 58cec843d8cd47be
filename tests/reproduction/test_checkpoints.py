"""Checkpoints: what is saved comes back to the bit, and what is amiss never comes back at all."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import math
import os
import pickle
import re
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from xavier import checkpoints
from xavier.checkpoints import Checkpoint, CheckpointError

FORKS = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and signals")
AGAIN = "delete it to begin the run anew"
OF: dict[str, Any] = {"sizes": [4, 3], "rates": [0.1, 0.30000001192092896], "second_order": None}
STATE: dict[str, Any] = {"made": 7, "streams": {"0": {"position": 70, "name": "Ünit \ud83d"}}}
TENSORS = {
    "w0": torch.tensor([[0.1, -0.0], [math.nan, math.inf]]),
    "total": torch.tensor([1 / 3, -math.inf, 5e-324], dtype=torch.float64),
    "diverged": torch.tensor([-1, 2**62]),
    "stopped": torch.tensor([True, False, True]),
    "none": torch.empty(0, 3),
}
TABLES = {
    "measured": pd.DataFrame(
        {
            "update": [1, 2, 3],
            "quantity": ["cost", None, "Größe"],
            "value": [0.1, math.nan, -0.0],
            "late": [True, False, True],
        }
    ),
    "monitored": pd.DataFrame(),
}


def example(**changed: Any) -> Checkpoint:
    return Checkpoint(**{"state": STATE, "tensors": TENSORS, "tables": TABLES, **changed})


def save(folder: Path, checkpoint: Checkpoint | None = None, of: dict[str, Any] = OF) -> Path:
    """Save a checkpoint, by default the one above."""
    path = folder / "run.checkpoint"
    checkpoints.save(path, checkpoint or example(), of=of)
    return path


def load(path: Path, of: dict[str, Any] = OF) -> Checkpoint:
    found = checkpoints.load(path, of=of)
    assert found is not None
    return found


def assert_same(found: Checkpoint, expected: Checkpoint) -> None:
    """Two checkpoints are equal to the bit, whatever is no number too."""
    assert found.state == expected.state
    assert list(found.tensors) == list(expected.tensors)
    for name, tensor in expected.tensors.items():
        other = found.tensors[name]
        assert other.dtype == tensor.dtype and other.shape == tensor.shape, name
        assert other.numpy().tobytes() == tensor.numpy().tobytes(), name
    assert list(found.tables) == list(expected.tables)
    for name, table in expected.tables.items():
        assert_same_table(found.tables[name], table)


def assert_same_table(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    assert list(found.columns) == list(expected.columns) and len(found) == len(expected)
    for column in expected:
        here, there = found[column], expected[column]
        assert here.dtype == there.dtype, column
        if isinstance(there.dtype, np.dtype) and there.dtype.kind in "biuf":
            assert here.to_numpy().tobytes() == there.to_numpy().tobytes(), column
        else:
            texts = zip(here.tolist(), there.tolist(), strict=True)
            assert all((a == b) if isinstance(b, str) else pd.isna(a) for a, b in texts), column


# --------------------------------------------------------------------------------------------------
# What is saved comes back
# --------------------------------------------------------------------------------------------------


def test_there_is_none_until_one_is_saved(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "run.checkpoint"
    assert checkpoints.load(path, of=OF) is None
    assert not path.parent.exists()
    checkpoints.save(path, example(), of=OF)
    assert_same(load(path), example())
    assert list(path.parent.iterdir()) == [path]


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
AWKWARD = st.sampled_from(
    ["", "a b", "a\0b", "\n", "a/b", "../a", "a.npy", "file", "arr_0", "Größe"]
)
NAMES = TEXT | AWKWARD
TORCH = (
    *(torch.float16, torch.float32, torch.float64, torch.complex64),
    *(torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64),
)
NUMBERS = [
    "bool",
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
    *(f"float{bits}" for bits in (16, 32, 64)),
]
WORDS = ["object", "string", "str"]


def bits(draw: st.DrawFn, dtype: Any, n: int) -> Any:
    """Numbers of any bit pattern, of which for floats many are no numbers."""
    if np.dtype(dtype) == bool:
        return np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)), dtype=bool)
    size = n * np.dtype(dtype).itemsize
    return np.frombuffer(draw(st.binary(min_size=size, max_size=size)), dtype=dtype).copy()


@st.composite
def tensors(draw: st.DrawFn) -> Tensor:
    shape = draw(st.lists(st.integers(0, 3), max_size=3))
    dtype = torch.empty(0, dtype=draw(st.sampled_from(TORCH))).numpy().dtype
    return torch.from_numpy(bits(draw, dtype, math.prod(shape)).reshape(shape))


@st.composite
def tables(draw: st.DrawFn) -> pd.DataFrame:
    n = draw(st.integers(0, 5))
    columns = {}
    for name in draw(st.lists(NAMES, max_size=4, unique=True)):
        dtype = draw(st.sampled_from(NUMBERS + WORDS))
        if dtype in WORDS:
            words = draw(st.lists(NAMES | st.none(), min_size=n, max_size=n))
            columns[name] = pd.Series(words, dtype=dtype)
        else:
            columns[name] = pd.Series(bits(draw, dtype, n))
    return pd.DataFrame(columns)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200)
@given(
    state=st.dictionaries(TEXT, JSON, max_size=3),
    of=st.dictionaries(TEXT, JSON, max_size=3),
    tensors=st.dictionaries(NAMES, tensors(), max_size=4),
    tables=st.dictionaries(NAMES, tables(), max_size=3),
)
def test_any_checkpoint_comes_back(
    state: dict[str, Any],
    of: dict[str, Any],
    tensors: dict[str, Tensor],
    tables: dict[str, pd.DataFrame],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.getbasetemp() / "any"
    expected = Checkpoint(state, tensors, tables)
    with mock.patch.object(os, "fsync"):  # which takes most of the time
        assert_same(load(save(folder, expected, of), of), expected)


def test_names_that_run_into_each_other_are_told_apart(tmp_path: Path) -> None:
    """By name, "table a b" and "c" would be "table a" and "b c"; and a zip ends a name at NUL."""
    expected = example(
        tensors={"a b": torch.ones(1), "a": torch.zeros(2), "a\0": torch.ones(3)},
        tables={"a b": pd.DataFrame({"c": [1]}), "a": pd.DataFrame({"b c": [2], "b": [3]})},
    )
    assert_same(load(save(tmp_path, expected)), expected)


def test_tensors_laid_out_otherwise_come_back_as_numbers(tmp_path: Path) -> None:
    w = torch.arange(24.0).view(2, 3, 4)
    given = {
        "turned": w.mT,
        "every other": w[:, :, ::2],
        "spread": torch.ones(1, 3).expand(2, 3),
        "differentiable": w.clone().requires_grad_(),
        "parameter": torch.nn.Parameter(w.clone()),
    }
    found = load(save(tmp_path, example(tensors=given))).tensors
    for name, tensor in given.items():
        assert torch.equal(found[name], tensor.detach()), name
        assert not found[name].requires_grad
        found[name].add_(1)  # and may be written to


@pytest.mark.parametrize("dtype", WORDS)
def test_a_column_of_missing_text_keeps_its_dtype(tmp_path: Path, dtype: str) -> None:
    """So that a table which grows has the same dtypes whether or not it was saved on the way."""
    table = pd.DataFrame({"some": ["a", None], "none": [None, None]}, dtype=dtype)
    given = {"some": table, "empty": table[:0]}
    found = load(save(tmp_path, example(tables=given))).tables
    for name in given:
        assert_same_table(found[name], given[name])


def test_a_table_loses_its_index(tmp_path: Path) -> None:
    table = TABLES["measured"].set_index(pd.Index([7, 7, 3]))
    found = load(save(tmp_path, example(tables={"measured": table}))).tables["measured"]
    assert_same_table(found, table)
    assert found.index.tolist() == [0, 1, 2]


def test_saving_again_takes_the_earlier_ones_place(tmp_path: Path) -> None:
    path = save(tmp_path)
    save(tmp_path, example(state={"made": 8}), of={"other": True})
    assert load(path, {"other": True}).state == {"made": 8}
    assert list(tmp_path.iterdir()) == [path]


# --------------------------------------------------------------------------------------------------
# What cannot be kept is refused
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"state": {"a": Path()}}, "not JSON serializable"),
        ({"state": {"a": torch.ones(1)}}, "not JSON serializable"),
        ({"tensors": {"a": torch.ones(1, dtype=torch.bfloat16)}}, "BFloat16"),
        ({"tables": {"a": pd.DataFrame({"b": ["x", 3]})}}, "column 'b' of table 'a' must hold"),
        ({"tables": {"a": pd.DataFrame({"b": [b"x"]})}}, "must hold numbers or text, got object"),
        ({"tables": {"a": pd.DataFrame({"b": [{}]})}}, "must hold numbers or text|unhashable"),
        (
            {"tables": {"a": pd.DataFrame({"b": pd.to_datetime(["2010-05-13"])})}},
            "must hold numbers or text, got datetime64",
        ),
        (
            {"tables": {"a": pd.DataFrame({"b": pd.Categorical(["x"])})}},
            "must hold numbers or text, got category",
        ),
        (
            {"tables": {"a": pd.DataFrame({"b": pd.array([1, None], dtype="Int64")})}},
            "must hold numbers or text, got Int64",
        ),
        ({"tables": {"a": pd.DataFrame({3: [1]})}}, "table 'a' must have columns of different"),
        (
            {"tables": {"a": pd.DataFrame([[1, 2]], columns=["b", "b"])}},
            "table 'a' must have columns of different names",
        ),
    ],
)
def test_what_is_not_kept_is_refused_and_the_earlier_one_stays(
    tmp_path: Path, changed: dict[str, Any], message: str
) -> None:
    path = save(tmp_path)
    with pytest.raises(TypeError, match=message):
        save(tmp_path, example(**changed))
    assert_same(load(path), example())
    assert list(tmp_path.iterdir()) == [path]


def test_a_run_that_json_cannot_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        save(tmp_path, of={"a": torch.ones(1)})
    assert not list(tmp_path.iterdir())


# --------------------------------------------------------------------------------------------------
# What is amiss is refused
# --------------------------------------------------------------------------------------------------


def refused(path: Path, reason: str, of: dict[str, Any] = OF) -> None:
    """Assert that the checkpoint is refused for a reason, and what the message has to say."""
    with pytest.raises(CheckpointError) as caught:
        checkpoints.load(path, of=of)
    message = str(caught.value)
    assert re.search(reason, message), message
    assert str(path) in message and AGAIN in message, message


def test_a_changed_byte_anywhere_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path)
    data = path.read_bytes()
    with path.open("r+b", buffering=0) as file:

        def put(place: int, byte: int) -> None:
            file.seek(place)
            file.write(bytes([byte]))

        for place, byte in enumerate(data):
            for change in (0x01, 0x20, 0x80, 0xFF):
                put(place, byte ^ change)
                with pytest.raises(CheckpointError, match=AGAIN):
                    checkpoints.load(path, of=OF)
            put(place, byte)
    assert_same(load(path), example())


def test_a_checkpoint_cut_short_anywhere_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path)
    for size in reversed(range(path.stat().st_size)):
        os.truncate(path, size)
        with pytest.raises(CheckpointError, match=AGAIN):
            checkpoints.load(path, of=OF)


@settings(max_examples=200)
@given(data=st.data())
def test_a_piece_put_in_the_place_of_another_is_refused_or_the_same(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp() / "pieces"
    with mock.patch.object(os, "fsync"):
        path = save(folder)
    whole = path.read_bytes()
    first = data.draw(st.integers(0, len(whole)))
    last = data.draw(st.integers(first, len(whole)))
    piece = data.draw(st.binary(max_size=20) | st.just(whole[: last - first]))
    path.write_bytes(whole[:first] + piece + whole[last:])
    try:
        found = load(path)
    except CheckpointError:
        return
    assert path.read_bytes() == whole
    assert_same(found, example())


def test_a_foreign_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.checkpoint"
    np.savez(tmp_path / "foreign.npz", w0=np.zeros(3))
    torch.save({"w0": torch.zeros(3)}, tmp_path / "foreign.pt")
    contents = [
        b"",
        b"\0",
        b"xavier checkpoint",
        b"xavier checkpoint 2\n",
        b"PK\x05\x06" + b"\0" * 18,
    ]
    contents += [(tmp_path / name).read_bytes() for name in ("foreign.npz", "foreign.pt")]
    for content in contents:
        path.write_bytes(content)
        refused(path, "expected a file that begins with b'xavier checkpoint 1")
    path.write_bytes(b"xavier checkpoint 1\n")
    refused(path, "damaged or cut short")


def test_a_folder_in_its_place_is_refused_and_left(tmp_path: Path) -> None:
    path = tmp_path / "run.checkpoint"
    (path / "inner").mkdir(parents=True)
    refused(path, "expected a file, found a folder")
    with pytest.raises(OSError, match="cannot save the checkpoint") as caught:
        save(tmp_path)
    assert str(path) in str(caught.value)
    assert list(tmp_path.rglob("*")) == [path, path / "inner"]


def test_a_file_in_its_folders_place_is_said(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("kept")
    with pytest.raises(OSError, match="cannot save the checkpoint"):
        save(tmp_path / "run")
    with pytest.raises(NotADirectoryError):
        checkpoints.load(tmp_path / "run" / "run.checkpoint", of=OF)
    assert (tmp_path / "run").read_text() == "kept"


@pytest.mark.parametrize(
    ("of", "differ"),
    [
        ({**OF, "rates": [0.1, 0.3]}, "rates"),
        ({**OF, "rates": [0.1, 0.3], "sizes": [4, 4]}, "rates, sizes"),
        ({**OF, "seeds": [0]}, "seeds"),
        ({**OF, "nothing": None}, "nothing"),
        ({key: OF[key] for key in ("sizes", "rates")}, "second_order"),
        ({}, "rates, second_order, sizes"),
    ],
)
def test_another_runs_is_refused_with_what_differs(
    tmp_path: Path, of: dict[str, Any], differ: str
) -> None:
    path = save(tmp_path)
    refused(path, f"it is of another run, which differs in {differ};", of)
    assert_same(load(path), example())


def test_tuples_and_numbers_as_keys_are_what_json_makes_of_them(tmp_path: Path) -> None:
    path = save(tmp_path, of={"sizes": (4, 3), "by seed": {0: 0.1}})
    load(path, {"sizes": [4, 3], "by seed": {"0": 0.1}})
    load(path, {"by seed": {0: 0.1}, "sizes": (4, 3)})


def seal(path: Path, head: object, archive: bytes) -> None:
    """Write what has a right seal, as somebody would who makes such a file in another way."""
    line = head if isinstance(head, bytes) else json.dumps(head).encode()
    body = line + b"\n" + archive
    digest = hashlib.sha256(body).hexdigest().encode()
    path.write_bytes(b"xavier checkpoint 1\n" + digest + b"\n" + body)


def unsealed(path: Path) -> tuple[dict[str, Any], bytes]:
    line, _, archive = path.read_bytes().split(b"\n", 2)[2].partition(b"\n")
    return json.loads(line), archive


def test_an_honest_forgery_is_read(tmp_path: Path) -> None:
    """Else the refusals below would say nothing."""
    path = save(tmp_path)
    head, archive = unsealed(path)
    head["state"] = {"made": 9}
    seal(path, head, archive)
    assert_same(load(path), example(state={"made": 9}))


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"\xff",
        b"[" * 100_000,
        b"null",
        b"7",
        b"[]",
        b"{}",
        b'"of"',
        b'{"of": {}}',
        b'{"of": [], "state": {}, "tensors": [], "tables": {}}',
        b'{"of": {}, "state": 7, "tensors": [], "tables": {}}',
    ],
)
def test_a_second_line_of_another_kind_is_refused(tmp_path: Path, line: bytes) -> None:
    path = save(tmp_path)
    seal(path, line, unsealed(path)[1])
    refused(path, "its third line is not that of a checkpoint", {})


MISFITS: dict[str, Callable[[dict[str, Any]], object]] = {
    "no tensors": lambda head: head.pop("tensors"),
    "no tables": lambda head: head.pop("tables"),
    "tensors that are a number": lambda head: head.update(tensors=3),
    "tensors that are no names": lambda head: head.update(tensors=[[]] * 5),
    "a tensor too many": lambda head: head["tensors"].append("more"),
    "a tensor too few": lambda head: head["tensors"].pop(),
    "tables that are a list": lambda head: head.update(tables=[]),
    "a table that is a number": lambda head: head["tables"].update(measured=3),
    "a column that is a name only": lambda head: head["tables"].update(measured=["update"]),
    "a column of another dtype": lambda head: head["tables"]["measured"][1].__setitem__(1, "what"),
    "too few words": lambda head: head["tables"]["measured"][1][2].pop(),
    "words that are a number": lambda head: head["tables"]["measured"][1].__setitem__(2, 3),
    "words for fractions": lambda head: head["tables"]["measured"][2].__setitem__(2, ["a"]),
}


@pytest.mark.parametrize("case", MISFITS)
def test_a_head_that_does_not_fit_the_arrays_is_refused(tmp_path: Path, case: str) -> None:
    path = save(tmp_path)
    head, archive = unsealed(path)
    MISFITS[case](head)
    seal(path, head, archive)
    refused(path, "its arrays are not those of a checkpoint")


class Trap:
    """Whoever unpickles it makes a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def packed(write: Callable[[io.BytesIO], object]) -> bytes:
    file = io.BytesIO()
    write(file)
    return file.getvalue()


def test_no_pickle_is_ever_executed(tmp_path: Path) -> None:
    path, sprung = save(tmp_path), tmp_path / "sprung"
    traps = np.array([Trap(sprung)], dtype=object)
    pickle.loads(pickle.dumps(traps))
    sprung.rmdir()  # it does spring
    head = {"of": OF, "state": {}, "tensors": ["w0"], "tables": {}}
    table = {**head, "tensors": [], "tables": {"measured": [["value", "object", None]]}}
    for archive in (
        packed(lambda file: np.savez(file, traps)),
        packed(lambda file: np.savez_compressed(file, traps)),
        packed(lambda file: np.save(file, traps, allow_pickle=True)),
        packed(lambda file: pickle.dump(Trap(sprung), file)),
        packed(lambda file: torch.save(Trap(sprung), file)),
    ):
        for line in (head, table):
            seal(path, line, archive)
            refused(path, "its arrays are not those of a checkpoint")
            assert not sprung.exists()


@pytest.mark.parametrize(
    "archive",
    [
        b"",
        b"PK\x03\x04",
        b"PK\x05\x06",
        b"\x93NUMPY\x01\x00",
        packed(lambda file: np.save(file, np.zeros(3))),
        packed(lambda file: np.savez(file, np.array(["text"]))),
        packed(lambda file: np.savez(file, np.zeros(1, dtype="datetime64[s]"))),
        packed(lambda file: np.savez(file, w0=np.zeros(3))),
        packed(lambda file: zipfile.ZipFile(file, "w").writestr("arr_0.npy", b"\x93NUMPY\x01")),
    ],
)
def test_an_archive_of_another_kind_is_refused(tmp_path: Path, archive: bytes) -> None:
    path = tmp_path / "run.checkpoint"
    seal(path, {"of": OF, "state": {}, "tensors": ["w0"], "tables": {}}, archive)
    refused(path, "its arrays are not those of a checkpoint")


def test_too_little_memory_is_no_fault_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is told to delete it would lose the run."""

    def full(*arguments: object, **named: object) -> None:
        raise MemoryError

    path = save(tmp_path)
    monkeypatch.setattr(np, "load", full)
    with pytest.raises(MemoryError):
        load(path)


# --------------------------------------------------------------------------------------------------
# Whole or not at all
# --------------------------------------------------------------------------------------------------

FULL = OSError(errno.ENOSPC, "No space left on device")


class Full:
    """A file that takes a few bytes, and then the disk is full."""

    def __init__(self, opened: int, mode: str) -> None:
        self.file = open(opened, mode)  # noqa: SIM115

    def __enter__(self) -> Full:
        return self

    def __exit__(self, *error: object) -> None:
        self.file.close()

    def write(self, data: bytes) -> None:
        self.file.write(data[:100])
        raise FULL


def fail(*arguments: object, **named: object) -> None:
    raise FULL


@pytest.mark.parametrize("earlier", [True, False])
@pytest.mark.parametrize(
    ("place", "name", "with_"),
    [(os, "fdopen", Full), (os, "open", fail), (os, "fsync", fail), (Path, "replace", fail)],
)
def test_a_full_disk_leaves_the_earlier_checkpoint(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: Any,
    name: str,
    with_: Any,
    earlier: bool,
) -> None:
    before = {save(tmp_path): save(tmp_path).read_bytes()} if earlier else {}
    with monkeypatch.context() as patch:
        patch.setattr(place, name, with_)
        with pytest.raises(OSError, match="cannot save the checkpoint: No space left") as caught:
            save(tmp_path, example(state={"made": 8}))
    assert caught.value.errno == errno.ENOSPC
    assert str(tmp_path / "run.checkpoint") in str(caught.value)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert load(save(tmp_path, example(state={"made": 8}))).state == {"made": 8}


def test_what_killed_processes_left_is_cleared_away_and_nothing_else(tmp_path: Path) -> None:
    """Names with brackets are names, not patterns."""
    path = tmp_path / "lr[01].checkpoint"
    own, recent = tmp_path / f".{path.name}.aa.part", tmp_path / f".{path.name}.bb.part"
    others = [
        tmp_path / ".lr0.checkpoint.aa.part",
        tmp_path / ".other.aa.part",
        tmp_path / "aa.part",
    ]
    old = time.time() - 7200
    for part in (own, *others):
        part.write_bytes(b"")
        os.utime(part, (old, old))
    recent.write_bytes(b"")
    checkpoints.save(path, example(), of=OF)
    assert set(tmp_path.iterdir()) == {path, recent, *others}


def test_what_may_not_be_cleared_away_does_not_keep_from_saving(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as a file of somebody else's in a folder for all."""
    part = tmp_path / ".run.checkpoint.aa.part"
    part.write_bytes(b"")
    os.utime(part, (0, 0))
    unlink = Path.unlink

    def refuse(path: Path, missing_ok: bool = False) -> None:
        if path == part:
            raise PermissionError(errno.EPERM, "Operation not permitted")
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse)
    assert_same(load(save(tmp_path)), example())
    assert part.exists()


def test_a_checkpoint_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def noted_fsync(opened: int) -> None:
        done.append("folder synced" if Path(f"/proc/self/fd/{opened}").is_dir() else "file synced")
        fsync(opened)

    def noted_replace(path: Path, target: Path) -> Path:
        done.append("renamed")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(Path, "replace", noted_replace)
    save(tmp_path)
    expected = ["file synced", "renamed", "folder synced"]
    assert done == (expected if Path("/proc/self/fd").exists() else done)


@FORKS
def test_killed_at_any_line_of_saving(tmp_path: Path) -> None:
    """Afterwards there is the old one or the new one, whole; without an old one, none or it."""
    program = """
import json, os, signal, sys, torch
from pathlib import Path
from xavier import checkpoints, files
folder = Path(sys.argv[1])
path = folder / "run.checkpoint"
def save(k):
    w = {"w": torch.full((50, 50), float(k))}
    checkpoints.save(path, checkpoints.Checkpoint({"made": k}, w, {}), of={"a": 1})
def load():
    found = checkpoints.load(path, of={"a": 1})
    if found is None:
        return 0
    assert (found.tensors["w"] == found.state["made"]).all() and len(found.tensors["w"]) == 50
    return found.state["made"]
traced = {f.__code__ for f in (checkpoints.save, files.replace, files._clear)}
def killed(left):
    def line(frame, event, argument):
        nonlocal left
        left -= event == "line"
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return line
    return lambda frame, event, argument: line if frame.f_code in traced else None
found = []
for earlier in (True, False):
    for step in range(200):
        for part in folder.iterdir():
            part.unlink()
        if earlier:
            save(1)
        if not (child := os.fork()):
            sys.settrace(killed(step))
            save(2)
            os._exit(0)
        status = os.waitpid(child, 0)[1]
        found.append(load())
        if not status:
            break
    found.append(None)
print(json.dumps(found))
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    half = found.index(None)
    old, new = found[:half], found[half + 1 : -1]
    assert len(old) == len(new) > 20
    assert old == sorted(old) and set(old) == {1, 2} and old.count(2) > 3
    assert new == sorted(new) and set(new) == {0, 2}
