"""Intervals: how far a mean over seeds, or an error rate on a test set, is known.

All intervals of the book come from here. Over seeds they are Student's t intervals, since a
handful of runs is too few for anything that asks for many; two arms that share their seeds are
compared by the differences within each seed. An interval answers whether something is below a
limit, or as good as equal, with yes, no, or not yet: `below`, `above` and `equivalent` return
None where the interval does not decide.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from xavier import checks


@dataclass(frozen=True)
class Interval:
    """A mean and the ends between which it is known.

    It prints itself, and with digits like a number:

    >>> f"{Interval(3.21, 2.08, 4.34, n=5, level=0.95):.1f}"
    '3.2 (2.1 to 4.3)'

    Attributes:
        mean: the estimate.
        low: lower end.
        high: upper end.
        n: number of values behind it, such as seeds.
        level: share of such intervals that hold the true mean.
    """

    mean: float
    low: float
    high: float
    n: int
    level: float

    @property
    def ends(self) -> tuple[float, float]:
        """Lower and upper end."""
        return self.low, self.high

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    def __format__(self, digits: str) -> str:
        return f"{self.mean:{digits}} ({self.low:{digits}} to {self.high:{digits}})"


def _quantile(n: int, level: float) -> float:
    """Half the length of the t interval of n values, in standard errors."""
    return -float(special.stdtrit(n - 1, (1 - level) / 2))


def mean_interval(values: ArrayLike, level: float = 0.95) -> Interval:
    """The t interval of a mean over independent values, such as seeds.

    >>> f"{mean_interval([1.0, 2.0, 3.0]):.2f}"
    '2.00 (-0.48 to 4.48)'

    Args:
        values: any shape, at least two finite numbers.
        level: share of such intervals that hold the true mean, between 0 and 1.

    Raises:
        TypeError: the level is no number.
        ValueError: there are fewer than two values, one is infinite or not a number, or the level
            is out of range.
    """
    level = checks.share("level", level)
    numbers: NDArray[np.float64] = np.ravel(np.asarray(values, dtype=float))
    if numbers.size < 2:
        raise ValueError(f"values must be at least two for an interval, got {numbers.size}")
    if not np.isfinite(numbers).all():
        bad = numbers[~np.isfinite(numbers)][0]
        raise ValueError(f"values must be finite, got {bad}")
    mean = float(numbers.mean())
    error = float(numbers.std(ddof=1)) / math.sqrt(numbers.size)
    half = _quantile(numbers.size, level) * error
    return Interval(mean, mean - half, mean + half, int(numbers.size), level)


def proportion_interval(k: int, n: int, level: float = 0.95) -> Interval:
    """The interval of a share that was counted, by Clopper and Pearson.

    It never holds the true share less often than ``level`` says, also where the count is 0 or all;
    for the error on a large test set it is hardly longer than any other.

    Args:
        k: how many of them, from 0 to n.
        n: how many independent cases there were, at least 1.
        level: as in `mean_interval`.

    Raises:
        TypeError: a count is not an integer, or the level no number.
        ValueError: it is out of range.
    """
    level = checks.share("level", level)
    if checks.count("k", k) > checks.positive_int("n", n):
        raise ValueError(f"k must be at most n = {n}, got {k}")
    from scipy import stats  # takes a second to import, and nothing else here needs it

    found = stats.binomtest(int(k), int(n)).proportion_ci(level, method="exact")
    return Interval(k / n, float(found.low), float(found.high), int(n), level)


def equivalent(interval: Interval, margin: float) -> bool | None:
    """Whether a difference is as good as none, by a margin that was fixed before.

    Args:
        interval: of the difference.
        margin: the smallest difference that would matter, above 0.

    Returns:
        True if the interval lies between -margin and margin, False if all of it lies beyond one of
        them, and None otherwise: then the data do not tell.
    """
    inside = -margin < interval.low and interval.high < margin
    outside = interval.low >= margin or interval.high <= -margin
    return True if inside else False if outside else None


def below(interval: Interval, limit: float) -> bool | None:
    """Whether all of an interval is below a limit; False if all is above, None if neither."""
    return True if interval.high < limit else False if interval.low > limit else None


def above(interval: Interval, limit: float) -> bool | None:
    """Whether all of an interval is above a limit; False if all is below, None if neither."""
    return True if interval.low > limit else False if interval.high < limit else None
