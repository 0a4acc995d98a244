"""New files: readable by this user alone, never in the place of another, whole or not there."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

Write = Callable[[BinaryIO], None]
"""Writes the content of a file."""


def manifest_path(path: Path) -> Path:
    """Return where the manifest of a file lies: beside it."""
    return path.with_name(f"{path.name}.manifest.json")


@contextmanager
def opened_new(path: Path) -> Generator[BinaryIO]:
    """Yield a new file; remove it again if the context fails.

    Raises:
        FileExistsError: something is in its place, be it a link.
        OSError: the folder does not take it.
    """
    file = open(path, "xb", opener=_private)  # noqa: SIM115 - closed below, before it is removed
    try:
        with file:
            yield file
    except BaseException:
        with suppress(OSError):
            path.unlink()
        raise


def _private(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)
