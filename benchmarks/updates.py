"""One update of a network, against what one would write first and against what it cannot avoid.

All have five hidden tanh layers of one width, 1024 inputs, 9 classes and batches of ten, and are
timed by the clock on the wall: two threads share the work.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise

import torch
from torch import Tensor, nn

from benchmarks.measure import Row, paired
from xavier import monitor
from xavier.network import Network
from xavier.training import train

INPUTS, CLASSES, BATCH, RATE = 1024, 9, 10, 0.01


def sizes(width: int) -> tuple[int, ...]:
    return (INPUTS, *[width] * 5, CLASSES)


def network(width: int, replicas: int) -> Network:
    return Network.create(sizes(width), "tanh", "glorot", seeds=range(replicas))


def examples(n: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(n, INPUTS, generator=generator) * 2 - 1
    return x, torch.randint(CLASSES, (n,), generator=generator)


def replicated(ours: Network) -> Callable[[], Tensor]:
    """One update of all replicas, each on a batch of its own."""
    batches = [examples(BATCH, seed) for seed in ours.seeds]
    x, y = (torch.stack(parts) for parts in zip(*batches, strict=True))
    return lambda: ours.step(x, y, lr=RATE)


def autograd(module: nn.Sequential, seed: int) -> Callable[[], Tensor]:
    """One update of the same network as anyone would write it in torch."""
    x, y = examples(BATCH, seed)
    optimizer = torch.optim.SGD(module.parameters(), lr=RATE)
    cost = nn.CrossEntropyLoss()

    def step() -> Tensor:
        optimizer.zero_grad()
        value = cost(module(x), y)
        value.backward()
        optimizer.step()
        return value.detach()

    return step


def products(ours: Network) -> Callable[[], None]:
    """The matrix products of one update of a network and nothing else.

    Forward, backward, and the outer products added in place, layer by layer. The weights are the
    network's own: where a matrix lies in memory can change the time of a product by half, from
    process to process.
    """
    layers = []
    for w in ours.w:
        replicas, n, m = w.shape
        below, above = torch.rand(replicas, BATCH, n), torch.rand(replicas, BATCH, m)
        layers.append((w, below, above, 1e-9 * above))

    def run() -> None:
        for w, z, s, _ in layers:
            torch.bmm(z, w, out=s)
        for i in reversed(range(len(layers))):
            w, z, s, delta = layers[i]
            if i:
                torch.bmm(delta, w.mT, out=z)
            w.baddbmm_(z.mT, delta, alpha=-1)

    return run


def against_autograd(width: int, replicas: int, number: int, repeat: int) -> Row:
    ours = network(width, replicas)
    modules = [ours.to_module(r) for r in range(replicas)]
    together, alone = replicated(ours), autograd(modules[0], 0)
    torch.testing.assert_close(together()[0], alone())  # the same work is done
    torch.testing.assert_close(together()[0], alone())
    times = paired(together, alone, repeat, number, time.perf_counter)
    which = "" if replicas == 1 else f", one of {replicas}"
    return Row.of(
        f"Update, {width} wide{which}, by autograd",
        [(a / replicas, b) for a, b in times],
        " us",
        {1000: "at least 1.4", 200: "at least 3", 100: "at least 5"}[width],
        gain=True,
    )


def against_products(width: int, number: int, repeat: int) -> Row:
    ours = network(width, 1)
    times = paired(replicated(ours), products(ours), repeat, number, time.perf_counter)
    return Row.of(f"Update, {width} wide, its products", times, " us", "at most 1.15")


class Again:
    """A stream that gives the same examples for ever, so that only the updates take time."""

    def __init__(self, seed: int) -> None:
        self.x, self.y = examples(1000, seed)

    def batch(self, n: int) -> tuple[Tensor, Tensor]:
        return self.x[:n], self.y[:n]

    def state(self) -> dict[str, object]:
        return {}

    def restore(self, state: dict[str, object]) -> None:
        pass


def with_statistics(width: int, updates: int, repeat: int) -> Row:
    x, y = examples(BATCH, 1)
    rows = []

    def look(update: int, ours: Network) -> None:
        trace = ours.forward(x)
        rows.append(monitor.statistics(ours, trace, ours.backward(trace, y), step=update))

    def training(watch: Callable[[int, Network], None] | None) -> Callable[[], object]:
        ours, stream = network(width, 1), {0: Again(0)}
        return lambda: train(
            ours, stream, lr=RATE, updates=updates, every=100, monitor=watch, progress=False
        )

    times = paired(training(look), training(None), repeat, 1, time.perf_counter)
    return Row.of(
        f"Training, {width} wide, with statistics", times, " us", "at most 1.05", per=updates
    )


def beside_other_work(width: int, updates: int, repeat: int) -> Row:
    """A short training while another process keeps a core busy, against the same without it."""
    ours, stream = network(width, 1), {0: Again(0)}

    def training() -> float:
        start = time.perf_counter()
        train(ours, stream, lr=RATE, updates=updates, progress=False)
        return time.perf_counter() - start

    training()
    times = []
    for _ in range(repeat):
        quiet = training()
        other = subprocess.Popen([sys.executable, "-c", "print(flush=True)\nwhile True: pass"],
                                 stdout=subprocess.PIPE)  # fmt: skip
        assert other.stdout is not None
        other.stdout.readline()  # it is at work
        times.append((training(), quiet))
        other.kill()
        other.communicate()
    return Row.of(
        f"Training, {width} wide, beside a busy loop", times, " us", "at most 2.5", per=updates
    )


_MEMORY = """
import sys
import torch
from benchmarks.measure import peak_memory
from benchmarks.updates import network, replicated
torch.set_num_threads(2)
replicated(network(20, 2))()
before = peak_memory()
step = replicated(network(int(sys.argv[1]), int(sys.argv[2])))
step(), step()
print(peak_memory() - before)
"""


def memory(width: int, replicas: int, repeat: int) -> Row:
    """Growth of a fresh process's peak by a network and two updates of it."""
    ns = sizes(width)
    weights = sum((n + 1) * m for n, m in pairwise(ns))
    activations = BATCH * (ns[0] + 2 * sum(ns[1:-1]) + ns[-1])  # what a Trace holds
    payload = 4 * replicas * (weights + activations)
    command = [sys.executable, "-c", _MEMORY, str(width), str(replicas)]
    grown = [
        int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        for _ in range(repeat)
    ]
    return Row(
        f"Update of {replicas}, {width} wide: peak memory",
        f"{statistics.median(grown) / 1e6:.1f} MB",
        f"{payload / 1e6:.1f} MB",
        [peak / payload for peak in grown],
        "at most 1.3",
    )


def rows(quick: bool) -> Iterator[Callable[[], Row]]:
    number, repeat = (1, 2) if quick else (10, 31)
    yield lambda: against_autograd(1000, 1, number, repeat)
    yield lambda: against_autograd(100, 20, 2 * number, repeat)
    yield lambda: against_autograd(200, 20, 2 * number, repeat)
    yield lambda: against_products(1000, number, repeat)
    yield lambda: with_statistics(1000, 10 if quick else 1000, 1 if quick else 5)
    yield lambda: beside_other_work(200, 100 if quick else 2000, 1 if quick else 5)
    yield lambda: memory(1000, 5, 1 if quick else 3)
