"""What the paper printed: numbers from its text, and values read off its figures.

The figures were digitised from the published bitmaps, to about 0.02 on an axis from -1 to 1 and a
few percent on the heights of peaks. They are here to be put beside our own measurements, never
to be used in making them.
"""

from __future__ import annotations

import math

import pandas as pd

from xavier import checks

SINGULAR_VALUES = {"standard": 0.5, "normalized": 0.8}
"""Average singular value of a layer Jacobian at birth, by initialization (sec. 4.2.2)."""

_MISSING = math.nan  # a curve hidden behind another

# Figure, quantity, statistic, initialization, layers 1 to 5.
_READ_OFF: list[tuple[int, str, str, str, tuple[float, ...]]] = [
    (6, "activation", "peak", "standard", (1.35, 2.53, 4.33, 7.8, 13.8)),
    (6, "activation", "std", "standard", (0.31, 0.16, 0.09, 0.05, 0.029)),
    (6, "activation", "peak", "normalized", (1.47, 1.42, 1.37, 1.35, 1.26)),
    (6, "activation", "std", "normalized", (0.317, 0.319, 0.318, _MISSING, 0.314)),
    (7, "back_gradient", "std", "standard", (0.0055, 0.010, 0.018, 0.031, 0.055)),
    (7, "back_gradient", "std", "normalized", (0.071, 0.064, 0.064, _MISSING, 0.056)),
    (8, "weight_gradient", "peak", "standard", (220, 262, 265, 272, 257)),
    (8, "weight_gradient", "peak", "normalized", (34, 40, 41, 42, 40)),
]


def figure(number: int) -> pd.DataFrame:
    """Values read off one of the paper's figures, for tanh networks of five hidden layers.

    Args:
        number: 6 (activations at birth), 7 (back-propagated gradients) or 8 (weight gradients).

    Returns:
        Rows ``init`` ("standard" or "normalized"), ``layer`` (from 1), ``quantity``,
        ``statistic`` ("std", or "peak", the height of the density at zero) and ``value``, NaN
        where a curve could not be told from another.

    Raises:
        ValueError: nothing was read off that figure.
    """
    known = {str(row[0]) for row in _READ_OFF}
    wanted = int(checks.one_of("number", str(number), sorted(known)))
    rows = [
        (init, layer, quantity, statistic, value)
        for read_off, quantity, statistic, init, values in _READ_OFF
        if read_off == wanted
        for layer, value in enumerate(values, start=1)
    ]
    return pd.DataFrame(rows, columns=["init", "layer", "quantity", "statistic", "value"])
