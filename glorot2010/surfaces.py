r"""The training cost over two weights, as in figure 5: where it is flat, for each of two costs.

The network has one input, one hidden unit of tanh and no biases, so that two weights are all of it,

.. math::

   a = w_2 \tanh(w_1 x).

Inputs and targets are random (sec. 4.1), and the cost is the mean over ten examples, as many as in
the paper's mini-batches. The paper does not say how large the network of its figure is, nor what
its output units are. There are two classes, with the target :math:`t` 1 for the first and -1 for
the other. What the outputs make of their weighted sum, and what the two costs of an example are:

softmax
    The second class has the sum 0, so that :math:`P = \sigma(a)`: :math:`\log(1 + e^{-ta})`, and
    :math:`\tfrac12 |p - y|^2` with the label as a unit vector.
tanh
    The quadratic cost is :math:`\tfrac12 (\tanh a - t)^2`. The cross-entropy reads the output as
    the probability :math:`(1 + \tanh a) / 2 = \sigma(2 a)`.
linear
    The quadratic cost is :math:`\tfrac12 (a - t)^2`. The cross-entropy is that of the softmax: what
    a linear output has to say of probabilities is the softmax's weighted sum.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xavier import checks

Array: TypeAlias = NDArray[np.float64]
Cost: TypeAlias = Literal["cross_entropy", "quadratic"]
Output: TypeAlias = Literal["softmax", "tanh", "linear"]

COSTS: tuple[Cost, ...] = ("cross_entropy", "quadratic")
"""The two costs that are compared."""

OUTPUTS: tuple[Output, ...] = ("softmax", "tanh", "linear")
"""The kinds of output units, see above."""

EXAMPLES = 10
"""Examples over which a cost is a mean."""

FLAT = 0.01
"""Which slope is flat, as a share of the surface's range per unit of weight."""


@dataclass(frozen=True, eq=False)
class Surface:
    """A cost over two weights, with its exact gradient.

    Attributes:
        w1: values of the first layer's weight, rising, (n,).
        w2: values of the output layer's weight, rising, (m,).
        cost: mean over the examples, (m, n); ``cost[i, j]`` is at ``w2[i]`` and ``w1[j]``.
        d_w1, d_w2: derivatives of the cost by the two weights, (m, n).
    """

    w1: Array
    w2: Array
    cost: Array
    d_w1: Array
    d_w2: Array

    @property
    def range(self) -> float:
        """Largest cost less the smallest, of those on the grid."""
        return float(np.ptp(self.cost))

    @property
    def slope(self) -> Array:
        """Length of the gradient, what the cost gains per unit of weight uphill; shape (m, n)."""
        length: Array = np.hypot(self.d_w1, self.d_w2)
        return length


def surface(
    cost: Cost, output: Output, *, seed: int, points: int = 81, limit: float = 4.0
) -> Surface:
    """A cost over the square of two weights, for random inputs and targets.

    The same seed gives the same inputs and targets for every cost and output, so that these can
    be compared in pairs.

    Args:
        cost: "cross_entropy" or "quadratic".
        output: one of `OUTPUTS`.
        seed: of the inputs and the targets.
        points: values of each weight, evenly spaced, ends included; at least 2.
        limit: both weights go from ``-limit`` to ``limit``.

    Raises:
        ValueError: a name is unknown.
    """
    grid = limit * np.arange(1 - points, points, 2) / (points - 1)
    return surface_over(*draw(seed), cost, output, grid, grid)


def draw(seed: int) -> tuple[Array, Array]:
    """Normal inputs and targets of -1 and 1, equally probable, that know nothing of the inputs."""
    for_x, for_labels = np.random.default_rng(seed).spawn(2)
    first = for_labels.integers(2, size=EXAMPLES) == 0
    return for_x.standard_normal(EXAMPLES), np.where(first, 1.0, -1.0)


def surface_over(x: Array, t: Array, cost: Cost, output: Output, w1: Array, w2: Array) -> Surface:
    """A cost of given inputs and targets over given values of the two weights."""
    kinds = _COSTS[checks.one_of("output", output, OUTPUTS)]
    h = np.tanh(w1[:, None] * x)  # (n, examples)
    heights, d_a = kinds[checks.one_of("cost", cost, COSTS)](w2[:, None, None] * h, t)
    d_w1 = d_a * w2[:, None, None] * (1 - h * h) * x
    return Surface(w1, w2, *(each.mean(-1) for each in (heights, d_w1, d_a * h)))


def flat_share(surface: Surface, above: float = 0.0) -> float:
    """Share of the area in which a surface is as good as flat, and high if that is asked for.

    It is flat where a step of length 1 uphill, at the slope that is there, would raise the cost by
    less than `FLAT` of the surface's own range. The unit of the cost so drops out, and two costs
    can be compared. A grid point stands for the area that is nearest to it: half as much at an edge
    as inside, a quarter in a corner.

    Args:
        surface: a cost over two weights.
        above: from which height on it counts, from 0, the lowest of the surface, to 1, the
            highest; at 0 all of it counts.

    Returns:
        From 0 to 1.

    Raises:
        ValueError: the surface has one height, and so no range.
    """
    if not surface.range > 0:
        raise ValueError(f"surface must have more than one height, got {surface.cost.flat[0]}")
    flat = surface.slope < FLAT * surface.range
    flat &= surface.cost - surface.cost.min() >= above * surface.range
    return float(_areas(surface.w2) @ flat @ _areas(surface.w1))


def _areas(grid: Array) -> Array:
    """Which share of the whole is nearest to each value."""
    gaps = np.diff(grid)
    areas: Array = (np.append(gaps, 0.0) + np.append(0.0, gaps)) / (2 * gaps.sum())
    return areas


def flat_shares(
    seeds: Iterable[int],
    outputs: Sequence[Output] = OUTPUTS,
    *,
    above: float = 0.0,
    limit: float = 4.0,
) -> pd.DataFrame:
    """`flat_share` of both costs for many draws of inputs and targets.

    Args:
        seeds: one for each draw.
        outputs: kinds of output units, see `OUTPUTS`.
        above: as in `flat_share`.
        limit: as in `surface`.

    Returns:
        Rows ``seed``, ``output``, ``cost``, ``share``. Rows of one seed have the same examples.
    """
    rows = [
        (*one, flat_share(surface(one[2], one[1], seed=one[0], limit=limit), above))
        for one in itertools.product(seeds, outputs, COSTS)
    ]
    return pd.DataFrame(rows, columns=["seed", "output", "cost", "share"])


# The costs of examples by their sums, and their derivatives by these. Sums have shape
# (m, n, examples), targets (examples,).


def _of_softmax(a: Array, t: Array) -> tuple[Array, Array]:
    return np.logaddexp(0.0, -t * a), 0.5 * (np.tanh(0.5 * a) - t)


def _softmax_quadratic(a: Array, t: Array) -> tuple[Array, Array]:
    z = np.tanh(0.5 * a)
    e = 0.5 * (z - t)  # of either class
    return e * e, 0.5 * e * (1 - z * z)


def _tanh_cross_entropy(a: Array, t: Array) -> tuple[Array, Array]:
    return np.logaddexp(0.0, -2 * t * a), np.tanh(a) - t


def _tanh_quadratic(a: Array, t: Array) -> tuple[Array, Array]:
    z = np.tanh(a)
    return 0.5 * (z - t) ** 2, (z - t) * (1 - z * z)


def _linear_quadratic(a: Array, t: Array) -> tuple[Array, Array]:
    return 0.5 * (a - t) ** 2, a - t


_COSTS: dict[Output, dict[Cost, Callable[[Array, Array], tuple[Array, Array]]]] = {
    "softmax": {"cross_entropy": _of_softmax, "quadratic": _softmax_quadratic},
    "tanh": {"cross_entropy": _tanh_cross_entropy, "quadratic": _tanh_quadratic},
    "linear": {"cross_entropy": _of_softmax, "quadratic": _linear_quadratic},
}
