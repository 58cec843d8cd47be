"""The table of claims: told from other tables, and its folded details put right.

A cell of a table in Markdown has one paragraph, in which a `details` may not stand: a browser ends
the paragraph before it and adds an empty one behind it. So the paragraph is cut there.
"""

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform


class Board(SphinxPostTransform):
    """Tables with a verdict in them get the class of `board.css` and `board.js`."""

    default_priority = 220
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        for table in self.document.findall(nodes.table):
            if any('class="verdict ' in raw.astext() for raw in table.findall(nodes.raw)):
                table["classes"].append("board")
                for entry in list(table.findall(nodes.entry)):
                    cut(entry)


def cut(entry: nodes.entry) -> None:
    """Take the details of a cell out of its paragraph, each part a paragraph of its own."""
    if len(entry) != 1 or not isinstance(entry[0], nodes.paragraph):
        return
    parts = list(entry[0].children)
    ends = [k for k, part in enumerate(parts) if is_raw(part, "</summary>", "</details>")]
    begin = next((k for k, part in enumerate(parts) if is_raw(part, "<details>")), None)
    if begin is None or len(ends) != 2:
        return
    summary, end = ends
    lines: list[list[nodes.Node]] = [[]]
    for part in parts[summary + 1 : end]:
        if is_raw(part, "<br>"):
            lines.append([])
        else:
            lines[-1].append(part)
    paragraphs = [nodes.paragraph("", "", *line) for line in (parts[:begin], *lines)]
    entry[:] = [paragraphs[0], *parts[begin : summary + 1], *paragraphs[1:], parts[end]]


def is_raw(node: nodes.Node, *tags: str) -> bool:
    return isinstance(node, nodes.raw) and node.astext() in tags


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_post_transform(Board)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
