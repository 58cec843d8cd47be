"""What judges that compute now have in common: samples beside formulas, and networks at birth.

Samples are from fixed seeds. A sample agrees with a formula within `AGREES` standard errors and is
rejected beyond `REJECTS`; means over seeds have 95 % t intervals. Costly runs are kept, so that all
judges together take half a minute on one core.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import sympy
import torch

from glorot2010.verdicts.asked import below, mean_interval
from glorot2010.verdicts.claim import Array, Fact, within_factor
from xavier import init, monitor
from xavier.intervals import Interval
from xavier.network import Network
from xavier.shapeset import Shapeset

AGREES, REJECTS = 4.0, 6.0
"""A sample agrees with a formula up to the first distance, in standard errors, and is rejected
beyond the second. In between it does not decide."""

ALIKE, APART = 1.5, 3.0
"""Layers are alike if the largest standard deviation is below the first multiple of the smallest,
and apart if it is above the second."""

KEPT = 10.0
"""A signal or a gradient is kept if its variance changes by less than this factor."""

MATCHES = 0.05
"""Two numbers match if they differ by less than this share."""

SEEDS = tuple(range(5))
"""Seeds of the networks that judges draw."""

PAPER_SIZES = (1024, 1000, 1000, 1000, 1000, 1000, 9)
HIDDEN = (1, 2, 3, 4, 5)


def agrees(distance: float | Iterable[float]) -> Fact:
    """Whether distances from formulas, in standard errors, are what chance explains."""
    largest = max(abs(d) for d in (distance if isinstance(distance, Iterable) else [distance]))
    return True if largest <= AGREES else False if largest > REJECTS else None


def distance(sample: Array, expected: float) -> float:
    """Distance of a sample's mean from a number, in standard errors."""
    return float((sample.mean() - expected) / (sample.std(ddof=1) / math.sqrt(len(sample))))


def same(first: Any, second: Any) -> bool:
    """Whether two SymPy expressions are equal for all values of their symbols."""
    return bool(sympy.simplify(sympy.sympify(first) - sympy.sympify(second)) == 0)


def sampled_variance(rule: str, n_in: int, n_out: int) -> Array:
    """Variance of the weights of one layer as it is drawn, for 40 seeds."""
    layers = (
        init.uniform_(torch.empty(n_out, n_in), rule, generator=torch.Generator().manual_seed(seed))
        for seed in range(40)
    )
    return np.array([float(w.double().square().mean()) for w in layers])


@cache
def birth() -> pd.DataFrame:
    """The paper's tanh network at birth on 300 images: statistics by rule, seed and layer."""
    images, labels = Shapeset(seed=0).batch(300)
    tables = []
    for seed, rule in itertools.product(SEEDS, ("standard", "lecun", "glorot")):
        network = Network.create(PAPER_SIZES, "tanh", rule, seeds=[seed])
        trace = network.forward(images)
        rows = monitor.statistics(
            network,
            trace,
            network.backward(trace, labels),
            quantities=["activation", "back_gradient", "weight_gradient"],
            histogram={"activation": (-1.005, 1.005, 201)},
        )
        rows = rows[(rows.statistic != "density") | (rows["at"].abs() < 1e-9)]
        tables.append(rows.assign(rule=rule, seed=seed))
    return pd.concat(tables, ignore_index=True)


def at_birth(rule: str, quantity: str, statistic: str = "std") -> Array:
    """Of the networks of `birth` one row a seed, one column a hidden layer."""
    rows = birth()
    chosen = (rows.rule == rule) & (rows.quantity == quantity) & (rows.statistic == statistic)
    rows = rows[chosen & rows.layer.isin(HIDDEN)]
    return rows.pivot(index="seed", columns="layer", values="value").to_numpy()


def spread(stds: Array) -> Interval:
    """Largest over smallest layer: 1 is all alike."""
    return mean_interval(stds.max(1) / stds.min(1))


def alike(stds: Array) -> Fact:
    """Whether layers are."""
    return below(spread(stds), ALIKE)


@cache
def deep(activation: str, gain: float, layers: int, width: int) -> pd.DataFrame:
    """Deep networks of equal widths at birth: mean squares, by seed and layer.

    Columns ``sums`` (of the weighted sums), ``mean`` (of the activations), ``activation``,
    ``gradient`` (by the sums) and ``weight_gradient``, for layers 1 to ``layers``.
    """
    x = torch.randn(20, width, generator=torch.Generator().manual_seed(0))
    labels = torch.zeros(20, dtype=torch.int64)
    rows = []
    for seed in SEEDS:  # one at a time: a hundred layers of 400 units fill 64 MB
        network = Network.create(
            [width] * (layers + 1) + [10], activation, "glorot", seeds=[seed], gain=gain
        )
        trace = network.forward(x)
        delta = network.backward(trace, labels).s
        for i in range(layers):
            s, z, d = (t.double() for t in (trace.s[i], trace.z[i + 1], delta[i]))
            weight = (trace.z[i].double().square().mean(2) * d.square().mean(2)).mean()
            squares = (float(t.square().mean()) for t in (s, z, d))
            rows.append((seed, i + 1, float(z.mean()), *squares, float(weight)))
    columns = ["seed", "layer", "mean", "sums", "activation", "gradient", "weight_gradient"]
    return pd.DataFrame(rows, columns=columns)


def between(rows: pd.DataFrame, column: str, first: int, last: int) -> Array:
    """Ratio of a column at layer ``first`` to that at layer ``last``, seed by seed."""
    table = rows.pivot(index="seed", columns="layer", values=column)
    return (table[first] / table[last]).to_numpy()


def kept(ratio: Interval) -> Fact:
    """Whether a variance is kept, by the logarithm of its ratio."""
    return within_factor(ratio, KEPT)
