"""Films: how the activations of a recorded run move, layer by layer, for the page to play.

A film holds, for some moments of a training run, the density of the activations in every hidden
layer. The laboratory's script plays it; where there is no script, the text in its place says what
would be seen.
"""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

_HEIGHT = 99  # of the highest bar of a density, which is drawn to its own scale


def film(rows: pd.DataFrame, arms: Mapping[str, str]) -> dict[str, Any]:
    """The densities of some arms over a run.

    Args:
        rows: of an experiment's record that has densities of activations.
        arms: for every arm to be shown what the film calls it; of each the network of the least
            seed is shown.

    Returns:
        ``low`` and ``high``, between which the bins lie; ``updates``; and ``arms``, each with its
        ``name``, its ``frames`` (by update and layer the heights of the bars, whole numbers to 99)
        and ``std`` (by update and layer).

    Raises:
        ValueError: an arm has no densities in these rows, or two have them at other moments.
    """
    main = rows[(rows["stage"] == "main") & (rows["quantity"] == "activation")]
    found: dict[str, Any] = {}
    for arm, name in arms.items():
        own = main[main["arm"] == arm]
        own = own[own["seed"] == own["seed"].min()]
        bars = own[own["statistic"] == "density"]
        if bars.empty:
            raise ValueError(f"rows must hold densities of the arm {arm!r}, they hold none")
        at = np.sort(bars["at"].unique().astype(float))
        edge = float(at[-1] + (at[1] - at[0]) / 2)
        updates = sorted(int(update) for update in bars["update"].unique())
        about = {
            "low": round(float(2 * at.mean() - edge), 3),
            "high": round(edge, 3),
            "updates": updates,
        }
        if found and {key: found[key] for key in about} != about:
            raise ValueError(f"arms must have densities at the same moments, {arm!r} has others")
        spreads = own[own["statistic"] == "std"].sort_values(["update", "layer"])
        found = {"arms": [], **found, **about}
        found["arms"].append(
            {
                "name": name,
                "frames": [_frame(bars[bars["update"] == u]) for u in updates],
                "std": [
                    [round(float(value), 2) for value in spreads["value"][spreads["update"] == u]]
                    for u in updates
                ],
            }
        )
    return found


def _frame(bars: pd.DataFrame) -> list[list[int]]:
    """Heights of the bars of one moment, by layer."""
    table = bars.pivot(index="layer", columns="at", values="value").astype(float)
    heights = table.to_numpy() / table.to_numpy().max(axis=1, keepdims=True)
    return [[int(height) for height in row] for row in np.rint(_HEIGHT * heights)]


class Film:
    """A film as a notebook shows it: its numbers in the page, for the laboratory's script.

    Args:
        rows, arms: as in `film`.
        instead: what a reader sees who has no script.
    """

    def __init__(self, rows: pd.DataFrame, arms: Mapping[str, str], instead: str) -> None:
        self._data, self._instead = film(rows, arms), instead

    def __repr__(self) -> str:
        names: Sequence[str] = [arm["name"] for arm in self._data["arms"]]
        return f"<Film of {', '.join(names)}, {len(self._data['updates'])} moments>"

    def _repr_html_(self) -> str:
        numbers = json.dumps(self._data, separators=(",", ":")).replace("<", "\\u003c")
        return (
            '<div class="xavier-lab" data-lab="room=film">'
            f'<script type="application/json">{numbers}</script>'
            f"<p>{html.escape(self._instead)}</p></div>"
        )
