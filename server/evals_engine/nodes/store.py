"""The store of several nodes: records, files and finished rows in one PostgreSQL database."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence

from evals_engine.nodes.database import Database, Transaction, connect
from evals_engine.nodes.files import ChunkedFiles, ChunkedPart
from evals_engine.nodes.metrics import node_metrics
from evals_engine.nodes.migrate import check_version
from evals_engine.nodes.parts import Marks
from evals_engine.store import protocols
from evals_engine.store.errors import AlreadyStoredError
from evals_engine.store.metrics import Metric
from evals_engine.store.protocols import CheckBytes, Part, allow_any
from evals_engine.store.record_store import RecordStore, bytes_of, change_values
from evals_engine.store.records import (
    MARK_ROWS,
    FinishedRow,
    StatusChange,
    StoredFile,
    UserName,
)

Created = Callable[[Transaction, str], None]
"""Queues the first step of a new evaluation, in the transaction that stores it."""

Cancelled = Callable[[Transaction, str], bool]
"""Passes a cancel on, in its transaction; returns True if no node has begun the evaluation."""


class NodeStore(RecordStore):
    """The access of one process to the database."""

    judges_in_random_order = False
    """Whether rows are judged in a random order, as evidence needs that may stop a run early."""

    def __init__(self, database: Database, created: Created, cancelled: Cancelled) -> None:
        """Delete what ended processes were writing a day ago. Raises StorageError."""
        super().__init__(database)
        self.database = database
        self.files = ChunkedFiles(database)
        self.files.delete_abandoned()
        self._created = created
        self._cancelled = cancelled

    def close(self) -> None:
        """Close the database; the store cannot be used afterwards."""
        self.database.close()

    def store_file(
        self,
        part: Part,
        file: StoredFile,
        offsets: Sequence[int] = (),
        check: CheckBytes = allow_any,
    ) -> None:
        """Let the bytes of a part be those of a file, and record the file; see `Storage`.

        Raises:
            AlreadyStoredError: The file has bytes already, or its key is no longer valid.
            StorageError: The database refused. Nothing is stored after any error.
        """
        assert isinstance(part, ChunkedPart)
        with self.database.transaction(alone=file.owner) as transaction:
            statement = "add_file" if file.upload_key is None else "complete_file"
            if not transaction.run(statement, vars(file)).rowcount:
                raise AlreadyStoredError
            transaction.run("keep_part", {"file_id": file.id, "part_id": part.part_id})
            self.files.mark(transaction, file.id, Marks(MARK_ROWS, offsets))
            check(bytes_of(transaction, file.owner))

    def metrics(self) -> list[Metric]:
        """Return the figures of the records and of all nodes. Raises StorageError."""
        return [*super().metrics(), *node_metrics(self.database)]

    def finished_rows(self, evaluation_id: str) -> Iterator[FinishedRow]:
        """Yield the finished rows in the order of the data set."""
        with self.database.long_read("finished_rows", {"id": evaluation_id}) as records:
            for record in records:
                yield FinishedRow(record["row_number"], record["state"], record["outcome"])

    def request_cancel(self, evaluation_id: str, owner: UserName, change: StatusChange) -> bool:
        """End an evaluation with this change if no node has begun it, else ask the nodes to stop.

        Returns False if the evaluation has ended or belongs to another owner.
        """
        values = {
            **change_values(evaluation_id, change),
            "owner": owner,
            "results": json.dumps(change.failure),
        }
        with self.database.transaction() as transaction:
            if not transaction.run("request_cancel", values).rowcount:
                return False
            if self._cancelled(transaction, evaluation_id):
                transaction.run("end_waiting", values)
                transaction.run("add_status_update", values)
            return True

    def _evaluation_added(self, transaction: protocols.Transaction, evaluation_id: str) -> None:
        assert isinstance(transaction, Transaction)
        self._created(transaction, evaluation_id)


def open_database(url: str) -> Database:
    """Return the database, once it is certain that this version can use it.

    Raises:
        DatabaseUnusableError: The message says what is wrong and who has to do what.
    """
    with connect(url) as connection:
        check_version(connection)
    return Database(url)
