"""A page for each submission: one file that needs no network, and runs nothing.

What a student wrote is shown and never obeyed: Markdown is rendered without its HTML, formulas are
drawn by matplotlib into the page, and a policy in the page's head forbids scripts and addresses.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from html import escape
from typing import Any

import mistune
from matplotlib import mathtext
from mistune.plugins.math import math

from .. import sets
from ..check.parts import Part
from . import notebooks
from .marking import Report
from .notebooks import Restored
from .runner import within

_STYLE = """
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem;
  color: #1b1b1b; background: #fff }
h2 { font-size: 1.1rem; margin: 2rem 0 .3rem } h1 { font-size: 1.5rem }
table { border-collapse: collapse } td, th { padding: .15rem .8rem .15rem 0; text-align: left }
pre { background: #f4f4f2; padding: .6rem; white-space: pre-wrap; overflow-wrap: anywhere }
.note { border-left: .25rem solid #b3541e; padding-left: .8rem }
.points { color: #555; font-weight: normal } .good { color: #1d6b3a } .less { color: #9a3412 }
blockquote { border-left: .25rem solid #ccc; margin-left: 0; padding-left: .8rem }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_LONGEST = 400  # characters of a formula that is drawn
_PATIENCE = 20.0  # seconds for one written answer


@dataclass(frozen=True)
class Written:
    """A written answer in the gradebook.

    Attributes:
        points: that the teacher gave; None if none were given yet.
        comment: of the teacher's.
    """

    points: float | None
    comment: str


def page(
    report: Report,
    restored: Restored,
    written: Mapping[str, Written],
    book: str = "",
) -> str:
    """The page of one submission.

    Args:
        report: of the judge.
        restored: the submission.
        written: what the gradebook has, by the names of written answers.
        book: address of the built book, for links; without one sections are named.
    """
    chosen = sets.problem_set(report.problem_set)
    by_teacher = notebooks.written(restored.notebook)
    given = {name: mark.points for name, mark in written.items() if mark.points is not None}
    open_points = sum(most for name, most in by_teacher.items() if name not in given)
    got = report.total + sum(given.values())
    most = sum(mark.most for mark in report.marks.values()) + sum(by_teacher.values()) - open_points
    head = f"{chosen.name}: {chosen.title}"
    said = [f"<p><strong>{got:g} of {most:g} points</strong>, {got / most:.0%}.</p>"]
    if open_points:
        said.append(f"<p>{open_points:g} more are for written answers that are to be marked.</p>")
    for note in report.notes:
        said.insert(0, f'<p class="note">{escape(note)}</p>')
    if report.by == "limits":
        said.append("<p>This was run without a sandbox, with limits of time and memory only.</p>")
    rows, sections = [], []
    shown: set[int] = set()
    for name, heading, answer in notebooks.questions(restored.notebook):
        mark = report.marks.get(name)
        if mark is not None:
            points = f"{mark.points:g} of {mark.most:g}"
            kind = "good" if mark.points == mark.most else "less"
            body = f'<p class="{kind}">{escape(mark.message)}</p>'
            if mark.points < mark.most:
                body += _reading(chosen.part(name), book)
        else:
            own = written.get(name, Written(None, ""))
            open_ = "to be marked" if own.points is None else f"{own.points:g}"
            points = f"{open_} of {by_teacher[name]:g}" if own.points is not None else open_
            body = f"<blockquote>{escape(own.comment)}</blockquote>" if own.comment else ""
        if answer is not None and id(answer) not in shown:
            shown.add(id(answer))
            touched = answer.metadata["nbgrader"]["grade_id"] not in restored.untouched
            body += _answer(answer) if touched else ""
        rows.append(f"<tr><td>{escape(_title(name))}</td><td>{points}</td></tr>")
        sections.append(
            f'<h2>{escape(heading)}: {escape(_title(name))} <span class="points">{points}'
            f"</span></h2>\n{body}"
        )
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(head)} ({escape(report.student)})</title><style>{_STYLE}</style></head>\n"
        f"<body><h1>{escape(head)}</h1><p>{escape(report.student)}</p>\n{''.join(said)}\n"
        f"<table><tr><th>part</th><th>points</th></tr>{''.join(rows)}</table>\n"
        f"{chr(10).join(sections)}</body></html>\n"
    )


def bare(student: str, problem_set: str, why: str) -> str:
    """A page that says why there is no other."""
    return (
        f'<!doctype html>\n<meta charset="utf-8"><title>{escape(problem_set)}</title>'
        f"<h1>{escape(problem_set)}</h1><p>{escape(student)}</p><p>{escape(why)}</p>\n"
    )


def _title(name: str) -> str:
    return name.replace("_", " ")


def _answer(cell: Any) -> str:
    if cell.cell_type == "code":
        return f"<details><summary>Your code</summary><pre>{escape(cell.source)}</pre></details>"
    try:
        with within(_PATIENCE):
            markdown = mistune.Markdown(_Renderer(escape=True), plugins=[math])
            return f"<blockquote>{markdown(cell.source)}</blockquote>"
    except Exception:  # a text that takes for ever, or that nobody can render, is shown as it is
        return f"<pre>{escape(cell.source)}</pre>"


def _reading(part: Part, book: str) -> str:
    """Where the book has it, with a link if the book has an address."""
    said = escape(part.section)
    if said and book:
        address = escape(f"{book.rstrip('/')}/{part.address}")
        said = f'<a href="{address}">{said}</a>'
    return f"<p>Read again: {said}.</p>" if said else ""


class _Renderer(mistune.HTMLRenderer):
    """HTML of Markdown without any of its own, and with formulas as pictures."""

    def inline_math(self, text: str) -> str:
        """A formula in a line."""
        return _formula(text)

    def block_math(self, text: str) -> str:
        """A formula of its own line."""
        return f"<p>{_formula(text)}</p>\n"

    def image(self, text: str, url: str, title: str | None = None) -> str:
        """Nothing is fetched: the words for it stand there."""
        return f"[{escape(text)}]"


@cache
def _formula(text: str) -> str:
    """A formula drawn, or as it was written where it is none that can be."""
    text = " ".join(text.split())
    try:
        if len(text) > _LONGEST:
            raise ValueError
        held = io.BytesIO()
        depth = mathtext.math_to_image(f"${text}$", held, dpi=100, format="svg")
        picture = base64.b64encode(held.getvalue()).decode()
        return (
            f'<img alt="{escape(text)}" style="vertical-align: -{depth:g}px" '
            f'src="data:image/svg+xml;base64,{picture}">'
        )
    except TimeoutError:
        raise
    except Exception:  # of many kinds, for a text that is no formula
        return f"<code>{escape(text)}</code>"
