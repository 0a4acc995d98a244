"""Bytes on their way in: written beside their place, checked, and only then put there."""

from __future__ import annotations

import errno
import os
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from anyio import to_thread

from evals_engine.errors import ApiError
from evals_engine.store import Store, StoredFile
from evals_schemas.datasets import check, kind_of

CHUNK_BYTES = 1024 * 1024


def new_file(owner: str, filename: str, purpose: str, now: float) -> StoredFile:
    """The record of a file whose bytes are yet to come."""
    return StoredFile(
        id=f"file-{uuid.uuid4()}",
        owner=owner,
        filename=filename[-200:],
        purpose=purpose,
        kind=kind_of(filename),
        bytes=0,
        line_count=0,
        created_at=now,
        upload_key=None,
    )


@dataclass(frozen=True)
class Uploads:
    """Takes files into the data directory."""

    store: Store
    max_bytes: int

    async def receive(self, file: StoredFile, chunks: AsyncIterator[bytes]) -> StoredFile:
        """Store a file's bytes; the record that comes back has its size and its rows.

        Raises:
            ApiError: 400 for a file that is no data set, 413 for one too large, 507 for a full
                disk. Nothing is kept then.
        """
        part = self.store.path_of(f"{file.id}.part")
        try:
            await self._write(part, chunks)
            rows = await to_thread.run_sync(_rows_in, part, file)
            size = part.stat().st_size
            part.replace(self.store.path_of(file.id))
        except OSError as error:
            raise _disk_error(error) from error
        finally:
            part.unlink(missing_ok=True)
        return replace(file, bytes=size, line_count=rows)

    async def _write(self, part: Path, chunks: AsyncIterator[bytes]) -> None:
        size = 0
        with part.open("xb") as out:
            async for chunk in chunks:
                size += len(chunk)
                if size > self.max_bytes:
                    raise ApiError(413, f"The file is larger than {self.max_bytes} bytes.")
                await to_thread.run_sync(out.write, chunk)
            await to_thread.run_sync(_sync, out)


def _sync(out: BinaryIO) -> None:
    out.flush()
    os.fsync(out.fileno())


def _rows_in(part: Path, file: StoredFile) -> int:
    with part.open("rb") as stream:
        found = check(stream, "csv" if file.kind == "csv" else "jsonl", preview=0)
    if problem := found.problem():
        raise ApiError(400, f"{file.filename}: {problem}", param="file", code="invalid_file")
    return found.rows


def _disk_error(error: OSError) -> ApiError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return ApiError(507, "The disk of the data directory is full.", code="disk_full")
    return ApiError(500, f"The data directory cannot be written ({error.strerror}).")


async def chunks_of(stream: BinaryIO) -> AsyncIterator[bytes]:
    """A stream on disk, piece by piece."""
    read: Callable[[int], bytes] = stream.read
    while chunk := await to_thread.run_sync(read, CHUNK_BYTES):
        yield chunk
