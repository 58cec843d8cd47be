"""A picture as an SVG: small, equal bytes for equal pictures, ready to be set into a page.

The letters are drawn as outlines, in the typeface that comes with the package, so that a picture
looks the same in a notebook, on a page and in print. What matplotlib writes for editors (metadata,
comments, a name for every element) is left out, and coordinates keep two decimals of a point.
Panels that stand side by side are named ``panel-0``, ``panel-1``, ..., and the root says in
``data-panels`` which box each of them fills, so that a page can set them in as many columns as it
has room for.
"""

from __future__ import annotations

import io
import itertools
import re
from pathlib import Path

from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure

for _font in sorted(Path(__file__).with_name("fonts").glob("*.ttf")):
    font_manager.fontManager.addfont(_font)

_OUT = re.compile(
    r"<metadata>.*?</metadata>|<!--.*?-->"  # who made it, and what letters say
    r'|<g style="fill: none; opacity: 0"[^>]*>.*?</g>'  # strokes that nobody sees
    r' |(?<=<g) id="[\w.]+_\d+"',  # matplotlib's own names; those of panels are ours
    re.DOTALL,
)
_PLACES = re.compile(r' (?:d|x|y|width|height)="[^"]*"|translate\([^)]*\)')
_NUMBER = re.compile(r"-?\d+\.\d+")
_BLANK = re.compile(r"(?<=[LMCQZz]) (?=[-\d])|(?<=\d) (?=[LMCQZz])")


def svg(picture: Figure) -> str:
    """The picture as one line of SVG, with letters as outlines and without a ground.

    Equal pictures give equal text on one machine; between machines the last decimals of what is
    drawn may differ.

    Args:
        picture: drawn by the functions of `xavier.figures`, or any figure of matplotlib.
    """
    picture.draw_without_rendering()
    panels = _panels(picture)
    for k, (ax, _) in enumerate(panels):
        ax.set_gid(f"panel-{k}")
    buffer = io.StringIO()
    undated = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    picture.savefig(buffer, format="svg", transparent=True, metadata=undated)
    text = _OUT.sub("", buffer.getvalue())
    text = _PLACES.sub(_shorter, text[text.index("<svg") :])
    text = re.sub(r"\s*\n\s*", " ", text).replace("> <", "><").strip()
    if panels:
        boxes = ";".join(" ".join(f"{side:.1f}" for side in box) for _, box in panels)
        text = text.replace("<svg ", f'<svg data-panels="{boxes}" ', 1)
    return text


def _shorter(found: re.Match[str]) -> str:
    """Two decimals of a point, and blanks only where numbers would run together."""
    short = _NUMBER.sub(lambda number: f"{float(number[0]):.2f}".rstrip("0").rstrip("."), found[0])
    return _BLANK.sub("", re.sub(r"\s+(?=[^\s])", " ", short))


def _panels(picture: Figure) -> list[tuple[Axes, tuple[float, float, float, float]]]:
    """Axes in the order in which they are read, each with its box: left, top, width, height.

    Empty where pictures must stay whole: panels that overlap or stand one below the other, and
    what belongs to all of them.
    """
    if picture.legends or picture.texts:
        return []
    points, height = 72 / picture.dpi, picture.bbox.height
    extents = [
        (
            ax,
            points * box.x0,
            points * box.x1,
            points * (height - box.y1),
            points * (height - box.y0),
        )
        for ax in picture.axes
        if (box := ax.get_tightbbox())
    ]
    rows: list[list[tuple[Axes, float, float, float, float]]] = []
    for extent in sorted(extents, key=lambda extent: extent[3]):
        if rows and extent[3] < max(other[4] for other in rows[-1]):
            rows[-1].append(extent)
        else:
            rows.append([extent])
    found = []
    tops = _between([(min(e[3] for e in row), max(e[4] for e in row)) for row in rows])
    for row, (top, bottom) in zip(rows, _ends(tops, points * height), strict=True):
        row.sort(key=lambda extent: extent[1])
        spans = [(extent[1], extent[2]) for extent in row]
        if any(left[1] > right[0] for left, right in itertools.pairwise(spans)):
            return []
        sides = _ends(_between(spans), points * picture.bbox.width)
        for extent, (left, right) in zip(row, sides, strict=True):
            found.append((extent[0], (left, top, right - left, bottom - top)))
    return found if len(found) > len(rows) else []


def _between(spans: list[tuple[float, float]]) -> list[float]:
    return [(first[1] + second[0]) / 2 for first, second in itertools.pairwise(spans)]


def _ends(cuts: list[float], length: float) -> list[tuple[float, float]]:
    return list(itertools.pairwise((0.0, *cuts, length)))
