"""Ways to have points for nothing: none brings any, and some are named to the teacher."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from nbformat import NotebookNode
from scipy import stats
from xavier_grading import sets
from xavier_grading.check import networks, parts, samples
from xavier_grading.check.answers import Local
from xavier_grading.mark import copies, notebooks
from xavier_grading.mark.marking import Task
from xavier_grading.sets import ps1

ASSIGNMENTS = Path(__file__).resolve().parents[2] / "assignments"
KEY = "a key for tests"


@dataclass
class Cheat:
    """Names of a notebook that were never computed."""

    part: str
    names: Callable[[parts.Variant], dict[str, Any]]
    at_most: float = 0.2


def tied(variant: parts.Variant, **changes: Any) -> dict[str, Any]:
    """A run that never was: rank one, and zeros for the gaps."""
    c, hidden = variant["constant"], variant["hidden"]
    rng = np.random.default_rng(0)
    u, v = c + 0.1 * rng.normal(size=64), c + 0.1 * rng.normal(size=10)
    run = {
        "start": [np.full((64, hidden), c), np.full((hidden, 10), c)],
        "end": [np.tile(u[:, None], hidden), np.tile(v, (hidden, 1))],
        "biases": [np.full(hidden, 0.01), 0.01 * rng.normal(size=10)],
        "log": [(t, 0.0) for t in range(0, 301, 50)],
        "seed": 0,
    }
    return {"tied_run": run | changes}


def one_step(variant: parts.Variant) -> dict[str, Any]:
    """A single gradient, drawn out to three hundred updates."""
    run = tied(variant)["tied_run"]
    batch = networks.streamed(0, 1, 1000)
    none = [np.zeros(w.shape[1]) for w in run["start"]]
    rates = [30.0, 30.0]
    arrays, _ = networks.again(run["start"], none, batch, variant["activation"], rates)
    return tied(variant, end=arrays[:2], biases=arrays[2:])


def fitted(variant: parts.Variant) -> dict[str, Any]:
    """Hidden units near the start, a read-out by least squares, a falling line for the ranks."""
    rng = np.random.default_rng(1)
    c, hidden = variant["constant"], variant["hidden"]
    start = [c * (1 + 0.01 * rng.uniform(-1, 1, s)) for s in ((64, hidden), (hidden, 10))]
    x, y = networks.digits("train")
    w = 0.3 * rng.normal(size=(64, hidden))
    h = np.c_[np.tanh(x @ w), np.ones(len(x))]
    fit = np.linalg.lstsq(h, 8 * np.eye(10)[y], rcond=None)[0]
    run = {"start": start, "end": [w, fit[:-1]], "biases": [np.full(hidden, 1e-3), fit[-1]]}
    rank = float(np.linalg.svd(w, compute_uv=False).sum() ** 2 / (w**2).sum())
    log = [(400 * k, rank * (k + 1) / 12) for k in range(12)]
    return {"untied_run": run | {"log": log, "seed": 0, "lr": 0.1, "batch": 10}}


def short(variant: parts.Variant) -> dict[str, Any]:
    """The same, said to have taken eleven updates."""
    run = fitted(variant)["untied_run"]
    return {"untied_run": run | {"log": [(k, r) for k, (_, r) in enumerate(run["log"])]}}


def table(variant: parts.Variant, run: Any) -> dict[str, Any]:
    """Answers by heart, and something for the runs."""
    known = {
        name: name in ("order", "output biases", "one pixel", "rate") for name in variant["starts"]
    }
    return {"stays": known, "runs": dict.fromkeys(known, run)}


def idle(tied_up: bool, kept: Any = None) -> dict[str, Any]:
    """A run of which start and end were written down."""
    start = [np.full((64, 8), 0.1), np.zeros(8), np.full((8, 10), 0.1), np.zeros(10)]
    end = [a + (0.0 if tied_up else 0.01 * np.arange(a.shape[-1])) for a in start]
    end[3] = end[3] + 0.1
    rows = np.arange(400).reshape(40, 10)
    return {"start": start, "end": end, "rows": rows, "kept": kept}


def sweep(variant: parts.Variant) -> dict[str, Any]:
    gains = np.geomspace(0.02, 50, 18)
    costs = np.where((gains > 0.4) & (gains < 6), 0.4, 2.302585)
    return {"sweep": {"rows": list(zip(gains, costs, strict=True)), "band": (0.4, 6.0)}}


def known_ends(variant: parts.Variant) -> dict[str, Any]:
    """Rows where nothing learns, which costs ln 10, and rows that no run can be held against."""
    gains = [0.02, 0.021, 0.022, 1.4, 2.0, 3.0, 5.0, 10.0, 30.0, 50.0]
    costs = [*3 * [math.log(10)], 0.5, 0.4, 0.4, 0.5, 2.3, 2.3, 2.3]
    return {"sweep": {"rows": list(zip(gains, costs, strict=True)), "band": (1.0, 7.0)}}


WIDTHS = ("ntk variance", "ntk rate", "mup variance", "mup rate")


def one(*arguments: float) -> float:
    """The same, whatever is asked."""
    return 1.0


def near(factor: float) -> Callable[[parts.Variant], dict[str, Any]]:
    """Numbers about the right one, of which none was sampled."""

    def names(variant: parts.Variant) -> dict[str, Any]:
        held = 1 + factor * np.random.default_rng(2).normal(size=99)
        a, c = variant["numbers"]["a"], variant["slope"]
        return {"sample": lambda what, rng: (a**2 + c**2) / 2 * rng.permutation(held)}

    return names


def blocks(variant: parts.Variant) -> dict[str, Any]:
    """Numbers about the growth, of which none was sampled."""
    own = variant["blocks"]
    k = np.arange(1, own["count"] + 1)
    r = {"plain": k**0, "1/sqrt(L)": k**0 / math.sqrt(len(k)), "1/sqrt(k)": k**-0.5}[own["branch"]]
    held = np.prod(1 + (r * own["gain"]) ** 2) * (1 + np.random.default_rng(2).normal(size=99) / 50)
    return {"sample": lambda what, rng: rng.permutation(held)}


def one_step_only(variant: parts.Variant) -> dict[str, Any]:
    """A first step along the gradient without the normalization, and nothing after it."""
    return {"train": lambda w, v, x, y, rates, updates: [w - rates[0] * x.T @ np.outer(y, v), v]}


def drawn(variant: parts.Variant) -> dict[str, Any]:
    """Counts from a table, for whatever generator."""
    cut = variant["cut"]
    law = stats.truncnorm(-cut, cut)
    draws = law.rvs(200_000, random_state=3) / law.std()
    counts, edges = np.histogram(draws, 40)
    return {"histogram": lambda rng: {"edges": edges, "counts": counts}}


def trained(variant: parts.Variant, updates: int = 800, lr: float = 0.1) -> dict[str, Any]:
    """A start by the rule, and at its end what least squares give."""
    rng = np.random.default_rng(4)
    start = []
    for a, b in pairwise(variant["sizes"]):
        bound = (3 * samples.variance(variant["rule"], variant["gain"], (a, b))) ** 0.5
        start.append(rng.uniform(-bound, bound, (a, b)))
    x, y = networks.digits("train")
    for w in start[:-1]:
        x = np.tanh(x @ w)
    fit = np.linalg.lstsq(np.c_[x, np.ones(len(x))], 8 * np.eye(10)[y], rcond=None)[0]
    none = [np.zeros(w.shape[1]) for w in start[:-1]]
    costs = [(t, 2.3 - 2.0 * t / updates) for t in range(0, updates, updates // 20)]
    run = {"start": start, "end": [*start[:-1], fit[:-1]], "biases": [*none, fit[-1]]}
    rows = rng.integers(0, 1000, (updates, 20))
    return {"trained": run | {"costs": costs, "rows": rows, "lr": lr}}


def panel(variant: parts.Variant) -> dict[str, Any]:
    """Weights by the rule, and a picture of normal numbers."""
    rng = np.random.default_rng(5)
    width, rule = variant["panel"]["width"], variant["panel"]["rule"]
    sizes, weights = [64, *[width] * 5, 10], []
    for a, b in pairwise(sizes):
        bound = (1 / a if rule == "standard" else 6 / (a + b)) ** 0.5
        weights.append(rng.uniform(-bound, bound, (a, b)))
    std = [0.3 * 0.6**k for k in range(5)]
    pairs = [np.histogram(s * rng.normal(size=9999), 40, density=True) for s in std]
    told = {"density": [d for d, _ in pairs], "edges": [e for _, e in pairs]}
    return {"panel": {"weights": weights, "std": std} | told}


def guess(variant: parts.Variant) -> dict[str, Any]:
    one = {"fault": "gain twice", "layer": 1, "statistic": "std ratio", "value": 1.25}
    return {"diagnoses": {k: one | {"fault": ["gain twice", "none"]} for k in range(1, 6)}}


MADE_UP = {
    "a run of rank one": ("ps1", Cheat("tied", tied)),
    "another seed for it": ("ps1", Cheat("tied", lambda v: tied(v, seed=10**6))),
    "one gradient, drawn out": ("ps1", Cheat("tied", one_step)),
    "least squares for a saddle": ("ps1", Cheat("untied", fitted)),
    "a run of a few updates": ("ps1", Cheat("untied", short)),
    "one run for all starts": ("ps1", Cheat("stays", lambda v: table(v, idle(True)))),
    "units that parted on paper": ("ps1", Cheat("stays", lambda v: table(v, idle(False)))),
    "masks that mask nothing": (
        *("ps1", Cheat("stays", lambda v: table(v, idle(True, np.ones((40, 8)))))),
    ),
    "numbers for runs": ("ps1", Cheat("stays", lambda v: table(v, 1e-17))),
    "a band that was drawn": ("ps1", Cheat("sweep", sweep)),
    "a band between known ends": ("ps1", Cheat("sweep", known_ends)),
    "one list in other orders": ("ps2", Cheat("sample_slope", near(0.001))),
    "a list too good": ("ps2", Cheat("sample_slope", near(1e-12))),
    "one picture for all generators": ("ps3", Cheat("histogram", drawn)),
    "least squares for a training": ("ps3", Cheat("trained", trained)),
    "no rate": ("ps3", Cheat("trained", lambda v: trained(v, lr=1e-300))),
    "more updates than are made again": ("ps3", Cheat("trained", lambda v: trained(v, 12_000))),
    # Its weights are drawn by the rule, which is a part of the question.
    "a picture of other numbers": ("ps4", Cheat("panel", panel, 0.5)),
    "two faults for one patient": ("ps4", Cheat("patient_1", guess)),
    "a growth in other orders": ("ps5", Cheat("sample_growth", blocks)),
    "a step that is none": ("ps5", Cheat("train", one_step_only)),
    "one number for all arguments": ("ps5", Cheat("variance", lambda v: {"variance": one})),
    "one for all factors": (
        *("ps5", Cheat("widths", lambda v: {"widths": {key: [1, 1, 1] for key in WIDTHS}})),
    ),
}


@pytest.mark.thorough
@pytest.mark.parametrize("name", MADE_UP)
def test_what_was_never_run_brings_nothing(name: str) -> None:
    problem_set, cheat = MADE_UP[name]
    variant = sets.problem_set(problem_set).variant("ada", KEY)
    found = parts.judge(
        sets.problem_set(problem_set).part(cheat.part), Local(cheat.names(variant)), variant
    )
    assert found.fault and found.share <= cheat.at_most, found


def test_a_short_run_is_what_its_name_says() -> None:
    """Masks that leave nothing out, and a bias so large that all else would be near."""
    faint = idle(True, 1 + 1e-3 * np.random.default_rng(6).random((40, 8)))
    (w1, b1, w2, b2), rows = faint["start"], networks.batches(faint["rows"])
    arrays, _ = networks.again([w1, w2], [b1, b2], rows, "tanh", [0.1, 0.1], kept=faint["kept"])
    faint["end"] = [arrays[0], arrays[2], arrays[1], arrays[3]]
    huge = idle(False)
    huge["start"][1] = 1e9 * np.arange(8.0)
    huge["end"] = [huge["end"][0], huge["start"][1], *huge["end"][2:]]
    for name, run, fault in (("dropout", faint, "another start"), ("biases", huge, "another run")):
        assert [f.fault for f in ps1._shown(ps1._evidence(run, name), name)] == [fault]
    # A number that is none does not hide behind one that is near.
    assert networks.apart([np.zeros(2)] * 2, [np.zeros(2), np.full(2, np.nan)]) == math.inf


def answered(student: str, key: str = KEY) -> NotebookNode:
    source = nbformat.read(ASSIGNMENTS / "source" / "ps3" / "ps3.ipynb", as_version=4)
    return notebooks.personal(source, sets.problem_set("ps3").variant(student, key))


def test_numbers_cannot_be_chosen_by_who_is_marked() -> None:
    """An easy variant in its own cell, in another one, and points in the metadata."""
    submitted = answered("ada")
    easy = "variant = {'order': 'out-in', 'cut': 3.0}"
    for cell in submitted.cells:
        if "variant" in cell.metadata.get("tags", []):
            cell.source = easy
        cell.metadata.get("nbgrader", {})["points"] = 1000
    submitted.cells.append(nbformat.v4.new_code_cell(easy))
    release = nbformat.read(ASSIGNMENTS / "release" / "ps3" / "ps3.ipynb", as_version=4)
    own = sets.problem_set("ps3").variant("ada", KEY)
    found = notebooks.restored(submitted, release, own).notebook
    assert easy not in [cell.source for cell in found.cells]
    assert sum(notebooks.marks(found).values()) == 39
    assert sum(notebooks.written(found).values()) == 4


def test_copies_are_named_with_both_names(tmp_path: Path) -> None:
    """Byte by byte, with other names of variables, with another's numbers, and as a link."""
    release = ASSIGNMENTS / "release" / "ps3" / "ps3.ipynb"

    def task(student: str, notebook: NotebookNode | None) -> Task:
        path = tmp_path / student / "ps3" / "ps3.ipynb"
        path.parent.mkdir(parents=True)
        if notebook is None:
            path.symlink_to(tmp_path / "ada" / "ps3" / "ps3.ipynb")
        else:
            path.write_text(json.dumps(notebook))
        return Task(student, "ps3", path, release, KEY, by="limits")

    renamed = answered("eve")
    for cell in renamed.cells:
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = "# my own\n" + cell.source.replace("draws", "mine").replace("field", "f9")
    other = answered("zoe")
    other.cells = [cell for cell in other.cells if "uniform" not in cell.source]
    for cell in other.cells:
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = "x = 1"
    padded = answered("pat")  # and as much again of something else
    words = "\n".join(f"a{k} = [{k}, {k % 7}] * {k % 5} + a{k}[::{k % 11}]" for k in range(400))
    padded.cells.append(nbformat.v4.new_code_cell(words))
    tasks = [
        *(task("ada", answered("ada")), task("bob", answered("ada")), task("eve", renamed)),
        *(task("kim", None), task("zoe", other), task("pat", padded)),
    ]
    pairs = {(f.student, f.other): f.what for f in copies.flags(tasks, tmp_path / "no sources")}
    assert "made for the other" in pairs["bob", "ada"] and "numbers" in pairs["bob", "ada"]
    assert "100% of the code" in pairs["ada", "bob"]
    assert ("ada", "pat") in pairs and ("ada", "eve") in pairs and ("bob", "eve") in pairs
    assert any(a == "kim" and "ada" in b and "link" in what for (a, b), what in pairs.items())
    assert not any("zoe" in pair for pair in pairs)
    other = answered("kay")  # the same code for other numbers, and none that was copied as a file
    tasks = [tasks[0], task("kay", other)]
    assert [flag.what for flag in copies.flags(tasks, tmp_path)] == ["100% of the code"]
