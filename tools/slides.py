"""Slides of every chapter: `python tools/slides.py [part of a file name ...]`.

They are made of the cells that are tagged ``slide``: a figure with its caption, or of a text cell
its heading and its prediction; all of it, if it says what to remember. A slide deck is one plain
page, ``_build/slides/NN_name.html``, in which the browser's own keys go on; formulas are drawn by
the book's MathJax, beside it in ``_build/html``.
"""

import base64
import html
import re
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin

CHAPTERS = Path(__file__).parents[1] / "chapters"
SLIDES = CHAPTERS.parent / "_build" / "slides"
MATHJAX = "../html/_static/mathjax/tex-chtml.js"
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
html {{ scroll-snap-type: y mandatory; font: 2.6vmin/1.4 system-ui, sans-serif; }}
body {{ margin: 0; color: #1a1a1a; background: #fff; }}
section {{ box-sizing: border-box; min-height: 100vh; padding: 6vmin 10vmin;
  scroll-snap-align: start; display: flex; flex-direction: column; justify-content: center; }}
h1 {{ font-size: 7vmin; }} h2 {{ font-size: 4.5vmin; }} p, li {{ max-width: 38em; }}
img {{ max-width: 100%; max-height: 72vh; object-fit: contain; align-self: center; }}
footer {{ font-size: 1.6vmin; color: #666; margin-top: auto; }}
@media (prefers-color-scheme: dark) {{ body {{ color: #eee; background: #181818; }}
  img {{ background: #fff; padding: 1vmin; }} footer {{ color: #aaa; }} }}
@media print {{ section {{ page-break-after: always; }} }}
</style>
<script>
// Arrow keys and space go from slide to slide, as a clicker's keys do.
addEventListener("keydown", (event) => {{
  const step = {{ ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1,
                  ArrowLeft: -1, ArrowUp: -1, PageUp: -1 }}[event.key];
  if (!step) return;
  event.preventDefault();
  scrollTo({{ top: (Math.round(scrollY / innerHeight) + step) * innerHeight }});
}});
window.MathJax = {{ tex: {{ inlineMath: [["\\\\(", "\\\\)"]] }} }};
</script>
<script src="{mathjax}" defer></script>
</head>
<body>
{slides}
</body>
</html>
"""
ENCODED: dict[str, Callable[[str], str]] = {
    "image/svg+xml": lambda drawing: base64.b64encode(drawing.encode()).decode(),
    "image/png": str,
}
MARKDOWN = MarkdownIt("commonmark").use(
    dollarmath_plugin,
    renderer=lambda text, options: (
        f"\\[{html.escape(text)}\\]" if options["display_mode"] else f"\\({html.escape(text)}\\)"
    ),
)


def text(markdown: str) -> str:
    """Markdown of a chapter as HTML; a role becomes what it would show."""
    plain = re.sub(r"\{[a-z:]+\}`([^`<]*?)\s*(?:<[^`]*>)?`", lambda m: m[1].strip(), markdown)
    return MARKDOWN.render(plain)


def slide(cell: nbformat.NotebookNode) -> str | None:
    """The content of a tagged cell's slide."""
    if cell.cell_type == "code":
        figure = cell.metadata.get("mystnb", {})
        image = next(
            (
                f"{kind};base64,{''.join(encoded(output.data[kind]).split())}"
                for output in cell.outputs
                for kind, encoded in ENCODED.items()
                if kind in output.get("data", {})
            ),
            None,
        )
        if image is None:
            return None
        alt = html.escape(figure.get("image", {}).get("alt", ""), quote=True)
        caption = text(figure.get("figure", {}).get("caption", ""))
        return f'<img alt="{alt}" src="data:{image}">\n{caption}'
    parts = [part.strip() for part in cell.source.split("\n\n") if part.strip()]
    if parts[0].startswith("# "):
        return text("\n\n".join(parts[:2]))
    start = next((k for k, p in enumerate(parts) if p == "## What to remember"), None)
    if start is not None:
        end = next((k for k in range(start + 1, len(parts)) if parts[k].startswith("## ")), None)
        return text("\n\n".join(parts[start:end]))
    asked = [part for part in parts if part.startswith("Prediction")]
    heading = [part for part in parts if part.startswith("## ")][-1:]
    return text("\n\n".join([*heading, *asked])) if asked else None


def deck(path: Path) -> int:
    """Write the slides of one chapter; how many there are."""
    notebook = nbformat.read(path, as_version=4)
    tagged = (cell for cell in notebook.cells if "slide" in cell.metadata.get("tags", []))
    found = [content for cell in tagged if (content := slide(cell))]
    title = re.sub(r"^# ", "", notebook.cells[0].source.splitlines()[0])
    foot = f"<footer>{html.escape(title)} · {{}} of {len(found)}</footer>"
    slides = "\n".join(
        f"<section>\n{content}{foot.format(k)}\n</section>"
        for k, content in enumerate(found, start=1)
    )
    page = PAGE.format(title=html.escape(title), mathjax=MATHJAX, slides=slides)
    (SLIDES / f"{path.stem}.html").write_text(page, encoding="utf-8")
    return len(found)


def main(parts: list[str]) -> None:
    SLIDES.mkdir(parents=True, exist_ok=True)
    paths = [
        path
        for path in sorted(CHAPTERS.glob("[0-9]*.ipynb"))
        if not parts or any(part in path.stem for part in parts)
    ]
    if not paths:
        sys.exit(f"no chapter has {' or '.join(parts)} in its name")
    total = sum(deck(path) for path in paths)
    print(f"{total} slides of {len(paths)} chapters are in {SLIDES}")


if __name__ == "__main__":
    main(sys.argv[1:])
