"""What a claim is, the evidence that it is judged by, and how facts become a verdict.

A judge takes the `Evidence` and gives a `Judgement`; its docstring says what is claimed, which
number decides, and by which rule: written down before the records that it judges. No claim holds a
verdict. A fact is True, False, or None where an interval or a distance from a formula does not
decide. Claims with several parts hold in part where the parts differ, and the note says which.

Errors are in percent. Comparisons are paired: the two arms share seeds, streams and thereby
images, the learning rate of each was chosen on other seeds where it is not given, and intervals
are 95 % t intervals over seeds. A rule that an interval straddles gives "undecided". "Never" means
not within the horizon.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from glorot2010 import experiments, records
from glorot2010.verdicts.asked import equivalent, mean_interval
from xavier.intervals import Interval

Verdict: TypeAlias = Literal["holds", "holds in part", "fails", "undecided", "not run"]
"""What can be said of a claim."""

Fact: TypeAlias = bool | None
"""Whether something is so; None where the computation does not decide."""

Array: TypeAlias = NDArray[np.float64]

# Sizes and horizons that many claims share.
BOOK = "book: hidden layers of 200 units, 5 fresh seeds"
WIDE = "book: five hidden layers of 300 units, 5 fresh seeds"
PAIR = "book: hidden layers of 200 units, 3 fresh seeds at each of two learning rates"
SHORT = "100,000 updates"
LONG = "500,000 updates"
LONGEST = "2,500,000 updates"
BIRTH = "before the first update"


@dataclass(frozen=True)
class Judgement:
    """What a judge found; made by `in_parts` or `as_a_whole`.

    Attributes:
        verdict: what can be said of the claim.
        ours: the number that decided, or a short text with several; None if there is none.
        interval: its 95 % interval, None where it is exact or is not a mean.
        paper: the number that the paper or the note gives for it, None if it gives none.
        note: the scope, and which parts hold where not all do.
        numbers: the means by which parts were decided, by the names of these.
    """

    verdict: Verdict
    ours: float | str | None
    interval: tuple[float, float] | None
    paper: float | str | None
    note: str
    numbers: Mapping[str, Interval] = field(default_factory=dict)


class Evidence:
    """The records that a verdict rests on.

    Args:
        folder: as in `glorot2010.records.results_folder`.
    """

    def __init__(self, folder: str | Path | None = None) -> None:
        self._folder = folder
        self._loaded: dict[str, pd.DataFrame] = {}
        self._left_out: tuple[int, ...] = ()

    def rows(self, experiment: str) -> pd.DataFrame:
        """The rows of a record at the book's scale, with texts as categories; not to be changed.

        Raises:
            RecordMissing: there is no such record, or no folder where it could be.
            RecordError: it is refused: damaged, or made with another configuration than the
                experiment has now.
        """
        if experiment not in self._loaded:
            try:
                rows = experiments.load(experiment, folder=self._folder).rows
            except records.RecordMissing:
                raise records.RecordMissing(
                    f"no record; to make it: xavier run {experiment} --scale book"
                ) from None
            except FileNotFoundError as error:
                raise records.RecordMissing(str(error)) from None
            self._loaded[experiment] = _categorical(rows)
        rows = self._loaded[experiment]
        counts = rows["stage"] == "main"
        out = counts & rows["seed"].isin(self._left_out)
        return rows if out.equals(counts) or not out.any() else rows[~out]

    def rows_if_any(self, experiment: str) -> pd.DataFrame | None:
        """As `rows`, and None where there is no record yet."""
        try:
            return self.rows(experiment)
        except records.RecordMissing:
            return None

    def without(self, seed: int) -> Evidence:
        """The same records less the runs of one seed.

        It is for whoever asks whether a verdict hangs on a single seed. Runs in which learning
        rates were chosen stay, and so does what a record has of its only seed.
        """
        other = Evidence(self._folder)
        other._loaded, other._left_out = self._loaded, (*self._left_out, seed)
        return other


def _categorical(rows: pd.DataFrame) -> pd.DataFrame:
    """The same rows with texts as categories, which are compared much faster."""
    return rows.astype(dict.fromkeys(rows.select_dtypes("str"), "category"))


Judge: TypeAlias = Callable[[Evidence], Judgement]
"""What decides a claim."""


@dataclass(frozen=True)
class Claim:
    """One claim, and how it is decided.

    Attributes:
        id: S, P, C or D and a number.
        where: who says it, and where.
        text: the claim in our words.
        statistic: the number that decides.
        rule: which values of it mean what.
        scale: size of the networks and number of seeds.
        horizon: after how many updates.
        judge: what decides.
        chapter: the chapter of this book that treats it, None if none does yet.
        needs: experiments whose records it rests on; empty if it is computed now.
        later: experiments whose records count, too, from when there are any.
        changed: which part of the rule is another than at first, and why; empty if none.
        stand_in: on what it is judged in place of data that cannot be had; empty if on its own.
    """

    id: str
    where: str
    text: str
    statistic: str
    rule: str
    scale: str
    horizon: str
    judge: Judge
    chapter: int | None = None
    needs: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    changed: str = ""
    stand_in: str = ""


CLAIMS: dict[str, Claim] = {}
"""The claims by id, first those of the notes, then the paper's, this book's, and later papers'.

:meta hide-value:
"""


_HEADING = re.compile(r"^(Statistic|Rule|Scale|Stand-in|Changed): ", re.MULTILINE)


def claim(
    id: str,
    where: str,
    horizon: str,
    *,
    chapter: int | None = None,
    needs: tuple[str, ...] = (),
    later: tuple[str, ...] = (),
) -> Callable[[Judge], Judge]:
    """Enter the judge below, whose docstring is the claim, into `CLAIMS`.

    The docstring's first paragraph is what is claimed, and its second how it is decided, under
    headings. Names in braces stand for constants of the judge's module. What comes after these two
    says how the rule's words are read where they leave something open.

    Args:
        id, where, horizon, chapter, needs, later: as in `Claim`.
    """

    def enter(judge: Judge) -> Judge:
        text, decided, *_ = inspect.cleandoc(judge.__doc__ or "").split("\n\n")
        _, *parts = _HEADING.split(decided)
        said = {"text": text, **dict(zip(parts[::2], parts[1::2], strict=True))}
        filled = {
            heading.lower().replace("-", "_"): " ".join(words.split()).format(**judge.__globals__)
            for heading, words in said.items()
        }
        CLAIMS[id] = Claim(
            id, where, horizon=horizon, judge=judge,
            chapter=chapter, needs=needs, later=later, **filled,
        )  # fmt: skip
        return judge

    return enter


# --------------------------------------------------------------------------------------------------
# From facts to judgements
# --------------------------------------------------------------------------------------------------


def of_fact(fact: Fact) -> Verdict:
    """The verdict on a claim of one piece."""
    return "undecided" if fact is None else "holds" if fact else "fails"


def of_parts(parts: Mapping[str, Fact]) -> Verdict:
    """The verdict on a claim of several parts, each of which may hold by itself.

    A part that is undecided leaves the whole undecided, unless others already differ.
    """
    facts = set(parts.values())
    if facts >= {True, False}:
        return "holds in part"
    return "undecided" if None in facts else of_fact(facts == {True})


def all_of(facts: Iterable[Fact]) -> Fact:
    """True if all facts are, False if one is not, None if that depends on the undecided ones."""
    found = set(facts)
    return False if False in found else None if None in found else True


def negated(fact: Fact) -> Fact:
    """The opposite of a fact."""
    return None if fact is None else not fact


def either(holds: Fact, fails: Fact) -> Fact:
    """True if the first is so, else False if the second is so, else open."""
    return True if holds else False if fails else None


Number: TypeAlias = Interval | float | str | None


def in_parts(
    parts: Mapping[str, Fact],
    ours: Number,
    *said: str,
    paper: float | str | None = None,
    numbers: Mapping[str, Interval] | None = None,
) -> Judgement:
    """Judge a claim of several parts, as `of_parts`.

    Args:
        parts: whether each part is so.
        ours: the number that is shown, with its interval if it is a mean.
        said: what the number is and of which runs; sentences without their full stops.
        paper: the number that the paper gives.
        numbers: means by which parts were decided, by their names, to be shown beside them.
    """
    number: float | str | None = "no number"
    ends = None
    if not isinstance(ours, Interval):
        number = ours
    elif not math.isnan(ours.mean):
        number, ends = ours.mean, ours.ends
    numbers = numbers or {}
    note = describe(parts, numbers, said)
    return Judgement(of_parts(parts), number, ends, paper, note, numbers)


Test: TypeAlias = Callable[[Interval, float], Fact]


def by_limits(
    parts: Mapping[str, tuple[Interval, Test, float]],
    *said: str,
    paper: float | str | None = None,
) -> Judgement:
    """Judge a claim by means that are held against limits; the first is the number that is shown.

    Args:
        parts: of each part its mean, a test such as `above`, and the limit.
        said, paper: as in `in_parts`.
    """
    facts = {name: test(mean, limit) for name, (mean, test, limit) in parts.items()}
    means = {name: mean for name, (mean, *_) in parts.items()}
    return in_parts(facts, next(iter(means.values())), *said, paper=paper, numbers=means)


def as_a_whole(
    fact: Fact,
    ours: Number,
    *said: str,
    parts: Mapping[str, Fact] | None = None,
    paper: float | str | None = None,
    numbers: Mapping[str, Interval] | None = None,
) -> Judgement:
    """Judge a claim that is so or is not, whatever becomes of its parts; else as `in_parts`."""
    found = in_parts(parts or {}, ours, *said, paper=paper, numbers=numbers)
    return replace(found, verdict=of_fact(fact))


# --------------------------------------------------------------------------------------------------
# What notes say
# --------------------------------------------------------------------------------------------------


def describe(
    parts: Mapping[str, Fact], numbers: Mapping[str, Interval], said: Sequence[str]
) -> str:
    """Which parts hold, which fail and which are open, by which means, and what else is to say."""
    words = {True: "yes", False: "no", None: "open"}
    lists = [
        f"{word}: {'; '.join(n + shown(numbers.get(n)) for n, fact in parts.items() if fact is k)}"
        for k, word in words.items()
        if k in parts.values()
    ]
    return ". ".join([*lists, *said])


def shown(interval: Interval | None) -> str:
    """A mean and its interval in brackets, empty for none."""
    if interval is None:
        return ""
    if math.isnan(interval.mean):
        return " (no number)"
    low, high = interval.ends
    return f" ({digits(interval.mean)}, {digits(low)} to {digits(high)})"


def digits(*numbers: float) -> str:
    """Numbers in three digits, updates in all of theirs, one after the other."""
    return ", ".join(f"{x:,.0f}" if abs(x) >= 1000 else f"{x:.3g}" for x in numbers)


# --------------------------------------------------------------------------------------------------
# Ratios
# --------------------------------------------------------------------------------------------------


def ratio_interval(ratios: Sequence[float] | Array) -> Interval:
    """The t interval over seeds of the logarithms of ratios."""
    return mean_interval(np.log(np.asarray(ratios, dtype=float)))


def within_factor(interval: Interval, factor: float) -> Fact:
    """Whether a ratio, given by its logarithm, is within a factor of one; None if that is open."""
    return equivalent(interval, math.log(factor))


def scaled(interval: Interval, scale: Callable[[float], float]) -> Interval:
    """The same interval on a scale that rises with the old one."""
    mean, low, high = map(scale, (interval.mean, *interval.ends))
    return Interval(mean, low, high, interval.n, interval.level)


def shifted(interval: Interval, by: float) -> Interval:
    """The same interval further up, or further down."""
    return scaled(interval, lambda x: x + by)


def powers(x: ArrayLike, y: ArrayLike) -> Array:
    """The powers of x by which y goes: slopes of the logarithms, one for each column of y.

    >>> powers([1, 2, 4], [3, 12, 48]).round(6).tolist()
    2.0
    """
    found: Array = np.polyfit(np.log(np.asarray(x, float)), np.log(np.asarray(y, float)), 1)[0]
    return found


def percent(share: float) -> float:
    """A share in percent."""
    return 100 * share


def as_ratio(interval: Interval) -> Interval:
    """The interval of a ratio, from that of its logarithm."""
    return scaled(interval, math.exp)
