"""`xavier.montecarlo`: networks sampled by other means agree, and its standard errors are right.

Formula and sample are compared for every assumption in test_derivation.py; here the sampler is
held against an autograd network that shares no code with it. Comparisons allow ``LIMIT`` standard
errors: a false alarm in 6e-7 of all comparisons of a normal estimate.
"""

from __future__ import annotations

import itertools
import math
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped]

from xavier import derivation, montecarlo
from xavier.derivation import ASSUMPTIONS

LIMIT = 5.0
SIZES = (4, 7, 3, 8)


# --------------------------------------------------------------------------------------------------
# Against a network that autograd differentiates
# --------------------------------------------------------------------------------------------------


def by_autograd(
    without: frozenset[str], values: dict[str, float], draws: int, generator: torch.Generator
) -> dict[tuple[str, int], tuple[float, float]]:
    """Variance and standard error of every quantity of ``SIZES``, from plain autograd."""

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(draws, *shape, generator=generator, dtype=torch.float64)

    def dropped(assumption: str, name: str, otherwise: float = 0.0) -> float:
        return values[name] if assumption in without else otherwise

    x = dropped("zero_mean_inputs", "m_x") + math.sqrt(values["v_x"]) * normal(SIZES[0])
    slope, offset = dropped("unit_slope", "beta", 1.0), dropped("zero_mean_inputs", "h")
    weights, inputs, sums = [], [x], []
    for i, (n, m) in enumerate(itertools.pairwise(SIZES)):
        mean = dropped("zero_mean_weights", f"mu_{i}")
        weights.append((mean + math.sqrt(values[f"v_{i}"]) * normal(n, m)).requires_grad_())
        bias = math.sqrt(dropped("zero_biases", f"u_{i}")) * normal(m)
        sums.append(torch.einsum("dn,dnm->dm", inputs[i], weights[i]) + bias)
        sums[i].retain_grad()
        inputs.append(offset + slope * sums[i])
    if "independent_gradient" in without:
        cost = sums[-1].square().sum() / 2
    else:
        cost = (math.sqrt(values["v_delta"]) * normal(SIZES[-1]) * sums[-1]).sum()
    cost.backward()
    measured = {("z", len(SIZES) - 1): inputs[-1]}
    for i, w in enumerate(weights):
        measured["delta", i] = sums[i].grad
        measured["w_gradient", i] = w.grad.flatten(1)
    result = {}
    for key, value in measured.items():
        center = value.mean()
        spread = (value.detach() - center.detach()).square().mean(1)
        result[key] = spread.mean().item(), spread.std().item() / math.sqrt(draws)
    return result


@pytest.mark.parametrize(
    "without",
    [
        (),
        ("zero_mean_weights",),
        ("zero_mean_inputs",),
        ("unit_slope",),
        ("zero_biases",),
        ("independent_gradient",),
        ("zero_mean_weights", "zero_mean_inputs", "unit_slope", "zero_biases"),
    ],
    ids=" ".join,
)
def test_samples_agree_with_networks_that_autograd_differentiates(
    without: tuple[str, ...], rng: np.random.Generator, generator: torch.Generator
) -> None:
    values = montecarlo.typical_values(SIZES)
    rows = montecarlo.sample_variances(SIZES, rng=rng, without=without, values=values, draws=20_000)
    theirs = by_autograd(frozenset(without), values, 20_000, generator)
    assert {(row.quantity, row.layer) for row in rows.itertuples()} == set(theirs)
    for row in rows.itertuples():
        variance, error = theirs[row.quantity, row.layer]
        assert abs(row.sampled - variance) <= LIMIT * math.hypot(row.standard_error, error), row
        # Both know their error: two estimates of one spread, from kurtosis that stays below 400.
        assert abs(math.log(row.standard_error / error)) < LIMIT * math.sqrt(400 / 20_000)


def test_weights_may_follow_their_inputs_altogether(rng: np.random.Generator) -> None:
    """At kappa^2 = v_0 v_x a weight is its input times a number: nothing else is left to chance."""
    values = {"v_0": 0.5, "v_x": 2.0, "kappa": 1.0}
    rows = montecarlo.compare((3, 2), rng=rng, without={"independent_weights"}, values=values)
    assert np.all(np.abs(rows.z_score) < LIMIT), rows


# --------------------------------------------------------------------------------------------------
# Standard errors
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("without", [(), ("zero_mean_weights", "zero_mean_inputs")], ids=" ".join)
def test_z_scores_have_mean_square_one(without: tuple[str, ...], rng: np.random.Generator) -> None:
    sizes, repetitions, values = (5, 8, 6), 200, montecarlo.typical_values((5, 8, 6))
    first = montecarlo.compare(sizes, rng=rng, without=without, draws=2)
    scores = []
    for _ in range(repetitions):
        rows = montecarlo.sample_variances(
            sizes, rng=rng, without=without, values=values, draws=1000
        )
        scores.append((rows.sampled - first.formula) / rows.standard_error)
    # For normal scores the sum of squares is chi-squared: 1e-6 is cut off at either end, for each
    # of the five quantities.
    low, high = stats.chi2(repetitions).ppf([1e-6, 1 - 1e-6]) / repetitions
    mean_square = np.square(scores).mean(0)
    assert mean_square.shape == (5,)
    assert np.all((low <= mean_square) & (mean_square <= high)), mean_square


def test_four_times_the_draws_halve_the_standard_error(rng: np.random.Generator) -> None:
    values = montecarlo.typical_values(SIZES)
    few, many = (
        montecarlo.sample_variances(SIZES, rng=rng, values=values, draws=draws).standard_error
        for draws in (10_000, 40_000)
    )
    # Kurtosis below 400, as above: the error of the logarithm of a spread.
    allowed = LIMIT / 2 * math.sqrt(400 / 10_000 + 400 / 40_000)
    assert np.all(np.abs(np.log(few / many / 2)) < allowed)


def test_draws_that_do_not_fit_into_memory_at_once_are_all_used(rng: np.random.Generator) -> None:
    n, m, draws = 200, 300, 150
    assert montecarlo._NUMBERS_AT_ONCE // (n * m) < draws / 2  # three pieces
    rows = montecarlo.compare((n, m), rng=rng, draws=draws)
    assert np.all(np.abs(rows.z_score) < LIMIT)
    # The mean square of m sums over n inputs, for wide layers: two chi-squared variables.
    z = rows[rows.quantity == "z"].iloc[0]
    error = z.formula * math.sqrt((2 / n + 2 / m) / draws)
    assert abs(math.log(z.standard_error / error)) < LIMIT / math.sqrt(2 * draws)


def test_the_last_piece_of_draws_is_no_longer_than_what_is_left() -> None:
    n, m = 200, 300
    whole = montecarlo._NUMBERS_AT_ONCE // (n * m)
    full, less = (
        montecarlo.compare((n, m), rng=np.random.default_rng(1), draws=draws).sampled
        for draws in (2 * whole, whole + 1)
    )
    assert np.all(full != less)  # one piece and a bit of the second is not two pieces


# --------------------------------------------------------------------------------------------------
# Shape of the answer
# --------------------------------------------------------------------------------------------------


def test_there_is_one_row_for_every_quantity_of_every_layer(rng: np.random.Generator) -> None:
    rows = montecarlo.compare(SIZES, rng=rng, draws=10)
    assert list(rows.columns) == [
        "quantity", "layer", "formula", "sampled", "standard_error", "z_score",
    ]  # fmt: skip
    assert list(zip(rows.quantity, rows.layer, strict=True)) == [
        ("z", 3),
        ("delta", 0), ("delta", 1), ("delta", 2),
        ("w_gradient", 0), ("w_gradient", 1), ("w_gradient", 2),
    ]  # fmt: skip
    assert not rows.isna().any().any()
    by_hand = (rows.sampled - rows.formula) / rows.standard_error
    assert np.array_equal(rows.z_score, by_hand)


def test_the_same_generator_state_gives_the_same_rows() -> None:
    first, second = (
        montecarlo.compare(SIZES, rng=np.random.default_rng(4), draws=50) for _ in range(2)
    )
    pd.testing.assert_frame_equal(first, second, check_exact=True)


def test_given_values_reach_both_formula_and_sample(rng: np.random.Generator) -> None:
    usual = montecarlo.typical_values(SIZES)
    tenfold = {"v_x": 10 * usual["v_x"]}
    rows = montecarlo.compare(SIZES, rng=rng, values=tenfold, draws=5000)
    plain = montecarlo.compare(SIZES, rng=rng, draws=5000)
    ratio = np.where(rows.quantity == "delta", 1.0, 10.0)
    assert np.allclose(rows.formula, ratio * plain.formula, rtol=1e-14)
    assert np.all(np.abs(rows.z_score) < LIMIT)


@given(sizes=st.lists(st.integers(1, 500), min_size=2, max_size=5))
@settings(max_examples=8)
def test_typical_values_name_every_symbol_that_a_formula_can_have(sizes: list[int]) -> None:
    values = montecarlo.typical_values(sizes)
    assert np.all(np.isfinite(list(values.values())))
    for name in ASSUMPTIONS.keys() - {"linear_units"}:  # which has no formula
        formulas = [
            derivation.forward_variance(sizes, without={name}),
            derivation.backward_variance(sizes, without={name}),
            derivation.weight_gradient_variance(sizes, without={name}),
        ]
        for formula in formulas:
            assert {symbol.name for symbol in formula.free_symbols} <= set(values)


# --------------------------------------------------------------------------------------------------
# Bad input
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"without": {"unit_slop"}}, "without must be one of "),
        ({"values": {"v_7": 1.0}}, "values must be one of v_0, "),
        (
            {"without": {"independent_weights"}, "values": {"kappa": 9.0}},
            "values: kappa^2 must be at most v_0 v_x, got kappa = 9.0",
        ),
        (
            {"without": {"identical_distribution"}, "values": {"C_x": 9.0}},
            "values: C_x must be from 0 to v v = ",
        ),
        (
            {"without": {"identical_distribution"}, "sizes": (4, 2, 3)},
            "sizes: C_delta needs an even number of units, got 3",
        ),
        (
            {"without": {"uncorrelated_inputs"}, "values": {"r_x": -0.5}},
            "values: r_x must be from -1/3 to 1, got -0.5",
        ),
    ],
    ids=repr,
)
def test_what_cannot_be_sampled_is_refused_by_name(arguments: dict[str, Any], message: str) -> None:
    usual = {"sizes": (4, 6), "rng": np.random.default_rng(0), "draws": 10, "values": {}}
    for sample in (montecarlo.compare, montecarlo.sample_variances):
        with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
            sample(**(usual | arguments))


# --------------------------------------------------------------------------------------------------
# Layers of drawn networks
# --------------------------------------------------------------------------------------------------


def test_mean_squares_are_averaged_over_networks_and_not_over_their_units() -> None:
    generator = torch.Generator().manual_seed(0)
    layers = [torch.randn(5, 3, n, generator=generator) for n in (4, 8)]
    for root in (False, True):
        rows = montecarlo.mean_squares(layers, root=root)
        assert rows.layer.tolist() == [1, 2]
        for row, layer in zip(rows.itertuples(), layers, strict=True):
            squares = layer.double().square().flatten(1).mean(1)
            found = squares.sqrt() if root else squares
            assert row.sampled == pytest.approx(float(found.mean()))
            assert row.standard_error == pytest.approx(float(found.std()) / 5**0.5)


def test_the_error_of_a_single_network_is_not_known() -> None:
    (error,) = montecarlo.mean_squares([[[1.0, 2.0]]]).standard_error
    assert math.isnan(error)
