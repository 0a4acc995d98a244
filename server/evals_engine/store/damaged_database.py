"""Opens the database; a damaged one is renamed and replaced by a new one, never deleted."""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from evals_engine.store.database import DamagedError, Database

COMPANIONS = ("", "-wal", "-shm")
"""Endings of the names of the files that make up one database."""

_MARK = ".corrupt-"

log = logging.getLogger(__name__)


def open_database(path: Path, *, has_files: bool) -> tuple[Database, Path | None]:
    """Open the database; rename a damaged one and create a new one.

    Args:
        path: Path of the database; it is created if it does not exist.
        has_files: Whether the files folder has files. An empty database is then damaged, because
            it should have records of them.

    Returns:
        The database, and the new path of the damaged one; None if it was sound.

    Raises:
        StorageError: The database cannot be used, but does not seem to be damaged.
        DataDirError: A newer version wrote the database.
        OSError: The database cannot be created, or a damaged one cannot be renamed.
    """
    identity = _identity(path)
    try:
        if has_files:
            _refuse_empty(path)
        return Database(path), None
    except DamagedError as error:
        if _identity(path) != identity:  # another process has replaced the database meanwhile
            return Database(path), None
        copy = _rename(path)
        log.warning("%s", notice(path, copy, error.reason))
        return Database(path), copy


def notice(path: Path, copy: Path, reason: str) -> str:
    """Return the message to the operator about a damaged database."""
    return (
        f"The database {path} was damaged: {reason}. It was renamed to {copy.name} and replaced by "
        "a new one; evaluations and files from before are not listed. The files' bytes stay in "
        "the files folder as long as the damaged database is there; `sqlite3 FILE .recover` may "
        "restore its records."
    )


def damaged_copies(path: Path) -> list[Path]:
    """Return the paths of the damaged databases that were replaced at this path."""
    return sorted(path.parent.glob(f"{path.name}{_MARK}*"))


def _rename(path: Path) -> Path:
    """Rename the files of a database; return its new path."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    copy = path.with_name(f"{path.name}{_MARK}{stamp}")
    for end in COMPANIONS:
        with suppress(FileNotFoundError):
            path.with_name(path.name + end).rename(copy.with_name(copy.name + end))
    return copy


def _refuse_empty(path: Path) -> None:
    if path.exists() and path.stat().st_size == 0:
        raise DamagedError(path, "it is empty, although the files folder has files")


def _identity(path: Path) -> tuple[int, int] | None:
    """Return the device and inode number of a file; None if there is no file."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino
