"""The built book: complete, and readable without a network. `make test` builds it first."""

import copy
import re
from functools import cache
from pathlib import Path

import pytest
import yaml
from bs4 import BeautifulSoup

ROOT = Path(__file__).parents[2]
BUILT = ROOT / "_build" / "html"

if not (BUILT / "index.html").exists():
    pytest.skip("the book is not built: run `make book`", allow_module_level=True)

# Templates that the theme leaves in _static are not pages.
PAGES = sorted(
    path.relative_to(BUILT).as_posix()
    for path in BUILT.rglob("*.html")
    if "_static" not in path.relative_to(BUILT).parts
)
SPHINX_OWN = {"index.html", "genindex.html", "py-modindex.html", "prf-prf.html", "search.html"}
URL = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["repository"]["url"]
OTHER_HOST = re.compile(r"^\s*(https?:)?//", re.IGNORECASE)
CSS_ADDRESS = re.compile(r"(?:url\(\s*|@import\s+)[\"']?([^\"')\s;]+)", re.IGNORECASE)


@cache
def soup(page: str) -> BeautifulSoup:
    return BeautifulSoup((BUILT / page).read_text(encoding="utf-8"), "html.parser")


@cache
def places(page: str) -> set[str]:
    return set(re.findall(r'\bid="([^"]*)"', (BUILT / page).read_text(encoding="utf-8")))


def fetched(document: BeautifulSoup) -> list[str]:
    """Everything that a browser would fetch to show the page."""
    found = []
    for tag in document.find_all(True):
        if tag.name == "link":
            if "canonical" not in tag.get("rel", []):
                found.append(tag.get("href", ""))
        elif tag.name != "a":
            found += [tag.get(name, "") for name in ("src", "href", "data", "poster", "xlink:href")]
            found += [part.split()[0] for part in tag.get("srcset", "").split(",") if part.strip()]
        found += CSS_ADDRESS.findall(tag.get("style", ""))
        if tag.name == "style":
            found += CSS_ADDRESS.findall(tag.string or "")
    return found


@pytest.mark.parametrize("page", PAGES)
def test_a_page_asks_for_nothing_that_is_not_in_the_book(page):
    document = soup(page)
    addresses = fetched(document)
    assert [address for address in addresses if OTHER_HOST.match(address)] == []
    scripts = [tag.string or "" for tag in document.find_all("script") if not tag.get("src")]
    assert [script for script in scripts if re.search(r"https?://", script)] == []
    assert "thebe" not in (BUILT / page).read_text(encoding="utf-8").lower()
    near = [re.split("[?#]", a)[0] for a in addresses if not a.startswith("data:")]
    folder = (BUILT / page).parent
    assert [address for address in near if address and not (folder / address).exists()] == []
    # Links into the book: the file is there, and so is the place in it.
    lost = []
    for link in document.select("a[href]"):
        address, _, place = link["href"].partition("#")
        if re.match(r"[a-z]+:|//", address):
            continue
        target = (folder / address.split("?")[0]).resolve() if address else BUILT / page
        # After "=" in an address stand settings of the laboratory.
        placed = target.suffix == ".html" and place and "=" not in place
        if not target.exists() or (
            placed and place not in places(target.relative_to(BUILT).as_posix())
        ):
            lost.append(link["href"])
    assert lost == []


# The page at the root only leads to the first chapter; it has neither theme nor footer.
@pytest.mark.parametrize("page", [page for page in PAGES if page != "index.html"])
def test_a_page_is_whole(page):
    document = soup(page)
    # One search dialog, opened by one button; the page of results has the same form once more.
    assert len(document.select("dialog form.bd-search")) == 1
    assert len(document.select(".search-button-field")) == 1
    assert len(document.select("form.bd-search")) == 1 + (page == "search.html")
    assert "Xavier" in document.title.get_text()
    assert "Project name not set" not in document.get_text()
    footer = " ".join(document.select_one(".bd-footer-content").get_text().split())
    for part in ("By The xavier contributors", "© Copyright 2026", "CC BY 4.0", "Code: MIT"):
        assert part in footer
    if URL:
        assert any(URL in a["href"] for a in document.select("a.btn-source-repository-button"))
    else:
        buttons = '[class*="source-repository-button"], .dropdown-launch-buttons'
        assert document.select(buttons) == []
    images = document.select("article img")
    assert [image["src"] for image in images if not image.get("alt")] == []
    if page.startswith("chapters/"):  # with the images that it loads at once it is light
        at_once = [image["src"] for image in images if image.get("loading") != "lazy"]
        files = {BUILT / page, *((BUILT / page).parent / source for source in at_once)}
        assert sum(file.stat().st_size for file in files) < 1.5e6
    article = copy.copy(document.select_one("article") or document.select_one("main"))
    if not page.startswith("_modules/"):  # in other code, what it says to tools is not shown
        code = " ".join(block.get_text() for block in article.select("pre"))
        assert "NBVAL_IGNORE_OUTPUT" not in code and "fmt: skip" not in code
    for tag in article.select("pre, code, script, .math"):
        tag.decompose()
    # No formula is left as text.
    assert re.findall(r"\$[^$]{0,40}|\\[a-z]+\{.{0,20}", article.get_text()) == []


def test_every_page_is_in_the_table_of_contents_or_sphinx_own():
    toc = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    listed = {f"{name}.html" for name in re.findall(r"(?:root|file): (\S+)", toc)}
    source_views = {page for page in PAGES if page.startswith("_modules/")}
    assert set(PAGES) - SPHINX_OWN - source_views == listed
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
    assert (BUILT / "_static" / "lab.js").stat().st_size <= 60_000
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
