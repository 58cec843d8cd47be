"""Verbs on rows: what is chosen, in which unit, and what is compared within seeds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from glorot2010.experiments import choose as choose_rates
from glorot2010.points import COLUMNS
from glorot2010.rows import (
    UNKNOWN,
    by_layer,
    by_rate,
    choose,
    chosen_again,
    compare,
    compare_chosen,
    errors_at,
    final_errors,
    first_below,
    interval,
    rates_tried,
)
from xavier.intervals import mean_interval


def record() -> pd.DataFrame:
    """Two arms, three seeds, two layers; at rate 0.03, and tanh at 0.1, too."""
    found: list[tuple[Any, ...]] = []
    for arm, lr in (("tanh", 0.03), ("tanh", 0.1), ("relu", 0.03)):
        for seed in (2, 0, 1):
            run = (arm, lr, seed)
            for update in (0, 100):
                error = 0.5 - 0.002 * update + 0.01 * seed**2 + lr - 0.1 * (arm == "relu")
                found.append((*run, update, 0, "test_error", "", math.nan, error))
                found += [
                    (*run, update, layer, "activation", "std", math.nan, layer + update + seed)
                    for layer in (2, 1)
                ]
            found.append((*run, 100, 0, "final_error", "", math.nan, error))
    return pd.DataFrame(found, columns=list(COLUMNS)).assign(stage="main").astype({"value": "f4"})


@pytest.mark.parametrize("categories", [False, True])
def test_errors_at_the_end_are_in_percent_by_seed_and_arm(categories: bool) -> None:
    table = record()
    tried = table.assign(stage="rate", seed=1000, value=0.9)
    table = pd.concat([tried, table], ignore_index=True)
    if categories:
        table = table.astype({"arm": "category", "stage": "category", "quantity": "category"})
    errors = final_errors(table, lr=0.03)
    assert errors.index.tolist() == [0, 1, 2] and errors.columns.tolist() == ["relu", "tanh"]
    assert errors["tanh"].tolist() == pytest.approx([33.0, 34.0, 37.0])
    then = errors_at(choose(table, lr=0.03), 0)
    assert then["relu"].tolist() == pytest.approx([43.0, 44.0, 47.0])
    assert rates_tried(table).loc["tanh"].tolist() == pytest.approx([90.0, 90.0])
    with pytest.raises(ValueError, match="duplicate"):
        final_errors(table)


def test_arms_are_compared_within_seeds() -> None:
    table = choose(record(), lr=0.03)
    errors = final_errors(table)
    errors["relu"] += [1.0, 0.0, -2.0]
    expected = mean_interval(errors["tanh"] - errors["relu"])
    assert compare(errors, "tanh", "relu") == expected
    errors.loc[1, "relu"] = math.nan
    assert compare(errors, "tanh", "relu") is UNKNOWN


def test_layers_are_columns_and_end_where_a_run_diverges() -> None:
    table = record()
    found = by_layer(table, "tanh", "activation", "std", lr=0.1)
    assert found.columns.tolist() == [1, 2]
    assert found.index.tolist() == [(s, u) for s in (0, 1, 2) for u in (0, 100)]
    assert found[2].unstack().loc[1].tolist() == [3.0, 103.0]
    gone = table[(table.arm == "tanh") & (table.lr == 0.1) & (table.seed == 1)].head(1)
    gone = gone.assign(update=100, layer=0, quantity="diverged", statistic="", value=100.0)
    less = by_layer(pd.concat([table, gone]), "tanh", "activation", "std", lr=0.1)
    assert less.isna().all(axis=1).tolist() == [False, False, False, True, False, False]
    other = by_layer(pd.concat([table, gone]), "tanh", "activation", "std", lr=0.03)
    assert other.notna().all(axis=None)


def test_the_first_measurement_below_a_level_is_told_of_those_that_get_there() -> None:
    """Errors are from 43 to 57 percent at birth, and 20 points lower at the end."""
    table = choose(record(), lr=0.03)
    first = first_below(table, 35)
    assert first.to_dict() == {("relu", k): 100 for k in (0, 1, 2)} | {
        ("tanh", k): 100 for k in (0, 1)
    }
    assert first_below(table, 45)["relu"].to_dict() == {0: 0, 1: 0, 2: 100}
    assert first_below(table, 20).empty
    assert first_below(table.assign(stage="rate"), 45).empty


def test_any_of_several_values_is_chosen() -> None:
    table = record()
    assert set(choose(table, layer=range(1, 2)).layer) == {1}
    assert set(choose(table, quantity=["final_error", "test_error"]).statistic) == {""}
    assert choose(table).value.dtype == np.float64
    assert choose(table.assign(stage="rate")).empty
    assert len(choose(table.assign(stage="rate"), stage="rate")) == len(table)


def test_a_mean_is_unknown_where_a_number_is_or_there_is_but_one() -> None:
    assert interval([1.0, 2.0, 4.0]) == mean_interval([1.0, 2.0, 4.0])
    for values in ([1.0], [], [1.0, math.nan], [1.0, math.inf]):
        assert interval(values) is UNKNOWN


# ---------------------------------------------------------------------- the choice of a rate


def runs(stage: str, errors: dict[tuple[str, float], list[float]], first: int) -> pd.DataFrame:
    """Rows of a stage, with an error for each arm, rate and seed."""
    found = [
        (stage, arm, lr, first + k, 100, 0, "final_error", "", math.nan, error / 100)
        for (arm, lr), of_arm in errors.items()
        for k, error in enumerate(of_arm)
    ]
    return pd.DataFrame(found, columns=["stage", *COLUMNS])


def test_errors_by_rate_come_from_several_records_and_one_stage() -> None:
    one = pd.concat([runs("main", {("a", 0.1): [3, 4]}, 0), runs("rate", {("a", 0.1): [9]}, 1000)])
    other = runs("main", {("a", 0.3): [5]}, 1)
    table = by_rate(one, other)
    assert table.index.tolist() == [0, 1] and list(table) == [("a", 0.1), ("a", 0.3)]
    assert table["a", 0.1].tolist() == pytest.approx([3, 4])
    assert table["a", 0.3].isna().tolist() == [True, False]
    assert by_rate(one, other, stage="rate")["a", 0.1].tolist() == pytest.approx([9])


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_rates_chosen_again_are_those_of_seeds_drawn_at_random(seeds: int) -> None:
    rng = np.random.default_rng(seeds)
    tried = pd.DataFrame(
        {(arm, lr): rng.normal(50, 3, seeds) for arm in "ab" for lr in (0.01, 0.03, 0.1)}
    )
    again = chosen_again(tried)
    assert again["share"].sum() == pytest.approx(1)
    drawn = rng.integers(seeds, size=(20_000, seeds))
    for arm in "ab":
        best = tried[arm].to_numpy()[drawn].mean(axis=1).argmin(axis=1)
        shares = again.groupby(arm)["share"].sum()
        for k, lr in enumerate((0.01, 0.03, 0.1)):
            assert shares.get(lr, 0.0) == pytest.approx((best == k).mean(), abs=0.02)


def test_the_rate_of_all_trials_is_the_one_that_an_experiment_takes() -> None:
    trials = runs("rate", {("a", 0.1): [3, 4, 8], ("a", 0.3): [5, 4, 4], ("b", 0.1): [1, 1, 1]}, 0)
    once = by_rate(trials, stage="rate").mean().unstack()
    assert choose_rates(trials) == once.idxmin(axis=1).to_dict() == {"a": 0.3, "b": 0.1}
    assert set(chosen_again(by_rate(trials, stage="rate"))["b"]) == {0.1}


def test_a_choice_that_is_certain_adds_nothing_and_one_that_is_not_adds_its_noise() -> None:
    sure = {("a", 0.1): [30.0, 31.0], ("a", 0.3): [50.0, 51.0], ("b", 0.1): [20.0, 20.0]}
    ends = by_rate(
        runs("main", {("a", 0.1): [3, 4, 6], ("a", 0.3): [9, 8, 7], ("b", 0.1): [1, 3, 1]}, 0)
    )
    tried = by_rate(runs("rate", sure, 1000), stage="rate")
    plain = mean_interval([2.0, 1.0, 5.0])
    found = compare_chosen(ends, tried, "a", "b")
    assert (found.mean, *found.ends) == pytest.approx((plain.mean, *plain.ends))
    # One sample of four takes the other rate, which is 3.67 points worse.
    tossed = {**sure, ("a", 0.3): [29.0, 33.0]}
    wider = compare_chosen(ends, by_rate(runs("rate", tossed, 1000), stage="rate"), "a", "b")
    choice = (11 / 3) ** 2 * 0.25 * 0.75
    t = 4.302653  # of two degrees of freedom
    assert wider.mean == pytest.approx(plain.mean)
    assert wider.high - wider.mean == pytest.approx(
        math.hypot(plain.high - plain.mean, t * math.sqrt(choice)), rel=1e-6
    )


def test_a_rate_that_might_have_been_chosen_needs_runs_that_count() -> None:
    tried = by_rate(
        runs("rate", {("a", 0.1): [3, 9], ("a", 0.3): [4, 4], ("b", 0.1): [1, 1]}, 0), stage="rate"
    )
    ends = by_rate(runs("main", {("a", 0.3): [3, 4], ("b", 0.1): [1, 1]}, 0))
    with pytest.raises(ValueError, match=r"ends must have a at rate 0\.1, which 25\.0% of the"):
        compare_chosen(ends, tried, "a", "b")
    # A sample of four takes 0.1; without it the choice is certain.
    plain = mean_interval([2.0, 3.0])
    found = compare_chosen(ends, tried, "a", "b", rare=0.25)
    assert (found.mean, *found.ends) == pytest.approx((plain.mean, *plain.ends))
    with pytest.raises(ValueError, match=r"at rate 0\.1"):
        compare_chosen(ends, tried, "a", "b", rare=0.24)


def test_what_another_rate_is_worth_is_told_on_the_seeds_that_have_both() -> None:
    """The third seed has one rate alone, at which its error is far from that of the others."""
    trials = {("a", 0.1): [30.0, 31.0], ("a", 0.3): [29.0, 33.0], ("b", 0.1): [20.0, 20.0]}
    tried = by_rate(runs("rate", trials, 1000), stage="rate")
    errors = {("a", 0.1): [3, 4, 90], ("a", 0.3): [5, 6], ("b", 0.1): [1, 3, 1]}
    found = compare_chosen(by_rate(runs("main", errors, 0)), tried, "a", "b")
    plain = mean_interval([2.0, 1.0, 89.0])
    worth = 4.302653 * 2 * math.sqrt(0.25 * 0.75)  # two points in one case of four, times t
    assert found.high - found.mean == pytest.approx(math.hypot(plain.high - plain.mean, worth))
