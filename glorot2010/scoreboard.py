"""The scoreboard: all verdicts as they were last computed, to be read, counted and drawn.

`glorot2010.claims.ledger` computes the verdicts, which takes a while. `save` keeps what it found
beside the records, in ``ledger.json``, and `load` reads it back for the book and its front page.
That the file says what is computed now is a test.

Every claim that rests on records is also judged with each seed left out in turn: a verdict that
does not survive that hangs on one seed.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, get_args

import pandas as pd

from glorot2010 import claims, drawings, records
from glorot2010.claims import CLAIMS, Claim, Evidence, Verdict
from xavier import checks, files
from xavier.figures import Picture

FILE = "ledger.json"
"""Name of the file in the folder of the records."""

VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
"""What can be said of a claim, from "holds" to "not run"."""

SOURCES: dict[str, str] = {"P": "the paper", "S": "notes on it", "C": "this book"}
"""Who makes the claims whose ids begin with a letter."""

COLUMNS = ("id", "verdict", "ours", "low", "high", "paper", "records", "note", "flips")
"""Of the table that `load` gives.

:meta hide-value:
"""


def stability(frame: pd.DataFrame, folder: str | Path | None = None) -> list[tuple[int, ...]]:
    """Judge the claims that rest on records again, without one seed, and without another.

    Args:
        frame: from `glorot2010.claims.ledger`.
        folder: of the records, as in `glorot2010.records.results_folder`.

    Returns:
        For every row, the seeds without which the verdict is another; none for claims that are
        computed now.
    """
    evidence = Evidence(folder)
    found: list[tuple[int, ...]] = []
    for row in frame.to_dict("records"):
        claim = CLAIMS[row["id"]]
        if not row["records"]:
            found.append(())
            continue
        seeds = sorted(_counting(evidence, _needed(claim, row["records"])))
        others = {seed: claim.judge(evidence.without(seed)).verdict for seed in seeds}
        found.append(tuple(seed for seed in seeds if others[seed] != row["verdict"]))
    return found


def _needed(claim: Claim, records: Iterable[str]) -> tuple[str, ...]:
    """Experiments that a claim rests on, with those of its later ones that were read."""
    return *claim.needs, *(name for name in claim.later if f"{name}.book" in records)


def _counting(evidence: Evidence, names: Iterable[str]) -> set[int]:
    """Seeds of the runs that count, of several experiments."""
    tables = (evidence.rows(name) for name in names)
    return {int(seed) for rows in tables for seed in rows[rows["stage"] == "main"]["seed"]}


def save(frame: pd.DataFrame, folder: str | Path | None = None) -> Path:
    """Keep what the ledger says, for the book.

    Args:
        frame: all claims, from `glorot2010.claims.ledger`, with ``flips``, a column of `stability`.
        folder: as in `glorot2010.records.results_folder`.

    Raises:
        ValueError: a claim is missing.
        OSError: the folder cannot be written.
    """
    if missing := [name for name in CLAIMS if name not in set(frame["id"])]:
        raise ValueError(f"frame must hold all claims, {missing} missing")
    said = [
        {**entry, "note": row["note"], "flips": list(row["flips"])}
        for entry, row in zip(claims.as_json(frame), frame.to_dict("records"), strict=True)
    ]
    path = records.results_folder(folder) / FILE
    text = json.dumps(said, indent=1, allow_nan=False, ensure_ascii=False)
    files.replace(path, (text + "\n").encode(), "save the ledger")
    return path


def load(folder: str | Path | None = None) -> pd.DataFrame:
    """What was saved last.

    Args:
        folder: as in `glorot2010.records.results_folder`.

    Returns:
        One row a claim, in the order of `glorot2010.claims.CLAIMS`, with the columns `COLUMNS`, of
        which ``flips`` holds the seeds without which the verdict is another.

    Raises:
        FileNotFoundError: nothing was saved.
        ValueError: the file is damaged, or is of other claims than there are now.
    """
    path = records.results_folder(folder) / FILE
    again = "to make it anew: make scoreboard"
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        rows = [_row(entry) for entry in entries]
    except FileNotFoundError:
        raise FileNotFoundError(f"no ledger in {path.parent}; {again}") from None
    except (TypeError, KeyError, ValueError) as error:
        raise ValueError(f"{path} is damaged ({error}); {again}") from None
    if [row["id"] for row in rows] != list(CLAIMS):
        raise ValueError(f"{path} is of other claims than there are now; {again}")
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    for column in ("ours", "paper"):  # numbers and texts, and None where there is neither
        frame[column] = pd.Series([row[column] for row in rows], dtype=object)
    return frame


def _row(entry: Mapping[str, Any]) -> dict[str, Any]:
    low, high = entry["interval"] or (math.nan, math.nan)
    row = {**entry, "low": float(low), "high": float(high)}
    row |= {"records": tuple(entry["records"]), "flips": tuple(entry["flips"])}
    checks.one_of("verdict", row["verdict"], VERDICTS)
    return {column: row[column] for column in COLUMNS}


def counts(frame: pd.DataFrame) -> pd.DataFrame:
    """How many claims of whom got which verdict.

    Args:
        frame: from `load` or `glorot2010.claims.ledger`.

    Returns:
        A row for each of `SOURCES` and one for all, a column for each verdict and one for all.
    """
    table = pd.crosstab(frame["id"].str[0].map(SOURCES), frame["verdict"])
    table = table.reindex(index=list(SOURCES.values()), columns=list(VERDICTS), fill_value=0)
    table.loc["all"] = table.sum()
    table["all"] = table.sum(axis=1)
    return table.rename_axis(index=None, columns=None)


def picture(frame: pd.DataFrame) -> Picture:
    """All claims as tiles, coloured by verdict, a group for each source.

    Args:
        frame: from `load` or `glorot2010.claims.ledger`.
    """
    by_source = frame.groupby(frame["id"].str[0])
    return drawings.tiles({SOURCES[key]: by_source.get_group(key) for key in SOURCES})


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

    Args:
        row: of a table of verdicts.

    Returns:
        A text, empty where there is no number.
    """
    parts = []
    if (ours := _said(row["ours"])) is not None:
        low, high = row["low"], row["high"]
        interval = "" if math.isnan(low) else f" ({_said(low)} to {_said(high)})"
        parts.append(f"Here: {ours}{interval}.")
    if (claimed := _said(row["paper"])) is not None:
        parts.append(f"Claimed: {claimed}.")
    return " ".join(parts)


def _said(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return None if pd.isna(value) else f"{value:.4g}"


class Board:
    """Claims with their verdicts, numbers and sources; notebooks typeset it. Made by `board`."""

    def __init__(self, entries: Iterable[tuple[str, str]]) -> None:
        self._plain, self._markdown = zip(*entries, strict=True)

    def __repr__(self) -> str:
        return "\n".join(self._plain)

    def _repr_markdown_(self) -> str:
        return "\n".join(self._markdown)


def board(frame: pd.DataFrame, chapters: Mapping[int, str] | None = None) -> Board:
    """Show claims one below the other.

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
    claim, verdict = CLAIMS[row["id"]], row["verdict"]
    where = claim.where[0].upper() + claim.where[1:]
    lines = [f"{numbers(row)} {_sentence(row['note'])}".strip(), f"Rule: {claim.rule}."]
    ran = [claim.scale, *([claim.horizon] if claim.horizon != "none" else [])]
    lines.append(f"Scale: {'; '.join(ran)}.")
    if row["flips"]:
        without = ", ".join(map(str, row["flips"]))
        which = "seed" if len(row["flips"]) == 1 else "one of the seeds"
        lines.append(f"Another verdict without {which} {without}.")
    tail = []
    if claim.chapter is not None and claim.chapter in chapters:
        tail.append(f"[Chapter {claim.chapter}]({chapters[claim.chapter]})")
    needed = _needed(claim, row["records"])
    tail += [f"`xavier run {name} --scale book`" for name in needed]
    tail += [] if claim.needs else [f"`xavier ledger --id {claim.id}`"]
    symbol = drawings.VERDICTS[verdict][1]
    head = f'<span class="verdict {verdict.replace(" ", "-")}">{symbol} {verdict}</span>'
    body = " ".join(lines).replace("|", r"\|").replace("$", r"\$").replace("*", r"\*")
    body = re.sub(r"xavier run \S+ --scale \w+", r"`\g<0>`", body)  # else -- is set as a dash
    markdown = (
        f'<div class="claim">\n\n{head} <span class="claim-id">{claim.id}</span> {claim.text} '
        f"*{where}.*\n\n{body}\n\n{', '.join(tail)}\n\n</div>\n"
    )
    return f"{claim.id:<4}{verdict:<14}{claim.text}", markdown


def _sentence(text: str) -> str:
    """Begin with a capital what begins with a word, and not what begins with a symbol."""
    text = re.sub(r"(^|(?<=\. ))[a-z](?=[a-z])", lambda found: found[0].upper(), text)
    return text and text.rstrip(".") + "."
