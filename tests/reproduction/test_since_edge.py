"""What judges say of made-up networks of five depths, and the parts of what D5 to D8 compute."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import pytest
import torch

from glorot2010 import drawings, edge
from glorot2010.catalogue import EDGE_DEPTHS, EDGE_POINTS, Race, config, edge_arm
from glorot2010.points import COLUMNS
from glorot2010.verdicts import CLAIMS, since_edge
from glorot2010.verdicts.claim import Evidence, Judgement, Verdict
from xavier import theory
from xavier.network import Network

Point = tuple[float, float]
STANDARD, CORNER, FIVE_THIRDS, THREE, ONE, NEAR, BEYOND, FAR = EDGE_POINTS
RATES, SEEDS, UPDATES = (0.003, 0.01, 0.03), (0, 1, 2), (1000, 2000, 3000, 4000)
LOW, HIGH = 1.9, 2.1  # costs of what starts and of what does not


def record(
    deepest: Mapping[Point, float],
    cost: Callable[[Point, int, float, int, int], float | None] = lambda *_: None,
    early: Mapping[Point, float] | None = None,
) -> pd.DataFrame:
    """Networks that start up to a depth by point, at the middle rate; ``early`` by update 2,000."""
    rows = []
    for point in EDGE_POINTS:
        for layers in EDGE_DEPTHS:
            for lr in RATES:
                for seed in SEEDS:
                    for update in UPDATES:
                        reach = {**deepest, **(early or {})} if update <= 2000 else deepest
                        starts = layers <= reach.get(point, 80) and lr == 0.01
                        value = cost(point, layers, lr, seed, update)
                        value = (LOW if starts else HIGH) if value is None else value
                        cell = edge_arm(*point, layers), lr, seed, update, 0, "test_cost", ""
                        rows.append(("main", *cell, math.nan, value))
    return pd.DataFrame(rows, columns=["stage", *COLUMNS])


def judged(name: str, rows: pd.DataFrame, deeper: pd.DataFrame | None = None) -> Judgement:
    evidence = Evidence("no such folder")
    evidence._loaded = {"edge": rows} | ({} if deeper is None else {"edge_160": deeper})
    return CLAIMS[name].judge(evidence)


AS_THEORY = {ONE: 20.0, NEAR: 40.0, BEYOND: 40.0, FAR: 20.0}  # 22, 74, 53 and 32
BY_CORRELATION = {FIVE_THIRDS: 80.0, THREE: 20.0, BEYOND: 40.0, FAR: 20.0}
BY_GRADIENT = {FIVE_THIRDS: 20.0, THREE: 10.0, BEYOND: 20.0, FAR: 10.0}

CASES: dict[str, dict[Verdict, list[pd.DataFrame]]] = {
    "D1": {
        "holds": [record(AS_THEORY), record({**AS_THEORY, FAR: 40.0})],
        "fails": [record({**AS_THEORY, ONE: 80.0}), record({**AS_THEORY, NEAR: 10.0}),
            record({**AS_THEORY, BEYOND: 0.0})],
        "undecided": [record({**AS_THEORY, NEAR: 80.0}), record({**AS_THEORY, ONE: 10.0})],
    },
    "D2": {
        "holds": [record(BY_CORRELATION)],
        "fails": [record(BY_GRADIENT), record(dict.fromkeys(BY_GRADIENT, 0.0))],
        "holds in part": [record({**BY_CORRELATION, THREE: 10.0})],
    },
    "D3": {
        "holds": [record({STANDARD: 5.0}), record({STANDARD: 10.0})],
        "fails": [record({STANDARD: 20.0, CORNER: 40.0})],
        "holds in part": [record({STANDARD: 5.0, CORNER: 40.0}), record({STANDARD: 80.0})],
        "undecided": [record({STANDARD: 0.0})],
    },
    "D4": {
        "holds": [record({ONE: 10.0, STANDARD: 5.0})],
        "fails": [record({ONE: 20.0, STANDARD: 5.0}, early={ONE: 10.0})],
        "undecided": [record({}), record({}, early={ONE: 10.0}),
            record({ONE: 20.0, STANDARD: 5.0, FAR: 20.0}, early={ONE: 10.0})],
    },
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_made_up_networks_get_their_verdicts(name: str) -> None:
    for verdict, tables in CASES[name].items():
        for k, rows in enumerate(tables):
            found = judged(name, rows)
            assert found.verdict == verdict, (k, found)
            assert isinstance(found.ours, str)
            assert "100 units, 4,000 updates, 3 seeds" in found.note


def test_a_point_at_which_all_depths_started_is_decided_by_a_deeper_network() -> None:
    all_start = record({**AS_THEORY, NEAR: 80.0})
    at_80 = all_start[all_start["arm"] == edge_arm(*NEAR, 80)]
    for value, verdict in ((LOW, "undecided"), (HIGH, "holds")):
        deeper = at_80.assign(arm=edge_arm(*NEAR, 160), value=value)
        assert judged("D1", all_start, deeper).verdict == verdict
    # Where it was not tried, nothing is known of it.
    both = pd.concat([all_start, deeper])
    assert edge.depths(both, *NEAR) == (80.0, 160.0)
    assert edge.depths(both, *CORNER) == (80.0, math.inf)


def test_depths_that_are_told_are_those_of_the_record() -> None:
    found = judged("D1", record({**AS_THEORY, NEAR: 80.0}))
    assert (
        found.ours
        == "20 where it has 22; 80 or more where it has 74; 40 where it has 53; 20 where it has 32"
    )
    assert judged("D3", record({STANDARD: 5.0})).ours == "5 and 80 or more"
    assert judged("D4", record({ONE: 20.0}, early={ONE: 10.0})).ours == "1 of 1"


def test_a_depth_counts_if_all_shallower_ones_start() -> None:
    def gap(point: Point, layers: int, *_: float) -> float | None:
        return HIGH if layers == 10 else None

    rows = record({}, gap)
    assert edge.depths(rows, *ONE) == (5.0, 10.0)
    assert edge.depths(record({}), *ONE) == (80.0, math.inf)
    assert edge.depths(record({ONE: 0.0}), *ONE) == (0.0, 5.0)
    assert edge.depths(record({ONE: 40.0}, early={ONE: 20.0}), *ONE, 2000) == (20.0, 40.0)


def test_the_best_rate_is_that_of_the_least_mean_over_seeds_that_all_go_on() -> None:
    def cost(point: Point, layers: int, lr: float, seed: int, update: int) -> float:
        if lr == 0.03:  # best in two seeds, and the third diverged
            return math.nan if seed == 2 else 1.0
        return {0.003: 2.1, 0.01: 1.8 + 0.1 * seed}[lr]

    costs = edge.best_costs(record({}, cost), *ONE)
    assert costs.to_dict() == dict.fromkeys(EDGE_DEPTHS, pytest.approx(1.9))
    nothing = record({}, lambda *_: math.nan)
    assert edge.best_costs(nothing, *ONE).isna().all()
    assert edge.depths(nothing, *ONE) == (0.0, 5.0)


def test_the_cost_that_counts_as_a_start_is_a_tenth_below_the_best_constant_answer() -> None:
    shares = np.repeat([1 / 6, 1 / 9, 1 / 18], 3)
    assert shares.sum() == pytest.approx(1)
    assert pytest.approx(-(shares * np.log(shares)).sum() - 0.1, abs=0.0005) == edge.STARTS


def test_the_experiment_has_the_points_depths_rates_and_updates_of_the_rules() -> None:
    race = config("edge")
    assert isinstance(race, Race)
    assert {arm.name for arm in race.arms} == {
        edge_arm(*point, layers) for point in EDGE_POINTS for layers in EDGE_DEPTHS
    }
    assert {arm.lr for arm in race.arms} == set(RATES) and race.seeds == SEEDS
    assert race.updates == max(UPDATES) and race.every == min(UPDATES)
    assert {arm.hidden[0] for arm in race.arms} == {100}


def test_the_plane_is_drawn_with_a_disc_at_every_point() -> None:
    picture = drawings.draw("edge", record({STANDARD: 5.0, ONE: 20.0}))
    (ax,) = picture.axes
    texts = [text.get_text() for text in ax.texts]
    assert [texts.count(text) for text in ("5", "80+")] == [1, 6] and "20" in texts
    for text in ("5", "80+", "standard", "normalized", "torch's gain 5/3", "torch's default"):
        assert text in texts
    low, high = ax.get_xlim()
    assert all(low < gain < high for gain, _ in EDGE_POINTS)


# ------------------------------------------------------------------------------ computed at birth


def test_a_mean_cosine_is_that_of_all_pairs() -> None:
    z = torch.tensor([[1.0, 0.0], [0.0, 2.0], [3.0, 3.0]])
    assert since_edge._mean_cosine(z) == pytest.approx(2 / 3 * 0.5**0.5, rel=1e-6)


def test_biases_alone_make_images_alike() -> None:
    kept, alike = (
        since_edge.cosines(3**-0.5, bias, width=100, layers=10)[:, -1] for bias in (0.0, None)
    )
    assert abs(kept).max() < 0.05 and alike.min() > 0.95


def test_the_cosine_of_torchs_default_by_theory_rises_from_none_to_one() -> None:
    found = [since_edge._default_cosine(layers, 200) for layers in (1, 2, 3, 5, 20)]
    assert found == sorted(found)
    assert abs(found[0]) < 0.02 and found[3] == pytest.approx(0.684, abs=0.02)
    assert found[4] > 0.999
    assert since_edge._default_cosine(5, 1000) < found[3]


def test_gradients_of_linear_gains_are_those_of_networks_of_their_own() -> None:
    ratios = since_edge.gradient_ratios(40, 3)
    assert set(ratios) == set(since_edge.GAINS)
    assert all(len(found) == 3 for found in ratios.values())
    assert (ratios[1.0] < ratios[1.05]).all() and (ratios[1.1] < ratios[5 / 3]).all()


def test_two_inputs_begin_at_their_cosine_and_follow_the_map() -> None:
    cosines = since_edge.pair_cosines(400, 4)
    for gain, found in cosines.items():
        assert found.shape == (4, since_edge.DEEP)
        assert found[:, 0] == pytest.approx(0.99, abs=0.005)
        fifth = since_edge._pair_theory(gain, 5)
        assert found[:, 4].mean() == pytest.approx(fifth, abs=0.02)
    expected = theory.correlation_map("tanh", 0.99, 25 / 9, gain=5 / 3)
    assert since_edge._pair_theory(5 / 3, 2) == expected


def test_the_widths_have_one_sum_of_reciprocals_and_lengths_scatter_as_the_formula_says() -> None:
    for widths in since_edge.WIDTHS.values():
        assert sum(1 / n for n in widths) == pytest.approx(0.4)
    assert since_edge.exact_scatter((50,) * 20) == pytest.approx(2.163, abs=0.001)
    assert since_edge.exact_scatter((10_000,)) == pytest.approx(5 / 10_000, rel=1e-3)
    logs = since_edge.log_lengths((30,) * 5, 4000)
    assert logs.var() == pytest.approx(since_edge.exact_scatter((30,) * 5), rel=0.12)
    assert np.exp(logs).mean() == pytest.approx(1, abs=0.06)


def test_lengths_that_are_drawn_without_weights_are_those_of_drawn_networks() -> None:
    """Mean and variance of the logarithm over 600 networks of He's normal weights, of one input."""
    widths = (20,) * 4
    network = Network.create([20, *widths], "relu", "he", seeds=range(600), distribution="normal")
    x = torch.ones(1, 20)
    z = network.forward(x).s[-1].clamp(min=0).double()
    logs = z.square().mean(2).log().squeeze().numpy()
    drawn = since_edge.log_lengths(widths, 20_000)
    logs = logs[np.isfinite(logs)]
    error = drawn.std() / len(logs) ** 0.5
    assert abs(logs.mean() - drawn.mean()) < 5 * error
    assert logs.var() == pytest.approx(drawn.var(), rel=5 * (4 / len(logs)) ** 0.5)
