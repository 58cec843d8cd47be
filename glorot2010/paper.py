"""What the paper printed: numbers from its text, and values read off its figures.

The figures were digitised from the published bitmaps, to about 0.02 on an axis from -1 to 1 and a
few percent on the heights of peaks. They are here to be put beside our own measurements, never
to be used in making them.
"""

from __future__ import annotations

import math

import pandas as pd

from xavier import checks

EPOCH = 20_000
"""Updates of one epoch, the unit of time of the paper's figures 2, 3, 9 and 10."""

SVM, NETWORK_ON_SAME = 59.47, 50.47
"""Test errors in percent on Shapeset, of a support vector machine with a radial kernel and of a
normalized tanh network of depth 5 that were trained on the same 100,000 images (sec. 5)."""

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


_TABLE1: list[tuple[str, tuple[float, float, float, float]]] = [
    ("sigmoid", (82.61, 2.21, 57.28, 70.66)),
    ("tanh", (27.15, 1.76, 55.9, 70.58)),
    ("tanh normalized", (15.60, 1.64, 52.92, 68.57)),
    ("softsign", (16.27, 1.64, 55.78, 69.14)),
    ("softsign normalized", (16.06, 1.72, 53.8, 68.13)),
]


def table1() -> pd.DataFrame:
    """Table 1: test errors in percent of networks with five hidden layers.

    Returns:
        One row a curve, named as in the experiment "table1", and the columns ``shapeset``,
        ``mnist``, ``cifar10`` and ``small_imagenet``.
    """
    columns = ["shapeset", "mnist", "cifar10", "small_imagenet"]
    names, values = zip(*_TABLE1, strict=True)
    return pd.DataFrame(values, columns=columns, index=pd.Index(names, name="arm"))


_UPDATES_11 = (250_000, 500_000, 1_000_000, 1_500_000, 2_000_000, 2_500_000)
_FIGURE_11: list[tuple[str, tuple[float, ...]]] = [
    ("sigmoid", (83.5, 83.5, 83.5, 83.5, 83.5, 83.5)),
    ("sigmoid, 4 layers", (83.4, 83.4, 64, 45.5, 39.5, 34.6)),
    ("tanh", (57, 48, 39.3, 34.5, 30.7, 27.2)),
    ("tanh normalized", (40.5, 34, 26.6, 21.3, 17.7, 16.0)),
    ("softsign", (39, 33.5, 27.5, 22.5, 19.2, 16.9)),
    ("softsign normalized", (43, 35, 28.3, 22.5, 19, 16.6)),
    ("pre-trained", (42, 27, 18.2, 14.6, 12.6, 11.1)),
]


def figure11() -> pd.DataFrame:
    """Values read off figure 11: test error on Shapeset over training, to about half a point.

    The sigmoid of depth 5 lies between 83.4 and 83.7 throughout.

    Returns:
        Rows ``arm``, ``update`` (of ten examples each, 250,000 to 2,500,000) and ``error`` in
        percent.
    """
    rows = [
        (arm, update, error)
        for arm, errors in _FIGURE_11
        for update, error in zip(_UPDATES_11, errors, strict=True)
    ]
    return pd.DataFrame(rows, columns=["arm", "update", "error"])


# Figure, arm, quantity, statistic, epoch, layers from 1 up; by eye where curves cross.
_EVOLUTIONS: list[tuple[int, str, str, str, int, tuple[float, ...]]] = [
    (2, "sigmoid, 4 layers", "activation", "mean", 1, (0.50, 0.515, 0.595, 0.285)),
    (2, "sigmoid, 4 layers", "activation", "mean", 10, (0.51, 0.55, 0.73, 0.04)),
    (2, "sigmoid, 4 layers", "activation", "mean", 60, (0.53, 0.59, 0.80, 0.02)),
    (2, "sigmoid, 4 layers", "activation", "mean", 95, (0.55, 0.56, 0.75, 0.024)),
    (2, "sigmoid, 4 layers", "activation", "mean", 105, (0.65, 0.46, 0.44, 0.047)),
    (2, "sigmoid, 4 layers", "activation", "mean", 120, (0.47, 0.46, 0.40, 0.06)),
    (2, "sigmoid, 4 layers", "activation", "mean", 138, (0.39, 0.39, 0.35, 0.068)),
    (2, "sigmoid, 4 layers", "activation", "std", 10, (0.09, _MISSING, 0.10, _MISSING)),
    (2, "sigmoid, 4 layers", "activation", "std", 60, (0.12, _MISSING, 0.09, _MISSING)),
    (2, "sigmoid, 4 layers", "activation", "std", 95, (0.19, 0.07, 0.06, _MISSING)),
    (2, "sigmoid, 4 layers", "activation", "std", 105, (0.22, 0.20, 0.06, 0.02)),
    (2, "sigmoid, 4 layers", "activation", "std", 120, (0.32, 0.20, 0.10, _MISSING)),
    (2, "sigmoid, 4 layers", "activation", "std", 138, (0.36, 0.19, 0.12, 0.06)),
    (3, "tanh", "activation", "p98", 0, (0.71, 0.42, 0.23, 0.13, 0.07)),
    (3, "tanh", "activation", "p98", 4, (1.0, 0.55, 0.37, 0.30, 0.25)),
    (3, "tanh", "activation", "p98", 8, (1.0, 0.69, 0.40, 0.35, 0.26)),
    (3, "tanh", "activation", "p98", 12, (1.0, 0.84, 0.46, 0.38, 0.30)),
    (3, "tanh", "activation", "p98", 16, (1.0, 0.95, 0.54, 0.42, 0.32)),
    (3, "tanh", "activation", "p98", 20, (1.0, 0.99, 0.63, 0.43, 0.34)),
    (3, "tanh", "activation", "p98", 28, (1.0, 1.0, 0.85, 0.52, 0.37)),
    (3, "tanh", "activation", "p98", 36, (1.0, 1.0, 0.97, 0.60, 0.40)),
    (3, "tanh", "activation", "p98", 48, (1.0, 1.0, 1.0, 0.81, 0.51)),
    (3, "tanh", "activation", "p98", 60, (1.0, 1.0, 1.0, 0.94, 0.68)),
    (3, "tanh", "activation", "p98", 76, (1.0, 1.0, 1.0, 1.0, 0.85)),
    (3, "tanh", "activation", "p98", 92, (1.0, 1.0, 1.0, 1.0, 0.93)),
    (3, "tanh", "activation", "std", 0, (0.31, 0.17, 0.10, 0.06, 0.03)),
    (3, "tanh", "activation", "std", 90, (0.605, 0.625, 0.48, 0.35, 0.23)),
    (3, "softsign", "activation", "p98", 0, (0.49, 0.24, 0.12, _MISSING, 0.04)),
    (3, "softsign", "activation", "p98", 4, (0.76, 0.58, 0.54, _MISSING, 0.44)),
    (3, "softsign", "activation", "p98", 8, (0.84, 0.69, 0.64, _MISSING, 0.58)),
    (3, "softsign", "activation", "p98", 92, (0.93, 0.87, 0.81, _MISSING, 0.82)),
    (3, "softsign", "activation", "std", 0, (0.24, 0.11, _MISSING, _MISSING, _MISSING)),
    (3, "softsign", "activation", "std", 90, (0.55, 0.57, 0.51, 0.47, 0.28)),
    (9, "tanh", "weight_gradient", "std", 0, (0.004,) * 5),
    (9, "tanh", "weight_gradient", "std", 75, (0.055, 0.037, 0.029, 0.019, 0.015)),
    (9, "tanh normalized", "weight_gradient", "std", 0, (0.031, 0.016, 0.016, 0.016, 0.016)),
    (9, "tanh normalized", "weight_gradient", "std", 75, (0.045, 0.037, 0.037, 0.031, 0.026)),
    (10, "tanh normalized", "activation", "std", 0, (0.31,) * 5),
    (10, "tanh normalized", "activation", "p98", 0, (0.71,) * 5),
    (10, "tanh normalized", "activation", "p98", 4, (1.0,) * 5),
    (10, "tanh normalized", "activation", "std", 90, (0.78, 0.87, 0.88, 0.87, 0.50)),
]


def evolution(number: int) -> pd.DataFrame:
    """Values read off a figure that follows the layers of a network through training.

    Args:
        number: 2 (sigmoid of four hidden layers), 3 (tanh and softsign), 9 (weight gradients) or
            10 (normalized tanh).

    Returns:
        Rows ``arm``, ``update``, ``layer`` (from 1), ``quantity``, ``statistic`` and ``value``,
        the last three named as in `xavier.monitor.statistics`; NaN where a curve could not be told
        from another.

    Raises:
        ValueError: nothing was read off that figure.
    """
    known = {str(row[0]) for row in _EVOLUTIONS}
    wanted = int(checks.one_of("number", str(number), sorted(known, key=int)))
    rows = [
        (arm, epoch * EPOCH, layer, quantity, statistic, value)
        for figure_, arm, quantity, statistic, epoch, values in _EVOLUTIONS
        if figure_ == wanted
        for layer, value in enumerate(values, start=1)
    ]
    columns = ["arm", "update", "layer", "quantity", "statistic", "value"]
    return pd.DataFrame(rows, columns=columns)
