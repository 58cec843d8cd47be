"""Screenshots of the built book, to be looked at: `python tools/screens.py [part of a page ...]`.

Every page at desktop and at phone width, in light and in dark, whole, goes to
``_build/screens/PAGE-WIDTH-SCHEME.png``. Needs Chromium on the PATH, or its place in the variable
CHROMIUM.
"""

import sys
from pathlib import Path

import chromium
from playwright.sync_api import Browser, sync_playwright
from tqdm import tqdm

BUILD = Path(__file__).parents[1] / "_build"
SCREENS = BUILD / "screens"
WIDTHS = {"desktop": 1280, "phone": 360}


def pages(parts: list[str]) -> list[Path]:
    """The pages that readers open; those of the source code are all made alike."""
    found = sorted((BUILD / "html" / "chapters").glob("*.html"))
    found += [BUILD / "html" / name for name in ("genindex.html", "search.html")]
    return [page for page in found if not parts or any(part in page.name for part in parts)]


def screen(browser: Browser, page: Path, width: str, scheme: str) -> None:
    tab = browser.new_page(viewport={"width": WIDTHS[width], "height": 900}, color_scheme=scheme)
    tab.goto(page.as_uri())
    tab.evaluate("() => window.MathJax?.startup?.promise")
    tab.screenshot(path=SCREENS / f"{page.stem}-{width}-{scheme}.png", full_page=True)
    tab.close()


def main(parts: list[str]) -> None:
    if chromium.EXECUTABLE is None:
        sys.exit(chromium.MISSING)
    SCREENS.mkdir(parents=True, exist_ok=True)
    every = [
        (page, width, scheme)
        for page in pages(parts)
        for width in WIDTHS
        for scheme in ("light", "dark")
    ]
    with sync_playwright() as playwright:
        browser = chromium.launch(playwright)
        for page, width, scheme in tqdm(every):
            screen(browser, page, width, scheme)
        browser.close()
    print(f"{len(every)} screenshots are in {SCREENS}")


if __name__ == "__main__":
    main(sys.argv[1:])
