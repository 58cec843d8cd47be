"""How quick the built pages are: ``python -m benchmarks.pages [part of a page ...]``.

Two things, in Chromium on this machine: when a page that comes from a local server shows its first
words (first contentful paint, a fresh profile each time), and how long the laboratory's frames last
while it trains. The floor of the one is an empty page from the same server, of the other a page
that does nothing between two frames. Nothing is asserted.
"""

from __future__ import annotations

import functools
import http.server
import itertools
import statistics
import sys
import threading
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright
from tqdm import tqdm

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import chromium  # noqa: E402  (a tool, beside the script that takes screenshots)

BUILT = ROOT / "_build" / "html"
REPEATS = 5
GOALS = {"paint": 1000, "frame": 32}  # milliseconds
SIZE = {"width": 1280, "height": 900}
SETTINGS = {
    "the plane, 5 x 32": "room=plane&depth=5&width=32",
    "the paper's network, 5 x 100": "room=paper&depth=5&width=100",
}

PAINT = """() => new Promise((done) => new PerformanceObserver((list) => {
  for (const entry of list.getEntries())
    if (entry.name === "first-contentful-paint") done(entry.startTime);
}).observe({ type: "paint", buffered: true }))"""
FRAMES = """(count) => new Promise((done) => {
  const times = [];
  const next = (now) => { times.push(now); times.length > count ? done(times) : requestAnimationFrame(next); };
  requestAnimationFrame(next);
})"""  # noqa: E501


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serve files, and say nothing of it."""

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        if self.path == "/empty":
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>empty</title><p>A word.</p>")
        else:
            super().do_GET()


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
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=BUILT)
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    home = f"http://127.0.0.1:{server.server_port}"
    names = sorted(path.name for path in (BUILT / "chapters").glob("*.html"))
    names = [name for name in names if not parts or any(part in name for part in parts)]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium.EXECUTABLE, args=chromium.ARGS
        )
        first_paint(browser, f"{home}/empty")  # the browser's own start
        floor = statistics.median(first_paint(browser, f"{home}/empty"))
        print(f"first words of a page, ms, goal {GOALS['paint']} (an empty page: {floor:.0f})")
        for name in tqdm(names, leave=False):
            times = first_paint(browser, f"{home}/chapters/{name}")
            tqdm.write(f"  {name:<28} {statistics.median(times):5.0f}, up to {max(times):5.0f}")
        tab = browser.new_page(viewport=SIZE)
        tab.goto(f"{home}/empty")
        print(f"frames, ms, goal {GOALS['frame']}: median, 95 of 100, longest")
        report("an empty page", frames(tab))
        for name, settings in SETTINGS.items():
            tab = browser.new_page(viewport=SIZE)
            tab.goto(f"{home}/chapters/laboratory.html#{settings}")
            tab.locator("[data-main]").get_by_role("button", name="Train", exact=True).click()
            report(name, frames(tab))
            tab.close()
        browser.close()
    server.shutdown()


def report(name: str, times: list[float]) -> None:
    print(
        f"  {name:<28} {statistics.median(times):5.1f}, {times[int(0.95 * len(times))]:5.1f}, "
        f"{times[-1]:5.1f}"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
