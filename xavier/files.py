"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import glob
import os
import secrets
import time
from pathlib import Path
from typing import NoReturn

_LEFT_BEHIND = 3600.0  # seconds after which a temporary file belongs to nobody


def replace(path: Path, data: bytes, what: str = "save") -> None:
    """Write a file beside its place, to the disk, and then into its place.

    Wherever the process is killed, the file is there as it was or as it is to be.

    Args:
        path: the file; its folder is made if it is not there.
        data: all of its content.
        what: the word, or words, for the message if it cannot be done.

    Raises:
        OSError: no space, no permission; an earlier file is as it was.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _clear(path)
        try:
            opened = os.open(
                part, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0), 0o666
            )
            with os.fdopen(opened, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    except OSError as error:
        cannot(what, error, path)
    with contextlib.suppress(OSError):  # that the name lasts too, where folders can be opened
        opened = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def _clear(path: Path) -> None:
    """Remove what processes that were killed have left, as far as that is allowed."""
    with contextlib.suppress(OSError):
        for old in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
            if age(old) > _LEFT_BEHIND:
                old.unlink(missing_ok=True)


def cannot(what: str, error: OSError, path: Path) -> NoReturn:
    """Raise the same error, said in full."""
    reason = f"cannot {what}: {error.strerror or error}; nothing that was there has changed"
    if error.errno is None:
        raise OSError(reason) from error
    raise OSError(error.errno, reason, str(path)) from error


def age(path: Path) -> float:
    """Seconds since a file was changed; 0 if it is gone."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
