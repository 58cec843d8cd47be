"""The ledger: all claims judged, kept for the book, to be read, counted and drawn.

`judge` asks the judges, which takes a while. `save` keeps what they say beside the records, in
``ledger.json``, and `load` reads it back for the book and its front page. That the file says what
is computed now is a test. Where there is no record a claim is "not run", and its note says how to
make one.

Every claim that rests on records is also judged with each seed left out in turn, since a verdict
that does not survive that hangs on one seed, and once with intervals at 99 % where its rule has
95 %.
"""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import pandas as pd
from tqdm import tqdm

from glorot2010 import drawings, records
from glorot2010.verdicts import CLAIMS
from glorot2010.verdicts.asked import Question, questions
from glorot2010.verdicts.claim import BIRTH, Claim, Evidence, Judgement, Verdict
from xavier import checks, files
from xavier.figures import Picture
from xavier.threads import few_threads

FILE = "ledger.json"
"""Name of the file in the folder of the records."""

VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
"""What can be said of a claim, from "holds" to "not run"."""

SOURCES: dict[str, str] = {
    "P": "the paper",
    "S": "notes on it",
    "C": "this book",
    "D": "papers since",
}
"""Who makes the claims whose ids begin with a letter."""

STAND_IN = "the paper, on a stand-in"
"""Where claims are counted that are judged on other data than the paper's."""

ABOUT: tuple[str, ...] = ("formula", "birth", "training")
"""What claims are about, formulas, networks before their first update, or trained networks."""

STRICT = 0.99
"""The level at which claims on records are judged once more."""

_JUDGED = ("id", "verdict", "ours", "low", "high", "paper", "records", "note", "intervals", "open")
_AGAIN = ("flips", "at_99")
_LISTS = ("records", "open", "flips")


def judge(
    folder: str | Path | None = None,
    ids: Iterable[str] | None = None,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Judge claims, now.

    Nothing is remembered from earlier calls but what judges keep of their own computations within
    one process. A claim whose records are missing or are refused is "not run", and its
    note says what is missing.

    Args:
        folder: of the records, as in `glorot2010.records.results_folder`.
        ids: which claims, in this order; by default all.
        progress: whether to show a progress bar; by default only on a terminal.

    Returns:
        One row a claim, with the columns ``id``, ``verdict``, ``ours`` (a number, a short text, or
        None), ``low`` and ``high`` (its interval, not a number if there is none), ``paper``,
        ``records`` (names of those that were read), ``note``, ``intervals`` (how many its judge
        held against limits), ``open`` (a `Comparison` for each of them that did not decide) and
        ``seconds``.

    Raises:
        TypeError: ``ids`` is a text.
        ValueError: an id is unknown.
    """
    if isinstance(ids, str):
        raise TypeError(f"ids must be a sequence of ids, got the text {ids!r}")
    chosen = [checks.one_of("ids", name, CLAIMS) for name in (CLAIMS if ids is None else ids)]
    evidence, rows = Evidence(folder), []
    quiet = None if progress is None else not progress  # None: tqdm looks for a terminal
    with tqdm(chosen, unit="claim", disable=quiet) as bar:
        for name in bar:
            bar.set_postfix_str(name)
            begin = time.perf_counter()
            with questions() as asked:
                found, read = _judge(CLAIMS[name], evidence)
            low, high = found.interval or (math.nan, math.nan)
            said = found.verdict, found.ours, low, high, found.paper, read, found.note
            rows.append((name, *said, *_undecided(asked), time.perf_counter() - begin))
    return _frame(pd.DataFrame(rows, columns=[*_JUDGED, "seconds"], dtype=object))


def _judge(claim: Claim, evidence: Evidence) -> tuple[Judgement, tuple[str, ...]]:
    """What a claim's judge says, and the records it rests on; or why it has not been asked."""
    try:
        for experiment in claim.needs:
            evidence.rows(experiment)
        later = [name for name in claim.later if evidence.rows_if_any(name) is not None]
        with few_threads(0):  # a judge's networks are small, or passed through once
            judgement = claim.judge(evidence)
        return judgement, tuple(f"{name}.book" for name in (*claim.needs, *later))
    except (records.RecordMissing, records.RecordError) as error:
        return Judgement("not run", None, None, None, str(error)), ()


class Comparison(NamedTuple):
    """An interval that contains the limit it was held against.

    Attributes:
        mean: of the values, such as seeds.
        limit: of the rule.
        n: how many values there are.
        needed: how many would most likely decide if the truth is as found, as
            `glorot2010.verdicts.asked.Question.values_needed` says; None for more than a million.
    """

    mean: float
    limit: float
    n: int
    needed: int | None


def _undecided(asked: Iterable[Question]) -> tuple[int, tuple[Comparison, ...]]:
    """How many intervals were held against limits, and which were held against one in vain."""
    known = [q for q in dict.fromkeys(asked) if not math.isnan(q.interval.mean)]
    return len({q.interval for q in known}), tuple(
        Comparison(q.interval.mean, q.limit, q.interval.n, q.values_needed())
        for q in known
        if q.answer is None
    )


def _frame(table: pd.DataFrame) -> pd.DataFrame:
    """The same with the types of its columns; numbers, texts and None stay beside one another."""
    numbers = {column: float for column in ("low", "high", "seconds") if column in table}
    return table.astype({"id": str, "verdict": str, "note": str, **numbers})


def stability(frame: pd.DataFrame, folder: str | Path | None = None) -> list[tuple[int, ...]]:
    """Judge the claims that rest on records again, without one seed, and without another.

    Returns:
        For every row of what `judge` gave, the seeds without which the verdict is another; none for
        claims that are computed now.
    """
    evidence = Evidence(folder)
    return [
        tuple(
            seed
            for seed in _seeds(evidence, row["records"])
            if CLAIMS[row["id"]].judge(evidence.without(seed)).verdict != row["verdict"]
        )
        for row in frame.to_dict("records")
    ]


def strict(frame: pd.DataFrame, folder: str | Path | None = None) -> list[str]:
    """Judge the claims that rest on records once more, with intervals at 99 %.

    Returns:
        For every row of what `judge` gave, the verdict; an empty text for claims that rest on no
        record.
    """
    evidence = Evidence(folder)
    with questions(level=STRICT):
        return [
            CLAIMS[row["id"]].judge(evidence).verdict if row["records"] else ""
            for row in frame.to_dict("records")
        ]


def _seeds(evidence: Evidence, records: Iterable[str]) -> list[int]:
    """Seeds of the runs that count, of several records."""
    tables = (evidence.rows(record.removesuffix(".book")) for record in records)
    return sorted({int(s) for rows in tables for s in rows[rows["stage"] == "main"]["seed"]})


def as_json(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """What `judge` returned in a form that JSON has.

    Returns:
        For every claim ``id``, ``verdict``, ``ours``, ``interval`` (two numbers or None),
        ``paper`` and ``records`` (a list of names).
    """
    return [
        {
            "id": row["id"],
            "verdict": row["verdict"],
            "ours": row["ours"],
            "interval": None if math.isnan(row["low"]) else [row["low"], row["high"]],
            "paper": row["paper"],
            "records": list(row["records"]),
        }
        for row in frame.to_dict("records")
    ]


def save(frame: pd.DataFrame, folder: str | Path | None = None) -> Path:
    """Keep what the ledger says, for the book.

    Args:
        frame: all claims, from `judge`, with the columns ``flips`` of `stability` and ``at_99`` of
            `strict`.
        folder: as in `judge`.

    Raises:
        ValueError: a claim is missing.
        OSError: the folder cannot be written.
    """
    if missing := [name for name in CLAIMS if name not in set(frame["id"])]:
        raise ValueError(f"frame must hold all claims, {missing} missing")
    said = [
        {**entry, **{key: _plain(row[key]) for key in ("note", "intervals", "open", *_AGAIN)}}
        for entry, row in zip(as_json(frame), frame.to_dict("records"), strict=True)
    ]
    path = records.results_folder(folder) / FILE
    text = json.dumps(said, indent=1, allow_nan=False, ensure_ascii=False)
    files.replace(path, (text + "\n").encode(), "save the ledger")
    return path


def _plain(value: Any) -> Any:
    return [_plain(part) for part in value] if isinstance(value, tuple) else value


def load(folder: str | Path | None = None) -> pd.DataFrame:
    """What was saved last.

    Returns:
        One row a claim, in the order of `glorot2010.verdicts.claim.CLAIMS`, with the columns of
        `judge` but the last; ``flips``, the seeds without which the verdict is another; and
        ``at_99``, the verdict with intervals of 99 %, empty where no record was read.

    Raises:
        FileNotFoundError: nothing was saved.
        ValueError: the file is damaged, or is of other claims than there are now.
    """
    path = records.results_folder(folder) / FILE
    again = "to make it anew: make scoreboard"
    try:
        rows = [_row(entry) for entry in json.loads(path.read_text(encoding="utf-8"))]
    except FileNotFoundError:
        raise FileNotFoundError(f"no ledger in {path.parent}; {again}") from None
    except (TypeError, KeyError, ValueError) as error:
        raise ValueError(f"{path} is damaged ({error}); {again}") from None
    if [row["id"] for row in rows] != list(CLAIMS):
        raise ValueError(f"{path} is of other claims than there are now; {again}")
    return _frame(pd.DataFrame(rows, columns=[*_JUDGED, *_AGAIN], dtype=object))


def _row(entry: Mapping[str, Any]) -> dict[str, Any]:
    low, high = entry["interval"] or (math.nan, math.nan)
    checks.one_of("verdict", entry["verdict"], VERDICTS)
    checks.one_of("at_99", entry["at_99"], (*VERDICTS, ""))
    lists = {key: tuple(entry[key]) for key in _LISTS}
    lists["open"] = tuple(Comparison(*found) for found in entry["open"])
    row = {**entry, **lists, "low": float(low), "high": float(high)}
    return {column: row[column] for column in (*_JUDGED, *_AGAIN)}


def source(name: str) -> str:
    """Who makes a claim, of `SOURCES`; `STAND_IN` if it is judged on other data than its own."""
    return STAND_IN if CLAIMS[name].stand_in else SOURCES[name[0]]


def about(name: str) -> str:
    """What a claim is about, one of `ABOUT`: its horizon tells."""
    return {"none": "formula", BIRTH: "birth"}.get(CLAIMS[name].horizon, "training")


def counts(frame: pd.DataFrame, by: Literal["source", "about"] = "source") -> pd.DataFrame:
    """How many claims of whom, or about what, got which verdict.

    Args:
        frame: from `load` or `judge`; of all claims or of some.
        by: "source" for a row for each of `SOURCES` with claims, "about" for each of `ABOUT`.

    Returns:
        These rows and one for all, a column for each verdict and one for all.

    Raises:
        ValueError: ``by`` is neither.
    """
    if checks.one_of("by", by, ("source", "about")) == "source":
        groups, there = frame["id"].map(source), set(map(source, CLAIMS))
        rows = [whose for whose in (*SOURCES.values(), STAND_IN) if whose in there]
    else:
        groups, rows = frame["id"].map(about), list(ABOUT)
    table = pd.crosstab(groups, frame["verdict"])
    table = table.reindex(index=rows, columns=list(VERDICTS), fill_value=0)
    table.loc["all"] = table.sum()
    table["all"] = table.sum(axis=1)
    return table.rename_axis(index=None, columns=None)


def picture(frame: pd.DataFrame) -> Picture:
    """All claims as tiles, coloured by verdict, a group for each source."""
    groups = dict(list(frame.groupby(frame["id"].map(source))))
    order = (*SOURCES.values(), STAND_IN)
    return drawings.tiles({key: groups[key] for key in order if key in groups})


def caption(frame: pd.DataFrame) -> str:
    """What `picture` shows, for those who cannot see it."""
    all_ = counts(frame).loc["all"]
    parts = ", ".join(f"{all_[verdict]} {verdict}" for verdict in VERDICTS if all_[verdict])
    return f"{all_['all']} claims as coloured tiles: {parts}."


def listed(frame: pd.DataFrame) -> str:
    """Every claim and its verdict in one line."""
    return "; ".join(f"{row['id']} {row['verdict']}" for row in frame.to_dict("records"))


def numbers(row: Mapping[Any, Any]) -> str:
    """Our number, its interval, and the one that was claimed, as a sentence or two.

    The text is empty where there is no number.
    """
    parts = []
    if row["ours"] is not None:
        low, high = row["low"], row["high"]
        interval = "" if math.isnan(low) else f" ({low:.4g} to {high:.4g})"
        parts.append(f"Here: {_four_digits(row['ours'])}{interval}.")
    if row["paper"] is not None:
        parts.append(f"Claimed: {_four_digits(row['paper'])}.")
    return " ".join(parts)


def _four_digits(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"


class Board:
    """Claims with their verdicts, numbers and sources; notebooks typeset it. Made by `board`."""

    def __init__(self, entries: Iterable[tuple[str, str]]) -> None:
        self._plain, self._markdown = zip(*entries, strict=True)

    def __repr__(self) -> str:
        return "\n".join(self._plain)

    def _repr_markdown_(self) -> str:
        return "\n".join((*_HEAD, *self._markdown))


_HEAD = (
    "| verdict | id | claim | whose | about | at 99 % | chapter |",
    "|:--|:--|:--|:--|:--|:--|:--|",
)


def board(frame: pd.DataFrame, chapters: Mapping[int, str] | None = None) -> Board:
    """Show claims as a table, a line each, with what decided folded below the claim.

    Args:
        frame: rows of `load`; which of them, and in which order, is up to the caller.
        chapters: files of the chapters by number, for links.

    Raises:
        ValueError: there are no rows.
    """
    if frame.empty:
        raise ValueError("frame must have at least one claim, got none")
    return Board(_entry(row, chapters or {}) for row in frame.to_dict("records"))


def _entry(row: Mapping[Any, Any], chapters: Mapping[int, str]) -> tuple[str, str]:
    """A claim as a line of text and as a row of the table, its order among the verdicts with it."""
    claim, verdict = CLAIMS[row["id"]], row["verdict"]
    sign, order = drawings.VERDICTS[verdict][1], VERDICTS.index(verdict)
    kind = verdict.replace(" ", "-")
    where = claim.where[0].upper() + claim.where[1:]
    decided = "<br>".join(f"**{name}** {text}" for name, text in _details(row, claim))
    link = ""
    if claim.chapter is not None and claim.chapter in chapters:
        link = f"[{claim.chapter}]({chapters[claim.chapter]})"
    apart = ' <span class="stand-in">on a stand-in</span>' if claim.stand_in else ""
    kind_of = about(claim.id)
    cells = (
        f'<span class="verdict {kind}" data-order="{order}">{sign} {verdict}</span>{apart}',
        claim.id,
        f"{_literal(claim.text)} *{where}.* "
        f"<details><summary>What decided</summary>{decided}</details>",
        SOURCES[claim.id[0]],
        f'<span data-order="{ABOUT.index(kind_of)}">{kind_of}</span>',
        "same" if row["at_99"] == verdict else row["at_99"],
        link,
    )
    plain = f"{claim.id:<4}{verdict:<14}{'(on a stand-in) ' if apart else ''}{claim.text}"
    return plain, f"| {' | '.join(cells)} |"


def _details(row: Mapping[Any, Any], claim: Claim) -> Iterator[tuple[str, str]]:
    """What decided a claim: numbers, rule, scale, and the command that does it again."""
    yield "Found.", _literal(f"{numbers(row)} {_sentence(row['note'])}".strip())
    yield "Rule.", _literal(_sentence(claim.rule))
    if claim.changed:
        yield "Rule changed.", _literal(claim.changed)
    ran = [claim.scale, *([claim.horizon] if claim.horizon != "none" else [])]
    yield "Scale.", _literal(_sentence("; ".join(ran)))
    if claim.stand_in:
        yield "On a stand-in.", _literal(_sentence(claim.stand_in))
    if row["open"]:
        yield "Power.", "; ".join(map(_planned, row["open"])) + "."
    if row["flips"]:
        without = ", ".join(map(str, row["flips"]))
        which = "seed" if len(row["flips"]) == 1 else "one of the seeds"
        yield "Seeds.", f"Another verdict without {which} {without}."
    later = (name for name in claim.later if f"{name}.book" in row["records"])
    runs = [f"`xavier run {name} --scale book`" for name in (*claim.needs, *later)]
    yield "Again.", ", ".join(runs or [f"`xavier ledger --id {claim.id}`"])


def _planned(open: Comparison) -> str:
    """How many values would most likely decide."""
    needed = "more than a million" if open.needed is None else f"{open.needed:,}"
    return f"{open.mean:.5g} against {open.limit:.5g} takes {needed} in place of {open.n}"


def _literal(text: str) -> str:
    """A text whose signs mean themselves in a table, and whose commands are set as such."""
    text = re.sub(r"[|$*<]", r"\\\g<0>", text)
    return re.sub(r"xavier run \S+ --scale \w+", r"`\g<0>`", text)  # else -- is set as a dash


def _sentence(text: str) -> str:
    """Begin with a capital what begins with a word, and not what begins with a symbol."""
    text = re.sub(r"(^|(?<=\. ))[a-z](?=[a-z])", lambda found: found[0].upper(), text)
    return text and text.rstrip(".") + "."
