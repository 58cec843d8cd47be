"""Slides, figures, lists of mutants and the README are of what there is."""

from __future__ import annotations

import base64
import re
import threading
import tomllib
from pathlib import Path

import figures
import nbformat
import pytest
import server
import slides
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = sorted((ROOT / "chapters").glob("[0-9]*.ipynb"))
PIXEL = "iVBORw0KGgo="


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_makes_slides(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slides, "SLIDES", tmp_path)
    slides.main([path.stem])
    page = BeautifulSoup((tmp_path / f"{path.stem}.html").read_text(), "html.parser")
    sections = page.find_all("section")
    assert len(sections) >= 3 and page.find("h1") is not None
    assert sections[-1].find("h2").get_text() == "What to remember"
    figures = [
        cell for cell in nbformat.read(path, as_version=4).cells
        if "figure" in cell.metadata.get("mystnb", {}) and "slide" in cell.metadata.get("tags", [])
    ]  # fmt: skip
    images = page.find_all("img")
    assert len(images) == len(figures) and all(image["alt"] for image in images)
    assert not re.search(r"\{[a-z:]+\}`", page.get_text()), "a role is not text"
    addresses = [tag.get("src", "") for tag in page.find_all(True)]
    assert not any(address.startswith(("http", "//")) for address in addresses)


def test_the_server_stops_when_its_block_raises(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    with pytest.raises(KeyError), server.serving(tmp_path):
        raise KeyError
    for thread in set(threading.enumerate()) - before:
        thread.join(timeout=600)  # seconds, which only a fault takes
        assert not thread.is_alive()


def test_of_a_text_its_prediction_is_a_slide() -> None:
    cell = new_markdown_cell(
        "Before.\n\n## A head\n\nMore.\n\nPrediction: is $x^2 < 1$ {doc}`so <a>`?"
    )
    found = slides.slide(cell)
    assert "<h2>A head</h2>" in found and r"\(x^2 &lt; 1\)" in found and "so?" in found
    assert "More." not in found and "Before." not in found
    assert slides.slide(new_markdown_cell("Nothing to predict.")) is None


def test_a_figure_is_a_slide_with_its_caption() -> None:
    figure = {"figure": {"caption": "What to see."}, "image": {"alt": 'A "line".'}}
    cell = new_code_cell("x", metadata={"mystnb": figure})
    assert slides.slide(cell) is None  # it shows nothing
    cell.outputs = [new_output("execute_result", {"image/png": PIXEL}, execution_count=1)]
    found = slides.slide(cell)
    assert PIXEL in found and "What to see." in found and "A &quot;line&quot;." in found


def test_a_drawing_is_a_slide_too() -> None:
    cell = new_code_cell("x", metadata={"mystnb": {"image": {"alt": "A line."}}})
    cell.outputs = [new_output("display_data", {"image/svg+xml": "<svg/>"})]
    found = slides.slide(cell)
    source = BeautifulSoup(found, "html.parser").find("img")["src"]
    assert base64.b64decode(source.removeprefix("data:image/svg+xml;base64,")) == b"<svg/>"


def test_every_figure_is_written_to_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def cell(name: str, kind: str, content: str) -> nbformat.NotebookNode:
        output = new_output("display_data", {kind: content})
        return new_code_cell("x", metadata={"mystnb": {"figure": {"name": name}}}, outputs=[output])

    notebook = nbformat.v4.new_notebook()
    notebook.cells = [
        cell("fig-line", "image/svg+xml", "<svg/>"),
        cell("fig-dot", "image/png", PIXEL),
        new_code_cell("1", outputs=[new_output("display_data", {"image/png": PIXEL})]),
    ]
    nbformat.write(notebook, tmp_path / "99_made.ipynb")
    monkeypatch.setattr(figures, "CHAPTERS", tmp_path)
    monkeypatch.setattr(figures, "FIGURES", tmp_path / "out")
    figures.main(["99"])
    assert capsys.readouterr().out.startswith("2 figures are in ")
    assert {path.name: path.read_bytes()[:4] for path in (tmp_path / "out").iterdir()} == {
        "99_made-line.svg": b"<svg", "99_made-dot.png": b"\x89PNG"
    }  # fmt: skip
    with pytest.raises(SystemExit, match="no chapter has 77 in its name"):
        figures.main(["77"])


def test_equivalent_mutants_are_of_lines_that_are_still_there() -> None:
    listed = tomllib.loads((ROOT / "tools" / "equivalent.toml").read_text(encoding="utf-8"))
    for module, entries in listed.items():
        source = (ROOT / "xavier" / f"{module}.py").read_text(encoding="utf-8").splitlines()
        for entry in entries:
            changes = entry["diff"].splitlines()
            removed = {line[1:].strip() for line in changes if line.startswith("-")}
            assert removed and removed <= {line.strip() for line in source}, entry
            assert entry["reason"]


def test_the_report_in_the_readme_is_what_its_lines_print(
    capsys: pytest.CaptureFixture[str],
) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    code, printed = re.findall(r"```(?:python|text)\n(.*?)```", readme, re.S)[-2:]
    exec(code, {})
    assert capsys.readouterr().out == printed
