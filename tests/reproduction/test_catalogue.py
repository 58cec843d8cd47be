"""The catalogue: what each experiment compares, at three scales, and that all of it runs."""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import MISSING, FrozenInstanceError, fields, replace
from typing import Any

import pytest

from glorot2010 import records
from glorot2010.catalogue import (
    EXPERIMENTS,
    RATE_SEEDS,
    SCALES,
    Arm,
    Config,
    Experiment,
    Grid,
    Race,
    Scale,
    config,
    resolve,
)
from glorot2010.experiments import choose, plain
from glorot2010.points import (
    COLUMNS,
    MONITOR_SEED,
    BirthPoint,
    HessianPoint,
    Point,
    Replica,
    SvmPoint,
    TrainingPoint,
)
from glorot2010.records import Record

DOWNLOADED = {"mnist", "cifar10", "small_imagenet"}
EVERY: list[tuple[str, Scale]] = [(name, scale) for name in EXPERIMENTS for scale in SCALES]
RACES: list[tuple[str, Scale]] = [
    (name, scale) for name, scale in EVERY if isinstance(config(name, scale), Race)
]
SMOKE = [name for name in EXPERIMENTS if name not in DOWNLOADED]


def race(name: str, scale: Scale) -> Race:
    found = config(name, scale)
    assert isinstance(found, Race)
    return found


def trained(points: tuple[Point, ...]) -> list[TrainingPoint]:
    found = [point for point in points if isinstance(point, TrainingPoint)]
    assert len(found) == len(points)
    return found


def main_stage(of: Race) -> list[TrainingPoint]:
    """Points of the second stage, every arm without a rate having one of its own."""
    return trained(of.second({arm.name: 7.0 + k for k, arm in enumerate(of.arms)}))


# --------------------------------------------------------------------------------------------------
# All of it runs
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SMOKE)
def test_it_runs_and_its_rows_are_of_every_arm_and_seed(
    smoke: Callable[[str], Record], name: str
) -> None:
    record, found = smoke(name), config(name, "smoke")
    assert list(record.rows.columns) == ["stage", *COLUMNS]
    assert (record.experiment, record.scale, record.seeds) == (name, "smoke", found.seeds)
    main = record.rows[record.rows["stage"] == "main"]
    assert set(main["seed"]) == set(found.seeds)
    if isinstance(found, Grid):
        assert set(record.rows["stage"]) == {"main"}
        return
    tried = record.rows[record.rows["stage"] == "rate"]
    rates = choose(tried)
    assert set(rates) == {arm.name for arm in found.arms if arm.lr is None}
    assert set(rates.values()) <= set(found.rates)
    for quantity in ("final_error", "final_cost", "top_guess"):
        ends = main[main["quantity"] == quantity]
        assert Counter(zip(ends["arm"], ends["lr"], ends["seed"], strict=True)) == Counter(
            (arm.name, rates[arm.name] if arm.lr is None else arm.lr, seed)
            for arm in found.arms
            for seed in found.seeds
        )
        ends = tried[tried["quantity"] == quantity]
        assert Counter(zip(ends["arm"], ends["lr"], ends["seed"], strict=True)) == Counter(
            (arm, lr, seed) for arm in rates for lr in found.rates for seed in RATE_SEEDS
        )
    errors = record.rows[record.rows["quantity"].isin(["test_error", "final_error"])]["value"]
    assert ((errors >= 0) & (errors <= 1)).all()
    assert record.rows["value"].map(math.isfinite).all()


@pytest.mark.parametrize("name", [name for name in SMOKE if (name, "smoke") in RACES])
def test_its_rows_hold_all_that_is_to_be_measured(
    smoke: Callable[[str], Record], name: str
) -> None:
    found, rows = race(name, "smoke"), smoke(name).rows
    main = rows[rows["stage"] == "main"]
    wanted = {"train_cost", "test_cost", "test_error", "final_error", "final_cost", "top_guess"}
    wanted |= {q for q in found.quantities if q != "output"}
    wanted |= {"output_bias", "output_signal"} if "output" in found.quantities else set()
    wanted |= {"jacobian"} if found.jacobian else set()
    wanted |= {"reconstruction"} if any(arm.pretraining for arm in found.arms) else set()
    arms = {arm.name for arm in found.arms}
    for arm, part in main.groupby("arm"):
        assert set(part["quantity"]) == wanted, arm
        dense = part[part["statistic"] == "density"]
        assert set(dense["update"]) == set(found.densities)
    assert set(main["arm"]) == arms
    tests = main[main["quantity"] == "test_error"]
    assert set(tests["update"]) == {0, *found.extra, 100, 200}
    assert set(rows[rows["stage"] == "rate"]["quantity"]) <= wanted


def test_those_that_do_not_train_have_rows_of_their_own(smoke: Callable[[str], Record]) -> None:
    birth = smoke("birth").rows
    assert {"activation", "back_gradient", "weight_gradient", "jacobian"} <= set(birth["quantity"])
    assert set(birth["arm"]) == {"tanh", "tanh normalized"} and set(birth["update"]) == {0}
    hessian = smoke("hessian").rows
    assert set(hessian["arm"]) == {"sigmoid", "centred sigmoid"}
    svm = smoke("svm").rows
    assert svm[svm["quantity"] == "final_error"]["update"].tolist() == [100, 200]


# --------------------------------------------------------------------------------------------------
# Configurations
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "scale"), EVERY)
def test_a_configuration_is_frozen_hashable_and_plain(name: str, scale: Scale) -> None:
    found = config(name, scale)
    hash(found)
    with pytest.raises(FrozenInstanceError):
        found.seeds = (9,)  # type: ignore[misc]
    said = plain(found)
    assert json.loads(json.dumps(said)) == said
    assert said["kind"] in ("Race", "Grid")
    records.config_hash(said)
    assert records._NAME.fullmatch(name)


def test_configurations_that_differ_are_told_apart() -> None:
    hashes = defaultdict(list)
    for name, scale in EVERY:
        hashes[records.config_hash(plain(config(name, scale)))].append((name, scale))
    # What does not train is the same at the paper's scale.
    assert [same for same in hashes.values() if len(same) > 1] == [
        [("birth", "book"), ("birth", "paper")],
        [("hessian", "book"), ("hessian", "paper")],
    ]
    found = race("table1", "smoke")
    first = plain(found)
    for changed in (
        replace(found, seeds=(0, 2)),
        replace(found, updates=201),
        replace(found, rates=found.rates[:1]),
        replace(found, arms=found.arms[1:]),
        replace(found, arms=(replace(found.arms[0], lr=0.1), *found.arms[1:])),
        replace(found, threads=2),
    ):
        assert plain(changed) != first


# A configuration leaves out what is as it always was. So a default that is changed would make old
# records pass for new ones: what is new is to be said where it is used, or gets a field of its own.
DEFAULTS: dict[type, dict[str, Any]] = {
    Arm: {
        **{"rule": "standard", "gain": 1.0, "hidden": (), "lr": None, "distribution": "uniform"},
        **{"data": "shapeset", "cost": "cross_entropy", "second_order": None},
        **{"output_bias": "learned", "first_layer": "learned", "hidden_gain": 1.0},
        **{"pretraining": 0, "pretraining_lr": 0.03, "tied": False},
    },
    Race: {
        **{"extra": (), "rates": (), "rate_updates": 0, "test_images": 100_000},
        **{"curve_images": 10_000, "quantities": (), "densities": (), "jacobian": False},
        **{"pack": 5, "threads": 1},
    },
    Grid: {"seeds": (0,)},
    Replica: {},
    TrainingPoint: {
        **{"extra": (), "test": "test", "test_images": 100_000, "curve_images": 10_000},
        **{"quantities": (), "densities": (), "jacobian": False, "distribution": "uniform"},
        **{"cost": "cross_entropy", "second_order": None, "output_bias": "learned"},
        **{"first_layer": "learned", "hidden_gain": 1.0},
        **{"pretraining": 0, "pretraining_lr": 0.03, "tied": False, "batch_size": 10},
        **{"threads": 1},
    },
    BirthPoint: {"threads": 1},
    HessianPoint: {"examples": 300, "largest": 20, "threads": 1},
    SvmPoint: {"seed": 0, "tuned": 10_000, "held_out": 10_000, "memory": 4.0, "threads": 1},
}


@pytest.mark.parametrize("kind", DEFAULTS)
def test_what_configurations_leave_out_is_what_it_was(kind: Any) -> None:
    now = {f.name: f.default for f in fields(kind) if f.default is not MISSING}
    kept = DEFAULTS[kind]
    assert {name: now.get(name) for name in kept} == kept


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_says_what_it_is(name: str) -> None:
    found = EXPERIMENTS[name]
    assert isinstance(found, Experiment) and found.name == name
    assert found.title and "\n" not in found.title and len(found.title) <= 100
    assert tuple(found.scales) == SCALES


@pytest.mark.parametrize(("name", "scale"), RACES)
def test_arms_are_told_apart_by_name_and_rate(name: str, scale: Scale) -> None:
    found = race(name, scale)
    arms = Counter((arm.name, arm.lr) for arm in found.arms)
    assert max(arms.values()) == 1
    # A rate that is chosen is chosen for a name.
    chosen = [arm.name for arm in found.arms if arm.lr is None]
    assert len(set(chosen)) == len(chosen)
    assert not {arm.name for arm in found.arms if arm.lr is not None} & set(chosen)


@pytest.mark.parametrize("name", sorted({name for name, _ in RACES}))
def test_every_scale_compares_the_same(name: str) -> None:
    smoke, book, paper = (race(name, scale) for scale in SCALES)

    def kind(arm: Arm) -> Arm:
        """All but what a scale is about; a finite Shapeset is as large as the scale."""
        data = "shapeset_30k" if arm.data.startswith("shapeset_") else arm.data
        return replace(arm, hidden=(), pretraining=bool(arm.pretraining), data=data)

    kinds = [[kind(arm) for arm in found.arms] for found in (smoke, book, paper)]
    assert kinds[0] == kinds[1] == kinds[2]
    assert [len(arm.hidden) for arm in smoke.arms] == [len(arm.hidden) for arm in paper.arms]
    assert set(smoke.rates) <= set(book.rates) == set(paper.rates)
    assert set(smoke.seeds) <= set(book.seeds) <= set(paper.seeds)
    if name != "wide":  # where one seed is what two cores can do
        assert book.seeds == paper.seeds
    assert smoke.updates < book.updates <= paper.updates
    for smaller, larger in ((smoke, book), (book, paper)):
        for a, b in zip(smaller.arms, larger.arms, strict=True):
            assert all(m <= n for m, n in zip(a.hidden, b.hidden, strict=True))


def test_the_papers_scale_is_the_papers() -> None:
    """Five layers of a thousand units, two and a half million updates (sec. 2.3, 3.1)."""
    table1 = race("table1", "paper")
    assert table1.updates == 2_500_000
    assert {arm.hidden for arm in table1.arms} == {(1000,) * 5}
    assert [(arm.activation, arm.rule) for arm in table1.arms] == [
        *(("sigmoid", "standard"), ("tanh", "standard"), ("tanh", "glorot")),
        *(("softsign", "standard"), ("softsign", "glorot")),
    ]
    for name, scale in RACES:
        found = race(name, scale)
        if scale == "paper" and name not in ("pyramids", "depth"):
            assert {n for arm in found.arms for n in arm.hidden} == {1000}, name
    assert {len(arm.hidden) for arm in race("depth", "paper").arms} == {1, 2, 3, 4, 5}


@pytest.mark.parametrize(("name", "scale"), RACES)
def test_what_is_asked_of_a_race_can_be_measured(name: str, scale: Scale) -> None:
    found = race(name, scale)
    assert all(arm.lr is not None or found.rates for arm in found.arms)
    needs = any(arm.lr is None for arm in found.arms)
    assert needs == bool(found.rates) == bool(found.rate_updates)
    assert found.updates % found.every == 0
    assert all(0 < update <= found.updates for update in found.extra)
    measured = {0, *found.extra, *range(0, found.updates + 1, found.every)}
    assert set(found.densities) <= measured
    assert not found.densities or "activation" in found.quantities
    assert len(set(found.seeds)) == len(found.seeds) and max(found.seeds) < MONITOR_SEED


# --------------------------------------------------------------------------------------------------
# Points
# --------------------------------------------------------------------------------------------------


def own(arm: Arm) -> dict[str, Any]:
    """What a point says of all its replicas, as an arm says it."""
    mine = {f.name for f in fields(TrainingPoint)}
    return {f.name: getattr(arm, f.name) for f in fields(arm) if f.name in mine}


def cells(points: list[TrainingPoint]) -> Iterator[tuple[Any, ...]]:
    for point in points:
        shape = tuple(own_of_point(point).items())
        for replica in point.replicas:
            yield replica.arm, replica.rule, replica.gain, replica.lr, replica.seed, shape


def own_of_point(point: TrainingPoint) -> dict[str, Any]:
    return {name: getattr(point, name) for name in own(Arm("", ""))}


@pytest.mark.parametrize(("name", "scale"), RACES)
def test_points_hold_every_arm_on_every_seed_once(name: str, scale: Scale) -> None:
    found = race(name, scale)
    rate = {arm.name: 7.0 + k for k, arm in enumerate(found.arms)}
    assert Counter(cells(main_stage(found))) == Counter(
        (arm.name, arm.rule, arm.gain, arm.lr or rate[arm.name], seed, tuple(own(arm).items()))
        for arm in found.arms
        for seed in found.seeds
    )
    assert Counter(cells(trained(found.first()))) == Counter(
        (arm.name, arm.rule, arm.gain, lr, seed, tuple(own(arm).items()))
        for arm in found.arms
        if arm.lr is None
        for lr in found.rates
        for seed in RATE_SEEDS
    )
    # Arms that differ in nothing but their rate are pre-trained as one.
    begun = {replace(arm, lr=None) for arm in found.arms}
    assert sum(point.work for point in main_stage(found)) == len(found.seeds) * (
        len(found.arms) * found.updates + sum(arm.pretraining * len(arm.hidden) for arm in begun)
    )


@pytest.mark.parametrize(("name", "scale"), RACES)
def test_points_are_no_larger_than_a_pack_if_one_seed_allows(name: str, scale: Scale) -> None:
    found = race(name, scale)
    for points in (main_stage(found), trained(found.first())):
        for point in points:
            assert len(point.replicas) <= found.pack or len(point.seeds) == 1
            # As many seeds as there is room for, but in the last.
            arms = len(point.replicas) // len(point.seeds)
            assert len(point.replicas) == arms * len(point.seeds)
        homes = Counter(
            (tuple(own_of_point(point).items()), seed) for point in points for seed in point.seeds
        )
        assert not homes or max(homes.values()) == 1  # replicas of a seed and shape are together


@pytest.mark.parametrize(("name", "scale"), RACES)
def test_rates_are_chosen_on_other_seeds_and_other_images_than_those_that_count(
    name: str, scale: Scale
) -> None:
    found = race(name, scale)
    assert not set(found.seeds) & set(RATE_SEEDS)
    for point in found.first():
        assert isinstance(point, TrainingPoint)
        assert set(point.seeds) <= set(RATE_SEEDS)
        assert (point.test, point.updates, point.every) == ("valid",) + (found.rate_updates,) * 2
        assert point.test_images == found.curve_images
        assert not (point.quantities or point.densities or point.jacobian or point.extra)
    for point in main_stage(found):
        assert set(point.seeds) <= set(found.seeds)
        for said in (
            *("updates", "every", "extra", "test_images", "curve_images", "quantities"),
            *("densities", "jacobian", "threads"),
        ):
            assert getattr(point, said) == getattr(found, said)
        assert point.test == "test"


# --------------------------------------------------------------------------------------------------
# Names and seeds
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("figure", "name"),
    [("fig3", "table1"), ("fig9", "table1"), ("fig6", "birth"), ("fig12", "mnist")],
)
def test_a_figure_is_found_in_the_experiment_that_shows_it(figure: str, name: str) -> None:
    assert resolve(figure) == name
    assert config(figure, "smoke") == config(name, "smoke")


def test_names_are_found_as_they_are_and_figures_are_shown_once() -> None:
    for name in EXPERIMENTS:
        assert resolve(name) == name
    shown = Counter(figure for e in EXPERIMENTS.values() for figure in e.shows)
    assert max(shown.values()) == 1
    # All figures of the paper with results, but fig. 1 (images) and fig. 5 (two weights).
    assert {*shown, "fig2"} == {f"fig{k}" for k in (2, 3, 4, 6, 7, 8, 9, 10, 11, 12)}


@pytest.mark.parametrize(
    ("name", "near"), [("tabel1", "table1"), ("figure9", "fig9"), ("piramids", "pyramids")]
)
def test_the_nearest_name_is_in_the_message(name: str, near: str) -> None:
    with pytest.raises(ValueError, match=f"experiment must be one of .*did you mean '{near}'"):
        config(name)
    with pytest.raises(ValueError, match="scale must be one of smoke, book, paper, got 'papr'"):
        config("table1", "papr")  # type: ignore[arg-type]


def test_seeds_of_ones_own_replace_those_that_are_there() -> None:
    found = config("table1", "smoke", seeds=iter([7, 9, 8]))
    assert found == replace(race("table1", "smoke"), seeds=(7, 9, 8))
    assert {seed for point in main_stage(found) for seed in point.seeds} == {7, 8, 9}
    first: Config = config("table1", "smoke")
    assert found.first() == first.first()


@pytest.mark.parametrize(
    ("name", "seeds", "error"),
    [
        ("table1", [], ValueError),
        ("table1", [0, 1000], ValueError),
        ("table1", [-1], ValueError),
        ("table1", [2**63], ValueError),
        ("table1", [1.5], TypeError),
        ("birth", [3], ValueError),
    ],
)
def test_seeds_that_cannot_be_are_refused(
    name: str, seeds: list[Any], error: type[Exception]
) -> None:
    with pytest.raises(error, match="seeds"):
        config(name, "smoke", seeds)


@pytest.mark.parametrize("name", SMOKE)
def test_nothing_is_left_beside_a_record(smoke: Callable[[str], Record], name: str) -> None:
    assert [path.name for path in smoke(name).path.parent.iterdir()] == [f"{name}.smoke.csv.gz"]
