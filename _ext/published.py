"""What only a book with an address has: a sitemap, and what a shared link to a page is shown with.

The address is `html: baseurl:` in _config.yml.
"""

from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from sphinx.application import Sphinx
from sphinx.config import Config

SITEMAP = """<?xml version="1.0" encoding="utf-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
{}
</urlset>
"""


def name_address(app: Sphinx, config: Config) -> None:
    config.ogp_site_url = config.html_baseurl
    config.ogp_image = "_static/birth.png"
    config.ogp_social_cards = {"enable": False}


def write_sitemap(app: Sphinx, exception: Exception | None) -> None:
    if exception or app.builder.format != "html":
        return
    root = app.config.html_baseurl.rstrip("/")
    pages = [f"{root}/{app.builder.get_target_uri(name)}" for name in sorted(app.env.found_docs)]
    lines = [f"<url><loc>{escape(page)}</loc></url>" for page in pages]
    (Path(app.outdir) / "sitemap.xml").write_text(SITEMAP.format("\n".join(lines)), "utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    if app.config.html_baseurl:
        app.setup_extension("sphinxext.opengraph")
        app.connect("config-inited", name_address, priority=1)
        app.connect("build-finished", write_sitemap)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
