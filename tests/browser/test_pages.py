"""The built book in a browser: from disk and from a server, at three widths, in light and dark.

Needs Chromium on the PATH, or its place in the variable CHROMIUM.
"""

import json
import re
from pathlib import Path

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from axe_playwright_python.sync_playwright import Axe
from conftest import BUILT, DESKTOP, PAGES, PHONE
from server import serving

TABLET = {"width": 768, "height": 1024}
OWN = [page for page in PAGES if not page.startswith("_modules/")]
AXE = Axe(AXE_SCRIPT + (Path(__file__).parent / "looks.js").read_text())
COLOURS = ["color-contrast", "link-in-text-block"]  # rules of axe
CHAPTERS = [page for page in PAGES if re.match(r"chapters/\d\d_", page)]
SAMPLE = [  # of every kind of page one
    "_modules/xavier/init.html",
    "chapters/03_scale.html",
    "chapters/15_scoreboard.html",
    "chapters/api_grading.html",
    "chapters/laboratory.html",
    "chapters/teach.html",
    "search.html",
]


def most(pages, sample=SAMPLE):
    """Pages as parameters, of which a sample is visited by `make test`."""
    return [
        page if page in sample else pytest.param(page, marks=pytest.mark.thorough) for page in pages
    ]


def test_the_sample_is_of_pages_that_there_are():
    assert set(SAMPLE) <= set(PAGES)


def test_the_start_page_leads_to_the_first_chapter(browser):
    tab = browser.new_page()
    tab.goto((BUILT / "index.html").as_uri())
    tab.wait_for_url("**/chapters/index.html")
    tab.close()


@pytest.mark.parametrize("page", most(PAGES))
def test_a_page_in_light(visit, page):
    seen = visit(page)
    formulas = seen.tab.locator(".math").count()
    assert seen.tab.locator("mjx-container").count() >= formulas
    assert seen.tab.locator("mjx-merror").count() == 0
    if not page.startswith("_modules/"):  # all of them are made alike
        nobody_is_shut_out(seen)
    fits(seen, DESKTOP, TABLET, PHONE)
    assert seen.problems == []


@pytest.mark.parametrize("page", most(OWN, SAMPLE[1:2]))
def test_a_page_in_the_dark(visit, page):
    seen = visit(page, scheme="dark")
    nobody_is_shut_out(seen)
    fits(seen, DESKTOP, PHONE)
    assert seen.problems == []


def fits(seen, *viewports):
    """Nothing scrolls sideways."""
    for viewport in viewports:
        seen.tab.set_viewport_size(viewport)
        assert seen.overflow() <= 0, viewport


@pytest.mark.parametrize(("scheme", "pale"), [("light", "#bbb"), ("dark", "#555")])
def test_a_text_that_is_hard_to_read_is_found(visit, scheme, pale):
    seen = visit("chapters/teach.html", scheme=scheme)
    for text in (".highlight span", "article p", "nav a", "footer p"):
        style = seen.tab.add_style_tag(content=f"{text} {{ color: {pale} !important }}")
        assert list(grave_faults(seen, runOnly=COLOURS)) == ["color-contrast"], text
        style.evaluate("style => style.remove()")


def nobody_is_shut_out(seen):
    assert grave_faults(seen) == {}


def grave_faults(seen, **options):
    """Serious and critical faults by the rules of axe, which may not fetch style sheets again."""
    # Colours that are on their way from light to dark have a contrast that nobody is shown.
    seen.tab.evaluate(
        "() => Promise.allSettled(document.getAnimations().map((moving) => moving.finished))"
    )
    options |= {"preload": False, "resultTypes": ["violations"]}
    return {
        fault["id"]: [node["html"][:120] for node in fault["nodes"][:3]]
        for fault in AXE.run(seen.tab, options=options).response["violations"]
        if fault["impact"] in ("serious", "critical")
    }


@pytest.fixture(scope="module")
def server():
    """The book as a server would show it."""
    with serving(BUILT) as address:
        yield address


@pytest.mark.parametrize("page", most(OWN))
def test_opens_from_a_server_and_asks_no_other_host(browser, server, page):
    asked, problems = [], []
    tab = browser.new_page()
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("requestfailed", lambda request: problems.append(request.url))
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    tab.goto(f"{server}/{page}")
    tab.evaluate("() => window.MathJax?.startup?.promise")
    tab.close()
    assert [url for url in asked if not url.startswith((server, "data:", "blob:"))] == []
    assert problems == []


def test_mathjax_typesets_formulas_from_the_books_own_fonts(visit):
    seen = visit("chapters/notation.html")
    assert seen.tab.locator("mjx-container").count() > 0
    fonts = seen.tab.evaluate(
        "() => [...document.fonts].filter(f => f.family.startsWith('MJX')"
        " && f.status === 'loaded').length"
    )
    assert fonts > 0


def test_dark_mode_is_dark_and_letters_of_a_drawing_are_light(visit):
    seen = visit("chapters/04_forward.html", scheme="dark")
    assert seen.tab.evaluate("() => document.documentElement.dataset.theme") == "dark"
    brightness = """(element, part) => {
        const colour = getComputedStyle(element)[part].match(/[\\d.]+/g).map(Number)
        return colour.slice(0, 3).reduce((a, b) => a + b) / 3
    }"""
    assert seen.tab.locator("body").evaluate(brightness, "backgroundColor") < 60
    letters = seen.tab.locator('.drawing [style*="ink-222222"]').first
    assert letters.evaluate(brightness, "fill") > 200


def test_paper_is_light_whatever_the_screen_was(visit):
    """All text is dark once a page of the dark theme is printed."""
    tab = visit("chapters/07_birth.html", scheme="dark").tab
    tab.emulate_media(media="print")
    light = tab.evaluate(
        """() => [...document.querySelectorAll('article *')].filter((one) => {
            const own = [...one.childNodes].some((n) => n.nodeType === 3 && n.data.trim())
            if (!own || !one.checkVisibility() || one.closest('.xavier-lab, .film')) return false
            const [r, g, b] = getComputedStyle(one).color.match(/[\\d.]+/g).map(Number)
            return 0.2126 * r + 0.7152 * g + 0.0722 * b > 150
        }).map((one) => one.outerHTML.slice(0, 120))"""
    )
    assert light == []


@pytest.mark.parametrize("page", most(CHAPTERS))
def test_every_figure_can_be_read_on_a_phone(visit, page):
    """Letters have 10.5 points at least; a point of a drawing is so many pixels."""
    tab = visit(page, viewport={"width": 390, "height": 844}).tab
    pixels = tab.locator(".drawing svg").evaluate_all(
        "all => all.filter((one) => one.querySelector('use, text'))"
        ".map((one) => one.getBoundingClientRect().width / one.viewBox.baseVal.width)"
    )
    assert pixels and 10.5 * min(pixels) >= 9


@pytest.mark.parametrize("page", CHAPTERS)
def test_search_finds_a_word_of_every_chapter(visit, page):
    """The longest word of its title leads to it."""
    notebook = json.loads((Path(__file__).parents[2] / page).with_suffix(".ipynb").read_text())
    title = "".join(notebook["cells"][0]["source"]).strip().splitlines()[0]
    word = max(re.findall(r"\w+", title), key=len)
    seen = visit("search.html")
    seen.tab.goto((BUILT / "search.html").as_uri() + f"?q={word}")
    # Results come one by one: it is this one that is waited for, and if it never comes, that fails.
    seen.tab.locator(f"#search-results li a[href*='{page}']").first.wait_for()
    assert seen.problems == []
