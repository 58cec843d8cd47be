"""Plain online gradient descent, as in section 2.3: mini-batches of ten, a constant rate.

Time is counted in updates. Every seed has a stream of its own, which replicas of that seed
share, so that what differs between them (rule, gain, rate) is compared on the same examples.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from types import SimpleNamespace
from typing import Any, Literal, TypeAlias

import pandas as pd
import torch
from torch import Tensor

from xavier import checks
from xavier.activations import Named
from xavier.datasets import Stream
from xavier.init import Distribution
from xavier.network import COSTS, Cost, Network, Trace
from xavier.threads import few_threads

Monitor: TypeAlias = Callable[[int, Network], pd.DataFrame | None]
"""What looks at a network, given the number of updates made; tidy rows or None."""

Outcome: TypeAlias = Literal["learning", "stalled", "saturated", "diverged"]

FETCHED = 1000
"""Examples fetched together, since a stream's call costs, and an image hardly."""
_TEST_BATCH = 1000


class Batches:
    """Examples for all replicas of a network, fetched from every seed's stream for many updates.

    Attributes:
        streams: by seed, those of the network's seeds.
        updates: for how many updates examples are fetched together.
    """

    def __init__(
        self, network: Network, streams: Mapping[int, Stream], batch_size: int = 10
    ) -> None:
        """Prepare; a ValueError says which seeds have no stream."""
        seeds = list(dict.fromkeys(network.seeds))
        if missing := [seed for seed in seeds if seed not in streams]:
            raise ValueError(f"streams must have one stream per seed, none given for {missing}")
        self.streams = {seed: streams[seed] for seed in seeds}
        self.size = checks.positive_int("batch_size", batch_size)
        self.updates = max(1, FETCHED // batch_size)
        self.index = torch.tensor([seeds.index(seed) for seed in network.seeds])
        self._network = network

    def fetch(self, updates: int) -> tuple[Tensor, Tensor]:
        """Images (streams, updates, B, n_0) and labels (streams, updates, B) of the next updates.

        Raises:
            TypeError: a stream gives what `xavier.network.Network.check` refuses.
            ValueError: likewise.
        """
        network, x, y = self._network, [], []
        for seed, stream in self.streams.items():
            images, labels = stream.batch(updates * self.size)
            images, labels = images.to(network.w[0]), labels.to(network.w[0].device)
            try:
                network.check(images, labels)  # here, once for many updates
            except (TypeError, ValueError) as error:
                raise type(error)(
                    f"streams[{seed}] gave examples that do not fit: {error}"
                ) from error
            x.append(images.reshape(updates, self.size, network.sizes[0]))
            y.append(labels.reshape(updates, self.size))
        return torch.stack(x), torch.stack(y)

    def each(self, x: Tensor) -> Tensor:
        """Every replica its seed's part of (streams, ...), (R, ...), copied only if it must be."""
        if len(x) == len(self.index):
            return x
        return x.expand(len(self.index), *x.shape[1:]) if len(x) == 1 else x[self.index]


class Training:
    """Plain stochastic gradient descent that goes on where it was, whenever `run` is called.

    Attributes:
        network: what is trained, in place.
        made: updates made so far.
    """

    def __init__(
        self,
        network: Network,
        streams: Mapping[int, Stream],
        *,
        lr: float | Tensor,
        batch_size: int = 10,
        cost: Cost = "cross_entropy",
        test: tuple[Tensor, Tensor] | None = None,
        monitor: Monitor | None = None,
    ) -> None:
        """Prepare; arguments and errors as in `train`."""
        self.network = network
        self.made = 0
        self._batches = Batches(network, streams, batch_size)
        self._rates = network.rates(lr)
        self._cost = checks.one_of("cost", cost, COSTS)
        if test is not None:
            test = (test[0].to(network.w[0]), test[1].to(network.w[0].device))
        self._test = test
        self._monitor = monitor
        self._rows: list[tuple[int, int, int, str, float]] = []
        self._looks: list[pd.DataFrame] = []
        self._total, self._since = network.w[0].new_zeros(network.replicas), 0

    @property
    def measured(self) -> pd.DataFrame:
        """Tidy rows so far, as `train` returns them."""
        return pd.DataFrame(self._rows, columns=["update", "replica", "seed", "quantity", "value"])

    @property
    def monitored(self) -> pd.DataFrame:
        """What the monitor returned so far, one table below the other; empty if nothing."""
        return pd.concat(self._looks, ignore_index=True) if self._looks else pd.DataFrame()

    def run(
        self,
        updates: int,
        *,
        every: int | None = None,
        at: Iterable[int] = (),
        progress: bool | None = None,
    ) -> pd.DataFrame:
        """Go on until so many updates are made in all; arguments as in `train`.

        Returns:
            `measured`.
        """
        due = measured_updates(updates, every, at)
        with bar(updates, self.made, progress) as shown, few_threads(self.network.largest):
            for made in self.steps(updates, due):
                shown.update(made - shown.n)
        return self.measured

    def steps(self, updates: int, due: Container[int]) -> Iterator[int]:
        """Train, and say again and again how many updates are made, a hundred or so at a time."""
        if not self.made and not self._rows and not self._looks:
            self.look()
        while self.made < updates:
            x, y = self.fetch(updates - self.made)
            for k in range(x.shape[1]):
                self.update(self._batches.each(x[:, k]), self._batches.each(y[:, k]))
                self.made, self._since = self.made + 1, self._since + 1
                if self.made in due:
                    self.look()
            yield self.made

    def fetch(self, left: int) -> tuple[Tensor, Tensor]:
        """Examples of the next updates, at most ``left``, as `Batches.fetch` gives them."""
        return self._batches.fetch(min(self._batches.updates, left))

    def update(self, x: Tensor, y: Tensor) -> None:
        """Make one update on images (R, B, n_0) and labels (R, B)."""
        self._total += self.network.update(x, y, self._rates, self._cost)

    def look(self) -> None:
        """Measure now."""
        network, since, total = self.network, self._since, self._total
        measured = {"train_cost": total / since} if since else {}
        if self._test is not None:
            sums = {"test_cost": torch.zeros_like(total), "test_error": torch.zeros_like(total)}
            for share, trace, y in _passes(network, self._test):
                sums["test_cost"] += share * network.cost(trace, y, self._cost)
                sums["test_error"] += share * network.error(trace, y)
            gone = (network.diverged >= 0).to(total.device)
            sums["test_cost"][gone], sums["test_error"][gone] = math.nan, 1.0
            measured |= sums
        self._rows += [
            (self.made, r, network.seeds[r], quantity, float(value))
            for quantity, values in measured.items()
            for r, value in enumerate(values)
        ]
        for r, ago in diverged_since(network, since):
            update = self.made - ago
            self._rows.append((update, r, network.seeds[r], "diverged", float(update)))
        if self._monitor is not None:
            table = self._monitor(self.made, network)
            if table is not None and len(table):
                self._looks.append(table)
        self._total, self._since = torch.zeros_like(total), 0


def train(
    network: Network,
    streams: Mapping[int, Stream],
    *,
    lr: float | Tensor,
    updates: int,
    batch_size: int = 10,
    cost: Cost = "cross_entropy",
    test: tuple[Tensor, Tensor] | None = None,
    every: int | None = None,
    at: Iterable[int] = (),
    monitor: Monitor | None = None,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Train a network in place by plain stochastic gradient descent.

    >>> from xavier.shapeset import Shapeset
    >>> network = Network.create((1024, 30, 9), "tanh", "glorot", seeds=[0, 1])
    >>> rows = train(network, {0: Shapeset(0), 1: Shapeset(1)}, lr=0.1, updates=100, every=50)
    >>> rows.columns.to_list()
    ['update', 'replica', 'seed', 'quantity', 'value']

    Args:
        network: R replicas; changed in place.
        streams: one stream of examples for every seed in ``network.seeds``; examples are brought
            to the network's dtype and device.
        lr: learning rate, or one per replica (R,).
        updates: number of updates, each on ``batch_size`` examples of every stream.
        batch_size: examples of one update.
        cost: one of `xavier.network.COSTS`.
        test: images (n, n_0) and labels (n,) on which error and cost are measured.
        every: updates between two measurements; by default only the start and the end.
        at: further updates after which to measure.
        monitor: called with the number of updates made and the network, at the start and at
            every measurement. What it returns is kept in `Training.monitored`, where a
            `Training` was made; what else it wants to keep it has to keep itself.
        progress: whether to show a progress bar; by default only on a terminal.

    Returns:
        Tidy rows ``update``, ``replica``, ``seed``, ``quantity``, ``value``. The quantities are
        "train_cost", the mean over the updates since the last measurement, and with ``test``
        "test_cost" and "test_error" (a fraction). A replica whose cost becomes infinite or no
        number stops there, and costs the others nothing (see `xavier.network.Network.step`): it
        has a row "diverged" whose value is that update, which was not made, and from then on
        its costs are NaN and its error is 1.

    Raises:
        TypeError: an argument is of the wrong type, or a stream gives what is.
        ValueError: a seed has no stream, a number is out of range, or a stream gives examples
            that `xavier.network.Network.check` refuses. Arguments are checked before the first
            update; examples when they are fetched, those of some hundred updates at a time.
    """
    training = Training(
        network, streams, lr=lr, batch_size=batch_size, cost=cost, test=test, monitor=monitor
    )
    return training.run(updates, every=every, at=at, progress=progress)


def train_grid(
    sizes: Sequence[int],
    activation: Named,
    grid: pd.DataFrame,
    stream: Callable[[int], Stream],
    *,
    updates: int,
    distribution: Distribution = "uniform",
    batch_size: int = 10,
    cost: Cost = "cross_entropy",
    test: tuple[Tensor, Tensor] | None = None,
    every: int | None = None,
    monitor: Monitor | None = None,
    progress: bool | None = None,
) -> tuple[Network, pd.DataFrame]:
    """Draw and train one network for every row of a table of settings, all at once.

    Args:
        sizes, activation, distribution: as in `xavier.network.Network.create`.
        grid: one row per replica, with the columns "seed" and "lr" and, where they are not
            "glorot" and 1, "rule" and "gain". Other columns are labels.
        stream: makes the stream of examples of a seed, such as `xavier.shapeset.Shapeset`.
        updates, batch_size, cost, test, every, monitor, progress: as in `train`.

    Returns:
        The trained network, and the rows of `train` with the columns of ``grid`` beside them.

    Raises:
        TypeError: as in `train` and `xavier.network.Network.create`.
        ValueError: likewise, or ``grid`` is empty or lacks a column.
    """
    missing = [column for column in ("seed", "lr") if column not in grid]
    if missing or grid.empty:
        raise ValueError(f"grid must have rows, with columns seed and lr; missing: {missing}")
    network = Network.create(
        sizes,
        activation,
        grid["rule"].tolist() if "rule" in grid else "glorot",
        seeds=grid["seed"].tolist(),
        gain=grid["gain"].tolist() if "gain" in grid else 1.0,
        distribution=distribution,
    )
    rows = train(
        network,
        {seed: stream(seed) for seed in dict.fromkeys(network.seeds)},
        lr=torch.tensor(grid["lr"].tolist()),
        updates=updates,
        batch_size=batch_size,
        cost=cost,
        test=test,
        every=every,
        monitor=monitor,
        progress=progress,
    )
    settings = grid.drop(columns="seed").reset_index(drop=True)
    return network, rows.join(settings, on="replica")


def outcomes(network: Network, test: tuple[Tensor, Tensor]) -> list[Outcome]:
    """What became of every replica, told apart by what it does on ``test``.

    A replica has "diverged" if its cost is not finite, on ``test`` or at any update before. It is
    "learning" if its error is below that of the best constant answer by more than three standard
    errors. Of those that do no better than a constant, it is "saturated" if in some hidden layer
    most units are (by `xavier.activations.SATURATED_SLOPE`), and "stalled" otherwise.

    Args:
        network: as training left it.
        test: images (n, n_0) and labels (n,).
    """
    cost = torch.zeros(network.replicas)
    error = torch.zeros(network.replicas)
    saturated = torch.zeros(max(1, len(network.w) - 1), network.replicas)
    for share, trace, y in _passes(network, test):
        cost += share * network.cost(trace, y).cpu()
        error += share * network.error(trace, y).cpu()
        for i, z in enumerate(trace.z[1:]):
            saturated[i] += share * network.activation.saturated(z).double().mean((1, 2)).cpu()
    chance = 1 - test[1].bincount().max().item() / len(test[1])
    better = chance - 3 * (chance * (1 - chance) / len(test[1])) ** 0.5
    found: list[Outcome] = []
    for r in range(network.replicas):
        if network.diverged[r] >= 0 or not cost[r].isfinite():
            found.append("diverged")
        elif error[r] < better:
            found.append("learning")
        else:
            found.append("saturated" if (saturated[:, r] > 0.5).any() else "stalled")
    return found


def evaluate(
    network: Network, test: tuple[Tensor, Tensor], cost: Cost = "cross_entropy"
) -> pd.DataFrame:
    """How good a network is in the end, and whether it says more than one thing.

    Args:
        network: R replicas.
        test: images (n, n_0) and labels (n,).
        cost: one of `xavier.network.COSTS`.

    Returns:
        Rows ``replica``, ``quantity``, ``value``. The quantities are "final_cost", "final_error"
        (a fraction) and "top_guess", the share of the images to which the network gives the answer
        that it gives most often: 1 if it always says the same.
    """
    sums = network.w[0].new_zeros(2, network.replicas, dtype=torch.float64)
    guesses = torch.zeros(network.replicas, network.sizes[-1], dtype=torch.int64)
    for share, trace, y in _passes(network, test):
        sums[0] += share * network.cost(trace, y, cost)
        sums[1] += share * network.error(trace, y)
        guesses += (
            torch.nn.functional.one_hot(trace.logits.argmax(-1), network.sizes[-1]).sum(1).cpu()
        )
    gone = (network.diverged >= 0).to(sums.device)
    sums[0, gone], sums[1, gone] = math.nan, 1.0
    found = {
        "final_cost": sums[0].tolist(),
        "final_error": sums[1].tolist(),
        "top_guess": (guesses.amax(1) / len(test[1])).tolist(),
    }
    return pd.DataFrame(
        [(r, name, value) for name, values in found.items() for r, value in enumerate(values)],
        columns=["replica", "quantity", "value"],
    )


def measured_updates(updates: int, every: int | None, at: Iterable[int] = ()) -> frozenset[int]:
    """After which updates to measure: every so many, at further ones, and after the last always.

    >>> sorted(measured_updates(25, every=10, at=[1]))
    [1, 10, 20, 25]
    """
    checks.positive_int("updates", updates)
    every = updates if every is None else checks.positive_int("every", every)
    further = {checks.positive_int(f"at[{i}]", update) for i, update in enumerate(at)}
    if further and max(further) > updates:
        raise ValueError(f"at must be up to the last of {updates} updates, got {max(further)}")
    return frozenset({*range(every, updates + 1, every), *further, updates})


def diverged_since(network: Network, updates: int) -> list[tuple[int, int]]:
    """Replicas that stopped within so many updates, and how many updates ago."""
    ago = [(r, network.updates - last) for r, last in enumerate(network.diverged.tolist())]
    return [(r, n) for r, n in ago if n < updates and network.diverged[r] >= 0]


def bar(updates: int, made: int, progress: bool | None) -> AbstractContextManager[Any]:
    """A progress bar that has come so far; by default only on a terminal; none without tqdm."""
    try:
        from tqdm import tqdm
    except ModuleNotFoundError:  # it is one of the extras
        return nullcontext(SimpleNamespace(n=made, update=lambda more: None))
    quiet = None if progress is None else not progress  # None: tqdm looks for a terminal
    return tqdm(total=updates, initial=made, unit="update", disable=quiet)


def _passes(network: Network, test: tuple[Tensor, Tensor]) -> Iterator[tuple[float, Trace, Tensor]]:
    """Forward passes of a test set in parts of bounded size: share of the whole, trace, labels."""
    images, labels = test
    if len(images) != len(labels):
        raise ValueError(
            f"test must have one label per image, got {len(images)} images, {len(labels)} labels"
        )
    if not len(labels):
        raise ValueError("test must hold at least one image")
    for start in range(0, len(labels), _TEST_BATCH):
        part = slice(start, start + _TEST_BATCH)
        x, y = images[part].to(network.w[0]), labels[part].to(network.w[0].device)
        yield len(y) / len(labels), network.forward(x), y
