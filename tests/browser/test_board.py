"""The scoreboard's table: asked by verdict, by word, by its heads, and without scripts."""

import pytest
from conftest import Visit, address

from glorot2010.verdicts import ledger

PAGE = "chapters/20_scoreboard.html"
SMALL = {"width": 390, "height": 844}
TABLE = ledger.load()


@pytest.fixture(scope="module")
def page(browser):
    seen = Visit(browser, PAGE)
    yield seen
    seen.tab.context.close()


@pytest.fixture
def board(page):
    """The page, which begins anew with what it is asked."""

    def ask(asked=""):
        page.ask(asked)
        return page.tab

    yield ask
    assert page.problems == []


def ids(tab):
    """Ids of the rows that are seen, from above."""
    return tab.locator("table.board tbody tr:visible td:nth-child(2)").all_inner_texts()


def with_verdict(verdict):
    return set(TABLE["id"][TABLE["verdict"] == verdict])


def test_a_verdict_and_a_word_narrow_the_table_and_stand_in_the_address(board):
    tab = board()
    assert len(ids(tab)) == len(TABLE)
    fails = tab.locator(".board-bar button", has_text="fails")
    fails.click()
    assert set(ids(tab)) == with_verdict("fails")
    assert fails.get_attribute("aria-pressed") == "true"
    find = tab.locator(".board-bar input")
    find.fill("softsign")
    few = set(ids(tab))
    assert "P29" in few < with_verdict("fails")
    assert tab.locator(".board-bar output").inner_text() == f"{len(few)} of {len(TABLE)} claims"
    asked = tab.evaluate("location.hash")
    assert asked == "#verdict=fails&find=softsign"
    assert len(ids(board())) == len(TABLE)
    tab.goto(address(PAGE + asked))
    tab.reload()  # a change after # alone does not load the page again
    assert set(ids(tab)) == few
    tab.get_by_role("button", name="show all").click()
    assert len(ids(tab)) == len(TABLE) and tab.evaluate("location.hash") == ""


def test_an_id_finds_one_claim_and_nonsense_none(board):
    tab = board("find=P3")
    assert ids(tab) == ["P3"]
    tab.locator(".board-bar input").fill("no such word")
    assert ids(tab) == [] and tab.locator("table.board").is_hidden()
    assert tab.locator(".board-bar output").inner_text() == f"0 of {len(TABLE)} claims"
    tab.locator(".board-bar input").fill("")
    assert len(ids(tab)) == len(TABLE)


def test_heads_sort_by_keys_in_natural_order_and_back(board):
    tab = board("whose=the+paper")
    head = tab.get_by_role("button", name="id", exact=True)
    head.focus()
    head.press("Enter")
    numbers = [int(name[1:]) for name in ids(tab)]
    assert numbers == sorted(numbers) and numbers[-1] > 30
    head.press(" ")
    assert [int(name[1:]) for name in ids(tab)] == numbers[::-1]
    assert tab.locator("th[aria-sort]").get_attribute("aria-sort") == "descending"
    tab.get_by_role("button", name="verdict", exact=True).click()
    order = [ledger.VERDICTS.index(TABLE.set_index("id")["verdict"][name]) for name in ids(tab)]
    assert order == sorted(order)


def test_a_link_in_the_text_asks_the_table(board):
    tab = board()
    tab.locator('article a[href*="find=rule+changed"]').click()
    tab.wait_for_function("() => document.querySelector('.board-bar input').value !== ''")
    changed = {name for name, claim in ledger.CLAIMS.items() if claim.changed}
    assert set(ids(tab)) == changed
    box = tab.locator(".board-bar").bounding_box()
    assert 0 <= box["y"] < 200


def test_what_decided_is_folded_and_opens_by_key(board):
    tab = board("find=P30")
    details = tab.locator("table.board tr:visible details")
    rule = details.get_by_text("Rule.", exact=True)
    assert rule.is_hidden()
    details.locator("summary").press("Enter")
    assert rule.is_visible()


def test_on_a_phone_rows_are_cards_that_fit_and_without_scripts_the_table_is_there_whole(browser):
    context = browser.new_context(viewport=SMALL, java_script_enabled=False)
    tab = context.new_page()
    tab.goto(address(PAGE))
    assert len(ids(tab)) == len(TABLE) and tab.locator(".board-bar").count() == 0
    assert tab.locator("table.board td a").first.get_attribute("href").endswith(".html")
    row = tab.locator("table.board tbody tr").first
    verdict, claim = (row.locator("td").nth(k).bounding_box() for k in (0, 2))
    assert claim["y"] > verdict["y"] and claim["width"] > 300
    context.close()


def test_on_a_phone_the_table_can_be_sorted_and_nothing_sticks_out(board):
    tab = board()
    before = tab.viewport_size
    tab.set_viewport_size(SMALL)
    assert tab.evaluate("document.documentElement.scrollWidth") == SMALL["width"]
    assert tab.locator("table.board thead button").first.is_visible()
    tab.set_viewport_size(before)
