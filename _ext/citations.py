"""Label the bibliography as the text cites it: by authors and year.

The styles that come with pybtex number the entries or abbreviate the authors, and a reader who
looks for "Glorot and Bengio (2010)" would find neither.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from pybtex.database import Entry, Person
from pybtex.plugin import register_plugin
from pybtex.style.formatting.alpha import Style as Alphabetical
from pybtex.style.labels import BaseLabelStyle
from sphinx.application import Sphinx


def label(entry: Entry) -> str:
    names = [family_name(person) for person in entry.persons["author"]]
    few = " and ".join(names) if len(names) < 3 else f"{names[0]} et al."
    return f"{few}, {entry.fields['year']}"


def family_name(person: Person) -> str:
    return " ".join((*person.prelast_names, *person.last_names)).strip("{}")


class AuthorYearLabels(BaseLabelStyle):  # type: ignore[misc]  # pybtex has no types
    def format_labels(self, entries: Iterable[Entry]) -> Iterator[str]:
        return map(label, entries)


class AuthorYear(Alphabetical):  # type: ignore[misc]
    default_label_style = AuthorYearLabels


def setup(app: Sphinx) -> dict[str, Any]:
    register_plugin("pybtex.style.formatting", "author_year", AuthorYear)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
