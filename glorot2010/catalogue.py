"""What each of the paper's experiments compares, on how many seeds, for how long.

An experiment has a frozen configuration at each of three scales: "smoke" takes seconds, "book" is
what the chapters show and two cores can do, "paper" is the paper's width and length. Where learning
rates are to be chosen, that is the first stage of a run: every curve is trained with each rate, on
seeds of their own, and the rate with the least error on the validation set is taken. The second
stage are the runs that count, on other seeds, measured on the test set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import partial
from itertools import groupby
from typing import Any, Literal, TypeAlias

from glorot2010.points import (
    BirthPoint,
    Data,
    HessianPoint,
    OutputBias,
    Point,
    Replica,
    SvmPoint,
    TrainingPoint,
)
from xavier import checks
from xavier.init import Distribution
from xavier.network import Cost

Scale: TypeAlias = Literal["smoke", "book", "paper"]
SCALES: tuple[Scale, ...] = ("smoke", "book", "paper")
"""Seconds; what the chapters show; what the paper did."""

DOWNLOADED = ("mnist", "cifar10", "small_imagenet")
"""Experiments whose data come from elsewhere."""

RATE_SEEDS = (1000, 1001)
"""Seeds on which rates are chosen; what they give is not reported."""


@dataclass(frozen=True)
class Arm:
    """One curve: all that its seeds have in common.

    Attributes:
        name: what figures and tables call it.
        activation, rule, gain, distribution: as in `xavier.network.Network.create`.
        hidden: widths of the hidden layers.
        lr: learning rate; None if it is to be chosen on the validation set.
        data, cost, second_order, output_bias, first_layer, hidden_gain, pretraining,
            pretraining_lr, tied: as in `glorot2010.points.TrainingPoint`.
    """

    name: str
    activation: str
    rule: str = "standard"
    gain: float = 1.0
    hidden: tuple[int, ...] = ()
    lr: float | None = None
    distribution: Distribution = "uniform"
    data: Data = "shapeset"
    cost: Cost = "cross_entropy"
    second_order: Literal["hessian", "variance"] | None = None
    output_bias: OutputBias = "learned"
    first_layer: Literal["learned", "frozen"] = "learned"
    hidden_gain: float = 1.0
    pretraining: int = 0
    pretraining_lr: float = 0.03
    tied: bool = False


# What replicas that train side by side may differ in; the rest is the same within a point.
_OWN = ("name", "rule", "gain", "lr")


@dataclass(frozen=True)
class Race:
    """Arms that are trained on the same seeds and the same examples.

    Attributes:
        arms: the curves.
        seeds: of the runs that count.
        updates, every, extra, test_images, curve_images, quantities, densities, jacobian, threads:
            as in `glorot2010.points.TrainingPoint`.
        rates: those tried for arms that have none.
        rate_updates: length of these trials.
        pack: networks of one point, at most, if one seed allows.
    """

    arms: tuple[Arm, ...]
    seeds: tuple[int, ...]
    updates: int
    every: int
    extra: tuple[int, ...] = ()
    rates: tuple[float, ...] = ()
    rate_updates: int = 0
    test_images: int = 100_000
    curve_images: int = 10_000
    quantities: tuple[str, ...] = ()
    densities: tuple[int, ...] = ()
    jacobian: bool = False
    pack: int = 5
    threads: int = 1

    def first(self) -> tuple[Point, ...]:
        """Points of the first stage, that chooses rates."""
        tried = [replace(arm, lr=lr) for arm in self.arms if arm.lr is None for lr in self.rates]
        return tuple(
            replace(point, test="valid", test_images=self.curve_images, every=point.updates)
            for point in self._cut(tried, RATE_SEEDS, self.rate_updates)
        )

    def second(self, rates: Mapping[str, float]) -> tuple[Point, ...]:
        """Points of the second stage, with the rate of every arm that had none."""
        arms = [replace(arm, lr=rates[arm.name]) if arm.lr is None else arm for arm in self.arms]
        return tuple(
            replace(
                point,
                extra=self.extra,
                quantities=self.quantities,
                densities=self.densities,
                jacobian=self.jacobian,
            )
            for point in self._cut(arms, self.seeds, self.updates)
        )

    def _cut(
        self, arms: Sequence[Arm], seeds: Sequence[int], updates: int
    ) -> Iterator[TrainingPoint]:
        """Points of equal networks, with all arms of some seeds each: those share examples."""

        def shared(arm: Arm) -> dict[str, Any]:
            return {f.name: getattr(arm, f.name) for f in fields(arm) if f.name not in _OWN}

        alike = sorted(arms, key=lambda arm: repr(shared(arm)))
        for _, group in groupby(alike, key=lambda arm: repr(shared(arm))):
            together = list(group)
            some = max(1, self.pack // len(together))  # seeds
            for start in range(0, len(seeds), some):
                yield TrainingPoint(
                    replicas=tuple(
                        Replica(arm.name, seed, arm.rule, arm.gain, float(arm.lr or 0))
                        for seed in seeds[start : start + some]
                        for arm in together
                    ),
                    updates=updates,
                    every=self.every,
                    test_images=self.test_images,
                    curve_images=self.curve_images,
                    threads=self.threads,
                    **shared(together[0]),
                )


@dataclass(frozen=True)
class Grid:
    """Points that need no choice of a rate.

    Attributes:
        points: all of them.
        seeds: those that occur.
    """

    points: tuple[Point, ...]
    seeds: tuple[int, ...] = (0,)

    def first(self) -> tuple[Point, ...]:
        """None."""
        return ()

    def second(self, rates: Mapping[str, float]) -> tuple[Point, ...]:
        """All of them."""
        return self.points


Config: TypeAlias = Race | Grid


@dataclass(frozen=True)
class Experiment:
    """An experiment at its three scales.

    Attributes:
        name: what `run` and the command line call it.
        title: one line on what it shows.
        shows: the paper's figures and tables that are drawn from its rows.
        scales: configuration by scale.
    """

    name: str
    title: str
    scales: Mapping[Scale, Config]
    shows: tuple[str, ...] = field(default=())


def config(name: str, scale: Scale = "book", seeds: Iterable[int] | None = None) -> Config:
    """The configuration of an experiment at a scale.

    Args:
        name: in `EXPERIMENTS`, or a figure that one of them shows.
        scale: in `SCALES`.
        seeds: in place of those that it has.

    Raises:
        ValueError: there is no such experiment or scale; the message names the nearest.
    """
    found = EXPERIMENTS[resolve(name)].scales[checks.one_of("scale", scale, SCALES)]
    if seeds is None:
        return found
    own = tuple(checks.seed(f"seeds[{i}]", seed) for i, seed in enumerate(seeds))
    if not own or not isinstance(found, Race):
        raise ValueError(f"seeds must be some, of an experiment that trains, got {own}")
    if len(set(own)) < len(own):
        raise ValueError(f"seeds must be different ones, got {own}")
    if set(own) & set(RATE_SEEDS):
        raise ValueError(f"seeds must be other than {RATE_SEEDS}, on which rates are chosen")
    return replace(found, seeds=own)


def resolve(name: str) -> str:
    """The experiment of that name, or from whose rows that figure is drawn.

    Raises:
        ValueError: there is none; the message names the nearest.
    """
    shown = {figure: e.name for e in EXPERIMENTS.values() for figure in e.shows}
    return (shown | {e: e for e in EXPERIMENTS})[
        checks.one_of(
            "experiment", name, [*EXPERIMENTS, *(f for f in shown if f not in EXPERIMENTS)]
        )
    ]


# --------------------------------------------------------------------------------------------------
# The experiments
# --------------------------------------------------------------------------------------------------

CURVES: tuple[Arm, ...] = (
    Arm("sigmoid", "sigmoid"),
    Arm("tanh", "tanh"),
    Arm("tanh normalized", "tanh", "glorot"),
    Arm("softsign", "softsign"),
    Arm("softsign normalized", "softsign", "glorot"),
)
"""The rows of table 1, without their layers.

:meta hide-value:"""

SIGMOID, TANH, TANH_N, SOFTSIGN, SOFTSIGN_N = CURVES

# Where the end of a long run is what counts, book-scale networks are half as wide again: at 200 the
# ends are what 200 units can do, whatever the initialization.
_WIDE = (20, 300, 1000)
_RATES = (0.003, 0.01, 0.03, 0.1)
_EARLY = (10, 30, 100, 300, 1000, 3000, 10_000)
_LAYERS = ("activation", "back_gradient", "weight_gradient")


def _three(
    race: Callable[[int], Race],
    widths: tuple[int, int, int] = (20, 200, 1000),
    paper_updates: int = 2_500_000,
) -> dict[Scale, Config]:
    """A race of networks of some width at three scales, given at the book's.

    Smoke keeps what is compared and shrinks the rest to seconds. The paper's scale has its width,
    its length, and as many seeds.
    """
    small, middle, large = (race(width) for width in widths)
    fifth = paper_updates // 5
    smoke = replace(
        small,
        arms=tuple(replace(arm, pretraining=min(arm.pretraining, 100)) for arm in small.arms),
        seeds=small.seeds[:2],
        updates=200,
        every=100,
        extra=(10,) if small.extra else (),
        rates=small.rates[-2:],
        rate_updates=min(small.rate_updates, 100),
        test_images=500,
        curve_images=500,
        densities=(200,) if small.densities else (),
    )
    paper = replace(
        large,
        updates=paper_updates,
        every=paper_updates // 25,
        densities=(0, *range(fifth, paper_updates + 1, fifth)) if large.densities else (),
    )
    return {"smoke": smoke, "book": middle, "paper": paper}


def _deep(width: int, arm: Arm, layers: int = 5, **changes: Any) -> Arm:
    """An arm with hidden layers of one width, five as in figures 3 to 11."""
    return replace(arm, hidden=(width,) * layers, **changes)


def _short(*arms: Arm, rates: tuple[float, ...] = (0.01, 0.03, 0.1), **changes: Any) -> Race:
    """A race over 100,000 updates and five seeds."""
    race = Race(
        arms=arms,
        seeds=(0, 1, 2, 3, 4),
        updates=100_000,
        every=10_000,
        rates=rates,
        rate_updates=50_000,
    )
    return replace(race, **changes)


def _long(*arms: Arm, **changes: Any) -> Race:
    """A race over 500,000 updates and five seeds, with a look at the layers on the way."""
    race = Race(
        arms=arms,
        seeds=(0, 1, 2, 3, 4),
        updates=500_000,
        every=20_000,
        extra=_EARLY,
        quantities=_LAYERS,
    )
    return replace(race, **changes)


def _finite(
    width: int, data: Data, updates: int, rates: tuple[float, ...] = (*_RATES, 0.3, 1.0)
) -> Race:
    """Table 1's curves on a finite set; all of its test images at every measurement.

    Rates go up to 1 where they can. On digits two curves took the largest of those up to 0.1, and
    on MNIST the sigmoid sleeps at 0.3 for 100,000 updates, and for 10,000 to 20,000 at 1.
    """
    race = _short(*(_deep(width, arm, data=data) for arm in CURVES), rates=rates)
    return replace(race, updates=updates, every=updates // 20, rate_updates=updates // 4)


_SETS: dict[Scale, Data] = {
    "smoke": "shapeset_1k",
    "book": "shapeset_30k",
    "paper": "shapeset_100k",
}


def _on_finite(data: Data, width: int) -> Race:
    """The images on which the support vector machine is trained too (sec. 5)."""
    return _short(
        _deep(width, TANH_N, data=data, name="finite"), _deep(width, TANH_N, name="endless")
    )


def _at_the_papers_width() -> dict[Scale, Config]:
    """Table 1's rows, a thousand units wide at the book's scale too.

    One seed takes a core four hours there. At the paper's scale there is what a large graphics card
    does in ten minutes, which `table1` would have for hours; that has the paper's length, too.
    """
    wide = _short(
        *(_deep(1000, arm) for arm in CURVES), seeds=(0,), rate_updates=10_000, rates=_RATES[1:]
    )
    paper = replace(
        wide, seeds=(0, 1, 2, 3, 4), updates=120_000, every=20_000, rate_updates=50_000, pack=10
    )
    smoke = _three(lambda width: replace(wide, arms=tuple(_deep(width, arm) for arm in CURVES)))[
        "smoke"
    ]
    return {"smoke": smoke, "book": wide, "paper": paper}


def _races() -> Iterator[Experiment]:
    """Experiments that train networks."""
    yield Experiment(
        "table1",
        "Five hidden layers on Shapeset: error, activations and gradients over training",
        _three(
            lambda width: _long(
                *(_deep(width, arm) for arm in CURVES),
                rates=_RATES,
                rate_updates=100_000,
                densities=(0, 10_000, *range(100_000, 500_001, 100_000)),
                jacobian=True,
            ),
            widths=_WIDE,
        ),
        shows=("fig3", "fig4", "fig9", "fig10", "fig11"),
    )
    yield Experiment(
        "fig2",
        "The sigmoid with four and with five hidden layers, until its top layer escapes or not",
        _three(
            lambda width: Race(
                arms=tuple(
                    _deep(width, SIGMOID, layers, name=f"depth {layers}", lr=lr)
                    for layers in (4, 5)
                    for lr in (0.03, 0.1)
                ),
                seeds=(0, 1, 2),
                updates=2_500_000,
                every=50_000,
                extra=(*_EARLY, 20_000),
                quantities=("activation", "output"),
                densities=(0, 10_000, *range(500_000, 2_500_001, 500_000)),
                pack=6,
            )
        ),
    )
    yield Experiment("wide", "Table 1's rows at the paper's width", _at_the_papers_width())
    yield Experiment(
        "finite",
        "A set of Shapeset images that is passed over again and again, or ever new ones",
        {scale: _three(partial(_on_finite, data))[scale] for scale, data in _SETS.items()},
    )
    yield Experiment(
        "depth",
        "One to five hidden layers of each kind",
        _three(
            lambda width: _short(
                *(
                    _deep(width, arm, layers, name=f"{arm.name}, {layers}")
                    for arm in (SIGMOID, TANH, SOFTSIGN)
                    for layers in range(1, 6)
                )
            )
        ),
    )
    yield Experiment(
        "singles",
        "One object in every image, or one or two",
        _three(
            lambda width: _short(
                _deep(width, TANH_N, data="singles", name="one object"),
                _deep(width, TANH_N, name="all"),
            )
        ),
    )
    yield Experiment(
        "interventions",
        "What makes the sigmoid's top layer collapse: its mean, its slope, or the output's biases",
        _three(
            lambda width: _short(
                *(
                    _deep(width, arm, 4, lr=lr)
                    for lr in (0.03, 0.1)
                    for arm in (
                        SIGMOID,
                        Arm("centred", "centred_sigmoid"),
                        Arm("steep", "steep_sigmoid"),
                        Arm("steep, centred", "steep_centred_sigmoid"),
                        Arm("frozen output biases", "sigmoid", output_bias="frozen"),
                        Arm("log-prior output biases", "sigmoid", output_bias="log_prior"),
                    )
                ),
                rates=(),
                rate_updates=0,
                extra=_EARLY[:-1],
                quantities=("activation", "output"),
                pack=10,
            )
        ),
    )
    yield Experiment(
        "slope_scale",
        "The sigmoid's slope against the scale of its hidden layers' weights, two by three",
        _three(
            lambda width: _short(
                *(
                    _deep(width, arm, 4, name=f"{arm.name}, {gain:g}", hidden_gain=gain, lr=lr)
                    for lr in (0.03, 0.1)
                    for arm in (Arm("plain", "sigmoid"), Arm("steep", "steep_sigmoid"))
                    for gain in (0.25, 1.0, 4.0)
                ),
                updates=30_000,
                every=2000,
                extra=_EARLY[:-2],
                rates=(),
                rate_updates=0,
                quantities=("activation",),
                pack=10,
            )
        ),
    )
    yield Experiment(
        "first_layer",
        "Whether sigmoid networks that wake do so while their first layer is held",
        _three(
            lambda width: _short(  # besides the arm of "interventions" in which it learns
                _deep(
                    width,
                    Arm("first held", "sigmoid", output_bias="frozen", first_layer="frozen"),
                    4,
                    lr=0.1,
                ),
                rates=(),
                rate_updates=0,
                quantities=("activation",),
            )
        ),
    )
    yield Experiment(
        "biases",
        "How long a sigmoid network sleeps, by what the output's biases do",
        _three(
            lambda width: _short(
                *(
                    _deep(width, Arm(how, "sigmoid", output_bias=how), 4, lr=0.1)
                    for how in ("frozen", "learned", "log_prior")
                ),
                seeds=(5, 6, 7, 8, 9),
                updates=400_000,
                rates=(),
                rate_updates=0,
                quantities=("activation", "output"),
            )
        ),
    )
    yield Experiment(
        "tanh_late",
        "Tanh with four hidden layers for as long as figure 2's sigmoid",
        _three(
            lambda width: Race(
                arms=tuple(_deep(width, TANH, 4, lr=lr) for lr in (0.03, 0.1)),
                seeds=(0, 1, 2),
                updates=2_500_000,
                every=100_000,
                extra=(50_000,),
                pack=6,
            )
        ),
    )
    yield Experiment(
        "saturation_late",
        "Tanh and softsign for half as long again as at table 1",
        _three(
            lambda width: Race(
                arms=tuple(_deep(width, arm, lr=0.03) for arm in (TANH, SOFTSIGN)),
                seeds=(5, 6, 7, 8, 9),
                updates=750_000,
                every=50_000,
                quantities=("activation",),
            ),
            widths=_WIDE,
        ),
    )
    yield Experiment(
        "cost",
        "Cross-entropy or the quadratic cost",
        _three(
            lambda width: _short(
                *(
                    _deep(width, arm, name=f"{arm.name}, {name}", cost=cost)
                    for arm in (TANH, TANH_N)
                    for cost, name in (
                        ("cross_entropy", "cross-entropy"),
                        ("quadratic", "quadratic"),
                    )
                ),
                rates=(*_RATES[1:], 0.3),
            )
        ),
    )
    yield Experiment(
        "pretraining",
        "Unsupervised pre-training by stacked denoising auto-encoders, then table 1's training",
        _three(
            lambda width: _long(
                _deep(width, SIGMOID, name="sigmoid pre-trained", pretraining=50_000),
                _deep(width, TANH, name="tanh pre-trained", pretraining=50_000),
                rates=_RATES,
                rate_updates=100_000,
                pack=1,  # a network takes the better part of an hour, and is kept when it is done
            ),
            widths=_WIDE,
        ),
    )
    yield Experiment(
        "pretraining_rate",
        "Pre-training of tanh at a tenth of the rate",
        _three(
            lambda width: _long(
                _deep(
                    width,
                    TANH,
                    name="pre-trained at 0.003",
                    lr=0.03,  # what the trials of "pretraining" chose
                    pretraining=50_000,
                    pretraining_lr=0.003,
                ),
                pack=1,
            ),
            widths=_WIDE,
        ),
    )
    yield Experiment(
        "second_order",
        "Rates of their own for all weights, with the standard and the normalized initialization",
        _three(
            lambda width: _short(
                *(
                    _deep(width, arm, name=f"{arm.name}{name}", second_order=kind)
                    for arm in (TANH, TANH_N)
                    for kind, name in (
                        (None, ""),
                        ("hessian", ", Hessian"),
                        ("variance", ", gradient variance"),
                    )
                ),
                rates=(*_RATES[1:], 0.3),
            )
        ),
    )
    yield Experiment(
        "pyramids",
        "Layers that grow or shrink by a third from one to the next",
        _three(
            lambda width: _short(
                *(
                    replace(
                        arm,
                        name=f"{arm.name}, {name}",
                        hidden=tuple(width * percent // 100 for percent in percents),
                    )
                    for arm in (TANH, TANH_N)
                    for name, percents in (
                        ("growing", (50, 67, 90, 120, 160)),
                        ("shrinking", (160, 120, 90, 67, 50)),
                    )
                )
            )
        ),
    )
    yield Experiment(
        "gain_grid",
        "Every gain with every learning rate, and the singular values at birth",
        _three(
            lambda width: _short(
                *(
                    _deep(width, TANH_N, name=f"gain {gain:g}", gain=gain, lr=lr)
                    for gain in (0.25, 0.5, 0.71, 1.0, 1.41, 2.0, 4.0)
                    for lr in _RATES
                ),
                seeds=(0, 1, 2),
                updates=50_000,
                rates=(),
                rate_updates=0,
                jacobian=True,
                pack=7,
            )
        ),
    )
    yield Experiment(
        "tied",
        "Hidden layers that share their weights, like a recurrent network over time",
        _three(
            lambda width: _short(
                *(
                    _deep(width, arm, name=f"{arm.name}, {name}", tied=tied)
                    for arm in (TANH, TANH_N)
                    for tied, name in ((False, "untied"), (True, "tied"))
                ),
                extra=_EARLY[:-1],
                quantities=("back_gradient",),
            )
        ),
    )
    yield Experiment(
        "distribution",
        "Uniform or normal weights of equal variance",
        _three(
            lambda width: _short(
                _deep(width, TANH_N, name="uniform"),
                _deep(width, TANH_N, name="normal", distribution="normal"),
            )
        ),
    )
    yield Experiment(
        "digits",
        "Table 1's rows on scikit-learn's digits",
        _three(
            lambda width: _finite(width, "digits", 50_000, _RATES),
            widths=(20, 300, 1000),
            paper_updates=50_000,
        ),
    )
    yield Experiment(
        "mnist",
        "Table 1's rows on MNIST (to be downloaded)",
        _three(lambda width: _finite(width, "mnist", 200_000)),
        shows=("fig12",),
    )
    yield Experiment(
        "cifar10",
        "Table 1's rows on CIFAR-10 (to be downloaded)",
        _three(lambda width: _finite(width, "cifar10", 200_000)),
    )
    yield Experiment(
        "small_imagenet",
        "Table 1's rows on a Small-ImageNet of your own",
        _three(lambda width: _finite(width, "small_imagenet", 200_000)),
    )


def _direct() -> Iterator[Experiment]:
    """Experiments that do not train, or not networks."""

    def birth(width: int, seeds: Sequence[int]) -> Grid:
        replicas = tuple(
            Replica(arm.name, seed, arm.rule, 1.0, 0.0) for seed in seeds for arm in (TANH, TANH_N)
        )
        return Grid((BirthPoint(replicas, (width,) * 5, "tanh"),), tuple(seeds))

    def hessian(width: int, seeds: Sequence[int]) -> Grid:
        return Grid(tuple(HessianPoint(seed, (width,) * 3) for seed in seeds), tuple(seeds))

    yield Experiment(
        "birth",
        "Activations, gradients and singular values before the first update",
        {
            "smoke": birth(50, (0, 1)),
            "book": birth(1000, (0, 1, 2, 3, 4)),
            "paper": birth(1000, (0, 1, 2, 3, 4)),
        },
        shows=("fig6", "fig7", "fig8"),
    )
    yield Experiment(
        "hessian",
        "The Hessian of one function, with the sigmoid and with the sigmoid less 1/2",
        {
            "smoke": hessian(5, (0, 1)),
            "book": hessian(20, (0, 1, 2, 3, 4)),
            "paper": hessian(20, (0, 1, 2, 3, 4)),
        },
    )
    yield Experiment(
        "svm",
        "A support vector machine on ever more examples",
        {
            "smoke": Grid((SvmPoint((100, 200), held_out=300),)),
            "book": Grid((SvmPoint((1000, 3000, 10_000, 30_000, 100_000), memory=9.0),)),
            "paper": Grid((SvmPoint((100_000,), tuned=100_000, memory=9.0),)),
        },
    )


EXPERIMENTS: dict[str, Experiment] = {
    experiment.name: experiment for experiment in (*_races(), *_direct())
}
"""All experiments by name.

:meta hide-value:"""
