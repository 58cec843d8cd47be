"""The paper's published values as data: complete, labelled, and only what was read off."""

from __future__ import annotations

import pytest

from xavier import paper


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
