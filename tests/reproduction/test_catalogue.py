"""The catalogue: what each experiment compares, at three scales, and that all of it runs."""

from __future__ import annotations

import json
import math
import pickle
import re
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import FrozenInstanceError, fields, replace
from pathlib import Path
from typing import Any

import pytest

from glorot2010 import records
from glorot2010.catalogue import (
    DOWNLOADED,
    EXPERIMENTS,
    MORE_RATE_SEEDS,
    RATE_SEEDS,
    SCALES,
    Arm,
    Grid,
    Race,
    Scale,
    config,
    resolve,
)
from glorot2010.experiments import choose, load, plain
from glorot2010.points import COLUMNS, MONITOR_SEED, Point, Schedule, Setting, TrainingPoint
from glorot2010.records import Record

EVERY: list[tuple[str, Scale]] = [(name, scale) for name in EXPERIMENTS for scale in SCALES]
RACES = {
    (name, scale): found for name, scale in EVERY if isinstance(found := config(name, scale), Race)
}
QUICK = ("singles", "distribution", "digits")  # one that does not train, two that do
SMOKE = [
    pytest.param(name, marks=() if name in QUICK else pytest.mark.thorough)
    for name in EXPERIMENTS
    if name not in DOWNLOADED
]


def trained(points: tuple[Point, ...]) -> list[TrainingPoint]:
    found = [point for point in points if isinstance(point, TrainingPoint)]
    assert len(found) == len(points)
    return found


def main_stage(of: Race) -> list[TrainingPoint]:
    """Points of the second stage, every arm without a rate having one of its own."""
    return trained(of.second({arm.name: 7.0 + k for k, arm in enumerate(of.arms)}))


def setting(of: Any) -> tuple[Any, ...]:
    return tuple(getattr(of, f.name) for f in fields(Setting))


# ------------------------------------------------------------------------------- all of it runs


@pytest.mark.parametrize("name", SMOKE)
def test_it_runs_and_its_rows_hold_all_that_is_to_be_measured(
    smoke: Callable[[str], Record], name: str
) -> None:
    record, found = smoke(name), config(name, "smoke")
    assert list(record.rows.columns) == ["stage", *COLUMNS]
    assert (record.experiment, record.scale, record.seeds) == (name, "smoke", found.seeds)
    assert [path.name for path in record.path.parent.iterdir()] == [record.path.name]
    assert record.rows["value"].map(math.isfinite).all()
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
        ends, first = (rows[rows["quantity"] == quantity] for rows in (main, tried))
        assert Counter(zip(ends["arm"], ends["lr"], ends["seed"], strict=True)) == Counter(
            (arm.name, rates[arm.name] if arm.lr is None else arm.lr, seed)
            for arm in found.arms
            for seed in found.seeds
        )
        assert Counter(zip(first["arm"], first["lr"], first["seed"], strict=True)) == Counter(
            (arm, lr, seed) for arm in rates for lr in found.rates for seed in RATE_SEEDS
        )
    errors = record.rows[record.rows["quantity"].isin(["test_error", "final_error"])]["value"]
    assert ((errors >= 0) & (errors <= 1)).all()
    wanted = {"train_cost", "test_cost", "test_error", "final_error", "final_cost", "top_guess"}
    wanted |= {q for q in found.quantities if q != "output"}
    wanted |= {"output_bias", "output_signal"} if "output" in found.quantities else set()
    wanted |= {"jacobian"} if found.jacobian else set()
    wanted |= {"reconstruction"} if any(arm.pretraining for arm in found.arms) else set()
    for arm, part in main.groupby("arm"):
        assert set(part["quantity"]) == wanted, arm
        dense = part[part["statistic"] == "density"]
        assert set(dense["update"]) == set(found.densities)
    tests = main[main["quantity"] == "test_error"]
    assert set(tests["update"]) == {0, *found.extra, 100, 200}
    assert set(tried["quantity"]) <= wanted


def test_those_that_do_not_train_have_rows_of_their_own(smoke: Callable[[str], Record]) -> None:
    birth = smoke("birth").rows
    assert {"activation", "back_gradient", "weight_gradient", "jacobian"} <= set(birth["quantity"])
    assert set(birth["arm"]) == {"tanh", "tanh normalized"} and set(birth["update"]) == {0}
    assert set(smoke("hessian").rows["arm"]) == {"sigmoid", "centred sigmoid"}
    svm = smoke("svm").rows
    assert svm[svm["quantity"] == "final_error"]["update"].tolist() == [100, 200]


# ------------------------------------------------------------------------------- configurations


def test_all_committed_records_are_of_the_configurations_that_there_are_now() -> None:
    paths = sorted(records.results_folder().glob("*.csv.gz"))
    assert len(paths) >= 20
    for path in paths:
        name, scale = path.name.split(".")[:2]
        seeds = None if scale in SCALES else records.load(name, scale).seeds
        found = load(name, scale.partition("-")[0], seeds=seeds)  # type: ignore[arg-type]
        assert found.path == path and len(found.rows)


def test_configurations_are_frozen_plain_and_told_apart() -> None:
    hashes = defaultdict(list)
    for name, scale in EVERY:
        found = config(name, scale)
        hash(found)
        with pytest.raises(FrozenInstanceError):
            found.seeds = (9,)  # type: ignore[misc]
        said = plain(found)
        assert json.loads(json.dumps(said)) == said and said["kind"] in ("Race", "Grid")
        hashes[records.config_hash(said)].append((name, scale))
    # What does not train, or is of no paper's size, is the same at the paper's scale.
    assert [same for same in hashes.values() if len(same) > 1] == [
        [(name, "book"), (name, "paper")]
        for name in EXPERIMENTS
        if name in ("birth", "hessian", "width", "width_adam", "directions", "mend")
    ]
    race = RACES["table1", "smoke"]
    for changed in (
        replace(race, seeds=(0, 2)),
        replace(race, rates=race.rates[:1]),
        replace(race, arms=(replace(race.arms[0], lr=0.1), *race.arms[1:])),
        replace(race, pack=6),
    ):
        assert plain(changed) != plain(race)
    # Finished parts of a run are named after all that a point says, its data among them.
    assert plain(race.first()[0])["data"] == "shapeset"


def test_an_experiment_says_what_it_is() -> None:
    for name, found in EXPERIMENTS.items():
        assert found.name == name and tuple(found.scales) == SCALES
        assert found.title and "\n" not in found.title and len(found.title) <= 100


def test_arms_are_told_apart_by_name_and_rate() -> None:
    for where, race in RACES.items():
        arms = Counter((arm.name, arm.lr) for arm in race.arms)
        assert max(arms.values()) == 1, where
        # A rate that is chosen is chosen for a name.
        chosen = [arm.name for arm in race.arms if arm.lr is None]
        assert len(set(chosen)) == len(chosen)
        assert not {arm.name for arm in race.arms if arm.lr is not None} & set(chosen)


def test_every_scale_compares_the_same() -> None:
    def kind(arm: Arm) -> Arm:
        """All but what a scale is about; a finite Shapeset is as large as the scale."""
        data = "shapeset_30k" if arm.data.startswith("shapeset_") else arm.data
        name = re.sub(r"\d+ layers$", "layers", arm.name)  # the edge is looked for in shallow ones
        return replace(arm, hidden=(), pretraining=bool(arm.pretraining), data=data, name=name)

    for name in sorted({name for name, _ in RACES}):
        smoke, book, paper = (RACES[name, scale] for scale in SCALES)
        kinds = [[kind(arm) for arm in race.arms] for race in (smoke, book, paper)]
        assert list(dict.fromkeys(kinds[0])) == list(dict.fromkeys(kinds[1])), name
        assert kinds[1] == kinds[2], name
        assert set(smoke.rates) <= set(book.rates) == set(paper.rates)
        assert set(smoke.seeds) <= set(book.seeds) <= set(paper.seeds)
        if name != "wide":  # where one seed is what two cores can do
            assert book.seeds == paper.seeds
        assert smoke.updates < book.updates <= paper.updates
        for smaller, larger in ((smoke, book), (book, paper)):
            shallower = name.startswith("edge")
            for a, b in zip(smaller.arms, larger.arms, strict=not shallower):
                assert all(m <= n for m, n in zip(a.hidden, b.hidden, strict=not shallower))


def test_the_papers_scale_is_the_papers() -> None:
    """Five layers of a thousand units, two and a half million updates (sec. 2.3, 3.1)."""
    table1 = RACES["table1", "paper"]
    assert table1.updates == 2_500_000
    assert {arm.hidden for arm in table1.arms} == {(1000,) * 5}
    assert [(arm.activation, arm.rule) for arm in table1.arms] == [
        *(("sigmoid", "standard"), ("tanh", "standard"), ("tanh", "glorot")),
        *(("softsign", "standard"), ("softsign", "glorot")),
    ]
    for (name, scale), race in RACES.items():
        if scale == "paper" and name not in ("pyramids", "pyramids_more", "tanh_slower"):
            assert {n for arm in race.arms for n in arm.hidden} == {1000}, name
    assert {len(arm.hidden) for arm in RACES["depth", "paper"].arms} == {1, 2, 3, 4, 5}


def test_what_is_asked_of_a_race_can_be_measured() -> None:
    for where, race in RACES.items():
        needs = any(arm.lr is None for arm in race.arms)
        assert needs == bool(race.rates) == bool(race.rate_updates), where
        assert race.updates % race.every == 0
        assert all(0 < update <= race.updates for update in race.extra)
        measured = {0, *race.extra, *range(0, race.updates + 1, race.every)}
        assert set(race.densities) <= measured
        assert not race.densities or "activation" in race.quantities
        assert len(set(race.seeds)) == len(race.seeds) and max(race.seeds) < MONITOR_SEED


# --------------------------------------------------------------------------------------- points


def test_points_hold_every_arm_on_every_seed_once() -> None:
    def cells(points: list[TrainingPoint]) -> Counter[Any]:
        return Counter(
            (replica.arm, replica.rule, replica.gain, replica.lr, replica.seed, setting(point))
            for point in points
            for replica in point.replicas
        )

    for where, race in RACES.items():
        rate = {arm.name: 7.0 + k for k, arm in enumerate(race.arms)}
        assert cells(main_stage(race)) == Counter(
            (arm.name, arm.rule, arm.gain, arm.lr or rate[arm.name], seed, setting(arm))
            for arm in race.arms
            for seed in race.seeds
        ), where
        assert cells(trained(race.first())) == Counter(
            (arm.name, arm.rule, arm.gain, lr, seed, setting(arm))
            for arm in race.arms
            if arm.lr is None
            for lr in race.rates
            for seed in RATE_SEEDS
        )
        # Arms that differ in nothing but their rate are pre-trained as one.
        begun = {replace(arm, lr=None) for arm in race.arms}
        assert sum(point.work for point in main_stage(race)) == len(race.seeds) * (
            len(race.arms) * race.updates + sum(arm.pretraining * len(arm.hidden) for arm in begun)
        )


def test_points_are_no_larger_than_a_pack_if_one_seed_allows_and_small_when_they_are_sent() -> None:
    for where, race in RACES.items():
        for points in (main_stage(race), trained(race.first())):
            for point in points:
                assert len(point.replicas) <= race.pack or len(point.seeds) == 1, where
                # As many seeds as there is room for, but in the last.
                arms = len(point.replicas) // len(point.seeds)
                assert len(point.replicas) == arms * len(point.seeds)
                assert len(pickle.dumps(point)) < 10_000
            homes = Counter((setting(point), seed) for point in points for seed in point.seeds)
            assert (
                not homes or max(homes.values()) == 1
            )  # replicas of a seed and shape are together


def test_rates_are_chosen_on_other_seeds_and_other_images_than_those_that_count() -> None:
    for where, race in RACES.items():
        assert not set(race.seeds) & set(RATE_SEEDS), where
        for point in trained(race.first()):
            assert set(point.seeds) <= set(RATE_SEEDS)
            assert (point.test, point.updates, point.every) == ("valid",) + (race.rate_updates,) * 2
            assert point.test_images == race.curve_images
            assert not (point.quantities or point.densities or point.jacobian or point.extra)
        for point in main_stage(race):
            assert set(point.seeds) <= set(race.seeds)
            for said in (f.name for f in fields(Schedule)):
                assert getattr(point, said) == getattr(race, said)
            assert point.test == "test"


def test_more_trials_of_table_1s_rates_are_those_that_it_has_on_other_seeds() -> None:
    def trials(points: tuple[Point, ...]) -> set[tuple[Any, ...]]:
        return {
            (replica.arm, replica.rule, replica.lr, replica.seed, replace(point, replicas=()))
            for point in trained(points)
            for replica in point.replicas
        }

    for scale in SCALES:
        own, more = RACES["table1", scale].first(), config("rates", scale).second({})
        theirs = {(*of[:3], of[4]) for of in trials(own)}
        assert {(*of[:3], of[4]) for of in trials(more)} < theirs
        assert {of[3] for of in trials(more)} == set(MORE_RATE_SEEDS)
        assert not set(MORE_RATE_SEEDS) & set(RATE_SEEDS)
        assert config("rates", scale).seeds == MORE_RATE_SEEDS


def test_the_other_rates_are_those_that_table_1_did_not_take() -> None:
    """With both records tanh has both rates with either initialization, on the same examples."""
    other, record = RACES["other_rates", "book"], load("table1").rows
    taken = record[record["stage"] == "main"].groupby("arm")["lr"].first()
    assert {arm.name for arm in other.arms} == {"tanh", "tanh normalized"}
    for arm in other.arms:
        assert {arm.lr, taken[arm.name]} == {0.01, 0.03}
    table1 = RACES["table1", "book"]
    for said in (f.name for f in fields(Schedule) if f.name not in ("densities", "jacobian")):
        assert getattr(other, said) == getattr(table1, said)
    assert set(other.seeds) < set(table1.seeds)


def test_what_has_no_record_yet_is_known_by_name() -> None:
    """So that none is forgotten: a run that is done leaves this list, and a new one enters it."""
    kept = Path(__file__).parents[2] / "results"
    missing = {name for name in EXPERIMENTS if not records.path_of(name, "book", kept).is_file()}
    assert missing == {"escaped", "saturation_more"}


# ------------------------------------------------------------------------------- names and seeds


def test_a_name_is_an_experiment_or_a_figure_that_one_shows() -> None:
    for name in EXPERIMENTS:
        assert resolve(name) == name
    assert (resolve("fig9"), resolve("fig6"), resolve("fig12")) == ("table1", "birth", "mnist")
    assert config("fig3", "smoke") == config("table1", "smoke")
    shown = Counter(figure for e in EXPERIMENTS.values() for figure in e.shows)
    assert max(shown.values()) == 1
    # All figures of the paper with results, but fig. 1 (images) and fig. 5 (two weights).
    assert {*shown, "fig2"} == {f"fig{k}" for k in (2, 3, 4, 6, 7, 8, 9, 10, 11, 12)}
    with pytest.raises(ValueError, match=r"experiment must be one of .*got 'tabel1'"):
        config("tabel1")
    with pytest.raises(ValueError, match="scale must be one of smoke, book, paper"):
        config("table1", "papr")  # type: ignore[arg-type]


def test_seeds_of_ones_own_replace_those_that_are_there() -> None:
    found = config("table1", "smoke", seeds=iter([7, 9, 8]))
    assert found == replace(RACES["table1", "smoke"], seeds=(7, 9, 8))
    assert found.first() == RACES["table1", "smoke"].first()


@pytest.mark.parametrize(
    ("name", "seeds"),
    [("table1", []), ("table1", [0, 1000]), ("table1", [-1]), ("table1", [2, 2]), ("birth", [3])],
)
def test_seeds_that_cannot_be_are_refused(name: str, seeds: list[Any]) -> None:
    with pytest.raises(ValueError, match="seeds"):
        config(name, "smoke", seeds)
