"""Claims on dynamical isometry: what is computed, at small size, and what made-up rows decide."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from glorot2010.catalogue import DIRECTIONS, Grid, config, directions_arm
from glorot2010.families import FAMILIES, spread
from glorot2010.modules import ModulePoint
from glorot2010.points import COLUMNS
from glorot2010.verdicts import CLAIMS
from glorot2010.verdicts import since_directions as since
from glorot2010.verdicts.claim import Evidence, Judgement, Verdict
from xavier import init, theory
from xavier.init import Distribution

WOBBLE = (0.2, -0.3, 0.1, -0.1, 0.1)
Value = Callable[[str, int, float, int, int], float]  # of weights, layers, rate, seed and update


# ------------------------------------------------------------------------------- what is computed


def test_the_spread_is_that_of_the_singular_values() -> None:
    matrix = torch.randn(7, 7, generator=torch.Generator().manual_seed(0))
    squares = torch.linalg.svdvals(matrix.double()).square()
    assert spread(matrix) == pytest.approx(
        float(squares.var(correction=0) / squares.mean() ** 2), rel=1e-4
    )


def test_a_straight_network_gives_its_derivative() -> None:
    """By torch's own differentiation, from the first hidden layer to the last."""
    generator = torch.Generator().manual_seed(0)
    model = FAMILIES["Straight"](generator, layers=4, width=6, gain=1.5, distribution="normal")
    image = torch.rand(1, 1024, generator=generator)
    parts = list(model.children())
    first = nn.Sequential(*parts[:2])(image).detach()
    wanted = torch.autograd.functional.jacobian(nn.Sequential(*parts[2:-1]), first)[0, :, 0]
    torch.testing.assert_close(model.jacobian(image), wanted, rtol=1e-4, atol=1e-6)  # type: ignore[operator]
    assert [p.shape for p in model.parameters()][-2:] == [(9, 6), (9,)]
    assert all(not p.any() for name, p in model.named_parameters() if "bias" in name)


def test_a_straight_network_says_how_its_axes_are_spread() -> None:
    def looks(distribution: Distribution) -> float:
        generator = torch.Generator().manual_seed(0)
        model = FAMILIES["Straight"](
            generator, layers=10, width=50, gain=1.05, distribution=distribution
        )
        found: dict[str, float] = model.look()  # type: ignore[operator]
        assert list(found) == ["spread"]
        return found["spread"]

    assert looks("orthogonal") < 1.5 < 5 < looks("normal")


def test_jacobians_of_draws_are_products() -> None:
    found = since.through("tanh", 1.05, "orthogonal", 3)
    assert len(found.jacobians) == 3 and found.end.shape == found.start.shape
    assert torch.linalg.svdvals(found.jacobians[0]).max() <= 1.05 + 1e-9
    linear = since.through("identity", 1.0, "orthogonal", 5).jacobians[-1]
    torch.testing.assert_close(linear @ linear.T, torch.eye(since.WIDTH).double())


def test_an_input_on_its_way_is_changed_by_its_jacobian() -> None:
    """A little more of the input's length, through ten layers of tanh."""
    end, start, jacobians = since.through("tanh", 1.05, "orthogonal", 10)
    longer = since.through("tanh", 1.05, "orthogonal", 10, stretch=1 + 1e-6)
    torch.testing.assert_close(longer.start, start * (1 + 1e-6))
    moved = (longer.end - end) / 1e-6
    torch.testing.assert_close(moved, jacobians[-1] @ start, rtol=1e-3, atol=1e-4)


def test_axes_of_tanh_spread_as_the_formula_says_and_of_rectifiers_by_half_of_their_units() -> None:
    one = theory.axis_spread("tanh", theory.fixed_point("tanh", gain=1.05), orthogonal=True)
    found = [
        spread(since.through("tanh", 1.05, "orthogonal", 5, k).jacobians[-1]) for k in range(4)
    ]
    assert np.mean(found) == pytest.approx(5 * one, rel=0.1)
    drawn = (since.through("relu", math.sqrt(2), "orthogonal", 1, k) for k in range(20))
    relu = [spread(found.jacobians[0]) for found in drawn]
    assert np.mean(relu) == pytest.approx(1, rel=0.15)


@pytest.mark.parametrize("weights", ["orthogonal", "normal"])
def test_steps_are_those_of_gradient_descent(weights: Distribution) -> None:
    """Against torch's differentiation, one seed and rate."""
    (steps,) = since.linear_steps(weights, 3, [1 / 16], width=8, seeds=1)[0].tolist()
    generator, w = torch.Generator().manual_seed(0), []
    for kind in (weights,) * 3 + ("normal",):
        w.append(init.draw_(torch.empty(8, 8), "lecun", distribution=kind, generator=generator))
    *layers, wanted = (a.requires_grad_() for a in w)
    costs = []
    for _ in range(math.ceil(steps) + 1):
        cost = (layers[2] @ layers[1] @ layers[0] - wanted).square().sum() / 2
        costs.append(cost.item())
        for layer, gradient in zip(layers, torch.autograd.grad(cost, layers), strict=True):
            layer.data -= gradient / 16
    assert costs[-1] <= since.TENTH * costs[0] < costs[-2]
    assert len(costs) - 2 < steps <= len(costs) - 1


# ---------------------------------------------------------------------------- what made-up rows say


def made(**values: Value) -> Evidence:
    """A record with the points of the book's scale, and these numbers."""
    found = config("directions")
    assert isinstance(found, Grid)
    names = {
        directions_arm(kind, n): (kind, n)
        for kind in DIRECTIONS
        for n in (since.DEEP, since.SHALLOW)
    }
    rows: list[tuple[Any, ...]] = []
    for point in found.points:
        assert isinstance(point, ModulePoint)
        kind, layers = names[point.arm]
        for update in range(0, point.updates + 1, point.every):
            for quantity, value in values.items():
                number = value(kind, layers, point.lr, point.seed, update)
                cell = point.arm, point.lr, point.seed, update, 0, quantity, "", math.nan, number
                rows.append(("main", *cell))
    evidence = Evidence("no such folder")
    evidence._loaded = {"directions": pd.DataFrame(rows, columns=["stage", *COLUMNS])}
    return evidence


def falling(at: dict[str, float], best: float = 0.01, other: float = 2.0) -> Value:
    """A cost that reaches 1.95 at some update, by the weights; later by a factor at other rates."""

    def value(kind: str, layers: int, lr: float, seed: int, update: int) -> float:
        wanted = at[kind] * (1 + 0.1 * WOBBLE[seed]) * (1 if lr == best else other)
        return 2.2 - 0.25 * update / wanted

    return value


def constant(**by_kind: float) -> Value:
    """A number by the weights that goes up and down with the seed, for all weights alike."""
    return lambda kind, layers, lr, seed, update: by_kind[kind] * (1 + 0.02 * WOBBLE[seed])


def spreads(end: float) -> Value:
    """Those of Gaussian weights are 40, those of orthogonal ones a share of it at the end."""

    def value(kind: str, layers: int, lr: float, seed: int, update: int) -> float:
        now = 40.0 if kind == "Gaussian" else 40 * end if update else 1.0
        return now * (1 + 0.1 * WOBBLE[(seed + (kind == "Gaussian")) % 5])

    return value


def costs(orthogonal: float, gaussian: float, **more: Any) -> Value:
    return falling({"orthogonal": orthogonal, "Gaussian": gaussian}, **more)


def own_rate(kind: str, layers: int, lr: float, seed: int, update: int) -> float:
    """Orthogonal weights are three times as fast at 0.03, and at 0.01 as fast as the others."""
    fast = kind == "orthogonal" and lr == 0.03
    slow = lr == 0.003 or (kind == "Gaussian" and lr == 0.03)
    wanted = (300 if fast else 2700 if slow else 900) * (1 + 0.1 * WOBBLE[seed])
    return 2.2 - 0.25 * update / wanted


CASES: dict[str, dict[Verdict, list[Evidence]]] = {
    "D12": {
        "holds": [made(test_cost=costs(400, 1200))],
        "fails": [made(test_cost=costs(900, 900)), made(test_cost=costs(1200, 600))],
        "holds in part": [made(test_cost=own_rate), made(test_cost=costs(800, 1300))],
        "undecided": [made(test_cost=costs(9000, 9000))],
    },
    "D13": {
        "holds": [
            made(test_cost=costs(900, 900), test_error=constant(orthogonal=0.7, Gaussian=0.702))
        ],
        "fails": [
            made(test_cost=costs(900, 900), test_error=constant(orthogonal=0.7, Gaussian=0.75)),
            made(test_cost=costs(900, 900), test_error=constant(orthogonal=0.75, Gaussian=0.7)),
        ],
        "undecided": [
            made(test_cost=costs(900, 900), test_error=constant(orthogonal=0.7, Gaussian=0.71))
        ],
    },
    "D14": {
        "holds": [made(test_cost=costs(900, 900), spread=spreads(0.9))],
        "fails": [made(test_cost=costs(900, 900), spread=spreads(0.1))],
        "undecided": [made(test_cost=costs(900, 900), spread=spreads(0.5))],
    },
}


@pytest.mark.parametrize("name", CASES)
def test_made_up_rows_get_their_verdicts(name: str) -> None:
    for verdict, cases in CASES[name].items():
        for k, evidence in enumerate(cases):
            found = judged(name, evidence)
            assert found.verdict == verdict, (k, found)
            if found.interval is not None:
                assert isinstance(found.ours, float)
                assert found.interval[0] <= found.ours <= found.interval[1]


def judged(name: str, evidence: Evidence) -> Judgement:
    return CLAIMS[name].judge(evidence)


def test_a_rate_is_chosen_by_the_other_seeds() -> None:
    """A seed that likes another rate changes it for all seeds but itself."""

    def cost(kind: str, layers: int, lr: float, seed: int, update: int) -> float:
        if seed == 0:
            return 1.0 if lr == 0.03 else 2.0
        return 1.9 if lr == 0.01 else 2.0

    rows = made(test_cost=cost).rows("directions")
    arm = directions_arm("orthogonal", since.DEEP)
    assert since.chosen_rates(rows, arm) == {0: 0.01, **dict.fromkeys(range(1, 5), 0.03)}


def test_a_cost_is_reached_as_a_mean_of_three() -> None:
    def cost(kind: str, layers: int, lr: float, seed: int, update: int) -> float:
        if update == 180:
            return 1.8  # alone
        return 1.9 if update >= 900 and lr == 0.01 else 2.1

    rows = made(test_cost=cost).rows("directions")
    times = since.updates_to(rows, directions_arm("Gaussian", since.DEEP))
    assert set(times[0.01]) == {990} and set(times[0.03]) == {1800}


def test_a_run_that_diverged_is_not_chosen() -> None:
    def cost(kind: str, layers: int, lr: float, seed: int, update: int) -> float:
        return math.nan if lr == 0.03 and update > 1000 else 2.1 - lr

    rows = made(test_cost=cost).rows("directions")
    found = since.chosen_rates(rows, directions_arm("Gaussian", since.DEEP))
    assert set(found.values()) == {0.01}


def test_strengths_are_those_of_gradient_descent() -> None:
    """Of one unit a layer, which is its own mode: against the step written out."""
    found = since.strengths((2.0,), 0.1, 0.05, 4, width=1, seed=3)[:, 0]
    a, b = (torch.randn(2, generator=torch.Generator().manual_seed(3)).double() * 0.1**0.5).tolist()
    for strength in found.tolist():
        assert strength == pytest.approx(a * b, rel=1e-5)
        a, b = a + 0.05 * b * (2 - a * b), b + 0.05 * a * (2 - a * b)


def test_strong_modes_are_learned_first() -> None:
    found = since.strengths((4.0, 2.0, 1.0), 0.001, 0.002, 4000)
    half = (found > torch.tensor([2.0, 1.0, 0.5])).double().argmax(0)
    assert 0 < half[0] < half[1] < half[2]
    assert found[-1] == pytest.approx(torch.tensor([4.0, 2.0, 1.0]), rel=0.05)
