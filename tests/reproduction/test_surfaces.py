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
from torch.nn import functional

from glorot2010 import surfaces
from glorot2010.surfaces import COSTS, OUTPUTS, Array, Cost, Output, Surface, flat_share, surface

EXACT = 1e-12


def by_torch(cost: Cost, output: Output, sums: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """The cost of weighted sums (examples,), written with torch's own costs."""
    first = (t + 1) / 2
    if output == "softmax":
        logits = torch.stack([sums, torch.zeros_like(sums)], 1)
        labels = (t < 0).long()
        if cost == "cross_entropy":
            return functional.cross_entropy(logits, labels)
        one_hot = functional.one_hot(labels, 2)
        return (logits.softmax(1) - one_hot).square().sum(1).mean() / 2
    if cost == "quadratic":
        return functional.mse_loss(sums.tanh() if output == "tanh" else sums, t) / 2
    if output == "tanh":
        return functional.binary_cross_entropy((1 + sums.tanh()) / 2, first)
    return functional.binary_cross_entropy_with_logits(sums, first)


@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("output", OUTPUTS)
def test_cost_and_gradient_are_those_of_autograd(output: Output, cost: Cost) -> None:
    x, t = surfaces.draw(7)
    w1, w2 = np.array([-3.1, -0.4, 0.7, 2.0, 3.9]), np.array([-4.0, -1.3, 0.2, 2.8])
    found = surfaces.surface_over(x, t, cost, output, w1, w2)
    for (i, v0), (j, w0) in itertools.product(enumerate(w2), enumerate(w1)):
        v, w = (torch.tensor(number, requires_grad=True) for number in (v0, w0))
        value = by_torch(cost, output, v * (w * torch.from_numpy(x)).tanh(), torch.from_numpy(t))
        value.backward()
        assert w.grad is not None and v.grad is not None
        ours = found.cost[i, j], found.d_w1[i, j], found.d_w2[i, j]
        # The probability (1 + tanh a) / 2, of which torch takes the logarithm, keeps an absolute
        # 1e-16 only, and is exp(2 a) small: up to 1e-4 here, and its square counts in gradients.
        tolerance = 1e-9 if (output, cost) == ("tanh", "cross_entropy") else EXACT
        expected = pytest.approx(
            (value.item(), w.grad.item(), v.grad.item()), rel=tolerance, abs=tolerance
        )
        assert ours == expected


@pytest.mark.parametrize("output", OUTPUTS)
def test_large_weights_do_not_overflow(output: Output) -> None:
    grid = np.array([-5000.0, 0.0, 5000.0])
    for cost, target in itertools.product(COSTS, (1, -1)):
        x, t = np.array([1.0]), np.array([float(target)])
        found = surfaces.surface_over(x, t, cost, output, grid, grid)
        expected = {"cross_entropy": 5000.0 * (2 if output == "tanh" else 1)}
        expected["quadratic"] = {"softmax": 1.0, "tanh": 2.0, "linear": 5001**2 / 2}[output]
        at = (0 if target == 1 else 2), 2  # the unit says 1
        assert found.cost[at] == pytest.approx(expected[cost], rel=EXACT)


def test_a_seed_gives_the_same_surface_and_another_seed_another() -> None:
    first, again, other = (surface("quadratic", "softmax", seed=s, points=5) for s in (1, 1, 2))
    for name in ("cost", "d_w1", "d_w2"):
        assert np.array_equal(getattr(first, name), getattr(again, name))
        assert not np.array_equal(getattr(first, name), getattr(other, name))


def test_inputs_are_normal_and_targets_know_nothing_of_them() -> None:
    x, t = (np.concatenate(part) for part in zip(*map(surfaces.draw, range(400)), strict=True))
    assert set(t) == {-1.0, 1.0}
    for mean in (x.mean(), t.mean(), (x * t).mean(), (x**2 - 1).mean() / 2**0.5):
        assert abs(mean) < 4.5 / 4000**0.5  # standard errors


@pytest.mark.parametrize("points", [2, 3, 80, 81])
def test_the_square_is_even_and_exactly_symmetric(points: int) -> None:
    found = surface("quadratic", "tanh", seed=0, points=points)
    grid = found.w1
    assert grid.shape == (points,) and (grid[0], grid[-1]) == (-4.0, 4.0)
    assert np.array_equal(grid, -grid[::-1]) and np.array_equal(grid, found.w2)
    assert grid == pytest.approx(np.linspace(-4, 4, points), abs=EXACT)


# --------------------------------------------------------------------------------------------------
# Flat areas
# --------------------------------------------------------------------------------------------------

Formula: TypeAlias = Callable[[Array, Array], Any]
ACROSS: Array = np.linspace(-4, 4, 80)


def made_up(
    cost: Formula,
    d_w1: Formula,
    d_w2: Formula = lambda w1, w2: 0.0,
    across: Array = ACROSS,
) -> Surface:
    """A surface over (w1, w2) from formulas; its w2 axis has two points more at the same ends."""
    along = np.linspace(-4, 4, 82)
    w1, w2 = np.meshgrid(across, along)
    values = (formula(w1, w2) + np.zeros_like(w1) for formula in (cost, d_w1, d_w2))
    return Surface(across, along, *values)


def constant(value: float) -> Formula:
    return lambda w1, w2: value


def test_flat_is_what_rises_by_less_than_a_hundredth_of_the_range() -> None:
    plane = made_up(lambda w1, w2: 3 * w1 - 4 * w2, constant(3.0), constant(-4.0))
    assert plane.range == pytest.approx(56) and np.all(plane.slope == 5)
    assert flat_share(plane) == 0
    for slope, share in ((0.079, 1), (0.081, 0)):  # of a range of 8
        assert flat_share(made_up(lambda w1, w2: w1, constant(slope))) == pytest.approx(share)


def test_half_a_ramp_is_half_flat_along_either_axis() -> None:
    ramp = made_up(lambda w1, w2: np.maximum(w1, 0), lambda w1, w2: (w1 > 0) * 1.0)
    assert flat_share(ramp) == pytest.approx(0.5, rel=EXACT)
    along = made_up(lambda w1, w2: np.maximum(w2, 0), constant(0.0), lambda w1, w2: (w2 > 0) * 1.0)
    assert flat_share(along) == pytest.approx(0.5, rel=EXACT)


def test_points_of_an_uneven_grid_stand_for_the_area_around_them() -> None:
    grid = np.array([0.0, 1.0, 3.0, 4.0])  # areas 1/2, 3/2, 3/2, 1/2 of 4
    for flat, share in ((0.0, 1 / 8), (1.0, 3 / 8), (3.0, 3 / 8), (4.0, 1 / 8)):
        made = made_up(lambda w1, w2: w1, lambda w1, w2, at=flat: (w1 != at) * 1.0, across=grid)  # type: ignore[misc]
        assert flat_share(made) == pytest.approx(share, rel=EXACT)


def test_the_unit_of_the_cost_does_not_matter() -> None:
    found = surface("quadratic", "tanh", seed=3)
    # A power of two, so that nothing is rounded differently.
    larger = {name: 1024 * getattr(found, name) for name in ("cost", "d_w1", "d_w2")}
    assert flat_share(dataclasses.replace(found, **larger)) == flat_share(found) > 0


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


def test_flat_shares_are_those_of_the_surfaces() -> None:
    rows = surfaces.flat_shares((5, 2), ("tanh", "softmax"), above=0.1, limit=6.0)
    assert list(rows.columns) == ["seed", "output", "cost", "share"]
    keys = list(rows[["seed", "output", "cost"]].itertuples(index=False, name=None))
    assert keys == list(itertools.product((5, 2), ("tanh", "softmax"), COSTS))
    for seed, output, cost, share in rows.itertuples(index=False, name=None):
        assert share == flat_share(surface(cost, output, seed=seed, limit=6.0), 0.1)
    assert rows.share.nunique() > 4


def test_what_cannot_be_drawn_is_refused() -> None:
    for said, message in (
        ({"cost": "square"}, "cost must be one of cross_entropy, quadratic"),
        ({"output": "sofmax"}, "did you mean 'softmax'"),
    ):
        arguments: dict[str, Any] = {"cost": "quadratic", "output": "softmax", "seed": 0, **said}
        with pytest.raises(ValueError, match=re.escape(message)):
            surface(**arguments)
    with pytest.raises(ValueError, match="surface must have more than one height, got 2"):
        flat_share(made_up(constant(2.0), constant(0.0)))
