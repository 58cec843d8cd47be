"""A browser for the tests of this folder, and pages opened in it."""

import shutil
import subprocess
from pathlib import Path

import chromium
import pytest

BUILT = Path(__file__).parents[2] / "_build" / "html"


def starts(executable):
    """Whether it is there and no mere note that it could be installed, as Ubuntu has it."""
    if executable is None or shutil.which(executable) is None:
        return False
    done = subprocess.run([executable, "--version"], capture_output=True, check=False)
    return done.returncode == 0


WHY = (
    chromium.MISSING
    if not starts(chromium.EXECUTABLE)
    else "the book is not built: run `make book`"
    if not (BUILT / "index.html").exists()
    else ""
)


def pytest_collection_modifyitems(items):
    for item in items:
        if WHY and Path(__file__).parent in Path(item.fspath).parents:
            item.add_marker(pytest.mark.skip(reason=WHY))


# Without the theme's templates in _static, and without the page at the root, which only leads on.
# Where nothing is built there is one in name only, for tests to be skipped with.
PAGES = sorted(
    path.relative_to(BUILT).as_posix()
    for path in BUILT.rglob("*.html")
    if "_static" not in path.relative_to(BUILT).parts and path != BUILT / "index.html"
) or ["chapters/00_none.html"]
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 360, "height": 740}


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = chromium.launch(playwright)
        yield opened
        opened.close()


class Visit:
    """One page, opened from disk; what it asked for in vain and what it complained of."""

    def __init__(self, browser, page, *, viewport, scheme):
        context = browser.new_context(viewport=viewport, color_scheme=scheme)
        self.problems = []
        context.set_default_timeout(120_000)  # ms: a busy machine fails no test
        self.tab = context.new_page()
        self.tab.route("**/*", self.only_files)
        self.tab.on("console", self.complaint)
        self.tab.on("pageerror", lambda error: self.problems.append(f"exception: {error}"))
        self.tab.on("requestfailed", self.failed)
        self.tab.goto((BUILT / page).as_uri())
        # MathJax keeps its promise when all formulas stand; the rest is there when the page loads.
        self.tab.evaluate("() => window.MathJax?.startup?.promise")

    def only_files(self, route):
        if route.request.url.startswith(("file:", "data:", "blob:")):
            route.continue_()
        else:
            route.abort()

    def failed(self, request):
        if request.failure != "net::ERR_ABORTED":  # as where the tab has gone on meanwhile
            self.problems.append(f"failed: {request.url}")

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
