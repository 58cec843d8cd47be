"""Runs: whatever computes them and however they were stopped, the rows are the same to the bit.

Processes are killed for good: `PROGRAM` is what they run. A test waits for what they leave in
files, never for a time.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from glorot2010 import experiments, records
from glorot2010.catalogue import EXPERIMENTS, RATE_SEEDS, Arm, Experiment, Race
from glorot2010.experiments import choose, load, plain, pool, run
from glorot2010.points import COLUMNS, TrainingPoint
from glorot2010.records import Record, RecordBusy, RecordError, RecordMissing
from glorot2010.runs import CheckpointError

ARM = Arm("plain", activation="tanh", hidden=(6,))
QUICK = Race(
    arms=(
        ARM,
        replace(ARM, name="wide", rule="glorot"),
        replace(ARM, name="fixed", lr=0.1, gain=2),
    ),
    seeds=(0, 1, 2),
    updates=40,
    every=20,
    extra=(3,),
    rates=(0.3, 0.02),
    rate_updates=20,
    test_images=100,
    curve_images=50,
    quantities=("activation",),
    pack=3,
)
POINTS = 2 + 3  # one for each seed
# Points of about a second, which are not done before they are seen, and killed.
LONG = replace(
    QUICK, arms=(replace(ARM, lr=0.1),), rates=(), updates=2000, every=1000, extra=(), pack=1
)
PATIENCE = 600.0  # seconds after which something that is waited for will not come


def register(patch: pytest.MonkeyPatch, race: Race) -> None:
    patch.setitem(EXPERIMENTS, "quick", Experiment("quick", "A test", {"smoke": race}))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch, QUICK)


def quickly(folder: Path, **said: Any) -> Record:
    return run("quick", "smoke", **{"folder": folder, "progress": False, **said})


def assert_same(first: Record, second: Record) -> None:
    pd.testing.assert_frame_equal(first.rows, second.rows, check_exact=True)
    assert first.config == second.config and first.seeds == second.seeds


def undisturbed(race: Race, folder: Path) -> Record:
    with pytest.MonkeyPatch.context() as patch:
        register(patch, race)
        return quickly(folder)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """What an undisturbed run in this process gives."""
    return undisturbed(QUICK, tmp_path_factory.mktemp("quick"))


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Record:
    return undisturbed(LONG, tmp_path_factory.mktemp("long"))


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[TrainingPoint]:
    """The points that are computed."""
    found: list[TrainingPoint] = []
    compute = TrainingPoint.compute

    def noted(point: TrainingPoint, *args: Any, **said: Any) -> pd.DataFrame:
        found.append(point)
        return compute(point, *args, **said)

    monkeypatch.setattr(TrainingPoint, "compute", noted)
    return found


def stop(folder: Path, after: int, error: BaseException, *, part_way: bool = False) -> None:
    """A run of which so many points are computed, and the next one fails, or does part-way."""
    compute, calls = TrainingPoint.compute, itertools.count()

    def failing(point: TrainingPoint, *args: Any, **said: Any) -> pd.DataFrame:
        if next(calls) < after:
            return compute(point, *args, **said)
        made = itertools.count()

        def report(done: int) -> None:
            if next(made) == 3:
                raise error

        return compute(point, *args, **{**said, "report": report}) if part_way else raised(error)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(type(error)):
        patch.setattr(TrainingPoint, "compute", failing)
        quickly(folder, save_every=0)


def raised(error: BaseException) -> Any:
    raise error


def until(there: Callable[[], Any]) -> Any:
    """Wait for something, and return it."""
    end = time.monotonic() + PATIENCE
    while not (found := there()):
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)
    return found


def parts(folder: Path, kind: str) -> list[Path]:
    return sorted((folder / "parts").glob(f"*.{kind}"))


def spoil(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


# ------------------------------------------------------------------------- a run and its record


def test_a_run_makes_a_record_of_both_stages(expected: Record) -> None:
    rows = expected.rows
    assert list(rows.columns) == ["stage", *COLUMNS]
    assert rows["stage"].drop_duplicates().tolist() == ["rate", "main"]
    tried = rows[rows["stage"] == "rate"]
    assert set(tried["seed"]) == set(RATE_SEEDS) and set(tried["arm"]) == {"plain", "wide"}
    main = rows[rows["stage"] == "main"]
    ends = main[main["quantity"] == "final_error"]
    assert len(ends) == 3 * 3
    assert dict(zip(ends["arm"], ends["lr"], strict=True)) == {**choose(tried), "fixed": 0.1}
    assert (expected.seeds, expected.device) == ((0, 1, 2), "cpu")
    assert expected.command == "xavier run quick --scale smoke"
    assert expected.wall_time > 0
    assert expected.config == json.loads(json.dumps(plain(QUICK)))


def test_the_rate_with_the_least_mean_error_is_chosen_and_of_equal_ones_the_smaller() -> None:
    rows = pd.DataFrame(
        [
            *[("one", 0.1, error) for error in (0.2, 0.6)],  # has the best single run
            *[("one", 0.01, error) for error in (0.3, 0.4)],
            *[("one", 1.0, error) for error in (1.0, 1.0)],
            *[("equal", 0.3, 0.5), ("equal", 0.03, 0.5), ("equal", 3.0, 0.5)],
        ],
        columns=["arm", "lr", "value"],
    ).assign(quantity="final_error")
    others = rows.assign(quantity="final_cost", value=-rows["value"])
    both = pd.concat([rows, others, rows.assign(quantity="test_error", value=0.0, lr=9.0)])
    for table in (both, both[::-1]):
        assert choose(table.astype({"value": "float32"})) == {"one": 0.01, "equal": 0.03}
    assert choose(pd.DataFrame(columns=list(COLUMNS))) == {}


def test_a_record_that_is_there_is_returned_and_nothing_is_computed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, expected: Record
) -> None:
    first = quickly(tmp_path)
    monkeypatch.setattr(TrainingPoint, "compute", None)
    for _ in range(2):
        assert_same(quickly(tmp_path), expected)
    assert_same(load("quick", "smoke", folder=tmp_path), expected)
    assert list(tmp_path.iterdir()) == [first.path]  # no parts, no lock


def test_a_record_that_another_process_has_just_made_is_returned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, expected: Record
) -> None:
    """Between the look for the record and the lock."""
    lock = records.lock

    def late(*args: Any) -> Any:
        monkeypatch.setattr(records, "lock", lock)
        quickly(tmp_path)
        monkeypatch.setattr(TrainingPoint, "compute", None)
        return lock(*args)

    monkeypatch.setattr(records, "lock", late)
    assert_same(quickly(tmp_path), expected)


def test_a_stale_or_damaged_record_is_refused_and_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = quickly(tmp_path).path
    monkeypatch.setattr(TrainingPoint, "compute", None)
    again = "delete it, to make it: xavier run quick --scale smoke"
    for change, reason in (
        (lambda: register(monkeypatch, replace(QUICK, updates=60)), "updates is 40.*expected 60"),
        (lambda: spoil(path), "is damaged"),
    ):
        change()
        data = path.read_bytes()
        for act in (quickly, lambda folder: load("quick", "smoke", folder=folder)):
            with pytest.raises(RecordError, match=f"{reason}.*{again}"):
                act(tmp_path)
        assert path.read_bytes() == data and list(tmp_path.iterdir()) == [path]
    path.unlink()
    with pytest.raises(RecordMissing):
        load("quick", "smoke", folder=tmp_path)


def test_seeds_of_ones_own_make_a_record_of_their_own(tmp_path: Path, expected: Record) -> None:
    quickly(tmp_path)
    record = quickly(tmp_path, seeds=(seed for seed in (2, 5)))
    assert record.path.name == "quick.smoke-seeds-2-5.csv.gz" and record.seeds == (2, 5)
    assert record.command == "xavier run quick --scale smoke --seeds 2,5"
    assert_same(load("quick", "smoke", seeds=(2, 5), folder=tmp_path), record)
    # Each seed has a point of its own here: what is in both records is equal.
    ours, theirs = (
        rows[(rows["stage"] == "rate") | (rows["seed"] == 2)].reset_index(drop=True)
        for rows in (record.rows, expected.rows)
    )
    pd.testing.assert_frame_equal(ours, theirs, check_exact=True)
    assert_same(quickly(tmp_path), expected)


def test_many_seeds_still_make_a_name() -> None:
    many = experiments.label("book", range(100))
    assert re.fullmatch(r"book-100-seeds-[0-9a-f]{16}", many)
    assert many != experiments.label("book", range(1, 101))


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"name": "quikc"}, "did you mean 'quick'|experiment must be one of"),
        ({"scale": "smok"}, "scale must be one of"),
        ({"seeds": [1000]}, "seeds must be other than"),
        ({"seeds": [2**40]}, "seeds must be below"),
        ({"device": "meta"}, "device must be one that is there, got 'meta'"),
        ({"device": "gpu"}, "device must be one that is there, got 'gpu'"),
        ({"device": "cuda:99"}, "device must be one that is there, got 'cuda:99'"),
    ],
)
def test_arguments_that_cannot_be_are_refused_before_anything_is_written(
    tmp_path: Path, said: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        run(**{"name": "quick", "scale": "smoke", "folder": tmp_path / "results", **said})
    assert not (tmp_path / "results").exists()


def test_two_runs_of_one_experiment_at_once_cannot_harm_one_another(
    tmp_path: Path, computed: list[TrainingPoint], expected: Record
) -> None:
    with (
        records.lock("quick", "smoke", tmp_path),
        pytest.raises(RecordBusy, match="another process is running quick at scale smoke"),
    ):
        quickly(tmp_path)
    assert not computed
    assert_same(quickly(tmp_path), expected)  # when the first has ended


# ------------------------------------------------------------------------ parts and checkpoints


def test_after_a_point_that_fails_none_is_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But one that was begun before the failure was seen."""
    register(monkeypatch, LONG)
    seen, begun = threading.Event(), list[TrainingPoint]()

    def failing(point: TrainingPoint, *args: Any, **said: Any) -> pd.DataFrame:
        begun.append(point)
        if len(begun) > 1:
            assert seen.wait(PATIENCE)
        raise RuntimeError("no more")

    monkeypatch.setattr(TrainingPoint, "compute", failing)
    with ThreadPoolExecutor(1) as executor:
        with pytest.raises(RuntimeError, match="no more"):
            quickly(tmp_path, executor=executor)
        seen.set()
    assert len(begun) <= 2 < len(LONG.seeds)


@pytest.mark.parametrize("done", [0, 1, 4])
def test_what_is_finished_is_not_computed_again(
    tmp_path: Path, computed: list[TrainingPoint], expected: Record, done: int
) -> None:
    stop(tmp_path, done, RuntimeError("no more"))
    assert len(computed) == done == len(parts(tmp_path, "csv.gz"))
    first = list(computed)
    computed.clear()
    assert_same(quickly(tmp_path), expected)
    assert len(computed) == POINTS - done and not set(computed) & set(first)
    assert [path.name for path in tmp_path.iterdir()] == ["quick.smoke.csv.gz"]


@pytest.mark.parametrize(
    "error",
    [KeyboardInterrupt(), pytest.param(RuntimeError("stop"), marks=pytest.mark.thorough)],
)
def test_a_point_that_was_stopped_goes_on_from_its_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, long: Record, error: BaseException
) -> None:
    register(monkeypatch, LONG)
    stop(tmp_path, 1, error, part_way=True)
    assert len(parts(tmp_path, "csv.gz")) == len(parts(tmp_path, "checkpoint")) == 1
    told: list[int] = []
    monkeypatch.setattr(experiments._Parts, "_show", lambda parts, done: told.append(done))
    assert_same(quickly(tmp_path), long)
    assert told[:2] == [0, 400]  # the first point is there, and three hundred of the second
    assert [path.name for path in tmp_path.iterdir()] == ["quick.smoke.csv.gz"]


def test_a_record_says_where_all_of_it_was_computed_and_how_long_that_took(tmp_path: Path) -> None:
    stop(tmp_path, 1, RuntimeError("no more"))
    (path,) = parts(tmp_path, "csv.gz")
    part = vars(records.load(path.name.split(".")[0], "smoke", folder=path.parent))
    said = {k: v for k, v in part.items() if k not in ("path", "versions")}
    records.save(**{**said, "device": "GPU", "wall_time": 1000.0}, folder=path.parent)
    record = quickly(tmp_path)
    assert record.device == "GPU, cpu"
    assert record.wall_time > 1000


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        pytest.param("csv.gz", RecordError, marks=pytest.mark.thorough),
        ("checkpoint", CheckpointError),
    ],
)
def test_a_damaged_file_is_refused_by_name_and_the_others_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, long: Record, kind: str, error: Any
) -> None:
    register(monkeypatch, LONG)
    stop(tmp_path, 1, RuntimeError("no more"), part_way=True)
    (path,) = parts(tmp_path, kind)
    spoil(path)
    before = {p: p.read_bytes() for p in (tmp_path / "parts").iterdir()}
    with pytest.raises(error, match=f"{re.escape(str(path))} .*delete it"):
        quickly(tmp_path)
    assert {p: p.read_bytes() for p in (tmp_path / "parts").iterdir()} == before
    path.unlink()
    assert_same(quickly(tmp_path), long)


def test_what_belongs_to_others_is_left_in_the_folder_of_parts(tmp_path: Path) -> None:
    """Such as the same points of a run of another name, that is under way; not own debris."""
    stop(tmp_path, 1, RuntimeError("no more"))
    (part,) = parts(tmp_path, "csv.gz")
    others = [
        part.with_name(part.name.replace(".smoke.", ".smoke-seeds-1.")),
        part.with_name(part.name.replace("quick-", "other-")),
        part.with_name(part.name.replace(".smoke.csv.gz", ".book.checkpoint")),
        part.with_name("notes.txt"),
    ]
    for path in others:
        path.write_text("mine")
    part.with_name(f".{part.name}.0123456789abcdef.part").write_text("half a fi")
    quickly(tmp_path)
    assert sorted((tmp_path / "parts").iterdir()) == sorted(others)
    assert {path.read_text() for path in others} == {"mine"}


def test_where_the_folder_is_not_seen_a_point_is_computed_without_a_checkpoint(
    tmp_path: Path, expected: Record
) -> None:
    """As on another machine: what is sent there comes back, and nothing is written."""

    class Elsewhere(ThreadPoolExecutor):
        def submit(self, fn: Any, *args: Any, **said: Any) -> Any:
            away = [tmp_path / "away" / "x" / a.name if isinstance(a, Path) else a for a in args]
            return super().submit(fn, *away, **said)

    with Elsewhere(2) as executor:
        assert_same(quickly(tmp_path, executor=executor), expected)
    assert not (tmp_path / "away").exists()


def test_the_progress_bar_reaches_its_total(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    stop(tmp_path, 3, RuntimeError("no more"))
    quickly(tmp_path, progress=True)
    # Two arms with two rates on two seeds for 20 updates; three arms on three seeds for 40.
    assert re.search(r"quick: 100%.*\| 520/520 \[[^\r]*$", capfd.readouterr().err)
    quickly(tmp_path / "no terminal", progress=None)
    assert capfd.readouterr() == ("", "")


# ----------------------------------------------------------------------------- other processes

PROGRAM = """
import json, sys
from pathlib import Path
from glorot2010 import experiments
from glorot2010.catalogue import EXPERIMENTS, Arm, Experiment, Race

if __name__ == "__main__":
    folder, race = Path(sys.argv[1]), eval(sys.argv[2])
    EXPERIMENTS["quick"] = Experiment("quick", "", {"smoke": race})
    with experiments.pool(1) as pool:
        pid = pool.submit(int).result() or next(iter(pool._processes))
        (folder / "pid").write_text(str(pid))
        experiments.run("quick", "smoke", folder=folder, executor=pool, save_every=0)
"""


@pytest.mark.skipif(os.name != "posix", reason="kills processes")
def test_processes_give_the_same_rows_and_one_that_is_killed_costs_only_what_it_did(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    computed: list[TrainingPoint],
    expected: Record,
    long: Record,
) -> None:
    with pool(2) as processes:
        assert_same(quickly(tmp_path / "quick", executor=processes), expected)
        assert not computed  # here
        register(monkeypatch, LONG)

        def kill() -> None:
            until(lambda: parts(tmp_path, "csv.gz") and parts(tmp_path, "checkpoint"))
            os.kill(next(iter(processes._processes)), signal.SIGKILL)

        killer = threading.Thread(target=kill)
        killer.start()
        with pytest.raises(BrokenProcessPool):
            quickly(tmp_path, executor=processes, save_every=0)
        killer.join()
    finished = len(parts(tmp_path, "csv.gz"))
    assert finished >= 1
    assert_same(quickly(tmp_path), long)
    assert len(computed) == 3 - finished


@pytest.fixture
def start() -> Iterator[Callable[[Path], subprocess.Popen[bytes]]]:
    """Starts `PROGRAM`, and sees to it that nothing of it is left."""
    begun: list[tuple[Path, subprocess.Popen[bytes]]] = []

    def begin(folder: Path) -> subprocess.Popen[bytes]:
        folder.mkdir()
        (folder / "program.py").write_text(PROGRAM)
        words = [sys.executable, str(folder / "program.py"), str(folder), repr(LONG)]
        begun.append((folder, subprocess.Popen(words, stderr=subprocess.DEVNULL)))
        return begun[-1][1]

    yield begin
    for folder, process in begun:
        process.kill()
        process.wait()
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended, if all is well
            os.kill(int((folder / "pid").read_text()), signal.SIGKILL)


def runs(pid: int) -> bool:
    """Whether a process is there and is more than an entry that nobody has asked for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@pytest.mark.thorough
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs to see who is alive")
def test_processes_end_with_their_parent_and_the_run_goes_on_elsewhere(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    start: Callable[[Path], subprocess.Popen[bytes]],
    long: Record,
) -> None:
    folder = tmp_path / "results"
    process = start(folder)
    until(lambda: parts(folder, "checkpoint") or process.poll() is not None)
    pid = int((folder / "pid").read_text())
    assert runs(pid)
    process.kill()
    process.wait()
    until(lambda: not runs(pid))
    register(monkeypatch, LONG)
    assert_same(quickly(folder), long)
    assert not list(folder.glob("parts"))
