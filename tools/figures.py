"""Every figure of the book as a file: `python tools/figures.py [part of a file name ...]`.

They are what the chapters hold, ``_build/figures/NN_name-figure.svg``, or ``.png`` where pixels
weigh less.
"""

import base64
import sys
from pathlib import Path

import nbformat

CHAPTERS = Path(__file__).parents[1] / "chapters"
FIGURES = CHAPTERS.parent / "_build" / "figures"


def figures(path: Path) -> int:
    """Write the figures of one chapter; how many there are."""
    written = 0
    for cell in nbformat.read(path, as_version=4).cells:
        name = cell.metadata.get("mystnb", {}).get("figure", {}).get("name")
        for output in cell.get("outputs", []) if name else []:
            target = FIGURES / f"{path.stem}-{name.removeprefix('fig-')}"
            data = output.get("data", {})
            if svg := data.get("image/svg+xml"):
                target.with_suffix(".svg").write_text(svg, encoding="utf-8")
            elif png := data.get("image/png"):
                target.with_suffix(".png").write_bytes(base64.b64decode(png))
            else:
                continue
            written += 1
    return written


def main(parts: list[str]) -> None:
    FIGURES.mkdir(parents=True, exist_ok=True)
    every = sorted(CHAPTERS.glob("*.ipynb"))
    paths = [path for path in every if not parts or any(part in path.stem for part in parts)]
    if not paths:
        sys.exit(f"no chapter has {' or '.join(parts)} in its name")
    print(f"{sum(map(figures, paths))} figures are in {FIGURES}")


if __name__ == "__main__":
    main(sys.argv[1:])
