"""Run the paper's experiments: `run` one, or what is left to do of it, and `load` its record.

A configuration (`glorot2010.catalogue`) is cut into grid points (`glorot2010.points`), which are
computed one after another or by any ``Executor`` of ``concurrent.futures``. What is finished is
kept in ``parts/`` beside the records until the record is complete, and what is half done in
checkpoints there, so that nothing is computed twice.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass, field, fields, is_dataclass
from functools import partial
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd
import torch
from tqdm import tqdm

from glorot2010 import records
from glorot2010.catalogue import EXPERIMENTS as EXPERIMENTS  # where runs are looked for first
from glorot2010.catalogue import Scale, config, resolve
from glorot2010.points import COLUMNS, Point
from glorot2010.records import Record, RecordMissing
from xavier import checks

_LONGEST = 60  # characters of a label; a file is named after it and after the experiment


def load(
    name: str,
    scale: Scale = "book",
    *,
    seeds: Iterable[int] | None = None,
    folder: str | Path | None = None,
) -> Record:
    """Read an experiment's record, if it was made with the configuration that it has now.

    Args:
        name, scale, seeds, folder: as in `run`.

    Raises:
        RecordMissing: there is none.
        RecordError: it is damaged, or of another configuration.
    """
    name, seeds = resolve(name), None if seeds is None else tuple(seeds)
    return records.load(
        name,
        label(scale, seeds),
        config=plain(config(name, scale, seeds)),
        folder=folder,
        command=command(name, scale, seeds),
    )


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
    note: str = "",
) -> Record:
    """Run an experiment, or what is left to do of it; nothing if its record is there.

    However a run ends, what it has saved is kept, and the same run goes on from there to the same
    rows.

    Args:
        name: as in `glorot2010.catalogue.config`.
        scale: as in `glorot2010.catalogue.config`.
        seeds: in place of those of the configuration; the record is then another one, named after
            the scale and the seeds.
        device: where networks live, such as "cpu" or "cuda".
        executor: what computes the points, such as a `pool`; by default this process, one after
            another.
        folder: of the records, as in `glorot2010.records.results_folder`.
        progress: whether to show a progress bar; by default only on a terminal.
        save_every: seconds between two savings of every point.
        note: in what the data are not those that the experiment names, for the record.

    Returns:
        The record.

    Raises:
        ValueError: an argument is not allowed, or the device is not there.
        RecordBusy: another process is at it.
        RecordError: there is a record that does not fit, or a part of one; delete it.
        OSError: the folder cannot be written.
    """
    name, seeds = resolve(name), None if seeds is None else tuple(seeds)
    configuration = config(name, scale, seeds)
    _check_device(device, here=executor is None or isinstance(executor, ProcessPoolExecutor))
    there = partial(load, name, scale, seeds=seeds, folder=folder)
    with suppress(RecordMissing):
        return there()
    named = label(scale, seeds)
    quiet = None if progress is None else not progress  # None: tqdm looks for a terminal
    likely = configuration.second(defaultdict(lambda: 0.01))
    work = sum(point.work for point in (*configuration.first(), *likely))
    with (
        records.lock(name, named, folder),
        tqdm(total=work, desc=name, unit="update", unit_scale=True, disable=quiet) as bar,
    ):
        with suppress(RecordMissing):
            return there()  # another process has just finished it
        where = records.results_folder(folder).absolute() / "parts"
        parts = _Parts(name, named, device, where, save_every, command(name, scale, seeds), bar)
        rated = parts.compute(configuration.first(), executor)
        main = parts.compute(configuration.second(choose(rated)), executor)
        stages = {"rate": rated, "main": main}
        rows = pd.concat([table.assign(stage=s) for s, table in stages.items() if len(table)])
        records.save(
            rows[["stage", *COLUMNS]].reset_index(drop=True),
            experiment=name,
            scale=named,
            config=plain(configuration),
            seeds=configuration.seeds,
            device=", ".join(sorted(parts.devices)),
            wall_time=parts.seconds,
            command=parts.command,
            note=note,
            folder=folder,
        )
        parts.clear()
    return there()


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


def pool(jobs: int) -> ProcessPoolExecutor:
    """Processes of this machine, each of which computes one point at a time.

    They end when this process does, and at Ctrl-C in its terminal.
    """
    return ProcessPoolExecutor(
        checks.positive_int("jobs", jobs), get_context("spawn"), initializer=_end_with_parent
    )


def _end_with_parent() -> None:
    """Have this process end in silence, where else it would begin what is next or wait for ever."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    tqdm.set_lock(threading.RLock())  # its own is a semaphore that outlives a process so ended

    def watch() -> None:
        parent = parent_process()
        assert parent is not None
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def label(scale: Scale, seeds: Sequence[int] | None) -> str:
    """What a record is named after: the scale, and seeds of one's own if they are few."""
    if seeds is None:
        return scale
    named = f"{scale}-seeds-{'-'.join(map(str, seeds))}"
    if len(named) <= _LONGEST:
        return named
    return f"{scale}-{len(seeds)}-seeds-{records.config_hash({'seeds': list(seeds)})[:16]}"


def command(name: str, scale: str, seeds: Iterable[int] | None = None) -> str:
    """What makes a record, as one types it; without the folder."""
    some = "" if seeds is None else " --seeds " + ",".join(map(str, seeds))
    return f"xavier run {name} --scale {scale}{some}"


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


_Computed: TypeAlias = tuple[pd.DataFrame, float, str]
"""Rows of a point, the seconds that it took, and the device that it was computed on."""


@dataclass
class _Parts:
    """Finished and half-done points of one run, in files.

    A point has a name made of its configuration's hash, and under it: its rows when it is finished
    (a record like any other), till then a checkpoint.
    """

    name: str
    label: str
    device: str
    folder: Path
    save_every: float
    command: str
    bar: tqdm[Any]
    seconds: float = 0.0  # that the points took, all together
    devices: set[str] = field(default_factory=set)  # on which they were computed
    _finished: list[Point] = field(default_factory=list)

    def compute(self, points: Sequence[Point], executor: Executor | None) -> pd.DataFrame:
        """Rows of all points, in their order; computes those that are not there."""
        self.folder.mkdir(parents=True, exist_ok=True)
        tables = {point: table for point in points if (table := self._load(point)) is not None}
        left = [point for point in points if point not in tables]
        if executor is None:
            for point in left:
                tables[point] = self._keep(point, _compute(*self._job(point), self._show))
        else:
            futures = {executor.submit(_compute, *self._job(point)): point for point in left}
            try:
                for future in as_completed(futures):
                    tables[futures[future]] = self._keep(futures[future], future.result())
            finally:
                for future in futures:
                    future.cancel()
        empty = pd.DataFrame(columns=list(COLUMNS))
        return pd.concat([tables[p] for p in points], ignore_index=True) if points else empty

    def clear(self) -> None:
        """Remove the parts of a record that is complete."""
        for point in self._finished:
            # With a dot before it: what a process that was killed did not write to the end.
            for pattern in (self._file(point, "*").name, f".{self._file(point, '*').name}"):
                for path in self.folder.glob(pattern):
                    path.unlink(missing_ok=True)
        with suppress(OSError):  # others have parts there
            self.folder.rmdir()

    def _named(self, point: Point) -> str:
        return f"{self.name}-{records.config_hash(plain(point))[:16]}"

    def _file(self, point: Point, kind: str) -> Path:
        return self.folder / f"{self._named(point)}.{self.label}.{kind}"

    def _job(self, point: Point) -> tuple[Point, str, Path, float]:
        return point, self.device, self._file(point, "checkpoint"), self.save_every

    def _show(self, done: int) -> None:
        """Bring the bar to what is finished and so much more."""
        self.bar.n = sum(point.work for point in self._finished) + done
        self.bar.refresh()

    def _load(self, point: Point) -> pd.DataFrame | None:
        try:
            part = records.load(
                self._named(point),
                self.label,
                config=plain(point),
                folder=self.folder,
                command=self.command,
            )
        except RecordMissing:
            return None
        self._count(point, part.wall_time, part.device)
        return part.rows

    def _keep(self, point: Point, computed: _Computed) -> pd.DataFrame:
        rows, spent, device = computed
        records.save(
            rows,
            experiment=self._named(point),
            scale=self.label,
            config=plain(point),
            seeds=point.seeds,
            device=device,
            wall_time=spent,
            command=self.command,
            folder=self.folder,
        )
        for kind in ("checkpoint", "pretraining"):
            self._file(point, kind).unlink(missing_ok=True)
        self._count(point, spent, device)
        return rows

    def _count(self, point: Point, spent: float, device: str) -> None:
        self._finished.append(point)
        self.devices.add(device)
        self.seconds += spent
        self._show(0)


def _compute(
    point: Point,
    device: str,
    checkpoint: Path,
    save_every: float,
    show: Callable[[int], None] | None = None,
) -> _Computed:
    """Compute a point, perhaps in another process or on another machine.

    The seconds are those of the processor, so that a run that shares it takes no longer, or by the
    clock where another device computes. Those of a process that was killed are not counted.
    """
    # Not so on a machine that does not see the results; their folder of parts comes and goes.
    shared = checkpoint.parents[1].is_dir()
    clock = time.process_time if device.startswith("cpu") else time.monotonic
    start = clock()
    path = checkpoint if shared else None
    rows = point.compute(device, checkpoint=path, report=show, save_every=save_every)
    return rows, clock() - start, _device_name(device)


def _check_device(device: str, *, here: bool) -> None:
    """Refuse what is no device, or if it is to be used here, what is not there."""
    try:
        kind = torch.device(device)
        if here or kind.type == "meta":  # which has no numbers anywhere
            torch.empty(0, device=kind).cpu()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).partition("\n")[0].partition(". ")[0]  # of some dozens of lines
        raise ValueError(f"device must be one that is there, got {device!r}: {reason}") from None


def _device_name(device: str) -> str:
    """What a record says that it was computed on."""
    if torch.device(device).type == "cuda":
        return str(torch.cuda.get_device_name(device))
    return "cpu"
