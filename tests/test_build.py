"""The first test of all, so that pages can be read by the time that others want to."""

from pathlib import Path


def test_the_book_is_built_and_no_warning_is_let_through(book: Path) -> None:
    assert (book / "chapters" / "index.html").is_file()
