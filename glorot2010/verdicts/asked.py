"""Intervals at the level that judges are asked for, and what these intervals were asked.

Judges take their intervals and comparisons from here and write their rules for 95 %. Inside
`questions` the level can be another, and every comparison is kept with its answer.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import pandas as pd
from numpy.typing import ArrayLike
from scipy import special

from glorot2010 import rows
from xavier import intervals
from xavier.intervals import Interval

POWER = 0.8
"""Probability with which as many values as are planned are to decide."""


@dataclass(frozen=True)
class Question:
    """Whether an interval lies on one side of a limit, and what it answered.

    Attributes:
        interval: of what was asked.
        limit: the number it was held against; of the two margins of `equivalent` the nearer one.
        answer: yes, no, or None where the interval did not decide.
    """

    interval: Interval
    limit: float
    answer: bool | None

    def values_needed(self) -> int | None:
        """How many values, such as seeds, would decide with `POWER`, if the truth is as found.

        The interval has to be a t interval with more than one value. The true mean and standard
        deviation are taken to be those of the values at hand, which are themselves uncertain: it is
        a size to plan with.

        >>> Question(mean_interval([0.0, 1.0, 2.0, 1.5]), 0.0, None).values_needed()
        7

        Returns:
            At least 2; None if it is more than a million.
        """
        low, high = 1, 2
        while self._power(high) < POWER:
            low, high = high, 2 * high
            if low > 1_000_000:
                return None
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._power(middle) < POWER else (low, middle)
        return high

    def _power(self, n: int) -> float:
        """Probability that the interval of n values lies on its mean's side of the limit."""
        found = self.interval
        half = (found.high - found.low) / 2
        error = half / _quantile(found.n, found.level) * math.sqrt(found.n)  # of one value
        away = abs(found.mean - self.limit)
        if error == 0:
            return float(away > 0)
        shift = away / error * math.sqrt(n)
        return 1 - float(special.nctdtr(n - 1, shift, _quantile(n, found.level)))


def _quantile(n: int, level: float) -> float:
    """Half the length of the t interval of n values, in standard errors."""
    return -float(special.stdtrit(n - 1, (1 - level) / 2))


_level: ContextVar[float] = ContextVar("level", default=0.95)
_asked: ContextVar[list[Question] | None] = ContextVar("asked", default=None)


@contextmanager
def questions(level: float = 0.95) -> Iterator[list[Question]]:
    """Keep what intervals are asked inside a ``with``, where they have this level.

    So a rule that is written for 95 % can be tried with another level, without being rewritten:

    >>> with questions(level=0.99) as asked:
    ...     print(above(mean_interval([1.0, 2.0, 3.0, 2.5]), 0.5))
    None
    >>> f"{asked[0].interval:.2f} against {asked[0].limit}"
    '2.12 (-0.37 to 4.62) against 0.5'

    Yields:
        A list that fills with what `below`, `above` and `equivalent` are asked.
    """
    found: list[Question] = []
    tokens = _level.set(level), _asked.set(found)
    try:
        yield found
    finally:
        _level.reset(tokens[0])
        _asked.reset(tokens[1])


def _answer(interval: Interval, limit: float, answer: bool | None) -> bool | None:
    if (asked := _asked.get()) is not None:
        asked.append(Question(interval, limit, answer))
    return answer


def below(interval: Interval, limit: float) -> bool | None:
    """As `xavier.intervals.below`."""
    return _answer(interval, limit, intervals.below(interval, limit))


def above(interval: Interval, limit: float) -> bool | None:
    """As `xavier.intervals.above`."""
    return _answer(interval, limit, intervals.above(interval, limit))


def equivalent(interval: Interval, margin: float) -> bool | None:
    """As `xavier.intervals.equivalent`."""
    nearer = math.copysign(margin, interval.mean)
    return _answer(interval, nearer, intervals.equivalent(interval, margin))


def interval(values: ArrayLike) -> Interval:
    """As `glorot2010.rows.interval`."""
    return rows.interval(values, _level.get())


def compare(errors: pd.DataFrame, a: Any, b: Any) -> Interval:
    """As `glorot2010.rows.compare`."""
    return interval(errors[a] - errors[b])


def mean_interval(values: ArrayLike) -> Interval:
    """As `xavier.intervals.mean_interval`."""
    return intervals.mean_interval(values, _level.get())


def proportion_interval(k: int, n: int) -> Interval:
    """As `xavier.intervals.proportion_interval`."""
    return intervals.proportion_interval(k, n, _level.get())
