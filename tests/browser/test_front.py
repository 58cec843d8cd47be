"""The first page: useful at once, with and without scripts; and what a page weighs."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
from conftest import BUILT, DESKTOP, PAGES

FRONT = "chapters/index.html"
PHONE = {"width": 390, "height": 844}
LINE = 3**0.5
MOST = 2.5e6  # bytes of a page with all that it loads, as they lie on a disk
SHIFTS = """
    window.shifted = 0;
    new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) if (!entry.hadRecentInput) shifted += entry.value;
    }).observe({ type: "layout-shift", buffered: true });
"""


@pytest.fixture
def front(browser):
    """The first page in a context of its own, which takes the options of a context."""
    contexts = []

    def open_front(**options):
        context = browser.new_context(**{"viewport": DESKTOP, **options})
        context.set_default_timeout(600_000)
        contexts.append(context)
        tab = context.new_page()
        if options.get("java_script_enabled", True):
            tab.add_init_script(SHIFTS)
        tab.goto((BUILT / FRONT).as_uri())
        return tab

    yield open_front
    for context in contexts:
        context.close()


def come_to_rest(tab):
    """The slider stands where its one motion ends."""
    tab.wait_for_function(
        "line => Math.abs(document.querySelector('.hero-slider input')?.value - line) < 0.01",
        arg=LINE,
    )


def reach_and_shares(tab):
    """What the sentence says: the weights' reach, what is kept forward, and backward."""
    text = tab.locator(".hero-said").inner_text()
    found = re.match(
        r"Weights up to ([\d.]+)/√n: activations in layer 5 are ([\d.]+) % the size .*?"
        r"(?:layer 1 is ([\d.]+) % the size|grows ([\d.]+) times)",
        text,
    )
    assert found, text
    reach, kept, back, grown = found.groups()
    return float(reach), float(kept) / 100, float(back) / 100 if back else float(grown)


def by_another_network(reach, width=100, images=60, layers=5):
    """The two shares in networks of other weights: their means and standard deviations."""
    shares = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        weights = reach / width**0.5 * rng.uniform(-1, 1, (layers, width, width))
        outputs = [rng.uniform(-1, 1, (images, width))]
        for matrix in weights:
            outputs.append(np.tanh(outputs[-1] @ matrix))
        arriving, gradients = rng.uniform(-1, 1, (images, width)), []
        for k in reversed(range(layers)):
            gradients.append(arriving * (1 - outputs[k + 1] ** 2))
            arriving = gradients[-1] @ weights[k].T
        size = [np.sqrt((values**2).mean()) for values in (outputs[-1], outputs[1])]
        back = [np.sqrt((values**2).mean()) for values in (gradients[-1], gradients[0])]
        shares.append((size[0] / size[1], back[0] / back[1]))
    return np.mean(shares, axis=0), np.std(shares, axis=0)


def test_the_numbers_are_those_of_such_a_network(front):
    tab = front(reduced_motion="reduce")
    come_to_rest(tab)
    for key, said in ((None, "1.73"), ("Home", "0.50"), ("End", "3.00")):
        if key:
            tab.locator(".hero-slider input").press(key)
        tab.wait_for_function(
            "reach => document.querySelector('.hero-said').textContent.includes(reach)", arg=said
        )
        reach, *shares = reach_and_shares(tab)
        mean, deviation = by_another_network(reach)
        assert np.all(np.abs(shares - mean) < 5 * deviation + 0.005), said


def test_the_slider_answers_to_keys_and_speaks_when_it_stands(front):
    tab = front()
    come_to_rest(tab)
    slider, spoken = (
        tab.get_by_label("How far the random weights reach"),
        tab.locator("[aria-live]"),
    )
    assert spoken.inner_text() == ""  # of what the page does by itself nothing is announced
    slider.press("ArrowRight")
    tab.wait_for_function("() => document.querySelector('[aria-live]').textContent !== ''")
    reach, *_ = reach_and_shares(tab)
    assert reach == pytest.approx(LINE + 0.01, abs=0.01)
    assert spoken.text_content() == tab.locator(".hero-said").text_content()
    assert slider.get_attribute("aria-valuetext") == f"{reach:.2f} over the root of n"
    tab.get_by_role("button", name="2010’s standard").press("Enter")
    tab.wait_for_function(
        "() => document.querySelector('[aria-live]').textContent.includes(' 1.00/')"
    )


def test_who_is_quicker_than_the_motion_is_not_interrupted(front):
    tab = front()
    tab.evaluate(
        """() => {
            const slider = document.querySelector(".hero-slider input");
            slider.value = 2.5;
            slider.dispatchEvent(new Event("input"));
        }"""
    )
    tab.wait_for_function(
        "() => document.querySelector('.hero-said').textContent.includes(' 2.50/')"
    )
    tab.wait_for_timeout(1500)
    assert reach_and_shares(tab)[0] == 2.5


@pytest.mark.parametrize("viewport", [PHONE, pytest.param(DESKTOP, marks=pytest.mark.thorough)])
def test_the_picture_is_on_the_first_screen_and_nothing_moves(front, viewport):
    tab = front(viewport=viewport)
    come_to_rest(tab)
    for what in (".hero-panels", ".hero-slider", ".hero-said"):
        box = tab.locator(what).bounding_box()
        assert box["x"] >= 0 and box["y"] + box["height"] <= viewport["height"], what
    assert tab.evaluate("() => shifted") < 0.05
    marks = [button.bounding_box() for button in tab.locator(".hero-marks button").all()]
    assert marks[0]["x"] + marks[0]["width"] <= marks[1]["x"]


def test_without_scripts_the_page_says_where_to_look_and_a_card_is_a_link_as_a_whole(front):
    tab = front(java_script_enabled=False, viewport=PHONE)
    hero = tab.locator(".xavier-hero")
    assert "Fig. 1" in hero.inner_text() and hero.locator("a").is_visible()
    assert tab.locator(hero.locator("a").get_attribute("href")).count() == 1
    doors = tab.locator(".doors > ul > li")
    assert doors.count() == 3 and all(door.locator("a").first.is_visible() for door in doors.all())
    cards = tab.locator("ul.chapter-cards > li")
    assert cards.locator("img").first.is_visible()
    cards.locator(".card-sentence").nth(3).click(force=True)  # the link lies over it
    tab.wait_for_url("**/04_forward.html")


def weight(browser, page):
    """Bytes of a page with all that it loads."""
    tab, asked = browser.new_page(viewport=DESKTOP), set()
    tab.on("request", lambda request: asked.add(unquote(urlsplit(request.url).path)))
    tab.goto(page.as_uri())
    tab.evaluate("() => window.MathJax?.startup?.promise")
    tab.wait_for_load_state("networkidle")
    tab.close()
    files = [Path(path) for path in asked if Path(path).is_file()]
    assert len(files) > 10
    return sum(file.stat().st_size for file in files)


@pytest.mark.parametrize("longest", [4, pytest.param(len(PAGES), marks=pytest.mark.thorough)])
def test_a_page_weighs_little(browser, longest):
    pages = [BUILT / page for page in PAGES if re.match("chapters/(?!api)", page)]
    for page in sorted(pages, key=lambda page: page.stat().st_size)[-longest:]:
        assert weight(browser, page) < MOST, page.name
