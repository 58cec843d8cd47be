"""The built book in a browser: from disk, without a network, at phone width, in the dark.

Needs Chromium on the PATH, or its place in the variable CHROMIUM.
"""

import os
import shutil
from pathlib import Path

import pytest

BUILT = Path(__file__).parents[1] / "_build" / "html"
CHROMIUM = os.environ.get("CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
if CHROMIUM is None:
    pytest.skip("no Chromium: install it or name it in CHROMIUM", allow_module_level=True)
if not (BUILT / "index.html").exists():
    pytest.skip("the book is not built: run `make book`", allow_module_level=True)

# Without the theme's templates in _static, and without the page at the root, which only leads on.
PAGES = sorted(
    path.relative_to(BUILT).as_posix()
    for path in BUILT.rglob("*.html")
    if "_static" not in path.relative_to(BUILT).parts and path != BUILT / "index.html"
)
# Only what a page needs: no sandbox inside containers, no calls home.
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 360, "height": 740}


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield chromium
        chromium.close()


class Visit:
    """One page, opened from disk; what it asked for in vain and what it complained of."""

    def __init__(self, browser, page, *, viewport, scheme):
        context = browser.new_context(viewport=viewport, color_scheme=scheme)
        self.problems = []
        self.tab = context.new_page()
        self.tab.route("**/*", self.only_files)
        self.tab.on("console", self.complaint)
        self.tab.on("pageerror", lambda error: self.problems.append(f"exception: {error}"))
        self.tab.on("requestfailed", lambda request: self.problems.append(f"failed: {request.url}"))
        self.tab.goto((BUILT / page).as_uri())
        # MathJax keeps its promise when all formulas stand; the rest is there when the page loads.
        self.tab.evaluate("() => window.MathJax?.startup?.promise")

    def only_files(self, route):
        if route.request.url.startswith(("file:", "data:", "blob:")):
            route.continue_()
        else:
            route.abort()

    def complaint(self, message):
        if message.type == "error":
            self.problems.append(f"console: {message.text}")

    def overflow(self):
        return self.tab.evaluate(
            "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )


@pytest.fixture
def visit(browser):
    visits = []

    def open_page(page, *, viewport=DESKTOP, scheme="light"):
        visits.append(Visit(browser, page, viewport=viewport, scheme=scheme))
        return visits[-1]

    yield open_page
    for each in visits:
        each.tab.context.close()


def test_the_start_page_leads_to_the_first_chapter(browser):
    tab = browser.new_page()
    tab.goto((BUILT / "index.html").as_uri())
    tab.wait_for_url("**/chapters/index.html")
    tab.close()


@pytest.mark.parametrize("page", PAGES)
def test_opens_from_disk_without_a_complaint(visit, page):
    seen = visit(page)
    assert seen.problems == []
    formulas = seen.tab.locator(".math").count()
    assert seen.tab.locator("mjx-container").count() >= formulas
    assert seen.tab.locator("mjx-merror").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page", PAGES)
def test_fits_a_phone(visit, page, scheme):
    seen = visit(page, viewport=PHONE, scheme=scheme)
    assert seen.problems == []
    assert seen.overflow() <= 0


def test_mathjax_typesets_formulas_from_the_books_own_fonts(visit):
    seen = visit("chapters/notation.html")
    assert seen.tab.locator("mjx-container").count() > 0
    fonts = seen.tab.evaluate(
        "() => [...document.fonts].filter(f => f.family.startsWith('MJX')"
        " && f.status === 'loaded').length"
    )
    assert fonts > 0


def test_dark_mode_is_dark_and_plots_stay_on_light_ground(visit):
    seen = visit("chapters/index.html", scheme="dark")
    assert seen.tab.evaluate("() => document.documentElement.dataset.theme") == "dark"
    brightness = """element => {
        const colour = getComputedStyle(element).backgroundColor.match(/[\\d.]+/g).map(Number)
        return colour.slice(0, 3).reduce((a, b) => a + b) / 3
    }"""
    assert seen.tab.locator("body").evaluate(brightness) < 60
    plot = seen.tab.locator("article img").first
    assert plot.evaluate(brightness) > 200


def test_search_finds_a_word(visit):
    seen = visit("search.html")
    seen.tab.goto((BUILT / "search.html").as_uri() + "?q=variance")
    seen.tab.wait_for_selector("#search-results li")
    assert seen.problems == []
