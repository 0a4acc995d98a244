"""Files that are there whole or not at all, also after a power cut."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


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
