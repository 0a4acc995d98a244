"""What becomes of a database that cannot be used: it is kept beside a fresh one, never deleted."""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from evals_engine.store.database import DamagedError, Database

COMPANIONS = ("", "-wal", "-shm")
"""What belongs to one database, by the ends of its files' names."""

_MARK = ".corrupt-"

log = logging.getLogger(__name__)


def open_database(path: Path, *, in_use: bool) -> tuple[Database, Path | None]:
    """The database, and where a damaged one was put that stood in its place; None for a sound one.

    Args:
        path: Where it is, or is made.
        in_use: Whether there are files that it has records of: an empty one was emptied then.

    Raises:
        StorageError: it cannot be used, although nothing says that it is damaged.
        DataDirError: a newer version wrote it.
        OSError: it cannot be made, or a damaged one not be moved.
    """
    before = _identity(path)
    try:
        if in_use:
            _refuse_emptied(path)
        return Database(path), None
    except DamagedError as damage:
        if _identity(path) != before:  # another process was quicker
            return Database(path), None
        kept = _move(path)
        log.warning("%s", notice(path, kept, damage.how))
        return Database(path), kept


def notice(path: Path, kept: Path, how: str) -> str:
    """What the operator is told."""
    return (
        f"The database {path} was damaged: {how}. It is kept as {kept.name}, and a fresh one "
        "takes its place; evaluations and files from before are not shown. Their bytes stay in "
        "the files folder while it lies there; `sqlite3 FILE .recover` may read it."
    )


def kept_aside(path: Path) -> list[Path]:
    """The damaged databases that have stood at this path."""
    return sorted(path.parent.glob(f"{path.name}{_MARK}*"))


def _move(path: Path) -> Path:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    kept = path.with_name(f"{path.name}{_MARK}{stamp}")
    for end in COMPANIONS:
        with suppress(FileNotFoundError):
            path.with_name(path.name + end).rename(kept.with_name(kept.name + end))
    return kept


def _refuse_emptied(path: Path) -> None:
    if path.exists() and path.stat().st_size == 0:
        raise DamagedError(path, "it is empty, although there are files")


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file stands there, whatever it is called; None for none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
