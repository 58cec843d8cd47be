"""A line of the table, and how times are taken."""

from __future__ import annotations

import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """One line of the table: a ratio over repetitions, what it is of, and its goal."""

    name: str
    ours: str
    theirs: str
    ratios: list[float]
    goal: str

    @classmethod
    def of(
        cls,
        name: str,
        pairs: Sequence[tuple[float, float]],
        unit: str,
        goal: str = "",
        *,
        per: float = 1,
        gain: bool = False,
    ) -> Row:
        """A row of pairs of ours and the other's.

        Args:
            name, goal: as they are printed.
            pairs: seconds; bytes, where the unit is MB.
            unit: one of `UNITS`.
            per: how many things each number is of, of which one is shown.
            gain: how many times as good ours is, in place of how many times as dear.
        """
        shown = (
            UNITS[unit](statistics.median(side) / per) + unit for side in zip(*pairs, strict=True)
        )
        return cls(name, *shown, [b / a if gain else a / b for a, b in pairs], goal)

    def __str__(self) -> str:
        low, middle, high = min(self.ratios), statistics.median(self.ratios), max(self.ratios)
        spread = f"{short(low)} to {short(high)}"
        return (
            f"{self.name:<43}{self.ours:>13}{self.theirs:>13}"
            f"{short(middle):>8}  {spread:<16}{self.goal}"
        )


UNITS: dict[str, Callable[[float], str]] = {
    " us": lambda value: f"{1e6 * value:,.0f}",
    " ms": lambda value: f"{1e3 * value:,.0f}",
    " MB": lambda value: f"{value / 1e6:.1f}",
    "/s": lambda value: f"{1 / value:,.0f}",
}


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


def peak_memory() -> int:
    """The most bytes that this process has held; called in a process of its own."""
    status = Path("/proc/self/status")
    if status.exists():  # Linux, where ru_maxrss begins with the peak of the parent
        (line,) = (x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return 1024 * int(line.split()[1])
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used if sys.platform == "darwin" else 1024 * used
