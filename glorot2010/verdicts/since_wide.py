"""Claims of parametrizations by width, D23 to D28, each with its judge.

The first three are computed: networks of two widths take a few updates, and exponents say how the
change of a layer's outputs goes with the width. The others rest on networks that learn at a grid of
rates. A network's best rate is the lowest point of a parabola, over the logarithm of the rate,
through the least test cost and its two neighbours; at an end of the grid it is that end.
"""

from __future__ import annotations

import itertools
from functools import cache
from typing import Literal

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from glorot2010.catalogue import WIDTHS, width_arm
from glorot2010.families import Wide
from glorot2010.rows import choose
from glorot2010.verdicts import claim as c
from glorot2010.verdicts.asked import above, below, equivalent, interval
from xavier import init
from xavier.intervals import Interval
from xavier.shapeset import Shapeset

CHECKED = (64, 512)
"""Widths of the networks that take a few updates; all parametrizations agree at the first."""

UPDATES = 4
"""Those that they take."""

FLAT = 0.1
"""Size up to which an exponent in the width counts as zero, or as the one that is named."""

STAYS = 0.25
"""Size up to which the slope of the best rate over the width, both as logarithms, is that of a rate
that stays."""

CHECK = "five layers of 64 and of 512 tanh units, equal at 64, batches of 10, seeds 0 to 19"
WIDER = (
    "At first the widths were 64, 128 and 256, where twenty seeds left parts open. Changed when "
    "that was known."
)
AFTER = "4 updates"
WIDE = "book: five hidden layers of 32, 64, 128 and 256 tanh units, 5 seeds, 6 rates"
TRAINED = "800 updates"
RATES = {"sgd": 0.05, "adam": 0.001}
"""Of the few updates."""

SEEDS = tuple(range(20))
"""Of the networks that take them."""

Optimizer = Literal["sgd", "adam"]


@c.claim("D23", "Yang et al. 2022", AFTER, chapter=19)
def d23_coordinates(evidence: c.Evidence) -> c.Judgement:
    """After a few steps of gradient descent at one rate, logits have moved the further the wider a
    network is in the standard parametrization; in the maximal-update parametrization every layer
    has moved as far at every width.

    Statistic: slope of the logarithm of the change's root mean square on that of the width
    Rule: standard holds if the 95 % interval of the logits' is above {FLAT:g}; maximal-update, if
        those of the first hidden layer, the last, and the logits are within {FLAT:g}; each a part
    Scale: {CHECK}
    Changed: {WIDER}
    """
    standard, maximal = slopes("sp"), slopes("mup")
    parts = {
        "standard: logits move further": (standard["logits"], above, FLAT),
        **{f"maximal-update: {name} as far": (maximal[name], equivalent, FLAT) for name in maximal},
    }
    said = f"Exponent of the logits' change, standard, rate {RATES['sgd']:g}"
    return c.by_limits(parts, said)


@c.claim("D24", "Jacot et al. 2018 and Yang & Hu 2021", AFTER, chapter=19)
def d24_features(evidence: c.Evidence) -> c.Judgement:
    """In the NTK parametrization hidden layers move less the wider they are, as one over the root
    of the width, while the logits move as far; in the maximal-update parametrization all move.

    Statistic: the same slopes as in D23
    Rule: the NTK's hidden layers hold if the 95 % intervals of the first's and the last's are
        within {FLAT:g} of -1/2, its logits, and the last hidden layer of maximal-update, if theirs
        are within {FLAT:g} of 0; each a part
    Scale: {CHECK}
    Changed: {WIDER}
    """
    kernel, maximal = slopes("ntk"), slopes("mup")
    shifted = {name: c.shifted(kernel[name], 0.5) for name in ("first hidden", "last hidden")}
    facts = {
        **{f"NTK: {name} as n^-1/2": equivalent(shifted[name], FLAT) for name in shifted},
        "NTK: logits as far": equivalent(kernel["logits"], FLAT),
        "maximal-update: last hidden as far": equivalent(maximal["last hidden"], FLAT),
    }
    means = [*(kernel[name] for name in shifted), kernel["logits"], maximal["last hidden"]]
    numbers = dict(zip(facts, means, strict=True))
    said = f"Exponent of the last hidden layer's change, NTK, rate {RATES['sgd']:g}"
    return c.in_parts(facts, kernel["last hidden"], said, numbers=numbers)


@c.claim("D25", "this book, on Yang et al. 2022", AFTER, chapter=19)
def d25_rates_alone(evidence: c.Evidence) -> c.Judgement:
    """Of the maximal-update parametrization it is the learning rates that count: with output
    weights by the standard rule, all layers still move as far at every width.

    Statistic: as D23, in the maximal-update parametrization but for the output's initial weights,
        which are LeCun's
    Rule: holds if the 95 % intervals of the first hidden layer, the last, and the logits are within
        {FLAT:g}, and fails if one is wholly outside; gradient descent and Adam, each a part
    Scale: {CHECK}; Adam at rate 0.001
    Changed: The widths are those that D23 was changed to. At the first ones it failed, too.
    """
    optimizers: dict[str, Optimizer] = {"gradient descent": "sgd", "Adam": "adam"}
    found = {name: slopes("mup", kind, large_output=True) for name, kind in optimizers.items()}
    parts = {
        name: c.all_of([equivalent(slope, FLAT) for slope in by_layer.values()])
        for name, by_layer in found.items()
    }
    numbers = {name: by_layer["logits"] for name, by_layer in found.items()}
    said = "Exponent of the logits' change, gradient descent"
    return c.in_parts(parts, numbers["gradient descent"], said, numbers=numbers)


@c.claim("D26", "Yang et al. 2022", TRAINED, chapter=19, needs=("width",))
def d26_best_rate(evidence: c.Evidence) -> c.Judgement:
    """With gradient descent the best learning rate falls as a network widens in the standard
    parametrization, and stays where it is in the maximal-update parametrization.

    Statistic: slope of the logarithm of the best rate on that of the width, seed by seed
    Rule: standard holds if the 95 % interval is below -{STAYS:g}; maximal-update, if it is within
        {STAYS:g}; each a part
    Scale: {WIDE}
    """
    return _moves(evidence.rows("width"))


@c.claim("D27", "Yang et al. 2022", TRAINED, chapter=19, needs=("width_adam",))
def d27_best_rate_of_adam(evidence: c.Evidence) -> c.Judgement:
    """With Adam the best learning rate falls as a network widens in the standard parametrization,
    and stays where it is in the maximal-update parametrization.

    Statistic: the same slopes as in D26
    Rule: as that of D26, word for word
    Scale: {WIDE}
    """
    return _moves(evidence.rows("width_adam"))


@c.claim("D28", "Yang et al. 2022", TRAINED, chapter=19, needs=("width", "width_adam"))
def d28_wider_is_better(evidence: c.Evidence) -> c.Judgement:
    """At the rate that is best for the narrowest network, every doubling of the width lowers the
    test cost in the maximal-update parametrization, and not in the standard one.

    Statistic: test cost at the rate of the grid with the least mean cost at {WIDTHS[0]} units, each
        width less the one before
    Rule: maximal-update holds if the 95 % intervals of all three differences are below 0, and fails
        if one is above; standard the other way round; both optimizers, each a part
    Scale: {WIDE}
    """
    parts: dict[str, c.Fact] = {}
    numbers: dict[str, Interval] = {}
    for name, experiment in (("gradient descent", "width"), ("Adam", "width_adam")):
        for how, said in (("mup", "maximal-update"), ("sp", "standard")):
            steps = doublings(evidence.rows(experiment), how)
            better = c.all_of([below(step, 0) for step in steps])
            worse = c.negated(c.all_of([c.negated(above(step, 0)) for step in steps]))
            fact = c.either(better, worse)
            part = f"{said}, {name}"
            parts[part] = fact if how == "mup" else c.negated(fact)
            numbers[part] = steps[-1]
    said = f"Last doubling, in nats, maximal-update with gradient descent; {TRAINED}"
    return c.in_parts(parts, next(iter(numbers.values())), said, numbers=numbers)


# ------------------------------------------------------------------------------ a few updates


def layers_of(model: nn.Sequential, images: torch.Tensor) -> dict[str, torch.Tensor]:
    """Outputs of the first hidden layer, of the last, and the logits."""
    found = [images]
    with torch.no_grad():
        for part in model:
            found.append(part(found[-1]))
    return {"first hidden": found[2], "last hidden": found[-2], "logits": found[-1]}


@cache
def moved(
    how: str,
    optimizer: Optimizer = "sgd",
    large_output: bool = False,
    widths: tuple[int, ...] = (),
    seeds: tuple[int, ...] = (),
) -> pd.DataFrame:
    """Root mean square change of outputs on thirty other images, after a few updates.

    Args:
        how: the parametrization.
        optimizer: with the rate in `RATES`.
        large_output: whether output weights are drawn by LeCun's rule whatever it says.
        widths, seeds: others than `CHECKED` and `SEEDS`.

    Returns:
        Rows by seed and width, a column a layer.
    """
    rows = {}
    for seed in seeds or SEEDS:
        stream, (images, _) = Shapeset(seed), Shapeset(10**6 + seed).batch(30)
        batches = [stream.batch(10) for _ in range(UPDATES)]
        for width in widths or CHECKED:
            generator = torch.Generator().manual_seed(seed)
            model = Wide(generator, how, optimizer, width, CHECKED[0])
            if large_output:
                init.initialize_(model[-1], "lecun", generator=generator)
            before = layers_of(model, images)
            groups, lr = model.groups(RATES[optimizer]), RATES[optimizer]
            kind = torch.optim.SGD if optimizer == "sgd" else torch.optim.Adam
            learn = kind(groups, lr=lr)
            for x, y in batches:
                learn.zero_grad()
                cross_entropy(model(x), y).backward()
                learn.step()
            after = layers_of(model, images)
            rows[seed, width] = {
                name: float((after[name] - before[name]).double().square().mean().sqrt())
                for name in after
            }
    table = pd.DataFrame(rows).T
    table.index.names = ["seed", "width"]
    return table


def slopes(
    how: str, optimizer: Optimizer = "sgd", large_output: bool = False
) -> dict[str, Interval]:
    """Exponents of the changes in the width, by layer, with intervals over seeds."""
    changes = moved(how, optimizer, large_output)
    return {str(name): interval(exponents(changes[name].unstack())) for name in changes}


def exponents(table: pd.DataFrame) -> c.Array:
    """Slopes of logarithms on those of the columns, one a row."""
    return c.powers(table.columns, table.to_numpy().T)


# ------------------------------------------------------------------------------ the best rate


def costs(rows: pd.DataFrame, how: str, width: int) -> pd.DataFrame:
    """Test costs at the end: one row a seed, one column a rate; infinite where a run diverged."""
    found = choose(rows, arm=width_arm(how, width), quantity="final_cost")
    return found.pivot(index="seed", columns="lr", values="value").fillna(np.inf)


EXPLODED = 2.6
"""Test cost, in nats, from which on a network of any seed has exploded, or is about to."""


def bowls(rows: pd.DataFrame, how: str) -> pd.DataFrame:
    """Test costs by width, seed and rate, without the rates at which some seed exploded.

    The column ``power`` is the rate's logarithm to base 2.
    """
    tables = [
        costs(rows, how, width)
        .reset_index()
        .melt("seed", var_name="lr", value_name="cost")
        .assign(width=f"{width} units")
        for width in WIDTHS
    ]
    found: pd.DataFrame = pd.concat(tables).astype({"lr": float})
    worst = found.groupby(["width", "lr"], sort=False)["cost"].transform("max")
    kept: pd.DataFrame = found[worst < EXPLODED]
    return kept.assign(power=np.log2(kept["lr"]))


def best_rate(rates: c.Array, found: c.Array) -> float:
    """Where the parabola through the least cost and its neighbours is lowest.

    >>> round(best_rate(np.array([1.0, 2.0, 4.0]), np.array([3.0, 1.0, 3.0])), 3)
    2.0
    """
    k = int(found.argmin())
    near = slice(k - 1, k + 2)
    if k in (0, len(found) - 1) or not np.isfinite(found[near]).all():
        return float(rates[k])
    a, b, _ = np.polyfit(np.log(rates[near] / rates[k]), found[near] - found[k], 2)
    return float(rates[k] * np.exp(-b / (2 * a))) if a > 0 else float(rates[k])


def best_rates(rows: pd.DataFrame, how: str) -> pd.DataFrame:
    """The best rate: one row a seed, one column a width."""
    found = {}
    for width in WIDTHS:
        table = costs(rows, how, width)
        rates = np.array(table.columns, dtype=float)
        found[width] = [best_rate(rates, row) for row in table.to_numpy(dtype=float)]
    return pd.DataFrame(found)


def rate_slope(rows: pd.DataFrame, how: str) -> Interval:
    """Slope of the logarithm of the best rate on that of the width, over seeds."""
    return interval(exponents(best_rates(rows, how)))


def doublings(rows: pd.DataFrame, how: str) -> list[Interval]:
    """Test cost of each width less that of the one before, at the narrowest one's best rate."""
    tables = [costs(rows, how, width) for width in WIDTHS]
    lr = tables[0].mean().idxmin()
    return [interval(b[lr] - a[lr]) for a, b in itertools.pairwise(tables)]


def _moves(rows: pd.DataFrame) -> c.Judgement:
    found = {how: rate_slope(rows, how) for how in ("sp", "mup")}
    parts = {
        "standard: the best rate falls": (found["sp"], below, -STAYS),
        "maximal-update: it stays": (found["mup"], equivalent, STAYS),
    }
    return c.by_limits(parts, f"Slope of the best rate in the standard parametrization, {TRAINED}")
