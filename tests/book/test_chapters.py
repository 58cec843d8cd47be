"""Guards over the chapters: what nbval does not see, and what a chapter must keep.

nbval compares outputs, but it lets through a notebook whose outputs and counts were stripped, an
unknown magic, and any change of a picture. The guards below close those holes and hold a chapter
to its budgets. Each guard is a function ``guard(chapter) -> list of problems``; all are collected
in ``GUARDS`` (or in ``BOOK_GUARDS``, where a guard looks at all chapters together). Each is applied
to every chapter, and each is seen to report a fault planted in a small healthy notebook.

Nothing is needed here but the chapters and ``_toc.yml``: the package is not imported.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import functools
import io
import itertools
import json
import os
import re
import subprocess
import sys
import tokenize
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml
from nbformat import NotebookNode
from nbformat.v4 import (
    new_code_cell,
    new_markdown_cell,
    new_notebook,
    new_output,
)

ROOT = Path(__file__).resolve().parents[2]

MAX_CELL_LINES = 20
MAX_SETUP_LINES = 6
MAX_CODE_LINES = 200
MAX_FIGURES = 8
MAX_BYTES = 1_000_000
MIN_PROSE_WORDS = 900
MIN_CAPTION_WORDS = 5
ASSERT_WITHIN = 2


@dataclass(frozen=True)
class Chapter:
    """One notebook of the book: its name without folder and suffix, its content, its size."""

    name: str
    notebook: NotebookNode
    size: int

    @property
    def numbered(self) -> bool:
        """Whether it is a chapter of the argument (``NN_name``), not a page such as notation."""
        return re.match(r"\d\d_", self.name) is not None


@dataclass(frozen=True)
class Book:
    """All chapters, the table of contents, and the names of the sources under ``chapters/``."""

    chapters: tuple[Chapter, ...]
    toc: dict[str, Any] | None
    sources: frozenset[str]


# --------------------------------------------------------------------------------------------------
# Reading a notebook
# --------------------------------------------------------------------------------------------------


def place(chapter: Chapter, number: int) -> str:
    """Name a cell as an author sees it: its place among all cells and, for code, its count."""
    cell = chapter.notebook.cells[number - 1]
    count = f" (In [{cell.get('execution_count') or ' '}])" if cell.cell_type == "code" else ""
    return f"{chapter.name}, cell {number}{count}"


def code_cells(chapter: Chapter) -> list[tuple[int, NotebookNode]]:
    """Return the code cells with their numbers among all cells, from 1."""
    numbered = enumerate(chapter.notebook.cells, start=1)
    return [(number, cell) for number, cell in numbered if cell.cell_type == "code"]


def markdown_cells(chapter: Chapter) -> list[tuple[int, str]]:
    """Return the numbers and texts of the Markdown cells; a first cell without its front matter."""
    found = []
    for number, cell in enumerate(chapter.notebook.cells, start=1):
        if cell.cell_type == "markdown":
            text = cell.source
            if number == 1:
                text = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL)
            found.append((number, text))
    return found


def outputs(cell: NotebookNode, *kinds: str) -> list[NotebookNode]:
    """Return the stored outputs of the kinds named (all of them, if none is)."""
    return [out for out in cell.get("outputs", []) if not kinds or out.output_type in kinds]


def images(cell: NotebookNode) -> list[NotebookNode]:
    """Return the outputs that are pictures."""
    shown = outputs(cell, "display_data", "execute_result")
    return [out for out in shown if any(kind.startswith("image/") for kind in out.data)]


def output_texts(cell: NotebookNode) -> Iterator[str]:
    """Yield all that is stored as text; not base64, in which any word can occur by chance."""
    for out in outputs(cell):
        if out.output_type == "stream":
            yield out.text
        elif out.output_type == "error":
            yield "\n".join([out.evalue, *out.traceback])
        else:
            for kind, value in out.data.items():
                if "image/" not in kind or kind == "image/svg+xml":
                    yield value if isinstance(value, str) else json.dumps(value)


def mystnb(cell: NotebookNode, part: str, key: str) -> str:
    """Return an entry of the metadata that the book reads, such as ``mystnb.figure.caption``."""
    entry = cell.metadata.get("mystnb", {}).get(part, {}).get(key, "")
    return str(entry or "").strip()


def tree_of(source: str) -> ast.Module | None:
    """Parse a cell; None where it is not plain Python (``plain_python`` reports that)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(source)
        except (SyntaxError, ValueError):
            return None


def tokens_of(source: str) -> list[tokenize.TokenInfo]:
    """Split a cell into tokens, as far as that goes."""
    found = []
    with contextlib.suppress(tokenize.TokenError, SyntaxError):
        found.extend(tokenize.generate_tokens(io.StringIO(source).readline))
    return found


def dotted(node: ast.AST) -> str:
    """Return ``a.b.c`` for a chain of names, and '' for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


# --------------------------------------------------------------------------------------------------
# Reading prose
# --------------------------------------------------------------------------------------------------

FENCE = re.compile(r"^[\s>]*(?P<fence>`{3,}|~{3,}|:{3,})\s*(?P<info>.*?)\s*$")
DIRECTIVE = re.compile(r"^\{(?P<name>[^}]+)\}\s*(?P<argument>.*)$")
# Directives whose content is not prose, and those whose argument is a file or a label.
NOT_PROSE = re.compile(
    r"math|code|code-block|code-cell|sourcecode|literalinclude|raw|bibliography|toctree|image|"
    r"tableofcontents|eval-rst|mermaid|include|auto\w+|glue(:\w+)?|(exercise|solution)-end"
)
NOT_TITLED = re.compile(r"figure|solution|solution-start|only|grid|grid-item|csv-table")


def prose_lines(text: str) -> list[str]:
    """Return the lines of Markdown that are prose: no code, no display math, no directive fences.

    The content and the title of a directive such as ``{note}`` stay; its options do not.
    """
    lines: list[str] = []
    stack: list[tuple[str, bool]] = []  # (fence, whether its content is prose)
    options = ""  # "": none expected; "any": just after a directive; "yaml": inside --- ... ---
    for line in text.splitlines():
        match = FENCE.match(line)
        fence, info = (match["fence"], match["info"]) if match else ("", "")
        if fence.startswith("`") and "`" in info:
            fence = ""
        closes = (
            stack and fence and not info and fence[0] == stack[-1][0][0] and fence >= stack[-1][0]
        )
        if closes:
            stack.pop()
            options = ""
        elif stack and not stack[-1][1]:
            continue
        elif fence and (info or not fence.startswith(":")):
            directive = DIRECTIVE.match(info)
            is_prose = bool(directive) and not NOT_PROSE.fullmatch(directive["name"])
            if directive and is_prose and not NOT_TITLED.fullmatch(directive["name"]):
                lines.append(directive["argument"])
            stack.append((fence, is_prose))
            options = "any"
        elif options == "any" and re.match(r"\s*:[\w-]+:", line):
            continue
        elif options and line.strip() == "---":
            options = "" if options == "yaml" else "yaml"
        elif options != "yaml":
            options = ""
            if not line.startswith("% "):
                lines.append(line)
    return lines


STRIP = (
    (re.compile(r"<!--.*?-->", re.DOTALL), " "),
    (re.compile(r"\\\$"), " "),
    (re.compile(r"(\{[\w:.+-]+\})?(?<!`)(`+)(?!`)(.+?)(?<!`)\2(?!`)", re.DOTALL), " "),
    (re.compile(r"\$\$.*?\$\$", re.DOTALL), " "),
    (re.compile(r"\\begin\{(\w+\*?)\}.*?\\end\{\1\}", re.DOTALL), " "),
    (re.compile(r"\$(?:[^$\n]|\n(?!\s*\n))+\$"), " "),
    (re.compile(r"!(?=\[)"), " "),
    (re.compile(r"\]\([^)]*\)"), " "),
    (re.compile(r"^\s*\([\w:.-]+\)=\s*$", re.MULTILINE), " "),
    (re.compile(r"<[^<>\n]+>"), " "),
    (re.compile(r"https?://\S+"), " "),
)


def prose(text: str) -> str:
    """Return what a reader reads as sentences: no code, math, role, address, tag or label."""
    text = "\n".join(prose_lines(text))
    for pattern, instead in STRIP:
        text = pattern.sub(instead, text)
    return text


def words(text: str) -> int:
    """Count words: what begins with a letter."""
    return len(re.findall(r"[^\W\d_][\w'\u2019-]*", text))


def prose_of_chapter(chapter: Chapter) -> list[tuple[int, str]]:
    """Return all prose with the numbers of the cells: Markdown, captions and alt texts."""
    found = [(number, prose(text)) for number, text in markdown_cells(chapter)]
    for number, cell in code_cells(chapter):
        texts = (mystnb(cell, "figure", "caption"), mystnb(cell, "image", "alt"))
        found.extend((number, prose(text)) for text in texts if text)
    return found


# --------------------------------------------------------------------------------------------------
# The guards: execution and outputs
# --------------------------------------------------------------------------------------------------


def valid_format(chapter: Chapter) -> list[str]:
    """The file is a valid notebook of format 4."""
    if chapter.notebook.get("nbformat") != 4:
        return [f"{chapter.name}: not a notebook of format 4"]
    try:
        nbformat.validate(chapter.notebook)
    except nbformat.ValidationError as error:
        return [f"{chapter.name}: not a valid notebook: {str(error).splitlines()[0]}"]
    return []


def executed_in_order(chapter: Chapter) -> list[str]:
    """Every code cell was executed, in order, from a clean kernel: the counts are 1, 2, ..., n.

    nbval does not compare a cell without a count, so this is what gives it its teeth.
    """
    problems = []
    for expected, (number, cell) in enumerate(code_cells(chapter), start=1):
        if not cell.source.strip():
            problems.append(f"{place(chapter, number)}: an empty code cell; delete it")
        elif cell.execution_count != expected:
            problems.append(
                f"{place(chapter, number)}: count {cell.execution_count}, not {expected}; execute "
                "the whole chapter from a clean kernel and keep counts and outputs"
            )
    return problems


def statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements that run with the cell: also those in a for, a with and a try."""
    for statement in body:
        yield statement
        if isinstance(statement, ast.With):
            names = {dotted(getattr(i.context_expr, "func", ast.Pass())) for i in statement.items}
            if any(name.endswith(("redirect_stdout", "capture_output")) for name in names):
                continue
        if isinstance(statement, ast.For | ast.With | ast.Try):
            yield from statements(statement.body)


def surely_displays(node: ast.expr) -> bool:
    """Whether a last expression has a value for certain: it is no None and cannot be a call's."""
    if isinstance(node, ast.Call | ast.Await | ast.Yield | ast.YieldFrom):
        return False
    if isinstance(node, ast.Constant):
        return node.value is not None
    if isinstance(node, ast.IfExp):
        return surely_displays(node.body) and surely_displays(node.orelse)
    if isinstance(node, ast.BoolOp):
        return all(surely_displays(value) for value in node.values)
    return not isinstance(node, ast.NamedExpr) or surely_displays(node.value)


def outputs_stored(chapter: Chapter) -> list[str]:
    """A cell that prints or displays something has that output stored.

    The rule reads the syntax tree, and asks only for what is certain:

    * a call ``print(...)`` that runs with the cell (as a statement of the cell, or inside a
      ``for``, ``with`` or ``try`` of it; not inside a function or an ``if``), without ``file=``
      and with something to print, needs a stdout output;
    * a call ``display(...)`` or ``plt.show()`` that runs with the cell needs a display output;
    * a last statement that is a bare expression other than a call (a name, an arithmetic
      expression, a tuple, ...) needs a displayed value. A call may return None, so a last call
      asks for nothing here; nbval compares it.
    """
    problems = []
    for number, cell in code_cells(chapter):
        tree = tree_of(cell.source)
        if tree is None or not tree.body:
            continue
        stdout = [out for out in outputs(cell, "stream") if out.name == "stdout" and out.text]
        displayed = outputs(cell, "display_data", "execute_result")
        missing = set()
        for statement in statements(tree.body):
            if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)):
                continue
            call, name = statement.value, dotted(statement.value.func)
            to_file = any(keyword.arg == "file" for keyword in call.keywords)
            if name == "print" and not to_file and not stdout:
                missing.add("it calls print, but no stdout is stored")
            if name in {"display", "plt.show"} and not displayed:
                missing.add(f"it calls {name}, but no display output is stored")
        last = tree.body[-1]
        if isinstance(last, ast.Expr) and surely_displays(last.value) and not displayed:
            missing.add("its last line is an expression, but no value is stored")
        problems += [
            f"{place(chapter, number)}: {what}; execute the chapter" for what in sorted(missing)
        ]
    return problems


def no_errors(chapter: Chapter) -> list[str]:
    """No traceback is stored."""
    return [
        f"{place(chapter, number)}: a stored {out.ename}; to show an error, catch it and print it"
        for number, cell in code_cells(chapter)
        for out in outputs(cell, "error")
    ]


def no_stderr(chapter: Chapter) -> list[str]:
    """Nothing that went to stderr is stored: no warning, no progress bar, no log."""
    return [
        f"{place(chapter, number)}: stored stderr ({out.text.strip()[:60]!r}); silence a progress "
        "bar by its argument, and cure a warning"
        for number, cell in code_cells(chapter)
        for out in outputs(cell, "stream")
        if out.name == "stderr"
    ]


NETWORK = re.compile(
    r"https?://|\bftps?://|\bftplib\b|\bpip install\b|\burlretrieve\b|\burlopen\b|\bgit\+", re.I
)
REMOTE_LOAD = re.compile(
    r"<(?:script|img|iframe|link|source|video|audio|object|embed)\b[^>]*"
    r"(?:src|srcset|href|data|poster)\s*=\s*[\"']?(?:https?:)?//"
    r"|!\[[^\]]*\]\(\s*(?:https?:)?//|\{(?:figure|image)\}\s*(?:https?:)?//",
    re.I,
)


def no_network(chapter: Chapter) -> list[str]:
    """No network address in code, and nothing in prose or outputs that loads from elsewhere.

    A link that a reader may follow is allowed in prose; a picture or script from another host is
    not.
    """
    problems = []
    for number, cell in code_cells(chapter):
        for match in NETWORK.finditer(cell.source):
            problems.append(
                f"{place(chapter, number)}: {match[0]!r} in code; chapters run offline (links "
                "belong in prose, data behind xavier.datasets)"
            )
        for text in output_texts(cell):
            problems += [
                f"{place(chapter, number)}: the output loads {match[0][:60]!r}; pages load "
                "nothing from another host"
                for match in REMOTE_LOAD.finditer(text)
            ]
    for number, text in markdown_cells(chapter):
        problems += [
            f"{place(chapter, number)}: {match[0][:60]!r} loads from another host; only links may"
            for match in REMOTE_LOAD.finditer(text)
        ]
    return problems


MACHINE_PATH = re.compile(r"(?<![\w.~-])(?:/home/|/root/|/tmp/|/mnt/|/Users/)|[A-Za-z]:[\\/]+Users")
UNREAD = re.compile(r"\x1b\[[0-9;]*m|;base64,[A-Za-z0-9+/=\s]+")


def no_machine_path(chapter: Chapter) -> list[str]:
    """No path of the machine it was executed on, in sources, outputs or metadata of cells."""
    problems = []
    for number, cell in enumerate(chapter.notebook.cells, start=1):
        texts = [cell.source, json.dumps(cell.metadata), *output_texts(cell)]
        for match in MACHINE_PATH.finditer("\n".join(UNREAD.sub("", text) for text in texts)):
            problems.append(
                f"{place(chapter, number)}: a machine's path ({match[0]!r}); paths are relative "
                "to the book, or not shown"
            )
    return problems


def kernel(chapter: Chapter) -> list[str]:
    """The kernel is the one every Jupyter has: python3."""
    name = chapter.notebook.metadata.get("kernelspec", {}).get("name")
    return [] if name == "python3" else [f"{chapter.name}: kernelspec {name!r}, must be 'python3'"]


# --------------------------------------------------------------------------------------------------
# The guards: budgets
# --------------------------------------------------------------------------------------------------


def cell_length(chapter: Chapter) -> list[str]:
    """A code cell has at most 20 lines."""
    lengths = ((number, len(c.source.strip().splitlines())) for number, c in code_cells(chapter))
    return [
        f"{place(chapter, number)}: {length} lines, at most {MAX_CELL_LINES}; split it, or move "
        "logic into the package"
        for number, length in lengths
        if length > MAX_CELL_LINES
    ]


def setup_cell(chapter: Chapter) -> list[str]:
    """The first code cell, the setup, has at most 6 lines, blank ones not counted."""
    for number, cell in code_cells(chapter)[:1]:
        length = sum(bool(line.strip()) for line in cell.source.splitlines())
        if length > MAX_SETUP_LINES:
            return [
                f"{place(chapter, number)}: the setup has {length} lines, at most "
                f"{MAX_SETUP_LINES}: imports and a generator"
            ]
    return []


def code_length(chapter: Chapter) -> list[str]:
    """A chapter has at most 200 lines of code, blank lines and whole-line comments not counted."""
    lines = [line.strip() for _, c in code_cells(chapter) for line in c.source.splitlines()]
    length = sum(bool(line) and not line.startswith("#") for line in lines)
    if length > MAX_CODE_LINES:
        return [f"{chapter.name}: {length} lines of code, at most {MAX_CODE_LINES}"]
    return []


def file_size(chapter: Chapter) -> list[str]:
    """A notebook has at most 1 MB."""
    if chapter.size > MAX_BYTES:
        return [
            f"{chapter.name}: {chapter.size:,} bytes, at most {MAX_BYTES:,}; lower the figures' dpi"
        ]
    return []


def prose_length(chapter: Chapter) -> list[str]:
    """A numbered chapter has at least 900 words of prose; a page such as notation may have less."""
    count = sum(words(prose(text)) for _, text in markdown_cells(chapter))
    if chapter.numbered and count < MIN_PROSE_WORDS:
        return [
            f"{chapter.name}: {count} words of prose, at least {MIN_PROSE_WORDS} (code, math and "
            "captions not counted)"
        ]
    return []


# --------------------------------------------------------------------------------------------------
# The guards: figures
# --------------------------------------------------------------------------------------------------


def figure_count(chapter: Chapter) -> list[str]:
    """A chapter has at most 8 figures."""
    count = sum(len(images(cell)) for _, cell in code_cells(chapter))
    if count > MAX_FIGURES:
        return [f"{chapter.name}: {count} figures, at most {MAX_FIGURES}"]
    return []


def one_figure_per_cell(chapter: Chapter) -> list[str]:
    """A cell shows at most one figure: the caption, the name and the alt text are the cell's."""
    return [
        f"{place(chapter, number)}: {len(images(cell))} figures in one cell, at most 1 (they would "
        "share one name and one caption)"
        for number, cell in code_cells(chapter)
        if len(images(cell)) > 1
    ]


def figure_caption(chapter: Chapter) -> list[str]:
    """Every figure has a caption: a sentence of at least 5 words with its full stop."""
    problems = []
    for number, cell in code_cells(chapter):
        if not images(cell):
            continue
        caption = mystnb(cell, "figure", "caption")
        if len(caption.split()) < MIN_CAPTION_WORDS or not caption.endswith("."):
            problems.append(
                f"{place(chapter, number)}: caption {caption!r}; metadata mystnb.figure.caption "
                f"must be a sentence of at least {MIN_CAPTION_WORDS} words that ends with a full "
                "stop"
            )
    return problems


def figure_name(chapter: Chapter) -> list[str]:
    """Every figure has a name to refer to it by."""
    return [
        f"{place(chapter, number)}: a figure without a name; set metadata mystnb.figure.name"
        for number, cell in code_cells(chapter)
        if images(cell) and not mystnb(cell, "figure", "name")
    ]


def figure_alt(chapter: Chapter) -> list[str]:
    """Every figure has an alt text of at least 5 words; a picture in prose has one at all."""
    problems = []
    for number, cell in code_cells(chapter):
        alt = mystnb(cell, "image", "alt")
        if images(cell) and len(alt.split()) < MIN_CAPTION_WORDS:
            problems.append(
                f"{place(chapter, number)}: alt text {alt!r}; metadata mystnb.image.alt must say "
                f"what is seen, in at least {MIN_CAPTION_WORDS} words"
            )
    for number, text in markdown_cells(chapter):
        if re.search(r"!\[\s*\]", "\n".join(prose_lines(text))):
            problems.append(
                f"{place(chapter, number)}: a picture without alt text; write ![what is seen](...)"
            )
    return problems


# --------------------------------------------------------------------------------------------------
# The guards: code that a chapter must not hold
# --------------------------------------------------------------------------------------------------


def code_without(pattern: str, allowed: str) -> Callable[[Chapter], list[str]]:
    """Make a guard that reports every match of a pattern in code, and says what is allowed."""
    compiled = re.compile(pattern)

    def guard(chapter: Chapter) -> list[str]:
        return [
            f"{place(chapter, number)}: {match[0].strip()!r} in code; {allowed}"
            for number, cell in code_cells(chapter)
            for match in compiled.finditer(cell.source)
        ]

    return guard


no_threads = code_without(
    r"set_num_(?:interop_)?threads|\b(?:OMP|MKL|OPENBLAS|NUMEXPR|VECLIB_MAXIMUM)_(?:NUM_)?THREADS\b"
    r"|threadpool_?(?:ctl|limits)",
    "a chapter sets no threads: round what is printed to what 1 and 2 threads share",
)
no_global_seed = code_without(
    r"\b(?:np|numpy)\.random\.seed\b|\btorch\.(?:cuda\.|random\.)?(?:manual_seed(?:_all)?|seed)\b"
    r"|(?<![\w.])random\.seed\b|\bfrom\s+[\w.]+\s+import\b.*\b(?:manual_seed|seed)\b"
    r"|\bseed_everything\b",
    "randomness is an argument: np.random.default_rng(...) or torch.Generator().manual_seed(...)",
)


def plain_python(chapter: Chapter) -> list[str]:
    """Code cells are plain Python: no magic, no shell line, no help line, no get_ipython().

    nbval passes a magic that does not exist, and the package has no need of any.
    """
    problems = []
    for number, cell in code_cells(chapter):
        if tree_of(cell.source) is None:
            lines = [line.strip() for line in cell.source.splitlines()]
            odd = [line for line in lines if line.startswith(("%", "!")) or line.endswith("?")]
            problems.append(
                f"{place(chapter, number)}: not plain Python ({(odd or lines)[0][:60]!r}); no "
                "magics, shell lines or help lines"
            )
        elif "get_ipython" in cell.source:
            problems.append(f"{place(chapter, number)}: get_ipython(); plain Python only")
    return problems


def no_trailing_semicolon(chapter: Chapter) -> list[str]:
    """No line ends with a semicolon: it does not silence an output under nbval."""
    problems = []
    ends = {tokenize.NEWLINE, tokenize.NL, tokenize.COMMENT, tokenize.ENDMARKER}
    for number, cell in code_cells(chapter):
        tokens = tokens_of(cell.source)
        for token, following in itertools.pairwise(tokens):
            if token.type == tokenize.OP and token.string == ";" and following.type in ends:
                problems.append(
                    f"{place(chapter, number)}: line {token.start[0]} ends with ';', which silences"
                    " nothing; end with plt.show() or assign the result"
                )
    return problems


def markers(cell: NotebookNode) -> set[str]:
    """Return a cell's nbval markers, from tags and whole-line comments alike, as tags."""
    comments = {
        line.strip().lstrip("#").strip()
        for line in cell.source.splitlines()
        if line.strip().startswith("#")
    }
    known = {text for text in comments if text.startswith(("NBVAL_", "PYTEST_VALIDATE_"))}
    return {text.lower().replace("_", "-") for text in known} | set(cell.metadata.get("tags", []))


IGNORED = {"nbval-ignore-output", "pytest-validate-ignore-output"}


def no_skipped_cell(chapter: Chapter) -> list[str]:
    """No cell is skipped, or expected to raise."""
    forbidden = {"nbval-skip", "skip-execution", "nbval-raises-exception", "raises-exception"}
    return [
        f"{place(chapter, number)}: marker {marker!r}; every cell runs, without an error (only an "
        "output may be ignored: nbval-ignore-output)"
        for number, cell in code_cells(chapter)
        for marker in sorted(markers(cell) & forbidden)
    ]


def ignored_output_is_asserted(chapter: Chapter) -> list[str]:
    """Where an output is ignored, an assert in that cell or the next two says what must hold."""
    problems = []
    cells = code_cells(chapter)
    for index, (number, cell) in enumerate(cells):
        if not markers(cell) & IGNORED:
            continue
        near = [tree_of(other.source) for _, other in cells[index : index + 1 + ASSERT_WITHIN]]
        nodes = [node for tree in near if tree is not None for node in ast.walk(tree)]
        if not any(isinstance(node, ast.Assert) for node in nodes):
            problems.append(
                f"{place(chapter, number)}: its output is ignored and nothing is asserted; put an "
                f"assert in this cell or the next {ASSERT_WITHIN} code cells"
            )
    return problems


# --------------------------------------------------------------------------------------------------
# The guards: prose
# --------------------------------------------------------------------------------------------------


def title(chapter: Chapter) -> list[str]:
    """The first cell opens with the chapter's title, its only heading of level 1."""
    problems = []
    headings = []
    for number, text in markdown_cells(chapter):
        lines = prose_lines(re.sub(r"\$\$.*?\$\$", "", text, flags=re.DOTALL))
        for line, following in itertools.pairwise([*lines, ""]):
            underlined = line.strip() and re.fullmatch(r" {0,3}={3,}\s*", following)
            if re.match(r" {0,3}#\s+\S", line) or underlined:
                headings.append(number)
    first = dict(markdown_cells(chapter)).get(1, "")
    opening = re.sub(r"\A(?:\s|\([\w:.-]+\)=|<!--.*?-->)+", "", first, flags=re.DOTALL)
    if not re.match(r"#\s+\S", opening):
        problems.append(f"{chapter.name}, cell 1: must open with '# ' and the chapter's title")
    if len(headings) != 1:
        where = f" (cells {', '.join(map(str, headings))})" if headings else ""
        problems.append(f"{chapter.name}: {len(headings)} headings of level 1{where}, exactly 1")
    return problems


LEFTOVER = re.compile(r"\b(?:TODO|FIXME|XXX)\b|\b[Ll]orem\b|\bLOREM\b")


def no_leftover(chapter: Chapter) -> list[str]:
    """No note to oneself is left, in code, prose or metadata of cells."""
    return [
        f"{place(chapter, number)}: {match[0]!r} is left over; finish it or open an issue"
        for number, cell in enumerate(chapter.notebook.cells, start=1)
        for match in LEFTOVER.finditer(cell.source + "\n" + json.dumps(cell.metadata))
    ]


VOICE = re.compile(
    r"\b(?:simply|clearly|crucial(?:ly)?|delv(?:e|es|ed|ing)|powerful(?:ly)?|obviously"
    r"|we(?: will|['\u2019]ll)\s+explore)\b",
    re.I,
)
# A factorial (5!, n!) and 'not equal' are the marks that prose may hold.
NOT_EXCLAIMED = re.compile(r"!=|(?<!\w)(?:\d+|[a-z]|\))!")


def voice(chapter: Chapter) -> list[str]:
    """The prose is plain: none of the words that assure or advertise, no exclamation mark."""
    problems = []
    for number, text in prose_of_chapter(chapter):
        for match in VOICE.finditer(text):
            problems.append(
                f"{place(chapter, number)}: {match[0]!r}; leave it out, or say what is meant"
            )
        plain = NOT_EXCLAIMED.sub(" ", text)
        for match in re.finditer(r"[^\n]{0,30}!", plain):
            problems.append(
                f"{place(chapter, number)}: an exclamation mark after {match[0][:-1]!r}; allowed "
                "in code, math and factorials only"
            )
    return problems


# --------------------------------------------------------------------------------------------------
# The guards over all chapters together
# --------------------------------------------------------------------------------------------------


def toc_files(node: Any) -> list[str]:
    """Return the pages that a table of contents names, in order, without suffixes."""
    found: list[str] = []
    if isinstance(node, dict):
        for key, value in node.items():
            if key in {"root", "file"}:
                found.append(re.sub(r"\.(?:ipynb|md|rst)$", "", str(value)))
            else:
                found += toc_files(value)
    elif isinstance(node, list):
        for value in node:
            found += toc_files(value)
    return found


def chapters_are_in_toc(book: Book) -> list[str]:
    """There is a table of contents, and it names every chapter, once."""
    if book.toc is None:
        return ["_toc.yml is missing"]
    listed = toc_files(book.toc)
    problems = []
    for chapter in book.chapters:
        times = listed.count(f"chapters/{chapter.name}")
        if times != 1:
            problems.append(
                f"{chapter.name}: {times} times in _toc.yml, exactly once (file: "
                f"chapters/{chapter.name})"
            )
    return problems


def toc_exists(book: Book) -> list[str]:
    """Every page under chapters/ that the table of contents names exists."""
    return [
        f"{page}: in _toc.yml, but there is no such file"
        for page in toc_files(book.toc)
        if page.startswith("chapters/") and page.removeprefix("chapters/") not in book.sources
    ]


def figure_names_are_unique(book: Book) -> list[str]:
    """A figure's name occurs once in the whole book (case does not tell names apart)."""
    places: dict[str, list[str]] = {}
    for chapter in book.chapters:
        for number, cell in code_cells(chapter):
            name = mystnb(cell, "figure", "name").lower()
            if name:
                places.setdefault(name, []).append(place(chapter, number))
    return [
        f"{'; '.join(where)}: the same figure name {name!r}, allowed once in the book"
        for name, where in places.items()
        if len(where) > 1
    ]


def there_are_chapters(book: Book) -> list[str]:
    """The chapters are where these guards look for them."""
    if any(chapter.numbered for chapter in book.chapters):
        return []
    return ["no chapters/NN_name.ipynb found: nothing would be guarded"]


GUARDS: dict[str, Callable[[Chapter], list[str]]] = {
    "valid_format": valid_format,
    "executed_in_order": executed_in_order,
    "outputs_stored": outputs_stored,
    "no_errors": no_errors,
    "no_stderr": no_stderr,
    "no_network": no_network,
    "no_machine_path": no_machine_path,
    "kernel": kernel,
    "cell_length": cell_length,
    "setup_cell": setup_cell,
    "code_length": code_length,
    "file_size": file_size,
    "prose_length": prose_length,
    "figure_count": figure_count,
    "one_figure_per_cell": one_figure_per_cell,
    "figure_caption": figure_caption,
    "figure_name": figure_name,
    "figure_alt": figure_alt,
    "no_threads": no_threads,
    "no_global_seed": no_global_seed,
    "plain_python": plain_python,
    "no_trailing_semicolon": no_trailing_semicolon,
    "no_skipped_cell": no_skipped_cell,
    "ignored_output_is_asserted": ignored_output_is_asserted,
    "title": title,
    "no_leftover": no_leftover,
    "voice": voice,
}

BOOK_GUARDS: dict[str, Callable[[Book], list[str]]] = {
    "there_are_chapters": there_are_chapters,
    "chapters_are_in_toc": chapters_are_in_toc,
    "toc_exists": toc_exists,
    "figure_names_are_unique": figure_names_are_unique,
}


# --------------------------------------------------------------------------------------------------
# (a) The guards on the chapters
# --------------------------------------------------------------------------------------------------

PATHS = sorted((ROOT / "chapters").glob("*.ipynb"))


@functools.cache
def read(path: Path) -> Chapter:
    """Read one chapter."""
    notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=nbformat.NO_CONVERT)
    return Chapter(path.stem, notebook, path.stat().st_size)


def read_book() -> Book:
    """Read all chapters and the table of contents."""
    toc = ROOT / "_toc.yml"
    sources = (p for p in (ROOT / "chapters").rglob("*") if p.suffix in {".ipynb", ".md", ".rst"})
    return Book(
        chapters=tuple(read(path) for path in PATHS),
        toc=yaml.safe_load(toc.read_text(encoding="utf-8")) if toc.exists() else None,
        sources=frozenset(
            p.relative_to(ROOT / "chapters").with_suffix("").as_posix() for p in sources
        ),
    )


@pytest.mark.parametrize("guard", GUARDS)
@pytest.mark.parametrize("path", PATHS, ids=[path.stem for path in PATHS])
def test_chapter(path: Path, guard: str) -> None:
    problems = GUARDS[guard](read(path))
    assert not problems, "\n" + "\n".join(problems)


@pytest.mark.parametrize("guard", BOOK_GUARDS)
def test_book(guard: str) -> None:
    problems = BOOK_GUARDS[guard](read_book())
    assert not problems, "\n" + "\n".join(problems)


# --------------------------------------------------------------------------------------------------
# (b) The guards on planted faults
# --------------------------------------------------------------------------------------------------

PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9"
    "awAAAABJRU5ErkJggg=="
)
SETUP, FIGURE, PROSE, VALUES, PRINTED, SHOWN, TIMED, CHECKED = range(1, 9)


def healthy_notebook() -> NotebookNode:
    """Return a small chapter in which all guards find nothing; its outputs are what it gives."""
    caption = "One pixel stands for the picture that is the point."
    figure = {"figure": {"caption": caption, "name": "fig-pixel"}}
    image = {"image": {"alt": "A single pixel, drawn in one colour."}}
    sentence = "The variance of a sum of independent terms is the sum of their variances. "
    cells = [
        new_markdown_cell("(healthy)=\n# Keep the scale\n\nOne paragraph that says why."),
        new_code_cell("import base64\nimport time\n\nfrom IPython.display import Image, display"),
        new_code_cell(
            f"pixel = '{PIXEL[:60]}'\npixel += '{PIXEL[60:]}'\n"
            "display(Image(base64.b64decode(pixel)))",
            metadata={"mystnb": figure | image},
            outputs=[
                new_output(
                    "display_data",
                    {"text/plain": "<IPython.core.display.Image object>", "image/png": PIXEL},
                )
            ],
        ),
        new_markdown_cell("## The law\n\n" + sentence * 80),
        new_code_cell("values = [1, 2, 4]\ntotal = sum(values)"),
        new_code_cell(
            "print(f'mean {total / len(values):.3f}')",
            outputs=[new_output("stream", name="stdout", text="mean 2.333\n")],
        ),
        new_code_cell(
            "total", outputs=[new_output("execute_result", {"text/plain": "7"}, execution_count=6)]
        ),
        new_code_cell(
            "# NBVAL_IGNORE_OUTPUT\nprint(f'at {time.perf_counter():.1f} s')",
            outputs=[new_output("stream", name="stdout", text="at 0.5 s\n")],
        ),
        new_code_cell("assert total == 7"),
    ]
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = new_notebook(cells=cells, metadata={"kernelspec": spec})
    for count, cell in enumerate((c for c in cells if c.cell_type == "code"), start=1):
        cell.execution_count = count
        for out in outputs(cell, "execute_result"):
            out.execution_count = count
    return notebook


def chapter_of(notebook: NotebookNode, name: str = "01_healthy") -> Chapter:
    """Take a notebook for a chapter."""
    return Chapter(name, notebook, len(json.dumps(notebook)))


Plant = Callable[[NotebookNode], object]


def source(index: int, text: str) -> Plant:
    """Plant: replace a cell's source."""
    return lambda notebook: notebook.cells[index].update(source=text)


def more(index: int, text: str) -> Plant:
    """Plant: add to a cell's source."""
    return lambda notebook: notebook.cells[index].update(source=notebook.cells[index].source + text)


def code(text: str, *stored: NotebookNode, metadata: dict[str, Any] | None = None) -> Plant:
    """Plant: add an executed code cell at the end."""

    def plant(notebook: NotebookNode) -> None:
        count = 1 + sum(cell.cell_type == "code" for cell in notebook.cells)
        stored_here = [copy.deepcopy(out) for out in stored]
        for out in stored_here:
            if out.output_type == "execute_result":
                out.execution_count = count
        cell = new_code_cell(
            text, execution_count=count, outputs=stored_here, metadata=metadata or {}
        )
        notebook.cells.append(cell)

    return plant


def markdown(text: str) -> Plant:
    """Plant: add a Markdown cell at the end."""
    return lambda notebook: notebook.cells.append(new_markdown_cell(text))


def both(*plants: Plant) -> Plant:
    """Plant several things."""
    return lambda notebook: [plant(notebook) for plant in plants]


def strip_outputs(notebook: NotebookNode, *, counts: bool) -> None:
    """Strip a notebook as tools do."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []
            if counts:
                cell.execution_count = None


def figure_metadata(part: str, **entries: str) -> Plant:
    """Plant: replace one part of the figure's metadata."""
    return lambda notebook: notebook.cells[FIGURE].metadata["mystnb"].update({part: entries})


def figure_cell(name: str, pictures: int = 1) -> Plant:
    """Plant: add a cell that shows healthy figures."""
    caption = "Another pixel stands for another picture here."
    metadata = {
        "mystnb": {
            "figure": {"caption": caption, "name": name},
            "image": {"alt": "A single pixel, drawn once more."},
        }
    }
    picture = new_output("display_data", {"image/png": PIXEL})
    return code("draw()", *[picture] * pictures, metadata=metadata)


def printed(text: str, name: str = "stdout") -> NotebookNode:
    """Return a stored stream."""
    return new_output("stream", name=name, text=text)


def shown(**data: str) -> NotebookNode:
    """Return a stored display, its kinds written with an underscore."""
    return new_output("display_data", {k.replace("_", "/", 1): v for k, v in data.items()})


def swap_code_cells(notebook: NotebookNode) -> None:
    """Plant: let two cells have been executed in the other order."""
    first, second = notebook.cells[VALUES], notebook.cells[PRINTED]
    first.execution_count, second.execution_count = second.execution_count, first.execution_count


# (guard, what the fault is, what the guard's message must contain, the plant)
FAULTS: list[tuple[str, str, str, Plant]] = [
    ("valid_format", "unknown cell type", "not a valid",
     lambda n: n.cells[PROSE].update(cell_type="prose")),
    ("valid_format", "old format", "format 4", lambda n: n.update(nbformat=3)),
    ("executed_in_order", "all stripped", "cell 2 (In [ ]): count None, not 1",
     lambda n: strip_outputs(n, counts=True)),
    ("executed_in_order", "other order", "count 4, not 3", swap_code_cells),
    ("executed_in_order", "one cell not run", "count None, not 4",
     lambda n: n.cells[PRINTED].update(execution_count=None)),
    ("executed_in_order", "second run of a kernel", "count 9, not 7",
     lambda n: n.cells[CHECKED].update(execution_count=9)),
    ("executed_in_order", "empty cell", "cell 10 (In [8]): an empty", code("")),
    ("outputs_stored", "outputs stripped", "cell 6 (In [4]): it calls print",
     lambda n: strip_outputs(n, counts=False)),
    ("outputs_stored", "print in a loop", "calls print", code("for i in range(3):\n    print(i)")),
    ("outputs_stored", "print in a with", "calls print", code("with lock:\n    print(1)")),
    ("outputs_stored", "only stderr", "calls print", code("print(1)", printed("1", "stderr"))),
    ("outputs_stored", "print beside a value", "calls print",
     code("print(1)\n2", new_output("execute_result", {"text/plain": "2"}))),
    ("outputs_stored", "value", "no value is stored", lambda n: n.cells[SHOWN].update(outputs=[])),
    ("outputs_stored", "value beside a print", "no value is stored",
     code("print(1)\nvalues[0]", printed("1\n"))),
    ("outputs_stored", "display", "calls display", code("display(pixel)")),
    ("outputs_stored", "figure", "calls plt.show", code("draw()\nplt.show()")),
    ("no_errors", "traceback", "cell 10 (In [8]): a stored ValueError",
     code("f()", new_output("error", ename="ValueError", evalue="x", traceback=["x"]))),
    ("no_stderr", "warning", "cell 10 (In [8]): stored stderr",
     code("f()", printed("a warning", "stderr"))),
    ("no_network", "address", "cell 10 (In [8]): 'https://' in code",
     code("get('https://example.org/data')")),
    ("no_network", "plain address", "'http://'", code("url = 'http://example.org'")),
    ("no_network", "ftp", "'ftp://'", code("url = 'ftp://example.org'")),
    ("no_network", "install", "'pip install'", code("run('pip install xavier')")),
    ("no_network", "urlretrieve", "'urlretrieve'", code("urlretrieve(url)")),
    ("no_network", "install from git", "'git+'", code("run('git+ssh:xavier')")),
    ("no_network", "script in an output", "the output loads",
     code("f()", shown(text_html="<script src='https://example.org/x.js'></script>"))),
    ("no_network", "picture in prose", "loads from another host",
     markdown("![a plot](https://example.org/x.png)")),
    ("no_machine_path", "in code", "cell 10 (In [8]): a machine's path ('/home/')",
     code("p = '/home/me/data'")),
    ("no_machine_path", "in prose", "cell 10: a machine's path", markdown("See `/tmp/x`.")),
    ("no_machine_path", "in stdout", "'/mnt/'", code("f()", printed("at /mnt/x\n"))),
    ("no_machine_path", "in html", "'/root/'", code("f()", shown(text_html="<b>/root/x</b>"))),
    ("no_machine_path", "Windows", "C:", code("f()", printed("C:\\Users\\me"))),
    ("no_machine_path", "in metadata", "'/home/'", code("f()", metadata={"x": "/home/me"})),
    ("kernel", "own kernel", "must be 'python3'",
     lambda n: n.metadata.kernelspec.update(name="venv")),
    ("kernel", "no kernel", "kernelspec None", lambda n: n.metadata.clear()),
    ("cell_length", "21 lines", "cell 10 (In [8]): 21 lines, at most 20", code("x = 1\n" * 21)),
    ("setup_cell", "7 lines", "has 7 lines, at most 6", more(SETUP, "\na = 1" * 4)),
    ("code_length", "over 200 lines", "lines of code, at most 200",
     both(*[code("x = 1\n" * 20) for _ in range(10)])),
    ("file_size", "over 1 MB", "at most 1,000,000",
     code("f()", shown(image_png=PIXEL * 20_000))),
    ("prose_length", "few words", "words of prose, at least 900", source(PROSE, "Few words.")),
    ("prose_length", "words in code only", "at least 900",
     source(PROSE, "```python\n" + "these words are not prose\n" * 300 + "```\n")),
    ("figure_count", "9 figures", "9 figures, at most 8",
     both(*[figure_cell(f"fig-{k}") for k in range(8)])),
    ("one_figure_per_cell", "2 in one", "cell 10 (In [8]): 2 figures in one cell",
     figure_cell("fig-two", pictures=2)),
    ("figure_caption", "none", "cell 3 (In [2]): caption ''", figure_metadata("figure", name="x")),
    ("figure_caption", "short", "at least 5 words",
     figure_metadata("figure", name="x", caption="Four words, no more.")),
    ("figure_caption", "no full stop", "ends with a full",
     figure_metadata("figure", name="x", caption="These are five words here")),
    ("figure_caption", "no metadata", "caption ''", lambda n: n.cells[FIGURE].metadata.clear()),
    ("figure_name", "none", "cell 3 (In [2]): a figure without a name",
     figure_metadata("figure", caption="A sentence of five words.")),
    ("figure_alt", "none", "cell 3 (In [2]): alt text ''", figure_metadata("image")),
    ("figure_alt", "short", "in at least 5 words", figure_metadata("image", alt="A figure")),
    ("figure_alt", "picture in prose", "cell 10: a picture without", markdown("![](x.png)")),
    ("no_threads", "torch", "cell 10 (In [8]): 'set_num_threads'",
     code("torch.set_num_threads(1)")),
    ("no_threads", "environment", "'OMP_NUM_THREADS'",
     code("os.environ['OMP_NUM_THREADS'] = '1'")),
    ("no_threads", "threadpoolctl", "'threadpoolctl'", code("import threadpoolctl")),
    ("no_global_seed", "numpy", "cell 10 (In [8]): 'np.random.seed'", code("np.random.seed(0)")),
    ("no_global_seed", "torch", "'torch.manual_seed'", code("torch.manual_seed(0)")),
    ("no_global_seed", "torch, all devices", "'torch.cuda.manual_seed_all'",
     code("torch.cuda.manual_seed_all(0)")),
    ("no_global_seed", "standard library", "'random.seed'", code("random.seed(0)")),
    ("no_global_seed", "by import", "import", code("from torch import manual_seed")),
    ("plain_python", "magic", "cell 10 (In [8]): not plain Python ('%matplotlib inline')",
     code("x = 1\n%matplotlib inline")),
    ("plain_python", "unknown magic", "'%no_such_magic'", code("%no_such_magic")),
    ("plain_python", "cell magic", "'%%time'", code("%%time\nx = 1")),
    ("plain_python", "shell", "'!ls'", code("!ls")),
    ("plain_python", "shell, assigned", "not plain", code("x = !ls")),
    ("plain_python", "help", "'print?'", code("print?")),
    ("plain_python", "hidden magic", "get_ipython",
     code("get_ipython().run_line_magic('time', '')")),
    ("no_trailing_semicolon", "last line", "cell 10 (In [8]): line 2 ends with ';'",
     code("x = 1\nplot(x);")),
    ("no_trailing_semicolon", "before a comment", "ends with ';'", code("plot(x);  # quiet")),
    ("no_skipped_cell", "comment", "cell 10 (In [8]): marker 'nbval-skip'",
     code("# NBVAL_SKIP\nx = 1")),
    ("no_skipped_cell", "tag", "'nbval-skip'", code("x = 1", metadata={"tags": ["nbval-skip"]})),
    ("no_skipped_cell", "raises", "'raises-exception'",
     code("x = 1", metadata={"tags": ["raises-exception"]})),
    ("ignored_output_is_asserted", "comment", "cell 8 (In [6]): its output is ignored",
     source(CHECKED, "x = 1")),
    ("ignored_output_is_asserted", "tag", "cell 10 (In [8]): its output",
     code("f()", metadata={"tags": ["nbval-ignore-output"]})),
    ("ignored_output_is_asserted", "assert too far", "cell 8",
     both(source(CHECKED, "x = 1"), code("x = 2"), code("assert x"))),
    ("title", "code first", "cell 1: must open", lambda n: n.cells.insert(0, n.cells.pop(SETUP))),
    ("title", "second level", "cell 1: must open", source(0, "## Keep the scale")),
    ("title", "text first", "cell 1: must open", source(0, "Some words.\n\n# Keep the scale")),
    ("title", "two", "2 headings of level 1 (cells 1, 10)", markdown("# Another title")),
    ("title", "two, underlined", "(cells 1, 10)", markdown("Another title\n=====")),
    ("no_leftover", "in prose", "cell 10: 'TODO'", markdown("TODO: say why.")),
    ("no_leftover", "in code", "'FIXME'", code("x = 1  # FIXME")),
    ("no_leftover", "XXX", "'XXX'", markdown("About XXX percent.")),
    ("no_leftover", "lorem", "'Lorem'", markdown("Lorem ipsum.")),
    ("no_leftover", "in a caption", "cell 3",
     figure_metadata("figure", name="x", caption="TODO write a good caption here.")),
    ("voice", "simply", "cell 10: 'simply'", markdown("This is simply so.")),
    ("voice", "clearly", "'Clearly'", markdown("Clearly, it holds.")),
    ("voice", "crucial", "'crucial'", markdown("A crucial step.")),
    ("voice", "delve", "'delve'", markdown("We delve into it.")),
    ("voice", "powerful", "'powerful'", markdown(":::{note}\nA powerful rule.\n:::")),
    ("voice", "obviously", "'obviously'", markdown("It is **obviously** so.")),
    ("voice", "we will explore", "'we will explore'", markdown("Here we will explore it.")),
    ("voice", "over two lines", "explore'", markdown("Here we will\nexplore it.")),
    ("voice", "in a title", "'powerful'", markdown(":::{admonition} A powerful rule\nText.\n:::")),
    ("voice", "in a caption", "cell 3 (In [2]): 'simply'",
     figure_metadata("figure", name="x", caption="This is simply one pixel.")),
    ("voice", "exclamation", "an exclamation mark after 'It works'", markdown("It works!")),
    ("voice", "exclamation at a directive's end", "an exclamation mark",
     markdown("```{note}\n:class: x\nIt works!\n```")),
    ("voice", "exclamation after math", "an exclamation mark", markdown("So $a = b$!")),
]  # fmt: skip


def stored(text: str) -> NotebookNode:
    """Return a stored value."""
    return new_output("execute_result", {"text/plain": text})


# What looks like a fault and is none: all guards must pass.
SOUND: list[tuple[str, Plant]] = [
    ("a call at the end without output", code("draw()")),
    ("an assignment at the end", code("x = 1")),
    ("None at the end", code("None")),
    ("print in a function", code("def f():\n    print(1)")),
    ("print under an if", code("if total > 9:\n    print(1)")),
    ("print to a file", code("print(1, file=sink)")),
    ("print, redirected", code("with contextlib.redirect_stdout(sink):\n    print(1)")),
    ("a call or None", code("f() if total else None")),
    ("modulo at the start of a line", code("x = (7\n% 2)\ny = 1 != 2")),
    ("a magic in a string", code('x = """\n%time\n!ls\n"""')),
    ("two statements in a line", code("x = 1; y = 2")),
    ("a semicolon in a comment", code("x = 1  # one;")),
    ("a semicolon in a string", code('x = """a;\nb;"""')),
    ("a seeded generator", code("g = torch.Generator().manual_seed(0)\ng.manual_seed(1)")),
    ("a NumPy generator", code("rng = np.random.default_rng(0)\nn = stream.seed")),
    ("20 lines", code("x = 1\n" * 20)),
    ("8 figures", both(*[figure_cell(f"fig-{k}") for k in range(7)])),
    ("a path by chance in a picture",
     lambda n: n.cells[FIGURE].outputs[0].data.update({"image/png": "iVBO+/tmp/A+/mnt/A="})),
    ("an ignored output, asserted two cells on",
     both(code("f()", metadata={"tags": ["nbval-ignore-output"]}), code("x = 1"),
          code("if x:\n    assert x"))),
    ("bytes in HTML", code("f()", shown(text_html="<img src='data:a;base64,//+/tmp/+//A='>"))),
    ("a link in prose", markdown("See [the paper](https://example.org/x) or <https://a.org>.")),
    ("a page whose path has home in it", markdown("See [this](https://example.org/home/x).")),
    ("a relative path", markdown("The file `../results/tmp/x` and and/or.")),
    ("words in code", markdown("`simply!` and ```clearly!``` and {ref}`obviously!`.")),
    ("words in a code block", markdown("```python\n# TO-DO simply!\n# A comment\n```")),
    ("exclamation in math", markdown("$n!$ and $$\nn! \\\\\n=\\ k!\n$$ and 5! and n! and a != b.")),
    ("exclamation in a math directive", markdown("```{math}\n:label: eq-x\nn! = 1\n```")),
    ("exclamation in a math environment", markdown("\\begin{align}\nn!\n\\end{align}")),
    ("a picture with alt text", markdown("![what is seen](x.png)")),
    ("a comment in HTML", markdown("<!-- simply! -->")),
    ("nested directives",
     markdown("::::{exercise}\n:label: ex-1\nWords.\n:::{note}\nMore.\n:::\n::::\n\nAfter.")),
    ("a heading inside code", markdown("```bash\n# a comment\n```")),
    ("longer words", markdown("Simplicity, clarity, a clear view, the power of two, exploring.")),
    ("more than one value", code("1, 2", stored("(1, 2)"))),
    ("front matter", lambda n: n.cells[0].update(source="---\na: 1\n---\n" + n.cells[0].source)),
]  # fmt: skip


def test_the_healthy_notebook_passes_all_guards() -> None:
    problems = [p for guard in GUARDS.values() for p in guard(chapter_of(healthy_notebook()))]
    assert problems == []


@pytest.mark.parametrize(
    ("guard", "says", "plant"),
    [(guard, says, plant) for guard, _, says, plant in FAULTS],
    ids=[f"{guard}-{fault.replace(' ', '_')}" for guard, fault, _, _ in FAULTS],
)
def test_guard_reports_a_planted_fault(guard: str, says: str, plant: Plant) -> None:
    notebook = healthy_notebook()
    plant(notebook)
    problems = GUARDS[guard](chapter_of(notebook))
    assert any(says in problem for problem in problems), problems
    assert all(problem.startswith("01_healthy") for problem in problems)


@pytest.mark.parametrize(
    "plant", [plant for _, plant in SOUND], ids=[what.replace(" ", "_") for what, _ in SOUND]
)
def test_guards_pass_what_only_looks_like_a_fault(plant: Plant) -> None:
    notebook = healthy_notebook()
    plant(notebook)
    problems = [p for guard in GUARDS.values() for p in guard(chapter_of(notebook))]
    assert problems == []


def test_a_page_without_number_may_be_short() -> None:
    notebook = healthy_notebook()
    source(PROSE, "Few words.")(notebook)
    assert prose_length(chapter_of(notebook, "notation")) == []
    assert prose_length(chapter_of(notebook, "01_chapter")) != []


def healthy_book() -> Book:
    """Return two healthy chapters in a table of contents with parts and sections."""
    second = healthy_notebook()
    second.cells[FIGURE].metadata["mystnb"]["figure"]["name"] = "fig-second"
    toc = {
        "format": "jb-book",
        "root": "chapters/index",
        "parts": [
            {
                "caption": "One",
                "chapters": [
                    {"file": "chapters/01_one.ipynb", "sections": [{"file": "chapters/02_two"}]},
                    {"file": "appendix/api"},
                    {"url": "https://example.org"},
                ],
            }
        ],
    }
    chapters = (chapter_of(healthy_notebook(), "01_one"), chapter_of(second, "02_two"))
    return Book(chapters, toc, frozenset({"index", "01_one", "02_two"}))


def without_second(book: Book) -> Book:
    toc = copy.deepcopy(book.toc)
    del toc["parts"][0]["chapters"][0]["sections"]
    return Book(book.chapters, toc, book.sources)


def with_second_twice(book: Book) -> Book:
    toc = copy.deepcopy(book.toc)
    toc["parts"][0]["chapters"].append({"file": "chapters/02_two.ipynb"})
    return Book(book.chapters, toc, book.sources)


def with_same_names(book: Book) -> Book:
    twin = copy.deepcopy(book.chapters[0].notebook)
    twin.cells[FIGURE].metadata["mystnb"]["figure"]["name"] = "Fig-Pixel"
    return Book((book.chapters[0], chapter_of(twin, "02_two")), book.toc, book.sources)


BOOK_FAULTS: list[tuple[str, str, str, Callable[[Book], Book]]] = [
    ("there_are_chapters", "none", "nothing would be guarded",
     lambda b: Book((), b.toc, b.sources)),
    ("chapters_are_in_toc", "no toc", "_toc.yml is missing",
     lambda b: Book(b.chapters, None, b.sources)),
    ("chapters_are_in_toc", "left out", "02_two: 0 times", without_second),
    ("chapters_are_in_toc", "twice", "02_two: 2 times", with_second_twice),
    ("toc_exists", "no such file", "chapters/01_one: in _toc.yml",
     lambda b: Book(b.chapters, b.toc, frozenset({"index", "02_two"}))),
    ("figure_names_are_unique", "in two chapters",
     "01_one, cell 3 (In [2]); 02_two, cell 3 (In [2]): the same figure name 'fig-pixel'",
     with_same_names),
]  # fmt: skip


@pytest.mark.parametrize("guard", BOOK_GUARDS)
def test_the_healthy_book_passes(guard: str) -> None:
    assert BOOK_GUARDS[guard](healthy_book()) == []


@pytest.mark.parametrize(
    ("guard", "says", "plant"),
    [(guard, says, plant) for guard, _, says, plant in BOOK_FAULTS],
    ids=[f"{guard}-{fault.replace(' ', '_')}" for guard, fault, _, _ in BOOK_FAULTS],
)
def test_book_guard_reports_a_planted_fault(
    guard: str, says: str, plant: Callable[[Book], Book]
) -> None:
    problems = BOOK_GUARDS[guard](plant(healthy_book()))
    assert any(says in problem for problem in problems), problems


def test_every_guard_has_a_planted_fault() -> None:
    assert {guard for guard, *_ in FAULTS} == set(GUARDS)
    assert {guard for guard, *_ in BOOK_FAULTS} == set(BOOK_GUARDS)


# --------------------------------------------------------------------------------------------------
# (c) nbval bites
# --------------------------------------------------------------------------------------------------


def test_nbval_reports_a_changed_digit_and_the_guards_a_stripped_notebook(tmp_path: Path) -> None:
    """The healthy notebook passes nbval; a digit changed in a print or a value fails that cell.

    nbval passes a notebook without outputs and counts; the guards do not.
    """
    intact, changed, stripped = (healthy_notebook() for _ in range(3))
    changed.cells[PRINTED].outputs[0].text = "mean 2.334\n"
    changed.cells[SHOWN].outputs[0].data["text/plain"] = "8"
    nbformat.write(intact, tmp_path / "intact.ipynb")
    nbformat.write(changed, tmp_path / "changed.ipynb")
    settings = tmp_path / "pytest.ini"
    settings.write_text("[pytest]\n", encoding="utf-8")
    command = [
        *(sys.executable, "-m", "pytest", "-c", str(settings), "--rootdir", str(tmp_path)),
        *("--nbval", "--nbval-current-env", "--nbval-cell-timeout", "300"),
        *("-p", "no:cacheprovider", "-q", "--tb=no", "-rA", str(tmp_path)),
    ]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
        timeout=600,
        check=False,
    )
    outcome = dict(
        reversed(match.groups())
        for match in re.finditer(r"^(PASSED|FAILED|ERROR) (\S+::Cell \d+)", done.stdout, re.M)
    )
    # nbval numbers code cells from 0: the printed one is its Cell 3, the shown one its Cell 4.
    expected = {f"intact.ipynb::Cell {k}": "PASSED" for k in range(7)}
    expected |= {f"changed.ipynb::Cell {k}": "PASSED" for k in range(7)}
    expected |= {"changed.ipynb::Cell 3": "FAILED", "changed.ipynb::Cell 4": "FAILED"}
    assert outcome == expected, done.stdout + done.stderr
    assert done.returncode == 1

    strip_outputs(stripped, counts=True)
    reporting = {name for name, guard in GUARDS.items() if guard(chapter_of(stripped))}
    assert {"executed_in_order", "outputs_stored"} <= reporting
