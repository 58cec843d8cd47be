r"""The training cost over two weights, as in figure 5: where it is flat, for each of two costs.

The network has one hidden layer of tanh units and no biases, one weight of each layer is varied,
inputs and targets are random (sec. 4.1). With one input and one hidden unit, the default, these
two weights are the whole network,

.. math::

   a = w_2 \tanh(w_1 x),

and the cost is a mean over a few examples. The paper does not say how many inputs, units and
examples its figure has, nor what its output units are, so all of these are arguments. In a larger
network :math:`w_1` is the weight from the first input to the first hidden unit, :math:`w_2` that
from there to the first output, and the other weights are drawn once and stay.

What the outputs make of their weighted sums :math:`a`, and what the two costs of an example are:

softmax
    One output for each class but the last, whose sum is 0: adding a number to all sums changes
    nothing, so that with two classes there is one output, and :math:`P = \sigma(a)`. Costs as in
    `xavier.network.COSTS`: :math:`-\log P(y)` and :math:`\tfrac12 |p - y|^2` with the label as a
    unit vector.
tanh
    One output for two classes, with the target :math:`t` 1 for the first and -1 for the other.
    The quadratic cost is :math:`\tfrac12 (\tanh a - t)^2`. The cross-entropy reads the output as
    the probability :math:`(1 + \tanh a) / 2 = \sigma(2 a)`. Both are those of a softmax of the
    sums :math:`a` and :math:`-a`, the quadratic cost doubled.
linear
    The same targets; the quadratic cost is :math:`\tfrac12 (a - t)^2`. The cross-entropy is that
    of the softmax: what a linear output has to say of probabilities is the softmax's weighted sum.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from xavier import checks, init
from xavier.network import Cost
from xavier.rules import Rule

Array: TypeAlias = NDArray[np.float64]

Output: TypeAlias = Literal["softmax", "tanh", "linear"]

OUTPUTS: tuple[Output, ...] = ("softmax", "tanh", "linear")
"""The kinds of output units, see above."""

_COLUMNS: tuple[Cost, Cost] = ("quadratic", "cross_entropy")
_NUMBERS_AT_ONCE = 2_000_000  # weighted sums held in memory at a time: 16 MB for each array


@dataclass(frozen=True, eq=False)
class Problem:
    """Examples, and the weights of the network that are not varied.

    Attributes:
        x: inputs, (examples, inputs).
        labels: classes counted from 0, int64 (examples,).
        w: first layer, (inputs, hidden); ``w[0, 0]`` is what is varied, and is not read.
        v: output layer, (hidden, classes - 1); ``v[0, 0]`` is what is varied, and is not read.
    """

    x: Array
    labels: NDArray[np.int64]
    w: Array
    v: Array

    @property
    def classes(self) -> int:
        """How many classes there are, one more than outputs."""
        return int(self.v.shape[1]) + 1


@dataclass(frozen=True, eq=False)
class Surface:
    """A cost over two weights, with its exact gradient.

    Attributes:
        w1: values of the first layer's weight, rising, (n,).
        w2: values of the output layer's weight, rising, (m,).
        cost: mean over the examples, (m, n); ``cost[i, j]`` is at ``w2[i]`` and ``w1[j]``.
        d_w1: derivative of the cost by the first layer's weight, (m, n).
        d_w2: derivative of the cost by the output layer's weight, (m, n).
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
    cost: Cost,
    output: Output,
    *,
    seed: int,
    points: int = 81,
    limit: float = 4.0,
    **problem: Any,
) -> Surface:
    """A cost over the square of two weights, for random inputs and targets.

    The same seed gives the same inputs and targets for every cost and output, so that these can
    be compared in pairs.

    Args:
        cost: "cross_entropy" or "quadratic".
        output: one of `OUTPUTS`.
        seed: of the inputs, the targets and the other weights.
        points: values of each weight, evenly spaced, ends included; at least 2.
        limit: both weights go from ``-limit`` to ``limit``.
        **problem: what else `draw` takes: inputs, hidden, examples, classes, input_std, rule.

    Raises:
        ValueError: a name is unknown, or the output is for two classes only.
    """
    grid = square(points, limit)
    return surface_over(draw(seed, **problem), cost, output, grid, grid)


def square(points: int = 81, limit: float = 4.0) -> Array:
    """Values of a weight: evenly spaced from ``-limit`` to ``limit``, exactly symmetric.

    >>> square(5).tolist()
    [-4.0, -2.0, 0.0, 2.0, 4.0]
    """
    steps: Array = np.arange(1 - points, points, 2) / (points - 1)
    return limit * steps


def draw(
    seed: int,
    *,
    inputs: int = 1,
    hidden: int = 1,
    examples: int = 10,
    classes: int = 2,
    input_std: float = 1.0,
    rule: str | Rule = "standard",
) -> Problem:
    """Draw inputs, targets and the other weights, none of which knows of the others.

    Inputs are normal and every class is equally probable. The three have streams of their own:
    another rule or number of hidden units leaves the examples as they were.

    Args:
        seed: of all three.
        inputs: number of inputs.
        hidden: number of tanh units.
        examples: number of examples; by default the ten of the paper's mini-batches (sec. 2.3).
        classes: number of classes, at least 2.
        input_std: standard deviation of an input.
        rule: variance of the other weights, as in `xavier.init.sample`.
    """
    for_x, for_labels, for_weights = np.random.default_rng(seed).spawn(3)
    x = input_std * for_x.standard_normal((examples, inputs))
    labels = for_labels.integers(classes, size=examples)
    w = init.sample((hidden, inputs), rule, for_weights).T
    v = init.sample((classes - 1, hidden), rule, for_weights).T
    return Problem(x, labels, w, v)


def surface_over(
    problem: Problem, cost: Cost, output: Output, w1: ArrayLike, w2: ArrayLike
) -> Surface:
    """A cost of given examples over given values of the two weights.

    Args:
        problem: the examples and the other weights.
        cost: "cross_entropy" or "quadratic".
        output: one of `OUTPUTS`.
        w1: values of the first layer's weight, rising, at least two.
        w2: values of the output layer's weight, likewise.

    Raises:
        ValueError: a name is unknown, or there are more than two classes and the output is not
            "softmax".
    """
    of_output = _COSTS[checks.one_of("output", output, OUTPUTS)]
    of_sums = of_output[checks.one_of("cost", cost, of_output)]
    if output != "softmax" and problem.classes != 2:
        raise ValueError(f"classes must be 2 for output {output!r}, got {problem.classes}")
    w1, w2 = np.asarray(w1, dtype=float), np.asarray(w2, dtype=float)
    numbers = problem.classes * w1.size * w2.size
    total = np.zeros((3, w2.size, w1.size))
    at_once = max(1, _NUMBERS_AT_ONCE // numbers)
    for start in range(0, len(problem.x), at_once):
        total += _sums_over(problem, slice(start, start + at_once), of_sums, w1, w2)
    return Surface(w1, w2, *(total / len(problem.x)))


def flat_share(surface: Surface, threshold: float = 0.01, above: float = 0.0) -> float:
    """Share of the area in which a surface is as good as flat, and high if that is asked for.

    It is flat where a step of length 1 uphill, at the slope that is there, would raise the cost by
    less than ``threshold`` of the surface's own range. The unit of the cost so drops out, and two
    costs can be compared. A grid point stands for the area that is nearest to it: half as much at
    an edge as inside, a quarter in a corner.

    Args:
        surface: a cost over two weights.
        threshold: which slope is flat, as a share of the surface's range per unit of weight.
        above: from which height on it counts, from 0, the lowest of the surface, to 1, the
            highest; at 0 all of it counts.

    Returns:
        From 0 to 1.

    Raises:
        ValueError: the surface has one height, and so no range.
    """
    if not surface.range > 0:
        raise ValueError(f"surface must have more than one height, got {surface.cost.flat[0]}")
    flat = surface.slope < threshold * surface.range
    flat &= surface.cost - surface.cost.min() >= above * surface.range
    return float(_areas(surface.w2) @ flat @ _areas(surface.w1))


def flat_shares(
    seeds: Iterable[int],
    outputs: Sequence[Output] = OUTPUTS,
    *,
    threshold: float = 0.01,
    above: float = 0.0,
    points: int = 81,
    limit: float = 4.0,
    **problem: Any,
) -> pd.DataFrame:
    """`flat_share` of both costs for many draws of inputs and targets.

    Args:
        seeds: one for each draw.
        outputs: kinds of output units, see `OUTPUTS`.
        threshold, above: as in `flat_share`.
        points, limit: as in `surface`.
        **problem: what else `draw` takes.

    Returns:
        Rows ``seed``, ``output``, ``cost``, ``share``. Rows of one seed have the same examples.
    """
    grid = square(points, limit)
    rows = []
    for seed in seeds:
        drawn = draw(seed, **problem)
        for output, cost in itertools.product(outputs, _COSTS["softmax"]):
            share = flat_share(surface_over(drawn, cost, output, grid, grid), threshold, above)
            rows.append((seed, output, cost, share))
    return pd.DataFrame(rows, columns=["seed", "output", "cost", "share"])


# --------------------------------------------------------------------------------------------------
# The costs of weighted sums. Sums have shape (classes - 1, m, n, examples), labels (examples,); the
# cost of every example comes back, and its derivative by every sum.
# --------------------------------------------------------------------------------------------------

_OfSums: TypeAlias = Callable[[Array, NDArray[np.int64]], tuple[Array, Array]]


def _softmax(a: Array, labels: NDArray[np.int64]) -> tuple[Array, Array, Array]:
    """Logarithms of the probabilities, probabilities and labels as unit vectors, classes first."""
    a = np.concatenate([a, np.zeros_like(a[:1])])
    a = a - a.max(0)
    logs = a - np.log(np.exp(a).sum(0))
    y = labels == np.arange(len(a))[:, None, None, None]
    return logs, np.exp(logs), y.astype(float)


def _softmax_cross_entropy(a: Array, labels: NDArray[np.int64]) -> tuple[Array, Array]:
    logs, p, y = _softmax(a, labels)
    return -(logs * y).sum(0), (p - y)[:-1]


def _softmax_quadratic(a: Array, labels: NDArray[np.int64]) -> tuple[Array, Array]:
    _, p, y = _softmax(a, labels)
    e = p - y
    return 0.5 * np.square(e).sum(0), (p * (e - (p * e).sum(0)))[:-1]


def _targets(labels: NDArray[np.int64]) -> Array:
    """1 for the first class, which the output speaks for, and -1 for the other."""
    return 1.0 - 2.0 * labels.astype(float)


def _tanh_cross_entropy(a: Array, labels: NDArray[np.int64]) -> tuple[Array, Array]:
    t = _targets(labels)
    return np.logaddexp(0.0, -2 * t * a[0]), np.tanh(a) - t


def _tanh_quadratic(a: Array, labels: NDArray[np.int64]) -> tuple[Array, Array]:
    z = np.tanh(a)
    e = z - _targets(labels)
    return 0.5 * np.square(e[0]), e * (1 - z * z)


def _linear_cross_entropy(a: Array, labels: NDArray[np.int64]) -> tuple[Array, Array]:
    t = _targets(labels)
    return np.logaddexp(0.0, -t * a[0]), 0.5 * (np.tanh(0.5 * a) - t)


def _linear_quadratic(a: Array, labels: NDArray[np.int64]) -> tuple[Array, Array]:
    e = a - _targets(labels)
    return 0.5 * np.square(e[0]), e


_COSTS: dict[Output, dict[Cost, _OfSums]] = {
    "softmax": {"cross_entropy": _softmax_cross_entropy, "quadratic": _softmax_quadratic},
    "tanh": {"cross_entropy": _tanh_cross_entropy, "quadratic": _tanh_quadratic},
    "linear": {"cross_entropy": _linear_cross_entropy, "quadratic": _linear_quadratic},
}


# --------------------------------------------------------------------------------------------------
# The network, and the grid
# --------------------------------------------------------------------------------------------------


def _sums_over(problem: Problem, some: slice, of_sums: _OfSums, w1: Array, w2: Array) -> Array:
    """Cost and its derivatives by w1 and w2, summed over some examples, (3, m, n)."""
    x, w, v = problem.x[some], problem.w, problem.v
    h = np.tanh(w1[:, None] * x[:, 0] + x[:, 1:] @ w[1:, 0])  # (n, examples)
    to_outputs = np.repeat(v[0][:, None], w2.size, 1)  # from the first unit, (outputs, m)
    to_outputs[0] = w2
    from_others = (np.tanh(x @ w[:, 1:]) @ v[1:]).T  # (outputs, examples)
    a = from_others[:, None, None] + to_outputs[:, :, None, None] * h
    cost, d_a = of_sums(a, problem.labels[some])
    d_w2 = (d_a[0] * h).sum(-1)
    d_s = (1 - h * h) * x[:, 0]  # of the first unit by w1
    d_w1 = np.einsum("omne,om,ne->mn", d_a, to_outputs, d_s, optimize=True)
    return np.stack([cost.sum(-1), d_w1, d_w2])


def _areas(grid: Array) -> Array:
    """Which share of the whole is nearest to each value."""
    gaps = np.diff(grid)
    areas: Array = (np.append(gaps, 0.0) + np.append(0.0, gaps)) / (2 * gaps.sum())
    return areas
