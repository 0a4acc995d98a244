"""Named locks that hold over all processes of a data folder.

The operating system releases the locks of a process that ends, however it ends.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

import anyio
from anyio import to_thread

from evals_mcp.state.database import StateError
from evals_schemas.digests import value_digest

if TYPE_CHECKING:
    from filelock import BaseFileLock

POLL_SECONDS = 0.02
"""Seconds between two attempts to take a lock that another process holds."""


class FolderLocks:
    """Locks by principal and name: one holder at a time among all tasks, threads and processes."""

    def __init__(self, folder: Path) -> None:
        """Name the folder in which the lock files lie; it is made by the first lock."""
        self._folder = folder / "locks"
        self._waiting: WeakValueDictionary[str, anyio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def hold(self, principal_id: str, name: str) -> AsyncGenerator[None]:
        """Hold a lock while the context is open; wait for it as long as another holder has it.

        Args:
            principal_id: whose lock it is.
            name: what is locked, such as the digest of a request.

        Raises:
            StateError: the lock file cannot be made.
        """
        file_name = value_digest("lock", [principal_id, name])
        # One task of this process waits for other processes; the rest wait for that task.
        waiting = self._waiting.setdefault(file_name, anyio.Lock())
        async with waiting, _held_file(self._folder / file_name):
            yield


@asynccontextmanager
async def _held_file(path: Path) -> AsyncGenerator[None]:
    from filelock import FileLock  # noqa: PLC0415 - not before the first create

    # Tasks of this process may run in any thread, so the lock belongs to the object.
    lock = FileLock(path, mode=0o600, thread_local=False)
    try:
        await to_thread.run_sync(_make_folder, path.parent)
        while not await to_thread.run_sync(_is_taken, lock):  # noqa: ASYNC110 - no event comes
            await anyio.sleep(POLL_SECONDS)
    except OSError as error:
        raise StateError(
            f"{path.parent} cannot hold locks ({error.strerror or error}). The operator checks "
            "its permissions, or sets state.folder to another folder."
        ) from error
    try:
        yield
    finally:
        _let_go(lock, path)


def _make_folder(folder: Path) -> None:
    folder.mkdir(0o700, parents=True, exist_ok=True)


def _is_taken(lock: BaseFileLock) -> bool:
    """Try to take a lock, and return whether it is held now."""
    from filelock import Timeout  # noqa: PLC0415 - not before the first create

    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    return True


def _let_go(lock: BaseFileLock, path: Path) -> None:
    # Removed while it is held: a process that waits for it notices and makes a new file. Windows
    # removes no open file; there the lock file stays.
    with suppress(OSError):
        path.unlink()
    lock.release()
