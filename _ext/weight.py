"""Leave out of the built pages what no page shows.

The theme brings all of Font Awesome three times over: as rules of its style sheet, as fonts, and as
a script of 1.5 MB that draws once more what the fonts have drawn. The fonts are cut down to the
icons that pages, scripts and style sheets name; they stay TrueType, since WOFF2 would need another
package, and at a few kilobytes it saves nothing. The icons' rules that nobody names go, too.

It also loads the search index, which holds a word list of the whole book, on every page, for a
search while one types that this book has switched off: the page of results loads its own.

The maps from the theme's scripts and styles to what they were made from, and its translations, are
2 MB that no page asks for.

A script is loaded where its element is, and so is the first page's style; MathJax where there is a
formula. The laboratory's scripts and the book's style come without their comments and indentation,
a fifth of them.
"""

import io
import re
import shutil
from pathlib import Path
from typing import Any

from docutils import nodes
from fontTools import subset
from fontTools.ttLib import TTFont
from sphinx.application import Sphinx

# A script or a style sheet, and what the elements are that it works on.
NEEDS = {
    "design-tabs.js": re.compile(r'class="sd-tab-'),
    "hero.css": re.compile(r'class="xavier-hero\b'),
    "lab.js": re.compile(r'class="xavier-lab\b'),
    "laboratory.js": re.compile(
        r'class="xavier-lab"[^>]* data-(?:main|lab="room=(?:map|spectrum|images))'
    ),
    "hero.js": re.compile(r'class="xavier-hero\b'),
    "board.js": re.compile(r'class="verdict '),
    "tex-chtml.js": re.compile(r'class="[^"]*\b(?:math|(?:tex2jax|mathjax)_process)\b'),
}
SEARCH = re.compile(
    r'\s*<script src="[^"]*(?:searchtools|language_data|searchindex)\.js[^"]*"></script>'
)
ICONS_SCRIPT = re.compile(r'\s*<script defer src="[^"]*/fontawesome\.js[^"]*"></script>')
COMMENTED = ("lab.js", "laboratory.js", "look.css")
# Whole lines alone: what stands behind code, or inside a string, stays.
COMMENTS = re.compile(r"^[ \t]*(?://.*|/\*(?:(?!\*/)[\s\S])*\*/[ \t]*)\n", re.MULTILINE)
INDENTATION = re.compile(r"^[ \t]+", re.MULTILINE)
NAMED = re.compile(r"\bfa-[a-z0-9-]+")
# Rules of icons; those that only say how an icon turns or how large it is have no content.
RULE = re.compile(r'((?:\.fa-[a-z0-9-]+:before,?)+)\{content:"\\([0-9a-f]+)"\}')
ESCAPED = re.compile(r"\\([ef][0-9a-f]{3})\b")
PRIVATE = re.compile(
    "[\ue000-\uf8ff]"
)  # how a style sheet may write an icon, as the character itself
WOFF2 = re.compile(r'url\([^)]*/fontawesome/webfonts/[^)]*\.woff2\) format\("woff2"\),')
KEPT_NAMES = (0, 13, 14)  # whose the font is, and its licence; its own name is reserved


def leave_scripts(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    body = context.get("body", "")
    for files in ("script_files", "css_files"):
        context[files] = [
            file
            for file in context[files]
            if (needs := NEEDS.get(Path(getattr(file, "filename", file) or "").name)) is None
            or needs.search(body)
        ]


def lighten(app: Sphinx, exception: Exception | None) -> None:
    if exception or app.builder.format != "html":
        return
    built = Path(app.outdir)
    static = built / "_static"
    named = set()
    for page in built.rglob("*.html"):
        if static not in page.parents:
            text = page.read_text(encoding="utf-8")
            named |= set(NAMED.findall(text))
            light = ICONS_SCRIPT.sub(
                "", text if page.name == "search.html" else SEARCH.sub("", text)
            )
            if light != text:
                page.write_text(light, encoding="utf-8")
    (static / "scripts" / "fontawesome.js").unlink(missing_ok=True)
    for source_map in static.rglob("*.map"):
        source_map.unlink()
    shutil.rmtree(static / "locales", ignore_errors=True)
    for name in COMMENTED:
        written = static / name
        written.write_text(bare(written.read_text(encoding="utf-8")), encoding="utf-8")
    for script in static.glob("**/*.js"):
        if "mathjax" not in script.parts:
            named |= set(NAMED.findall(script.read_text(encoding="utf-8")))
    shown = {code for sheet in static.rglob("*.css") for code in keep_icons(sheet, named)}
    for font in static.glob("vendor/fontawesome/webfonts/*.ttf"):
        font.write_bytes(cut_font(font, shown))
        font.with_suffix(".woff2").unlink(missing_ok=True)


def bare(script: str) -> str:
    """A script or a style sheet without lines that are comments, and without indentation."""
    return INDENTATION.sub("", COMMENTS.sub("", script))


def keep_icons(sheet: Path, named: set[str]) -> set[int]:
    """Drop the rules of other icons from a style sheet; the characters of those that it shows."""
    text = sheet.read_text(encoding="utf-8")

    def wanted(rule: re.Match[str]) -> str:
        return rule[0] if named & set(NAMED.findall(rule[1])) else ""

    light = WOFF2.sub("", RULE.sub(wanted, text))
    if light != text:
        sheet.write_text(light, encoding="utf-8")
    return {ord(icon) for icon in PRIVATE.findall(light)} | {
        int(code, 16) for code in ESCAPED.findall(light)
    }


def cut_font(path: Path, shown: set[int]) -> bytes:
    options = subset.Options(name_IDs=KEPT_NAMES, hinting=False, notdef_outline=True)
    options.layout_features = []  # icons by ligature, as "house" for a house
    with TTFont(path) as font:
        cutter = subset.Subsetter(options)
        cutter.populate(unicodes=shown)
        cutter.subset(font)
        written = io.BytesIO()
        font.save(written)
    return written.getvalue()


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("html-page-context", leave_scripts, priority=900)
    app.connect("build-finished", lighten)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
