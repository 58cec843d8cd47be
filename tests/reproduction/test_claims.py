"""The ledger: its claims are complete, its verdicts come out of judges, and judges can be moved."""

from __future__ import annotations

import ast
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

from glorot2010 import claims, experiments, judges, judging, paper, records, scoreboard, trials
from glorot2010.catalogue import EXPERIMENTS, Grid, config
from glorot2010.claims import CLAIMS, Claim, as_json, ledger
from glorot2010.judges import agrees
from glorot2010.judging import Evidence, Fact, Judgement, Verdict, all_of, of_fact, of_parts
from xavier import derivation, rules, theory
from xavier.activations import ACTIVATIONS

ROOT = Path(__file__).resolve().parents[2]
VERDICTS = get_args(Verdict)

IDS = [
    *("S1", "S2", "S3", "S4", "S5", "S6", "S7", "S8", "S9", "S10", "S11", "S12", "S13", "S14"),
    *("S15", "S16"),
    *("P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8", "P9", "P10", "P11", "P12", "P13", "P14"),
    *("P15", "P16", "P17", "P18", "P19", "P20", "P21", "P22", "P23", "P24", "P25", "P26", "P27"),
    *("P28", "P29", "P30", "P31", "P32", "P33", "P34", "P35", "P36", "P37", "P38", "P39", "P40"),
    *("P41",),
    *("C1", "C2", "C3", "C4", "C5", "C6", "C7"),
]

# What the chapters say of the claims that are judged without records.
LIVE: dict[str, Verdict] = {
    **{"S1": "holds in part", "S2": "holds in part", "S3": "holds", "S4": "holds in part"},
    **{"S5": "holds in part", "S6": "holds in part", "S7": "fails", "S8": "holds"},
    **{"S10": "fails", "S11": "fails", "S12": "fails", "S14": "fails"},
    **{
        "P14": "undecided",
        "P16": "holds",
        "P17": "fails",
        "P18": "holds",
        "P19": "holds",
        "P20": "holds",
    },
    **{"P21": "holds", "P22": "holds in part", "P23": "holds in part", "P24": "holds"},
    **{"P25": "holds in part", "P26": "fails", "P40": "holds"},
    **{"C1": "holds", "C2": "holds", "C3": "holds", "C4": "holds", "C5": "holds", "C6": "holds"},
    **{"C7": "holds in part"},
}


@pytest.fixture(scope="module")
def live() -> pd.DataFrame:
    """All claims that need no record, judged once for this file."""
    return ledger("no such folder", LIVE, progress=False).set_index("id", drop=False)


# ----------------------------------------------------------------------------------- the claims


def test_the_claims_are_those_of_the_list_in_its_order() -> None:
    assert list(CLAIMS) == IDS
    assert all(claim.id == name for name, claim in CLAIMS.items())


@pytest.mark.parametrize("name", IDS)
def test_a_claim_is_complete(name: str) -> None:
    claim = CLAIMS[name]
    for field in ("where", "text", "statistic", "rule", "scale", "horizon"):
        value = getattr(claim, field)
        assert value == value.strip() and value and "  " not in value, field
    assert claim.text.endswith(".") and len(claim.text) > 30
    assert len(claim.statistic) > 20 and len(claim.rule) > 20
    assert isinstance(claim.needs, tuple)
    if claim.chapter is not None:
        assert list((ROOT / "chapters").glob(f"{claim.chapter:02}_*.ipynb"))


@pytest.mark.parametrize("name", [name for name in IDS if CLAIMS[name].needs])
def test_what_is_decided_by_runs_has_a_number_in_its_rule_and_runs_that_reach_its_horizon(
    name: str,
) -> None:
    claim = CLAIMS[name]
    assert re.search(r"\d", claim.rule), "a rule that nobody could apply"
    needed = (*claim.needs, *claim.later)
    assert set(needed) <= set(EXPERIMENTS) and len(set(needed)) == len(needed)
    lengths = [found.updates for need in needed if not isinstance(found := config(need), Grid)]
    numbers = [int(n.replace(",", "")) for n in re.findall(r"[\d,]+(?= updates)", claim.horizon)]
    assert numbers or not lengths or claim.horizon == claims._BIRTH
    assert not numbers or max(numbers) <= max(lengths)


def test_the_live_claims_are_those_without_records() -> None:
    """The rest is judged now, or when the record is there that it waits for."""
    assert {claim.id for claim in CLAIMS.values() if not claim.needs} == set(LIVE)


def test_each_judge_is_named_after_its_claim_and_is_where_its_kind_is() -> None:
    for claim in CLAIMS.values():
        assert getattr(claim.judge, "__name__", "").startswith(f"{claim.id.lower()}_")
        assert claim.judge.__module__ == (trials if claim.needs else judges).__name__


def test_rules_quote_the_limits_that_judges_use() -> None:
    rules_of = {name: f"{claim.statistic} {claim.rule}" for name, claim in CLAIMS.items()}
    for name in ("S9", "S15", "P10", "P15", "P30", "P32", "P34", "P35", "P36", "P37", "P38", "P39"):
        assert f"{trials.MARGIN:g} points" in rules_of[name]
    for name in ("P5", "P7", "P8", "P30"):
        assert f"{trials.CHANCE:g}" in rules_of[name]
    for name in ("P3", "P4", "P7", "P8"):
        assert f"below {trials.COLLAPSED:g}" in rules_of[name]
    for name in ("P7", "P8"):
        assert f"above {trials.OPEN:g}" in rules_of[name]


def test_claims_and_judgements_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        CLAIMS["S1"].rule = "holds"  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        Judgement("holds", None, None, None, "").verdict = "fails"  # type: ignore[misc]


# ------------------------------------------------------------------ verdicts come out of judges


def said(source: str) -> dict[str, set[str]]:
    """In which functions of a module (or "" for none) a verdict is written as a text."""
    found: dict[str, set[str]] = {}

    def look(node: ast.AST, within: str) -> None:
        if isinstance(node, ast.FunctionDef):
            within = node.name
        if isinstance(node, ast.Constant) and node.value in VERDICTS:
            found.setdefault(within, set()).add(str(node.value))
        for child in ast.iter_child_nodes(node):
            look(child, within)

    look(ast.parse(source), "")
    return found


def source(module: Any) -> str:
    return Path(module.__file__).read_text(encoding="utf-8")


def test_no_claim_holds_a_verdict() -> None:
    assert said(source(claims)) == {"_not_run": {"not run"}}
    fields = {field.name: field.type for field in dataclasses.fields(Claim)}
    assert "Verdict" not in str(fields)


def test_verdicts_are_made_of_facts_in_two_places_only() -> None:
    found = said(source(judging))
    assert set(found.pop("")) == set(VERDICTS)  # the type
    assert set(found) == {"of_fact", "of_parts"}
    assert said(source(judges)) == said(source(trials)) == {}


def test_a_written_verdict_is_found() -> None:
    planted = source(claims).replace('id="S5"', 'id="holds"')
    assert said(planted)[""] == {"holds"}


def test_every_judge_decides_by_something_that_it_computed() -> None:
    """Each calls `of_fact` or `of_parts` with what is no constant, and returns nothing else."""
    functions = {
        node.name: node
        for module in (judges, trials)
        for node in ast.walk(ast.parse(source(module)))
        if isinstance(node, ast.FunctionDef)
    }
    for claim in CLAIMS.values():
        judge = functions[getattr(claim.judge, "__name__", "")]
        returns = [node.value for node in ast.walk(judge) if isinstance(node, ast.Return)]
        assert returns
        for value in returns:
            assert isinstance(value, ast.Call) and isinstance(value.func, ast.Name)
            assert value.func.id == "Judgement"
        decisions = [
            call.args[0]
            for call in ast.walk(judge)
            if isinstance(call, ast.Call)
            and isinstance(call.func, ast.Name)
            and call.func.id in ("of_fact", "of_parts")
        ]
        assert decisions and not any(isinstance(fact, ast.Constant) for fact in decisions)


@pytest.mark.parametrize(
    ("facts", "verdict"),
    [
        ([True], "holds"),
        ([False], "fails"),
        ([None], "undecided"),
        ([True, True], "holds"),
        ([False, False], "fails"),
        ([True, False], "holds in part"),
        ([True, None], "undecided"),  # it holds, or holds in part
        ([False, None], "undecided"),
        ([True, False, None], "holds in part"),  # whatever becomes of the third
    ],
)
def test_parts_make_a_verdict(facts: Sequence[Fact], verdict: str) -> None:
    assert of_parts({str(k): fact for k, fact in enumerate(facts)}) == verdict
    if len(facts) == 1:
        assert of_fact(facts[0]) == verdict


def test_no_parts_make_no_verdict() -> None:
    with pytest.raises(ValueError, match="parts must hold at least one"):
        of_parts({})


def test_a_whole_is_false_as_soon_as_one_fact_is() -> None:
    assert all_of([True, True]) is True
    assert all_of([True, None, False]) is False
    assert all_of([True, None]) is None


def test_samples_agree_are_rejected_or_do_not_decide() -> None:
    assert agrees(3.9) is True and agrees([-3.9, 1.0]) is True
    assert agrees(-5.0) is None and agrees([5.0, 0.0]) is None
    assert agrees([0.0, 6.5]) is False


# ------------------------------------------------------------------------------ what they say now


def test_live_claims_get_the_verdicts_of_the_chapters(live: pd.DataFrame) -> None:
    assert live.verdict.to_dict() == LIVE


@pytest.mark.parametrize("name", LIVE)
def test_a_live_judgement_is_complete(live: pd.DataFrame, name: str) -> None:
    row = live.loc[name]
    assert row.ours is not None and row.note and row.seconds >= 0 and row.records == ()
    if isinstance(row.ours, float):
        assert math.isfinite(row.ours)
        if not math.isnan(row.low):
            assert row.low <= row.ours <= row.high
    if row.verdict == "holds in part":
        assert "yes: " in row.note and "no: " in row.note


def test_the_numbers_are_those_of_the_chapters(live: pd.DataFrame) -> None:
    """Chapters 2 to 9 print these; tolerances are several standard errors, or rounding."""
    ours = live.ours
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


def test_json_has_six_fields_and_numbers_that_json_has(live: pd.DataFrame) -> None:
    found = as_json(live)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert [row["id"] for row in found] == list(LIVE)
    for row in found:
        assert list(row) == ["id", "verdict", "ours", "interval", "paper", "records"]
        assert row["verdict"] in VERDICTS and row["records"] == []
        if row["interval"] is not None:
            low, high = row["interval"]
            assert low <= row["ours"] <= high
    by_id = {row["id"]: row for row in found}
    assert by_id["C5"]["paper"] == pytest.approx(1 / 3)
    assert by_id["S1"]["interval"] is None and isinstance(by_id["S1"]["ours"], str)


# ---------------------------------------------------------------------- what the book says of them

KEPT = scoreboard.load(ROOT / "results").set_index("id", drop=False)


def test_the_kept_verdicts_of_live_claims_are_those_of_now(live: pd.DataFrame) -> None:
    assert KEPT.verdict[list(LIVE)].to_dict() == live.verdict.to_dict()


@pytest.fixture(scope="module")
def recorded() -> pd.DataFrame:
    """All claims that rest on records, judged from those that are committed."""
    found = ledger(ROOT / "results", [name for name in IDS if CLAIMS[name].needs], progress=False)
    return found.assign(flips=scoreboard.stability(found, ROOT / "results")).set_index("id")


@pytest.mark.parametrize("name", [name for name in IDS if CLAIMS[name].needs])
def test_a_kept_verdict_is_what_the_committed_records_give(
    recorded: pd.DataFrame, name: str
) -> None:
    """Verdict, numbers, note, and which seeds it hangs on; if it fails: make scoreboard."""
    now, kept = recorded.loc[name], KEPT.loc[name]
    assert (now.verdict, now.note) == (kept.verdict, kept.note)
    assert (now.records, now.flips) == (kept.records, kept.flips)
    assert now.ours == (pytest.approx(kept.ours) if isinstance(kept.ours, float) else kept.ours)
    assert (now.low, now.high) == pytest.approx((kept.low, kept.high), nan_ok=True)


@pytest.mark.parametrize("name", [name for name in IDS if KEPT.records[name]])
def test_a_committed_record_that_was_changed_gives_no_verdict(name: str, tmp_path: Path) -> None:
    for need in CLAIMS[name].needs:
        data = bytearray((ROOT / "results" / f"{need}.book.csv.gz").read_bytes())
        data[len(data) // 2] ^= 1
        (tmp_path / f"{need}.book.csv.gz").write_bytes(data)
    (row,) = ledger(tmp_path, [name], progress=False).to_dict("records")
    assert row["verdict"] == "not run" and "refused" in row["note"]


# ------------------------------------------------------------------------------- without records


def test_without_records_nothing_that_needs_them_is_judged(tmp_path: Path) -> None:
    waiting = [name for name in IDS if CLAIMS[name].needs]
    frame = ledger(tmp_path, waiting, progress=False)
    assert set(frame.verdict) == {"not run"}
    for row, name in zip(frame.to_dict("records"), waiting, strict=True):
        needs = CLAIMS[name].needs
        assert f"xavier run {needs[0]} --scale book" in row["note"]
        assert row["ours"] is None and row["records"] == () and math.isnan(row["low"])
    assert list(tmp_path.iterdir()) == []
    for entry in as_json(frame):
        assert (entry["ours"], entry["interval"], entry["paper"]) == (None, None, None)


def test_a_folder_that_nobody_named_is_a_reason_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(folder: Any = None) -> Path:
        raise FileNotFoundError("no folder for the records: set XAVIER_RESULTS")

    monkeypatch.setattr(records, "results_folder", nowhere)
    (row,) = ledger(None, ["P9"], progress=False).to_dict("records")
    assert row["verdict"] == "not run" and "XAVIER_RESULTS" in row["note"]


# -------------------------------------------------------------------------------- with a record


def record(folder: Path, largest: float, changes: dict[str, Any] | None = None) -> Path:
    """A record of the experiment "hessian" with one made-up number."""
    rows = pd.DataFrame({"arm": ["sigmoid"], "value": [largest]})
    return records.save(
        rows,
        experiment="hessian",
        scale="book",
        config={**experiments.plain(config("hessian")), **(changes or {})},
        seeds=[0],
        device="cpu",
        wall_time=1.0,
        command="made up",
        folder=folder,
    )


def large(evidence: Evidence) -> Judgement:
    value = float(evidence.rows("hessian").value.iloc[0])
    return Judgement(of_fact(value > 2), value, (value - 1, value + 1), 5.0, "made up")


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """P9 with a judge."""
    monkeypatch.setitem(CLAIMS, "P9", dataclasses.replace(CLAIMS["P9"], judge=large))


@pytest.mark.usefixtures("judged")
def test_a_verdict_rests_on_the_record_that_is_there_now(tmp_path: Path) -> None:
    for value, verdict in ((3.0, "holds"), (1.0, "fails"), (4.0, "holds")):
        record(tmp_path, value)
        (row,) = as_json(ledger(tmp_path, ["P9"], progress=False))
        assert row == {
            **{"id": "P9", "verdict": verdict, "ours": value},
            **{"interval": [value - 1, value + 1], "paper": 5.0, "records": ["hessian.book"]},
        }


@pytest.mark.usefixtures("judged")
def test_a_record_that_is_refused_gives_no_verdict(tmp_path: Path) -> None:
    path = record(tmp_path, 3.0)
    assert ledger(tmp_path, ["P9"], progress=False).verdict[0] == "holds"
    path.write_bytes(path.read_bytes()[:-10])
    (row,) = ledger(tmp_path, ["P9"], progress=False).to_dict("records")
    assert row["verdict"] == "not run" and row["ours"] is None and row["records"] == ()
    assert "refused" in row["note"] and "xavier run hessian --scale book" in row["note"]


@pytest.mark.usefixtures("judged")
def test_a_record_of_another_configuration_gives_no_verdict(tmp_path: Path) -> None:
    record(tmp_path, 3.0, {"seeds": [7]})
    (row,) = ledger(tmp_path, ["P9"], progress=False).to_dict("records")
    assert row["verdict"] == "not run" and "another config" in row["note"]


def test_what_is_to_come_is_asked_for_and_counts_only_if_it_is_sound(tmp_path: Path) -> None:
    evidence = Evidence(tmp_path)
    assert evidence.rows_if_any("hessian") is None and not evidence.records
    path = record(tmp_path, 3.0)
    rows = Evidence(tmp_path).rows_if_any("hessian")
    assert rows is not None and rows.value[0] == 3.0
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(records.RecordError, match="refused"):
        Evidence(tmp_path).rows_if_any("hessian")


def test_evidence_remembers_what_was_read_and_gives_copies(tmp_path: Path) -> None:
    record(tmp_path, 3.0)
    evidence = Evidence(tmp_path)
    assert not evidence.records
    rows = evidence.rows("hessian")
    rows["value"] = 0.0
    assert evidence.rows("hessian").value[0] == 3.0
    assert evidence.records == ("hessian.book",)
    assert evidence.fresh().records == ()
    with pytest.raises(records.RecordMissing, match=r"xavier run table1 --scale smoke"):
        evidence.rows("table1", "smoke")
    with pytest.raises(records.RecordMissing, match=r"xavier run table1 --scale book"):
        evidence.rows("fig3")  # which is drawn from table1's rows
    assert evidence.records == ("hessian.book",)
    with pytest.raises(ValueError, match="did you mean 'table1'"):
        evidence.rows("tabel1")


# ------------------------------------------------------------------------------------- arguments


def test_claims_are_judged_in_the_order_that_is_asked_for(live: pd.DataFrame) -> None:
    frame = ledger(None, ["S11", "S10"], progress=False)
    assert frame.id.tolist() == ["S11", "S10"]
    assert list(frame.columns) == list(live.columns)
    assert ledger(None, [], progress=False).empty
    assert as_json(ledger(None, [], progress=False)) == []


def test_an_unknown_id_is_refused_before_anything_is_judged() -> None:
    with pytest.raises(ValueError, match=r"ids must be one of S1, .*, got 'P99'"):
        ledger(None, ["S1", "P99"])
    with pytest.raises(TypeError, match="ids must be a sequence of ids, got the text 'S1'"):
        ledger(None, "S1")


def test_json_is_of_a_ledger() -> None:
    with pytest.raises(ValueError, match="frame must be from ledger"):
        as_json(pd.DataFrame({"id": ["S1"]}))


def test_progress_is_shown_where_it_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    ledger(None, ["S11"], progress=False)
    assert capsys.readouterr().err == ""
    ledger(None, ["S11"], progress=True)
    assert "S11" in capsys.readouterr().err


def test_a_fault_in_a_judge_is_not_a_missing_record(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(evidence: Evidence) -> Judgement:
        raise ZeroDivisionError("a fault")

    monkeypatch.setitem(CLAIMS, "S11", dataclasses.replace(CLAIMS["S11"], judge=broken))
    with pytest.raises(ZeroDivisionError):
        ledger(None, ["S11"], progress=False)


def test_torch_draws_go_on_where_they_were_after_judging_torch() -> None:
    before = torch.get_rng_state()
    assert ledger(None, ["C5"], progress=False).verdict[0] == "holds"
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
    plain = judges._at_birth

    def at_birth(rule: str, quantity: str, statistic: str = "std") -> judging.Array:
        louder = np.arange(1, 6) if (rule, quantity) == ("standard", "weight_gradient") else 1
        return np.asarray(plain(rule, quantity, statistic) * louder)

    patch.setattr(judges, "_at_birth", at_birth)


def diverging_tanh(patch: Patch) -> None:
    rows = judges._sweep("identity")
    patch.setattr(judges, "_sweep", lambda units: rows)


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
    patch.setattr(judges, "_swings", lambda path: True)


# What is planted, what must be computed anew for it, and what becomes of which verdicts.
PLANTED: list[tuple[str, Callable[[Patch], None], tuple[str, ...], dict[str, Verdict]]] = [
    ("an order of sums that does not matter", of(judges, "UNTIED", 2.0), (), {"S1": "holds"}),
    ("tanh networks that diverge", diverging_tanh, (), {"S2": "holds"}),
    ("LeCun's rule twice too large", of_rule("lecun", lambda n, m: 2 / n), (),
     {"S3": "holds in part"}),
    ("gradients may change a million times", of(judges, "KEPT", 1e6), (),
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
    ("a margin that tanh outputs pass", of(judges, "WORSE_PLATEAUS", 0.02), (),
     {"P14": "holds in part"}),
    ("a forward law of twice the size", doubled_forward, (), {"P16": "fails"}),
    ("equation 6 printed right",
     of(derivation, "printed_backward_variance", derivation.backward_variance),
     ("_printed_equations",), {"P17": "holds in part"}),
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
     ("_birth",), {"P22": "holds", "P23": "holds"}),
    ("a baseline with LeCun's name", of_rule("lecun", rules.standard), ("_birth",),
     {"C6": "fails"}),
    ("other numbers in the paper",
     of(paper, "SINGULAR_VALUES", {"standard": 0.9, "normalized": 0.2}), (), {"P25": "fails"}),
    ("a wide margin", of(judges, "MATCHES", 0.9), (), {"P26": "holds"}),
    ("a monitor that hardly ever reports", of(judges, "_ALARM", 100.0), (), {"P40": "fails"}),
    ("a monitor that always reports", of(judges, "_ALARM", 1.0), (), {"P40": "fails"}),
    ("nine classes of one frequency", of(judges, "FREQUENCIES", (1 / 9,) * 9), (),
     {"C1": "holds in part"}),
    ("a law twice too large", slower_law, (), {"C2": "holds in part"}),
    ("another gain in torch", of(nn.init, "calculate_gain", lambda name: 1.5), (),
     {"C3": "fails"}),
    ("a gain of twelve is modest", of(judges, "MODEST", 12.0), (), {"C4": "fails"}),
    ("level whatever happens", of(judges, "LEVEL", 1e9), (), {"C7": "holds"}),
]  # fmt: skip


@pytest.fixture
def forgetting() -> Iterator[Callable[[Sequence[str]], None]]:
    """Forget kept computations before a test and after it."""
    names: list[str] = []

    def forget(which: Sequence[str]) -> None:
        names.extend(which)
        for name in which:
            getattr(judges, name).cache_clear()

    yield forget
    forget(tuple(names))


@pytest.mark.parametrize(
    ("name", "plant", "anew", "expected"), PLANTED, ids=[name for name, *_ in PLANTED]
)
def test_a_planted_change_moves_the_verdict(
    name: str,
    plant: Callable[[Patch], None],
    anew: tuple[str, ...],
    expected: dict[str, Verdict],
    live: pd.DataFrame,
    monkeypatch: pytest.MonkeyPatch,
    forgetting: Callable[[Sequence[str]], None],
) -> None:
    assert all(live.verdict[claim] != verdict for claim, verdict in expected.items())
    plant(monkeypatch)
    forgetting(anew)
    frame = ledger("no such folder", expected, progress=False)
    assert dict(zip(frame.id, frame.verdict, strict=True)) == expected


def test_nearly_every_live_judge_was_moved() -> None:
    moved = {claim for *_, expected in PLANTED for claim in expected}
    assert set(LIVE) - moved == set()
