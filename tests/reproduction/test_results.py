"""Records: what is saved comes back to the bit, and what is amiss never comes back at all.

Processes are killed and locks contended for in processes of their own: `script` starts one that
has only ``glorot2010.results`` loaded, and forks there.
"""

from __future__ import annotations

import dataclasses
import errno
import gzip
import hashlib
import json
import math
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import xavier
from glorot2010 import results
from glorot2010.results import Record, RecordBusy, RecordError, RecordMissing

CONFIG: dict[str, Any] = {"sizes": [9, 5, 3], "lr": 0.1, "rule": {"name": "glorot", "gain": 1.0}}
ROWS = pd.DataFrame(
    {
        "step": [0, 0, 10],
        "statistic": ["mean", "std", None],
        "value": [0.1, math.nan, -0.0],
        "diverged": [False, True, False],
    }
)
AGAIN = "to make it anew: xavier run fig7 --scale smoke"
FORKS = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and signals")


def save(folder: Path | None, rows: pd.DataFrame = ROWS, **changed: Any) -> Path:
    """Save a record, as all tests do that do not say otherwise."""
    said: dict[str, Any] = {
        **{"experiment": "fig7", "scale": "smoke", "config": CONFIG, "seeds": range(3)},
        **{"device": "cpu, 2 threads", "wall_time": 1.5, "command": "xavier run fig7"},
    }
    return results.save(rows, **{**said, "folder": folder, **changed})


def load(folder: Path, **said: Any) -> Record:
    return results.load("fig7", "smoke", folder=folder, **said)


def script(text: str, *arguments: object) -> subprocess.Popen[str]:
    """Start a process of its own that runs a program, with what the programs here need."""
    begin = """
import json, os, random, signal, sys, time
import numpy as np, pandas as pd
from pathlib import Path
from glorot2010 import results
from xavier import files
folder = Path(sys.argv[1])
def save(k, n=1500):
    rows = pd.DataFrame({"k": np.full(n, k), "value": np.random.default_rng(k).normal(size=n)})
    results.save(rows, experiment="fig7", scale="smoke", config={"k": k}, seeds=[k], device="cpu",
                 wall_time=1, command="here", folder=folder)
def load(n=1500):
    record = results.load("fig7", "smoke", folder=folder)
    k = record.config["k"]
    assert len(record.rows) == n and (record.rows["k"] == k).all() and record.seeds == (k,)
    assert (record.rows["value"] == np.random.default_rng(k).normal(size=n)).all()
    return k
"""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", begin + text, *map(str, arguments)],
        **{"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE},
        text=True,
    )


def said(text: str, *arguments: object) -> str:
    """Run a program to its end and return what it printed."""
    with script(text, *arguments) as process:
        out, error = process.communicate(timeout=600)
    assert process.returncode == 0, error
    return out.strip()


# --------------------------------------------------------------------------------------------------
# What is saved comes back
# --------------------------------------------------------------------------------------------------

BITS = {2: np.uint16, 4: np.uint32, 8: np.uint64}


def assert_same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    """Two tables are equal to the bit, all NaN being one."""
    assert list(found.columns) == list(expected.columns)
    assert isinstance(found.index, pd.RangeIndex) and len(found) == len(expected)
    for name in expected:
        here, there = found[name], expected[name]
        assert here.dtype == there.dtype, name
        if here.dtype.kind == "f":
            assert (np.isnan(here) == np.isnan(there)).all(), name
            known = ~np.isnan(here.to_numpy())
            bits = BITS[here.dtype.itemsize]
            assert (here.to_numpy()[known].view(bits) == there.to_numpy()[known].view(bits)).all()
        elif here.dtype.kind in "iub":
            assert (here.to_numpy() == there.to_numpy()).all(), name
        else:
            texts = zip(here.tolist(), there.tolist(), strict=True)
            assert all((a == b) if isinstance(b, str) else pd.isna(a) for a, b in texts), name


def integers(bits: int, signed: bool) -> st.SearchStrategy[int]:
    return (
        st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        if signed
        else st.integers(0, 2**bits - 1)
    )


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
AWKWARD = st.sampled_from(
    ["", "NA", "NA_", "nan", "None", '"', '""', ",", "#", "\n", "\r", "\r\n", "a\0b", " ", "1.0"]
)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "bool": st.booleans(),
    **{f"int{bits}": integers(bits, True) for bits in (8, 16, 32, 64)},
    **{f"uint{bits}": integers(bits, False) for bits in (8, 16, 32, 64)},
    **{f"float{bits}": st.floats(width=bits) for bits in (16, 32, 64)},  # type: ignore[arg-type]
    "str": TEXT | AWKWARD | st.none(),
}


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    names = draw(st.lists((TEXT | AWKWARD).filter(bool), min_size=1, max_size=5, unique=True))
    n = draw(st.integers(0, 6))
    columns = {}
    for name in names:
        dtype = draw(st.sampled_from(sorted(VALUES)))
        values = draw(st.lists(VALUES[dtype], min_size=n, max_size=n))
        kept = dtype
        columns[name] = pd.Series(values, dtype=kept)
    return pd.DataFrame(columns)


@settings(max_examples=250)
@given(rows=frames())
def test_any_table_comes_back(rows: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.getbasetemp() / "any"
    before = rows.copy()
    with mock.patch.object(os, "fsync"):  # which takes most of the time
        path = save(folder, rows)
        first = path.read_bytes()
        assert_same(load(folder).rows, rows)
        assert_same(rows, before)
        save(folder, load(folder).rows)
    assert path.read_bytes() == first


def test_every_awkward_number_comes_back(tmp_path: Path) -> None:
    for dtype in (np.float16, np.float32, np.float64):
        info = np.finfo(dtype)
        values = [np.nan, np.inf, -np.inf, -0.0, 0.0, info.smallest_subnormal, info.tiny, info.max]
        values += [info.min, info.eps, 1 / 3, np.nextafter(info.tiny, dtype(0))]
        rows = pd.DataFrame({"x": np.array(values, dtype=dtype)})
        save(tmp_path, rows)
        found = load(tmp_path).rows
        assert_same(found, rows)
        assert np.signbit(found["x"][3]) and not np.signbit(found["x"][4])
        assert found["x"][5] > 0 and found["x"].dtype == dtype


def test_negative_nan_is_nan_and_changes_no_byte(tmp_path: Path) -> None:
    negative = np.copysign(np.nan, -1.0)
    first = save(tmp_path, pd.DataFrame({"x": [np.nan]})).read_bytes()
    assert save(tmp_path, pd.DataFrame({"x": [negative]})).read_bytes() == first


def test_the_header_comes_back(tmp_path: Path) -> None:
    path = save(tmp_path, wall_time=2, command="xavier run 'é\udc80'", device="Ünit")
    record = load(tmp_path)
    assert (record.experiment, record.scale, record.path) == ("fig7", "smoke", path)
    assert record.config == CONFIG and record.config_hash == results.config_hash(CONFIG)
    assert record.seeds == (0, 1, 2) and record.n_rows == 3 and record.wall_time == 2.0
    assert (record.command, record.device) == ("xavier run 'é\udc80'", "Ünit")
    assert record.versions["numpy"] == np.__version__
    assert record.versions["xavier"] == xavier.__version__
    assert {"python", "torch", "pandas"} <= set(record.versions)
    columns = {"step": "int64", "statistic": "str", "value": "float64", "diverged": "bool"}
    assert list(record.columns.items()) == list(columns.items())
    with pytest.raises(dataclasses.FrozenInstanceError):
        record.scale = "paper"  # type: ignore[misc]


def test_the_index_is_not_kept_and_a_named_one_is_refused(tmp_path: Path) -> None:
    save(tmp_path, pd.concat([ROWS, ROWS]))
    assert_same(load(tmp_path).rows, pd.concat([ROWS, ROWS], ignore_index=True))
    with pytest.raises(ValueError, match="reset_index"):
        save(tmp_path, ROWS.set_index("step"))
    with pytest.raises(ValueError, match="reset_index"):
        save(tmp_path, ROWS.set_index(["step", "statistic"]))


def test_equal_content_gives_equal_bytes(tmp_path: Path) -> None:
    first = save(tmp_path / "a").read_bytes()
    turned = dict(reversed(CONFIG.items()))
    assert save(tmp_path / "b", ROWS.copy(), config=turned).read_bytes() == first
    path = said(
        "import runpy; print(runpy.run_path(sys.argv[2])['save'](folder))",
        tmp_path / "c",
        Path(__file__),
    )
    assert Path(path).read_bytes() == first  # another process, with hashes of its own
    assert save(tmp_path / "d", wall_time=1.25).read_bytes() != first


# --------------------------------------------------------------------------------------------------
# Without this package
# --------------------------------------------------------------------------------------------------


def test_it_is_read_without_this_package(tmp_path: Path) -> None:
    path = save(tmp_path)
    code = "import pandas, sys; print(pandas.read_csv(sys.argv[1], skiprows=1).to_json())"
    code += "; assert 'xavier' not in sys.modules"
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == json.loads(ROWS.to_json())
    exact = pd.read_csv(path, skiprows=1)
    assert_same(exact, ROWS)
    assert (exact.dtypes == ROWS.dtypes).all()


@pytest.mark.skipif(not shutil.which("zcat"), reason="needs zcat")
def test_it_is_read_with_zcat(tmp_path: Path) -> None:
    path = save(tmp_path)
    done = subprocess.run(["zcat", path], capture_output=True, check=True)
    assert not done.stderr
    line, _, table = done.stdout.partition(b"\n")
    assert line.startswith(b"# ")
    header = json.loads(line[2:])
    assert hashlib.sha256(table).hexdigest() == header["rows_sha256"]
    assert header["config"] == CONFIG and header["config_sha256"] == results.config_hash(CONFIG)
    assert table.decode().splitlines() == [
        '"step","statistic","value","diverged"',
        '0,"mean",0.1,False',
        '0,"std",nan,True',
        '10,"",-0.0,False',
    ]


# --------------------------------------------------------------------------------------------------
# What is amiss is refused
# --------------------------------------------------------------------------------------------------


def refused(folder: Path, reason: str, **said: Any) -> None:
    """Assert that the record is refused for a reason, and what the message has to say."""
    with pytest.raises(RecordError) as caught:
        load(folder, **said)
    message = str(caught.value)
    assert re.search(reason, message), message
    assert "expected" in message and str(folder / "fig7.smoke.csv.gz") in message, message
    assert f"{AGAIN} --results {folder}" in message, message


def forge(
    path: Path,
    header: Callable[[dict[str, Any]], object] = lambda header: None,
    rows: Callable[[bytes], bytes] = lambda rows: rows,
    *,
    hashes: tuple[str, ...] = ("sha256",),
) -> None:
    """Change a record as somebody would who makes a new seal and puts some of the hashes right."""
    line, _, table = gzip.decompress(path.read_bytes()).partition(b"\n")
    said, table = json.loads(line[2:]), rows(table)
    header(said)
    if "rows_sha256" in hashes:
        said["rows_sha256"] = hashlib.sha256(table).hexdigest()
    if "config_sha256" in hashes:
        said["config_sha256"] = results.config_hash(said["config"])
    if "sha256" in hashes:
        said.pop("sha256", None)
        said["sha256"] = results.config_hash(said)
    path.write_bytes(results._pack(b"# " + json.dumps(said).encode() + b"\n" + table))


def test_an_honest_forgery_is_read(tmp_path: Path) -> None:
    """Else the refusals below would say nothing."""
    path = save(tmp_path)
    forge(
        path, lambda h: h.update(wall_time=7.0), hashes=("rows_sha256", "config_sha256", "sha256")
    )
    assert load(tmp_path).wall_time == 7.0


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
                with pytest.raises(RecordError, match=f"expected .*{AGAIN}"):
                    load(tmp_path)
            put(place, byte)
    assert path.read_bytes() == data
    assert_same(load(tmp_path).rows, ROWS)


def test_a_record_cut_short_anywhere_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path)
    for size in reversed(range(path.stat().st_size)):
        os.truncate(path, size)
        with pytest.raises(RecordError, match=f"expected .*{AGAIN}"):
            load(tmp_path)


def test_bytes_too_many_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path)
    data = path.read_bytes()
    for more in (b"\0", b"x", b"\n", data):
        path.write_bytes(data + more)
        refused(tmp_path, "damaged or cut short")
    for more in (b"\0", b"x", b"\n", data[:10]):
        path.write_bytes(more + data)
        refused(tmp_path, "gzip")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "found an empty file"),
        (b"# {}\nx\n1\n", "expected a gzip file"),
        (b"\x1f", "another gzip header"),
        (gzip.compress(b"# {}\nx\n1\n", mtime=1), "packed by something else"),
        (results._pack(b""), "expected a line of '# ' and JSON"),
        (results._pack(b"x\n1\n"), "expected a line of '# ' and JSON"),
        (results._pack(b"# {\nx\n1\n"), "expected a line of '# ' and JSON"),
        (results._pack(b'# {"schema": NaN}\nx\n1\n'), "expected a line of '# ' and JSON"),
        (results._pack(b"# " + b"[" * 10**6 + b"\n1\n"), "expected a line of '# ' and JSON"),
        (results._pack(b"# \xff\nx\n1\n"), "expected a line of '# ' and JSON"),
        (results._pack(b"# [1]\nx\n1\n"), "found other JSON"),
        (results._pack(b'# {"schema": 1}\nx\n1\n'), "'experiment' to be str, found None"),
    ],
)
def test_what_is_no_record_is_refused(tmp_path: Path, data: bytes, reason: str) -> None:
    (tmp_path / "fig7.smoke.csv.gz").write_bytes(data)
    refused(tmp_path, reason)
    assert isinstance(results.records(tmp_path)["fig7", "smoke"], RecordError)


def test_bytes_that_do_not_unpack_are_refused_under_any_seal(tmp_path: Path) -> None:
    path = save(tmp_path)
    body = path.read_bytes()[results._SEALED :]
    for wrong in (body[:-9], b"\xff" * 50, body[:-8] + b"\0" * 8):
        seal = f"sha256:{hashlib.sha256(wrong).hexdigest()}\0".encode()
        path.write_bytes(results._GZIP + seal + wrong)
        refused(tmp_path, "none that unpacks")


def test_a_folder_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "fig7.smoke.csv.gz").mkdir()
    refused(tmp_path, "found a folder")
    assert isinstance(results.records(tmp_path)["fig7", "smoke"], RecordError)
    with pytest.raises(OSError, match="cannot save the record"):
        save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["fig7.smoke.csv.gz"]


FIELDS = {
    **{"schema": 2, "experiment": "fig8", "scale": "book", "config": {}, "config_sha256": "0" * 64},
    **{"seeds": [5], "versions": {}, "device": "cuda", "wall_time": 0.5, "command": "nothing"},
    **{"columns": {"x": "int64"}, "missing": {}, "n_rows": 2, "rows_sha256": "0" * 64},
    **{"sha256": "0" * 64, "another": 1},
}


@pytest.mark.parametrize("field", FIELDS)
def test_a_changed_header_is_refused(tmp_path: Path, field: str) -> None:
    path = save(tmp_path)
    forge(path, lambda header: header.update({field: FIELDS[field]}), hashes=())
    reason = {"schema": "expected schema 1, found 2", "another": "without 'another'"}
    refused(tmp_path, reason.get(field, "expected a header whose SHA-256 is"))
    assert isinstance(results.records(tmp_path)["fig7", "smoke"], RecordError)


@pytest.mark.parametrize("field", sorted(set(FIELDS) - {"another"}))
def test_a_header_that_lacks_a_field_is_refused(tmp_path: Path, field: str) -> None:
    path = save(tmp_path)
    forge(path, lambda header: header.pop(field), hashes=("sha256",) if field != "sha256" else ())
    refused(tmp_path, "expected the header")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"schema": 0}, "expected schema 1, found 0"),
        ({"schema": "1"}, "expected schema 1, found '1'"),
        ({"schema": True}, "'schema' to be int, found True"),
        ({"wall_time": "1"}, "'wall_time' to be float, found '1'"),
        ({"config": {**CONFIG, "lr": 0.2}}, "expected a config whose SHA-256 is"),
        ({"experiment": "fig8"}, "expected the record fig7.smoke.csv.gz, found .* fig8.smoke"),
        ({"scale": "book"}, "found one that says it is fig7.book"),
        ({"n_rows": 2}, "expected 2 rows, found 3"),
        ({"columns": {"step": "int64"}}, r"expected the columns \['step'\], found \['step', 'st"),
        ({"columns": {}}, "expected the columns"),
        ({"missing": {"value": ""}}, r"columns of text only, found \['value'\]"),
        ({"rows_sha256": "0" * 64}, "expected rows whose SHA-256 is 0000"),
    ],
)
def test_a_header_that_does_not_fit_is_refused(
    tmp_path: Path, change: dict[str, Any], reason: str
) -> None:
    forge(save(tmp_path), lambda header: header.update(change))
    refused(tmp_path, reason)


@pytest.mark.parametrize(
    ("column", "dtype", "reason"),
    [
        ("value", "int64", "expected 'value' to be int64"),
        ("value", "bool", "expected 'value' to be bool"),
        ("value", "float32", "more digits"),
        ("statistic", "float64", "expected"),
        ("diverged", "int8", "expected 'diverged' to be int8"),
        ("step", "bool", "expected 'step' to be bool"),
        ("step", "object", "expected a dtype among bool, .* found 'object' for 'step'"),
        ("step", None, "expected a dtype among"),
    ],
)
def test_another_dtype_is_refused(tmp_path: Path, column: str, dtype: str, reason: str) -> None:
    forge(save(tmp_path), lambda header: header["columns"].update({column: dtype}))
    refused(tmp_path, reason)


def test_a_number_beyond_its_dtype_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path, pd.DataFrame({"x": [300]}))
    forge(path, lambda header: header["columns"].update(x="uint8"))
    refused(tmp_path, "expected 'x' to be uint8")


def swap(table: bytes) -> bytes:
    names, first, second, *others = table.splitlines(keepends=True)
    return b"".join([names, second, first, *others])


@pytest.mark.parametrize(
    "change", [swap, lambda t: t.replace(b"0.1", b"0.2"), lambda t: t + b'1,"a",1.0,True\n']
)
def test_changed_rows_are_refused(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    forge(save(tmp_path), rows=change)
    refused(tmp_path, "expected rows whose SHA-256 is")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda t: t + b'1,"a",1.0,True\n', "expected 3 rows, found 4"),
        (lambda t: t.replace(b",0.1,", b","), "expected 4 values in every row"),
        (lambda t: t.replace(b"mean", b"\xff"), "comma-separated"),
        (lambda t: t.replace(b'"mean"', b'"me"an'), "comma-separated"),
        (lambda t: b"", "found none"),
    ],
)
def test_rows_of_another_form_are_refused(
    tmp_path: Path, change: Callable[[bytes], bytes], reason: str
) -> None:
    forge(save(tmp_path), rows=change, hashes=("rows_sha256", "sha256"))
    refused(tmp_path, reason)


def test_a_renamed_record_is_refused(tmp_path: Path) -> None:
    save(tmp_path, scale="book").rename(tmp_path / "fig7.smoke.csv.gz")
    refused(tmp_path, "found one that says it is fig7.book.csv.gz")


def test_a_record_edited_by_hand_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path)
    text = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(text.replace(b"0.1", b"0.2"), mtime=0))
    refused(tmp_path, "packed by something else")


def test_nothing_that_can_be_unpickled_is_read(tmp_path: Path) -> None:
    path = tmp_path / "fig7.smoke.csv.gz"
    ROWS.to_pickle(path)
    refused(tmp_path, "packed by something else")


def test_an_absent_record_is_missing(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none", tmp_path / "file" / "in"):
        with pytest.raises(RecordMissing, match=f"no record of fig7 at scale smoke.*{AGAIN}"):
            load(folder)
        (tmp_path / "file").write_bytes(b"")
    assert not (tmp_path / "none").exists()


# --------------------------------------------------------------------------------------------------
# Configs
# --------------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
CONFIGS = st.dictionaries(st.text(max_size=5), JSON, max_size=4)


def turned(value: Any) -> Any:
    """The same value with keys in the other order, and tuples for lists."""
    if isinstance(value, dict):
        return {key: turned(inner) for key, inner in reversed(value.items())}
    return tuple(map(turned, value)) if isinstance(value, list) else value


@settings(max_examples=60)
@given(config=CONFIGS)
def test_any_config_comes_back(
    config: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp() / "configs"
    save(folder, config=config)
    record = load(folder, config=turned(config))
    assert repr(turned(turned(record.config))) == repr(turned(turned(_sorted(config))))
    assert record.config_hash == results.config_hash(turned(config))
    with pytest.raises(RecordError, match="expected 'another'"):
        load(folder, config={**config, "added": "another"})


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return list(map(_sorted, value)) if isinstance(value, list) else value


def test_the_hash_of_a_config_is_this_one() -> None:
    text = b'{"lr":0.1,"rule":{"gain":1.0,"name":"glorot"},"sizes":[9,5,3]}'
    assert results.config_hash(CONFIG) == hashlib.sha256(text).hexdigest()


def test_values_that_differ_have_other_hashes() -> None:
    values = [1, 1.0, True, "1", None, 0.0, -0.0, [1], [[1]], {"a": 1}, 1e-320, 0.1 + 0.2, 0.3]
    assert len({results.config_hash({"x": value}) for value in values}) == len(values)


@pytest.mark.parametrize(
    ("config", "error", "message"),
    [
        ({"a": math.nan}, ValueError, r"config\['a'\] must be finite, got nan"),
        ({"a": [0, {"b": math.inf}]}, ValueError, r"config\['a'\]\[1\]\['b'\] must be finite"),
        ({"a": {1: 2}}, TypeError, r"config\['a'\] must have keys of text, got 1"),
        ({"a": {1, 2}}, TypeError, r"config\['a'\] must be None, a bool"),
        ({"a": np.int64(1)}, TypeError, r"config\['a'\] must be None, a bool"),
        ({"a": Path("x")}, TypeError, r"config\['a'\] must be None, a bool"),
        ([1], TypeError, r"config must be a mapping, got \[1\]"),
    ],
)
def test_a_config_that_json_cannot_say_is_refused(
    tmp_path: Path, config: Any, error: type[Exception], message: str
) -> None:
    save(tmp_path)
    for call in (
        lambda: results.config_hash(config),
        lambda: save(tmp_path, config=config),
        lambda: load(tmp_path, config=config),
    ):
        with pytest.raises(error, match=message):
            call()
    assert load(tmp_path).config == CONFIG


def test_another_config_is_refused_with_the_keys_that_differ(tmp_path: Path) -> None:
    save(tmp_path)
    asked = {"sizes": (9, 5, 3), "lr": 0.2, "rule": {"name": "glorot", "gain": 1}, "cost": "mse"}
    refused(tmp_path, "another config", config=asked)
    with pytest.raises(RecordError) as caught:
        load(tmp_path, config=asked)
    message = str(caught.value)
    assert "lr is 0.1 in the record, expected 0.2" in message
    assert "rule.gain is 1.0 in the record, expected 1;" in message
    assert "cost is not in the record, expected 'mse'" in message
    assert "sizes" not in message and "rule.name" not in message
    with pytest.raises(RecordError, match=r"lr is 0\.1 in the record, expected none"):
        load(tmp_path, config={key: value for key, value in CONFIG.items() if key != "lr"})
    many = {f"k{index}": index for index in range(50)}
    with pytest.raises(RecordError) as caught:
        load(tmp_path, config={**CONFIG, **many})
    assert str(caught.value).count("not in the record") == 5


# --------------------------------------------------------------------------------------------------
# Arguments
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["experiment", "scale"])
@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "a\\b", "../a", "a.b", "/a", "a b", "a\n", "é", "-a", "a" * 101]
)
def test_a_name_that_is_a_path_is_refused(tmp_path: Path, which: str, name: str) -> None:
    names = {"experiment": "fig7", "scale": "smoke", which: name}
    with pytest.raises(ValueError, match=f"{which} must be at most 100 letters, digits"):
        save(tmp_path, **names)
    with pytest.raises(ValueError, match=f"{which} must be at most 100 letters, digits"):
        results.load(**names, folder=tmp_path)
    with (
        pytest.raises(ValueError, match=f"{which} must be at most 100 letters, digits"),
        results.lock(**names, folder=tmp_path),
    ):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"experiment": 7}, TypeError, "experiment must be a name, got 7"),
        ({"rows": {"x": [1]}}, TypeError, "rows must be a DataFrame, got dict"),
        ({"rows": pd.DataFrame()}, ValueError, "rows must have columns"),
        ({"rows": pd.DataFrame({1: [1]})}, ValueError, "columns named by text"),
        ({"rows": pd.DataFrame({"": [1]})}, ValueError, "columns named by text"),
        ({"rows": pd.DataFrame([[1, 2]], columns=["x", "x"])}, ValueError, r"\['x'\] twice"),
        ({"rows": pd.DataFrame({"x": [1j]})}, TypeError, "got complex128"),
        ({"rows": pd.DataFrame({"x": pd.to_datetime(["2010"])})}, TypeError, "got datetime64"),
        ({"rows": pd.DataFrame({"x": pd.array([1, None], "Int64")})}, TypeError, "got Int64"),
        ({"rows": pd.DataFrame({"x": pd.Categorical(["a"])})}, TypeError, "got category"),
        ({"rows": pd.DataFrame({"x": ["a", 1]})}, TypeError, r"rows\['x'\] .* holds 1"),
        ({"rows": pd.DataFrame({"x": [[1]]})}, TypeError, r"holds \[1\]"),
        ({"rows": pd.DataFrame({"x": ["\ud800"]}, dtype=object)}, ValueError, "UTF-8"),
        ({"rows": pd.DataFrame({"x": ["a" * 10_001]})}, ValueError, "at most 10000 characters"),
        ({"seeds": "12"}, TypeError, "seeds must be integers"),
        ({"seeds": 1}, TypeError, "seeds must be integers"),
        ({"seeds": [1.0]}, TypeError, "seeds must be an integer, got 1.0"),
        ({"seeds": [-1]}, ValueError, "seeds must be at least 0"),
        ({"device": 3}, TypeError, "device must be text"),
        ({"device": ""}, ValueError, "device must not be empty"),
        ({"command": ["run"]}, TypeError, "command must be text"),
        ({"wall_time": "1"}, TypeError, "wall_time must be a real number"),
        ({"wall_time": -1}, ValueError, "wall_time must be at least 0"),
        ({"wall_time": math.inf}, ValueError, "wall_time must be finite"),
    ],
)
def test_a_bad_argument_is_refused(
    tmp_path: Path, changed: dict[str, Any], error: type[Exception], message: str
) -> None:
    data = save(tmp_path).read_bytes()
    with pytest.raises(error, match=message):
        save(tmp_path, **changed)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [data]


# --------------------------------------------------------------------------------------------------
# Folders and lists
# --------------------------------------------------------------------------------------------------


def test_the_folder_is_the_argument_or_the_variable_or_the_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XAVIER_RESULTS", raising=False)
    repository = Path(__file__).resolve().parents[2] / "results"
    assert results.results_folder() == repository
    monkeypatch.setenv("XAVIER_RESULTS", "")
    assert results.results_folder() == repository
    monkeypatch.setenv("XAVIER_RESULTS", str(tmp_path / "said"))
    assert results.results_folder() == tmp_path / "said"
    assert results.results_folder(tmp_path) == tmp_path
    path = save(None)
    assert path == tmp_path / "said" / "fig7.smoke.csv.gz"
    assert results.load("fig7", "smoke").path == path
    assert list(results.records()) == [("fig7", "smoke")]
    with pytest.raises(RecordMissing, match=r"run fig8 --scale smoke$"):
        results.load("fig8", "smoke")


def test_outside_of_a_repository_it_says_what_to_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XAVIER_RESULTS", raising=False)
    monkeypatch.setattr(results, "__file__", str(tmp_path / "xavier" / "results.py"))
    with pytest.raises(FileNotFoundError, match="set the environment variable XAVIER_RESULTS"):
        results.results_folder()
    assert results.results_folder(tmp_path) == tmp_path


def test_records_lists_headers_and_what_is_wrong(tmp_path: Path) -> None:
    assert results.records(tmp_path / "none") == {}
    save(tmp_path)
    save(tmp_path, scale="book")
    save(tmp_path, experiment="table1").write_bytes(b"")
    for other in ("library_table.json", "a.csv.gz", "a.b.c.csv.gz", ".fig7.smoke.lock"):
        (tmp_path / other).write_bytes(b"other")
    with results.lock("fig9", "smoke", tmp_path):
        found = results.records(tmp_path)
    assert sorted(found) == [("fig7", "book"), ("fig7", "smoke"), ("table1", "smoke")]
    whole, wrong = found["fig7", "book"], found["table1", "smoke"]
    assert isinstance(whole, results.Header) and not isinstance(whole, Record)
    assert whole.config == CONFIG and whole.scale == "book"
    assert isinstance(wrong, RecordError)
    assert "xavier run table1 --scale smoke" in str(wrong)


def test_records_reads_headers_only(tmp_path: Path) -> None:
    n = 100_000
    path = save(tmp_path, pd.DataFrame({"x": np.random.default_rng(0).normal(size=n)}))
    data = path.read_bytes()
    path.write_bytes(data[:5000])  # the rows are gone, the header is not
    header = results.records(tmp_path)["fig7", "smoke"]
    assert isinstance(header, results.Header) and header.n_rows == n
    refused(tmp_path, "cut short")


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
def test_a_full_disk_leaves_the_earlier_record(
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
        with pytest.raises(OSError, match="cannot save the record: No space left") as caught:
            save(tmp_path, ROWS[:1], config={})
    assert caught.value.errno == errno.ENOSPC
    assert str(tmp_path / "fig7.smoke.csv.gz") in str(caught.value)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    save(tmp_path, ROWS[:1])
    assert len(load(tmp_path).rows) == 1


@FORKS
def test_a_file_that_may_not_grow_leaves_the_earlier_record(tmp_path: Path) -> None:
    out = said(
        """
import resource
save(1, 10)
resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
try:
    save(2, 10_000)
except OSError as error:
    print(error.errno, len(list(folder.iterdir())), load(10))
""",
        tmp_path,
    )
    assert out == f"{errno.EFBIG} 1 1"


@FORKS
def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """As another user, where this one may write everywhere."""
    out = said(
        """
import tempfile
with tempfile.TemporaryDirectory() as name:
    folder = Path(name)
    save(1)
    folder.chmod(0o555)
    if os.geteuid() == 0:
        os.seteuid(65534)
    for action in (lambda: save(2), lambda: results.lock("fig7", "smoke", folder).__enter__()):
        try:
            action()
        except PermissionError as error:
            print(error)
    print(load(), len(list(folder.iterdir())))
    os.seteuid(os.getuid())
    folder.chmod(0o755)
""",
        tmp_path,
    )
    saved, locked, loaded = out.splitlines()
    assert "cannot save the record: Permission denied; nothing that was there has" in saved
    assert "cannot take the lock: Permission denied" in locked
    assert loaded == "1 1"


def test_a_file_in_the_folders_place_is_said(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("kept")
    for folder in (tmp_path / "store", tmp_path / "store" / "inner"):
        with pytest.raises(OSError, match="cannot save the record"):
            save(folder)
        with pytest.raises(OSError, match="cannot take the lock"):
            results.lock("fig7", "smoke", folder).__enter__()
    assert (tmp_path / "store").read_text() == "kept"


def test_the_folder_is_made(tmp_path: Path) -> None:
    path = save(tmp_path / "a" / "b")
    assert path.parent == tmp_path / "a" / "b" and list(path.parent.iterdir()) == [path]
    with results.lock("fig7", "smoke", tmp_path / "c" / "d"):
        assert (tmp_path / "c" / "d").is_dir()


@FORKS
def test_killed_at_any_line_of_the_writing(tmp_path: Path) -> None:
    """Afterwards there is the old record or the new one, whole; without an old one, none or it."""
    out = said(
        """
def traced(left):
    def line(frame, event, argument):
        nonlocal left
        left -= event == "line"
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return line
    def call(frame, event, argument):
        return line if frame.f_code is files.replace.__code__ else None
    return call
found = []
for earlier in (True, False):
    for step in range(100):
        for path in folder.iterdir():
            path.unlink()
        if earlier:
            save(1)
        if not (child := os.fork()):
            sys.settrace(traced(step))
            save(2)
            os._exit(0)
        status = os.waitpid(child, 0)[1]
        try:
            found.append(load())
        except results.RecordMissing:
            found.append(0)
        if not status:
            break
    found.append(None)
print(json.dumps(found))
""",
        tmp_path,
    )
    found = json.loads(out)
    half = found.index(None)
    old, new = found[:half], found[half + 1 : -1]
    assert len(old) == len(new) > 15
    assert old == sorted(old) and set(old) == {1, 2} and old.count(2) > 3
    assert new == sorted(new) and set(new) == {0, 2}


@FORKS
def test_killed_at_any_moment(tmp_path: Path) -> None:
    """A process that saves without end is killed 40 times; the pipe tells what it had finished."""
    out = said(
        """
save(0)
start = time.perf_counter()
save(0)
took = time.perf_counter() - start
last, seen, chance = 0, 0, random.Random(1)
for trial in range(40):
    reading, writing = os.pipe()
    if not (child := os.fork()):
        sync = os.fsync
        os.fsync = lambda file: (time.sleep(took), sync(file))  # as on a slow disk
        for k in range(last + 1, 10**6):
            save(k)
            os.write(writing, b".")
    os.close(writing)
    os.read(reading, 1) if trial % 2 else None
    time.sleep(chance.uniform(0, 4 * took))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    told = trial % 2 + len(os.read(reading, 10**6))
    os.close(reading)
    found = load()
    assert found in (last + told, last + told + 1), (found, last, told)
    seen += found != last
    last = found
parts = len(list(folder.glob(".*.part")))
old = time.time() - 7200
for part in folder.glob(".*.part"):
    os.utime(part, (old, old))
save(last)
print(seen, parts, len(list(folder.iterdir())))
""",
        tmp_path,
    )
    seen, parts, left = map(int, out.split())
    assert seen >= 20  # kills after at least one more record
    assert parts >= 1  # kills in the middle of the writing
    assert left == 1  # what they left is cleared away


# --------------------------------------------------------------------------------------------------
# One run at a time
# --------------------------------------------------------------------------------------------------

HOLD = """
with results.lock("fig7", "smoke", folder):
    print("held", flush=True)
    sys.stdin.readline()
"""
LOCK = ".fig7.smoke.lock"


def take(folder: Path) -> None:
    with results.lock("fig7", "smoke", folder):
        assert (folder / LOCK).is_file()
    assert not list(folder.glob(".*"))


def test_a_lock_keeps_others_out_until_it_is_released(tmp_path: Path) -> None:
    with script(HOLD, tmp_path) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        with pytest.raises(RecordBusy) as caught, results.lock("fig7", "smoke", tmp_path):
            pass
        message = str(caught.value)
        since = json.loads((tmp_path / LOCK).read_text())["since"]
        assert f"fig7 at scale smoke is being run by process {holder.pid} on " in message
        assert f"since {since}" in message and f"delete {tmp_path / LOCK}" in message
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d", since)
        with results.lock("fig7", "book", tmp_path), results.lock("fig8", "smoke", tmp_path):
            save(tmp_path)  # a lock keeps nobody from reading or writing
            assert load(tmp_path).n_rows == 3
        holder.communicate("\n", timeout=600)
    assert holder.returncode == 0
    take(tmp_path)


def test_a_lock_is_not_taken_twice_by_one_process(tmp_path: Path) -> None:
    with results.lock("fig7", "smoke", tmp_path):
        with (
            pytest.raises(RecordBusy, match=f"process {os.getpid()} "),
            results.lock("fig7", "smoke", tmp_path),
        ):
            pass
        assert (tmp_path / LOCK).is_file()


def test_a_lock_is_released_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError), results.lock("fig7", "smoke", tmp_path):
        raise KeyError
    take(tmp_path)


def test_a_lock_that_was_taken_over_is_left_to_its_owner(tmp_path: Path) -> None:
    with results.lock("fig7", "smoke", tmp_path):
        (tmp_path / LOCK).write_text("another's")
    assert (tmp_path / LOCK).read_text() == "another's"
    (tmp_path / LOCK).unlink()
    with results.lock("fig7", "smoke", tmp_path):
        (tmp_path / LOCK).unlink()


@FORKS
@pytest.mark.parametrize("waited", [True, False])
def test_the_lock_of_a_killed_process_is_taken_over(tmp_path: Path, waited: bool) -> None:
    if not waited and not Path("/proc/self/stat").exists():
        pytest.skip("only Linux tells of processes that nobody waited for")
    with script(HOLD, tmp_path) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        holder.kill()
        if waited:
            holder.wait(600)
        else:  # until it is dead
            os.waitid(os.P_PID, holder.pid, os.WEXITED | os.WNOWAIT)
        assert (tmp_path / LOCK).is_file()
        take(tmp_path)


def held(folder: Path, **changed: object) -> Path:
    """Write the lock of this process, but for what is changed."""
    with results.lock("fig7", "smoke", folder):
        own = json.loads((folder / LOCK).read_text())
    path = folder / LOCK
    path.write_text(json.dumps({**own, **changed}))
    return path


@pytest.mark.parametrize("changed", [{"host": "elsewhere"}, {"namespace": "another"}, {}])
def test_a_lock_of_another_machine_is_never_taken_over(
    tmp_path: Path, changed: dict[str, object]
) -> None:
    dead = {"pid": 2**22 + 1, **changed} if changed else {}
    path = held(tmp_path, **dead)
    os.utime(path, (0, 0))
    with pytest.raises(RecordBusy, match="being run by process"):
        take(tmp_path)
    path.unlink()
    take(tmp_path)


@pytest.mark.skipif(results._born(os.getpid()) is None, reason="needs /proc")
def test_a_number_that_another_process_got_is_not_its_holder(tmp_path: Path) -> None:
    held(tmp_path, born="1")
    take(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"pid": "x"}', '{"pid": -1}', "\0\0"])
def test_a_lock_that_names_nobody_is_kept_for_a_moment_only(tmp_path: Path, text: str) -> None:
    path = tmp_path / LOCK
    path.write_text(text)
    with pytest.raises(RecordBusy, match="a process that has not said who it is"):
        take(tmp_path)
    os.utime(path, (time.time() - 60, time.time() - 60))
    take(tmp_path)


@FORKS
def test_a_mark_that_was_left_keeps_nobody_out_for_ever(tmp_path: Path) -> None:
    held(tmp_path, pid=2**22 + 1)
    mark = tmp_path / ".fig7.smoke.break"
    mark.write_bytes(b"")
    os.utime(mark, (time.time() - 120, time.time() - 120))
    take(tmp_path)


def test_who_removes_a_lock_is_alone_in_it(tmp_path: Path) -> None:
    path = held(tmp_path, pid=2**22 + 1)
    mark = tmp_path / ".fig7.smoke.break"
    mark.write_bytes(b"")
    results._take_away(path)
    assert path.exists() and mark.exists()
    mark.unlink()
    results._take_away(path)
    assert not path.exists() and not mark.exists()


@FORKS
def test_a_forked_child_does_not_release_it(tmp_path: Path) -> None:
    out = said(
        """
with results.lock("fig7", "smoke", folder):
    if not (child := os.fork()):
        sys.exit(0)  # through the end of the block
    assert os.waitpid(child, 0)[1] == 0
    print(len(list(folder.glob(".*.lock"))))
print(len(list(folder.glob(".*"))))
""",
        tmp_path,
    )
    assert out.split() == ["1", "0"]


@FORKS
def test_of_many_one_holds_it_and_the_killed_hold_up_nobody(tmp_path: Path) -> None:
    """Every process that gets the lock writes its name inside, waits, and finds it unchanged."""
    out = said(
        """
inside = folder / "inside"
def turn(die):
    try:
        with results.lock("fig7", "smoke", folder):
            inside.write_text(str(os.getpid()))
            time.sleep(0.001)
            if inside.read_text() != str(os.getpid()):
                os._exit(3)
            if die:
                os.kill(os.getpid(), signal.SIGKILL)
    except results.RecordBusy:
        os._exit(1)
    os._exit(0)
workers = []
for worker in range(5):
    if not (child := os.fork()):
        got, chance = 0, random.Random(worker)
        while got < 12:
            if not (inner := os.fork()):
                turn(chance.random() < 0.5)
            status = os.waitpid(inner, 0)[1]
            if os.WIFEXITED(status) and os.WEXITSTATUS(status) > 1:
                os._exit(2)
            got += not (os.WIFEXITED(status) and os.WEXITSTATUS(status) == 1)
        os._exit(0)
    workers.append(child)
print(*(os.waitpid(worker, 0)[1] for worker in workers))
""",
        tmp_path,
    )
    assert out.split() == ["0"] * 5
    take(tmp_path)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.2, "less than 1 s"),
        (1, "1 s"),
        (59.4, "59 s"),
        (59.7, "1 min"),
        (61, "1 min 1 s"),
        (600, "10 min"),
        (3569, "59 min"),
        (3599.7, "1 h"),
        (86_399, "1 d"),
        (3600, "1 h"),
        (3600 * 3.5, "3 h 30 min"),
        (3600 * 12.4, "12 h"),
        (86400 * 2.25, "2 d 6 h"),
        (86400 * 40, "40 d"),
    ],
)
def test_durations_are_said_in_their_largest_units(seconds: float, said: str) -> None:
    assert results.duration(seconds) == said


def test_a_record_says_how_it_was_made(tmp_path: Path) -> None:
    for device, where in (("cpu", "one core"), ("NVIDIA H200", "NVIDIA H200")):
        save(tmp_path, device=device, wall_time=4000.0, command="xavier run fig7 --scale smoke")
        record = load(tmp_path)
        assert record.made == f"xavier run fig7 --scale smoke: 1 h 7 min on {where}"
