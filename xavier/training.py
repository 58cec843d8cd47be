"""Plain online gradient descent, as in section 2.3: mini-batches of ten, a constant rate.

Time is counted in updates. Every seed has a stream of its own, which replicas of that seed
share, so that what differs between them (rule, gain, rate) is compared on the same examples.
"""

from __future__ import annotations

import hashlib
import math
import signal
import threading
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import pandas as pd
import torch
from torch import Tensor
from tqdm import tqdm

from xavier import checkpoints, checks, curvature
from xavier.activations import Activation
from xavier.checkpoints import Checkpoint
from xavier.curvature import Diagonal
from xavier.graphs import Captured
from xavier.init import Distribution
from xavier.network import COSTS, Cost, Factors, Network
from xavier.streams import Stream

Monitor: TypeAlias = Callable[[int, Network], pd.DataFrame | None]
"""What looks at a network, given the number of updates made; tidy rows or None."""

Outcome: TypeAlias = Literal["learning", "stalled", "saturated", "diverged"]

_CHUNK = 1000  # examples fetched together: a stream's call costs, an image hardly
_TEST_BATCH = 1000


@dataclass(frozen=True)
class SecondOrder:
    """Rates of their own for all weights and biases, from an estimate of curvature (sec. 5).

    Attributes:
        kind: "hessian", the diagonal estimate of LeCun et al. (1998), or "variance", that of each
            gradient over examples.
        damping: as in `xavier.curvature.rates`: how far the rates may differ.
        every: updates between two estimates, of which the first is made before the first update.
        examples: on how many of the next examples each is made: 1000 at most, and none beyond the
            next estimate or the end of the run.
    """

    kind: Literal["hessian", "variance"]
    damping: float = 0.1
    every: int = 1000
    examples: int = 500

    def __post_init__(self) -> None:
        checks.one_of("kind", self.kind, ("hessian", "variance"))
        checks.positive("damping", self.damping)
        checks.positive_int("every", self.every)
        if checks.positive_int("examples", self.examples) > _CHUNK:
            raise ValueError(f"examples must be at most {_CHUNK}, got {self.examples}")
        if self.kind == "variance" and self.examples < 2:
            raise ValueError(f"examples must be at least 2 for the variance, got {self.examples}")


class Training:
    """Plain stochastic gradient descent that can be stopped and taken up again, to the bit.

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
        second_order: SecondOrder | None = None,
        freeze_output_bias: bool = False,
        freeze_first_layer: bool = False,
        tied: bool = False,
    ) -> None:
        """Prepare; arguments and errors as in `train`.

        ``freeze_first_layer`` leaves the weights and biases of the first layer as they are.
        ``tied`` keeps the weights of the layers that `tie` makes equal so: each update is the mean
        of theirs.
        """
        checks.positive_int("batch_size", batch_size)
        seeds = list(dict.fromkeys(network.seeds))
        missing = [seed for seed in seeds if seed not in streams]
        if missing:
            raise ValueError(f"streams must have one stream per seed, none given for {missing}")
        self.network = network
        self.made = 0
        self._streams = {seed: streams[seed] for seed in seeds}
        self._index = torch.tensor([seeds.index(seed) for seed in network.seeds])
        self._rates = network._rates(lr)
        self._batch_size = batch_size
        self._fetched = max(1, _CHUNK // batch_size)  # updates
        self._cost = checks.one_of("cost", cost, COSTS)
        if test is not None:
            test = (test[0].to(network.w[0]), test[1].to(network.w[0].device))
        self._test = test
        self._monitor = monitor
        self._second_order = second_order
        self._factors: Factors | None = None
        self._graph: Captured | None = None
        self._freeze = freeze_output_bias
        self._freeze_first = freeze_first_layer
        self._tied = tied
        self._rows: list[tuple[int, int, int, str, float]] = []
        self._looks: list[pd.DataFrame] = []
        self._total, self._since = network.w[0].new_zeros(network.replicas), 0
        self._of = self._fingerprint()

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
        checkpoint: Path | None = None,
        save_every: float = 60.0,
        report: Callable[[int], None] | None = None,
        progress: bool | None = None,
    ) -> pd.DataFrame:
        """Go on until so many updates are made in all.

        With ``checkpoint``, a run that was interrupted goes on where that file says, and ends with
        the weights and rows, to the bit, of one that was not (on the same machine, with as many
        threads). Ctrl-C is then heard at the end of a hundred updates or so, and what is done is
        saved; a second one is heard at once. When the run is done, the file is left as it is,
        complete.

        Args:
            updates: number of updates in all.
            every, at, progress: as in `train`.
            checkpoint: a file, that need not be there.
            save_every: seconds between two savings; 0 to save after every hundred updates or so.

        Returns:
            `measured`.

        Raises:
            CheckpointError: the file is damaged, or of another run.
            OSError: it cannot be written; an earlier one is as it was.
        """
        checks.positive_int("updates", updates)
        if checks.finite("save_every", save_every) < 0:
            raise ValueError(f"save_every must not be negative, got {save_every!r}")
        due = _due(updates, every, at)
        of = {**self._of, "updates": updates, "due": sorted(due)}
        if checkpoint is not None:
            self._restore(checkpoint, of)
        if not self.made and not self._rows and not self._looks:
            self._look()
        saved = time.monotonic()
        with (
            _patience(checkpoint is not None) as interrupted,
            tqdm(total=updates, initial=self.made, unit="update", disable=_quiet(progress)) as bar,
        ):
            while self.made < updates:
                chunk = self._chunk(updates - self.made)
                self._advance(chunk, due)
                bar.update(chunk)
                if report is not None:
                    report(self.made)
                late = time.monotonic() - saved >= save_every
                # Asked once: what is heard from here on is heard after the next updates.
                stop = interrupted.is_set()
                if checkpoint is not None and (late or stop or self.made == updates):
                    self._save(checkpoint, of)
                    saved = time.monotonic()
                if stop:
                    break
        if interrupted.is_set():  # in the end, too, when all is saved
            raise KeyboardInterrupt
        return self.measured

    def _advance(self, chunk: int, due: Container[int]) -> None:
        """Make some updates on examples that are fetched together."""
        x, y = _examples(self.network, self._streams, chunk, self._batch_size)
        how = self._second_order
        if how is not None and self.made % how.every == 0:
            self._factors = self._estimate(how, x, y)
        graph = self._captured()
        for k in range(chunk):
            images, labels = _each(x[:, k], self._index), y[self._index, k]
            if graph is None:
                self._total += self.network._update(
                    images,
                    labels,
                    self._rates,
                    self._cost,
                    factors=self._factors,
                    freeze_output_bias=self._freeze,
                    freeze_first_layer=self._freeze_first,
                )
            else:
                graph(images, labels)
            if self._tied:
                _share(self.network)
            self._since, self.made = self._since + 1, self.made + 1
            if graph is not None and (self.made in due or k + 1 == chunk):
                self._total += graph.settle()
            if self.made in due:
                self._look()

    def _captured(self) -> Captured | None:
        """The update as a recorded graph, on a device that has them, if it is always the same."""
        on_gpu = self.network.w[0].device.type == "cuda"
        same = self._second_order is None and not self._tied
        if self._graph is None and on_gpu and same:
            self._graph = Captured(
                self.network,
                self._batch_size,
                self._rates,
                self._cost,
                freeze_output_bias=self._freeze,
                freeze_first_layer=self._freeze_first,
            )
        return self._graph

    def _look(self) -> None:
        """Measure now."""
        args = (self.network, self._test, self._cost, self.made, self._total, self._since)
        self._rows += _measure(*args)
        if self._monitor is not None:
            table = self._monitor(self.made, self.network)
            if table is not None and len(table):
                self._looks.append(table)
        self._total, self._since = torch.zeros_like(self._total), 0

    def _chunk(self, left: int) -> int:
        """Updates whose examples are fetched together: some, and none beyond the next estimate."""
        how = self._second_order
        return min(self._fetched, left, left if how is None else how.every - self.made % how.every)

    def _estimate(self, how: SecondOrder, x: Tensor, y: Tensor) -> Factors:
        """The factors for the next updates, from the first of their examples."""
        images = x.flatten(1, 2)[:, : how.examples][self._index]
        labels = y.flatten(1)[:, : how.examples][self._index]
        hessian = how.kind == "hessian"
        estimate = curvature.diagonal_hessian if hessian else curvature.gradient_variance
        found = curvature.rates(
            estimate(self.network, images, labels, self._cost), lr=1.0, damping=how.damping
        )
        for factors in (*found.w, *found.b):  # of a replica that is at rest and must stay finite
            factors.nan_to_num_(1.0)
        return found

    def _fingerprint(self) -> dict[str, Any]:
        """What tells this run from others, in short; the weights as they are before it."""
        network, test = self.network, self._test
        return {
            "sizes": list(network.sizes),
            "activation": network.activation.name,
            "seeds": list(network.seeds),
            "streams": [stream.state() for stream in self._streams.values()],
            "rates": self._rates.tolist(),
            "batch_size": self._batch_size,
            "cost": self._cost,
            "second_order": None if self._second_order is None else asdict(self._second_order),
            "freeze_output_bias": self._freeze,
            "freeze_first_layer": self._freeze_first,
            "tied": self._tied,
            "weights": _digest([*network.w, *network.b]),
            "test": None if test is None else [list(test[0].shape), _digest(_sample(test))],
        }

    def _save(self, path: Path, of: Mapping[str, Any]) -> None:
        network = self.network
        tensors = {"total": self._total, "diverged": network.diverged}
        for i, (w, b) in enumerate(zip(network.w, network.b, strict=True)):
            tensors |= {f"w{i}": w, f"b{i}": b}
        if self._factors is not None:
            for i, (w, b) in enumerate(zip(self._factors.w, self._factors.b, strict=True)):
                tensors |= {f"fw{i}": w, f"fb{i}": b}
        state = {
            "made": self.made,
            "since": self._since,
            "updates": network.updates,
            "streams": {str(seed): stream.state() for seed, stream in self._streams.items()},
        }
        tables = {"measured": self.measured, "monitored": self.monitored}
        checkpoints.save(path, Checkpoint(state, tensors, tables), of=of)

    def _restore(self, path: Path, of: Mapping[str, Any]) -> None:
        found = checkpoints.load(path, of=of)
        if found is None:
            return
        self._graph = None
        network, tensors = self.network, found.tensors
        layers = range(len(network.w))
        for i in layers:
            network.w[i].copy_(tensors[f"w{i}"])
            network.b[i].copy_(tensors[f"b{i}"])
        if "fw0" in tensors:
            w, b = ([tensors[f"{f}{i}"].to(network.w[0]) for i in layers] for f in ("fw", "fb"))
            self._factors = Diagonal(w, b)
        network.diverged = tensors["diverged"]
        self._total = tensors["total"].to(network.w[0])
        self.made, self._since = found.state["made"], found.state["since"]
        network.updates = found.state["updates"]
        for seed, stream in self._streams.items():
            stream.restore(found.state["streams"][str(seed)])
        self._rows = list(found.tables["measured"].itertuples(index=False, name=None))
        self._looks = [found.tables["monitored"]] if len(found.tables["monitored"]) else []


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
    second_order: SecondOrder | None = None,
    freeze_output_bias: bool = False,
    checkpoint: Path | None = None,
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
        at: further updates after which to measure.
        monitor: called with the number of updates made and the network, at the start and at
            every measurement. What it returns is kept in `Training.monitored`, where a
            `Training` was made; what else it wants to keep it has to keep itself.
        second_order: rates of their own for all parameters, ``lr`` on average; by default one rate
            for all.
        freeze_output_bias: leave the biases of the output as they are.
        checkpoint: a file in which the run is saved as it goes, and from which it is taken up
            again; see `Training.run`.
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
        CheckpointError: the checkpoint is damaged, or of another run.
    """
    checks.positive_int("updates", updates)
    training = Training(
        network,
        streams,
        lr=lr,
        batch_size=batch_size,
        cost=cost,
        test=test,
        monitor=monitor,
        second_order=second_order,
        freeze_output_bias=freeze_output_bias,
    )
    return training.run(updates, every=every, at=at, checkpoint=checkpoint, progress=progress)


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


def evaluate(
    network: Network, test: tuple[Tensor, Tensor], cost: Cost = "cross_entropy"
) -> pd.DataFrame:
    """How good a network is in the end, and whether it says more than one thing.

    Args:
        network: R replicas.
        test: images (n, n_0) and labels (n,).
        cost: "cross_entropy" or "quadratic".

    Returns:
        Rows ``replica``, ``quantity``, ``value``. The quantities are "final_cost", "final_error"
        (a fraction) and "top_guess", the share of the images to which the network gives the answer
        that it gives most often: 1 if it always says the same.
    """
    sums = network.w[0].new_zeros(2, network.replicas, dtype=torch.float64)
    guesses = torch.zeros(network.replicas, network.sizes[-1], dtype=torch.int64)
    for x, y in _parts(network, test):
        trace = network.forward(x)
        share = len(y) / len(test[1])
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


def tie(network: Network) -> None:
    """Give all hidden layers but the first the weights of the second, in place.

    The network is then one layer applied again and again, like a recurrent one over time.

    Args:
        network: with hidden layers of one width.

    Raises:
        ValueError: widths differ.
    """
    if len(set(network.sizes[1:-1])) != 1:
        raise ValueError(f"network must have hidden layers of one width, got {network.sizes[1:-1]}")
    for w, b in zip(network.w[2:-1], network.b[2:-1], strict=True):
        w.copy_(network.w[1])
        b.copy_(network.b[1])


def _share(network: Network) -> None:
    """Make tied layers equal again, after an update that changed each in its own way."""
    gone = network.diverged >= 0
    for layers in (network.w[1:-1], network.b[1:-1]):
        if len(layers) > 1:
            mean = torch.stack(layers).mean(0)
            if gone.any():  # at rest, where even the mean of equals may differ in the last digit
                mean[gone] = layers[0][gone]
            for layer in layers:
                layer.copy_(mean)


def log_prior(network: Network, labels: Tensor) -> None:
    """Set the output's biases to the logarithm of the classes' frequencies, in place.

    A network whose last hidden layer says nothing then guesses as well as one can, and has nothing
    to gain from its biases.

    Args:
        network: all of its replicas are changed.
        labels: some thousand of them, (n,).

    Raises:
        TypeError: the labels are not int64.
        ValueError: there are other labels than those of the classes, or a class does not occur.
    """
    if labels.dtype != torch.int64:
        raise TypeError(f"labels must be int64, got {labels.dtype}")
    if labels.dim() != 1:
        raise ValueError(f"labels must have shape (n,), got {tuple(labels.shape)}")
    if labels.numel() and int(labels.min()) < 0:
        raise ValueError(f"labels must not be negative, got {int(labels.min())}")
    counts = labels.bincount(minlength=network.sizes[-1])
    if len(counts) != network.sizes[-1] or int(counts.min()) == 0:
        raise ValueError(
            f"labels must hold each of {network.sizes[-1]} classes, got counts {counts.tolist()}"
        )
    network.b[-1].copy_((counts.double() / len(labels)).log())


def _due(updates: int, every: int | None, at: Iterable[int]) -> frozenset[int]:
    """After which updates to measure, the last one always."""
    every = updates if every is None else checks.positive_int("every", every)
    if not isinstance(at, Iterable):
        raise TypeError(f"at must hold numbers of updates, got {at!r}")
    further = {checks.positive_int(f"at[{i}]", update) for i, update in enumerate(at)}
    if further and max(further) > updates:
        raise ValueError(f"at must be up to the last of {updates} updates, got {max(further)}")
    return frozenset({*range(every, updates + 1, every), *further, updates})


def _sample(test: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """All labels and about a hundred images, which tell that they are other ones."""
    images, labels = test
    return images[:: 1 + len(images) // 100], labels


def _digest(tensors: Iterable[Tensor]) -> str:
    """SHA-256 of numbers."""
    digest = hashlib.sha256()
    for tensor in tensors:
        numbers = tensor.detach().cpu().contiguous().reshape(-1)
        digest.update(numbers.view(torch.uint8).numpy().tobytes())  # NumPy has no bfloat16
    return digest.hexdigest()


@contextmanager
def _patience(wanted: bool) -> Iterator[threading.Event]:
    """Note the first Ctrl-C instead of raising it, so that it is heard between two updates."""
    interrupted = threading.Event()
    before = signal.getsignal(signal.SIGINT)
    # Where it ends the process, or is to be ignored as it is in the background, it goes on so.
    if not (wanted and callable(before)) or not _in_main_thread():
        yield interrupted
        return

    def note(number: int, frame: Any) -> None:
        interrupted.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, note)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


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
