"""`glorot2010.surfaces`: costs and gradients that autograd and algebra agree with; flat areas.

Numbers of size 1 to 10 in double precision, after sums of at most a few hundred terms, agree to
``EXACT``: about a thousand roundings.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import pytest
import torch
from scipy import stats
from torch.nn import functional

from glorot2010 import surfaces
from glorot2010.surfaces import OUTPUTS, Array, Output, Problem, Surface, draw, flat_share, surface
from xavier.network import Cost

EXACT = 1e-12
BOTH: tuple[Cost, ...] = ("cross_entropy", "quadratic")
W1 = np.array([-3.1, -0.4, 0.7, 2.0, 3.9])
W2 = np.array([-4.0, -1.3, 0.2, 2.8])

# Every output, small and large, and more classes where they are allowed.
NETWORKS: list[tuple[Output, dict[str, Any]]] = [
    *itertools.product(
        OUTPUTS,
        [{}, {"inputs": 3, "hidden": 4}, {"examples": 1}, {"inputs": 1, "hidden": 2}],
    ),
    ("softmax", {"classes": 3}),
    ("softmax", {"classes": 5, "inputs": 3, "hidden": 4}),
]


def one_example(x: float, label: int) -> Problem:
    """One input, one hidden unit, two classes: the two weights are the whole network."""
    return Problem(np.array([[x]]), np.array([label]), np.zeros((1, 1)), np.zeros((1, 1)))


# --------------------------------------------------------------------------------------------------
# Costs and gradients
# --------------------------------------------------------------------------------------------------


def by_torch(cost: Cost, output: Output, sums: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The cost of weighted sums (examples, classes - 1), written with torch's own costs."""
    if output == "softmax":
        logits = torch.cat([sums, torch.zeros_like(sums[:, :1])], 1)
        if cost == "cross_entropy":
            return functional.cross_entropy(logits, labels)
        one_hot = functional.one_hot(labels, logits.shape[1])
        return (logits.softmax(1) - one_hot).square().sum(1).mean() / 2
    first = (labels == 0).double()
    if cost == "quadratic":
        z = sums[:, 0].tanh() if output == "tanh" else sums[:, 0]
        return functional.mse_loss(z, 2 * first - 1) / 2
    if output == "tanh":
        return functional.binary_cross_entropy((1 + sums[:, 0].tanh()) / 2, first)
    return functional.binary_cross_entropy_with_logits(sums[:, 0], first)


@pytest.mark.parametrize("cost", BOTH)
@pytest.mark.parametrize(("output", "sizes"), NETWORKS)
def test_cost_and_gradient_are_those_of_autograd(
    output: Output, sizes: dict[str, Any], cost: Cost
) -> None:
    problem = draw(7, **sizes)
    found = surfaces.surface_over(problem, cost, output, W1, W2)
    x, labels = torch.from_numpy(problem.x), torch.from_numpy(problem.labels)
    for (i, w2), (j, w1) in itertools.product(enumerate(W2), enumerate(W1)):
        w = torch.tensor(problem.w, requires_grad=True)
        v = torch.tensor(problem.v, requires_grad=True)
        with torch.no_grad():
            w[0, 0], v[0, 0] = w1, w2
        value = by_torch(cost, output, (x @ w).tanh() @ v, labels)
        value.backward()
        assert w.grad is not None and v.grad is not None
        expected = value.item(), w.grad[0, 0].item(), v.grad[0, 0].item()
        ours = found.cost[i, j], found.d_w1[i, j], found.d_w2[i, j]
        # The probability (1 + tanh a) / 2, of which torch takes the logarithm, keeps an absolute
        # 1e-16 only, and is exp(2 a) small: up to 1e-4 here, and its square counts in gradients.
        tolerance = 1e-9 if (output, cost) == ("tanh", "cross_entropy") else EXACT
        assert ours == pytest.approx(expected, rel=tolerance, abs=tolerance)


def test_many_examples_are_taken_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"seed": 2, "points": 5, "examples": 23, "inputs": 2, "hidden": 2, "classes": 3}
    whole = surface("quadratic", "softmax", **options)
    monkeypatch.setattr(surfaces, "_NUMBERS_AT_ONCE", 3 * 25 * 4)  # four examples at a time
    parts = surface("quadratic", "softmax", **options)
    for name in ("cost", "d_w1", "d_w2"):
        assert getattr(parts, name) == pytest.approx(getattr(whole, name), abs=EXACT)


# --------------------------------------------------------------------------------------------------
# The shape of figure 5
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("output", OUTPUTS)
def test_large_weights_do_not_overflow(output: Output) -> None:
    for cost, label in itertools.product(BOTH, (0, 1)):
        grid = [-5000.0, 0.0, 5000.0]
        found = surfaces.surface_over(one_example(1.0, label), cost, output, grid, grid)
        wrong = -5000.0 if label == 0 else 5000.0
        expected = {"cross_entropy": 5000.0 * (2 if output == "tanh" else 1)}
        expected["quadratic"] = {"softmax": 1.0, "tanh": 2.0, "linear": 5001**2 / 2}[output]
        at = grid.index(wrong), 2  # the unit says 1
        assert found.cost[at] == pytest.approx(expected[cost], rel=EXACT)


# --------------------------------------------------------------------------------------------------
# Draws and grids
# --------------------------------------------------------------------------------------------------


def test_a_seed_gives_the_same_surface_and_another_seed_another() -> None:
    first, again, other = (
        surface("quadratic", "softmax", seed=seed, points=5, hidden=3) for seed in (1, 1, 2)
    )
    for name in ("cost", "d_w1", "d_w2"):
        assert np.array_equal(getattr(first, name), getattr(again, name))
        assert not np.array_equal(getattr(first, name), getattr(other, name))


def test_examples_do_not_depend_on_the_network_nor_targets_on_the_inputs() -> None:
    small, large = draw(3, examples=50), draw(3, examples=50, hidden=9, rule="glorot")
    assert np.array_equal(small.x, large.x) and np.array_equal(small.labels, large.labels)
    assert np.array_equal(draw(3, examples=50, inputs=4).labels, small.labels)
    assert np.array_equal(draw(3, examples=50, input_std=2.0).x, 2 * small.x)
    assert not np.array_equal(draw(4, examples=50).labels, small.labels)


def test_draws_have_the_distributions_that_are_asked_for() -> None:
    problem = draw(0, inputs=20, hidden=50, examples=1000, classes=4, input_std=0.5)
    assert (problem.x.shape, problem.w.shape, problem.v.shape) == ((1000, 20), (20, 50), (50, 3))
    # One test in a million fails by chance.
    assert stats.kstest(problem.x.ravel(), "norm", (0, 0.5)).pvalue > 1e-6
    assert stats.chisquare(np.bincount(problem.labels)).pvalue > 1e-6
    # The standard rule: uniform up to one over the root of the fan-in.
    for weights, fan_in in ((problem.w, 20), (problem.v, 50)):
        edge = fan_in**-0.5
        assert stats.kstest(weights.ravel(), "uniform", (-edge, 2 * edge)).pvalue > 1e-6
        assert 0.9 * edge < np.abs(weights).max() <= edge


def test_the_two_weights_that_are_varied_are_not_read() -> None:
    problem = draw(0, inputs=2, hidden=3)
    changed = dataclasses.replace(problem, w=problem.w.copy(), v=problem.v.copy())
    changed.w[0, 0], changed.v[0, 0] = 100.0, -100.0
    first, second = (
        surfaces.surface_over(p, "quadratic", "tanh", W1, W2) for p in (problem, changed)
    )
    assert np.array_equal(first.cost, second.cost)
    assert np.array_equal(first.d_w1, second.d_w1)


@pytest.mark.parametrize("points", [2, 3, 80, 81])
def test_the_square_is_even_and_exactly_symmetric(points: int) -> None:
    grid = surfaces.square(points, 4.0)
    assert grid.shape == (points,) and (grid[0], grid[-1]) == (-4.0, 4.0)
    assert np.array_equal(grid, -grid[::-1])
    assert grid == pytest.approx(np.linspace(-4, 4, points), abs=EXACT)
    found = surface("quadratic", "tanh", seed=0, points=points)
    assert np.array_equal(found.w1, grid) and np.array_equal(found.w2, grid)


# --------------------------------------------------------------------------------------------------
# Flat areas
# --------------------------------------------------------------------------------------------------


Formula: TypeAlias = Callable[[Array, Array], Any]


def made_up(
    cost: Formula,
    d_w1: Formula,
    d_w2: Formula = lambda w1, w2: 0.0,
    grid: Array | None = None,
) -> Surface:
    """A surface over (w1, w2) from formulas; its w2 axis has two points more at the same ends."""
    across = surfaces.square(80) if grid is None else grid
    along = surfaces.square(82)
    w1, w2 = np.meshgrid(across, along)
    values = (formula(w1, w2) + np.zeros_like(w1) for formula in (cost, d_w1, d_w2))
    return Surface(across, along, *values)


def constant(value: float) -> Formula:
    return lambda w1, w2: value


def test_a_plane_is_nowhere_flat_until_all_of_it_is() -> None:
    # Slope 5, range 3 * 8 + 4 * 8 = 56: 5 / 56 of the range per unit of weight.
    plane = made_up(lambda w1, w2: 3 * w1 - 4 * w2, constant(3.0), constant(-4.0))
    assert plane.range == 56 and np.all(plane.slope == 5)
    assert [flat_share(plane, t) for t in (0.01, 0.089)] == [0, 0]
    assert [flat_share(plane, t) for t in (0.09, 1.0)] == pytest.approx([1, 1], rel=EXACT)
    exact = made_up(lambda w1, w2: w1, constant(1.0))
    assert flat_share(exact, 1 / 8) == 0  # flat is below the threshold


def test_half_a_ramp_is_half_flat_along_either_axis() -> None:
    ramp = made_up(lambda w1, w2: np.maximum(w1, 0), lambda w1, w2: (w1 > 0) * 1.0)
    assert flat_share(ramp) == pytest.approx(0.5, rel=EXACT)
    along = made_up(lambda w1, w2: np.maximum(w2, 0), constant(0.0), lambda w1, w2: (w2 > 0) * 1.0)
    assert flat_share(along) == pytest.approx(0.5, rel=EXACT)
    corner = made_up(
        lambda w1, w2: np.maximum(np.maximum(w1, 0), np.maximum(w2, 0)),
        lambda w1, w2: ((w1 > 0) & (w1 >= w2)) * 1.0,
        lambda w1, w2: ((w2 > 0) & (w2 > w1)) * 1.0,
    )
    assert flat_share(corner) == pytest.approx(0.25, rel=EXACT)


def test_points_of_an_uneven_grid_stand_for_the_area_around_them() -> None:
    grid = np.array([0.0, 1.0, 3.0, 4.0])  # areas 1/2, 3/2, 3/2, 1/2 of 4
    for flat, share in ((0.0, 1 / 8), (1.0, 3 / 8), (3.0, 3 / 8), (4.0, 1 / 8)):
        made = made_up(lambda w1, w2: w1, lambda w1, w2, at=flat: (w1 != at) * 1.0, grid=grid)  # type: ignore[misc]
        assert flat_share(made) == pytest.approx(share, rel=EXACT)


def test_the_unit_of_the_cost_does_not_matter() -> None:
    found = surface("quadratic", "tanh", seed=3)
    scaled = dataclasses.replace(
        # A power of two, so that nothing is rounded differently.
        found, cost=1024 * found.cost, d_w1=1024 * found.d_w1, d_w2=1024 * found.d_w2
    )  # fmt: skip
    assert flat_share(scaled) == flat_share(found) > 0
    lifted = dataclasses.replace(found, cost=found.cost + 8.0)
    assert flat_share(lifted) == pytest.approx(flat_share(found), abs=1e-3)


def test_flat_ground_is_counted_from_a_height_on() -> None:
    """Two terraces of a third each, at heights 0 and 1, and a slope between them."""
    steps = made_up(
        lambda w1, w2: np.clip((w1 + 4 / 3) * 3 / 8, 0, 1),
        lambda w1, w2: np.where(abs(w1) < 4 / 3, 3 / 8, 0.0),
    )
    low_and_high = flat_share(steps)
    assert low_and_high == pytest.approx(2 / 3, abs=0.02)  # to the width of a cell
    for above in (0.2, 0.5, 1.0):
        assert flat_share(steps, above=above) == pytest.approx(low_and_high / 2, rel=EXACT)
    rows = surfaces.flat_shares([0], ["tanh"], above=0.5, limit=8.0, points=21)
    part = surface("quadratic", "tanh", seed=0, limit=8.0, points=21)
    assert rows.share[rows.cost == "quadratic"].item() == flat_share(part, above=0.5) > 0


def test_flat_shares_are_those_of_the_surfaces() -> None:
    options: dict[str, Any] = {"points": 11, "limit": 6.0, "hidden": 2, "examples": 3}
    rows = surfaces.flat_shares((5, 2), ("tanh", "softmax"), threshold=0.02, **options)
    assert list(rows.columns) == ["seed", "output", "cost", "share"]
    keys = list(rows[["seed", "output", "cost"]].itertuples(index=False, name=None))
    assert keys == list(itertools.product((5, 2), ("tanh", "softmax"), BOTH))
    for seed, output, cost, share in rows.itertuples(index=False, name=None):
        assert share == flat_share(surface(cost, output, seed=seed, **options), 0.02)
    assert rows.share.nunique() > 4


# --------------------------------------------------------------------------------------------------
# Bad arguments
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"cost": "square"}, "cost must be one of cross_entropy, quadratic"),
        ({"output": "sofmax"}, "did you mean 'softmax'"),
        (
            {"classes": 3, "output": "tanh"},
            "classes must be 2 for output 'tanh', got 3",
        ),
        ({"classes": 3, "output": "linear"}, "classes must be 2 for output 'linear'"),
        ({"rule": "xavier"}, "rule must be one of"),
    ],
)
def test_what_cannot_be_drawn_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        surface(**{"cost": "quadratic", "output": "softmax", "seed": 0, **arguments})


def test_what_has_no_flat_share_is_refused() -> None:
    with pytest.raises(ValueError, match="surface must have more than one height, got 2"):
        flat_share(made_up(constant(2.0), constant(0.0)))
