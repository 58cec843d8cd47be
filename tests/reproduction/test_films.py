"""Films hold what the records hold, in few bytes."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest

from glorot2010 import experiments, films


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return experiments.load("table1").rows


def test_bars_are_densities_to_the_scale_of_their_layer(rows: pd.DataFrame) -> None:
    found = films.film(rows, {"tanh": "Tanh", "softsign": "Softsign"})
    assert found["updates"] == [0, 10_000, *range(100_000, 500_001, 100_000)]
    assert (found["low"], found["high"]) == (-1.0, 1.0)
    assert [arm["name"] for arm in found["arms"]] == ["Tanh", "Softsign"]
    own = rows[(rows.stage == "main") & (rows.arm == "softsign") & (rows.seed == 0)]
    own = own[(own.quantity == "activation") & (own["update"] == 100_000)]
    for layer in range(1, 6):
        bars = own[(own.statistic == "density") & (own.layer == layer)].sort_values("at")
        value = bars.value.to_numpy(dtype=float)
        shown = np.array(found["arms"][1]["frames"][2][layer - 1])
        assert shown.max() == 99 and np.abs(shown - 99 * value / value.max()).max() <= 0.5
        std = own[(own.statistic == "std") & (own.layer == layer)].value.astype(float).item()
        assert found["arms"][1]["std"][2][layer - 1] == round(std, 2)


def test_a_run_takes_less_than_20_kilobytes(rows: pd.DataFrame) -> None:
    for arm in ("tanh", "tanh normalized", "softsign", "sigmoid"):
        page = films.Film(rows, {arm: arm}, "text")._repr_html_()
        assert len(page) < 20_000


def test_a_film_is_a_place_for_the_script_and_a_text_without_it(rows: pd.DataFrame) -> None:
    shown = films.Film(rows, {"tanh": "<Tanh>"}, "Nothing & more.")
    page = shown._repr_html_()
    assert page.startswith('<div class="xavier-lab" data-lab="room=film">')
    assert "Nothing &amp; more." in page and page.count("<script") == 1
    numbers = re.search(r"<script[^>]*>(.*?)</script>", page)
    assert numbers is not None and json.loads(numbers[1]) == films.film(rows, {"tanh": "<Tanh>"})
    assert "<Tanh>" not in page
    assert repr(shown) == "<Film of <Tanh>, 7 moments>"


def test_what_has_no_densities_is_refused(rows: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="densities of the arm 'relu'"):
        films.film(rows, {"relu": "Relu"})
    short = rows[~((rows.arm == "tanh") & (rows["update"] == 10_000))]
    with pytest.raises(ValueError, match="'tanh' has others"):
        films.film(short, {"softsign": "a", "tanh": "b"})
