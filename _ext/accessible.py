"""Put right, for screen readers, two lists of which Sphinx says something else.

The parameters of a long signature are set as a definition list without a term. An entry of the
bibliography has the role doc-biblioentry, which is no longer one and not that of a list's item.
"""

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

BARE = re.compile(r"<dl>\n((?:<dd>.*</dd>\n)+)</dl>")


def name_lists(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    def named(found: re.Match[str]) -> str:
        items = found[1].replace("<dd>", '<dd role="listitem">')
        return f'<dl role="list">\n{items}</dl>'

    if "body" in context:
        body = BARE.sub(named, context["body"])
        context["body"] = body.replace('role="doc-biblioentry"', 'role="listitem"')


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("html-page-context", name_lists)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
