"""The SQLite database of the engine: connections, transactions, migrations, named statements.

No other module of the engine uses SQLite. WAL mode lets several processes share one file, and reads
do not wait for writes. `synchronous = FULL` makes a commit survive a crash of the machine. Every
method blocks and is safe to call from any thread.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Generator, Iterable, Mapping
from contextlib import ExitStack, closing, contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

from evals_engine.store.errors import DataDirError, StorageError
from evals_engine.store.private_files import make_private
from evals_engine.store.statements import named_statements

BUSY_SECONDS = 30.0
"""Seconds that a statement waits for another process's write before it fails."""

MAX_CHECKED_BYTES = 64 * 1024 * 1024
"""Largest file that is checked for damage at the start; larger ones fail when damage is read."""

_MAGIC = b"SQLite format 3\0"

Record = sqlite3.Row
"""One record of a query's result, read by column name."""

Values = Mapping[str, Any]


class DamagedError(StorageError):
    """The file is not an SQLite database, is corrupt, or lacks tables or columns."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"The database {path} is damaged: {reason}. Restart the engine; it creates a new "
            "database and keeps the damaged one under another name."
        )
        self.reason = reason


class Database:
    """The two connections of one process to a database file: one for writing, one for reading."""

    def __init__(self, path: Path) -> None:
        """Open the file; create it if it does not exist, migrate it if it is older.

        Raises:
            DamagedError: The file is not a sound database of evals-mcp.
            StorageError: The file cannot be used.
            DataDirError: A newer version wrote the file.
            OSError: The file cannot be created.
        """
        self._path = path
        self._writing, self._reading = threading.Lock(), threading.Lock()
        folder = resources.files("evals_engine.store")
        self._statements = named_statements(
            folder.joinpath("queries.sql"), folder.joinpath("queries_sqlite.sql")
        )
        self._is_prepared = False
        make_private(path)
        self._refuse_foreign()
        try:
            with ExitStack() as stack:
                self._writes = stack.enter_context(closing(self._connect()))
                self._prepare()
                self._reads = self._connect()
                stack.pop_all()
        except sqlite3.Error as error:
            raise self._storage_error(error) from error

    def close(self) -> None:
        """Close both connections; the database cannot be used afterwards."""
        with self._writing, self._reading:
            self._writes.close()
            self._reads.close()

    @contextmanager
    def transaction(self, alone: str | None = None) -> Generator[Database]:  # noqa: ARG002
        """Hold the write lock; commit at the end, roll back everything on an error.

        Args:
            alone: Of no effect, because every transaction runs alone.

        Raises:
            StorageError: The disk is full, or the database cannot be written.
        """
        with self._writing:
            try:
                self._writes.execute("BEGIN IMMEDIATE")
                yield self
                self._writes.execute("COMMIT")
            except sqlite3.Error as error:
                self._roll_back()
                raise self._storage_error(error) from error
            except BaseException:
                self._roll_back()
                raise

    def run(self, name: str, values: Values) -> sqlite3.Cursor:
        """Run a named statement inside a transaction."""
        return self._writes.execute(self._statements[name], values)

    def run_many(self, name: str, lines: Iterable[Values]) -> None:
        """Run a named statement inside a transaction, once for each line of values."""
        self._writes.executemany(self._statements[name], lines)

    def read(self, name: str, values: Values) -> list[Record]:
        """Return all records of a named statement. Reads wait for other reads, not for writes.

        Raises:
            StorageError: The database cannot be read.
        """
        try:
            with self._reading:
                return self._reads.execute(self._statements[name], values).fetchall()
        except sqlite3.Error as error:
            raise self._storage_error(error) from error

    @contextmanager
    def long_read(self, name: str, values: Values) -> Generator[sqlite3.Cursor]:
        """Run a named statement on a separate connection; yield a cursor to read it in steps.

        Raises:
            StorageError: The database cannot be read.
        """
        try:
            with closing(self._connect()) as connection:
                yield connection.execute(self._statements[name], values)
        except sqlite3.Error as error:
            raise self._storage_error(error) from error

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        connection.row_factory = Record
        return connection

    def _prepare(self) -> None:
        run = self._writes.execute
        self._use_wal()
        run("PRAGMA synchronous = FULL")
        run("PRAGMA foreign_keys = ON")
        if self._path.stat().st_size <= MAX_CHECKED_BYTES:
            for line in run("PRAGMA quick_check(1)"):
                if line[0] != "ok":
                    raise DamagedError(self._path, "it is corrupt")
        migrations = _migrations()
        with self.transaction():
            version: int = run("PRAGMA user_version").fetchone()[0]
            if version > len(migrations):
                raise DataDirError(
                    f"The data directory {self._path.parent} was written by a newer version "
                    f"(format {version}; this version reads up to {len(migrations)}). Upgrade "
                    "evals-mcp, or set local.data_dir to another directory."
                )
            for number, script in enumerate(migrations[version:], start=version + 1):
                for statement in script.split(";\n"):
                    run(statement)
                run(f"PRAGMA user_version = {number}")
        if not _expected_columns(migrations) <= _columns(self._writes):
            raise DamagedError(self._path, "it lacks tables or columns")
        self._is_prepared = True

    def _refuse_foreign(self) -> None:
        """Check the file's first bytes, because SQLite deletes the log of a file it cannot read."""
        with self._path.open("rb") as file:
            start = file.read(len(_MAGIC))
        if start and start != _MAGIC:
            raise DamagedError(self._path, "it is not an SQLite database")

    def _use_wal(self) -> None:
        """Switch to WAL mode; retry while the file is locked, as SQLite itself does not wait."""
        deadline = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                self._writes.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                return

    def _roll_back(self) -> None:
        """Roll back the open transaction; after some errors SQLite has done so itself."""
        if self._writes.in_transaction:
            self._writes.execute("ROLLBACK")

    def _storage_error(self, error: sqlite3.Error) -> StorageError:
        if _code(error) in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
            return DamagedError(self._path, str(error))
        if _code(error) == sqlite3.SQLITE_ERROR and not self._is_prepared:
            return DamagedError(self._path, f"its tables are not those of evals-mcp ({error})")
        return StorageError(f"The data directory {self._path.parent}: {error}.")


def _code(error: sqlite3.Error) -> int:
    """Return the primary result code of SQLite; 0 for an error of the Python module."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _expected_columns(migrations: list[str]) -> set[tuple[str, str]]:
    with closing(sqlite3.connect(":memory:")) as model:
        for script in migrations:
            model.executescript(script)
        return _columns(model)


def _columns(connection: sqlite3.Connection) -> set[tuple[str, str]]:
    """Return the columns of all tables as pairs of table and column."""
    records = connection.execute(
        "SELECT tables.name, columns.name FROM sqlite_master AS tables "
        "JOIN pragma_table_info(tables.name) AS columns WHERE tables.type = 'table'"
    )
    return {(record[0], record[1]) for record in records}


def _migrations() -> list[str]:
    """Return the scripts that create the current tables in an empty database, in order."""
    folder = resources.files("evals_engine.store").joinpath("migrations")
    scripts = sorted((item for item in folder.iterdir()), key=lambda item: item.name)
    return [script.read_text("utf-8") for script in scripts if script.name.endswith(".sql")]
