"""Files that only this user can read, and that are complete or absent even after a power cut."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

OWN_FILE, OWN_FOLDER = 0o600, 0o700
"""Modes for this user only. Windows has no modes; its folders belong to the user by default."""


def write_private(path: Path) -> BinaryIO:
    """Create a file that only this user can read, and open it for writing. Raises OSError."""
    return open(path, "xb", opener=lambda name, flags: os.open(name, flags, OWN_FILE))


def make_private(path: Path) -> None:
    """Allow access to a file or an existing folder to this user only; create a missing file.

    Raises OSError.
    """
    if not path.is_dir():
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, OWN_FILE))
    if path.stat().st_mode & 0o077:
        # The mode of a file that belongs to another user cannot be changed; use the file anyway.
        with suppress(OSError):
            path.chmod(OWN_FOLDER if path.is_dir() else OWN_FILE)


def put_in_place(part: Path, path: Path) -> None:
    """Flush a finished file to the disk, then rename it.

    Raises:
        OSError: The disk refused the write; the file still has its old name.
    """
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    part.replace(path)
    # The new name must reach the disk too. Windows offers no call for that and needs none.
    with suppress(OSError):
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
