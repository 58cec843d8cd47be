"""Set the drawings of chapters into their pages, in the page's own colours.

As a picture beside the page an SVG would keep the colours of light ground. In the page each colour
becomes a variable of _static/ink.css, which has one value on light ground and one on dark; a colour
that is missing there fails the build. Panels that `xavier.svg` has named become drawings of their
own, which a narrow page sets one below the other. Names are made unique on the page, since all
drawings share the outlines of letters. A look that all marks of a group have is said once, at the
group.
"""

import re
import xml.etree.ElementTree as ElementTree
from html import escape
from itertools import count
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

INK = Path(__file__).parents[1] / "_static" / "ink.css"
COLOURS = frozenset(re.findall(r"--ink-(\w{6}):", INK.read_text(encoding="utf-8")))
COLOUR = re.compile(r"\b(fill|stroke): ?#([0-9a-f]{6})")
NAME = re.compile(r'\b(id="|(?:xlink:)?href="#|url\(#)(?:XavierSans-)?')
SVG = "{http://www.w3.org/2000/svg}"
LOGGER = logging.getLogger(__name__)

ElementTree.register_namespace("", SVG.strip("{}"))
ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")


class InlineSvg(SphinxPostTransform):
    """After each output was chosen among its formats; books in other formats keep the files."""

    default_priority = 210
    formats = ("html",)

    def run(self, **_: Any) -> None:
        if self.app.builder.name == "epub":
            return
        number = count()
        for image in list(self.document.findall(nodes.image)):
            path = Path(self.app.srcdir, image["uri"])
            if path.suffix == ".svg" and path.is_file():
                html = drawing(path.read_text(encoding="utf-8"), image.get("alt", ""), next(number))
                image.replace_self(nodes.raw("", html, format="html"))


def drawing(text: str, alt: str, number: int) -> str:
    """A drawing as HTML: one ``svg`` for each of its panels, in one element that has the text."""
    root = ElementTree.fromstring(text)
    width = float(root.get("viewBox", "").split()[2])
    for defs in root.findall(f"{SVG}defs"):  # a style that would hold for the whole page
        for style in defs.findall(f"{SVG}style"):
            defs.remove(style)
    for group in root.iter(f"{SVG}g"):
        hoist(group)
    panels = "".join(
        NAME.sub(rf"\g<1>d{number}-", COLOUR.sub(ink, ElementTree.tostring(panel, "unicode")))
        for panel in parted(root)
    ).replace(f' xmlns="{SVG.strip("{}")}"', "")
    style = f"--width: {width:.0f}"
    return (
        f'<div class="drawing" role="img" aria-label="{escape(alt)}" style="{style}">{panels}</div>'
    )


def hoist(group: ElementTree.Element) -> None:
    """A style that all marks of a group repeat becomes the group's; it holds for them as before."""
    styles = {mark.get("style") for mark in group}
    style = styles.pop() if len(styles) == 1 else None
    marks = len(group) > 1 and all(mark.tag == f"{SVG}use" for mark in group)
    inherited = style and all(re.match(" *(fill|stroke)", one) for one in style.split(";") if one)
    if marks and style and inherited and not group.get("style"):
        group.set("style", style)
        for mark in group:
            del mark.attrib["style"]


def parted(root: ElementTree.Element) -> list[ElementTree.Element]:
    boxes = root.get("data-panels", "")
    if not boxes:
        return [panel(root.get("viewBox", ""), list(root))]
    found = {group.get("id"): group for group in root.iter(f"{SVG}g")}
    panels = [panel(box, [found[f"panel-{k}"]]) for k, box in enumerate(boxes.split(";"))]
    panels[0].extend(root.findall(f"{SVG}defs"))
    return panels


def panel(box: str, content: list[ElementTree.Element]) -> ElementTree.Element:
    width = float(box.split()[2])
    made = ElementTree.Element(f"{SVG}svg", {"viewBox": box, "aria-hidden": "true"})
    made.set("style", f"--width: {width:.0f}")
    made.extend(content)
    return made


def ink(found: re.Match[str]) -> str:
    if found[2] not in COLOURS:
        LOGGER.warning("the colour #%s of a drawing has no partner in _static/ink.css", found[2])
        return found[0]
    return f"{found[1]}:var(--ink-{found[2]})"


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_post_transform(InlineSvg)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
