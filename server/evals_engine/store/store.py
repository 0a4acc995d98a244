"""The data directory of the engine: files, evaluations, leases and the ledger.

Every method blocks and is safe to call from any thread; callers on an event loop use a worker
thread. When a method returns, its change is committed and survives a crash of the machine. The SQL
statements are in `queries.sql` and `queries_sqlite.sql`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from evals_engine.store.damaged_database import damaged_copies, open_database
from evals_engine.store.errors import AlreadyStoredError, DataDirError, StorageError
from evals_engine.store.leases import Leases
from evals_engine.store.ledger import Ledger
from evals_engine.store.local_files import LocalFiles, LocalPart
from evals_engine.store.private_files import OWN_FOLDER
from evals_engine.store.protocols import CheckBytes, Part, allow_any
from evals_engine.store.record_store import RecordStore, change_values
from evals_engine.store.records import FinishedRow, ProcessId, StatusChange, StoredFile

_ADVICE = "Set local.data_dir to a directory that this user can write."


class Store(RecordStore):
    """The access of one process to a data directory."""

    judges_in_random_order = True
    """Whether evaluations may have `stop_when`."""

    def __init__(self, data_dir: Path) -> None:
        """Open the database; create it if it does not exist, migrate it if it is older.

        A damaged database is renamed and replaced by a new one.

        Raises:
            DataDirError: The directory cannot be written, or a newer version wrote it.
        """
        self.damaged_copy: Path | None
        """New path of a database that was found damaged; None if the database was sound."""
        try:
            data_dir.mkdir(parents=True, exist_ok=True, mode=OWN_FOLDER)
            self.files_dir = data_dir / "files"
            self.files = LocalFiles(self.files_dir)
            path = data_dir / "evals.sqlite3"
            has_files = any(self.files_dir.iterdir())
            database, self.damaged_copy = open_database(path, has_files=has_files)
            super().__init__(database)
            self._sqlite = database
            self.leases = Leases(database)
            self.ledger = Ledger(database)
            # A damaged database may have records of files that the new one lacks.
            if not damaged_copies(path):
                recorded = {record["id"] for record in database.read("file_ids", {})}
                self.files.delete_abandoned(recorded)
            for evaluation_id in self.ledger.ended_evaluations():
                self.ledger.clear(evaluation_id)
        except StorageError as error:
            raise DataDirError(f"{error} {_ADVICE}") from error
        except OSError as error:
            problem = f"The data directory {data_dir} cannot be used ({error.strerror})."
            raise DataDirError(f"{problem} {_ADVICE}") from error

    def close(self) -> None:
        """Close the database; the store cannot be used afterwards."""
        self._sqlite.close()

    def path_of(self, file_id: str) -> Path:
        """Return the path of a file's bytes."""
        return self.files.path_of(file_id)

    def store_file(
        self,
        part: Part,
        file: StoredFile,
        offsets: Sequence[int] = (),  # noqa: ARG002 - whole files are read here
        check: CheckBytes = allow_any,
    ) -> None:
        """Let the bytes of a part be those of a file, and record the file; see `Storage`.

        Raises:
            AlreadyStoredError: The file has bytes already, or its key is no longer valid.
            OSError: The disk refused. Nothing is stored after any error.
        """
        assert isinstance(part, LocalPart)
        self.files.keep(part, file.id)
        is_recorded = False
        try:
            if file.upload_key is None:
                self.add_file(file, check)
                is_recorded = True
            else:
                is_recorded = self.complete_file(file, check)
        finally:
            if not is_recorded:
                self.files.delete(file.id)
        if not is_recorded:
            raise AlreadyStoredError

    def finished_rows(self, evaluation_id: str) -> Iterator[FinishedRow]:
        """Yield the finished rows in the order of the data set."""
        return self.ledger.rows(evaluation_id)

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
            **change_values(evaluation_id, change),
            "lease_owner": process_id,
            "total_rows": total_rows,
        }
        with self._sqlite.transaction() as transaction:
            if not transaction.run("set_status", values).rowcount:
                return False
            transaction.run("add_status_update", values)
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
            **change_values(evaluation_id, change),
            "lease_owner": process_id,
            "results": json.dumps(results),
        }
        with self._sqlite.transaction() as transaction:
            if not transaction.run("finish", values).rowcount:
                return False
            transaction.run("add_status_update", values)
            if result_file is not None:
                transaction.run("add_file", vars(result_file))
            return True

    def _file_deleted(self, file_id: str) -> None:
        self.files.delete(file_id)
