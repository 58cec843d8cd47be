"""Judges: one function for each claim that is decided by a computation made now.

What a judge asks and by which rule it decides is written in `glorot2010.claims`, which quotes the
limits below. The judges of claims that are decided by records of runs are in `glorot2010.trials`.

Samples are from fixed seeds. A sample agrees with a formula within `AGREES` standard errors and is
rejected beyond `REJECTS`; means over seeds have 95 % t intervals. Costly runs are kept, so that all
judges together take half a minute on one core.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import sympy
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from glorot2010 import paper, surfaces
from glorot2010.judging import (
    Array,
    Evidence,
    Fact,
    Judgement,
    all_of,
    ends_as_ratios,
    of_fact,
    of_parts,
    ratio_interval,
    scope,
    to_digits,
    within_factor,
)
from xavier import datasets, derivation, init, monitor, montecarlo, rules, theory, training
from xavier.activations import ACTIVATIONS
from xavier.intervals import (
    Interval,
    above,
    below,
    equivalent,
    mean_interval,
    paired_interval,
    proportion_interval,
)
from xavier.network import Network
from xavier.shapeset import FREQUENCIES, Shapeset

AGREES, REJECTS = 4.0, 6.0
"""A sample agrees with a formula up to the first distance, in standard errors, and is rejected
beyond the second. In between it does not decide."""

ALIKE = 1.5
"""Layers are alike if the largest standard deviation is below this multiple of the smallest."""

APART = 3.0
"""Layers are apart if the largest standard deviation is above this multiple of the smallest."""

NO_MEAN = 0.1
"""A layer has mean zero if its mean is below this multiple of its standard deviation."""

KEPT = 10.0
"""A signal or a gradient is kept if its variance changes by less than this factor."""

SEEDS = tuple(range(5))
"""Seeds of the networks that judges draw."""

_PAPER_SIZES = (1024, 1000, 1000, 1000, 1000, 1000, 9)
_HIDDEN = (1, 2, 3, 4, 5)


# --------------------------------------------------------------------------------------------------
# Samples and formulas
# --------------------------------------------------------------------------------------------------


def agrees(distance: float | Iterable[float]) -> Fact:
    """Whether distances from formulas, in standard errors, are what chance explains."""
    largest = max(abs(d) for d in (distance if isinstance(distance, Iterable) else [distance]))
    return True if largest <= AGREES else False if largest > REJECTS else None


def _distance(sample: Array, expected: float) -> float:
    """Distance of a sample's mean from a number, in standard errors."""
    return float((sample.mean() - expected) / (sample.std(ddof=1) / math.sqrt(len(sample))))


def _same(first: Any, second: Any) -> bool:
    """Whether two SymPy expressions are equal for all values of their symbols."""
    return bool(sympy.simplify(sympy.sympify(first) - sympy.sympify(second)) == 0)


# --------------------------------------------------------------------------------------------------
# Networks at birth, shared by many judges
# --------------------------------------------------------------------------------------------------


@cache
def _birth() -> pd.DataFrame:
    """The paper's tanh network at birth on 300 images: statistics by rule, seed and layer."""
    images, labels = Shapeset(seed=0).batch(300)
    tables = []
    for seed, rule in itertools.product(SEEDS, ("standard", "lecun", "glorot")):
        network = Network.create(_PAPER_SIZES, "tanh", rule, seeds=[seed])
        trace = network.forward(images)
        rows = monitor.statistics(
            network,
            trace,
            network.backward(trace, labels),
            quantities=["activation", "back_gradient", "weight_gradient"],
            histogram={"activation": (-1.005, 1.005, 201)},
        )
        rows = rows[(rows.statistic != "density") | (rows["at"].abs() < 1e-9)]
        tables.append(rows.assign(rule=rule, seed=seed))
    return pd.concat(tables, ignore_index=True)


def _at_birth(rule: str, quantity: str, statistic: str = "std") -> Array:
    """One row a seed, one column a hidden layer."""
    rows = _birth()
    chosen = rows[
        (rows.rule == rule)
        & (rows.quantity == quantity)
        & (rows.statistic == statistic)
        & rows.layer.isin(_HIDDEN)
    ]
    return chosen.pivot(index="seed", columns="layer", values="value").to_numpy()


def _spread(stds: Array) -> Interval:
    """Largest over smallest layer, seed by seed, less one: 0 is all alike."""
    return mean_interval(stds.max(1) / stds.min(1) - 1)


def _alike(stds: Array) -> Fact:
    return below(_spread(stds), ALIKE - 1)


def _shifted(interval: Interval) -> tuple[float, float]:
    """Ends of a `_spread` as ratios."""
    return 1 + interval.low, 1 + interval.high


@cache
def _deep(activation: str, gain: float, layers: int, width: int) -> pd.DataFrame:
    """Deep networks of equal widths at birth: mean squares, by seed and layer.

    Columns ``sums`` (of the weighted sums), ``mean`` (of the activations), ``activation``,
    ``gradient`` (by the sums) and ``weight_gradient``, for layers 1 to ``layers``.
    """
    x = torch.randn(20, width, generator=torch.Generator().manual_seed(0))
    labels = torch.zeros(20, dtype=torch.int64)
    rows = []
    for seed in SEEDS:  # one at a time: a hundred layers of 400 units fill 64 MB
        network = Network.create(
            [width] * (layers + 1) + [10], activation, "glorot", seeds=[seed], gain=gain
        )
        trace = network.forward(x)
        delta = network.backward(trace, labels).s
        for i in range(layers):
            s, z, d = (t.double() for t in (trace.s[i], trace.z[i + 1], delta[i]))
            weight = (trace.z[i].double().square().mean(2) * d.square().mean(2)).mean()
            squares = (float(t.square().mean()) for t in (s, z, d))
            rows.append((seed, i + 1, float(z.mean()), *squares, float(weight)))
    columns = ["seed", "layer", "mean", "sums", "activation", "gradient", "weight_gradient"]
    return pd.DataFrame(rows, columns=columns)


def _between(rows: pd.DataFrame, column: str, first: int, last: int) -> Array:
    """Ratio of a column at layer ``first`` to that at layer ``last``, seed by seed."""
    table = rows.pivot(index="seed", columns="layer", values=column)
    return (table[first] / table[last]).to_numpy()


def _kept(rows: pd.DataFrame, column: str, first: int, last: int) -> Fact:
    return within_factor(ratio_interval(_between(rows, column, first, last)), KEPT)


# --------------------------------------------------------------------------------------------------
# S: the notes
# --------------------------------------------------------------------------------------------------

UNTIED = 0.1
"""Units have parted when some weight of theirs differs by more than this."""


def s1_equal_units(evidence: Evidence) -> Judgement:
    """Units of equal weights get equal gradients and stay equal."""
    w = sympy.symbols("w_11 w_21 w_12 w_22 v_1 v_2", real=True)
    gradient = _tied_gradient(w)
    equal = all(_same(gradient[i], gradient[j]) for i, j in ((0, 2), (1, 3), (4, 5)))
    exact = {start: _gap_in_fractions(start) for start in (Fraction(1, 2), Fraction(0))}
    same_order = _gap_in_floats([[0, 1, 2, 3]] * 2)
    two_orders = _gap_in_floats([[0, 1, 2, 3], [3, 2, 1, 0]])
    parts: dict[str, Fact] = {
        "equal gradients, for any activation and cost": equal,
        "stay equal in exact arithmetic, from a constant and from zero": not any(exact.values()),
        "stay equal in 32-bit numbers, sums in one order": same_order == 0,
        "stay equal in 32-bit numbers whatever the order of the sums": two_orders <= UNTIED,
    }
    ours = f"gap {float(max(exact.values())):g} exactly, {two_orders:.1f} in 32 bits"
    return Judgement(of_parts(parts), ours, None, None, scope(parts))


def _tied_gradient(w: Sequence[sympy.Symbol]) -> list[sympy.Expr]:
    """Gradient of an unknown cost of two unknown units, at a point where they are equal."""
    x = sympy.symbols("x_1 x_2", real=True)
    y, alpha, beta = sympy.symbols("y alpha beta", real=True)
    f, cost = sympy.Function("f"), sympy.Function("C")
    output = w[4] * f(w[0] * x[0] + w[1] * x[1]) + w[5] * f(w[2] * x[0] + w[3] * x[1])
    tied = dict.fromkeys(w[:4], alpha) | dict.fromkeys(w[4:], beta)
    return [sympy.diff(cost(output, y), weight).subs(tied).doit() for weight in w]


def _gap_in_fractions(start: Fraction, updates: int = 12) -> Fraction:
    """How far two rectified units part that start equal, in exact arithmetic."""
    rng = np.random.default_rng(0)
    w, v = [[start] * 4] * 2, [[start] * 2] * 2
    for _ in range(updates):
        x = [Fraction(int(k), 8) for k in rng.integers(-16, 17, 4)]
        w, v = _two_units(w, v, x, Fraction(1, 20), [[0, 1, 2, 3]] * 2)
    gaps: list[Fraction] = [abs(a - b) for pair in (w, v) for a, b in zip(*pair, strict=True)]
    return max(gaps)


def _gap_in_floats(orders: list[list[int]], updates: int = 3000) -> float:
    """The same in 32-bit numbers, each unit adding up its inputs in an order of its own."""
    rng = np.random.default_rng(0)
    w, v = [[np.float32(0.5)] * 4] * 2, [[np.float32(0.5)] * 2] * 2
    for _ in range(updates):
        x = list(rng.standard_normal(4, dtype=np.float32))
        w, v = _two_units(w, v, x, np.float32(0.05), orders)
    return float(max(abs(a - b) for a, b in zip(*w, strict=True)))


def _two_units(
    w: list[list[Any]], v: list[list[Any]], x: list[Any], lr: Any, orders: list[list[int]]
) -> tuple[list[list[Any]], list[list[Any]]]:
    """One gradient step of two rectified units that are to give back the positive inputs."""
    s = [sum((w_k[j] * x[j] for j in order[1:]), w_k[order[0]] * x[order[0]])
         for w_k, order in zip(w, orders, strict=True)]  # fmt: skip
    h = [max(s_k, 0 * s_k) for s_k in s]
    e = [h[0] * v[0][o] + h[1] * v[1][o] - max(x[o], 0 * x[o]) for o in (0, 1)]
    back = [(e[0] * v[k][0] + e[1] * v[k][1]) * (s[k] > 0) for k in (0, 1)]
    return (
        [[w[k][j] - lr * back[k] * x[j] for j in range(4)] for k in (0, 1)],
        [[v[k][o] - lr * h[k] * e[o] for o in (0, 1)] for k in (0, 1)],
    )


SLOWER = 0.10
"""A start learns more slowly if its error is larger by this fraction after the same updates."""

_GAINS, _RATES = (0.1, 1.0, 100.0), (0.001, 0.01, 0.1, 1.0)


def s2_small_and_large(evidence: Evidence) -> Judgement:
    """Too small weights learn slowly, too large ones diverge."""
    found = {activation: _sweep(activation) for activation in ("tanh", "identity")}
    slow, parts = {}, dict[str, Fact]()
    for activation, rows in found.items():
        best = rows.groupby(["gain", "seed"])[["error"]].min().reset_index()  # over the rates
        slow[activation] = paired_interval(best, 0.1, 1.0, by="gain", value="error")
        parts[f"too small is slow, {activation}"] = above(slow[activation], SLOWER)
        large = rows[rows.gain == 100.0].outcome == "diverged"
        parts[f"too large diverges, {activation}"] = _nearly_all(large)
    spoilt = found["tanh"][found["tanh"].gain == 100.0].outcome.value_counts().idxmax()
    points = slow["tanh"]
    note = scope(parts, "Error at gain 0.1 less that at gain 1, tanh, best rates; at gain 100 "
                  f"tanh units are {spoilt}")  # fmt: skip
    return Judgement(of_parts(parts), points.mean, points.ends, None, note)


@cache
def _sweep(activation: str) -> pd.DataFrame:
    """Five hidden layers on digits from three gains at four rates: error and outcome."""
    pairs = itertools.product(_GAINS, _RATES, SEEDS)
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


def _nearly_all(cases: pd.Series[bool]) -> Fact:
    """Whether a thing happens as a rule: True from 90 % of the cases on, False up to 10 %."""
    share = float(cases.mean())
    return True if share >= 0.9 else False if share <= 0.1 else None


def s3_ten_matrices(evidence: Evidence) -> Judgement:
    """Nine times 1.5 I explodes and 0.5 I vanishes, on the way up and down alike."""
    parts: dict[str, Fact] = {}
    exact = sympy.Rational(3, 2), sympy.Rational(1, 2)
    for gain in exact:
        up, down = _through_nine(gain)
        parts[f"forward by ({gain})^9"] = up == gain**9
        parts[f"gradient by ({gain})^9"] = down == gain**9
    for gain in (1.5, 0.5):
        squares = _random_matrices(gain) / gain**18
        parts[f"random matrices of gain {gain} alike"] = agrees(_distance(squares, 1.0))
    ours = " and ".join(to_digits(float(_through_nine(gain)[0])) for gain in exact)
    return Judgement(of_parts(parts), ours, None, "1.5^9 and 0.5^9", scope(parts))


def _through_nine(gain: sympy.Rational) -> tuple[sympy.Expr, sympy.Expr]:
    """By what nine matrices ``gain * I`` multiply an output, and its gradient by the input."""
    x = sympy.Matrix(sympy.symbols("x_1 x_2", real=True))
    out = sympy.Matrix([sympy.symbols("a b", positive=True)])
    y = (out * (gain * sympy.eye(2)) ** 9 * x)[0]
    plain = (out * x)[0]
    down = sympy.diff(y, x[0]) / sympy.diff(plain, x[0])
    return sympy.cancel(y / plain), sympy.cancel(down)


def _random_matrices(gain: float) -> Array:
    """Mean square after nine random matrices of one gain, for 40 networks of width 100."""
    x = torch.randn(40, 1, 100, generator=torch.Generator().manual_seed(0))
    network = Network.create([100] * 10, "identity", "lecun", seeds=range(40), gain=gain)
    squares = network.forward(x).logits.double().square().mean((1, 2))
    return (squares / x.double().square().mean((1, 2))).numpy()


def s4_zero_mean_equal_variance(evidence: Evidence) -> Judgement:
    """Zero mean and equal variance in all layers keep the gradient."""
    rows = _deep("tanh", 5 / 3, 50, 400)
    rows = rows[rows.layer.between(10, 50)]
    fulfilled = all_of(
        [
            bool((rows["mean"].abs() < NO_MEAN * rows.activation.pow(0.5)).all()),
            within_factor(ratio_interval(_between(rows, "activation", 10, 50)), ALIKE),
        ]
    )
    kept = _kept(rows, "gradient", 10, 50)
    parts: dict[str, Fact] = {
        "linear units of one width": _forward_implies_backward(),
        "tanh units of one width": kept if fulfilled else None,
    }
    found = ratio_interval(_between(rows, "gradient", 10, 50))
    note = scope(
        parts, "Variance of the gradient at layer 10 over that at layer 50, tanh at gain 5/3"
    )
    return Judgement(of_parts(parts), math.exp(found.mean), ends_as_ratios(found), None, note)


def _forward_implies_backward() -> bool:
    """Whether linear layers of one width that keep the signal's variance keep the gradient's."""
    n = sympy.Symbol("n", positive=True, integer=True)
    layers = range(4)
    forward = derivation.forward_variance([n] * 5)
    backward = derivation.backward_variance([n] * 5)
    kept = {derivation.weight_variance(i): 1 / n for i in layers}
    return _same(forward.subs(kept), derivation.v_x) and _same(
        backward.subs(kept), derivation.v_delta
    )


def s5_name_of_the_rule(evidence: Evidence) -> Judgement:
    """The paper's rule is a normal distribution of variance 1/n_in."""
    n, m = derivation.n_in, derivation.n_out
    noted, printed = rules.lecun(n, m), derivation.glorot_variance()
    parts: dict[str, Fact] = {
        "the variance, for equal widths": _same(printed.subs(m, n), noted.subs(m, n)),
        "the variance, for all widths": _same(printed, noted),
    }
    ours = float((printed / noted).subs({n: 1000, m: 9}))
    note = scope(parts, "The paper's variance over the note's for 1000 to 9 units; the paper's "
                  "distribution is uniform")  # fmt: skip
    return Judgement(of_parts(parts), ours, None, 1.0, note)


def s6_for_which_units(evidence: Evidence) -> Judgement:
    """Glorot's rule suits networks of tanh or sigmoid units."""
    parts: dict[str, Fact] = {}
    gradients = {}
    for units in ("tanh", "sigmoid"):
        signal, gradient = _five_layers(units)
        gradients[units] = gradient
        parts[units] = all_of([within_factor(signal, KEPT), within_factor(gradient, KEPT)])
    note = scope(parts, "Variance of the sigmoid's gradient, layer 1 over layer 5, width 1000")
    found = gradients["sigmoid"]
    return Judgement(of_parts(parts), math.exp(found.mean), ends_as_ratios(found), None, note)


@cache
def _five_layers(units: str) -> tuple[Interval, Interval]:
    """Log variances at birth: over the inputs, layer 5 by 1; of the gradient, layer 1 by 5."""
    images, labels = Shapeset(seed=0).batch(300)
    signal, gradient = [], []
    for seed in SEEDS:
        network = Network.create(_PAPER_SIZES, units, "glorot", seeds=[seed])
        trace = network.forward(images)
        delta = network.backward(trace, labels).s
        first, last = (trace.z[i].double().var(1).mean() for i in (1, 5))
        signal.append(float(last / first))
        gradient.append(float(delta[0].double().var() / delta[4].double().var()))
    return ratio_interval(signal), ratio_interval(gradient)


def s7_equal_sizes(evidence: Evidence) -> Judgement:
    """Equation 16 assumes that all layers have one size."""
    bound = derivation.glorot_bound()
    sizes = len(bound.free_symbols)
    n_in, n_out = 300, 100
    averaged = (n_in + n_out) / 2 * _sampled_variance("glorot", n_in, n_out)
    # Half of eq. 10 and half of eq. 11, for a layer that changes the width.
    unequal = agrees(_distance(averaged, 1.0))
    fact = None if unequal is None else sizes < 2 or not unequal
    note = f"the bound has {sizes} sizes in it; the equations for equal widths are 13 to 15"
    return Judgement(of_fact(fact), float(sizes), None, None, note)


def _sampled_variance(rule: str, n_in: int, n_out: int) -> Array:
    """Variance of the weights of one layer as it is drawn, for 40 seeds."""
    layers = (
        init.uniform_(torch.empty(n_out, n_in), rule, generator=torch.Generator().manual_seed(seed))
        for seed in range(40)
    )
    return np.array([float(w.double().square().mean()) for w in layers])


def s8_rectifiers(evidence: Evidence) -> Judgement:
    """The derivation with rectifiers gives 2/n_in."""
    derived, coded = derivation.he_variance(), rules.he(derivation.n_in, derivation.n_out)
    ratios = {rule: _rectified(rule) for rule in ("he", "glorot")}
    distances = {rule: _distance(ratio, 1.0) for rule, ratio in ratios.items()}
    found = mean_interval(ratios["he"])
    parts: dict[str, Fact] = {
        "the algebra gives 2/n_in": _same(derived, coded),
        "networks drawn so keep the mean square": agrees(distances["he"]),
    }
    other = agrees(distances["glorot"])  # the sample must be able to tell the rules apart
    fact = None if other is not False else all_of(parts.values())
    note = scope(parts, "Mean square, layer 20 over layer 1, 40 networks of width 300")
    return Judgement(of_fact(fact), found.mean, found.ends, None, note)


def _rectified(rule: str) -> Array:
    """Mean square of the sums of layer 20 over that of layer 1, for 40 rectified networks."""
    x = torch.randn(50, 300, generator=torch.Generator().manual_seed(1))
    network = Network.create([300] * 21, "relu", rule, seeds=range(40))
    s = network.forward(x).s
    first, last = (s[i].double().square().mean((1, 2)) for i in (0, 19))
    return (last / first).numpy()


def s10_symmetric(evidence: Evidence) -> Judgement:
    """The sigmoid is a symmetric activation, as tanh and softsign are."""
    x = sympy.Symbol("x", real=True)
    f = ACTIVATIONS["sigmoid"].expression
    at_zero = float(f(sympy.Integer(0)))
    fact = _same(f(-x), -f(x)) and at_zero == 0
    note = f"f(-x) + f(x) is {sympy.simplify(f(-x) + f(x))}, where the derivation needs 0"
    return Judgement(of_fact(fact), at_zero, None, None, note)


def s11_baseline(evidence: Evidence) -> Judgement:
    """The paper's baseline is LeCun's rule of 1998."""
    n = derivation.n_in
    printed = n * derivation.uniform_variance(1 / sympy.sqrt(n))
    lecun = n * rules.lecun(n, derivation.n_out)
    note = f"n Var[W] is {printed} by eq. 1 and {lecun} by LeCun's rule"
    return Judgement(of_fact(_same(printed, lecun)), float(printed), None, float(lecun), note)


def s12_credit(evidence: Evidence) -> Judgement:
    """Level weight gradients are an effect of the proposed initialization."""
    level = {rule: _spread(_at_birth(rule, "weight_gradient")) for rule in ("standard", "glorot")}
    standard, proposed = (below(level[rule], ALIKE - 1) for rule in ("standard", "glorot"))
    # It is an effect of the proposal if with the proposal they are level and without are not.
    fact = all_of([proposed, None if standard is None else not standard])
    parts = {"level with the proposed rule": proposed, "level with the standard one": standard}
    note = scope(parts, "Largest over smallest layer of the standard one")
    ends = _shifted(level["standard"])
    return Judgement(of_fact(fact), 1 + level["standard"].mean, ends, None, note)


_NEAR = 0.1  # of the cost of knowing nothing: near the minimum, which is 0


def s14_oscillates_or_stops(evidence: Evidence) -> Judgement:
    """Too large a start oscillates about the minimum, too small a one stops short of it."""
    paths, small = _ten_weights_large(), _ten_weights_small()
    large = [_swings(path) for path in paths]
    parts: dict[str, Fact] = {
        "ten weights: large oscillates": _most(large),
        "ten weights: small has converged": _most(small),
    }
    for units in ("identity", "tanh"):
        rows = _full_batch(units)
        parts[f"{units} network: large oscillates"] = _most(rows[rows.gain > 1].oscillates)
        waiting = rows[(rows.gain < 1) & rows.flat]
        parts[f"{units} network: small has converged"] = _most(waiting.stuck)
    ends = [path[-1] for path in paths]
    arrive, gone = sum(abs(end - 1) < 0.01 for end in ends), sum(map(math.isinf, ends))
    waiting_near_0 = sum(end < 0.01 for end in ends)
    more = (
        f"Share of {len(ends)} large starts of ten weights that oscillate; {arrive} arrive, "
        f"{waiting_near_0} wait near 0, {gone} run away"
    )
    if _full_batch("tanh").query("gain > 1 and swings and not oscillates").size:
        more += "; some tanh networks swing far above the minimum"
    return Judgement(of_parts(parts), sum(large) / len(large), None, None, scope(parts, more))


def _most(cases: Iterable[bool]) -> Fact:
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
    if not all(abs(product - 1) < 1 for product in path):
        return False
    above_one = [product > 1 for product in path]
    crossings = sum(a != b for a, b in itertools.pairwise(above_one))
    return crossings > len(path) / 4 and max(abs(product - 1) for product in path) > 0.01


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
    more) and ``oscillates`` (it swings near the minimum).
    """
    digits = datasets.load("digits", "train")
    x, y = digits.images[:30].double(), digits.labels[:30]
    large = 10.0 if units == "tanh" else 1.5
    grid = pd.DataFrame(
        itertools.product((0.4, large), (0.01, 0.05, 0.1), SEEDS[:2]),
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
    last = costs[-500:]
    rises = (last[1:] > last[:-1]).double().mean(0)
    return grid.assign(
        flat=((costs[300] - 1).abs() < 0.05).numpy(),
        stuck=(last[-1] > 0.5).numpy(),
        swings=(rises >= 0.25).numpy(),
        oscillates=((last.mean(0) < _NEAR) & (rises >= 0.25)).numpy(),
    )


# --------------------------------------------------------------------------------------------------
# P: the paper, section 4.1
# --------------------------------------------------------------------------------------------------

WORSE_PLATEAUS = 0.05
"""A cost has worse plateaus if the flat share of its surface is larger by more than this."""


def p14_plateaus(evidence: Evidence) -> Judgement:
    """The quadratic cost has worse plateaus than the cross-entropy."""
    # Fixed before it was measured, by the simplest reading of the paper: the two weights are the
    # whole network, and a mini-batch is the one number of examples over which the paper averages.
    outputs: tuple[surfaces.Output, ...] = ("softmax", "tanh")
    rows = surfaces.flat_shares(range(40), outputs, inputs=1, hidden=1, examples=10)
    parts, found = dict[str, Fact](), []
    for output in outputs:
        part = rows[rows.output == output]
        gap = paired_interval(part, "quadratic", "cross_entropy", by="cost", value="share")
        worse = above(gap, WORSE_PLATEAUS) is True
        parts[f"{output} output"] = True if worse else False if below(gap, 0.0) else None
        found.append(f"{output} {gap.mean:+.3f} ({gap.low:+.3f} to {gap.high:+.3f})")
    more = "One input, one tanh unit, two classes, 10 standard normal inputs, 40 draws"
    return Judgement(of_parts(parts), "; ".join(found), None, None, scope(parts, more))


# --------------------------------------------------------------------------------------------------
# P: the paper, sections 4.2 and 4.3
# --------------------------------------------------------------------------------------------------


def p16_forward_variance(evidence: Evidence) -> Judgement:
    """Equation 5: the forward variance is a product of n Var[W]."""
    n = sympy.symbols("n_0:4", positive=True, integer=True)
    product = sympy.prod([n[i] * derivation.weight_variance(i) for i in range(3)])
    rng = np.random.default_rng(0)
    distances = []
    for sizes in ((8, 50, 5, 20), (20, 20, 20, 20)):
        rows = montecarlo.compare(sizes, rng=rng, draws=10_000)
        distances += rows[rows.quantity == "z"].z_score.tolist()
    parts: dict[str, Fact] = {
        "the algebra": _same(derivation.forward_variance(n), product * derivation.v_x),
        "samples, equal and unequal widths": agrees(distances),
    }
    ours = max(map(abs, distances))
    note = scope(parts, "Distance from the formula in standard errors; linear units")
    return Judgement(of_fact(all_of(parts.values())), ours, None, None, note)


def p17_backward_variance(evidence: Evidence) -> Judgement:
    """Equations 6, 7 and 13 as they are printed."""
    printed, mended = _printed_equations()
    parts: dict[str, Fact] = {f"eq. {k} as printed": agrees(z) for k, z in printed.items()}
    better = all_of(agrees(z) for z in mended.values())
    words = {True: "all three agree", False: "they do not agree either", None: "that is open"}
    note = scope(parts, f"Mended (eq. 6 from i + 1, eq. 7 an index up, eq. 13 with the gradient's "
                  f"variance), {words[better]}")  # fmt: skip
    ours = min(abs(z) for z in printed.values())
    return Judgement(of_parts(parts), ours, None, None, note)


@cache
def _printed_equations() -> tuple[dict[int, float], dict[int, float]]:
    """Distance of samples from the printed and from the mended forms, in standard errors."""
    rng = np.random.default_rng(1)
    sizes = (10, 12, 6, 10, 8)
    values = {"v_0": 0.1, "v_1": 0.1, "v_2": 0.15, "v_3": 0.12, "v_x": 1.0, "v_delta": 1.0}
    rows = montecarlo.compare(sizes, rng=rng, values=values)
    rows = rows[rows.layer == 1]
    n = sympy.symbols("n_0:5", positive=True, integer=True)
    numbers = dict(zip(n, sizes, strict=True)) | {
        sympy.Symbol(name, positive=True): number for name, number in values.items()
    }
    forms = {
        6: ("delta", derivation.printed_backward_variance(n, layer=1)),
        7: ("w_gradient", derivation.printed_weight_gradient_variance(n, layer=1)),
    }
    printed, mended = {}, {}
    for number, (quantity, form) in forms.items():
        row = rows[rows.quantity == quantity].iloc[0]
        printed[number] = float((row.sampled - float(form.subs(numbers))) / row.standard_error)
        mended[number] = float(row.z_score)

    values = {f"v_{i}": 1 / 30 for i in range(4)} | {"v_x": 1.0, "v_delta": 8 / 81}
    rows = montecarlo.compare([10] * 5, rng=rng, values=values)
    row = rows[(rows.quantity == "delta") & (rows.layer == 0)].iloc[0]
    eq_13 = (10 / 30) ** 3 * values["v_x"]  # (n Var[W])^(d - i) Var[x]
    printed[13] = float((row.sampled - eq_13) / row.standard_error)
    mended[13] = float(row.z_score)
    return printed, mended


def p18_level_weight_gradients(evidence: Evidence) -> Judgement:
    """Equations 7 and 14: one variance of the weight gradients, whatever the gradients do."""
    weights = _spread(_at_birth("standard", "weight_gradient"))
    gradients = _spread(_at_birth("standard", "back_gradient"))
    parts: dict[str, Fact] = {
        "the algebra, for equal widths": _one_weight_gradient(),
        "samples of linear networks": agrees(_weight_gradient_distances()),
        "the paper's network at birth, where gradients are apart": all_of(
            [below(weights, ALIKE - 1), above(gradients, APART - 1)]
        ),
    }
    note = scope(parts, f"Largest over smallest layer; that of the back-propagated gradients is "
                  f"{1 + gradients.mean:.1f}")  # fmt: skip
    return Judgement(of_parts(parts), 1 + weights.mean, _shifted(weights), None, note)


def _one_weight_gradient() -> bool:
    """Whether eq. 7, mended, is one expression for all layers of one width and variance."""
    n = sympy.symbols("n_0:5", positive=True, integer=True)
    c, width = sympy.symbols("c n", positive=True)
    equal = dict.fromkeys(n, width) | {derivation.weight_variance(i): c / width for i in range(4)}
    found = [derivation.weight_gradient_variance(n, layer=i).subs(equal) for i in range(4)]
    return all(_same(found[0], other) for other in found[1:])


def _weight_gradient_distances() -> list[float]:
    """Distance of sampled variances of weight gradients from eq. 14, c = 1/3, four layers."""
    values = {f"v_{i}": 1 / 30 for i in range(4)}
    rows = montecarlo.compare([10] * 5, rng=np.random.default_rng(2), values=values)
    found: list[float] = rows[rows.quantity == "w_gradient"].z_score.tolist()
    return found


def p19_compromise(evidence: Evidence) -> Judgement:
    """Equations 10 to 12: two conditions that meet for equal widths only, and the compromise."""
    n, m = derivation.n_in, derivation.n_out
    common = derivation.common_solutions()
    equal_only = (
        len(common) == 1
        and common[0].get(m) == n
        and not any(derivation.common_solutions(a, b) for a, b in ((300, 100), (100, 300), (2, 1)))
    )
    parts: dict[str, Fact] = {
        "the conditions meet for equal widths only": equal_only,
        "their average gives 2/(n_in + n_out)": _same(derivation.glorot_variance(), 2 / (n + m)),
        "and so does the code": _same(rules.glorot(n, m), derivation.glorot_variance()),
    }
    kept = float(derivation.factors_over_network((100, 1000, 100, 1000, 100), rules.glorot)[0])
    note = scope(parts, "The average is a choice; over widths 100, 1000, 100, 1000, 100 it keeps "
                  "this share of the variance")  # fmt: skip
    return Judgement(of_fact(all_of(parts.values())), kept, None, None, note)


def p20_one_third(evidence: Evidence) -> Judgement:
    """Equation 15: the standard initialization has n Var[W] = 1/3."""
    n = derivation.n_in
    exact = _same(n * derivation.uniform_variance(1 / sympy.sqrt(n)), sympy.Rational(1, 3))
    coded = _same(n * rules.standard(n, derivation.n_out), sympy.Rational(1, 3))
    sampled = 1000 * _sampled_variance("standard", 1000, 200)
    found = mean_interval(sampled)
    parts: dict[str, Fact] = {
        "the algebra": exact and coded,
        "samples": agrees(_distance(sampled, 1 / 3)),
    }
    verdict = of_fact(all_of(parts.values()))
    return Judgement(verdict, found.mean, found.ends, 1 / 3, scope(parts))


def p21_bound(evidence: Evidence) -> Judgement:
    """Equation 16: U(-a, a) with a = sqrt(6 / (n_in + n_out))."""
    n, m = derivation.n_in, derivation.n_out
    bound = sympy.sqrt(6) / sympy.sqrt(n + m)
    a = float(bound.subs({n: 300, m: 100}))
    ours, theirs = torch.empty(100, 300), torch.empty(100, 300)
    init.uniform_(ours, "glorot", generator=torch.Generator().manual_seed(0))
    nn.init.xavier_uniform_(theirs, generator=torch.Generator().manual_seed(0))
    variance = _sampled_variance("glorot", 300, 100)
    largest = float(ours.abs().max())
    parts: dict[str, Fact] = {
        "the algebra": _same(derivation.glorot_bound(), bound)
        and _same(rules.bound(rules.glorot(n, m)), bound),
        "samples have the variance": agrees(_distance(variance, 2 / 400)),
        "and fill the interval": 0.999 * a < largest <= a * (1 + 1e-6),
        "torch draws the same": torch.allclose(ours, theirs, rtol=1e-6, atol=0.0),
    }
    note = scope(parts, "The largest of 30,000 weights, 300 to 100 units")
    return Judgement(of_fact(all_of(parts.values())), largest, None, a, note)


def p22_activations(evidence: Evidence) -> Judgement:
    """Figure 6: activations at birth."""
    peaks = _at_birth("standard", "activation", "density")
    parts: dict[str, Fact] = {
        "standard: the peak at 0 grows with the layer": _rising(peaks),
        "normalized: layers alike": _alike(_at_birth("glorot", "activation")),
    }
    found = _spread(_at_birth("glorot", "activation"))
    return Judgement(
        of_parts(parts), 1 + found.mean, _shifted(found), _published(6, "std", "normalized"),
        scope(parts, "Largest over smallest standard deviation of the normalized layers"),
    )  # fmt: skip


def p23_back_gradients(evidence: Evidence) -> Judgement:
    """Figure 7: back-propagated gradients at birth."""
    parts: dict[str, Fact] = {
        "standard: smaller in every layer further down": _rising(
            _at_birth("standard", "back_gradient")
        ),
        "normalized: layers alike": _alike(_at_birth("glorot", "back_gradient")),
    }
    found = _spread(_at_birth("glorot", "back_gradient"))
    return Judgement(
        of_parts(parts), 1 + found.mean, _shifted(found), _published(7, "std", "normalized"),
        scope(parts, "Largest over smallest standard deviation of the normalized layers"),
    )  # fmt: skip


def p24_weight_gradients(evidence: Evidence) -> Judgement:
    """Figure 8: weight gradients at birth."""
    parts: dict[str, Fact] = {
        f"{name}: layers alike": _alike(_at_birth(rule, "weight_gradient"))
        for name, rule in (("standard", "standard"), ("normalized", "glorot"))
    }
    found = _spread(_at_birth("standard", "weight_gradient"))
    return Judgement(
        of_parts(parts), 1 + found.mean, _shifted(found), _published(8, "peak", "standard"),
        scope(parts, "Largest over smallest standard layer, here by standard deviations, in the "
               "paper by peaks"),
    )  # fmt: skip


def _rising(values: Array) -> Fact:
    """Whether values rise from each layer to the next, on average over seeds."""
    steps = values[:, 1:] / values[:, :-1]
    return all_of(above(ratio_interval(step), 0.0) for step in steps.T)


def _published(figure: int, statistic: str, initialization: str) -> float:
    """Largest over smallest layer, as read off a figure of the paper."""
    rows = paper.figure(figure)
    values = rows[(rows.statistic == statistic) & (rows["init"] == initialization)].value
    return float(values.max() / values.min())


def p25_singular_values(evidence: Evidence) -> Judgement:
    """The mean singular value of a layer's Jacobian: 0.5 standard, 0.8 normalized."""
    means = _singular_values()
    parts: dict[str, Fact] = {}
    for rule, name in (("standard", "standard"), ("glorot", "normalized")):
        number = paper.SINGULAR_VALUES[name]
        for layer, values in means[rule].items():
            rounded = equivalent(mean_interval(values - number), 0.05)
            parts[f"{name} {number}, layers {layer} to {layer + 1}"] = rounded
    ours = ", ".join(
        f"{name} {to_digits(*_ends(means[rule].values()))}"
        for rule, name in (("standard", "standard"), ("glorot", "normalized"))
    )
    return Judgement(of_parts(parts), ours, None, "standard 0.5, normalized 0.8", scope(parts))


def _ends(samples: Iterable[Array]) -> tuple[float, float]:
    """The smallest and the largest mean."""
    means = [float(sample.mean()) for sample in samples]
    return min(means), max(means)


@cache
def _singular_values() -> dict[str, dict[int, Array]]:
    """Mean singular value of each Jacobian between hidden layers, seed by seed, by rule.

    A decomposition costs a tenth of a second, so only one example of each seed has one. Images
    differ in contrast and therefore in their slopes, to whose mean the mean singular value is
    proportional to a percent: each is brought to the mean slope of 300 images.
    """
    images, _ = Shapeset(seed=0).batch(300)
    found: dict[str, dict[int, Array]] = {}
    for rule in ("standard", "glorot"):
        means: dict[int, list[float]] = {layer: [] for layer in _HIDDEN[:-1]}
        for seed in SEEDS[:3]:
            network = Network.create(_PAPER_SIZES, "tanh", rule, seeds=[seed])
            trace, one = network.forward(images), network.forward(images[seed : seed + 1])
            for layer, values in means.items():
                mean = float(monitor.jacobian(network, one, layer).value.mean())
                slopes = [
                    float(network.activation.derivative(t.s[layer], t.z[layer + 1]).double().mean())
                    for t in (trace, one)
                ]
                values.append(mean * slopes[0] / slopes[1])
        found[rule] = {layer: np.array(values) for layer, values in means.items()}
    return found


MATCHES = 0.05
"""Two numbers match if they differ by less than this share."""


def p26_variance_ratio(evidence: Evidence) -> Judgement:
    """That mean is the ratio of the activations' variances between the two layers."""
    parts: dict[str, Fact] = {}
    quotients = {}
    root_mean_square: list[Fact] = []
    for rule, name in (("standard", "standard"), ("glorot", "normalized")):
        mean, rms, ratio = _linear_layers(rule)
        quotients[name] = mean_interval(mean / ratio)
        parts[f"{name}: mean is the ratio"] = equivalent(mean_interval(mean / ratio - 1), MATCHES)
        root = mean_interval(rms / np.sqrt(ratio) - 1)
        root_mean_square.append(equivalent(root, MATCHES))
    found = quotients["normalized"]
    root_is = {True: "is", False: "is not either", None: "may be"}[all_of(root_mean_square)]
    note = scope(parts, f"The root mean square {root_is} the root of that ratio. Mean over ratio, "
                  "normalized, linear units")  # fmt: skip
    return Judgement(of_parts(parts), found.mean, found.ends, 1.0, note)


@cache
def _linear_layers(rule: str) -> tuple[Array, Array, Array]:
    """Mean and root mean square of singular values, and ratio of variances, seed by seed."""
    x = torch.randn(300, 400, generator=torch.Generator().manual_seed(0))
    found = []
    for seed in SEEDS:
        network = Network.create([400] * 4, "identity", rule, seeds=[seed])
        trace = network.forward(x)
        values = monitor.jacobian(network, trace, 1, examples=1).value
        before, after = (trace.z[i].double().var() for i in (1, 2))
        found.append((values.mean(), (values**2).mean() ** 0.5, float(after / before)))
    mean, rms, ratio = np.array(found).T
    return mean, rms, ratio


# --------------------------------------------------------------------------------------------------
# P40: planted faults
# --------------------------------------------------------------------------------------------------

FOUND, FALSE_ALARMS = 0.9, 0.1
"""Monitoring is a strong tool if it finds more than the first share of the planted faults and
takes less than the second share of the sound networks for faulty."""

_ALARM = 2.0  # a layer whose factor is this far from its neighbours' is reported


def p40_monitoring(evidence: Evidence) -> Judgement:
    """Watching activations and gradients finds what is wrong with a network."""
    planted = [
        _reported(seed, fault, layer) == layer
        for fault in ("weak", "strong", "cut")
        for layer in range(1, 5)
        for seed in SEEDS
    ]
    alarms = [_reported(seed, None, 0) is not None for seed in range(40)]
    hits = proportion_interval(sum(planted), len(planted))
    false = proportion_interval(sum(alarms), len(alarms))
    parts = {
        "finds planted faults": above(hits, FOUND),
        "is quiet on sound networks": below(false, FALSE_ALARMS),
    }
    note = scope(parts, "Share found of faults planted in one layer of five: weights a fifth or "
                  "five times as large, or a cut gradient")  # fmt: skip
    return Judgement(of_fact(all_of(parts.values())), hits.mean, hits.ends, None, note)


class _Cut(nn.Module):
    """Lets no gradient through: somebody's detach in the wrong place."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the input without its history."""
        return x.detach()


def _reported(seed: int, fault: str | None, layer: int) -> int | None:
    """The layer that the rule names in a network with a fault in one; None for no alarm.

    Layers are counted from 0. The rule: a layer without a gradient above which there is one is
    cut off; else the layer by which the signal's standard deviation changes most unlike the
    median layer, if that is by more than a factor of two.
    """
    network = Network.create([50] * 6, "tanh", "glorot", seeds=[seed])
    parts: list[nn.Module] = list(network.to_module())
    if fault in ("weak", "strong"):
        with torch.no_grad():
            next(parts[2 * layer].parameters()).mul_(5.0 if fault == "strong" else 0.2)
    if fault == "cut":
        parts.insert(2 * layer, _Cut())
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(100, 50, generator=generator)
    model = nn.Sequential(*parts)
    with monitor.watch(model) as record:
        model(x).square().mean().backward()
    return _unlike_the_others(record.rows(), float(x.std()))


def _unlike_the_others(rows: pd.DataFrame, std: float) -> int | None:
    """The layer that `_reported` speaks of, from what was watched."""
    sums = rows[(rows.kind == "Linear") & (rows.statistic == "std")].sort_values("order")
    trained = sums[sums.quantity == "weight_gradient"].name.tolist()
    layers = sums[sums.quantity == "weight"].name.tolist()
    if trained != layers:  # the first with a gradient sits on the cut
        return layers.index(trained[0])
    tanh = rows[(rows.kind == "Tanh") & (rows.quantity == "output") & (rows.statistic == "std")]
    incoming = np.array([std, *tanh.sort_values("order").value])
    outgoing = sums[sums.quantity == "output"].value.to_numpy()
    factors = np.log(outgoing / incoming)
    away = np.abs(factors - np.median(factors))
    return int(away.argmax()) if away.max() > math.log(_ALARM) else None


# --------------------------------------------------------------------------------------------------
# C: the course
# --------------------------------------------------------------------------------------------------


def c1_chance(evidence: Evidence) -> Judgement:
    """Chance on Shapeset is 83.33 % wrong, and a sigmoid of depth five guesses."""
    _, labels = Shapeset(seed=0, size=15).batch(50_000)
    best = max(FREQUENCIES)
    counted = int((labels == FREQUENCIES.index(best)).sum())
    wrong = proportion_interval(len(labels) - counted, len(labels))
    constant = mean_interval(_most_common_answer("sigmoid"))
    parts: dict[str, Fact] = {
        "83.33 % wrong at best without looking": (1 - best) in wrong and 8 / 9 not in wrong,
        "the trained sigmoid gives one answer": above(constant, 0.99),
    }
    note = scope(parts, "Five layers of 100 sigmoids after 1,000 updates at rate 0.1; share of "
                  f"the most common answer {constant.mean:.2f}")  # fmt: skip
    percent = tuple(100 * end for end in wrong.ends)
    return Judgement(of_parts(parts), 100 * wrong.mean, (percent[0], percent[1]), 82.61, note)


@cache
def _most_common_answer(units: str) -> Array:
    """Share of the most common answer on 2,000 images after some training, seed by seed."""
    rule = "standard"
    grid = pd.DataFrame({"seed": SEEDS, "lr": 0.1, "rule": rule})
    network, _ = training.train_grid(
        [1024, *[100] * 5, 9], units, grid, Shapeset, updates=1000, progress=False
    )
    images, _ = Shapeset(seed=10**6).batch(2000)
    answers = network.forward(images).logits.argmax(-1)
    return np.array([int(a.bincount().max()) / len(a) for a in answers])


LAW = 0.02
"""How far a law for large depths may be from the theory for wide layers at layer 1,000."""

FOLLOWS = 1.5
"""Networks of width 400 follow a theory if their mean is within this factor at layer 100."""


def c2_dying_out(evidence: Evidence) -> Judgement:
    """At gain 1 the variance of tanh falls as 1/(2 l), of softsign as pi/(8 l^2)."""
    layer = sympy.Symbol("l", positive=True)
    claimed = {"tanh": 1 / (2 * layer), "softsign": sympy.pi / (8 * layer**2)}
    parts: dict[str, Fact] = {}
    for units, law in claimed.items():
        parts[f"{units}: the series"] = _same(theory.vanishing_variance(units)[0], law)
        far = float(_theory(units, 1000).variance.iloc[-1] / law.subs(layer, 1000))
        parts[f"{units}: quadrature at layer 1,000"] = abs(far - 1) < LAW
        parts[f"{units}: networks at layer 100"] = within_factor(_over_theory(units), FOLLOWS)
    found = _over_theory("tanh")
    note = scope(parts, "Tanh, variance at layer 100 over the theory's, width 400")
    return Judgement(of_parts(parts), math.exp(found.mean), ends_as_ratios(found), None, note)


@cache
def _theory(units: str, layers: int) -> pd.DataFrame:
    return theory.propagate(units, 1.0, layers)


def _over_theory(units: str) -> Interval:
    """Variance of the sums at layer 100, sampled over predicted, seed by seed, as logarithms."""
    rows = _deep(units, 1.0, 100, 400)
    last = rows[rows.layer == 100].sums.to_numpy()
    return ratio_interval(last / _theory(units, 100).variance.iloc[-1])


def c3_five_thirds(evidence: Evidence) -> Judgement:
    """The gain 5/3 fixes tanh units at 0.651 and lets gradients grow by 1.21 a layer."""
    gain = nn.init.calculate_gain("tanh")
    q = theory.fixed_point("tanh", gain=gain)
    settled, chi = math.sqrt(q) / gain, theory.gradient_map("tanh", q, gain=gain)
    rows = _deep("tanh", gain, 50, 400)
    drawn = mean_interval(np.sqrt(rows[rows.layer == 50].activation.to_numpy()) - 0.651)
    growth = ratio_interval(_between(rows, "gradient", 10, 50) ** (1 / 40))  # a layer
    parts: dict[str, Fact] = {
        "torch's gain is 5/3": abs(gain - 5 / 3) < 1e-12,
        "quadrature: 0.651": abs(settled - 0.651) < 0.0005,
        "quadrature: 1.21": abs(chi - 1.21) < 0.005,
        "networks at layer 50: 0.651 within 0.02": equivalent(drawn, 0.02),
        "networks, layers 10 to 50: 1.21 within 0.05": all_of(
            [above(growth, math.log(1.16)), below(growth, math.log(1.26))]
        ),
    }
    return Judgement(
        of_parts(parts), math.exp(growth.mean), ends_as_ratios(growth), None, scope(parts)
    )


MODEST = 5.0
"""The largest gain that counts as modest, more than the 4 that makes up for the slope of 1/4."""

SATURATED = 0.25
"""Share of saturated units at birth from which on a gain is no way out."""


def c4_sigmoid_gains(evidence: Evidence) -> Judgement:
    """No modest gain saves the sigmoid."""
    gains = np.geomspace(0.5, 20, 60)
    settled = [theory.fixed_point("sigmoid", gain=gain) for gain in gains]
    pairs = list(zip(gains, settled, strict=True))
    chi = np.array([theory.gradient_map("sigmoid", q, gain=gain) for gain, q in pairs])
    shares = np.array([theory.saturated_share("sigmoid", q) for q in settled])
    drawn = ratio_interval(_between(_deep("sigmoid", 4.0, 20, 400), "gradient", 10, 20) ** (1 / 10))
    kept = chi >= 1
    parts: dict[str, Fact] = {
        f"quadrature: gradients die out up to gain {MODEST:g}": bool(
            (chi[gains <= MODEST] < 0.9).all()
        ),
        "quadrature: where they do not, units are saturated": bool(
            kept.any() and (shares[kept] > SATURATED).all()
        ),
        "networks at gain 4: gradients die out": below(drawn, math.log(0.9)),
    }
    k = int(kept.argmax())  # the first; between it and the one before, along a straight line
    first = np.interp(1.0, chi[k - 1 : k + 1], gains[k - 1 : k + 1]) if k else math.inf
    note = scope(parts, "Factor on the gradient's variance per layer, gain 4; it reaches 1 near "
                  f"gain {first:.0f}")  # fmt: skip
    return Judgement(
        of_fact(all_of(parts.values())), math.exp(drawn.mean), ends_as_ratios(drawn), None, note
    )


def c5_default_linear(evidence: Evidence) -> Judgement:
    """The default of torch's linear layer is the paper's standard rule, with random biases."""
    n = derivation.n_in
    slope = sympy.sqrt(5)  # the layer draws by Kaiming's rule for leaky rectifiers of this slope
    kaiming = 2 / ((1 + slope**2) * n)
    layers = _default_layers(1000, 200, number=20)
    weights, biases = (
        1000 * np.array([float(getattr(a, name).detach().double().square().mean()) for a in layers])
        for name in ("weight", "bias")
    )
    limit = 1000**-0.5
    largest = max(float(a.weight.detach().abs().max()) for a in layers)
    found = mean_interval(weights)
    parts: dict[str, Fact] = {
        "the algebra": _same(kaiming, rules.standard(n, derivation.n_out)),
        "n Var[W] of drawn layers is 1/3": agrees(_distance(weights, 1 / 3)),
        "between plus and minus 1/sqrt(n)": 0.999 * limit < largest <= limit * (1 + 1e-6),
        "biases are random": agrees(_distance(biases, 1 / 3)),
    }
    note = scope(parts, "The paper's own biases are zero")
    return Judgement(of_parts(parts), found.mean, found.ends, 1 / 3, note)


class _Seeded(TorchFunctionMode):
    """Gives torch's own initializers a generator, where a layer calls them without one."""

    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()
        self.generator = generator

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call ``func``, an initializer with the generator."""
        kwargs = dict(kwargs or {})
        if func in (nn.init.kaiming_uniform_, nn.init.uniform_):
            kwargs["generator"] = self.generator
        return func(*args, **kwargs)


def _default_layers(n_in: int, n_out: int, *, number: int) -> list[nn.Linear]:
    """Linear layers as torch makes them, but that its global generator is left alone."""
    with _Seeded(torch.Generator().manual_seed(0)):
        return [nn.Linear(n_in, n_out) for _ in range(number)]


def c6_other_baseline(evidence: Evidence) -> Judgement:
    """A failed replication compared two rules that are one, between layers of one width."""
    theirs = 1000 * float(derivation.uniform_variance(math.sqrt(3 / 1000)))  # its uniform rule
    glorot = _at_birth("glorot", "activation")
    same = mean_interval((_at_birth("lecun", "activation") / glorot - 1).mean(1))
    ours = mean_interval(_at_birth("standard", "activation")[:, -1] / glorot[:, -1])
    parts: dict[str, Fact] = {
        "its baseline has n Var[W] = 1": abs(theirs - 1) < 1e-9,
        "with it both arms are alike at birth": equivalent(same, MATCHES),
        "with the paper's they are not": below(ours, 1 / ALIKE),
    }
    note = scope(parts, "Standard deviation of layer 5, the paper's baseline over normalized; at "
                  "birth, their training was not repeated")  # fmt: skip
    return Judgement(of_fact(all_of(parts.values())), ours.mean, ours.ends, None, note)


LEVEL = 1.2
"""Weight gradients are level if the largest variance is below this multiple of the smallest."""


def c7_same_powers(evidence: Evidence) -> Judgement:
    """At gain 1 gradients die out by the power of the signal, and weight gradients stay level."""
    parts: dict[str, Fact] = {}
    wander = {}
    for units, power in (("tanh", 1), ("softsign", 2)):
        rows = _theory(units, 100)
        variance, gradient = theory.vanishing_variance(units)
        layer, last = sympy.symbols("l L", positive=True)
        parts[f"{units}: both by the power {power} of the layer, the series"] = _same(
            gradient, (layer / last) ** power
        ) and not (variance * layer**power).has(layer)
        level = rows[rows.layer >= 10].weight_gradient
        parts[f"{units}: level in wide networks"] = bool(level.max() / level.min() < LEVEL)
        drawn = _deep(units, 1.0, 100, 400)
        drawn = drawn[drawn.layer.between(10, 99)]
        by_seed = drawn.groupby("seed").weight_gradient
        wander[units] = (by_seed.max() / by_seed.min()).to_numpy()
        parts[f"{units}: level in single networks of width 400"] = bool(
            (wander[units] < LEVEL).all()
        )
    ends = float(wander["tanh"].min()), float(wander["tanh"].max())
    note = scope(parts, "Largest over smallest variance of layers 10 to 99, single tanh networks")
    return Judgement(of_parts(parts), to_digits(*ends, digits=2), None, None, note)
