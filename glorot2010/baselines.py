r"""What the paper holds its networks against: a support vector machine (section 5).

The paper tunes one on 100,000 images of Shapeset and reports 59.47 % test error. The kernel is
Gaussian, :math:`\exp(-\gamma \lVert x - x' \rVert^2)`, the penalty of errors is C, and for every
pair of classes there is a machine that votes. Nothing is approximated: every machine is
scikit-learn's ``sklearn.svm.SVC``, and the votes are counted as that counts them. What is ours is
that each pair's kernel is made whole, by one product of matrices, and serves all values of C. That
is several times faster than to make it value by value, and costs the memory of one pair's matrix.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from xavier import checks
from xavier.datasets import Stream

CS: tuple[float, ...] = (1.0, 3.0, 10.0, 30.0)
"""Penalties C to choose from on Shapeset."""

GAMMAS: tuple[float, ...] = (0.0025, 0.005, 0.01)
"""Kernel widths to choose from on Shapeset, whose pixels in [-1, 1] have `gamma_scale` 0.0026."""

_ROWS = 64  # of a kernel that are finished while they are in the cache
_ANSWERED = 1000  # images answered at a time

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class _Votes:
    """One machine for every pair of classes, trained at the same C and gamma.

    Attributes:
        weights: what each training image adds to each machine's decision, (n, pairs).
        bias: (pairs,).
        support: number of training images that at least one machine leans on.
    """

    weights: Floats
    bias: Floats
    support: int


def gamma_scale(images: Tensor) -> float:
    """Return a scale for gamma, with which the kernel of two unrelated images is about exp(-2).

    It is 1 over the number of pixels and over the variance of all of them (scikit-learn's "scale"):
    the squared distance of two images is about twice the number of pixels times that variance.

    Args:
        images: (n, d).

    Raises:
        TypeError: the images are not of a floating dtype.
        ValueError: they have another shape, hold a number that is not finite, or are constant.
    """
    pixels = _images("images", images)
    d, variance = len(pixels[0]), float(np.var(pixels))
    if variance == 0:
        raise ValueError("images must not all be one constant, whose variance is 0")
    return 1 / (d * variance)


def svm_error(
    train: tuple[Tensor, Tensor],
    test: tuple[Tensor, Tensor],
    *,
    c: float,
    gamma: float,
    memory_gb: float = 4.0,
) -> float:
    """Train a support vector machine and return its share of wrong answers on ``test``.

    Args:
        train: images (n, d), of a floating dtype, and labels (n,), int64.
        test: likewise.
        c: penalty of errors; large is a close fit.
        gamma: inverse squared width of the kernel; large is a close fit. See `gamma_scale`.
        memory_gb: most memory for the kernel of two classes, in 10^9 bytes. It takes 8 bytes for
            every pair of their images: 8.9 GB for 100,000 images of Shapeset.

    Raises:
        TypeError: an argument is of the wrong type.
        ValueError: one is out of range, images and labels do not fit together, there is only one
            class to train on, or the kernel would need more memory than allowed.
    """
    data, held_out = _examples("train", train), _examples("test", test)
    _same_pixels(data, held_out)
    c, gamma = checks.positive("c", c), checks.positive("gamma", gamma)
    [votes] = _fit(data, [c], gamma, memory_gb)
    return _errors(data, [votes], gamma, held_out)[0]


def tune_svm(
    train: tuple[Tensor, Tensor],
    validation: tuple[Tensor, Tensor],
    cs: Sequence[float] = CS,
    gammas: Sequence[float] = GAMMAS,
    *,
    memory_gb: float = 4.0,
) -> pd.DataFrame:
    """Measure the validation error at every C and gamma.

    Args:
        train: as in `svm_error`.
        validation: likewise, other images.
        cs: penalties.
        gammas: kernel widths. A further gamma costs more than a further C, which uses its kernel.
        memory_gb: as in `svm_error`.

    Returns:
        Rows ``c``, ``gamma``, ``error`` (a share), the best first. Of equals that with the smaller
        C, then the smaller gamma, comes first. A best setting at an end of its range says that the
        range should be wider.

    Raises:
        TypeError: as in `svm_error`.
        ValueError: likewise, or there is no C or no gamma.
    """
    data, held_out = _examples("train", train), _examples("validation", validation)
    _same_pixels(data, held_out)
    cs, gammas = _grid("cs", cs), _grid("gammas", gammas)
    rows = []
    for gamma in gammas:
        errors = _errors(data, _fit(data, cs, gamma, memory_gb), gamma, held_out)
        rows += [(c, gamma, error) for c, error in zip(cs, errors, strict=True)]
    frame = pd.DataFrame(rows, columns=["c", "gamma", "error"])
    return frame.sort_values(["error", "c", "gamma"], ignore_index=True)


def svm_trend(
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
    chosen by `tune_svm`.

    Args:
        stream: makes the stream of examples of a seed, such as `xavier.shapeset.Shapeset`.
        sizes: numbers of training images.
        cs, gammas: as in `tune_svm`.
        seeds: of the streams of training, validation and test images, all different.
        held_out: number of validation and of test images.
        tune_up_to: sizes above it use the setting of the largest size up to it, untuned and so much
            faster; by default all are tuned.
        memory_gb: as in `svm_error`.
        report: told, after every pair of classes of a machine whose setting is chosen, the sizes of
            all machines so far, of the one at hand the part that is done.

    Returns:
        Rows ``n``, ``c``, ``gamma``, ``error`` (share of the test images), ``seconds`` (to train
        once at that setting, by the wall clock), ``support_vectors`` (training images that some
        pair's machine uses), in the order of n.

    Raises:
        TypeError: as in `svm_error`.
        ValueError: likewise, or there is no size, no size up to ``tune_up_to``, or a seed occurs
            twice.
    """
    if not isinstance(sizes, Sequence):
        raise TypeError(f"sizes must be a sequence of numbers of images, got {sizes!r}")
    if not len(sizes):
        raise ValueError(f"sizes must hold at least one number of images, got {sizes!r}")
    ns = sorted({checks.positive_int(f"sizes[{i}]", n) for i, n in enumerate(sizes)})
    checks.positive_int("held_out", held_out)
    if tune_up_to is not None and checks.positive_int("tune_up_to", tune_up_to) < ns[0]:
        raise ValueError(f"tune_up_to must be at least the smallest size {ns[0]}, got {tune_up_to}")
    if len(seeds) != 3 or len(set(seeds)) != 3:
        raise ValueError(f"seeds must be three different ones, got {seeds!r}")
    images, labels = stream(seeds[0]).batch(ns[-1])
    validation, test = (stream(seed).batch(held_out) for seed in seeds[1:])
    rows = []
    before = n = 0

    def tell(share: float) -> None:
        if report is not None:
            report(before + int(n * share))

    c = gamma = 0.0  # the first size is always tuned
    for n in ns:
        train = images[:n], labels[:n]
        if tune_up_to is None or n <= tune_up_to:
            best = tune_svm(train, validation, cs, gammas, memory_gb=memory_gb).iloc[0]
            c, gamma = float(best["c"]), float(best["gamma"])
        data = _examples("train", train)
        start = time.perf_counter()
        [votes] = _fit(data, [c], gamma, memory_gb, tell)
        seconds = time.perf_counter() - start
        error = _errors(data, [votes], gamma, _examples("test", test))[0]
        rows.append((n, c, gamma, error, seconds, votes.support))
        before += n
    columns = ["n", "c", "gamma", "error", "seconds", "support_vectors"]
    return pd.DataFrame(rows, columns=columns)


def _fit(
    train: tuple[Floats, Ints],
    cs: Sequence[float],
    gamma: float,
    memory_gb: float,
    report: Callable[[float], None] | None = None,
) -> list[_Votes]:
    """Machines for every C, at one gamma: the kernel of a pair of classes is made once.

    ``report`` is told the share of the pairs that are done.
    """
    from sklearn.svm import SVC  # slow to import

    images, labels = train
    classes = np.unique(labels)
    if len(classes) < 2:
        raise ValueError(f"train must hold at least two classes, got only {classes[0]}")
    _check_memory(labels, memory_gb)
    pairs = list(combinations(classes, 2))
    weights = np.zeros((len(cs), len(labels), len(pairs)))
    bias = np.zeros((len(cs), len(pairs)))
    for p, (first, second) in enumerate(pairs):
        rows = np.flatnonzero((labels == first) | (labels == second))
        pixels = images[rows]
        kernel = _kernel(pixels, pixels, gamma)
        for k, c in enumerate(cs):
            machine = SVC(C=c, kernel="precomputed").fit(kernel, labels[rows])
            weights[k, rows[machine.support_], p] = machine.dual_coef_[0]
            bias[k, p] = machine.intercept_[0]
        del kernel  # before the next is made: there is room for one
        if report is not None:
            report((p + 1) / len(pairs))
    return [
        _Votes(weights_c, bias_c, int(weights_c.any(1).sum()))
        for weights_c, bias_c in zip(weights, bias, strict=True)
    ]


def _errors(
    train: tuple[Floats, Ints], machines: Sequence[_Votes], gamma: float, test: tuple[Floats, Ints]
) -> list[float]:
    """Share of wrong answers of each of several machines with one gamma."""
    images, labels = test
    classes = np.unique(train[1])
    wrong = np.zeros(len(machines), dtype=np.int64)
    for start in range(0, len(labels), _ANSWERED):
        part = slice(start, start + _ANSWERED)
        kernel = _kernel(images[part], train[0], gamma)
        for k, votes in enumerate(machines):
            decisions = kernel @ votes.weights + votes.bias
            wrong[k] += (classes[_winners(decisions, len(classes))] != labels[part]).sum()
    return [int(count) / len(labels) for count in wrong]


def _winners(decisions: Floats, classes: int) -> Ints:
    """The class with most of the pairs' votes, the first of those that have equally many."""
    votes = np.zeros((len(decisions), classes), dtype=np.int64)
    for p, (first, second) in enumerate(combinations(range(classes), 2)):
        for_second = decisions[:, p] >= 0  # at 0 for the second, as in LIBSVM
        votes[:, second] += for_second
        votes[:, first] += ~for_second
    winners: Ints = votes.argmax(1)
    return winners


def _kernel(a: Floats, b: Floats, gamma: float) -> Floats:
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


def _check_memory(labels: Ints, memory_gb: float) -> None:
    largest = int(np.sort(np.unique(labels, return_counts=True)[1])[-2:].sum())
    needed = 8e-9 * largest**2
    if needed > checks.positive("memory_gb", memory_gb):
        raise ValueError(
            f"train has {largest} images in its two largest classes, whose kernel takes "
            f"{needed:.3g} GB; memory_gb allows {memory_gb:.3g}"
        )


def _images(name: str, images: Tensor) -> Floats:
    if not isinstance(images, Tensor) or not images.dtype.is_floating_point:
        got = images.dtype if isinstance(images, Tensor) else type(images).__name__
        raise TypeError(f"{name} must be a tensor of a floating dtype, got {got}")
    if images.dim() != 2 or not images.numel():
        raise ValueError(f"{name} must have shape (n, d), none 0, got {tuple(images.shape)}")
    if not images.isfinite().all():
        raise ValueError(f"{name} must hold finite numbers")
    pixels: Floats = images.detach().cpu().double().numpy()
    return pixels


def _examples(name: str, examples: tuple[Tensor, Tensor]) -> tuple[Floats, Ints]:
    images = _images(f"{name}[0]", examples[0])
    labels = examples[1]
    if not isinstance(labels, Tensor) or labels.dtype != torch.int64:
        got = labels.dtype if isinstance(labels, Tensor) else type(labels).__name__
        raise TypeError(f"{name}[1] must be int64 labels, got {got}")
    if labels.shape != (len(images),):
        raise ValueError(
            f"{name} must have one label per image, got {len(images)} images and labels of shape "
            f"{tuple(labels.shape)}"
        )
    return images, labels.cpu().numpy()


def _same_pixels(train: tuple[Floats, Ints], test: tuple[Floats, Ints]) -> None:
    if train[0].shape[1] != test[0].shape[1]:
        raise ValueError(
            f"images must have the same number of pixels for training as for testing, got "
            f"{train[0].shape[1]} and {test[0].shape[1]}"
        )


def _grid(name: str, values: Sequence[float]) -> list[float]:
    if not isinstance(values, Sequence):
        raise TypeError(f"{name} must be a sequence of numbers, got {values!r}")
    if not len(values):
        raise ValueError(f"{name} must hold at least one number, got {values!r}")
    return [checks.positive(f"{name}[{i}]", value) for i, value in enumerate(values)]
