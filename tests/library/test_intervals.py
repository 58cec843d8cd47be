"""Intervals: against scipy and by hand, by how often they hold the truth, and what they refuse."""

from __future__ import annotations

import math
import statistics
from functools import partial

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scipy import stats

from xavier.intervals import (
    Interval,
    above,
    below,
    equivalent,
    mean_interval,
    proportion_interval,
)


def between(low: float, high: float) -> Interval:
    return Interval((low + high) / 2, low, high, 5, 0.95)


# ------------------------------------------------------------------------------------------- means


@hypothesis_settings(max_examples=50)
@given(
    st.lists(st.floats(-100, 100), min_size=2, max_size=12), st.sampled_from([0.5, 0.9, 0.95, 0.99])
)
def test_a_mean_interval_is_that_of_scipy(values: list[float], level: float) -> None:
    found = mean_interval(values, level)
    assert (found.n, found.level) == (len(values), level)
    assert found.mean == pytest.approx(statistics.fmean(values), abs=1e-12)
    error = statistics.stdev(values) / math.sqrt(len(values))
    if error > 1e-9:
        low, high = stats.t.interval(level, len(values) - 1, found.mean, error)
        assert found.ends == pytest.approx((low, high), rel=1e-9, abs=1e-9)
    assert mean_interval([0.25] * 4, level).ends == (0.25, 0.25)


def test_an_interval_prints_itself_with_as_many_digits_as_are_asked_for() -> None:
    assert f"{between(1.0, 2.0):.1f}" == "1.5 (1.0 to 2.0)"
    assert f"{between(-3.0, 1.0)}" == "-1.0 (-3.0 to 1.0)"


def test_an_interval_says_what_is_in_it() -> None:
    found = between(1.0, 2.0)
    assert 1.0 in found and 1.5 in found and 2.0 in found
    assert 0.99 not in found and 2.01 not in found and math.nan not in found


def test_a_mean_interval_needs_two_finite_values() -> None:
    with pytest.raises(ValueError, match=r"values must be at least two .*, got 1"):
        mean_interval([[2.0]])
    with pytest.raises(ValueError, match="values must be finite, got nan"):
        mean_interval([1.0, 2.0, math.nan])


# ------------------------------------------------------------------------------------------ shares


@pytest.mark.parametrize("n", [1, 7, 40])
def test_a_share_is_held_at_least_as_often_as_the_level_says(n: int) -> None:
    """The exact probability of all counts whose interval holds the true share."""
    found = [proportion_interval(k, n) for k in range(n + 1)]
    for share in (0.001, 0.05, 0.3, 0.5, 0.8333, 0.99):
        held = sum(stats.binom.pmf(k, n, share) for k, i in enumerate(found) if share in i)
        assert held >= 0.95


def test_the_ends_are_those_of_clopper_and_pearson() -> None:
    """At the lower end 7 or more of 20 have a probability of 2.5 %, at the upper 7 or fewer."""
    found = proportion_interval(7, 20)
    assert found.mean == 7 / 20 and found.n == 20
    assert stats.binom.sf(6, 20, found.low) == pytest.approx(0.025, rel=1e-6)
    assert stats.binom.cdf(7, 20, found.high) == pytest.approx(0.025, rel=1e-6)


def test_none_and_all_have_an_end_of_their_own() -> None:
    assert proportion_interval(0, 50).low == 0.0
    assert proportion_interval(0, 50).high == pytest.approx(1 - 0.025 ** (1 / 50))
    assert proportion_interval(50, 50).high == 1.0
    assert proportion_interval(1, 2, level=0.9).level == 0.9


@pytest.mark.parametrize(("k", "n"), [(-1, 5), (6, 5), (0, 0)])
def test_counts_out_of_range_are_refused(k: int, n: int) -> None:
    with pytest.raises(ValueError, match=r"[kn] must be at"):
        proportion_interval(k, n)


@pytest.mark.parametrize("level", [0, 1, 2, -0.5, math.nan])
def test_a_level_is_between_0_and_1(level: float) -> None:
    for interval in (partial(mean_interval, [1.0, 2.0]), partial(proportion_interval, 1, 2)):
        with pytest.raises(
            ValueError, match=f"^level must be (between 0 and 1|finite), got {level}$"
        ):
            interval(level)


def test_a_share_is_no_count() -> None:
    with pytest.raises(TypeError, match=r"k must be an integer, got 0\.5"):
        proportion_interval(0.5, 2)  # type: ignore[arg-type]


# --------------------------------------------------------------------------------------- decisions


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (-1.9, 1.9, True),
        (0.1, 1.5, True),  # surely a difference, and surely too small to matter
        (-2.0, 1.9, None),
        (-1.9, 2.0, None),
        (-3.0, 3.0, None),
        (1.0, 3.0, None),
        (2.0, 3.0, False),
        (-4.0, -2.0, False),
    ],
)
def test_equivalent_is_inside_outside_or_undecided(
    low: float, high: float, expected: bool | None
) -> None:
    assert equivalent(between(low, high), 2.0) is expected


@given(st.floats(-10, 10), st.floats(0, 10), st.floats(-10, 10))
def test_below_and_above_are_opposites(low: float, length: float, limit: float) -> None:
    found = between(low, low + length)
    opposite = {True: False, False: True, None: None}
    assert above(found, limit) is opposite[below(found, limit)]
    assert (below(found, limit) is None) == (limit in found)
