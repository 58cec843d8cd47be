"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path


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
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        reason = f"cannot {what}: {error.strerror}; nothing that was there has changed"
        raise OSError(error.errno, reason, str(path)) from error
