"""The SQLite file behind the server's state: opening, migrating, and transactions.

Several processes may use one file at the same time. Writers wait for each other; what is committed
survives a crash of the machine (WAL, `synchronous = FULL`). All methods block and may be called
from any thread: each transaction has a connection of its own.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager
from importlib import resources
from pathlib import Path

from evals_mcp.errors import OperatorError

FILE_NAME = "state.db"

BUSY_SECONDS = 30.0
"""Seconds that a statement waits for another process's write before it fails."""

_PAUSE_SECONDS = 0.02
"""Seconds between two attempts to switch to WAL mode."""

_MAGIC = b"SQLite format 3\0"


class StateError(OperatorError):
    """The state cannot be read or written. The message says what the operator does about it."""


class StateDatabase:
    """A database file that is made or migrated when it is first used."""

    def __init__(self, folder: Path, migrations: Sequence[str] | None = None) -> None:
        """Name the file; nothing is opened yet.

        Args:
            folder: where the file lies; it is made, for this user alone, if missing.
            migrations: the scripts that build the tables, oldest first; this package's if None.
        """
        self.path = folder / FILE_NAME
        self._migrations = shipped_migrations() if migrations is None else list(migrations)
        self._opening = threading.Lock()
        self._is_ready = False

    def exists(self) -> bool:
        """Return whether the file has been made.

        Raises:
            StateError: the folder cannot be read.
        """
        with self._errors_worded():
            return self.path.exists()

    @contextmanager
    def transaction(self) -> Generator[sqlite3.Connection]:
        """Read and write as one unit: committed as a whole, or undone on any error.

        Raises:
            StateError: the file cannot be used.
        """
        with self._errors_worded(), closing(self._connect()) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def reading(self) -> Generator[sqlite3.Connection]:
        """Read one consistent picture of the data without waiting for writers.

        Raises:
            StateError: the file cannot be used.
        """
        with self._errors_worded(), closing(self._connect()) as connection:
            connection.execute("BEGIN")
            yield connection

    def _connect(self) -> sqlite3.Connection:
        with self._opening:
            if not self._is_ready:
                self._make_private_file()
                self._refuse_other_files()
                with closing(self._open()) as connection:
                    self._migrate(connection)
                self._is_ready = True
        return self._open()

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            connection.execute("PRAGMA synchronous = FULL")
        except BaseException:
            connection.close()
            raise
        return connection

    def _make_private_file(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))

    def _refuse_other_files(self) -> None:
        """Look at the first bytes before SQLite does, which may change a file that it opens."""
        with self.path.open("rb") as file:
            start = file.read(len(_MAGIC))
        if start and start != _MAGIC:
            raise StateError(
                f"{self.path} is not a SQLite database, so nothing was changed. The operator moves "
                "it away, or sets state.folder to another folder."
            )

    def _migrate(self, connection: sqlite3.Connection) -> None:
        """Bring the tables up to date, each migration in a transaction of its own."""
        self._refuse_newer(_version(connection))
        _use_wal(connection)
        while True:
            connection.execute("BEGIN IMMEDIATE")
            try:
                version = _version(connection)  # another process may have migrated meanwhile
                self._refuse_newer(version)
                if version < len(self._migrations):
                    for statement in _statements(self._migrations[version]):
                        connection.execute(statement)
                    connection.execute(f"PRAGMA user_version = {version + 1}")
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            if version >= len(self._migrations):
                return

    def _refuse_newer(self, version: int) -> None:
        if version > len(self._migrations):
            raise StateError(
                f"{self.path} was written by a newer version of evals-mcp (format {version}; this "
                f"version knows {len(self._migrations)}), so nothing was changed. The operator "
                "upgrades evals-mcp, or sets state.folder to another folder."
            )

    @contextmanager
    def _errors_worded(self) -> Generator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise StateError(
                f"The server's state in {self.path} cannot be used ({reason}). The operator checks "
                "the folder's space and permissions, or sets state.folder to another folder."
            ) from error


def shipped_migrations() -> list[str]:
    """Return the scripts of this version, oldest first."""
    folder = resources.files("evals_mcp.state").joinpath("migrations")
    scripts = sorted(folder.iterdir(), key=lambda script: script.name)
    return [script.read_text("utf-8") for script in scripts if script.name.endswith(".sql")]


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch to WAL mode. SQLite itself does not wait while another process writes or switches."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE_SECONDS)
        else:
            return


def _version(connection: sqlite3.Connection) -> int:
    return connection.execute("PRAGMA user_version").fetchone()[0]


def _statements(script: str) -> list[str]:
    return [statement for statement in script.split(";\n") if statement.strip()]
