"""Guards over the chapters: what nbval does not see, and what a chapter must keep.

nbval compares outputs, but it lets through a notebook whose counts were stripped, an unknown magic,
a warning, and any change of a picture. The guards below close those holes and hold a chapter to its
budgets. A guard yields (number of a cell, or 0 for the whole chapter; what is wrong with it). All
are applied to every chapter, and each is seen to report faults planted in a small healthy notebook.

Nothing is needed here but the chapters and ``_toc.yml``: the packages are not imported.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import nbformat
import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.amsmath import amsmath_plugin
from mdit_py_plugins.colon_fence import colon_fence_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.front_matter import front_matter_plugin
from mdit_py_plugins.myst_blocks import myst_block_plugin
from mdit_py_plugins.myst_role import myst_role_plugin
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

ROOT = Path(__file__).resolve().parents[2]
PATHS = sorted((ROOT / "chapters").glob("*.ipynb"))

MAX_CELL_LINES = 20
MAX_SETUP_LINES = 6
MAX_CODE_LINES = 160
MAX_FIGURES = 8
MAX_BYTES = 1_000_000
MIN_PROSE_WORDS = 900
MIN_CAPTION_WORDS = 5
ASSERT_WITHIN = 2

Found = Iterator[tuple[int, str]]


@dataclass(frozen=True)
class Chapter:
    """One notebook of the book: its name without folder and suffix, its content, its size."""

    name: str
    notebook: NotebookNode
    size: int

    @cached_property
    def code(self) -> list[tuple[int, NotebookNode]]:
        """The code cells with their numbers among all cells, from 1."""
        cells = enumerate(self.notebook.cells, start=1)
        return [(number, cell) for number, cell in cells if cell.cell_type == "code"]

    @cached_property
    def markdown(self) -> list[tuple[int, str]]:
        """The texts of the Markdown cells with their numbers among all cells."""
        cells = enumerate(self.notebook.cells, start=1)
        return [(number, cell.source) for number, cell in cells if cell.cell_type == "markdown"]

    def place(self, number: int) -> str:
        """Name a cell as an author sees it: its place among all cells and, for code, its count."""
        if not number:
            return self.name
        cell = self.notebook.cells[number - 1]
        count = f" (In [{cell.get('execution_count') or ' '}])" if cell.cell_type == "code" else ""
        return f"{self.name}, cell {number}{count}"


GUARDS: list[Callable[[Chapter], Found]] = []


def guard(function: Callable[[Chapter], Found]) -> Callable[[Chapter], Found]:
    """Apply a function to every chapter."""
    GUARDS.append(function)
    return function


def problems(chapter: Chapter) -> list[str]:
    """What all guards find in a chapter, each with its guard's name and its place."""
    return [
        f"{check.__name__}: {chapter.place(number)}: {what}"
        for check in GUARDS
        for number, what in check(chapter)
    ]


# --------------------------------------------------------------------------------------------------
# Reading cells and prose
# --------------------------------------------------------------------------------------------------


def images(cell: NotebookNode) -> int:
    """Count a cell's outputs that are pictures."""
    return sum(
        any(kind.startswith("image/") for kind in out.get("data", {})) for out in cell.outputs
    )


def output_texts(cell: NotebookNode) -> Iterator[str]:
    """Yield all that is stored as text; not base64, in which any word can occur by chance."""
    for out in cell.get("outputs", []):
        yield out.get("text", "")
        for kind, value in out.get("data", {}).items():
            if "image/" not in kind or kind == "image/svg+xml":
                yield re.sub(r";base64,[A-Za-z0-9+/=\s]+", "", str(value))


def mystnb(cell: NotebookNode, part: str, key: str) -> str:
    """Return an entry of the metadata that the book reads, such as ``mystnb.figure.caption``."""
    return str(cell.metadata.get("mystnb", {}).get(part, {}).get(key) or "").strip()


def parsed(source: str) -> ast.Module | None:
    """Parse a cell; None where it is not plain Python (``plain_python`` reports that)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(source)
        except SyntaxError:
            return None


MARKDOWN = MarkdownIt("commonmark").enable("table")
for plugin in (
    front_matter_plugin, dollarmath_plugin, amsmath_plugin, colon_fence_plugin, myst_role_plugin,
    myst_block_plugin,
):  # fmt: skip
    MARKDOWN.use(plugin)

DIRECTIVE = re.compile(r"\{(?P<name>[\w:-]+)\}\s*(?P<argument>.*)")
OPTIONS = re.compile(r"\A(\s*:[\w-]+:.*\n?|---\n(.*\n)*?---\n)+")
# Directives whose content is prose, and those of which the argument is, too.
TITLED = {"admonition", "exercise", "prf:theorem", "dropdown"}
PROSE = TITLED | {
    "note", "tip", "important", "warning", "seealso", "figure", "solution-start", "exercise-start",
    "solution", "grid", "grid-item", "list-table", "margin", "epigraph", "prf:proof", "only",
}  # fmt: skip


def blocks(text: str) -> Iterator[Token]:
    """Yield the blocks of Markdown, those inside directives such as ``{note}`` too."""
    for token in MARKDOWN.parse(text):
        directive = token.type.endswith("fence") and DIRECTIVE.fullmatch(token.info.strip())
        if directive and directive["name"] in PROSE:
            if directive["name"] in TITLED:
                yield from blocks(directive["argument"])
            yield from blocks(OPTIONS.sub("", token.content))
        else:
            yield token


def prose(text: str) -> str:
    """Return what a reader reads as sentences: no code, math, role, address, tag or label."""
    found = []
    for block in blocks(text):
        for token in block.children or []:
            if token.type in ("text", "image"):
                found.append(token.content)
            elif token.type.endswith("break"):
                found.append("\n")
            elif token.type in ("math_inline", "code_inline", "myst_role"):
                found.append(" · ")  # so that no mark stands beside a word that was not before it
        found.append("\n")
    return "".join(found)


# --------------------------------------------------------------------------------------------------
# The guards
# --------------------------------------------------------------------------------------------------


@guard
def valid_notebook(chapter: Chapter) -> Found:
    """The file is a valid notebook of format 4, for the kernel that every Jupyter has."""
    if chapter.notebook.get("nbformat") != 4:
        yield 0, "not a notebook of format 4"
        return
    try:
        nbformat.validate(chapter.notebook)
    except nbformat.ValidationError as error:
        yield 0, f"not a valid notebook: {str(error).splitlines()[0]}"
    name = chapter.notebook.metadata.get("kernelspec", {}).get("name")
    if name != "python3":
        yield 0, f"kernelspec {name!r}, must be 'python3'"


@guard
def executed_in_order(chapter: Chapter) -> Found:
    """Every code cell was executed, in order, from a clean kernel: the counts are 1, 2, ..., n.

    nbval compares no cell without a count, so this is what gives it its teeth.
    """
    for expected, (number, cell) in enumerate(chapter.code, start=1):
        if not cell.source.strip():
            yield number, "an empty code cell; delete it"
        elif cell.execution_count != expected:
            yield (
                number,
                f"count {cell.execution_count}, not {expected}; execute the whole chapter from a "
                "clean kernel and keep counts and outputs",
            )


@guard
def nothing_on_stderr(chapter: Chapter) -> Found:
    """Nothing that went to stderr is stored: no warning, no progress bar, no log."""
    for number, cell in chapter.code:
        for out in cell.outputs:
            if out.get("name") == "stderr":
                yield number, f"stored stderr ({out.text.strip()[:60]!r}); cure what it warns of"


REMOTE_LOAD = re.compile(
    r"<(?:script|img|iframe|link|source|video|audio|object|embed)\b[^>]*"
    r"(?:src|srcset|href|data|poster)\s*=\s*[\"']?(?:https?:)?//"
    r"|!\[[^\]]*\]\(\s*(?:https?:)?//|\{(?:figure|image)\}\s*(?:https?:)?//",
    re.I,
)


@guard
def loads_nothing_from_elsewhere(chapter: Chapter) -> Found:
    """No picture or script is another host's, in prose or in outputs; a link may lead there."""
    shown = [(number, text) for number, cell in chapter.code for text in output_texts(cell)]
    for number, text in chapter.markdown + shown:
        for match in REMOTE_LOAD.finditer(text):
            yield number, f"{match[0][:60]!r} loads from another host; only links may lead there"


MACHINE_PATH = re.compile(r"(?<![\w.~-])(?:/home/|/root/|/tmp/|/mnt/|/Users/)|[A-Za-z]:[\\/]+Users")


@guard
def no_machine_path(chapter: Chapter) -> Found:
    """No path of the machine it was executed on, in sources, outputs or metadata of cells."""
    for number, cell in enumerate(chapter.notebook.cells, start=1):
        texts = [cell.source, json.dumps(cell.metadata), *output_texts(cell)]
        for match in MACHINE_PATH.finditer("\n".join(texts)):
            yield number, f"a machine's path ({match[0]!r}); paths are relative to the book"


@guard
def budgets(chapter: Chapter) -> Found:
    """Lines of a cell, of the setup and of the chapter; words of a numbered one; its size."""
    lines = []
    for number, cell in chapter.code:
        length = len(cell.source.strip().splitlines())
        if length > MAX_CELL_LINES:
            yield number, f"{length} lines, at most {MAX_CELL_LINES}; split it, or write a function"
        lines.append([line for line in cell.source.splitlines() if line.strip()])
        if number == chapter.code[0][0] and len(lines[0]) > MAX_SETUP_LINES:
            yield number, f"the setup has {len(lines[0])} lines, at most {MAX_SETUP_LINES}"
    length = sum(not line.strip().startswith("#") for cell_lines in lines for line in cell_lines)
    if length > MAX_CODE_LINES:
        yield 0, f"{length} lines of code, at most {MAX_CODE_LINES}"
    words = sum(len(re.findall(r"[^\W\d_][\w'’-]*", prose(text))) for _, text in chapter.markdown)
    if re.match(r"\d\d_", chapter.name) and words < MIN_PROSE_WORDS:
        yield 0, f"{words} words of prose, at least {MIN_PROSE_WORDS} (no code, math or captions)"
    if chapter.size > MAX_BYTES:
        yield 0, f"{chapter.size:,} bytes, at most {MAX_BYTES:,}; lower the figures' dpi"


@guard
def figures(chapter: Chapter) -> Found:
    """At most 8, one a cell; each with a name, a caption that is a sentence, and an alt text."""
    count = sum(images(cell) for _, cell in chapter.code)
    if count > MAX_FIGURES:
        yield 0, f"{count} figures, at most {MAX_FIGURES}"
    for number, cell in chapter.code:
        if not images(cell):
            continue
        if images(cell) > 1:
            yield number, f"{images(cell)} figures, which would share one name and one caption"
        caption, alt = mystnb(cell, "figure", "caption"), mystnb(cell, "image", "alt")
        if len(caption.split()) < MIN_CAPTION_WORDS or not caption.endswith("."):
            yield (
                number,
                f"caption {caption!r}; metadata mystnb.figure.caption must be a sentence of at "
                f"least {MIN_CAPTION_WORDS} words that ends with a full stop",
            )
        if not mystnb(cell, "figure", "name"):
            yield number, "a figure without a name; set metadata mystnb.figure.name"
        if len(alt.split()) < MIN_CAPTION_WORDS:
            yield (
                number,
                f"alt text {alt!r}; metadata mystnb.image.alt must say what is seen, in at least "
                f"{MIN_CAPTION_WORDS} words",
            )
    for number, text in chapter.markdown:
        for token in (child for block in blocks(text) for child in block.children or []):
            if token.type == "image" and not token.content.strip():
                yield number, "a picture without alt text; write ![what is seen](...)"


NOT_IN_CODE = {
    "the network; chapters run offline (data behind xavier.datasets, links in prose)":
        r"(?i)https?://|\bftps?://|\bftplib\b|\bpip install\b|\burlretrieve\b|\burlopen\b|\bgit\+",
    "threads; round what is printed to what 1 and 2 threads share":
        r"set_num_(?:interop_)?threads|threadpool_?(?:ctl|limits)"
        r"|\b(?:OMP|MKL|OPENBLAS|NUMEXPR|VECLIB_MAXIMUM)_(?:NUM_)?THREADS\b",
    "a global seed; write np.random.default_rng(...) or torch.Generator().manual_seed(...)":
        r"\b(?:np|numpy)\.random\.seed\b|\btorch\.(?:cuda\.|random\.)?(?:manual_seed|seed)"
        r"|(?<![\w.])random\.seed\b|\bfrom\s+[\w.]+\s+import\b.*\b(?:manual_seed|seed)\b"
        r"|\bseed_everything\b",
    "get_ipython; plain Python only": r"get_ipython",
    "a semicolon at the end, which silences nothing": r";[ \t]*(?:#[^\n]*)?\Z",
}  # fmt: skip


@guard
def plain_python(chapter: Chapter) -> Found:
    """Code is plain Python, and has none of the above; nbval passes a magic that does not exist."""
    for number, cell in chapter.code:
        if parsed(cell.source) is None:
            yield number, "not plain Python; no magics, shell lines or help lines"
        for what, pattern in NOT_IN_CODE.items():
            for match in re.finditer(pattern, cell.source):
                yield number, f"{match[0].strip()!r} is {what}"


def markers(cell: NotebookNode) -> set[str]:
    """Return a cell's nbval markers, from tags and whole-line comments alike, as tags."""
    comments = re.findall(r"^\s*#\s*((?:NBVAL|PYTEST_VALIDATE)_\w+)", cell.source, re.M)
    tags = cell.metadata.get("tags", [])
    return {text.lower().replace("_", "-") for text in comments} | set(tags)


@guard
def compared_or_asserted(chapter: Chapter) -> Found:
    """No cell is skipped or may raise; an output is ignored only where an assert is near.

    That is in the cell itself or in the next two.
    """
    forbidden = {"nbval-skip", "skip-execution", "nbval-raises-exception", "raises-exception"}
    for index, (number, cell) in enumerate(chapter.code):
        for marker in markers(cell) & forbidden:
            yield number, f"marker {marker!r}; every cell runs, without an error"
        if markers(cell) & {"nbval-ignore-output", "pytest-validate-ignore-output"}:
            near = chapter.code[index : index + 1 + ASSERT_WITHIN]
            nodes = [n for _, c in near for n in ast.walk(parsed(c.source) or ast.Module([], []))]
            if not any(isinstance(node, ast.Assert) for node in nodes):
                yield (
                    number,
                    "its output is ignored and nothing is asserted; put an assert in this cell "
                    f"or the next {ASSERT_WITHIN} code cells",
                )


@guard
def title(chapter: Chapter) -> Found:
    """The first cell opens with the chapter's title, its only heading of level 1."""
    tokens = [(number, token) for number, text in chapter.markdown for token in blocks(text)]
    silent = ("front_matter", "myst_target", "myst_line_comment", "html_block")
    opening = next((pair for pair in tokens if pair[1].type not in silent), None)
    if not opening or (opening[0], opening[1].type, opening[1].tag) != (1, "heading_open", "h1"):
        yield 1, "must open with '# ' and the chapter's title"
    cells = [n for n, token in tokens if (token.type, token.tag) == ("heading_open", "h1")]
    if len(cells) != 1:
        yield 0, f"{len(cells)} headings of level 1 (cells {cells}), exactly 1"


@guard
def no_leftover(chapter: Chapter) -> Found:
    """No note to oneself is left, in code, prose or metadata of cells."""
    for number, cell in enumerate(chapter.notebook.cells, start=1):
        text = cell.source + "\n" + json.dumps(cell.metadata)
        for match in re.finditer(r"\b(?:TODO|FIXME|XXX|LOREM|[Ll]orem)\b", text):
            yield number, f"{match[0]!r} is left over; finish it or open an issue"


VOICE = re.compile(
    r"\b(?:simply|clearly|crucial(?:ly)?|delv(?:e|es|ed|ing)|powerful(?:ly)?|obviously"
    r"|we(?: will|['’]ll)\s+explore)\b",
    re.I,
)
# A factorial (5!, n!) and 'not equal' are the marks that prose may hold.
NOT_EXCLAIMED = re.compile(r"!=|(?<!\w)(?:\d+|[a-z]|\))!")


@guard
def voice(chapter: Chapter) -> Found:
    """The prose is plain: none of the words that assure or advertise, no exclamation mark."""
    captions = [
        (number, mystnb(cell, part, key))
        for number, cell in chapter.code
        for part, key in (("figure", "caption"), ("image", "alt"))
    ]
    for number, text in chapter.markdown + captions:
        read = prose(text)
        for match in VOICE.finditer(read):
            yield number, f"{match[0]!r}; leave it out, or say what is meant"
        for match in re.finditer(r"[^\n]{0,30}!", NOT_EXCLAIMED.sub(" ", read)):
            yield number, f"an exclamation mark after {match[0][:-1]!r}; only for factorials"


# --------------------------------------------------------------------------------------------------
# The chapters
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_chapter(path: Path) -> None:
    notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=nbformat.NO_CONVERT)
    found = problems(Chapter(path.stem, notebook, path.stat().st_size))
    assert not found, "\n" + "\n".join(found)


def test_every_chapter_is_once_in_the_table_of_contents_and_every_figure_has_its_own_name() -> None:
    toc = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    listed = re.findall(r"(?:root|file): chapters/(\w+)", toc)
    assert len(PATHS) > 15 and all(listed.count(path.stem) == 1 for path in PATHS)
    books = [nbformat.read(path, as_version=4) for path in PATHS]
    names = [mystnb(cell, "figure", "name").lower() for book in books for cell in book.cells]
    assert len(set(filter(None, names))) == len(list(filter(None, names)))


# --------------------------------------------------------------------------------------------------
# Planted faults
# --------------------------------------------------------------------------------------------------

PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9"
    "awAAAABJRU5ErkJggg=="
)
SETUP, FIGURE, TEXT, VALUES, PRINTED, SHOWN, TIMED, CHECKED = range(1, 9)


def healthy_notebook() -> NotebookNode:
    """Return a small chapter in which all guards find nothing; its outputs are what it gives."""
    caption = "One pixel stands for the picture that is the point."
    figure = {"figure": {"caption": caption, "name": "fig-pixel"}}
    image = {"image": {"alt": "A single pixel, drawn in one colour."}}
    picture = {"text/plain": "<IPython.core.display.Image object>", "image/png": PIXEL}
    sentence = "The variance of a sum of independent terms is the sum of their variances. "
    cells = [
        new_markdown_cell("(healthy)=\n# Keep the scale\n\nOne paragraph that says why."),
        new_code_cell("import base64\nimport time\n\nfrom IPython.display import Image, display"),
        new_code_cell(
            f"pixel = '{PIXEL[:60]}'\npixel += '{PIXEL[60:]}'\n"
            "display(Image(base64.b64decode(pixel)))",
            metadata={"mystnb": figure | image}, outputs=[new_output("display_data", picture)],
        ),
        new_markdown_cell("## The law\n\n" + sentence * 80),
        new_code_cell("values = [1, 2, 4]\ntotal = sum(values)"),
        new_code_cell("print(f'mean {total / 3:.3f}')", outputs=[printed("mean 2.333\n")]),
        new_code_cell("total", outputs=[new_output("execute_result", {"text/plain": "7"})]),
        new_code_cell(
            "# NBVAL_IGNORE_OUTPUT\nprint(f'at {time.perf_counter():.1f} s')",
            outputs=[printed("at 0.5 s\n")],
        ),
        new_code_cell("assert total == 7"),
    ]  # fmt: skip
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = new_notebook(cells=cells, metadata={"kernelspec": spec})
    for count, cell in enumerate((c for c in cells if c.cell_type == "code"), start=1):
        cell.execution_count = count
        for out in cell.outputs:
            if out.output_type == "execute_result":
                out.execution_count = count
    return notebook


def printed(text: str, name: str = "stdout") -> NotebookNode:
    """Return a stored stream."""
    return new_output("stream", name=name, text=text)


Plant = Callable[[NotebookNode], object]


def source(index: int, text: str) -> Plant:
    """Plant: replace a cell's source."""
    return lambda notebook: notebook.cells[index].update(source=text)


def code(text: str, *stored: NotebookNode, times: int = 1, **metadata: Any) -> Plant:
    """Plant: add executed code cells at the end."""

    def plant(notebook: NotebookNode) -> None:
        for _ in range(times):
            count = 1 + sum(cell.cell_type == "code" for cell in notebook.cells)
            cell = new_code_cell(
                text, execution_count=count, outputs=list(stored), metadata=metadata
            )
            notebook.cells.append(cell)

    return plant


def markdown(text: str) -> Plant:
    """Plant: add a Markdown cell at the end."""
    return lambda notebook: notebook.cells.append(new_markdown_cell(text))


def both(*plants: Plant) -> Plant:
    """Plant several things."""
    return lambda notebook: [plant(notebook) for plant in plants]


def figure_metadata(part: str, **entries: str) -> Plant:
    """Plant: replace one part of the figure's metadata."""
    return lambda notebook: notebook.cells[FIGURE].metadata["mystnb"].update({part: entries})


def shown(kind: str, text: str) -> NotebookNode:
    """Return a stored display."""
    return new_output("display_data", {kind: text})


def strip(notebook: NotebookNode) -> None:
    """Plant: strip a notebook as tools do."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.update(outputs=[], execution_count=None)


# (what a guard's message must contain, the plant)
FAULTS: list[tuple[str, Plant]] = [
    ("valid_notebook: 01_healthy: not a valid", lambda n: n.cells[TEXT].update(cell_type="prose")),
    ("valid_notebook: 01_healthy: not a notebook of format 4", lambda n: n.update(nbformat=3)),
    ("must be 'python3'", lambda n: n.metadata.kernelspec.update(name="venv")),
    ("cell 2 (In [ ]): count None, not 1", strip),
    ("count 9, not 7", lambda n: n.cells[CHECKED].update(execution_count=9)),
    ("cell 10 (In [8]): an empty", code("")),
    ("cell 10 (In [8]): stored stderr", code("f()", printed("a warning", "stderr"))),
    ("<script src=", code("f()", shown("text/html", "<script src='https://a.org/x.js'></script>"))),
    ("loads from another host", markdown("![a plot](https://example.org/x.png)")),
    ("a machine's path ('/home/')", code("p = '/home/me/data'")),
    ("a machine's path ('/mnt/')", code("f()", printed("at /mnt/x\n"))),
    ("a machine's path ('/root/')", code("f()", shown("text/html", "<b>/root/x</b>"))),
    ("a machine's path ('C:", markdown("See C:\\Users\\me.")),
    ("cell 10 (In [8]): 21 lines, at most 20", code("x = 1\n" * 21)),
    ("has 7 lines, at most 6", source(SETUP, "a = 1\n" * 3 + "\n" + "a = 1\n" * 4)),
    ("lines of code, at most 160", code("x = 1\n" * 20, times=8)),
    ("at most 1,000,000", code("f()", shown("image/png", PIXEL * 20_000))),
    ("words of prose, at least 900", source(TEXT, "Few words.")),
    ("words of prose, at least 900", source(TEXT, "```python\n" + "no prose here\n" * 400 + "```")),
    ("9 figures, at most 8", code("draw()", shown("image/png", PIXEL), times=8)),
    ("2 figures, which", code("draw()", *[shown("image/png", PIXEL)] * 2)),
    ("caption 'Four words", figure_metadata("figure", name="x", caption="Four words, no more.")),
    ("caption 'These", figure_metadata("figure", name="x", caption="These are five words here")),
    ("a figure without a name", figure_metadata("figure", caption="A sentence of five words.")),
    ("alt text ''", figure_metadata("image")),
    ("alt text 'A figure'", figure_metadata("image", alt="A figure")),
    ("cell 10: a picture without", markdown("![](x.png)")),
    ("'https://' is the network", code("get('https://example.org/data')")),
    ("'pip install' is the network", code("run('pip install x')")),
    ("'set_num_threads' is threads", code("torch.set_num_threads(1)")),
    ("'OMP_NUM_THREADS' is threads", code("os.environ['OMP_NUM_THREADS'] = '1'")),
    ("'np.random.seed' is a global seed", code("np.random.seed(0)")),
    ("'torch.manual_seed' is a global seed", code("torch.manual_seed(0)")),
    ("manual_seed' is a global seed", code("from torch import manual_seed")),
    ("cell 10 (In [8]): not plain Python", code("x = 1\n%no_such_magic")),
    ("cell 10 (In [8]): not plain Python", code("x = !ls")),
    ("'get_ipython' is", code("get_ipython().run_line_magic('time', '')")),
    ("is a semicolon at the end", code("x = 1\nplot(x);")),
    ("is a semicolon at the end", code("plot(x);  # quiet")),
    ("marker 'nbval-skip'", code("# NBVAL_SKIP\nx = 1")),
    ("marker 'raises-exception'", code("x = 1", tags=["raises-exception"])),
    ("cell 8 (In [6]): its output", both(source(CHECKED, "x"), code("x = 2"), code("assert x"))),
    ("cell 10 (In [8]): its output", code("f()", tags=["nbval-ignore-output"])),
    ("must open", lambda n: n.cells.insert(0, n.cells.pop(SETUP))),
    ("must open", source(0, "Some words.\n\n# Keep the scale")),
    ("2 headings of level 1 (cells [1, 10])", markdown("Another title\n=====")),
    ("cell 10: 'TODO' is left over", markdown("TODO: say why.")),
    ("'FIXME' is left over", code("x = 1  # FIXME")),
    ("voice: 01_healthy, cell 10: 'Clearly'", markdown("Clearly, it holds.")),
    ("'powerful'", markdown(":::{admonition} A powerful rule\n:class: x\nText.\n:::")),
    ("explore'", markdown("```{note}\nHere we will\nexplore it.\n```")),
    ("cell 3 (In [2]): 'simply'", figure_metadata("figure", caption="This is simply one pixel.")),
    ("an exclamation mark after 'It works'", markdown("It works!")),
    ("an exclamation mark", markdown("So $a = b$!")),
]  # fmt: skip

# What looks like a fault and is none.
SOUND: list[Plant] = [
    code('x = """\n%time\n!ls\n;"""'),
    code("g = torch.Generator().manual_seed(0)\nx = 1; y = 2"),
    code("x = 1\n" * 20),
    code("f()", shown("text/html", "<img src='data:a;base64,//+/tmp/+//A='>")),
    both(code("f()", tags=["nbval-ignore-output"]), code("x = 1"), code("if x:\n    assert x")),
    markdown("See [the paper](https://example.org/home/x) or ![what is seen](../tmp/x.png)."),
    markdown("`simply!` and {ref}`obviously! <x>` and <!-- clearly! --> 5! and n! and a != b."),
    markdown("```python\n# A comment, simply!\n```\n\n```{math}\n:label: eq-x\nn! = 1\n```"),
    markdown("$n!$ and\n$$\nn! \\\\\n=\\ k!\n$$\n\n\\begin{align}\nn!\n\\end{align}"),
    source(0, "---\na: 1\n---\n(label)=\n# A title\n"),
]


def found_in(plant: Plant) -> list[str]:
    """What guards find in the healthy notebook after a plant."""
    notebook = healthy_notebook()
    plant(notebook)
    return problems(Chapter("01_healthy", notebook, len(json.dumps(notebook))))


@pytest.mark.parametrize(("says", "plant"), FAULTS, ids=[says for says, _ in FAULTS])
def test_a_planted_fault_is_reported(says: str, plant: Plant) -> None:
    found = found_in(plant)
    assert any(says in problem for problem in found), found


def test_nothing_is_reported_without_a_fault() -> None:
    for number, plant in enumerate([lambda notebook: None, *SOUND]):
        assert found_in(plant) == [], number
    short = healthy_notebook()
    source(TEXT, "Few words.")(short)
    assert problems(Chapter("notation", short, 0)) == []  # a page without a number may be short


def test_every_guard_has_planted_faults() -> None:
    found = {problem.split(":")[0] for _, plant in FAULTS for problem in found_in(plant)}
    assert found == {check.__name__ for check in GUARDS}


@pytest.mark.thorough  # two kernels
def test_nbval_reports_a_changed_digit_and_outputs_that_are_gone(tmp_path: Path) -> None:
    """The guards need not look at outputs: nbval does, with the rules by which it is called here.

    A cell without a count it would pass; that is what the guard of counts is for.
    """
    changed, emptied = healthy_notebook(), healthy_notebook()
    changed.cells[PRINTED].outputs[0].text = "mean 2.334\n"
    changed.cells[SHOWN].outputs[0].data["text/plain"] = "8"
    for cell in emptied.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    nbformat.write(changed, tmp_path / "changed.ipynb")
    nbformat.write(emptied, tmp_path / "emptied.ipynb")
    rules = ROOT / "tests" / "book" / "nbval_sanitize.cfg"
    command = [
        *(sys.executable, "-m", "pytest", "-c", "/dev/null", "--rootdir", str(tmp_path)),
        *("--nbval", "--nbval-current-env", "--nbval-sanitize-with", str(rules)),
        *("-p", "no:cacheprovider", "-q", "--tb=no", "-rA", str(tmp_path)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    outcomes = re.findall(r"^(PASSED|FAILED|ERROR) (\w+)\.ipynb::Cell (\d)", done.stdout, re.M)
    # nbval numbers code cells from 0: picture, print, value and time are its Cells 1, 3, 4 and 5.
    assert {(name, int(k)) for outcome, name, k in outcomes if outcome == "FAILED"} == {
        ("changed", 3), ("changed", 4), ("emptied", 1), ("emptied", 3), ("emptied", 4),
    }, done.stdout + done.stderr  # fmt: skip
    assert len(outcomes) == 14
