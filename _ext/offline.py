"""Make the book readable without a network: MathJax from the book itself, no thebe.

MathJax's files come with the package sphinx-mathjax-offline. That package's own Sphinx extension
would copy all of them (24 MB); TeX input and CHTML output need 2 MB. They are copied after the
build, because Jupyter Book adds every script that it finds in a static folder to every page.
Screen readers get the hidden MathML that MathJax writes; its speech explorer is not shipped.

Jupyter Book always loads sphinx-thebe, which puts a script from a content delivery network, and
one constant twice, into every page. The book has no live cells: its handlers are taken out again.
"""

import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config

NEEDED = ("tex-chtml.js", "input/tex/extensions", "output/chtml/fonts/woff-v2")


def use_local_mathjax(app: Sphinx, config: Config) -> None:
    config.mathjax_path = "mathjax/tex-chtml.js"  # relative to _static


def drop_thebe(app: Sphinx) -> None:
    sheets = app.registry.css_files
    sheets[:] = [(name, attributes) for name, attributes in sheets if name != "sphinx-thebe.css"]
    for listeners in app.events.listeners.values():
        for listener in list(listeners):
            if listener.handler.__module__.startswith("sphinx_thebe"):
                app.disconnect(listener.id)


def copy_mathjax(app: Sphinx, exception: Exception | None) -> None:
    if exception or app.builder.format != "html":
        return
    package = find_spec("sphinx-mathjax-offline")
    if package is None or package.origin is None:
        raise RuntimeError("the package sphinx-mathjax-offline is not installed")
    source = Path(package.origin).parent / "static" / "mathjax"
    target = Path(app.outdir) / "_static" / "mathjax"
    for name in NEEDED:
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name, dirs_exist_ok=True)
        else:
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy(source / name, target / name)


def setup(app: Sphinx) -> dict[str, Any]:
    drop_thebe(app)  # Jupyter Book loads local extensions after its own
    app.connect("config-inited", use_local_mathjax)
    app.connect("build-finished", copy_mathjax)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
