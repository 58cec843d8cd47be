"""What is said of one tensor, where `xavier.monitor` would hide it; the rest is tested there."""

from __future__ import annotations

import math

import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from xavier import summaries


@given(st.lists(st.floats(-(2.0**99), 2.0**99, width=32), min_size=1, max_size=150))
def test_percentiles_are_interpolated_between_the_nearest_ranks(numbers: list[float]) -> None:
    x = torch.tensor(numbers, dtype=torch.float64)
    ordered = sorted(numbers)
    for got, q in zip(summaries._percentiles(x), (0.02, 0.98), strict=True):
        place = q * (len(ordered) - 1)
        a, b = ordered[math.floor(place)], ordered[math.ceil(place)]
        expected = a + (b - a) * (place - math.floor(place))
        assert got == pytest.approx(expected, rel=1e-9, abs=1e-12 * abs(b - a))


@pytest.mark.parametrize("place", [0, 50, 99])
def test_percentiles_of_what_is_no_number_are_none(place: int) -> None:
    x = torch.arange(100.0)
    x[place] = math.nan
    assert all(math.isnan(found) for found in summaries._percentiles(x))


@pytest.mark.parametrize("turned", [False, True])
def test_a_sample_visits_all_columns(turned: bool) -> None:
    """Every fifth of 30,000 values would be enough, and would see every fifth of 300 units."""
    x = (torch.arange(300.0) % 5).expand(100, 300).contiguous()
    found = summaries.describe(x.mT if turned else x, inputs=False, health=True)
    numbers = {name: value for name, _, value in found}
    assert (numbers["p02"], numbers["p98"]) == (0, 4)


def test_a_record_fits_on_a_screen() -> None:
    rows = pd.DataFrame({
        "step": 0, "order": range(100), "name": [f"layer{i}" for i in range(100)],
        "kind": "Linear", "quantity": "output", "statistic": "std", "value": 1.0,
    })  # fmt: skip
    lines = summaries.as_text(rows).splitlines()
    assert 40 < len(lines) < 45 and ".." in lines[22]
    assert len(summaries.as_text(rows[:40]).splitlines()) == 2 + 40
