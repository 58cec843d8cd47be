"""What other machines are told to do is valid by its schema, and names what there is."""

import json
import re
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import colab
import nbformat
import pytest
import repository
import yaml
from bs4 import BeautifulSoup
from check_jsonschema import main as check_jsonschema
from click.testing import CliRunner
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
SCHEMAS = [(path, "vendor.github-workflows") for path in WORKFLOWS]
SCHEMAS.append((ROOT / "CITATION.cff", "vendor.citation-file-format"))


@pytest.mark.parametrize(("path", "schema"), SCHEMAS, ids=lambda said: getattr(said, "name", said))
def test_a_file_is_as_its_schema_has_it(path, schema):
    done = CliRunner().invoke(check_jsonschema, ["--builtin-schema", schema, str(path)])
    assert done.exit_code == 0, done.output


def test_a_workflow_that_is_none_is_found(tmp_path):
    path = tmp_path / "bad.yml"
    path.write_text(WORKFLOWS[0].read_text(encoding="utf-8").replace("runs-on", "run-on"))
    done = CliRunner().invoke(
        check_jsonschema, ["--builtin-schema", "vendor.github-workflows", str(path)]
    )
    assert done.exit_code == 1


def test_commands_are_those_of_the_makefile():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = {name for line in re.findall(r"^([a-z ]+):", makefile, re.M) for name in line.split()}
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    commands = [container["postCreateCommand"]]
    for path in WORKFLOWS:
        for job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values():
            commands += [step["run"] for step in job["steps"] if "run" in step]
    made = [word for c in commands if c.startswith("make ") for word in c.split()[1:]]
    assert {word for word in made if "=" not in word} == {"install", "book", "pdf", "epub", "colab"}
    assert {"install", "book", "pdf", "epub", "colab"} <= targets
    assert (ROOT / ".ci" / "run").exists() and ".ci/run" in commands


@pytest.fixture
def built(tmp_path):
    """Builds a page with the extension and an address, or none."""

    def build(address):
        source = tmp_path / "source"
        source.mkdir(exist_ok=True)
        (source / "conf.py").write_text(
            f"import sys\nsys.path.insert(0, {str(ROOT / '_ext')!r})\n"
            f"extensions = ['published']\nproject = 'Book'\nhtml_baseurl = {address!r}\n"
        )
        (source / "index.rst").write_text("Title\n=====\n\nWhat the page is about & more.\n")
        with docutils_namespace():  # else what one book registers stands in the way of the next
            app = Sphinx(
                source, source, tmp_path / "html", tmp_path / "trees", "html",
                status=None, freshenv=True, warningiserror=True,
            )  # fmt: skip
            app.build(force_all=True)
        return tmp_path / "html"

    return build


def test_with_an_address_pages_are_listed_and_say_what_a_link_shows(built):
    folder = built("https://example.org/book/")
    sitemap = ElementTree.parse(folder / "sitemap.xml")
    (place,) = sitemap.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")
    assert place.text == "https://example.org/book/index.html"
    page = BeautifulSoup((folder / "index.html").read_text(encoding="utf-8"), "html.parser")
    said = {tag["property"]: tag["content"] for tag in page.find_all("meta", property=True)}
    assert said["og:url"] == place.text
    assert (
        said["og:title"] == "Title" and "What the page is about & more." in said["og:description"]
    )
    assert said["og:image"] == "https://example.org/book/_static/birth.png"
    assert (ROOT / "_static" / "birth.png").exists()


def test_without_an_address_none_is_named(built):
    folder = built("")
    assert not (folder / "sitemap.xml").exists()
    assert "og:" not in (folder / "index.html").read_text(encoding="utf-8")


def test_in_colab_a_chapter_installs_the_book_first():
    path = ROOT / "chapters" / "03_scale.ipynb"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    before = json.dumps(notebook)
    made = colab.for_colab(notebook, "https://github.com/somebody/book")
    nbformat.validate(made)
    first, *others = made["cells"]
    assert others == notebook["cells"] and json.dumps(notebook) == before
    lines = "".join(first["source"]).splitlines()
    assert "git clone" in lines[1] and "https://github.com/somebody/book /content/book" in lines[1]
    # What is installed and looked for is there, in the clone.
    (extra,) = re.findall(r'"/content/book\[(\w+)\]"', lines[2])
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert extra in project["optional-dependencies"]
    for folder in re.findall(r"/content/book(/[\w/]+)", "\n".join(lines)):
        assert (ROOT / folder[1:]).is_dir(), folder
    # As Colab runs it, but for the lines that are IPython's.
    compile("\n".join(line for line in lines if line[0] not in "!%"), "setup", "exec")


def test_colabs_button_leads_to_that_copy_and_the_others_do_not():
    def buttons(branch):
        address = f"somebody/book/blob/{branch}/chapters/03_scale.ipynb"
        other = "https://mybinder.org/v2/gh/somebody/book/main?urlpath=lab/tree/blob/main/x.ipynb"
        return [
            {"type": "link", "url": "https://github.com/somebody/book"},
            {"buttons": [{"url": f"https://colab.research.google.com/github/{address}"},
                         {"url": other}]},
        ]  # fmt: skip

    context = {"header_buttons": buttons("main")}
    repository.lead_to_the_installing_copy(None, "", "", context, None)
    assert context["header_buttons"] == buttons("colab")
    repository.lead_to_the_installing_copy(None, "", "", {}, None)
