"""Every figure of the book as SVG: `python tools/figures.py [part of a file name ...]`.

Chapters are executed as `make execute` does, in a kernel that shows pictures as SVG, and nothing of
them is written but the figures: ``_build/figures/NN_name-figure.svg``.
"""

import subprocess
import sys
from pathlib import Path

import nbformat
from execute import CHAPTERS, client
from tqdm import tqdm

FIGURES = CHAPTERS.parent / "_build" / "figures"
AS_SVG = """
from glorot2010 import drawings as _drawings
from xavier.figures import Picture as _Picture
get_ipython().display_formatter.formatters["image/svg+xml"].for_type(
    _Picture, lambda picture: _drawings.rendered(picture, "svg").decode()
)
"""


def figures(path: Path) -> int:
    """Write the figures of one chapter; how many there are."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(AS_SVG))
    client(notebook, path).execute(stderr=subprocess.DEVNULL)
    written = 0
    for cell in notebook.cells:
        name = cell.metadata.get("mystnb", {}).get("figure", {}).get("name")
        for output in cell.get("outputs", []) if name else []:
            if (svg := output.get("data", {}).get("image/svg+xml")) is not None:
                target = FIGURES / f"{path.stem}-{name.removeprefix('fig-')}.svg"
                target.write_text(svg if isinstance(svg, str) else "".join(svg))
                written += 1
    return written


def main(parts: list[str]) -> None:
    FIGURES.mkdir(parents=True, exist_ok=True)
    every = sorted(CHAPTERS.glob("*.ipynb"))
    paths = [path for path in every if not parts or any(part in path.stem for part in parts)]
    if not paths:
        sys.exit(f"no chapter has {' or '.join(parts)} in its name")
    written = sum(figures(path) for path in tqdm(paths, unit="chapter", disable=None))
    print(f"{written} figures are in {FIGURES}")


if __name__ == "__main__":
    main(sys.argv[1:])
