"""What judges of training runs have in common: curves over updates, and which runs they are of.

Errors are those on the test set in percent. Means over seeds have 95 % t intervals, and ratios
those of their logarithms. The end of a run is its last measurement; between two measurements a
curve is straight, and beyond the last one it has no value. A curve is a table with one row a seed
and one column an update.

A run that diverged is wrong on all images from then on, as its record says, and nothing else of it
counts from then on. What needs such a number is undecided, as is what needs an update that the
rows do not reach; the note says which runs diverged.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from glorot2010.catalogue import Race, config
from glorot2010.rows import UNKNOWN, by_layer, choose, final_errors, interval
from glorot2010.verdicts.births import HIDDEN
from glorot2010.verdicts.claim import Array, Evidence, ratio_interval
from xavier.intervals import Interval

MARGIN = 2.0
"""Points of error on Shapeset below which two curves count as the same."""

CHANCE = 83.33
"""Error of the best constant answer on Shapeset."""

LEARNED = CHANCE - 5
"""An error from which on a network of sigmoids says something."""

RATES = (0.03, 0.1)
"""Of the experiments that have every arm at two given rates."""


def curve(
    rows: pd.DataFrame, arm: str, statistic: str, layer: int, lr: float | None = None
) -> pd.DataFrame:
    """A statistic of one layer's activations."""
    return by_layer(rows, arm, "activation", statistic, lr)[layer].unstack()


def end_errors(rows: pd.DataFrame, lr: float | None = None) -> pd.DataFrame:
    """Test errors at the end to the digits that single precision has: equal ones are equal."""
    return final_errors(rows, lr).round(4)


def error_curve(rows: pd.DataFrame, arm: str, lr: float | None = None) -> pd.DataFrame:
    """The test error over the run."""
    return 100 * by_layer(rows, arm, "test_error", lr=lr)[0].unstack()


def over_layers(
    rows: pd.DataFrame, arm: str, statistic: str, summary: Callable[..., Any]
) -> pd.DataFrame:
    """A summary of the five hidden layers' activations."""
    table = by_layer(rows, arm, "activation", statistic)[list(HIDDEN)]
    return pd.Series(summary(table.to_numpy(), axis=1), table.index).unstack()


def first_by_last(rows: pd.DataFrame, arm: str, quantity: str) -> pd.DataFrame:
    """Standard deviation of layer 1 over that of layer 5."""
    table = by_layer(rows, arm, quantity, "std")
    return (table[1] / table[5]).unstack()


def updates(curve: pd.DataFrame) -> Array:
    """Those at which there are measurements."""
    return np.array(curve.columns, dtype=np.float64)


def last(curve: pd.DataFrame) -> float:
    """The last update at which there is a measurement."""
    return float(curve.columns.max())


def after(curve: pd.DataFrame, update: float) -> pd.Series[float]:
    """Values after so many updates, by seed; straight between two measurements."""
    if update > last(curve):
        return pd.Series(math.nan, curve.index)
    values = [np.interp(update, updates(curve), row) for row in curve.to_numpy()]
    return pd.Series(values, curve.index)


def at_end(curve: pd.DataFrame) -> pd.Series[float]:
    """Values at the last measurement, by seed."""
    return after(curve, last(curve))


def rise(curve: pd.DataFrame, begin: float, end: float) -> pd.Series[float]:
    """Rise between two shares of the run over the whole rise; not a number if that is none."""
    first, start, stop, final = (after(curve, last(curve) * part) for part in (0, begin, end, 1))
    whole = final - first
    return (stop - start) / whole.where(whole > 0)


def first_time(curve: pd.DataFrame, reached: pd.DataFrame, otherwise: float) -> pd.Series[float]:
    """The first measured update at which something is reached, by seed."""
    measured = updates(curve)
    first = [measured[row.argmax()] if row.any() else otherwise for row in reached.to_numpy()]
    return pd.Series(first, curve.index, dtype=float)


def reached(curve: pd.DataFrame, level: float, otherwise: float, down: bool = False) -> Array:
    """The update at which curves first reach a level from below, or from above, by seed.

    Between two measurements a curve is straight over the logarithm of updates, over which errors
    nearly are. Not a number where a run diverged before.
    """
    measured = np.log(np.maximum(updates(curve), 1.0))
    found = []
    for row in curve.to_numpy(dtype=float):
        there = row <= level if down else row >= level
        k = int(there.argmax())
        if not there.any():
            found.append(math.nan if np.isnan(row).any() else otherwise)
        elif k == 0:
            found.append(0.0)
        else:
            share = (level - row[k - 1]) / (row[k] - row[k - 1])
            found.append(math.exp(measured[k - 1] + share * (measured[k] - measured[k - 1])))
    return np.array(found)


def ratios(values: pd.Series[float] | Array) -> Interval:
    """Mean over seeds of the logarithms of ratios; unknown if one has none."""
    numbers = np.array(values, dtype=np.float64)
    enough = numbers.size > 1 and bool((np.isfinite(numbers) & (numbers > 0)).all())
    return ratio_interval(numbers) if enough else UNKNOWN


def better_rate(rows: pd.DataFrame, arm: str) -> float:
    """Of two rates that of the smaller mean error at the end."""
    return min(RATES, key=lambda lr: end_errors(rows, lr)[arm].mean())


def race(experiment: str) -> Race:
    """The configuration of an experiment that trains, at the book's scale."""
    found = config(experiment)
    assert isinstance(found, Race)
    return found


def setting(rows: pd.DataFrame, experiment: str, *arms: str) -> str:
    """Of what runs the numbers are: widths, length, seeds, rates that were chosen, divergences."""
    named = [arm for arm in race(experiment).arms if arm.name in arms]
    widths = sorted({width for arm in named for width in arm.hidden})
    main = choose(rows, arm=arms)
    said = [
        f"Hidden layers of {' to '.join(map(str, widths[:: max(1, len(widths) - 1)]))} units, "
        f"{int(main['update'].max()):,} updates, {main['seed'].nunique()} seeds"
    ]
    rates = rates_of(main)
    chosen = {arm.name: rates[arm.name] for arm in named if arm.lr is None}
    if chosen:
        by_rate = (
            f"{lr:g} ({'; '.join(arm for arm, rate in chosen.items() if rate == lr)})"
            for lr in sorted(set(chosen.values()))
        )
        said.append("rates chosen: " + ", ".join(by_rate))
    return "; ".join(said + _diverged(main))


def _diverged(main: pd.DataFrame) -> list[str]:
    """How many runs of which arms diverged, if any did."""
    gone = main[main["quantity"] == "diverged"].groupby("arm", sort=False).size()
    told = ", ".join(f"{arm} {n}" for arm, n in gone.items())
    return [f"diverged runs: {told}"] if told else []


TWO_RATES = (
    "At first each arm had the rate of its trials, which are half as long as the runs. Where it "
    "was trained at a second rate as well, the better of the two counts, which favours these arms. "
    "Changed on 30 November 2026, when standard tanh was known to end seven points lower at its "
    "second rate."
)
"""How the rule of claims that compare curves at their own rates was changed."""


def at_better_rates(
    evidence: Evidence, errors: pd.DataFrame, **twins: Mapping[str, str]
) -> tuple[pd.DataFrame, dict[str, float], list[str]]:
    """Errors at the end, of arms that were trained at a second rate those at the better one.

    Better is what has the smaller mean over the seeds. A rate that is right for trials half as long
    need not be right for the run.

    Args:
        evidence: where the records may be.
        errors: by seed, a column an arm.
        twins: of each experiment that has arms at a second rate, which columns they stand for.

    Returns:
        The errors; the second rates that count, by column; and these as a sentence, if any.

    Raises:
        ValueError: a record is of other seeds.
    """
    better, rates, said = errors.copy(), dict[str, float](), []
    for experiment, columns in twins.items():
        if (rows := evidence.rows_if_any(experiment)) is None:
            continue
        seconds = end_errors(rows)
        if not seconds.index.equals(errors.index):
            raise ValueError(
                f"{experiment} must be of seeds {list(errors.index)}, got {list(seconds.index)}"
            )
        for arm, column in columns.items():
            if seconds[arm].mean() < errors[column].mean():
                better[column], rates[column] = seconds[arm], rates_of(rows)[arm]
                gap = interval(errors[column] - seconds[arm])
                gone = _diverged(choose(rows, arm=arm))
                told = [f"{column} at {rates[column]:g} by {gap:.1f}", *gone]
                said.append(", ".join(told))
    if said:
        said = [f"Second rates that ended lower, and count: {'; '.join(said)}"]
    return better, rates, said


def rates_of(rows: pd.DataFrame) -> dict[str, float]:
    """The learning rate of each arm of a record that has one an arm."""
    return {str(arm): float(lr) for arm, lr in choose(rows).groupby("arm")["lr"].first().items()}


def with_more_seeds(
    evidence: Evidence,
    errors: pd.DataFrame,
    rates: Mapping[str, float],
    **more: Mapping[str, str],
) -> pd.DataFrame:
    """Errors at the end of some arms, with those of later runs on further seeds.

    Args:
        evidence: where the records may be.
        errors: by seed, a column an arm.
        rates: the learning rate of each column.
        more: of each experiment with further seeds, which columns its arms go on with.

    Returns:
        These columns alone, of the seeds that all of them have. As they are, where a record is
        missing, or has another rate than the one that counts.

    Raises:
        ValueError: a seed would count twice.
    """
    later = []
    for experiment, columns in more.items():
        rows = evidence.rows_if_any(experiment)
        if rows is None or any(rates_of(rows)[arm] != rates[columns[arm]] for arm in columns):
            return errors[[column for columns in more.values() for column in columns.values()]]
        later.append(end_errors(rows)[list(columns)].rename(columns=columns))
    found = pd.concat(later, axis=1, join="inner")
    return pd.concat([errors[list(found)], found], verify_integrity=True)


PRETRAINED = {"pretraining": "tanh pre-trained", "pretraining_rate": "pre-trained at 0.003"}
"""Experiments with pre-trained networks of tanh units, and the names of these; their auto-encoders
have other rates."""

BEST_AUTO_ENCODERS = (
    "At first the pre-trained network was the one of the experiment pretraining, whose "
    "auto-encoders learn at rate 0.03; the paper names none. Their first layer restores images "
    "worse than at a tenth of that rate, so that both are looked at and the one counts that "
    "restores better. Changed when the errors of the first were known to the horizon, and those "
    "of the second to 100,000 updates on three seeds and not at the horizon."
)


def pretrained_tanh(evidence: Evidence) -> tuple[pd.Series[float], str]:
    """Errors at the end with pre-training, by seed, and of what runs they are.

    Of the rates of auto-encoders the one counts at which the first layer restores images best. No
    label has a part in that. Layers above restore what lies below them, and so cannot be compared.
    """
    rows = {experiment: evidence.rows(experiment) for experiment in PRETRAINED}
    costs = {name: _restored(rows[name], arm) for name, arm in PRETRAINED.items()}
    best = min(costs, key=lambda name: costs[name] if math.isfinite(costs[name]) else math.inf)
    arm = PRETRAINED[best]
    said = f"With pre-training, {arm!r}, of which the first layer restores images best"
    return end_errors(rows[best])[arm], f"{said}: {setting(rows[best], best, arm)}"


def _restored(rows: pd.DataFrame, arm: str) -> float:
    """Nats that the first layer needs for an image when its pre-training ends, over seeds."""
    found = choose(rows, arm=arm, quantity="reconstruction", layer=1)
    return float(found[found["update"] == found["update"].max()]["value"].mean(skipna=False))
