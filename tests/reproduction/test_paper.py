"""The paper's published values as data: complete, labelled, and only what was read off."""

from __future__ import annotations

import re

import pytest

from glorot2010 import paper
from glorot2010.catalogue import CURVES
from glorot2010.verdicts import CLAIMS
from xavier import monitor


@pytest.mark.parametrize("number", [6, 7, 8])
def test_every_panel_has_five_layers(number: int) -> None:
    rows = paper.figure(number)
    assert set(rows.init) == {"standard", "normalized"}
    for _, panel in rows.groupby(["init", "statistic"]):
        assert panel.layer.tolist() == [1, 2, 3, 4, 5]
        assert (panel.value.dropna() > 0).all() and panel.value.notna().sum() >= 4


def test_the_published_orderings() -> None:
    """Standard: activations shrink upwards, gradients downwards; normalized: within a quarter."""
    for number, sign in ((6, -1), (7, 1)):
        rows = paper.figure(number).query("statistic == 'std'")
        standard = rows.query("init == 'standard'").value
        normalized = rows.query("init == 'normalized'").value.dropna()
        assert (sign * standard.diff().dropna() > 0).all()
        assert normalized.max() / normalized.min() < 1.3


def test_a_figure_that_was_not_read_off_is_refused() -> None:
    with pytest.raises(ValueError, match="number must be one of 6, 7, 8, got '5'"):
        paper.figure(5)


def test_table_1_has_the_arms_of_the_experiment_and_the_numbers_that_claims_quote() -> None:
    table = paper.table1()
    assert set(table.index) == {arm.name for arm in CURVES}
    assert table.shapeset["tanh normalized"] == 15.60 and table.shapeset["tanh"] == 27.15
    assert table.notna().all(axis=None)
    quoted = {"P31": ("mnist",), "P32": ("cifar10",), "P33": ("small_imagenet",)}
    for claim, (column,) in quoted.items():
        for number in re.findall(r"\d+\.\d+", CLAIMS[claim].text):
            assert float(number) in set(table[column]), (claim, number)


def test_figure_11_falls_and_ends_near_table_1() -> None:
    rows = paper.figure11()
    for arm, curve in rows.groupby("arm"):
        assert curve["update"].is_monotonic_increasing and (curve.error.diff().dropna() <= 0).all()
        if arm in ("tanh", "softsign", "softsign normalized", "tanh normalized"):
            assert abs(curve.error.iloc[-1] - paper.table1().shapeset[arm]) < 0.7


@pytest.mark.parametrize("number", [2, 3, 9, 10])
def test_what_was_read_off_an_evolution_is_what_our_rows_hold(number: int) -> None:
    rows = paper.evolution(number)
    assert set(rows.quantity) <= set(monitor.QUANTITIES)
    layers = 4 if number == 2 else 5
    keys = ["arm", "quantity", "statistic", "update"]
    for _, one in rows.groupby(keys):
        assert one.layer.tolist() == list(range(1, layers + 1))
    assert not rows.duplicated([*keys, "layer"]).any()
    assert rows["update"].max() <= 140 * paper.EPOCH
    assert (rows.value.dropna() > 0).all() and (rows.value.dropna() <= 1).all()


def test_percentiles_of_figure_3_rise_and_are_above_the_deviations() -> None:
    rows = paper.evolution(3)
    for _, one in rows[rows.statistic == "p98"].groupby(["arm", "layer"]):
        assert (one.value.dropna().diff().dropna() >= 0).all()


def test_an_evolution_that_was_not_read_off_is_refused() -> None:
    with pytest.raises(ValueError, match="number must be one of 2, 3, 9, 10, got '11'"):
        paper.evolution(11)
