"""Put right what Sphinx's own pages get wrong.

The parameters of a long signature are set as a definition list without a term, which screen readers
announce as broken. An entry of the bibliography has the role doc-biblioentry, which is no longer
one and not that of a list's item. The list of modules with their source names modules without one,
and one of another project's.

What a notebook says to the tools that check it is not for readers, and neither is what Python says
of a named tuple's fields: its docstring describes them.
"""

import re
from collections.abc import Iterable
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

PACKAGES = ("xavier", "glorot2010", "xavier_grading")
BARE = re.compile(r"<dl>\n((?:<dd>.*</dd>\n)+)</dl>")
MARKS = re.compile(r"^# NBVAL_IGNORE_OUTPUT\n|  # fmt: skip$", re.MULTILINE)


def name_lists(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    def named(found: re.Match[str]) -> str:
        items = found[1].replace("<dd>", '<dd role="listitem">')
        return f'<dl role="list">\n{items}</dl>'

    if "body" in context:
        body = BARE.sub(named, context["body"])
        context["body"] = body.replace('role="doc-biblioentry"', 'role="listitem"')


def hide_marks(app: Sphinx, doctree: nodes.document) -> None:
    for block in doctree.findall(nodes.literal_block):
        code = MARKS.sub("", block.astext())
        if code != block.astext():
            block.rawsource = code  # else it would not be coloured as code
            block[:] = [nodes.Text(code)]


def show_our_sources(app: Sphinx) -> Iterable[tuple[str, dict[str, Any], str]]:
    modules = getattr(app.env, "_viewcode_modules", {})
    for name in list(modules):
        if not modules[name] or name.split(".")[0] not in PACKAGES:
            del modules[name]
    return ()


def describe_fields_once(
    app: Sphinx, what: str, name: str, thing: object, skip: bool, options: object
) -> bool | None:
    return True if type(thing).__name__ == "_tuplegetter" else None


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("autodoc-skip-member", describe_fields_once)
    app.connect("doctree-read", hide_marks)
    app.connect("html-page-context", name_lists)
    app.connect("html-collect-pages", show_our_sources, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
