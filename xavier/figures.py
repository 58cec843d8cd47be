"""The book's pictures: rows in, a picture out.

Each function makes one kind of picture from a table with one measurement a row, and returns a
`Picture`, which notebooks display by itself. A name has one colour in the whole book: rules,
layers, outcomes; they can be told apart by colour-blind readers and on paper.
Pictures are drawings, in SVG, without a ground of their own; the book's pages give every colour a
partner for dark ground. Nothing global is changed: no style, no current figure.
"""

from __future__ import annotations

import functools
import io
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter
from numpy.typing import ArrayLike

from xavier import checks
from xavier import svg as _svg
from xavier.intervals import mean_interval

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

# Okabe and Ito's palette, safe for colour-blind readers.
_BLACK, _ORANGE, _SKY, _GREEN = "#222222", "#E69F00", "#56B4E9", "#009E73"
_YELLOW, _BLUE, _VERMILION, _PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
_GREY = "#8A8A8A"

COLOURS: dict[str, str] = {
    "standard": _VERMILION, "glorot": _BLUE, "lecun": _GREEN, "he": _PURPLE,
    "forward": _ORANGE, "backward": _SKY, "theory": _BLACK, "guide": _GREY,
    "harmonic": _BLUE, "geometric": _GREEN, "arithmetic": _PURPLE,
    "cross-entropy": _BLACK, "quadratic": _VERMILION,
    "sigmoid": _PURPLE, "tanh": _VERMILION, "tanh normalized": _BLUE,
    "softsign": _ORANGE, "softsign normalized": _GREEN,
    "sigmoid pre-trained": _SKY, "tanh pre-trained": _BLACK,
}  # fmt: skip
"""One colour for every name that is drawn more than once in the book."""

OUTCOMES: dict[str, str] = {
    "stalled": "#DDDDDD", "learning": _SKY, "saturated": _ORANGE, "diverged": _VERMILION,
}  # fmt: skip
"""The colour of what may become of a training run (`xavier.training.outcomes`)."""

ON_COLOUR = "#111111"
"""Text on a coloured ground, which stays as it is on a dark page."""

_CYCLE = (_BLUE, _VERMILION, _GREEN, _PURPLE, _ORANGE, _SKY, _BLACK, _YELLOW)
_MARKERS = "os^Dv<>P"
_ROOM = 4  # names that find room among the lines; more stand above them
_SINGLE = (5.2, 3.6)  # inches of a picture of one panel
_HEAVY = 200_000  # characters of a drawing: beyond, pixels weigh less
_MANY = 20_000  # of updates: from here on an axis says 100k and not 100000

_STYLE = matplotlib.rc_params_from_file(
    Path(__file__).with_name("xavier.mplstyle"), use_default_template=False
)


def styled(draw: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """A function that draws by the book's style sheet, ``xavier.mplstyle``, and leaves no trace.

    :meta private:
    """

    @functools.wraps(draw)
    def drawing(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        with matplotlib.rc_context(_STYLE):
            return draw(*args, **kwargs)

    return drawing


class Picture(Figure):
    """A matplotlib figure that a notebook shows as an SVG, whatever backend is in use.

    What would be a heavy drawing is shown as a PNG on white.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        FigureCanvasAgg(self)

    @styled
    def savefig(self, *args: Any, **kwargs: Any) -> None:
        """As matplotlib's own, in the book's fonts."""
        super().savefig(*args, **kwargs)

    @styled
    def _repr_mimebundle_(self, **_: Any) -> dict[str, str | bytes]:
        drawing = _svg.svg(self)
        if len(drawing) < _HEAVY:
            return {"image/svg+xml": drawing}
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", facecolor="white")
        return {"image/png": buffer.getvalue()}


class FormulaTable(str):
    """A table in which notebooks typeset the formulas; made by `formulas`."""

    __repr__ = _repr_markdown_ = str.__str__


def formulas(rows: pd.DataFrame) -> FormulaTable:
    """A table as it is, with the SymPy expressions in it typeset.

    Args:
        rows: any table; its index is shown as the first column.
    """

    def cell(value: Any) -> str:
        # A bar would end the cell, in a formula as well.
        if hasattr(value, "free_symbols"):  # SymPy's; to ask its classes is to import it for all
            from sympy import latex

            return f"${latex(value)}$".replace("|", r"\vert ")
        return str(value).replace("|", r"\|")

    head = [cell(rows.index.name or ""), *map(cell, rows.columns)]
    body = [list(map(cell, row)) for row in rows.itertuples(name=None)]
    lines = [head, ["---"] * len(head), *body]
    return FormulaTable("\n".join(f"| {' | '.join(line)} |" for line in lines))


def _colours(names: Iterable[Any]) -> dict[str, str]:
    """A colour for every name: its own where it has one, else one that none of the others has."""
    wanted = list(dict.fromkeys(str(name) for name in names))
    own = {name: COLOURS[name] for name in wanted if name in COLOURS}
    free = [colour for colour in _CYCLE if colour not in own.values()] or list(_CYCLE)
    others = (name for name in wanted if name not in own)
    return own | {name: free[k % len(free)] for k, name in enumerate(others)}


def layer_colour(layer: int, layers: int) -> Any:
    """The colour of one layer of ``layers``: from dark at the input to light at the output."""
    return matplotlib.colormaps["viridis"](0.8 * layer / max(1, layers - 1))


@styled
def image_grid(
    images: ArrayLike,
    labels: Sequence[str] | None = None,
    *,
    columns: int = 10,
    same_scale: bool = True,
) -> Picture:
    """Small grey images side by side.

    Args:
        images: (n, side * side).
        labels: a short title for every image.
        columns: images in a row.
        same_scale: whether black and white are the smallest and largest value of all images, or
            of each image by itself.

    Raises:
        ValueError: the images are not square.
    """
    pixels = np.asarray(images, dtype=float)
    pixels = pixels.reshape(len(pixels), math.isqrt(pixels.shape[1]), -1)
    if pixels.shape[1] != pixels.shape[2]:
        raise ValueError(f"images must have shape (n, side * side), got {np.shape(images)}")
    rows = math.ceil(len(pixels) / columns)
    width, above = (9.0, 0.0) if labels is None else (5.2, 0.26)  # letters are read on a phone
    picture = Picture(figsize=(width, rows * (width / columns + above)))
    axes = picture.subplots(rows, columns, squeeze=False)
    for ax in axes.flat[len(pixels) :]:
        ax.remove()
    for k, image in enumerate(pixels):
        ax, scale = axes.flat[k], pixels if same_scale else image
        ax.axis("off")
        ax.imshow(image, cmap="gray", vmin=scale.min(), vmax=scale.max(), interpolation="none")
        if labels is not None:
            ax.set_title(labels[k], fontweight="normal", loc="center")
    return picture


@styled
def curves(
    rows: pd.DataFrame | Mapping[str, pd.DataFrame],
    x: str,
    y: str | Sequence[str],
    *,
    by: str | None = None,
    over: str | None = None,
    guides: Mapping[str, float] | None = None,
    logx: bool = False,
    logy: bool = False,
    xlabel: str | None = None,
    ylabel: str | None = None,
    markers: bool = False,
    ylim: tuple[float, float] | None = None,
) -> Picture:
    """Lines of ``y`` against ``x``, one for each value of the column ``by``.

    Args:
        rows: the table; or one for every title, each in a panel of its own, one below the other on
            the same axes. A line has the same colour in all of them.
        x, y: columns with numbers; several of them as ``y`` are a line each.
        by: column that tells the lines apart, in the order in which its values first occur.
        over: column to average over, usually "seed": the line is the mean and the band its 95 %
            t interval. One row for each of its values at every point of a line.
        guides: named horizontal lines.
        logx, logy: logarithmic axes.
        xlabel, ylabel: what the axes mean, with units; the column's name by default.
        markers: whether to mark the points, for few of them.
        ylim: ends of the vertical axis.

    Raises:
        ValueError: ``by`` is given beside several columns, a line has several rows of one value
            of ``over`` at a point, or there is no panel.
    """
    single = isinstance(rows, pd.DataFrame)
    tables = {"": rows} if isinstance(rows, pd.DataFrame) else dict(rows)
    if not isinstance(y, str):
        if by is not None:
            raise ValueError(f"by must be None where y is several columns, got {by!r}")
        by, ids, columns, y = "line", [x, over] if over else [x], list(y), "value"
        tables = {title: table.melt(ids, columns, by, y) for title, table in tables.items()}
    picture, axes = _panels(tables, _SINGLE) if single else _stacked(tables)
    lines = [(ax, list(table.groupby(by, sort=False)) if by else [("", table)])
             for ax, table in zip(axes, tables.values(), strict=True)]  # fmt: skip
    colours = _colours(name for _, groups in lines for name, _ in groups)
    for ax, groups in lines:
        for k, (name, group) in enumerate(groups):
            line, colour = _means(group, x, y, over), colours[str(name)]
            marker = _MARKERS[k % len(_MARKERS)] if markers else None
            ax.plot(line.x, line["mean"], color=colour, marker=marker, label=str(name) or None)
            if over:
                ax.fill_between(line.x, line.low, line.high, color=colour, alpha=0.2, linewidth=0)
        _axes(ax, logx, logy, guides, ylim)
        ax.set(ylabel=ylabel or y)
    axes[-1].set(xlabel=xlabel or x)
    if not single or len(_handles(picture)) > _ROOM:
        _shared_legend(picture, columns=3)
    elif by or guides:
        axes[0].legend()
    return picture


@styled
def layer_trace(
    rows: pd.DataFrame,
    *,
    value: str = "sampled",
    by: str = "rule",
    guides: Mapping[str, float] | None = None,
    logx: bool = False,
    logy: bool = True,
    ylabel: str = "variance",
    xlabel: str = "layer",
) -> Picture:
    """What happens layer by layer: samples as points, theory as lines drawn behind them.

    Args:
        rows: one row a layer, with the integer column ``layer``; a column ``formula`` gives the
            lines, and a column ``standard_error`` bars of two of them.
        value: column of the points.
        by: column that tells the series apart.
        guides: named horizontal lines.
        logx, logy: logarithmic axes.
        ylabel, xlabel: what the axes mean.
    """
    picture, (ax,) = _panels([""], _SINGLE)
    colours = _colours(rows[by])
    for k, (name, group) in enumerate(rows.groupby(by, sort=False)):
        series, colour = group.sort_values("layer"), colours[str(name)]
        if "formula" in series:
            ax.plot(series.layer, series.formula, color=colour, alpha=0.6)
        bars = 2 * series.standard_error if "standard_error" in series else None
        ax.errorbar(
            series.layer, series[value], yerr=bars,
            fmt=_MARKERS[k % len(_MARKERS)], color=colour, capsize=2, label=str(name),
        )  # fmt: skip
    if "formula" in rows:
        ax.plot([], [], color=_GREY, label="formula")
    _axes(ax, logx, logy, guides)
    if not logx:
        ax.locator_params(axis="x", integer=True)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.legend()
    return picture


@styled
def agreement(rows: pd.DataFrame) -> Picture:
    """Sampled over predicted, case by case, with bars of two standard errors; 1 is agreement.

    Args:
        rows: columns ``case``, ``formula``, ``sampled`` and ``standard_error``.
    """
    picture, (ax,) = _panels([""], (5.2, 0.6 + 0.32 * len(rows)))
    places = np.arange(len(rows))[::-1]
    ax.axvline(1.0, color=COLOURS["theory"], linewidth=1)
    ax.errorbar(
        rows.sampled / rows.formula, places, xerr=2 * rows.standard_error / rows.formula,
        fmt="o", color=_BLUE, capsize=3,
    )  # fmt: skip
    ax.set_yticks(places, [str(name) for name in rows.case])
    ax.set(xlabel="sampled / predicted, bars of two standard errors")
    return picture


@styled
def outcome_map(rows: pd.DataFrame) -> Picture:
    """Which settings learn: a cell for each gain and rate, with its error inside.

    Args:
        rows: columns ``gain``, ``lr``, ``outcome`` (a key of `OUTCOMES`) and ``error`` (a fraction,
            written as a percentage where the outcome is "learning").
    """
    names = list(OUTCOMES)
    xs, ys = sorted(rows.gain.unique()), sorted(rows.lr.unique())
    codes = np.full((len(ys), len(xs)), np.nan)  # a pair without a row stays blank
    picture, (ax,) = _panels([""], (5.2, 1.3 + 0.42 * len(ys)))
    for row in rows.to_dict("records"):
        i, j = ys.index(row["lr"]), xs.index(row["gain"])
        outcome = checks.one_of("outcome", row["outcome"], OUTCOMES)
        codes[i, j] = names.index(outcome)
        text = f"{100 * row['error']:.0f}" if outcome == "learning" else outcome[:3]
        ax.text(j + 0.5, i + 0.5, text, ha="center", va="center", color=ON_COLOUR)
    colours = ListedColormap(list(OUTCOMES.values()))
    ax.pcolormesh(codes, cmap=colours, vmin=0, vmax=len(names) - 1)  # NaN is left out
    ax.set_xticks(np.arange(len(xs)) + 0.5, [f"{value:g}" for value in xs])
    ax.set_yticks(np.arange(len(ys)) + 0.5, [f"{value:g}" for value in ys])
    ax.grid(False)
    ax.set(xlabel="gain", ylabel="learning rate")
    handles = [ax.scatter([], [], marker="s", s=80, color=colour) for colour in OUTCOMES.values()]
    picture.legend(handles, names, loc="outside upper center", ncols=len(names))
    return picture


@styled
def densities(
    panels: Mapping[str, Sequence[ArrayLike]],
    *,
    limits: tuple[float, float],
    xlabel: str,
    bins: int = 81,
    ylim: tuple[float, float] | None = None,
) -> Picture:
    """How values spread in each layer: one panel a name, one curve a layer, dark to light.

    Args:
        panels: for every name the values of its layers, from the first layer up.
        limits: ends of the horizontal axis.
        xlabel: what the values are.
        bins: number of bins between the limits.
        ylim: ends of the vertical axis, the same for all panels; each its own by default.

    Values beyond the limits are not drawn but counted: a curve that goes on outside has less
    than 1 below it.

    Raises:
        ValueError: there is no panel.
    """
    edges = np.linspace(*limits, bins + 1)

    def height(values: ArrayLike) -> Any:
        numbers = np.ravel(np.asarray(values, dtype=float))
        return np.histogram(numbers, edges)[0] / (numbers.size * (edges[1] - edges[0]))

    at = (edges[1:] + edges[:-1]) / 2
    lines = {
        title: [(k, at, height(values)) for k, values in enumerate(layers, start=1)]
        for title, layers in panels.items()
    }
    picture = _density_picture(lines, xlabel)
    for ax in picture.axes:
        ax.set(xlim=limits, ylim=ylim or ax.get_ylim())
    return picture


def _means(rows: pd.DataFrame, x: str, y: str, over: str | None) -> pd.DataFrame:
    """The points of a line, and where there is something to average their intervals."""
    points = []
    for position, group in rows.groupby(x):
        if over and group[over].duplicated().any():
            raise ValueError(
                f"rows must have one row for each {over} at {x} = {position!r} of a line; "
                f"name what else differs between them with `by`"
            )
        low = high = math.nan
        if over and np.isfinite(group[y]).all():  # a run that is no number breaks the line
            low, high = mean_interval(group[y]).ends
        points.append((position, group[y].mean(skipna=False), low, high))
    return pd.DataFrame(points, columns=["x", "mean", "low", "high"])


def _axes(ax: Axes, logx: bool, logy: bool, guides: Any = None, ylim: Any = None) -> None:
    """What several pictures let one choose of their axes."""
    for name, height in (guides or {}).items():
        ax.axhline(height, color=COLOURS["guide"], linestyle="--", linewidth=1.2, label=name)
    if logx:
        ax.set_xscale("log")
    elif ax.get_xlim()[1] >= _MANY:
        ax.xaxis.set_major_formatter(EngFormatter(sep=""))
    if logy:
        ax.set_yscale("log")
    if ylim:
        ax.set_ylim(*ylim)


@styled
def evolution_panels(
    panels: Mapping[str, pd.DataFrame],
    quantity: str = "activation",
    *,
    line: str = "std",
    band: str | None = None,
    marks: str | None = None,
    logx: bool = False,
    logy: bool = False,
    ylabel: str | None = None,
) -> Picture:
    """How layers change while networks learn: a panel a network, on the same axes.

    As in the paper: figure 2 is a line at the mean with a band of one standard deviation, figures
    3 and 10 a line at the standard deviation with markers at the 98th percentile, figure 9 the line
    alone. Layers go from dark at the input to light at the output.

    Args:
        panels: for every title one replica of what `xavier.monitor.statistics` gave at several
            steps.
        quantity: which of its quantities to show.
        line: statistic drawn as a line.
        band: statistic whose double is the height of a band about the line, or None.
        marks: statistic drawn as markers alone, or None.
        logx: a horizontal axis that is logarithmic from step 10 on.
        logy: a logarithmic vertical axis.
        ylabel: what the quantity is; its name by default.

    Raises:
        ValueError: there is no panel, or a table lacks the quantity or a statistic, or is of
            several replicas.
    """
    wanted = [statistic for statistic in (line, band, marks) if statistic]
    tables = {}
    for name, rows in panels.items():
        chosen = rows[(rows["quantity"] == quantity) & rows["statistic"].isin(wanted)]
        if missing := sorted(set(wanted) - set(chosen["statistic"])):
            raise ValueError(f"panels[{name!r}] must hold {missing} of the quantity {quantity!r}")
        _check_one_replica(name, chosen, ["step", "layer", "statistic"])
        tables[name] = chosen.pivot(index=["layer", "step"], columns="statistic", values="value")
    picture, axes = _stacked(tables)
    layers = sorted({layer for table in tables.values() for layer, _ in table.index})
    for ax, table in zip(axes, tables.values(), strict=True):
        for layer, one in table.groupby("layer"):
            k, steps = layers.index(layer), one.index.get_level_values("step")
            colour = layer_colour(k, len(layers))
            ax.plot(steps, one[line], color=colour, label=f"layer {layer}")
            if band:
                low, high = one[line] - one[band], one[line] + one[band]
                ax.fill_between(steps, low, high, color=colour, alpha=0.15, linewidth=0)
            if marks:
                ax.plot(steps, one[marks], color=colour, linestyle="", marker=_MARKERS[k % 8])
        _axes(ax, False, logy)
        if logx:
            ax.set_xscale("symlog", linthresh=10)
            ax.set_xlim(left=0)
        ax.set(ylabel=ylabel or quantity)
    axes[-1].set(xlabel="update")
    if marks:  # what is a line and what a mark, in no layer's colour
        mark: dict[str, Any] = {"linestyle": "", "marker": _MARKERS[0]}
        for name, look in ((line, {}), (marks, mark)):
            axes[0].plot([], [], color=_GREY, label=_STATISTICS.get(name, name), **look)
    _shared_legend(picture, columns=max(5, (len(layers) + 1) // 2))
    return picture


@styled
def density_panels(panels: Mapping[str, pd.DataFrame], *, xlabel: str) -> Picture:
    """The curves of `densities` from histograms that were taken already: a step line a layer.

    Args:
        panels: for every title the densities of one replica at one step, as
            `xavier.monitor.statistics` gives them: columns ``layer``, ``at`` (the centre of a bin,
            all bins equally wide) and ``value``.
        xlabel: what the values are.

    Raises:
        ValueError: there is no panel, or a table is of several replicas.
    """
    lines = {}
    for title, rows in panels.items():
        _check_one_replica(title, rows, ["layer", "at"])
        layers = rows.sort_values("at").groupby("layer")
        lines[title] = [(layer, bins["at"], bins["value"]) for layer, bins in layers]
    return _density_picture(lines, xlabel, drawstyle="steps-mid")


def _density_picture(lines: Mapping[str, list[Any]], xlabel: str, **look: Any) -> Picture:
    """A panel a title with its layers' lines, given as (number, places, heights)."""
    picture, axes = _panels(lines, (7.2, 2.7), ncols=len(lines))
    for ax, layers in zip(axes, lines.values(), strict=True):
        for k, (layer, at, height) in enumerate(layers):
            colour = layer_colour(k, len(layers))
            ax.plot(at, height, color=colour, label=f"layer {layer}", **look)
        ax.set(xlabel=xlabel, ylabel="density")
        ax.set_ylim(bottom=0)
    # One legend, in the last panel: those that a page sets apart stay whole.
    axes[-1].legend(_handles(picture).values(), _handles(picture).keys())
    return picture


_STATISTICS = {"std": "standard deviation", "p02": "2nd percentile", "p98": "98th percentile"}


def _check_one_replica(name: str, rows: pd.DataFrame, keys: list[str]) -> None:
    if rows.duplicated(keys).any():
        raise ValueError(f"panels[{name!r}] must be of one replica, one value for each of {keys}")


def _stacked(panels: Collection[str]) -> tuple[Picture, list[Axes]]:
    """A column of axes that share their scales, each under its title."""
    size = (5.2, 0.9 + 2.4 * len(panels))
    return _panels(panels, size, nrows=len(panels), sharex=True, sharey=True)


def _panels(
    panels: Collection[str], size: tuple[float, float], **grid: Any
) -> tuple[Picture, list[Axes]]:
    """Axes for some titles, in a picture of so many inches."""
    if not panels:
        raise ValueError("panels must hold at least one panel")
    picture = Picture(figsize=size)
    axes = list(picture.subplots(squeeze=False, **grid).flat)
    for ax, title in zip(axes, panels, strict=True):
        ax.set_title(title)
    return picture, axes


def _handles(picture: Picture) -> dict[str, Any]:
    """What stands for each name that is drawn in any of the panels."""
    handles: dict[str, Any] = {}
    for ax in picture.axes:
        for handle, name in zip(*ax.get_legend_handles_labels(), strict=True):
            handles.setdefault(name, handle)
    return handles


def _shared_legend(picture: Picture, *, columns: int) -> None:
    """One legend above all panels, with every name once, in so many columns or those that fit."""
    handles = _handles(picture)
    names = list(handles)
    for count in range(columns, 0, -1):
        # matplotlib fills a legend column by column; it is read row by row.
        read = [name for column in range(count) for name in names[column::count]]
        marks = [handles[name] for name in read]
        legend = picture.legend(marks, read, loc="outside upper center", ncols=count)
        extent = legend.get_window_extent()
        if count == 1 or extent.width <= picture.bbox.width:
            # Long names one below the other would leave no room for what they name.
            picture.set_figheight(picture.get_figheight() + max(0, extent.height / picture.dpi - 1))
            return
        legend.remove()
