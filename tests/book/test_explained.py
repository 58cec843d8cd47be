"""What the library's reports refer to stands in the book, and what one is told at its door."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

from xavier.findings import EXPLAINED, Finding

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = ROOT / "chapters"


@pytest.mark.parametrize("kind", EXPLAINED)
def test_a_finding_leads_to_a_section_of_its_chapter(kind: str) -> None:
    finding = Finding(kind, (), "", {}, "", "")
    page, section = finding.link.split(".html#")
    assert page.startswith(f"{finding.chapter:02}_")
    cells = json.loads((CHAPTERS / f"{page}.ipynb").read_text(encoding="utf-8"))["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells)
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert section in [re.sub(r"[^a-z0-9]+", "-", h.lower()).strip("-") for h in headings]
    assert f"see: chapter {finding.chapter}, {finding.link}" in str(finding)


def test_who_comes_from_elsewhere_is_told() -> None:
    """Another Python, Windows, other versions: where one meets it first."""
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    pins = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()[0]
    (tried,) = re.findall(r"tried together on Python (\d+\.\d+)", pins)
    assert f"tried with {tried} on Linux, and not with newer ones" in readme
    assert "On Windows, `make` and marking need WSL" in readme
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert "can fail by a new warning alone" in contributing


def test_no_file_is_read_in_the_encoding_of_a_machine() -> None:
    """On Windows that is not UTF-8."""
    for package in ("xavier", "glorot2010", "assignments/kit"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                    named = {keyword.arg for keyword in node.keywords}
                    if node.func.attr == "read_text" and not node.args:
                        assert "encoding" in named, f"{path}:{node.lineno}"
