"""Runs: whatever computes them and however they were stopped, the rows are the same to the bit.

Processes are stopped and killed for good: `PROGRAM` is what they run. A test waits for what they
leave in files, never for a time.
"""

from __future__ import annotations

import io
import json
import math
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from tqdm import tqdm

from glorot2010 import experiments, results
from glorot2010.catalogue import EXPERIMENTS, RATE_SEEDS, Arm, Experiment, Race, config
from glorot2010.experiments import choose, load, plain, pool, run, seconds
from glorot2010.points import COLUMNS, TrainingPoint
from glorot2010.results import Record, RecordBusy, RecordError, RecordMissing
from glorot2010.runs import CheckpointError

ARM = Arm("plain", "tanh", hidden=(6,))
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
# Some hundred updates, which are made a hundred at a time; and points of about a second, which are
# not done before they are seen, and killed.
SOME = replace(
    QUICK, arms=(replace(ARM, lr=0.1),), rates=(), updates=600, every=300, extra=(), pack=1
)
LONG = replace(SOME, updates=4000, every=2000)
PATIENCE = 600.0  # seconds after which something that is waited for will not come

PROGRAM = """
import json, sys, threading, time
from pathlib import Path
from glorot2010 import experiments
from glorot2010.catalogue import EXPERIMENTS, Arm, Experiment, Race

def main():
    folder, jobs, race = Path(sys.argv[1]), int(sys.argv[2]), eval(sys.argv[3])
    EXPERIMENTS["quick"] = Experiment("quick", "", {"smoke": race})
    with experiments.pool(jobs) as pool:
        def tell():
            while len(pool._processes) < jobs:
                time.sleep(0.01)
            (folder / "pids").write_text(json.dumps(list(pool._processes)))
        threading.Thread(target=tell, daemon=True).start()
        save_every = float(sys.argv[4])
        experiments.run("quick", "smoke", folder=folder, executor=pool, save_every=save_every)

main()
"""
POSIX = pytest.mark.skipif(os.name != "posix", reason="needs signals")


def register(patch: pytest.MonkeyPatch, race: Race, name: str = "quick") -> None:
    patch.setitem(EXPERIMENTS, name, Experiment(name, "A test", {"smoke": race}))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch, QUICK)


def quickly(folder: Path, **said: Any) -> Record:
    return run("quick", "smoke", **{"folder": folder, "progress": False, **said})


def assert_same(first: Record, second: Record) -> None:
    pd.testing.assert_frame_equal(first.rows, second.rows, check_exact=True)
    assert first.config == second.config and first.seeds == second.seeds


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """What an undisturbed run in this process gives."""
    with pytest.MonkeyPatch.context() as patch:
        register(patch, QUICK)
        return quickly(tmp_path_factory.mktemp("quick"))


@pytest.fixture(scope="module")
def some(tmp_path_factory: pytest.TempPathFactory) -> Record:
    with pytest.MonkeyPatch.context() as patch:
        register(patch, SOME)
        return quickly(tmp_path_factory.mktemp("some"))


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Record:
    with pytest.MonkeyPatch.context() as patch:
        register(patch, LONG)
        return quickly(tmp_path_factory.mktemp("long"))


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


def stopping(
    patch: pytest.MonkeyPatch, after: int, error: BaseException, *, part_way: bool = False
) -> None:
    """Have so many points be computed, and the next one fail, after some updates perhaps."""
    compute, calls = TrainingPoint.compute, iter(range(100))

    def failing(point: TrainingPoint, *args: Any, **said: Any) -> pd.DataFrame:
        if next(calls) < after:
            return compute(point, *args, **said)
        if not part_way:
            raise error
        made = []

        def stop(done: int) -> None:
            made.append(done)
            if len(made) == 3:
                raise error

        return compute(point, *args, **{**said, "report": stop})

    patch.setattr(TrainingPoint, "compute", failing)


def until(there: Callable[[], Any]) -> Any:
    """Wait for something, and return it."""
    end = time.monotonic() + PATIENCE
    while not (found := there()):
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)
    return found


def parts(folder: Path, kind: str) -> list[Path]:
    return sorted((folder / "parts").glob(f"*.{kind}"))


# --------------------------------------------------------------------------------------------------
# A run and its record
# --------------------------------------------------------------------------------------------------


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
    assert expected.seeds == (0, 1, 2)
    assert expected.device == "cpu"
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
    assert_same(first, expected)
    before = [(path, path.stat().st_mtime_ns) for path in tmp_path.iterdir()]
    stopping(monkeypatch, 0, RuntimeError("computed"))
    monkeypatch.setattr(results, "lock", None)
    assert_same(quickly(tmp_path), expected)
    assert_same(load("quick", "smoke", folder=tmp_path), expected)
    assert [(path, path.stat().st_mtime_ns) for path in tmp_path.iterdir()] == before
    assert [path for path, _ in before] == [first.path]  # no parts, no lock


def test_a_record_that_another_process_has_just_made_is_returned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, expected: Record
) -> None:
    """Between the look for the record and the lock."""
    lock = results.lock

    def late(*args: Any) -> Any:
        monkeypatch.setattr(results, "lock", lock)
        quickly(tmp_path)
        stopping(monkeypatch, 0, RuntimeError("computed"))
        return lock(*args)

    monkeypatch.setattr(results, "lock", late)
    assert_same(quickly(tmp_path), expected)


def test_a_record_of_another_configuration_is_refused_and_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, computed: list[TrainingPoint]
) -> None:
    path = quickly(tmp_path).path
    data = path.read_bytes()
    computed.clear()
    register(monkeypatch, replace(QUICK, updates=60))
    message = "updates is 40 in the record, expected 60.*deleted or moved away"
    with pytest.raises(RecordError, match=message):
        quickly(tmp_path)
    with pytest.raises(RecordError, match="updates is 40 in the record, expected 60"):
        load("quick", "smoke", folder=tmp_path)
    assert path.read_bytes() == data and not computed
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_a_damaged_record_is_refused(tmp_path: Path, computed: list[TrainingPoint]) -> None:
    path = quickly(tmp_path).path
    computed.clear()
    spoil(path)
    with pytest.raises(RecordError, match=re.escape(str(path))):
        quickly(tmp_path)
    with pytest.raises(RecordError, match=re.escape(str(path))):
        load("quick", "smoke", folder=tmp_path)
    assert not computed
    path.unlink()
    with pytest.raises(RecordMissing):
        load("quick", "smoke", folder=tmp_path)


def spoil(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_seeds_of_ones_own_make_a_record_of_their_own(tmp_path: Path, expected: Record) -> None:
    quickly(tmp_path)
    record = quickly(tmp_path, seeds=(seed for seed in (2, 5)))
    assert record.path.name == "quick.smoke-seeds-2-5.csv.gz" and record.seeds == (2, 5)
    assert record.command == "xavier run quick --scale smoke --seeds 2,5"
    main = record.rows[record.rows["stage"] == "main"]
    assert set(main["seed"]) == {2, 5}
    # Each seed has a point of its own here: what is in both records is equal.
    ours, theirs = (
        rows[(rows["stage"] == "rate") | (rows["seed"] == 2)].reset_index(drop=True)
        for rows in (record.rows, expected.rows)
    )
    pd.testing.assert_frame_equal(ours, theirs, check_exact=True)
    assert_same(quickly(tmp_path), expected)


def test_many_seeds_still_make_a_name() -> None:
    few, many = (experiments._label("book", range(n)) for n in (3, 100))
    assert few == "book-seeds-0-1-2"
    assert re.fullmatch(r"book-100-seeds-[0-9a-f]{16}", many)
    assert many != experiments._label("book", range(1, 101))
    assert len(f"interventions-{'0' * 16}.{many}.csv.gz") < 100


# --------------------------------------------------------------------------------------------------
# What cannot be
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("device", ["gpu", "cpu:x", "", "cuda:99", "xpu"])
def test_a_device_that_is_not_there_is_refused_before_anything_is_written(
    tmp_path: Path, device: str
) -> None:
    with pytest.raises(ValueError, match="device must be one that is there, got") as caught:
        quickly(tmp_path / "results", device=device)
    assert repr(device) in str(caught.value)
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"name": "quikc"}, "did you mean 'quick'"),
        ({"scale": "smok"}, "did you mean 'smoke'"),
        ({"seeds": [1000]}, "seeds must be other than"),
        ({"seeds": [2**40]}, "seeds must be below"),
        ({"jobs": 0}, "jobs must be at least 1"),
    ],
)
def test_arguments_that_cannot_be_are_refused_before_anything_is_written(
    tmp_path: Path, said: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        if "jobs" in said:
            pool(said["jobs"])
        run(**{"name": "quick", "scale": "smoke", "folder": tmp_path / "results", **said})
    assert not (tmp_path / "results").exists()


def test_a_folder_that_cannot_be_written_is_an_error(
    tmp_path: Path, computed: list[TrainingPoint]
) -> None:
    (tmp_path / "file").write_text("mine")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OSError, match="cannot take the lock"):
            quickly(folder)
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "parts").write_text("mine")
    with pytest.raises(OSError, match="parts"):
        quickly(tmp_path / "results")
    assert not computed
    assert (tmp_path / "file").read_text() == "mine"
    assert [path.name for path in (tmp_path / "results").iterdir()] == ["parts"]


def test_of_two_runs_at_once_the_second_is_told_who_is_at_it(
    tmp_path: Path, computed: list[TrainingPoint]
) -> None:
    with (
        results.lock("quick", "smoke", tmp_path),
        pytest.raises(RecordBusy, match=f"quick at scale smoke is being run by.*{os.getpid()}"),
    ):
        quickly(tmp_path)
    assert not computed
    quickly(tmp_path)  # when the first has ended


# --------------------------------------------------------------------------------------------------
# Parts and checkpoints
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("done", [0, 1, 2, 4])
def test_what_is_finished_is_not_computed_again(
    tmp_path: Path, computed: list[TrainingPoint], expected: Record, done: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        stopping(patch, done, RuntimeError("no more"))
        with pytest.raises(RuntimeError, match="no more"):
            quickly(tmp_path)
    assert len(computed) == done == len(parts(tmp_path, "csv.gz"))
    first = list(computed)
    computed.clear()
    record = quickly(tmp_path)
    assert len(computed) == POINTS - done and not set(computed) & set(first)
    assert_same(record, expected)
    assert record.wall_time > 0
    assert [path.name for path in tmp_path.iterdir()] == ["quick.smoke.csv.gz"]


def test_a_point_is_saved_though_the_folder_of_parts_has_just_been_removed(tmp_path: Path) -> None:
    """As another run does that ends, after this one has made it and before it begins."""
    point = config("table1", "smoke").first()[0]
    checkpoint = tmp_path / "parts" / "point.smoke.checkpoint"
    experiments._compute(point, "cpu", str(checkpoint), f"{checkpoint}.note", 0.0)
    assert checkpoint.is_file()


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("stop")])
def test_a_point_that_was_stopped_goes_on_from_its_checkpoint(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    computed: list[TrainingPoint],
    some: Record,
    error: BaseException,
) -> None:
    """At the third report, by Ctrl-C or by a fault; what was not yet saved is done again."""
    register(monkeypatch, SOME)
    with pytest.MonkeyPatch.context() as patch:
        stopping(patch, 1, error, part_way=True)
        with pytest.raises(type(error)):
            quickly(tmp_path, save_every=0)
    assert len(parts(tmp_path, "csv.gz")) == 1
    (checkpoint,) = parts(tmp_path, "checkpoint")
    body = checkpoint.read_bytes().partition(b"\n")[2]
    assert torch.load(io.BytesIO(body), weights_only=True)["state"]["made"] == 200
    told: list[int] = []
    monkeypatch.setattr(experiments._Parts, "_show", lambda parts, done: told.append(done))
    assert_same(quickly(tmp_path), some)
    assert 300 in told and not {100, 200} & set(told[:3])
    assert [path.name for path in tmp_path.iterdir()] == ["quick.smoke.csv.gz"]


def test_a_record_says_where_all_of_it_was_computed_and_how_long_that_took(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        stopping(patch, 1, RuntimeError("no more"))
        with pytest.raises(RuntimeError, match="no more"):
            quickly(tmp_path)
    (path,) = parts(tmp_path, "csv.gz")
    part = results.load(path.name.split(".")[0], "smoke", folder=path.parent)
    results.save(
        part.rows,
        experiment=part.experiment,
        scale=part.scale,
        config=part.config,
        seeds=part.seeds,
        device="GPU",
        wall_time=1e6,
        command=part.command,
        folder=path.parent,
    )
    record = quickly(tmp_path)
    assert record.device == "GPU, cpu"
    assert 1e6 < record.wall_time < 2e6  # not counted twice


def test_a_damaged_part_is_refused_by_name_and_the_others_are_kept(
    tmp_path: Path, computed: list[TrainingPoint], expected: Record
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        stopping(patch, 3, RuntimeError("no more"))
        with pytest.raises(RuntimeError, match="no more"):
            quickly(tmp_path)
    first, second, third = parts(tmp_path, "csv.gz")
    spoil(second)
    computed.clear()
    with pytest.raises(RecordError, match=re.escape(str(second))) as caught:
        quickly(tmp_path)
    # A part is made by the experiment's command, not by one of its own.
    assert str(caught.value).endswith("delete it, and then: xavier run quick --scale smoke")
    assert first.exists() and second.exists() and third.exists()
    second.unlink()
    computed.clear()
    assert_same(quickly(tmp_path), expected)
    assert len(computed) == POINTS - 2


def test_a_damaged_checkpoint_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, some: Record
) -> None:
    register(monkeypatch, SOME)
    with pytest.MonkeyPatch.context() as patch:
        stopping(patch, 1, RuntimeError("stop"), part_way=True)
        with pytest.raises(RuntimeError, match="stop"):
            quickly(tmp_path, save_every=0)
    (checkpoint,) = parts(tmp_path, "checkpoint")
    spoil(checkpoint)
    with pytest.raises(CheckpointError, match=re.escape(str(checkpoint))):
        quickly(tmp_path)
    assert len(parts(tmp_path, "csv.gz")) == 1
    checkpoint.unlink()
    assert_same(quickly(tmp_path), some)


def test_what_belongs_to_others_is_left_in_the_folder_of_parts(tmp_path: Path) -> None:
    """Such as the same points of a run of another name, that is under way; not own debris."""
    with pytest.MonkeyPatch.context() as patch:
        stopping(patch, 1, RuntimeError("no more"))
        with pytest.raises(RuntimeError, match="no more"):
            quickly(tmp_path)
    (part,) = parts(tmp_path, "csv.gz")
    others = [
        part.with_name(part.name.replace(".smoke.", ".smoke-seeds-1.")),
        part.with_name(part.name.replace("quick-", "other-")),
        part.with_name(part.name.replace(".smoke.csv.gz", ".book.checkpoint")),
        part.with_name("notes.txt"),
    ]
    for path in others:
        path.write_text("mine")
    debris = part.with_name(f".{part.name}.0123456789abcdef.part")
    debris.write_text("half a fi")
    quickly(tmp_path)
    assert sorted((tmp_path / "parts").iterdir()) == sorted(others)
    for path in others:
        assert path.read_text() == "mine"


def test_a_fault_in_some_points_keeps_the_others_and_releases_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, computed: list[TrainingPoint]
) -> None:
    """Six of twelve points are there and six have failed when the first of them is looked at."""

    class AtOnce(Executor):
        """Computes as it is told to."""

        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
            future: Future[Any] = Future()
            if args[0].seeds[0] % 2:
                future.set_exception(RuntimeError("no memory"))
            else:
                future.set_result(fn(*args, **kwargs))
            return future

    register(monkeypatch, replace(SOME, seeds=tuple(range(12)), updates=10, every=10))
    with pytest.raises(RuntimeError, match="no memory"):
        quickly(tmp_path, executor=AtOnce())
    assert len(computed) == len(parts(tmp_path, "csv.gz")) == 6
    computed.clear()
    quickly(tmp_path)
    assert [point.seeds[0] for point in computed] == [1, 3, 5, 7, 9, 11]


def test_where_the_folder_is_not_seen_a_point_is_computed_without_a_checkpoint(
    tmp_path: Path,
) -> None:
    """As on another machine."""
    point = QUICK.first()[0]
    away = tmp_path / "not here" / "parts"
    rows, spent, device = experiments._compute(
        point, "cpu", str(away / "a.checkpoint"), str(away / "a.note"), 0
    )
    assert not away.exists()
    assert len(rows) and 0 < spent < 60 and device == "cpu"


def test_time_that_was_lost_to_a_kill_counts(tmp_path: Path) -> None:
    note = tmp_path / "a.note"
    note.write_text(json.dumps([100, 50.0]))
    job = (str(tmp_path / "a.checkpoint"), str(note), 60.0)
    _, spent, _ = experiments._compute(QUICK.first()[0], "cpu", *job)
    assert 50 < spent < 100
    note.write_text("[1")  # cut short
    _, spent, _ = experiments._compute(QUICK.first()[0], "cpu", *job)
    assert spent < 50


# --------------------------------------------------------------------------------------------------
# Progress and time
# --------------------------------------------------------------------------------------------------


class Bar(io.StringIO):
    """Where a progress bar is drawn."""

    def last(self) -> str:
        return re.split(r"[\r\n]", self.getvalue().strip())[-1]


@pytest.mark.parametrize("how", ["anew", "resumed", "threads"])
def test_the_progress_bar_reaches_its_total(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    if how == "resumed":
        with pytest.MonkeyPatch.context() as patch:
            stopping(patch, 3, RuntimeError("no more"))
            with pytest.raises(RuntimeError, match="no more"):
                quickly(tmp_path)
    drawn, bars = Bar(), []

    class Noted(tqdm):  # type: ignore[type-arg]
        def __init__(self, **said: Any) -> None:
            super().__init__(file=drawn, **said)
            bars.append(self)

    monkeypatch.setattr(experiments, "tqdm", Noted)
    if how == "threads":
        with ThreadPoolExecutor(2) as executor:
            quickly(tmp_path, progress=True, executor=executor)
    else:
        quickly(tmp_path, progress=True)
    (bar,) = bars
    # Two arms with two rates on two seeds for 20 updates; three arms on three seeds for 40.
    assert bar.total == 2 * 2 * 2 * 20 + 3 * 3 * 40 == bar.n
    assert drawn.last().startswith("quick: 100%")


def test_no_progress_bar_is_drawn_where_there_is_no_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    quickly(tmp_path, progress=None)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("name", "scale"), [("table1", "smoke"), ("quick", "smoke")])
def test_about_how_long_it_takes_is_measured_and_nothing_is_printed(
    capfd: pytest.CaptureFixture[str], name: str, scale: Any
) -> None:
    before = torch.get_num_threads()
    assert 0 < seconds(name, scale) < math.inf
    assert capfd.readouterr() == ("", "")
    assert torch.get_num_threads() == before


def test_what_does_not_train_is_not_counted() -> None:
    assert seconds("birth") == 0


def test_an_experiment_that_is_longer_is_said_to_take_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(experiments, "_seconds_of_update", lambda point: 0.001)
    assert seconds("quick", "smoke") == pytest.approx(0.001 * (2 * 2 * 2 * 20 + 3 * 3 * 40))


# --------------------------------------------------------------------------------------------------
# Other processes
# --------------------------------------------------------------------------------------------------


def test_threads_give_the_same_rows(tmp_path: Path, expected: Record) -> None:
    with ThreadPoolExecutor(3) as executor:
        assert_same(quickly(tmp_path, executor=executor), expected)


@POSIX
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
        message = "points of quick .* has ended.*the same run .*: xavier run quick --scale smoke"
        with pytest.raises(RuntimeError, match=message) as caught:
            quickly(tmp_path, executor=processes, save_every=0)
        killer.join()
        assert isinstance(caught.value.__cause__, BrokenProcessPool)
    finished = len(parts(tmp_path, "csv.gz"))
    assert finished >= 1
    assert_same(quickly(tmp_path), long)
    assert len(computed) == 3 - finished


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts `PROGRAM`, and sees to it that nothing of it is left."""
    begun: list[tuple[Path, subprocess.Popen[str]]] = []

    def begin(folder: Path, jobs: int, save_every: float, race: Race) -> subprocess.Popen[str]:
        folder.mkdir()
        arguments = [str(folder), str(jobs), repr(race), str(save_every)]
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        begun.append((folder, process))
        return process

    yield begin
    for folder, process in begun:
        process.kill()
        with suppress(FileNotFoundError, ProcessLookupError):  # they have ended, if all is well
            for pid in json.loads((folder / "pids").read_text()):
                os.kill(pid, signal.SIGKILL)
        process.communicate()


@pytest.mark.thorough
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs to see who is alive")
def test_processes_end_with_their_parent_and_the_run_goes_on_elsewhere(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    start: Callable[..., subprocess.Popen[str]],
    long: Record,
) -> None:
    folder = tmp_path / "results"
    process = start(folder, 1, 0, LONG)
    pids = json.loads(until(lambda: (p := folder / "pids").exists() and p.read_text()))
    until(lambda: parts(folder, "checkpoint") or process.poll() is not None)
    assert len(pids) == 1 and results._born(pids[0])
    process.kill()
    process.wait()
    until(lambda: results._born(pids[0]) is None)
    assert list(folder.glob(".*.lock"))  # of a process that is gone
    (folder / "pids").unlink()
    register(monkeypatch, LONG)
    assert_same(quickly(folder), long)
    assert [path.name for path in folder.iterdir()] == ["quick.smoke.csv.gz"]


def test_a_process_that_waits_does_not_end_at_ctrl_c_and_one_that_is_told_does_nothing_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What a process of a pool does, in this one."""

    class Told:
        value = 0

    monkeypatch.setattr(experiments, "_told", Told)
    experiments._heed(signal.SIGINT, None)  # waiting
    with pytest.raises(KeyboardInterrupt):
        experiments._unless_told(experiments._heed, signal.SIGINT, None)  # at work
    experiments._heed(signal.SIGINT, None)
    assert experiments._unless_told(max, 3, 4) == 4
    Told.value = 1
    with pytest.raises(KeyboardInterrupt):
        experiments._unless_told(max, 3, 4)
