"""Reads and replaces the files of other programs without ever leaving half a file.

A file is replaced by one that was written beside it and synced, keeps its mode, and is backed up
once for each content. A link is followed: the file that it points to is replaced.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from evals_mcp.errors import OperatorError

MOST_BYTES = 2**26
"""Bytes of a file that is read at most."""

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class ConfigFile:
    """A file as it was read."""

    path: Path
    """The path that names it."""
    target: Path
    """The file itself, with all links followed."""
    content: bytes | None
    """What it holds; None if it is missing."""

    def backups(self) -> Iterator[Path]:
        """Yield the backups of this file, the newest first."""
        pattern = f"{self.target.name}.evals-mcp-"
        with suppress(OSError):
            names = sorted((each.name for each in self.target.parent.iterdir()), reverse=True)
            for name in names:
                if name.startswith(pattern) and name.endswith(".bak"):
                    yield self.target.with_name(name)


def read_config_file(path: Path) -> ConfigFile:
    """Return a file with its content.

    Raises:
        OperatorError: it cannot be read.
    """
    try:
        target = path.resolve()
        if not target.exists():
            return ConfigFile(path, target, None)
        if not target.is_file():
            raise OperatorError(f"{path} is not a file")
        if target.stat().st_size > MOST_BYTES:
            raise OperatorError(f"{path} has more than {MOST_BYTES // 2**20} MiB")
        return ConfigFile(path, target, target.read_bytes())
    except (OSError, RuntimeError) as error:
        raise OperatorError(f"{path} cannot be read ({_reason(error)})") from None


def back_up(file: ConfigFile, now: Clock) -> Path | None:
    """Copy a file beside itself unless a backup with this content exists; return the backup.

    Returns None for a missing file.

    Raises:
        OperatorError: the copy cannot be written.
    """
    if file.content is None:
        return None
    try:
        for backup in file.backups():
            if backup.read_bytes() == file.content:
                return backup
        stem = f"{file.target.name}.evals-mcp-{now():%Y%m%d-%H%M%S}"
        backup = file.target.with_name(f"{stem}.bak")
        number = 2
        while backup.exists():
            backup, number = file.target.with_name(f"{stem}-{number}.bak"), number + 1
        _write_new(backup, file.content, stat.S_IMODE(file.target.stat().st_mode))
    except OSError as error:
        raise OperatorError(f"{file.path} cannot be backed up ({_reason(error)})") from None
    return backup


def replace(file: ConfigFile, content: bytes, *, new_mode: int = 0o600) -> None:
    """Replace what a file holds.

    Args:
        file: The file as it was read.
        content: What it holds afterwards.
        new_mode: The mode of a file that was missing.

    Raises:
        OperatorError: it cannot be written, or has changed since it was read.
    """
    try:
        file.target.parent.mkdir(parents=True, exist_ok=True)
        mode = new_mode
        if file.content is not None:
            mode = stat.S_IMODE(file.target.stat().st_mode)
            if not os.access(file.target, os.W_OK):
                raise PermissionError(None, "it is read-only")
        _refuse_changed(file)
        _write_new(file.target, content, mode)
    except OSError as error:
        raise OperatorError(f"{file.path} cannot be written ({_reason(error)})") from None


def delete(file: ConfigFile) -> None:
    """Delete a file, and folders above it that are empty then.

    Raises:
        OperatorError: it cannot be deleted, or has changed since it was read.
    """
    try:
        _refuse_changed(file)
        file.target.unlink()
    except OSError as error:
        raise OperatorError(f"{file.path} cannot be deleted ({_reason(error)})") from None
    with suppress(OSError):
        file.target.parent.rmdir()


def _refuse_changed(file: ConfigFile) -> None:
    content = file.target.read_bytes() if file.target.exists() else None
    if content != file.content:
        raise OperatorError(f"{file.path} has just been changed by another program; try again")


def _write_new(path: Path, content: bytes, mode: int) -> None:
    """Write a file under a temporary name, sync it, and give it its name."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(mode)
        if os.name == "posix" and path.exists():
            owner = path.stat()
            with suppress(PermissionError):
                os.chown(name, owner.st_uid, owner.st_gid)
        os.replace(name, path)  # noqa: PTH105 - the name is a text
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make a new name durable, where folders can be synced."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _reason(error: BaseException) -> str:
    return getattr(error, "strerror", None) or "its links run in a circle"
