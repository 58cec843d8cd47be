"""From an experiment's record to its picture and to the few numbers that sum it up.

`draw` knows which of the paper's figures, and of ours, are made from the rows of which experiment;
how a picture looks is the business of `xavier.figures`. Rows are those of a record
(`glorot2010.points.COLUMNS` and ``stage``). Trials of learning rates, of the stage "rate", are left
out.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, TypeAlias

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike

from glorot2010.rows import choose, interval
from xavier import checks, figures
from xavier.figures import Picture

Kind: TypeAlias = Literal["png", "svg", "pdf"]
KINDS: tuple[Kind, ...] = ("png", "svg", "pdf")
"""Formats of image files that `rendered` makes."""

VERDICTS: dict[str, tuple[str, str]] = {
    "holds": ("#009E73", "●"),
    "holds in part": ("#56B4E9", "◐"),
    "fails": ("#D55E00", "○"),
    "undecided": ("#F0E442", "?"),
    "not run": ("#DDDDDD", "–"),
}
"""Colour and sign of what can be said of a claim; black can be read on all of the colours."""


def draw(name: str, rows: pd.DataFrame) -> Picture:
    """Draw one of the paper's figures, or what an experiment shows.

    Where the paper shows one network (figures 2 to 4 and 6 to 10), that of the least seed is
    drawn. Errors are means over all seeds with 95 % t intervals as bands.

    Args:
        name: of a figure, such as "fig3", or of an experiment; what has no picture of its own is
            drawn as the test error over updates, a line an arm.
        rows: of the experiment's record.

    Raises:
        ValueError: what the picture shows is not in the rows.
    """
    return _PICTURES.get(name, _errors)(choose(rows))


def numbers(rows: pd.DataFrame) -> pd.DataFrame:
    """The numbers that sum an experiment up, one row an arm and rate.

    They are the test errors at the end in percent; of networks at birth the mean singular value of
    their layers, and of Hessians the largest eigenvalue.

    Args:
        rows: of the experiment's record.

    Returns:
        Rows ``arm``, ``lr``, ``update``, ``quantity``, ``mean``, ``low`` and ``high`` (the ends of
        the 95 % t interval of the mean; not a number for a single seed) and ``seeds``, their
        number.

    Raises:
        ValueError: the rows hold none of these numbers.
    """
    keys = ["arm", "lr", "update", "quantity"]
    found = [
        (*key, group["value"].mean(skipna=False), *interval(group["value"]).ends, len(group))
        for key, group in _ends(choose(rows)).groupby(keys, dropna=False)
    ]
    return pd.DataFrame(found, columns=[*keys, "mean", "low", "high", "seeds"])


def rendered(picture: Picture, kind: Kind = "png") -> bytes:
    """A picture as an image file; equal pictures give equal bytes.

    Args:
        picture: what `draw` returned.
        kind: in `KINDS`.

    Raises:
        ValueError: the format is not among them.
    """
    kind = checks.one_of("kind", kind, KINDS)
    buffer = io.BytesIO()
    # Neither the time nor chance goes into the file.
    undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}}[kind]
    with matplotlib.rc_context({"svg.hashsalt": "xavier"}):
        picture.savefig(buffer, format=kind, metadata=undated, facecolor="white")
    return buffer.getvalue()


@figures.styled
def tiles(groups: Mapping[str, pd.DataFrame]) -> Picture:
    """A tile for every claim, coloured by verdict, in groups one below the other.

    Args:
        groups: for every title the claims below it, with the columns ``id`` and ``verdict``, one of
            `VERDICTS`.
    """
    rows, across = pd.concat(groups), 10
    heights = [math.ceil(len(part) / across) + 0.75 for part in groups.values()]
    picture = Picture(figsize=(5.2, 0.7 + 0.52 * sum(heights)))
    ax = picture.subplots()
    top = 0.0
    for (title, part), height in zip(groups.items(), heights, strict=True):
        ax.text(0.04, top - 0.08, title, va="bottom")
        for k, (claim, verdict) in enumerate(zip(part["id"], part["verdict"], strict=True)):
            x, y = k % across, top + k // across
            colour, sign = VERDICTS[verdict]
            ax.add_patch(Rectangle((x + 0.04, y + 0.04), 0.92, 0.92, color=colour))
            ax.text(
                x + 0.5, y + 0.5, f"{claim}\n{sign}",
                ha="center", va="center", color=figures.ON_COLOUR,
            )  # fmt: skip
        top += height
    ax.set(xlim=(0, across), ylim=(top - 0.7, -0.65), aspect="equal")
    ax.set_axis_off()
    number = rows["verdict"].value_counts()
    found = [verdict for verdict in VERDICTS if verdict in number]
    picture.legend(
        [Rectangle((0, 0), 1, 1, color=VERDICTS[verdict][0]) for verdict in found],
        [f"{VERDICTS[verdict][1]} {verdict}, {number[verdict]}" for verdict in found],
        loc="outside lower center",
        ncols=3,
    )
    return picture


@figures.styled
def cost_surface(
    x: ArrayLike,
    y: ArrayLike,
    heights: Mapping[str, ArrayLike],
    *,
    xlabel: str,
    ylabel: str,
) -> Picture:
    """Wire surfaces of a cost over two weights, one for each name, as in the paper's figure 5.

    Args:
        x, y: the values of the two weights, (n,) and (m,).
        heights: for every name, one of `xavier.figures.COLOURS`, the cost, (m, n).
        xlabel, ylabel: what the two weights are.

    Raises:
        ValueError: a name has no colour.
    """
    across, along = np.meshgrid(np.asarray(x, dtype=float), np.asarray(y, dtype=float))
    picture = Picture(figsize=(5.2, 4.6))
    ax: Any = picture.add_subplot(projection="3d")
    for name, height in heights.items():
        colour = figures.COLOURS[checks.one_of("heights", name, figures.COLOURS)]
        values = np.asarray(height, dtype=float)
        ax.plot_wireframe(across, along, values, color=colour, linewidth=0.6, label=name)
    ax.set(xlabel=xlabel, ylabel=ylabel, zlabel="cost")
    ax.set_zlim(bottom=min(0.0, ax.get_zlim()[0]))  # a cost's height is above nothing at all
    for wire in ax.legend().get_lines():
        wire.set_linewidth(2)  # a colour can be told from a line, not from a thread
    return picture


# --------------------------------------------------------------------------------------------------
# Pictures
# --------------------------------------------------------------------------------------------------


def _errors(rows: pd.DataFrame) -> Picture:
    """Test error over updates: a line an arm, a panel a rate where an arm has several."""
    table = _percent(_of(rows, "test_error"))
    panels = {f"learning rate {lr:g}": part for lr, part in table.groupby("lr")}
    several = table.groupby("arm")["lr"].nunique().max() > 1
    picture = figures.curves(
        panels if several else table,
        "update", "value", by="arm", over=_over(table), ylabel="test error, %",
    )  # fmt: skip
    return _within_percent(picture)


def _ends_against(
    table: pd.DataFrame, x: str, by: str, xlabel: str, *, logx: bool = False
) -> Picture:
    """Error at the end against a setting that has few values, each with its tick."""
    picture = figures.curves(
        table,
        x,
        "value",
        by=by,
        over=_over(table),
        logx=logx,
        markers=True,
        xlabel=xlabel,
        ylabel="test error at the end, %",
    )
    values = sorted(table[x].unique())
    (ax,) = picture.axes
    ax.set_xticks(values, [f"{value:g}" for value in values])
    ax.set_xticks([], minor=True)
    return _within_percent(picture)


def _by_depth(rows: pd.DataFrame) -> Picture:
    """Final error against the number of hidden layers, from arms named as in "tanh, 3"."""
    table = _percent(_of(rows, "final_error"))
    parts = table["arm"].str.rpartition(", ")
    table = table.assign(kind=parts[0], layers=_numbers(table, parts[2]))
    return _ends_against(table, "layers", "kind", "hidden layers")


def _by_gain(rows: pd.DataFrame) -> Picture:
    """Final error against the gain, a line a rate, from arms named as in "gain 0.5"."""
    table = _percent(_of(rows, "final_error")).sort_values("lr", kind="stable")
    gains = _numbers(table, table["arm"].str.removeprefix("gain "))
    table = table.assign(gain=gains, rate=[f"learning rate {lr:g}" for lr in table["lr"]])
    return _ends_against(table, "gain", "rate", "gain", logx=True)


def _by_examples(rows: pd.DataFrame) -> Picture:
    """Final error against the number of examples, of machines that are not trained by updates."""
    table = _percent(_of(rows, "final_error"))
    return _ends_against(table, "update", "arm", "training examples", logx=True)


def _spectrum(rows: pd.DataFrame) -> Picture:
    """The largest eigenvalues in their order, a line an arm."""
    table = _of(rows, "hessian", ["eigenvalue"])
    picture = figures.curves(
        table,
        "at",
        "value",
        by="arm",
        over=_over(table),
        logy=True,
        markers=True,
        xlabel="rank of the eigenvalue",
        ylabel="eigenvalue of the Hessian",
    )
    picture.axes[0].locator_params(axis="x", integer=True)
    return picture


def _plane(rows: pd.DataFrame) -> Picture:
    """The plane of gain and biases; its theory loads torch, which no other drawing needs."""
    from glorot2010 import edge

    return edge.plane(rows)


def _evolution(
    rows: pd.DataFrame,
    *arms: str,
    quantity: str = "activation",
    line: str,
    band: str | None = None,
    marks: str | None = None,
    logy: bool = False,
    ylabel: str = "activation",
) -> Picture:
    """Statistics of every layer over the updates, a panel a network."""
    statistics = [statistic for statistic in (line, band, marks) if statistic]
    panels = {
        title: part.rename(columns={"update": "step"})
        for title, part in _networks(_of(rows, quantity, statistics), arms).items()
    }
    return figures.evolution_panels(
        panels, quantity, line=line, band=band, marks=marks, logy=logy, ylabel=ylabel
    )


def _densities(
    rows: pd.DataFrame, *arms: str, quantity: str = "activation", xlabel: str = "activation"
) -> Picture:
    """Densities after the last update at which there are any, a panel a network."""
    panels = _networks(_of(rows, quantity, ["density"]), arms)
    last = {name: part[part["update"] == part["update"].max()] for name, part in panels.items()}
    return figures.density_panels(last, xlabel=xlabel)


def _of_arms(draw: Callable[..., Picture], *arms: str, **said: Any) -> Callable[..., Picture]:
    return lambda rows: draw(rows, *arms, **said)


_PAIR = ("tanh", "tanh normalized")
_BIRTH = _of_arms(_densities, *_PAIR)

_PICTURES: Mapping[str, Callable[[pd.DataFrame], Picture]] = {
    "fig2": _of_arms(_evolution, "depth 4", line="mean", band="std"),
    "fig3": _of_arms(_evolution, "tanh", "softsign", line="std", marks="p98"),
    "fig4": _of_arms(_densities, "tanh", "softsign"),
    "fig6": _BIRTH,
    "fig7": _of_arms(
        _densities, *_PAIR, quantity="back_gradient", xlabel="back-propagated gradient"
    ),
    "fig8": _of_arms(_densities, *_PAIR, quantity="weight_gradient", xlabel="weight gradient"),
    "fig9": _of_arms(
        _evolution,
        *_PAIR,
        quantity="weight_gradient",
        line="std",
        logy=True,
        ylabel="std of the gradient",
    ),
    "fig10": _of_arms(_evolution, "tanh normalized", line="std", marks="p98"),
    "birth": _BIRTH,
    "depth": _by_depth,
    "edge": _plane,
    "gain_grid": _by_gain,
    "hessian": _spectrum,
    "svm": _by_examples,
}


# --------------------------------------------------------------------------------------------------
# Rows
# --------------------------------------------------------------------------------------------------


def _of(rows: pd.DataFrame, quantity: str, statistics: Iterable[str] = ("",)) -> pd.DataFrame:
    """Rows of one quantity; of gradients those of the hidden layers, which the paper shows."""
    chosen = choose(rows, quantity=quantity, statistic=list(statistics))
    if quantity.endswith("_gradient"):
        chosen = chosen[chosen["layer"] < chosen["layer"].max()]
    if chosen.empty:
        found = ", ".join(sorted(rows["quantity"].unique())) or "none"
        raise ValueError(f"rows must hold the quantity {quantity!r}, got {found}")
    return chosen


def _networks(rows: pd.DataFrame, arms: Iterable[str]) -> dict[str, pd.DataFrame]:
    """One network of every arm and rate, that of the least seed, by what it is."""
    found = {}
    for arm in arms:
        of_arm = rows[rows["arm"] == arm]
        if of_arm.empty:
            known = ", ".join(map(str, rows["arm"].unique()))
            raise ValueError(f"rows must hold the arm {arm!r}, got {known}")
        rates = of_arm["lr"].unique()
        for lr in rates:
            one = of_arm[of_arm["lr"] == lr]
            rate = f", learning rate {lr:g}" if len(rates) > 1 else ""
            seed = one["seed"].min()
            found[f"{arm}{rate}, seed {seed}"] = one[one["seed"] == seed]
    return found


def _ends(rows: pd.DataFrame) -> pd.DataFrame:
    """One row for every seed of every arm and rate, and of every number of examples."""
    held = set(rows["quantity"])
    if "final_error" in held:
        return _percent(_of(rows, "final_error")).assign(quantity="test error, %")
    if "jacobian" in held:
        return _mean_singular(_of(rows, "jacobian", ["mean"]))
    if "hessian" in held:
        eigenvalues = _of(rows, "hessian", ["eigenvalue"])
        return eigenvalues[eigenvalues["at"] == 1].assign(quantity="largest eigenvalue")
    raise ValueError(
        f"rows must hold final_error, jacobian or hessian, got {', '.join(sorted(held)) or 'none'}"
    )


def _mean_singular(rows: pd.DataFrame) -> pd.DataFrame:
    keys = ["arm", "lr", "update", "seed"]
    means = rows.groupby(keys, sort=False, dropna=False)["value"].mean().reset_index()
    return means.assign(quantity="mean singular value")


def _percent(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(value=100.0 * rows["value"])


def _within_percent(picture: Picture) -> Picture:
    """Cut the vertical axis where bands of few seeds go on beyond what an error can be."""
    for ax in picture.axes:
        low, high = ax.get_ylim()
        ax.set_ylim(max(low, 0.0), min(high, 100.0))
    return picture


def _over(rows: pd.DataFrame) -> str | None:
    """What to average over: seeds, where there are several."""
    return "seed" if rows["seed"].nunique() > 1 else None


def _numbers(rows: pd.DataFrame, texts: pd.Series[str]) -> pd.Series[float]:
    values = pd.to_numeric(texts, errors="coerce")
    if values.isna().any():
        arm = rows["arm"][values.isna()].iloc[0]
        raise ValueError(f"rows must have arms whose names end with a number, got {arm!r}")
    return values.astype(float)
