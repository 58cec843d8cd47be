"""Judges of claims that training decides: one function for each, on the rows of records.

Which number decides, and by which rule, is written in `glorot2010.claims`, which quotes the limits
below. Where its words leave something open, the docstring here says how they are read.

Errors are those on the test set in percent. Arms are compared by their differences within each
seed, means over seeds have 95 % t intervals, and ratios have those of their logarithms. Runs in
which learning rates were chosen are not looked at. The end of a run is its last measurement;
between two measurements a curve is straight, and beyond the last one it has no value.

A run that diverged is wrong on all images from then on, as its record says, and nothing else of it
counts from then on. What needs such a number is undecided, as is what needs an update that the
rows do not reach; the note says which runs diverged.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from glorot2010 import paper
from glorot2010.catalogue import Grid, Race, config
from glorot2010.judging import (
    Array,
    Evidence,
    Fact,
    Judgement,
    all_of,
    ends_as_ratios,
    of_fact,
    of_parts,
    ratio_interval,
    scope,
    to_digits,
    within_factor,
)
from glorot2010.points import FINITE, SvmPoint
from xavier.intervals import (
    Interval,
    above,
    below,
    equivalent,
    mean_interval,
    proportion_interval,
)

MARGIN = 2.0
"""Points of error on Shapeset below which two curves count as the same."""

CHANCE = 83.33
"""Error of the best constant answer on Shapeset."""

COLLAPSED, OPEN = 0.1, 0.25
"""A layer of sigmoids has collapsed where its mean is below the first, and not where it is above
the second."""

MNIST_LEARNED, CIFAR_LEARNED = 10.0, 65.0
"""Errors below which a network has learned these sets, and not merely left chance."""

_HIDDEN = (1, 2, 3, 4, 5)
_USED = ["seed", "update", "layer", "at", "value"]  # columns
_RATES = (0.03, 0.1)  # of the experiments that have every arm at two given rates
_LEARNED = CHANCE - 5  # an error from which on a network of sigmoids says something
_ONE_OBJECT = 200 / 3  # error of the best constant answer where there are three classes

_NOTHING = Interval(math.nan, math.nan, math.nan, 0, 0.95)  # it decides nothing


# --------------------------------------------------------------------------------------------------
# From rows to numbers by seed
# --------------------------------------------------------------------------------------------------


def _of(
    rows: pd.DataFrame, arm: str, quantity: str, statistic: str = "", lr: float | None = None
) -> pd.DataFrame:
    """What counts of one arm, at one rate where it has several."""
    chosen = (
        (rows["stage"] == "main")
        & (rows["arm"] == arm)
        & (rows["quantity"] == quantity)
        & (rows["statistic"] == statistic)
    )
    found = rows.loc[chosen if lr is None else chosen & (rows["lr"] == lr), _USED].copy()
    found["value"] = found["value"].to_numpy(dtype=np.float64)
    return found


def _ends(rows: pd.DataFrame, arm: str, lr: float | None = None) -> pd.Series[float]:
    """Test error at the end in percent, by seed; to the digits that single precision has."""
    return (100 * _of(rows, arm, "final_error", lr=lr).set_index("seed")["value"]).round(4)


def _layers(
    rows: pd.DataFrame,
    arm: str,
    statistic: str,
    quantity: str = "activation",
    lr: float | None = None,
) -> pd.DataFrame:
    """One row a seed, columns by layer and update; not a number from where a run diverged."""
    found = _of(rows, arm, quantity, statistic, lr)
    table = found.pivot(index="seed", columns=["layer", "update"], values="value").sort_index(
        axis=1
    )
    gone = _of(rows, arm, "diverged", lr=lr).set_index("seed")["update"]
    for seed in gone.index.intersection(table.index):
        table.loc[seed, table.columns.get_level_values("update") >= gone[seed]] = math.nan
    return table


def _layer(table: pd.DataFrame, layer: int) -> pd.DataFrame:
    """One layer of `_layers`: one row a seed, one column an update."""
    return table.loc[:, table.columns.get_level_values("layer") == layer].droplevel(0, axis=1)


def _errors(rows: pd.DataFrame, arm: str, lr: float | None = None) -> pd.DataFrame:
    """Test error over the run in percent: one row a seed, one column an update."""
    return 100 * _layer(_layers(rows, arm, "", "test_error", lr), 0)


def _across(table: pd.DataFrame, summary: Callable[..., Any]) -> pd.DataFrame:
    """A summary over the five hidden layers: one row a seed, one column an update."""
    curves = [_layer(table, layer) for layer in _HIDDEN]
    values = summary([curve.to_numpy() for curve in curves], axis=0)
    return pd.DataFrame(values, curves[0].index, curves[0].columns)


def _columns(curve: pd.DataFrame) -> Array:
    """What the columns stand for, such as updates."""
    return np.array(curve.columns, dtype=np.float64)


def _last(curve: pd.DataFrame) -> float:
    """The last update at which there is a value, 0 if there is none."""
    return float(_columns(curve).max(initial=0))


def _at(curve: pd.DataFrame, update: float) -> pd.Series[float]:
    """Values after so many updates, by seed; straight between two measurements."""
    updates = _columns(curve)
    if not updates.size or update > updates[-1]:
        return pd.Series(math.nan, curve.index)
    return pd.Series([np.interp(update, updates, row) for row in curve.to_numpy()], curve.index)


def _rise(curve: pd.DataFrame, begin: float, end: float) -> pd.Series[float]:
    """Rise between two shares of the run over the whole rise; not a number if that is none."""
    first, start, stop, last = (_at(curve, _last(curve) * share) for share in (0, begin, end, 1))
    whole = last - first
    return (stop - start) / whole.where(whole > 0)


def _first(curve: pd.DataFrame, reached: pd.DataFrame, otherwise: float) -> pd.Series[float]:
    """The first measured update at which something is reached, by seed."""
    updates = _columns(curve)
    first = [updates[row.argmax()] if row.any() else otherwise for row in reached.to_numpy()]
    return pd.Series(first, curve.index, dtype=float)


# --------------------------------------------------------------------------------------------------
# From numbers by seed to intervals and facts
# --------------------------------------------------------------------------------------------------


def _interval(values: pd.Series[float] | Array | list[float]) -> Interval:
    """Mean over seeds; nothing if one is not a finite number or there are fewer than two."""
    numbers = np.asarray(values, dtype=float)
    enough = numbers.size > 1 and bool(np.isfinite(numbers).all())
    return mean_interval(numbers) if enough else _NOTHING


def _ratios(values: pd.Series[float]) -> Interval:
    """Mean over seeds of the logarithms of ratios; nothing if one has none."""
    numbers = np.array(values, dtype=np.float64)
    enough = numbers.size > 1 and bool((np.isfinite(numbers) & (numbers > 0)).all())
    return ratio_interval(numbers) if enough else _NOTHING


def _either(holds: Fact, fails: Fact) -> Fact:
    """True if the first is so, else False if the second is so, else open."""
    return True if holds else False if fails else None


def _number(interval: Interval) -> tuple[float | str, tuple[float, float] | None]:
    """A mean and its interval, as a judgement has them."""
    return ("no number", None) if math.isnan(interval.mean) else (interval.mean, interval.ends)


def _as_ratio(interval: Interval) -> tuple[float | str, tuple[float, float] | None]:
    """The same of logarithms, as a ratio."""
    if math.isnan(interval.mean):
        return _number(interval)
    return math.exp(interval.mean), ends_as_ratios(interval)


# --------------------------------------------------------------------------------------------------
# What notes say
# --------------------------------------------------------------------------------------------------


def _note(parts: Mapping[str, Fact], numbers: Mapping[str, Interval], more: str) -> str:
    """Which parts are so, with their means and intervals, and what more there is to say."""
    return scope({name + _shown(numbers.get(name)): fact for name, fact in parts.items()}, more)


def _shown(interval: Interval | None) -> str:
    if interval is None:
        return ""
    if math.isnan(interval.mean):
        return " (no number)"
    return f" ({_said(interval.mean)}, {_said(interval.low)} to {_said(interval.high)})"


def _said(*numbers: float) -> str:
    """Numbers in three digits, updates in all of theirs, one after the other."""
    return ", ".join(f"{x:,.0f}" if abs(x) >= 1000 else f"{x:.3g}" for x in numbers)


def _setting(rows: pd.DataFrame, experiment: str, *arms: str) -> str:
    """Of what runs the numbers are: widths, length, seeds, rates that were chosen, divergences."""
    race = config(experiment)
    assert isinstance(race, Race)
    named = [arm for arm in race.arms if arm.name in arms]
    widths = sorted({width for arm in named for width in arm.hidden})
    main = rows[(rows["stage"] == "main") & rows["arm"].isin(arms)]
    updates = int(max(main["update"], default=0))
    said = [
        f"Hidden layers of {to_digits(*widths[:: max(1, len(widths) - 1)], digits=4)} units, "
        f"{updates:,} updates, {main['seed'].nunique()} seeds"
    ]
    rates = main.groupby("arm")["lr"].first()
    chosen = {arm.name: rates[arm.name] for arm in named if arm.lr is None and arm.name in rates}
    if chosen:
        by_rate = (
            f"{lr:g} ({'; '.join(arm for arm, rate in chosen.items() if rate == lr)})"
            for lr in sorted(set(chosen.values()))
        )
        said.append("rates chosen: " + ", ".join(by_rate))
    gone = main[main["quantity"] == "diverged"].groupby("arm", sort=False).size()
    if len(gone):
        said.append("diverged runs: " + ", ".join(f"{arm} {n}" for arm, n in gone.items()))
    return "; ".join(said)


PRETRAINED = {"pretraining": "tanh pre-trained", "pretraining_rate": "pre-trained at 0.003"}
"""Experiments with pre-trained networks of tanh units, and the names of these; their auto-encoders
have other rates."""


def _pretrained_tanh(evidence: Evidence) -> tuple[pd.Series[float], str]:
    """Errors at the end with pre-training, by seed, and of what runs they are.

    Of the rates of auto-encoders the one counts at which the first layer restores images best. No
    label has a part in that. Layers above restore what lies below them, and so cannot be compared.
    """
    rows = {experiment: evidence.rows(experiment) for experiment in PRETRAINED}
    costs = {name: _restored(rows[name], arm) for name, arm in PRETRAINED.items()}
    best = min(costs, key=lambda name: costs[name] if math.isfinite(costs[name]) else math.inf)
    arm = PRETRAINED[best]
    said = f"With pre-training, {arm!r}, of which the first layer restores images best: "
    return _ends(rows[best], arm), said + _setting(rows[best], best, arm)


def _restored(rows: pd.DataFrame, arm: str) -> float:
    """Nats that the first layer needs for an image when its pre-training ends, over seeds."""
    found = _of(rows, arm, "reconstruction").query("layer == 1")
    return float(found[found["update"] == found["update"].max()]["value"].mean(skipna=False))


def _listed(errors: Mapping[str, float]) -> str:
    """Errors of table 1's curves in one line, N for the normalized one of the kind before."""
    return ", ".join(
        f"{'N' if arm.endswith(' normalized') else arm} {error:.2f}"
        for arm, error in errors.items()
    )


# --------------------------------------------------------------------------------------------------
# S: the notes
# --------------------------------------------------------------------------------------------------


def s9_normal_weights(evidence: Evidence) -> Judgement:
    """Normal weights end better than uniform ones of the same variance.

    An interval above 0 holds even if all of it is below the margin.
    """
    rows = evidence.rows("distribution")
    gap = _interval(_ends(rows, "uniform") - _ends(rows, "normal"))
    parts = {"normal weights end better": _either(above(gap, 0.0), below(gap, MARGIN))}
    more = "Uniform less normal. " + _setting(rows, "distribution", "uniform", "normal")
    return Judgement(of_parts(parts), *_number(gap), None, _note(parts, {}, more))


def s13_softsign_saturates(evidence: Evidence) -> Judgement:
    """Softsign saturates faster than tanh at first, and then stabilizes.

    The second half begins half way between the measurements around it. A whole rise that is not
    above 0 in every seed leaves the second part open.
    """
    rows = evidence.rows("table1")
    softsign, tanh = (
        _across(_layers(rows, arm, "saturated"), np.mean) for arm in ("softsign", "tanh")
    )
    found = {
        "faster at first": _interval(_at(softsign, 80_000) - _at(tanh, 80_000)),
        "stable later": _interval(_rise(softsign, 0.5, 1.0)),
    }
    parts = {
        "faster at first": above(found["faster at first"], 0.0),
        "stable later": below(found["stable later"], 0.25),
    }
    more = "Saturated share at 80,000 updates, softsign less tanh. "
    note = _note(parts, found, more + _setting(rows, "table1", "tanh", "softsign"))
    return Judgement(of_parts(parts), *_number(found["faster at first"]), None, note)


def s15_regularizer(evidence: Evidence) -> Judgement:
    """Pre-training does nothing but regularize.

    That pre-training harms by more than the margin is neither of the two that the rule names, and
    leaves the claim open.
    """
    rows = evidence.rows("table1")
    pretrained, said = _pretrained_tanh(evidence)
    gap = _interval(_ends(rows, "tanh") - pretrained)
    inside, beyond = equivalent(gap, MARGIN), above(gap, MARGIN)
    parts = {"nothing is gained without end of images": _either(inside, beyond)}
    more = f"Tanh less pre-trained tanh. {_setting(rows, 'table1', 'tanh')}. {said}"
    return Judgement(of_parts(parts), *_number(gap), None, _note(parts, {}, more))


def s16_like_recurrent(evidence: Evidence) -> Judgement:
    """Gradients vanish as they do in recurrent networks."""
    rows = evidence.rows("tied")
    found: dict[str, Interval] = {}
    for arm, name in (("tanh", "standard"), ("tanh normalized", "normalized")):
        # A variance is the square of what is recorded.
        curves = [
            _first_by_last(rows, f"{arm}, {tied}", "back_gradient") ** 2
            for tied in ("tied", "untied")
        ]
        for when in ("before the first update", "at the horizon"):
            tied, untied = (
                _at(curve, 0 if when.startswith("before") else _last(curve)) for curve in curves
            )
            found[f"{name}, {when}"] = _ratios(tied / untied)
    parts = {name: within_factor(interval, 1.5) for name, interval in found.items()}
    more = "Logarithm, tied less untied; ours standard, before the first update. "
    arms = (f"{arm}, {tied}" for arm in ("tanh", "tanh normalized") for tied in ("untied", "tied"))
    note = _note(parts, found, more + _setting(rows, "tied", *arms))
    ours = found["standard, before the first update"]
    return Judgement(of_parts(parts), *_number(ours), None, note)


def _first_by_last(rows: pd.DataFrame, arm: str, quantity: str) -> pd.DataFrame:
    """Standard deviation of layer 1 over that of layer 5: one row a seed, one column an update."""
    table = _layers(rows, arm, "std", quantity)
    return _layer(table, 1) / _layer(table, 5)


# --------------------------------------------------------------------------------------------------
# P: sections 2 and 3.1
# --------------------------------------------------------------------------------------------------


def p1_two_objects(evidence: Evidence) -> Judgement:
    """One object alone is easy, and two are harder.

    Of images with one object the best constant answer is wrong on two thirds.
    """
    rows = evidence.rows("singles")
    one, both = _ends(rows, "one object"), _ends(rows, "all")
    found = {
        "two are harder": _interval(both / CHANCE - one / _ONE_OBJECT),
        "one is easy": _interval(one),
    }
    parts = {
        "two are harder": above(found["two are harder"], 0.1),
        "one is easy": below(found["one is easy"], 5.0),
    }
    more = "Error over that of the best constant answer, one or two objects less one. "
    note = _note(parts, found, more + _setting(rows, "singles", "one object", "all"))
    return Judgement(of_parts(parts), *_number(found["two are harder"]), None, note)


def p2_best_depth(evidence: Evidence) -> Judgement:
    """The best depth is five, for the sigmoid four."""
    rows = evidence.rows("depth")
    named = {"sigmoid": 4, "tanh": 5, "softsign": 5}
    parts: dict[str, Fact] = {}
    best = {}
    for units, depth in named.items():
        ends = {layers: _ends(rows, f"{units}, {layers}") for layers in _HIDDEN}
        gaps = [_interval(ends[depth] - ends[other]) for other in _HIDDEN if other != depth]
        parts[f"{units} at depth {depth}"] = all_of(below(gap, 0.0) for gap in gaps)
        best[units] = min(_HIDDEN, key=lambda layers: ends[layers].mean())
    more = "Ours is the depth of the least mean error. "
    arms = [f"{units}, {layers}" for units in named for layers in _HIDDEN]
    note = _note(parts, {}, more + _setting(rows, "depth", *arms))
    ours, theirs = (", ".join(f"{u} {d}" for u, d in depths.items()) for depths in (best, named))
    return Judgement(of_parts(parts), ours, None, theirs, note)


def p3_top_layer(evidence: Evidence) -> Judgement:
    """The top hidden layer of a sigmoid network of depth four is driven to 0."""
    rows = evidence.rows("fig2")
    found = {
        f"rate {lr:g}": _interval(_at(_layer(_layers(rows, "depth 4", "mean", lr=lr), 4), 100_000))
        for lr in _RATES
    }
    parts = {name: below(interval, COLLAPSED) for name, interval in found.items()}
    more = "Mean of layer 4 at 100,000 updates, ours at rate 0.03. "
    note = _note(parts, found, more + _setting(rows, "fig2", "depth 4"))
    return Judgement(of_parts(parts), *_number(found["rate 0.03"]), 0.04, note)


def p4_layers_below(evidence: Evidence) -> Judgement:
    """Meanwhile the means of the layers below are above one half, and rise.

    Layer 4 has to get there within the horizon of 100,000 updates; the record goes on.
    """
    rows = evidence.rows("fig2")
    found: dict[str, Interval] = {}
    said = []
    for lr in _RATES:
        table = _layers(rows, "depth 4", "mean", lr=lr)
        top = _layer(table, 4)
        below_all = (top.to_numpy() < COLLAPSED).all(axis=0) & (_columns(top) <= 100_000)
        first = _columns(top)[below_all.argmax()] if below_all.any() else math.inf
        means = [pd.Series(0.5, top.index), *(_at(_layer(table, i), first) for i in (1, 2, 3))]
        for i, name in enumerate(("layer 1 above 0.5", "layer 2 above 1", "layer 3 above 2")):
            found[f"{name}, rate {lr:g}"] = _interval(means[i + 1] - means[i])
        values = _said(*(mean.mean() for mean in means[1:]))
        said.append(f"{values} after {first:,.0f}" if below_all.any() else "not reached")
    parts = {name: above(interval, 0.0) for name, interval in found.items()}
    more = "Ours are the means of layers 1 to 3 at rates 0.03 and 0.1. "
    note = _note(parts, found, more + _setting(rows, "fig2", "depth 4"))
    return Judgement(of_parts(parts), "; ".join(said), None, None, note)


def _escapes(rows: pd.DataFrame, layers: int, lr: float) -> pd.Series[float]:
    """Updates until a sigmoid network of some depth leaves the saturation, by seed (P5)."""
    arm = f"depth {layers}"
    top = _layer(_layers(rows, arm, "mean", lr=lr), layers)
    errors = _errors(rows, arm, lr).reindex(index=top.index, columns=top.columns)
    pairs = zip(top.to_numpy(), errors.to_numpy(), strict=True)
    return pd.Series([_escape(_columns(top), *pair) for pair in pairs], top.index, dtype=float)


def _escape(updates: Array, top: Array, errors: Array) -> float:
    """The first measurement, after the smallest mean of the run, at which both conditions hold.

    Infinite if there is none, not a number if the run diverged before it.
    """
    if np.isnan(top).all():
        return math.nan
    smallest = int(np.nanargmin(top))
    away = (top >= 2 * top[smallest]) & (errors <= _LEARNED)
    away[:smallest] = False
    if away.any():
        return float(updates[away.argmax()])
    return math.nan if np.isnan(top).any() else math.inf


def p5_escape(evidence: Evidence) -> Judgement:
    """A sigmoid network of depth four leaves the saturation, and one of depth five never does.

    Depth 4 is open, too, where all escape and one of them does so earlier, and where the rows do
    not go beyond 100,000 updates.
    """
    rows = evidence.rows("fig2")
    parts: dict[str, Fact] = {}
    counts: dict[int, list[int]] = {4: [], 5: []}
    for layers in counts:
        for lr in _RATES:
            escapes = _escapes(rows, layers, lr)
            away = int(np.isfinite(escapes).sum())
            counts[layers].append(away)
            late = _last(_errors(rows, f"depth {layers}", lr)) > 100_000
            seeds = len(escapes)
            if escapes.isna().any() or not seeds:
                fact: Fact = None
            elif layers == 4:
                holds = away == seeds and bool((escapes > 100_000).all())
                fact = _either(holds, late and not away)
            else:
                fact = _either(not away, away == seeds)
            shown = ", ".join("never" if math.isinf(u) else f"{u:,.0f}" for u in escapes)
            parts[f"depth {layers}, rate {lr:g} ({shown})"] = fact
    ours = "; ".join(f"depth {d}: {n} and {m} of {seeds}" for d, (n, m) in counts.items())
    more = "Seeds that escape at rates 0.03 and 0.1, in brackets when. "
    note = _note(parts, {}, more + _setting(rows, "fig2", "depth 4", "depth 5"))
    return Judgement(of_parts(parts), ours, None, "depth 4 near 2,000,000, depth 5 never", note)


def p6_first_layer(evidence: Evidence) -> Judgement:
    """As the top layer leaves saturation, the first one begins to saturate.

    A seed escapes in time if its run goes on for another quarter of the updates that it took.
    Numbers are those of the nearest measurement, of two as near of the earlier. The two statistics
    at two rates are four parts.
    """
    rows = evidence.rows("fig2")
    found: dict[str, Interval] = {}
    for lr in _RATES:
        escapes = _escapes(rows, 4, lr)
        for statistic, name in (("std", "standard deviation"), ("saturated", "saturated share")):
            curve = _layer(_layers(rows, "depth 4", statistic, lr=lr), 1)
            changes = _change_around(curve, escapes)
            found[f"{name}, rate {lr:g}"] = _interval(changes) if len(changes) >= 3 else _NOTHING
    parts = {name: above(interval, 0.05) for name, interval in found.items()}
    known = (name for name, interval in found.items() if not math.isnan(interval.mean))
    first = next(known, "standard deviation, rate 0.03")
    more = f"Layer 1 after the escape less half way to it, ours {first}. "
    note = _note(parts, found, more + _setting(rows, "fig2", "depth 4"))
    return Judgement(of_parts(parts), *_number(found[first]), None, note)


def _change_around(curve: pd.DataFrame, escapes: pd.Series[float]) -> list[float]:
    """Value at 1.25 times the escape less that at half of it, of seeds that escape in time."""
    updates = _columns(curve)
    changes = []
    for values, escape in zip(curve.to_numpy(), escapes.reindex(curve.index), strict=True):
        if 1.25 * escape <= _last(curve):
            after, before = (np.abs(updates - f * escape).argmin() for f in (1.25, 0.5))
            changes.append(float(values[after] - values[before]))
    return changes


def p7_output_biases(evidence: Evidence) -> Judgement:
    """The cause is that output biases learn fast, and a sigmoid is saturated where h is pushed.

    A rate at which the plain sigmoid is not below the limit gives no parts; the claim is open if
    neither gives any. That saturation is a cause fails where the centred units' interval is below
    its limit, and that it prevents learning where that of the error is above. Three parts more
    come with records that were made for them: of the scale of weights, of what the biases do later
    on, and of the first layer.
    """
    rows = evidence.rows("interventions")
    parts: dict[str, Fact] = {}
    said = []
    for lr in _RATES:
        tops = {arm: _interval(_top(rows, arm, lr)) for arm in _INTERVENTIONS}
        said.append(", ".join(f"{_INTERVENTIONS[arm]} {_said(t.mean)}" for arm, t in tops.items()))
        if not below(tops["sigmoid"], COLLAPSED):
            continue
        biases = tops["frozen output biases"], tops["log-prior output biases"]
        parts[f"the biases' speed is a cause, rate {lr:g}"] = _either(
            all_of(above(top, OPEN) for top in biases), any(below(top, COLLAPSED) for top in biases)
        )
        parts[f"saturation at 0 is a cause, rate {lr:g}"] = above(tops["centred"], OPEN)
        error = _interval(_ends(rows, "centred", lr))
        parts[f"it prevents learning, rate {lr:g}{_shown(error)}"] = below(error, _LEARNED)
    parts = parts or {"the plain sigmoid collapses": None}
    parts |= _by_scale(evidence) | _by_biases(evidence) | _by_first_layer(evidence)
    more = f"Mean of layer 4, plus 1/2 where centred, ours at rate 0.03; at 0.1 {said[1]}. "
    note = _note(parts, {}, more + _setting(rows, "interventions", *_INTERVENTIONS))
    return Judgement(of_parts(parts), said[0], None, None, note)


def _by_scale(evidence: Evidence) -> dict[str, Fact]:
    """Whether sigmoids sleep by the product of their slope and the scale of their weights.

    Both ends are asked for: of plain units with four times the weights that they learn, and of
    steep ones with a quarter that they do not. A rate gives a part only where plain units sleep
    with the usual weights and steep ones learn.
    """
    if (rows := evidence.rows_if_any("slope_scale")) is None:
        return {}
    parts: dict[str, Fact] = {}
    for lr in _RATES:
        ends = {name: _interval(_ends(rows, name, lr)) for name in _SCALED}
        learn = {name: below(end, _LEARNED) for name, end in ends.items()}
        if learn["plain, 1"] is False and learn["steep, 1"]:
            both = all_of([learn["plain, 4"], _not(learn["steep, 0.25"])])
            said = "; ".join(f"{name}: {_said(end.mean)}" for name, end in ends.items())
            parts[f"slope times scale of weights is what counts, rate {lr:g} ({said})"] = both
    return parts or {"plain units sleep where steep ones learn": None}


_SCALED = ("plain, 1", "plain, 4", "steep, 1", "steep, 0.25")


def _by_biases(evidence: Evidence) -> dict[str, Fact]:
    """Whether a network sleeps the longer, the better the output's biases do their work.

    A network that does not wake counts as if it did at the end, by which two kinds can only come
    nearer to one another.
    """
    if (rows := evidence.rows_if_any("biases")) is None:
        return {}
    waits = {}
    for arm in ("frozen", "learned", "log_prior"):
        curve = _errors(rows, arm)
        waits[arm] = _first(curve, curve <= _LEARNED, _last(curve)).where(curve.notna().all(axis=1))
    longer = [
        _ratios(waits[more] / waits[less])
        for more, less in (("log_prior", "learned"), ("learned", "frozen"))
    ]
    said = "; ".join(f"{arm.replace('_', '-')} {_said(*wait)}" for arm, wait in waits.items())
    name = f"biases that do their work prolong the sleep (awake after {said})"
    return {name: all_of(above(ratio, 0.0) for ratio in longer)}


def _by_first_layer(evidence: Evidence) -> dict[str, Fact]:
    """Whether networks that wake within 100,000 updates do not where their first layer is held.

    It is open where fewer than two wake with the first layer learning, or some do with it held.
    """
    if (rows := evidence.rows_if_any("first_layer")) is None:
        return {}
    free = _ends(evidence.rows("interventions"), "frozen output biases", 0.1)
    free = free[free <= _LEARNED]
    held = _ends(rows, "first held").reindex(free.index)
    awake = held <= _LEARNED
    name = f"the waking needs the first layer to learn ({_said(*free)}; held {_said(*held)})"
    needed = _either(not awake.any(), bool(awake.all())) if held.notna().all() else None
    return {name: needed if len(free) > 1 else None}


def _not(fact: Fact) -> Fact:
    return None if fact is None else not fact


_INTERVENTIONS = {
    "sigmoid": "plain",
    "frozen output biases": "frozen",
    "log-prior output biases": "log-prior",
    "centred": "centred",
    "steep": "steep",
    "steep, centred": "both",
}


def _top(rows: pd.DataFrame, arm: str, lr: float) -> pd.Series[float]:
    """Mean of layer 4 at the end, as it would be of units between 0 and 1, by seed."""
    curve = _layer(_layers(rows, arm, "mean", lr=lr), 4)
    return _at(curve, _last(curve)) + (0.5 if arm.endswith("centred") else 0.0)


def p8_pretrained_sigmoid(evidence: Evidence) -> Judgement:
    """Sigmoid networks that were pre-trained do not saturate."""
    rows, pre = evidence.rows("fig2"), evidence.rows("pretraining")
    found = {
        f"without it collapsed at rate {lr:g}": _interval(
            _at(_layer(_layers(rows, "depth 5", "mean", lr=lr), 5), 100_000)
        )
        for lr in _RATES
    }
    collapsed = [below(interval, COLLAPSED) for interval in found.values()]
    trained = _interval(_at(_layer(_layers(pre, "sigmoid pre-trained", "mean"), 5), 100_000))
    error = _interval(_ends(pre, "sigmoid pre-trained"))
    found |= {"with it open": trained, "and learning": error}
    parts = dict(
        zip(found, [*collapsed, above(trained, OPEN), below(error, _LEARNED)], strict=True)
    )
    without = True if True in collapsed else all_of(collapsed)
    needed = [without, parts["with it open"], parts["and learning"]]
    fact = _either(all_of(needed), below(trained, COLLAPSED))
    spread = _layer(_layers(pre, "sigmoid pre-trained", "std_over_inputs"), 5)
    more = "Mean of layer 5 at 100,000 updates, with it; its units' standard deviation over images "
    more += f"is then {_said(_at(spread, 100_000).mean())}. {_setting(rows, 'fig2', 'depth 5')}. "
    more += f"With pre-training: {_setting(pre, 'pretraining', 'sigmoid pre-trained')}"
    return Judgement(of_fact(fact), *_number(trained), None, _note(parts, found, more))


def p9_hessian(evidence: Evidence) -> Judgement:
    """The mean of the sigmoid puts large singular values into the Hessian."""
    rows = evidence.rows("hessian")
    sigmoid, centred = (_largest(rows, arm) for arm in ("sigmoid", "centred sigmoid"))
    ratio = _ratios(sigmoid / centred)
    parts = {"more than twice as large": above(ratio, math.log(2.0))}
    more = f"Largest eigenvalue, sigmoid over centred units; before training, {ratio.n} seeds"
    return Judgement(of_parts(parts), *_as_ratio(ratio), None, _note(parts, {}, more))


def _largest(rows: pd.DataFrame, arm: str) -> pd.Series[float]:
    found = _of(rows, arm, "hessian", "eigenvalue")
    return found[found["at"] == 1].set_index("seed")["value"]


def p10_poorer(evidence: Evidence) -> Judgement:
    """Even where it escapes, the sigmoid ends in a poorer solution.

    The better rate is that of the smaller mean error at the end, and all seeds have to escape at
    that of the sigmoid. Tanh is that of as many updates if there is a record of it.
    """
    rows, short = evidence.rows("fig2"), evidence.rows("depth")
    late = evidence.rows_if_any("tanh_late")
    lr = _better_rate(rows, "depth 4")
    if late is None:
        tanh, of_tanh = _ends(short, "tanh, 4"), _setting(short, "depth", "tanh, 4")
    else:
        tanh = _ends(late, "tanh", _better_rate(late, "tanh"))
        of_tanh = _setting(late, "tanh_late", "tanh")
    gap = _interval((_ends(rows, "depth 4", lr) - tanh).dropna())
    away = bool(np.isfinite(_escapes(rows, 4, lr)).all())
    poorer = above(gap, MARGIN)
    parts = {
        f"all seeds escape at rate {lr:g}": away or None,
        "poorer than tanh": (poorer or None) if late is None else poorer,
    }
    more = f"Sigmoid less tanh. {_setting(rows, 'fig2', 'depth 4')}. Tanh: {of_tanh}"
    fact = all_of(parts.values()) if away else None
    return Judgement(of_fact(fact), *_number(gap), None, _note(parts, {}, more))


def _better_rate(rows: pd.DataFrame, arm: str) -> float:
    """Of two rates that of the smaller mean error at the end."""
    return min(_RATES, key=lambda lr: _ends(rows, arm, lr).mean())


# --------------------------------------------------------------------------------------------------
# P: sections 3.2 to 4.3
# --------------------------------------------------------------------------------------------------


def p11_one_after_another(evidence: Evidence) -> Judgement:
    """Tanh layers saturate one after another, from the first up.

    Layers that do not reach the level are passed over, two at the same measurement are no rise,
    and a seed in which fewer than two layers reach it is one in which it does not rise.
    """
    rows = evidence.rows("table1")
    table = _layers(rows, "tanh", "p98")
    parts: dict[str, Fact] = {}
    counts = []
    for level in (0.9, 0.99):
        curves = (_layer(table, layer) for layer in _HIDDEN)
        times = pd.DataFrame({i: _first(c, c >= level, math.inf) for i, c in enumerate(curves)})
        order = [_rises(row[np.isfinite(row)]) for row in times.to_numpy()]
        known = table.notna().all(axis=1).tolist()  # of a run that diverged it is not
        against = sum(k and not o for k, o in zip(known, order, strict=True))
        parts[f"at {level:g}"] = _either(
            bool(order) and all(order) and all(known), against > len(order) / 2
        )
        counts.append(f"{sum(order)} of {len(order)} at {level:g}")
    more = "Seeds in which layers get there in their order. " + _setting(rows, "table1", "tanh")
    return Judgement(of_parts(parts), ", ".join(counts), None, None, _note(parts, {}, more))


def _rises(values: Array) -> bool:
    return len(values) > 1 and bool((np.diff(values) > 0).all())


def p12_softsign_together(evidence: Evidence) -> Judgement:
    """Softsign layers move together, fast and then slowly, and saturate less than tanh.

    The mean over the run is that over its updates, not over its measurements, of which more are
    early. A whole rise that is not above 0 in every seed leaves the second part open. The third is
    about the end of the longer record if there is one.
    """
    rows, late = evidence.rows("table1"), evidence.rows_if_any("saturation_late")
    high = {arm: _layers(rows, arm, "p98") for arm in ("softsign", "tanh")}
    shares = {arm: _layers(rows if late is None else late, arm, "saturated") for arm in high}
    apart = {arm: _over_run(_across(table, np.ptp)) for arm, table in high.items()}
    mean = {arm: _across(table, np.mean) for arm, table in shares.items()}
    ends = {arm: _at(curve, _last(curve)) for arm, curve in mean.items()}
    found = {
        "together": _interval(apart["softsign"] - apart["tanh"]),
        "fast and then slowly": _interval(_rise(_across(high["softsign"], np.mean), 0.0, 0.2)),
        "saturates less": _interval(ends["softsign"] - ends["tanh"]),
    }
    parts = {
        "together": below(found["together"], 0.0),
        "fast and then slowly": above(found["fast and then slowly"], 0.5),
        "saturates less": below(found["saturates less"], 0.0),
    }
    more = "Largest less smallest 98th percentile of the layers, softsign less tanh. "
    more += _setting(rows, "table1", "tanh", "softsign")
    if late is not None:
        more += f". Saturated: {_setting(late, 'saturation_late', 'tanh', 'softsign')}"
    note = _note(parts, found, more)
    return Judgement(of_parts(parts), *_number(found["together"]), None, note)


def _over_run(curve: pd.DataFrame) -> pd.Series[float]:
    """Mean over the updates of a run, by seed."""
    updates = _columns(curve)
    if len(updates) < 2:
        return pd.Series(math.nan, curve.index)
    area = np.trapezoid(curve.to_numpy(), updates, axis=1)
    return pd.Series(area / (updates[-1] - updates[0]), curve.index)


def p13_where_units_sit(evidence: Evidence) -> Judgement:
    """At the end tanh units sit at -1, 0 and 1, and softsign units at the knees.

    A layer with one seed elsewhere does not agree.
    """
    rows = evidence.rows("table1")
    parts: dict[str, Fact] = {}
    counts = []
    for arm in ("tanh", "softsign"):
        densities = _of(rows, arm, "activation", "density")
        gone = set(_of(rows, arm, "diverged")["seed"])
        facts = []
        for layer in _HIDDEN:
            places = _places(densities[densities["layer"] == layer], gone)
            facts.append(_agrees(arm, places))
            parts[f"{arm}, layer {layer} ({_said(*sorted(set(places)))})"] = facts[-1]
        counts.append(f"{arm} {facts.count(True)} of {len(_HIDDEN)}")
    more = "Layers that agree, in brackets the places. "
    note = _note(parts, {}, more + _setting(rows, "table1", "tanh", "softsign"))
    theirs = "tanh -1, 0, 1; softsign 0.6 to 0.8"
    return Judgement(of_parts(parts), ", ".join(counts), None, theirs, note)


def _places(densities: pd.DataFrame, gone: set[int]) -> Array:
    """Centre of the highest bin of abs(z) at the end, by seed; bins lie evenly about 0."""
    last = densities[densities["update"] == densities["update"].max()]
    table = last.pivot(index="seed", columns="at", values="value").sort_index(axis=1)
    values, half = table.to_numpy(), table.shape[1] // 2
    if not half:
        return np.array([math.nan])
    folded = values[:, half:] + values[:, :half][:, ::-1]
    places = _columns(table)[half:].round(6)[folded.argmax(axis=1)]  # 0.1 is not below 0.1
    known = np.isfinite(folded).all(axis=1) & ~table.index.isin(list(gone))
    return np.where(known, places, math.nan)


def _agrees(units: str, places: Array) -> Fact:
    """Whether all places are where the paper has them; None if one is not known."""
    if units == "tanh":
        there = (places < 0.1) | (places > 0.95)
    else:
        there = (places >= 0.55) & (places <= 0.85)
    return all_of(None if math.isnan(p) else bool(t) for p, t in zip(places, there, strict=True))


def p15_cross_entropy(evidence: Evidence) -> Judgement:
    """Classifiers train much better on the cross-entropy than on the quadratic cost."""
    rows = evidence.rows("cost")
    arms = {"standard": "tanh", "normalized": "tanh normalized"}
    found = {
        name: _interval(_ends(rows, f"{arm}, quadratic") - _ends(rows, f"{arm}, cross-entropy"))
        for name, arm in arms.items()
    }
    parts = {name: above(interval, MARGIN) for name, interval in found.items()}
    more = "Quadratic less cross-entropy, ours standard. "
    both = (f"{arm}, {cost}" for arm in arms.values() for cost in ("cross-entropy", "quadratic"))
    note = _note(parts, found, more + _setting(rows, "cost", *both))
    return Judgement(of_parts(parts), *_number(found["standard"]), None, note)


def p27_reversed(evidence: Evidence) -> Judgement:
    """That gradients shrink downwards is reversed very quickly by training.

    Above 1 within 20,000 updates means at one measurement or more; that it never is can only be
    said of rows that get there.
    """
    rows = evidence.rows("table1")
    curve = _first_by_last(rows, "tanh", "back_gradient")
    early = {u: _ratios(_at(curve, u)) for u in _columns(curve) if u <= 20_000}
    born, turned = early.get(0.0, _NOTHING), [u for u, i in early.items() if above(i, 0.0)]
    never = _last(curve) >= 20_000 and all(below(ratio, 0.0) for ratio in early.values())
    fact = _either(bool(below(born, 0.0)) and bool(turned), never)
    when = turned[0] if turned else max(early, default=0.0)
    parts = {"reversed within 20,000 updates": fact}
    birth = _said(math.exp(born.mean))
    more = f"Layer 1 over layer 5 after {when:,.0f} updates, at birth {birth}. "
    note = _note(parts, {}, more + _setting(rows, "table1", "tanh"))
    return Judgement(of_fact(fact), *_as_ratio(early.get(when, _NOTHING)), None, note)


def p28_drift_apart(evidence: Evidence) -> Judgement:
    """Weight gradients drift apart in training, under the normalized initialization less.

    The mean is of the ratios at the measurements of the last fifth of the run.
    """
    rows = evidence.rows("table1")
    means = {}
    for arm in ("tanh", "tanh normalized"):
        curve = _first_by_last(rows, arm, "weight_gradient")
        late = curve.to_numpy()[:, _columns(curve) >= 0.8 * _last(curve)]
        means[arm] = pd.Series(late.sum(axis=1) / late.shape[1], curve.index)
    standard = _ratios(means["tanh"])
    less = _ratios(means["tanh"] / means["tanh normalized"])
    parts = {
        "standard: apart": above(standard, math.log(2.0)),
        "normalized: less": above(less, 0.0),
    }
    normal = _said(math.exp(_ratios(means["tanh normalized"]).mean))
    more = f"Layer 1 over layer 5, standard; normalized {normal}. "
    note = _note(parts, {}, more + _setting(rows, "table1", "tanh", "tanh normalized"))
    return Judgement(of_parts(parts), *_as_ratio(standard), 3.5, note)


def p29_like_normalized_tanh(evidence: Evidence) -> Judgement:
    """Softsign behaves in training as tanh does with the normalized initialization."""
    rows = evidence.rows("table1")
    found = {}
    for statistic, name in (("std", "standard deviations"), ("p98", "98th percentiles")):
        tables = {arm: _layers(rows, arm, statistic) for arm in _KINDS}
        near, far = (
            (tables["softsign"] - tables[arm]).abs().mean(axis=1, skipna=False)
            for arm in ("tanh normalized", "tanh")
        )
        found[name] = _interval(near - far)
    parts = {name: below(interval, 0.0) for name, interval in found.items()}
    more = "Distance to normalized tanh less that to tanh, ours of standard deviations. "
    note = _note(parts, found, more + _setting(rows, "table1", *_KINDS))
    return Judgement(of_parts(parts), *_number(found["standard deviations"]), None, note)


_KINDS = ("tanh", "tanh normalized", "softsign")


# --------------------------------------------------------------------------------------------------
# P: table 1
# --------------------------------------------------------------------------------------------------


def p30_shapeset(evidence: Evidence) -> Judgement:
    """On Shapeset three curves end alike, tanh behind them, and the sigmoid at chance."""
    rows = evidence.rows("table1")
    theirs = _table_1("shapeset")
    ends = {arm: _ends(rows, arm) for arm in theirs}
    tanh, softsign, other = (
        ends[arm] for arm in ("tanh normalized", "softsign", "softsign normalized")
    )
    gaps = [_interval(gap) for gap in (tanh - softsign, tanh - other, softsign - other)]
    found = {
        "tanh is behind": _interval(ends["tanh"] - tanh),
        "the sigmoid is at chance": _interval(ends["sigmoid"] - CHANCE),
    }
    parts = {
        "three are alike": all_of(equivalent(gap, MARGIN) for gap in gaps),
        "tanh is behind": above(found["tanh is behind"], MARGIN),
        "the sigmoid is at chance": equivalent(found["the sigmoid is at chance"], 1.0),
    }
    note = _note(parts, found, _setting(rows, "table1", *ends))
    ours = _listed({arm: end.mean() for arm, end in ends.items()})
    return Judgement(of_parts(parts), ours, None, _listed(theirs), note)


def p31_mnist(evidence: Evidence) -> Judgement:
    """On MNIST the sigmoid is last, and the normalized initialization helps tanh."""
    rows, theirs = evidence.rows("mnist"), _table_1("mnist")
    ends = {arm: _ends(rows, arm) for arm in theirs}
    gain = _interval(ends["tanh"] - ends["tanh normalized"])
    parts = {
        "the sigmoid learns, and is last": _sigmoid_is_last(ends, MNIST_LEARNED),
        "tanh gains": _gains(gain, theirs, "tanh"),
        "the paper's values": _values(ends, theirs, 0.3),
    }
    note = _note(parts, {"tanh gains": gain}, _setting(rows, "mnist", *ends))
    ours = _listed({arm: end.mean() for arm, end in ends.items()})
    return Judgement(of_parts(parts), ours, None, _listed(theirs), note)


def p32_cifar10(evidence: Evidence) -> Judgement:
    """On CIFAR-10 the sigmoid is last, and the normalized initialization helps the others."""
    rows, theirs = evidence.rows("cifar10"), _table_1("cifar10")
    ends = {arm: _ends(rows, arm) for arm in theirs}
    gains = {
        units: _interval(ends[units] - ends[f"{units} normalized"])
        for units in ("tanh", "softsign")
    }
    parts = {
        "the sigmoid learns, and is last": _sigmoid_is_last(ends, CIFAR_LEARNED),
        **{f"{units} gains": _gains(gain, theirs, units) for units, gain in gains.items()},
        "the paper's values": _values(ends, theirs, MARGIN),
    }
    found = {f"{units} gains": gain for units, gain in gains.items()}
    note = _note(parts, found, _setting(rows, "cifar10", *ends))
    ours = _listed({arm: end.mean() for arm, end in ends.items()})
    return Judgement(of_parts(parts), ours, None, _listed(theirs), note)


def p33_small_imagenet(evidence: Evidence) -> Judgement:
    """On small images of ImageNet sigmoid and tanh are behind the normalized curves."""
    rows, theirs = evidence.rows("small_imagenet"), _table_1("small_imagenet")
    ends = {arm: _ends(rows, arm) for arm in theirs}
    gaps = {
        "the sigmoid is behind": _interval(ends["sigmoid"] - ends["tanh normalized"]),
        "tanh is behind": _interval(ends["tanh"] - ends["tanh normalized"]),
        "softsign gains": _interval(ends["softsign"] - ends["softsign normalized"]),
    }
    parts = {name: above(gap, 0.0) for name, gap in gaps.items()}
    note = _note(parts, gaps, _setting(rows, "small_imagenet", *ends))
    ours = _listed({arm: end.mean() for arm, end in ends.items()})
    return Judgement(of_parts(parts), ours, None, _listed(theirs), note)


def _sigmoid_is_last(ends: Mapping[str, pd.Series[float]], learned: float) -> Fact:
    """Whether its error is the largest, and it has learned, by an error that says so."""
    others = (end for arm, end in ends.items() if arm != "sigmoid")
    last = (above(_interval(ends["sigmoid"] - other), 0.0) for other in others)
    return all_of([below(_interval(ends["sigmoid"]), learned), *last])


def _gains(gain: Interval, theirs: Mapping[str, float], units: str) -> Fact:
    """Whether the normalized initialization helps, or does not by half of what the paper has."""
    printed = theirs[units] - theirs[f"{units} normalized"]
    return _either(above(gain, 0.0), below(gain, printed / 2))


def _values(
    ends: Mapping[str, pd.Series[float]], theirs: Mapping[str, float], margin: float
) -> Fact:
    """Whether all errors are the paper's, within a margin."""
    return all_of(equivalent(_interval(ends[arm] - theirs[arm]), margin) for arm in theirs)


def _table_1(data: str) -> dict[str, float]:
    """The paper's errors on some data, by curve."""
    return {str(arm): float(error) for arm, error in paper.table1()[data].items()}


# --------------------------------------------------------------------------------------------------
# P: section 5
# --------------------------------------------------------------------------------------------------


def p34_support_vectors(evidence: Evidence) -> Judgement:
    """A support vector machine is wrong on 59.47 %, and a network on the same images on less.

    The machine's value is that with most examples. The network is held against the machine with as
    many as it has itself. The interval of the difference goes from the least difference of their
    intervals to the largest.
    """
    rows, trained = evidence.rows("svm"), evidence.rows("finite")
    machines = _machines(rows)
    examples = max(machines, default=0)
    machine = machines.get(examples, _NOTHING)
    images = _images_of("finite")
    same = machines.get(images, _NOTHING)
    network = _interval(_ends(trained, "finite"))
    gap = Interval(
        same.mean - network.mean,
        same.low - network.high,
        same.high - network.low,
        network.n,
        same.level,
    )
    value = f"the machine's value, by {examples:,} examples"
    better = f"the network is better, by {images:,}"
    found = {value: machine, better: gap}
    within = all_of([above(machine, paper.SVM - 3), below(machine, paper.SVM + 3)])
    parts = {
        value: within if examples >= 100_000 else _either(False, below(machine, paper.SVM - 3)),
        better: above(gap, MARGIN),
    }
    note = _note(parts, found, "The network: " + _setting(trained, "finite", "finite"))
    ours = f"{machine.mean:.2f} and {network.mean:.2f}"
    theirs = f"{paper.SVM} and {paper.NETWORK_ON_SAME}"
    return Judgement(of_parts(parts), ours, None, theirs, note)


def _machines(rows: pd.DataFrame) -> dict[int, Interval]:
    """The error of the machine in percent, by the number of its examples; none if one is NaN."""
    found = _of(rows, "svm", "final_error")
    if found["value"].isna().any():
        return {}
    grid = config("svm")
    assert isinstance(grid, Grid) and isinstance(grid.points[0], SvmPoint)
    tested = grid.points[0].held_out
    machines = {}
    for examples, error in zip(found["update"], found["value"], strict=True):
        share = proportion_interval(round(error * tested), tested)
        mean, low, high = (100 * number for number in (share.mean, *share.ends))
        machines[int(examples)] = Interval(mean, low, high, share.n, share.level)
    return machines


def _images_of(experiment: str) -> int:
    """How many images the finite set of an experiment has."""
    race = config(experiment)
    assert isinstance(race, Race)
    return max(FINITE.get(arm.data, 0) for arm in race.arms)


def p35_pretraining(evidence: Evidence) -> Judgement:
    """Pre-training ends best, and the normalized initialization closes a good part of the gap.

    The part is taken seed by seed; it is open where there is no gap in one of them.
    """
    rows = evidence.rows("table1")
    standard, normalized = (_ends(rows, arm) for arm in ("tanh", "tanh normalized"))
    best, said = _pretrained_tanh(evidence)
    gap = standard - best
    found = {
        "pre-training is best": _interval(normalized - best),
        "a good part of the gap": _interval((standard - normalized) / gap.where(gap > 0)),
    }
    parts = {
        "pre-training is best": above(found["pre-training is best"], MARGIN),
        "a good part of the gap": above(found["a good part of the gap"], 0.5),
    }
    more = "Part of the gap that is closed. " + _setting(rows, "table1", "tanh", "tanh normalized")
    note = _note(parts, found, f"{more}. {said}")
    return Judgement(of_parts(parts), *_number(found["a good part of the gap"]), 0.7, note)


def p36_softsign_depends_less(evidence: Evidence) -> Judgement:
    """Softsign depends less on the initialization than tanh does.

    Absolute differences are taken seed by seed.
    """
    rows, printed = evidence.rows("table1"), _table_1("shapeset")
    tanh, softsign = (
        (_ends(rows, units) - _ends(rows, f"{units} normalized")).abs()
        for units in ("tanh", "softsign")
    )
    gap = _interval(tanh - softsign)
    parts = {"softsign depends less": _either(above(gap, MARGIN), below(gap, 0.0))}
    theirs = printed["tanh"] - printed["tanh normalized"]
    theirs -= printed["softsign"] - printed["softsign normalized"]
    more = "Absolute difference of standard and normalized, tanh less softsign. "
    arms = (f"{units}{rule}" for units in ("tanh", "softsign") for rule in ("", " normalized"))
    note = _note(parts, {}, more + _setting(rows, "table1", *arms))
    return Judgement(of_parts(parts), *_number(gap), round(theirs, 2), note)


def p37_slower_and_poorer(evidence: Evidence) -> Judgement:
    """Sigmoid and tanh with the standard initialization learn more slowly and end poorer."""
    rows, printed = evidence.rows("table1"), _table_1("shapeset")
    found: dict[str, Interval] = {}
    for units in ("sigmoid", "tanh"):
        wait = _until(rows, units) - _until(rows, "tanh normalized")
        found[f"{units}: slower"] = _interval(wait)
        found[f"{units}: poorer"] = _interval(_ends(rows, units) - _ends(rows, "tanh normalized"))
    parts = {
        name: above(interval, MARGIN if name.endswith("poorer") else 0.0)
        for name, interval in found.items()
    }
    theirs = round(printed["tanh"] - printed["tanh normalized"], 2)
    more = "Updates until 60 %, and error at the end, less those of normalized tanh; ours of tanh "
    more += "at the end. " + _setting(rows, "table1", "sigmoid", "tanh", "tanh normalized")
    note = _note(parts, found, more)
    return Judgement(of_parts(parts), *_number(found["tanh: poorer"]), theirs, note)


def _until(rows: pd.DataFrame, arm: str) -> pd.Series[float]:
    """The first measurement with an error below 60 %, the last one if there is none, by seed."""
    curve = _errors(rows, arm)
    return _first(curve, curve < 60.0, _last(curve))


def p38_own_rates(evidence: Evidence) -> Judgement:
    """Rates for single weights help, do not reach the normalized initialization, and add to it."""
    rows = evidence.rows("second_order")
    tanh, normalized = _ends(rows, "tanh"), _ends(rows, "tanh normalized")
    found: dict[str, Interval] = {}
    for method in ("Hessian", "gradient variance"):
        standard = _ends(rows, f"tanh, {method}")
        found[f"{method}: helps"] = _interval(tanh - standard)
        found[f"{method}: does not reach"] = _interval(standard - normalized)
        found[f"{method}: adds"] = _interval(normalized - _ends(rows, f"tanh normalized, {method}"))
    parts = {
        name: above(interval, 0.0 if name.endswith("reach") else MARGIN)
        for name, interval in found.items()
    }
    arms = (f"{arm}{m}" for arm in ("tanh", "tanh normalized")
            for m in ("", ", Hessian", ", gradient variance"))  # fmt: skip
    more = "Ours is what the Hessian gives standard tanh. "
    note = _note(parts, found, more + _setting(rows, "second_order", *arms))
    return Judgement(of_parts(parts), *_number(found["Hessian: helps"]), None, note)


def p39_pyramids(evidence: Evidence) -> Judgement:
    """The normalized initialization gains as much where widths grow or shrink."""
    rows, equal = evidence.rows("pyramids"), evidence.rows("second_order")
    level = _ends(equal, "tanh") - _ends(equal, "tanh normalized")
    found: dict[str, Interval] = {}
    for shape in ("growing", "shrinking"):
        gain = _ends(rows, f"tanh, {shape}") - _ends(rows, f"tanh normalized, {shape}")
        found[f"{shape}: gains"] = _interval(gain)
        found[f"{shape}: as much"] = _interval(gain - level)
    parts = {
        name: above(interval, MARGIN if name.endswith("gains") else -MARGIN)
        for name, interval in found.items()
    }
    arms = (f"{arm}, {shape}" for arm in ("tanh", "tanh normalized")
            for shape in ("growing", "shrinking"))  # fmt: skip
    more = f"Standard less normalized, ours growing. {_setting(rows, 'pyramids', *arms)}. Equal: "
    more += _setting(equal, "second_order", "tanh", "tanh normalized")
    note = _note(parts, found, more)
    return Judgement(of_parts(parts), *_number(found["growing: gains"]), None, note)


def p41_singular_values(evidence: Evidence) -> Judgement:
    """Training is harder where the singular values of the layers' Jacobians are far from 1.

    The best rate is that of each seed. The mean, and the root mean square, is over the singular
    values of all four Jacobians between hidden layers; its logarithm is taken then.
    """
    rows = evidence.rows("gain_grid")
    errors = _by_gain(rows, "final_error", "").groupby(["seed", "arm"])["value"].min()
    found = {}
    for statistic, name in (("mean", "the mean"), ("rms", "the root mean square")):
        away = _far_from_one(_by_gain(rows, "jacobian", statistic), statistic)
        table = pd.DataFrame({"error": errors, "away": away})
        found[name] = _interval(
            [_rank_correlation(seed["error"], seed["away"]) for _, seed in table.groupby("seed")]
        )
    parts = {name: above(interval, 0.5) for name, interval in found.items()}
    more = "Rank correlation with the error at the best rate, ours of the mean. "
    note = _note(parts, found, more + _setting(rows, "gain_grid", *rows["arm"].unique()))
    return Judgement(of_parts(parts), *_number(found["the mean"]), None, note)


def _by_gain(rows: pd.DataFrame, quantity: str, statistic: str) -> pd.DataFrame:
    """What counts of all arms."""
    chosen = (rows["quantity"] == quantity) & (rows["statistic"] == statistic)
    return rows[chosen & (rows["stage"] == "main")].astype({"value": float})


def _far_from_one(rows: pd.DataFrame, statistic: str) -> pd.Series[float]:
    """Absolute logarithm of the mean over layers, of squares for "rms", by seed and arm."""
    power = 2 if statistic == "rms" else 1
    powers = rows.assign(value=rows["value"] ** power).groupby(["seed", "arm"])["value"]
    mean = powers.agg(lambda values: float(np.mean(values.to_numpy())))
    return pd.Series(np.log(mean.where(mean > 0)) / power).abs()


def _rank_correlation(a: Iterable[float], b: Iterable[float]) -> float:
    """Spearman's; not a number if one of the two is all the same."""
    first, second = (pd.Series(list(values)).rank() for values in (a, b))
    x, y = first - first.mean(), second - second.mean()
    norm = math.sqrt(float((x * x).sum() * (y * y).sum()))
    return float((x * y).sum()) / norm if norm else math.nan
