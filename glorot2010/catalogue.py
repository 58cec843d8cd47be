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
from itertools import product
from typing import Any, Literal, TypeAlias

from glorot2010.modules import ModulePoint, Option
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

DOWNLOADED = ("mnist", "cifar10", "small_imagenet", "encoded")
"""Experiments whose data come from elsewhere."""

RATE_SEEDS = (1000, 1001)
"""Seeds on which rates are chosen; what they give is not reported."""

MORE_RATE_SEEDS = (1002, 1003, 1004)
"""With those above, five seeds on which to choose table 1's rates, and to see how they scatter."""


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
        rate_seeds: of these trials.
        pack: networks of one point, at most, if one seed allows.
    """

    arms: tuple[Arm, ...]
    seeds: tuple[int, ...]
    rates: tuple[float, ...] = ()
    rate_updates: int = 0
    rate_seeds: tuple[int, ...] = RATE_SEEDS
    pack: int = 5

    def first(self) -> tuple[Point, ...]:
        """Points of the first stage, that chooses rates."""
        tried = [replace(arm, lr=lr) for arm in self.arms if arm.lr is None for lr in self.rates]
        schedule = Schedule(
            updates=self.rate_updates,
            every=self.rate_updates,
            test_images=self.curve_images,
            curve_images=self.curve_images,
        )
        return tuple(self._cut(tried, self.rate_seeds, schedule, "valid"))

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
    if set(own) & {*RATE_SEEDS, *MORE_RATE_SEEDS}:
        taken = RATE_SEEDS + MORE_RATE_SEEDS
        raise ValueError(f"seeds must be other than {taken}, on which rates are chosen")
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

_LAYERS = (200,) * 5  # as the book has them, unless an experiment is wider

CURVES: tuple[Arm, ...] = (
    Arm("sigmoid", activation="sigmoid", hidden=_LAYERS),
    Arm("tanh", activation="tanh", hidden=_LAYERS),
    Arm("tanh normalized", activation="tanh", hidden=_LAYERS, rule="glorot"),
    Arm("softsign", activation="softsign", hidden=_LAYERS),
    Arm("softsign normalized", activation="softsign", hidden=_LAYERS, rule="glorot"),
)
"""The rows of table 1.

:meta hide-value:"""

SIGMOID, TANH, TANH_N, SOFTSIGN = CURVES[:4]
_SIGMOID_4 = replace(SIGMOID, hidden=(200,) * 4)
_TWO_RATES = (0.03, 0.1)  # of sigmoids that might sleep

_FIVE, _FRESH = (0, 1, 2, 3, 4), (5, 6, 7, 8, 9)
_GROWING = (100, 134, 180, 240, 320)
_RATES = (0.003, 0.01, 0.03, 0.1)
_EARLY = (10, 30, 100, 300, 1000, 3000, 10_000)
_LONG: dict[str, Any] = {
    "updates": 500_000,
    "every": 20_000,
    "extra": _EARLY,
    "quantities": ("activation", "back_gradient", "weight_gradient"),
    "rates": _RATES,
    "rate_updates": 100_000,
    # Where the end of a long run is what counts, networks are half as wide again: at 200 the ends
    # are what 200 units can do, whatever the initialization.
    "width": 300,
}
"""A long run, with a look at the layers on the way."""

_CAUSES: tuple[dict[str, Any], ...] = (
    {},
    {"name": "centred", "activation": "centred_sigmoid"},
    {"name": "steep", "activation": "steep_sigmoid"},
    {"name": "steep, centred", "activation": "steep_centred_sigmoid"},
    {"name": "frozen output biases", "output_bias": "frozen"},
    {"name": "log-prior output biases", "output_bias": "log_prior"},
)
"""What is changed of a sigmoid network to find out why its top layer collapses."""


_ENCODED: tuple[Data, ...] = ("mnist", "mnist_jpeg")

EDGE_DEPTHS = (5, 10, 20, 40, 80)
"""Hidden layers of the networks with which the edge of chaos is looked for."""

EDGE_POINTS = (
    *((gain, 0.0) for gain in (3**-0.5, 1.0, 5 / 3, 3.0)),
    *((gain, 0.05) for gain in (1.0, 1.2, 1.75, 2.5)),
)
"""Their gains, the root of n Var[W], and the variance of their biases.

:meta hide-value:"""


def edge_arm(gain: float, bias: float, layers: int) -> str:
    """What the arm of that point and depth is called.

    >>> edge_arm(5 / 3, 0.05, 20)
    'gain 1.67, bias 0.05, 20 layers'
    """
    return f"gain {gain:.3g}, bias {bias:g}, {layers} layers"


def _edge_arms(
    depths: Iterable[int], points: Iterable[tuple[float, float]] = EDGE_POINTS
) -> list[Arm]:
    return [
        replace(
            TANH,
            name=edge_arm(gain, bias, layers),
            rule="lecun",
            gain=gain,
            bias=bias,
            hidden=(200,) * layers,
            lr=lr,
        )
        for gain, bias in points
        for layers in depths
        for lr in (0.003, 0.01, 0.03)
    ]


_EDGE: dict[str, Any] = {
    "width": 100,
    "seeds": (0, 1, 2),
    "updates": 4000,
    "every": 1000,
    "test_images": 10_000,
    "pack": 9,
}


def _of_modules(points: Iterable[ModulePoint]) -> dict[Scale, Grid]:
    """Modules at the scales; smoke keeps two seeds and two rates of each, and shrinks the rest."""
    whole, rates = tuple(points), dict[str, dict[float, None]]()
    for point in whole:
        rates.setdefault(point.arm, {})[point.lr] = None
    few = tuple(
        replace(point, options=_narrow(point.options), updates=40, every=20, test_images=200)
        for point in whole
        if point.seed in _FIVE[:2] and point.lr in list(rates[point.arm])[:2]
    )
    book = Grid(whole, _FIVE)
    return {"smoke": Grid(few, _FIVE[:2]), "book": book, "paper": book}


def _said(**options: float | int | str) -> tuple[Option, ...]:
    """Options of a family, in the order in which they are given."""
    return tuple(options.items())


def _narrow(options: Iterable[Option]) -> tuple[Option, ...]:
    """The same with a quarter of the width, and of the width that others are compared with."""
    return tuple(
        (name, value // 4 if isinstance(value, int) and name in ("width", "base") else value)
        for name, value in options
    )


WIDTHS = (32, 64, 128, 256)
"""Of the hidden layers of networks whose best learning rate is looked for."""

WIDTH_RATES: dict[Literal["sgd", "adam"], tuple[float, ...]] = {
    "sgd": (1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2),
    "adam": (0.000125, 0.00025, 0.0005, 0.001, 0.002, 0.004),
}
"""Rates at which they learn, by the optimizer."""


def width_arm(how: str, width: int) -> str:
    """What the arm of that parametrization and width is called.

    At the least width all parametrizations are one network.

    >>> width_arm("mup", 64), width_arm("mup", 32)
    ('mup, 64 units', 'all, 32 units')
    """
    return f"{'all' if width == WIDTHS[0] else how}, {width} units"


def _widths(optimizer: Literal["sgd", "adam"]) -> Iterator[ModulePoint]:
    """Five tanh layers by both parametrizations; every rate is run with every seed."""
    arms = [(how, n) for n in WIDTHS for how in ("sp", "mup") if (how, n) != ("mup", WIDTHS[0])]
    for seed, (how, width), lr in product(_FIVE, arms, WIDTH_RATES[optimizer]):
        yield ModulePoint(
            arm=width_arm(how, width),
            seed=seed,
            family="Wide",
            options=_said(how=how, optimizer=optimizer, width=width, base=WIDTHS[0]),
            lr=lr,
            updates=800,
            every=800,
            optimizer=optimizer,
            test_images=3000,
        )


DIRECTIONS: dict[str, Distribution] = {"orthogonal": "orthogonal", "Gaussian": "normal"}
"""Weights that are compared by what they do to directions."""


def directions_arm(weights: str, layers: int) -> str:
    """What the arm of that kind of weights and number of hidden layers is called."""
    return f"{weights}, {layers} layers"


def _directions() -> Iterator[ModulePoint]:
    """Both kinds of weights in tanh networks a hundred units wide, deep and as deep as the paper's.

    Every rate is run with every seed, so that any two can be compared within seeds.
    """
    for layers, updates, rates in (
        (40, 1800, (0.003, 0.01, 0.03)),
        (5, 4500, (0.01, 0.03, 0.1)),
    ):
        for seed, lr, (weights, distribution) in product(_FIVE, rates, DIRECTIONS.items()):
            yield ModulePoint(
                arm=directions_arm(weights, layers),
                seed=seed,
                family="Straight",
                options=_said(layers=layers, width=100, gain=1.05, distribution=distribution),
                lr=lr,
                updates=updates,
                every=updates // 20,
                test_images=2000,
            )


_MENDED: Mapping[str, tuple[str, dict[str, float | int | str]]] = {
    "none": ("plain", {"depth": 10}),
    "batch norm": ("plain", {"depth": 10, "norm": "batch"}),
    "layer norm": ("plain", {"depth": 10, "norm": "layer"}),
    "branches": ("residual", {"blocks": 5, "m": 2, "scale": 5**-0.5}),
}


def _mend() -> Iterator[ModulePoint]:
    """Deep plain networks, with normalizations and with branches, by starts and rates."""
    said: list[tuple[str, str, dict[str, float | int | str], tuple[float, ...], int]] = []
    for norm in ("batch", "layer"):
        deep: dict[str, float | int | str] = {"depth": 20, "units": "relu", "gain": 2**0.5}
        said.append((f"{norm} norm, 20 layers", "plain", deep | {"norm": norm}, (0.03, 0.1), 2000))
    for matched in (False, True):
        for gain in (0.5, 1.0, 2.0):
            if gain != 1 or not matched:
                words = f"scale, gain {gain:g}{', rates to match' * matched}"
                share = gain**2 if matched else 1.0
                scaled: dict[str, float | int | str] = {"gain": gain, "share": share}
                said.append(
                    (words, "plain", scaled | {"norm": "batch", "eps": 1e-12}, (0.03,), 2000)
                )
    for kind, (family, options) in _MENDED.items():
        for rule, gain in (("standard", 3**-0.5), ("normalized", 1.0)):
            start = (f"{kind}, {rule}", family, options | {"gain": gain}, (0.01, 0.03, 0.1), 1500)
            said.append(start)
    for seed, (arm, family, options, rates, updates) in product(_FIVE, said):
        for lr in rates:
            yield ModulePoint(
                arm=arm,
                seed=seed,
                family=family,
                options=_said(**options, width=100),
                lr=lr,
                updates=updates,
                every=500,
                test_images=3000,
            )


_COSTS: tuple[tuple[str, Cost, int], ...] = (
    ("cross-entropy", "cross_entropy", 1),
    ("quadratic, 3 times", "quadratic", 3),
    ("quadratic, 9 times", "quadratic", 9),
)
"""Costs, each with a factor on the rate."""


def _each(
    arms: Iterable[Arm], options: Mapping[str, dict[str, Any]], **common: Any
) -> tuple[Arm, ...]:
    """Every arm with each of some options, named after both."""
    return tuple(
        replace(arm, name=f"{arm.name}, {said}" if said else arm.name, **common, **changes)
        for arm in arms
        for said, changes in options.items()
    )


def _widened(arms: Iterable[Arm], width: int) -> tuple[Arm, ...]:
    """Arms with layers of that width where they have 200 units, or as much wider."""
    return tuple(replace(arm, hidden=tuple(n * width // 200 for n in arm.hidden)) for arm in arms)


def _three(
    arms: Iterable[Arm], width: int = 200, paper_updates: int = 2_500_000, **said: Any
) -> dict[Scale, Race]:
    """A race at three scales, of arms given with layers of 200 units.

    What is said is the book's: of its width, and short and on five seeds if nothing else is said,
    with rates that are tried if arms have none. Smoke keeps what is compared and shrinks the rest
    to seconds. The paper's scale has its width, its length, and as many seeds.
    """
    said = {"seeds": _FIVE, "updates": 100_000, "every": 10_000, **said}
    tried = {
        "rates": said.pop("rates", _RATES[1:]),
        "rate_updates": said.pop("rate_updates", 50_000),
    }
    if any(arm.lr is None for arm in arms):
        said |= tried
    book = Race(arms=_widened(arms, width), **said)
    smoke = replace(
        book,
        arms=tuple(
            replace(arm, pretraining=min(arm.pretraining, 100)) for arm in _widened(arms, 20)
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
        arms=_widened(arms, 1000),
        updates=paper_updates,
        every=paper_updates // 25,
        densities=(0, *range(fifth, paper_updates + 1, fifth)) if book.densities else (),
    )
    return {"smoke": smoke, "book": book, "paper": paper}


def _trained(
    name: str, title: str, arms: Sequence[Arm], shows: tuple[str, ...] = (), **said: Any
) -> Experiment:
    """An experiment that trains, as in `_three`."""
    return Experiment(name, title, _three(arms, **said), shows)


def _on_sets(arms: Sequence[Arm], *sets: Data) -> dict[Scale, Race]:
    """A race whose first arm has a finite set, one for each scale."""
    found = {}
    for (scale, race), data in zip(_three(arms).items(), sets, strict=True):
        first, *others = race.arms
        found[scale] = replace(race, arms=(replace(first, data=data), *others))
    return found


def _wide() -> dict[Scale, Race]:
    """Table 1's rows, a thousand units wide at the book's scale too.

    One seed takes a core four hours there. At the paper's scale there is what a large graphics card
    does in ten minutes, which `table1` would have for hours; that has the paper's length, too.
    """
    races = _three(CURVES, 1000, 120_000, seeds=(0,), rate_updates=10_000)
    paper = replace(races["paper"], seeds=_FIVE, every=20_000, rate_updates=50_000, pack=10)
    return {**races, "paper": paper}


def _on(name: str, title: str, data: Data, updates: int = 200_000, **said: Any) -> Experiment:
    """Table 1's curves on a finite set; all of its test images at every measurement.

    Rates go up to 1 where they can. On digits two curves took the largest of those up to 0.1, and
    on MNIST the sigmoid sleeps at 0.3 for 100,000 updates, and for 10,000 to 20,000 at 1.
    """
    said = {"rates": (*_RATES, 0.3, 1.0), "every": updates // 20, **said}
    arms = [replace(arm, data=data) for arm in CURVES]
    return _trained(name, title, arms, updates=updates, rate_updates=updates // 4, **said)


def _tried(scale: Scale) -> Grid:
    """Trials as in the first stage of `table1`, on other seeds.

    The sigmoid is left out, whose errors are the same at all rates, and so is the least rate, which
    is far from the best for all others.
    """
    found = _three(CURVES[1:], **_LONG, rate_seeds=MORE_RATE_SEEDS, pack=2)[scale]
    each = [replace(found, rates=(lr,)).first() for lr in found.rates[1:]]  # in small points
    return Grid(tuple(point for points in each for point in points), MORE_RATE_SEEDS)


def _birth(width: int, seeds: tuple[int, ...]) -> Grid:
    replicas = tuple(
        Replica(arm.name, seed, arm.rule, 1.0, 0.0) for seed in seeds for arm in (TANH, TANH_N)
    )
    return Grid((BirthPoint(replicas, (width,) * 5, "tanh"),), seeds)


def _hessian(width: int, seeds: tuple[int, ...]) -> Grid:
    return Grid(tuple(HessianPoint(seed, (width,) * 3) for seed in seeds), seeds)


_ALL = (
    _trained(
        "table1",
        "Five hidden layers on Shapeset: error, activations and gradients over training",
        CURVES,
        ("fig3", "fig4", "fig9", "fig10", "fig11"),
        densities=(0, 10_000, *range(100_000, 500_001, 100_000)),
        jacobian=True,
        **_LONG,
    ),
    _trained(
        "other_rates",
        "Table 1's tanh at 0.01 where it has 0.03, and normalized at 0.03 where it has 0.01",
        [replace(TANH, lr=0.01), replace(TANH_N, lr=0.03)],
        seeds=(0, 1, 2, 3),
        pack=1,
        **_LONG,
    ),
    _trained(
        "sigmoid_faster",
        "Table 1's sigmoid at rates above those that it was tried with, as long as the trials",
        [replace(SIGMOID, name=f"rate {lr:g}", lr=lr) for lr in (0.3, 1.0)],
        width=300,
    ),
    Experiment(
        "rates",
        "Table 1's learning rates, tried on three more seeds than it has",
        {scale: _tried(scale) for scale in SCALES},
    ),
    _trained(
        "fig2",
        "The sigmoid with four and with five hidden layers, until its top layer escapes or not",
        [
            replace(SIGMOID, name=f"depth {layers}", hidden=(200,) * layers, lr=lr)
            for layers in (4, 5)
            for lr in _TWO_RATES
        ],
        seeds=(0, 1, 2),
        updates=2_500_000,
        every=50_000,
        extra=(*_EARLY, 20_000),
        quantities=("activation", "output"),
        densities=(0, 10_000, *range(500_000, 2_500_001, 500_000)),
        pack=6,
    ),
    Experiment("wide", "Table 1's rows at the paper's width", _wide()),
    Experiment(
        "finite",
        "A set of Shapeset images that is passed over again and again, or ever new ones",
        _on_sets(
            [replace(TANH_N, name="finite"), replace(TANH_N, name="endless")],
            "shapeset_1k",
            "shapeset_30k",
            "shapeset_100k",
        ),
    ),
    Experiment(
        "finite_100k",
        "Tanh on as many Shapeset images as the paper's support vector machine has",
        _on_sets(  # at the rate that was chosen for 30,000
            [replace(TANH_N, name="finite", lr=0.03)],
            "shapeset_1k",
            "shapeset_100k",
            "shapeset_100k",
        ),
    ),
    _trained(
        "depth",
        "One to five hidden layers of each kind",
        _each((SIGMOID, TANH, SOFTSIGN), {str(n): {"hidden": (200,) * n} for n in (1, 2, 3, 4, 5)}),
    ),
    _trained(
        "singles",
        "One object in every image, or one or two",
        [replace(TANH_N, name="one object", data="singles"), replace(TANH_N, name="all")],
    ),
    _trained(
        "interventions",
        "What makes the sigmoid's top layer collapse: its mean, its slope, or the output's biases",
        [replace(_SIGMOID_4, lr=lr, **changes) for lr in _TWO_RATES for changes in _CAUSES],
        extra=_EARLY[:-1],
        quantities=("activation", "output"),
        pack=10,
    ),
    _trained(
        "slope_scale",
        "The sigmoid's slope against the scale of its hidden layers' weights, two by three",
        [
            replace(
                _SIGMOID_4,
                name=f"{name}, {gain:g}",
                activation=activation,
                hidden_gain=gain,
                lr=lr,
            )
            for lr in _TWO_RATES
            for name, activation in (("plain", "sigmoid"), ("steep", "steep_sigmoid"))
            for gain in (0.25, 1.0, 4.0)
        ],
        updates=30_000,
        every=2000,
        extra=_EARLY[:-2],
        quantities=("activation",),
        pack=10,
    ),
    _trained(
        "first_layer",
        "Whether sigmoid networks that wake do so while their first layer is held",
        [  # besides the arm of "interventions" in which it learns
            replace(
                _SIGMOID_4, name="first held", output_bias="frozen", lr=0.1, first_layer="frozen"
            )
        ],
        quantities=("activation",),
    ),
    _trained(
        "biases",
        "How long a sigmoid network sleeps, by what the output's biases do",
        [
            replace(_SIGMOID_4, name=how, lr=0.1, output_bias=how)
            for how in ("frozen", "learned", "log_prior")
        ],
        seeds=_FRESH,
        updates=400_000,
        quantities=("activation", "output"),
    ),
    _trained(
        "tanh_late",
        "Tanh with four hidden layers for as long as figure 2's sigmoid",
        [replace(TANH, hidden=(200,) * 4, lr=lr) for lr in _TWO_RATES],
        seeds=(0, 1, 2),
        updates=2_500_000,
        every=100_000,
        extra=(50_000,),
        pack=6,
    ),
    _trained(
        "escaped",
        "Five more seeds of figure 2's sigmoid that escapes, and of tanh beside it",
        [
            replace(SIGMOID, name="depth 4", hidden=(200,) * 4, lr=0.1),
            replace(TANH, hidden=(200,) * 4, lr=0.03),
        ],
        seeds=(3, 4, 5, 6, 7),
        updates=2_500_000,
        every=100_000,
        extra=(50_000,),
        quantities=("activation",),
        pack=1,
    ),
    _trained(
        "saturation_late",
        "Tanh and softsign for half as long again as at table 1",
        [replace(arm, lr=0.03) for arm in (TANH, SOFTSIGN)],
        width=300,
        seeds=_FRESH,
        updates=750_000,
        every=50_000,
        quantities=("activation",),
    ),
    _trained(
        "saturation_more",
        "Sixteen more seeds of tanh and softsign for as long",
        [replace(arm, lr=0.03) for arm in (TANH, SOFTSIGN)],
        width=300,
        seeds=tuple(range(10, 26)),
        updates=750_000,
        every=250_000,
        quantities=("activation",),
        pack=1,
    ),
    _trained(
        "cost",
        "Cross-entropy or the quadratic cost",
        _each((TANH, TANH_N), {"cross-entropy": {}, "quadratic": {"cost": "quadratic"}}),
        rates=(*_RATES[1:], 0.3),
    ),
    _trained(
        "cost_as_used",
        "The quadratic cost as it was used, of tanh outputs without a softmax",
        _each((TANH, TANH_N), {"quadratic of tanh outputs": {"cost": "quadratic_tanh"}}),
        rates=(*_RATES, 0.3),
    ),
    _trained(
        "cost_rates",
        "The quadratic cost at three and at nine times the rate of cross-entropy",
        [
            replace(arm, name=f"{arm.name}, {said}", cost=cost, lr=round(lr * times, 2))
            for arm in (TANH, TANH_N)
            for lr in (0.03, 0.1, 0.3)
            for said, cost, times in _COSTS
        ],
        seeds=(0, 1, 2),
        updates=50_000,
        every=5000,
        pack=9,
    ),
    _trained(
        "pretraining",
        "Unsupervised pre-training by stacked denoising auto-encoders, then table 1's training",
        [
            replace(arm, name=f"{arm.name} pre-trained", pretraining=50_000)
            for arm in (SIGMOID, TANH)
        ],
        pack=1,  # a network takes the better part of an hour, and is kept when it is done
        **_LONG,
    ),
    _trained(
        "pretraining_rate",
        "Pre-training of tanh at a tenth of the rate",
        [
            replace(
                TANH,
                name="pre-trained at 0.003",
                lr=0.03,  # what the trials of "pretraining" chose
                pretraining=50_000,
                pretraining_lr=0.003,
            )
        ],
        pack=1,
        **_LONG,
    ),
    _trained(
        "second_order",
        "Rates of their own for all weights, with the standard and the normalized initialization",
        _each(
            (TANH, TANH_N),
            {
                "": {},
                "Hessian": {"second_order": "hessian"},
                "gradient variance": {"second_order": "variance"},
            },
        ),
        rates=(*_RATES[1:], 0.3),
    ),
    _trained(
        "own_rates",
        "Rates of their own for all but the output's biases, and for the output's layer alone",
        _each(  # besides the arms of "second_order", with none and for all, on the same seeds
            (TANH, TANH_N),
            {
                "all but the output's biases": {"own_rates": "no_output_bias"},
                "the output alone": {"own_rates": "output"},
            },
            second_order="hessian",
        ),
        rates=(*_RATES[1:], 0.3),
    ),
    _trained(
        "pyramids",
        "Layers that grow or shrink by a third from one to the next",
        _each(
            (TANH, TANH_N),
            {
                "growing": {"hidden": _GROWING},
                "shrinking": {"hidden": _GROWING[::-1]},
            },
        ),
    ),
    _trained(
        "tanh_slower",
        "Standard tanh at 0.03 where trials half as long gave it 0.1, in most cases by little",
        [
            replace(TANH, lr=0.03),
            replace(TANH, name="tanh, 4", hidden=(200,) * 4, lr=0.03),
            replace(TANH, name="tanh, growing", hidden=_GROWING, lr=0.03),
        ],
        pack=3,
    ),
    _trained(
        "softsign_slower",
        "Softsign at 0.03 where trials half as long gave it 0.1",
        [
            replace(SOFTSIGN, name=f"softsign, {n}", hidden=(200,) * n, lr=0.03)
            for n in (2, 3, 4, 5)
        ],
        pack=5,
    ),
    _trained(
        "depth_more",
        "Thirteen more seeds of tanh with three and five layers, at 0.03",
        [replace(TANH, name=f"tanh, {n}", hidden=(200,) * n, lr=0.03) for n in (3, 5)],
        seeds=tuple(range(5, 18)),
        pack=5,
    ),
    _trained(
        "pyramids_more",
        "Eight more seeds of what growing layers are compared with, and of these, at 0.03",
        [
            replace(TANH_N, lr=0.03),
            *(
                replace(arm, name=f"{arm.name}, growing", hidden=_GROWING, lr=0.03)
                for arm in (TANH, TANH_N)
            ),
        ],
        seeds=tuple(range(5, 13)),
        pack=4,
    ),
    _trained(
        "second_choices",
        "The other rate, where trials half as long as the runs could hardly choose",
        [
            replace(TANH, name="tanh, quadratic of tanh outputs", cost="quadratic_tanh", lr=0.1),
            replace(TANH_N, name="tanh normalized, Hessian", second_order="hessian", lr=0.1),
            replace(
                TANH_N, name="tanh normalized, gradient variance", second_order="variance", lr=0.03
            ),
        ],
        pack=3,
    ),
    _trained(
        "gain_grid",
        "Every gain with every learning rate, and the singular values at birth",
        [
            replace(TANH_N, name=f"gain {gain:g}", gain=gain, lr=lr)
            for gain in (0.25, 0.5, 0.71, 1.0, 1.41, 2.0, 4.0)
            for lr in _RATES
        ],
        seeds=(0, 1, 2),
        updates=50_000,
        jacobian=True,
        pack=7,
    ),
    Experiment(
        "edge",
        "Tanh networks of 5 to 80 layers, at points of the plane of gain and bias",
        {
            **_three(_edge_arms(EDGE_DEPTHS), **_EDGE),
            "smoke": _three(_edge_arms((2, 3)), **_EDGE)["smoke"],
        },
    ),
    Experiment(
        "edge_160",
        "Tanh networks of 160 layers where all of 5 to 80 started, next to the critical line",
        {
            **_three(_edge_arms((160,), [(1.2, 0.05)]), **_EDGE),
            "smoke": _three(_edge_arms((4,), [(1.2, 0.05)]), **_EDGE)["smoke"],
        },
    ),
    Experiment(
        "width",
        "Networks of four widths by two parametrizations, at six rates of gradient descent",
        _of_modules(_widths("sgd")),
    ),
    Experiment(
        "width_adam",
        "Networks of four widths by two parametrizations, at six rates of Adam",
        _of_modules(_widths("adam")),
    ),
    Experiment(
        "directions",
        "Orthogonal or Gaussian weights in tanh networks of 40 and of 5 layers",
        _of_modules(_directions()),
    ),
    Experiment(
        "mend",
        "Plain networks, normalized ones and residual ones, drawn at several scales",
        _of_modules(_mend()),
    ),
    _trained(
        "tied",
        "Hidden layers that share their weights, like a recurrent network over time",
        _each((TANH, TANH_N), {"untied": {}, "tied": {"tied": True}}),
        extra=_EARLY[:-1],
        quantities=("back_gradient",),
    ),
    _trained(
        "distribution",
        "Uniform or normal weights of equal variance",
        [
            replace(TANH_N, name="uniform"),
            replace(TANH_N, name="normal", distribution="normal"),
        ],
    ),
    _on(
        "digits",
        "Table 1's rows on scikit-learn's digits",
        "digits",
        50_000,
        width=300,
        paper_updates=50_000,
        rates=_RATES,
    ),
    _on("mnist", "Table 1's rows on MNIST (to be downloaded)", "mnist", shows=("fig12",)),
    _on("cifar10", "Table 1's rows on CIFAR-10 (to be downloaded)", "cifar10"),
    _trained(
        "encoded",
        "What the encoder of our CIFAR-10 does to MNIST",
        [  # at rates that trials of their own chose on both sets
            replace(arm, name=f"{arm.name}, {data}", data=data, lr=lr)
            for arm, lr in ((TANH, 0.03), (TANH_N, 0.01))
            for data in _ENCODED
        ],
        updates=10_000,
        every=2500,
        test_images=10_000,
    ),
    _on("small_imagenet", "Table 1's rows on a Small-ImageNet of your own", "small_imagenet"),
    Experiment(
        "birth",
        "Activations, gradients and singular values before the first update",
        {"smoke": _birth(50, (0, 1)), "book": _birth(1000, _FIVE), "paper": _birth(1000, _FIVE)},
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
