"""A run that is stopped, in whatever way, ends as if it had not been: to the bit.

Processes are killed for good: `main` below is a program that trains in forked processes, kills
them, starts others in their place, and compares how it ends. The other tests stop a run from
within, by what a monitor raises.
"""

from __future__ import annotations

import errno
import functools
import hashlib
import itertools
import json
import math
import os
import random
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from xavier import checkpoints, datasets, files, training
from xavier.checkpoints import CheckpointError
from xavier.network import Network
from xavier.shapeset import Shapeset
from xavier.training import SecondOrder, Training, train

FORKS = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and signals")
KILLS = 20


def summary(trained: Training) -> dict[str, Any]:
    """All that a run leaves, in full or as a hash, so that equal means equal to the bit."""
    network = trained.network
    tensors = {
        **{f"w{i}": w for i, w in enumerate(network.w)},
        **{f"b{i}": b for i, b in enumerate(network.b)},
    }
    return {
        **{k: hashlib.sha256(x.cpu().numpy().tobytes()).hexdigest() for k, x in tensors.items()},
        "diverged": network.diverged.tolist(),
        "updates": [trained.made, network.updates],
        "streams": [stream.state() for stream in trained._streams.values()],
        "measured": exact(trained.measured),
        "monitored": exact(trained.monitored),
    }


def exact(table: pd.DataFrame) -> list[Any]:
    """A table as JSON can say it, with all digits, and all missing values being one."""
    dtypes = [[str(column), str(dtype)] for column, dtype in table.dtypes.items()]
    rows = [
        [None if pd.isna(x) else x.hex() if isinstance(x, float) else x for x in row]
        for row in table.itertuples(index=False, name=None)
    ]
    return [dtypes, *rows]


# --------------------------------------------------------------------------------------------------
# Killed for good
# --------------------------------------------------------------------------------------------------

UPDATES = 600
MEASURED: dict[str, Any] = {"every": 9, "at": (1, 2, 100, 555)}


def watch(tell: Callable[[int], None]) -> training.Monitor:
    """A monitor that returns numbers and text, at times none, and says where the run is."""

    def look(update: int, network: Network) -> pd.DataFrame | None:
        tell(update)
        if update % 5 == 0:
            return None
        mean = network.w[0].double().mean((1, 2)).tolist()
        rest = {"note": "äöü" if update % 2 else None, "even": update % 2 == 0}
        return pd.DataFrame({"update": update, "mean": mean, **rest})

    return look


@functools.cache
def split(name: str) -> datasets.Dataset:
    """What `datasets.stream` loads, loaded once: children inherit it."""
    return datasets.load("digits", name)


def digits(tell: Callable[[int], None], activation: str, lr: list[float], **more: Any) -> Training:
    """Three replicas, two of them of one seed, on a finite set of which a run makes many passes."""
    rules = ["standard", "glorot", "he"]
    return Training(
        Network.create((64, 12, 10, 10), activation, rules, seeds=(0, 1, 0)),
        {seed: datasets.DatasetStream(split("train"), seed) for seed in (0, 1)},
        lr=torch.tensor(lr),
        batch_size=30,
        test=(split("test").images[:100], split("test").labels[:100]),
        monitor=watch(tell),
        **more,
    )


def shapes(tell: Callable[[int], None], activation: str, lr: list[float], **more: Any) -> Training:
    """Four replicas of two seeds on a stream without end."""
    return Training(
        Network.create((225, 20, 9), activation, "glorot", seeds=(3, 4, 3, 4), gain=[1, 1, 2, 2]),
        {seed: Shapeset(seed, size=15) for seed in (3, 4)},
        lr=torch.tensor(lr),
        batch_size=20,
        test=Shapeset(9, size=15).batch(100),
        monitor=watch(tell),
        **more,
    )


# The rate of 1e30 leads to an infinite cost at the second update, before the first saving.
RUNS: dict[str, Callable[[Callable[[int], None]], Training]] = {
    "digits": lambda tell: digits(tell, "tanh", [0.1, 0.05, 0.02]),
    "digits, by curvature, one diverges": lambda tell: digits(
        tell, "relu", [0.01, 1e30, 0.02],
        second_order=SecondOrder("hessian", every=70, examples=150),
    ),
    "shapeset, one diverges": lambda tell: shapes(tell, "relu", [0.01, 1e30, 0.02, 0.01]),
    "shapeset, by variance, output frozen": lambda tell: shapes(
        tell, "softsign", [0.1, 0.2, 0.3, 0.4], cost="quadratic", freeze_output_bias=True,
        second_order=SecondOrder("variance", every=100, examples=200),
    ),
}  # fmt: skip


def child(name: str, pipe: int, folder: Path, save_every: float | None) -> None:
    """Train to the end and leave a summary; without ``save_every`` in one go."""
    sync = os.fsync

    def slow(opened: Any) -> None:
        time.sleep(0.002)  # as on a slow disk
        sync(opened)

    def tell(update: int) -> None:
        if update:
            os.write(pipe, b".")

    os.fsync = slow  # type: ignore[assignment]
    trained = RUNS[name](tell)
    path = None if save_every is None else folder / "run.checkpoint"
    try:
        trained.run(UPDATES, checkpoint=path, save_every=save_every or 0.0, **MEASURED)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # for a Ctrl-C that comes too late
    except KeyboardInterrupt:
        back = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        (folder / "stopped.json").write_text(json.dumps([trained.made, back]))
    else:
        (folder / "summary.json").write_text(json.dumps(summary(trained)))


def start(*arguments: Any) -> tuple[int, int]:
    """Fork a process that trains; its number, and where it writes as it goes."""
    reading, writing = os.pipe()
    if number := os.fork():
        os.close(writing)
        return number, reading
    status = 1
    try:
        child(arguments[0], writing, *arguments[1:])
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def saved(folder: Path) -> int:
    """How many updates the checkpoint knows of."""
    path = folder / "run.checkpoint"
    return json.loads(path.read_bytes().split(b"\n")[2])["state"]["made"] if path.exists() else 0


def main(name: str, number: int, folder: Path) -> dict[str, Any]:
    """Stop processes until enough were stopped and a run is at its end, and compare every end."""

    def finished(*arguments: Any) -> dict[str, Any]:
        process, pipe = start(name, *arguments)
        while os.read(pipe, 1000):
            pass
        assert os.waitpid(process, 0)[1] == 0
        os.close(pipe)
        found: dict[str, Any] = json.loads((folder / "summary.json").read_text())
        return found

    chance = random.Random(name)
    RUNS[name](lambda update: None)  # loads what is to be loaded
    expected = finished(folder, None)
    (folder / "summary.json").unlink()
    places, told, stops = list[int](), list[int](), list[Any]()
    differ, ends = list[str](), 0
    while len(places) < KILLS:
        process, pipe = start(name, folder, chance.choice([0.0, 0.01]))
        seen = 0
        for _ in range(chance.randint(1 if number == signal.SIGINT else 0, 8)):
            seen += len(os.read(pipe, 1))
        time.sleep(chance.uniform(0, 0.01))
        os.kill(process, number)
        status = os.waitpid(process, 0)[1]
        while more := len(os.read(pipe, 1000)):
            seen += more
        os.close(pipe)
        if (folder / "summary.json").exists():  # it was faster
            found = json.loads((folder / "summary.json").read_text())
            differ += [key for key in expected if found[key] != expected[key]]
            ends += 1
            for path in folder.iterdir():
                path.unlink()
            continue
        assert status == (0 if number == signal.SIGINT else number), status
        if number == signal.SIGINT:
            stops.append([saved(folder), *json.loads((folder / "stopped.json").read_text())])
        places.append(saved(folder))
        told.append(seen)
    parts = len(list(folder.glob(".*.part")))
    found = finished(folder, 0.0)
    differ += [key for key in expected if found[key] != expected[key]]
    return {
        **{"places": places, "told": told, "parts": parts, "stops": stops},
        **{"differ": differ, "ends": ends + 1, "diverged": expected["diverged"]},
        "rows": [len(expected[key]) for key in ("measured", "monitored")],
    }


def stopped(name: str, number: int, folder: Path) -> dict[str, Any]:
    """Run `main` in a process of its own, with one thread, which may fork."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    done = subprocess.run(
        [sys.executable, __file__, name, str(int(number)), str(folder)],
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, **threads},
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@FORKS
@pytest.mark.parametrize(
    "name",
    [name if name == "digits" else pytest.param(name, marks=pytest.mark.thorough) for name in RUNS],
)
def test_a_run_killed_at_twenty_random_moments_ends_as_if_it_had_not_been(
    name: str, tmp_path: Path
) -> None:
    found = stopped(name, signal.SIGKILL, tmp_path)
    assert len(found["places"]) == KILLS and found["ends"] >= 1
    assert not found["differ"], found
    # That there was something to lose and something to take up again:
    assert len(set(found["places"])) >= 5 and sum(found["told"]) > KILLS
    assert min(found["rows"]) > 100
    assert (max(found["diverged"]) == 2) == ("one diverges" in name)


@FORKS
def test_a_run_stopped_by_ctrl_c_saves_what_it_has_done_and_ends_as_if_it_had_not_been(
    tmp_path: Path,
) -> None:
    found = stopped("digits, by curvature, one diverges", signal.SIGINT, tmp_path)
    assert len(found["stops"]) == KILLS and not found["differ"], found
    for saved_, made, handler_is_back in found["stops"]:
        assert saved_ == made > 0 and handler_is_back
    assert found["parts"] == 0


# --------------------------------------------------------------------------------------------------
# Stopped from within
# --------------------------------------------------------------------------------------------------

N_IN, CLASSES = 6, 3


class Pool:
    """A stream that passes over examples drawn once, and knows where it is."""

    def __init__(self, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.seed, self.given = seed, 0
        self.x = torch.randn(997, N_IN, generator=generator, dtype=torch.float64)
        self.y = self.x[:, :CLASSES].argmax(1)

    def batch(self, n: int) -> tuple[Tensor, Tensor]:
        index = torch.arange(self.given, self.given + n) % len(self.y)
        self.given += n
        return self.x[index], self.y[index]

    def state(self) -> dict[str, Any]:
        return {"seed": self.seed, "given": self.given}

    def restore(self, state: dict[str, Any]) -> None:
        assert state["seed"] == self.seed
        self.given = state["given"]


TEST = Pool(9).batch(50)


def make(**changed: Any) -> Training:
    """Three small replicas, of which the second diverges at once."""
    changed = {"activation": "relu", "seeds": (0, 1, 0), "gain": 1.0, **changed}
    seeds = changed.pop("seeds")
    network = Network.create(
        (N_IN, 5, 4, CLASSES), changed.pop("activation"), "he", seeds=seeds,
        gain=changed.pop("gain"), dtype=torch.float64,
    )  # fmt: skip
    said: dict[str, Any] = {
        "lr": torch.tensor([0.1, 1e200, 0.3], dtype=torch.float64),
        **{"test": TEST, "monitor": watch(lambda update: None), **changed},
    }
    return Training(network, {seed: Pool(seed) for seed in seeds}, **said)


class Stop(BaseException):
    """What stops a run, and nothing catches."""


def stop_before(updates: int) -> Any:
    """Let so many updates be made, of any network, and raise `Stop` in the place of the next."""
    update, left = Network._update, updates

    def counted(network: Network, *arguments: Any, **named: Any) -> Tensor:
        nonlocal left
        if not left:
            raise Stop
        left -= 1
        return update(network, *arguments, **named)

    return mock.patch.object(Network, "_update", counted)


def assert_ends_alike(
    begin: Callable[[], Training], path: Path, stops: Iterable[int], updates: int, **said: Any
) -> None:
    """Stop a run, again and again, and compare its end with that of a run that is not."""
    whole = begin()
    whole.run(updates, **{k: v for k, v in said.items() if k != "save_every"})
    for stop in stops:
        try:
            with stop_before(stop):
                begin().run(updates, checkpoint=path, **said)
        except Stop:
            pass
    last = begin()
    rows = last.run(updates, checkpoint=path, **said)
    assert summary(last) == summary(whole)
    pd.testing.assert_frame_equal(rows, whole.measured, check_exact=True)
    pd.testing.assert_frame_equal(last.monitored, whole.monitored, check_exact=True)


@settings(max_examples=60)
@given(data=st.data())
def test_any_run_stopped_at_any_updates_ends_as_if_it_had_not_been(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "any" / "run.checkpoint"
    path.unlink(missing_ok=True)
    draw, updates = data.draw, data.draw(st.integers(1, 60))
    with (
        mock.patch.object(training, "_CHUNK", draw(st.sampled_from([2, 5, 20, 1000]))),
        mock.patch.object(os, "fsync"),  # which takes most of the time
    ):
        ways = st.builds(
            SecondOrder,
            kind=st.sampled_from(["hessian", "variance"]),
            every=st.integers(1, 30),
            examples=st.integers(2, max(2, min(20, training._CHUNK))),
        )
        changed: dict[str, Any] = {
            "activation": draw(st.sampled_from(["relu", "tanh", "sigmoid"])),
            "batch_size": draw(st.integers(1, 7)),
            "cost": draw(st.sampled_from(["cross_entropy", "quadratic"])),
            "second_order": draw(st.none() | ways),
            "freeze_output_bias": draw(st.booleans()),
            "freeze_first_layer": draw(st.booleans()),
            "test": draw(st.sampled_from([None, TEST])),
        }
        said: dict[str, Any] = {
            "every": draw(st.none() | st.integers(1, 30)),
            "at": draw(st.lists(st.integers(1, updates), max_size=3)),
            "save_every": draw(st.sampled_from([0.0, 0.003, 1e9])),
        }
        stops = draw(st.lists(st.integers(0, 60), min_size=1, max_size=4))
        assert_ends_alike(lambda: make(**changed), path, stops, updates, **said)


def test_tables_of_a_monitor_that_change_on_the_way_end_alike(tmp_path: Path) -> None:
    """Columns come and go, and text is missing at first."""

    def look(update: int, network: Network) -> pd.DataFrame | None:
        table = pd.DataFrame({"update": [update], "note": ["x" if update > 40 else None]})
        return table if update < 60 else table.assign(more=update % 3, name=f"update {update}")

    for stops in ([15], [45], [65], [25, 25, 25, 25]):
        path = tmp_path / f"{stops}"
        assert_ends_alike(
            lambda: make(monitor=look, batch_size=100), path, stops, 90, every=5, save_every=0.0
        )


def test_tied_layers_end_alike(tmp_path: Path) -> None:
    def begin() -> Training:
        network = Network.create(
            (N_IN, 5, 5, 5, 5, CLASSES), "relu", "he", seeds=(0, 1), dtype=torch.float64
        )
        training.tie(network)
        streams, lr = {0: Pool(0), 1: Pool(1)}, torch.tensor([0.1, 1e200], dtype=torch.float64)
        return Training(network, streams, lr=lr, test=TEST, tied=True)

    for stop in (1, 150):
        path = tmp_path / f"{stop}"
        assert_ends_alike(begin, path, [stop, 120], 350, every=20, save_every=0.0)


def test_train_takes_up_a_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which it saves every minute."""
    path, whole = tmp_path / "run.checkpoint", make()
    expected = whole.run(250, every=20)

    def go_on() -> tuple[Network, pd.DataFrame]:
        network, streams = make().network, {0: Pool(0), 1: Pool(1)}
        rows = train(
            network, streams, lr=whole._rates, updates=250, test=TEST, every=20,
            monitor=watch(lambda update: None), checkpoint=path,
        )  # fmt: skip
        return network, rows

    for stop in (130, 57):
        with stop_before(stop), pytest.raises(Stop):
            go_on()
        assert not path.exists()
    clock = itertools.count(0, 100)  # a hundred seconds between two looks at it
    with monkeypatch.context() as patch, stop_before(130), pytest.raises(Stop):
        patch.setattr(time, "monotonic", lambda: float(next(clock)))
        go_on()
    assert saved(tmp_path) == 100
    network, rows = go_on()
    pd.testing.assert_frame_equal(rows, expected, check_exact=True)
    for ours, theirs in zip(network.w, whole.network.w, strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize(
    ("seconds", "times"), [(0.0, 4), (20.0, 4), (25.0, 2), (50.0, 2), (1e9, 1)]
)
def test_it_is_saved_every_so_many_seconds_and_at_the_end(
    tmp_path: Path, seconds: float, times: int
) -> None:
    """Of four hundred updates each hundred takes twenty seconds."""
    trained, path = make(), tmp_path / "run.checkpoint"
    now = 0.0

    def advance(seconds: float) -> None:
        nonlocal now
        now += seconds

    with (
        mock.patch.object(time, "monotonic", lambda: now),
        mock.patch.object(files, "replace", wraps=files.replace) as replace,
    ):
        trained._monitor = lambda update, network: advance(20.0 if update else 0.0)
        trained.run(400, every=100, checkpoint=path, save_every=seconds)
    assert replace.call_count == times
    assert saved(tmp_path) == 400
    assert checkpoints.load(path, of={**make()._of, "updates": 400, "due": [100, 200, 300, 400]})


@pytest.mark.parametrize(
    ("value", "error"), [(-1.0, ValueError), (math.nan, ValueError), ("60", TypeError)]
)
def test_a_wrong_number_of_seconds_is_refused(value: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="save_every must"):
        make().run(3, save_every=value)


def test_a_complete_run_is_read_and_nothing_is_trained(tmp_path: Path) -> None:
    path, first, again = tmp_path / "run.checkpoint", make(), make()
    first.run(130, every=20, checkpoint=path)
    before = path.read_bytes()
    with stop_before(0):
        rows = again.run(130, every=20, checkpoint=path)
    assert summary(again) == summary(first)
    pd.testing.assert_frame_equal(rows, first.measured, check_exact=True)
    assert path.read_bytes() == before


def test_what_was_stopped_may_itself_go_on(tmp_path: Path) -> None:
    """As in a notebook, whose objects are still there, in whatever state."""
    path, whole, stopped_ = tmp_path / "run.checkpoint", make(), make()
    whole.run(350, every=20)
    for stop in (130, 57, 60):
        with stop_before(stop), pytest.raises(Stop):
            stopped_.run(350, every=20, checkpoint=path, save_every=0.0)
    stopped_.run(350, every=20, checkpoint=path)
    assert summary(stopped_) == summary(whole)


# --------------------------------------------------------------------------------------------------
# Not this run
# --------------------------------------------------------------------------------------------------

BRIGHTER = (2 * TEST[0], TEST[1])

OTHERS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "rate": ({"lr": 0.2}, {}, "rates"),
    "batch size": ({"batch_size": 5}, {}, "batch_size"),
    "cost": ({"cost": "quadratic"}, {}, "cost"),
    "weights": ({"gain": 0.5}, {}, "weights"),
    "activation": ({"activation": "tanh"}, {}, "activation"),
    "seeds": ({"seeds": (0, 1, 1)}, {}, "seeds, weights"),
    "streams": ({"seeds": (0, 2, 0)}, {}, "seeds, streams, weights"),
    "rates of their own": ({"second_order": SecondOrder("hessian")}, {}, "second_order"),
    "frozen biases": ({"freeze_output_bias": True}, {}, "freeze_output_bias"),
    "frozen layer": ({"freeze_first_layer": True}, {}, "freeze_first_layer"),
    "no test": ({"test": None}, {}, "test"),
    "other labels": ({"test": (TEST[0], TEST[1].flip(0))}, {}, "test"),
    "other images": ({"test": BRIGHTER}, {}, "test"),
    "longer": ({}, {"updates": 200}, "due, updates"),
    "measured more often": ({}, {"every": 10}, "due"),
    "measured elsewhere": ({}, {"at": [7]}, "due"),
}


@pytest.mark.parametrize("case", OTHERS)
def test_another_runs_checkpoint_is_refused_and_nothing_is_changed(
    tmp_path: Path, case: str
) -> None:
    changed, said, differ = OTHERS[case]
    path = tmp_path / "run.checkpoint"
    make().run(130, every=20, checkpoint=path)
    other, as_it_was, before = make(**changed), make(**changed), path.read_bytes()
    with pytest.raises(CheckpointError, match=f"of another run, which differs in {differ};"):
        other.run(**{"updates": 130, "every": 20, "checkpoint": path, **said})
    assert summary(other) == summary(as_it_was)
    assert path.read_bytes() == before


def test_a_damaged_checkpoint_is_refused_and_nothing_is_changed(tmp_path: Path) -> None:
    path, trained = tmp_path / "run.checkpoint", make()
    make().run(30, checkpoint=path)
    os.truncate(path, path.stat().st_size - 1)
    with pytest.raises(CheckpointError, match="damaged or cut short"):
        trained.run(30, checkpoint=path)
    assert summary(trained) == summary(make())


def test_a_full_disk_ends_the_run_and_not_what_was_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, whole = tmp_path / "run.checkpoint", make()
    whole.run(350, every=20)
    times = 0

    def fill(opened: int) -> None:
        nonlocal times
        times += 1
        if times > 2:  # a file and its folder, and now another file
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fill)
        with pytest.raises(OSError, match="cannot save the checkpoint: No space left"):
            make().run(350, every=20, checkpoint=path, save_every=0.0)
    assert saved(tmp_path) == 100 and list(tmp_path.iterdir()) == [path]
    last = make()
    last.run(350, every=20, checkpoint=path)
    assert summary(last) == summary(whole)


# --------------------------------------------------------------------------------------------------
# Ctrl-C
# --------------------------------------------------------------------------------------------------


@pytest.fixture
def ctrl_c() -> Iterator[Callable[[], None]]:
    """Python's own way with Ctrl-C, whatever the process that runs the tests has; and a Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        pytest.skip("signals are for the main thread")
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield lambda: signal.raise_signal(signal.SIGINT)
    signal.signal(signal.SIGINT, before)


def at(update: int, what: Callable[[], object]) -> training.Monitor:
    """A monitor that does something once, and watches like the others."""
    look, done = watch(lambda update: None), list[bool]()

    def act(made: int, network: Network) -> pd.DataFrame | None:
        if made == update and not done:
            done.append(True)
            what()
        return look(made, network)

    return act


@pytest.mark.parametrize(("update", "expected"), [(1, 100), (99, 100), (100, 100), (101, 200)])
def test_ctrl_c_is_heard_after_some_updates_when_they_are_saved(
    tmp_path: Path, ctrl_c: Callable[[], None], update: int, expected: int
) -> None:
    path, whole = tmp_path / "run.checkpoint", make()
    said: dict[str, Any] = {"updates": 350, "every": 20, "at": [update], "checkpoint": path}
    whole.run(**{**said, "checkpoint": None})
    trained = make(monitor=at(update, ctrl_c))
    with pytest.raises(KeyboardInterrupt):
        trained.run(**said)
    assert trained.made == saved(tmp_path) == expected
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    last = make()
    last.run(**said)
    assert summary(last) == summary(whole)
    trained.run(**said)
    assert summary(trained) == summary(whole)


def test_a_second_ctrl_c_is_heard_at_once(tmp_path: Path, ctrl_c: Callable[[], None]) -> None:
    def twice() -> None:
        ctrl_c()
        ctrl_c()

    path, whole, trained = tmp_path / "run.checkpoint", make(), make(monitor=at(140, twice))
    whole.run(350, every=20)
    with pytest.raises(KeyboardInterrupt):
        trained.run(350, every=20, checkpoint=path, save_every=0.0)
    assert trained.made == 140 and saved(tmp_path) == 100
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    last = make()
    last.run(350, every=20, checkpoint=path)
    assert summary(last) == summary(whole)


@pytest.mark.parametrize("update", [301, 350])
def test_ctrl_c_among_the_last_updates_is_heard_when_the_run_is_saved_whole(
    tmp_path: Path, ctrl_c: Callable[[], None], update: int
) -> None:
    path, whole, trained = tmp_path / "run.checkpoint", make(), make(monitor=at(update, ctrl_c))
    whole.run(350, at=[301])
    with pytest.raises(KeyboardInterrupt):
        trained.run(350, at=[301], checkpoint=path)
    assert saved(tmp_path) == 350
    last = make()
    with stop_before(0):
        last.run(350, at=[301], checkpoint=path)
    assert summary(last) == summary(whole)


@pytest.mark.parametrize("last", [True, False])
def test_ctrl_c_while_it_is_being_saved_is_not_lost(
    tmp_path: Path, ctrl_c: Callable[[], None], monkeypatch: pytest.MonkeyPatch, last: bool
) -> None:
    """Nor is what has been trained since."""
    path, trained, whole = tmp_path / "run.checkpoint", make(), make()
    whole.run(250, every=20)
    times, sync = 0, os.fsync

    def interrupted(opened: int) -> None:
        nonlocal times
        times += 1
        if times == (5 if last else 1):  # two for each saving
            ctrl_c()
        sync(opened)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", interrupted)
        with pytest.raises(KeyboardInterrupt):
            trained.run(250, every=20, checkpoint=path, save_every=0.0)
    assert saved(tmp_path) == trained.made == (250 if last else 200)
    again = make()
    again.run(250, every=20, checkpoint=path)
    assert summary(again) == summary(whole)


def test_without_a_checkpoint_ctrl_c_is_heard_at_once(ctrl_c: Callable[[], None]) -> None:
    trained = make(monitor=at(20, ctrl_c))
    with pytest.raises(KeyboardInterrupt):
        trained.run(350, every=20)
    assert trained.made == 20


def test_after_an_error_ctrl_c_is_heard_as_before(
    tmp_path: Path, ctrl_c: Callable[[], None]
) -> None:
    def fail() -> None:
        assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
        raise Stop

    with pytest.raises(Stop):
        make(monitor=at(20, fail)).run(350, every=20, checkpoint=tmp_path / "run.checkpoint")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_way_of_ones_own_with_ctrl_c_is_kept(tmp_path: Path, ctrl_c: Callable[[], None]) -> None:
    """The first is noted, and goes no further; the second is theirs."""
    heard: list[int] = []

    def own(number: int, frame: Any) -> None:
        heard.append(number)

    signal.signal(signal.SIGINT, own)
    trained = make(monitor=at(20, ctrl_c))
    with pytest.raises(KeyboardInterrupt):
        trained.run(350, every=20, checkpoint=tmp_path / "run.checkpoint")
    assert signal.getsignal(signal.SIGINT) is own and not heard
    ctrl_c()
    assert heard == [signal.SIGINT]


def test_where_ctrl_c_is_ignored_it_is_ignored(tmp_path: Path, ctrl_c: Callable[[], None]) -> None:
    """As it is in a process that a script has put into the background."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    trained, whole = make(monitor=at(20, ctrl_c)), make()
    whole.run(350, every=20)
    trained.run(350, every=20, checkpoint=tmp_path / "run.checkpoint")
    assert summary(trained) == summary(whole)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_another_thread_trains_and_leaves_ctrl_c_alone(
    tmp_path: Path, ctrl_c: Callable[[], None]
) -> None:
    path, whole, handlers = tmp_path / "run.checkpoint", make(), list[Any]()
    whole.run(350, every=20)
    trained = make(monitor=at(20, lambda: handlers.append(signal.getsignal(signal.SIGINT))))
    thread = threading.Thread(
        target=trained.run, args=(350,), kwargs={"every": 20, "checkpoint": path}
    )
    thread.start()
    thread.join(60)
    assert handlers == [signal.default_int_handler]
    assert summary(trained) == summary(whole) and saved(tmp_path) == 350


if __name__ == "__main__":
    torch.set_num_threads(1)
    training._CHUNK = 300  # ten or fifteen updates fetched together, after each of which is saved
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever the tests' own process does
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))))
