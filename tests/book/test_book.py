"""The built book: complete, and readable without a network."""

import copy
import re
from functools import cache
from html import unescape
from pathlib import Path

import pytest
import yaml
from bs4 import BeautifulSoup

ROOT = Path(__file__).parents[2]
BUILT = ROOT / "_build" / "html"
pytestmark = pytest.mark.usefixtures("book")

SPHINX_OWN = {"index.html", "genindex.html", "py-modindex.html", "prf-prf.html", "search.html"}
URL = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["repository"]["url"]
OTHER_HOST = re.compile(r"^\s*(https?:)?//", re.IGNORECASE)
CSS_ADDRESS = re.compile(r"(?:url\(\s*|@import\s+)[\"']?([^\"')\s;]+)", re.IGNORECASE)


# Tags with what they hold, whose values may hold > in turn; and the parts that have many of them.
TAG = re.compile(r"""<([a-zA-Z][\w:-]*)([^>"']*(?:(?:"[^"]*"|'[^']*')[^>"']*)*)>""")
ATTRIBUTE = re.compile(r"""([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
SCRIPT = re.compile(r"(<script\b[^>]*>)(.*?)</script>", re.DOTALL)
STYLE = re.compile(r"<style\b[^>]*>(.*?)</style>", re.DOTALL)
CODE = re.compile(r"<pre\b.*?</pre>", re.DOTALL)
DRAWING = re.compile(r"<svg\b.*?</svg>", re.DOTALL)


@cache
def html(page: str) -> str:
    return (BUILT / page).read_text(encoding="utf-8")


@cache
def soup(page: str) -> BeautifulSoup:
    """A page without its code and its drawings, which are most of its tags."""
    return BeautifulSoup(DRAWING.sub("", CODE.sub("", html(page))), "html.parser")


@cache
def places(page: str) -> set[str]:
    return set(re.findall(r'\bid="([^"]*)"', html(page)))


@pytest.fixture
def pages() -> list[str]:
    """All pages; templates that the theme leaves in _static are none."""
    found = (path.relative_to(BUILT) for path in BUILT.rglob("*.html"))
    return sorted(path.as_posix() for path in found if "_static" not in path.parts)


def tags(text: str) -> list[tuple[str, dict[str, str]]]:
    """All tags of a page, and their attributes that have a value."""
    return [
        (name, {key: unescape(one or other) for key, one, other in ATTRIBUTE.findall(inside)})
        for name, inside in TAG.findall(SCRIPT.sub(r"\1", text))
    ]


def fetched(text: str) -> list[str]:
    """Everything that a browser would fetch to show the page."""
    found = [address for sheet in STYLE.findall(text) for address in CSS_ADDRESS.findall(sheet)]
    for name, attributes in tags(text):
        if name == "link":
            if attributes.get("rel") != "canonical":
                found.append(attributes.get("href", ""))
        elif name != "a":
            keys = ("src", "href", "data", "poster", "xlink:href")
            found += [attributes[key] for key in keys if key in attributes]
            several = attributes.get("srcset", "").split(",")
            found += [part.split()[0] for part in several if part.strip()]
        found += CSS_ADDRESS.findall(attributes.get("style", ""))
    return found


def test_all_that_a_page_fetches_is_found() -> None:
    text = """<link rel="canonical" href="//a"/><link rel='icon' href='//b'>
        <img alt="1 > 0" src="c"><img srcset="d 1x, e 2x"><p style="background: url('f')">
        <svg><use xlink:href="#g"/></svg>
        <a href="//h">i</a><script src="j">if (k<l && m>"n") {}</script><style>@import "o";</style>
        <video poster="p&amp;q"></video><object data="r"></object>"""
    assert sorted(fetched(text)) == ["#g", "//b", "c", "d", "e", "f", "j", "o", "p&q", "r"]


def test_a_page_asks_for_nothing_that_is_not_in_the_book(pages):
    for page in pages:
        text, folder = html(page), (BUILT / page).parent
        addresses = fetched(text)
        assert [address for address in addresses if OTHER_HOST.match(address)] == [], page
        scripts = [inside for _, inside in SCRIPT.findall(text)]
        assert [script for script in scripts if re.search(r"https?://", script)] == [], page
        assert "thebe" not in text.lower(), page
        near = [re.split("[?#]", a)[0] for a in addresses if not a.startswith("data:")]
        assert [address for address in near if address and not (folder / address).exists()] == []
        # Links into the book: the file is there, and so is the place in it.
        lost = []
        for link in {
            found["href"] for name, found in tags(text) if name == "a" and "href" in found
        }:
            address, _, place = link.partition("#")
            if re.match(r"[a-z]+:|//", address):
                continue
            target = (folder / address.split("?")[0]).resolve() if address else BUILT / page
            # After "=" in an address stand settings of the laboratory.
            placed = target.suffix == ".html" and place and "=" not in place
            if not target.exists() or (
                placed and place not in places(target.relative_to(BUILT).as_posix())
            ):
                lost.append(link)
        assert lost == [], page


def test_every_page_is_whole(pages):
    # The page at the root only leads to the first chapter; it has neither theme nor footer.
    assert 'content="0; url=chapters/index.html"' in html("index.html")
    for page in set(pages) - {"index.html"}:
        document = soup(page)
        # One search dialog, opened by one button; the page of results has the same form once more.
        assert len(document.select("dialog form.bd-search")) == 1, page
        assert len(document.select(".search-button-field")) == 1, page
        assert len(document.select("form.bd-search")) == 1 + (page == "search.html"), page
        assert "Xavier" in document.title.get_text(), page
        assert "Project name not set" not in document.get_text(), page
        footer = " ".join(document.select_one(".bd-footer-content").get_text().split())
        for part in ("By The xavier contributors", "© Copyright 2026", "CC BY 4.0", "Code: MIT"):
            assert part in footer, page
        if URL:
            buttons = document.select("a.btn-source-repository-button")
            assert any(URL in button["href"] for button in buttons), page
        else:
            buttons = '[class*="source-repository-button"], .dropdown-launch-buttons'
            assert document.select(buttons) == [], page
        images = document.select("article img")
        assert [image["src"] for image in images if not image.get("alt")] == [], page
        if page.startswith("chapters/"):  # with the images that it loads at once it is light
            at_once = [image["src"] for image in images if image.get("loading") != "lazy"]
            files = {BUILT / page, *((BUILT / page).parent / source for source in at_once)}
            assert sum(file.stat().st_size for file in files) < 1.5e6, page
        if not page.startswith("_modules/"):  # in other code, what it says to tools is not shown
            code = " ".join(CODE.findall(html(page)))
            assert "NBVAL_IGNORE_OUTPUT" not in code and "fmt: skip" not in code, page
        article = copy.copy(document.select_one("article") or document.select_one("main"))
        for tag in article.select("pre, code, script, .math"):
            tag.decompose()
        # No formula is left as text.
        assert re.findall(r"\$[^$]{0,40}|\\[a-z]+\{.{0,20}", article.get_text()) == [], page


def test_every_page_is_in_the_table_of_contents_or_sphinx_own(pages):
    toc = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    listed = {f"{name}.html" for name in re.findall(r"(?:root|file): (\S+)", toc)}
    source_views = {page for page in pages if page.startswith("_modules/")}
    assert set(pages) - SPHINX_OWN - source_views == listed
    of_ours = re.compile(r"_modules/(index|(xavier|glorot2010|xavier_grading)(/\w+){0,2})\.html")
    assert [page for page in source_views if not of_ours.fullmatch(page)] == []


def test_no_stylesheet_fetches_from_another_host():
    sheets = list(BUILT.rglob("*.css"))
    assert sheets
    text = "\n".join(sheet.read_text(encoding="utf-8") for sheet in sheets)
    assert [address for address in CSS_ADDRESS.findall(text) if OTHER_HOST.match(address)] == []


def test_the_book_is_small_and_brings_its_own_mathjax():
    def size(folder):
        return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

    mathjax = BUILT / "_static" / "mathjax"
    assert (mathjax / "tex-chtml.js").is_file()
    assert (mathjax / "input" / "tex" / "extensions" / "boldsymbol.js").is_file()
    assert len(list((mathjax / "output/chtml/fonts/woff-v2").glob("*.woff"))) > 20
    assert size(mathjax) < 3e6, "more of MathJax was copied than the pages use"
    assert size(BUILT) < 40e6
    scripts = [(BUILT / "_static" / name).stat().st_size for name in ("lab.js", "laboratory.js")]
    assert scripts[0] <= 60_000 and sum(scripts) <= 90_000
    (tag,) = [t for t in soup("chapters/laboratory.html").find_all("script") if "lab.js" in str(t)]
    assert tag.get("type") in (None, "text/javascript")  # classic: also from disk


@pytest.mark.parametrize(
    ("page", "package", "folder", "left_out"),
    [
        ("api", "xavier", "xavier", r"xavier(\.(checks|hooks|scaling|summaries|svg))?"),
        ("api_experiments", "glorot2010", "glorot2010", "glorot2010"),
        # Two folders' own docstrings, the sets, and the command.
        ("api_grading", "xavier_grading", "assignments/kit", r".*\.(check|mark|sets.*|__main__)"),
    ],
)
def test_every_module_is_described_once_and_listed_in_the_overview(page, package, folder, left_out):
    files = (path.relative_to(ROOT / folder) for path in (ROOT / folder).rglob("*.py"))
    modules = {".".join((package, *file.with_suffix("").parts)) for file in files}
    modules = {name.removesuffix(".__init__") for name in modules}
    document = soup(f"chapters/{page}.html")
    described = [tag["id"] for tag in document.select("[id^='module-']")]
    wanted = {f"module-{name}" for name in modules if not re.fullmatch(left_out, name)}
    assert sorted(described) == sorted(wanted)
    led = {link["href"] for link in document.select("table.autosummary a")}
    assert {f"#{place}" for place in described} <= led


def test_the_bibliography_is_labelled_as_the_text_cites():
    labels = [tag.get_text() for tag in soup("chapters/references.html").select(".label")]
    assert "[Glorot and Bengio, 2010]" in labels and "[Goyal et al., 2017]" in labels
    assert all(re.fullmatch(r"\[.*, \d{4}\]", label) for label in labels)
