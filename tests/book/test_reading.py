"""What a page makes of a chapter: figures before their code, drawings in the page's own colours."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import figure_first
import inline_svg
import pandas as pd
import pytest
from bs4 import BeautifulSoup, Tag
from docutils import nodes
from matplotlib import colors
from pygments import highlight
from pygments.lexers import PythonLexer

from glorot2010.drawings import VERDICTS
from xavier import figures

ROOT = Path(__file__).parents[2]
BUILT = ROOT / "_build" / "html" / "chapters"
INK = (ROOT / "_static" / "ink.css").read_text(encoding="utf-8")
LIGHT, DARK = (
    dict(re.findall(r"--ink-(\w{6}): #(\w{6});", part))
    for part in re.split(r'html\[data-theme="dark"\]', INK)
)
LAYERS = range(1, 9)  # of which the book shows at most so many at once


# ------------------------------------------------------------------------------------- the colours


def test_every_colour_of_a_picture_is_in_the_pages_own() -> None:
    shades = [figures.layer_colour(i, n) for n in LAYERS for i in range(n)]
    outcomes = [*figures.OUTCOMES.values(), *(colour for colour, _ in VERDICTS.values())]
    for colour in (*figures.COLOURS.values(), *figures._CYCLE, *outcomes, *shades):
        assert colors.to_hex(colour).removeprefix("#") in LIGHT, colour


def test_on_light_ground_a_colour_is_what_it_is_called() -> None:
    assert all(name == colour for name, colour in LIGHT.items())
    assert set(DARK) <= set(LIGHT)


def contrast(first: str, second: str) -> float:
    """By WCAG 2.2, from 1 to 21."""

    def luminance(colour: str) -> float:
        parts = [
            value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
            for value in colors.to_rgb(f"#{colour}")
        ]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(("partners", "ground"), [(LIGHT, "fffefb"), (DARK, "17181b")])
def test_words_and_layers_can_be_read_on_both_grounds(
    partners: dict[str, str], ground: str
) -> None:
    for name in ("222222", "444444"):  # text
        assert contrast(partners.get(name, name), ground) > 4.5
    if ground == "17181b":  # on light ground the last layers are pale, and thick
        for n in LAYERS:
            for i in range(n):
                name = colors.to_hex(figures.layer_colour(i, n)).removeprefix("#")
                assert contrast(partners[name], ground) > 3


# ------------------------------------------------------------------------------------- the drawing


def rows() -> pd.DataFrame:
    return pd.DataFrame(
        {"layer": [1, 1, 2, 2], "at": [0.0, 1.0] * 2, "value": [1.0, 2.0, 3.0, 1.0]}
    )


def test_panels_side_by_side_become_drawings_of_their_own() -> None:
    picture = figures.density_panels({"a": rows(), "b": rows()}, xlabel="z")
    text = str(picture._repr_mimebundle_()["image/svg+xml"])
    html = inline_svg.drawing(text, 'two "panels"', 3)
    page = BeautifulSoup(html, "html.parser")
    assert page.div["role"] == "img" and page.div["aria-label"] == 'two "panels"'
    panels = page.find_all("svg")
    assert len(panels) == 2
    boxes = [[float(number) for number in panel["viewbox"].split()] for panel in panels]
    assert boxes[0][0] == 0 and boxes[1][0] == pytest.approx(boxes[0][2], abs=0.2)
    assert sum(box[2] for box in boxes) == pytest.approx(72 * 7.2, abs=0.3)
    assert not page.find_all("style")
    ids = [tag["id"] for tag in page.find_all(id=True)]
    assert len(ids) == len(set(ids)) and all(name.startswith("d3-") for name in ids)
    used = re.findall(r'href="#([^"]*)"|url\(#([^)]*)\)', html)
    assert {a or b for a, b in used} <= set(ids)
    assert not re.search(r"(fill|stroke): ?#", html)


def test_what_belongs_to_all_panels_keeps_them_together() -> None:
    picture = figures.curves(
        {"a": rows().assign(k="x"), "b": rows().assign(k="y")}, "at", "value", by="k"
    )
    text = str(picture._repr_mimebundle_()["image/svg+xml"])
    assert len(BeautifulSoup(inline_svg.drawing(text, "", 0), "html.parser").find_all("svg")) == 1


def test_a_look_that_all_marks_repeat_is_said_once() -> None:
    def page(marks: str, group: str = "") -> str:
        svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><g%s>%s</g></svg>'
        return inline_svg.drawing(svg % (group, marks), "", 0)

    two = page('<use x="1" style="fill: none"/><use x="2" style="fill: none"/>')
    assert '<g style="fill: none"><use x="1" /><use x="2" /></g>' in two
    for marks, group in [
        ('<use style="fill: none"/><use style="stroke: none"/>', ""),
        ('<use style="fill: none"/><use/>', ""),
        ('<use style="opacity: 0.5"/><use style="opacity: 0.5"/>', ""),  # two faded over each other
        ('<use style="fill: none"/><path style="fill: none"/>', ""),
        ('<use style="fill: none"/><use style="fill: none"/>', ' style="stroke: none"'),
    ]:
        assert page(marks, group).count("<use style=") == marks.count("<use style=")


def test_a_colour_without_a_partner_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(inline_svg.LOGGER, "warning", lambda text, *args: said.append(text % args))
    svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path style="fill: {}"/></svg>'
    assert "var(--ink-222222)" in inline_svg.drawing(svg.format("#222222"), "", 0) and not said
    inline_svg.drawing(svg.format("#123456"), "", 0)
    assert said == ["the colour #123456 of a drawing has no partner in _static/ink.css"]


def test_a_drawing_is_one_well_formed_line_without_names_or_dates() -> None:
    text = str(figures.densities({"a": [[0.1]]}, limits=(0, 1), xlabel="z")
               ._repr_mimebundle_()["image/svg+xml"])  # fmt: skip
    assert "\n" not in text and "metadata" not in text and "<!--" not in text
    ElementTree.fromstring(text)
    assert not re.search(r' (?:d|x|y)="[^"]*\.\d{3}', text)  # two decimals of a point


# ---------------------------------------------------------------------------------------- the cells


def cell(source: str, *outputs: nodes.Node, tags: str = "") -> nodes.container:
    made = nodes.container(nb_element="cell_code", classes=[f"tag_{tag}" for tag in tags.split()])
    made += nodes.container("", nodes.literal_block(source, source))
    if outputs:
        made += nodes.container("", *outputs)
    return made


@pytest.mark.parametrize(
    ("source", "plumbing"),
    [
        ("import numpy\nfrom xavier import init", True),
        ('record = experiments.load("fig2")', True),
        ('rows = record.rows[record.rows.stage == "main"]', True),
        ("import torch\nrecord = experiments.load('fig2')\nprint(record.made)", True),
        ("x = init.draw(3)", False),
        ("print(record.rows)", False),
        ("%matplotlib", False),
        ("2 +", False),
    ],
)
def test_plumbing_imports_or_loads_and_nothing_else(source: str, plumbing: bool) -> None:
    assert figure_first.is_plumbing(cell(source)) is plumbing
    assert not figure_first.is_plumbing(cell(source, tags="argument"))
    assert not figure_first.is_plumbing(cell(source, nodes.figure()))


def test_a_figure_takes_its_code_and_the_plumbing_before_it_behind_itself() -> None:
    first, load, draw = cell("x = 1"), cell("import numpy"), cell("plot()", nodes.figure())
    section = nodes.section("", first, load, draw)
    figure_first.put_figure_first(draw)
    assert list(section) == [first, draw]
    assert figure_first.has_figure(draw[0])
    fold = draw[1]
    assert isinstance(fold, figure_first.Fold) and fold["lines"] == "2 lines"
    assert [part.astext() for part in fold] == ["import numpy", "plot()"]


def test_a_figure_stands_before_what_its_cell_prints_too() -> None:
    made, figure = nodes.literal_block("", "made by"), nodes.figure()
    drawn = cell("print(record.made)\ndraw()", made, figure)
    nodes.section("", drawn)
    figure_first.put_figure_first(drawn)
    assert list(drawn[0]) == [figure, made]


def test_what_hidden_code_puts_out_stands_before_it() -> None:
    table = nodes.paragraph("", "a table")
    hidden = cell("x.describe()", table, tags="hide-input")
    hidden["hide_mode"] = "input"
    figure_first.put_output_first(hidden, "Code")
    output, fold = hidden
    assert output[0] is table and isinstance(fold, figure_first.Fold)
    assert "hide_mode" not in hidden  # else it would be folded a second time


def test_what_an_opening_cell_shows_is_not_folded() -> None:
    opening = cell("table = 1\ntable", nodes.paragraph("", "1"))
    opening["opening"] = True
    assert figure_first.is_plumbing(opening)
    figure_first.fold_all(opening)
    assert opening[0].astext() == "1" and isinstance(opening[1], figure_first.Fold)
    loaded = cell("print(record.made)", nodes.paragraph("", "from a record"))
    figure_first.fold_all(loaded)
    assert len(loaded) == 1


def test_a_line_of_code_is_an_element_that_knows_its_indent() -> None:
    code = "def f(x):\n    return x\n"
    html = highlight(code, PythonLexer(), figure_first.LineByLine())
    lines = BeautifulSoup(html, "html.parser").select(".line")
    assert [line["style"] for line in lines] == ["--indent:0ch", "--indent:4ch"]
    assert [line.get_text() for line in lines] == code.splitlines()


# ---------------------------------------------------------------------------------- the built pages


CHAPTERS = sorted((ROOT / "chapters").glob("[0-9]*.ipynb"))


@pytest.mark.usefixtures("book")
@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_no_code_stands_open_before_the_first_figure_and_every_cell_is_there(path: Path) -> None:
    page = BeautifulSoup((BUILT / f"{path.stem}.html").read_text(), "html.parser").article
    sources = page.select(".cell_input, .code-fold .highlight")
    hidden = [tag for tag in sources if tag.find_parent("details") is None]
    picture = page.select_one("figure .drawing, figure img")
    before = [tag for tag in hidden if stands_before(tag, picture)]
    assert [tag.get_text() for tag in before] == []
    shown = "".join(tag.get_text() for tag in page.select(".highlight")).split()
    cells = json.loads(path.read_text())["cells"]
    wanted = [
        "".join(found["source"]) for found in cells
        if found["cell_type"] == "code"
        and not {"remove-input", "remove-cell"} & set(found["metadata"].get("tags", []))
    ]  # fmt: skip
    everything = "".join(shown)
    for source in wanted:
        said = re.sub(r"# (?:fmt: \w+|noqa.*|NBVAL_\w+)", "", source)  # to tools, not to readers
        assert "".join(said.split()) in everything, source.splitlines()[0]


def stands_before(tag: Tag, other: Tag) -> bool:
    return any(found is other for found in tag.find_all_next(other.name))
