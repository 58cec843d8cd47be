"""What each of the paper's experiments compares, on how many seeds, for how long.

An experiment has a frozen configuration at each of three scales: "smoke" takes seconds, "book" is
what the chapters show and two cores can do, "paper" is the paper's width and length. Where learning
rates are to be chosen, that is the first stage of a run: every curve is trained with each rate, on
seeds of their own, and the rate with the least error on the validation set is taken. The second
stage are the runs that count, on other seeds, measured on the test set.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, TypeAlias

from glorot2010.points import (
    BirthPoint,
    Data,
    HessianPoint,
    Point,
    Replica,
    Schedule,
    Setting,
    SvmPoint,
    TrainingPoint,
)
from glorot2010.points import OutputBias as OutputBias  # these three for Arm's docs
from xavier import checks
from xavier.init import Distribution as Distribution
from xavier.network import Cost as Cost

Scale: TypeAlias = Literal["smoke", "book", "paper"]
SCALES: tuple[Scale, ...] = ("smoke", "book", "paper")
"""Seconds; what the chapters show; what the paper did."""

DOWNLOADED = ("mnist", "cifar10", "small_imagenet")
"""Experiments whose data come from elsewhere."""

RATE_SEEDS = (1000, 1001)
"""Seeds on which rates are chosen; what they give is not reported."""


@dataclass(frozen=True)
class Arm(Setting):
    """One curve: all that its seeds have in common.

    Attributes:
        name: what figures and tables call it.
        rule, gain: as in `xavier.network.Network.create`.
        lr: learning rate; None if it is to be chosen on the validation set.
    """

    name: str
    rule: str = "standard"
    gain: float = 1.0
    lr: float | None = None


@dataclass(frozen=True, kw_only=True)
class Race(Schedule):
    """Arms that are trained on the same seeds and the same examples.

    Attributes:
        arms: the curves.
        seeds: of the runs that count.
        rates: those tried for arms that have none.
        rate_updates: length of these trials.
        pack: networks of one point, at most, if one seed allows.
    """

    arms: tuple[Arm, ...]
    seeds: tuple[int, ...]
    rates: tuple[float, ...] = ()
    rate_updates: int = 0
    pack: int = 5

    def first(self) -> tuple[Point, ...]:
        """Points of the first stage, that chooses rates."""
        tried = [replace(arm, lr=lr) for arm in self.arms if arm.lr is None for lr in self.rates]
        schedule = Schedule(
            updates=self.rate_updates,
            every=self.rate_updates,
            test_images=self.curve_images,
            curve_images=self.curve_images,
            threads=self.threads,
        )
        return tuple(self._cut(tried, RATE_SEEDS, schedule, "valid"))

    def second(self, rates: Mapping[str, float]) -> tuple[Point, ...]:
        """Points of the second stage, with the rate of every arm that had none."""
        arms = [replace(arm, lr=rates[arm.name]) if arm.lr is None else arm for arm in self.arms]
        return tuple(self._cut(arms, self.seeds, self, "test"))

    def _cut(
        self,
        arms: Sequence[Arm],
        seeds: Sequence[int],
        schedule: Schedule,
        test: Literal["valid", "test"],
    ) -> Iterator[TrainingPoint]:
        """Points of equal networks, with all arms of some seeds each: those share examples."""
        groups: dict[Setting, list[Arm]] = {}
        for arm in arms:
            groups.setdefault(Setting(**_own(Setting, arm)), []).append(arm)
        for setting in sorted(groups, key=repr):
            some = max(1, self.pack // len(groups[setting]))  # seeds
            for start in range(0, len(seeds), some):
                yield TrainingPoint(
                    replicas=tuple(
                        Replica(arm.name, seed, arm.rule, arm.gain, float(arm.lr or 0))
                        for seed in seeds[start : start + some]
                        for arm in groups[setting]
                    ),
                    test=test,
                    **_own(Setting, setting),
                    **_own(Schedule, schedule),
                )


def _own(kind: type[Setting | Schedule], value: Setting | Schedule) -> dict[str, Any]:
    """What a value says as one of its kinds."""
    return {f.name: getattr(value, f.name) for f in fields(kind)}


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
    Arm("sigmoid", activation="sigmoid"),
    Arm("tanh", activation="tanh"),
    Arm("tanh normalized", activation="tanh", rule="glorot"),
    Arm("softsign", activation="softsign"),
    Arm("softsign normalized", activation="softsign", rule="glorot"),
)
"""The rows of table 1, without their layers.

:meta hide-value:"""

SIGMOID, TANH, TANH_N, SOFTSIGN, SOFTSIGN_N = CURVES

_RATES = (0.003, 0.01, 0.03, 0.1)
_EARLY = (10, 30, 100, 300, 1000, 3000, 10_000)
_LAYERS = ("activation", "back_gradient", "weight_gradient")


def _deep(arm: Arm, layers: int = 5, width: int = 200, **changes: Any) -> Arm:
    """An arm with hidden layers of one width, five as in figures 3 to 11."""
    return replace(arm, hidden=(width,) * layers, **changes)


def _short(*arms: Arm, **changes: Any) -> Race:
    """A race over 100,000 updates and five seeds, with rates to choose where arms have none."""
    race = Race(arms=arms, seeds=(0, 1, 2, 3, 4), updates=100_000, every=10_000)
    if any(arm.lr is None for arm in arms):
        race = replace(race, rates=_RATES[1:], rate_updates=50_000)
    return replace(race, **changes)


def _long(*arms: Arm, **changes: Any) -> Race:
    """A race over 500,000 updates and five seeds, with a look at the layers on the way.

    Where the end of a long run is what counts, networks are half as wide again: at 200 the ends
    are what 200 units can do, whatever the initialization.
    """
    race = Race(
        arms=tuple(_deep(arm, width=300) for arm in arms),
        seeds=(0, 1, 2, 3, 4),
        updates=500_000,
        every=20_000,
        extra=_EARLY,
        quantities=_LAYERS,
    )
    return replace(race, **changes)


def _widened(arms: Iterable[Arm], width: int, before: int) -> tuple[Arm, ...]:
    """Arms with layers of that width where they had the one before, or as much wider."""
    return tuple(
        replace(arm, hidden=tuple(n * width // before for n in arm.hidden)) for arm in arms
    )


def _three(book: Race, width: int = 200, paper_updates: int = 2_500_000) -> dict[Scale, Race]:
    """A race at three scales, given at the book's, where it is so wide.

    Smoke keeps what is compared and shrinks the rest to seconds. The paper's scale has its width,
    its length, and as many seeds.
    """
    smoke = replace(
        book,
        arms=tuple(
            replace(arm, pretraining=min(arm.pretraining, 100))
            for arm in _widened(book.arms, 20, width)
        ),
        seeds=book.seeds[:2],
        updates=200,
        every=100,
        extra=(10,) if book.extra else (),
        rates=book.rates[-2:],
        rate_updates=min(book.rate_updates, 100),
        test_images=500,
        curve_images=500,
        densities=(200,) if book.densities else (),
    )
    fifth = paper_updates // 5
    paper = replace(
        book,
        arms=_widened(book.arms, 1000, width),
        updates=paper_updates,
        every=paper_updates // 25,
        densities=(0, *range(fifth, paper_updates + 1, fifth)) if book.densities else (),
    )
    return {"smoke": smoke, "book": book, "paper": paper}


def _trained(
    name: str, title: str, book: Race, width: int = 200, shows: tuple[str, ...] = (), **said: int
) -> Experiment:
    """An experiment that trains, given at the book's scale."""
    return Experiment(name, title, _three(book, width, **said), shows)


def _finite() -> dict[Scale, Race]:
    """The images on which the support vector machine is trained too (sec. 5), as many as it has."""
    races = _three(_short(_deep(TANH_N, name="finite"), _deep(TANH_N, name="endless")))
    sets: dict[Scale, Data] = {
        "smoke": "shapeset_1k",
        "book": "shapeset_30k",
        "paper": "shapeset_100k",
    }
    for scale, data in sets.items():
        finite, endless = races[scale].arms
        races[scale] = replace(races[scale], arms=(replace(finite, data=data), endless))
    return races


def _wide() -> dict[Scale, Race]:
    """Table 1's rows, a thousand units wide at the book's scale too.

    One seed takes a core four hours there. At the paper's scale there is what a large graphics card
    does in ten minutes, which `table1` would have for hours; that has the paper's length, too.
    """
    wide = _short(*(_deep(arm, width=1000) for arm in CURVES), seeds=(0,), rate_updates=10_000)
    paper = replace(
        wide, seeds=(0, 1, 2, 3, 4), updates=120_000, every=20_000, rate_updates=50_000, pack=10
    )
    return {**_three(wide, 1000), "book": wide, "paper": paper}


def _on(
    data: Data,
    updates: int,
    width: int = 200,
    rates: tuple[float, ...] = (*_RATES, 0.3, 1.0),
) -> Race:
    """Table 1's curves on a finite set; all of its test images at every measurement.

    Rates go up to 1 where they can. On digits two curves took the largest of those up to 0.1, and
    on MNIST the sigmoid sleeps at 0.3 for 100,000 updates, and for 10,000 to 20,000 at 1.
    """
    return _short(
        *(_deep(arm, width=width, data=data) for arm in CURVES),
        updates=updates,
        every=updates // 20,
        rates=rates,
        rate_updates=updates // 4,
    )


def _birth(width: int, seeds: tuple[int, ...]) -> Grid:
    replicas = tuple(
        Replica(arm.name, seed, arm.rule, 1.0, 0.0) for seed in seeds for arm in (TANH, TANH_N)
    )
    return Grid((BirthPoint(replicas, (width,) * 5, "tanh"),), seeds)


def _hessian(width: int, seeds: tuple[int, ...]) -> Grid:
    return Grid(tuple(HessianPoint(seed, (width,) * 3) for seed in seeds), seeds)


_FIVE = (0, 1, 2, 3, 4)
_FRESH = (5, 6, 7, 8, 9)

_ALL = (
    _trained(
        "table1",
        "Five hidden layers on Shapeset: error, activations and gradients over training",
        _long(
            *CURVES,
            rates=_RATES,
            rate_updates=100_000,
            densities=(0, 10_000, *range(100_000, 500_001, 100_000)),
            jacobian=True,
        ),
        width=300,
        shows=("fig3", "fig4", "fig9", "fig10", "fig11"),
    ),
    _trained(
        "fig2",
        "The sigmoid with four and with five hidden layers, until its top layer escapes or not",
        Race(
            arms=tuple(
                _deep(SIGMOID, layers, name=f"depth {layers}", lr=lr)
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
        ),
    ),
    Experiment("wide", "Table 1's rows at the paper's width", _wide()),
    Experiment(
        "finite",
        "A set of Shapeset images that is passed over again and again, or ever new ones",
        _finite(),
    ),
    _trained(
        "depth",
        "One to five hidden layers of each kind",
        _short(
            *(
                _deep(arm, layers, name=f"{arm.name}, {layers}")
                for arm in (SIGMOID, TANH, SOFTSIGN)
                for layers in range(1, 6)
            )
        ),
    ),
    _trained(
        "singles",
        "One object in every image, or one or two",
        _short(_deep(TANH_N, data="singles", name="one object"), _deep(TANH_N, name="all")),
    ),
    _trained(
        "interventions",
        "What makes the sigmoid's top layer collapse: its mean, its slope, or the output's biases",
        _short(
            *(
                _deep(arm, 4, lr=lr)
                for lr in (0.03, 0.1)
                for arm in (
                    SIGMOID,
                    Arm("centred", activation="centred_sigmoid"),
                    Arm("steep", activation="steep_sigmoid"),
                    Arm("steep, centred", activation="steep_centred_sigmoid"),
                    replace(SIGMOID, name="frozen output biases", output_bias="frozen"),
                    replace(SIGMOID, name="log-prior output biases", output_bias="log_prior"),
                )
            ),
            extra=_EARLY[:-1],
            quantities=("activation", "output"),
            pack=10,
        ),
    ),
    _trained(
        "slope_scale",
        "The sigmoid's slope against the scale of its hidden layers' weights, two by three",
        _short(
            *(
                _deep(arm, 4, name=f"{arm.name}, {gain:g}", hidden_gain=gain, lr=lr)
                for lr in (0.03, 0.1)
                for arm in (
                    replace(SIGMOID, name="plain"),
                    Arm("steep", activation="steep_sigmoid"),
                )
                for gain in (0.25, 1.0, 4.0)
            ),
            updates=30_000,
            every=2000,
            extra=_EARLY[:-2],
            quantities=("activation",),
            pack=10,
        ),
    ),
    _trained(
        "first_layer",
        "Whether sigmoid networks that wake do so while their first layer is held",
        _short(  # besides the arm of "interventions" in which it learns
            _deep(
                replace(SIGMOID, name="first held", output_bias="frozen"),
                4,
                lr=0.1,
                first_layer="frozen",
            ),
            quantities=("activation",),
        ),
    ),
    _trained(
        "biases",
        "How long a sigmoid network sleeps, by what the output's biases do",
        _short(
            *(
                _deep(SIGMOID, 4, name=how, lr=0.1, output_bias=how)
                for how in ("frozen", "learned", "log_prior")
            ),
            seeds=_FRESH,
            updates=400_000,
            quantities=("activation", "output"),
        ),
    ),
    _trained(
        "tanh_late",
        "Tanh with four hidden layers for as long as figure 2's sigmoid",
        Race(
            arms=tuple(_deep(TANH, 4, lr=lr) for lr in (0.03, 0.1)),
            seeds=(0, 1, 2),
            updates=2_500_000,
            every=100_000,
            extra=(50_000,),
            pack=6,
        ),
    ),
    _trained(
        "saturation_late",
        "Tanh and softsign for half as long again as at table 1",
        Race(
            arms=tuple(_deep(arm, width=300, lr=0.03) for arm in (TANH, SOFTSIGN)),
            seeds=_FRESH,
            updates=750_000,
            every=50_000,
            quantities=("activation",),
        ),
        width=300,
    ),
    _trained(
        "cost",
        "Cross-entropy or the quadratic cost",
        _short(
            *(
                _deep(arm, name=f"{arm.name}, {name}", cost=cost)
                for arm in (TANH, TANH_N)
                for cost, name in (
                    ("cross_entropy", "cross-entropy"),
                    ("quadratic", "quadratic"),
                )
            ),
            rates=(*_RATES[1:], 0.3),
        ),
    ),
    _trained(
        "pretraining",
        "Unsupervised pre-training by stacked denoising auto-encoders, then table 1's training",
        _long(
            replace(SIGMOID, name="sigmoid pre-trained", pretraining=50_000),
            replace(TANH, name="tanh pre-trained", pretraining=50_000),
            rates=_RATES,
            rate_updates=100_000,
            pack=1,  # a network takes the better part of an hour, and is kept when it is done
        ),
        width=300,
    ),
    _trained(
        "pretraining_rate",
        "Pre-training of tanh at a tenth of the rate",
        _long(
            replace(
                TANH,
                name="pre-trained at 0.003",
                lr=0.03,  # what the trials of "pretraining" chose
                pretraining=50_000,
                pretraining_lr=0.003,
            ),
            pack=1,
        ),
        width=300,
    ),
    _trained(
        "second_order",
        "Rates of their own for all weights, with the standard and the normalized initialization",
        _short(
            *(
                _deep(arm, name=f"{arm.name}{name}", second_order=kind)
                for arm in (TANH, TANH_N)
                for kind, name in (
                    (None, ""),
                    ("hessian", ", Hessian"),
                    ("variance", ", gradient variance"),
                )
            ),
            rates=(*_RATES[1:], 0.3),
        ),
    ),
    _trained(
        "pyramids",
        "Layers that grow or shrink by a third from one to the next",
        _short(
            *(
                replace(arm, name=f"{arm.name}, {name}", hidden=hidden)
                for arm in (TANH, TANH_N)
                for name, hidden in (
                    ("growing", (100, 134, 180, 240, 320)),
                    ("shrinking", (320, 240, 180, 134, 100)),
                )
            )
        ),
    ),
    _trained(
        "gain_grid",
        "Every gain with every learning rate, and the singular values at birth",
        _short(
            *(
                _deep(TANH_N, name=f"gain {gain:g}", gain=gain, lr=lr)
                for gain in (0.25, 0.5, 0.71, 1.0, 1.41, 2.0, 4.0)
                for lr in _RATES
            ),
            seeds=(0, 1, 2),
            updates=50_000,
            jacobian=True,
            pack=7,
        ),
    ),
    _trained(
        "tied",
        "Hidden layers that share their weights, like a recurrent network over time",
        _short(
            *(
                _deep(arm, name=f"{arm.name}, {name}", tied=tied)
                for arm in (TANH, TANH_N)
                for tied, name in ((False, "untied"), (True, "tied"))
            ),
            extra=_EARLY[:-1],
            quantities=("back_gradient",),
        ),
    ),
    _trained(
        "distribution",
        "Uniform or normal weights of equal variance",
        _short(_deep(TANH_N, name="uniform"), _deep(TANH_N, name="normal", distribution="normal")),
    ),
    _trained(
        "digits",
        "Table 1's rows on scikit-learn's digits",
        _on("digits", 50_000, 300, _RATES),
        width=300,
        paper_updates=50_000,
    ),
    _trained(
        "mnist",
        "Table 1's rows on MNIST (to be downloaded)",
        _on("mnist", 200_000),
        shows=("fig12",),
    ),
    _trained(
        "cifar10",
        "Table 1's rows on CIFAR-10 (to be downloaded)",
        _on("cifar10", 200_000),
    ),
    _trained(
        "small_imagenet",
        "Table 1's rows on a Small-ImageNet of your own",
        _on("small_imagenet", 200_000),
    ),
    Experiment(
        "birth",
        "Activations, gradients and singular values before the first update",
        {
            "smoke": _birth(50, (0, 1)),
            "book": _birth(1000, _FIVE),
            "paper": _birth(1000, _FIVE),
        },
        shows=("fig6", "fig7", "fig8"),
    ),
    Experiment(
        "hessian",
        "The Hessian of one function, with the sigmoid and with the sigmoid less 1/2",
        {"smoke": _hessian(5, (0, 1)), "book": _hessian(20, _FIVE), "paper": _hessian(20, _FIVE)},
    ),
    Experiment(
        "svm",
        "A support vector machine on ever more examples",
        {
            "smoke": Grid((SvmPoint((100, 200), held_out=300),)),
            "book": Grid((SvmPoint((1000, 3000, 10_000, 30_000, 100_000), memory=9.0),)),
            "paper": Grid((SvmPoint((100_000,), tuned=100_000, memory=9.0),)),
        },
    ),
)

EXPERIMENTS: dict[str, Experiment] = {experiment.name: experiment for experiment in _ALL}
"""All experiments by name.

:meta hide-value:"""
