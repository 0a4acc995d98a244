"""The bytes of files in PostgreSQL, in chunks, so that every node can read every file.

A part is stored under an id of its own while it arrives. Its chunks become those of a file by one
statement in the transaction that records the file; until then nobody can read them as a file.
"""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterable
from contextlib import suppress
from typing import BinaryIO, cast

from evals_engine.nodes.database import Database, Transaction
from evals_engine.nodes.parts import Marks
from evals_engine.store.errors import StorageError
from evals_engine.store.records import StoredFile

CHUNK_BYTES = 1024 * 1024
"""Bytes of a chunk; the last one of a file has fewer."""

READ_BYTES = 64 * 1024
"""Bytes that readers of lines take from a chunk at once."""

ABANDONED_SECONDS = 24 * 3600.0
"""Age in seconds from which bytes without a record are deleted."""


class ChunkedPart:
    """Bytes that arrive, stored whenever a chunk is full."""

    def __init__(self, database: Database, part_id: str) -> None:
        self.part_id = part_id
        self._database = database
        self._pending = bytearray()
        self._number = 0

    def write(self, data: bytes) -> None:
        """Add bytes. Raises StorageError if a full chunk cannot be stored."""
        self._pending += data
        while len(self._pending) >= CHUNK_BYTES:
            self._store(bytes(self._pending[:CHUNK_BYTES]))
            del self._pending[:CHUNK_BYTES]

    def finish(self) -> None:
        """Store the rest. Raises StorageError."""
        if self._pending:
            self._store(bytes(self._pending))
            self._pending.clear()

    def open(self) -> BinaryIO:
        """Open the bytes, once they are finished."""
        return _reader(self._database, self.part_id, 0)

    def discard(self) -> None:
        """Delete the bytes, unless they belong to a file now; at the latest after a day."""
        self._pending.clear()
        if self._number:
            with suppress(StorageError), self._database.transaction() as transaction:
                transaction.run("delete_chunks", {"file_id": self.part_id})

    def _store(self, data: bytes) -> None:
        values = {"file_id": self.part_id, "number": self._number, "bytes": data}
        with self._database.transaction() as transaction:
            transaction.run("add_chunk", values)
        self._number += 1


class ChunkedFiles:
    """The files of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def path_of(self, file_id: str) -> None:  # noqa: ARG002 - other files have a path
        """Return None: the bytes are in no file system."""
        return

    def part(self) -> ChunkedPart:
        """Return an empty part."""
        return ChunkedPart(self._database, f"part-{uuid.uuid4()}")

    def open(self, file_id: str, start: int = 0) -> BinaryIO:
        """Open a file from a byte on.

        Raises:
            FileNotFoundError: There are no bytes.
            StorageError: The database does not answer.
        """
        if not self.exists(file_id):
            raise FileNotFoundError(file_id)
        return _reader(self._database, file_id, start)

    def exists(self, file_id: str) -> bool:
        """Return whether the bytes of a file can be read."""
        return bool(self._database.read("has_chunks", {"file_id": file_id}))

    def write(self, file_id: str, lines: Iterable[bytes]) -> int:
        """Store bytes under the id of a file that is not recorded yet; return their number."""
        part, size = ChunkedPart(self._database, file_id), 0
        for line in lines:
            part.write(line)
            size += len(line)
        part.finish()
        return size

    def record(self, transaction: Transaction, file: StoredFile, marks: Marks) -> None:
        """Record a file whose bytes are stored, in a transaction of the caller."""
        transaction.run("add_file", vars(file))
        self.mark(transaction, file.id, marks)

    def mark(self, transaction: Transaction, file_id: str, marks: Marks) -> None:
        """Record where the rows of a file begin, in a transaction of the caller."""
        values = {"file_id": file_id, "every": marks.every, "offsets": list(marks.offsets)}
        transaction.run("add_marks", values)

    def marks(self, file_id: str) -> Marks:
        """Return where the rows of a file begin."""
        records = self._database.read("marks", {"file_id": file_id})
        return Marks(records[0]["every"], records[0]["offsets"]) if records else Marks()

    def discard(self, file_id: str) -> None:
        """Delete the bytes of a file that is not recorded."""
        with self._database.transaction() as transaction:
            transaction.run("delete_chunks", {"file_id": file_id})

    def delete_abandoned(self, seconds: float = ABANDONED_SECONDS) -> int:
        """Delete old bytes without a record; return the number of chunks."""
        with self._database.transaction() as transaction:
            return transaction.run("delete_abandoned", {"seconds": seconds}).rowcount


def _reader(database: Database, file_id: str, start: int) -> BinaryIO:
    return cast("BinaryIO", io.BufferedReader(_ChunkReader(database, file_id, start), READ_BYTES))


class _ChunkReader(io.RawIOBase):
    """Reads the chunks of a file one after another, each by one statement."""

    def __init__(self, database: Database, file_id: str, start: int) -> None:
        self._database = database
        self._file_id = file_id
        self._at = start
        self._chunk = memoryview(b"")
        """What is left of the chunk that was read last."""

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True: to any byte, forwards and backwards."""
        return True

    def tell(self) -> int:
        """Return the number of the next byte."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Read on from another byte."""
        if whence == io.SEEK_END:
            raise io.UnsupportedOperation("the end of the file is not known here")
        target = offset if whence == io.SEEK_SET else self._at + offset
        if target != self._at:
            self._at, self._chunk = target, memoryview(b"")
        return self._at

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Fill a buffer with the next bytes; return how many, 0 at the end of the file."""
        if not self._chunk:
            number, skipped = divmod(self._at, CHUNK_BYTES)
            values = {"file_id": self._file_id, "number": number, "start": skipped + 1}
            records = self._database.read_bytes("read_chunk", values)
            self._chunk = memoryview(records[0]["bytes"] if records else b"")
        count = min(len(buffer), len(self._chunk))
        buffer[:count] = self._chunk[:count]
        self._chunk = self._chunk[count:]
        self._at += count
        return count
