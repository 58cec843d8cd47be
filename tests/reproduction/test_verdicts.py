"""Claims are complete, verdicts come out of judges, and judges can be moved."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
import sympy
import torch
from torch import nn

from glorot2010 import experiments, paper, records
from glorot2010.catalogue import EXPERIMENTS, Grid, config
from glorot2010.verdicts import CLAIMS, births, book, ledger, notes, sections_4_5
from glorot2010.verdicts.births import agrees
from glorot2010.verdicts.claim import (
    BIRTH,
    Array,
    Evidence,
    Judgement,
    Verdict,
    all_of,
    as_a_whole,
    describe,
    of_fact,
    of_parts,
)
from xavier import derivation, rules, theory
from xavier.activations import ACTIVATIONS
from xavier.intervals import Interval

ROOT = Path(__file__).resolve().parents[2]
VERDICTS = get_args(Verdict)
COUNTED = {"S": 16, "P": 41, "C": 7, "D": sum(name[0] == "D" for name in CLAIMS)}
IDS = [f"{letter}{k}" for letter, n in COUNTED.items() for k in range(1, n + 1)]
RECORDED = [name for name in IDS if CLAIMS[name].needs]

# What the chapters say of the claims that are judged without records.
LIVE: dict[str, Verdict] = {
    name: verdict
    for verdict, names in {
        "holds": "S3 S8 P16 P18 P19 P20 P21 P24 P40 C1 C2 C3 C4 C5 C6 D11 D15 D16 D18 D23",
        "holds in part": "S1 S2 S4 S5 S6 P14 P22 P23 P25 C7 D5 D6 D8 D9 D10 D17 D19",
        "fails": "S7 S10 S11 S12 S14 P17 P26 D25",
        "undecided": "D7 D24",
    }.items()
    for name in names.split()
}


# ----------------------------------------------------------------------------------- the claims


def test_the_claims_are_those_of_the_list_in_its_order() -> None:
    assert list(CLAIMS) == IDS
    assert {name for name in IDS if name not in RECORDED} == set(LIVE)


def test_claims_are_complete() -> None:
    for name, claim in CLAIMS.items():
        assert claim.id == name
        for field in ("where", "text", "statistic", "rule", "scale", "horizon"):
            value = getattr(claim, field)
            assert value == value.strip() and value and "  " not in value, (name, field)
        assert claim.text.endswith(".") and len(claim.text) > 30
        assert len(claim.statistic) > 20 and len(claim.rule) > 20
        if claim.chapter is not None:
            assert list((ROOT / "chapters").glob(f"{claim.chapter:02}_*.ipynb"))
        assert claim.judge.__name__.startswith(f"{name.lower()}_")


def test_what_is_decided_by_runs_has_a_number_in_its_rule_and_runs_that_reach_its_horizon() -> None:
    for name in RECORDED:
        claim = CLAIMS[name]
        assert re.search(r"\d", claim.rule), "a rule that nobody could apply"
        needed = (*claim.needs, *claim.later)
        assert set(needed) <= set(EXPERIMENTS) and len(set(needed)) == len(needed)
        runs = [
            (n, found.points if isinstance(found := config(n), Grid) else [found]) for n in needed
        ]
        lengths = [run.updates for _, some in runs for run in some if hasattr(run, "updates")]
        told = re.findall(r"[\d,]+(?= updates)", claim.horizon)
        numbers = [int(number.replace(",", "")) for number in told]
        assert numbers or not lengths or claim.horizon == BIRTH
        assert not numbers or max(numbers) <= max(lengths)


# ------------------------------------------------------------------ verdicts come out of facts


def test_parts_make_a_verdict() -> None:
    for facts, verdict in (
        ([True], "holds"),
        ([False], "fails"),
        ([None], "undecided"),
        ([True, True], "holds"),
        ([False, False], "fails"),
        ([True, False], "holds in part"),
        ([True, None], "undecided"),  # it holds, or holds in part
        ([False, None], "undecided"),
        ([True, False, None], "holds in part"),  # whatever becomes of the third
    ):
        assert of_parts({str(k): fact for k, fact in enumerate(facts)}) == verdict
        if len(facts) == 1:
            assert of_fact(facts[0]) == verdict


def test_a_whole_is_false_as_soon_as_one_fact_is() -> None:
    assert all_of([True, True]) is True
    assert all_of([True, None, False]) is False
    assert all_of([True, None]) is None


def test_samples_agree_are_rejected_or_do_not_decide() -> None:
    assert agrees(3.9) is True and agrees([-3.9, 1.0]) is True
    assert agrees(-5.0) is None and agrees([5.0, 0.0]) is None
    assert agrees([0.0, 6.5]) is False


def test_a_note_says_which_parts_hold_by_which_numbers() -> None:
    numbers = {"b": Interval(1234.5, -0.12345, 2.0, 5, 0.95), "d": Interval(*[math.nan] * 3, 0, 0)}
    note = describe({"a": True, "b": False, "c": True, "d": None}, numbers, ["Points", "5 seeds"])
    assert note == ("yes: a; c. no: b (1,234, -0.123 to 2). open: d (no number). Points. 5 seeds")
    assert describe({}, {}, ["alone"]) == "alone"
    unknown = as_a_whole(None, numbers["d"])
    assert (unknown.ours, unknown.interval) == ("no number", None)


# ------------------------------------------------------------------------------ what they say now

KEPT = ledger.load(ROOT / "results").set_index("id", drop=False)


@pytest.mark.thorough  # it judges all claims anew
def test_the_kept_ledger_is_what_is_judged_now() -> None:
    """Verdicts and numbers, and of records notes, and the seeds that a verdict hangs on.

    If it fails: make scoreboard.
    """
    judged = ledger.judge(ROOT / "results", progress=False).set_index("id", drop=False)
    flips = dict(zip(judged.id, ledger.stability(judged, ROOT / "results"), strict=True))
    assert judged.verdict.to_dict() == KEPT.verdict.to_dict()
    for name, now in judged.iterrows():
        then, live = KEPT.loc[name], name in LIVE
        assert (now.records, flips[str(name)]) == (then.records, then.flips), name
        assert live or now.note == then.note
        if isinstance(then.ours, float):
            near = 0.05 if live else 1e-6  # processors round as they like
            kept = pytest.approx((then.ours, then.low, then.high), rel=near, nan_ok=True)
            assert (now.ours, now.low, now.high) == kept, name
        else:
            assert live or now.ours == then.ours, name


def test_live_claims_have_the_verdicts_of_the_chapters() -> None:
    assert KEPT.verdict[list(LIVE)].to_dict() == LIVE


def test_judgements_are_complete() -> None:
    for name, row in KEPT[KEPT.verdict != "not run"].iterrows():
        assert row.ours is not None and row.note, name
        if isinstance(row.ours, float):
            assert math.isfinite(row.ours)
            assert math.isnan(row.low) or row.low <= row.ours <= row.high
        if row.verdict == "holds in part":
            assert "yes: " in row.note and "no: " in row.note
        assert bool(row.records) == bool(CLAIMS[str(name)].needs)


def test_the_numbers_are_those_of_the_chapters() -> None:
    """Chapters 2 to 9 print these; tolerances are several standard errors, or rounding."""
    ours = KEPT.ours
    assert ours["S3"] == "38.4 and 0.00195"
    assert ours["P19"] == pytest.approx(0.109, abs=0.0005)
    assert ours["P20"] == pytest.approx(1 / 3, abs=0.001)
    assert ours["P22"] == pytest.approx(1.62, abs=0.05)
    assert ours["P23"] == pytest.approx(1.64, abs=0.05)
    assert ours["P24"] == pytest.approx(1.03, abs=0.03)
    assert ours["P26"] == pytest.approx(8 / (3 * math.pi), abs=0.015)
    assert ours["C1"] == pytest.approx(83.33, abs=0.5)
    assert ours["C3"] == pytest.approx(1.21, abs=0.02)
    assert ours["C4"] == pytest.approx(0.399, abs=0.03)


def test_json_has_six_fields_and_numbers_that_json_has() -> None:
    found = ledger.as_json(KEPT)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert [row["id"] for row in found] == IDS
    for row in found:
        assert list(row) == ["id", "verdict", "ours", "interval", "paper", "records"]
        assert row["verdict"] in VERDICTS
        if row["interval"] is not None:
            low, high = row["interval"]
            assert low <= row["ours"] <= high
    by_id = {row["id"]: row for row in found}
    assert by_id["C5"]["paper"] == pytest.approx(1 / 3)
    assert by_id["S1"]["interval"] is None and isinstance(by_id["S1"]["ours"], str)


# ------------------------------------------------------------------------------- without records


def test_without_records_nothing_that_needs_them_is_judged(tmp_path: Path) -> None:
    frame = ledger.judge(tmp_path, RECORDED, progress=False)
    assert frame.id.tolist() == RECORDED and set(frame.verdict) == {"not run"}
    for row in frame.to_dict("records"):
        assert f"xavier run {CLAIMS[row['id']].needs[0]} --scale book" in row["note"]
        assert row["ours"] is None and row["records"] == () and math.isnan(row["low"])
    assert list(tmp_path.iterdir()) == []
    for entry in ledger.as_json(frame):
        assert (entry["ours"], entry["interval"], entry["paper"]) == (None, None, None)


def test_a_folder_that_nobody_named_is_a_reason_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(folder: Any = None) -> Path:
        raise FileNotFoundError("no folder for the records: set XAVIER_RESULTS")

    monkeypatch.setattr(records, "results_folder", nowhere)
    (row,) = ledger.judge(None, ["P9"], progress=False).to_dict("records")
    assert row["verdict"] == "not run" and "XAVIER_RESULTS" in row["note"]


# -------------------------------------------------------------------------------- with a record


def record(folder: Path, largest: float, changes: dict[str, Any] | None = None) -> Path:
    """A record of the experiment "hessian" with one made-up number."""
    rows = pd.DataFrame({"stage": ["main"], "arm": ["sigmoid"], "seed": [0], "value": [largest]})
    made = {**experiments.plain(config("hessian")), **(changes or {})}
    return records.save(
        rows,
        experiment="hessian",
        scale="book",
        config=made,
        seeds=made["seeds"],
        device="cpu",
        wall_time=1.0,
        command="made up",
        folder=folder,
    )


def large(evidence: Evidence) -> Judgement:
    value = float(evidence.rows("hessian").value.iloc[0])
    return as_a_whole(value > 2, Interval(value, value - 1, value + 1, 5, 0.95), paper=5.0)


@pytest.fixture
def by_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """P9 with a judge of this one number."""
    monkeypatch.setitem(CLAIMS, "P9", dataclasses.replace(CLAIMS["P9"], judge=large))


@pytest.mark.usefixtures("by_size")
def test_a_verdict_rests_on_the_record_that_is_there_now(tmp_path: Path) -> None:
    for value, verdict in ((3.0, "holds"), (1.0, "fails"), (4.0, "holds")):
        record(tmp_path, value)
        (row,) = ledger.as_json(ledger.judge(tmp_path, ["P9"], progress=False))
        assert row == {
            **{"id": "P9", "verdict": verdict, "ours": value},
            **{"interval": [value - 1, value + 1], "paper": 5.0, "records": ["hessian.book"]},
        }


@pytest.mark.usefixtures("by_size")
def test_a_record_that_is_refused_gives_no_verdict(tmp_path: Path) -> None:
    path = record(tmp_path, 3.0)
    assert ledger.judge(tmp_path, ["P9"], progress=False).verdict[0] == "holds"
    path.write_bytes(path.read_bytes()[:-10])
    (row,) = ledger.judge(tmp_path, ["P9"], progress=False).to_dict("records")
    assert row["verdict"] == "not run" and row["ours"] is None and row["records"] == ()
    assert "damaged" in row["note"] and "xavier run hessian --scale book" in row["note"]


@pytest.mark.usefixtures("by_size")
def test_a_record_of_another_configuration_gives_no_verdict(tmp_path: Path) -> None:
    record(tmp_path, 3.0, {"seeds": [7]})
    (row,) = ledger.judge(tmp_path, ["P9"], progress=False).to_dict("records")
    assert row["verdict"] == "not run" and "another config" in row["note"]


def test_what_is_to_come_is_asked_for_and_counts_only_if_it_is_sound(tmp_path: Path) -> None:
    evidence = Evidence(tmp_path)
    assert evidence.rows_if_any("hessian") is None
    path = record(tmp_path, 3.0)
    rows = Evidence(tmp_path).rows_if_any("hessian")
    assert rows is not None and rows.value[0] == 3.0
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(records.RecordError, match="damaged"):
        Evidence(tmp_path).rows_if_any("hessian")


# ------------------------------------------------------------------------------------- arguments


def test_claims_are_judged_in_the_order_that_is_asked_for() -> None:
    frame = ledger.judge(None, ["S11", "S10"], progress=False)
    assert frame.id.tolist() == ["S11", "S10"] and (frame.seconds >= 0).all()
    assert ledger.judge(None, [], progress=False).empty


def test_an_unknown_id_is_refused_before_anything_is_judged() -> None:
    with pytest.raises(ValueError, match=r"ids must be one of S1, .*, got 'P99'"):
        ledger.judge(None, ["S1", "P99"])
    with pytest.raises(TypeError, match="ids must be a sequence of ids, got the text 'S1'"):
        ledger.judge(None, "S1")


def test_progress_is_shown_where_it_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    ledger.judge(None, ["S11"], progress=False)
    assert capsys.readouterr().err == ""
    ledger.judge(None, ["S11"], progress=True)
    assert "S11" in capsys.readouterr().err


def test_a_fault_in_a_judge_is_not_a_missing_record(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(evidence: Evidence) -> Judgement:
        raise ZeroDivisionError("a fault")

    monkeypatch.setitem(CLAIMS, "S11", dataclasses.replace(CLAIMS["S11"], judge=broken))
    with pytest.raises(ZeroDivisionError):
        ledger.judge(None, ["S11"], progress=False)


def test_torch_draws_go_on_where_they_were_after_judging_torch() -> None:
    before = torch.get_rng_state()
    assert ledger.judge(None, ["C5"], progress=False).verdict[0] == "holds"
    assert torch.equal(before, torch.get_rng_state())


# -------------------------------------------------------------------------------- planted changes

Patch = pytest.MonkeyPatch


def of_rule(name: str, law: rules.Rule) -> Callable[[Patch], None]:
    """Another variance under the name of a rule, for whoever draws weights by it."""
    return lambda patch: patch.setitem(rules.RULES, name, law)


def of(owner: Any, name: str, value: Any) -> Callable[[Patch], None]:
    return lambda patch: patch.setattr(owner, name, value)


def as_the_figures_suggest(n_in: int, n_out: int) -> float:
    """What chapter 7 guesses of the paper's normalized networks."""
    return 1.25 / n_in if n_in == n_out else 1 / (3 * n_in)


def symmetric_sigmoid(patch: Patch) -> None:
    changed = dataclasses.replace(ACTIVATIONS["sigmoid"], expression=sympy.tanh)
    patch.setitem(ACTIVATIONS, "sigmoid", changed)


def louder_layers(patch: Patch) -> None:
    """Standard weight gradients that grow from layer to layer."""
    plain = births.at_birth

    def at_birth(rule: str, quantity: str, statistic: str = "std") -> Array:
        louder = np.arange(1, 6) if (rule, quantity) == ("standard", "weight_gradient") else 1
        return np.asarray(plain(rule, quantity, statistic) * louder)

    patch.setattr(births, "at_birth", at_birth)


def diverging_tanh(patch: Patch) -> None:
    rows = notes._sweep("identity")
    patch.setattr(notes, "_sweep", lambda units: rows)


def uneven_weight_gradients(patch: Patch) -> None:
    plain = derivation.weight_gradient_variance

    def uneven(sizes: Sequence[Any], *, layer: int = 0, without: Sequence[str] = ()) -> sympy.Expr:
        return (1 + layer) * plain(sizes, layer=layer, without=without)

    patch.setattr(derivation, "weight_gradient_variance", uneven)


def doubled_forward(patch: Patch) -> None:
    plain = derivation.forward_variance

    def doubled(sizes: Sequence[Any], *, without: Sequence[str] = ()) -> sympy.Expr:
        return 2 * plain(sizes, without=without)

    patch.setattr(derivation, "forward_variance", doubled)


def slower_law(patch: Patch) -> None:
    plain = theory.vanishing_variance
    layer = sympy.Symbol("l", positive=True)
    patch.setattr(theory, "vanishing_variance", lambda units: (1 / layer, plain(units)[1]))


def always_swinging(patch: Patch) -> None:
    patch.setattr(notes, "_swings", lambda path: True)


# What is planted, what must be computed anew for it, and what becomes of which verdicts.
PLANTED: list[tuple[str, Callable[[Patch], None], tuple[Any, ...], dict[str, Verdict]]] = [
    ("an order of sums that does not matter", of(notes, "UNTIED", 2.0), (), {"S1": "holds"}),
    ("tanh networks that diverge", diverging_tanh, (), {"S2": "holds"}),
    ("LeCun's rule twice too large", of_rule("lecun", lambda n, m: 2 / n), (),
     {"S3": "holds in part"}),
    ("gradients may change a million times", of(births, "KEPT", 1e6), (),
     {"S4": "holds", "S6": "holds"}),
    ("LeCun's rule is Glorot's", of(rules, "lecun", rules.glorot), (), {"S5": "holds"}),
    ("a bound of one size", of(derivation, "glorot_bound", lambda: 1 / sympy.sqrt(derivation.n_in)),
     (), {"S7": "holds", "P21": "fails"}),
    ("He's rule a half too small", of_rule("he", lambda n, m: 1 / n), (), {"S8": "fails"}),
    ("an odd sigmoid", symmetric_sigmoid, (), {"S10": "holds"}),
    ("LeCun's rule is the standard one", of(rules, "lecun", rules.standard), (), {"S11": "holds"}),
    ("standard weight gradients that differ", louder_layers, (),
     {"S12": "holds", "P18": "holds in part", "P24": "holds in part"}),
    ("weights that oscillate", always_swinging, (), {"S14": "holds in part"}),
    ("a margin that no output passes", of(sections_4_5, "WORSE_PLATEAUS", 0.06), (),
     {"P14": "fails"}),
    ("a forward law of twice the size", doubled_forward, (), {"P16": "fails"}),
    ("equation 6 printed right",
     of(derivation, "printed_backward_variance", derivation.backward_variance),
     (sections_4_5._printed_equations,), {"P17": "holds in part"}),
    ("weight gradients that differ by derivation", uneven_weight_gradients, (),
     {"P18": "holds in part"}),
    ("Glorot's rule is He's", of(rules, "glorot", rules.he), (), {"P19": "fails", "P21": "fails"}),
    ("a common solution for all widths",
     of(derivation, "common_solutions", lambda *sizes: [{derivation.v: derivation.n_in}]), (),
     {"P19": "fails"}),
    ("the standard rule is LeCun's", of(rules, "standard", rules.lecun), (),
     {"P20": "fails", "C5": "holds in part"}),
    ("standard weights too large", of_rule("standard", rules.lecun), (), {"P20": "fails"}),
    ("the scales that the figures suggest", of_rule("glorot", as_the_figures_suggest),
     (births.birth,), {"P22": "holds", "P23": "holds"}),
    ("a baseline with LeCun's name", of_rule("lecun", rules.standard), (births.birth,),
     {"C6": "fails"}),
    ("other numbers in the paper",
     of(paper, "SINGULAR_VALUES", {"standard": 0.9, "normalized": 0.2}), (), {"P25": "fails"}),
    ("a wide margin", of(births, "MATCHES", 0.9), (), {"P26": "holds"}),
    ("a monitor that hardly ever reports", of(sections_4_5, "_ALARM", 100.0), (), {"P40": "fails"}),
    ("a monitor that always reports", of(sections_4_5, "_ALARM", 1.0), (), {"P40": "fails"}),
    ("nine classes of one frequency", of(book, "FREQUENCIES", (1 / 9,) * 9), (),
     {"C1": "holds in part"}),
    ("a law twice too large", slower_law, (), {"C2": "holds in part"}),
    ("another gain in torch", of(nn.init, "calculate_gain", lambda name: 1.5), (),
     {"C3": "fails"}),
    ("a gain of twelve is modest", of(book, "MODEST", 12.0), (), {"C4": "fails"}),
    ("level whatever happens", of(book, "LEVEL", 1e9), (), {"C7": "holds"}),
]  # fmt: skip


@pytest.fixture
def forgetting() -> Iterator[Callable[[Sequence[Any]], None]]:
    """Forget kept computations before a test and after it."""
    kept: list[Any] = []

    def forget(which: Sequence[Any]) -> None:
        kept.extend(which)
        for computation in which:
            computation.cache_clear()

    yield forget
    forget(tuple(kept))


@pytest.mark.thorough  # much is computed again in each process
@pytest.mark.parametrize(
    ("name", "plant", "anew", "expected"), PLANTED, ids=[name for name, *_ in PLANTED]
)
def test_a_planted_change_moves_the_verdict(
    name: str,
    plant: Callable[[Patch], None],
    anew: tuple[Any, ...],
    expected: dict[str, Verdict],
    monkeypatch: pytest.MonkeyPatch,
    forgetting: Callable[[Sequence[Any]], None],
) -> None:
    assert all(KEPT.verdict[claim] != verdict for claim, verdict in expected.items())
    plant(monkeypatch)
    forgetting(anew)
    frame = ledger.judge("no such folder", expected, progress=False)
    assert dict(zip(frame.id, frame.verdict, strict=True)) == expected


def test_nearly_every_live_judge_was_moved() -> None:
    moved = {claim for *_, expected in PLANTED for claim in expected}
    assert {claim for claim in LIVE if claim[0] != "D"} - moved == set()  # D: test_since_*.py
