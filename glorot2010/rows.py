"""Verbs on the rows of a record: what chapters, drawings and judges ask of them.

Rows have the columns `glorot2010.points.COLUMNS` and ``stage``, as `glorot2010.experiments.load`
gives them. Only the runs of the stage "main" count here; those in which rates were chosen do not,
unless they are asked for. Errors are in percent.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import special

from xavier.intervals import Interval, mean_interval

UNKNOWN = Interval(math.nan, math.nan, math.nan, 0, 0.95)
"""What is known of a mean where a number is missing; it is neither above nor below anything."""


def choose(rows: pd.DataFrame, **where: Any) -> pd.DataFrame:
    """The rows in which columns have given values, with ``value`` in double precision.

    Args:
        rows: of a record.
        where: values by column, as in ``arm="tanh", layer=range(1, 6)``; any of several for a
            collection. The stage is "main" if it is not given.
    """
    chosen = pd.Series(True, rows.index)
    for column, wanted in {"stage": "main", **where}.items():
        several = isinstance(wanted, Collection) and not isinstance(wanted, str)
        chosen &= rows[column].isin(list(wanted)) if several else rows[column] == wanted
    return rows[chosen].astype({"value": float})


def final_errors(rows: pd.DataFrame, lr: float | None = None) -> pd.DataFrame:
    """Test errors at the end in percent: one row a seed, one column an arm.

    Args:
        rows: of a record.
        lr: the learning rate, where arms have several.

    Raises:
        ValueError: an arm has several rates, and none was given.

    >>> few = pd.DataFrame({"stage": "main", "quantity": "final_error", "seed": [0, 1, 0, 1],
    ...                     "arm": ["tanh", "tanh", "relu", "relu"], "value": [.3, .4, .1, .15]})
    >>> errors = final_errors(few)
    >>> errors["tanh"].tolist()
    [30.0, 40.0]
    >>> compare(errors, "tanh", "relu").mean
    22.5
    """
    return _errors(choose(rows, quantity="final_error", **({} if lr is None else {"lr": lr})))


def errors_at(rows: pd.DataFrame, update: int) -> pd.DataFrame:
    """Test errors after so many updates, as in `final_errors`."""
    return _errors(choose(rows, quantity="test_error", update=update))


def first_below(rows: pd.DataFrame, level: float) -> pd.Series[int]:
    """The first measurement with a test error below a level in percent: its update.

    By arm and seed; runs that never are below it are left out.
    """
    test = choose(rows, quantity="test_error")
    below = test[100 * test["value"] < level]
    return below.groupby(["arm", "seed"], observed=True)["update"].min()


def rates_tried(rows: pd.DataFrame) -> pd.DataFrame:
    """Test errors of the runs in which learning rates were chosen, in percent: means over seeds.

    Returns:
        One row an arm, one column a rate ``lr``.
    """
    tried = choose(rows, stage="rate", quantity="final_error")
    return 100 * tried.pivot_table(index="arm", columns="lr", values="value", observed=True)


def by_rate(*tables: pd.DataFrame, stage: str = "main") -> pd.DataFrame:
    """Errors at the end in percent: one row a seed, a column for each arm and rate.

    Args:
        tables: rows of one record or of several, on the same seeds or on others.
        stage: "rate" for the runs in which rates were chosen.
    """
    found = pd.concat([choose(rows, stage=stage, quantity="final_error") for rows in tables])
    found = found.assign(arm=found["arm"].astype(str), value=100 * found["value"])
    return found.pivot(index="seed", columns=["arm", "lr"], values="value").sort_index(axis=1)


def chosen_again(tried: pd.DataFrame) -> pd.DataFrame:
    """Which rates would have been chosen on other seeds, by drawing from those that there were.

    All samples of as many seeds, with replacement, are gone through, so that no chance is in it.

    Args:
        tried: from `by_rate`, of the runs in which rates are chosen.

    Returns:
        A row a sample, with the rate of every arm as `glorot2010.experiments.choose` takes it, and
        the ``share`` of its probability.

    >>> trials = pd.DataFrame({("tanh", 0.01): [30.0, 36.0], ("tanh", 0.1): [32.0, 32.0]})
    >>> chosen_again(trials).groupby("tanh")["share"].sum().to_dict()
    {0.01: 0.25, 0.1: 0.75}
    """
    n = len(tried)
    samples = list(itertools.combinations_with_replacement(range(n), n))
    counts = np.array([np.bincount(sample, minlength=n) for sample in samples])
    orders = [math.factorial(n) / math.prod(map(math.factorial, count)) for count in counts]
    means = pd.DataFrame(counts @ tried.to_numpy() / n, columns=tried.columns)
    arms = tried.columns.get_level_values(0).unique()
    found = {arm: means[arm].idxmin(axis=1) for arm in arms}
    return pd.DataFrame(found).assign(share=np.array(orders) / n**n)


def compare_chosen(
    ends: pd.DataFrame, tried: pd.DataFrame, a: str, b: str, *, rare: float = 0.0
) -> Interval:
    """`compare`, with the noise of choosing both rates in the interval.

    To the variance of the mean difference, at the rates that were chosen, is added the variance of
    that mean over the rates that `chosen_again` gives, on the seeds that have runs at all of them.
    Where these rates are one, it is `compare`.

    Args:
        ends: from `by_rate`, of the runs that count.
        tried: from `by_rate`, of the runs in which rates are chosen.
        a, b: two arms of both.
        rare: samples with a rate that no run has are left out, if no larger share takes it.

    Raises:
        ValueError: a larger share of the samples chooses a rate with which no run counts.
    """
    again = chosen_again(tried[[a, b]])
    taken = []
    for arm in (a, b):
        shares = again.groupby(arm)["share"].sum()
        absent = [rate for rate in shares.index if (arm, rate) not in ends]
        if often := [rate for rate in absent if shares[rate] > rare]:
            raise ValueError(
                f"ends must have {arm} at rate {often[0]:g}, which {shares[often[0]]:.1%} of the "
                f"samples of trials choose, got rates {list(ends[arm].columns)}"
            )
        again = again[~again[arm].isin(absent)]
        taken += [(arm, rate) for rate in shares.index.difference(absent)]
    both = ends[taken].dropna()
    means = [(both[a, la] - both[b, lb]).mean() for la, lb in zip(again[a], again[b], strict=True)]
    mean = np.average(means, weights=again["share"])
    choice = float(np.average((np.array(means) - mean) ** 2, weights=again["share"]))
    best = tried.mean().groupby(level=0).idxmin()  # a pair of arm and rate for every arm
    found = interval(ends[best[a]] - ends[best[b]])
    half = found.mean - found.low
    t = special.stdtrit(found.n - 1, (1 + found.level) / 2)
    wider = float(math.hypot(half, t * math.sqrt(choice)))
    return replace(found, low=found.mean - wider, high=found.mean + wider)


def _errors(chosen: pd.DataFrame) -> pd.DataFrame:
    chosen = chosen.assign(arm=chosen["arm"].astype(str), value=100 * chosen["value"])
    return chosen.pivot(index="seed", columns="arm", values="value")


def by_layer(
    rows: pd.DataFrame, arm: str, quantity: str, statistic: str = "", lr: float | None = None
) -> pd.DataFrame:
    """One statistic of the layers of an arm: rows by seed and update, one column a layer.

    From where a run diverged its numbers are none. Quantities of the whole network are of layer 0.

    Args:
        rows: of a record.
        arm: whose.
        quantity: such as "activation" or "test_error".
        statistic: of it, such as "p98"; none for errors.
        lr: the learning rate, where the arm has several.
    """
    of_arm = choose(rows, arm=arm, quantity=[quantity, "diverged"])
    of_arm = of_arm if lr is None else of_arm[of_arm["lr"] == lr]
    found = of_arm[(of_arm["quantity"] == quantity) & (of_arm["statistic"] == statistic)]
    table = found.pivot(index=["seed", "update"], columns="layer", values="value").sort_index()
    gone = of_arm[of_arm["quantity"] == "diverged"].set_index("seed")["update"].to_dict()
    over = [update >= gone.get(seed, math.inf) for seed, update in table.index]
    table[np.array(over, dtype=bool)] = math.nan
    return table


def interval(values: ArrayLike, level: float = 0.95) -> Interval:
    """The t interval of a mean over seeds; `UNKNOWN` if a number is none, or there is but one."""
    numbers = np.asarray(values, dtype=float)
    known = numbers.size > 1 and bool(np.isfinite(numbers).all())
    return mean_interval(numbers, level) if known else UNKNOWN


def intervals(errors: pd.DataFrame, digits: int = 1) -> pd.Series[str]:
    """The mean over seeds of each column with its interval, as a table shows it.

    Args:
        errors: one row a seed.
        digits: behind the point.

    >>> intervals(pd.DataFrame({"tanh": [30.0, 31.0, 32.0]}))["tanh"]
    '31.0 (28.5 to 33.5)'
    """
    said = [f"{interval(errors[column]):.{digits}f}" for column in errors]
    return pd.Series(said, errors.columns).rename_axis(None)


def compare(errors: pd.DataFrame, a: str, b: str) -> Interval:
    """The mean of a less b over seeds, with the interval of the differences within each seed.

    Args:
        errors: from `final_errors` or `errors_at`.
        a, b: two of its arms, which share their seeds.
    """
    return interval(errors[a] - errors[b])
