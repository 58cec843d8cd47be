"""Networks that are handed in as arrays: their activations, gradients, costs and errors.

Weights are as the book has them, ``(n_in, n_out)``, one array a layer. All is done in NumPy and in
double precision.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from functools import cache
from itertools import combinations, pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .answers import Unanswered
from .samples import numbers

Array: TypeAlias = NDArray[np.float64]

ACTIVATIONS: dict[str, tuple[Callable[[Array], Array], Callable[[Array, Array], Array]]] = {
    "tanh": (np.tanh, lambda s, z: 1 - z * z),
    "softsign": (lambda s: s / (1 + np.abs(s)), lambda s, z: (1 - np.abs(z)) ** 2),
    "sigmoid": (lambda s: 1 / (1 + np.exp(-s)), lambda s, z: z * (1 - z)),
}
"""The function of s, and its slope from ``(s, z)``, by name."""


_FETCHED = 100  # updates for which digits are fetched together


@cache
def digits(split: str) -> tuple[Array, NDArray[np.int64]]:
    """Images and labels of the digits."""
    from xavier import datasets

    data = datasets.load("digits", split)
    return data.images.numpy().astype(np.float64), data.labels.numpy()


def layers(answer: Any, sizes: Sequence[int], what: str) -> list[Array]:
    """An answer as one weight matrix a layer.

    Raises:
        Unanswered: it is something else.
    """
    return _one_a_layer(answer, list(pairwise(sizes)), what)


def biases(answer: Any, sizes: Sequence[int], what: str) -> list[Array]:
    """An answer as one bias vector a layer, as `layers`."""
    return _one_a_layer(answer, [(n,) for n in sizes[1:]], what)


def _one_a_layer(answer: Any, shapes: Sequence[tuple[int, ...]], what: str) -> list[Array]:
    if not isinstance(answer, list) or len(answer) != len(shapes):
        raise Unanswered(f"{what} must be a list of {len(shapes)} arrays, one a layer")
    return [
        numbers(w, shape, f"layer {i} of {what}")
        for i, (w, shape) in enumerate(zip(answer, shapes, strict=True), start=1)
    ]


def forward(
    x: Array, weights: Sequence[Array], biases: Sequence[Array], activation: str
) -> tuple[list[Array], list[Array]]:
    """Weighted sums s and activations z of all layers; the last layer is left as it is."""
    value = ACTIVATIONS[activation][0]
    s: list[Array] = []
    z: list[Array] = []
    for i, (w, b) in enumerate(zip(weights, biases, strict=True)):
        s.append((x if i == 0 else z[-1]) @ w + b)
        z.append(s[-1] if i == len(weights) - 1 else value(s[-1]))
    return s, z


def backward(
    x: Array,
    y: NDArray[np.int64],
    weights: Sequence[Array],
    biases: Sequence[Array],
    activation: str,
) -> list[Array]:
    """Gradients of each example's own cross-entropy by the weighted sums of all layers (eq. 2)."""
    s, z = forward(x, weights, biases, activation)
    slope = ACTIVATIONS[activation][1]
    found = [softmax(s[-1]) - np.eye(s[-1].shape[1])[y]]
    for i in range(len(weights) - 2, -1, -1):
        found.insert(0, (found[0] @ weights[i + 1].T) * slope(s[i], z[i]))
    return found


def again(
    weights: Sequence[Array],
    biases: Sequence[Array],
    batches: Iterable[tuple[Array, NDArray[np.int64]]],
    activation: str,
    rates: Sequence[float],
    at: Container[int] = (),
    measure: Callable[[list[Array], list[Array]], float] = lambda w, b: 0.0,
    kept: Array | None = None,
) -> tuple[list[Array], dict[int, float]]:
    """Gradient descent over again: weights and then biases of the end, and measurements on the way.

    Args:
        weights: of the start.
        biases: of the start.
        batches: images and labels of each update.
        activation: of the hidden units.
        rates: of learning, one a layer.
        at: updates after which something is measured; 0 is the start.
        measure: gives a number from weights and biases.
        kept: for each update, what multiplies the units of the first hidden layer.
    """
    value, slope = ACTIVATIONS[activation]
    w, b = ([np.array(a, dtype=np.float64) for a in arrays] for arrays in (weights, biases))
    found = {0: measure(w, b)} if 0 in at else {}
    for t, (x, y) in enumerate(batches, start=1):
        z, slopes = [np.asarray(x, dtype=np.float64)], []
        for i in range(len(w) - 1):
            s = z[-1] @ w[i] + b[i]
            units = value(s)
            mask = 1.0 if kept is None or i else kept[t - 1]
            slopes.append(slope(s, units) * mask)
            z.append(units * mask)
        delta = (softmax(z[-1] @ w[-1] + b[-1]) - np.eye(w[-1].shape[1])[y]) / len(y)
        for i in range(len(w) - 1, -1, -1):
            below = (delta @ w[i].T) * slopes[i - 1] if i else delta
            w[i] -= rates[i] * z[i].T @ delta
            b[i] -= rates[i] * delta.sum(axis=0)
            delta = below
        if t in at:
            found[t] = measure(w, b)
    return [*w, *b], found


def stds(arrays: Iterable[Array]) -> Array:
    """The standard deviation of each array."""
    return np.array([float(a.std()) for a in arrays])


def apart(arrays: Sequence[Array], others: Sequence[Array]) -> float:
    """The largest difference between two lists of arrays; infinite if it is not a number."""
    largest = [float(np.abs(a - b).max()) for a, b in zip(arrays, others, strict=True)]
    return max(largest) if np.isfinite(largest).all() else math.inf


def rows(answer: Any, what: str, updates: tuple[int, int], most: int) -> NDArray[np.int64]:
    """Which digits of the split train each update was on.

    Args:
        answer: a row of numbers for each update.
        what: it is called.
        updates: how many there must be at least and at most.
        most: digits of one update.

    Raises:
        Unanswered: it is something else.
    """
    few, many = updates
    try:
        found = np.asarray(answer, dtype=np.float64)
    except (OverflowError, TypeError, ValueError):
        found = np.zeros(0)
    whole = found.ndim == 2 and few <= len(found) <= many and 0 < found.shape[1] <= most
    if not whole or not (found.min() >= 0 and found.max() < len(digits("train")[1])):
        raise Unanswered(
            f"{what} must have rows of the numbers of digits, at most {most} in each, for "
            f"{few:,} to {many:,} updates"
        )
    return found.astype(np.int64)


def batches(rows: NDArray[np.int64]) -> Iterator[tuple[Array, NDArray[np.int64]]]:
    """The digits of those numbers."""
    images, labels = digits("train")
    return ((images[row], labels[row]) for row in rows)


def streamed(seed: int, updates: int, size: int) -> Iterator[tuple[Array, NDArray[np.int64]]]:
    """The batches of ``datasets.stream("digits", "train", seed)``."""
    from xavier import datasets

    stream = datasets.stream("digits", "train", seed)
    for done in range(0, updates, _FETCHED):  # many together: a call costs, an image hardly
        few = min(_FETCHED, updates - done)
        images, labels = (a.numpy() for a in stream.batch(few * size))
        yield from zip(images.reshape(few, size, -1), labels.reshape(few, size), strict=True)


def softmax(logits: Array) -> Array:
    """Probabilities of the classes."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))


def cost_and_error(
    x: Array,
    y: NDArray[np.int64],
    weights: Sequence[Array],
    biases: Sequence[Array],
    activation: str,
) -> tuple[float, float]:
    """Mean cross-entropy, and the share of wrong answers."""
    logits = forward(x, weights, biases, activation)[1][-1]
    p = softmax(logits)[np.arange(len(y)), y]
    return float(-np.log(np.maximum(p, 1e-300)).mean()), float((logits.argmax(axis=1) != y).mean())


def copied(weights: Sequence[Array]) -> list[tuple[int, int]]:
    """Pairs of layers, from 1, that are made of the same random numbers, whatever their scale."""
    found = []
    for (i, a), (j, b) in combinations(enumerate(weights, start=1), 2):
        n = min(a.size, b.size)
        if abs(correlation(a.ravel()[:n], b.ravel()[:n])) > 0.5:
            found.append((i, j))
    return found


def correlation(a: Array, b: Array) -> float:
    """Of two arrays; 0 if one is constant."""
    a, b = (w / (np.abs(w).max() or 1.0) for w in (a, b))
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).sum() / np.sqrt(float((a * a).sum() * (b * b).sum()) or 1.0))
