"""Figures of several panels: titles, one legend for all, the same axes."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from xavier import figures
from xavier.figures import Picture


def lines(ax: Any) -> dict[str, tuple[list[float], list[float]]]:
    """What the lines of a legend go through, without those that are of the legend alone."""
    return {
        line.get_label(): (list(line.get_xdata()), list(line.get_ydata()))
        for line in ax.get_lines()
        if not line.get_label().startswith("_") and len(line.get_xdata())
    }


def evolved(layers: tuple[int, ...] = (1, 2)) -> pd.DataFrame:
    return pd.DataFrame(
        [
            (step, layer, "activation", statistic, 0.1 * layer + 0.01 * step)
            for step in (0, 10)
            for layer in layers
            for statistic in ("mean", "std", "p98")
        ],
        columns=["step", "layer", "quantity", "statistic", "value"],
    )


PANELS: dict[str, Any] = {
    "curves": lambda panels: figures.curves(panels, "x", "y", by="name"),
    "evolution_panels": lambda panels: figures.evolution_panels(panels),
    "density_panels": lambda panels: figures.density_panels(panels, xlabel="z"),
}
TABLES = {
    "curves": pd.DataFrame({"name": ["a", "a"], "x": [0, 1], "y": [0.0, 1.0]}),
    "evolution_panels": evolved(),
    "density_panels": pd.DataFrame({"layer": [1, 1], "at": [0.0, 1.0], "value": [1.0, 1.0]}),
}


@pytest.mark.parametrize("kind", PANELS)
@pytest.mark.parametrize("number", [1, 3])
def test_every_panel_is_under_its_title_with_one_legend_for_all(kind: str, number: int) -> None:
    panels = {f"panel {k}": TABLES[kind] for k in range(number)}
    picture = PANELS[kind](panels)
    assert isinstance(picture, Picture)
    assert [ax.get_title("left") for ax in picture.axes] == list(panels)
    assert all(lines(ax) for ax in picture.axes)
    of_axes = [legend for ax in picture.axes if (legend := ax.get_legend())]
    (legend,) = [*picture.legends, *of_axes]
    named = [text.get_text() for text in legend.get_texts()]
    assert sorted(named) == sorted({name for ax in picture.axes for name in lines(ax)})
    assert "image/svg+xml" in picture._repr_mimebundle_()


@pytest.mark.parametrize("kind", PANELS)
def test_panels_that_are_none_are_refused(kind: str) -> None:
    with pytest.raises(ValueError, match="panels must hold at least one panel"):
        PANELS[kind]({})


@pytest.mark.parametrize("kind", ["evolution_panels", "density_panels"])
def test_tables_of_several_replicas_are_refused(kind: str) -> None:
    with pytest.raises(ValueError, match=r"panels\['one'\] must be of one replica"):
        PANELS[kind]({"one": pd.concat([TABLES[kind], TABLES[kind]])})


@pytest.mark.parametrize("kind", ["curves", "evolution_panels"])
def test_panels_below_one_another_have_the_same_axes(kind: str) -> None:
    table = TABLES[kind]
    column = table.columns[-1]
    higher = table.assign(**{column: table[column] + 5})
    first, second = PANELS[kind]({"low": table, "high": higher}).axes
    assert first.get_ylim() == second.get_ylim()
    assert first.get_xlim() == second.get_xlim()


def test_a_layer_has_its_colour_in_panels_that_lack_others() -> None:
    picture = figures.evolution_panels({"both": evolved(), "second": evolved((2,))})
    both, second = picture.axes
    assert both.get_lines()[1].get_color() == second.get_lines()[0].get_color()
    assert len(second.get_lines()) == 1
