"""The cards of the first page: of every chapter, with what the chapter itself says."""

import re
from pathlib import Path

import cards
import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "_build" / "html" / "chapters" / "index.html"


def chapter(text: str, *codes: str) -> nbformat.NotebookNode:
    return new_notebook(cells=[new_markdown_cell(text), *map(new_code_cell, codes)])


def test_a_sentence_for_each_chapter_and_for_no_other():
    names = ["01_one", "02_two"]
    lines = ["02_two: Two: a pair.", "", "01_one: One."]
    assert cards.read_sentences(lines, names) == {"01_one": "One.", "02_two": "Two: a pair."}
    with pytest.raises(ValueError, match="missing for 01_one"):
        cards.read_sentences(lines[:1], names)
    for wrong in ("03_three: Three.", "01_one: Twice.", "01_one without a colon"):
        with pytest.raises(ValueError, match=re.escape(repr(wrong))):
            cards.read_sentences([*lines, wrong], names)


def test_minutes_are_the_chapters_own_or_those_of_its_words_and_cells():
    assert cards.minutes(chapter("# A title\n\n*25 minutes. You need nothing.*", "1")) == 25
    assert cards.minutes(chapter("# A title\n\n" + "word " * 997, *["1"] * 6)) == 5 + 2
    assert cards.minutes(chapter("# Short")) == 1
    assert cards.title(chapter("(label)=\n# A title\n\nText.")) == "A title"
    with pytest.raises(ValueError, match="title"):
        cards.title(chapter("Text."))


def test_the_first_figure_is_the_first_that_has_a_text():
    data = {"image/svg+xml": "<svg/>", "text/plain": "a picture"}
    shown = [new_output("display_data", data)]
    meant = new_code_cell(
        "draw()", outputs=shown, metadata={"mystnb": {"image": {"alt": "A line that falls."}}}
    )
    notebook = new_notebook(cells=[new_markdown_cell("# A"), new_code_cell(outputs=shown), meant])
    assert cards.first_figure(notebook) == ("image/svg+xml", "<svg/>", "A line that falls.")
    with pytest.raises(ValueError, match="must have a figure"):
        cards.first_figure(new_notebook(cells=notebook.cells[:2]))


def test_a_drawing_has_the_colours_of_the_dark_page_there():
    sheet = (
        "html { --ink-222222: #222222; --ink-0072b2: #0072b2; }\n"
        'html[data-theme="dark"] { --ink-222222: #dbd8d0; --ink-0072b2: #4aa8e0; }'
    )
    drawing = '<svg><path style="stroke: #0072b2; fill: #222222"/><use href="#d123456"/></svg>'
    dark = '<svg><path style="stroke: #4aa8e0; fill: #dbd8d0"/><use href="#d123456"/></svg>'
    assert cards.in_the_dark(drawing, sheet) == dark


@pytest.mark.usefixtures("book")
def test_the_first_page_has_a_whole_card_for_every_chapter():
    found = BeautifulSoup(PAGE.read_text(encoding="utf-8"), "html.parser").select(
        "ul.chapter-cards > li"
    )
    paths = cards.chapters(ROOT)
    assert len(found) == len(paths) > 12
    for card, path in zip(found, paths, strict=True):
        notebook = nbformat.read(path, as_version=4)
        (link,) = card.select(".card-title a")
        assert link["href"] == f"{path.stem}.html"
        assert link.get_text() == cards.title(notebook)
        assert card.select_one(".card-number").get_text() == str(int(path.stem[:2]))
        assert re.search(r"[.?]$", card.select_one(".card-sentence").get_text())
        assert card.select_one(".card-minutes").get_text() == f"{cards.minutes(notebook)} minutes"
        pictures = card.select("img")
        grounds = [set(picture["class"]) & {"on-light", "on-dark"} for picture in pictures]
        assert grounds in ([set()], [{"on-light"}, {"on-dark"}])
        for picture in pictures:
            assert picture["loading"] == "lazy"
            assert picture["alt"] == cards.first_figure(notebook).alt
            assert 0 < (PAGE.parent / picture["src"]).stat().st_size < 150_000


def test_the_first_page_counts_its_chapters_right():
    numbers = ["eighteen", "nineteen", "twenty", "twenty-one", "twenty-two", "twenty-three"]
    text = (ROOT / "chapters" / "index.ipynb").read_text(encoding="utf-8")
    [said] = re.findall(r"([\w-]+) chapters, each", text)
    assert numbers.index(said.lower()) + 18 == len(list((ROOT / "chapters").glob("[0-9]*.ipynb")))
