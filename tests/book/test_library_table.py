"""results/library_table.json: its form, its lines of torch drawn again, and the rules named in it.

Keras, JAX and Flax are not needed here: tools/library_table.py measures them, in an environment of
their own, and what it wrote is checked against `xavier.rules`.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import library_table as tool
import numpy as np
import pytest
import torch
from scipy.stats import truncnorm

from xavier import rules

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "results" / "library_table.json").read_text(encoding="utf-8")
RECORD = json.loads(TEXT)
ROWS: dict[str, dict[str, Any]] = {f"{row['library']} {row['name']}": row for row in RECORD["rows"]}
FANS = {"dense": (300, 80), "conv": (40 * 15, 16 * 15)}
LAWS = {
    "standard": "1/(3 n_in)",
    "lecun": "1/n_in",
    "glorot": "2/(n_in + n_out)",
    "he": "2/n_in",
}
OTHER_SEED = 77_000  # none of the record's

SHAPES = ("uniform", "normal")
PAPER = ("uniform", LAWS["standard"], f"uniform, {LAWS['standard']}")
KERAS = ("uniform", LAWS["glorot"], "zero")
FLAX = ("normal, truncated", LAWS["lecun"], "zero")
DEFAULTS = {
    **{f"torch {layer}, default": PAPER for layer in ("Linear", "Conv2d")},
    **{f"Keras {layer}, default": KERAS for layer in ("Dense", "Conv2D")},
    **{f"Flax linen.{layer}, default": FLAX for layer in ("Dense", "Conv")},
    **{f"Flax nnx.{layer}, default": FLAX for layer in ("Linear", "Conv")},
}


def test_the_record_is_whole_and_written_as_the_tool_writes_it() -> None:
    assert tool.text_of(RECORD) == TEXT and len(ROWS) == len(RECORD["rows"])
    header = RECORD["header"]
    assert header["command"] == "python tools/library_table.py"
    assert {"python", "torch", "keras", "jax", "flax", "numpy"} <= set(header["versions"])
    assert header["shapes"] == {
        **{layer: f"n_in {n_in}, n_out {n_out}" for layer, (n_in, n_out) in FANS.items()},
        "kernel": "3 x 5",
    }
    expected = {f"torch {name}_{shape}_" for name in ("xavier", "kaiming") for shape in SHAPES}
    for family in ("glorot", "he", "lecun"):
        expected |= {f"JAX {family}_{shape}" for shape in SHAPES}
        expected |= {f"Keras {family.title()}{shape.title()}" for shape in SHAPES}
    assert set(ROWS) == expected | DEFAULTS.keys()


def test_the_defaults_are_these() -> None:
    found = {name: row for name, row in ROWS.items() if row["claims"] is None}
    assert {n: (row["kind"], row["law"], row["bias"]) for n, row in found.items()} == DEFAULTS


@pytest.mark.parametrize("name", ROWS)
def test_what_is_named_after_a_rule_draws_by_that_rule_and_by_no_other(name: str) -> None:
    row = ROWS[name]
    # A default claims nothing; it must be one of the four all the same.
    claimed = row["claims"] or next(rule for rule, law in LAWS.items() if law == row["law"])
    assert row["law"] == LAWS[claimed] and set(FANS) & set(row)
    for layer in set(FANS) & set(row):
        variance, error = row[layer]["n_in_var"], row[layer]["n_in_var_error"]
        assert 0 < error < 0.01 * variance
        for rule, law in rules.RULES.items():
            off = abs(variance - FANS[layer][0] * law(*FANS[layer]))
            assert off < 5 * error if rule == claimed else off > 20 * error, rule


def test_the_tool_has_the_rules_as_the_package_has_them_and_tells_its_laws_apart() -> None:
    assert FANS == tool.FANS
    for fans in FANS.values():
        for rule, law in LAWS.items():
            assert tool.LAWS[law](*fans) == pytest.approx(rules.RULES[rule](*fans), rel=1e-14)
        values = np.array(sorted(law(*fans) for law in tool.LAWS.values()))
        # ten times what a normal sample of this size is uncertain by
        assert (values[1:] / values[:-1]).min() > 1 + 10 * math.sqrt(2 / (tool.DRAWS * 9_600))


def test_torch_draws_what_the_record_says() -> None:
    lines = {f"{line.library} {line.name}": line for line in tool.torch_lines()}
    assert set(lines) == {name for name in ROWS if name.startswith("torch")}
    for name, line in lines.items():
        row, state = ROWS[name], torch.random.get_rng_state()
        live = tool.row_of(line, seed=OTHER_SEED)
        assert torch.equal(torch.random.get_rng_state(), state), "the global generator was moved"
        for key in ("claims", "kind", "law", "bias"):
            assert live[key] == row[key]
        for layer in set(FANS) & set(row):
            for key in ("n_in_var", "kurtosis"):
                errors = live[layer][f"{key}_error"], row[layer][f"{key}_error"]
                assert abs(live[layer][key] - row[layer][key]) < 5 * math.hypot(*errors), name


def truncated(rng: np.random.Generator, size: int) -> np.ndarray[Any, Any]:
    draws = rng.normal(size=2 * size)
    return draws[np.abs(draws) < 2][:size]


SAMPLERS: dict[str, tuple[str, Callable[[np.random.Generator, int], Any]]] = {
    "uniform": ("uniform", lambda rng, size: rng.uniform(-1, 1, size)),
    "normal": ("normal", lambda rng, size: rng.normal(size=size)),
    "truncated": ("normal, truncated", truncated),
    "a leak": ("normal, truncated", lambda rng, size: np.append(truncated(rng, size - 1), 2.3)),
    "an outlier": ("unknown", lambda rng, size: np.append(rng.uniform(-1, 1, size - 1), 1.1)),
    "truncated at 3": ("unknown", lambda rng, size: np.clip(rng.normal(size=size), -3, 3)),
    "triangular": ("unknown", lambda rng, size: rng.triangular(-1, 0, 1, size)),
}


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_kind_is_recognised(name: str, rng: np.random.Generator) -> None:
    kind, sampler = SAMPLERS[name]
    draws = [sampler(rng, 24_000) for _ in range(tool.DRAWS)]
    assert tool.kind_of(tool.measure(draws, 300)) == kind


@pytest.mark.parametrize("law", LAWS.values())
def test_the_law_is_recognised_and_a_forgotten_kernel_noticed(
    law: str, rng: np.random.Generator
) -> None:
    def measured(n_in: int, *fans: float) -> dict[str, float]:
        scale = math.sqrt(3 * tool.LAWS[law](*fans))
        return tool.measure([rng.uniform(-scale, scale, 9_600) for _ in range(tool.DRAWS)], n_in)

    layers = {layer: measured(fans[0], *fans) for layer, fans in FANS.items()}
    assert tool.law_of(layers) == law
    layers["conv"] = measured(FANS["conv"][0], *(n / 15 for n in FANS["conv"]))
    assert tool.law_of(layers) == f"{law}, field not counted"


def test_the_truncated_moments_are_scipys() -> None:
    variance, excess = truncnorm(-2, 2).stats("vk")
    kurtosis, support = tool.KINDS["normal, truncated"]
    assert math.sqrt(variance) == pytest.approx(tool.TRUNCATED_STD, rel=1e-12)
    assert kurtosis == pytest.approx(excess + 3, rel=1e-9)
    assert support == pytest.approx(2 / math.sqrt(variance), rel=1e-12)


def test_a_missing_library_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "keras", None)
    monkeypatch.setenv("KERAS_BACKEND", "torch")  # the tool sets it where it is not set
    assert tool.main([str(tmp_path / "record.json")]) == 1
    assert "pip install -e '.[libraries]'" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []
