"""The built book in a browser: from disk and from a server, at three widths, in light and dark.

Each page is loaded once in light and once in the dark, and all that is to be seen in it is looked
for there. Needs Chromium on the PATH, or its place in the variable CHROMIUM.
"""

import json
import re
from pathlib import Path

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from axe_playwright_python.sync_playwright import Axe
from conftest import BUILT, DESKTOP, PAGES, PHONE, most
from server import serving

TABLET = {"width": 768, "height": 1024}
OWN = [page for page in PAGES if not page.startswith("_modules/")]
AXE = Axe(AXE_SCRIPT + (Path(__file__).parent / "looks.js").read_text())
CHAPTERS = sorted((Path(__file__).parents[2] / "chapters").glob("[0-9]*.ipynb"))
NUMBERED = re.compile(r"chapters/\d\d_")
CHAPTER = "chapters/03_scale.html"  # with formulas, drawings, code and a small laboratory
BRIGHTNESS = """(element, part) => {
    const colour = getComputedStyle(element)[part].match(/[\\d.]+/g).map(Number)
    return colour.slice(0, 3).reduce((a, b) => a + b) / 3
}"""


@pytest.mark.parametrize(
    "page", most(PAGES, [CHAPTER, "chapters/20_scoreboard.html", "chapters/laboratory.html"])
)
def test_a_page_in_light(visit, page):
    seen = visit(page)
    tab = seen.tab
    formulas = tab.locator(".math").count()
    assert tab.locator("mjx-container").count() >= formulas
    assert tab.locator("mjx-merror").count() == 0
    if page == CHAPTER:  # formulas are in the book's own fonts
        loaded = "[...document.fonts].filter((font) => font.status === 'loaded')"
        fonts = tab.evaluate(
            f"() => document.fonts.ready.then(() => {loaded}.map((f) => f.family))"
        )
        assert any(family.startswith("MJX") for family in fonts)
    if not page.startswith("_modules/"):  # all of them are made alike
        nobody_is_shut_out(seen)
    fits(seen, DESKTOP, TABLET, PHONE)
    if NUMBERED.match(page):
        # Letters of a drawing have 10.5 points at least; a point of a drawing is so many pixels.
        tab.set_viewport_size({"width": 390, "height": 844})
        pixels = tab.locator(".drawing svg").evaluate_all(
            "all => all.filter((one) => one.querySelector('use, text'))"
            ".map((one) => one.getBoundingClientRect().width / one.viewBox.baseVal.width)"
        )
        assert pixels and 10.5 * min(pixels) >= 9
    assert seen.problems == []


@pytest.mark.parametrize("page", most(OWN, [CHAPTER]))
def test_a_page_in_the_dark_and_on_paper(visit, page):
    seen = visit(page, scheme="dark")
    tab = seen.tab
    assert tab.evaluate("() => document.documentElement.dataset.theme") == "dark"
    assert tab.locator("body").evaluate(BRIGHTNESS, "backgroundColor") < 60
    nobody_is_shut_out(seen)
    fits(seen, DESKTOP, PHONE)
    if page == CHAPTER:
        letters = tab.locator('.drawing [style*="ink-222222"]').first
        assert letters.evaluate(BRIGHTNESS, "fill") > 200
        assert light_texts_on_paper(tab) == []
    assert seen.problems == []


@pytest.mark.thorough
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("settings", ["try=4", "room=plane"])
def test_the_laboratory_shuts_nobody_out_at_work(visit, scheme, settings):
    seen = visit(f"chapters/laboratory.html#{settings}", scheme=scheme)
    tab = seen.tab
    tab.locator("[data-main][data-ready]").wait_for()
    tab.locator("[data-main]").evaluate("host => host.lab.advance(5)")
    for viewport in (PHONE, TABLET, {"width": 1440, "height": 900}):
        fits(seen, viewport)
        nobody_is_shut_out(seen)
    assert seen.problems == []


def light_texts_on_paper(tab):
    """What is not dark once the page is printed."""
    tab.emulate_media(media="print")
    return tab.evaluate(
        """() => [...document.querySelectorAll('article *')].filter((one) => {
            const own = [...one.childNodes].some((n) => n.nodeType === 3 && n.data.trim())
            if (!own || !one.checkVisibility() || one.closest('.xavier-lab, .film')) return false
            const [r, g, b] = getComputedStyle(one).color.match(/[\\d.]+/g).map(Number)
            return 0.2126 * r + 0.7152 * g + 0.0722 * b > 150
        }).map((one) => one.outerHTML.slice(0, 120))"""
    )


def fits(seen, *viewports):
    """Nothing scrolls sideways."""
    for viewport in viewports:
        seen.tab.set_viewport_size(viewport)
        assert seen.overflow() <= 0, viewport


@pytest.mark.parametrize(
    ("scheme", "pale"), [("dark", 0x55), pytest.param("light", 0xBB, marks=pytest.mark.thorough)]
)
def test_texts_that_are_hard_to_read_are_found(visit, scheme, pale):
    seen = visit("chapters/teach.html", scheme=scheme)
    texts = [".highlight span", "article p", "nav a", "footer p"]
    greys = [f"rgb({grey} {grey} {grey})" for grey in range(pale, pale + len(texts))]  # four looks
    rules = (f"{text} {{ color: {g} !important }}" for text, g in zip(texts, greys, strict=True))
    seen.tab.add_style_tag(content="\n".join(rules))
    [fault] = faults(seen, runOnly=["color-contrast"])
    places = [node["target"][-1] for node in fault["nodes"]]
    found = "([places, text]) => places.some((at) => document.querySelector(at).closest(text))"
    for text in texts:
        assert seen.tab.evaluate(found, [places, text]), text


def nobody_is_shut_out(seen):
    """No serious or critical fault by the rules of axe."""
    assert {
        fault["id"]: [node["html"][:120] for node in fault["nodes"][:3]]
        for fault in faults(seen)
        if fault["impact"] in ("serious", "critical")
    } == {}


def faults(seen, **options):
    """What axe finds, which may not fetch style sheets again."""
    # Colours that are on their way from light to dark have a contrast that nobody is shown.
    seen.tab.evaluate(
        "() => Promise.allSettled(document.getAnimations().map((moving) => moving.finished))"
    )
    options |= {"preload": False, "resultTypes": ["violations"]}
    return AXE.run(seen.tab, options=options).response["violations"]


@pytest.fixture(scope="module")
def server():
    """The book as a server would show it."""
    with serving(BUILT) as address:
        yield address


@pytest.mark.parametrize("page", most(OWN, ["search.html"]))
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


@pytest.mark.parametrize("path", most(CHAPTERS, CHAPTERS[:1]), ids=lambda path: path.stem)
def test_search_finds_a_word_of_every_chapter(visit, path):
    """The longest word of its title leads to it."""
    title = "".join(json.loads(path.read_text())["cells"][0]["source"]).strip().splitlines()[0]
    word = max(re.findall(r"\w+", title), key=len)
    seen = visit(f"search.html?q={word}")
    # Results come one by one: it is this one that is waited for, and if it never comes, that fails.
    seen.tab.locator(f"#search-results li a[href*='chapters/{path.stem}.html']").first.wait_for()
    assert seen.problems == []
