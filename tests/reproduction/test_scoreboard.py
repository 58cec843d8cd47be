"""The scoreboard: what is kept is what was judged, and what is shown is what is kept."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from glorot2010 import claims, drawings, scoreboard
from glorot2010.claims import CLAIMS
from glorot2010.judging import Evidence, Judgement, of_fact

ROOT = Path(__file__).resolve().parents[2]
COLUMNS = ["id", "verdict", "ours", "low", "high", "paper", "records", "note"]


def frame(**changes: Any) -> pd.DataFrame:
    """A made-up ledger of all claims."""
    rows = []
    for k, name in enumerate(CLAIMS):
        verdict = scoreboard.VERDICTS[k % 5]
        ours: Any = [1.5, "two numbers", None][k % 3]
        low, high = (1.25, 1.75) if k % 3 == 0 else (np.nan, np.nan)
        paper = 2.0 if k % 2 else None
        rows.append((name, verdict, ours, low, high, paper, ("table1.book",), f"note {k}"))
    table = pd.DataFrame(rows, columns=COLUMNS)
    for k, column in ((2, "ours"), (5, "paper")):
        table[column] = pd.Series([row[k] for row in rows], dtype=object)
    table["flips"] = pd.Series([(k,) if k == 3 else () for k in range(len(table))], dtype=object)
    return table.assign(**changes)


def plain(table: pd.DataFrame) -> list[dict[Any, Any]]:
    """Rows without the values that are not numbers, which are unequal to themselves."""
    rows = table[list(scoreboard.COLUMNS)].to_dict("records")
    return [{k: v for k, v in row.items() if not (isinstance(v, float) and v != v)} for row in rows]


# ------------------------------------------------------------------------------- saved and loaded


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    path = scoreboard.save(frame(), tmp_path)
    assert path == tmp_path / "ledger.json"
    assert plain(scoreboard.load(tmp_path)) == plain(frame())
    before = path.read_bytes()
    scoreboard.save(scoreboard.load(tmp_path), tmp_path)
    assert path.read_bytes() == before


def test_some_claims_are_not_a_scoreboard(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"frame must hold all claims, \['S1'\] missing"):
        scoreboard.save(frame()[1:], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_nothing_saved_says_how_to_save(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="make scoreboard"):
        scoreboard.load(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda entries: entries[:-1], "of other claims"),
        (lambda entries: [*entries[1:], entries[0]], "of other claims"),
        (lambda entries: [{**entries[0], "verdict": "perhaps"}, *entries[1:]], "perhaps"),
        (lambda entries: [{**entries[0], "interval": [1]}, *entries[1:]], "damaged"),
        (lambda entries: [{"id": "S1"}, *entries[1:]], "damaged"),
        (lambda entries: 7, "damaged"),
    ],
)
def test_a_damaged_file_is_refused(
    tmp_path: Path, change: Callable[[Any], Any], message: str
) -> None:
    path = scoreboard.save(frame(), tmp_path)
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    with pytest.raises(ValueError, match=message) as caught:
        scoreboard.load(tmp_path)
    assert "make scoreboard" in str(caught.value)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(ValueError, match="damaged"):
        scoreboard.load(tmp_path)


# ---------------------------------------------------------------------------------- what it shows


def test_counts_add_up() -> None:
    table = scoreboard.counts(frame())
    assert table.loc["all", "all"] == len(CLAIMS) == 64
    assert table["all"].tolist() == [41, 16, 7, 64]
    assert (table[list(scoreboard.VERDICTS)].sum(axis=1) == table["all"]).all()
    assert table.loc["all", "holds"] == (frame().verdict == "holds").sum()


def test_a_verdict_that_nobody_got_is_counted_as_none() -> None:
    table = scoreboard.counts(frame(verdict="fails"))
    assert table.loc["all", "holds"] == 0 and table.loc["the paper", "fails"] == 41


def test_the_picture_has_a_tile_for_each_claim_and_the_counts() -> None:
    picture = scoreboard.picture(frame())
    (ax,) = picture.axes
    texts = [text.get_text() for text in ax.texts]
    signs = {verdict: sign for verdict, (_, sign) in drawings.VERDICTS.items()}
    for row in frame().to_dict("records"):
        assert f"{row['id']}\n{signs[row['verdict']]}" in texts
    assert [t for t in texts if "\n" not in t] == ["the paper", "notes on it", "this book"]
    (legend,) = picture.legends
    said = [text.get_text() for text in legend.get_texts()]
    counted = scoreboard.counts(frame()).loc["all"]
    assert said == [f"{signs[v]} {v}, {counted[v]}" for v in scoreboard.VERDICTS]


def test_the_caption_says_the_same() -> None:
    assert scoreboard.caption(frame(verdict="holds")) == "64 claims as coloured tiles: 64 holds."
    said = scoreboard.caption(frame())
    for verdict, number in scoreboard.counts(frame()).loc["all"].drop("all").items():
        assert f"{number} {verdict}" in said


def test_a_board_shows_every_claim_with_its_numbers_rule_and_command() -> None:
    board = scoreboard.board(frame(), {4: "04_forward.ipynb"})
    markdown = board._repr_markdown_()
    for row in frame().to_dict("records"):
        claim = CLAIMS[row["id"]]
        assert f'<span class="claim-id">{claim.id}</span> {claim.text}' in markdown
        for name in claim.needs:
            assert f"`xavier run {name} --scale book`" in markdown
    assert markdown.count('<div class="claim">') == markdown.count("</div>") == 64
    assert markdown.count("[Chapter 4](04_forward.ipynb)") == sum(
        claim.chapter == 4 for claim in CLAIMS.values()
    )
    assert "Here: 1.5 (1.25 to 1.75)." in markdown and "Claimed: 2." in markdown
    assert markdown.count("Another verdict without seed 3.") == 1
    assert len(repr(board).splitlines()) == 64
    with pytest.raises(ValueError, match="at least one claim"):
        scoreboard.board(frame()[:0])


def test_records_made_later_are_named_where_they_were_read() -> None:
    rows = frame()[lambda rows: rows["id"] == "P10"]
    for records, told in (([], False), (["fig2.book", "depth.book", "tanh_late.book"], True)):
        board = scoreboard.board(rows.assign(records=[records]))._repr_markdown_()
        assert ("`xavier run tanh_late --scale book`" in board) is told
        assert "`xavier run fig2 --scale book`" in board


def test_a_board_marks_up_nothing_that_is_meant_literally() -> None:
    one = scoreboard.board(frame(note="|z| costs $5 * 3")[:1])._repr_markdown_()
    assert r"\|z\| costs \$5 \* 3." in one


@pytest.mark.parametrize(
    ("ours", "low", "paper", "said"),
    [
        (0.123456, 0.1, None, "Here: 0.1235 (0.1 to 2)."),
        ("a and b", np.nan, 5, "Here: a and b. Claimed: 5."),
        (None, np.nan, None, ""),
        (np.nan, np.nan, "x", "Claimed: x."),
    ],
)
def test_numbers_are_a_sentence(ours: Any, low: float, paper: Any, said: str) -> None:
    row = {"ours": ours, "low": low, "high": 2.0, "paper": paper}
    assert scoreboard.numbers(row) == said


# --------------------------------------------------------------------------------- one seed less


def test_a_verdict_that_hangs_on_one_seed_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = pd.DataFrame(
        {"stage": ["rate", *["main"] * 3], "seed": [1000, 0, 1, 2], "value": [9.0, 1.0, 1.0, 6.0]}
    )

    def large(evidence: Evidence) -> Judgement:
        table = evidence.rows("hessian")
        mean = float(table[table.stage == "main"].value.mean())
        return Judgement(of_fact(mean > 2), mean, None, None, "made up")

    claim = CLAIMS["P9"]
    monkeypatch.setitem(CLAIMS, "P9", claims.Claim(**{**vars(claim), "judge": large}))
    evidence = Evidence()
    evidence._loaded["hessian", "book"] = rows
    monkeypatch.setattr(scoreboard, "Evidence", lambda folder: evidence)
    judged = {"id": ["P9", "S3"], "verdict": ["holds"] * 2, "records": [("hessian.book",), ()]}
    table = pd.DataFrame(judged)
    assert scoreboard.stability(table) == [(2,), ()]


# -------------------------------------------------------------------------------------- committed


def test_the_front_page_shows_the_scoreboard_as_it_is() -> None:
    table = scoreboard.load(ROOT / "results")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (alt,) = re.findall(r"!\[([^\]]*)\]\(_static/scoreboard\.png\)", readme)
    assert alt == scoreboard.caption(table)
    with Image.open(ROOT / "_static" / "scoreboard.png") as picture:
        assert picture.info["verdicts"] == scoreboard.listed(table)
