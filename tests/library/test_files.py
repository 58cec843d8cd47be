"""A file is as it was or as it is to be, whatever happens in between."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from xavier import files


def test_a_file_takes_the_place_of_an_earlier_one_and_leaves_nothing_beside_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a" / "b" / "file"
    for data in (b"first", b"second, and longer", b""):
        files.replace(path, data)
        assert path.read_bytes() == data
        assert list(path.parent.iterdir()) == [path]


def test_two_processes_that_write_one_file_at_once_write_it_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one does all of it while this one is half done; the last to end wins."""
    path, sync = tmp_path / "file", os.fsync
    code = "import sys, pathlib; from xavier import files; "
    code += "files.replace(pathlib.Path(sys.argv[1]), b'theirs, and longer')"

    def meanwhile(opened: int) -> None:
        sync(opened)
        subprocess.run([sys.executable, "-c", code, str(path)], check=True)
        assert path.read_bytes() == b"theirs, and longer"

    monkeypatch.setattr(os, "fsync", meanwhile)
    files.replace(path, b"ours")
    assert path.read_bytes() == b"ours" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("where", ["fsync", "replace"])
def test_a_full_disk_leaves_the_earlier_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "file"
    files.replace(path, b"earlier")
    monkeypatch.setattr(os if where == "fsync" else Path, where, full)
    with pytest.raises(OSError, match=r"cannot save it: No space left.*nothing") as caught:
        files.replace(path, b"later", "save it")
    assert caught.value.errno == errno.ENOSPC and caught.value.filename == str(path)
    assert path.read_bytes() == b"earlier" and list(tmp_path.iterdir()) == [path]


def test_it_is_on_the_disk_before_it_is_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a power cut could leave a name without its content."""
    path, seen = tmp_path / "file", list[int]()
    files.replace(path, b"earlier")

    def sync(opened: int) -> None:
        seen.append(os.fstat(opened).st_size)
        assert path.read_bytes() == b"earlier"

    monkeypatch.setattr(os, "fsync", sync)
    files.replace(path, b"all of it")
    assert seen == [len(b"all of it")] and path.read_bytes() == b"all of it"
