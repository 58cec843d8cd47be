"""Claims of notes on the paper and on initialization, S1 to S16, each with its judge."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import cache, reduce
from typing import Any

import numpy as np
import pandas as pd
import sympy
import torch

from glorot2010.verdicts import births, curves
from glorot2010.verdicts import claim as c
from glorot2010.verdicts.asked import above, below, compare, equivalent, interval, mean_interval
from xavier import datasets, derivation, rules, training
from xavier.activations import ACTIVATIONS
from xavier.intervals import Interval
from xavier.network import Network
from xavier.shapeset import Shapeset

UNTIED = 0.1
"""Units have parted when some weight of theirs differs by more than this."""


@c.claim(
    "S1",
    "Katanforoosh and Kunin (2019)",
    "12 updates in fractions, 3,000 in 32-bit numbers",
    chapter=1,
)
def s1_equal_units(evidence: c.Evidence) -> c.Judgement:
    """Hidden units of a layer whose weights all start at one constant, zero included, get equal
    gradients and stay equal for ever.

    Statistic: difference of two units: of their gradients for unknown activation and cost, and of
        their weights after updates in fractions and in 32-bit numbers
    Rule: each part holds if the difference is zero, in 32-bit numbers with sums in two orders if it
        stays up to {UNTIED:g}
    Scale: two rectified units, four inputs, two outputs
    """
    w = sympy.symbols("w_11 w_21 w_12 w_22 v_1 v_2", real=True)
    gradient = _tied_gradient(w)
    exact = max(_gap_in_fractions(start) for start in (Fraction(1, 2), Fraction(0)))
    same_order = _gap_in_floats([[0, 1, 2, 3]] * 2)
    two_orders = _gap_in_floats([[0, 1, 2, 3], [3, 2, 1, 0]])
    parts: dict[str, c.Fact] = {
        "equal gradients, for any activation and cost": all(
            births.same(gradient[i], gradient[j]) for i, j in ((0, 2), (1, 3), (4, 5))
        ),
        "stay equal in exact arithmetic, from a constant and from zero": exact == 0,
        "stay equal in 32-bit numbers, sums in one order": same_order == 0,
        "stay equal in 32-bit numbers whatever the order of the sums": two_orders <= UNTIED,
    }
    return c.in_parts(parts, f"gap {float(exact):g} exactly, {two_orders:.1f} in 32 bits")


def _tied_gradient(w: Sequence[sympy.Symbol]) -> list[sympy.Expr]:
    """Gradient of an unknown cost of two unknown units, at a point where they are equal."""
    x = sympy.symbols("x_1 x_2", real=True)
    y, alpha, beta = sympy.symbols("y alpha beta", real=True)
    f, cost = sympy.Function("f"), sympy.Function("C")
    output = w[4] * f(w[0] * x[0] + w[1] * x[1]) + w[5] * f(w[2] * x[0] + w[3] * x[1])
    tied = dict.fromkeys(w[:4], alpha) | dict.fromkeys(w[4:], beta)
    return [sympy.diff(cost(output, y), weight).subs(tied).doit() for weight in w]


class _TwoUnits:
    """Two rectified units that start equal and learn to give back the positive inputs.

    They compute in the numbers that they are given, and each adds up its inputs in its own order.
    """

    def __init__(self, start: Any, orders: Sequence[Sequence[int]]) -> None:
        self.orders = orders
        self.w, self.v = [[start] * 4] * 2, [[start] * 2] * 2

    def step(self, x: Sequence[Any], lr: Any) -> None:
        w, v, units = self.w, self.v, (0, 1)
        s = [reduce(operator.add, (w[k][j] * x[j] for j in self.orders[k])) for k in units]
        h = [max(s_k, 0) for s_k in s]
        e = [h[0] * v[0][o] + h[1] * v[1][o] - max(x[o], 0) for o in (0, 1)]
        back = [(e[0] * v[k][0] + e[1] * v[k][1]) * (s[k] > 0) for k in units]
        self.w = [[w[k][j] - lr * back[k] * x[j] for j in range(4)] for k in units]
        self.v = [[v[k][o] - lr * h[k] * e[o] for o in (0, 1)] for k in units]


def _gap(pair: Sequence[Sequence[Any]]) -> Any:
    return max(abs(a - b) for a, b in zip(*pair, strict=True))


def _gap_in_fractions(start: Fraction) -> Fraction:
    """How far two units part in 12 updates of exact arithmetic."""
    rng = np.random.default_rng(0)
    units = _TwoUnits(start, [[0, 1, 2, 3]] * 2)
    for _ in range(12):
        units.step([Fraction(int(k), 8) for k in rng.integers(-16, 17, 4)], Fraction(1, 20))
    gaps: list[Fraction] = [_gap(units.w), _gap(units.v)]
    return max(gaps)


def _gap_in_floats(orders: Sequence[Sequence[int]]) -> float:
    """How far the weights of two units part in 3,000 updates of 32-bit numbers."""
    rng = np.random.default_rng(0)
    units = _TwoUnits(np.float32(0.5), orders)
    for _ in range(3000):
        units.step(list(rng.standard_normal(4, dtype=np.float32)), np.float32(0.05))
    return float(_gap(units.w))


SLOWER = 0.10
"""A start learns more slowly if its error is larger by this fraction after the same updates."""


@c.claim("S2", "Katanforoosh and Kunin (2019)", "1,000 updates", chapter=3)
def s2_small_and_large(evidence: c.Evidence) -> c.Judgement:
    """Weights that start too small make learning slow, and weights that start too large make it
    diverge.

    Statistic: test error at gain 0.1 less that at gain 1, each at its best rate of four; share of
        the runs at gain 100 whose cost becomes no number
    Rule: slow if the 95 % interval is above {SLOWER:g}; diverging if at least 90 % of the runs do,
        not if at most 10 %; for tanh and for linear units, each a part
    Scale: five hidden layers of 30 units on 8x8 digits, seeds 0 to 4
    """
    found = {units: _sweep(units) for units in ("tanh", "identity")}
    slow, parts = {}, dict[str, c.Fact]()
    for units, rows in found.items():
        best = rows.groupby(["seed", "gain"])["error"].min().unstack()  # over the rates
        slow[units] = compare(best, 0.1, 1.0)
        parts[f"too small is slow, {units}"] = above(slow[units], SLOWER)
        large = rows[rows.gain == 100.0].outcome == "diverged"
        parts[f"too large diverges, {units}"] = _nearly_all(large)
    spoilt = found["tanh"][found["tanh"].gain == 100.0].outcome.value_counts().idxmax()
    return c.in_parts(
        parts,
        slow["tanh"],
        "Error at gain 0.1 less that at gain 1, tanh, best rates; at gain 100 tanh units are "
        f"{spoilt}",
    )


@cache
def _sweep(activation: str) -> pd.DataFrame:
    """Five hidden layers on digits from three gains at four rates: error and outcome."""
    pairs = itertools.product((0.1, 1.0, 100.0), (0.001, 0.01, 0.1, 1.0), births.SEEDS)
    grid = pd.DataFrame(pairs, columns=["gain", "lr", "seed"])
    digits = datasets.load("digits", "test")
    test = digits.images, digits.labels
    network, _ = training.train_grid(
        [64, 30, 30, 30, 30, 30, 10],
        activation,
        grid,
        lambda seed: datasets.stream("digits", "train", seed),
        updates=1000,
        progress=False,
    )
    error = network.error(network.forward(test[0]), test[1]).tolist()
    return grid.assign(error=error, outcome=training.outcomes(network, test))


def _nearly_all(cases: pd.Series[bool]) -> c.Fact:
    """Whether a thing happens as a rule: True from 90 % of the cases on, False up to 10 %."""
    share = float(cases.mean())
    return c.either(share >= 0.9, share <= 0.1)


@c.claim("S3", "Katanforoosh and Kunin (2019)", c.BIRTH, chapter=3)
def s3_ten_matrices(evidence: c.Evidence) -> c.Judgement:
    """In ten linear layers of which nine are 1.5 times the identity, signal and gradient grow as
    1.5^9; with half the identity they shrink as 0.5^9.

    Statistic: output and gradient by the input, over those of the last layer alone; mean square
        after nine random matrices of gain g, over g^18
    Rule: equal exactly; random matrices within {births.AGREES:g} standard errors of 1
    Scale: 2x2 matrices; 40 linear networks of width 100
    """
    parts: dict[str, c.Fact] = {}
    exact = sympy.Rational(3, 2), sympy.Rational(1, 2)
    for gain in exact:
        up, down = _through_nine(gain)
        parts[f"forward by ({gain})^9"] = up == gain**9
        parts[f"gradient by ({gain})^9"] = down == gain**9
    for factor in (1.5, 0.5):
        squares = _random_matrices(factor) / factor**18
        parts[f"random matrices of gain {factor} alike"] = births.agrees(
            births.distance(squares, 1.0)
        )
    ours = " and ".join(f"{float(_through_nine(gain)[0]):.3g}" for gain in exact)
    return c.in_parts(parts, ours, paper="1.5^9 and 0.5^9")


def _through_nine(gain: sympy.Rational) -> tuple[sympy.Expr, sympy.Expr]:
    """By what nine matrices ``gain * I`` multiply an output, and its gradient by the input."""
    x = sympy.Matrix(sympy.symbols("x_1 x_2", real=True))
    out = sympy.Matrix([sympy.symbols("a b", positive=True)])
    y = (out * (gain * sympy.eye(2)) ** 9 * x)[0]
    plain = (out * x)[0]
    down = sympy.diff(y, x[0]) / sympy.diff(plain, x[0])
    return sympy.cancel(y / plain), sympy.cancel(down)


def _random_matrices(gain: float) -> c.Array:
    """Mean square after nine random matrices of one gain, for 40 networks of width 100."""
    x = torch.randn(40, 1, 100, generator=torch.Generator().manual_seed(0))
    network = Network.create([100] * 10, "identity", "lecun", seeds=range(40), gain=gain)
    squares = network.forward(x).logits.double().square().mean((1, 2))
    return (squares / x.double().square().mean((1, 2))).numpy()


NO_MEAN = 0.1
"""A layer has mean zero if its mean is below this multiple of its standard deviation."""


@c.claim("S4", "Katanforoosh and Kunin (2019)", c.BIRTH, chapter=9)
def s4_zero_mean_equal_variance(evidence: c.Evidence) -> c.Judgement:
    """If activations have mean zero and the same variance in every layer, back-propagated gradients
    neither vanish nor explode.

    Statistic: variance of the gradient at layer 10 over that at layer 50, of tanh networks at gain
        5/3, which meet both conditions; the same by algebra for linear units
    Rule: holds if the 95 % interval lies within a factor of {births.KEPT:g} of 1; counted only
        where means are below {NO_MEAN:g} standard deviations and the variances of the two layers
        within a factor of {births.ALIKE:g}
    Scale: width 400, depth 50, seeds 0 to 4
    """
    rows = births.deep("tanh", 5 / 3, 50, 400).query("10 <= layer <= 50")
    fulfilled = c.all_of(
        [
            bool((rows["mean"].abs() < NO_MEAN * rows.activation.pow(0.5)).all()),
            c.within_factor(
                c.ratio_interval(births.between(rows, "activation", 10, 50)), births.ALIKE
            ),
        ]
    )
    gradient = c.ratio_interval(births.between(rows, "gradient", 10, 50))
    parts: dict[str, c.Fact] = {
        "linear units of one width": _forward_implies_backward(),
        "tanh units of one width": births.kept(gradient) if fulfilled else None,
    }
    said = "Variance of the gradient at layer 10 over that at layer 50, tanh at gain 5/3"
    return c.in_parts(parts, c.as_ratio(gradient), said)


def _forward_implies_backward() -> bool:
    """Whether linear layers of one width that keep the signal's variance keep the gradient's."""
    n = sympy.Symbol("n", positive=True, integer=True)
    unit = {derivation.weight_variance(i): 1 / n for i in range(4)}
    forward = derivation.forward_variance([n] * 5).subs(unit)
    backward = derivation.backward_variance([n] * 5).subs(unit)
    return births.same(forward, derivation.v_x) and births.same(backward, derivation.v_delta)


@c.claim("S5", "Katanforoosh and Kunin (2019)", "none", chapter=6)
def s5_name_of_the_rule(evidence: c.Evidence) -> c.Judgement:
    """Xavier initialization draws weights with variance 1/n_in.

    Statistic: difference of that variance and of the one derived from the paper's eqs. 10 and 11
    Rule: holds if it is zero for all widths, in part if for equal widths only
    Scale: symbols
    """
    n, m = derivation.n_in, derivation.n_out
    noted, printed = rules.lecun(n, m), derivation.glorot_variance()
    parts: dict[str, c.Fact] = {
        "the variance, for equal widths": births.same(printed.subs(m, n), noted.subs(m, n)),
        "the variance, for all widths": births.same(printed, noted),
    }
    ours = float((printed / noted).subs({n: 1000, m: 9}))
    said = (
        "The paper's variance over the note's for 1000 to 9 units; the paper's distribution is "
        "uniform"
    )
    return c.in_parts(parts, ours, said, paper=1.0)


@c.claim("S6", "Katanforoosh and Kunin (2019)", c.BIRTH, chapter=9)
def s6_for_which_units(evidence: c.Evidence) -> c.Judgement:
    """Xavier initialization suits networks of tanh or sigmoid units.

    Statistic: variance of the activations over the inputs, layer 5 over layer 1, and of the
        gradient, layer 1 over layer 5
    Rule: suits units for which both 95 % intervals lie within a factor of {births.KEPT:g} of 1
    Scale: five hidden layers of 1000 units, 300 images, seeds 0 to 4
    """
    found = {units: _five_layers(units) for units in ("tanh", "sigmoid")}
    parts = {units: c.all_of(map(births.kept, pair)) for units, pair in found.items()}
    said = "Variance of the sigmoid's gradient, layer 1 over layer 5, width 1000"
    return c.in_parts(parts, c.as_ratio(found["sigmoid"][1]), said)


@cache
def _five_layers(units: str) -> tuple[Interval, Interval]:
    """Log variances at birth: over the inputs, layer 5 by 1; of the gradient, layer 1 by 5."""
    images, labels = Shapeset(seed=0).batch(300)
    signal, gradient = [], []
    for seed in births.SEEDS:
        network = Network.create(births.PAPER_SIZES, units, "glorot", seeds=[seed])
        trace = network.forward(images)
        delta = network.backward(trace, labels).s
        first, fifth = (trace.z[i].double().var(1).mean() for i in (1, 5))
        signal.append(float(fifth / first))
        gradient.append(float(delta[0].double().var() / delta[4].double().var()))
    return c.ratio_interval(signal), c.ratio_interval(gradient)


@c.claim("S7", "a summary of the paper", "none", chapter=6)
def s7_equal_sizes(evidence: c.Evidence) -> c.Judgement:
    """Equation 16 assumes that all layers have the same size.

    Statistic: number of sizes in the derived bound; average of n_in Var[W] and n_out Var[W] of
        drawn layers from 300 to 100 units
    Rule: fails if there are two sizes and the average is within {births.AGREES:g} standard errors
        of 1
    Scale: symbols; 40 layers
    """
    sizes = len(derivation.glorot_bound().free_symbols)
    n_in, n_out = 300, 100
    # Half of eq. 10 and half of eq. 11, for a layer that changes the width.
    averaged = (n_in + n_out) / 2 * births.sampled_variance("glorot", n_in, n_out)
    unequal = births.agrees(births.distance(averaged, 1.0))
    fact = None if unequal is None else sizes < 2 or not unequal
    said = f"the bound has {sizes} sizes in it; the equations for equal widths are 13 to 15"
    return c.as_a_whole(fact, float(sizes), said)


@c.claim("S8", "a summary of the paper; Katanforoosh and Kunin (2019)", c.BIRTH, chapter=6)
def s8_rectifiers(evidence: c.Evidence) -> c.Judgement:
    """The same derivation for rectified units gives He's variance, 2/n_in.

    Statistic: the derived variance; mean square of layer 20 over that of layer 1 in networks drawn
        by it
    Rule: holds if the algebra gives 2/n_in and the ratio is within {births.AGREES:g} standard
        errors of 1, by a sample that rejects Glorot's rule by {births.REJECTS:g}
    Scale: 40 networks of width 300
    """
    derived, coded = derivation.he_variance(), rules.he(derivation.n_in, derivation.n_out)
    squares = _rectified("he")
    parts: dict[str, c.Fact] = {
        "the algebra gives 2/n_in": births.same(derived, coded),
        "networks drawn so keep the mean square": births.agrees(births.distance(squares, 1.0)),
    }
    # The sample must be able to tell the rules apart.
    apart = births.agrees(births.distance(_rectified("glorot"), 1.0)) is False
    said = "Mean square, layer 20 over layer 1, 40 networks of width 300"
    fact = c.all_of(parts.values()) if apart else None
    return c.as_a_whole(fact, mean_interval(squares), said, parts=parts)


def _rectified(rule: str) -> c.Array:
    """Mean square of the sums of layer 20 over that of layer 1, for 40 rectified networks."""
    x = torch.randn(50, 300, generator=torch.Generator().manual_seed(1))
    network = Network.create([300] * 21, "relu", rule, seeds=range(40))
    s = network.forward(x).s
    first, top = (s[i].double().square().mean((1, 2)) for i in (0, 19))
    return (top / first).numpy()


@c.claim("S9", "a summary of the paper", c.SHORT, chapter=6, needs=("distribution",))
def s9_normal_weights(evidence: c.Evidence) -> c.Judgement:
    """Normal weights would have been better than uniform ones of the same variance.

    Statistic: test error with uniform less that with normal weights, tanh, Glorot's variance
    Rule: holds if the 95 % interval is above 0; fails if all of it is below {curves.MARGIN:g}
        points; else undecided
    Scale: {c.BOOK}

    An interval above 0 holds even if all of it is below the margin.
    """
    rows = evidence.rows("distribution")
    gap = compare(curves.end_errors(rows), "uniform", "normal")
    parts = {"normal weights end better": c.either(above(gap, 0.0), below(gap, curves.MARGIN))}
    runs = curves.setting(rows, "distribution", "uniform", "normal")
    return c.in_parts(parts, gap, "Uniform less normal", runs)


@c.claim("S10", "a second summary of the paper", "none", chapter=4)
def s10_symmetric(evidence: c.Evidence) -> c.Judgement:
    """The sigmoid is a symmetric activation, as tanh and softsign are.

    Statistic: f(-x) + f(x), and f(0)
    Rule: holds if both are zero, which is what the derivation needs
    Scale: symbols
    """
    x = sympy.Symbol("x", real=True)
    f = ACTIVATIONS["sigmoid"].expression
    at_zero = float(f(sympy.Integer(0)))
    said = f"f(-x) + f(x) is {sympy.simplify(f(-x) + f(x))}, where the derivation needs 0"
    return c.as_a_whole(births.same(f(-x), -f(x)) and at_zero == 0, at_zero, said)


@c.claim("S11", "a third summary of the paper", "none", chapter=6)
def s11_baseline(evidence: c.Evidence) -> c.Judgement:
    """The paper's standard initialization is the one of LeCun et al. (1998).

    Statistic: n Var[W] of eq. 1 and of LeCun's rule
    Rule: holds if they are equal
    Scale: symbols
    """
    n = derivation.n_in
    printed = n * derivation.uniform_variance(1 / sympy.sqrt(n))
    lecun = n * rules.lecun(n, derivation.n_out)
    said = f"n Var[W] is {printed} by eq. 1 and {lecun} by LeCun's rule"
    return c.as_a_whole(births.same(printed, lecun), float(printed), said, paper=float(lecun))


@c.claim("S12", "a third summary of the paper", c.BIRTH, chapter=5)
def s12_credit(evidence: c.Evidence) -> c.Judgement:
    """That weight gradients have one variance in all layers is due to the proposed initialization.

    Statistic: largest over smallest standard deviation of the weight gradients of the hidden
        layers, tanh, both rules
    Rule: layers are level if the 95 % interval of the ratio is below {births.ALIKE:g}; holds if
        they are with the proposed rule and are not with the standard one
    Scale: five hidden layers of 1000 units, 300 images, seeds 0 to 4
    """
    standard, proposed = (
        births.at_birth(rule, "weight_gradient") for rule in ("standard", "glorot")
    )
    parts = {
        "level with the proposed rule": births.alike(proposed),
        "level with the standard one": births.alike(standard),
    }
    # It is an effect of the proposal if with the proposal they are level and without are not.
    fact = c.all_of([births.alike(proposed), c.negated(births.alike(standard))])
    said = "Largest over smallest layer of the standard one"
    return c.as_a_whole(fact, births.spread(standard), said, parts=parts)


@c.claim("S13", "a third summary of the paper", c.LONG, chapter=11, needs=("table1",))
def s13_softsign_saturates(evidence: c.Evidence) -> c.Judgement:
    """Softsign units saturate faster than tanh at first, and then stabilize.

    Statistic: share of saturated units (slope below a twentieth), mean of the hidden layers,
        standard initialization: softsign less tanh at 80,000 updates; rise of softsign's in the
        second half over its whole rise
    Rule: faster if the 95 % interval of the first is above 0; stable if that of the second is below
        0.25; each a part
    Scale: {c.WIDE}

    The second half begins half way between the measurements around it. A whole rise that is not
    above 0 in every seed leaves the second part open.
    """
    rows = evidence.rows("table1")
    softsign, tanh = (
        curves.over_layers(rows, arm, "saturated", np.mean) for arm in ("softsign", "tanh")
    )
    early = interval(curves.after(softsign, 80_000) - curves.after(tanh, 80_000))
    late = interval(curves.rise(softsign, 0.5, 1.0))
    return c.by_limits(
        {"faster at first": (early, above, 0.0), "stable later": (late, below, 0.25)},
        "Saturated share at 80,000 updates, softsign less tanh",
        curves.setting(rows, "table1", "tanh", "softsign"),
    )


@c.claim(
    "S14",
    "Katanforoosh and Kunin (2019)",
    "20,000 updates of ten weights, 3,000 of a network",
    chapter=3,
)
def s14_oscillates_or_stops(evidence: c.Evidence) -> c.Judgement:
    """From too large a start the cost oscillates around its minimum, and from too small a one it
    converges before the minimum.

    Statistic: share of large starts that end near the minimum and go up and down there; share of
        small starts, flat early on, that are still where they were at the end
    Rule: each holds if it is so for more than half of the runs: up and down means that every fourth
        update or more raises the cost, near means below a tenth of the cost of knowing nothing; a
        product of ten weights goes up and down if every fourth update or more changes sides of 1 by
        over a hundredth, and has ten times its predicted wait
    Scale: a product of ten weights at three stable rates; linear and tanh networks with five hidden
        layers of 20 units on all of 30 digits at once, three rates, two seeds
    Changed: At first there were 50 digits, and "the wrong way" for up and down. Changed on 22
        November 2026, minutes after the rule was committed, to 30 digits and to words for what the
        judge already asked; what the judge had said by then is not on record.
    """
    paths = _ten_weights_large()
    large = [_swings(path) for path in paths]
    parts: dict[str, c.Fact] = {
        "ten weights: large oscillates": _most(large),
        "ten weights: small has converged": _most(_ten_weights_small()),
    }
    for units in ("identity", "tanh"):
        rows = _full_batch(units)
        parts[f"{units} network: large oscillates"] = _most(rows[rows.gain > 1].oscillates)
        waiting = rows[(rows.gain < 1) & rows.flat]
        parts[f"{units} network: small has converged"] = _most(waiting.stuck)
    ends = [path[-1] for path in paths]
    arrive, gone = sum(abs(end - 1) < 0.01 for end in ends), sum(map(math.isinf, ends))
    said = (
        f"Share of {len(ends)} large starts of ten weights that oscillate; {arrive} arrive, "
        f"{sum(end < 0.01 for end in ends)} wait near 0, {gone} run away"
    )
    if _full_batch("tanh").query("gain > 1 and swings and not oscillates").size:
        said += "; some tanh networks swing far above the minimum"
    return c.in_parts(parts, sum(large) / len(large), said)


def _most(cases: Iterable[bool]) -> c.Fact:
    """Whether more than half of the cases are so; None if there are none."""
    found = list(cases)
    return sum(found) > len(found) / 2 if found else None


def _ten_weights_large() -> list[list[float]]:
    """The last thousand products of large starts at three stable rates."""
    return [
        _ten_weights(start, rate, 20_000)[-1000:]
        for start in (1.1, 1.2, 1.3, 1.4, 1.5)
        for rate in (0.001, 0.01, 0.1)
    ]


def _swings(path: Sequence[float]) -> bool:
    """Whether a path goes on changing sides of 1, by more than a hundredth, and no further."""
    farthest = max(abs(product - 1) for product in path)
    crossings = sum((a > 1) != (b > 1) for a, b in itertools.pairwise(path))
    return 0.01 < farthest < 1 and crossings > len(path) / 4


def _ten_weights_small() -> list[bool]:
    """For small starts, whether the cost is still half of what it was after ten times the wait."""
    return [
        abs(_ten_weights(start, 0.01, int(10 / (8 * start**8 * 0.01)))[-1] - 1) > math.sqrt(0.5)
        for start in (0.45, 0.5, 0.6, 0.7)
    ]


def _ten_weights(start: float, rate: float, updates: int) -> list[float]:
    """The product of ten equal weights, update by update, that is to become 1."""
    weight, path = start, [start**10]
    for _ in range(updates):
        weight -= rate * (weight**10 - 1) * weight**9
        if abs(weight) > 1e3:
            path.append(math.inf)
            break
        path.append(weight**10)
    return path


@cache
def _full_batch(units: str) -> pd.DataFrame:
    """Networks that descend the cost of 30 digits, from small and from large starts.

    Columns: ``flat`` (after 300 updates the cost is that of knowing nothing), ``stuck`` (at the
    end it is more than half of it), ``swings`` (at the end it rises in every fourth update or
    more) and ``oscillates`` (it swings below a tenth of that cost, near the minimum).
    """
    digits = datasets.load("digits", "train")
    x, y = digits.images[:30].double(), digits.labels[:30]
    large = 10.0 if units == "tanh" else 1.5
    grid = pd.DataFrame(
        itertools.product((0.4, large), (0.01, 0.05, 0.1), births.SEEDS[:2]),
        columns=["gain", "lr", "seed"],
    )
    network = Network.create(
        [64, 20, 20, 20, 20, 20, 10],
        units,
        "glorot",
        seeds=grid.seed.tolist(),
        gain=grid.gain.tolist(),
        dtype=torch.float64,
    )
    lr = torch.tensor(grid.lr.tolist(), dtype=torch.float64)
    costs = torch.stack([network.step(x, y, lr=lr) for _ in range(3000)]) / math.log(10)
    late = costs[-500:]
    swings = (late[1:] > late[:-1]).double().mean(0) >= 0.25
    return grid.assign(
        flat=((costs[300] - 1).abs() < 0.05).numpy(),
        stuck=(late[-1] > 0.5).numpy(),
        swings=swings.numpy(),
        oscillates=((late.mean(0) < 0.1) & swings).numpy(),
    )


@c.claim("S15", "a summary of the paper", c.LONG, chapter=15, needs=("table1", *curves.PRETRAINED))
def s15_regularizer(evidence: c.Evidence) -> c.Judgement:
    """What unsupervised pre-training does is to regularize.

    Statistic: test error of standard tanh without less with pre-training, on a stream in which no
        image is seen twice and nothing can be overfitted; of two rates of auto-encoders that at
        which the first layer restores images best
    Rule: holds if the 95 % interval lies within {curves.MARGIN:g} points of 0, since then nothing
        is gained where there is nothing to regularize; fails if it is above {curves.MARGIN:g}
        points
    Scale: {c.WIDE}
    Changed: {curves.BEST_AUTO_ENCODERS}

    That pre-training harms by more than the margin is neither of the two that the rule names, and
    leaves the claim open.
    """
    rows = evidence.rows("table1")
    pretrained, said = curves.pretrained_tanh(evidence)
    gap = interval(curves.end_errors(rows)["tanh"] - pretrained)
    fact = c.either(equivalent(gap, curves.MARGIN), above(gap, curves.MARGIN))
    runs = curves.setting(rows, "table1", "tanh")
    return c.in_parts(
        {"nothing is gained without end of images": fact},
        gap,
        "Tanh less pre-trained tanh",
        runs,
        said,
    )


@c.claim("S16", "a summary of the paper", c.SHORT, chapter=15, needs=("tied",))
def s16_like_recurrent(evidence: c.Evidence) -> c.Judgement:
    """Gradients vanish in these networks as they do in recurrent ones.

    Statistic: logarithm of the variance of the back-propagated gradient, layer 1 over layer 5,
        tanh: one weight matrix used in all hidden layers but the first, less a new one in each
    Rule: holds if the 95 % interval lies within log(1.5) of 0 and fails if all of it lies outside;
        standard and normalized initialization, before the first update and at the horizon, each a
        part
    Scale: {c.BOOK}
    """
    rows = evidence.rows("tied")
    parts: dict[str, tuple[Interval, c.Test, float]] = {}
    arms: list[str] = []
    for arm, name in (("tanh", "standard"), ("tanh normalized", "normalized")):
        pair = f"{arm}, untied", f"{arm}, tied"
        arms += pair
        # A variance is the square of what is recorded.
        untied, tied = (curves.first_by_last(rows, one, "back_gradient") ** 2 for one in pair)
        for when, update in (("before the first update", 0), ("at the horizon", curves.last(tied))):
            ratio = curves.ratios(curves.after(tied, update) / curves.after(untied, update))
            parts[f"{name}, {when}"] = ratio, c.within_factor, 1.5
    return c.by_limits(
        parts,
        "Logarithm, tied less untied; ours standard, before the first update",
        curves.setting(rows, "tied", *arms),
    )
