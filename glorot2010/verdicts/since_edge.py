"""Claims of the mean-field theory and of finite width, D1 to D8, each with its judge.

The first four rest on networks of five depths at eight points of the plane of gain and bias; what
it means that a network starts is said in `glorot2010.edge`. A point's depth is known between two
numbers: the deepest that starts with all shallower ones, and the first that does not. Neither is an
interval over seeds; what hangs on one seed is found by leaving each out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import torch
from scipy import special, stats

from glorot2010 import runs
from glorot2010.catalogue import edge_arm
from glorot2010.edge import REACH, Depths, depths, told, tried
from glorot2010.edge import STARTS as STARTS  # for docstrings
from glorot2010.verdicts import claim as c
from glorot2010.verdicts import curves
from glorot2010.verdicts.asked import above, equivalent, mean_interval
from xavier import theory
from xavier.intervals import Interval
from xavier.network import Network
from xavier.shapeset import Shapeset

NEAR, FAR = 2.0, 3.0
"""A depth is as a theory has it within the first factor, and is not beyond the second."""

BIASED = ((1.0, 0.05), (1.2, 0.05), (1.75, 0.05), (2.5, 0.05))
CHAOTIC = ((5 / 3, 0.0), (3.0, 0.0), (1.75, 0.05), (2.5, 0.05))
STANDARD, CORNER = (3**-0.5, 0.0), (1.0, 0.0)

EDGE = "book: hidden layers of 100 tanh units, 5 to 80 of them, 3 seeds, 3 rates"
UPDATES = "4,000 updates"


@c.claim("D1", "Schoenholz et al. 2017", UPDATES, chapter=16, needs=("edge",), later=("edge_160",))
def d1_six_scales(evidence: c.Evidence) -> c.Judgement:
    """A tanh network trains if it has at most about six times as many layers as its depth scale for
    correlations, and else not.

    Statistic: deepest of 5, 10, 20, 40 and 80 layers that starts (with a test cost of at most
        {STARTS:g}, a mean over seeds at the best rate), over {REACH:g} xi_c, at gains 1, 1.2, 1.75
        and 2.5 with biases of variance 0.05
    Rule: a point holds if the ratio is between 1/{NEAR:g} and {NEAR:g} and a deeper network does
        not start; it fails if the ratio is above {FAR:g}, or if the first that does not start is
        below 1/{FAR:g}; the claim holds if all four points do and fails if one does
    Scale: {EDGE}
    Changed: 160 layers count at gain 1.2, too, where all of 5 to 80 had started, so that the rule
        left this point open; the other three were as they are. Changed before the 160 were run.
    """
    rows = evidence.rows("edge")
    if (deeper := evidence.rows_if_any("edge_160")) is not None:
        rows = pd.concat([rows, deeper])
    parts, said = {}, []
    for point in BIASED:
        scale = REACH * _scales(*point).of_correlation
        reach = depths(rows, *point)
        parts[f"gain {point[0]:g}"] = reaches(reach, scale)
        said.append(f"{told(reach)} where it has {scale:.0f}")
    return c.as_a_whole(
        c.all_of(parts.values()), "; ".join(said), *_setting(rows, BIASED), parts=parts
    )


@c.claim("D2", "Schoenholz et al. 2017", UPDATES, chapter=16, needs=("edge",))
def d2_which_scale(evidence: c.Evidence) -> c.Judgement:
    """Beyond the critical line, where gradients explode, it is still the correlation of inputs that
    limits the depth, and not the gradient.

    Statistic: geometric mean of the deepest network that starts and of the first that does not,
        held against {REACH:g} xi_c and {REACH:g} xi of the gradient, at gains 5/3 and 3 without
        biases, and 1.75 and 2.5 with biases of variance 0.05
    Rule: a point holds if its logarithm is nearer to that of the first, and fails if it is nearer
        to that of the second; where all depths start, it holds if 80 is; each point a part
    Scale: {EDGE}
    """
    rows = evidence.rows("edge")
    parts: dict[str, c.Fact] = {}
    said = []
    for gain, bias in CHAOTIC:
        found = _scales(gain, bias)
        first, second = REACH * found.of_correlation, REACH * found.of_gradient
        reach = depths(rows, gain, bias)
        parts[f"gain {gain:.3g}, bias {bias:g}"] = nearer(reach, first, second)
        said.append(f"{told(reach)} of {first:.0f} and {second:.0f}")
    return c.in_parts(parts, "; ".join(said), *_setting(rows, CHAOTIC))


@c.claim("D3", "Schoenholz et al. 2017, on the paper", UPDATES, chapter=16, needs=("edge",))
def d3_two_rules(evidence: c.Evidence) -> c.Judgement:
    """The paper's standard initialization ends at its depth scale, near five layers, and the
    normalized one, which is on the critical line, at none.

    Statistic: deepest of 5, 10, 20, 40 and 80 layers that starts, at gains 1/sqrt 3 and 1 without
        biases; for the first over {REACH:g} xi of the gradient, since correlations have no scale
    Rule: the first as a point of D1; the second holds if 80 layers and all shallower ones start,
        and fails if not; each a part
    Scale: {EDGE}
    """
    rows = evidence.rows("edge")
    scale = REACH * _scales(*STANDARD).of_gradient
    standard, normalized = (depths(rows, *point) for point in (STANDARD, CORNER))
    parts: dict[str, c.Fact] = {
        "standard ends at its scale": reaches(standard, scale),
        "normalized does not end": math.isinf(normalized[1]),
    }
    ours = f"{told(standard)} and {told(normalized)}"
    return c.in_parts(parts, ours, *_setting(rows, (STANDARD, CORNER)), paper=f"{scale:.1f}, none")


@c.claim("D4", "on Schoenholz et al. 2017", UPDATES, chapter=16, needs=("edge",))
def d4_no_patience(evidence: c.Evidence) -> c.Judgement:
    """The depth at which networks cease to start is a wall and not a matter of patience: twice the
    updates do not move it.

    Statistic: points of the eight at which some depth does not start in all updates, and those of
        them at which the deepest that starts was a shallower one after half of the updates
    Rule: holds if there are 0 of the latter, fails if they are half of the former or more; open
        in between, and if there are none of the former
    Scale: {EDGE}
    """
    rows = evidence.rows("edge")
    points = (STANDARD, CORNER, *CHAOTIC[:2], *BIASED)
    last = int(rows[rows["quantity"] == "test_cost"]["update"].max())
    walls = [p for p in points if math.isfinite(depths(rows, *p)[1])]
    moved = [p for p in walls if depths(rows, *p, last // 2)[0] < depths(rows, *p)[0]]
    fact = c.either(bool(walls) and not moved, bool(walls) and 2 * len(moved) >= len(walls))
    ours = f"{len(moved)} of {len(walls)}"
    names = ", ".join(f"gain {gain:.3g} with bias {bias:g}" for gain, bias in moved)
    said = (f"Moved: {names}",) if moved else ()
    return c.as_a_whole(fact, ours, *said, *_setting(rows, points))


def reaches(found: Depths, scale: float) -> c.Fact:
    """Whether a depth is as a scale has it, within `NEAR`; no if it is not even within `FAR`."""
    deepest, first_not = found
    near = scale / NEAR <= deepest <= scale * NEAR and math.isfinite(first_not)
    return c.either(near, deepest > scale * FAR or first_not < scale / FAR)


def nearer(found: Depths, first: float, second: float) -> c.Fact:
    """Whether a depth is nearer to the larger one of two scales, as a ratio, than to the other."""
    deepest, first_not = found
    middle = math.sqrt(first * second)
    if math.isfinite(first_not):
        return math.sqrt(deepest * first_not) > middle
    return True if deepest > middle else None


@cache
def _scales(gain: float, bias: float) -> theory.DepthScales:
    return theory.depth_scales("tanh", gain=gain, bias=bias)


def _setting(rows: pd.DataFrame, points: Sequence[tuple[float, float]]) -> tuple[str, ...]:
    arms = [edge_arm(*point, layers) for point in points for layers in tried(rows)]
    return ("Deepest that starts", curves.setting(rows, "edge", *arms))


# --------------------------------------------------------------------------------------------------
# Computed at birth
# --------------------------------------------------------------------------------------------------

SEEDS = tuple(range(8))
DRAWS = 20
ALIKE = 0.95
"""Two images are alike from this cosine on."""

FIFTH = 0.07
"""How far the mean cosine in the fifth layer may be from the theory for wide layers."""


@c.claim("D5", "Schoenholz et al. 2017", c.BIRTH, chapter=16)
def d5_ordered(evidence: c.Evidence) -> c.Judgement:
    """Below the critical line a deep tanh network says the same of all inputs, and PyTorch's
    default linear layers make one that does.

    Statistic: mean cosine of all pairs of images in hidden layer 20: torch's default; gain 1 with
        biases of variance 0.05; gains 1/sqrt 3 and 0.8 without biases; and in layer 5 of the first,
        less the theory for wide layers
    Rule: alike if the 95 % interval is above {ALIKE:g}, not if it is below; the last holds within
        {FIFTH:g}; each a part
    Scale: width 200, 100 images, seeds 0 to 7
    """
    rules = {
        "torch's default, layer 20": (3**-0.5, None),
        "gain 1, bias 0.05": (1.0, 0.05),
        "gain 0.577, no biases": (3**-0.5, 0.0),
        "gain 0.8, no biases": (0.8, 0.0),
    }
    deep = {name: mean_interval(cosines(*rule)[:, 19]) for name, rule in rules.items()}
    fifth = mean_interval(cosines(3**-0.5, None)[:, 4] - _default_cosine(5))
    parts: dict[str, c.Fact] = {name: above(found, ALIKE) for name, found in deep.items()}
    parts["torch's default, layer 5, less theory"] = equivalent(fifth, FIFTH)
    numbers = {**deep, "torch's default, layer 5, less theory": fifth}
    said = "Mean cosine with torch's default; without biases lengths die out and cosines stay"
    return c.in_parts(parts, deep["torch's default, layer 20"], said, numbers=numbers)


@cache
def cosines(gain: float, bias: float | None, width: int = 200, layers: int = 20) -> c.Array:
    """Mean cosine of all pairs of a hundred images, a row a seed and a column a hidden layer.

    Args:
        gain: root of n Var[W].
        bias: variance of the biases; None for torch's, uniform and of variance 1/(3 n_in).
        width, layers: of the networks.
    """
    images, _ = Shapeset(seed=0).batch(100)
    found = []
    for seed in SEEDS:
        sizes = [images.shape[1], *[width] * layers, 9]
        network = Network.create(sizes, "tanh", "lecun", seeds=[seed], gain=gain)
        if bias is None:
            generator = torch.Generator().manual_seed(1000 + seed)
            for n_in, b in zip(sizes, network.b, strict=False):
                b.uniform_(-(n_in**-0.5), n_in**-0.5, generator=generator)
        elif bias:
            runs.random_biases(network, bias)
        found.append([_mean_cosine(z[0]) for z in network.forward(images).z[1:]])
    return np.array(found)


def _mean_cosine(z: torch.Tensor) -> float:
    """Over all pairs of rows."""
    unit = torch.nn.functional.normalize(z.double(), dim=1)
    n = len(unit)
    return float((unit.sum(0).square().sum() - n) / (n * (n - 1)))


@cache
def _default_cosine(layers: int, width: int = 200) -> float:
    """What wide layers have, by the maps, from images of mean square and mean product as ours."""
    images, _ = Shapeset(seed=0).batch(100)
    pixels = images.double()
    n, inputs = pixels.shape
    square = float(pixels.square().mean())
    product = float((pixels.sum(0).square().sum() / inputs - n * square) / (n * (n - 1)))
    bias = 1 / (3 * inputs)
    q = square / 3 + bias
    found = (product / 3 + bias) / q
    for layer in range(1, layers + 1):
        # What units say has the product of the next sums, less its biases and gain.
        after = theory.correlation_map("tanh", found, q)
        if layer < layers:
            bias = 1 / (3 * width)
            found = theory.correlation_map("tanh", found, q, gain=3**-0.5, bias=bias)
            q = theory.variance_map("tanh", q, gain=3**-0.5, bias=bias)
    return after


DEEP = 50
GAINS = (1.0, 1.05, 1.1, 5 / 3)


@c.claim("D6", "on Schoenholz et al. 2017", c.BIRTH, chapter=16)
def d6_settled_chi(evidence: c.Evidence) -> c.Judgement:
    """Through fifty layers of tanh a gradient's variance changes as chi does where the signal has
    settled, chi to the power 49.

    Statistic: mean square of the gradient in layer 1 over that in layer {DEEP}, over chi^49, for
        inputs of mean square 1
    Rule: holds for a gain if the 95 % interval of the ratio's geometric mean is within a factor of
        {NEAR:g}, fails if it is outside; gains 1, 1.05, 1.1 and 5/3, each a part
    Scale: width 200, 20 inputs, {DRAWS} draws
    """
    means, parts = {}, {}
    for gain in GAINS:
        ratios = gradient_ratios()[gain] / _scales(gain, 0.0).chi ** (DEEP - 1)
        name = f"gain {gain:.3g}"
        means[name] = c.ratio_interval(ratios)
        parts[name] = c.within_factor(means[name], NEAR)
    numbers = {name: c.as_ratio(mean) for name, mean in means.items()}
    said = "Drawn over chi^49 at gain 1.1; until it has settled a signal has a smaller chi"
    return c.in_parts(parts, numbers["gain 1.1"], said, numbers=numbers)


@cache
def gradient_ratios(width: int = 200, draws: int = DRAWS) -> dict[float, c.Array]:
    """Mean square of the gradient in layer 1 over that in layer 50, draw by draw, for all gains.

    One draw serves all gains: its weights are multiplied.
    """
    x = torch.randn(20, width, generator=torch.Generator().manual_seed(0))
    labels = torch.zeros(20, dtype=torch.int64)
    found: dict[float, list[float]] = {gain: [] for gain in GAINS}
    for seed in range(draws):
        network = Network.create([width] * (DEEP + 1) + [10], "tanh", "lecun", seeds=[seed])
        for gain, ratios in found.items():
            multiplied = _multiplied(network, gain)
            delta = multiplied.backward(multiplied.forward(x), labels).s
            first, last = (float(delta[i].double().square().mean()) for i in (0, DEEP - 1))
            ratios.append(first / last)
    return {gain: np.array(ratios) for gain, ratios in found.items()}


def _multiplied(network: Network, gain: float) -> Network:
    """The same network with all weights multiplied."""
    return Network([gain * w for w in network.w], network.b, network.activation, network.seeds)


STRANGERS = 0.08
"""How far a mean cosine may be from the theory for wide layers."""


@c.claim("D7", "Poole et al. 2016", c.BIRTH, chapter=16)
def d7_strangers(evidence: c.Evidence) -> c.Judgement:
    """Beyond the critical line two inputs that are nearly equal become strangers with depth, and on
    it they stay as they are.

    Statistic: mean cosine of the sums of two inputs of cosine 0.99, gain 5/3, in layers 10, 20, 30
        and 50, less the theory for wide layers; and in layer 50 at gain 1
    Rule: holds for a layer if the 95 % interval is within {STRANGERS:g}, fails if it is outside;
        the last holds above 0.95 and fails below; each a part
    Scale: width 300, inputs of mean square 1, 40 draws
    """
    layers = (10, 20, 30, 50)
    drawn = pair_cosines()[5 / 3]
    means = {
        f"layer {layer}": _in_thousandths(drawn[:, layer - 1] - _pair_theory(5 / 3, layer))
        for layer in layers
    }
    parts: dict[str, c.Fact] = {n: equivalent(mean, STRANGERS) for n, mean in means.items()}
    means["gain 1, layer 50"] = level = _in_thousandths(pair_cosines()[1.0][:, DEEP - 1])
    parts["gain 1, layer 50"] = above(level, ALIKE)
    last = _in_thousandths(drawn[:, DEEP - 1])
    said = f"Cosine in layer {DEEP} at gain 5/3; drawn less theory in brackets"
    return c.in_parts(parts, last, said, paper=_pair_theory(5 / 3, DEEP), numbers=means)


def _in_thousandths(cosines: c.Array) -> Interval:
    """Their mean in three decimals: fifty layers in single precision blow rounding up as well."""
    mean = mean_interval(cosines)
    ends = {name: round(getattr(mean, name), 3) for name in ("mean", "low", "high")}
    return replace(mean, **ends)


@cache
def pair_cosines(width: int = 300, draws: int = 2 * DRAWS) -> dict[float, c.Array]:
    """Cosine of two inputs' weighted sums, a row a draw and a column a layer, at two gains."""
    one, other = torch.randn(2, width, generator=torch.Generator().manual_seed(0)).double()
    one = one / one.norm()
    other = other - (other @ one) * one
    other = other / other.norm()
    pair = torch.stack([one, 0.99 * one + math.sqrt(1 - 0.99**2) * other])
    x = (width**0.5 * pair).float()
    found: dict[float, list[list[float]]] = {5 / 3: [], 1.0: []}
    for seed in range(draws):
        network = Network.create([width] * (DEEP + 1), "tanh", "lecun", seeds=[seed])
        for gain, rows in found.items():
            rows.append([_mean_cosine(s[0]) for s in _multiplied(network, gain).forward(x).s])
    return {gain: np.array(rows) for gain, rows in found.items()}


def _pair_theory(gain: float, layer: int) -> float:
    """What wide layers have."""
    q, found = gain**2, 0.99
    for _ in range(layer - 1):
        found = theory.correlation_map("tanh", found, q, gain=gain)
        q = theory.variance_map("tanh", q, gain=gain)
    return found


WIDTHS: dict[str, tuple[int, ...]] = {
    "20 layers of 50": (50,) * 20,
    "40 layers of 100": (100,) * 40,
    "8 layers of 20": (20,) * 8,
    "layers of 70, four of 20 among them": (70,) * 7 + (20,) * 4 + (70,) * 7,
}
"""Widths whose reciprocals add up to 0.4, by what they are called.

:meta hide-value:"""

FIVE = 0.15
"""Share by which a variance may be off five times the sum of 1/n."""


@c.claim("D8", "Hanin and Rolnick 2018", c.BIRTH, chapter=16)
def d8_sum_of_reciprocals(evidence: c.Evidence) -> c.Judgement:
    """How much the length of a signal in a ReLU network with He's weights scatters is decided by
    the sum of 1/n over its layers, and by nothing else of its widths: the logarithm of the squared
    length has five times it for its variance.

    Statistic: that variance over five times the sum, which is 0.4 in four networks
    Rule: holds for widths if the 95 % interval is within {FIVE:g} of 1, fails if it is outside;
        each a part
    Scale: 10,000 draws of 20 layers of 50 units, 40 of 100, 8 of 20, and 18 of which four have 20
        units and the others 70
    """
    scatter = {name: _scatter(widths) for name, widths in WIDTHS.items()}
    parts = {name: equivalent(found, FIVE) for name, found in scatter.items()}
    numbers = {name: c.shifted(found, 1) for name, found in scatter.items()}
    exact = (exact_scatter(widths) / _five(widths) for widths in WIDTHS.values())
    said = "Variance over 5 times the sum of 1/n, 20 layers of 50; exact: "
    said += ", ".join(f"{ratio:.3f}" for ratio in exact)
    return c.in_parts(parts, numbers["20 layers of 50"], said, numbers=numbers)


def _five(widths: Sequence[int]) -> float:
    """Five times the sum of 1/n."""
    return 5 * sum(1 / n for n in widths)


def _scatter(widths: tuple[int, ...]) -> Interval:
    """The variance of `log_lengths` over five times the sum of 1/n, less 1."""
    logs = log_lengths(widths)
    n = len(logs)
    squares = (logs - logs.mean()) ** 2 * n / (n - 1)
    return mean_interval(squares / _five(widths) - 1)


@cache
def log_lengths(widths: tuple[int, ...], draws: int = 10_000) -> c.Array:
    """Logarithm of the squared length that is left of one input behind the last layer, by draw.

    What a layer's normal weights of variance 2/n_in make of a vector h are independent normal sums
    of variance 2 |h|^2 / n_in, whatever h is: these are drawn, and not the weights. Each layer's
    length counts by its width, so that on average it is kept. Draws in which no unit is left above
    0, one in a million a layer of 20, are left out.
    """
    rng = np.random.default_rng(0)
    found = np.zeros(draws)
    for n in widths:
        sums = np.maximum(rng.standard_normal((draws, n)), 0)
        with np.errstate(divide="ignore"):
            found += np.log(2 / n * (sums**2).sum(1))
    return found[np.isfinite(found)]


def exact_scatter(widths: Sequence[int]) -> float:
    """The variance that `log_lengths` has, exactly.

    Of n units k are above 0, with binomial k, and their squares add up to a chi-square variable
    with k degrees of freedom, whose logarithm has mean psi(k/2) + ln 2 and variance psi'(k/2).
    """
    total = 0.0
    for n in widths:
        k = np.arange(1, n + 1)
        weight = stats.binom.pmf(k, n, 0.5)
        weight /= weight.sum()
        mean = special.digamma(k / 2)
        total += float(weight @ (special.polygamma(1, k / 2) + mean**2) - (weight @ mean) ** 2)
    return total
