"""A line of the table, and how times are taken."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of the table: a ratio over repetitions, what it is of, and its goal."""

    name: str
    ours: str
    theirs: str
    ratios: list[float]
    goal: str

    def __str__(self) -> str:
        low, middle, high = min(self.ratios), statistics.median(self.ratios), max(self.ratios)
        spread = f"{short(low)} to {short(high)}"
        return (
            f"{self.name:<43}{self.ours:>13}{self.theirs:>13}"
            f"{short(middle):>8}  {spread:<16}{self.goal}"
        )


def short(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def seconds(action: Callable[[], object], number: int, clock: Callable[[], float]) -> float:
    """Time of one call, averaged over ``number`` of them."""
    start = clock()
    for _ in range(number):
        action()
    return (clock() - start) / number


def paired(
    first: Callable[[], object],
    second: Callable[[], object],
    repeat: int,
    number: int = 1,
    clock: Callable[[], float] = time.process_time,
) -> list[tuple[float, float]]:
    """Times of the two in turn, either one first, after one call of each to warm up.

    By default the processor's time, all threads together, which is fair to what runs on one; what
    runs on more is measured with ``time.perf_counter``.
    """
    first(), second()
    times = []
    for k in range(repeat):
        if k % 2:
            later = seconds(second, number, clock)
            times.append((seconds(first, number, clock), later))
        else:
            times.append((seconds(first, number, clock), seconds(second, number, clock)))
    return times
