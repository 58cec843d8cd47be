r"""What the paper holds its networks against: a support vector machine (section 5).

The paper tunes one on 100,000 images of Shapeset and reports 59.47 % test error. The kernel is
Gaussian, :math:`\exp(-\gamma \lVert x - x' \rVert^2)`, the penalty of errors is C, and for every
pair of classes there is a machine that votes: scikit-learn's ``sklearn.svm.SVC``.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import pandas as pd
from torch import Tensor

from xavier.datasets import Stream

CS: tuple[float, ...] = (1.0, 3.0, 10.0, 30.0)
"""Penalties C to choose from on Shapeset."""

GAMMAS: tuple[float, ...] = (0.0025, 0.005, 0.01)
"""Kernel widths to choose from on Shapeset, around one over the number of pixels and over their
variance (0.0026), with which the kernel of two unrelated images is about exp(-2)."""


def fit(
    train: tuple[Tensor, Tensor],
    test: tuple[Tensor, Tensor],
    c: float,
    gamma: float,
    *,
    memory_gb: float = 1.0,
) -> tuple[float, int]:
    """Train a machine, and test it.

    Args:
        train: images (n, d) and labels (n,), of at least two classes.
        test: other images and their labels.
        c: penalty of errors; large is a close fit.
        gamma: inverse squared width of the kernel; large is a close fit.
        memory_gb: memory for values of the kernel, in 10^9 bytes; what does not fit is computed
            again and again.

    Returns:
        Share of wrong answers; number of training images that at least one pair leans on.
    """
    from sklearn.svm import SVC  # slow to import

    (images, labels), (others, expected) = (
        (x.cpu().double().numpy(), y.cpu().numpy()) for x, y in (train, test)
    )
    machine = SVC(C=c, gamma=gamma, cache_size=1000 * memory_gb).fit(images, labels)
    wrong = int((machine.predict(others) != expected).sum())
    return wrong / len(expected), len(machine.support_)


def tune(
    train: tuple[Tensor, Tensor],
    validation: tuple[Tensor, Tensor],
    cs: Sequence[float] = CS,
    gammas: Sequence[float] = GAMMAS,
    *,
    memory_gb: float = 1.0,
) -> pd.DataFrame:
    """Measure the validation error at every C and gamma.

    Returns:
        Rows ``c``, ``gamma``, ``error`` (a share), the best first. Of equals that with the smaller
        C, then the smaller gamma, comes first. A best setting at an end of its range says that the
        range should be wider.
    """
    rows = [
        (c, gamma, fit(train, validation, c, gamma, memory_gb=memory_gb)[0])
        for c, gamma in itertools.product(cs, gammas)
    ]
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
    memory_gb: float = 1.0,
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
        rows.append((n, c, gamma, *fit(train, test, c, gamma, memory_gb=memory_gb)))
        if report is not None:
            report(sum(row[0] for row in rows))
    return pd.DataFrame(rows, columns=["n", "c", "gamma", "error", "support_vectors"])
