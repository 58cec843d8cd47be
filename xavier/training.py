"""Plain online gradient descent, as in section 2.3: mini-batches of ten, a constant rate.

Time is counted in updates. Every seed has a stream of its own, which replicas of that seed
share, so that what differs between them (rule, gain, rate) is compared on the same examples.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal, TypeAlias

import pandas as pd
import torch
from torch import Tensor
from tqdm import tqdm

from xavier import checks
from xavier.activations import Activation
from xavier.init import Distribution
from xavier.network import COSTS, Cost, Network
from xavier.streams import Stream

Outcome: TypeAlias = Literal["learning", "stalled", "saturated", "diverged"]

_CHUNK = 1000  # examples fetched together: a stream's call costs, an image hardly
_TEST_BATCH = 1000


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
    monitor: Callable[[int, Network], None] | None = None,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Train a network in place by plain stochastic gradient descent.

    Args:
        network: R replicas; changed in place.
        streams: one stream of examples for every seed in ``network.seeds``; examples are brought
            to the network's dtype and device.
        lr: learning rate, or one per replica (R,).
        updates: number of updates, each on ``batch_size`` examples of every stream.
        batch_size: examples of one update.
        cost: "cross_entropy" or "quadratic".
        test: images (n, n_0) and labels (n,) on which error and cost are measured.
        every: updates between two measurements; by default only the start and the end.
        monitor: called with the number of updates made and the network, at the start and at
            every measurement; what it wants to keep it has to keep itself.
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
            update; examples when they are fetched, a hundred updates' at a time.
    """
    checks.positive_int("updates", updates)
    checks.positive_int("batch_size", batch_size)
    every = updates if every is None else checks.positive_int("every", every)
    seeds = list(dict.fromkeys(network.seeds))
    missing = [seed for seed in seeds if seed not in streams]
    if missing:
        raise ValueError(f"streams must have one stream per seed, none given for {missing}")
    index = torch.tensor([seeds.index(seed) for seed in network.seeds])

    rates = network._rates(lr)
    cost = checks.one_of("cost", cost, COSTS)
    fetched = max(1, _CHUNK // batch_size)  # updates

    if test is not None:
        test = (test[0].to(network.w[0]), test[1].to(network.w[0].device))
    total, since = network.w[0].new_zeros(network.replicas), 0
    rows = _measure(network, test, cost, 0, total, since)
    if monitor is not None:
        monitor(0, network)
    with tqdm(total=updates, unit="update", disable=_quiet(progress)) as bar:
        for start in range(0, updates, fetched):
            chunk = min(fetched, updates - start)
            x, y = _examples(network, {seed: streams[seed] for seed in seeds}, chunk, batch_size)
            for k in range(chunk):
                total += network._update(_each(x[:, k], index), y[index, k], rates, cost)
                since, update = since + 1, start + k + 1
                if update % every == 0 or update == updates:
                    rows += _measure(network, test, cost, update, total, since)
                    if monitor is not None:
                        monitor(update, network)
                    total, since = torch.zeros_like(total), 0
            bar.update(chunk)
    return pd.DataFrame(rows, columns=["update", "replica", "seed", "quantity", "value"])


def train_grid(
    sizes: Sequence[int],
    activation: str | Activation,
    grid: pd.DataFrame,
    stream: Callable[[int], Stream],
    *,
    updates: int,
    distribution: Distribution = "uniform",
    batch_size: int = 10,
    cost: Cost = "cross_entropy",
    test: tuple[Tensor, Tensor] | None = None,
    every: int | None = None,
    monitor: Callable[[int, Network], None] | None = None,
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
    for x, y in _parts(network, test):
        trace = network.forward(x)
        share = len(y) / len(test[1])
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


def _examples(
    network: Network, streams: Mapping[int, Stream], updates: int, batch_size: int
) -> tuple[Tensor, Tensor]:
    """Images (streams, updates, B, n_0) and labels (streams, updates, B) of the next updates."""
    x, y = [], []
    for seed, stream in streams.items():
        images, labels = stream.batch(updates * batch_size)
        images, labels = images.to(network.w[0]), labels.to(network.w[0].device)
        try:
            network.check(images, labels)  # here, once for many updates
        except (TypeError, ValueError) as error:
            raise type(error)(f"streams[{seed}] gave examples that do not fit: {error}") from error
        x.append(images.reshape(updates, batch_size, network.sizes[0]))
        y.append(labels.reshape(updates, batch_size))
    return torch.stack(x), torch.stack(y)


def _parts(network: Network, test: tuple[Tensor, Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
    """The test set in parts of bounded size, in the network's dtype and on its device."""
    images, labels = test
    if len(images) != len(labels):
        raise ValueError(
            f"test must have one label per image, got {len(images)} images, {len(labels)} labels"
        )
    if not len(labels):
        raise ValueError("test must hold at least one image")
    for start in range(0, len(labels), _TEST_BATCH):
        part = slice(start, start + _TEST_BATCH)
        yield images[part].to(network.w[0]), labels[part].to(network.w[0].device)


def _each(x: Tensor, index: Tensor) -> Tensor:
    """Every replica its seed's batch; one batch for all, or one for each, is not copied."""
    return x if len(x) == len(index) else x.expand(len(index), -1, -1) if len(x) == 1 else x[index]


def _measure(
    network: Network,
    test: tuple[Tensor, Tensor] | None,
    cost: Cost,
    update: int,
    total: Tensor,
    since: int,
) -> list[tuple[int, int, int, str, float]]:
    """Rows of one measurement; ``total`` is the cost summed over the ``since`` updates before."""
    measured = {"train_cost": total / since} if since else {}
    if test is not None:
        sums = {"test_cost": torch.zeros_like(total), "test_error": torch.zeros_like(total)}
        for x, y in _parts(network, test):
            trace = network.forward(x)
            share = len(y) / len(test[1])
            sums["test_cost"] += share * network.cost(trace, y, cost)
            sums["test_error"] += share * network.error(trace, y)
        gone = (network.diverged >= 0).to(total.device)
        sums["test_cost"][gone], sums["test_error"][gone] = math.nan, 1.0
        measured |= sums
    rows = [
        (update, r, network.seeds[r], quantity, float(values[r]))
        for quantity, values in measured.items()
        for r in range(network.replicas)
    ]
    for r, last in enumerate(network.diverged.tolist()):
        ago = network.updates - last
        if last >= 0 and ago < since:
            rows.append((update - ago, r, network.seeds[r], "diverged", float(update - ago)))
    return rows


def _quiet(progress: bool | None) -> bool | None:
    return None if progress is None else not progress  # None: tqdm looks for a terminal
