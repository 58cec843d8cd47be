"""results/library_table.json: its form, its lines of torch drawn again, and the rules named in it.

Keras, JAX and Flax are not needed here: tools/library_table.py measures them, in an environment of
their own, and what it wrote is checked against `xavier.rules`.
"""

from __future__ import annotations

import importlib.util
import json
import math
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from xavier import rules

ROOT = Path(__file__).resolve().parents[2]
RECORD = json.loads((ROOT / "results" / "library_table.json").read_text(encoding="utf-8"))
ROWS: list[dict[str, Any]] = RECORD["rows"]
LAYERS = ("dense", "conv")
FANS = {"dense": (300, 80), "conv": (40 * 15, 16 * 15)}
LAWS = {
    "standard": "1/(3 n_in)",
    "lecun": "1/n_in",
    "glorot": "2/(n_in + n_out)",
    "he": "2/n_in",
}
OTHER_SEED = 77_000  # none of the record's


def load_tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("library_table", ROOT / "tools/library_table.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its classes look their annotations up there
    spec.loader.exec_module(module)
    return module


TOOL = load_tool()


def named(row: dict[str, Any]) -> str:
    return f"{row['library']} {row['name']}"


every_row = pytest.mark.parametrize("row", ROWS, ids=named)


# --------------------------------------------------------------------------------------------------
# The form of the record
# --------------------------------------------------------------------------------------------------


def test_the_header_says_how_the_record_came_about() -> None:
    header = RECORD["header"]
    assert set(RECORD) == {"header", "rows"}
    assert header["command"] == "python tools/library_table.py"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", header["date"])
    assert {"python", "torch", "keras", "jax", "flax", "numpy"} <= set(header["versions"])
    assert header["keras_backend"] and header["machine"] and header["seeds"]
    assert header["shapes"] == {
        **{layer: f"n_in {n_in}, n_out {n_out}" for layer, (n_in, n_out) in FANS.items()},
        "kernel": "3 x 5",
    }


@every_row
def test_a_row_has_these_columns_and_these_values(row: dict[str, Any]) -> None:
    measured = [layer for layer in LAYERS if layer in row]
    assert measured
    assert set(row) == {"library", "name", "claims", "kind", "law", "bias", *measured}
    assert row["claims"] in (None, *rules.RULES)
    assert row["kind"] in ("uniform", "normal", "normal, truncated")
    assert row["law"] in LAWS.values()
    # A function draws weights alone; only a default is a whole layer.
    assert (row["bias"] is None) == (row["claims"] is not None)
    for layer in measured:
        numbers = row[layer]
        assert set(numbers) == {
            "n_in_var", "n_in_var_error", "kurtosis", "kurtosis_error", "max_over_std", "beyond",
        }  # fmt: skip
        assert all(math.isfinite(value) and value >= 0 for value in numbers.values())
        assert 0 < numbers["n_in_var_error"] < 0.01 * numbers["n_in_var"]


def test_the_rows_are_those_that_the_book_promises() -> None:
    names = [named(row) for row in ROWS]
    assert len(set(names)) == len(names)
    shapes = ("uniform", "normal")
    expected = {f"torch {family}_{shape}_" for family in ("xavier", "kaiming") for shape in shapes}
    for family in ("glorot", "he", "lecun"):
        expected |= {f"JAX {family}_{shape}" for shape in shapes}
        expected |= {f"Keras {family.title()}{shape.title()}" for shape in shapes}
    expected |= {"torch Linear, default", "torch Conv2d, default"}
    expected |= {"Keras Dense, default", "Keras Conv2D, default"}
    expected |= {f"Flax {name}, default" for name in ("nnx.Linear", "nnx.Conv")}
    expected |= {f"Flax {name}, default" for name in ("linen.Dense", "linen.Conv")}
    assert set(names) == expected


def test_the_record_is_written_as_the_tool_writes_it() -> None:
    text = (ROOT / "results" / "library_table.json").read_text(encoding="utf-8")
    assert text == TOOL.text_of(RECORD)
    assert len(text) < 20_000
    assert not re.search(r"/(home|tmp|work|root|Users)/", text)


# --------------------------------------------------------------------------------------------------
# The rules
# --------------------------------------------------------------------------------------------------


@every_row
def test_what_is_named_after_a_rule_draws_by_that_rule(row: dict[str, Any]) -> None:
    # A default claims nothing; it must be one of the four all the same.
    claimed = row["claims"] or next(name for name, law in LAWS.items() if law == row["law"])
    assert row["law"] == LAWS[claimed]
    for layer in set(LAYERS) & set(row):
        n_in, n_out = FANS[layer]
        numbers = row[layer]
        off = numbers["n_in_var"] - n_in * rules.RULES[claimed](n_in, n_out)
        assert abs(off) < 5 * numbers["n_in_var_error"]
        # and by none of the others
        for name, rule in rules.RULES.items():
            if name != claimed:
                distance = abs(numbers["n_in_var"] - n_in * rule(n_in, n_out))
                assert distance > 20 * numbers["n_in_var_error"], name


@pytest.mark.parametrize("name", LAWS)
def test_the_tool_has_the_rules_as_the_package_has_them(name: str) -> None:
    for n_in, n_out in FANS.values():
        ours, theirs = rules.RULES[name](n_in, n_out), TOOL.LAWS[LAWS[name]](n_in, n_out)
        assert theirs == pytest.approx(ours, rel=1e-14)
    assert FANS == TOOL.FANS


def test_no_two_laws_agree_on_these_sizes() -> None:
    for n_in, n_out in FANS.values():
        values = sorted(law(n_in, n_out) for law in TOOL.LAWS.values())
        ratios = np.array(values[1:]) / np.array(values[:-1])
        # ten times what a normal sample of this size is uncertain by
        assert ratios.min() > 1 + 10 * math.sqrt(2 / (TOOL.DRAWS * 9_600))


def test_the_defaults_are_these() -> None:
    found = {named(row): (row["kind"], row["law"], row["bias"]) for row in ROWS}
    paper = ("uniform", LAWS["standard"], f"uniform, {LAWS['standard']}")
    assert found["torch Linear, default"] == found["torch Conv2d, default"] == paper
    for layer in ("Dense", "Conv2D"):
        assert found[f"Keras {layer}, default"] == ("uniform", LAWS["glorot"], "zero")
    for layer in ("nnx.Linear", "nnx.Conv", "linen.Dense", "linen.Conv"):
        assert found[f"Flax {layer}, default"] == ("normal, truncated", LAWS["lecun"], "zero")


# --------------------------------------------------------------------------------------------------
# torch, drawn again
# --------------------------------------------------------------------------------------------------

TORCH_LINES = {f"{line.library} {line.name}": line for line in TOOL.torch_lines()}


def test_all_lines_of_torch_are_drawn_again() -> None:
    assert set(TORCH_LINES) == {named(row) for row in ROWS if row["library"] == "torch"}


@pytest.mark.parametrize("name", TORCH_LINES)
def test_torch_draws_what_the_record_says(name: str) -> None:
    [row] = [row for row in ROWS if named(row) == name]
    state = torch.random.get_rng_state()
    live = TOOL.row_of(TORCH_LINES[name], seed=OTHER_SEED)
    assert torch.equal(torch.random.get_rng_state(), state), "the global generator was moved"
    for key in ("claims", "kind", "law", "bias"):
        assert live[key] == row[key]
    for layer in set(LAYERS) & set(row):
        for key in ("n_in_var", "kurtosis"):
            errors = live[layer][f"{key}_error"], row[layer][f"{key}_error"]
            assert abs(live[layer][key] - row[layer][key]) < 5 * math.hypot(*errors), key
        if row["kind"] == "uniform":
            assert live[layer]["max_over_std"] == pytest.approx(math.sqrt(3), rel=0.01)


# --------------------------------------------------------------------------------------------------
# The tool tells apart what it has to
# --------------------------------------------------------------------------------------------------


def truncated(rng: np.random.Generator, size: int) -> np.ndarray[Any, Any]:
    draws = rng.normal(size=2 * size)
    return draws[np.abs(draws) < 2][:size]


SAMPLERS: dict[str, tuple[str, Callable[[np.random.Generator, int], Any]]] = {
    "uniform": ("uniform", lambda rng, size: rng.uniform(-1, 1, size)),
    "normal": ("normal", lambda rng, size: rng.normal(size=size)),
    "truncated": ("normal, truncated", truncated),
    "truncated with a leak": (
        "normal, truncated",
        lambda rng, size: np.append(truncated(rng, size - 1), 2.3),
    ),
    "uniform with an outlier": (
        "unknown",
        lambda rng, size: np.append(rng.uniform(-1, 1, size - 1), 1.1),
    ),
    "truncated at 3": ("unknown", lambda rng, size: np.clip(rng.normal(size=size), -3, 3)),
    "triangular": ("unknown", lambda rng, size: rng.triangular(-1, 0, 1, size)),
    "two values": ("unknown", lambda rng, size: rng.choice([-1.0, 1.0], size)),
}


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_kind_is_recognised(name: str, rng: np.random.Generator) -> None:
    kind, sampler = SAMPLERS[name]
    draws = [sampler(rng, 24_000) for _ in range(TOOL.DRAWS)]
    assert TOOL.kind_of(TOOL.measure(draws, 300)) == kind


@pytest.mark.parametrize("law", TOOL.LAWS)
def test_the_law_is_recognised(law: str, rng: np.random.Generator) -> None:
    layers = {}
    for layer, fans in FANS.items():
        scale = math.sqrt(3 * TOOL.LAWS[law](*fans))
        draws = [rng.uniform(-scale, scale, 9_600) for _ in range(TOOL.DRAWS)]
        layers[layer] = TOOL.measure(draws, fans[0])
    assert TOOL.law_of(layers) == law
    # A forgotten kernel is noticed.
    n_in, n_out = FANS["conv"]
    scale = math.sqrt(3 * TOOL.LAWS[law](n_in / 15, n_out / 15))
    draws = [rng.uniform(-scale, scale, 9_600) for _ in range(TOOL.DRAWS)]
    layers["conv"] = TOOL.measure(draws, n_in)
    assert TOOL.law_of(layers) == f"{law}, field not counted"


def test_the_truncated_moments_are_scipys() -> None:
    from scipy.stats import truncnorm

    variance, excess = truncnorm(-2, 2).stats("vk")
    kurtosis, support = TOOL.KINDS["normal, truncated"]
    assert math.sqrt(variance) == pytest.approx(TOOL.TRUNCATED_STD, rel=1e-12)
    assert kurtosis == pytest.approx(excess + 3, rel=1e-9)
    assert support == pytest.approx(2 / math.sqrt(variance), rel=1e-12)


def test_a_missing_library_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "keras", None)
    monkeypatch.setenv("KERAS_BACKEND", "torch")  # the tool sets it where it is not set
    assert TOOL.main([str(tmp_path / "record.json")]) == 1
    assert "pip install -e '.[libraries]'" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []
