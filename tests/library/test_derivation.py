"""`xavier.derivation`: the paper's equations, each assumption dropped, and samples beside them.

Where a closed form is held against samples, ``LIMIT`` standard errors are allowed: a false alarm
in 6e-7 of all comparisons of a normal estimate, about 6e-5 for the 100 made here under another
seed. A formula is *rejected* only beyond twice that. The seeds follow from the tests' names.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Eq, Integer, Symbol

from xavier import derivation, montecarlo, rules
from xavier.derivation import (
    ASSUMPTIONS,
    backward_variance,
    forward_variance,
    n_in,
    n_out,
    v,
    v_delta,
    v_x,
    weight_gradient_variance,
    weight_mean,
    weight_variance,
)
from xavier.moments import Law

LIMIT = 5.0
DRAWS = 20_000
SIZES = (4, 7, 3, 8)

sizes = st.lists(st.integers(1, 1000), min_size=2, max_size=6)
few = settings(max_examples=20)


def product(factors: Any) -> sympy.Expr:
    return sympy.prod(list(factors))


# --------------------------------------------------------------------------------------------------
# Equations 5 to 7, 13 and 14
# --------------------------------------------------------------------------------------------------


@few
@given(sizes=sizes)
def test_equation_5_is_the_product_of_fan_in_times_variance(sizes: list[int]) -> None:
    expected = v_x * product(n * weight_variance(i) for i, n in enumerate(sizes[:-1]))
    assert forward_variance(sizes) == expected


@few
@given(sizes=sizes, data=st.data())
def test_equations_6_and_7_mended_have_one_factor_for_each_matrix_crossed(
    sizes: list[int], data: st.DataObject
) -> None:
    layer = data.draw(st.integers(0, len(sizes) - 2))
    forward = product(sizes[k] * weight_variance(k) for k in range(layer))
    crossed = range(layer + 1, len(sizes) - 1)  # eq. 2: from s^{k} to s^{k-1} through W^k
    backward = product(sizes[k + 1] * weight_variance(k) for k in crossed)
    assert backward_variance(sizes, layer=layer) == v_delta * backward
    assert weight_gradient_variance(sizes, layer=layer) == forward * backward * v_x * v_delta


def test_the_equations_hold_for_symbols() -> None:
    n = sympy.symbols("n_0:4", positive=True, integer=True)
    v_0, v_1, v_2 = (weight_variance(i) for i in range(3))
    assert forward_variance(n[:1]) == v_x  # one size is the input itself
    assert forward_variance(n) == n[0] * n[1] * n[2] * v_0 * v_1 * v_2 * v_x
    assert backward_variance(n, layer=0) == n[2] * n[3] * v_1 * v_2 * v_delta
    assert weight_gradient_variance(n, layer=1) == n[0] * n[3] * v_0 * v_2 * v_x * v_delta


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_equations_13_and_14_for_equal_widths(depth: int) -> None:
    # d is the index of the output's weighted sums: depth matrices, W^0 to W^d.
    d = depth - 1
    widths = (n_in,) * (depth + 1)
    same = {weight_variance(i): v for i in range(depth)}
    for layer in range(depth):
        backward = backward_variance(widths, layer=layer).subs(same)
        assert backward == (n_in * v) ** (d - layer) * v_delta  # the paper prints Var[x]
        gradient = weight_gradient_variance(widths, layer=layer).subs(same)
        assert gradient == (n_in * v) ** d * v_x * v_delta  # whatever the layer


def test_printed_equation_6_has_one_factor_too_many_and_7_the_wrong_indices() -> None:
    n = sympy.symbols("n_0:4", positive=True, integer=True)
    for layer in range(3):
        printed = derivation.printed_backward_variance(n, layer=layer)
        surplus = n[layer + 1] * weight_variance(layer)
        assert sympy.cancel(printed / backward_variance(n, layer=layer)) == surplus
        printed = derivation.printed_weight_gradient_variance(n, layer=layer)
        mended = weight_gradient_variance(n, layer=layer)
        # As many factors, so that equal widths and variances hide it.
        same = dict.fromkeys(n, n[0]) | {weight_variance(i): v for i in range(3)}
        assert printed.subs(same) == mended.subs(same)
        assert (sympy.cancel(printed / mended) == 1) == (layer == 2)


def test_samples_reject_printed_equations_6_and_7_and_accept_them_mended(
    rng: np.random.Generator,
) -> None:
    values = montecarlo.typical_values(SIZES)
    rows = montecarlo.compare(SIZES, rng=rng, draws=DRAWS)
    printed = {
        "delta": derivation.printed_backward_variance,
        "w_gradient": derivation.printed_weight_gradient_variance,
    }
    assert np.all(np.abs(rows.z_score) < LIMIT)
    for row in rows[rows.quantity != "z"].itertuples():
        formula = printed[row.quantity](SIZES, layer=row.layer)
        score = (row.sampled - number(formula, values)) / row.standard_error
        if row.quantity == "w_gradient" and row.layer == len(SIZES) - 2:
            assert abs(score) < LIMIT  # nothing is crossed: printed and mended are the same
        else:
            assert abs(score) > 2 * LIMIT, row


# --------------------------------------------------------------------------------------------------
# Assumptions
# --------------------------------------------------------------------------------------------------


def number(formula: sympy.Expr, values: dict[str, float]) -> float:
    return float(formula.subs({symbol: values[symbol.name] for symbol in formula.free_symbols}))


# Pairs that derivation refuses, beside all with independent_gradient but unit_slope.
REFUSED = [
    ("independent_weights", "identical_distribution"),
    ("identical_distribution", "uncorrelated_inputs"),
    ("identical_distribution", "uncorrelated_gradient"),
    ("independent_weights", "uncorrelated_inputs"),
    *(("independent_signal", name) for name in ASSUMPTIONS if name != "independent_signal"),
]
# linear_units has no closed form.
SWITCHES = tuple(name for name in ASSUMPTIONS if name != "linear_units")


def compatible(names: tuple[str, ...]) -> bool:
    if "independent_gradient" in names:
        return set(names) <= {"independent_gradient", "unit_slope"}
    return len(names) == 1 or not any(set(pair) <= set(names) for pair in REFUSED)


@lru_cache
def sampled(without: tuple[str, ...]) -> pd.DataFrame:
    seed = [list(ASSUMPTIONS).index(name) for name in without]
    return montecarlo.compare(SIZES, rng=np.random.default_rng(seed), without=without, draws=DRAWS)


SINGLES = [(name,) for name in SWITCHES]
PAIRS = [pair for pair in itertools.combinations(SWITCHES, 2) if compatible(pair)]
ALL = tuple(name for name in SWITCHES if not name.startswith("i"))

# Quantities (and layers of (4, 7, 3, 8)) that dropping the assumption changes.
CHANGED = {
    "zero_mean_weights": {("z", 3), ("delta", 0), ("delta", 1), ("w_gradient", 0),
                          ("w_gradient", 1), ("w_gradient", 2)},
    "zero_mean_inputs": {("z", 3), ("w_gradient", 0), ("w_gradient", 1), ("w_gradient", 2)},
    "independent_weights": {("z", 3), ("w_gradient", 1), ("w_gradient", 2)},
    "identical_distribution": {("z", 3), ("delta", 0), ("delta", 1), ("w_gradient", 0),
                               ("w_gradient", 1), ("w_gradient", 2)},
    "unit_slope": {("z", 3), ("delta", 0), ("delta", 1), ("w_gradient", 0), ("w_gradient", 1),
                   ("w_gradient", 2)},
    "zero_biases": {("z", 3), ("w_gradient", 1), ("w_gradient", 2)},
    "independent_gradient": {("delta", 0), ("delta", 1), ("w_gradient", 0), ("w_gradient", 1),
                             ("w_gradient", 2)},
    "uncorrelated_inputs": set(),
    "zero_mean_gradient": {("delta", 0), ("delta", 1), ("w_gradient", 0), ("w_gradient", 1),
                           ("w_gradient", 2)},
    "uncorrelated_gradient": set(),
    "independent_signal": {("w_gradient", 0), ("w_gradient", 1), ("w_gradient", 2)},
}  # fmt: skip


def test_every_assumption_is_tested() -> None:
    assert set(CHANGED) == set(SWITCHES)


def test_what_correlated_inputs_and_gradients_add_has_a_mean_weight_for_a_factor() -> None:
    mu_0, mu_1 = weight_mean(0), weight_mean(1)
    means = {"zero_mean_weights"}
    for extra, term in (
        (forward_variance((n_in, n_out), without=means | {"uncorrelated_inputs"})
         - forward_variance((n_in, n_out), without=means),
         n_in * (n_in - 1) * mu_0**2 * derivation.r_x * v_x),
        (backward_variance((1, n_in, n_out), without=means | {"uncorrelated_gradient"})
         - backward_variance((1, n_in, n_out), without=means),
         n_out * (n_out - 1) * mu_1**2 * derivation.r_delta * v_delta),
    ):  # fmt: skip
        assert sympy.expand(extra - term) == 0


def test_a_gradient_as_long_as_the_input_makes_the_weight_gradient_larger_by_2_over_n() -> None:
    n = sympy.symbols("n_0:4", positive=True, integer=True)
    for layer in range(3):
        longer = weight_gradient_variance(n, layer=layer, without={"independent_signal"})
        ratio = sympy.cancel(longer / weight_gradient_variance(n, layer=layer))
        assert sympy.expand(ratio - 1 - 2 / n[0]) == 0


def test_bent_units_have_samples_and_no_formula(rng: np.random.Generator) -> None:
    with pytest.raises(ValueError, match="linear_units has no closed form"):
        forward_variance(SIZES, without={"linear_units"})
    values = montecarlo.typical_values(SIZES)
    rows = montecarlo.compare(SIZES, rng=rng, without={"linear_units"})
    assert rows.formula.isna().all() and rows.z_score.isna().all()
    for row in rows.itertuples():
        kept = number(keeping("linear_units")(row.quantity, row.layer), values)
        if (row.quantity, row.layer) != ("delta", 2):  # the top gradient itself
            # tanh takes from a signal, and its slope from a gradient.
            assert (kept - row.sampled) / row.standard_error > 2 * LIMIT, row


# The other pairs are held exactly to networks written out, below.
UNEVEN = [pair for pair in PAIRS if "identical_distribution" in pair]
ALL_UNEVEN = (*(n for n in ALL if not n.startswith("uncorrelated")), "identical_distribution")
LEANING = ("zero_mean_inputs", "independent_weights")
MOVING = ("zero_mean_weights", "uncorrelated_inputs", "uncorrelated_gradient")


@pytest.mark.parametrize(
    "without", [(), *SINGLES, *UNEVEN, LEANING, MOVING, ALL, ALL_UNEVEN], ids=" ".join
)
def test_the_closed_form_without_assumptions_agrees_with_samples(without: tuple[str, ...]) -> None:
    rows = sampled(without)
    assert np.all(np.abs(rows.z_score) < LIMIT), rows


def keeping(name: str) -> Callable[[str, int], sympy.Expr]:
    """The formulas with all assumptions kept, as they would be used where ``name`` fails."""

    def formula(quantity: str, layer: int) -> sympy.Expr:
        if quantity == "z":
            return forward_variance(SIZES)
        mended = {"delta": backward_variance, "w_gradient": weight_gradient_variance}[quantity]
        plain = mended(SIZES, layer=layer)
        if name == "independent_gradient":
            # Not v_delta but the output's own variance is what the gradient starts from.
            top = backward_variance(SIZES, layer=len(SIZES) - 2, without={name})
            plain = plain.subs(v_delta, top)
        return plain

    return formula


@pytest.mark.parametrize("name", SWITCHES)
def test_where_an_assumption_fails_the_formula_that_keeps_it_is_rejected(name: str) -> None:
    values, formula, changed = montecarlo.typical_values(SIZES), keeping(name), set()
    for row in sampled((name,)).itertuples():
        kept = number(formula(row.quantity, row.layer), values)
        if not math.isclose(kept, row.formula, rel_tol=1e-12):
            changed.add((row.quantity, row.layer))
            assert abs(row.sampled - kept) / row.standard_error > 2 * LIMIT, row
    assert changed == CHANGED[name]


# All but the two whose formula starts from another gradient.
@pytest.mark.parametrize(
    "without",
    [
        names
        for names in [*SINGLES, *PAIRS]
        if not {"independent_gradient", "independent_signal"} & set(names)
    ],
    ids=" ".join,
)
def test_an_assumption_that_holds_after_all_changes_nothing(without: tuple[str, ...]) -> None:
    layers = range(len(SIZES) - 1)
    true = dict.fromkeys([*map(weight_mean, layers), *map(derivation.bias_variance, layers)], 0)
    nothing = ("m_x", "h", "kappa", "C_x", "C_delta", "r_x", "r_delta", "m_delta")
    true |= {derivation.beta: 1} | {getattr(derivation, name): 0 for name in nothing}
    assert forward_variance(SIZES, without=without).subs(true) == forward_variance(SIZES)
    for function in (backward_variance, weight_gradient_variance):
        for layer in layers:
            dropped = function(SIZES, layer=layer, without=without)
            assert dropped.subs(true) == function(SIZES, layer=layer)


def test_the_extra_terms_of_one_layer_are_those_one_writes_down() -> None:
    sizes, v_0 = (n_in, n_out), weight_variance(0)
    mu_0, m_x, h, kappa = weight_mean(0), derivation.m_x, derivation.h, derivation.kappa
    plain = forward_variance(sizes)
    for without, extra in {
        "zero_mean_weights": n_in * mu_0**2 * v_x,
        "zero_mean_inputs": n_in * m_x**2 * v_0,
        "independent_weights": n_in * kappa**2,
        "identical_distribution": n_in * derivation.C_x,
        "unit_slope": (derivation.beta**2 - 1) * n_in * v_0 * v_x,
        "zero_biases": derivation.bias_variance(0),
        "independent_gradient": 0,
    }.items():
        dropped = forward_variance(sizes, without={without})
        assert sympy.expand(dropped - plain - extra) == 0, without
    assert not plain.has(h, m_x, mu_0, kappa)


# Rational, with rational roots where a root is taken, so that everything below is exact.
EXACT = {
    name: sympy.Rational(value)
    for name, value in {
        "v_0": "1/4", "v_1": "4/9", "v_2": "9/4", "mu_0": "1/2", "mu_1": "1/3", "mu_2": "3/4",
        "u_0": "4", "u_1": "1/9", "u_2": "1/4", "v_x": "16/9", "v_delta": "9/16", "m_x": "2/3",
        "h": "1/5", "beta": "3/2", "kappa": "2/5", "r_x": "9/25", "r_delta": "16/25",
        "m_delta": "5/4",
    }.items()
}  # fmt: skip


def every_weight_by_itself(
    sizes: tuple[int, ...], without: tuple[str, ...]
) -> dict[tuple[str, int], sympy.Expr]:
    """Variances of the first unit or weight of every layer, from a network written out in full.

    Nothing is used of how the module counts terms: each weight is a variable of its own.
    """
    law, last = Law(), len(sizes) - 2

    def dropped(assumption: str, name: str, otherwise: int = 0) -> Any:
        return EXACT[name] if assumption in without else Integer(otherwise)

    def noises(name: str, variance: Any, n: int) -> list[Any]:
        return [law.draw(name, variance=variance, normal=True) for _ in range(n)]

    def units(assumption: str, r: str, variance: Any, n: int) -> list[Any]:
        common = dropped(assumption, r)
        (shared,) = noises("shared", common * variance, 1)
        return [shared + own for own in noises("own", (1 - common) * variance, n)]

    x = units("uncorrelated_inputs", "r_x", EXACT["v_x"], sizes[0])
    slope, offset = dropped("unit_slope", "beta", 1), dropped("zero_mean_inputs", "h")
    z, weights, s = [[dropped("zero_mean_inputs", "m_x") + unit for unit in x]], [], []
    for i, (n, m) in enumerate(itertools.pairwise(sizes)):
        mean, variance = dropped("zero_mean_weights", f"mu_{i}"), EXACT[f"v_{i}"]
        lean = dropped("independent_weights", "kappa") / EXACT["v_x"] if i == 0 else 0
        rest = variance - lean**2 * EXACT["v_x"]
        met = x if i == 0 else [Integer(0)] * n  # what the weights lean on
        weights.append([[mean + lean * unit + w for w in noises("w", rest, m)] for unit in met])
        biases = noises("b", dropped("zero_biases", f"u_{i}"), m)
        s.append([sum(z[i][j] * weights[i][j][k] for j in range(n)) + biases[k] for k in range(m)])
        z.append([offset + slope * unit for unit in s[i]])
    top = units("uncorrelated_gradient", "r_delta", EXACT["v_delta"], sizes[-1])
    top = [dropped("zero_mean_gradient", "m_delta") + unit for unit in top]
    delta = [s[-1] if "independent_gradient" in without else top]
    for i in range(last, 0, -1):
        back = [sum(w * d for w, d in zip(row, delta[0], strict=True)) for row in weights[i]]
        delta.insert(0, [slope * unit for unit in back])
    variances = {("z", last + 1): law.Var(z[-1][0])}
    for i in range(last + 1):
        variances["delta", i] = law.Var(delta[i][0])
        variances["w_gradient", i] = law.Var(z[i][0] * delta[i][0])
    return variances


# The length of the input is no polynomial, and uneven units are no single law.
EVEN = [
    names
    for names in (*SINGLES, *PAIRS)
    if not {"identical_distribution", "independent_signal"} & set(names)
]


@pytest.mark.parametrize(
    ("sizes", "without"),
    [
        *(((2, 1, 2), names) for names in [(), *EVEN, ALL]),
        *(((1, 1, 1, 1), names) for names in [(), *SINGLES, ALL] if names in [(), *EVEN, ALL]),
    ],
    ids=str,
)
def test_the_closed_form_is_exact_for_a_network_written_out(
    sizes: tuple[int, ...], without: tuple[str, ...]
) -> None:
    for (quantity, layer), exact in every_weight_by_itself(sizes, without).items():
        if quantity == "z":
            formula = forward_variance(sizes, without=without)
        elif quantity == "delta":
            formula = backward_variance(sizes, layer=layer, without=without)
        elif without == ("unit_slope", "independent_gradient"):
            continue  # refused: no formula
        else:
            formula = weight_gradient_variance(sizes, layer=layer, without=without)
        values = {symbol: EXACT[symbol.name] for symbol in formula.free_symbols}
        assert formula.subs(values) == exact, (quantity, layer)


# --------------------------------------------------------------------------------------------------
# A gradient that knows the weights it crosses
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("crossed", [0, 1, 3])
def test_the_gradient_of_the_square_grows_to_m_plus_1_in_wide_square_layers(crossed: int) -> None:
    widths = (n_in,) * (crossed + 2)
    exact = backward_variance(widths, without={"independent_gradient"})
    preserving = exact.subs({weight_variance(i): 1 / n_in for i in range(crossed + 1)})
    assert sympy.limit(preserving, n_in, sympy.oo) == (crossed + 1) * v_x
    # With the assumption kept it would not grow at all.
    kept = backward_variance(widths).subs({weight_variance(i): 1 / n_in for i in range(6)})
    assert kept == v_delta


def test_the_gradient_of_the_square_is_the_output_itself_at_the_top() -> None:
    for slope in (set(), {"unit_slope"}):
        top = backward_variance(SIZES, layer=2, without={"independent_gradient"} | slope)
        below = forward_variance(SIZES[:3], without=slope)
        assert top == sympy.expand(SIZES[2] * weight_variance(2) * below)


# --------------------------------------------------------------------------------------------------
# The ten steps as chapters 4 to 6 have them
# --------------------------------------------------------------------------------------------------


def test_ten_steps_by_hand_end_where_the_module_and_the_rules_do() -> None:
    law, x = Law(), Symbol("x", real=True)
    q, d, c, a = sympy.symbols("q d c a", positive=True)
    w, u = (law.draw(name, variance=v) for name in "wu")  # 1 and 2: one term, two terms
    shared = law.draw("G", variance=c)
    z, y = (shared + law.draw(name, variance=q - c) for name in "zy")
    assert (law.Var(w * z), law.Cov(w * z, u * y)) == (q * v, 0)
    step = n_in * law.Var(w * z) + n_in * (n_in - 1) * law.Cov(w * z, u * y)  # 3: a sum
    layer = {v: weight_variance(0), q: v_x}
    assert step.subs(layer) == forward_variance((n_in, n_out))  # 4: a layer of the network
    delta = law.draw("delta", variance=d)
    back = n_out * law.Var(w * delta)  # 5: eq. 2
    layer = {v: weight_variance(1), d: v_delta}
    assert back.subs(layer) == backward_variance((1, n_in, n_out))
    forward, backward = Eq(step / q, 1), Eq(back / d, 1)  # 6: eqs. 10 and 11
    assert (forward, backward) == derivation.conditions()
    common = sympy.solve([forward, backward], [v, n_out], dict=True)  # 7
    assert common == derivation.common_solutions() == [{v: 1 / n_in, n_out: n_in}]
    (variance,) = sympy.solve((forward.lhs + backward.lhs) / 2 - 1, v)  # 8: eq. 12
    assert variance == derivation.glorot_variance() == rules.glorot(n_in, n_out)
    uniform = sympy.integrate(x**2 / (2 * a), (x, -a, a))  # 9
    assert uniform == derivation.uniform_variance(a)
    (bound,) = sympy.solve(uniform - variance, a)  # 10: eq. 16
    assert bound == derivation.glorot_bound() == rules.bound(rules.glorot(n_in, n_out))


# --------------------------------------------------------------------------------------------------
# Equations 8 to 12 and 16
# --------------------------------------------------------------------------------------------------


def test_the_conditions_are_equations_10_and_11() -> None:
    assert derivation.conditions(3, 8) == (Eq(3 * v, 1), Eq(8 * v, 1))


@few
@given(n=st.integers(1, 10**6), m=st.integers(1, 10**6))
def test_two_given_sizes_have_a_common_solution_exactly_if_equal(n: int, m: int) -> None:
    expected = [{v: sympy.Rational(1, n)}] if n == m else []
    assert derivation.common_solutions(n, m) == expected
    assert derivation.common_solutions(n, n) == [{v: sympy.Rational(1, n)}]


def test_for_one_given_size_the_other_one_is_found() -> None:
    assert derivation.common_solutions(5, n_out) == [{v: sympy.Rational(1, 5), n_out: 5}]
    assert derivation.common_solutions(n_in, 5) == [{v: sympy.Rational(1, 5), n_in: 5}]
    assert derivation.common_solutions(n_in, 2 * n_in) == []


def test_the_compromise_takes_from_both_directions_what_it_cannot_give() -> None:
    forward, backward = derivation.factors_over_network((1, n_in, n_out), rules.glorot)
    lost = (forward / derivation.factors_over_network((1, n_in), rules.glorot)[0]) * backward
    assert sympy.simplify(lost - 4 * n_in * n_out / (n_in + n_out) ** 2) == 0
    assert sympy.simplify(1 - lost - ((n_in - n_out) / (n_in + n_out)) ** 2) == 0  # so <= 1


@few
@given(sizes=sizes)
def test_factors_of_a_network_are_those_of_the_derivation(sizes: list[int]) -> None:
    def rule(n: int, m: int) -> sympy.Expr:
        return sympy.Rational(2, n + m)

    drawn = {weight_variance(i): rule(*pair) for i, pair in enumerate(itertools.pairwise(sizes))}
    forward, backward = derivation.factors_over_network(sizes, rule)
    assert forward == forward_variance(sizes).subs(drawn) / v_x
    assert backward == backward_variance(sizes, layer=0).subs(drawn) / v_delta


@few
@given(limit=st.fractions("1/100", 100))
def test_the_variance_of_a_uniform_is_a_third_of_the_squared_bound(limit: Any) -> None:
    exact = sympy.Rational(limit.numerator, limit.denominator)
    assert derivation.uniform_variance(exact) == exact**2 / 3


def test_a_rectifier_halves_the_second_moment_and_he_doubles_the_variance() -> None:
    q = Symbol("q", positive=True)
    assert derivation.rectified_second_moment(q) == q / 2
    assert derivation.rectified_second_moment(3) == sympy.Rational(3, 2)
    assert derivation.he_variance() == 2 / n_in


# --------------------------------------------------------------------------------------------------
# Bad input
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: forward_variance((3, 4), without={"zero_bias"}),
            f"without must be one of {', '.join(ASSUMPTIONS)}, got 'zero_bias'; did you mean "
            "'zero_biases'?",
        ),
        (
            lambda: forward_variance(
                (3, 4), without=("independent_weights", "identical_distribution")
            ),
            "without: identical_distribution and independent_weights cannot be dropped together",
        ),
        (
            lambda: backward_variance((3, 4), without=("independent_gradient", "zero_biases")),
            "without: independent_gradient combines with unit_slope only, got ",
        ),
        (
            lambda: weight_gradient_variance(
                (3, 4), without=("independent_gradient", "unit_slope")
            ),
            "without: independent_gradient stands alone for weight gradients, got ",
        ),
        (lambda: backward_variance((3, 4, 5), layer=2), "layer must be from 0 to 1, got 2"),
        (lambda: weight_gradient_variance((3, 4), layer=-1), "layer must be from 0 to 0, got -1"),
    ],
)
def test_what_is_unknown_or_does_not_combine_is_refused_by_name(
    call: Callable[[], Any], message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        call()
