"""Is it the distribution that was asked for? Judged by statistics, not by one random stream.

A correct sampler passes whatever library, order of draws, precision or style it has: its draws are
compared with the law by tests that a correct one fails less than once in a million times. Of a
wrong one the ratio of its variance to the right one often tells what went wrong.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from xavier.grading.answers import Answers, Make, Unanswered
from xavier.grading.parts import Finding, right, wrong

Array: TypeAlias = NDArray[np.float64]

FALSE_ALARM: float = 1e-7
"""How often a correct answer fails one test; a judge makes fewer than ten."""

_Z = float(stats.norm.isf(FALSE_ALARM / 2))


@dataclass(frozen=True)
class Law:
    """A distribution with mean 0 and variance 1.

    Attributes:
        name: for messages.
        frozen: SciPy's.
    """

    name: str
    frozen: Any

    @property
    def reach(self) -> float:
        """The largest value that there can be; infinite if there is none."""
        return float(self.frozen.support()[1])


UNIFORM = Law("uniform", stats.uniform(-math.sqrt(3), 2 * math.sqrt(3)))
NORMAL = Law("normal", stats.norm())


def truncated(cut: float) -> Law:
    """The normal distribution cut off at some standard deviations, scaled to variance 1."""
    shrunk = float(stats.truncnorm(-cut, cut).std())
    return Law(
        f"normal cut off at {cut:g} standard deviations",
        stats.truncnorm(-cut, cut, scale=1 / shrunk),
    )


def numbers(answer: Any, shape: Sequence[int], what: str) -> Array:
    """An answer as finite numbers in a shape.

    Raises:
        Unanswered: it is something else.
    """
    array = np.asarray(answer)
    if array.dtype.kind not in "biuf":
        raise Unanswered(f"{what} must be numbers")
    if array.shape != tuple(shape):
        raise Unanswered(f"{what} must have the shape {tuple(shape)}, not {array.shape}")
    if not np.isfinite(array).all():
        raise Unanswered(f"{what} must be finite numbers")
    return array.astype(np.float64)


def sampler(
    answers: Answers,
    name: str,
    law: Law,
    *,
    variance: float,
    seed: int,
    faults: Mapping[str, tuple[float, str]] | None = None,
    shape: tuple[int, int] = (500, 400),
) -> Finding:
    """Judge a function ``name(shape, variance, rng)``.

    Args:
        answers: of the submission.
        name: of the function.
        law: what its draws should follow.
        variance: that is asked for.
        seed: of the generators.
        faults: by name, the ratio of variances that tells it, and what to say.
        shape: of a draw.
    """

    def draw(label: str, seed: int) -> Array:
        rng = Make("rng", f"{label} of {name}", seed)
        return numbers(answers.call(name, list(shape), variance, rng), shape, "a draw")

    first, again, same, other = (
        draw(*which) for which in (("a", seed), ("a", seed), ("b", seed), ("c", seed + 1))
    )
    if np.ptp(first) == 0:
        return wrong("constant", "All weights are the same number.")
    if np.array_equal(first, again) or np.array_equal(first, other):
        return wrong(
            "seeded inside",
            "Two draws from one generator are the same: the function makes a generator of its own.",
        )
    if not np.array_equal(first, same):
        return wrong(
            "another source",
            "The same generator gives other weights the second time: the function does not use "
            "(only) the generator that it is given.",
        )
    return judge_draws(np.concatenate([first.ravel(), other.ravel()]), law, variance, faults)


def judge_draws(
    draws: Array,
    law: Law,
    variance: float,
    faults: Mapping[str, tuple[float, str]] | None = None,
) -> Finding:
    """Judge independent draws by their mean, variance, reach and distribution.

    Args:
        draws: one-dimensional.
        law: what they should follow, times the root of the variance.
        variance: what it should be.
        faults: as in `sampler`; those of `FAULTS` are known.
    """
    known = {**FAULTS, **(faults or {})}
    n, spread = len(draws), math.sqrt(variance)
    found = float(np.var(draws))
    ratio = found / variance
    mean = float(draws.mean())
    if abs(mean) > _Z * math.sqrt(max(found, 1e-300) / n):
        return wrong(
            "mean",
            f"The mean is {mean:.3g}, and should be zero: weights have to be of both signs.",
        )
    # The standard error of a variance has the fourth moment in it.
    fourth = float(law.frozen.stats(moments="k")) + 3
    error = math.sqrt((fourth - 1) / n)
    if abs(ratio - 1) > _Z * error:
        return _by_ratio(ratio, error, draws, variance, known)
    largest = float(np.abs(draws).max())
    if largest > law.reach * spread * (1 + 1e-6):
        return wrong(
            "reach",
            f"A weight of {largest:.3g} is beyond the end of the distribution, "
            f"{law.reach * spread:.3g}.",
        )
    edge = np.abs(draws) > largest * (1 - 1e-9)
    if edge.sum() > 20:
        return wrong(
            "clipped",
            f"{edge.sum():,} weights sit at the very end: they were clipped, not drawn again.",
        )
    if stats.kstest(draws / spread, law.frozen.cdf).pvalue < FALSE_ALARM:
        return wrong(
            "distribution", f"The variance is right, and the distribution is not {law.name}."
        )
    return right(f"A {law.name} distribution of variance {variance:.4g}.")


FAULTS: dict[str, tuple[float, str]] = {
    "std as bound": (1 / 3, "this is U(-std, std): its variance is a third of what you want"),
    "bound as std": (3.0, "the bound of the uniform, sqrt(3 variance), is used as the std"),
    "twice": (4.0, "the weights are twice as large as they should be"),
    "half": (1 / 4, "the weights are half as large as they should be"),
}
"""By name: the ratio to the right variance that tells it, and what it is."""


def _by_ratio(
    ratio: float,
    error: float,
    draws: Array,
    variance: float,
    known: Mapping[str, tuple[float, str]],
) -> Finding:
    """Name a wrong variance, if it is a known one: the nearest within the error of sampling."""
    candidates = {
        **known,
        "variance as std": (variance, "the variance is used where the std belongs"),
        "variance as bound": (variance / 3, "the variance is used as the bound"),
    }
    scaled = {name: abs(math.log(ratio / expected)) for name, (expected, _) in candidates.items()}
    name = min(scaled, key=lambda k: scaled[k])
    said = f"The variance is {np.var(draws):.4g}, {ratio:.3g} times what is asked for"
    if scaled[name] < max(2 * _Z * error, 0.002):
        return wrong(name, f"{said}: {candidates[name][1]}.")
    return wrong("variance", f"{said}.")
