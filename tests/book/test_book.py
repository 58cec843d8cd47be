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
every_page = pytest.mark.parametrize("page", PAGES)
# The page at the root only leads to the first chapter; it has neither theme nor footer.
every_full_page = pytest.mark.parametrize("page", [page for page in PAGES if page != "index.html"])

OTHER_HOST = re.compile(r"^\s*(https?:)?//", re.IGNORECASE)
CSS_ADDRESS = re.compile(r"(?:url\(\s*|@import\s+)[\"']?([^\"')\s;]+)", re.IGNORECASE)


@cache
def soup(page: str) -> BeautifulSoup:
    return BeautifulSoup((BUILT / page).read_text(encoding="utf-8"), "html.parser")


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


def toc_files(entry: dict) -> list[str]:
    files = [entry[key] for key in ("root", "file") if key in entry]
    for key in ("parts", "chapters", "sections"):
        for child in entry.get(key, []):
            files += toc_files(child)
    return files


def test_every_page_is_in_the_table_of_contents_or_sphinx_own():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    listed = {f"{name}.html" for name in toc_files(toc)}
    source_views = {page for page in PAGES if page.startswith("_modules/")}
    assert set(PAGES) - SPHINX_OWN - source_views == listed
    of_ours = re.compile(r"_modules/(index|xavier(/\w+){0,2})\.html")
    assert all(of_ours.fullmatch(page) for page in source_views)


@every_page
def test_nothing_is_fetched_from_another_host(page):
    assert [address for address in fetched(soup(page)) if OTHER_HOST.match(address)] == []


@every_page
def test_no_inline_script_names_another_host(page):
    scripts = [tag.string or "" for tag in soup(page).find_all("script") if not tag.get("src")]
    assert [script for script in scripts if re.search(r"https?://", script)] == []


def test_no_stylesheet_fetches_from_another_host():
    sheets = list(BUILT.rglob("*.css"))
    assert sheets
    far = {
        sheet.name: address
        for sheet in sheets
        for address in CSS_ADDRESS.findall(sheet.read_text(encoding="utf-8"))
        if OTHER_HOST.match(address)
    }
    assert far == {}


@every_page
def test_everything_fetched_is_in_the_book(page):
    folder = (BUILT / page).parent
    near = [re.split("[?#]", address)[0] for address in fetched(soup(page))]
    missing = [
        address
        for address in near
        if address and not address.startswith("data:") and not (folder / address).exists()
    ]
    assert missing == []


@every_page
def test_no_thebe(page):
    assert "thebe" not in (BUILT / page).read_text(encoding="utf-8").lower()


def test_mathjax_is_served_by_the_book():
    mathjax = BUILT / "_static" / "mathjax"
    assert (mathjax / "tex-chtml.js").is_file()
    assert (mathjax / "input" / "tex" / "extensions" / "boldsymbol.js").is_file()
    assert len(list((mathjax / "output/chtml/fonts/woff-v2").glob("*.woff"))) > 20
    size = sum(path.stat().st_size for path in mathjax.rglob("*") if path.is_file())
    assert size < 3e6, "more of MathJax was copied than the pages use"


def test_size():
    size = sum(path.stat().st_size for path in BUILT.rglob("*") if path.is_file())
    assert size < 40e6


def test_the_laboratory_is_one_small_classic_script():
    assert (BUILT / "_static" / "lab.js").stat().st_size <= 60_000
    (tag,) = [t for t in soup("chapters/laboratory.html").find_all("script") if "lab.js" in str(t)]
    assert tag.get("type") in (None, "text/javascript")


@every_full_page
def test_one_search_box(page):
    # One dialog, opened by one button; the page of results has the same form once more.
    assert len(soup(page).select("dialog form.bd-search")) == 1
    assert len(soup(page).select(".search-button-field")) == 1
    assert len(soup(page).select("form.bd-search")) == 1 + (page == "search.html")


@every_full_page
def test_names_and_licences(page):
    document = soup(page)
    assert "Xavier" in document.title.get_text()
    assert "Project name not set" not in str(document)
    footer = " ".join(document.select_one(".bd-footer-content").get_text().split())
    for part in ("By The xavier contributors", "© Copyright 2026", "CC BY 4.0", "Code: MIT"):
        assert part in footer


@every_full_page
def test_repository_buttons_are_there_only_with_an_address(page):
    url = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["repository"]["url"]
    document = soup(page)
    shown = document.select('[class*="source-repository-button"], .dropdown-launch-buttons')
    if url:
        assert any(url in a["href"] for a in document.select("a.btn-source-repository-button"))
    else:
        assert shown == []
        assert "github.com" not in " ".join(a.get("href", "") for a in document.select(".btn"))


@every_full_page
def test_every_image_has_an_alternative_text(page):
    images = soup(page).select("article img")
    assert [image["src"] for image in images if not image.get("alt")] == []


@every_full_page
def test_every_link_leads_somewhere(page):
    """Links into the book: the file is there, and so is the place in it."""
    here, lost = (BUILT / page).parent, []
    for link in soup(page).select("a[href]"):
        address, _, place = link["href"].partition("#")
        if re.match(r"[a-z]+:|//", address):
            continue
        target = (here / address.split("?")[0]).resolve() if address else BUILT / page
        page_of = target.relative_to(BUILT).as_posix()
        # After "=" in an address stand settings of the laboratory.
        placed = target.suffix == ".html" and place and "=" not in place
        if not target.exists() or (placed and place not in places(page_of)):
            lost.append(link["href"])
    assert lost == []


@cache
def places(page: str) -> set[str]:
    return {tag["id"] for tag in soup(page).find_all(id=True)}


@pytest.mark.parametrize("page", [page for page in PAGES if page.startswith("chapters/")])
def test_a_page_with_its_images_is_light(page):
    images = {image["src"] for image in soup(page).select("article img")}
    files = [BUILT / page, *((BUILT / page).parent / image for image in images)]
    assert sum(file.stat().st_size for file in files) < 1.5e6


@every_full_page
def test_no_formula_is_left_as_text(page):
    article = copy.copy(soup(page).select_one("article") or soup(page).select_one("main"))
    for tag in article.select("pre, code, script, .math"):
        tag.decompose()
    assert re.findall(r"\$[^$]{0,40}|\\[a-z]+\{.{0,20}", article.get_text()) == []


def test_every_module_is_described_once_and_listed_in_the_overview():
    modules = {path.stem for path in (ROOT / "xavier").glob("*.py")} - {"__init__", "checks"}
    described = [
        (page, tag["id"].removeprefix("module-xavier."))
        for page in PAGES
        if re.fullmatch(r"chapters/api_\w+\.html", page) and page != "chapters/api_grading.html"
        for tag in soup(page).select("[id^='module-xavier.']")
    ]
    assert sorted(module for _, module in described) == sorted(modules)
    led = {link["href"] for link in soup("chapters/api.html").select("table.autosummary a")}
    wanted = {f"{Path(page).name}#module-xavier.{module}" for page, module in described}
    assert wanted <= led


@every_full_page
def test_what_code_says_to_the_checking_tools_is_not_shown(page):
    if not page.startswith("_modules/"):  # source as it is
        code = " ".join(block.get_text() for block in soup(page).select("pre"))
        assert "NBVAL_IGNORE_OUTPUT" not in code and "fmt: skip" not in code


def test_the_bibliography_is_labelled_as_the_text_cites():
    labels = [tag.get_text() for tag in soup("chapters/references.html").select(".label")]
    assert "[Glorot and Bengio, 2010]" in labels and "[Goyal et al., 2017]" in labels
    assert all(re.fullmatch(r"\[.*, \d{4}\]", label) for label in labels)
