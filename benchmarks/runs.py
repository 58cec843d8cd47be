"""What a run adds to its updates: images, statistics, checkpoints."""

from __future__ import annotations

import io
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch

from benchmarks.measure import Row, paired
from benchmarks.updates import BATCH, RATE, examples, sizes
from glorot2010 import runs
from glorot2010.runs import Run
from xavier import monitor
from xavier.network import Network
from xavier.shapeset import Shapeset

MONITORED = 300


def network(width: int, replicas: int, seeds: int) -> Network:
    """Replicas that share a few seeds, as rules and rates that are compared do."""
    return Network.create(
        sizes(width), "tanh", "glorot", seeds=[r % seeds for r in range(replicas)]
    )


def whole_run(width: int, replicas: int, seeds: int, updates: int, repeat: int) -> Row:
    """Training with new images and statistics every 1000 updates, against its updates alone."""
    images, labels = Shapeset(2**40).batch(MONITORED)

    def look(update: int, ours: Network) -> object:
        trace = ours.forward(images)
        return monitor.statistics(ours, trace, ours.backward(trace, labels), step=update)

    run = Run(
        network(width, replicas, seeds),
        {seed: Shapeset(seed) for seed in range(seeds)},
        lr=RATE,
        monitor=look,  # type: ignore[arg-type]
    )
    bare = network(width, replicas, seeds)
    batches = [examples(BATCH, seed) for seed in bare.seeds]
    x, y = (torch.stack(parts) for parts in zip(*batches, strict=True))
    rates = bare.rates(RATE)

    def all_of_it() -> None:
        run.run(run.made + updates, every=1000, progress=False)

    def its_updates() -> None:
        for _ in range(updates):
            bare.update(x, y, rates, "cross_entropy")

    times = paired(all_of_it, its_updates, repeat, 1, time.perf_counter)
    return Row.of(
        f"Training, {width} wide, {replicas} of {seeds} seeds, all of it",
        times,
        " us",
        "at most 1.15",
        per=updates,
    )


def checkpoint(width: int, replicas: int, repeat: int) -> list[Row]:
    """Saving a run, in seconds and bytes, against NumPy's file of its weights."""
    ours = network(width, replicas, replicas)
    run = Run(ours, {seed: Shapeset(seed) for seed in range(replicas)}, lr=RATE)
    with tempfile.TemporaryDirectory() as folder:
        path, plain = Path(folder) / "run.checkpoint", Path(folder) / "weights.npz"

        def write() -> None:
            packed = io.BytesIO()
            np.savez(packed, *[w.numpy() for w in (*ours.w, *ours.b)])
            plain.write_bytes(packed.getvalue())

        times = paired(
            lambda: runs.save(path, run._of, run.state()), write, repeat, 1, time.perf_counter
        )
        name = f"Checkpoint of {replicas}, {width} wide"
        sides = path.stat().st_size, plain.stat().st_size
    return [
        Row.of(name, times, " ms"),
        Row(
            f"{name}: size",
            f"{sides[0] / 1e6:.1f} MB",
            f"{sides[1] / 1e6:.1f} MB",
            [sides[0] / sides[1]],
            "the weights are 1",
        ),
    ]


def on_a_gpu(width: int, replicas: int, updates: int, repeat: int) -> list[Row]:
    """Training on a CUDA device, against reading and writing its weights four times."""
    if not torch.cuda.is_available():
        return []
    ours = Network.create(sizes(width), "tanh", "glorot", seeds=range(replicas), device="cuda")
    run = Run(ours, {s: Shapeset(s, device="cuda") for s in range(replicas)}, lr=RATE)
    copies = [w.clone() for w in ours.w]

    def train() -> None:
        run.run(run.made + updates, progress=False)
        torch.cuda.synchronize()

    def floor() -> None:
        for _ in range(updates):
            for _ in range(4):  # each a pass that reads all weights and writes all
                for w in copies:
                    w.mul_(1.0)
        torch.cuda.synchronize()

    times = paired(train, floor, repeat, 1, time.perf_counter)
    return [
        Row.of(
            f"Training {replicas}, {width} wide, on a GPU",
            times,
            " us",
            "at most 6, better 2",
            per=updates,
        )
    ]


def rows(quick: bool) -> Iterator[Callable[[], list[Row]]]:
    """The rows of this part; little work if ``quick``."""
    updates, repeat = (10, 1) if quick else (1000, 5)
    yield lambda: [whole_run(200, 20, 4, updates, repeat)]
    yield lambda: [whole_run(1000, 1, 1, updates, repeat)]
    yield lambda: on_a_gpu(1000, 5, updates, repeat)
    yield lambda: checkpoint(300, 5, 1 if quick else 5)
