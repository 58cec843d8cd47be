"""Run the paper's experiments: `run` one, or what is left to do of it, and `load` its record.

A configuration (`glorot2010.catalogue`) is cut into grid points (`glorot2010.points`), which are
computed one after another or by any ``Executor`` of ``concurrent.futures``. What is finished is
kept in ``parts/`` beside the records until the record is complete, and what is half done in
checkpoints there, so that nothing is computed twice.
"""

from __future__ import annotations

import _thread
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from contextlib import suppress
from dataclasses import fields, is_dataclass, replace
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any, ParamSpec, TypeAlias, TypeVar

import pandas as pd
import torch
from tqdm import tqdm

from glorot2010 import results
from glorot2010.catalogue import EXPERIMENTS as EXPERIMENTS  # where runs are looked for first
from glorot2010.catalogue import Config, Race, Scale, config, resolve
from glorot2010.points import COLUMNS, Point, Replica, TrainingPoint
from glorot2010.results import Record, RecordError, RecordMissing
from xavier import checks, files

_P = ParamSpec("_P")
_T = TypeVar("_T")

_NOTED = 2.0  # seconds between two notes of how far a point is
_LONGEST = 60  # characters of a label; a file is named after it and after the experiment


def load(name: str, scale: Scale = "book", *, folder: str | Path | None = None) -> Record:
    """Read an experiment's record, if it was made with the configuration that it has now.

    Raises:
        RecordMissing: there is none.
        RecordError: it is damaged, or of another configuration.
    """
    name = resolve(name)
    return results.load(name, scale, config=plain(config(name, scale)), folder=folder)


def run(
    name: str,
    scale: Scale = "book",
    *,
    seeds: Iterable[int] | None = None,
    device: str = "cpu",
    executor: Executor | None = None,
    folder: str | Path | None = None,
    progress: bool | None = None,
    save_every: float = 60.0,
) -> Record:
    """Run an experiment, or what is left to do of it; nothing if its record is there.

    Args:
        name: as in `glorot2010.catalogue.config`.
        scale: as in `glorot2010.catalogue.config`.
        seeds: in place of those of the configuration; the record is then another one, named after
            the scale and the seeds.
        device: where networks live, such as "cpu" or "cuda".
        executor: what computes the points; by default this process, one after another. When a run
            is interrupted, the processes of a `pool` save what they do and end; others go on with
            it, and what they have not saved is lost.
        folder: of the records, as in `glorot2010.results.results_folder`.
        progress: whether to show a progress bar; by default only on a terminal.
        save_every: seconds between two savings of every point.

    Returns:
        The record.

    Raises:
        ValueError: an argument is not allowed, or the device is not there.
        RecordBusy: another process is at it.
        RecordError: there is a record that does not fit, or a part of one; delete it.
        OSError: the folder cannot be written.
        RuntimeError: a process of the executor ended, for want of memory perhaps.
        KeyboardInterrupt: Ctrl-C; what was done is saved.
    """
    name = resolve(name)
    seeds = None if seeds is None else tuple(seeds)
    configuration = config(name, scale, seeds)
    label = scale if seeds is None else _label(scale, configuration.seeds)
    _check_device(device, here=executor is None or isinstance(executor, _Pool))
    said = command(name, scale, seeds)
    if (found := _present(name, label, configuration, folder, said)) is not None:
        return found
    points = [*configuration.first(), *_second(configuration)]
    with (
        results.lock(name, label, folder),
        tqdm(
            total=sum(point.work for point in points),
            desc=name,
            unit="update",
            unit_scale=True,
            disable=None if progress is None else not progress,
        ) as bar,
    ):
        if (found := _present(name, label, configuration, folder, said)) is not None:
            return found  # another process has just finished it
        where = results.results_folder(folder).absolute() / "parts"
        parts = _Parts(name, label, device, where, save_every, bar, said)
        rated = parts.compute(configuration.first(), executor)
        main = parts.compute(configuration.second(choose(rated)), executor)
        stages = {"rate": rated, "main": main}
        rows = pd.concat([table.assign(stage=s) for s, table in stages.items() if len(table)])
        results.save(
            rows[["stage", *COLUMNS]].reset_index(drop=True),
            experiment=name,
            scale=label,
            config=plain(configuration),
            seeds=configuration.seeds,
            device=", ".join(sorted(parts.devices)),
            wall_time=parts.seconds,
            command=said,
            folder=folder,
        )
        parts.clear()
    return results.load(name, label, config=plain(configuration), folder=folder)


def choose(rows: pd.DataFrame) -> dict[str, float]:
    """The learning rate of every arm: least mean error on the validation set at the end.

    Args:
        rows: of the first stage.

    Returns:
        Rates by arm; of equal ones the smallest.
    """
    ends = rows[rows["quantity"] == "final_error"]
    means = ends.groupby(["arm", "lr"])["value"].mean()
    return {
        str(arm): float(means[arm].idxmin()) for arm in means.index.get_level_values(0).unique()
    }


def seconds(name: str, scale: Scale = "book") -> float:
    """About how long an experiment takes on one core of this machine, measured in a few updates.

    Diverging networks are faster, other work on the machine makes it slower: within a factor of
    two. Points that do not train are not counted.
    """
    found = config(name, scale)
    points = [*found.first(), *_second(found)]
    return sum(_estimate(point) for point in points if isinstance(point, TrainingPoint))


def pool(jobs: int) -> ProcessPoolExecutor:
    """Processes of this machine, each of which computes one point at a time.

    They do not hear Ctrl-C themselves, and end when this process does. When `run` is interrupted,
    they save what they do and begin nothing more, and the pool is closed.
    """
    return _Pool(checks.positive_int("jobs", jobs))


class _Pool(ProcessPoolExecutor):
    """Processes that can be told to save what they do and to begin nothing more."""

    def __init__(self, jobs: int) -> None:
        context = get_context("spawn")
        self._told = context.RawValue("b", 0)  # no lock, which a process could be killed with
        super().__init__(
            jobs, mp_context=context, initializer=_begin, initargs=(os.getpid(), self._told)
        )

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        # Some more than can be computed at once are handed out, and cannot be cancelled then.
        return super().submit(_unless_told, fn, *args, **kwargs)

    def stop(self) -> None:
        """Tell them, and wait until they have done so."""
        self._told.value = 1
        self.shutdown(wait=True, cancel_futures=True)


# Of a process of a pool: what its parent says, and whether it is computing a point.
_told: Any = None
_busy = threading.Event()


def _begin(parent: int, told: Any) -> None:
    """Prepare a process of a pool."""
    global _told
    _told = told
    signal.signal(signal.SIGINT, _heed)
    if hasattr(os, "setsid"):
        os.setsid()  # Ctrl-C in a terminal goes to the parent alone, which passes it on once

    def watch() -> None:
        passed_on = False
        while os.name != "posix" or os.getppid() == parent:
            if told.value and not passed_on:
                _thread.interrupt_main()
                passed_on = True
            time.sleep(0.5)
        os._exit(1)  # the parent was killed: nobody waits for what this process does

    threading.Thread(target=watch, daemon=True).start()


def _heed(number: int, frame: Any) -> None:
    """Hear Ctrl-C where a point is computed: it would end a process that waits for the next."""
    if _busy.is_set():
        raise KeyboardInterrupt


def _unless_told(fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Call a function in a process of a pool, if it is not told to stop."""
    _busy.set()
    try:
        if _told.value:
            raise KeyboardInterrupt
        return fn(*args, **kwargs)
    finally:
        _busy.clear()


def _second(configuration: Config) -> tuple[Point, ...]:
    """Points of the second stage, as large as those that there will be."""
    arms = configuration.arms if isinstance(configuration, Race) else ()
    return configuration.second({arm.name: 0.01 for arm in arms})


def _label(scale: Scale, seeds: Sequence[int]) -> str:
    """What a run with seeds of its own is named after: the scale, and the seeds if they are few."""
    label = f"{scale}-seeds-{'-'.join(map(str, seeds))}"
    if len(label) <= _LONGEST:
        return label
    return f"{scale}-{len(seeds)}-seeds-{results.config_hash({'seeds': list(seeds)})[:16]}"


def _present(
    name: str, label: str, configuration: Config, folder: str | Path | None, command: str
) -> Record | None:
    """The record, if it is there."""
    asked = plain(configuration)
    try:
        return results.load(name, label, config=asked, folder=folder, command=command)
    except RecordMissing:
        return None
    except RecordError as error:
        raise RecordError(f"{error}, when it is deleted or moved away") from None


def command(name: str, scale: str, seeds: Iterable[int] | None) -> str:
    """What makes a record, as one types it; without the folder."""
    some = "" if seeds is None else " --seeds " + ",".join(map(str, seeds))
    return f"xavier run {name} --scale {scale}{some}"


def _estimate(point: TrainingPoint) -> float:
    """Seconds that a point takes, from a few updates of one network and its seed's images."""
    alike = replace(
        point,
        replicas=(Replica("", 0, "glorot", 1.0, 0.01),),
        updates=1,
        every=1000,
        extra=(),
        test="test",
        quantities=(),
        densities=(),
        jacobian=False,
        pretraining=0,
        test_images=1,
        curve_images=1,
    )
    return point.work * _seconds_of_update(alike)


@cache
def _seconds_of_update(point: TrainingPoint) -> float:
    """What more updates cost more; a fetch of 100 is the least that images are drawn for."""

    def spent(updates: int) -> float:
        start = time.process_time()
        replace(point, updates=updates).compute()
        return time.process_time() - start

    return max(spent(200) - spent(100), 1e-6) / 100


def part_name(name: str, point: Point) -> str:
    """What the files of a point of an experiment are named after."""
    return f"{name}-{results.config_hash(plain(point))[:16]}"


class _Parts:
    """Finished and half-done points of one run, in files.

    A point has a name made of its configuration's hash, and under it: its rows when it is finished
    (a record like any other), till then a checkpoint, and a note of how far it is.
    """

    def __init__(
        self,
        name: str,
        scale: str,
        device: str,
        folder: Path,
        save_every: float,
        bar: tqdm[Any],
        command: str,
    ) -> None:
        self._name, self._scale, self._device, self._folder = name, scale, device, folder
        self._save_every, self._bar, self._command = save_every, bar, command
        self._finished: list[str] = []
        self.work = 0  # of what is finished
        self.seconds = 0.0  # that it took, all points together
        self.devices: set[str] = set()  # on which it was computed

    def compute(self, points: Sequence[Point], executor: Executor | None) -> pd.DataFrame:
        """Rows of all points, in their order; computes those that are not there."""
        self._folder.mkdir(parents=True, exist_ok=True)
        tables: dict[int, pd.DataFrame] = {}
        waiting: dict[Future[_Computed], int] = {}
        try:
            for k, point in enumerate(points):
                if (found := self._load(point)) is not None:
                    tables[k] = found
                elif executor is None:
                    tables[k] = self._keep(point, *_compute(*self._job(point), self._show))
                else:
                    waiting[executor.submit(_compute, *self._job(point))] = k
            while waiting:
                done, _ = wait(waiting, timeout=1, return_when=FIRST_COMPLETED)
                for future in sorted(done, key=_failed):  # none that is finished is lost
                    k = waiting.pop(future)
                    tables[k] = self._keep(points[k], *future.result())
                self._show(sum(_note(self._file(points[k], "note"))[0] for k in waiting.values()))
        except BaseException as error:
            for future in waiting:
                future.cancel()
            if isinstance(executor, _Pool):
                executor.stop()
            if isinstance(error, BrokenExecutor | CancelledError):
                raise RuntimeError(
                    f"a process that points of {self._name} were given to has ended, killed "
                    f"perhaps or for want of memory; what is done is kept in {self._folder}, and "
                    f"the same run goes on from there: {self._command}"
                ) from error
            raise
        if not points:
            return pd.DataFrame(columns=list(COLUMNS))
        return pd.concat([tables[k] for k in range(len(points))], ignore_index=True)

    def clear(self) -> None:
        """Remove the parts of a record that is complete."""
        for name in self._finished:
            # With a dot before it: what a process that was killed did not write to the end.
            for pattern in (f"{name}.{self._scale}.*", f".{name}.{self._scale}.*"):
                for path in self._folder.glob(pattern):
                    path.unlink(missing_ok=True)
        with suppress(OSError):  # others have parts there
            self._folder.rmdir()

    def _named(self, point: Point) -> str:
        return part_name(self._name, point)

    def _file(self, point: Point, kind: str) -> Path:
        return self._folder / f"{self._named(point)}.{self._scale}.{kind}"

    def _job(self, point: Point) -> tuple[Point, str, str, str, float]:
        checkpoint, note = (os.fspath(self._file(point, kind)) for kind in ("checkpoint", "note"))
        return point, self._device, checkpoint, note, self._save_every

    def _show(self, done: int) -> None:
        """Bring the bar to what is finished and so much more."""
        self._bar.n = self.work + done
        self._bar.refresh()

    def _load(self, point: Point) -> pd.DataFrame | None:
        name = self._named(point)
        try:
            part = results.load(name, self._scale, config=plain(point), folder=self._folder)
        except RecordMissing:
            return None
        except RecordError as error:
            reason = str(error).partition("; to make it anew: ")[0]
            raise RecordError(f"{reason}; delete it, and then: {self._command}") from None
        self._count(point, part.wall_time, part.device)
        return part.rows

    def _keep(self, point: Point, rows: pd.DataFrame, spent: float, device: str) -> pd.DataFrame:
        results.save(
            rows,
            experiment=self._named(point),
            scale=self._scale,
            config=plain(point),
            seeds=point.seeds,
            device=device,
            wall_time=spent,
            command=self._command,
            folder=self._folder,
        )
        for kind in ("checkpoint", "pretraining", "note"):
            self._file(point, kind).unlink(missing_ok=True)
        self._count(point, spent, device)
        return rows

    def _count(self, point: Point, spent: float, device: str) -> None:
        self._finished.append(self._named(point))
        self.devices.add(device)
        self.work += point.work
        self.seconds += spent
        self._show(0)


_Computed: TypeAlias = tuple[pd.DataFrame, float, str]
"""Rows of a point, the seconds that it took, and the device that it was computed on."""


def _failed(future: Future[_Computed]) -> bool:
    return future.cancelled() or future.exception() is not None


def _compute(
    point: Point,
    device: str,
    checkpoint: str,
    note: str,
    save_every: float,
    show: Callable[[int], None] | None = None,
) -> _Computed:
    """Compute a point, perhaps in another process or on another machine.

    The seconds are those of all that was begun, work that was lost to a kill included: of the
    processor, so that a run that shares it or is held meanwhile takes no longer, or by the clock
    where another device computes.
    """
    path, noted = Path(checkpoint), Path(note)
    # Not so on a machine that does not see the results; their folder of parts comes and goes.
    shared = path.parents[1].is_dir()
    clock = time.process_time if device.startswith("cpu") else time.monotonic
    start = clock() - (_note(noted)[1] if shared else 0.0)
    last = 0.0

    def report(done: int) -> None:
        nonlocal last
        if show is not None:
            show(done)
        if shared and time.monotonic() - last > _NOTED:
            last = time.monotonic()
            files.replace(noted, json.dumps([done, clock() - start]).encode())

    rows = point.compute(device, path if shared else None, report=report, save_every=save_every)
    return rows, clock() - start, device_name(device)


def _note(path: Path) -> tuple[int, float]:
    """How much of a point is done, and the seconds that were spent on it."""
    try:
        done, spent = json.loads(path.read_text())
    except (OSError, ValueError):
        return 0, 0.0
    return int(done), float(spent)


def plain(value: Any) -> Any:
    """A configuration as JSON can say it.

    Dataclasses name their kind and those of their fields that differ from their defaults: an option
    that is added later leaves the configurations, and so the records, of those that do not use it
    as they are.
    """
    if is_dataclass(value) and not isinstance(value, type):
        own = {f.name: getattr(value, f.name) for f in fields(value)}
        defaults = {f.name: f.default for f in fields(value)}
        differing = {k: plain(v) for k, v in own.items() if v != defaults[k]}
        return {"kind": type(value).__name__, **differing}
    if isinstance(value, tuple | list):
        return [plain(part) for part in value]
    return value


def _check_device(device: str, *, here: bool) -> None:
    """Refuse what is no device, or if it is to be used here, what is not there."""
    try:
        kind = torch.device(device)
        if here:
            torch.empty(0, device=kind)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ValueError(f"device must be one that is there, got {device!r}: {error}") from None


def device_name(device: str) -> str:
    """What a record says that it was computed on."""
    if torch.device(device).type == "cuda":
        return str(torch.cuda.get_device_name(device))
    return "cpu"
