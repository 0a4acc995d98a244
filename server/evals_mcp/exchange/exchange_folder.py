"""Files that links lead to: a folder for each principal, which no name leaves."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from evals_mcp.exchange.export_folder import safe_name
from evals_schemas.digests import value_digest

KEPT_SECONDS = 86_400.0
"""Seconds for which a file stays after it was written; no link is valid for longer."""

_PART = ".part"


class ExchangeFolder:
    """The files that users send and fetch through links. Every method blocks."""

    def __init__(self, folder: Path) -> None:
        """Name the folder; it is made, for this user alone, by the first file."""
        self._folder = folder

    def path_of(self, principal_id: str, subject: str) -> Path:
        """Return where a principal's file lies, whether or not it exists."""
        owner = value_digest("principal", principal_id)
        return self._folder / owner / safe_name(subject)

    def begin(self, principal_id: str, subject: str) -> BinaryIO:
        """Open a new file of a principal under a temporary name; `finish` gives it its name.

        Raises:
            FileExistsError: the file exists, or is being written.
            OSError: the disk does not take it.
        """
        path = self.path_of(principal_id, subject)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._remove_old()
        if path.exists():
            raise FileExistsError(path)
        part = path.with_name(path.name + _PART)
        return open(part, "xb", opener=lambda name, flags: os.open(name, flags, 0o600))

    def finish(self, principal_id: str, subject: str) -> Path:
        """Give a file that was written whole its name, and return its path. Raises OSError."""
        path = self.path_of(principal_id, subject)
        path.with_name(path.name + _PART).replace(path)
        return path

    def discard(self, principal_id: str, subject: str) -> None:
        """Remove what was written of a file that will not be finished."""
        path = self.path_of(principal_id, subject)
        with suppress(OSError):
            path.with_name(path.name + _PART).unlink()

    def _remove_old(self) -> None:
        oldest = time.time() - KEPT_SECONDS
        for path in self._folder.glob("*/*"):
            with suppress(OSError):
                if path.stat().st_mtime < oldest:
                    path.unlink()
