"""The data directory of the engine: files, evaluations, leases and the ledger.

Every method blocks and is safe to call from any thread; callers on an event loop use a worker
thread. When a method returns, its change is committed and survives a crash of the machine. The SQL
statements are in queries.sql.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from evals_engine.store.damaged_database import damaged_copies, open_database
from evals_engine.store.database import DataDirError, StorageError
from evals_engine.store.leases import Leases
from evals_engine.store.ledger import Ledger
from evals_engine.store.private_files import OWN_FOLDER, make_private
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

ABANDONED_SECONDS = 24 * 3600.0
"""Age in seconds from which a file without a record is deleted at the start."""

CheckBytes = Callable[[int], None]
"""Raises an error if one owner may not have so many bytes of files."""

CheckCounts = Callable[[int, int], None]
"""Raises an error if one owner may not have so many unfinished evaluations, or so many at all."""

_ADVICE = "Set local.data_dir to a directory that this user can write."


def _allow(*_: int) -> None:
    """Refuse no number."""


class Store:
    """The access of one process to a data directory."""

    judges_in_random_order = True
    """Whether evaluations may have `stop_when`."""

    def __init__(self, data_dir: Path) -> None:
        """Open the database; create it if it does not exist, migrate it if it is older.

        A damaged database is renamed and replaced by a new one.

        Raises:
            DataDirError: The directory cannot be written, or a newer version wrote it.
        """
        self.files_dir = data_dir / "files"
        self.damaged_copy: Path | None
        """New path of a database that was found damaged; None if the database was sound."""
        try:
            data_dir.mkdir(parents=True, exist_ok=True, mode=OWN_FOLDER)
            self.files_dir.mkdir(exist_ok=True, mode=OWN_FOLDER)
            make_private(self.files_dir)
            path = data_dir / "evals.sqlite3"
            has_files = any(self.files_dir.iterdir())
            self._database, self.damaged_copy = open_database(path, has_files=has_files)
            self.leases = Leases(self._database)
            self.ledger = Ledger(self._database)
            # A damaged database may have records of files that the new one lacks.
            if not damaged_copies(path):
                self._delete_abandoned()
            for evaluation_id in self.ledger.ended_evaluations():
                self.ledger.clear(evaluation_id)
        except StorageError as error:
            raise DataDirError(f"{error} {_ADVICE}") from error
        except OSError as error:
            problem = f"The data directory {data_dir} cannot be used ({error.strerror})."
            raise DataDirError(f"{problem} {_ADVICE}") from error

    def close(self) -> None:
        """Close the database; the store cannot be used afterwards."""
        self._database.close()

    @property
    def engine_id(self) -> str:
        """The engine's own id, which stays the same wherever its data folder is moved."""
        (record,) = self._database.read("engine_id", {})
        return record["id"]

    def path_of(self, file_id: str) -> Path:
        """Return the path of a file's bytes."""
        return self.files_dir / file_id

    # Files

    def add_file(self, file: StoredFile, check: CheckBytes = _allow) -> None:
        """Record a file that is stored already, or one whose upload is announced.

        Args:
            file: The record.
            check: Called in the same transaction with the bytes of all files of the owner, this
                one included; an error that it raises leaves the file unrecorded.
        """
        with self._database.transaction():
            self._database.run("add_file", vars(file))
            check(self._bytes_of(file.owner))

    def complete_file(self, file: StoredFile, check: CheckBytes = _allow) -> bool:
        """Record that the bytes of an announced file are stored; `check` as in `add_file`.

        Returns False if its upload key is wrong or already used.
        """
        with self._database.transaction():
            if not self._database.run("complete_file", vars(file)).rowcount:
                return False
            check(self._bytes_of(file.owner))
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
        with self._database.transaction():
            needing = self._database.run("unfinished_of_file", values).fetchone()
            if needing is not None:
                return needing["id"]
            self._database.run("delete_file", values)
        self._delete_bytes(file_id)
        return None

    # Evaluations

    def add_evaluation(
        self,
        evaluation: StoredEvaluation,
        message: str,
        process_id: ProcessId | None,
        key: CreationKey | None = None,
        check: CheckCounts = _allow,
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
            "file_id": evaluation.file_id,
            "now": evaluation.created_at,
            "lease_owner": process_id,
            "status": "pending",
            "message": message,
            "idempotency_key": key and key.digest,
            "request_digest": key and key.request_digest,
        }
        with self._database.transaction():
            if not self._database.run("add_evaluation", values).rowcount:
                return False
            self._database.run("add_status_update", values)
            counts = self._database.run("count_evaluations", values).fetchone()
            check(counts["unfinished"], counts["stored"])
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
        with self._database.transaction():
            ended = self._database.run("result_file_of_ended", values).fetchone()
            if ended is None:
                return False
            file_id: str | None = ended["file_id"]
            for statement in ("delete_ledger", "delete_status_updates", "delete_evaluation"):
                self._database.run(statement, values)
            if file_id is not None:
                self._database.run("delete_file", {"id": file_id, "owner": owner})
        if file_id is not None:
            self._delete_bytes(file_id)
        return True

    def list_evaluations(
        self, owner: UserName, status: str | None, limit: int
    ) -> list[StoredEvaluation]:
        """Return the owner's evaluations of the evaluation contract, newest first."""
        values = {"owner": owner, "status": status, "limit": limit}
        return [evaluation_of(record) for record in self._database.read("list_evaluations", values)]

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
            **_change_values(evaluation_id, change),
            "owner": owner,
            "results": json.dumps(change.failure),
        }
        with self._database.transaction():
            if self._database.run("cancel_waiting", values).rowcount:
                self._database.run("add_status_update", values)
                return True
            return self._database.run("request_cancel", values).rowcount == 1

    # Runs

    def set_status(
        self,
        evaluation_id: str,
        process_id: ProcessId,
        change: StatusChange,
        total_rows: int | None,
    ) -> bool:
        """Change an evaluation's status; return False if the process no longer has the lease."""
        values = {
            **_change_values(evaluation_id, change),
            "lease_owner": process_id,
            "total_rows": total_rows,
        }
        with self._database.transaction():
            if not self._database.run("set_status", values).rowcount:
                return False
            self._database.run("add_status_update", values)
            return True

    def finish(
        self,
        evaluation_id: str,
        process_id: ProcessId,
        change: StatusChange,
        results: Mapping[str, Any],
        result_file: StoredFile | None,
    ) -> bool:
        """End an evaluation and record its result file in the same transaction.

        Returns False if the process no longer has the lease.
        """
        values = {
            **_change_values(evaluation_id, change),
            "lease_owner": process_id,
            "results": json.dumps(results),
        }
        with self._database.transaction():
            if not self._database.run("finish", values).rowcount:
                return False
            self._database.run("add_status_update", values)
            if result_file is not None:
                self._database.run("add_file", vars(result_file))
            return True

    def _delete_abandoned(self) -> None:
        """Delete old files without a record: what a killed process was writing."""
        recorded_ids = {record["id"] for record in self._database.read("file_ids", {})}
        for path in self.files_dir.iterdir():
            with suppress(OSError):
                age = time.time() - path.stat().st_mtime
                if path.name not in recorded_ids and age > ABANDONED_SECONDS:
                    path.unlink()

    def _delete_bytes(self, file_id: str) -> None:
        # A file that is open for reading may refuse deletion; a later start deletes it.
        with suppress(OSError):
            self.path_of(file_id).unlink(missing_ok=True)

    def _bytes_of(self, owner: UserName) -> int:
        return self._database.run("bytes_of", {"owner": owner}).fetchone()["bytes"]

    def _read_file(self, statement: str, values: Mapping[str, Any]) -> StoredFile | None:
        records = self._database.read(statement, values)
        return file_of(records[0]) if records else None


def _change_values(evaluation_id: str, change: StatusChange) -> dict[str, Any]:
    return {
        "id": evaluation_id,
        "status": change.status,
        "message": change.message,
        "now": change.time,
    }
