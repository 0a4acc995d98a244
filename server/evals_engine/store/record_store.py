"""The records of files and evaluations, as every database has them.

When a method returns, its change is committed. The SQL statements are in `queries.sql`, and where
the databases differ in a file of each.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from evals_engine.store.metrics import (
    EVALUATIONS,
    LEASES,
    ROWS_DONE,
    ROWS_FAILED,
    SILENT_SECONDS,
    Metric,
    alone,
    by_label,
)
from evals_engine.store.protocols import (
    CheckBytes,
    CheckCounts,
    Database,
    Transaction,
    allow_any,
)
from evals_engine.store.records import (
    CreationKey,
    ProcessId,
    StatusChange,
    StoredEvaluation,
    StoredFile,
    UserName,
    evaluation_of,
    file_of,
)
from evals_schemas.evaluation_api.evaluations import ANSWERS_FROM

_DELETION = (
    "count_deleted_rows",
    "delete_ledger",
    "delete_status_updates",
    "delete_evaluation",
)
"""The statements that delete an evaluation, in their order."""


class RecordStore:
    """The records of one database; what else a store has to do with them is added by subclasses."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def engine_id(self) -> str:
        """The engine's own id, which stays the same wherever its data is moved."""
        (record,) = self._database.read("engine_id", {})
        return record["id"]

    def metrics(self) -> list[Metric]:
        """Return the figures that every database has, for those who watch the engine.

        Raises:
            StorageError: The database cannot be read.
        """
        (rows,) = self._database.read("all_rows", {})
        statuses = self._database.read("unfinished_by_status", {})
        leases = self._database.read("leases_by_state", {"silence": SILENT_SECONDS})
        return [
            by_label(EVALUATIONS, statuses),
            alone(ROWS_DONE, rows["done"]),
            alone(ROWS_FAILED, rows["failed"]),
            by_label(LEASES, leases),
        ]

    # Files

    def add_file(self, file: StoredFile, check: CheckBytes = allow_any) -> None:
        """Record a file that is stored already, or one whose upload is announced.

        Args:
            file: The record.
            check: Called in the same transaction with the bytes of all files of the owner, this
                one included; an error that it raises leaves the file unrecorded.
        """
        with self._database.transaction(alone=file.owner) as transaction:
            transaction.run("add_file", vars(file))
            check(bytes_of(transaction, file.owner))

    def complete_file(self, file: StoredFile, check: CheckBytes = allow_any) -> bool:
        """Record that the bytes of an announced file are stored; `check` as in `add_file`.

        Returns False if its upload key is wrong or already used.
        """
        with self._database.transaction(alone=file.owner) as transaction:
            if not transaction.run("complete_file", vars(file)).rowcount:
                return False
            check(bytes_of(transaction, file.owner))
            return True

    def awaited_file(self, file_id: str, upload_key: str) -> StoredFile | None:
        """Return the announced file that this key allows to upload; None if the key is wrong."""
        return self._read_file("awaited_file", {"id": file_id, "upload_key": upload_key})

    def get_file(self, file_id: str, owner: UserName) -> StoredFile | None:
        """Return a file of this owner; None if the owner has no file with this id."""
        return self._read_file("get_file", {"id": file_id, "owner": owner})

    def list_files(self, owner: UserName) -> list[StoredFile]:
        """Return the owner's files of the evaluation contract, newest first."""
        return [file_of(record) for record in self._database.read("list_files", {"owner": owner})]

    def list_benchmarks(self, owner: UserName) -> list[StoredFile]:
        """Return the owner's benchmarks, newest first."""
        records = self._database.read("list_benchmarks", {"owner": owner})
        return [file_of(record) for record in records]

    def delete_file(self, file_id: str, owner: UserName) -> str | None:
        """Delete a file's record and its bytes, unless an unfinished evaluation needs the file.

        Returns the id of such an evaluation, or None once the file is gone.
        """
        values = {"id": file_id, "owner": owner}
        with self._database.transaction() as transaction:
            needing = transaction.run("unfinished_of_file", values).fetchone()
            if needing is not None:
                return needing["id"]
            transaction.run("delete_file", values)
        self._file_deleted(file_id)
        return None

    # Evaluations

    def add_evaluation(
        self,
        evaluation: StoredEvaluation,
        message: str,
        process_id: ProcessId | None,
        key: CreationKey | None = None,
        check: CheckCounts = allow_any,
    ) -> bool:
        """Record a new evaluation.

        Args:
            evaluation: The record.
            message: The message of its first status.
            process_id: The only process that can run it; None for any.
            key: The idempotency key that came with the request.
            check: Called in the same transaction with the number of the owner's unfinished
                evaluations and of all of them, this one included; an error that it raises leaves
                the evaluation unrecorded.

        Returns False, and records nothing, if its id or its idempotency key is in use.
        """
        values = {
            "id": evaluation.id,
            "owner": evaluation.owner,
            "type": evaluation.type,
            "parameters": json.dumps(evaluation.parameters),
            "model_id": evaluation.parameters.get("model_id"),
            "answers_from": evaluation.parameters.get(ANSWERS_FROM),
            "file_id": evaluation.file_id,
            "now": evaluation.created_at,
            "lease_owner": process_id,
            "status": "pending",
            "message": message,
            "idempotency_key": key and key.digest,
            "request_digest": key and key.request_digest,
        }
        with self._database.transaction(alone=evaluation.owner) as transaction:
            if not transaction.run("add_evaluation", values).rowcount:
                return False
            transaction.run("add_status_update", values)
            counts = transaction.run("count_evaluations", values).fetchone()
            check(counts["unfinished"], counts["stored"])
            self._evaluation_added(transaction, evaluation.id)
            return True

    def created_with(self, owner: UserName, key_digest: str) -> tuple[str, str] | None:
        """Return the evaluation that was started with an idempotency key.

        Returns its id and the digest of its request; None if the key has started none.
        """
        values = {"owner": owner, "idempotency_key": key_digest}
        records = self._database.read("created_with", values)
        return (records[0]["id"], records[0]["request_digest"]) if records else None

    def created_lately(self, owner: UserName, request_digest: str, since: float) -> str | None:
        """Return the newest evaluation that a request without an idempotency key has started.

        Args:
            owner: The user.
            request_digest: The digest of the request.
            since: Unix seconds; evaluations that were created before do not count.
        """
        values = {"owner": owner, "request_digest": request_digest, "since": since}
        records = self._database.read("created_lately", values)
        return records[0]["id"] if records else None

    def get_evaluation(self, evaluation_id: str, owner: UserName) -> StoredEvaluation | None:
        """Return an evaluation of this owner; None if the owner has no evaluation with this id."""
        records = self._database.read("get_evaluation", {"id": evaluation_id, "owner": owner})
        return evaluation_of(records[0]) if records else None

    def delete_evaluation(self, evaluation_id: str, owner: UserName) -> bool:
        """Delete an ended evaluation with its result file; return False if it has not ended."""
        values = {"id": evaluation_id, "owner": owner}
        with self._database.transaction() as transaction:
            ended = transaction.run("result_file_of_ended", values).fetchone()
            if ended is None:
                return False
            file_id: str | None = ended["file_id"]
            for statement in _DELETION:
                transaction.run(statement, values)
            if file_id is not None:
                transaction.run("delete_file", {"id": file_id, "owner": owner})
        if file_id is not None:
            self._file_deleted(file_id)
        return True

    def list_evaluations(
        self, owner: UserName, status: str | None, limit: int
    ) -> list[StoredEvaluation]:
        """Return the owner's evaluations of the evaluation contract, newest first."""
        values = {"owner": owner, "status": status, "limit": limit}
        records = self._database.read("list_evaluations", values)
        return [evaluation_of(record) for record in records]

    def list_benchmark_evaluations(
        self, owner: UserName, filters: Mapping[str, Any]
    ) -> tuple[list[StoredEvaluation], int]:
        """Return a page of the owner's benchmark evaluations, newest first, and the total count.

        The filters are `status`, `or_status` and `model_id` (each may be None for any), `limit`
        and `offset`.
        """
        values = {"owner": owner, **filters}
        records = self._database.read("list_benchmark_evaluations", values)
        total: int = self._database.read("count_benchmark_evaluations", values)[0]["total"]
        return [evaluation_of(record) for record in records], total

    def status_changes(self, evaluation_id: str) -> list[StatusChange]:
        """Return the status changes of an evaluation, oldest first."""
        records = self._database.read("status_updates", {"id": evaluation_id})
        return [
            StatusChange(record["status"], record["message"], record["at"]) for record in records
        ]

    def request_cancel(self, evaluation_id: str, owner: UserName, change: StatusChange) -> bool:
        """End an evaluation with this change if no process runs it, else ask the process to stop.

        Returns False if the evaluation has ended or belongs to another owner.
        """
        values = {
            **change_values(evaluation_id, change),
            "owner": owner,
            "results": json.dumps(change.failure),
        }
        with self._database.transaction() as transaction:
            if transaction.run("cancel_waiting", values).rowcount:
                transaction.run("add_status_update", values)
                return True
            return transaction.run("request_cancel", values).rowcount == 1

    def _evaluation_added(self, transaction: Transaction, evaluation_id: str) -> None:
        """Do what else belongs to the transaction that stores a new evaluation."""

    def _file_deleted(self, file_id: str) -> None:
        """Delete the bytes of a file whose record is deleted."""

    def _read_file(self, statement: str, values: Mapping[str, Any]) -> StoredFile | None:
        records = self._database.read(statement, values)
        return file_of(records[0]) if records else None


def bytes_of(transaction: Transaction, owner: UserName) -> int:
    """Return the bytes of all files of an owner."""
    return transaction.run("bytes_of", {"owner": owner}).fetchone()["bytes"]


def change_values(evaluation_id: str, change: StatusChange) -> dict[str, Any]:
    """Return the values of statements that store a change of status."""
    return {
        "id": evaluation_id,
        "status": change.status,
        "message": change.message,
        "now": change.time,
    }
