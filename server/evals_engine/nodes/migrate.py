"""Creates and changes the tables of the database, and checks that a node may use them.

Nodes never change tables when they start. A release first adds what the next one needs (expand),
and removes what the last one needed (contract) a release later, so nodes of two neighbouring
releases always run on the same tables. A script says in its first line which nodes can use the
tables afterwards: those that know at least the script with that number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import resources

from evals_engine.nodes.database import (
    SCHEMA,
    Connection,
    DatabaseUnusableError,
    connect,
)

OLDEST_VERSION = 2
"""Number of the oldest script whose tables this version can use."""

LOCK_SECONDS = 5
"""Seconds that a change of a table waits for the nodes that use it; longer would stop them."""

_LOCK = 7_201_943
"""Number of the advisory lock that one migration at a time holds."""

_COMMAND = "run `evals-mcp engine migrate`"

_USABLE_FROM = re.compile(r"-- usable from: (\d+)\n")


@dataclass(frozen=True)
class Script:
    """A step from one version of the tables to the next."""

    number: int
    usable_from: int
    """Number of the newest script that a node must know at least to use the tables afterwards."""
    sql: str


def scripts() -> list[Script]:
    """Return all steps in their order, numbered from 1."""
    folder = resources.files("evals_engine.nodes").joinpath("migrations")
    files = sorted((item for item in folder.iterdir()), key=lambda item: item.name)
    texts = [file.read_text("utf-8") for file in files if file.name.endswith(".sql")]
    steps: list[Script] = []
    for number, text in enumerate(texts, start=1):
        usable_from = _USABLE_FROM.match(text)
        assert usable_from is not None, number
        steps.append(Script(number, int(usable_from[1]), text))
    return steps


def migrate(url: str) -> tuple[int, int]:
    """Bring the tables to the newest version; return the versions before and after.

    May be called on several machines at once, and while nodes run.

    Raises:
        DatabaseUnusableError: The database cannot be used, or its tables are too new; nothing was
            changed.
    """
    with connect(url) as connection:
        _check_encoding(connection)
        connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        connection.execute(f"SET lock_timeout = '{LOCK_SECONDS}s'".encode())
        version, _ = _version(connection)
        newest = len(scripts())
        if version > newest:
            raise _too_new(version, newest)
        with connection.transaction():
            _run(connection, version)
        return version, newest


def check_version(connection: Connection) -> None:
    """Refuse tables that this version cannot use.

    Raises:
        DatabaseUnusableError: The message says what to upgrade or to run.
    """
    version, usable_from = _version(connection)
    newest = len(scripts())
    if version == 0:
        raise DatabaseUnusableError(
            f"The database of local.database_url has no tables of evals-mcp yet: {_COMMAND} once."
        )
    if version < OLDEST_VERSION:
        raise DatabaseUnusableError(
            f"The tables of the database have version {version}, and this evals-mcp needs "
            f"{OLDEST_VERSION} to {newest}: {_COMMAND} with this version."
        )
    if usable_from > newest:
        raise _too_new(version, newest)


def _too_new(version: int, newest: int) -> DatabaseUnusableError:
    return DatabaseUnusableError(
        f"The tables of the database have version {version}, which a newer evals-mcp has made, and "
        f"this one knows versions up to {newest}: upgrade evals-mcp on this machine."
    )


def _version(connection: Connection) -> tuple[int, int]:
    """Return the version of the tables and from which version they are usable; 0 without any."""
    exists = connection.execute("SELECT to_regclass(%s) AS name", (f"{SCHEMA}.schema_version",))
    record = exists.fetchone()
    if record is None or record["name"] is None:
        return 0, 0
    stored = connection.execute("SELECT version, usable_from FROM schema_version").fetchone()
    return (stored["version"], stored["usable_from"]) if stored else (0, 0)


def _run(connection: Connection, version: int) -> None:
    """Run the scripts that follow a version, inside a transaction."""
    if version == 0:
        # Imported here: only the first migration reads the schema of the queue.
        from evals_engine.nodes.queue import queue_schema  # noqa: PLC0415

        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}".encode())
        connection.execute(queue_schema().encode())
    for script in scripts()[version:]:
        connection.execute(script.sql.encode())
        connection.execute("DELETE FROM schema_version")
        connection.execute(
            "INSERT INTO schema_version (version, usable_from) VALUES (%s, %s)",
            (script.number, script.usable_from),
        )


def _check_encoding(connection: Connection) -> None:
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise DatabaseUnusableError(
            f"The database of local.database_url has the encoding {encoding}: create one with "
            "ENCODING 'UTF8', which stores every text."
        )
