"""Files that nobody else reads, and that are there whole or not at all, also after a power cut."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

OWN_FILE, OWN_FOLDER = 0o600, 0o700
"""Modes for this user alone. Windows has none; folders there are their user's by default."""


def write_private(path: Path) -> BinaryIO:
    """Open a new file for bytes that only this user reads. Raises OSError."""
    return open(path, "xb", opener=lambda name, flags: os.open(name, flags, OWN_FILE))


def make_private(path: Path) -> None:
    """Make a file, or a folder that exists, this user's alone. Raises OSError."""
    if not path.is_dir():
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, OWN_FILE))
    if path.stat().st_mode & 0o077:
        # One of another user may have been given to this one; then its mode is that user's matter.
        with suppress(OSError):
            path.chmod(OWN_FOLDER if path.is_dir() else OWN_FILE)


def put_in_place(part: Path, path: Path) -> None:
    """Move a finished file to its place once its bytes are on the disk.

    Raises:
        OSError: the disk does not take it; the part is still where it was.
    """
    with part.open("rb+") as written:
        os.fsync(written.fileno())
    part.replace(path)
    # The new name must reach the disk too; Windows has no way to ask for it and needs none.
    with suppress(OSError):
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
