"""Bytes on their way in: written beside their place, checked, and only then put there."""

from __future__ import annotations

import errno
import os
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from anyio import to_thread

from evals_engine.cleaning import cleaned
from evals_engine.errors import ApiError
from evals_engine.store.private_files import OWN_FILE, write_private
from evals_engine.store.records import StoredFile, UserName
from evals_engine.store.store import Store
from evals_schemas.datasets.reader import check, kind_of

CHUNK_BYTES = 1024 * 1024
"""How much of a file is read at once."""


def new_file(owner: UserName, filename: str, purpose: str, now: float) -> StoredFile:
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


class Part:
    """What has arrived in one attempt to upload a file. Its methods block."""

    def __init__(self, path: Path, out: BinaryIO, max_bytes: int) -> None:
        self.path = path
        self.size = 0
        self._out = out
        self._max_bytes = max_bytes

    def write(self, data: bytes) -> None:
        """Add bytes. Raises ApiError 413 when they are more than a file may have."""
        self.size += len(data)
        if self.size > self._max_bytes:
            raise too_large(self._max_bytes)
        self._out.write(data)

    def finish(self) -> None:
        """Make the bytes durable; none can be added afterwards."""
        self._out.flush()
        os.fsync(self._out.fileno())
        self._out.close()


@dataclass(frozen=True)
class Uploads:
    """Takes files into the data directory."""

    store: Store
    max_bytes: int

    @asynccontextmanager
    async def part(self) -> AsyncGenerator[Part]:
        """Somewhere for the bytes of one attempt; what was not kept is removed at the end.

        Raises:
            ApiError: 507 for a full disk, 500 for one that cannot be written.
        """
        path = self.store.path_of(f"{uuid.uuid4()}.part")
        try:
            with write_private(path) as out:
                yield Part(path, out, self.max_bytes)
        except OSError as error:
            raise _disk_error(error) from error
        finally:
            path.unlink(missing_ok=True)

    async def keep(self, part: Part, file: StoredFile) -> StoredFile:
        """Make the bytes those of a file; the record that comes back has its size and its rows.

        Raises:
            ApiError: 400 for bytes that are no data set, 409 when the file has its bytes already.
            StorageError: the file cannot be recorded. In each case nothing of it is kept.
        """
        return await to_thread.run_sync(self._keep, part, file)

    def _keep(self, part: Part, file: StoredFile) -> StoredFile:
        part.finish()
        stored = replace(file, bytes=part.size, line_count=_rows_in(part.path, file))
        place = self.store.path_of(file.id)
        _take(place)
        try:
            part.path.replace(place)
            self._record(stored)
        except BaseException:
            place.unlink(missing_ok=True)
            raise
        return stored

    def _record(self, stored: StoredFile) -> None:
        key = stored.upload_key
        if key is None:
            self.store.add_file(stored)
        elif not self.store.complete_file(stored.id, key, stored.bytes, stored.line_count):
            raise _arrived()


def too_large(max_bytes: int) -> ApiError:
    """The answer to more bytes than a file may have."""
    error = ApiError(413, f"The file is larger than {max_bytes} bytes.", code="file_too_large")
    error.headers = {"Connection": "close"}  # the rest of it is not waited for
    return error


def _take(place: Path) -> None:
    """Let one attempt alone go on to put its bytes there.

    The bytes come before the record: after a crash between the two the file is still awaited, and
    what lies in its place is never read.
    """
    try:
        place.touch(OWN_FILE, exist_ok=False)
    except FileExistsError:
        raise _arrived() from None


def _arrived() -> ApiError:
    return ApiError(
        409,
        "This file has its bytes from another attempt. Read the file to see whether they are "
        "complete; if it is not found, announce it anew.",
        code="already_uploaded",
    )


def _rows_in(part: Path, file: StoredFile) -> int:
    with part.open("rb") as stream:
        found = check(stream, "csv" if file.kind == "csv" else "jsonl", preview=0)
    if problem := found.problem():
        raise ApiError(
            400, f"{cleaned(file.filename)}: {problem}", param="file", code="invalid_file"
        )
    return found.rows


def _disk_error(error: OSError) -> ApiError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return ApiError(507, "The disk of the data directory is full.", code="disk_full")
    return ApiError(500, f"The data directory cannot be written ({error.strerror}).")
