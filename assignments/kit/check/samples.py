"""Is it the distribution that was asked for? Judged by statistics, not by one random stream.

A correct sampler passes whatever library, order of draws, precision or style it has: its draws are
compared with the law by tests that a correct one fails less than once in a million times. Of a
wrong one the ratio of its variance to the right one often tells what went wrong.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from .answers import Answers, Make, Unanswered
from .parts import Finding, failing, right, wrong

Array: TypeAlias = NDArray[np.float64]

FALSE_ALARM: float = 1e-8
"""How often a correct answer fails one test; a judge makes fewer than a hundred."""

_Z = float(stats.norm.isf(FALSE_ALARM / 2))
_ROUNDED = 1e-3  # how far beyond the end of a distribution rounding (to float16) may bring a weight
_MANY = 100_000  # draws, from where on the fourth moment is as good as normal


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

    @cache  # noqa: B019  (there are a few laws, for ever)
    def moment(self, k: int) -> float:
        """The expectation of a power."""
        return float(self.frozen.moment(k))

    def compare(self, draws: Array) -> tuple[float, float]:
        """The distance of Kolmogorov and Smirnov, and how probable one so large or larger is."""
        n = len(draws)
        below, steps = self.frozen.cdf(np.sort(draws)), np.arange(n + 1) / n
        distance = float(max((below - steps[:-1]).max(), (steps[1:] - below).max()))
        return distance, float(stats.kstwo.sf(distance, n))


UNIFORM = Law("uniform", stats.uniform(-math.sqrt(3), 2 * math.sqrt(3)))
NORMAL = Law("normal", stats.norm())


@cache
def truncated(cut: float) -> Law:
    """The normal distribution cut off at some standard deviations, scaled to variance 1."""
    shrunk = float(stats.truncnorm(-cut, cut).std())
    return Law(
        f"normal cut off at {cut:g} standard deviations",
        stats.truncnorm(-cut, cut, scale=1 / shrunk),
    )


def variance(rule: str, gain: float, fans: tuple[float, float]) -> float:
    """The variance of a weight by one of the three rules that the problem sets ask for."""
    n_in, n_out = fans
    per = {"fan-in": n_in, "fan-out": n_out, "harmonic": (n_in + n_out) / 2}[rule]
    return gain * gain / per


class Ratio(NamedTuple):
    """A mistake that shows in the variance of draws.

    Args:
        name: of the fault.
        gives: the variance over the right one, or several such.
        says: what to tell the student.
        law: that the draws follow then, if it is known.
    """

    name: str
    gives: float | tuple[float, ...]
    says: str
    law: Law | None = None


def numbers(answer: Any, shape: Sequence[int | None], what: str) -> Array:
    """An answer as finite numbers in a shape, in which None stands for any size.

    Raises:
        Unanswered: it is something else.
    """
    try:
        array = np.asarray(answer)
    except ValueError:  # lists of different lengths
        raise Unanswered(f"{what} must be numbers in the shape {tuple(shape)}") from None
    if array.dtype.kind not in "biuf":
        raise Unanswered(f"{what} must be numbers")
    if isinstance(answer, list) and len(shape) == 1 and array.shape == (len(answer), 1):
        array = array[:, 0]  # of single numbers, each in an array of its own
    fits = array.ndim == len(shape) and all(
        n is None or n == k for n, k in zip(shape, array.shape, strict=True)
    )
    if not fits:
        wanted = "".join("any, " if n is None else f"{n}, " for n in shape).rstrip()
        raise Unanswered(f"{what} must have the shape ({wanted}), not {array.shape}")
    if not np.isfinite(array).all():
        raise Unanswered(f"{what} must be finite numbers")
    return array.astype(np.float64)


def number(given: Any) -> float:
    """An answer as a number; not a number if it is something else."""
    if isinstance(given, np.ndarray) and given.size == 1:
        given = given.item()
    try:
        return float(given)
    except (OverflowError, TypeError, ValueError):
        return math.nan


_times = itertools.count(1)


def fresh(label: str) -> str:
    """A label that no judge has used before, for `xavier_grading.check.answers.Make`."""
    return f"{label}, {next(_times)}"


def sampler(
    answers: Answers,
    name: str,
    law: Law,
    *,
    variance: float,
    seed: int,
    known: Sequence[Ratio] = (),
    shape: tuple[int, int] = (400, 300),
) -> Iterator[Finding]:
    """Judge a function ``name(shape, variance, rng)``.

    Args:
        answers: of the submission.
        name: of the function.
        law: what its draws should follow.
        variance: that is asked for.
        seed: of the generators.
        known: mistakes, besides those that `judge_draws` knows.
        shape: of a draw.
    """
    one, two, three = (Make("rng", fresh(name), chosen) for chosen in (seed, seed, seed + 1))
    first, again, same, other = (
        numbers(answers.call(name, shape, variance, rng), shape, "a draw")
        for rng in (one, one, two, three)
    )
    if np.ptp(first) == 0:
        yield wrong("constant", "All weights are the same number.")
        return
    repeated = any(len(np.unique(w, axis=0)) < len(w) for w in (first, first.T))
    yield from failing(
        (np.array_equal(first, again) or np.array_equal(first, other), "seeded inside",
         "Two draws from one generator are the same: the function makes a generator of its own.",
         0.0),
        (not np.array_equal(first, same), "another source",
         "The same generator gives other weights the second time: the function does not use "
         "(only) the generator that it is given.", 0.0),
        (repeated, "repeated", "Rows or columns of a draw are copies of one another.", 0.0),
    )  # fmt: skip
    if repeated:
        return
    draws = np.concatenate([first.ravel(), other.ravel()])
    found = judge_draws(draws, law, variance, known)
    exact = all(_exact(draw, law, variance) for draw in (first, other))
    if exact and found.fault in ("", "reach"):
        yield wrong(
            "exact",
            "Mean or variance of every draw are exact to the last digits: entries that are "
            "independent of one another are not, something has been made up for afterwards.",
        )
    yield found


def _exact(draw: Array, law: Law, variance: float) -> bool:
    """Whether mean or variance are nearer to the right ones than chance brings them."""
    n = draw.size
    mean = abs(draw.mean()) / math.sqrt(variance / n)
    spread = abs(np.square(draw).mean() / variance - 1) / _error(law, n)
    return bool(min(mean, spread) < 5e-5)


def _error(law: Law, n: int) -> float:
    """The standard error of a mean square over its expectation: the fourth moment is in it."""
    return math.sqrt((law.moment(4) - 1) / n)


@np.errstate(all="ignore")
def judge_draws(draws: Array, law: Law, variance: float, known: Sequence[Ratio] = ()) -> Finding:
    """Judge independent draws by their mean, variance, reach and distribution.

    Args:
        draws: one-dimensional.
        law: what they should follow, times the root of the variance.
        variance: what it should be.
        known: mistakes that are tried before those that all samplers share.
    """
    n, spread = len(draws), math.sqrt(variance)
    different = len(np.unique(draws))
    if different == 1:
        return wrong("constant", "All weights are the same number.")
    if different < min(100, n / 4):
        return wrong("few values", f"There are only {different} different weights.")
    mean, found = float(draws.mean()), float(np.square(draws).mean())
    if not (0 < found < math.inf and math.isfinite(mean)):
        return wrong("variance", f"Weights such as {draws[0]:.3g} are out of all proportion.")
    if abs(mean) > _Z * math.sqrt(max(found - mean * mean, variance) / n):
        return wrong(
            "mean",
            f"The mean is {mean:.3g}, and should be zero: weights have to be of both signs.",
        )
    size = np.abs(draws)
    largest = float(size.max())
    edge = int((size > largest * (1 - 1e-9)).sum())
    near = int((size > largest * 0.98).sum()) - edge
    if edge > max(20, 3 * near):  # many are the same number on a coarse grid, too, everywhere
        return wrong(
            "clipped", f"{edge:,} weights sit at the very end: they were clipped, not drawn again."
        )
    ratio = found / variance
    if abs(ratio - 1) > _Z * _error(law, n):
        return _by_ratio(ratio, draws, variance, known)
    reach = law.reach * spread
    last = float(law.frozen.isf(min(-math.log(FALSE_ALARM) / n, 1) / 2)) * spread
    if largest > reach * (1 + _ROUNDED):
        return _by_shape(draws, law) or wrong(
            "reach",
            f"A weight of {largest:.3g} is beyond the end of the distribution, {reach:.3g}.",
        )
    if math.isfinite(reach) and largest < last * (1 - _ROUNDED):
        return _by_shape(draws, law) or wrong(
            "reach",
            f"The largest weight is {largest:.3g}, and the distribution goes on to {reach:.3g}.",
        )
    distance, chance = law.compare(draws / spread)
    if chance < FALSE_ALARM or not _has_fourth_moment(draws, law):
        return _by_shape(draws, law) or wrong(
            "distribution", f"The variance is right, and the distribution is not {law.name}."
        )
    if stats.kstwo.cdf(distance, n) < FALSE_ALARM:
        return wrong(
            "too even",
            "These weights are spread more evenly than independent draws are.",
        )
    return right(f"The distribution is {law.name}, with a variance of {variance:.4g}.")


def judge_layers(
    layers: Sequence[Array],
    variances: Sequence[float],
    law: Law,
    known: Callable[[int], Sequence[Ratio]],
    say: str = "Layer {}: {}",
) -> list[Finding]:
    """Judge the draws of layers, each by its own variance; a finding for each kind of fault.

    Args:
        layers: their draws.
        variances: that they should have.
        law: what they should follow.
        known: mistakes in a layer, by its number from 0.
        say: the sentence around the number from 1 and what is found.
    """
    found: dict[str, tuple[list[int], Finding]] = {}
    for i, (w, variance) in enumerate(zip(layers, variances, strict=True)):
        finding = judge_draws(w.ravel(), law, variance, known(i))
        if finding.fault:
            found.setdefault(finding.fault, ([], finding))[0].append(i + 1)
    said = []
    for fault, ((first, *more), finding) in found.items():
        also = f" The same in {', '.join(map(str, more))}." if more else ""
        said.append(wrong(fault, say.format(first, finding.message) + also))
    return said


def _has_fourth_moment(draws: Array, law: Law) -> bool:
    """Whether the fourth moment over the squared second is the law's, as far as many draws tell."""
    n = len(draws)
    if n < _MANY:
        return True
    # Of moments about zero, with variance 1; the error is that of a ratio (delta method).
    m4, m6, m8 = (law.moment(k) for k in (4, 6, 8))
    error = math.sqrt((m8 - m4**2 - 4 * m4 * (m6 - m4) + 4 * m4**2 * (m4 - 1)) / n)
    squares = np.square(draws)
    found = float(np.square(squares).mean() / squares.mean() ** 2)
    return abs(found - m4) < _Z * error


def _fits(draws: Array, law: Law) -> bool:
    """Whether draws could follow a law, whatever their variance."""
    scaled = draws / math.sqrt(float(np.square(draws).mean()))
    return law.compare(scaled)[1] > 1e-4


def _by_shape(draws: Array, law: Law) -> Finding | None:
    """Name another distribution of the right variance; None if it is none of those known."""
    if len(draws) < 2000:
        return None
    for other in (UNIFORM, NORMAL):
        if other.name != law.name and _fits(draws, other):
            return wrong(other.name, f"The distribution is {other.name}, and should be {law.name}.")
    return None


def _by_ratio(ratio: float, draws: Array, variance: float, known: Sequence[Ratio]) -> Finding:
    """Name a wrong variance, if it is a known one: the nearest within the error of sampling."""
    candidates = (
        *known,
        Ratio("std as bound", 1 / 3,
              "this is U(-std, std): its variance is a third of what you want", UNIFORM),
        Ratio("bound as std", 3.0,
              "the bound of the uniform, sqrt(3 variance), is used as the std", NORMAL),
        Ratio("twice", 4.0, "the weights are twice as large as they should be"),
        Ratio("half", 1 / 4, "the weights are half as large as they should be"),
        Ratio("variance as std", variance, "the variance is used where the std belongs"),
        Ratio("variance as bound", variance / 3, "the variance is used as the bound", UNIFORM),
    )  # fmt: skip
    # Of what was drawn the kurtosis is not that of the law, perhaps.
    squares = np.square(draws / math.sqrt(float(np.square(draws).mean())))
    error = 4 * math.sqrt(float(squares.var()) / len(draws))
    said = f"The variance is {np.square(draws).mean():.4g}, {ratio:.3g} times what is asked for"

    def distance(mistake: Ratio) -> float:
        several = mistake.gives if isinstance(mistake.gives, tuple) else (mistake.gives,)
        # What is next to right cannot be told from it.
        told = [r for r in several if abs(math.log(r)) > 0.02]
        return min((abs(math.log(ratio / r)) for r in told), default=math.inf)

    for mistake in sorted(candidates, key=distance):
        if distance(mistake) > max(error, 0.002):
            break
        if mistake.law is None or _fits(draws, mistake.law):
            return wrong(mistake.name, f"{said}: {mistake.says}.")
    return wrong("variance", f"{said}.")
