"""What the engine keeps: files, evaluations, leases and the ledger of finished rows.

Every method is blocking and safe to call from any thread; callers on an event loop hand it to a
worker thread. A change that a method reports has been committed and survives a crash of the
machine. The statements stand in queries.sql.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals_engine.store.damaged_database import kept_aside, open_database
from evals_engine.store.database import DataDirError, Record, StorageError
from evals_engine.store.private_files import OWN_FOLDER, make_private
from evals_schemas.datasets.reader import Kind

LEDGER_PAGE = 1_000

LONGEST_LEASE = 3600.0
"""Seconds. A lease that is longer was given by a clock that has been set back; it holds no more."""

ABANDONED_SECONDS = 24 * 3600.0
"""After this long a half-written file is nobody's."""


_ADVICE = "Set local.data_dir to a directory that this user can write."


@dataclass(frozen=True)
class StoredFile:
    """A file's record; its bytes lie in the data directory."""

    id: str
    owner: str
    filename: str
    purpose: str
    kind: Kind
    bytes: int
    line_count: int
    created_at: float
    upload_key: str | None


@dataclass(frozen=True)
class StoredEvaluation:
    """An evaluation's record."""

    id: str
    owner: str
    type: str
    parameters: dict[str, Any]
    file_id: str
    status: str
    results: dict[str, Any] | None
    total_rows: int | None
    done_rows: int
    failed_rows: int
    """Rows among the done ones that have no valid verdict."""
    created_at: float
    updated_at: float
    cancel_requested: bool


@dataclass(frozen=True)
class FinishedRow:
    """A line of the ledger."""

    row_number: int
    state: str
    """`ok`, or what the row failed at; see `evaluators.Outcome`."""
    outcome: str
    """JSON: the fields that the row gains in the result file, and its token counts."""


@dataclass(frozen=True)
class Lease:
    """The right of one process to run evaluations, until a time."""

    owner: str
    until: float


@dataclass(frozen=True)
class CreationKey:
    """What a create may be sent again with; both are SHA-256 digests in hexadecimal."""

    digest: str
    request_digest: str
    """Of the request that came with the key."""


@dataclass(frozen=True)
class Step:
    """One step in an evaluation's life."""

    status: str
    message: str
    at: float


class Store:
    """One process's way to the data directory."""

    def __init__(self, data_dir: Path) -> None:
        """Open the database, making it or bringing it up to date.

        A damaged one is kept under the name in `set_aside`, which is None for a sound one.

        Raises:
            DataDirError: the directory cannot be written, or a newer version wrote it.
        """
        self.files_dir = data_dir / "files"
        try:
            data_dir.mkdir(parents=True, exist_ok=True, mode=OWN_FOLDER)
            self.files_dir.mkdir(exist_ok=True, mode=OWN_FOLDER)
            make_private(self.files_dir)
            path = data_dir / "evals.sqlite3"
            in_use = any(self.files_dir.iterdir())
            self._database, self.set_aside = open_database(path, in_use=in_use)
            # A database that was set aside may know files that the fresh one does not.
            if not kept_aside(path):
                self._sweep()
        except StorageError as error:
            raise DataDirError(f"{error} {_ADVICE}") from error
        except OSError as error:
            problem = f"The data directory {data_dir} cannot be used ({error.strerror})."
            raise DataDirError(f"{problem} {_ADVICE}") from error

    def close(self) -> None:
        """Close the database; the store cannot be used afterwards."""
        self._database.close()

    def path_of(self, file_id: str) -> Path:
        """Where a file's bytes lie."""
        return self.files_dir / file_id

    # Files

    def add_file(self, file: StoredFile) -> None:
        """Record a file whose bytes are in place, or whose upload is announced."""
        with self._database.transaction():
            self._database.run("add_file", vars(file))

    def complete_file(self, file_id: str, upload_key: str, size: int, line_count: int) -> bool:
        """Record the arrival of an announced file; false when the key is wrong or spent."""
        values = {
            "id": file_id,
            "upload_key": upload_key,
            "bytes": size,
            "line_count": line_count,
        }
        with self._database.transaction():
            return self._database.run("complete_file", values).rowcount == 1

    def awaited_file(self, file_id: str, upload_key: str) -> StoredFile | None:
        """The announced file that this key may fill."""
        return self._one_file("awaited_file", {"id": file_id, "upload_key": upload_key})

    def get_file(self, file_id: str, owner: str) -> StoredFile | None:
        """One file, if it is this owner's."""
        return self._one_file("get_file", {"id": file_id, "owner": owner})

    def list_files(self, owner: str) -> list[StoredFile]:
        """The owner's files of the evaluation contract, the newest first."""
        return [_file(row) for row in self._database.read("list_files", {"owner": owner})]

    def list_benchmarks(self, owner: str) -> list[StoredFile]:
        """The owner's benchmarks, the newest first."""
        return [_file(row) for row in self._database.read("list_benchmarks", {"owner": owner})]

    def delete_file(self, file_id: str, owner: str) -> None:
        """Remove a file's record and its bytes."""
        with self._database.transaction():
            self._database.run("delete_file", {"id": file_id, "owner": owner})
        # Where a file that is being read cannot be removed, a later start sweeps it up.
        with suppress(OSError):
            self.path_of(file_id).unlink(missing_ok=True)

    def unfinished(self, owner: str) -> int:
        """How many of the owner's evaluations wait or run."""
        return self._database.read("count_unfinished", {"owner": owner})[0]["unfinished"]

    def unfinished_of_file(self, file_id: str, owner: str) -> list[str]:
        """Ids of evaluations that still need the file."""
        rows = self._database.read("unfinished_of_file", {"id": file_id, "owner": owner})
        return [row["id"] for row in rows]

    # Evaluations

    def add_evaluation(
        self,
        evaluation: StoredEvaluation,
        message: str,
        lease: Lease | None,
        key: CreationKey | None = None,
    ) -> bool:
        """Record a new evaluation; false when its id or key is taken, and nothing was written."""
        values = {
            "id": evaluation.id,
            "owner": evaluation.owner,
            "type": evaluation.type,
            "parameters": json.dumps(evaluation.parameters),
            "file_id": evaluation.file_id,
            "now": evaluation.created_at,
            "lease_owner": lease and lease.owner,
            "lease_until": lease and lease.until,
            "status": "pending",
            "message": message,
            "idempotency_key": key and key.digest,
            "request_digest": key and key.request_digest,
        }
        with self._database.transaction():
            if not self._database.run("add_evaluation", values).rowcount:
                return False
            self._database.run("add_status_update", values)
            return True

    def created_with(self, owner: str, key_digest: str) -> tuple[str, str] | None:
        """The evaluation that a key has started, as (id, digest of the request)."""
        values = {"owner": owner, "idempotency_key": key_digest}
        rows = self._database.read("created_with", values)
        return (rows[0]["id"], rows[0]["request_digest"]) if rows else None

    def get_evaluation(self, evaluation_id: str, owner: str) -> StoredEvaluation | None:
        """One evaluation, if it is this owner's."""
        rows = self._database.read("get_evaluation", {"id": evaluation_id, "owner": owner})
        return _evaluation(rows[0]) if rows else None

    def list_evaluations(
        self, owner: str, status: str | None, limit: int
    ) -> list[StoredEvaluation]:
        """The owner's evaluations of the evaluation contract, the newest first."""
        values = {"owner": owner, "status": status, "limit": limit}
        return [_evaluation(row) for row in self._database.read("list_evaluations", values)]

    def list_benchmark_evaluations(
        self, owner: str, wanted: Mapping[str, Any]
    ) -> tuple[list[StoredEvaluation], int]:
        """A page of the owner's benchmark evaluations, the newest first, and how many there are.

        Wanted are `status` or `or_status`, `model_id` (each None for any), `limit` and `offset`.
        """
        values = {"owner": owner, **wanted}
        rows = self._database.read("list_benchmark_evaluations", values)
        total: int = self._database.read("count_benchmark_evaluations", values)[0]["total"]
        return [_evaluation(row) for row in rows], total

    def status_updates(self, evaluation_id: str) -> list[tuple[str, str, float]]:
        """An evaluation's life as (status, message, Unix seconds), in order."""
        rows = self._database.read("status_updates", {"id": evaluation_id})
        return [(row["status"], row["message"], row["at"]) for row in rows]

    def request_cancel(self, evaluation_id: str, owner: str, step: Step) -> bool:
        """Ask for a stop, or end with this step what no process has begun.

        False when it has ended already or is not this owner's.
        """
        values = {
            "id": evaluation_id,
            "owner": owner,
            "now": step.at,
            "status": step.status,
            "message": step.message,
            "results": json.dumps({"error": step.message}),
        }
        with self._database.transaction():
            if self._database.run("cancel_waiting", values).rowcount:
                self._database.run("add_status_update", values)
                return True
            return self._database.run("request_cancel", values).rowcount == 1

    # Runs

    def claim(
        self, lease: Lease, now: float, running: Iterable[str], busy: Iterable[str] = ()
    ) -> StoredEvaluation | None:
        """Take the oldest evaluation that no live process runs; None when there is none.

        What this process runs already, and what belongs to the busy owners, is left.
        """
        values = {
            "lease_owner": lease.owner,
            "lease_until": lease.until,
            "now": now,
            "latest": now + LONGEST_LEASE,
            "running": json.dumps(list(running)),
            "busy": json.dumps(list(busy)),
        }
        with self._database.transaction():
            row = self._database.run("claim", values).fetchone()
            return row and _evaluation(row)

    def renew_leases(self, lease: Lease) -> dict[str, bool]:
        """Prolong what this process runs: its evaluations, and whether each is to stop."""
        values = {"lease_owner": lease.owner, "lease_until": lease.until}
        with self._database.transaction():
            rows = self._database.run("renew_leases", values).fetchall()
        return {row["id"]: bool(row["cancel_requested"]) for row in rows}

    def release_lease(self, evaluation_id: str, owner: str) -> None:
        """Leave an unfinished evaluation to any other process."""
        with self._database.transaction():
            self._database.run("release_lease", {"id": evaluation_id, "lease_owner": owner})

    def set_status(
        self, evaluation_id: str, owner: str, step: Step, total_rows: int | None
    ) -> bool:
        """Take a step in an evaluation's life; false when the lease is another process's."""
        values = {
            "id": evaluation_id,
            "lease_owner": owner,
            "status": step.status,
            "message": step.message,
            "now": step.at,
            "total_rows": total_rows,
        }
        with self._database.transaction():
            if not self._database.run("set_status", values).rowcount:
                return False
            self._database.run("add_status_update", values)
            return True

    def add_rows(self, evaluation_id: str, owner: str, rows: list[FinishedRow], now: float) -> bool:
        """Make finished rows durable; false, writing none, when the lease is another process's."""
        lines = [{"id": evaluation_id, **vars(row)} for row in rows]
        counts = {
            "id": evaluation_id,
            "lease_owner": owner,
            "done": len(rows),
            "failed": sum(row.state != "ok" for row in rows),
            "now": now,
        }
        with self._database.transaction():
            if not self._database.run("count_rows", counts).rowcount:
                return False
            self._database.run_many("add_row", lines)
            return True

    def done_rows(self, evaluation_id: str, total: int) -> bytearray:
        """One byte a row of the data set, 1 where the row is finished."""
        done = bytearray(total)
        with self._database.long_read("done_row_numbers", {"id": evaluation_id}) as rows:
            for row in rows:
                done[row["row_number"]] = 1
        return done

    def ledger(self, evaluation_id: str) -> Iterator[FinishedRow]:
        """The finished rows in the order of the data set, a page at a time."""
        with self._database.long_read("ledger", {"id": evaluation_id}) as rows:
            while page := rows.fetchmany(LEDGER_PAGE):
                for row in page:
                    yield FinishedRow(row["row_number"], row["state"], row["outcome"])

    def clear_ledger(self, evaluation_id: str) -> None:
        """Drop an ended evaluation's rows, which its result file holds, a page at a time."""
        page = {"id": evaluation_id, "limit": LEDGER_PAGE}
        cleared = LEDGER_PAGE
        while cleared == LEDGER_PAGE:
            with self._database.transaction():
                cleared = self._database.run("clear_ledger", page).rowcount

    def finish(
        self,
        evaluation_id: str,
        owner: str,
        step: Step,
        results: Mapping[str, Any],
        result_file: StoredFile | None,
    ) -> bool:
        """End an evaluation, together with its result file; false when the lease is another's."""
        values = {
            "id": evaluation_id,
            "lease_owner": owner,
            "status": step.status,
            "message": step.message,
            "now": step.at,
            "results": json.dumps(results),
        }
        with self._database.transaction():
            if not self._database.run("finish", values).rowcount:
                return False
            self._database.run("add_status_update", values)
            if result_file is not None:
                self._database.run("add_file", vars(result_file))
            return True

    # Machinery

    def _sweep(self) -> None:
        """Remove bytes that a killed process left without a record, long after it can be there."""
        known = {row["id"] for row in self._database.read("file_ids", {})}
        for path in self.files_dir.iterdir():
            with suppress(OSError):
                age = time.time() - path.stat().st_mtime
                if path.name not in known and age > ABANDONED_SECONDS:
                    path.unlink()

    def _one_file(self, name: str, values: Mapping[str, Any]) -> StoredFile | None:
        rows = self._database.read(name, values)
        return _file(rows[0]) if rows else None


def _file(row: Record) -> StoredFile:
    return StoredFile(**{name: row[name] for name in StoredFile.__dataclass_fields__})


def _evaluation(row: Record) -> StoredEvaluation:
    values = {name: row[name] for name in StoredEvaluation.__dataclass_fields__}
    values["parameters"] = json.loads(values["parameters"])
    values["results"] = values["results"] and json.loads(values["results"])
    values["cancel_requested"] = bool(values["cancel_requested"])
    return StoredEvaluation(**values)
