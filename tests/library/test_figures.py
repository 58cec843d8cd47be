"""The pictures: what is drawn is what the rows say, and nothing global is touched."""

from __future__ import annotations

import io
import itertools
import math
import subprocess
import sys
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pandas as pd
import pytest
import sympy
from matplotlib import colors
from matplotlib.collections import PathCollection, PolyCollection, QuadMesh
from matplotlib.container import ErrorbarContainer
from matplotlib.image import imread
from scipy import stats

from xavier import figures, training
from xavier.figures import COLOURS, OUTCOMES, Picture


def runs() -> pd.DataFrame:
    """Two rules, three seeds, four updates."""
    return pd.DataFrame(
        [
            (rule, seed, update, 0.5 + 0.1 * k + 0.01 * seed**2 - 0.001 * update * (seed + 1))
            for k, rule in enumerate(("standard", "glorot"))
            for seed in (0, 1, 2)
            for update in (0, 10, 20, 40)
        ],
        columns=["rule", "seed", "update", "error"],
    )


def layers() -> pd.DataFrame:
    return pd.DataFrame(
        [
            (rule, layer, base**layer * 1.02, base**layer, 0.01 * layer)
            for rule, base in (("standard", 1 / 3), ("glorot", 1.0))
            for layer in (3, 1, 2, 4)  # not in order
        ],
        columns=["rule", "layer", "sampled", "formula", "standard_error"],
    )


def cases() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "case": ["eq. 5", "eq. 6", "eq. 7"],
            "formula": [2.0, 4.0, 0.5],
            "sampled": [2.1, 3.8, 0.5],
            "standard_error": [0.1, 0.2, 0.01],
        }
    )


def settings() -> pd.DataFrame:
    return pd.DataFrame(
        [
            (0.1, 0.01, "stalled", 0.83),
            (1.0, 0.01, "learning", 0.414),
            (10.0, 0.01, "saturated", 0.8),
            (1.0, 0.1, "learning", 0.1),
            (10.0, 0.1, "diverged", math.nan),
        ],
        columns=["gain", "lr", "outcome", "error"],
    )


def spread() -> dict[str, list[np.ndarray]]:
    rng = np.random.default_rng(0)
    return {name: [rng.normal(0, s, 4000) for s in (0.3, 0.2, 0.1)] for name in ("tanh", "relu")}


MAKERS: dict[str, Callable[[], Picture]] = {
    "image_grid": lambda: figures.image_grid(np.linspace(-1, 1, 12 * 16).reshape(12, 16)),
    "curves": lambda: figures.curves(runs(), "update", "error", by="rule", over="seed"),
    "layer_trace": lambda: figures.layer_trace(layers()),
    "agreement": lambda: figures.agreement(cases()),
    "outcome_map": lambda: figures.outcome_map(settings()),
    "densities": lambda: figures.densities(spread(), limits=(-1, 1), xlabel="z"),
}
AXES = {
    "image_grid": 12, "curves": 1, "layer_trace": 1, "agreement": 1, "outcome_map": 1,
    "densities": 2,
}  # fmt: skip


def only(picture: Picture) -> Any:
    (ax,) = picture.axes
    return ax


def labelled(ax: Any) -> dict[str, Any]:
    """What is drawn, by its name in the legend."""
    handles, labels = ax.get_legend_handles_labels()
    return dict(zip(labels, handles, strict=True))


# ---------------------------------------------------------------------------------- every picture


def shown(picture: Picture) -> str:
    """What a notebook shows, which is a drawing and nothing else."""
    bundle = picture._repr_mimebundle_()
    assert list(bundle) == ["image/svg+xml"]
    return str(bundle["image/svg+xml"])


@pytest.mark.parametrize("name", MAKERS)
def test_every_picture_is_a_drawing_for_the_notebook(name: str) -> None:
    """It is the same whatever the style in use, and changes no setting and no current figure."""
    import matplotlib.pyplot as plt

    before = dict(matplotlib.rcParams), plt.get_fignums()
    picture = MAKERS[name]()
    text = shown(picture)
    assert (dict(matplotlib.rcParams), plt.get_fignums()) == before
    assert isinstance(picture, Picture)
    assert len(picture.axes) == AXES[name]
    for ax in picture.axes if name != "image_grid" else []:
        assert ax.get_xlabel()
        assert ax.get_ylabel() or name == "agreement"  # whose cases are named one by one
    for part in (picture, *picture.axes):  # the page's ground is seen
        assert colors.to_rgba(part.get_facecolor())[3] == 0
    assert "\n" not in text  # one line, which is told apart from text as a whole
    root = ElementTree.fromstring(text)
    left, top, width, height = map(float, root.attrib["viewBox"].split())
    assert (left, top) == (0, 0)
    assert (width, height) == pytest.approx(72 * picture.get_size_inches(), abs=0.01)
    with matplotlib.rc_context({"figure.facecolor": "black", "axes.facecolor": "black"}):
        assert shown(MAKERS[name]()) == text


def test_a_heavy_drawing_is_shown_in_pixels_on_white() -> None:
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"x": np.arange(15_000), "y": rng.normal(size=15_000)})
    bundle = figures.curves(rows, "x", "y", markers=True)._repr_mimebundle_()
    assert list(bundle) == ["image/png"]
    pixels = imread(io.BytesIO(bundle["image/png"]))  # type: ignore[arg-type]
    assert pixels[0, 0].tolist() == [1, 1, 1, 1]


def test_drawing_needs_neither_torch_nor_pyplot() -> None:
    code = (
        "import sys, pandas as pd, xavier.figures as f;"
        "f.curves(pd.DataFrame({'x': [1, 2], 'y': [1, 2]}), 'x', 'y')._repr_mimebundle_();"
        "print([m for m in ('torch', 'matplotlib.pyplot') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: figures.image_grid(np.zeros((2, 6))),
         r"images must have shape \(n, side \* side\), got \(2, 6\)"),
        (lambda: figures.curves(runs(), "update", "error", over="seed"),  # each seed twice
         r"one row for each seed at update = 0"),
        (lambda: figures.outcome_map(settings().assign(outcome="learnin")),
         r"outcome must be one of .*did you mean 'learning'"),
        (lambda: figures.densities({}, limits=(0, 1), xlabel="z"), "panels must hold at least one"),
        (lambda: figures.evolution_panels({"two": evolving(2)}), "one replica"),
        (lambda: figures.evolution_panels({"one": evolving()}, "weight"), "quantity 'weight'"),
    ],
)  # fmt: skip
def test_rows_that_cannot_be_drawn_are_refused(call: Callable[[], Picture], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


# ----------------------------------------------------------------------------------------- palette


def difference(first: Any, second: Any) -> float:
    """Distance of two colours in CIELAB, D65; about 2.3 is just noticeable, 100 black to white."""

    def lab(colour: Any) -> np.ndarray:
        rgb = np.array(colors.to_rgb(colour))
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        matrix = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
        xyz = np.array(matrix) @ linear / np.array([0.9505, 1.0, 1.0890])
        f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
        return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])

    return float(np.linalg.norm(lab(first) - lab(second)))


def as_deuteranope(colour: Any) -> np.ndarray:
    """A colour as seen without green cones (Machado, Oliveira and Fernandes, 2009)."""
    rgb = np.array(colors.to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    )
    out = np.clip(seen @ linear, 0, 1)
    return np.where(out <= 0.0031308, 12.92 * out, 1.055 * out ** (1 / 2.4) - 0.055)


SHOWN_TOGETHER = {
    "rules": [COLOURS[name] for name in ("standard", "glorot", "lecun", "he")],
    "directions": [COLOURS[name] for name in ("forward", "backward", "theory")],
    "compromises": [COLOURS[name] for name in ("harmonic", "geometric", "arithmetic")],
    "outcomes": list(OUTCOMES.values()),
}


@pytest.mark.parametrize("group", SHOWN_TOGETHER)
@pytest.mark.parametrize("eye", [colors.to_rgb, as_deuteranope])
def test_colours_shown_together_can_be_told_apart(group: str, eye: Callable[[Any], Any]) -> None:
    for first, second in itertools.combinations(SHOWN_TOGETHER[group], 2):
        assert difference(eye(first), eye(second)) > 15, (first, second)


def test_every_outcome_of_training_has_its_colour() -> None:
    assert set(OUTCOMES) == set(training.Outcome.__args__)


def test_colours_are_seen_on_white() -> None:
    for name, colour in COLOURS.items():
        assert difference(colour, "white") > 30, name


@pytest.mark.parametrize("count", [1, 2, 5, 10])
def test_layers_go_from_dark_to_light_in_even_steps(count: int) -> None:
    shades = [figures.layer_colour(i, count) for i in range(count)]
    lightness = [100 - difference(colors.to_rgb((g, g, g)), "white") for g in map(luma, shades)]
    assert lightness == sorted(lightness)
    for first, second in itertools.pairwise(shades):
        assert difference(first, second) > 5


def luma(colour: Any) -> float:
    return float(np.dot(colors.to_rgb(colour), [0.2126, 0.7152, 0.0722]))


def test_no_two_lines_have_one_colour() -> None:
    names = ["a", "tanh", "b", "tanh normalized", "c", "softsign"]
    colours = figures._colours(names)
    assert len(set(colours.values())) == len(names)
    assert colours["tanh"] == figures.COLOURS["tanh"]
    assert figures._colours(["a", "b"]) == {"a": figures._CYCLE[0], "b": figures._CYCLE[1]}
    assert len(figures._colours(map(str, range(20)))) == 20  # more than there are colours


def test_a_rule_has_its_colour_whatever_the_order_of_the_rows() -> None:
    for rows in (runs(), runs()[::-1]):
        lines = labelled(only(figures.curves(rows, "update", "error", by="rule")))
        assert {name: line.get_color() for name, line in lines.items()} == {
            name: COLOURS[name] for name in ("standard", "glorot")
        }


# -------------------------------------------------------------------------------------- image_grid


def test_images_are_shown_in_order_upright_and_on_one_grey_scale() -> None:
    images = np.random.default_rng(0).uniform(-1, 1, (7, 9))
    picture = figures.image_grid(images, list("abcdefg"), columns=4)
    assert len(picture.axes) == 7
    shown = [ax for ax in picture.axes if ax.images]
    assert len(shown) == 7
    for ax, image, label in zip(shown, images, "abcdefg", strict=True):
        assert np.array_equal(ax.images[0].get_array(), image.reshape(3, 3))
        assert ax.images[0].get_clim() == (images.min(), images.max())
        assert ax.images[0].origin == "upper"
        assert ax.get_title() == label
    assert all(not ax.axison for ax in picture.axes)
    grid = picture.axes[0].get_gridspec()
    assert (grid.nrows, grid.ncols) == (2, 4)


# ------------------------------------------------------------------------------------------ curves


def test_a_curve_is_the_mean_and_its_band_the_t_interval_over_seeds() -> None:
    rows = runs()
    ax = only(figures.curves(rows, "update", "error", by="rule", over="seed"))
    lines = labelled(ax)
    assert list(lines) == ["standard", "glorot"]
    bands = [c for c in ax.collections if isinstance(c, PolyCollection)]
    assert len(bands) == 2
    for (rule, line), band in zip(lines.items(), bands, strict=True):
        table = rows[rows.rule == rule].pivot_table(index="update", columns="seed", values="error")
        assert line.get_xdata().tolist() == [0, 10, 20, 40]
        assert line.get_ydata() == pytest.approx(table.mean(axis=1).to_numpy())
        half = stats.t.ppf(0.975, 2) * table.std(axis=1, ddof=1) / math.sqrt(3)
        corners = band.get_paths()[0].vertices
        for update in table.index:
            heights = corners[corners[:, 0] == update][:, 1]
            assert heights.min() == pytest.approx(table.mean(axis=1)[update] - half[update])
            assert heights.max() == pytest.approx(table.mean(axis=1)[update] + half[update])


def test_several_columns_are_a_line_each() -> None:
    rows = pd.DataFrame({"t": [2, 1, 2, 1], "seed": [0, 0, 1, 1], "b": 1.0, "a": [4.0, 2.0, 2, 0]})
    for over, bands in ((None, 0), ("seed", 2)):
        ax = only(figures.curves(rows, "t", ["b", "a"], over=over, ylabel="size"))
        lines = labelled(ax)
        assert {name: line.get_ydata().tolist() for name, line in lines.items()} == {
            "b": [1, 1], "a": [1, 3]
        }  # fmt: skip
        assert list(lines) == ["b", "a"] and len(ax.collections) == bands
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("t", "size")
    with pytest.raises(ValueError, match="by must be None where y is several columns, got 'seed'"):
        figures.curves(rows, "t", ["b", "a"], by="seed")


def test_a_curve_without_over_has_no_band_and_without_by_no_legend() -> None:
    rows = pd.DataFrame({"t": [3, 1, 2], "v": [30.0, 10.0, 20.0]})
    ax = only(figures.curves(rows, "t", "v", markers=True, xlabel="time", ylim=(0, 50)))
    (line,) = ax.lines
    assert line.get_xdata().tolist() == [1, 2, 3]
    assert line.get_ydata().tolist() == [10, 20, 30]
    assert line.get_marker() not in (None, "None")
    assert not ax.collections
    assert ax.get_legend() is None
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time", "v")
    assert ax.get_ylim() == (0, 50)
    assert (ax.get_xscale(), ax.get_yscale()) == ("linear", "linear")


def test_guides_and_logarithmic_axes() -> None:
    rows = pd.DataFrame({"t": [1, 10], "v": [0.1, 1.0]})
    picture = figures.curves(rows, "t", "v", guides={"chance": 0.8333}, logx=True, logy=True)
    ax = only(picture)
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert set(labelled(ax)) == {"chance"}
    assert set(labelled(ax)["chance"].get_ydata()) == {0.8333}
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["chance"]


def test_lines_stand_in_the_order_of_the_rows_not_of_the_alphabet() -> None:
    rows = pd.DataFrame({"t": [1, 1, 1], "v": [1.0, 2.0, 3.0], "name": ["z", "a", "m"]})
    lines = labelled(only(figures.curves(rows, "t", "v", by="name")))
    assert list(lines) == ["z", "a", "m"]
    assert len({line.get_color() for line in lines.values()}) == 3


def test_a_run_that_is_no_number_breaks_the_line_and_is_not_left_out_of_the_mean() -> None:
    rows = runs()
    rows.loc[(rows.rule == "glorot") & (rows.seed == 1) & (rows["update"] == 20), "error"] = np.nan
    lines = labelled(only(figures.curves(rows, "update", "error", by="rule", over="seed")))
    assert np.isnan(lines["glorot"].get_ydata()).tolist() == [False, False, True, False]
    assert not np.isnan(lines["standard"].get_ydata()).any()


# ------------------------------------------------------------------------------------- layer_trace


def test_samples_are_points_and_formulas_lines_layer_by_layer() -> None:
    rows = layers()
    ax = only(figures.layer_trace(rows))
    drawn = labelled(ax)
    assert set(drawn) == {"standard", "glorot", "formula"}
    formulas = [line for line in ax.lines if line.get_alpha() == 0.6]
    assert len(formulas) == 2
    for rule, line in zip(("standard", "glorot"), formulas, strict=True):
        part = rows[rows.rule == rule].sort_values("layer")
        assert line.get_xdata().tolist() == [1, 2, 3, 4]
        assert line.get_ydata() == pytest.approx(part.formula.to_numpy())
        points = drawn[rule]
        assert isinstance(points, ErrorbarContainer)
        assert points.lines[0].get_ydata() == pytest.approx(part.sampled.to_numpy())
        segments = points.lines[2][0].get_segments()
        for segment, row in zip(segments, part.itertuples(), strict=True):
            assert segment[:, 1] == pytest.approx(
                [row.sampled - 2 * row.standard_error, row.sampled + 2 * row.standard_error]
            )
        assert line.get_color() == points.lines[0].get_color() == COLOURS[rule]
    assert ax.get_yscale() == "log"
    assert all(float(tick).is_integer() for tick in ax.get_xticks())


def test_a_layer_trace_needs_neither_formula_nor_error() -> None:
    rows = layers().drop(columns=["formula", "standard_error"])
    ax = only(figures.layer_trace(rows, logy=False, ylabel="share"))
    assert set(labelled(ax)) == {"standard", "glorot"}
    assert ax.get_yscale() == "linear"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("layer", "share")


# --------------------------------------------------------------------------------------- agreement


def test_agreement_shows_ratios_with_two_standard_errors_from_the_top() -> None:
    ax = only(figures.agreement(cases()))
    (points,) = ax.containers
    assert points.lines[0].get_xdata() == pytest.approx([1.05, 0.95, 1.0])
    assert points.lines[0].get_ydata().tolist() == [2, 1, 0]
    ends = [segment[:, 0] for segment in points.lines[2][0].get_segments()]
    for end, (ratio, half) in zip(ends, [(1.05, 0.1), (0.95, 0.1), (1.0, 0.04)], strict=True):
        assert end == pytest.approx([ratio - half, ratio + half])
    names = {tick: text.get_text() for tick, text in zip(ax.get_yticks(), ax.get_yticklabels())}  # noqa: B905
    assert names == {2: "eq. 5", 1: "eq. 6", 0: "eq. 7"}
    assert any(set(line.get_xdata()) == {1.0} for line in ax.lines)


# ------------------------------------------------------------------------------------- outcome_map


def test_a_map_has_a_cell_for_each_setting_and_a_blank_where_none_was_run() -> None:
    picture = figures.outcome_map(settings())
    ax = only(picture)
    (mesh,) = (found for found in ax.collections if isinstance(found, QuadMesh))
    shown = mesh.to_rgba(mesh.get_array())
    expected = [["stalled", "learning", "saturated"], [None, "learning", "diverged"]]
    for i, j in itertools.product(range(2), range(3)):
        name = expected[i][j]
        if name is None:
            assert shown[i, j, 3] == 0  # transparent
        else:
            assert colors.to_hex(shown[i, j]) == OUTCOMES[name].lower()
    assert not ax.yaxis_inverted()
    assert [t.get_text() for t in ax.get_xticklabels()] == ["0.1", "1", "10"]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["0.01", "0.1"]
    texts = {t.get_position(): t.get_text() for t in ax.texts}
    assert texts == {
        (0.5, 0.5): "sta", (1.5, 0.5): "41", (2.5, 0.5): "sat", (1.5, 1.5): "10", (2.5, 1.5): "div"
    }  # fmt: skip
    assert {t.get_color() for t in ax.texts} == {"#111111"}  # it stays dark on a dark page


def test_the_legend_of_a_map_names_every_outcome_in_its_colour() -> None:
    (legend,) = figures.outcome_map(settings()).legends
    handles: list[PathCollection] = legend.legend_handles  # type: ignore[assignment]
    found = {
        text.get_text(): colors.to_hex(handle.get_facecolor()[0])
        for text, handle in zip(legend.get_texts(), handles, strict=True)
    }
    assert found == {name: colour.lower() for name, colour in OUTCOMES.items()}


# --------------------------------------------------------------------------------------- densities


def test_densities_are_histograms_of_each_layer_in_its_panel() -> None:
    panels = spread()
    picture = figures.densities(panels, limits=(-2, 2), xlabel="z", bins=40, ylim=(0, 7))
    for ax, (name, values) in zip(picture.axes, panels.items(), strict=True):
        assert ax.get_title("left") == name
        assert ax.get_xlim() == (-2, 2) and ax.get_ylim() == (0, 7)
        assert list(labelled(ax)) == ["layer 1", "layer 2", "layer 3"]
        for i, (line, numbers) in enumerate(zip(ax.lines, values, strict=True)):
            counts, edges = np.histogram(numbers, 40, (-2, 2))
            assert line.get_xdata() == pytest.approx((edges[1:] + edges[:-1]) / 2)
            assert line.get_ydata() == pytest.approx(counts / (4000 * 0.1))
            assert colors.same_color(line.get_color(), figures.layer_colour(i, 3))


def test_what_lies_beyond_the_limits_counts_in_a_density() -> None:
    """Half of the values are outside: the area below the curve is one half."""
    values = np.concatenate([np.linspace(0, 0.999, 1000), np.full(1000, 5.0)])
    (line,) = only(figures.densities({"a": [values]}, limits=(0, 1), xlabel="z", bins=10)).lines
    assert line.get_ydata().sum() * 0.1 == pytest.approx(0.5)


# ----------------------------------------------------------------------------------------- formulas


def test_formulas_are_typeset_and_the_rest_is_text() -> None:
    n = sympy.Symbol("n")
    rows = pd.DataFrame({"v": [1 / n, "none"], "k": [1, 2]}, index=["one", n])
    lines = repr(figures.formulas(rows.rename_axis("rule"))).splitlines()
    assert lines[0] == "| rule | v | k |"
    assert lines[2] == r"| one | $\frac{1}{n}$ | 1 |"
    assert lines[3] == "| $n$ | none | 2 |"
    assert figures.formulas(rows)._repr_markdown_() == repr(figures.formulas(rows))


def test_a_bar_does_not_end_a_cell() -> None:
    x = sympy.Symbol("x", real=True)
    rows = pd.DataFrame({"f | g": [abs(x), "a | b"]}, index=["softsign", "text"])
    head, _, formula, text = repr(figures.formulas(rows)).splitlines()
    assert head.replace(r"\|", "").count("|") == 3
    assert formula == r"| softsign | $\left\vert {x}\right\vert $ |"
    assert text == r"| text | a \| b |"


# --------------------------------------------------------------------------------------- evolution


def evolving(replicas: int = 1) -> pd.DataFrame:
    rows = [
        (step, r, layer, "activation", statistic, value + layer + step / 10)
        for step in (0, 10, 20)
        for r in range(replicas)
        for layer in (1, 2)
        for statistic, value in (("mean", 0.0), ("std", 0.5), ("p98", 3.0))
    ]
    columns = ["step", "replica", "layer", "quantity", "statistic", "value"]
    return pd.DataFrame(rows, columns=columns)


def test_evolution_draws_lines_bands_and_marks_of_every_layer() -> None:
    ax = figures.evolution_panels({"one": evolving()}, line="mean", band="std", marks="p98").axes[0]
    lines = [line.get_ydata().tolist() for line in ax.lines[:4]]  # and two that tell what is what
    assert lines == [[1, 2, 3], [4, 5, 6], [2, 3, 4], [5, 6, 7]]
    assert [line.get_xdata().tolist() for line in ax.lines[:4]] == [[0, 10, 20]] * 4
    band = ax.collections[0].get_paths()[0].vertices
    assert band[:, 1].min() == -0.5 and band[:, 1].max() == 6.5  # mean -+ std, 1 -+ 1.5 to 3 -+ 3.5
    names = [text.get_text() for text in ax.figure.legends[0].get_texts()]
    assert {"layer 1", "layer 2"} <= set(names)
    assert ax.get_xlabel() == "update" and ax.get_ylabel() == "activation"


def read_by_rows(legend: Any) -> list[str]:
    """The names as one reads them; matplotlib lays them out column by column."""
    names = np.array([text.get_text() for text in legend.get_texts()])
    columns = np.array_split(names, legend._ncols)
    return [str(n) for row in itertools.zip_longest(*columns) for n in row if n is not None]


def test_a_legend_of_several_rows_is_read_row_by_row() -> None:
    rows = evolving()
    layers = [rows[rows.layer == 1].assign(layer=k) for k in range(1, 8)]
    (legend,) = figures.evolution_panels({"all": pd.concat(layers)}).legends
    assert 1 < legend._ncols < 7
    assert read_by_rows(legend) == [f"layer {k}" for k in range(1, 8)]


def test_a_legend_of_long_names_stays_in_the_picture() -> None:
    names = [f"a name that is rather too long, number {k}" for k in range(6)]
    rows = pd.DataFrame({"t": [0, 1] * 6, "v": 1.0, "name": np.repeat(names, 2)})
    picture = figures.curves(rows, "t", "v", by="name")
    (legend,) = picture.legends
    picture.draw_without_rendering()
    extent = legend.get_window_extent()
    assert extent.x0 >= 0 and extent.x1 <= picture.bbox.width
    assert read_by_rows(legend) == names
