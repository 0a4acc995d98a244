"""Result files kept on disk: bounded by size, safe with several processes, one folder a file.

A folder is made beside its place and renamed into it, so that a reader finds all of it or nothing.
Its name is a hash of the account and the file's id: neither can be told from the disk.
"""

from __future__ import annotations

import os
import shutil
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing, suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import anyio
from anyio import to_thread

from evals_mcp.errors import BadAnswerError, OperatorError
from evals_mcp.result_files.index import DamagedIndexError, ResultIndex, build_index
from evals_mcp.results.rows import ReadRow

WRITE_BYTES = 4 * 1024 * 1024
"""How much of a download is gathered for one write."""

ABANDONED_SECONDS = 3600.0
"""After this long a half-made folder is a killed process's."""

ROWS, INDEX = "rows.jsonl", "index.sqlite3"

Download = Callable[[], AbstractAsyncContextManager[AsyncIterator[bytes]]]


@dataclass(frozen=True)
class ResultFiles:
    """The cache. Nothing is made on disk before the first file."""

    folder: Path
    max_bytes: int
    """Of all files together; the file just read may be larger and is kept until the next one."""

    @asynccontextmanager
    async def open(
        self, account: str, file_id: str, read: ReadRow, download: Download
    ) -> AsyncGenerator[ResultIndex]:
        """A result file with its index, downloaded unless it is here.

        Args:
            account: whose file it is; the same id of another account is another file.
            file_id: the service's id.
            read: how the rows are read.
            download: the file's bytes.

        Raises:
            BadAnswerError: no line of the file is a row.
            OperatorError: the disk does not take the file.
            EvalsMCPError: the download failed.
        """
        place = self.folder / _name(account, file_id)
        index = await to_thread.run_sync(_opened, place)
        if index is None:
            await self._fetch(place, file_id, read, download)
            index = await to_thread.run_sync(_opened, place)
        if index is None:
            raise OperatorError(
                f"The result file could not be kept in {self.folder}. Whoever set the server up "
                "checks results.cache_dir: another program removes files there."
            )
        try:
            yield index
        finally:
            index.close()

    async def _fetch(self, place: Path, file_id: str, read: ReadRow, download: Download) -> None:
        part = self.folder / f".{uuid.uuid4().hex}"
        try:
            await to_thread.run_sync(_make, part)
            await _save(part / ROWS, download)
            await to_thread.run_sync(build_index, part / ROWS, part / INDEX, read)
            await to_thread.run_sync(_check, part, file_id)
            await to_thread.run_sync(self._keep, part, place)
        except OSError as error:
            raise OperatorError(
                f"The result file cannot be kept ({error.strerror}). Whoever set the server up "
                "frees space, or sets results.cache_dir to another folder."
            ) from None
        finally:
            with anyio.CancelScope(shield=True):
                await to_thread.run_sync(_remove, part)

    def _keep(self, part: Path, place: Path) -> None:
        """Put a finished folder in its place, unless another process was first."""
        with suppress(OSError):
            part.rename(place)
        self._evict(place)

    def _evict(self, newest: Path) -> None:
        """Remove the files that were not read for longest, until the rest fits."""
        others = [(_read_at(entry), entry) for entry in self.folder.iterdir() if entry != newest]
        kept = [(at, entry) for at, entry in others if not entry.name.startswith(".")]
        for at, entry in others:
            if entry.name.startswith(".") and time.time() - at > ABANDONED_SECONDS:
                _remove(entry)
        room = self.max_bytes - _size(newest)
        for _, entry in sorted(kept, reverse=True):
            room -= _size(entry)
            if room < 0:
                # Renamed first: a reader finds the whole folder or none.
                doomed = self.folder / f".{uuid.uuid4().hex}"
                with suppress(OSError):
                    entry.rename(doomed)
                _remove(doomed)


def _name(account: str, file_id: str) -> str:
    return blake2b(f"{account}\n{file_id}".encode(), digest_size=16).hexdigest()


def _make(folder: Path) -> None:
    folder.mkdir(parents=True, mode=0o700)


def _opened(place: Path) -> ResultIndex | None:
    """The index of a folder that is here and whole, marked as read now."""
    try:
        os.utime(place)
        return ResultIndex(place / ROWS, place / INDEX)
    except OSError:
        return None
    except DamagedIndexError:
        _remove(place)
        return None


def _check(part: Path, file_id: str) -> None:
    with closing(ResultIndex(part / ROWS, part / INDEX)) as index:
        if index.damage.lines and not index.total():
            raise BadAnswerError(
                f"The result file {file_id} has no row that can be read: line "
                f"{index.damage.first_line} is {index.damage.reason}. Call get_evaluation for the "
                "figures that the service itself gives."
            )


async def _save(path: Path, download: Download) -> None:
    pending = bytearray()
    out = await to_thread.run_sync(path.open, "xb")
    try:
        async with download() as blocks:
            async for block in blocks:
                pending += block
                if len(pending) >= WRITE_BYTES:
                    await to_thread.run_sync(out.write, bytes(pending))
                    pending.clear()
        await to_thread.run_sync(out.write, bytes(pending))
    finally:
        out.close()


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def _size(folder: Path) -> int:
    with suppress(OSError):
        return sum(entry.stat().st_size for entry in folder.iterdir())
    return 0


def _read_at(folder: Path) -> float:
    with suppress(OSError):
        return folder.stat().st_mtime
    return 0.0
