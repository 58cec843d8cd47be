"""A card for every chapter: the directive ``{chapters}`` of the first page.

Its content is a sentence for each, ``01_symmetry: Units that start equal ...``. The rest is taken
from the chapters themselves: the title, the first figure with its alternative text, and the minutes
that the chapter says it takes, or else those that its words and cells are worth.

A drawing is shown as a picture here: those of all chapters would be half a megabyte, loaded
before anyone scrolls. A picture knows nothing of the page's theme, so there are two, and the style
sheet shows one; browsers do not load the other.
"""

import base64
import io
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
from docutils import nodes
from nbformat import NotebookNode
from PIL import Image
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

WORDS = 200  # that are read in a minute
SECONDS = 20  # for a cell of code with what it puts out
WIDTH = 480  # pixels of a picture
SAYS = re.compile(r"^\*(\d+) minutes\b", re.MULTILINE)  # below a chapter's title
INK = Path(__file__).parents[1] / "_static" / "ink.css"
DARK = re.compile(r'data-theme="dark"\]\s*\{([^}]*)\}')
PARTNER = re.compile(r"--ink-(\w{6}):\s*(#\w{6})")


class Picture(NamedTuple):
    """The first figure of a chapter: its type, its content, and what is seen on it."""

    kind: str
    content: str
    alt: str


class Thumbnail(nodes.General, nodes.Element):
    """The first figure of the chapter at ``path``, drawn when the page is written."""


class Chapters(SphinxDirective):
    """Cards for all numbered chapters, in their order."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        paths = {path.stem: path for path in chapters(Path(self.env.srcdir))}
        try:
            sentences = read_sentences(self.content, paths)
        except ValueError as error:
            raise self.error(f"{{chapters}}: {error}") from None
        cards = nodes.bullet_list(classes=["chapter-cards"])
        for name, path in paths.items():
            self.env.note_dependency(str(path))
            cards += self.card(path, sentences[name])
        return [cards]

    def card(self, path: Path, sentence: str) -> nodes.list_item:
        notebook = nbformat.read(path, as_version=4)
        target = addnodes.pending_xref(
            "",
            nodes.inline("", title(notebook)),
            refdomain="std",
            reftype="doc",
            reftarget=f"/chapters/{path.stem}",
            refexplicit=True,
            refwarn=True,
            refdoc=self.env.docname,
        )
        number = nodes.inline("", str(int(path.stem[:2])), classes=["card-number"])
        return nodes.list_item(
            "",
            Thumbnail(path=str(path)),
            nodes.paragraph("", "", number, nodes.Text(" "), target, classes=["card-title"]),
            nodes.paragraph("", sentence, classes=["card-sentence"]),
            nodes.paragraph("", f"{minutes(notebook)} minutes", classes=["card-minutes"]),
        )


def chapters(source: Path) -> list[Path]:
    return sorted((source / "chapters").glob("[0-9][0-9]_*.ipynb"))


def read_sentences(lines: Iterable[str], names: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in filter(str.strip, lines):
        name, colon, sentence = line.partition(": ")
        if not colon or name not in names or name in found:
            raise ValueError(f"a line must be 'NAME: SENTENCE', each chapter once, got {line!r}")
        found[name] = sentence.strip()
    if missing := [name for name in names if name not in found]:
        raise ValueError(f"every chapter needs a sentence, missing for {', '.join(missing)}")
    return found


def title(notebook: NotebookNode) -> str:
    heading = re.search(r"^# (.+)$", notebook.cells[0].source, re.MULTILINE)
    if heading is None:
        raise ValueError("a chapter must begin with its title")
    return heading[1]


def minutes(notebook: NotebookNode) -> int:
    if said := SAYS.search(notebook.cells[0].source):
        return int(said[1])
    words = sum(len(c.source.split()) for c in notebook.cells if c.cell_type == "markdown")
    cells = sum(cell.cell_type == "code" for cell in notebook.cells)
    return max(1, round(words / WORDS + cells * SECONDS / 60))


def first_figure(notebook: NotebookNode) -> Picture:
    for cell in notebook.cells:
        alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt")
        for output in cell.get("outputs", []) if alt else []:
            for kind in ("image/svg+xml", "image/png"):
                if kind in output.get("data", {}):
                    return Picture(kind, output["data"][kind], alt)
    raise ValueError("a chapter must have a figure with an alternative text")


def in_the_dark(drawing: str, sheet: str) -> str:
    """A drawing in the colours that the style sheet has on dark ground."""
    block = DARK.search(sheet)
    partners: Mapping[str, str] = dict(PARTNER.findall(block[1])) if block else {}
    return re.sub(r"#(\w{6})\b", lambda found: partners.get(found[1], found[0]), drawing)


def files(name: str, picture: Picture) -> dict[str, bytes]:
    """What the card loads, by name: one file for each ground, or one for both."""
    if picture.kind == "image/png":
        with Image.open(io.BytesIO(base64.b64decode(picture.content))) as image:
            small = image.convert("RGB")
        small.thumbnail((WIDTH, WIDTH))
        written = io.BytesIO()
        small.quantize(64).save(written, "png", optimize=True)
        return {f"{name}.png": written.getvalue()}
    dark = in_the_dark(picture.content, INK.read_text(encoding="utf-8"))
    return {f"{name}.svg": picture.content.encode(), f"{name}-dark.svg": dark.encode()}


def show_thumbnail(writer: Any, node: Thumbnail) -> None:
    path = Path(node["path"])
    picture = first_figure(nbformat.read(path, as_version=4))
    folder = Path(writer.builder.outdir, "_static", "cards")
    folder.mkdir(parents=True, exist_ok=True)
    up = "../" * writer.builder.current_docname.count("/")
    made = files(path.stem, picture)
    for name, content in made.items():
        (folder / name).write_bytes(content)
        ground = "" if len(made) == 1 else " on-dark" if "-dark" in name else " on-light"
        writer.body.append(  # dark-light: the theme is to leave its colours alone
            writer.emptytag(
                node, "img", "\n", src=f"{up}_static/cards/{name}", alt=picture.alt,
                loading="lazy", classes=["dark-light", *ground.split()],
            )
        )  # fmt: skip


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_node(Thumbnail, html=(show_thumbnail, lambda *_: None))
    app.add_directive("chapters", Chapters)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
