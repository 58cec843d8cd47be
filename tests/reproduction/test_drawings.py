"""Pictures from records: what is drawn is what the rows say, and the numbers are those of the rows.

Records are made here at the smoke scale, and some rows by hand.
"""

from __future__ import annotations

import io
import math
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread
from scipy import stats

from glorot2010.drawings import cost_surface, draw, numbers, rendered
from glorot2010.points import COLUMNS
from glorot2010.records import Record

LAYERS = (1, 2, 3)
UPDATES = (0, 50, 100)


def value_of(arm: str, seed: int, update: int, layer: int, statistic: str) -> float:
    """A number that is different for everything that it depends on."""
    start = {"mean": 0.1, "std": 0.2, "p98": 0.5}[statistic]
    return start + 0.01 * layer + 1e-4 * update + 0.001 * seed + 1e-5 * len(arm)


def record(
    arms: tuple[tuple[str, float], ...] = (
        ("tanh", 0.1),
        ("softsign", 0.03),
        ("tanh normalized", 0.1),
    ),
    seeds: tuple[int, ...] = (3, 5, 8),
    rate_stage: bool = True,
) -> pd.DataFrame:
    """Rows as a record has them, with numbers that are known."""
    rows: list[tuple[Any, ...]] = []
    nan = math.nan
    for arm, lr in arms:
        for seed in seeds:
            for update in UPDATES:
                error = 0.9 - 0.002 * update - 0.01 * seed + lr
                rows.append((arm, lr, seed, update, 0, "test_error", "", nan, error))
                for layer in (*LAYERS, 4):  # the fourth is the output's
                    for statistic in ("mean", "std", "p98"):
                        number = value_of(arm, seed, update, layer, statistic)
                        known = (arm, lr, seed, update, layer)
                        if layer in LAYERS:
                            rows.append((*known, "activation", statistic, nan, number))
                        if statistic != "p98":
                            rows.append((*known, "weight_gradient", statistic, nan, number))
                if update:
                    for layer in LAYERS:
                        for at in (-0.5, 0.5):
                            density = 0.5 + at * 0.01 * layer + 1e-4 * update + seed
                            known = (arm, lr, seed, update, layer)
                            rows.append((*known, "activation", "density", at, density))
            rows.append((arm, lr, seed, UPDATES[-1], 0, "final_error", "", nan, error))
    table = pd.DataFrame(rows, columns=list(COLUMNS)).assign(stage="main")
    if rate_stage:  # trials that no picture and no number may be made of
        trials = table.assign(stage="rate", seed=table["seed"] + 1000, value=table["value"] + 7)
        table = pd.concat([trials, table], ignore_index=True)
    return table


def lines(ax: Any) -> dict[str, tuple[list[float], list[float]]]:
    """What the lines of a legend go through, without those that are of the legend alone."""
    return {
        line.get_label(): (list(line.get_xdata()), list(line.get_ydata()))
        for line in ax.get_lines()
        if not line.get_label().startswith("_") and len(line.get_xdata())
    }


# ---------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize("name", ["table1", "fig11", "cost", "an experiment of tomorrow"])
def test_errors_are_means_over_seeds_in_percent(name: str) -> None:
    (ax,) = draw(name, record()).axes
    drawn = lines(ax)
    assert list(drawn) == ["tanh", "softsign", "tanh normalized"]
    for arm, lr in (("tanh", 0.1), ("softsign", 0.03)):
        updates, errors = drawn[arm]
        assert updates == list(UPDATES)
        mean_seed = (3 + 5 + 8) / 3
        expected = [100 * (0.9 - 0.002 * u - 0.01 * mean_seed + lr) for u in UPDATES]
        assert errors == pytest.approx(expected, rel=1e-12)
    assert "%" in ax.get_ylabel()


def test_one_seed_has_a_line_and_no_band() -> None:
    (ax,) = draw("wide", record(seeds=(0,))).axes
    assert len(lines(ax)) == 3
    assert not ax.collections


def test_bands_are_cut_at_what_an_error_can_be() -> None:
    """Two seeds far apart: the interval is wider than all errors."""
    rows = record((("tanh", 0.0),), seeds=(0, 60), rate_stage=False)
    (ax,) = draw("table1", rows).axes
    low, high = ax.get_ylim()
    assert low >= 0
    assert high <= 100


def test_arms_with_several_rates_have_a_panel_for_each() -> None:
    arms = (("sigmoid", 0.1), ("steep", 0.1), ("steep", 0.03))
    low, high = draw("interventions", record(arms)).axes
    assert low.get_title("left") == "learning rate 0.03"
    assert high.get_title("left") == "learning rate 0.1"
    assert list(lines(low)) == ["steep"]
    assert list(lines(high)) == ["sigmoid", "steep"]
    same = [line.get_color() for ax in (low, high) for line in ax.get_lines()[-1:]]
    assert same[0] == same[1]  # steep, in both


def test_depth_is_drawn_against_the_number_of_layers() -> None:
    arms = tuple((f"{kind}, {n}", 0.1 * n) for n in (5, 1, 3) for kind in ("tanh", "sigmoid"))
    (ax,) = draw("depth", record(arms)).axes
    layers, errors = lines(ax)["tanh"]
    assert layers == [1, 3, 5]
    expected = [100 * (0.7 - 0.01 * 16 / 3 + 0.1 * n) for n in (1, 3, 5)]
    assert errors == pytest.approx(expected, rel=1e-12)
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["1", "3", "5"]


def test_gains_are_drawn_with_a_line_a_rate() -> None:
    arms = tuple((f"gain {gain:g}", lr) for gain in (2.0, 0.71) for lr in (0.1, 0.01))
    (ax,) = draw("gain_grid", record(arms)).axes
    assert list(lines(ax)) == ["learning rate 0.01", "learning rate 0.1"]
    assert lines(ax)["learning rate 0.1"][0] == [0.71, 2.0]
    assert ax.get_xscale() == "log"


@pytest.mark.parametrize(("name", "arm"), [("depth", "tanh"), ("gain_grid", "gain large")])
def test_an_arm_whose_name_has_no_number_is_refused(name: str, arm: str) -> None:
    with pytest.raises(ValueError, match=f"names end with a number, got '{arm}'"):
        draw(name, record(((arm, 0.1),)))


# ---------------------------------------------------------------------------------------- layers


def layer_lines(ax: Any, marker: str | None = None) -> list[list[float]]:
    """The heights of the lines of all layers, or of their marks."""
    return [
        list(line.get_ydata())
        for line in ax.get_lines()
        if len(line.get_xdata()) and (line.get_linestyle() == "None") == (marker is not None)
    ]


@pytest.mark.parametrize(
    ("name", "arms"), [("fig3", ("tanh", "softsign")), ("fig10", ("tanh normalized",))]
)
def test_figures_3_and_10_are_spreads_and_98th_percentiles(
    name: str, arms: tuple[str, ...]
) -> None:
    picture = draw(name, record())
    assert [ax.get_title("left") for ax in picture.axes] == [f"{arm}, seed 3" for arm in arms]
    for ax, arm in zip(picture.axes, arms, strict=True):
        for statistic, marker in (("std", None), ("p98", "marks")):
            expected = [
                [value_of(arm, 3, u, layer, statistic) for u in UPDATES] for layer in LAYERS
            ]
            np.testing.assert_allclose(layer_lines(ax, marker), expected)
    (legend,) = picture.legends
    named = [text.get_text() for text in legend.get_texts()]
    layers = ["layer 1", "layer 2", "layer 3"]
    assert sorted(named) == sorted([*layers, "standard deviation", "98th percentile"])


def test_figure_2_is_means_and_spreads_of_four_layers_for_every_rate() -> None:
    rows = record((("depth 4", 0.1), ("depth 5", 0.1), ("depth 4", 0.03)))
    picture = draw("fig2", rows)
    titles = [ax.get_title("left") for ax in picture.axes]
    assert titles == ["depth 4, learning rate 0.1, seed 3", "depth 4, learning rate 0.03, seed 3"]
    ax = picture.axes[0]
    expected = [[value_of("depth 4", 3, u, i, "mean") for u in UPDATES] for i in LAYERS]
    np.testing.assert_allclose(layer_lines(ax), expected)
    band = np.asarray(ax.collections[0].get_paths()[0].vertices)[:, 1]
    top = max(
        value_of("depth 4", 3, u, 1, "mean") + value_of("depth 4", 3, u, 1, "std") for u in UPDATES
    )
    assert max(band) == pytest.approx(top)


def test_figure_9_is_the_spread_of_the_hidden_layers_gradients() -> None:
    picture = draw("fig9", record())
    assert len(picture.axes) == 2
    for ax, arm in zip(picture.axes, ("tanh", "tanh normalized"), strict=True):
        expected = [[value_of(arm, 3, u, layer, "std") for u in UPDATES] for layer in LAYERS]
        np.testing.assert_allclose(layer_lines(ax), expected)
        assert ax.get_yscale() == "log"


def test_figure_4_is_densities_at_the_end() -> None:
    picture = draw("fig4", record())
    assert [ax.get_title("left") for ax in picture.axes] == ["tanh, seed 3", "softsign, seed 3"]
    for ax in picture.axes:
        expected = [[0.5 + at * 0.01 * i + 0.01 + 3 for at in (-0.5, 0.5)] for i in LAYERS]
        np.testing.assert_allclose(layer_lines(ax), expected)


@pytest.mark.parametrize(
    ("name", "missing"),
    [("fig2", "depth 4"), ("fig3", "softsign"), ("fig9", "tanh normalized")],
)
def test_rows_without_what_a_figure_shows_are_refused(name: str, missing: str) -> None:
    with pytest.raises(ValueError, match=f"rows must hold the arm '{missing}', got tanh"):
        draw(name, record((("tanh", 0.1),)))


def test_rows_without_the_quantity_are_refused() -> None:
    rows = record()
    with pytest.raises(ValueError, match=r"rows must hold the quantity 'activation', got .*error"):
        draw("fig3", rows[rows["quantity"] != "activation"])


def test_rows_are_not_changed() -> None:
    rows, kept = record(), record()
    for name in ("table1", "fig3", "fig4", "fig9"):
        draw(name, rows)
    numbers(rows)
    pd.testing.assert_frame_equal(rows, kept)


# ------------------------------------------------------------------- what is not trained by updates


def test_a_machine_is_drawn_against_its_examples() -> None:
    rows = pd.DataFrame(
        [
            ("svm", math.nan, 0, n, 0, "final_error", "", math.nan, error)
            for n, error in ((1000, 0.5), (3000, 0.25))
        ],
        columns=list(COLUMNS),
    ).assign(stage="main")
    (ax,) = draw("svm", rows).axes
    assert lines(ax)["svm"] == ([1000, 3000], [50.0, 25.0])
    found = numbers(rows)
    assert found["update"].tolist() == [1000, 3000]
    assert found["mean"].tolist() == [50.0, 25.0]
    assert found["low"].isna().all()


def spectrum() -> pd.DataFrame:
    return pd.DataFrame(
        [
            (arm, math.nan, seed, 0, 0, "hessian", "eigenvalue", float(k), (5 - k) * scale + seed)
            for arm, scale in (("sigmoid", 2.0), ("centred sigmoid", 1.0))
            for seed in (0, 1)
            for k in (1, 2, 3)
        ],
        columns=list(COLUMNS),
    ).assign(stage="main")


def test_eigenvalues_are_drawn_in_their_order() -> None:
    (ax,) = draw("hessian", spectrum()).axes
    assert lines(ax)["sigmoid"] == ([1, 2, 3], [8.5, 6.5, 4.5])
    found = numbers(spectrum()).set_index("arm")
    assert found.loc["sigmoid", "mean"] == 8.5
    assert found.loc["centred sigmoid", "mean"] == 4.5
    assert set(found["quantity"]) == {"largest eigenvalue"}


# --------------------------------------------------------------------------------------- numbers


def test_numbers_are_means_and_t_intervals_of_the_final_errors() -> None:
    found = numbers(record()).set_index("arm")
    assert set(found.index) == {"tanh", "softsign", "tanh normalized"}
    errors = [100 * (0.9 - 0.2 - 0.01 * seed + 0.1) for seed in (3, 5, 8)]
    low, high = stats.t.interval(0.95, 2, np.mean(errors), stats.sem(errors))
    row = found.loc["tanh"]
    assert row["mean"] == pytest.approx(np.mean(errors))
    assert (row["low"], row["high"]) == pytest.approx((low, high))
    assert row["seeds"] == 3


def test_a_number_of_one_seed_has_no_interval() -> None:
    found = numbers(record(seeds=(0,)))
    assert found["low"].isna().all()
    assert found["high"].isna().all()
    assert found["mean"].notna().all()


def test_rows_without_numbers_are_refused() -> None:
    rows = record()
    with pytest.raises(ValueError, match="rows must hold final_error, jacobian or hessian, got"):
        numbers(rows[rows["quantity"] == "activation"])


# ----------------------------------------------------------------------------------------- files


@pytest.mark.parametrize(
    ("kind", "start"), [("png", b"\x89PNG\r\n"), ("svg", b"<?xml"), ("pdf", b"%PDF-")]
)
def test_equal_pictures_are_equal_files(kind: Any, start: bytes) -> None:
    first, second = (rendered(draw("fig3", record()), kind) for _ in range(2))
    assert first == second
    assert first.startswith(start)
    assert not any(word in first for word in (b"CreationDate", b"<dc:date>"))


def test_a_png_shows_the_picture() -> None:
    image = imread(io.BytesIO(rendered(draw("fig4", record()))))
    assert np.ptp(image[..., :3]) > 0.5


def test_a_picture_in_an_unknown_format_is_refused() -> None:
    with pytest.raises(ValueError, match="kind must be one of png, svg, pdf, got 'jpg'"):
        rendered(draw("fig4", record()), "jpg")  # type: ignore[arg-type]


def test_drawing_needs_no_torch() -> None:
    code = "import sys, glorot2010.drawings; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


# -------------------------------------------------------------------------------- real records


@pytest.mark.parametrize(
    "name", ["table1", "fig2", "gain_grid", "birth", "svm", "hessian", "depth"]
)
def test_what_an_experiment_records_can_be_drawn(smoke: Callable[[str], Record], name: str) -> None:
    """At the smoke scale, with every figure that its rows are shown in."""
    from glorot2010.catalogue import EXPERIMENTS

    rows = smoke(name).rows
    for figure in (name, *EXPERIMENTS[name].shows):
        picture = draw(figure, rows)
        assert picture.axes
        assert all(lines(ax) or ax.collections for ax in picture.axes)
    assert np.isfinite(numbers(rows)["mean"]).all()


def test_a_cost_surface_for_every_name_over_the_same_grid() -> None:
    x, y = np.linspace(-1, 1, 5), np.linspace(-2, 2, 7)
    heights = {"quadratic": np.zeros((7, 5)), "cross-entropy": np.ones((7, 5))}
    picture = cost_surface(x, y, heights, xlabel="a", ylabel="b")
    ax = picture.axes[0]
    assert len(ax.collections) == 2
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_zlabel()) == ("a", "b", "cost")
    assert "image/svg+xml" in picture._repr_mimebundle_()
    with pytest.raises(ValueError, match=r"heights must be one of .*'one'"):
        cost_surface(x, y, {"one": np.zeros((7, 5))}, xlabel="a", ylabel="b")
