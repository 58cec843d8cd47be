"""Claims on dynamical isometry, D9 to D14, each with its judge.

The last three rest on networks of 40 and of 5 layers that were trained with each of three rates
from each kind of weights. The rate at which a seed's network counts is that with the least cost,
as a mean over the other seeds and over the last fifth of the measurements.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from glorot2010.catalogue import directions_arm
from glorot2010.families import spread
from glorot2010.rows import choose
from glorot2010.verdicts import claim as c
from glorot2010.verdicts.asked import above, below, equivalent, interval, mean_interval
from xavier import init, theory
from xavier.activations import get
from xavier.init import Distribution

WIDTH, DRAWS = 100, 40

FORMULA = 1.25
"""Factor up to which samples of that width follow a formula for infinite width."""

ROWS: dict[str, tuple[str, float, Distribution, tuple[int, ...]]] = {
    "linear, Gaussian": ("identity", 1.0, "normal", (10, 30, 100)),
    "rectifiers, Gaussian": ("relu", math.sqrt(2), "normal", (10, 30)),
    "rectifiers, orthogonal": ("relu", math.sqrt(2), "orthogonal", (10, 30)),
    "tanh, orthogonal": ("tanh", 1.05, "orthogonal", (10, 30)),
}
"""Units, gain, weights, and the numbers of layers after which spreads are held against the formula.

:meta hide-value:"""


@c.claim("D9", "Pennington et al. 2017", c.BIRTH, chapter=17)
def d9_spread(evidence: c.Evidence) -> c.Judgement:
    """Variance over squared mean of the squared singular values from end to end grows in
    proportion to the depth, by what the unit's slopes and the weights each give a layer.

    Statistic: its logarithm, sampled over xavier.theory.axis_spread, after 10 and 30 layers, for
        linear units after 100, too
    Rule: a part holds if the 95 % intervals of its ratios are within a factor of {FORMULA:g}, and
        fails if one is beyond; each kind of units, and linear ones after 100 layers, a part
    Scale: width {WIDTH}, {DRAWS} draws; tanh at gain 1.05 and there at its fixed point
    """
    parts: dict[str, c.Fact] = {}
    said = []
    for name, (units, gain, weights, depths) in ROWS.items():
        near = []
        for layers in depths:
            expected = theory.axis_spread(
                units, _settled(units, gain), layers=layers, orthogonal=weights == "orthogonal"
            )
            ratio = c.ratio_interval([found[layers] / expected for found in _spreads(name)])
            said.append(f"{name}, {layers}: {math.exp(ratio.mean):.2f}")
            fact = c.within_factor(ratio, FORMULA)
            if layers == 100:
                parts[f"{name}, 100 layers"] = fact
            else:
                near.append(fact)
        parts[name] = c.all_of(near)
    return c.in_parts(parts, "; ".join(said), f"Width {WIDTH}, sampled over formula")


def _settled(units: str, gain: float) -> float:
    """The variance of the weighted sums that these draws have in all layers."""
    return theory.fixed_point(units, gain=gain) if units == "tanh" else 1.0


@cache
def _spreads(name: str) -> tuple[dict[int, float], ...]:
    """Spreads of a row by the number of layers, draw by draw."""
    units, gain, weights, depths = ROWS[name]
    drawn = (through(units, gain, weights, max(depths), seed) for seed in range(DRAWS))
    return tuple({k: spread(found.jacobians[k - 1]) for k in depths} for found in drawn)


class Passed(NamedTuple):
    """What `through` gives."""

    end: Tensor
    """The last layer's activations."""

    start: Tensor
    """The input."""

    jacobians: Tensor
    """Those of 1, 2, ... layers at the input, stacked."""


def through(
    units: str,
    gain: float,
    weights: Distribution,
    layers: int = 30,
    seed: int = 0,
    stretch: float = 1.0,
) -> Passed:
    """An input on its way through random layers of a hundred units.

    It has the length that makes the first weighted sums as large as all later ones, times
    ``stretch``.
    """
    f, generator = get(units), torch.Generator().manual_seed(seed)
    start = torch.randn(WIDTH, 1, generator=generator).double()
    start *= stretch * math.sqrt(WIDTH * _settled(units, gain)) / gain / start.norm()
    z, whole, w, found = start, torch.eye(WIDTH).double(), torch.empty(WIDTH, WIDTH).double(), []
    for _ in range(layers):
        init.draw_(w, "lecun", gain, distribution=weights, generator=generator)
        s = w @ z
        z = f.value(s)
        whole = f.derivative(s, z) * (w @ whole)
        found.append(whole)
    return Passed(z, start, torch.stack(found))


ISOMETRIC = 1.0
"""Squared axes are kept together if their variance is below this multiple of their squared mean."""

LOST = 0.1
"""An axis is lost if it is below this share of the root mean square."""


@c.claim("D10", "Pennington et al. 2017", c.BIRTH, chapter=17)
def d10_units(evidence: c.Evidence) -> c.Judgement:
    """Orthogonal weights keep all axes of a deep tanh network together, near gain 1, and do not do
    so with rectifiers.

    Statistic: variance over squared mean of the squared singular values of 30 layers, gain 1.05;
        the shortest axis over their root mean square; the spread of rectifiers at gain sqrt 2 over
        that of linear Gaussian layers, after as many
    Rule: tanh is kept together if the 95 % interval of the first is below {ISOMETRIC:g}, no axis of
        it is lost if that of the second is above {LOST:g}, and rectifiers are not saved if that of
        the third is above 1/2; the opposite fails; each a part
    Scale: width {WIDTH}, {DRAWS} draws
    """
    tanh, rectifiers, linear = (
        np.array([found[30] for found in _spreads(name)])
        for name in ("tanh, orthogonal", "rectifiers, orthogonal", "linear, Gaussian")
    )
    drawn = (through("tanh", 1.05, "orthogonal", seed=seed) for seed in range(DRAWS))
    values = torch.linalg.svdvals(torch.stack([one.jacobians[-1] for one in drawn]))
    shortest = values[:, -1] / values.square().mean(1).sqrt()
    ratio = c.ratio_interval(rectifiers / linear)
    return c.by_limits(
        {
            "tanh is kept together": (mean_interval(tanh), below, ISOMETRIC),
            "no axis of tanh is lost": (mean_interval(shortest.numpy()), above, LOST),
            "rectifiers are not saved": (c.as_ratio(ratio), above, 0.5),
        },
        "Variance over squared mean of the squared axes, tanh",
    )


TENTH = 0.1
"""Share of its first cost at which a deep linear network counts as having learned."""

FLAT, STEEP = 0.5, 1.0
"""Power of the depth up to which a time depends little on it, and from which on it grows at least
in proportion."""

LINEAR_DEPTHS = (4, 8, 16)
LINEAR_RATES = tuple(2 ** (-k / 2) for k in range(2, 17))


@c.claim("D11", "Saxe et al. 2013", "none", chapter=17)
def d11_linear_times(evidence: c.Evidence) -> c.Judgement:
    """Deep linear networks learn in a number of steps that depends little on their depth from
    orthogonal weights, and grows at least in proportion to it from Gaussian ones.

    Statistic: slope of the logarithm of the steps to a tenth of the first squared error on that of
        the depth, 4, 8 and 16 layers, each network at its best rate of 15
    Rule: orthogonal holds if the 95 % interval is below {FLAT:g} and fails if it is above; Gaussian
        holds if it is above {STEEP:g} and fails if it is below; each a part
    Scale: width 32, white inputs, a Gaussian matrix to be learned, seeds 0 to 4
    """
    slopes = {
        name: mean_interval(_growth(weights))
        for name, weights in (("orthogonal", "orthogonal"), ("Gaussian", "normal"))
    }
    return c.by_limits(
        {
            "orthogonal: little": (slopes["orthogonal"], below, FLAT),
            "Gaussian: in proportion or more": (slopes["Gaussian"], above, STEEP),
        },
        "Power of the depth, orthogonal",
    )


@cache
def _growth(weights: Distribution) -> c.Array:
    """The slope of the logarithm of steps on that of depth, seed by seed."""
    steps = [linear_steps(weights, layers).min(1)[0].numpy() for layers in LINEAR_DEPTHS]
    return c.powers(LINEAR_DEPTHS, np.array(steps))


def linear_steps(
    weights: Distribution,
    layers: int,
    rates: Sequence[float] = LINEAR_RATES,
    *,
    width: int = 32,
    seeds: int = 5,
    most: int = 3000,
) -> Tensor:
    """Steps until the squared error of square linear layers is at `TENTH`, by seed and rate.

    Inputs are white and all there are, so that the cost is that of the product of the weights, and
    a step that of plain gradient descent on it, in double precision: at the best rates what is
    rounded grows. Steps between two are read off a straight line of the logarithm. It ends when all
    seeds are there at some rate: what is not there by then has no end.
    """
    drawn = torch.empty(layers + 1, seeds, width, width)
    for seed in range(seeds):
        generator = torch.Generator().manual_seed(seed)
        for layer in range(layers + 1):
            kind: Distribution = weights if layer < layers else "normal"
            init.draw_(drawn[layer, seed], "lecun", distribution=kind, generator=generator)
    *w, wanted = drawn.double().repeat_interleave(len(rates), 1)
    factors = torch.tensor(rates, dtype=w[0].dtype).repeat(seeds)[:, None, None]
    one = torch.ones(1, dtype=wanted.dtype)
    there, before, first = math.inf * one.expand(len(wanted)), one, one
    for step in range(most):
        up = [torch.eye(width, dtype=wanted.dtype).expand_as(wanted)]
        for layer in w:
            up.append(layer @ up[-1])
        off = up[-1] - wanted
        cost = off.square().sum((1, 2))
        first = cost if not step else first
        share = cost / first
        now = (share <= TENTH) & there.isinf()
        between = (before / TENTH).log() / (before / share).log()
        there[now] = step - 1 + between.expand_as(share)[now] if step else 0.0
        before = share
        if (there.view(seeds, -1).min(1)[0] < math.inf).all():
            break
        delta = factors * off
        for k in range(layers - 1, -1, -1):
            arriving = delta
            delta = w[k].mT @ delta
            w[k] = torch.baddbmm(w[k], arriving, up[k].mT, alpha=-1)
    return there.view(seeds, -1)


def strengths(
    values: Sequence[float], size: float, rate: float, steps: int, *, width: int = 9, seed: int = 0
) -> Tensor:
    """How strong the modes of a linear network of two layers are, a row a step of plain gradient
    descent on half the squared error, from small weights that are drawn at random (Saxe et al.
    2013, figure 3).

    Inputs are white, and what is to be learned is diagonal.

    Args:
        values: on its diagonal, fewer than units; the others are 0.
        size: standard deviation of an entry of the two weights' product, before the first step.
        rate: learning rate.
        steps: how many.
        width: units of each layer.
        seed: of the weights.
    """
    wanted = torch.zeros(width, width).double()
    wanted.diagonal()[: len(values)] = torch.tensor(values).double()
    drawn = torch.randn(2, width, width, generator=torch.Generator().manual_seed(seed)).double()
    below, above = drawn * (size / math.sqrt(width)) ** 0.5
    found = torch.zeros(steps, len(values))
    for step in range(steps):
        product = above @ below
        found[step] = product.diagonal()[: len(values)]
        left = wanted - product
        below, above = below + rate * above.mT @ left, above + rate * left @ below.mT
    return found


# ------------------------------------------------------------------------------ trained networks

REACHED = 1.95
"""Test cost, in nats, that counts as learned; guessing costs 2.110."""

FASTER = 2.0
"""How many times as fast a start must be to count as much faster."""

AS_FAST = 1.25
"""Within this factor two starts count as equally fast."""

ONE_POINT = 1.0
"""Percentage points within which two errors count as equal."""

DEEP, SHALLOW = 40, 5
TRAINED = "book: hidden layers of 100 tanh units at gain 1.05, 5 seeds, 3 rates"
LATE = 5  # of the measurements, the last one in so many


@c.claim("D12", "Pennington et al. 2017", "1,800 updates", chapter=17, needs=("directions",))
def d12_faster(evidence: c.Evidence) -> c.Judgement:
    """A deep tanh network learns much faster from orthogonal weights than from Gaussian ones, and
    not only because it stands a larger rate.

    Statistic: updates to a test cost of {REACHED:g}, as a mean of three measurements in a row,
        Gaussian over orthogonal, 40 layers: each at its best rate, and both at that of Gaussian
        weights
    Rule: the first holds if the 95 % interval is above {FASTER:g}, and fails if it is below; the
        second holds if it is above {AS_FAST:g}, and fails if it is below; each a part. Networks
        that do not get there count with the whole run, and then no part fails
    Scale: {TRAINED}
    """
    rows = evidence.rows("directions")
    times = {name: updates_to(rows, arm) for name, arm in _arms(DEEP).items()}
    rates = {name: chosen_rates(rows, arm) for name, arm in _arms(DEEP).items()}
    ends = {name: at_rates(times[name], rates[name]) for name in times}
    equal = at_rates(times["orthogonal"], rates["Gaussian"])
    own = interval(np.log(ends["Gaussian"] / ends["orthogonal"]))
    same = interval(np.log(ends["Gaussian"] / equal))
    never = any((found >= _last(rows, DEEP)).any() for found in (*ends.values(), equal))
    facts = {
        f"{FASTER:g} times as fast, each at its best rate": above(own, math.log(FASTER)),
        "faster at the rate of Gaussian weights": above(same, math.log(AS_FAST)),
    }
    parts = {name: None if never and fact is False else fact for name, fact in facts.items()}
    means = dict(zip(parts, map(c.as_ratio, (own, same)), strict=True))
    return c.in_parts(
        parts,
        means[next(iter(parts))],
        f"Updates, Gaussian over orthogonal, to a cost of {REACHED:g}; means "
        + ", ".join(f"{name} {np.mean(found):,.0f}" for name, found in ends.items()),
        _setting(rows, DEEP, rates),
        numbers=means,
    )


@c.claim("D13", "on Pennington et al. 2017", "4,500 updates", chapter=17, needs=("directions",))
def d13_shallow(evidence: c.Evidence) -> c.Judgement:
    """At five layers, as many as the paper has, it makes no difference whether weights are
    orthogonal or Gaussian.

    Statistic: test error at the end, Gaussian less orthogonal, each at its best rate, as a mean
        over the last fifth of the measurements
    Rule: holds if the 95 % interval is within {ONE_POINT:g} point of 0, fails if it is beyond
    Scale: {TRAINED}
    """
    rows = evidence.rows("directions")
    rates = {name: chosen_rates(rows, arm) for name, arm in _arms(SHALLOW).items()}
    errors = {
        name: at_rates(late(rows, arm, "test_error"), rates[name])
        for name, arm in _arms(SHALLOW).items()
    }
    found = interval(100 * (errors["Gaussian"] - errors["orthogonal"]))
    return c.as_a_whole(
        equivalent(found, ONE_POINT),
        found,
        "Percentage points, Gaussian less orthogonal; errors "
        + ", ".join(f"{name} {100 * np.mean(e):.1f}" for name, e in errors.items()),
        _setting(rows, SHALLOW, rates),
    )


HALF = 0.5
"""Isometry is gone if the spread is above this share of that of Gaussian weights."""


@c.claim("D14", "on Pennington et al. 2017", "1,800 updates", chapter=17, needs=("directions",))
def d14_undone(evidence: c.Evidence) -> c.Judgement:
    """Orthogonal weights are a matter of birth: when a deep tanh network has begun to learn, its
    axes are spread as widely as from Gaussian weights.

    Statistic: variance over squared mean of the squared singular values from the first hidden
        layer to the last, orthogonal over Gaussian, at the end, each at its best rate
    Rule: holds if the 95 % interval of the ratio is above {HALF:g}, fails if it is below
    Scale: {TRAINED}, 40 layers
    """
    rows = evidence.rows("directions")
    rates = {name: chosen_rates(rows, arm) for name, arm in _arms(DEEP).items()}
    spreads = {
        name: {
            update: at_rates(_measured(rows, arm, "spread", update), rates[name])
            for update in (0, _last(rows, DEEP))
        }
        for name, arm in _arms(DEEP).items()
    }
    ratios = {
        update: interval(np.log(spreads["orthogonal"][update] / spreads["Gaussian"][update]))
        for update in (0, _last(rows, DEEP))
    }
    last = ratios[_last(rows, DEEP)]
    told = "; ".join(
        f"{name} {np.exp(np.mean(np.log(a))):.3g} and {np.exp(np.mean(np.log(b))):.3g}"
        for name, (a, b) in ((name, found.values()) for name, found in spreads.items())
    )
    return c.as_a_whole(
        above(last, math.log(HALF)),
        c.as_ratio(last),
        f"Orthogonal over Gaussian at the end; at birth and at the end {told}",
        _setting(rows, DEEP, rates),
    )


Rates: TypeAlias = dict[int, float]
"""A learning rate for every seed."""


def _arms(layers: int) -> dict[str, str]:
    return {name: directions_arm(name, layers) for name in ("orthogonal", "Gaussian")}


def _of(rows: pd.DataFrame, arm: str, quantity: str) -> pd.DataFrame:
    """One quantity of an arm: rows by update, columns by seed and rate."""
    chosen = choose(rows, arm=arm, quantity=quantity)
    return chosen.pivot(index="update", columns=["seed", "lr"], values="value").sort_index()


def _by_seed(found: Any) -> pd.DataFrame:
    """A series by seed and rate as a table with a column a rate."""
    table: pd.DataFrame = found.unstack("lr").sort_index()
    return table


def _measured(rows: pd.DataFrame, arm: str, quantity: str, update: int) -> pd.DataFrame:
    return _by_seed(_of(rows, arm, quantity).loc[update])


def _last(rows: pd.DataFrame, layers: int) -> int:
    return int(choose(rows, arm=[*_arms(layers).values()])["update"].max())


def late(rows: pd.DataFrame, arm: str, quantity: str) -> pd.DataFrame:
    """The mean over the last fifth of the measurements, by seed and rate."""
    table = _of(rows, arm, quantity)
    return _by_seed(table.iloc[-max(1, len(table) // LATE) :].mean(skipna=False))


def chosen_rates(rows: pd.DataFrame, arm: str) -> Rates:
    """For every seed the rate with the least cost late in the runs of the others."""
    costs = late(rows, arm, "test_cost").fillna(math.inf)  # a run that diverged is no best one
    found: Rates = {}
    for seed in costs.index.tolist():
        others = costs.drop(index=seed) if len(costs) > 1 else costs
        found[seed] = float(costs.columns[int(others.mean().argmin())])
    return found


def at_rates(table: pd.DataFrame, rates: Rates) -> c.Array:
    """Of a table by seed and rate, one number a seed."""
    return np.array([table[lr][seed] for seed, lr in rates.items()], dtype=np.float64)


def updates_to(rows: pd.DataFrame, arm: str) -> pd.DataFrame:
    """When the test cost first is at `REACHED` as a mean of three measurements, by seed and rate.

    The middle one of the three counts; the whole run where there is none.
    """
    table = _of(rows, arm, "test_cost")
    smooth = table.rolling(3, center=True).mean()
    first = (smooth <= REACHED).idxmax().where((smooth <= REACHED).any(), table.index.max())
    return _by_seed(first.astype(float))


def _setting(rows: pd.DataFrame, layers: int, rates: Mapping[str, Rates]) -> str:
    """Of which runs a note speaks."""
    told = ", ".join(
        f"{name} {' or '.join(f'{lr:g}' for lr in sorted(set(found.values())))}"
        for name, found in rates.items()
    )
    seeds = rows["seed"].nunique()
    return f"{layers} layers, {_last(rows, layers):,} updates, {seeds} seeds, best rates {told}"
