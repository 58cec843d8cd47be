"""Guards over what chapters say: numbers are tested by nbval, these hold the sentences to them.

`unfounded`: every number in the prose and the captions of a chapter is one that the chapter shows:
in an output or in an assert. A literal elsewhere in the code proves nothing. What is neither (a
setting that is not printed, a number of the paper, of the literature, of a longer run) stands in
``sentences.toml`` with the reason.
Formulas, citations, numbers of chapters and equations, and the paper's column of a table are left
out. `unasserted`: a folded solution that gives a number has an assert.

The first list in ``sentences.toml`` names the chapters that do not keep this yet: each is expected
to fail, and fails here as soon as it no longer does, until it is taken off the list.
"""

from __future__ import annotations

import ast
import itertools
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from test_chapters import PATHS, Chapter, mystnb, output_texts, parsed, prose

TABLE = tomllib.loads((Path(__file__).parent / "sentences.toml").read_text(encoding="utf-8"))
NOT_YET, EVERY = TABLE["not_yet"]["chapters"], TABLE["every"]
MAX_EXCEPTIONS = 20

# --------------------------------------------------------------------------------------------------
# Numbers
# --------------------------------------------------------------------------------------------------

NUMBER = re.compile(r"(?<![\d.])(?<!\d,)\d+(?:,\d{3})*(?:\.\d+)?(?:e[+-]?\d+)?(?!\d)")
_UNITS = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty"
)
WORDS = {word: value for value, word in enumerate(re.findall(r"\w+", _UNITS), start=1)}
WORDS |= {"thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80}
POWERS = {"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9}
IN_WORDS = re.compile(rf"\b({'|'.join(WORDS)})\s+((?:(?:{'|'.join(POWERS)})\b\s*)+)", re.I)

# What counts pages, not things: chapter 3, figures 6 to 9, eq. 16, 2010; and how long a page takes.
_NAMED = (
    r"chapters?|figures?|fig\.|tables?|eqs?\.|equations?|sections?|sec\.|sets?|steps?|exercises?|"
    r"issues?|pull requests?"
)
OUTSIDE = re.compile(
    rf"\b(?:{_NAMED})\s+\d+(?:\.\d+)*(?:(?:,| to| and|,? or)\s*\d+(?:\.\d+)*|-\d+)*"
    r"|\b(?:19|20)\d\d\b(?![,.]\d)|\b\d+ minutes\b|\b[AP]\d+\b|Shapeset-3x2",
    re.I,
)


def number(text: str) -> float:
    """The value of what `NUMBER` finds."""
    return float(text.replace(",", ""))


def slack(text: str, in_words: bool) -> float:
    """By how much a number may differ from what it is rounded from.

    That is half of its last digit. Zeros at the end may be digits or not: of 20,000 they count as
    rounded by no more than a twentieth, and "twenty thousand" in words by half of the last word.
    """
    mantissa, _, power = text.replace(",", "").partition("e")
    _, _, fraction = mantissa.partition(".")
    unit = 10.0 ** (int(power or 0) - len(fraction))
    if "." in mantissa or number(text) == 0:
        return 0.5 * unit
    zeros = len(mantissa) - len(mantissa.rstrip("0"))
    rounded = 0.5 * unit * 10**zeros
    return rounded if in_words else max(0.5 * unit, min(rounded, 0.05 * number(text)))


def without_papers_column(text: str) -> str:
    """Empty the columns of tables whose heading has the word paper."""
    lines: list[str] = []
    papers: set[int] = set()
    for line in text.splitlines():
        if not line.lstrip().startswith("|"):
            papers = set()
            lines.append(line)
            continue
        cells = re.split(r"(?<!\\)\|", line)
        if not papers:
            papers = {k for k, cell in enumerate(cells) if re.search(r"\bpaper", cell)} or {-1}
        lines.append("|".join("" if k in papers else cell for k, cell in enumerate(cells)))
    return "\n".join(lines)


def sentences(chapter: Chapter) -> list[tuple[int, str]]:
    """What a reader reads, by cell: prose, and captions of figures."""
    found = [(k, prose(without_papers_column(text))) for k, text in chapter.markdown]
    return found + [(k, mystnb(cell, "figure", "caption")) for k, cell in chapter.code]


def asserted(chapter: Chapter) -> Iterator[float | tuple[float, float]]:
    """Numbers in the asserts; a range for each ``low < x < high``."""
    for _, cell in chapter.code:
        nodes = ast.walk(parsed(cell.source) or ast.Module([], []))
        held = [node for node in nodes if isinstance(node, ast.Assert)]
        for node in itertools.chain.from_iterable(map(ast.walk, held)):
            if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
                yield abs(float(node.value))
            elif isinstance(node, ast.Compare) and len(node.ops) == 2:
                low, high = (constant(side) for side in (node.left, node.comparators[-1]))
                if low is not None and high is not None:
                    yield min(low, high), max(low, high)


def constant(node: ast.expr) -> float | None:
    """The size of a number, with or without its sign; None for any other expression."""
    try:
        return abs(float(ast.literal_eval(node)))
    except (ValueError, TypeError):
        return None


class Shown:
    """The numbers that a chapter shows."""

    def __init__(self, chapter: Chapter) -> None:
        found = [x for x in asserted(chapter) if isinstance(x, float)]
        self.ranges = [x for x in asserted(chapter) if isinstance(x, tuple)]
        for _, cell in chapter.code:
            for text in output_texts(cell):
                text = re.sub(r"<style.*?</style>", " ", text, flags=re.S)
                text = re.sub(r"<[^>]*>", " ", text)
                found += [number(hit) for hit in NUMBER.findall(text)]
        self.values = sorted(set(found))

    def has(self, text: str, *, in_words: bool, percent: bool) -> bool:
        """Whether a number as written is one of these, or one of these rounded."""
        value, most = number(text), slack(text, in_words) + 1e-9 * number(text)
        for scale in (1.0, 100.0) if percent else (1.0,):
            if any(abs(scale * x - value) <= most for x in self.values):
                return True
            if any(scale * a <= value <= scale * b and b - a <= 0.3 * b for a, b in self.ranges):
                return True
        return False


def unfounded(chapter: Chapter, exceptions: dict[str, str]) -> Iterator[tuple[int, str]]:
    """Numbers that a chapter says and does not show, and exceptions that excuse none of them."""
    shown, used = Shown(chapter), set[str]()
    for place, text in sentences(chapter):
        excused = [m.span() for m in OUTSIDE.finditer(text)]
        hits = [(m.span(), m[0], m[0]) for m in NUMBER.finditer(text)]
        for m in IN_WORDS.finditer(text):
            value = float(WORDS[m[1].lower()])
            for power in m[2].lower().split():
                value *= POWERS[power]
            hits.append((m.span(), f"{value:.0f}", m[0].strip()))
        for (start, end), digits, written in hits:
            if any(a <= start and end <= b for a, b in excused):
                continue
            percent = bool(re.match(r"\s*(?:%|percent|points?\b)", text[end:]))
            if shown.has(digits, in_words=not written[0].isdigit(), percent=percent):
                continue
            around = " ".join(text[max(0, start - 30) : end + 30].split())
            phrase = covering(text, start, end, exceptions | EVERY)
            if phrase is None:
                yield place, f"{written!r} is in no output and no assert: ...{around}..."
            else:
                used.add(phrase)
    for phrase in exceptions.keys() - used:
        yield 0, f"the exception {phrase!r} excuses nothing; delete it"
    if len(exceptions) > MAX_EXCEPTIONS:
        yield 0, f"{len(exceptions)} exceptions, at most {MAX_EXCEPTIONS}: show the numbers"


def covering(text: str, start: int, end: int, phrases: dict[str, str]) -> str | None:
    """The phrase of those given that covers a place of a text; one space stands for any white."""
    for phrase in phrases:
        pattern = r"\s+".join(re.escape(word) for word in phrase.split())
        for m in re.finditer(pattern, text):
            if m.start() <= start and end <= m.end():
                return phrase
    return None


# --------------------------------------------------------------------------------------------------
# Solutions
# --------------------------------------------------------------------------------------------------

SOLUTION = re.compile(
    r"^(`{3,}|:{3,})\{solution\} (?P<label>[\w-]+)\n(?P<body>.*?)^\1", re.M | re.S
)
OPENED, CLOSED = re.compile(r"\{solution-start\} ([\w-]+)"), re.compile(r"\{solution-end\}")
RESULT = re.compile(r"\$[^$]*(?:=|\\approx|\\le|\\ge|[<>])\s*-?[\d.,\s\\]+\$")


def gives_a_number(text: str) -> bool:
    """Whether a text has a number that is no name of a thing, or a formula that ends in one."""
    return bool(NUMBER.search(OUTSIDE.sub(" ", prose(text))) or RESULT.search(text))


def unasserted(chapter: Chapter) -> Iterator[tuple[int, str]]:
    """Folded solutions that give a number, and no assert."""
    for place, text in chapter.markdown:
        for m in SOLUTION.finditer(text):
            if gives_a_number(m["body"]):
                yield place, f"the solution of {m['label']} gives a number and has no code"
    label, said, held = "", "", False
    for place, cell in enumerate(chapter.notebook.cells, start=1):
        if cell.cell_type == "code":
            nodes = ast.walk(parsed(cell.source) or ast.Module([], []))
            held |= any(isinstance(node, ast.Assert) for node in nodes)
            continue
        for piece in re.split(r"(?=\{solution-(?:start|end)\})", cell.source):
            if opened := OPENED.match(piece):
                label, said, held = opened[1], "", False
            elif CLOSED.match(piece):
                if not held and gives_a_number(said):
                    yield place, f"the solution of {label} gives a number and has no assert"
                label = ""
            if label:
                said += re.sub(r"`{3,}\s*$", "", piece.split("```", 1)[-1] if opened else piece)


# --------------------------------------------------------------------------------------------------
# The chapters
# --------------------------------------------------------------------------------------------------


def problems(chapter: Chapter, exceptions: dict[str, str]) -> list[str]:
    """What both guards find."""
    found = [*unfounded(chapter, exceptions), *unasserted(chapter)]
    return [f"{chapter.place(place)}: {what}" for place, what in found]


def read(path: Path) -> Chapter:
    return Chapter(path.stem, nbformat.read(path, as_version=4), path.stat().st_size)


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(
            path,
            id=path.stem,
            marks=[pytest.mark.xfail(reason="not yet held to it")] * (path.stem in NOT_YET),
        )
        for path in PATHS
    ],
)
def test_chapter(path: Path) -> None:
    found = problems(read(path), TABLE.get(path.stem, {}))
    assert not found, "\n" + "\n".join(found)


def test_the_table_names_chapters_that_there_are() -> None:
    names = {path.stem for path in PATHS}
    assert set(NOT_YET) <= names
    assert TABLE.keys() - {"not_yet", "every"} <= names


# --------------------------------------------------------------------------------------------------
# Planted faults
# --------------------------------------------------------------------------------------------------


def held(said: str, *, code: str = "draw(1_000)", output: str = "") -> NotebookNode:
    """A chapter of a sentence and a cell."""
    outputs = [new_output("stream", name="stdout", text=output)] if output else []
    return new_notebook(cells=[new_markdown_cell(said), new_code_cell(code, outputs=outputs)])


def found_in(notebook: NotebookNode, exceptions: dict[str, str] | None = None) -> list[str]:
    return problems(Chapter("01_planted", notebook, 0), exceptions or {})


@pytest.mark.parametrize(
    ("said", "cell"),
    [
        ("It is 62 % after 1,000 updates.", {"output": "updates 1000, error 0.62\n"}),
        ("It is 62 % after 1,000 updates.", {"code": "assert error[1_000] == 0.62"}),
        ("The error is 62 %.", {"output": "error 61.8\n"}),
        ("The gap grows thirty million times.", {"output": "grows 3.4e+07 times\n"}),
        ("It is 83.33 %.", {"code": "assert 0.83 < error < 0.834"}),
        ("It takes 20,000 images.", {"output": "20183\n"}),
        (
            "See chapter 3, eqs. 2 to 5, figure 11, table 1, $\\sigma = 7$ and {cite}`glorot2010`.",
            {},
        ),
        ("| paper | here |\n|---|---|\n| 16.27 | 20.1 |", {"output": "20.1\n"}),
        ("*25 minutes. You need chapters 1 and 2.*", {}),
    ],
)
def test_a_number_that_is_shown_passes(said: str, cell: dict[str, str]) -> None:
    assert found_in(held(said, **cell)) == []


@pytest.mark.parametrize(
    ("said", "cell"),
    [
        ("The error is 62 % after a while.", {"output": "error 0.65\n"}),
        ("It has 62 units.", {"code": "network = draw(62)\nassert network"}),
        ("It is 62.", {"code": "good = 60 < error < 64"}),
        ("There are 62 units.", {"output": "share 0.62\n"}),
        ("It is 83.33 %.", {"output": "83.4\n"}),
        ("The gap grows thirty million times.", {"output": "grows 2.1e+07 times\n"}),
        ("It takes 25,000 images.", {"output": "20183\n"}),
        ("| what | here |\n|---|---|\n| error | 16.27 |", {"output": "20.1\n"}),
        ("It is 7 %.", {"code": "assert 0.01 < error < 0.1"}),
        ("The factor is 24.", {"output": "20\n"}),
    ],
)
def test_a_planted_number_is_reported(said: str, cell: dict[str, str]) -> None:
    assert len(found_in(held(said, **cell))) == 1


def test_a_planted_number_of_a_caption_is_reported() -> None:
    notebook = held("Some words.")
    notebook.cells[1].metadata["mystnb"] = {"figure": {"caption": "It ends at 17 %."}}
    assert "17" in found_in(notebook)[0]


def test_an_exception_excuses_its_phrase_and_must_excuse_something() -> None:
    said = "A table lists 82.61 % for it, and 82.61 is what we have."
    assert len(found_in(held(said), {"lists 82.61 %": "of the paper"})) == 1
    assert len(found_in(held("A table lists\n82.61 %."), {"lists 82.61 %": "of the paper"})) == 0
    assert "excuses nothing" in found_in(held("Some words."), {"lists 82.61 %": "of the paper"})[0]


START, END = "```{solution-start} ex-a\n:class: dropdown\n```\n", "\n```{solution-end}\n```"


@pytest.mark.parametrize(
    ("body", "code", "reported"),
    [
        ("It is 5.", "print(5)", True),
        ("It is 5.", "assert x == 5", False),
        ("It is $2 \\cdot 3 = 6$.", "6", True),
        ("Both grow, by the argument of chapter 3.", "draw()", False),
    ],
)
def test_a_solution_with_a_number_has_an_assert(body: str, code: str, reported: bool) -> None:
    output = [new_output("stream", name="stdout", text="5 6\n")]
    cells = [
        new_code_cell("assert 5 == 5", outputs=output),  # not within the solution
        new_markdown_cell(START),
        new_code_cell(code),
        new_markdown_cell(body + END),
    ]
    found = found_in(new_notebook(cells=cells))
    assert [("ex-a gives a number" in what) for what in found] == [True] * reported


def test_a_solution_in_words_that_gives_a_number_is_reported() -> None:
    body = "```{solution} ex-b\n:class: dropdown\nIt is 5 in all.\n```"
    found = found_in(held(body, output="5\n"))
    assert found == ["01_planted, cell 1: the solution of ex-b gives a number and has no code"]
