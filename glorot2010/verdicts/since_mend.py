"""Claims on normalizations, residual branches and starts taken from data, D15 to D22."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from glorot2010.families import Norm, Place, Plain, plain, residual
from glorot2010.rows import choose
from glorot2010.verdicts import births
from glorot2010.verdicts import claim as c
from glorot2010.verdicts.asked import above, below, equivalent, interval, mean_interval
from glorot2010.verdicts.curves import LEARNED, MARGIN
from xavier import init, theory
from xavier.intervals import Interval
from xavier.shapeset import Shapeset

# ------------------------------------------------------------------------------- before training

FOUND = 0.05
"""How far a gain that was found may be from the theory's."""


@c.claim("D15", "Mishkin & Matas 2016", c.BIRTH, chapter=18)
def d15_gains_found(evidence: c.Evidence) -> c.Judgement:
    """Layer-sequential unit variance finds in a batch the gains that a unit alone decides: 1.59 for
    tanh and the root of 2 for rectifiers; ten images are enough for it.

    Statistic: root of n Var[W] in layers 2 to 5 afterwards, with 300 images and with ten, and the
        gain that keeps sums at variance 1 by quadrature
    Rule: the 95 % interval of the mean over these layers is within {FOUND:g} of the theory; each
        unit with each number of images a part
    Scale: five hidden layers of 200 units, 20 draws with images of their own
    """
    numbers = {
        f"{units}, {images} images": mean_interval(gains_found(units, images, 20))
        for units in ("tanh", "relu")
        for images in (300, 10)
    }
    parts = {
        name: equivalent(c.shifted(found, -needed(name.split(",")[0])), FOUND)
        for name, found in numbers.items()
    }
    said = f"The theory's are {needed('tanh'):.4f} and {needed('relu'):.4f}"
    return c.in_parts(parts, numbers["tanh, 300 images"], said, numbers=numbers)


def needed(units: str) -> float:
    """The gain that keeps sums of variance 1."""
    return float(theory.variance_map(units, 1.0) ** -0.5)


@cache
def gains_found(units: str, images: int, draws: int, width: int = 200) -> c.Array:
    """Gains that `xavier.init.lsuv_` finds: means over layers 2 to 5, draw by draw."""
    found = []
    for seed in range(draws):
        model = plain(torch.Generator().manual_seed(seed), width, units=units)
        batch, _ = Shapeset(seed).batch(images)
        init.lsuv_(model, batch, generator=torch.Generator().manual_seed(seed))
        weights = [model.get_parameter(f"layers.{k}.0.weight").detach() for k in range(1, 5)]
        found.append(np.mean([math.sqrt(width) * float(w.double().std()) for w in weights]))
    return np.array(found)


RATE = 1.03
"""A rate of gradients is as claimed within this factor."""


@c.claim("D16", "Yang et al. 2019; Luther 2020", c.BIRTH, chapter=18)
def d16_rates_of_gradients(evidence: c.Evidence) -> c.Judgement:
    """Behind a batch normalization the variance of gradients grows by pi / (pi - 1) at each layer
    of rectifiers and behind a layer normalization not at all, and with tanh by 1.178 behind either.

    Statistic: mean square of the gradients by the outputs of hidden layers, before they are
        normalized, layer 9 over layer 19, its tenth root
    Rule: the 95 % interval of each is within a factor of {RATE:g}; each a part
    Scale: 20 hidden layers of 300 units, batches of 200 images, 10 draws
    """
    claimed: dict[tuple[str, Norm], float] = {
        ("relu", "batch"): math.pi / (math.pi - 1), ("relu", "layer"): 1.0,
        ("tanh", "batch"): 1.178, ("tanh", "layer"): 1.178,
    }  # fmt: skip
    numbers, parts = {}, {}
    for (units, norm), rate in claimed.items():
        found = rates(units, norm)
        name = f"{units}, {norm} norm: {rate:.3f}"
        numbers[name] = c.as_ratio(c.ratio_interval(found))
        parts[name] = c.within_factor(c.ratio_interval(found / rate), RATE)
    said = "Rectifiers behind batch normalization, at each layer"
    return c.in_parts(parts, next(iter(numbers.values())), said, numbers=numbers)


@cache
def rates(units: str, norm: Norm, draws: int = 10, width: int = 300) -> c.Array:
    """Factor on the mean square of a gradient at each layer on its way back, draw by draw."""
    batch, _ = Shapeset(seed=0).batch(200)
    found = []
    for seed in range(draws):
        generator = torch.Generator().manual_seed(seed)
        model = plain(generator, width, 20, units, norm)
        sizes = gradient_sizes(model, batch, generator)
        found.append((sizes[8] / sizes[18]) ** (1 / 10))
    return np.array(found)


def gradient_profile(
    units: str, norm: Norm, batch: Tensor, draws: int = 3, width: int = 200
) -> list[float]:
    """Mean squares of gradients at layers 1 to 19 of 20 over that at layer 19, means over draws."""
    found = np.zeros(19)
    for seed in range(draws):
        generator = torch.Generator().manual_seed(seed)
        sizes = gradient_sizes(plain(generator, width, 20, units, norm), batch, generator)
        found += np.array(sizes[:19]) / sizes[18] / draws
    return [float(x) for x in found]


def gradient_sizes(model: Plain, batch: Tensor, generator: torch.Generator) -> list[float]:
    """Mean squares of gradients by what each hidden layer's weights give, lowest first.

    At the top every example has a gradient of its own, drawn from the generator, so that no cost
    has a part in it.
    """
    kept: list[Tensor] = []

    def keep(layer: nn.Module, args: object, output: Tensor) -> None:
        output.retain_grad()
        kept.append(output)

    sums = (part for part in model.layers.modules() if isinstance(part, nn.Linear))
    handles = [layer.register_forward_hook(keep) for layer in sums]
    try:
        top = model.layers(batch)
    finally:
        for handle in handles:
            handle.remove()
    (top * torch.randn(top.shape, generator=generator)).sum().backward()
    return [float(s.grad.double().square().mean()) for s in kept if s.grad is not None]


GROWS = 1.15
"""A growth is as claimed within this factor, over all blocks or, where it doubles, at each."""

RELU_BRANCH = 2**0.25
"""With this gain two layers of weights with rectifiers between them keep a mean square."""


@c.claim("D17", "De & Smith 2020, and teaching", c.BIRTH, chapter=18)
def d17_branches_add_up(evidence: c.Evidence) -> c.Judgement:
    """Without a rule the variance of a residual stream doubles at every block, of rectifiers as of
    tanh; branches divided by the root of the number L of blocks keep it near (1 + 1/L)^L times its
    size, which is below e; and with a normalization in front of every branch it grows as one plus
    L.

    Statistic: mean square of the stream behind the last block over that in front of the first, and
        of the first two its 20th root
    Rule: the 95 % interval is within a factor of {GROWS:g} of 2, of (1 + 1/20)^20, and of 21; each
        of the four a part
    Scale: 20 blocks of two layers of 200 units, as wide an input of variance 1, 100 examples, seeds
        0 to 4; branches that keep a mean square, and for tanh n Var[W] = 1
    """
    blocks = 20
    free = {units: growth(units, blocks) ** (1 / blocks) / 2 for units in ("relu", "tanh")}
    tested = {
        "rectifiers double": free["relu"],
        "tanh doubles": free["tanh"],
        "by the root of 20: 2.65 times": growth("relu", blocks, scale=blocks**-0.5)
        / (1 + 1 / blocks) ** blocks,
        "normalized in front: 21 times": growth("relu", blocks, place="pre") / (1 + blocks),
    }
    intervals = {name: c.ratio_interval(values) for name, values in tested.items()}
    parts = {name: c.within_factor(found, GROWS) for name, found in intervals.items()}
    numbers = {name: c.as_ratio(found) for name, found in intervals.items()}
    said = (
        f"Tanh at each block over 2; over all blocks {growth('tanh', blocks).mean():.3g} times. "
        "Numbers are found over claimed"
    )
    return c.in_parts(parts, numbers["tanh doubles"], said, numbers=numbers)


def growth(units: str, blocks: int, place: Place = "none", scale: float = 1.0) -> c.Array:
    """Mean square of the stream behind the last block over that before the first, by seed."""
    found = [stream_sizes(units, blocks, place, scale, seed) for seed in births.SEEDS]
    return np.array([sizes[-1] / sizes[0] for sizes in found])


def stream_sizes(
    units: str, blocks: int, place: Place = "none", scale: float = 1.0, seed: int = 0,
    width: int = 200,
) -> list[float]:  # fmt: skip
    """Mean squares of the stream before the first block, and behind each of them."""
    generator = torch.Generator().manual_seed(seed)
    gain = RELU_BRANCH if units == "relu" else 1.0
    options: dict[str, Any] = {"units": units, "place": place, "scale": scale, "n_in": width}
    model = residual(generator, width, blocks, gain=gain, **options)
    stream = [torch.randn(100, width, generator=generator)]
    with torch.no_grad():
        for block in model.blocks:
            stream.append(block(stream[-1]))
    return [float(h.double().square().mean()) for h in stream]


NEAR = 0.25
"""How far an exponent may be from the claimed one."""

DEPTHS = (4, 16, 64)
"""Numbers of blocks over which exponents are taken."""


@c.claim("D18", "Zhang et al. 2019 (Fixup)", c.BIRTH, chapter=18)
def d18_one_step(evidence: c.Evidence) -> c.Judgement:
    """With L branches of m layers, the last of them zero, the other weights times L to the power
    -1/(2m - 2), a step changes the outputs by as much at any depth; without the factor by L times
    as much, and with the sign of the exponent lost, as some pages print it, by L^2.

    Statistic: slope of the logarithm of the change of the logits in a small step of the branches'
        weights on the logarithm of the number of blocks, {DEPTHS}
    Rule: the 95 % interval of each is within {NEAR:g} of 0, 1 and 2; for m = 2 and 3, each a part
    Scale: rectifiers, width 64, 20 images, seeds 0 to 4; biases stay
    """
    numbers, parts = {}, {}
    for m in (2, 3):
        for said, sign, claimed in (
            ("as claimed", -1, 0),
            ("no factor", 0, 1),
            ("sign lost", 1, 2),
        ):
            found = mean_interval(np.array([step_exponent(m, sign, s) for s in births.SEEDS]))
            name = f"m = {m}, {said}: {claimed}"
            numbers[name] = found
            parts[name] = equivalent(c.shifted(found, -claimed), NEAR)
    return c.in_parts(parts, next(iter(numbers.values())), numbers=numbers)


def slope(sizes: Mapping[int, float]) -> float:
    """Exponent of sizes in the numbers they are of."""
    return float(c.powers(list(sizes), list(sizes.values())))


@cache
def step_exponent(m: int, sign: int, seed: int, width: int = 64) -> float:
    """Exponent in depth of the change that a small step of the branches makes in the logits."""
    return slope({blocks: step_change(blocks, m, sign, seed, width) for blocks in DEPTHS})


def step_change(blocks: int, m: int, sign: int, seed: int, width: int = 64) -> float:
    """Root mean square of what a step of gradient descent changes, over its rate."""
    rate = 1e-9  # so small that the change is proportional to it
    generator = torch.Generator().manual_seed(seed)
    power = sign / (2 * m - 2)
    model = residual(generator, width, blocks, m, "relu", gain=2**0.5, power=power).double()
    x, y = Shapeset(seed).batch(20)
    logits = model(x.double())
    weights = [p for p in model.blocks.parameters() if p.dim() == 2]
    gradients = torch.autograd.grad(nn.functional.cross_entropy(logits, y), weights)
    with torch.no_grad():
        for weight, gradient in zip(weights, gradients, strict=True):
            weight.sub_(rate * gradient)
        change = (model(x.double()) - logits) / rate
    return float(change.square().mean().sqrt())


LEVEL = 0.1
"""How far an exponent of the last gradient may be from the claimed one."""


@c.claim("D19", "Xiong et al. 2020", c.BIRTH, chapter=18)
def d19_last_gradient(evidence: c.Evidence) -> c.Judgement:
    """With a layer normalization in front of every branch the gradient of the last block's weights
    falls as the inverse root of one plus the number of blocks, and with one behind every sum it
    does not depend on it.

    Statistic: slope of the logarithm of the gradient's norm on the logarithm of one plus the number
        of blocks, {DEPTHS}
    Rule: the 95 % interval is within {LEVEL:g} of -1/2 and of 0; each a part
    Scale: plain blocks of two layers of 100 rectifiers in place of attention, 50 images, 15 draws
    """
    claimed: dict[Place, float] = {"pre": -0.5, "post": 0.0}
    names: dict[Place, str] = {"pre": "in front: -1/2", "post": "behind: 0"}
    numbers = {names[place]: mean_interval(last_exponents(place)) for place in claimed}
    parts = {
        names[place]: equivalent(c.shifted(numbers[names[place]], -power), LEVEL)
        for place, power in claimed.items()
    }
    return c.in_parts(parts, numbers[names["pre"]], numbers=numbers)


@cache
def last_exponents(place: Place, draws: int = 15, width: int = 100) -> c.Array:
    """Exponent in one plus the depth of the last weight gradient's norm, draw by draw."""
    return np.array(
        [
            slope({1 + k: last_gradient(k, place, seed, width) for k in DEPTHS})
            for seed in range(draws)
        ]
    )


def last_gradient(blocks: int, place: Place, seed: int, width: int = 100) -> float:
    """Norm of the gradient of the last block's last weights, at birth."""
    generator = torch.Generator().manual_seed(seed)
    model = residual(generator, width, blocks, 2, "relu", place=place, gain=RELU_BRANCH)
    x, y = Shapeset(seed).batch(50)
    weight = model.get_parameter(f"blocks.{blocks - 1}.branch.2.weight")
    (gradient,) = torch.autograd.grad(nn.functional.cross_entropy(model(x), y), [weight])
    return float(gradient.double().norm())


# ------------------------------------------------------------------------------- training

RECORD = "mend"
ENDS, SOONER = "2,000 updates", "1,500 updates"


@c.claim("D20", "Yang et al. 2019", ENDS, chapter=18, needs=(RECORD,))
def d20_twenty_layers(evidence: c.Evidence) -> c.Judgement:
    """Twenty layers of rectifiers with batch normalization, whose gradients are too unequal, do not
    start to learn; with layer normalization they do.

    Statistic: test errors at the end, at rates 0.03 and 0.1
    Rule: a run has started if its error is below {LEARNED:g} %; a network starts if at one rate all
        five seeds have, and does not if no run has; else open; each normalization a part
    Scale: width 100, batches of ten, 5 seeds; the images are tested on all at once
    """
    rows = evidence.rows(RECORD)
    errors = {norm: errors_by_rate(rows, f"{norm} norm, 20 layers") for norm in ("batch", "layer")}
    begun = {norm: starts(table) for norm, table in errors.items()}
    parts = {
        "batch normalization does not start": c.negated(begun["batch"]),
        "layer normalization starts": begun["layer"],
    }
    said = (
        f"{norm} norm: {int((table < LEARNED).to_numpy().sum())} of {table.size} runs have started,"
        f" the least mean error after {ENDS} is {table.mean().min():.1f} %, at rate "
        f"{table.mean().idxmin():g}"
        for norm, table in errors.items()
    )
    best = errors["batch"]
    return c.in_parts(parts, interval(best[best.mean().idxmin()]), *said)


def errors_by_rate(rows: pd.DataFrame, arm: str) -> pd.DataFrame:
    """Errors at the end of one arm in percent: a row a seed, a column a rate."""
    found = choose(rows, arm=arm, quantity="final_error")
    return 100 * found.pivot(index="seed", columns="lr", values="value")


def at_best_rate(rows: pd.DataFrame, arm: str) -> pd.Series[float]:
    """Errors by seed, at the rate of the least mean, which is the series' name."""
    errors = errors_by_rate(rows, arm)
    return errors[errors.mean().idxmin()]


def starts(errors: pd.DataFrame) -> c.Fact:
    """Whether all seeds learned at one rate; not, if no run did."""
    begun = errors < LEARNED
    return c.either(bool(begun.all().any()), not bool(begun.to_numpy().any()))


DIFFERS = 1.0
"""Points of error from which on the scale of weights matters."""


@c.claim("D21", "van Laarhoven 2017", ENDS, chapter=18, needs=(RECORD,))
def d21_scale_is_a_rate(evidence: c.Evidence) -> c.Judgement:
    """Behind a batch normalization the size of the weights changes no output, and what it changes
    is the learning rate: at one rate networks drawn at different scales learn differently, and with
    rates by the square of their scale they are one.

    Statistic: test cost before training and test error at the end with gains 1/2, 1 and 2, seed by
        seed; the same with the rates of hidden weights times the square of the gain
    Rule: costs at birth within 0.001 of each other; the 95 % interval of the error with gain 2 less
        that with gain 1/2 beyond {DIFFERS:g} point on either side; with rates to match, both
        intervals of the error less that with gain 1 within 0.2 points; each a part
    Scale: five hidden layers of 100 tanh units, rate 0.03, batches of ten, 5 seeds
    """
    rows = evidence.rows(RECORD)
    ends = {arm: errors_by_rate(rows, arm).iloc[:, 0] for arm in SCALED}
    low, one, high = (ends[arm] for arm in SCALED[:3])
    apart = interval(high - low)
    numbers = {
        "at one rate gains 1/2 and 2 differ": apart,
        "gain 1/2, rates to match: as gain 1": interval(ends[SCALED[3]] - one),
        "gain 2, rates to match: as gain 1": interval(ends[SCALED[4]] - one),
    }
    parts = {
        "outputs at birth are equal": births_equal(rows),
        "at one rate gains 1/2 and 2 differ": apart_by(apart, DIFFERS),
        **{name: equivalent(found, 0.2) for name, found in list(numbers.items())[1:]},
    }
    said = f"Error with gain 2 less that with gain 1/2, in points, at rate 0.03 after {ENDS}"
    return c.in_parts(parts, apart, said, numbers=numbers)


def costs_of_one(gain: float, updates: int) -> list[float]:
    """Costs over some updates in double precision, with a hidden rate times the gain's square.

    What batch normalization adds to a variance is so small that it does not count.
    """
    generator = torch.Generator().manual_seed(0)
    model = plain(generator, norm="batch", gain=gain, share=gain**2, eps=1e-30).double()
    optimizer, costs = torch.optim.SGD(model.groups(0.03)), list[float]()
    for x, y in (Shapeset(seed=update).batch(10) for update in range(updates)):
        cost = nn.functional.cross_entropy(model(x.double()), y)
        optimizer.zero_grad()
        cost.backward()
        optimizer.step()
        costs.append(float(cost.detach()))
    return costs


SCALED = tuple(
    f"scale, gain {gain:g}{matched}"
    for gains, matched in (((0.5, 1.0, 2.0), ""), ((0.5, 2.0), ", rates to match"))
    for gain in gains
)
"""Arms of networks that differ in their scale: at one rate, and with rates to match.

:meta hide-value:"""


def births_equal(rows: pd.DataFrame) -> bool:
    """Whether the arms of `SCALED` have the same cost before training, seed by seed."""
    found = choose(rows, arm=SCALED, quantity="test_cost", update=0)
    spread = found.groupby("seed")["value"].agg(lambda costs: costs.max() - costs.min())
    return bool((spread < 0.001).all())


def apart_by(found: Interval, margin: float) -> c.Fact:
    """Whether a difference is beyond a margin on either side, or is within it."""
    beyond = above(found, margin) if found.mean > 0 else below(found, -margin)
    return True if beyond else False if equivalent(found, margin) else None


MENDED = ("none", "batch norm", "layer norm", "branches")
"""What stands between a network of ten layers and its start."""


@c.claim("D22", "teaching; Zhang et al. 2019", SOONER, chapter=18, needs=(RECORD,))
def d22_start_matters(evidence: c.Evidence) -> c.Judgement:
    """A plain network of ten layers needs the right start, and one with batch normalization,
    layer normalization or scaled residual branches does not, if each has its best rate.

    Statistic: test error with standard initialization less that with normalized, each at the rate
        of the least mean error of 0.01, 0.03 and 0.1
    Rule: the start matters if the 95 % interval is beyond {MARGIN:g} points on either side, and
        does not if it is within; each of the four networks a part
    Scale: ten layers of 100 tanh units; as branches five blocks of two layers of weights around one
        of tanh, over the root of five, behind a first layer; hidden weights start with n Var[W] =
        1/3 or 1, others with 1; 5 seeds on which rates are chosen, too
    """
    rows = evidence.rows(RECORD)
    numbers, parts, rates = {}, {}, []
    for kind in MENDED:
        best = [at_best_rate(rows, f"{kind}, {rule}") for rule in ("standard", "normalized")]
        found = interval(best[0] - best[1])
        matters = apart_by(found, MARGIN)
        name = "none: it matters" if kind == "none" else f"{kind}: it does not matter"
        numbers[name] = found
        parts[name] = matters if kind == "none" else c.negated(matters)
        rates.append(f"{kind} {best[0].name:g} and {best[1].name:g}")
    said = f"Points after {SOONER}, standard less normalized; rates chosen: {'; '.join(rates)}"
    return c.in_parts(parts, numbers["none: it matters"], said, numbers=numbers)
