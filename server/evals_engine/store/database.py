"""The only module that talks to SQLite: connections, transactions, migrations, named statements.

WAL mode, so that several processes share one file and reads wait for no write; `synchronous =
FULL`, so that what is committed survives a crash of the machine. Every method is blocking and safe
to call from any thread.
"""

from __future__ import annotations

import re
import sqlite3
import threading
import time
from collections.abc import Generator, Iterable, Mapping
from contextlib import ExitStack, closing, contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

from evals_engine.store.private_files import make_private

BUSY_SECONDS = 30.0
"""How long a statement waits for another process's write before it fails."""

MAX_CHECKED_BYTES = 64 * 1024 * 1024
"""A larger file is not read through at the start; of its holes one learns when they are met."""

_MAGIC = b"SQLite format 3\0"

Record = sqlite3.Row
"""One line of an answer, read by column name."""

Values = Mapping[str, Any]


class DataDirError(Exception):
    """The data directory cannot be used; the message says which setting to change."""


class StorageError(Exception):
    """The disk or the database does not give or take something; nothing was changed."""


class DamagedError(StorageError):
    """The file is no database, has holes, or has not the tables that it says it has."""

    def __init__(self, path: Path, how: str) -> None:
        super().__init__(
            f"The database {path} is damaged: {how}. Restart the engine; it begins a fresh "
            "database and keeps this one beside it."
        )
        self.how = how


class Database:
    """One process's two connections to a database file: one writes, one reads."""

    def __init__(self, path: Path) -> None:
        """Open the file, making it or bringing it up to date.

        Raises:
            DamagedError: it is no database, or not a sound one of ours.
            StorageError: it cannot be used.
            DataDirError: a newer version wrote it.
            OSError: it cannot be made.
        """
        self._path = path
        self._writing, self._reading = threading.Lock(), threading.Lock()
        self._statements = _named_statements()
        self._is_ours = False
        make_private(path)
        self._refuse_foreign()
        try:
            with ExitStack() as opened:
                self._writes = opened.enter_context(closing(self._connect()))
                self._prepare()
                self._reads = self._connect()
                opened.pop_all()
        except sqlite3.Error as error:
            raise self._trouble(error) from error

    def close(self) -> None:
        """Close both connections; the database cannot be used afterwards."""
        with self._writing, self._reading:
            self._writes.close()
            self._reads.close()

    @contextmanager
    def transaction(self) -> Generator[None]:
        """One writer at a time from the first statement on; undone as a whole on any error.

        Raises:
            StorageError: the disk is full, or the database cannot be written.
        """
        with self._writing:
            try:
                self._writes.execute("BEGIN IMMEDIATE")
                yield
                self._writes.execute("COMMIT")
            except sqlite3.Error as error:
                self._roll_back()
                raise self._trouble(error) from error
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
        """Everything that a named statement finds. Reads wait for each other, never for a write.

        Raises:
            StorageError: the database cannot be read.
        """
        try:
            with self._reading:
                return self._reads.execute(self._statements[name], values).fetchall()
        except sqlite3.Error as error:
            raise self._trouble(error) from error

    @contextmanager
    def long_read(self, name: str, values: Values) -> Generator[sqlite3.Cursor]:
        """A named statement on a connection of its own, to be read step by step.

        Raises:
            StorageError: the database cannot be read.
        """
        try:
            with closing(self._connect()) as connection:
                yield connection.execute(self._statements[name], values)
        except sqlite3.Error as error:
            raise self._trouble(error) from error

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
                    raise self._damaged("it has holes")
        migrations = _migrations()
        with self.transaction():
            version: int = run("PRAGMA user_version").fetchone()[0]
            if version > len(migrations):
                raise DataDirError(
                    f"The data directory {self._path.parent} was written by a newer version "
                    f"(format {version}, this one knows {len(migrations)}). Upgrade evals-mcp, "
                    "or set local.data_dir to another directory."
                )
            for number, script in enumerate(migrations[version:], start=version + 1):
                for statement in script.split(";\n"):
                    run(statement)
                run(f"PRAGMA user_version = {number}")
        if not _expected_columns(migrations) <= _columns(self._writes):
            raise self._damaged("it lacks tables or columns")
        self._is_ours = True

    def _refuse_foreign(self) -> None:
        """Look at the file before SQLite does, which deletes the log of what it cannot read."""
        with self._path.open("rb") as file:
            start = file.read(len(_MAGIC))
        if start and start != _MAGIC:
            raise self._damaged("it is no SQLite database")

    def _use_wal(self) -> None:
        """Switch to WAL. Alone of all statements this one does not wait for another process."""
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
        """Undo what is open; after some errors SQLite has done so already."""
        if self._writes.in_transaction:
            self._writes.execute("ROLLBACK")

    def _trouble(self, error: sqlite3.Error) -> StorageError:
        if _code(error) in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
            return self._damaged(str(error))
        if _code(error) == sqlite3.SQLITE_ERROR and not self._is_ours:
            return self._damaged(f"its tables are not those of evals-mcp ({error})")
        return StorageError(f"The data directory {self._path.parent}: {error}.")

    def _damaged(self, how: str) -> DamagedError:
        return DamagedError(self._path, how)


def _code(error: sqlite3.Error) -> int:
    """SQLite's primary result code; 0 for an error that is not SQLite's own."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _expected_columns(migrations: list[str]) -> set[tuple[str, str]]:
    with closing(sqlite3.connect(":memory:")) as model:
        for script in migrations:
            model.executescript(script)
        return _columns(model)


def _columns(connection: sqlite3.Connection) -> set[tuple[str, str]]:
    """Every table's columns, as (table, column)."""
    found = connection.execute(
        "SELECT tables.name, columns.name FROM sqlite_master AS tables "
        "JOIN pragma_table_info(tables.name) AS columns WHERE tables.type = 'table'"
    )
    return {(line[0], line[1]) for line in found}


def _named_statements() -> dict[str, str]:
    """The statements of queries.sql by the name in the comment above each."""
    text = resources.files("evals_engine.store").joinpath("queries.sql").read_text("utf-8")
    found = re.findall(r"^-- (\w+):.*\n((?:(?!--).*\n?)*)", text, re.MULTILINE)
    return {name: statement.strip() for name, statement in found}


def _migrations() -> list[str]:
    """The scripts that bring an empty database up to date, in order."""
    folder = resources.files("evals_engine.store").joinpath("migrations")
    scripts = sorted((item for item in folder.iterdir()), key=lambda item: item.name)
    return [script.read_text("utf-8") for script in scripts if script.name.endswith(".sql")]
