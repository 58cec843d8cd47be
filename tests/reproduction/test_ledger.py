"""The ledger: what is kept is what was judged, and what is shown is what is kept."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy import stats

from glorot2010 import drawings
from glorot2010.verdicts import CLAIMS, asked, ledger
from glorot2010.verdicts.asked import above, below
from glorot2010.verdicts.claim import Evidence, Judgement, all_of, as_a_whole
from xavier.intervals import Interval, mean_interval

ROOT = Path(__file__).resolve().parents[2]
COLUMNS = [
    "id", "verdict", "ours", "low", "high", "paper", "records", "note", "intervals", "open",
    "flips", "at_99",
]  # fmt: skip
OPEN = (ledger.Comparison(2.0002, 2.0, 5, None), ledger.Comparison(0.718, 0.693, 5, 1190))


def frame(**changes: Any) -> pd.DataFrame:
    """A made-up ledger of all claims."""
    rows = []
    for k, (name, claim) in enumerate(CLAIMS.items()):
        verdict = ledger.VERDICTS[k % 5]
        ours = [1.5, "two numbers", None][k % 3]
        low, high = (1.25, 1.75) if k % 3 == 0 else (np.nan, np.nan)
        records = tuple(f"{need}.book" for need in claim.needs)
        flips = (k,) if k == 3 else ()
        at_99 = ["undecided", verdict][k % 2] if records else ""
        known = (name, verdict, ours, low, high, 2.0 if k % 2 else None, records, "")
        rows.append((*known, k, OPEN if k == 4 else (), flips, at_99))
    table = pd.DataFrame(rows, columns=COLUMNS, dtype=object)
    table["note"] = [f"note {k}" for k in range(len(table))]
    return table.astype({"id": str, "verdict": str, "low": float, "high": float}).assign(**changes)


def plain(table: pd.DataFrame) -> list[dict[Any, Any]]:
    """Rows without the values that are not numbers, which are unequal to themselves."""
    rows = table[COLUMNS].to_dict("records")
    return [{k: v for k, v in row.items() if not (isinstance(v, float) and v != v)} for row in rows]


# ------------------------------------------------------------------------------- saved and loaded


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    path = ledger.save(frame(), tmp_path)
    assert path == tmp_path / "ledger.json"
    assert plain(ledger.load(tmp_path)) == plain(frame())
    before = path.read_bytes()
    ledger.save(ledger.load(tmp_path), tmp_path)
    assert path.read_bytes() == before


def test_some_claims_are_not_a_scoreboard(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"frame must hold all claims, \['S1'\] missing"):
        ledger.save(frame()[1:], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_nothing_saved_says_how_to_save(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="make scoreboard"):
        ledger.load(tmp_path)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = ledger.save(frame(), tmp_path)
    whole = path.read_bytes()
    entries = json.loads(whole)
    for other, message in (
        (entries[:-1], "of other claims"),
        ([{**entries[0], "verdict": "perhaps"}, *entries[1:]], "perhaps"),
        ([{**entries[0], "interval": [1]}, *entries[1:]], "damaged"),
        ([{"id": "S1"}, *entries[1:]], "damaged"),
        (7, "damaged"),
    ):
        path.write_text(json.dumps(other))
        with pytest.raises(ValueError, match=rf"{message}.*make scoreboard"):
            ledger.load(tmp_path)
    path.write_bytes(whole[:-5])
    with pytest.raises(ValueError, match="damaged"):
        ledger.load(tmp_path)


# ---------------------------------------------------------------------------------- what it shows


def test_counts_add_up() -> None:
    table = ledger.counts(frame())
    since = sum(name[0] == "D" for name in CLAIMS)
    assert table.loc["all", "all"] == len(CLAIMS) == 64 + since
    assert table["all"].tolist() == [40, 16, 7, *([since] if since else []), 1, 64 + since]
    assert (table[list(ledger.VERDICTS)].sum(axis=1) == table["all"]).all()
    assert table.loc["all", "holds"] == (frame().verdict == "holds").sum()


def test_a_verdict_that_nobody_got_is_counted_as_none() -> None:
    table = ledger.counts(frame(verdict="fails"))
    assert table.loc["all", "holds"] == 0 and table.loc["the paper", "fails"] == 40


def test_the_picture_has_a_tile_for_each_claim_and_the_counts() -> None:
    picture = ledger.picture(frame())
    (ax,) = picture.axes
    texts = [text.get_text() for text in ax.texts]
    signs = {verdict: sign for verdict, (_, sign) in drawings.VERDICTS.items()}
    for row in frame().to_dict("records"):
        assert f"{row['id']}\n{signs[row['verdict']]}" in texts
    whose = [*ledger.SOURCES.values(), ledger.STAND_IN]
    there = set(frame()["id"].map(ledger.source))
    assert [t for t in texts if "\n" not in t] == [w for w in whose if w in there]
    (legend,) = picture.legends
    said = [text.get_text() for text in legend.get_texts()]
    counted = ledger.counts(frame()).loc["all"]
    assert said == [f"{signs[v]} {v}, {counted[v]}" for v in ledger.VERDICTS]


def test_the_caption_says_the_same() -> None:
    n = len(CLAIMS)
    assert ledger.caption(frame(verdict="holds")) == f"{n} claims as coloured tiles: {n} holds."
    said = ledger.caption(frame())
    for verdict, number in ledger.counts(frame()).loc["all"].drop("all").items():
        assert f"{number} {verdict}" in said


def test_claims_are_counted_by_what_they_are_about() -> None:
    table = ledger.counts(frame(verdict="holds"), by="about")
    assert list(table.index) == [*ledger.ABOUT, "all"]
    kinds = {name: ledger.about(name) for name in CLAIMS}
    assert (kinds["P19"], kinds["P22"], kinds["P30"]) == ("formula", "birth", "training")
    for kind in ledger.ABOUT:
        assert table.loc[kind, "holds"] == list(kinds.values()).count(kind) > 0
    assert table.loc["all", "holds"] == len(CLAIMS)
    with pytest.raises(ValueError, match="by must be one of"):
        ledger.counts(frame(), by="verdict")  # type: ignore[arg-type]


def cells(line: str) -> list[str]:
    """The cells of a row of a Markdown table."""
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def test_a_board_is_one_table_with_every_claim_and_what_decided() -> None:
    rows = frame()
    markdown = ledger.board(rows, {4: "04_forward.ipynb"})._repr_markdown_()
    head, _, *lines = markdown.splitlines()
    assert cells(head) == ["verdict", "id", "claim", "whose", "about", "at 99 %", "chapter"]
    assert len(lines) == len(CLAIMS)
    for line, row in zip(lines, rows.to_dict("records"), strict=True):
        claim = CLAIMS[row["id"]]
        verdict, name, said, whose, about, strict, chapter = cells(line)
        assert row["verdict"] in verdict and (name, whose) == (claim.id, ledger.SOURCES[name[0]])
        assert ledger.about(name) in about
        assert strict == ("same" if row["at_99"] == row["verdict"] else row["at_99"])
        assert chapter == ("[4](04_forward.ipynb)" if claim.chapter == 4 else "")
        seen, decided = said.split("<details>")
        assert claim.text.split("|")[0] in seen and "**Rule.**" in decided
        assert ("**Rule changed.**" in decided) is bool(claim.changed)
        assert all(f"`xavier run {need} --scale book`" in decided for need in claim.needs)
        assert claim.needs or f"`xavier ledger --id {name}`" in decided
    assert "Here: 1.5 (1.25 to 1.75)." in markdown and "Claimed: 2." in markdown
    assert markdown.count("Another verdict without seed 3.") == 1
    assert markdown.count("**Power.**") == 1
    assert "2.0002 against 2 takes more than a million in place of 5; 0.718 against" in markdown
    assert "takes 1,190 in place of 5." in markdown
    assert len(repr(ledger.board(rows)).splitlines()) == len(CLAIMS)
    with pytest.raises(ValueError, match="at least one claim"):
        ledger.board(rows[:0])


def test_a_claim_on_other_data_than_its_own_says_so_and_is_counted_apart() -> None:
    apart = [name for name, claim in CLAIMS.items() if claim.stand_in]
    assert apart == ["P33"]
    row = frame(verdict="holds")[lambda rows: rows["id"] == "P33"]
    counted = ledger.counts(row)["holds"]
    assert (counted[ledger.STAND_IN], counted["the paper"], counted["all"]) == (1, 0, 1)
    board = ledger.board(row)
    assert '● holds</span> <span class="stand-in">on a stand-in</span>' in board._repr_markdown_()
    assert CLAIMS["P33"].stand_in[-60:] in board._repr_markdown_() and "(on a stand-in)" in repr(
        board
    )
    others = ledger.board(frame()[lambda rows: rows["id"] != "P33"])
    assert "stand-in" not in others._repr_markdown_() + repr(others)


def test_records_made_later_are_named_where_they_were_read() -> None:
    rows = frame()[lambda rows: rows["id"] == "P10"]
    for records, told in (([], False), (["fig2.book", "depth.book", "tanh_late.book"], True)):
        board = ledger.board(rows.assign(records=[records]))._repr_markdown_()
        assert ("`xavier run tanh_late --scale book`" in board) is told
        assert "`xavier run fig2 --scale book`" in board


def test_a_board_marks_up_nothing_that_is_meant_literally() -> None:
    one = ledger.board(frame(note="|z| < 1 costs $5 * 3")[:1])._repr_markdown_()
    assert r"\|z\| \< 1 costs \$5 \* 3." in one and len(cells(one.splitlines()[-1])) == 7


def test_numbers_are_a_sentence() -> None:
    for ours, low, paper, said in (
        (0.123456, 0.1, None, "Here: 0.1235 (0.1 to 2)."),
        ("a and b", np.nan, 5, "Here: a and b. Claimed: 5."),
        (None, np.nan, None, ""),
        (None, np.nan, "x", "Claimed: x."),
    ):
        row = {"ours": ours, "low": low, "high": 2.0, "paper": paper}
        assert ledger.numbers(row) == said


# --------------------------------------------------------------------------------- one seed less


def test_a_verdict_that_hangs_on_one_seed_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = pd.DataFrame(
        {"stage": ["rate", *["main"] * 3], "seed": [1000, 0, 1, 2], "value": [9.0, 1.0, 1.0, 6.0]}
    )

    def large(evidence: Evidence) -> Judgement:
        table = evidence.rows("hessian")
        mean = float(table[table.stage == "main"].value.mean())
        return as_a_whole(mean > 2, mean)

    monkeypatch.setitem(CLAIMS, "P9", dataclasses.replace(CLAIMS["P9"], judge=large))
    evidence = Evidence()
    evidence._loaded["hessian"] = rows
    monkeypatch.setattr(ledger, "Evidence", lambda folder: evidence)
    judged = {"id": ["P9", "S3"], "verdict": ["holds"] * 2, "records": [("hessian.book",), ()]}
    assert ledger.stability(pd.DataFrame(judged)) == [(2,), ()]


def test_a_claim_on_records_is_judged_once_more_with_wider_intervals(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """1, 2, 3, 2.5: the mean is above 0.5 by an interval of 95 %, and not by one of 99 %."""

    def positive(evidence: Evidence) -> Judgement:
        mean = asked.mean_interval([1.0, 2.0, 3.0, 2.5])
        return as_a_whole(all_of([above(mean, 0.5), above(mean, 0.0), below(mean, 9.0)]), mean)

    changed = {"judge": positive, "needs": ()}
    for name in ("P9", "S3"):
        monkeypatch.setitem(CLAIMS, name, dataclasses.replace(CLAIMS[name], **changed))
    found = ledger.judge(ids=["P9", "S3"], progress=False)
    assert found["verdict"].tolist() == ["holds", "holds"]
    assert found["intervals"].tolist() == [1, 1] and found["open"].tolist() == [(), ()]
    assert ledger.strict(found.assign(records=[("hessian.book",), ()])) == ["undecided", ""]


def test_what_did_not_decide_is_kept_with_what_it_would_take(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unsure(evidence: Evidence) -> Judgement:
        mean = mean_interval([0.0, 1.0, 2.0, 1.5])
        return as_a_whole(above(mean, 0.0), mean)

    changed = {"judge": unsure, "needs": ()}
    monkeypatch.setitem(CLAIMS, "S3", dataclasses.replace(CLAIMS["S3"], **changed))
    (row,) = ledger.judge(ids=["S3"], progress=False).to_dict("records")
    assert row["verdict"] == "undecided"
    assert row["open"] == (ledger.Comparison(1.125, 0.0, 4, 7),)


# ------------------------------------------------------------------------- what intervals are asked


def test_questions_are_kept_with_their_answers_and_only_inside() -> None:
    mean = asked.mean_interval([1.0, 2.0, 3.0, 2.5])
    asked.above(mean, 9.0)
    with asked.questions() as found:
        assert asked.above(mean, 0.5) and not asked.below(mean, 0.5)
        assert asked.equivalent(mean, 2.0) is None
        assert asked.equivalent(Interval(-1.5, -2.0, -1.0, 4, 0.95), 0.5) is False
    asked.above(mean, 9.0)
    answers = [(q.limit, q.answer) for q in found]
    assert answers == [(0.5, True), (0.5, False), (2.0, None), (-0.5, False)]
    assert found[0].interval == mean


def test_inside_the_level_is_another() -> None:
    values = [1.0, 2.0, 3.0, 2.5]
    with asked.questions(level=0.99):
        assert asked.interval(values) == asked.mean_interval(values) == mean_interval(values, 0.99)
        assert asked.proportion_interval(3, 10).level == 0.99
        with asked.questions():
            assert asked.mean_interval(values).level == 0.95
    with pytest.raises(ValueError, match="stop"), asked.questions(level=0.5):
        raise ValueError("stop")
    assert asked.mean_interval(values).level == 0.95


@pytest.mark.parametrize("away", [0.3, 0.8, 3.0])
def test_so_many_values_decide_as_often_as_is_planned(away: float) -> None:
    """Found again by drawing: with one value less it is too seldom, within four errors."""
    start = mean_interval([away - 1.0, away, away + 1.0])  # standard deviation 1
    needed = asked.Question(start, 0.0, None).values_needed()
    assert needed is not None

    def share(n: int) -> float:
        draws = np.random.default_rng(0).normal(away, 1.0, (20_000, n))
        error = draws.std(axis=1, ddof=1) / math.sqrt(n)
        return float((draws.mean(axis=1) - stats.t.ppf(0.975, n - 1) * error > 0).mean())

    room = 4 * 0.5 / math.sqrt(20_000)
    assert share(needed) > asked.POWER - room
    assert needed == 2 or share(needed - 1) < asked.POWER + room


def test_nothing_decides_where_the_truth_is_the_limit() -> None:
    for values, limit, needed in (([1.0, 2.0, 3.0], 2.0, None), ([2.0] * 3, 2.0, None),
                                  ([2.0] * 3, 1.0, 2)):  # fmt: skip
        assert asked.Question(mean_interval(values), limit, None).values_needed() == needed


# -------------------------------------------------------------------------------------- committed


def test_the_front_page_shows_the_scoreboard_as_it_is() -> None:
    table = ledger.load(ROOT / "results")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (alt,) = re.findall(r"!\[([^\]]*)\]\(_static/scoreboard\.png\)", readme)
    assert alt == ledger.caption(table)
    with Image.open(ROOT / "_static" / "scoreboard.png") as picture:
        assert picture.info["verdicts"] == ledger.listed(table)
