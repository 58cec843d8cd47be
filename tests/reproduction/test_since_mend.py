"""Judges of D15 to D22, and the networks that they are about."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from glorot2010.catalogue import config
from glorot2010.families import Place, plain, residual
from glorot2010.modules import ModulePoint
from glorot2010.verdicts import CLAIMS, since_mend
from glorot2010.verdicts.claim import Array, Evidence, Verdict
from xavier.shapeset import Shapeset

NOISE = np.array([0.01, -0.02, 0.005, 0.015, -0.01])  # by seed


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


# ------------------------------------------------------------------------------ the networks


def test_hidden_weights_have_a_rate_of_their_own() -> None:
    model = plain(seeded(), 8, 2, norm="batch", share=4.0, n_in=5)
    hidden, others = model.groups(0.1)
    assert [p.shape for p in hidden["params"]] == [(8, 5), (8, 8)]
    assert (hidden["lr"], others["lr"]) == (0.4, 0.1)
    assert len(hidden["params"]) + len(others["params"]) == len([*model.parameters()])


def test_a_gain_is_that_of_hidden_weights() -> None:
    one, two = (plain(seeded(), 8, 2, gain=gain, n_in=5).state_dict() for gain in (1.0, 2.0))
    for name, weight in one.items():
        factor = 2 if name.startswith("layers") else 1
        assert torch.allclose(two[name], factor * weight), name


@pytest.mark.parametrize("m", [1, 2, 3])
def test_a_power_scales_branches_and_ends_them_on_zeros(m: int) -> None:
    model = residual(seeded(), 8, 4, m, "relu", power=-0.5, n_in=5)
    same = residual(seeded(), 8, 4, m, "relu", n_in=5)
    x = torch.randn(3, 5, generator=seeded())
    assert torch.equal(model.blocks(model.first(x)), model.first(x))
    inner = model.get_parameter("blocks.1.branch.0.weight")
    factor = 0.5 if m > 1 else 0.0
    assert torch.allclose(inner, factor * same.get_parameter("blocks.1.branch.0.weight"))


@pytest.mark.parametrize("place", ["none", "pre", "post"])
def test_a_block_is_stream_and_branch(place: Place) -> None:
    block = residual(seeded(), 8, 1, 2, "tanh", place=place, scale=0.5, n_in=8).blocks[0]
    x = torch.randn(3, 8, generator=seeded())
    norm = nn.LayerNorm(8)
    given = norm(x) if place == "pre" else x
    total = x + 0.5 * block.get_submodule("branch")(given)
    assert torch.allclose(block(x), norm(total) if place == "post" else total, atol=1e-6)


def test_a_scalar_learns_where_it_is_asked_to() -> None:
    model = residual(seeded(), 8, 2, scale=0.0, learns=True, n_in=5)
    assert {"blocks.0.scale", "blocks.1.scale"} <= {name for name, _ in model.named_parameters()}


def test_normalized_networks_do_not_see_the_scale_of_their_weights() -> None:
    x, _ = Shapeset(0).batch(20)
    for norm in ("batch", "layer"):
        found = [plain(seeded(), 30, 2, norm=norm, gain=g, eps=1e-12)(x) for g in (1.0, 3.0)]
        assert torch.allclose(*found, atol=1e-4)


def test_the_experiment_has_the_arms_that_judges_look_for() -> None:
    points = [p for p in config("mend").points if isinstance(p, ModulePoint)]  # type: ignore[union-attr]
    arms = {p.arm for p in points}
    wanted = {f"{norm} norm, 20 layers" for norm in ("batch", "layer")} | set(since_mend.SCALED)
    wanted |= {f"{k}, {r}" for k in since_mend.MENDED for r in ("standard", "normalized")}
    assert arms == wanted
    assert {p.updates for p in points} == {1500, 2000}


# ------------------------------------------------------------------------------ at birth


def test_gradients_are_those_by_the_sums() -> None:
    model = plain(seeded(), 6, 3, "tanh", "layer", n_in=5)
    x = torch.randn(4, 5, generator=seeded())
    found = since_mend.gradient_sizes(model, x, seeded())
    weights = torch.randn(4, 6, generator=seeded())

    def top(s: torch.Tensor) -> torch.Tensor:
        layers = [*model.layers]
        z = nn.Sequential(*layers[1].children())[1:](s)  # type: ignore[arg-type]
        return (layers[2](z) * weights).sum()

    s = model.layers[1].get_submodule("0")(model.layers[0](x)).detach()
    expected = torch.autograd.functional.jacobian(top, s)
    assert len(found) == 3
    assert found[1] == pytest.approx(float(expected.square().mean()), rel=1e-4)


def test_steps_have_the_exponents_of_the_theory_when_averaged() -> None:
    for sign, power in ((-1, 0), (0, 1), (1, 2)):
        found = [since_mend.step_exponent(2, sign, seed, 32) for seed in range(3)]
        assert abs(np.mean(found) - power) < 0.4


def test_networks_of_two_scales_and_matching_rates_are_one() -> None:
    one, two = (since_mend.costs_of_one(gain, updates=5) for gain in (1.0, 2.0))
    assert one == two and len(set(one)) == 5


def test_a_profile_ends_on_one() -> None:
    x = torch.randn(20, 1024, generator=seeded())
    found = since_mend.gradient_profile("tanh", "layer", x, draws=2, width=20)
    assert len(found) == 19 and found[-1] == pytest.approx(1.0) and found[0] > 1


def test_a_stream_begins_with_its_input() -> None:
    sizes = since_mend.stream_sizes("tanh", 3, width=50)
    assert len(sizes) == 4 and sizes[0] == pytest.approx(1.0, abs=0.1)
    assert sizes == sorted(sizes)


def test_an_exponent_is_the_slope_of_logarithms() -> None:
    assert since_mend.slope({k: 3 * k**-1.5 for k in (2, 5, 9)}) == pytest.approx(-1.5)


def fake(monkeypatch: pytest.MonkeyPatch, name: str, values: Callable[..., Array]) -> None:
    monkeypatch.setattr(since_mend, name, values)


def judged(claim: str, evidence: Evidence | None = None) -> Verdict:
    return CLAIMS[claim].judge(evidence or Evidence("no such folder")).verdict


@pytest.mark.parametrize(
    ("shift", "few", "spread", "expected"),
    [(0.0, 0.0, 1, "holds"), (0.0, 0.2, 1, "holds in part"), (0.2, 0.2, 1, "fails"),
     (0.0, 0.0, 20, "undecided")],
)  # fmt: skip
def test_gains_are_held_against_the_theory(
    shift: float, few: float, spread: float, expected: Verdict, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gains(units: str, images: int, draws: int) -> Array:
        return since_mend.needed(units) + (few if images == 10 else shift) + spread * NOISE

    fake(monkeypatch, "gains_found", gains)
    assert judged("D15") == expected


@pytest.mark.parametrize(
    ("relu", "spread", "expected"),
    [(math.pi / (math.pi - 1), 1, "holds"), (1.2, 1, "holds in part"),
     (math.pi / (math.pi - 1), 10, "undecided")],
)  # fmt: skip
def test_rates_are_held_against_the_theory(
    relu: float, spread: float, expected: Verdict, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rates(units: str, norm: str) -> Array:
        rate = 1.178 if units == "tanh" else relu if norm == "batch" else 1.0
        return rate * (1 + spread * NOISE)

    fake(monkeypatch, "rates", rates)
    assert judged("D16") == expected


@pytest.mark.parametrize(
    ("tanh", "relu", "spread", "expected"),
    [(2.0**20, 2.0**20, 1, "holds"), (14.0, 2.0**20, 1, "holds in part"),
     (2.0**20, 2.0**20, 100, "undecided")],
)  # fmt: skip
def test_growth_is_held_against_three_laws(
    tanh: float, relu: float, spread: float, expected: Verdict, monkeypatch: pytest.MonkeyPatch
) -> None:
    def growth(units: str, blocks: int, place: str = "none", scale: float = 1.0) -> Array:
        size = tanh if units == "tanh" else relu
        size = 21.0 if place == "pre" else (1 + 1 / 20) ** 20 if scale < 1 else size
        return size * np.exp(spread * NOISE)

    fake(monkeypatch, "growth", growth)
    assert judged("D17") == expected


@pytest.mark.parametrize(
    ("powers", "spread", "expected"),
    [((0, 1, 2), 1, "holds"), ((0, 1, 1), 1, "holds in part"), ((1, 2, 3), 1, "fails"),
     ((0, 1, 2), 50, "undecided")],
)  # fmt: skip
def test_steps_are_held_against_three_exponents(
    powers: Sequence[int], spread: float, expected: Verdict, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        since_mend, "step_exponent", lambda m, sign, s: powers[sign + 1] + spread * NOISE[s]
    )
    assert judged("D18") == expected


@pytest.mark.parametrize(
    ("pre", "post", "spread", "expected"),
    [(-0.5, 0.0, 1, "holds"), (-0.5, 0.3, 1, "holds in part"), (-0.2, 0.3, 1, "fails"),
     (-0.5, 0.0, 20, "undecided")],
)  # fmt: skip
def test_last_gradients_are_held_against_two_exponents(
    pre: float, post: float, spread: float, expected: Verdict, monkeypatch: pytest.MonkeyPatch
) -> None:
    exponents: dict[str, float] = {"pre": pre, "post": post}
    fake(monkeypatch, "last_exponents", lambda place: exponents[place] + spread * NOISE)
    assert judged("D19") == expected


# ------------------------------------------------------------------------------ records


def made(errors: Mapping[tuple[str, float], Any], births: Mapping[str, float] = {}) -> Evidence:
    """Evidence of made-up errors at the end, in percent, by arm and rate; and costs at birth."""
    rows = []
    for (arm, lr), given in errors.items():
        values = np.broadcast_to(np.asarray(given, dtype=float), 5)
        for seed, value in enumerate(values):
            end = float(value) + 3 * seed + 20 * NOISE[seed]  # seeds share what they differ by
            rows.append(("main", arm, lr, seed, 2000, "final_error", end / 100))
            rows.append(("main", arm, lr, seed, 0, "test_cost", births.get(arm, 2.3)))
    columns = ["stage", "arm", "lr", "seed", "update", "quantity", "value"]
    evidence = Evidence("no such folder")
    evidence._loaded["mend"] = pd.DataFrame(rows, columns=columns)
    return evidence


@pytest.mark.parametrize(
    ("batch", "layer", "expected"),
    [
        ((85, 85), (85, 60), "holds"),
        ((60, 85), (60, 60), "holds in part"),
        ((85, 60), (85, 85), "fails"),
        ((85, 72), (85, 60), "undecided"),  # a few seeds of a rate
    ],
)
def test_a_network_starts_if_all_seeds_do_at_one_rate(
    batch: tuple[float, float], layer: tuple[float, float], expected: Verdict
) -> None:
    errors = {
        (f"{norm} norm, 20 layers", lr): error
        for norm, both in (("batch", batch), ("layer", layer))
        for lr, error in zip((0.03, 0.1), both, strict=True)
    }
    assert judged("D20", made(errors)) == expected


@pytest.mark.parametrize(
    ("ends", "births", "expected"),
    [
        ((80, 70, 65, 70, 70), {}, "holds"),
        ((70, 70, 70, 70, 70), {}, "holds in part"),
        ((80, 70, 65, 70, 70), {since_mend.SCALED[0]: 2.4}, "holds in part"),
        ((80, 70, 65, 73, 73), {}, "holds in part"),
        ((70, 70, 70, 73, 73), {since_mend.SCALED[0]: 2.4}, "fails"),
        ((80, 70, 65, [70, 73, 68, 70, 72], 70), {}, "undecided"),
    ],
)
def test_the_scale_is_a_rate_or_is_not(
    ends: Sequence[Any], births: Mapping[str, float], expected: Verdict
) -> None:
    errors = {(arm, 0.03): end for arm, end in zip(since_mend.SCALED, ends, strict=True)}
    assert judged("D21", made(errors, births)) == expected


@pytest.mark.parametrize(
    ("plain_gap", "gaps", "expected"),
    [
        (6.0, 0.5, "holds"),
        (6.0, 4.0, "holds in part"),
        (0.0, 4.0, "fails"),
        (6.0, [0.0, 8.0, -3.0, 5.0, 1.0], "undecided"),
    ],
)
def test_a_start_matters_or_does_not_at_the_best_rates(
    plain_gap: float, gaps: Any, expected: Verdict
) -> None:
    errors: dict[tuple[str, float], Any] = {}
    for kind in since_mend.MENDED:
        gap = np.asarray(plain_gap if kind == "none" else gaps)
        for lr, away, other in ((0.01, 9.0, 8.0), (0.03, 0.0, 9.0), (0.1, 5.0, 0.0)):
            errors[f"{kind}, normalized", lr] = 60.0 + away
            errors[f"{kind}, standard", lr] = 60.0 + gap + other
    assert judged("D22", made(errors)) == expected
