"""A figure stands before the code that makes it, and that code is folded.

The notebook stays as it is: only the built page is ordered, its source too, so that keyboard and
screen reader follow the eye. What is folded is the code of a figure, with the plumbing directly
before it (imports, loading a record), and plumbing elsewhere. Every other cell is the argument and
stays open, but for those before the page's first figure. Two tags overrule: ``hide-input`` folds
any cell's code below what it puts out, ``argument`` keeps a cell open, its figure behind its code.

Each line of code becomes an element of its own, so that a line that is too long for a phone goes on
in the next one under its own indent.
"""

import ast
from collections.abc import Iterable
from typing import Any

from docutils import nodes
from pygments.formatters import HtmlFormatter
from sphinx.application import Sphinx
from sphinx.highlighting import PygmentsBridge
from sphinx.transforms.post_transforms import SphinxPostTransform


class Fold(nodes.General, nodes.Element):
    """What a reader opens if they want to; ``says`` is the line that they see."""


class FigureFirst(SphinxPostTransform):
    """Just before myst-nb folds the cells that are tagged so (199), which then finds them done."""

    default_priority = 198
    formats = ("html",)

    def run(self, **_: Any) -> None:
        cells = [node for node in self.document.findall(nodes.container) if is_code_cell(node)]
        figures = [cell for cell in cells if len(cell) == 2 and has_figure(cell[1])]
        opening = cells[: cells.index(figures[0])] if figures else []
        for cell in opening:
            cell["opening"] = True
        for cell in figures:
            if "tag_argument" not in cell["classes"]:
                put_figure_first(cell)
        for cell in cells:
            if cell.parent is not None and is_plumbing(cell):
                fold_all(cell)
            elif cell.get("hide_mode") == "input":
                put_output_first(cell, "Code")


def is_code_cell(node: nodes.Node | None) -> bool:
    return isinstance(node, nodes.container) and node.get("nb_element") == "cell_code"


def has_figure(output: nodes.Node) -> bool:
    return next(iter(output.findall(nodes.figure)), None) is not None


def put_figure_first(cell: nodes.container) -> None:
    sources, output = [cell[0]], cell[1]
    provenance: list[nodes.Node] = []
    while (before := previous(cell)) is not None and is_plumbing(before):
        if len(before) > 1 and not only_plumbing(before[0].astext()):
            break  # what it shows is worth a place of its own
        sources.insert(0, before[0])
        provenance[:0] = before[1:]
        before.parent.remove(before)
    cell.attributes.pop("hide_mode", None)
    output[:] = sorted(output, key=lambda part: not has_figure(part))
    cell[:] = [output, folded(sources, "Code of this figure", provenance)]


def put_output_first(cell: nodes.container, says: str) -> None:
    cell.attributes.pop("hide_mode", None)
    cell[:] = [*cell[1:], folded([cell[0]], says)]


def fold_all(cell: nodes.container) -> None:
    code = cell[0].astext()
    if not only_plumbing(code):
        put_output_first(cell, "What the figure is drawn from")
        return
    cell.attributes.pop("hide_mode", None)
    says = "Where the numbers come from" if "load(" in code else "Imports"
    cell[:] = [folded([cell[0]], says, cell[1:])]


def folded(sources: list[nodes.Element], says: str, outputs: Iterable[nodes.Node] = ()) -> Fold:
    lines = sum(len(source.astext().splitlines()) for source in sources)
    return Fold("", *sources, *outputs, says=says, lines=f"{lines} line{'s' * (lines > 1)}")


def previous(node: nodes.Element) -> nodes.Node | None:
    place = node.parent.index(node)
    return node.parent[place - 1] if place else None


def is_plumbing(node: nodes.Node) -> bool:
    """Whether a cell does nothing but import, load records and print where they come from.

    Before the first figure of a page, which nothing is to stand before, every cell is.
    """
    if not is_code_cell(node) or "tag_argument" in node["classes"]:
        return False
    if len(node) > 1 and has_figure(node[1]):
        return False
    return node.get("opening", False) or only_plumbing(node[0].astext())


def only_plumbing(code: str) -> bool:
    try:
        statements = ast.parse(code).body
    except SyntaxError:
        return False
    return all(map(imports_or_loads, statements))


def imports_or_loads(statement: ast.stmt) -> bool:
    match statement:
        case ast.Import() | ast.ImportFrom():
            return True
        case ast.Assign(value=ast.Call(func=ast.Attribute(attr="load"))):
            return True
        case ast.Assign(value=ast.Attribute() | ast.Subscript()):  # some of what was loaded
            return True
        case ast.Expr(value=ast.Call(func=ast.Name(id="print"), args=[ast.Attribute(attr="made")])):
            return True
    return False


class LineByLine(HtmlFormatter):  # type: ignore[type-arg]
    """Each line of code as an element that knows its indent."""

    def wrap(self, source: Iterable[tuple[int, str]]) -> Iterable[tuple[int, str]]:
        return super().wrap(map(self._line, source))

    @staticmethod
    def _line(found: tuple[int, str]) -> tuple[int, str]:
        is_code, text = found
        line = text.removesuffix("\n")
        if not is_code or not line:
            return found
        indent = len(line) - len(line.lstrip(" "))
        return is_code, f'<span class="line" style="--indent:{indent}ch">{line}</span>\n'


def open_fold(writer: Any, node: Fold) -> None:
    writer.body.append(
        f'<details class="code-fold"><summary>{node["says"]} '
        f'<span class="code-lines">{node["lines"]}</span></summary>\n'
    )


def close_fold(writer: Any, node: Fold) -> None:
    writer.body.append("</details>\n")


def setup(app: Sphinx) -> dict[str, Any]:
    PygmentsBridge.html_formatter = LineByLine
    app.add_node(Fold, html=(open_fold, close_fold))
    app.add_post_transform(FigureFirst)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
