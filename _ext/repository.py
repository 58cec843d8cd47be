"""Show the repository's buttons once its address is known, and none before.

The address is `repository: url:` in _config.yml. With the buttons switched on there, Jupyter Book
refuses an empty address; with them off, a second edit would be needed once there is one.
"""

from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config


def switch_buttons(app: Sphinx, config: Config) -> None:
    options = config.html_theme_options
    if options.get("repository_url"):
        for button in ("repository", "issues", "edit_page"):
            options[f"use_{button}_button"] = True
    else:
        options["launch_buttons"] = {}


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("config-inited", switch_buttons)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
