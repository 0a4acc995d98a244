"""The cache of result files: limited in size, safe with several processes, one folder per file.

A folder is written under a temporary name and then renamed, so that a reader finds a complete
folder or none. Its final name is a hash of the account and the file's id, so that the disk reveals
neither.
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

from evals_mcp.derivations.carried_columns import CarriedColumns
from evals_mcp.derivations.earlier_try import EarlierTry
from evals_mcp.derivations.originals import save
from evals_mcp.errors import BadAnswerError, OperatorError
from evals_mcp.result_files.building import build_index
from evals_mcp.result_files.index import DamagedIndexError, OldFormatError, ResultIndex
from evals_mcp.results.rows import ReadRow

ABANDONED_SECONDS = 3600.0
"""Age from which on an incomplete folder counts as left by a process that was killed."""

ROWS, INDEX = "rows.jsonl", "index.sqlite3"

Download = Callable[[], AbstractAsyncContextManager[AsyncIterator[bytes]]]


@dataclass(frozen=True)
class ResultFile:
    """A result file at its service, and how it is read."""

    account: str
    """The account that the file belongs to; equal ids of two accounts are two files."""
    file_id: str
    """The service's id of the file."""
    read: ReadRow
    """Reads the verdict of a row."""
    carried: CarriedColumns | None = None
    """Columns to join into the rows; None for a file that has all columns."""
    earlier: EarlierTry | None = None
    """The rows that a retry takes over; None for a file that has all rows."""

    @property
    def name(self) -> str:
        """The name of its folder."""
        parts = (self.carried, self.earlier)
        variant = "".join(f"\n{part.variant}" for part in parts if part is not None)
        named = f"{self.account}\n{self.file_id}{variant}"
        return blake2b(named.encode(errors="surrogatepass"), digest_size=16).hexdigest()


@dataclass(frozen=True)
class ResultFiles:
    """The cache. Its folder is created with the first file."""

    folder: Path
    max_bytes: int
    """Limit for all files together; the newest file may exceed it and stays until the next one."""

    @asynccontextmanager
    async def open(self, file: ResultFile, download: Download) -> AsyncGenerator[ResultIndex]:
        """Yield a result file with its index, after downloading it unless it is in the cache.

        Args:
            file: the file.
            download: opens the download of the file's bytes.

        Raises:
            BadAnswerError: no line of the file is a row.
            OperatorError: the file cannot be written to disk.
            EvalsMCPError: the download failed.
        """
        folder = self.folder / file.name
        index = await to_thread.run_sync(_opened, folder, file.read)
        if index is None:
            await self._fetch(folder, file, download)
            index = await to_thread.run_sync(_opened, folder, file.read)
        if index is None:
            raise OperatorError(
                f"The result file disappeared from {self.folder}. The operator of the server must "
                "check results.cache_dir: another program removes files there."
            )
        try:
            yield index
        finally:
            index.close()

    @asynccontextmanager
    async def open_indexed(self, file: ResultFile) -> AsyncGenerator[ResultIndex | None]:
        """Yield a result file with its index if it is in the cache, else None; see `open`."""
        index = await to_thread.run_sync(_opened, self.folder / file.name, file.read)
        try:
            yield index
        finally:
            if index is not None:
                index.close()

    async def _fetch(self, folder: Path, file: ResultFile, download: Download) -> None:
        """Download and index a file, and publish both as `folder`."""
        part = self.folder / f".{uuid.uuid4().hex}"
        try:
            await to_thread.run_sync(_create, part)
            async with download() as blocks:
                await save(part / ROWS, blocks)
            if file.carried is not None:
                await file.carried.bring_into(part / ROWS)
            if file.earlier is not None:
                await file.earlier.bring_into(part / ROWS)
            await to_thread.run_sync(build_index, part / ROWS, part / INDEX, file.read)
            await to_thread.run_sync(_check, part, file.file_id)
            await to_thread.run_sync(self._publish, part, folder)
        except OSError as error:
            raise OperatorError(
                f"The result file cannot be written ({error.strerror}). The operator of the "
                "server must free space, or set results.cache_dir to another folder."
            ) from None
        finally:
            with anyio.CancelScope(shield=True):
                await to_thread.run_sync(_remove, part)

    def _publish(self, part: Path, folder: Path) -> None:
        """Rename a complete folder to its final name, unless another process already has."""
        with suppress(OSError):
            part.rename(folder)
        self._evict(folder)

    def _evict(self, newest: Path) -> None:
        """Remove the least recently read files until the others fit into the limit."""
        others = [(_read_time(entry), entry) for entry in self.folder.iterdir() if entry != newest]
        complete = [
            (read_time, entry) for read_time, entry in others if not entry.name.startswith(".")
        ]
        for read_time, entry in others:
            if entry.name.startswith(".") and time.time() - read_time > ABANDONED_SECONDS:
                _remove(entry)
        free_bytes = self.max_bytes - _size(newest)
        for _, entry in sorted(complete, reverse=True):
            free_bytes -= _size(entry)
            if free_bytes < 0:
                # Renamed first, so that a reader finds a complete folder or none.
                doomed = self.folder / f".{uuid.uuid4().hex}"
                with suppress(OSError):
                    entry.rename(doomed)
                _remove(doomed)


def _create(folder: Path) -> None:
    folder.mkdir(parents=True, mode=0o700)


def _opened(folder: Path, read: ReadRow) -> ResultIndex | None:
    """Open the index of a complete folder and mark it as read now; None if it is missing.

    An index of another format is built again from the rows.
    """
    try:
        os.utime(folder)
        try:
            return ResultIndex(folder / ROWS, folder / INDEX)
        except OldFormatError:
            _rebuild(folder, read)
            return ResultIndex(folder / ROWS, folder / INDEX)
    except (DamagedIndexError, OldFormatError):
        _remove(folder)
        return None
    except OSError:
        return None


def _rebuild(folder: Path, read: ReadRow) -> None:
    """Replace an index in one step, so that other processes find the old one or the new one."""
    part = folder / f".{uuid.uuid4().hex}"
    try:
        build_index(folder / ROWS, part, read)
        part.replace(folder / INDEX)
    except OSError:
        # Without space or with an index that another process has open: the file is fetched again.
        _remove(folder)
        raise
    finally:
        part.unlink(missing_ok=True)


def _check(part: Path, file_id: str) -> None:
    with closing(ResultIndex(part / ROWS, part / INDEX)) as index:
        if index.damage.lines and not index.total():
            raise BadAnswerError(
                f"The result file {file_id} has no readable row: line {index.damage.first_line} is "
                f"{index.damage.reason}. Call get_evaluation for the figures that the service "
                "reports."
            )


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def _size(folder: Path) -> int:
    with suppress(OSError):
        return sum(entry.stat().st_size for entry in folder.iterdir())
    return 0


def _read_time(folder: Path) -> float:
    with suppress(OSError):
        return folder.stat().st_mtime
    return 0.0
