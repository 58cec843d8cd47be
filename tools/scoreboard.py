"""Compute all verdicts, keep them for the book, draw them for its front page: `make scoreboard`.

Writes results/ledger.json, _static/scoreboard.png, and in README.md the text that stands for the
picture.
"""

import io
import re
from pathlib import Path

from glorot2010.verdicts import ledger
from xavier import files

ROOT = Path(__file__).parents[1]
LINE = re.compile(r"!\[[^\]]*\]\(_static/scoreboard\.png\)")


def main() -> None:
    found = ledger.judge()
    ledger.save(found.assign(flips=ledger.stability(found), at_99=ledger.strict(found)))
    table = ledger.load()
    drawn = io.BytesIO()  # the picture says which verdicts it shows, so that a test can compare
    metadata = {"verdicts": ledger.listed(table)}
    ledger.picture(table).savefig(drawn, format="png", metadata=metadata)
    files.replace(ROOT / "_static" / "scoreboard.png", drawn.getvalue(), "save the picture")
    caption = ledger.caption(table)
    readme = ROOT / "README.md"
    text = LINE.sub(f"![{caption}](_static/scoreboard.png)", readme.read_text(encoding="utf-8"))
    files.replace(readme, text.encode(), "save README.md")
    print(caption)


if __name__ == "__main__":
    main()
