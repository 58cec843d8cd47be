"""Points on a cluster: a scheduler and workers that are processes of their own, as elsewhere."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from glorot2010.catalogue import EXPERIMENTS, Arm, Experiment, Race
from glorot2010.experiments import run
from glorot2010.points import TrainingPoint

distributed = pytest.importorskip("distributed", reason="no Dask: pip install '.[cluster]'")

# Its own warnings are its own; ours are errors here as everywhere.
pytestmark = [
    pytest.mark.filterwarnings(r"default:::distributed(\..*)?"),
    pytest.mark.skipif(os.name != "posix", reason="kills processes"),
]

# Points of more than half a second each.
LONG = Race(
    arms=(Arm("plain", activation="tanh", hidden=(20,), lr=0.1),),
    seeds=(0, 1, 2),
    updates=3000,
    every=1500,
    test_images=500,
    curve_images=100,
    pack=1,
)
PATIENCE = 600.0  # seconds after which something that is waited for will not come


def until(there: Callable[[], Any]) -> Any:
    """Wait for something, and return it."""
    end = time.monotonic() + PATIENCE
    while not (found := there()):
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)
    return found


class Cluster:
    """A scheduler and workers of one thread each, started from the command line."""

    def __init__(self, folder: Path, workers: int) -> None:
        self._said = (folder / "said").open("w")
        self._file = folder / "scheduler.json"
        self.scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", "0")
        own = ("--nthreads", "1", "--no-nanny", "--local-directory", str(folder / "workers"))
        self.workers = [self._start("worker", *own) for _ in range(workers)]

    def _start(self, kind: str, *said: str) -> subprocess.Popen[bytes]:
        everyone = ("--no-dashboard", "--scheduler-file", str(self._file))
        return subprocess.Popen(
            [sys.executable, "-m", "dask", kind, *everyone, *said],
            stdout=self._said,
            stderr=self._said,
        )

    def client(self) -> Any:
        until(lambda: self._file.exists() and self._file.read_text().rstrip().endswith("}"))
        address = json.loads(self._file.read_text())["address"]
        client = distributed.Client(address, set_as_default=False, timeout=PATIENCE)
        client.wait_for_workers(len(self.workers), timeout=PATIENCE)
        return client

    def end(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()
        self._said.close()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Callable[[int], Cluster]]:
    """Starts a cluster of some workers, and ends it."""
    begun: list[Cluster] = []

    def begin(workers: int) -> Cluster:
        begun.append(Cluster(tmp_path, workers))
        return begun[-1]

    yield begin
    for found in begun:
        found.end()


@pytest.mark.thorough
def test_a_cluster_gives_the_same_rows_and_goes_on_without_a_worker_that_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cluster: Callable[[int], Cluster]
) -> None:
    with (machines := cluster(2)).client() as client:
        there = run("table1", "smoke", folder=tmp_path / "there", executor=client.get_executor())
        here = run("table1", "smoke", folder=tmp_path / "here", progress=False)
        pd.testing.assert_frame_equal(there.rows, here.rows, check_exact=True)
        assert [path.name for path in (tmp_path / "there").iterdir()] == [there.path.name]

        monkeypatch.setitem(EXPERIMENTS, "quick", Experiment("quick", "", {"smoke": LONG}))
        here = run("quick", "smoke", folder=tmp_path / "here", progress=False)
        monkeypatch.setattr(TrainingPoint, "compute", None)  # here
        folder = tmp_path / "killed"

        def kill() -> None:
            until(lambda: len(list(folder.glob("parts/*.checkpoint"))) == 2)  # both are at work
            machines.workers[0].send_signal(signal.SIGKILL)

        killer = threading.Thread(target=kill)
        killer.start()
        with client.get_executor() as executor:
            there = run("quick", "smoke", folder=folder, executor=executor, save_every=0)
        killer.join()
        assert machines.workers[0].wait() == -signal.SIGKILL
        assert len(client.scheduler_info()["workers"]) == 1
        pd.testing.assert_frame_equal(there.rows, here.rows, check_exact=True)
        assert [path.name for path in folder.iterdir()] == [there.path.name]
