"""Show the repository's buttons once its address is known, and none before.

The address is `repository: url:` in _config.yml. With the buttons switched on there, Jupyter Book
refuses an empty address; with them off, a second edit would be needed once there is one.

Colab opens a notebook without the rest of its repository. Its buttons lead to the branch `colab`,
where each has a first cell that installs the book (tools/colab.py).
"""

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config


def switch_buttons(app: Sphinx, config: Config) -> None:
    options = config.html_theme_options
    if options.get("repository_url"):
        for button in ("repository", "issues", "edit_page"):
            options[f"use_{button}_button"] = True
    else:
        options["launch_buttons"] = {}


def lead_to_the_installing_copy(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    for group in context.get("header_buttons", []):
        for button in group.get("buttons", []):
            if "colab." in (url := button.get("url", "")):
                button["url"] = re.sub(r"/blob/[^/]+/", "/blob/colab/", url)


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("config-inited", switch_buttons)
    app.connect("html-page-context", lead_to_the_installing_copy, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
