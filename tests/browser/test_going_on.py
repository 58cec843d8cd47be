"""Where one was is remembered, keys lead on, and search shows what surrounds a hit."""

import pytest
from conftest import BUILT, DESKTOP
from server import serving

CHAPTER = "chapters/01_symmetry.html"
FRONT = "chapters/index.html"


@pytest.fixture
def reader(browser):
    """A tab of somebody who has not been here before."""
    context = browser.new_context(viewport=DESKTOP)
    context.set_default_timeout(600_000)
    yield context.new_page()
    context.close()


def at(page):
    return (BUILT / page).as_uri()


def remembered(tab, what):
    """Wait till it is: a page may be looked at before it has been scrolled, and while it is."""
    stored = "JSON.parse(localStorage.getItem('xavier-reading'))"
    tab.wait_for_function(f"() => {{ const found = {stored}; return found && ({what}); }}")


def test_who_comes_for_the_first_time_is_offered_nothing(reader):
    reader.goto(at(FRONT))
    assert reader.locator(".go-on").count() == 0
    assert reader.locator(".card-minutes").first.inner_text().endswith("minutes")


def test_the_first_page_leads_back_to_where_one_was_and_can_forget_it(reader):
    reader.goto(at(CHAPTER))
    section = reader.locator("article section[id]").nth(3).get_attribute("id")
    reader.evaluate("id => document.getElementById(id).scrollIntoView()", section)
    remembered(reader, f"found.last?.at === '{section}'")
    reader.goto(at(FRONT))
    link = reader.locator(".go-on a")
    assert link.get_attribute("href") == f"01_symmetry.html#{section}"
    assert "seen" in reader.locator(".card-minutes").first.inner_text()
    link.click()
    reader.wait_for_url(f"**/01_symmetry.html#{section}")
    reader.goto(at(FRONT))
    reader.get_by_role("button", name="Forget").click()
    reader.wait_for_function("() => !document.querySelector('.go-on')")
    assert reader.evaluate("() => localStorage.getItem('xavier-reading')") is None


def test_a_chapter_that_was_seen_to_its_end_is_read(reader):
    reader.goto(at(CHAPTER))
    reader.evaluate("() => scrollTo(0, document.documentElement.scrollHeight)")
    remembered(reader, "found.pages['01_symmetry'].share >= 0.95")
    reader.goto(at(FRONT))
    assert reader.locator(".card-minutes").first.inner_text().endswith(", read")


def test_what_others_keep_under_that_name_harms_nothing(reader):
    problems = []
    reader.on("pageerror", lambda error: problems.append(str(error)))
    reader.goto(at(FRONT))
    for kept in ("{", "[1]", '"x"', '{"pages": 3}', '{"last": {"name": "../x"}}'):
        reader.evaluate("kept => localStorage.setItem('xavier-reading', kept)", kept)
        reader.reload()
        assert reader.locator(".go-on").count() == 0 and problems == [], kept


def test_arrows_lead_to_the_pages_beside_this_one_but_not_from_a_slider(reader):
    reader.goto(at(CHAPTER))
    reader.keyboard.press("ArrowRight")
    reader.wait_for_url("**/02_data.html")
    reader.keyboard.press("ArrowLeft")
    reader.wait_for_url("**/01_symmetry.html")
    reader.goto(at(FRONT))
    reader.locator(".hero-slider input").press("ArrowRight")
    assert reader.url == at(FRONT)


def test_search_shows_what_surrounds_a_hit_where_it_is_served(reader):
    with serving(BUILT) as address:
        reader.goto(f"{address}/search.html?q=softsign")
        reader.locator("#search-results .context").first.wait_for()
        assert "softsign" in reader.locator("#search-results .context").first.inner_text().lower()
