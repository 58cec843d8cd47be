"""Write the chapters as Colab needs them, into ``_build/colab``: ``make colab``.

Colab starts with a notebook and nothing else of its repository. Here every notebook of the book
gets one cell more, the first, which fetches the repository and installs what chapters need; the
notebooks in ``chapters`` stay as they are. The workflow `pages` puts them onto the branch
``colab``, to which the pages' buttons lead (``_ext/repository.py``). Without an address
(``repository: url:`` in ``_config.yml``) there is nothing to fetch, and nothing is written.
"""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
OUT = ROOT / "_build" / "colab"
# What is installed is a copy; the clone comes first, for the recorded runs lie in it.
SETUP = """\
# Colab starts with this notebook alone: fetch the book and install what it needs (some minutes).
!git clone --quiet --depth 1 {address} /content/book
%pip install --quiet "/content/book[experiments]"
%cd -q /content/book/chapters
import sys
sys.path[:0] = ["/content/book", "/content/book/assignments/kit"]
"""


def address(config: Path = ROOT / "_config.yml") -> str:
    """Where the repository is, or an empty text."""
    read = yaml.safe_load(config.read_text(encoding="utf-8"))
    return str(read["repository"]["url"] or "")


def for_colab(notebook: dict[str, Any], address: str) -> dict[str, Any]:
    """The notebook with the cell that installs; what it is made from stays as it was."""
    made = copy.deepcopy(notebook)
    cell: dict[str, Any] = {
        "cell_type": "code",
        "execution_count": None,
        "id": "colab-setup",
        "metadata": {},
        "outputs": [],
        "source": SETUP.format(address=address).splitlines(keepends=True),
    }
    made["cells"].insert(0, cell)
    return made


def main() -> None:
    where = address()
    if not where:
        print("repository: url: in _config.yml is empty: there is nothing for Colab to fetch")
        return
    shutil.rmtree(OUT, ignore_errors=True)
    (OUT / "chapters").mkdir(parents=True)
    for path in sorted((ROOT / "chapters").glob("*.ipynb")):
        made = for_colab(json.loads(path.read_text(encoding="utf-8")), where)
        text = json.dumps(made, indent=1, ensure_ascii=False) + "\n"
        (OUT / "chapters" / path.name).write_text(text, encoding="utf-8")
    print(f"for the branch colab: {OUT}")


if __name__ == "__main__":
    main()
