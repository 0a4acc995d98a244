"""The state's file: made private, migrated step by step, refused when it is newer or foreign."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from evals_mcp.state.database import FILE_NAME, StateDatabase, StateError, shipped_migrations

FIRST = "CREATE TABLE notes (text TEXT);\nINSERT INTO notes VALUES ('first');\n"
SECOND = "ALTER TABLE notes ADD COLUMN length INTEGER;\nUPDATE notes SET length = LENGTH(text);\n"
THIRD = "CREATE TABLE others (text TEXT);\nINSERT INTO others SELECT text FROM notes;\n"
STEPS = [FIRST, SECOND, THIRD]


def content(folder: Path) -> list[str]:
    """Return everything in the file as SQL, with its version."""
    with closing(sqlite3.connect(folder / FILE_NAME)) as connection:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        return [f"version {version}", *connection.iterdump()]


def opened(folder: Path, steps: list[str]) -> None:
    with StateDatabase(folder, steps).transaction():
        pass


def test_the_file_and_its_folder_are_this_users_alone(tmp_path: Path) -> None:
    opened(tmp_path / "data", STEPS)
    if os.name == "posix":
        assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
        assert (tmp_path / "data" / FILE_NAME).stat().st_mode & 0o777 == 0o600


def test_nothing_is_made_before_the_first_use(tmp_path: Path) -> None:
    StateDatabase(tmp_path / "data")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("older", range(len(STEPS)))
def test_an_older_file_opens_with_everything_in_it(tmp_path: Path, older: int) -> None:
    opened(tmp_path / "new", STEPS)
    opened(tmp_path / "old", STEPS[:older])
    opened(tmp_path / "old", STEPS)
    assert content(tmp_path / "old") == content(tmp_path / "new")


DIES_AT_EACH = """
import os, sqlite3, sys
from pathlib import Path
from evals_mcp.state import database
from tests.server.state.test_database import STEPS

class Dying(sqlite3.Connection):
    left = 0
    def execute(self, *arguments):
        Dying.left -= 1
        if Dying.left < 0:
            os._exit(9)
        return super().execute(*arguments)

connect = sqlite3.connect
database.sqlite3.connect = lambda *a, **k: connect(*a, **k, factory=Dying)
for statements in range(100):
    child = os.fork()
    if child == 0:
        Dying.left = statements
        with database.StateDatabase(Path(sys.argv[1], str(statements)), STEPS).transaction():
            pass
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(status)
    if status != 9:
        break
"""
"""Migrates in one process after another; the first dies at the first statement, and so on."""


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot fork")
def test_a_migration_that_is_killed_at_any_statement_finishes_later(tmp_path: Path) -> None:
    opened(tmp_path / "whole", STEPS)
    command = [sys.executable, "-c", DIES_AT_EACH, str(tmp_path)]
    # Counting lines would write a database of its own at the end, and die there.
    own = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    ran = subprocess.run(command, check=True, capture_output=True, text=True, env=own)
    statuses = ran.stdout.split()
    assert statuses == ["9"] * (len(statuses) - 1) + ["0"]
    assert len(statuses) > len("".join(STEPS).split(";\n"))
    for statements in range(len(statuses)):
        opened(tmp_path / str(statements), STEPS)
        assert content(tmp_path / str(statements)) == content(tmp_path / "whole")


def test_a_newer_file_is_refused_and_not_changed(tmp_path: Path) -> None:
    opened(tmp_path, STEPS)
    path = tmp_path / FILE_NAME
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    before = path.read_bytes()
    with pytest.raises(StateError, match=r"newer version .*format 3.*knows 2.*nothing was changed"):
        opened(tmp_path, STEPS[:2])
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == [FILE_NAME]


def test_a_file_that_is_not_a_database_is_refused_and_not_changed(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    path.write_bytes(b"my shopping list\n")
    with pytest.raises(StateError, match=r"not a SQLite database, so nothing was changed.*folder"):
        opened(tmp_path, STEPS)
    assert path.read_bytes() == b"my shopping list\n"


def test_an_error_undoes_the_whole_transaction(tmp_path: Path) -> None:
    database = StateDatabase(tmp_path, STEPS)

    def write_and_fail() -> None:
        with database.transaction() as connection:
            connection.execute("INSERT INTO notes VALUES ('lost', 4)")
            raise KeyError("stop")

    with pytest.raises(KeyError):
        write_and_fail()
    with database.reading() as connection:
        assert connection.execute("SELECT text FROM notes").fetchall() == [("first",)]


def test_every_table_has_a_principal_column() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        for script in shipped_migrations():
            connection.executescript(script)
        tables = [
            line[0]
            for line in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        assert tables
        for table in tables:
            columns = {line[1] for line in connection.execute(f"PRAGMA table_info({table})")}
            assert "principal" in columns, table
