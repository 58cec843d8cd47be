r"""What the paper holds its networks against: a support vector machine (section 5).

The paper tunes one on 100,000 images of Shapeset and reports 59.47 % test error. The kernel is
Gaussian, :math:`\exp(-\gamma \lVert x - x' \rVert^2)`, the penalty of errors is C, and for every
pair of classes there is a machine that votes. Nothing is approximated: every machine is
scikit-learn's ``sklearn.svm.SVC``, and the votes are counted as that counts them. What is ours is
that each pair's kernel is made whole, by one product of matrices, and serves all values of C. That
is several times faster than to make it value by value, and costs the memory of one pair's matrix.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch import Tensor

from xavier.datasets import Stream

CS: tuple[float, ...] = (1.0, 3.0, 10.0, 30.0)
"""Penalties C to choose from on Shapeset."""

GAMMAS: tuple[float, ...] = (0.0025, 0.005, 0.01)
"""Kernel widths to choose from on Shapeset, around one over the number of pixels and over their
variance (0.0026), with which the kernel of two unrelated images is about exp(-2)."""

_ROWS = 64  # of a kernel that are finished while they are in the cache
_ANSWERED = 1000  # images answered at a time

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Machine:
    """One machine for every pair of classes, trained at the same C and gamma.

    Attributes:
        images: those that it was trained on, (n, d).
        classes: ascending.
        gamma: inverse squared width of the kernel.
        weights: what each training image adds to each pair's decision, (n, pairs).
        bias: (pairs,).
    """

    images: Floats
    classes: Ints
    gamma: float
    weights: Floats
    bias: Floats

    @property
    def support(self) -> int:
        """Number of training images that at least one pair leans on."""
        return int(self.weights.any(1).sum())


def fit(
    train: tuple[Tensor, Tensor],
    cs: Sequence[float],
    gamma: float,
    *,
    memory_gb: float = 4.0,
) -> list[Machine]:
    """Train machines for every C, at one gamma.

    Args:
        train: images (n, d) and labels (n,), of at least two classes.
        cs: penalties of errors; large is a close fit.
        gamma: inverse squared width of the kernel; large is a close fit.
        memory_gb: most memory for the kernel of two classes, in 10^9 bytes. It takes 8 bytes for
            every pair of their images: 8.9 GB for 100,000 images of Shapeset.

    Raises:
        ValueError: the kernel would need more memory than allowed.
    """
    from sklearn.svm import SVC  # slow to import

    images, labels = _numpy(train)
    classes, sizes = np.unique(labels, return_counts=True)
    largest = int(np.sort(sizes)[-2:].sum())
    if (needed := 8e-9 * largest**2) > memory_gb:
        raise ValueError(
            f"train has {largest} images in its two largest classes, whose kernel takes "
            f"{needed:.3g} GB; memory_gb allows {memory_gb:.3g}"
        )
    pairs = list(combinations(classes, 2))
    weights = np.zeros((len(cs), len(labels), len(pairs)))
    bias = np.zeros((len(cs), len(pairs)))
    for p, (first, second) in enumerate(pairs):
        rows = np.flatnonzero((labels == first) | (labels == second))
        kernel = gaussian(images[rows], images[rows], gamma)
        for k, c in enumerate(cs):
            machine = SVC(C=c, kernel="precomputed").fit(kernel, labels[rows])
            weights[k, rows[machine.support_], p] = machine.dual_coef_[0]
            bias[k, p] = machine.intercept_[0]
        del kernel  # before the next is made: there is room for one
    return [Machine(images, classes, gamma, w, b) for w, b in zip(weights, bias, strict=True)]


def errors(machines: Sequence[Machine], test: tuple[Tensor, Tensor]) -> list[float]:
    """Share of wrong answers of each of several machines from one `fit`."""
    images, labels = _numpy(test)
    one = machines[0]
    wrong = np.zeros(len(machines), dtype=np.int64)
    for start in range(0, len(labels), _ANSWERED):
        part = slice(start, start + _ANSWERED)
        kernel = gaussian(images[part], one.images, one.gamma)
        for k, machine in enumerate(machines):
            winners = elect(kernel @ machine.weights + machine.bias, len(one.classes))
            wrong[k] += (one.classes[winners] != labels[part]).sum()
    return [int(count) / len(labels) for count in wrong]


def tune(
    train: tuple[Tensor, Tensor],
    validation: tuple[Tensor, Tensor],
    cs: Sequence[float] = CS,
    gammas: Sequence[float] = GAMMAS,
    *,
    memory_gb: float = 4.0,
) -> pd.DataFrame:
    """Measure the validation error at every C and gamma.

    Args:
        train, memory_gb: as in `fit`.
        validation: other images and their labels.
        cs: penalties.
        gammas: kernel widths. A further gamma costs more than a further C, which uses its kernel.

    Returns:
        Rows ``c``, ``gamma``, ``error`` (a share), the best first. Of equals that with the smaller
        C, then the smaller gamma, comes first. A best setting at an end of its range says that the
        range should be wider.
    """
    rows = []
    for gamma in gammas:
        found = errors(fit(train, cs, gamma, memory_gb=memory_gb), validation)
        rows += [(c, gamma, error) for c, error in zip(cs, found, strict=True)]
    frame = pd.DataFrame(rows, columns=["c", "gamma", "error"])
    return frame.sort_values(["error", "c", "gamma"], ignore_index=True)


def trend(
    stream: Callable[[int], Stream],
    sizes: Sequence[int],
    *,
    cs: Sequence[float] = CS,
    gammas: Sequence[float] = GAMMAS,
    seeds: tuple[int, int, int] = (0, 1, 2),
    held_out: int = 10_000,
    tune_up_to: int | None = None,
    memory_gb: float = 4.0,
    report: Callable[[int], None] | None = None,
) -> pd.DataFrame:
    """Train tuned machines on more and more images.

    The training images of one size are the first of the next. Every size has its own C and gamma,
    chosen by `tune`.

    Args:
        stream: makes the stream of examples of a seed, such as `xavier.shapeset.Shapeset`.
        sizes: numbers of training images, ascending.
        cs, gammas: as in `tune`.
        seeds: of the streams of training, validation and test images, all different.
        held_out: number of validation and of test images.
        tune_up_to: sizes above it, but the first, use the setting of the largest size up to it,
            untuned and so much faster; by default all are tuned.
        memory_gb: as in `fit`.
        report: told, after every machine, the sizes of all so far.

    Returns:
        Rows ``n``, ``c``, ``gamma``, ``error`` (share of the test images), ``support_vectors``
        (training images that some pair's machine uses), in the order of n.
    """
    images, labels = stream(seeds[0]).batch(sizes[-1])
    validation, test = (stream(seed).batch(held_out) for seed in seeds[1:])
    rows: list[tuple[int, float, float, float, int]] = []
    c = gamma = 0.0
    for n in sizes:
        train = images[:n], labels[:n]
        if not rows or tune_up_to is None or n <= tune_up_to:
            best = tune(train, validation, cs, gammas, memory_gb=memory_gb).iloc[0]
            c, gamma = float(best["c"]), float(best["gamma"])
        machines = fit(train, [c], gamma, memory_gb=memory_gb)
        rows.append((n, c, gamma, errors(machines, test)[0], machines[0].support))
        if report is not None:
            report(sum(row[0] for row in rows))
    return pd.DataFrame(rows, columns=["n", "c", "gamma", "error", "support_vectors"])


def elect(decisions: Floats, classes: int) -> Ints:
    """The class with most of the pairs' votes, the first of those that have equally many.

    Args:
        decisions: (n, pairs), in the order of ``itertools.combinations``; above 0 is for the second
            of a pair, and so is 0, as in LIBSVM.
        classes: their number.
    """
    votes = np.zeros((len(decisions), classes), dtype=np.int64)
    for p, (first, second) in enumerate(combinations(range(classes), 2)):
        for_second = decisions[:, p] >= 0
        votes[:, second] += for_second
        votes[:, first] += ~for_second
    winners: Ints = votes.argmax(1)
    return winners


def gaussian(a: Floats, b: Floats, gamma: float) -> Floats:
    """exp(-gamma times the squared distance) of all rows of a to all of b."""
    kernel: Floats = a @ b.T
    squares = gamma * np.square(b).sum(1)
    for start in range(0, len(a), _ROWS):
        rows = kernel[start : start + _ROWS]
        rows *= 2 * gamma
        rows -= squares
        rows -= gamma * np.square(a[start : start + _ROWS]).sum(1)[:, None]
        np.exp(np.minimum(rows, 0, out=rows), out=rows)  # above 0 is rounding
    return kernel


def _numpy(examples: tuple[Tensor, Tensor]) -> tuple[Floats, Ints]:
    return examples[0].cpu().double().numpy(), examples[1].cpu().numpy()
