"""Grid points: the pieces of an experiment, each a computation that nothing else has a part in.

A point is a frozen, typed description with a method `compute`. It fixes all that decides its rows:
which replicas train side by side, on what, for how long, and on one thread. So a point gives
the same rows wherever and whenever it is computed, alone or among others, to the bit on machines of
one kind. Points travel to other processes and machines; their rows come back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

import pandas as pd
import torch
from torch import Tensor

from glorot2010 import pretraining, runs, second_order, svm
from glorot2010.encoded import encoded
from glorot2010.runs import OwnRates, Run, SecondOrder
from xavier import activations, datasets, monitor, training
from xavier.datasets import Stream
from xavier.init import Distribution
from xavier.network import Cost, Network, Trace, centred
from xavier.shapeset import CLASSES, Shapeset

OutputBias: TypeAlias = Literal["learned", "frozen", "log_prior"]
"""How the biases of the output begin at zero and learn, or stay, or begin at log frequencies."""

Data: TypeAlias = Literal[
    "shapeset",
    "singles",
    "shapeset_1k",
    "shapeset_30k",
    "shapeset_100k",
    "digits",
    "mnist",
    "cifar10",
    "small_imagenet",
    "mnist_jpeg",
]
"""Shapeset-3x2 without end, with one object in every image, or so many images; or a finite set.

MNIST is there a second time as `glorot2010.encoded` has it.
"""

FINITE = {"shapeset_1k": 1000, "shapeset_30k": 30_000, "shapeset_100k": 100_000}
"""Images of a finite Shapeset, the first of the stream on which the support vector machine trains.

:meta hide-value:"""
_FINITE_SEED = 0

# Streams that no training ever sees; the seeds of training are small.
MONITOR_SEED, VALIDATION_SEED, TEST_SEED = 2**40, 2**40 + 1, 2**40 + 2
_PRETRAINING_SEED = 2**41  # added to a seed: other examples than those of fine-tuning
_MONITORED = 300  # examples, as in the paper (sec. 3)
_BINS = 50  # of a density
_LARGEST = 20  # eigenvalues that are kept of a Hessian

COLUMNS = ("arm", "lr", "seed", "update", "layer", "quantity", "statistic", "at", "value")
"""Columns of every point's rows; ``layer`` is 0 and ``statistic`` "" for what is of the whole."""


Report: TypeAlias = Callable[[int], None]
"""Told how much of a point's work is done, now and then."""


class Point(Protocol):
    """One grid point of any kind; a frozen dataclass of plain values."""

    @property
    def seeds(self) -> tuple[int, ...]:
        """Whose runs its rows are of."""

    @property
    def work(self) -> int:
        """How much there is to do, in the unit of ``done`` below."""

    def compute(
        self,
        device: str = "cpu",
        *,
        checkpoint: Path | None = None,
        report: Report | None = None,
        save_every: float = 60.0,
    ) -> pd.DataFrame:
        """Compute the rows, from where the checkpoint says if there is one.

        Args:
            device: where the networks live and the images are made.
            checkpoint: where a point that takes long is saved as it goes.
            report: told how much of `work` is done.
            save_every: seconds between two savings.

        Returns:
            Rows with the columns `COLUMNS`.
        """


@dataclass(frozen=True)
class Replica:
    """One network of a point.

    Attributes:
        arm: the curve that it belongs to.
        seed: of its initial weights and of its examples.
        rule: as in `xavier.network.Network.create`, as is the gain.
        gain: factor on the weights' standard deviation.
        lr: learning rate.
    """

    arm: str
    seed: int
    rule: str
    gain: float
    lr: float


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What networks that train side by side have in common.

    Attributes:
        activation: of the hidden layers. With a centred one, a network begins as the same function
            as the sigmoid network of its seed (`xavier.network.centred`).
        hidden: widths of the hidden layers.
        distribution: of the initial weights, as in `xavier.network.Network.create`.
        data: what they learn.
        cost, second_order, output_bias: as their names say.
        own_rates: which parameters have rates of second order, if any have.
        first_layer: whether the weights and biases into the first hidden layer learn.
        hidden_gain: factor on the weights into hidden layers at birth, besides the gain, which the
            output's have, too.
        bias: variance of the hidden layers' biases at birth.
        pretraining: updates of unsupervised pre-training of each layer; 0 for none.
        pretraining_lr: its learning rate.
        tied: whether all hidden layers but the first share their weights.
    """

    # A record leaves out what is at its default: a default that changed would let it pass for new.
    activation: str
    hidden: tuple[int, ...] = ()
    distribution: Distribution = "uniform"
    data: Data = "shapeset"
    cost: Cost = "cross_entropy"
    second_order: Literal["hessian", "variance"] | None = None
    own_rates: OwnRates = "all"
    output_bias: OutputBias = "learned"
    first_layer: Literal["learned", "frozen"] = "learned"
    hidden_gain: float = 1.0
    bias: float = 0.0
    pretraining: int = 0
    pretraining_lr: float = 0.03
    tied: bool = False


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How long networks train, and what is measured on the way.

    Attributes:
        updates: how many.
        every, extra: measurements are made every so many updates, and after these.
        test_images, curve_images: size of the test set at the end, and in between.
        quantities: of `xavier.monitor.QUANTITIES` and "output", those that are described.
        densities: after which of the measured updates histograms of the activations are taken too.
        jacobian: whether to measure the layers' singular values at birth.
    """

    updates: int
    every: int
    extra: tuple[int, ...] = ()
    test_images: int = 100_000
    curve_images: int = 10_000
    quantities: tuple[str, ...] = ()
    densities: tuple[int, ...] = ()
    jacobian: bool = False


@dataclass(frozen=True, kw_only=True)
class TrainingPoint(Setting, Schedule):
    """Networks of one shape that train side by side.

    Attributes:
        replicas: how they differ.
        test: the split on which error and cost are measured; "valid" where rates are chosen.
    """

    replicas: tuple[Replica, ...]
    data: Data = field()  # without a default here: finished parts are named after all that is said
    test: Literal["valid", "test"] = "test"

    def __post_init__(self) -> None:
        if high := [seed for seed in self.seeds if seed >= MONITOR_SEED]:
            raise ValueError(
                f"seeds must be below {MONITOR_SEED}, from where on they are those of the examples "
                f"that networks are tested on, got {high[0]}"
            )
        if self.tied and self.pretraining:
            raise ValueError("tied must be False with pretraining, which gives layers their own")

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds of the replicas, each once."""
        return tuple(dict.fromkeys(replica.seed for replica in self.replicas))

    @property
    def work(self) -> int:
        """Updates, of all replicas together."""
        return len(self.replicas) * self.updates + self._work_before

    @property
    def _work_before(self) -> int:
        return len(set(self._begun)) * self.pretraining * len(self.hidden)

    @property
    def _begun(self) -> list[tuple[int, str, float]]:
        """How each replica begins; those that begin alike differ in their rate alone."""
        return [(replica.seed, replica.rule, replica.gain) for replica in self.replicas]

    def compute(
        self,
        device: str = "cpu",
        *,
        checkpoint: Path | None = None,
        report: Report | None = None,
        save_every: float = 60.0,
    ) -> pd.DataFrame:
        """Train, and return all that was measured."""
        with one_thread():
            network = self._network(device)
            earlier = self._pretrained(network, device, checkpoint, save_every, report)
            before = self._work_before
            run = Run(
                network,
                _streams(self.data, self.seeds, device),
                lr=torch.tensor([replica.lr for replica in self.replicas]),
                cost=self.cost,
                test=examples(self.data, self.test, self.curve_images, device),
                monitor=self._monitor(device),
                second_order=self._second_order(),
                freeze_output_bias=self.output_bias == "frozen",
                freeze_first_layer=self.first_layer == "frozen",
                tied=self.tied,
            )
            measured = run.run(
                self.updates,
                every=self.every,
                at=self.extra,
                checkpoint=checkpoint,
                save_every=save_every,
                report=report and (lambda made: report(before + len(self.replicas) * made)),
                progress=False,
            )
            last = self._last(network, device)
        tables = [table for table in (*earlier, measured, run.monitored, last) if len(table)]
        return _rows(pd.concat(tables, ignore_index=True), self.replicas)

    def _second_order(self) -> SecondOrder | None:
        kind = self.second_order
        return None if kind is None else SecondOrder(kind, parts=self.own_rates)

    def _network(self, device: str) -> Network:
        shifted = {"centred_sigmoid": "sigmoid", "steep_centred_sigmoid": "steep_sigmoid"}
        inputs, classes = _shape(self.data)
        network = Network.create(
            (inputs, *self.hidden, classes),
            shifted.get(self.activation, self.activation),
            [replica.rule for replica in self.replicas],
            seeds=[replica.seed for replica in self.replicas],
            gain=[replica.gain for replica in self.replicas],
            distribution=self.distribution,
            device=device,
        )
        for w in network.w[:-1]:
            w.mul_(self.hidden_gain)
        if self.bias:
            runs.random_biases(network, self.bias)
        if self.tied:
            runs.tie(network)
        if self.output_bias == "log_prior":
            runs.log_prior(network, examples(self.data, "valid", 10_000, device)[1])
        return centred(network) if self.activation in shifted else network

    def _pretrained(
        self,
        network: Network,
        device: str,
        checkpoint: Path | None,
        save_every: float,
        report: Report | None,
    ) -> list[pd.DataFrame]:
        """Pre-train in place. Replicas that begin alike are one network until they are trained."""
        if not self.pretraining:
            return []
        kinds = list(dict.fromkeys(self._begun))
        first = [self._begun.index(kind) for kind in kinds]
        few = Network(
            [w[first] for w in network.w],
            [b[first] for b in network.b],
            network.activation,
            [self.replicas[r].seed for r in first],
        )
        others = _streams(self.data, [s + _PRETRAINING_SEED for s in self.seeds], device)
        streams = dict(zip(self.seeds, others.values(), strict=True))
        rows = pretraining.pretrain(
            few,
            streams,
            lr=self.pretraining_lr,
            updates=self.pretraining,
            pixels=(-1.0, 1.0) if _drawn(self.data) else (0.0, 1.0),
            every=max(1, self.pretraining // 10),
            checkpoint=None if checkpoint is None else checkpoint.with_suffix(".pretraining"),
            save_every=save_every,
            report=report and (lambda made: report(len(kinds) * made)),
        )
        of = [kinds.index(kind) for kind in self._begun]
        for all_of_them, found in zip((*network.w, *network.b), (*few.w, *few.b), strict=True):
            all_of_them.copy_(found[of])
        network.updates, network.diverged = few.updates, few.diverged[of]
        each = pd.DataFrame({"kind": of, "replica": range(len(of))})
        return [rows.rename(columns={"replica": "kind"}).merge(each, on="kind")]

    def _monitor(self, device: str) -> training.Monitor | None:
        if not self.quantities and not self.jacobian:
            return None
        x, y = examples(self.data, "monitor", _MONITORED, device)
        known = tuple(q for q in self.quantities if q in monitor.QUANTITIES)
        low, high = activations.get(self.activation).range

        def look(update: int, network: Network) -> pd.DataFrame | None:
            trace = network.forward(x)
            tables = []
            if known:
                dense = update in self.densities and "activation" in known
                tables.append(
                    monitor.statistics(
                        network,
                        trace,
                        network.backward(trace, y, self.cost),
                        step=update,
                        quantities=known,
                        histogram={"activation": (low, high, _BINS)} if dense else None,
                    )
                )
            if "output" in self.quantities:
                tables.append(_output(network, trace.logits))
            if self.jacobian and update == 0:
                tables.append(_singular(network, trace))
            return pd.concat(tables).assign(update=update) if tables else None

        return look

    def _last(self, network: Network, device: str) -> pd.DataFrame:
        test = examples(self.data, self.test, self.test_images, device)
        return training.evaluate(network, test, self.cost).assign(update=self.updates)


@dataclass(frozen=True)
class BirthPoint:
    """Networks before their first update, layer by layer (figures 6 to 8).

    Attributes:
        replicas: their rates are not used.
        hidden: widths of the hidden layers.
        activation: of the hidden layers.
    """

    replicas: tuple[Replica, ...]
    hidden: tuple[int, ...]
    activation: str

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds of the replicas, each once."""
        return tuple(dict.fromkeys(replica.seed for replica in self.replicas))

    @property
    def work(self) -> int:
        """Networks."""
        return len(self.replicas)

    def compute(self, device: str = "cpu", **unused: Any) -> pd.DataFrame:
        """Describe all layers on the 300 monitored images."""
        inputs, classes = _shape("shapeset")
        x, y = examples("shapeset", "monitor", _MONITORED, device)
        tables = []
        with one_thread():
            for k, replica in enumerate(self.replicas):
                network = Network.create(
                    (inputs, *self.hidden, classes),
                    self.activation,
                    replica.rule,
                    seeds=[replica.seed],
                    gain=replica.gain,
                    device=device,
                )
                trace = network.forward(x)
                gradients = network.backward(trace, y)
                found = [monitor.statistics(network, trace, gradients, histogram=_bins(self))]
                found.append(_singular(network, trace))
                tables.append(pd.concat(found).assign(replica=k))
        return _rows(pd.concat(tables, ignore_index=True).assign(update=0), self.replicas)


def _bins(point: BirthPoint) -> dict[str, monitor.Limits]:
    low, high = activations.get(point.activation).range
    fine = 2 * _BINS
    return {
        "activation": (low, high, fine),
        "back_gradient": (-0.1, 0.1, fine),
        "weight_gradient": (-0.05, 0.05, fine),
    }


@dataclass(frozen=True)
class HessianPoint:
    """The largest eigenvalues of the exact Hessian of one function, parametrised in two ways (P9).

    The arms are a sigmoid network on the digits and the same function with the sigmoid less 1/2.

    Attributes:
        seed: of the weights.
        hidden: widths of the hidden layers.
    """

    seed: int
    hidden: tuple[int, ...]

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seed."""
        return (self.seed,)

    @property
    def work(self) -> int:
        """Two Hessians."""
        return 2

    def compute(self, device: str = "cpu", **unused: Any) -> pd.DataFrame:
        """Rows "hessian" with the statistic "eigenvalue", counted from 1 in the column ``at``."""
        x, y = examples("digits", "train", _MONITORED, device)
        inputs, classes = _shape("digits")
        tables = []
        with one_thread():
            plain = Network.create(
                (inputs, *self.hidden, classes),
                "sigmoid",
                "standard",
                seeds=[self.seed],
                dtype=torch.float64,
                device=device,
            )
            for arm, network in (("sigmoid", plain), ("centred sigmoid", centred(plain))):
                values = second_order.hessian_spectrum(network, x.double(), y)[:_LARGEST]
                table = pd.DataFrame({"at": range(1, len(values) + 1), "value": values.tolist()})
                tables.append(table.assign(arm=arm))
        rows = pd.concat(tables).assign(
            lr=float("nan"), seed=self.seed, update=0, quantity="hessian", statistic="eigenvalue"
        )
        return typed(rows)


@dataclass(frozen=True)
class SvmPoint:
    """The support vector machine of sec. 5 on ever more examples (P34).

    Attributes:
        sizes: numbers of examples, ascending.
        tuned: up to this number of examples both constants are tuned; beyond, the last are kept.
        held_out: images of the validation and of the test set.
        memory: gigabytes for values of the kernel.
    """

    sizes: tuple[int, ...]
    tuned: int = 10_000
    held_out: int = 10_000
    memory: float = 4.0

    @property
    def seeds(self) -> tuple[int, ...]:
        """That of the training examples."""
        return (_FINITE_SEED,)

    @property
    def work(self) -> int:
        """Examples."""
        return sum(self.sizes)

    def compute(
        self, device: str = "cpu", *, report: Report | None = None, **unused: Any
    ) -> pd.DataFrame:
        """Rows with the number of examples in the column ``update``."""
        with one_thread():
            table = svm.trend(
                Shapeset,
                self.sizes,
                seeds=(_FINITE_SEED, VALIDATION_SEED, TEST_SEED),
                held_out=self.held_out,
                tune_up_to=self.tuned,
                memory_gb=self.memory,
                report=report,
            )
        rows = table.rename(columns={"n": "update", "error": "final_error"}).melt(
            "update", ["final_error", "c", "gamma", "support_vectors"], "quantity"
        )
        return typed(rows.assign(arm="svm", lr=float("nan"), seed=_FINITE_SEED, statistic=""))


def _rows(rows: pd.DataFrame, replicas: Sequence[Replica]) -> pd.DataFrame:
    """Rows of a network's replicas with what these are, in the columns `COLUMNS`."""
    settings = pd.DataFrame([vars(replica) for replica in replicas])
    rows = rows.drop(columns=["seed", "step"], errors="ignore")
    return typed(rows.join(settings[["arm", "seed", "lr"]], on="replica"))


def typed(rows: pd.DataFrame) -> pd.DataFrame:
    """All columns in their order and dtype, with what stands for nothing where nothing is."""
    rows = rows.reset_index(drop=True)
    for column, missing in (("layer", 0), ("statistic", ""), ("at", float("nan"))):
        rows[column] = rows[column].fillna(missing) if column in rows else missing
    # Single precision is what was computed; more digits would only make records longer.
    kinds = {"layer": "int64", "at": "float64", "update": "int64", "seed": "int64", "lr": "float64"}
    return rows.astype(kinds | {"value": "float32"})[list(COLUMNS)]


def _output(network: Network, logits: Tensor) -> pd.DataFrame:
    """What the output's biases say, and what the last hidden layer adds, class by class.

    Both are root mean squares of logits less their mean over classes, which changes no answer.
    """
    own = logits.double() - logits.double().mean(-1, keepdim=True)
    bias = network.b[-1].double() - network.b[-1].double().mean(-1, keepdim=True)
    added = own - bias[:, None]
    parts = {"output_bias": bias.square().mean(-1), "output_signal": added.square().mean((-1, -2))}
    rows = pd.DataFrame({name: squares.sqrt().tolist() for name, squares in parts.items()})
    rows = rows.rename_axis("replica").reset_index()
    return rows.melt("replica", var_name="quantity").assign(statistic="rms")


def _singular(network: Network, trace: Trace) -> pd.DataFrame:
    """Mean, root mean square and spread of the singular values of every hidden layer's Jacobian."""
    tables = []
    for i in range(1, len(network.w) - 1):
        found = monitor.jacobian(network, trace, i, examples=3).groupby("replica")
        mean, square = found["value"].mean(), found["square"].mean()
        spread = (square - mean**2).clip(lower=0) ** 0.5
        rows = pd.DataFrame({"mean": mean, "rms": square**0.5, "std": spread}).reset_index()
        tables.append(rows.melt("replica", var_name="statistic").assign(layer=i + 1))
    return pd.concat(tables).assign(quantity="jacobian")


def _shape(data: Data) -> tuple[int, int]:
    """Inputs and classes."""
    if _drawn(data):
        return 32 * 32, len(CLASSES)
    found = datasets.load(_plain(data), "test")
    return found.images.shape[1], len(found.classes)


def _plain(data: Data) -> str:
    """The name of the images before they were encoded, if they are."""
    return data.removesuffix("_jpeg")


def _drawn(data: Data) -> bool:
    """Whether its images are Shapeset's."""
    return data in ("shapeset", "singles", *FINITE)


def _objects(data: Data) -> tuple[int, ...]:
    return (1,) if data == "singles" else (1, 2)


def _streams(data: Data, seeds: Iterable[int], device: str) -> dict[int, Stream]:
    """A stream a seed; those of a finite set share its images."""
    if data in ("shapeset", "singles"):
        return {s: Shapeset(s, device=device, objects=_objects(data)) for s in seeds}
    whole = _finite(data) if data in FINITE else _loaded(data, "train")
    return {s: datasets.DatasetStream(whole, s) for s in seeds}


def _loaded(data: Data, split: str) -> datasets.Dataset:
    """A split of a set, encoded if that is what it is."""
    found = datasets.load(_plain(data), split)
    if data == _plain(data):
        return found
    height, width = found.shape
    images = encoded(found.images, (height, width))
    return replace(found, images=images, name=data)


@cache
def _finite(data: Data) -> datasets.Dataset:
    """A finite Shapeset, made once for all streams of a process."""
    images, labels = Shapeset(_FINITE_SEED).batch(FINITE[data])
    return datasets.Dataset(images, labels, (32, 32), tuple(CLASSES), data, "train")


def examples(data: Data, split: str, n: int, device: str) -> tuple[Tensor, Tensor]:
    """The first ``n`` examples of a fixed set; all there are of a finite one that has fewer."""
    if _drawn(data):
        seeds = {"monitor": MONITOR_SEED, "valid": VALIDATION_SEED, "test": TEST_SEED}
        return Shapeset(seeds[split], device=device, objects=_objects(data)).batch(n)
    found = _loaded(data, "test" if split == "monitor" else split)
    return found.images[:n].to(device), found.labels[:n].to(device)


@contextmanager
def one_thread() -> Iterator[None]:
    """Points compute on one thread, so that their rows do not depend on how many there are."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
