"""The PostgreSQL database of several nodes: connections, transactions, named statements, errors.

No other module uses psycopg. Every method blocks and is safe to call from any thread. When a
transaction ends without an error, its changes survive a crash of the database server.
"""

from __future__ import annotations

import re
import time
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from importlib import resources
from typing import Any, cast

import psycopg
from psycopg import errors
from psycopg.adapt import Buffer
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import DictRow, dict_row
from psycopg.types.string import StrDumper
from psycopg_pool import ConnectionPool, PoolTimeout

from evals_engine.store.errors import StorageError, StoreUnusableError, UnavailableError
from evals_engine.store.statements import named_statements

SCHEMA = "evals"
"""Schema of all tables, so that the database may have others."""

OLDEST_SERVER = 15
"""Oldest major version of PostgreSQL that is tested."""

POOL_SECONDS = 5.0
"""Seconds that a step waits for a connection before it fails."""

CHECK_SECONDS = 1.0
"""Seconds after which a connection is checked again before it is used."""

MAX_CONNECTIONS = 8
"""Connections of one process, except the one that listens."""

PAGE_RECORDS = 2_000
"""Records that a long read fetches at once."""

NETWORK: Mapping[str, int] = {
    "connect_timeout": 5,
    "keepalives_idle": 3,
    "keepalives_interval": 2,
    "keepalives_count": 2,
    "tcp_user_timeout": 6_000,
}
"""Limits without which a lost network is noticed after minutes. The last is in milliseconds."""

_PLACEHOLDER = re.compile(r"(?<![:\w]):([a-z]\w*)")

Values = Mapping[str, Any]

Connection = psycopg.Connection[DictRow]
Cursor = psycopg.Cursor[DictRow]


class DatabaseUnusableError(StoreUnusableError):
    """The database cannot be used; the message says who has to do what."""


class Transaction:
    """An open transaction."""

    def __init__(self, connection: Connection, statements: Mapping[str, bytes]) -> None:
        self.connection = connection
        self._statements = statements

    def run(self, name: str, values: Values) -> Cursor:
        """Run a named statement."""
        return self.connection.execute(self._statements[name], values)

    def run_many(self, name: str, lines: Iterable[Values]) -> None:
        """Run a named statement once for each line of values."""
        with self.connection.cursor() as cursor:
            cursor.executemany(self._statements[name], lines)


class Database:
    """The connections of one process to the database."""

    def __init__(self, url: str, max_connections: int = MAX_CONNECTIONS) -> None:
        """Prepare for connections, which are opened when they are needed.

        Raises:
            DatabaseUnusableError: The URL is malformed.
        """
        self._statements = _statements()
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            conninfo(url),
            connection_class=cast("type[Connection]", _CheckedConnection),
            kwargs={"row_factory": dict_row, "autocommit": True},
            min_size=1,
            max_size=max_connections,
            timeout=POOL_SECONDS,
            configure=_configure,
            check=_check,
            open=True,
        )

    def close(self) -> None:
        """Close all connections; the database cannot be used afterwards."""
        self._pool.close()

    @contextmanager
    def transaction(self, alone: str | None = None) -> Generator[Transaction]:
        """Yield a transaction; commit at the end, roll back everything on an error.

        Args:
            alone: A name; transactions with the same name run one after another.

        Raises:
            UnavailableError: The database does not answer.
            StorageError: The database refuses a statement, such as when its disk is full.
        """
        with _mapped_errors(), self._pool.connection() as connection, connection.transaction():
            if alone is not None:
                lock = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
                connection.execute(lock, (alone,))
            yield Transaction(connection, self._statements)

    def read(self, name: str, values: Values) -> list[DictRow]:
        """Run a named statement in a transaction of its own; return its records.

        Raises:
            UnavailableError: The database does not answer.
            StorageError: The database refuses the statement.
        """
        with _mapped_errors(), self._pool.connection() as connection:
            return connection.execute(self._statements[name], values, binary=False).fetchall()

    def read_bytes(self, name: str, values: Values) -> list[DictRow]:
        """Do as `read` does for records with a column of bytes."""
        with _mapped_errors(), self._pool.connection() as connection:
            return connection.execute(self._statements[name], values, binary=True).fetchall()

    @contextmanager
    def long_read(self, name: str, values: Values) -> Generator[psycopg.ServerCursor[DictRow]]:
        """Run a named statement; yield a cursor to read its records in steps.

        Raises:
            UnavailableError: The database does not answer.
            StorageError: The database refuses the statement.
        """
        with (
            _mapped_errors(),
            self._pool.connection() as connection,
            connection.transaction(),
            connection.cursor(name="long_read") as cursor,
        ):
            cursor.itersize = PAGE_RECORDS
            yield cursor.execute(self._statements[name], values)


def conninfo(url: str) -> str:
    """Return the connection string of a URL, with this project's schema and limits of time.

    Raises:
        DatabaseUnusableError: The URL is malformed; it is not repeated, since it may have a
            password.
    """
    try:
        options: dict[str, Any] = dict(conninfo_to_dict(url))
    except psycopg.Error:
        raise DatabaseUnusableError(
            "local.database_url is not a URL of PostgreSQL: write "
            "postgresql://USER:PASSWORD@HOST:5432/DATABASE, with special characters of the "
            "password percent-encoded."
        ) from None
    settings = f"{options.get('options', '')} -c search_path={SCHEMA}".strip()
    defaults = {**NETWORK, "application_name": "evals-mcp"}
    return make_conninfo("", **{**defaults, **options, "options": settings})


@contextmanager
def connect(url: str) -> Generator[Connection]:
    """Yield one connection, outside of any pool, to a server that is new enough.

    Raises:
        DatabaseUnusableError: The URL is malformed; the server cannot be reached, refuses the user
            or a change, or is too old.
    """
    try:
        connection = psycopg.Connection[DictRow].connect(
            conninfo(url), autocommit=True, row_factory=dict_row
        )
    except psycopg.OperationalError as error:
        raise _refused_connection(error) from None
    with connection, _refused_changes():
        version = connection.info.server_version // 10_000
        if version < OLDEST_SERVER:
            raise DatabaseUnusableError(
                f"The server of local.database_url is PostgreSQL {version}, and {OLDEST_SERVER} or "
                "newer is needed: its administrator upgrades it, or names another server."
            )
        yield connection


@contextmanager
def _refused_changes() -> Generator[None]:
    """Turn refusals of a change of tables into sentences."""
    try:
        yield
    except errors.InsufficientPrivilege as error:
        raise DatabaseUnusableError(
            f"The user of local.database_url may not do this ({error.diag.message_primary}). Its "
            "administrator grants CREATE on the database, or runs the command."
        ) from None
    except errors.LockNotAvailable:
        raise DatabaseUnusableError(
            "The tables were in use for too long; nothing was changed. Try again."
        ) from None
    except psycopg.OperationalError as error:
        raise _refused_connection(error) from None


def _refused_connection(error: psycopg.OperationalError) -> DatabaseUnusableError:
    """Return the error for a server that cannot be reached, or that refuses the user."""
    return DatabaseUnusableError(
        f"The database of local.database_url cannot be opened: {_reason(error)}. Check that "
        "PostgreSQL runs there, that this machine reaches it, and the user, password and database "
        "of the URL."
    )


@contextmanager
def _mapped_errors() -> Generator[None]:
    """Turn errors of psycopg into errors of the store."""
    try:
        yield
    except PoolTimeout as error:
        raise UnavailableError(
            f"PostgreSQL gave no connection for {POOL_SECONDS:.0f} s. Nothing is lost; try again "
            "in a few seconds. If it lasts, the operator checks the server of local.database_url."
        ) from error
    except errors.DiskFull as error:
        raise StorageError("The disk of PostgreSQL is full; its operator frees some.") from error
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise UnavailableError(
            f"PostgreSQL does not answer ({_reason(error)}). Nothing is lost; try again in a few "
            "seconds. If it lasts, the operator checks the server of local.database_url."
        ) from error
    except psycopg.Error as error:
        raise StorageError(f"PostgreSQL refused a statement: {_reason(error)}.") from error


def _reason(error: psycopg.Error) -> str:
    """Return in one line why the server or the network has refused."""
    if error.diag.message_primary:
        return error.diag.message_primary
    lines = [line.strip() for line in str(error).splitlines() if not line.rstrip().endswith("?")]
    return ([type(error).__name__] + [line for line in lines if line])[-1].rstrip(".")


class _TextDumper(StrDumper):
    """Writes U+FFFD in place of NUL, which PostgreSQL has in no text."""

    def dump(self, obj: str) -> Buffer | None:
        """Return the text in UTF-8."""
        return super().dump(obj.replace("\0", "\ufffd"))


class _CheckedConnection(psycopg.Connection[DictRow]):
    """A connection that remembers when the server has last answered a check."""

    checked_at = 0.0


def _check(connection: Connection) -> None:
    """Raise an error if the server does not answer; the pool then opens another connection."""
    now = time.monotonic()
    assert isinstance(connection, _CheckedConnection)
    if now - connection.checked_at > CHECK_SECONDS:
        connection.execute(b"")
        connection.checked_at = now


def _configure(connection: Connection) -> None:
    connection.adapters.register_dumper(str, _TextDumper)


def _statements() -> dict[str, bytes]:
    """Return the common statements and those of this folder, with the placeholders of psycopg."""
    common = resources.files("evals_engine.store").joinpath("queries.sql")
    folder = resources.files("evals_engine.nodes")
    files = sorted(
        (item for item in folder.iterdir() if item.name.endswith(".sql")),
        key=lambda item: item.name,
    )
    return {
        name: _PLACEHOLDER.sub(r"%(\1)s", statement.replace("%", "%%")).encode()
        for name, statement in named_statements(common, *files).items()
    }
