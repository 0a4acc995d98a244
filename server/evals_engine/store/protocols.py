"""What every store has: records, files, and a database of named statements under them.

The names of statements are the dialect: each database has its own text for a name where the same
text would not do. Every method blocks and is safe to call from any thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from evals_engine.store.metrics import Metric
from evals_engine.store.records import (
    CreationKey,
    FinishedRow,
    ProcessId,
    Record,
    StatusChange,
    StoredEvaluation,
    StoredFile,
    UserName,
)

CheckBytes = Callable[[int], None]
"""Raises an error if one owner may not have so many bytes of files."""

CheckCounts = Callable[[int, int], None]
"""Raises an error if one owner may not have so many unfinished evaluations, or so many at all."""


def allow_any(*_: int) -> None:
    """Refuse no number."""


class Cursor(Protocol):
    """The result of a statement."""

    @property
    def rowcount(self) -> int:
        """How many records the statement has changed."""
        ...

    def fetchone(self) -> Any:
        """Return the next record; None after the last one."""
        ...


class Transaction(Protocol):
    """An open transaction."""

    def run(self, name: str, values: Mapping[str, Any], /) -> Cursor:
        """Run a named statement."""
        ...


class Database(Protocol):
    """Runs named statements."""

    def transaction(self, alone: str | None = None) -> AbstractContextManager[Transaction]:
        """Yield a transaction; commit at the end, roll back everything on an error.

        Args:
            alone: A name; transactions with the same name run one after another.
        """
        ...

    def read(self, name: str, values: Mapping[str, Any], /) -> Sequence[Record]:
        """Return all records of a named statement."""
        ...


class Part(Protocol):
    """Bytes that arrive, and belong to no file yet."""

    def write(self, data: bytes) -> None:
        """Add bytes."""
        ...

    def finish(self) -> None:
        """Make all bytes readable; none can be added afterwards."""
        ...

    def open(self) -> BinaryIO:
        """Open the bytes, once they are finished."""
        ...

    def discard(self) -> None:
        """Delete the bytes, unless they belong to a file now."""
        ...


class Files(Protocol):
    """The bytes of files."""

    def part(self) -> Part:
        """Return an empty part."""
        ...

    def open(self, file_id: str, start: int = 0) -> BinaryIO:
        """Open a file from a byte on. Raises FileNotFoundError if there are no bytes."""
        ...

    def exists(self, file_id: str) -> bool:
        """Return whether the bytes of a file can be read."""
        ...

    def path_of(self, file_id: str) -> Path | None:
        """Return the path of a file; None if its bytes are not in the file system."""
        ...


class Records(Protocol):
    """The records of files and evaluations, each of which only its owner can read."""

    @property
    def engine_id(self) -> str:
        """The engine's own id, which stays the same wherever its data is moved."""
        ...

    def add_file(self, file: StoredFile, check: CheckBytes = allow_any) -> None:
        """Record a file that is stored already, or one whose upload is announced."""
        ...

    def awaited_file(self, file_id: str, upload_key: str) -> StoredFile | None:
        """Return the announced file that this key allows to upload; None if the key is wrong."""
        ...

    def get_file(self, file_id: str, owner: UserName) -> StoredFile | None:
        """Return a file of this owner; None if the owner has no file with this id."""
        ...

    def list_files(self, owner: UserName) -> list[StoredFile]:
        """Return the owner's files of the evaluation contract, newest first."""
        ...

    def list_benchmarks(self, owner: UserName) -> list[StoredFile]:
        """Return the owner's benchmarks, newest first."""
        ...

    def delete_file(self, file_id: str, owner: UserName) -> str | None:
        """Delete a file unless an unfinished evaluation needs it, whose id is returned then."""
        ...

    def add_evaluation(
        self,
        evaluation: StoredEvaluation,
        message: str,
        process_id: ProcessId | None,
        key: CreationKey | None = None,
        check: CheckCounts = allow_any,
    ) -> bool:
        """Record a new evaluation; return False if its id or its idempotency key is in use."""
        ...

    def created_with(self, owner: UserName, key_digest: str) -> tuple[str, str] | None:
        """Return the id and the request's digest of what an idempotency key has started."""
        ...

    def created_lately(self, owner: UserName, request_digest: str, since: float) -> str | None:
        """Return the newest evaluation that a request without an idempotency key has started."""
        ...

    def get_evaluation(self, evaluation_id: str, owner: UserName) -> StoredEvaluation | None:
        """Return an evaluation of this owner; None if the owner has no evaluation with this id."""
        ...

    def delete_evaluation(self, evaluation_id: str, owner: UserName) -> bool:
        """Delete an ended evaluation with its result file; return False if it has not ended."""
        ...

    def list_evaluations(
        self, owner: UserName, status: str | None, limit: int
    ) -> list[StoredEvaluation]:
        """Return the owner's evaluations of the evaluation contract, newest first."""
        ...

    def list_benchmark_evaluations(
        self, owner: UserName, filters: Mapping[str, Any]
    ) -> tuple[list[StoredEvaluation], int]:
        """Return a page of the owner's benchmark evaluations, newest first, and the total count."""
        ...

    def status_changes(self, evaluation_id: str) -> list[StatusChange]:
        """Return the status changes of an evaluation, oldest first."""
        ...

    def request_cancel(self, evaluation_id: str, owner: UserName, change: StatusChange) -> bool:
        """End an evaluation if no process runs it, else ask the process to stop."""
        ...

    def close(self) -> None:
        """Close the database; the store cannot be used afterwards."""
        ...


class Storage(Records, Protocol):
    """What the handlers of both contracts use: records, files, and the rows judged so far."""

    @property
    def judges_in_random_order(self) -> bool:
        """Whether rows are judged in a random order, as evidence that may stop a run needs."""
        ...

    @property
    def files(self) -> Files:
        """The bytes of the files."""
        ...

    def store_file(
        self,
        part: Part,
        file: StoredFile,
        offsets: Sequence[int] = (),
        check: CheckBytes = allow_any,
    ) -> None:
        """Let the bytes of a part be those of a file, and record the file.

        Args:
            part: The bytes, finished.
            file: The record. With an upload key, it completes the announced file of this key.
            offsets: The bytes at which row 0 and every `MARK_ROWS`th row after it begin.
            check: Called in the same transaction with the bytes of all files of the owner, this
                one included; an error that it raises leaves the file unrecorded.

        Raises:
            AlreadyStoredError: The file has bytes already, or its key is no longer valid.
            StorageError: The file cannot be stored. Nothing is stored after any error.
        """
        ...

    def metrics(self) -> list[Metric]:
        """Return figures of the whole engine. Raises StorageError if it cannot be read."""
        ...

    def finished_rows(self, evaluation_id: str) -> Iterator[FinishedRow]:
        """Yield the finished rows of an evaluation that has not ended, by their numbers."""
        ...


class Runs(Protocol):
    """The evaluations that the processes of one machine run, each under a lease."""

    def set_status(
        self,
        evaluation_id: str,
        process_id: ProcessId,
        change: StatusChange,
        total_rows: int | None,
    ) -> bool:
        """Change an evaluation's status; return False if the process no longer has the lease."""
        ...

    def finish(
        self,
        evaluation_id: str,
        process_id: ProcessId,
        change: StatusChange,
        results: Mapping[str, Any],
        result_file: StoredFile | None,
    ) -> bool:
        """End an evaluation and record its result file; return False without the lease."""
        ...
