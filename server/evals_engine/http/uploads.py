"""Uploads: bytes are written to a temporary part, checked, and only then stored under an id."""

from __future__ import annotations

import errno
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import BinaryIO

import anyio
from anyio import to_thread

from evals_engine.cleaning import cleaned
from evals_engine.config import Quotas
from evals_engine.errors import ApiError
from evals_engine.store.errors import AlreadyStoredError
from evals_engine.store.protocols import Part, Storage
from evals_engine.store.records import MARK_ROWS, StoredFile, UserName
from evals_schemas.datasets.reader import Check, check, header_bytes, kind_of

CHUNK_BYTES = 1024 * 1024
"""Bytes of a file that are read at once."""


_PARQUET = b"PAR1"
"""First bytes of a Parquet file."""


def new_file(owner: UserName, filename: str, purpose: str, now: float) -> StoredFile:
    """Return the record of a file whose bytes have not arrived yet."""
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


class PartialUpload:
    """The bytes that have arrived in one attempt to upload a file. Its methods block."""

    def __init__(self, part: Part, max_bytes: int) -> None:
        self.part = part
        self.size = 0
        self._max_bytes = max_bytes

    def write(self, data: bytes) -> None:
        """Add bytes. Raises ApiError 413 if the file becomes too large."""
        self.size += len(data)
        if self.size > self._max_bytes:
            raise too_large(self._max_bytes)
        self.part.write(data)

    def finish(self) -> None:
        """Make the bytes readable; none can be added afterwards."""
        self.part.finish()

    def open(self) -> BinaryIO:
        """Open the bytes, once they are finished."""
        return self.part.open()


@dataclass(frozen=True)
class Uploads:
    """Stores uploaded files."""

    store: Storage
    max_bytes: int
    quotas: Quotas

    @asynccontextmanager
    async def part(self) -> AsyncGenerator[PartialUpload]:
        """Yield a part for one attempt; delete it at the end unless it was stored.

        Raises:
            ApiError: 507 if the disk is full, 500 if it cannot be written.
        """
        try:
            part = await to_thread.run_sync(self.store.files.part)
            try:
                yield PartialUpload(part, self.max_bytes)
            finally:
                with anyio.CancelScope(shield=True):
                    await to_thread.run_sync(part.discard)
        except OSError as error:
            raise _disk_error(error) from error

    async def store_file(self, part: PartialUpload, file: StoredFile) -> StoredFile:
        """Store the bytes under the id of a file; return its record with its size and row count.

        Raises:
            ApiError: 400 if the bytes are not a data set, 409 if the file has its bytes already.
            StorageError: The file cannot be recorded. Nothing is stored after any error.
        """
        return await to_thread.run_sync(self._store_file, part, file)

    def _store_file(self, part: PartialUpload, file: StoredFile) -> StoredFile:
        part.finish()
        with part.open() as stream:
            dataset = _checked(stream, file)
        stored = replace(file, bytes=part.size, line_count=dataset.rows)
        if stored.line_count > self.quotas.rows:
            raise ApiError(
                400,
                f"The data set has {stored.line_count} rows, and {self.quotas.rows} are allowed "
                "(local.max_rows): send fewer, or ask the administrator to raise the limit.",
                param="file",
                code="quota",
            )

        def check_bytes(together: int) -> None:
            if together > self.quotas.bytes:
                raise _too_much(stored.bytes, together, self.quotas.bytes)

        try:
            self.store.store_file(part.part, stored, dataset.offsets, check_bytes)
        except AlreadyStoredError:
            raise _already_uploaded() from None
        return stored


def too_large(max_bytes: int) -> ApiError:
    """Return the error for a file that is larger than allowed."""
    error = ApiError(413, f"The file is larger than {max_bytes} bytes.", code="file_too_large")
    error.headers = {"Connection": "close"}  # the rest of the body is not read
    return error


def _too_much(size: int, together: int, allowed: int) -> ApiError:
    return ApiError(
        400,
        f"Your files have {together - size} bytes, this one has {size}, and {allowed} are allowed "
        "together (local.max_user_bytes): delete some, or ask the administrator to raise the "
        "limit.",
        param="file",
        code="quota",
    )


def _already_uploaded() -> ApiError:
    return ApiError(
        409,
        "The bytes of this file came with another attempt. Read the file to see whether they are "
        "complete; if it is not found, announce it again.",
        code="already_uploaded",
    )


def _checked(stream: BinaryIO, file: StoredFile) -> Check:
    """Read a whole data set; return what it has. Raises ApiError 400 if it cannot be used."""
    if stream.read(len(_PARQUET)) == _PARQUET:
        raise ApiError(
            400,
            f"{cleaned(file.filename)}: a Parquet file; this service reads JSON Lines and CSV, "
            "so convert it and send it again.",
            param="file",
            code="invalid_file",
        )
    stream.seek(0)
    kind = "csv" if file.kind == "csv" else "jsonl"
    first_row = header_bytes(stream, kind)
    stream.seek(0)
    dataset = check(stream, kind, preview=0, mark_rows=MARK_ROWS)
    if problem := dataset.problem():
        raise ApiError(
            400, f"{cleaned(file.filename)}: {problem}", param="file", code="invalid_file"
        )
    dataset.offsets[0] = first_row
    return dataset


def _disk_error(error: OSError) -> ApiError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return ApiError(507, "The disk of the data directory is full.", code="disk_full")
    return ApiError(500, f"The data directory cannot be written ({error.strerror}).")
