"""The book to take along, from its built pages: `python tools/portable.py pdf` or `epub`.

A browser does the work, and no TeX is needed. For ``book.pdf`` all pages become one, whose links
lead to one another, and that is printed as the browser prints. For ``book.epub`` every page becomes
XHTML with its formulas in MathML and its drawings in the colours of paper. Both come to lie beside
the pages, in ``_build/html``, and the first page offers those that are there. The laboratory, which
is nothing without its scripts, and the reference of the packages, which nobody reads from the first
page to the last, are left out of both.
"""

from __future__ import annotations

import html
import os
import re
import sys
import time
import uuid
import zipfile
from pathlib import Path
from typing import Any

import chromium
import yaml
from playwright.sync_api import Page, Route, sync_playwright

ROOT = Path(__file__).parents[1]
BUILT = ROOT / "_build" / "html" / "chapters"
LEFT_OUT = ("laboratory", "api", "api_experiments", "api_grading")
TITLE = "Xavier: an executable reading of Glorot & Bengio (2010)"
TYPES = {".png": "image/png", ".svg": "image/svg+xml", ".webp": "image/webp", ".jpg": "image/jpeg",
         ".css": "text/css", ".xhtml": "application/xhtml+xml"}  # fmt: skip

NAMED = re.compile(rb' id="image[0-9a-f]+"')

SCRIPT = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
ON_PAPER = """
article.bd-article + article.bd-article { break-before: page; }
article.bd-article details.code-fold { display: none; }
.bd-article { padding: 0 !important; }
"""

STYLE = """
body { line-height: 1.45; }
h1, h2, h3 { line-height: 1.2; hyphens: none; }
pre { padding: 0.5em; white-space: pre-wrap; font-size: 0.8em; background: #f5f4f0; }
.output pre { background: none; border-left: 2px solid #ccc; }
figure { margin: 1em 0; break-inside: avoid; }
figcaption { font-size: 0.85em; }
svg, img { max-width: 100%; height: auto; }
table { border-collapse: collapse; font-size: 0.85em; }
td, th { padding: 0.2em 0.7em 0.2em 0; border-bottom: 1px solid #ccc; vertical-align: top;
         text-align: left; }
details.code-fold { display: none; }
.admonition { margin: 1em 0; padding-left: 0.8em; border-left: 2px solid #999; }
.admonition-title { font-weight: bold; }
"""
PAGE = """<?xml version="1.0" encoding="utf-8"?>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" lang="en"
      xml:lang="en">
<head><title>{title}</title><link rel="stylesheet" href="style.css" /></head>
<body>
{body}
</body>
</html>
"""
CONTAINER = """<?xml version="1.0" encoding="utf-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="book/book.opf" media-type="application/oebps-package+xml" />
</rootfiles></container>
"""
PACKAGE = """<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id" xml:lang="en">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:identifier id="id">urn:uuid:{uuid}</dc:identifier>
<dc:title>{title}</dc:title><dc:language>en</dc:language>
<dc:creator>The xavier contributors</dc:creator>
<dc:rights>Text and figures CC BY 4.0, code MIT</dc:rights>
<meta property="dcterms:modified">{modified}</meta>
<meta property="schema:accessMode">textual</meta>
<meta property="schema:accessibilityFeature">alternativeText</meta>
<meta property="schema:accessibilityFeature">MathML</meta>
<meta property="schema:accessibilityHazard">none</meta>
</metadata>
<manifest>
{manifest}
</manifest>
<spine>
{spine}
</spine>
</package>
"""


def names() -> list[str]:
    """The pages that go along, in the order of the table of contents."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    files = [toc["root"], *(c["file"] for part in toc["parts"] for c in part["chapters"])]
    return [name for file in files if (name := Path(file).name) not in LEFT_OUT]


def no_scripts(route: Route) -> None:
    route.abort() if route.request.resource_type == "script" else route.continue_()


def opened(tab: Page, path: Path) -> None:
    tab.goto(path.as_uri())
    tab.evaluate("() => window.MathJax?.startup?.promise")
    tab.evaluate("() => document.fonts.ready")


def in_page(tab: Page, function: str, name: str, pages: list[str]) -> Any:
    """What a function of portable.js makes of the page."""
    return tab.evaluate(f"told => {{ {SCRIPT}; return {function}(told) }}", [name, pages])


def pdf(tab: Page, pages: list[str], target: Path) -> None:
    """Print all pages as one."""
    tab.route("**/*", no_scripts)
    articles = []
    for name in pages:
        tab.goto((BUILT / f"{name}.html").as_uri())
        articles.append(in_page(tab, "printed", name, pages))
    tab.unroute("**/*")
    # The page of a chapter with formulas is the frame: its style, its fonts, its MathJax.
    frame = (BUILT / "04_forward.html").read_text(encoding="utf-8")
    before, _, rest = frame.partition("<article")
    after = rest.partition("</article>")[2]
    before = before.replace("</head>", f"<style>{ON_PAPER}</style></head>", 1)
    whole = BUILT / "whole_book.html"
    try:
        whole.write_text(before + "\n".join(articles) + after, encoding="utf-8")
        tab.emulate_media(media="print", color_scheme="light")
        opened(tab, whole)
        tab.evaluate("title => document.title = title", TITLE)
        part = target.with_suffix(".part")
        tab.pdf(
            path=part, format="A4", outline=True, tagged=True, display_header_footer=True,
            margin={"top": "22mm", "bottom": "22mm", "left": "25mm", "right": "25mm"},
            header_template="<span></span>", footer_template=(
                '<div style="width:100%;text-align:center;font:9px sans-serif;color:#666">'
                '<span class="pageNumber"></span></div>'
            ),
        )  # fmt: skip
    finally:
        whole.unlink(missing_ok=True)
    part.replace(target)


def epub(tab: Page, pages: list[str], target: Path) -> None:
    """Put all pages into one file for readers of electronic books."""
    tab.emulate_media(media="print", color_scheme="light")
    files: dict[str, str | bytes] = {"style.css": STYLE}
    manifest, contents = [], []
    for name in pages:
        opened(tab, BUILT / f"{name}.html")
        page = in_page(tab, "readable", name, pages)
        (_, _, title), *sections = page["headings"]
        files[f"{name}.xhtml"] = PAGE.format(title=html.escape(title), body=page["body"])
        for source in page["images"]:
            image = (BUILT / source).resolve()
            # matplotlib gives equal pictures of one drawing one name, which XML forbids.
            files[f"images/{image.name}"] = NAMED.sub(b"", image.read_bytes())
        has = " ".join({"svg": "svg", "math": "mathml"}[tag] for tag in page["has"])
        manifest.append((f"{name}.xhtml", has))
        inner = "".join(entry(f"{name}.xhtml#{at}", text) for _, at, text in sections if at)
        contents.append(entry(f"{name}.xhtml", title, f"<ol>{inner}</ol>" if inner else ""))
    nav = f'<nav epub:type="toc"><h1>Contents</h1><ol>{"".join(contents)}</ol></nav>'
    files["nav.xhtml"] = PAGE.format(title="Contents", body=nav)
    manifest += [("nav.xhtml", "nav")]
    manifest += [(file, "") for file in files if not file.endswith(".xhtml")]
    now = time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", time.time())))
    files["book.opf"] = PACKAGE.format(
        uuid=uuid.uuid5(uuid.NAMESPACE_URL, TITLE),
        title=html.escape(TITLE),
        modified=time.strftime("%Y-%m-%dT%H:%M:%SZ", now),
        manifest="\n".join(item(*entry) for entry in manifest),
        spine="\n".join(f'<itemref idref="{ident(f"{name}.xhtml")}" />' for name in pages),
    )
    part = target.with_suffix(".part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)  # first, and plain
        archive.writestr("META-INF/container.xml", CONTAINER)
        for file, content in files.items():
            archive.writestr(f"book/{file}", content)
    part.replace(target)


def entry(link: str, text: str, inner: str = "") -> str:
    return f'<li><a href="{link}">{html.escape(text)}</a>{inner}</li>'


def ident(file: str) -> str:
    return "_" + re.sub(r"\W", "_", file)


def item(file: str, properties: str) -> str:
    said = f' properties="{properties}"' if properties else ""
    kind = TYPES[Path(file).suffix]
    return f'<item id="{ident(file)}" href="{file}" media-type="{kind}"{said} />'


OFFER = re.compile(r'<p class="take-along">.*?</p>\n')
DOORS = re.compile(r'<div class="doors.*?</ul>\s*</div>\n?', re.DOTALL)


def offer(built: Path) -> None:
    """Let the first page of the chapters in this folder lead to the files that lie above it."""
    page = built / "index.html"
    there = [kind for kind in MAKE if (built.parent / f"book.{kind}").exists()]
    links = " or ".join(f'<a href="../book.{kind}">{kind.upper()}</a>' for kind in there)
    line = f'<p class="take-along">Take the book along as {links}.</p>\n' if there else ""
    text = OFFER.sub("", page.read_text(encoding="utf-8"))
    text, found = DOORS.subn(lambda doors: doors[0] + line, text, count=1)
    if not found:
        sys.exit(f"{page} has no doors to put the offer below")
    page.write_text(text, encoding="utf-8")


MAKE = {"pdf": pdf, "epub": epub}


def main(kind: str) -> None:
    if kind not in MAKE:
        sys.exit(f"kind must be one of {', '.join(MAKE)}, got {kind!r}")
    if chromium.EXECUTABLE is None:
        sys.exit(chromium.MISSING)
    if not (BUILT / "index.html").exists():
        sys.exit("the book is not built: run `make book`")
    target = BUILT.parent / f"book.{kind}"
    with sync_playwright() as playwright:
        browser = chromium.launch(playwright)
        tab = browser.new_page(viewport={"width": 1000, "height": 1400})
        tab.set_default_timeout(300_000)  # ms
        MAKE[kind](tab, names(), target)
        browser.close()
    offer(BUILT)
    print(f"{target} ({target.stat().st_size / 1e6:.1f} MB)")


if __name__ == "__main__":
    main("".join(sys.argv[1:2]))
