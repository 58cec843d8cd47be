"""Any module of torch: drawing its weights against torch's own loop, and training it under `watch`.

Timed by the clock on the wall, on two threads.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext

import torch
from torch import nn

from benchmarks.measure import Row, paired
from benchmarks.starts import MODELS
from xavier import init, monitor


def drawing(layers: int, width: int, repeat: int) -> Row:
    """Glorot's rule for linear layers of one width, and zeros for their biases."""
    model = nn.Sequential(*[nn.Linear(width, width) for _ in range(layers)])
    ours, theirs = (torch.Generator().manual_seed(0) for _ in range(2))

    def loop() -> None:
        for part in model.modules():
            if isinstance(part, nn.Linear):
                nn.init.xavier_uniform_(part.weight, generator=theirs)
                nn.init.zeros_(part.bias)

    times = paired(
        lambda: init.initialize_(model, generator=ours), loop, repeat, 1, time.perf_counter
    )
    return Row.of(
        f"initialize_, {layers * width**2 / 1e6:.0f} million weights, torch",
        times,
        " ms",
        "at least 0.9",
        gain=True,
    )


def watching(name: str, width: int, every: int, repeat: int) -> Row:
    """Three updates, or ten of which the first is described."""
    steps = 3 if every == 1 else every

    def training(watched: bool) -> Callable[[], None]:
        model, x = MODELS[name][0](width)
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)

        def run() -> None:
            with monitor.watch(model, every=every) if watched else nullcontext():
                for _ in range(steps):
                    optimizer.zero_grad()
                    model(x).square().mean().backward()
                    optimizer.step()

        return run

    times = paired(training(True), training(False), repeat, 1, time.perf_counter)
    return Row.of(
        f"watch, {name}" + ("" if every == 1 else ", each tenth step"),
        times,
        " ms",
        "at most 2" if every == 1 else "at most 1.1",
        per=steps,
    )


def rows(quick: bool) -> Iterator[Callable[[], Row]]:
    repeat = 1 if quick else 3
    yield lambda: drawing(2 if quick else 24, 64 if quick else 2048, repeat)
    for name, (_, width) in MODELS.items():
        size = width // (8 if quick else 2)
        for every in (1, 10):
            yield lambda name=name, size=size, every=every: watching(name, size, every, repeat)
