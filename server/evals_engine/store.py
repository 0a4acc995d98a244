"""The only module that runs SQL: files, evaluations, leases and the ledger of finished rows.

SQLite in WAL mode, so that several processes share one data directory. Every method is blocking
and safe to call from any thread; callers on an event loop hand it to a worker thread. What a
method returns has been committed and, by `synchronous = FULL`, survives a crash of the machine.
"""

from __future__ import annotations

import json
import re
import sqlite3
import threading
import time
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from evals_schemas.datasets import Kind

BUSY_SECONDS = 30.0
"""How long a statement waits for another process's write before it fails."""

LEDGER_PAGE = 1_000

ABANDONED_SECONDS = 24 * 3600.0
"""After this long a half-written file is nobody's."""


class DataDirError(Exception):
    """The data directory cannot be used; the message says which setting to change."""


class StorageError(Exception):
    """The disk or the database does not take what must be written; nothing was changed."""


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
    """`ok`, or what the row failed at; see `evaluate.Outcome`."""
    outcome: str
    """JSON: the fields that the row gains in the result file, and its token counts."""


@dataclass(frozen=True)
class Lease:
    """The right of one process to run evaluations, until a time."""

    owner: str
    until: float


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

        Raises:
            DataDirError: the directory cannot be written, or a newer version wrote it.
        """
        self.data_dir = data_dir
        self.files_dir = data_dir / "files"
        self._writing = threading.Lock()
        self._reading = threading.Lock()
        self._queries = _named_queries()
        try:
            data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.files_dir.mkdir(exist_ok=True, mode=0o700)
            self._connection = self._connect()
            self._prepare()
            self._sweep()
            self._reads = self._connect()
        except (OSError, sqlite3.Error, StorageError) as error:
            raise DataDirError(
                f"The data directory {data_dir} cannot be used ({error}). "
                "Set local.data_dir to a directory this user can write."
            ) from error

    def close(self) -> None:
        """Close the connections; the store cannot be used afterwards."""
        with self._writing, self._reading:
            self._connection.close()
            self._reads.close()

    def path_of(self, file_id: str) -> Path:
        """Where a file's bytes lie."""
        return self.files_dir / file_id

    # Files

    def add_file(self, file: StoredFile) -> None:
        """Record a file whose bytes are in place, or whose upload is announced."""
        with self._transaction():
            self._run("add_file", vars(file))

    def complete_file(self, file_id: str, upload_key: str, size: int, line_count: int) -> bool:
        """Record the arrival of an announced file; false when the key is wrong or spent."""
        values = {
            "id": file_id,
            "upload_key": upload_key,
            "bytes": size,
            "line_count": line_count,
        }
        with self._transaction():
            return self._run("complete_file", values).rowcount == 1

    def awaited_file(self, file_id: str, upload_key: str) -> StoredFile | None:
        """The announced file that this key may fill."""
        return self._one_file("awaited_file", {"id": file_id, "upload_key": upload_key})

    def get_file(self, file_id: str, owner: str) -> StoredFile | None:
        """One file, if it is this owner's."""
        return self._one_file("get_file", {"id": file_id, "owner": owner})

    def list_files(self, owner: str) -> list[StoredFile]:
        """The owner's files, the newest first."""
        return [_file(row) for row in self._read("list_files", {"owner": owner})]

    def delete_file(self, file_id: str, owner: str) -> None:
        """Remove a file's record and its bytes."""
        with self._transaction():
            self._run("delete_file", {"id": file_id, "owner": owner})
        # Where a file that is being read cannot be removed, a later start sweeps it up.
        with suppress(OSError):
            self.path_of(file_id).unlink(missing_ok=True)

    def unfinished_of_file(self, file_id: str, owner: str) -> list[str]:
        """Ids of evaluations that still need the file."""
        rows = self._read("unfinished_of_file", {"id": file_id, "owner": owner})
        return [row["id"] for row in rows]

    # Evaluations

    def add_evaluation(
        self, evaluation: StoredEvaluation, message: str, lease: Lease | None
    ) -> bool:
        """Record a new evaluation; false when its id is taken, and nothing was written."""
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
        }
        with self._transaction():
            if not self._run("add_evaluation", values).rowcount:
                return False
            self._run("add_status_update", values)
            return True

    def get_evaluation(self, evaluation_id: str, owner: str) -> StoredEvaluation | None:
        """One evaluation, if it is this owner's."""
        rows = self._read("get_evaluation", {"id": evaluation_id, "owner": owner})
        return _evaluation(rows[0]) if rows else None

    def list_evaluations(
        self, owner: str, status: str | None, limit: int
    ) -> list[StoredEvaluation]:
        """The owner's evaluations, the newest first."""
        values = {"owner": owner, "status": status, "limit": limit}
        return [_evaluation(row) for row in self._read("list_evaluations", values)]

    def status_updates(self, evaluation_id: str) -> list[tuple[str, str, float]]:
        """An evaluation's life as (status, message, Unix seconds), in order."""
        rows = self._read("status_updates", {"id": evaluation_id})
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
        with self._transaction():
            if self._run("cancel_waiting", values).rowcount:
                self._run("add_status_update", values)
                return True
            return self._run("request_cancel", values).rowcount == 1

    # Runs

    def claim(self, lease: Lease, now: float, running: Iterable[str]) -> StoredEvaluation | None:
        """Take the oldest evaluation that no live process runs; None when there is none."""
        values = {
            "lease_owner": lease.owner,
            "lease_until": lease.until,
            "now": now,
            "running": json.dumps(list(running)),
        }
        with self._transaction():
            row = self._run("claim", values).fetchone()
            return row and _evaluation(row)

    def renew_leases(self, lease: Lease) -> dict[str, bool]:
        """Prolong what this process runs: its evaluations, and whether each is to stop."""
        values = {"lease_owner": lease.owner, "lease_until": lease.until}
        with self._transaction():
            rows = self._run("renew_leases", values).fetchall()
        return {row["id"]: bool(row["cancel_requested"]) for row in rows}

    def release_lease(self, evaluation_id: str, owner: str) -> None:
        """Leave an unfinished evaluation to any other process."""
        with self._transaction():
            self._run("release_lease", {"id": evaluation_id, "lease_owner": owner})

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
        with self._transaction():
            if not self._run("set_status", values).rowcount:
                return False
            self._run("add_status_update", values)
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
        with self._transaction():
            if not self._run("count_rows", counts).rowcount:
                return False
            self._connection.executemany(self._queries["add_row"], lines)
            return True

    def done_rows(self, evaluation_id: str, total: int) -> bytearray:
        """One byte a row of the data set, 1 where the row is finished."""
        done = bytearray(total)
        with self._long_read("done_row_numbers", evaluation_id) as rows:
            for row in rows:
                done[row["row_number"]] = 1
        return done

    def ledger(self, evaluation_id: str) -> Iterator[FinishedRow]:
        """The finished rows in the order of the data set, a page at a time."""
        with self._long_read("ledger", evaluation_id) as rows:
            while page := rows.fetchmany(LEDGER_PAGE):
                for row in page:
                    yield FinishedRow(row["row_number"], row["state"], row["outcome"])

    def clear_ledger(self, evaluation_id: str) -> None:
        """Drop an ended evaluation's rows, which its result file holds, a page at a time."""
        page = {"id": evaluation_id, "limit": LEDGER_PAGE}
        cleared = LEDGER_PAGE
        while cleared == LEDGER_PAGE:
            with self._transaction():
                cleared = self._run("clear_ledger", page).rowcount

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
        with self._transaction():
            if not self._run("finish", values).rowcount:
                return False
            self._run("add_status_update", values)
            if result_file is not None:
                self._run("add_file", vars(result_file))
            return True

    # Machinery

    def _sweep(self) -> None:
        """Remove bytes that a killed process left without a record, long after it can be there."""
        known = {row["id"] for row in self._connection.execute(self._queries["file_ids"])}
        for path in self.files_dir.iterdir():
            with suppress(OSError):
                age = time.time() - path.stat().st_mtime
                if path.name not in known and age > ABANDONED_SECONDS:
                    path.unlink()

    def _prepare(self) -> None:
        run = self._connection.execute
        self._use_wal()
        run("PRAGMA synchronous = FULL")
        run("PRAGMA foreign_keys = ON")
        migrations = _migrations()
        with self._transaction():
            version: int = run("PRAGMA user_version").fetchone()[0]
            if version > len(migrations):
                raise DataDirError(
                    f"The data directory {self.data_dir} was written by a newer version "
                    f"(format {version}, this one knows {len(migrations)}). Upgrade evals-mcp, "
                    "or set local.data_dir to another directory."
                )
            for number, script in enumerate(migrations[version:], start=version + 1):
                for statement in script.split(";\n"):
                    run(statement)
                run(f"PRAGMA user_version = {number}")

    def _use_wal(self) -> None:
        """Switch to WAL. Alone of all statements this one does not wait for another process."""
        deadline = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                return

    @contextmanager
    def _transaction(self) -> Generator[None]:
        """One writer at a time from the first statement on; undone as a whole on any error.

        Raises:
            StorageError: the disk is full, or the database cannot be written.
        """
        with self._writing:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield
                self._connection.execute("COMMIT")
            except sqlite3.Error as error:
                self._roll_back()
                raise self._trouble(error) from error
            except BaseException:
                self._roll_back()
                raise

    def _roll_back(self) -> None:
        """Undo what is open; after some errors SQLite has done so already."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.data_dir / "evals.sqlite3",
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        connection.row_factory = sqlite3.Row
        return connection

    @contextmanager
    def _long_read(self, name: str, evaluation_id: str) -> Generator[sqlite3.Cursor]:
        """A read on a connection of its own, which holds up nobody.

        Raises:
            StorageError: the database cannot be read.
        """
        try:
            with closing(self._connect()) as connection:
                yield connection.execute(self._queries[name], {"id": evaluation_id})
        except sqlite3.Error as error:
            raise self._trouble(error) from error

    def _read(self, name: str, values: Mapping[str, Any]) -> list[sqlite3.Row]:
        """What a statement finds. Reads wait for each other, never for a write.

        Raises:
            StorageError: the database cannot be read.
        """
        try:
            with self._reading:
                return self._reads.execute(self._queries[name], values).fetchall()
        except sqlite3.Error as error:
            raise self._trouble(error) from error

    def _trouble(self, error: sqlite3.Error) -> StorageError:
        return StorageError(f"The data directory {self.data_dir}: {error}.")

    def _run(self, name: str, values: Mapping[str, Any]) -> sqlite3.Cursor:
        return self._connection.execute(self._queries[name], values)

    def _one_file(self, name: str, values: Mapping[str, Any]) -> StoredFile | None:
        rows = self._read(name, values)
        return _file(rows[0]) if rows else None


def _file(row: sqlite3.Row) -> StoredFile:
    return StoredFile(**{name: row[name] for name in StoredFile.__dataclass_fields__})


def _evaluation(row: sqlite3.Row) -> StoredEvaluation:
    values = {name: row[name] for name in StoredEvaluation.__dataclass_fields__}
    values["parameters"] = json.loads(values["parameters"])
    values["results"] = values["results"] and json.loads(values["results"])
    values["cancel_requested"] = bool(values["cancel_requested"])
    return StoredEvaluation(**values)


def _named_queries() -> dict[str, str]:
    """The statements of queries.sql by the name in the comment above each."""
    text = resources.files("evals_engine").joinpath("queries.sql").read_text("utf-8")
    found = re.findall(r"^-- (\w+):.*\n((?:(?!--).*\n?)*)", text, re.MULTILINE)
    return {name: statement.strip() for name, statement in found}


def _migrations() -> list[str]:
    """The scripts that bring an empty database up to date, in order."""
    folder = resources.files("evals_engine").joinpath("migrations")
    scripts = sorted((item for item in folder.iterdir()), key=lambda item: item.name)
    return [script.read_text("utf-8") for script in scripts if script.name.endswith(".sql")]
