"""How deep tanh networks train at points of the plane of gain and bias, and the plane itself.

The record is that of the experiment ``edge``: networks of five depths at eight points, at three
rates. A network starts if its test cost is at most `STARTS`, as a mean over seeds, at the best of
its rates.
"""

from __future__ import annotations

import math
import re
from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glorot2010.catalogue import EDGE_POINTS, edge_arm
from glorot2010.rows import choose
from xavier import figures, theory
from xavier.figures import Picture

STARTS = 2.01
"""From this test cost on a network says something. It is a tenth of a nat below the entropy of the
classes, 2.110, which no answer that is the same for all images can beat."""

REACH = 6
"""Depth scales in a network that still trains, by the line drawn through experiments."""

Depths = tuple[float, float]
"""The deepest network that starts with all shallower ones, 0 if none does, and the first that does
not, or infinity."""


def best_costs(
    rows: pd.DataFrame, gain: float, bias: float, update: int | None = None
) -> pd.Series[float]:
    """Test cost at the best rate, a mean over seeds, by number of hidden layers.

    A rate at which the run of one seed diverged does not count; without a rate there is no number.

    Args:
        rows: of the experiment; those of networks that are deeper still may be among them.
        gain, bias: root of n Var[W], and variance of the biases, of one of its points.
        update: after how many updates; by default all.
    """
    of = choose(rows, quantity="test_cost")
    of = of[of["update"] == (of["update"].max() if update is None else update)]
    found = {}
    for layers in tried(rows):
        costs = of[of["arm"] == edge_arm(gain, bias, layers)]
        if costs.empty:  # not tried at this point
            continue
        table = costs.pivot(index="seed", columns="lr", values="value")
        found[layers] = table.mean(skipna=False).min()
    return pd.Series(found, dtype=float)


def depths(rows: pd.DataFrame, gain: float, bias: float, update: int | None = None) -> Depths:
    """Between which two depths networks cease to start; arguments as in `best_costs`."""
    costs, deepest = best_costs(rows, gain, bias, update), 0.0
    for layers, cost in zip(costs.index.to_numpy(dtype=float), costs, strict=True):
        if not cost <= STARTS:
            return deepest, float(layers)
        deepest = float(layers)
    return deepest, math.inf


def tried(rows: pd.DataFrame) -> list[int]:
    """Numbers of hidden layers that there are networks of."""
    names = (re.search(r"(\d+) layers$", str(name)) for name in rows["arm"].unique())
    return sorted({int(name[1]) for name in names if name})


def told(found: Depths) -> str:
    """The deepest that starts, in words.

    >>> told((40.0, 80.0)), told((80.0, math.inf)), told((0.0, 5.0))
    ('40', '80 or more', 'none')
    """
    deepest, first_not = found
    more = " or more" if math.isinf(first_not) else ""
    return f"{deepest:g}{more}" if deepest else "none"


# --------------------------------------------------------------------------------------------------
# The plane
# --------------------------------------------------------------------------------------------------

_LAYERS = (10, 20, 40, 80)
_NAMES = {3**-0.5: "standard", 1.0: "normalized", 5 / 3: "torch's gain 5/3"}


@figures.styled
def plane(rows: pd.DataFrame) -> Picture:
    """The plane of gain and bias: lines by theory, and how deep networks trained.

    Lines join points at which six depth scales of correlations are as many layers as they say, on
    both sides of the critical line. A disc has the number of hidden layers of the deepest network
    that started.

    Args:
        rows: of the experiment.
    """
    picture = Picture(figsize=(5.2, 4.2))
    ax = picture.add_subplot()
    colours = figures.COLOURS
    below, above, line = (colours[name] for name in ("glorot", "standard", "theory"))
    for layers in _LAYERS:
        gains, stds = _ordered(layers)
        ax.plot(gains, stds, color=below, linewidth=1.2)
        k = np.searchsorted(stds, 0.38)
        ax.text(gains[k], stds[k], str(layers), color=below, fontsize=9, ha="right", va="bottom")
    ax.plot(*_ordered(math.inf), color=line, linewidth=2.4)
    lines = ax.contour(*_chaotic(), [1 / n for n in _LAYERS[::-1]], colors=above, linewidths=1.2)
    ax.clabel(lines, fmt=lambda rate: f"{1 / rate:.0f}", fontsize=9)
    handles = [ax.plot([], [], color=colour)[0] for colour in (below, line, above)]
    picture.legend(handles, ["ordered", "critical", "chaotic"], loc="outside upper center", ncols=3)
    default = 3**-0.5, (3 * 100) ** -0.5
    ax.plot(*default, "x", color=colours["theory"], markersize=7, markeredgewidth=2)
    ax.annotate("torch's default", default, (-24, 8), textcoords="offset points", fontsize=9)
    for gain, bias in EDGE_POINTS:
        deepest, first_not = depths(rows, gain, bias)
        at, more = (gain, math.sqrt(bias)), "+" if math.isinf(first_not) else ""
        ax.plot(*at, "o", color="#E69F00", markersize=21, clip_on=False)
        ax.annotate(
            f"{deepest:g}{more}", at, ha="center", va="center", fontsize=9,
            color=figures.ON_COLOUR, annotation_clip=False,
        )  # fmt: skip
        if not bias and gain in _NAMES:
            ax.annotate(
                _NAMES[gain], at, (0, -20), textcoords="offset points", ha="center", fontsize=9,
                annotation_clip=False,
            )  # fmt: skip
    ax.set(xlim=(0.35, 3.2), ylim=(-0.065, 0.45))
    ax.set(xlabel="gain", ylabel="standard deviation of the biases")
    ax.grid(False)
    return picture


def _ordered(layers: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gains and standard deviations of biases at which six scales are so many layers.

    Below the critical line chi is exp(-1/scale). A settled variance q then gives the gain, and the
    gain the variance of the biases: q less what the weights make of it.
    """
    q = np.geomspace(1e-5, 2, 60)
    slopes = np.array([theory.gradient_map("tanh", x) for x in q])
    squares = np.array([theory.variance_map("tanh", x) for x in q])
    gains = np.sqrt(math.exp(-REACH / layers) / slopes)
    return gains, np.sqrt(q - gains**2 * squares)


@cache
def _chaotic() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """One over six depth scales of correlations, on a grid of gains and biases.

    Negative below the critical line: it passes through 0 there, so that a coarse grid will do.
    """
    gains = np.concatenate([np.linspace(1.0, 1.8, 6), np.linspace(2.0, 3.2, 5)])
    stds = np.array([0.01, 0.07, 0.15, 0.3, 0.45])
    rates = np.empty((len(stds), len(gains)))
    for i, std in enumerate(stds):
        for j, gain in enumerate(gains):
            found = theory.depth_scales("tanh", gain=float(gain), bias=float(std**2))
            rates[i, j] = math.copysign(1 / (REACH * found.of_correlation), found.chi - 1)
    return gains, stds, rates
