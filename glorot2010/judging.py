"""What judges have in common: the evidence, what a judgement is, and how facts become a verdict.

A judge takes the `Evidence` and gives a `Judgement`. Those of `glorot2010.judges` compute what they
need now, those of `glorot2010.trials` read records of training runs; what each asks and by which
rule it decides is written in `glorot2010.claims`. A fact is True, False, or None where an interval
or a distance from a formula does not decide. Claims with several parts hold in part where the parts
differ, and the note says which.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glorot2010 import experiments, records
from glorot2010.catalogue import Scale, resolve
from xavier import checks
from xavier.intervals import Interval, equivalent, mean_interval

Verdict: TypeAlias = Literal["holds", "holds in part", "fails", "undecided", "not run"]
"""What can be said of a claim."""

Fact: TypeAlias = bool | None
"""Whether something is so; None where the computation does not decide."""

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Judgement:
    """What a judge found.

    Attributes:
        verdict: what can be said of the claim.
        ours: the number that decided, or a short text with several; None if there is none.
        interval: its 95 % interval, None where it is exact or is not a mean.
        paper: the number that the paper or the note gives for it, None if it gives none.
        note: the scope, and which parts hold where not all do.
    """

    verdict: Verdict
    ours: float | str | None
    interval: tuple[float, float] | None
    paper: float | str | None
    note: str


class Evidence:
    """The records that a verdict rests on, and which of them were read.

    Args:
        folder: as in `glorot2010.records.results_folder`.
    """

    def __init__(self, folder: str | Path | None = None) -> None:
        self._folder = folder
        self._loaded: dict[tuple[str, str], pd.DataFrame] = {}
        self._read: list[str] = []
        self._left_out: frozenset[int] = frozenset()

    def rows(self, experiment: str, scale: Scale = "book") -> pd.DataFrame:
        """The rows of a record, a copy, with texts as categories.

        Raises:
            RecordMissing: there is no such record, or no folder where it could be.
            RecordError: it is refused: damaged, or made with another configuration than the
                experiment has now.
            ValueError: there is no such experiment or scale.
        """
        key = resolve(experiment), scale
        if key not in self._loaded:
            try:
                self._loaded[key] = _categorical(experiments.load(*key, folder=self._folder).rows)
            except records.RecordMissing:
                raise records.RecordMissing(
                    f"no record; to make it: xavier run {key[0]} --scale {scale}"
                ) from None
            except FileNotFoundError as error:
                raise records.RecordMissing(str(error)) from None
        name = ".".join(key)
        if name not in self._read:
            self._read.append(name)
        return _less(self._loaded[key], self._left_out)

    def rows_if_any(self, experiment: str) -> pd.DataFrame | None:
        """As `rows` at the book's scale, and None where there is no record yet.

        Raises:
            RecordError: there is one, and it is refused.
            ValueError: there is no such experiment.
        """
        try:
            return self.rows(experiment)
        except records.RecordMissing:
            return None

    @property
    def records(self) -> tuple[str, ...]:
        """Names of the records that were read, such as "table1.book"."""
        return tuple(self._read)

    def fresh(self) -> Evidence:
        """The same records, of which none counts as read yet."""
        other = Evidence(self._folder)
        other._loaded, other._left_out = self._loaded, self._left_out
        return other

    def without(self, seed: int) -> Evidence:
        """The same records less the runs of one seed, of which none counts as read yet.

        It is for whoever asks whether a verdict hangs on a single seed. Runs in which learning
        rates were chosen stay, and so does what a record has of its only seed.

        Raises:
            TypeError: ``seed`` is no integer.
            ValueError: it is negative or too large.
        """
        other = self.fresh()
        other._left_out = self._left_out | {checks.seed("seed", seed)}
        return other


def _categorical(rows: pd.DataFrame) -> pd.DataFrame:
    """The same rows with texts as categories, which are compared much faster."""
    return rows.astype(dict.fromkeys(rows.select_dtypes("str"), "category"))


def _less(rows: pd.DataFrame, seeds: frozenset[int]) -> pd.DataFrame:
    """A copy of a record's rows without those of the runs of some seeds, unless none are left."""
    if not seeds:
        return rows.copy()
    counts = rows["stage"] == "main"
    out = counts & rows["seed"].isin(list(seeds))
    return rows.copy() if out.equals(counts) else rows[~out].reset_index(drop=True)


# --------------------------------------------------------------------------------------------------
# From facts to verdicts
# --------------------------------------------------------------------------------------------------


def of_fact(fact: Fact) -> Verdict:
    """The verdict on a claim of one piece."""
    return "undecided" if fact is None else "holds" if fact else "fails"


def of_parts(parts: Mapping[str, Fact]) -> Verdict:
    """The verdict on a claim of several parts, each of which may hold by itself.

    A part that is undecided leaves the whole undecided, unless others already differ.

    Raises:
        ValueError: there are no parts.
    """
    if not parts:
        raise ValueError("parts must hold at least one part, got none")
    facts = set(parts.values())
    if facts >= {True, False}:
        return "holds in part"
    return "undecided" if None in facts else of_fact(facts == {True})


def all_of(facts: Iterable[Fact]) -> Fact:
    """True if all facts are, False if one is not, None if that depends on the undecided ones."""
    found = set(facts)
    return False if False in found else None if None in found else True


# --------------------------------------------------------------------------------------------------
# What notes say
# --------------------------------------------------------------------------------------------------


def scope(parts: Mapping[str, Fact], more: str = "") -> str:
    """Which parts hold, which fail and which are open, and what the number is."""
    words = {True: "yes", False: "no", None: "open"}
    lists = [
        f"{word}: {'; '.join(name for name, fact in parts.items() if fact is which)}"
        for which, word in words.items()
        if which in parts.values()
    ]
    return ". ".join([*lists, *([more] if more else [])])


def to_digits(*numbers: float, digits: int = 3) -> str:
    """Numbers with so many digits each, such as "0.5 to 0.577"."""
    return " to ".join(f"{number:.{digits}g}" for number in numbers)


# --------------------------------------------------------------------------------------------------
# Ratios
# --------------------------------------------------------------------------------------------------


def ratio_interval(ratios: Sequence[float] | Array) -> Interval:
    """The t interval over seeds of the logarithms of ratios."""
    return mean_interval(np.log(np.asarray(ratios, dtype=float)))


def ends_as_ratios(interval: Interval) -> tuple[float, float]:
    """Ends of an interval of logarithms as ratios."""
    return math.exp(interval.low), math.exp(interval.high)


def within_factor(interval: Interval, factor: float) -> Fact:
    """Whether a ratio, given by its logarithm, is within a factor of one; None if that is open."""
    return equivalent(interval, math.log(factor))


Judge: TypeAlias = Callable[[Evidence], Judgement]
"""What decides a claim."""
