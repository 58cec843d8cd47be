"""A browser for the tests of this folder, and pages opened in it."""

import re
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


def pytest_collection_modifyitems(items):
    if not starts(chromium.EXECUTABLE):
        for item in items:
            if Path(__file__).parent in Path(item.fspath).parents:
                item.add_marker(pytest.mark.skip(reason=chromium.MISSING))


# Without the theme's templates in _static, and without the page at the root, which only leads on.
# `make thorough` visits them all; for `make test` the book may be built only after they are listed.
PAGES = sorted(
    path.relative_to(BUILT).as_posix()
    for path in BUILT.rglob("*.html")
    if "_static" not in path.relative_to(BUILT).parts and path != BUILT / "index.html"
)
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 360, "height": 740}


def most(pages, sample):
    """Pages as parameters: the sample is visited by `make test`, the others by `make thorough`."""
    others = [page for page in pages if page not in sample]
    return [*sample, *(pytest.param(page, marks=pytest.mark.thorough) for page in others)]


@pytest.fixture(scope="module")
def browser(book):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = chromium.launch(playwright)
        yield opened
        opened.close()


def address(page):
    """Where a page lies, with what is asked of it behind ? or #."""
    file, *asked = re.split("(?=[?#])", page, maxsplit=1)
    return (BUILT / file).as_uri() + "".join(asked)


class Visit:
    """One page, opened from disk; what it asked for in vain and what it complained of."""

    def __init__(self, browser, page, *, viewport=DESKTOP, scheme="light"):
        context = browser.new_context(viewport=viewport, color_scheme=scheme)
        self.problems = []
        context.set_default_timeout(600_000)  # ms: a busy machine fails no test
        self.tab = context.new_page()
        self.tab.route("**/*", self.only_files)
        self.tab.on("console", self.complaint)
        self.tab.on("pageerror", lambda error: self.problems.append(f"exception: {error}"))
        self.tab.on("requestfailed", self.failed)
        self.tab.goto(address(page))
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

    def ask(self, what):
        """Have the page begin anew with what stands behind # in its address, as a link has it."""
        self.tab.evaluate(
            """what => {
                history.replaceState(null, "", "#" + what);
                dispatchEvent(new Event("hashchange"));
            }""",
            what,
        )


@pytest.fixture
def visit(browser):
    visits = []

    def open_page(page, **how):
        visits.append(Visit(browser, page, **how))
        return visits[-1]

    yield open_page
    for each in visits:
        each.tab.context.close()
