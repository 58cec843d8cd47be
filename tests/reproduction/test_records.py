"""Records: what is saved comes back to the bit, and what was damaged or is stale is refused."""

from __future__ import annotations

import errno
import gzip
import io
import json
import os
import pickle
import random
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glorot2010 import records
from glorot2010.records import Record, RecordBusy, RecordError, RecordMissing

CONFIG = {"kind": "Race", "arms": [{"name": "tanh", "lr": 0.03}], "seeds": [0, 1], "updates": 40}
ROWS = pd.DataFrame(
    {
        "arm": ["tanh", "", "NA", "nan", 'a "b", c\n'],
        "seed": [0, 1, -5, 2**62, 7],
        "at": [0.1, float("nan"), float("inf"), 5e-324, -0.0],
        "value": np.array([0.1, 1 / 3, np.nan, 3e-45, -np.inf], dtype="float32"),
        "dense": [True, False, True, False, True],
    }
)


def save(folder: Path, rows: pd.DataFrame = ROWS, **changes: Any) -> Path:
    said = {"experiment": "fig7", "scale": "smoke", "config": CONFIG, "seeds": (0, 1)}
    said |= {"device": "cpu", "wall_time": 4000.0, "command": "xavier run fig7 --scale smoke"}
    return records.save(rows, folder=folder, **{**said, **changes})  # type: ignore[arg-type]


def load(folder: Path, **said: Any) -> Record:
    return records.load("fig7", "smoke", folder=folder, **said)


def assert_same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(found, expected, check_exact=True)
    for name in expected.select_dtypes("float"):  # -0.0 is not 0.0
        here, there = found[name].to_numpy(), expected[name].to_numpy()
        assert (np.signbit(here) == np.signbit(there))[~np.isnan(there)].all()


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
            st.integers(-(2**63), 2**63 - 1),
            st.floats(allow_nan=True),
            st.floats(width=32),
            st.booleans(),
        )
    )
)
def test_any_table_comes_back_to_the_bit(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[Any, ...]]
) -> None:
    folder = tmp_path_factory.getbasetemp() / "any"
    table = pd.DataFrame(rows, columns=list(ROWS)).astype(ROWS.dtypes)
    save(folder, table)
    assert_same(load(folder).rows, table)


def test_a_record_says_what_made_it(tmp_path: Path) -> None:
    path = save(tmp_path)
    assert path == tmp_path / "fig7.smoke.csv.gz"
    record = load(tmp_path, config={**CONFIG, "seeds": (0, 1)})
    assert_same(record.rows, ROWS)
    assert record.config == CONFIG and record.seeds == (0, 1)
    assert record.versions["numpy"] == np.__version__
    assert record.made == "xavier run fig7 --scale smoke: 1 h 7 min on one core"
    save(tmp_path, device="NVIDIA H200", wall_time=0.5)
    assert load(tmp_path).made.endswith(": less than 1 s on NVIDIA H200")
    assert load(tmp_path).note == ""
    save(tmp_path, note="images of another size")
    assert load(tmp_path).note == "images of another size"
    assert load(tmp_path).made.endswith(" on one core; images of another size")


def test_it_is_read_without_this_package(tmp_path: Path) -> None:
    found = pd.read_csv(save(tmp_path), skiprows=1)
    assert list(found) == list(ROWS)
    assert found["seed"].tolist() == ROWS["seed"].tolist()
    assert found["value"].to_numpy() == pytest.approx(ROWS["value"].to_numpy(), nan_ok=True)
    with gzip.open(tmp_path / "fig7.smoke.csv.gz") as file:
        assert json.loads(file.readline()[2:])["config"] == CONFIG


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(59.4, "59 s"), (59.7, "1 min"), (3569, "59 min"), (3599.7, "1 h"), (12600, "3 h 30 min"),
     (86_399, "1 d"), (3600 * 12.4, "12 h"), (86400 * 2.25, "2 d 6 h")],
)  # fmt: skip
def test_durations_are_said_in_their_largest_units(seconds: float, said: str) -> None:
    assert records.duration(seconds) == said


# ------------------------------------------------------------------------------------- refusals


def repacked(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    return lambda data: gzip.compress(change(gzip.decompress(data)))


class Planted:
    def __reduce__(self) -> Any:
        return pytest.fail, ("it was unpickled",)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda data: data[: len(data) // 2], "is damaged"),
        (lambda data: b"", "is damaged"),
        (lambda data: b"arm,seed\n", "is damaged"),
        (lambda data: pickle.dumps(Planted()), "is damaged"),
        (lambda data: gzip.compress(pickle.dumps(Planted())), "is damaged"),
        (lambda data: gzip.compress(b"# [1]\na\n"), "is damaged"),
        (lambda data: gzip.compress(b"# " + b"[" * 9**5), r"is damaged \(RecursionError"),
        (repacked(lambda text: text.replace(b'"device"', b'"devise"')), "is damaged .*device"),
        (repacked(lambda text: text.replace(b"\n\"NA\",-5", b"\n\"NA\",5")), "rows are not those"),
        (repacked(lambda text: text + b"1\n"), "rows are not those"),
        (repacked(lambda text: text.replace(b'"smoke"', b'"book"', 1)), "of fig7 at scale book"),
    ],
)  # fmt: skip
def test_what_was_damaged_is_refused_with_the_reason_and_the_command(
    tmp_path: Path, change: Callable[[bytes], bytes], reason: str
) -> None:
    path = save(tmp_path)
    path.write_bytes(change(path.read_bytes()))
    again = "; delete it, to make it: xavier run fig7 --scale smoke$"
    with pytest.raises(RecordError, match=f"{re.escape(str(path))} .*{reason}.*{again}"):
        load(tmp_path)


def headed(path: Path, **changes: Any) -> None:
    """Write other things into a header, and leave the rows, and so their SHA-256, as they are."""
    line, _, table = gzip.decompress(path.read_bytes()).partition(b"\n")
    header = json.loads(line[2:]) | changes
    path.write_bytes(gzip.compress(b"# " + json.dumps(header).encode() + b"\n" + table))


COLUMNS = {"arm": "str", "seed": "int64", "at": "float64", "value": "float32", "dense": "bool"}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"columns": dict.fromkeys(COLUMNS, "nope")}, "data type 'nope' not understood"),
        ({"columns": COLUMNS | {"more": "str"}}, "columns must be those of the rows"),
        ({"columns": {"arm": "str", "seed": "int64"}}, "columns must be those of the rows"),
        ({"columns": dict.fromkeys(COLUMNS, "int64")}, "invalid literal"),
        ({"schema": 99}, "schema must be 1, got 99"),
        ({"config": CONFIG | {"updates": 41}}, "config_sha256 must be that of config"),
        ({"config": {"updates": float("nan")}}, "not JSON compliant"),
    ],
)  # fmt: skip
def test_a_header_that_save_does_not_write_is_refused(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    path = save(tmp_path)
    headed(path)
    assert_same(load(tmp_path, config=CONFIG).rows, ROWS)
    headed(path, **changes)
    again = "; delete it, to make it: xavier run fig7 --scale smoke$"
    with pytest.raises(RecordError, match=f"{re.escape(str(path))} is damaged.*{reason}.*{again}"):
        load(tmp_path)


def test_a_folder_in_its_place_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "fig7.smoke.csv.gz"
    path.mkdir()
    reason = "it is a folder, expected a file; move it away, to make it: xavier run fig7"
    with pytest.raises(RecordError, match=f"{re.escape(str(path))} is refused: {reason}"):
        load(tmp_path)


def test_a_changed_byte_anywhere_is_refused_or_changes_nothing(tmp_path: Path) -> None:
    path = save(tmp_path)
    data = path.read_bytes()
    for place in range(len(data)):
        path.write_bytes(data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :])
        try:
            record = load(tmp_path)
        except RecordError:
            continue
        assert_same(record.rows, ROWS)  # a byte that says nothing, as gzip's time
        assert (record.config, record.seeds, record.device) == (CONFIG, (0, 1), "cpu")


def test_another_configuration_is_refused_with_what_differs(tmp_path: Path) -> None:
    save(tmp_path)
    asked = {**CONFIG, "arms": [{"name": "tanh", "lr": 0.1}], "updates": 50, "every": 5}
    with pytest.raises(RecordError) as caught:
        load(tmp_path, config=asked, command="make it")
    for part in ("every is None in the record, expected 5", "'lr': 0.03", "updates is 40"):
        assert part in str(caught.value)
    assert str(caught.value).endswith("; delete it, to make it: make it")
    with pytest.raises(RecordError, match=r"updates is 40 in the record, expected 40\.0"):
        load(tmp_path, config={**CONFIG, "updates": 40.0})


def test_an_absent_record_is_missing(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "no folder"):
        with pytest.raises(RecordMissing, match="to make it: xavier run fig7 --scale smoke"):
            load(folder)


@pytest.mark.parametrize("name", ["", ".", "../a", "a/b", "a b", ".a", "ä", "a" * 101])
def test_a_name_that_could_be_a_path_is_refused(tmp_path: Path, name: str) -> None:
    for which in ("experiment", "scale"):
        with pytest.raises(ValueError, match=f"{which} must be at most 100 letters"):
            save(tmp_path, **{which: name})
    assert not list(tmp_path.iterdir())


def test_what_would_not_come_back_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"text in all of \['arm'\]"):
        save(tmp_path, ROWS.assign(arm=[None, *"abcd"]))
    with pytest.raises(ValueError, match="not JSON compliant"):
        save(tmp_path, config={"lr": float("nan")})
    assert not list(tmp_path.iterdir())


def test_the_folder_is_the_argument_or_the_variable_or_the_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XAVIER_RESULTS", raising=False)
    assert (records.results_folder() / "table1.book.csv.gz").is_file()
    monkeypatch.setenv("XAVIER_RESULTS", str(tmp_path / "variable"))
    assert records.results_folder() == tmp_path / "variable"
    assert records.results_folder("argument") == Path("argument")
    with pytest.raises(ValueError, match=r"folder .*must be the path of a folder, got ''"):
        records.results_folder("")
    monkeypatch.delenv("XAVIER_RESULTS")
    monkeypatch.setattr(records, "__file__", str(tmp_path / "site" / "glorot2010" / "records.py"))
    with pytest.raises(FileNotFoundError, match="XAVIER_RESULTS"):
        records.results_folder()


# ------------------------------------------------------------------------------ the committed ones


def test_committed_records_are_read_as_one_reads_them_without_this_package() -> None:
    paths = sorted(records.results_folder().glob("*.csv.gz"))
    assert len(paths) >= 20
    for path in paths:
        experiment, scale = path.name.split(".")[:2]
        record = records.load(experiment, scale)
        with gzip.open(path) as file:
            header = json.loads(file.readline()[2:])
            texts = pd.read_csv(io.BytesIO(file.read()), dtype="str", keep_default_na=False)
        assert len(record.rows) == header["n_rows"] if "n_rows" in header else len(texts)
        assert records.config_hash(record.config) == header["config_sha256"]
        kinds = {f: str(t).replace("object", "str") for f, t in record.rows.dtypes.items()}
        assert kinds == header["columns"]  # objects before pandas 3
        for name in record.rows:
            expected = texts[name].astype(header["columns"][name])
            assert record.rows[name].equals(expected), (path.name, name)
        assert {f.name for f in fields(Record)} - {"path", "rows", "note"} <= set(header)
        assert record.note == header.get("note", "")
        assert ("re-encoding" in record.note) == (experiment == "cifar10")


# --------------------------------------------------------------------------------- other processes

PROGRAM = """
import sys
from pathlib import Path
import numpy as np, pandas as pd
from glorot2010 import records
folder, k = Path(sys.argv[1]), 0
with records.lock("fig7", "smoke", folder):
    while True:
        k += 1
        rows = pd.DataFrame({"value": np.random.default_rng(k).normal(size=3000)})
        records.save(rows, experiment="fig7", scale="smoke", config={}, seeds=[k], device="cpu",
                     wall_time=1.0, command="here", folder=folder)
        print(k, flush=True)
"""


def test_a_record_is_whole_and_its_lock_free_when_its_writer_was_killed(tmp_path: Path) -> None:
    chance = random.Random(0)
    for _ in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(tmp_path)], stdout=subprocess.PIPE
        ) as writer:
            assert writer.stdout is not None
            for _ in range(chance.randrange(1, 20)):
                done = int(writer.stdout.readline())
            with (
                pytest.raises(RecordBusy, match="another process is running fig7 at scale smoke"),
                records.lock("fig7", "smoke", tmp_path),
            ):
                pytest.fail("two have it")
            writer.kill()
        (k,) = load(tmp_path).seeds
        assert k >= done
        assert (load(tmp_path).rows["value"] == np.random.default_rng(k).normal(size=3000)).all()
        with records.lock("fig7", "smoke", tmp_path):
            pass


def test_one_experiment_does_not_lock_another(tmp_path: Path) -> None:
    with ExitStack() as held:
        for experiment, scale in (("fig7", "smoke"), ("fig7", "book"), ("fig8", "smoke")):
            held.enter_context(records.lock(experiment, scale, tmp_path))


def test_a_full_disk_leaves_the_earlier_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = save(tmp_path).read_bytes()

    def full(opened: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        save(tmp_path, ROWS[:1])
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [before]
