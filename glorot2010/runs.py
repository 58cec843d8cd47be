"""Long runs: training with what only the paper's experiments need, stopped and taken up again.

A run is saved in one file as it goes, and ends with the weights and rows, to the bit, of one that
was not stopped (on the same machine, with as many threads). A stop may be of any kind: what was
done since the last saving is done again.
"""

from __future__ import annotations

import hashlib
import io
import math
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn, Protocol, TypeAlias

import pandas as pd
import torch
from torch import Tensor

from glorot2010 import second_order
from glorot2010.cuda import Captured
from glorot2010.second_order import Diagonal
from xavier import files, training
from xavier.datasets import Stream
from xavier.network import Cost, Network
from xavier.threads import few_threads
from xavier.training import Batches, Monitor

# --------------------------------------------------------------------------------------------------
# A file that says where a run is
# --------------------------------------------------------------------------------------------------


class CheckpointError(ValueError):
    """A checkpoint is there and is not what was asked for: damaged, or of another run."""


def save(path: Path, of: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    """Write where a run is, whole or not at all.

    Args:
        path: the file; its folder is made if it is not there.
        of: what tells this run from others; `load` compares it.
        state: dictionaries and lists of tensors, numbers and text.

    Raises:
        OSError: it cannot be written; an earlier one is as it was.
    """
    packed = io.BytesIO()
    torch.save({"of": dict(of), "state": dict(state)}, packed)
    body = packed.getvalue()
    files.replace(path, _seal(body) + b"\n" + body, "save the checkpoint")


def load(path: Path, of: Mapping[str, Any]) -> dict[str, Any] | None:
    """The state that was saved, tensors on the CPU, or None if there is no file.

    Raises:
        CheckpointError: there is one, but it is damaged or of another run.
        OSError: it cannot be read.
    """
    try:
        seal, _, body = path.read_bytes().partition(b"\n")
    except FileNotFoundError:
        return None
    if seal != _seal(body):
        _refuse(path, "it was damaged or cut short: its SHA-256 is not the one it names")
    try:
        found = torch.load(io.BytesIO(body), map_location="cpu", weights_only=True)  # noqa: TID251
        theirs, state = dict(found["of"]), dict(found["state"])
        differ = sorted(str(k) for k in {**of, **theirs} if of.get(k) != theirs.get(k))
    except Exception as error:  # the seal is right, so whatever made it made it so
        _refuse(path, f"it is no checkpoint: {error!r}")
    if differ:
        _refuse(path, f"it is of another run, which differs in {', '.join(differ)}")
    return state


def _seal(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest().encode()


def _refuse(path: Path, reason: str) -> NoReturn:
    raise CheckpointError(
        f"the checkpoint {path} is refused: {reason}; delete it to begin the run anew"
    )


def pack(table: pd.DataFrame) -> dict[str, Any]:
    """A table's columns as tensors; those of text as numbers of their words, and -1 for none."""
    packed: dict[str, Any] = {}
    for name, column in table.items():
        if column.dtype.kind in "biuf":
            packed[str(name)] = torch.tensor(column.to_numpy())
        else:
            codes, words = pd.factorize(column)
            packed[str(name)] = [str(column.dtype), torch.tensor(codes), list(words)]
    return packed


def unpack(packed: Mapping[str, Any]) -> pd.DataFrame:
    """The table that `pack` was given, but for its index."""
    columns: dict[str, Any] = {}
    for name, column in packed.items():
        if isinstance(column, Tensor):
            columns[name] = column.numpy()
        else:
            dtype, codes, words = column
            texts = [words[code] if code >= 0 else None for code in codes.tolist()]
            columns[name] = pd.Series(texts, dtype=dtype)
    return pd.DataFrame(columns)


# --------------------------------------------------------------------------------------------------
# A run that goes on
# --------------------------------------------------------------------------------------------------


class Resumable(Protocol):
    """A run that knows where it is."""

    made: int

    def state(self) -> dict[str, Any]:
        """Where it is, for `save`."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go there."""


def go_on(
    run: Resumable,
    steps: Callable[[], Iterator[int]],
    updates: int,
    of: Mapping[str, Any],
    *,
    checkpoint: Path | None,
    save_every: float,
    report: Callable[[int], None] | None,
    progress: bool | None,
) -> None:
    """Take a run up where its checkpoint says, and save it as it goes, and when it is done.

    Args:
        run: as it is before its first update.
        steps: makes its updates, and says again and again how many there are.
        updates: how many there are in the end.
        of: what tells this run from others.
        checkpoint: a file, that need not be there.
        save_every: seconds between two savings; 0 to save after all that ``steps`` says.
        report: told what ``steps`` says.
        progress: whether to show a progress bar; by default only on a terminal.

    Raises:
        CheckpointError: the file is damaged, of another run, or of what no run saves.
        OSError: it cannot be read or written.
    """
    if checkpoint is not None and (found := load(checkpoint, of)) is not None:
        try:
            run.restore(found)
        except (MemoryError, torch.cuda.OutOfMemoryError):  # the file is not at fault
            raise
        except Exception as error:
            _refuse(checkpoint, f"it says nothing of where this run is: {error!r}")
    saved = time.monotonic()
    with training.bar(updates, run.made, progress) as bar:
        for made in steps():
            bar.update(made - bar.n)
            if report is not None:
                report(made)
            late = time.monotonic() - saved >= save_every
            if checkpoint is not None and (late or made == updates):
                save(checkpoint, of, run.state())
                saved = time.monotonic()


OwnRates: TypeAlias = Literal["all", "no_output_bias", "output"]
"""Parameters with rates of their own, which may be all, all but output biases, or the output."""


@dataclass(frozen=True)
class SecondOrder:
    """Rates of their own for all weights and biases, from an estimate of curvature (sec. 5).

    Attributes:
        kind: "hessian", the diagonal estimate of LeCun et al. (1998), or "variance", that of each
            gradient over examples.
        damping: as in `glorot2010.second_order.rates`: how far the rates may differ.
        every: updates between two estimates, of which the first is made before the first update.
        examples: on how many of the next examples each is made: 1000 at most, and none beyond the
            next estimate or the end of the run.
        parts: which parameters have them. The others have the one rate of plain descent; those that
            do have the same ones as if all had.
    """

    kind: Literal["hessian", "variance"]
    damping: float = 0.1
    every: int = 1000
    examples: int = 500
    parts: OwnRates = "all"


class Run(training.Training):
    """`xavier.training.Training` that can be saved, at rates of second order, tied or frozen."""

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
        """Prepare.

        Args:
            network, streams, lr, batch_size, cost, test, monitor: as in `xavier.training.train`.
            second_order: rates of their own for all parameters, ``lr`` on average; by default one
                rate for all.
            freeze_output_bias: leave the biases of the output as they are.
            freeze_first_layer: leave the weights and biases of the first layer as they are.
            tied: keep the weights of the layers that `tie` makes equal so: each update is the mean
                of theirs.
        """
        super().__init__(
            network, streams, lr=lr, batch_size=batch_size, cost=cost, test=test, monitor=monitor
        )
        self._second_order, self._tied = second_order, tied
        self._freeze_output_bias, self._freeze_first_layer = freeze_output_bias, freeze_first_layer
        self._factors: Diagonal | None = None
        self._graph: Captured | None = None
        self._of = {
            **fingerprint(network, self._batches, self._rates),
            "cost": self._cost,
            "second_order": None if second_order is None else asdict(second_order),
            "freeze_output_bias": freeze_output_bias,
            "freeze_first_layer": freeze_first_layer,
            "tied": tied,
            "test": None if self._test is None else digest(_sample(self._test)),
        }

    def run(
        self,
        updates: int,
        *,
        every: int | None = None,
        at: Iterable[int] = (),
        progress: bool | None = None,
        checkpoint: Path | None = None,
        save_every: float = 60.0,
        report: Callable[[int], None] | None = None,
    ) -> pd.DataFrame:
        """Go on until so many updates are made in all, from the checkpoint if there is one.

        When the run is done, the file is left as it is, complete.

        Args:
            updates, every, at, progress: as in `xavier.training.Training.run`.
            checkpoint: a file, that need not be there.
            save_every: seconds between two savings; 0 to save after every hundred updates or so.
            report: told, now and then, how many updates have been made.

        Returns:
            What is ``measured`` by then, of earlier calls too.

        Raises:
            CheckpointError: the file is damaged, or of another run.
            OSError: it cannot be written; an earlier one is as it was.
        """
        due = training.measured_updates(updates, every, at)
        with few_threads(self.network.largest):
            go_on(
                self,
                lambda: self.steps(updates, due),
                updates,
                {**self._of, "updates": updates, "due": sorted(due)},
                checkpoint=checkpoint,
                save_every=save_every,
                report=report,
                progress=progress,
            )
        return self.measured

    def fetch(self, left: int) -> tuple[Tensor, Tensor]:
        """Examples of the next updates, none beyond the next estimate; makes that which is due."""
        how = self._second_order
        if how is None:
            return super().fetch(left)
        x, y = super().fetch(min(left, how.every - self.made % how.every))
        if self.made % how.every == 0:
            self._factors = self._estimate(how, x, y)
        return x, y

    def steps(self, updates: int, due: Container[int]) -> Iterator[int]:
        """As in the base class; what a graph keeps on the device is brought back in between."""
        for made in super().steps(updates, due):
            self._settle()
            yield made

    def update(self, x: Tensor, y: Tensor) -> None:
        """Make one update on images (R, B, n_0) and labels (R, B)."""
        graph = self._captured()
        if graph is not None:
            graph(x, y)
            return
        self._total += self.network.update(x, y, self._rates, self._cost, descend=self._descend)
        if self._tied:
            average_tied(self.network)

    def look(self) -> None:
        """Measure now."""
        self._settle()
        super().look()

    def _descend(self, i: int, z: Tensor, delta: Tensor) -> None:
        """As `xavier.network.Network.descend`, at the parameters' own rates."""
        network, factors = self.network, self._factors
        if not i and self._freeze_first_layer:
            return
        if i < len(network.w) - 1 or not self._freeze_output_bias:
            fall = delta.sum(1)
            network.b[i].sub_(fall if factors is None else fall * factors.b[i])
        if factors is None:
            network.w[i].baddbmm_(z.mT, delta, alpha=-1)
        else:
            network.w[i].sub_(torch.bmm(z.mT, delta).mul_(factors.w[i]))

    def _estimate(self, how: SecondOrder, x: Tensor, y: Tensor) -> Diagonal:
        """The factors for the next updates, from the first of their examples."""
        images = x.flatten(1, 2)[:, : how.examples][self._batches.index]
        labels = y.flatten(1)[:, : how.examples][self._batches.index]
        hessian = how.kind == "hessian"
        estimate = second_order.diagonal_hessian if hessian else second_order.gradient_variance
        found = second_order.rates(
            estimate(self.network, images, labels, self._cost), lr=1.0, damping=how.damping
        )
        for factors in (*found.w, *found.b):  # of a replica that is at rest and must stay finite
            factors.nan_to_num_(1.0)
        plain = {
            "all": [],
            "no_output_bias": found.b[-1:],
            "output": [*found.w[:-1], *found.b[:-1]],
        }
        for factors in plain[how.parts]:
            factors.fill_(1.0)
        return found

    def _captured(self) -> Captured | None:
        """The update as a recorded graph, on a device that has them, if it is always the same."""
        on_gpu = self.network.w[0].device.type == "cuda"
        if self._graph is None and on_gpu and self._second_order is None and not self._tied:
            self._graph = Captured(
                self.network, self._batches.size, self._rates, self._cost, self._descend
            )
        return self._graph

    def _settle(self) -> None:
        if self._graph is not None:
            self._total += self._graph.settle()

    def state(self) -> dict[str, Any]:
        """Where the run is, for `save`."""
        return {
            **network_state(self.network, self._batches),
            "factors": None if self._factors is None else vars(self._factors),
            "total": self._total,
            "made": self.made,
            "since": self._since,
            "measured": pack(self.measured),
            "monitored": pack(self.monitored),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go there."""
        self._graph = None
        restore_network(self.network, self._batches, state)
        like = self.network.w[0]
        if (factors := state["factors"]) is not None:
            self._factors = Diagonal(
                **{name: [x.to(like) for x in layers] for name, layers in factors.items()}
            )
        self._total = state["total"].to(like)
        self.made, self._since = state["made"], state["since"]
        self._rows = list(unpack(state["measured"]).itertuples(index=False, name=None))
        self._looks = [unpack(state["monitored"])] if state["monitored"] else []


def fingerprint(network: Network, batches: Batches, rates: Tensor) -> dict[str, Any]:
    """What tells a run of a network from others, in short; the weights as they are before it."""
    return {
        "sizes": list(network.sizes),
        "activation": network.activation.name,
        "seeds": list(network.seeds),
        "streams": [stream.state() for stream in batches.streams.values()],
        "batch_size": batches.size,
        "rates": rates.tolist(),
        "weights": digest([*network.w, *network.b]),
        "diverged": network.diverged.tolist(),
    }


def network_state(network: Network, batches: Batches) -> dict[str, Any]:
    """Parameters and places in the streams, to be saved."""
    return {
        "w": network.w,
        "b": network.b,
        "diverged": network.diverged,
        "updates": network.updates,
        "streams": {seed: stream.state() for seed, stream in batches.streams.items()},
    }


def restore_network(network: Network, batches: Batches, state: Mapping[str, Any]) -> None:
    """Put them where they were."""
    for ours, saved in zip((*network.w, *network.b), (*state["w"], *state["b"]), strict=True):
        ours.copy_(saved)
    network.diverged, network.updates = state["diverged"], state["updates"]
    for seed, stream in batches.streams.items():
        stream.restore(state["streams"][seed])


def digest(tensors: Iterable[Tensor]) -> str:
    """SHA-256 of numbers and shapes."""
    found = hashlib.sha256()
    for tensor in tensors:
        numbers = tensor.detach().cpu().contiguous().reshape(-1)
        found.update(repr(tensor.shape).encode())
        found.update(numbers.view(torch.uint8).numpy().tobytes())  # NumPy has no bfloat16
    return found.hexdigest()


def _sample(test: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """All labels and about a hundred images, which tell that they are other ones."""
    images, labels = test
    return images[:: 1 + len(images) // 100], labels


# --------------------------------------------------------------------------------------------------
# How networks of the experiments begin
# --------------------------------------------------------------------------------------------------


def tie(network: Network) -> None:
    """Give all hidden layers but the first the weights of the second, in place.

    The network is then one layer applied again and again, like a recurrent one over time.

    Raises:
        ValueError: the hidden layers are not of one width.
    """
    if len(set(network.sizes[1:-1])) != 1:
        raise ValueError(f"network must have hidden layers of one width, got {network.sizes[1:-1]}")
    for w, b in zip(network.w[2:-1], network.b[2:-1], strict=True):
        w.copy_(network.w[1])
        b.copy_(network.b[1])


def average_tied(network: Network) -> None:
    """Make tied layers equal again, after an update that changed each in its own way."""
    gone = network.diverged >= 0
    for layers in (network.w[1:-1], network.b[1:-1]):
        if len(layers) > 1:
            mean = torch.stack(layers).mean(0)
            if gone.any():  # at rest, where even the mean of equals may differ in the last digit
                mean[gone] = layers[0][gone]
            for layer in layers:
                layer.copy_(mean)


_BIASES = 2**42  # added to a seed: other draws than those of the weights


def random_biases(network: Network, variance: float) -> None:
    """Draw the hidden layers' biases from normal distributions, in place.

    Replicas of one seed have the same biases, as they have the same weights.

    Args:
        network: all of its replicas are changed.
        variance: of a bias.
    """
    for r, seed in enumerate(network.seeds):
        generator = torch.Generator().manual_seed(seed + _BIASES)
        for b in network.b[:-1]:
            drawn = torch.empty(b.shape[1:], dtype=b.dtype)
            b[r] = drawn.normal_(0, math.sqrt(variance), generator=generator)


def log_prior(network: Network, labels: Tensor) -> None:
    """Set the output's biases to the logarithm of the classes' frequencies, in place.

    A network whose last hidden layer says nothing then guesses as well as one can, and has nothing
    to gain from its biases.

    Args:
        network: all of its replicas are changed.
        labels: some thousand of them, (n,), int64.

    Raises:
        ValueError: there are other labels than those of the classes, or a class does not occur.
    """
    counts = labels.bincount(minlength=network.sizes[-1])
    if len(counts) != network.sizes[-1] or int(counts.min()) == 0:
        raise ValueError(
            f"labels must hold each of {network.sizes[-1]} classes, got counts {counts.tolist()}"
        )
    network.b[-1].copy_((counts.double() / len(labels)).log())
