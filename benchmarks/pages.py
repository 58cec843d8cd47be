"""How quick the built pages are: ``python -m benchmarks.pages [part of a page ...]``.

In Chromium on this machine: when a page that comes from a local server shows its first words (first
contentful paint, a fresh profile each time), when the laboratory, opened from disk, can be trained,
how many updates it makes a second, and how long the page's frames last meanwhile. The floor of the
first and the last is a page with nothing but a word. Nothing is asserted.
"""

from __future__ import annotations

import itertools
import statistics
import sys
import time
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright
from tqdm import tqdm

from tools import chromium
from tools.server import serving

BUILT = Path(__file__).parents[1] / "_build" / "html"
EMPTY = "data:text/html,<title>empty</title><p>A word."
REPEATS = 5
GOALS = {"paint": 1000, "ready": 1000, "frame": 32}  # milliseconds
SIZE = {"width": 1280, "height": 900}
SETTINGS = {
    "the plane, 5 x 32": "room=plane&depth=5&width=32",
    "the paper's network, 5 x 100": "room=paper&depth=5&width=100",
}

PAINT = """() => new Promise((done) => new PerformanceObserver((list) => {
  for (const entry of list.getEntries())
    if (entry.name === "first-contentful-paint") done(entry.startTime);
}).observe({ type: "paint", buffered: true }))"""
READY = """() => new Promise((done) => {
  const look = () => document.querySelector("[data-main][data-ready]")
    ? done(performance.now()) : requestAnimationFrame(look);
  look();
})"""
STEPS = "() => document.querySelector('[data-main]').lab.arms[0].view.steps"
FRAMES = """(count) => new Promise((done) => {
  const times = [];
  const next = (now) => { times.push(now); times.length > count ? done(times) : requestAnimationFrame(next); };
  requestAnimationFrame(next);
})"""  # noqa: E501


def first_paint(browser: Browser, address: str) -> list[float]:
    """Milliseconds from the request to the first words, in fresh profiles."""
    times = []
    for _ in range(REPEATS):
        with browser.new_context(viewport=SIZE) as fresh:
            tab = fresh.new_page()
            tab.goto(address, wait_until="commit")
            times.append(tab.evaluate(PAINT))
    return times


def frames(tab: Page, count: int = 300) -> list[float]:
    """Milliseconds between frames, the first few left out, sorted."""
    times = tab.evaluate(FRAMES, count)
    return sorted(later - now for now, later in itertools.pairwise(times[10:]))


def main(parts: list[str]) -> None:
    if chromium.EXECUTABLE is None:
        sys.exit(chromium.MISSING)
    if not (BUILT / "index.html").exists():
        sys.exit("the book is not built: run `make book`")
    names = sorted(path.name for path in (BUILT / "chapters").glob("*.html"))
    names = [name for name in names if not parts or any(part in name for part in parts)]
    with serving(BUILT) as home, sync_playwright() as playwright:
        browser = chromium.launch(playwright)
        paints(browser, home, names)
        readiness_of_the_laboratory(browser)
        training_in_the_laboratory(browser, home)
        browser.close()


def paints(browser: Browser, home: str, names: list[str]) -> None:
    first_paint(browser, EMPTY)  # the browser's own start
    floor = statistics.median(first_paint(browser, EMPTY))
    print(f"first words of a page, ms, goal {GOALS['paint']} (an empty page: {floor:.0f})")
    for name in tqdm(names, leave=False):
        times = first_paint(browser, f"{home}/chapters/{name}")
        tqdm.write(f"  {name:<28} {statistics.median(times):5.0f}, up to {max(times):5.0f}")


def readiness_of_the_laboratory(browser: Browser) -> None:
    times = []
    for _ in range(REPEATS):
        with browser.new_context(viewport=SIZE) as fresh:
            tab = fresh.new_page()
            tab.goto((BUILT / "chapters" / "laboratory.html").as_uri(), wait_until="commit")
            times.append(tab.evaluate(READY))
    print(f"the laboratory from disk until it can be trained, ms, goal {GOALS['ready']}")
    print(f"  {statistics.median(times):.0f}, up to {max(times):.0f}")


def training_in_the_laboratory(browser: Browser, home: str) -> None:
    print(f"frames, ms, goal {GOALS['frame']}: median, 95 of 100, longest; updates a second")
    with browser.new_page(viewport=SIZE) as tab:
        tab.goto(EMPTY)
        report("an empty page", frames(tab))
    for name, settings in SETTINGS.items():
        with browser.new_page(viewport=SIZE) as tab:
            tab.goto(f"{home}/chapters/laboratory.html#{settings}")
            tab.evaluate(READY)
            tab.locator("[data-main]").get_by_role("button", name="Train", exact=True).click()
            began = time.perf_counter()
            times = frames(tab)
            rate = tab.evaluate(STEPS) / (time.perf_counter() - began)
            report(name, times, f"; {rate:,.0f}")


def report(name: str, times: list[float], more: str = "") -> None:
    print(
        f"  {name:<28} {statistics.median(times):5.1f}, {times[int(0.95 * len(times))]:5.1f}, "
        f"{times[-1]:5.1f}{more}"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
