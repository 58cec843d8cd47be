"""Evidence: a list of independent estimates of one number, drawn by the student's own function."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
from scipy import stats

from .answers import Answers, Make, Unanswered
from .parts import Finding, Mistake, Variant, failing, first_match, wrong

Numbers: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

FEWEST = 40
"""Estimates that a piece of evidence has."""
FALSE_ALARM = 1e-7
"""Chance that estimates of the right number are said to be of another."""

_CLOSEST = 0.02  # standard error over the value
_HOPELESS = 0.05  # the same, where the evidence is for nothing
_APART = 0.05  # relative distance from which on evidence has to tell a mistake from the truth
_LIKELY = 4.0  # standard errors by which a mistake may miss its own number
_NEAR = 2.5  # standard errors within which no mistake is nearer than another
_BIAS = 0.01  # of estimates such as np.var
_FEW_DRAWS = 0.85  # of the value that such estimates have, if their draws are too few
_SERIAL = 5.2  # standard errors by which one estimate may follow the one before it
_LARGEST = 1e100


def of(
    name: str, expected: Callable[[Variant], tuple[float, Sequence[Mistake]]]
) -> Callable[[Answers, Variant], Iterator[Finding]]:
    """A judge of ``sample(name, rng)``, a list of independent estimates of one number.

    Args:
        name: what is estimated, as the function is told.
        expected: the number, and what mistakes in a simulation make of it.
    """

    def judge(answers: Answers, variant: Variant) -> Iterator[Finding]:
        seed = int(variant.rng(name).integers(2**31))
        estimates = _estimates(answers, name, seed)
        if found := _not_drawn(estimates):
            yield from found
            return
        yield _weigh(estimates, *expected(variant))
        others = _estimates(answers, name, seed + 1)
        if np.intersect1d(estimates, others).size > len(estimates) / 4:
            yield wrong("stored", "Another generator gives the same estimates: draw from rng.")

    return judge


def _estimates(answers: Answers, name: str, seed: int) -> Numbers:
    given = answers.call("sample", name, Make("rng", seed=seed))
    must = Unanswered(f"sample({name!r}, rng) must return a list of finite numbers")
    try:
        estimates = np.asarray(given, dtype=np.float64)
    except (OverflowError, TypeError, ValueError):
        raise must from None
    if estimates.ndim == 2 and 1 in estimates.shape:
        estimates = estimates.ravel()  # a row or a column
    if estimates.ndim != 1 or not np.all(np.abs(estimates) < _LARGEST):
        raise must
    return estimates


def _not_drawn(estimates: Numbers) -> list[Finding]:
    """What shows that numbers are not as many independent estimates as are wanted."""
    n, some = len(estimates), estimates[estimates != 0.0]
    different = len(np.unique(some))
    copies = different < min(FEWEST, n) or len(some) - different > n / 4
    even = n > 0 and float(estimates.std()) <= 1e-9 * abs(float(estimates.mean()))
    return failing(
        (n < FEWEST, "few", f"{n} estimates; at least {FEWEST} are wanted.", 0.0),
        (n > 1 and copies, "copies",
         "Many of the estimates are the same: draw anew for each, and do not round.", 0.0),
        (n > 1 and even and not copies, "too good",
         "The estimates are nearer to one another than draws come.", 0.0),
        (n >= FEWEST and not copies and not even and _follow(estimates), "running",
         "Each estimate is close to the one before it: draw everything anew for each.", 0.2),
    )  # fmt: skip


def _follow(estimates: Numbers) -> bool:
    """Whether each estimate is close to the one before it, as in a running mean."""
    steps = np.diff(estimates)
    if min(np.count_nonzero(steps < 0), np.count_nonzero(steps > 0)) <= 1:
        return False  # they were put in order
    ranks = estimates.argsort().argsort().astype(np.float64)
    # Von Neumann's ratio, 2 where the order is of chance, with a deviation of 2/sqrt(n).
    ratio = float((np.diff(ranks) ** 2).sum() / ((ranks - ranks.mean()) ** 2).sum())
    return ratio < 2 - _SERIAL * 2 / math.sqrt(len(ranks))


def _weigh(estimates: Numbers, value: float, mistakes: Sequence[Mistake]) -> Finding:
    """Whether estimates are of a number, and if not, of which."""
    mean = float(estimates.mean())
    error = float(estimates.std(ddof=1)) / math.sqrt(len(estimates))
    limit = float(stats.t.isf(FALSE_ALARM / 2, len(estimates) - 1))
    said = f"{mean:.4g}, give or take {error:.2g}"
    if abs(mean) < limit * error and np.any(estimates < 0):
        draws = "these are the draws themselves, and an estimate is made of many"
        return wrong("draws", f"{said}, is 0: {draws}.")
    far = abs(mean - value) > limit * error
    # The nearest first; of those that are near, the one that is named first.
    nearest = sorted(mistakes, key=lambda m: max(abs(mean - m.gives), _NEAR * error))
    if far:
        named = first_match(nearest, lambda n: abs(mean - n) < limit * error, said + ": {}.")
        if not named and abs(mean - value) > _BIAS * value:
            named = first_match(nearest, lambda n: abs(mean - n) < _BIAS * abs(n), said + ": {}.")
        if named:
            return named
    off = far and abs(mean - value) > _BIAS * value
    likely = [m.gives for m in nearest if abs(m.gives - value) > _APART * value]
    likely = [other for other in likely if abs(mean - other) < _LIKELY * error]
    return failing(
        (off and _FEW_DRAWS * value < mean < value, "low",
         f"{said}, is {1 - mean / value:.1%} below what your variant gives. A "
         "variance of few draws is too small unless it is taken with ddof=1.", 0.0),
        (off, "another number", f"{said}, is {(mean - value) / error:+.0f} standard errors from "
         "what your variant gives.", 0.0),
        (error > _CLOSEST * value, "coarse",
         f"{mean:.4g} with a standard error of {error:.2g}: below {_CLOSEST:.0%} of the value is "
         "wanted. Draw more for each estimate.", 0.4 if error < _HOPELESS * value else 0.0),
        (likely, "coarse", f"{said}, may as well be {[*likely, 0][0]:.4g}, which is what a mistake "
         "would give. Draw more for each estimate.", 0.4),
        (True, "", f"{said}: so it is.", 1.0),
    )[0]  # fmt: skip
