"""Pages carry what they show and nothing else, and everything that they show is still there."""

import re
from functools import cache
from pathlib import Path

import pytest
import weight
from fontTools.ttLib import TTFont

ROOT = Path(__file__).parents[2]
BUILT = ROOT / "_build" / "html"
STATIC = BUILT / "_static"
FONTS = {"fa-solid": "fa-solid-900", "fas": "fa-solid-900", "fa-brands": "fa-brands-400",
         "fab": "fa-brands-400",
         "fa-regular": "fa-regular-400", "far": "fa-regular-400"}  # fmt: skip


def test_a_style_sheet_keeps_the_icons_that_are_named(tmp_path):
    sheet = tmp_path / "theme.css"
    sheet.write_text(
        '.fa-lg{font-size:2em}.fa-house:before,.fa-home:before{content:"\\f015"}'
        '.fa-egg:before{content:"\\f7fb"}:root{--icon:"\uf105"}.pencil{content: "\\f303"}'
        '@font-face{src:url(../fontawesome/webfonts/a.woff2) format("woff2"),url(a.ttf)}'
    )
    assert weight.keep_icons(sheet, {"fa-home"}) == {0xF015, 0xF105, 0xF303}
    kept = sheet.read_text()
    assert "fa-home" in kept and "fa-lg" in kept and "url(a.ttf)" in kept
    assert "egg" not in kept and "woff2" not in kept
    assert weight.keep_icons(sheet, {"fa-home"}) == {0xF015, 0xF105, 0xF303}  # a second time
    assert sheet.read_text() == kept


def test_a_script_comes_without_comments_and_does_the_same():
    script = """  // What it does,
  /** in two lines
      of text. */
  const f = (x) => x /* in between */ * 2; // behind
    const address = "http://a//b", text = `one
    two`;
"""
    assert weight.bare(script) == (
        "const f = (x) => x /* in between */ * 2; // behind\n"
        'const address = "http://a//b", text = `one\ntwo`;\n'
    )


@cache
def pages() -> dict[str, str]:
    found = (path for path in BUILT.rglob("*.html") if STATIC not in path.parents)
    return {path.relative_to(BUILT).as_posix(): path.read_text(encoding="utf-8") for path in found}


@pytest.mark.usefixtures("book")
def test_every_icon_of_a_page_can_be_drawn():
    sheet = (STATIC / "styles" / "pydata-sphinx-theme.css").read_text(encoding="utf-8")
    codes = {name: int(rule[2], 16) for rule in weight.RULE.finditer(sheet)
             for name in weight.NAMED.findall(rule[1])}  # fmt: skip
    folder = STATIC / "vendor" / "fontawesome" / "webfonts"
    glyphs = {font: set(TTFont(folder / f"{font}.ttf").getBestCmap()) for font in FONTS.values()}
    icons = {
        tuple(classes.split())
        for text in pages().values()
        for classes in re.findall(r'class="([^"]*\bfa-[^"]*)"', text)
    }
    assert len(icons) > 8
    for icon in icons:
        (font,) = {FONTS[name] for name in icon if name in FONTS}
        (code,) = {codes[name] for name in icon if name in codes}
        assert code in glyphs[font], icon
    # What style sheets show, as the pencil of an exercise, is in the font that they name.
    assert 0xF303 in glyphs["fa-solid-900"]
    assert {ord(icon) for icon in weight.PRIVATE.findall(sheet)} <= set.union(*glyphs.values())
    assert sum(file.stat().st_size for file in folder.iterdir()) < 30_000


@pytest.mark.usefixtures("book")
def test_scripts_are_loaded_where_they_have_something_to_do():
    for page, text in pages().items():
        assert "fontawesome.js" not in text
        assert ("searchindex.js" in text) == (page == "search.html"), page
        body = text.partition("<article")[2] or text.partition("<main")[2]
        for script, needs in weight.NEEDS.items():
            loaded = re.search(rf'<(?:script|link)[^>]*/{re.escape(script)}[?"]', text) is not None
            assert loaded == (needs.search(body) is not None), (page, script)
    assert "hero.js" in pages()["chapters/index.html"]
    assert "tex-chtml.js" not in pages()["chapters/index.html"]
    assert "tex-chtml.js" in pages()["chapters/04_forward.html"]


@pytest.mark.usefixtures("book")
def test_what_no_page_asks_for_is_not_there():
    assert [path for path in STATIC.rglob("*") if path.suffix in (".map", ".po", ".mo")] == []
    assert not (STATIC / "scripts" / "fontawesome.js").exists()
