"""Records under a principal: written, read, listed, exported and deleted.

A record is a JSON value with a kind and a name. Everything here blocks; callers on an event loop
hand it to a worker thread.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from evals_mcp.errors import InvalidRequestError
from evals_mcp.state.database import StateDatabase
from evals_mcp.state.kinds import RecordKind

MAX_NAME_BYTES = 500
"""The longest name of a record in UTF-8."""

Clock = Callable[[], datetime]
"""The time with its zone."""


class QuotaError(InvalidRequestError):
    """A principal's records would take more bytes than its quota allows; nothing was written."""


@dataclass(frozen=True)
class StoredRecord:
    """One record."""

    kind: str
    name: str
    value: Any
    """A JSON value."""
    created_at: datetime
    updated_at: datetime
    """When it was last written; UTC."""


@dataclass(frozen=True)
class StoredPrincipal:
    """A principal that has records."""

    principal_id: str
    records: int
    """How many, expired ones included."""
    used_bytes: int
    """Bytes of names and values."""
    updated_at: datetime
    """When the newest record was written; UTC."""


class State:
    """The server's state in one folder, shared by all processes that use the folder."""

    def __init__(self, folder: Path, max_bytes: int, now: Clock) -> None:
        """Name the folder; nothing is opened or made before the first use.

        Args:
            folder: where `state.db` lies.
            max_bytes: bytes of names and values that each principal may keep.
            now: the time.
        """
        self._database = StateDatabase(folder)
        self._max_bytes = max_bytes
        self._now = now

    def of(self, principal_id: str) -> PrincipalRecords:
        """Return the records of one principal."""
        return PrincipalRecords(self._database, principal_id, self._max_bytes, self._now)

    def principals(self) -> list[StoredPrincipal]:
        """Return every principal that has records, the one written last first.

        A missing file is not made.

        Raises:
            StateError: the file cannot be used.
        """
        if not self._database.exists():
            return []
        with self._database.reading() as connection:
            lines = connection.execute(_PRINCIPALS).fetchall()
        return [
            StoredPrincipal(principal_id, records, used, datetime.fromisoformat(updated_at))
            for principal_id, records, used, updated_at in lines
        ]


class PrincipalRecords:
    """The records of one principal; those of others are out of reach.

    Every method raises `StateError` if the file cannot be used.
    """

    def __init__(
        self, database: StateDatabase, principal_id: str, max_bytes: int, now: Clock
    ) -> None:
        self.principal_id = principal_id
        self.max_bytes = max_bytes
        """Bytes of names and values that the principal may keep."""
        self.now = now
        self._database = database

    def put(self, kind: RecordKind, name: str, value: Any) -> None:
        """Write a record, in place of one with the same kind and name.

        Raises:
            QuotaError: the principal's quota does not allow it.
        """
        self.update(kind, name, lambda _: value)

    def update(self, kind: RecordKind, name: str, change: Callable[[Any], Any]) -> Any:
        """Read, change and write one record as one unit, and return its new value.

        Args:
            kind: the record's kind.
            name: the record's name.
            change: returns the new value for the present one, which is None if there is no record
                or it has expired. If it returns None, the record is deleted.

        Raises:
            QuotaError: the principal's quota does not allow the new value.
        """
        with self.together() as records:
            return records.update(kind, name, change)

    @contextmanager
    def together(self) -> Generator[RecordsTransaction]:
        """Read and write several records as one unit, which no other process interrupts.

        An exception undoes all of it.
        """
        with self._database.transaction() as connection:
            yield RecordsTransaction(self, connection)

    def get(self, kind: RecordKind, name: str) -> Any:
        """Return a record's value; None if there is no record or it has expired.

        A missing file is not made.
        """
        if not self._database.exists():
            return None
        with self._database.reading() as connection:
            return RecordsTransaction(self, connection).get(kind, name)

    def some(self, kind: RecordKind, names: Sequence[str]) -> dict[str, Any]:
        """Return the values of those named records that exist, by name.

        A missing file is not made.
        """
        if not self._database.path.exists():
            return {}
        with self._database.reading() as connection:
            return RecordsTransaction(self, connection).some(kind, names)

    def list(self, kind: RecordKind) -> list[StoredRecord]:
        """Return all records of one kind that have not expired, the last written first.

        A missing file is not made.
        """
        if not self._database.exists():
            return []
        with self._database.reading() as connection:
            return RecordsTransaction(self, connection).list(kind)

    def starting_with(self, kind: RecordKind, start: str) -> dict[str, Any]:
        """Return the values of the records whose names begin with an ASCII text, by name.

        A missing file is not made.
        """
        if not self._database.exists():
            return {}
        with self._database.reading() as connection:
            return RecordsTransaction(self, connection).starting_with(kind, start)

    def delete(self, kind: RecordKind, name: str) -> bool:
        """Delete a record, and return whether there was one."""
        with self.together() as records:
            return records.delete(kind, name)

    def delete_all(self) -> int:
        """Delete everything of this principal, and return the number of records."""
        with self._database.transaction() as connection:
            return connection.execute(_DELETE_ALL, {"principal": self.principal_id}).rowcount

    def export(self) -> Iterator[StoredRecord]:
        """Yield every record of this principal, of all kinds, expired ones included."""
        with self._database.reading() as connection:
            for line in connection.execute(_EXPORT, {"principal": self.principal_id}):
                yield _record(line)

    def used_bytes(self) -> int:
        """Return the bytes of names and values that count towards the quota."""
        with self._database.reading() as connection:
            return RecordsTransaction(self, connection).used_bytes()


class RecordsTransaction:
    """The records of one principal within a transaction."""

    def __init__(self, records: PrincipalRecords, connection: sqlite3.Connection) -> None:
        self._principal = records.principal_id
        self._max_bytes = records.max_bytes
        self._now = records.now
        self._connection = connection

    def get(self, kind: RecordKind, name: str) -> Any:
        """Return a record's value; None if there is no record or it has expired."""
        line = self._connection.execute(
            _GET, {**self._key(kind, name), "oldest": self._oldest(kind)}
        ).fetchone()
        return None if line is None else json.loads(line[0])

    def some(self, kind: RecordKind, names: Sequence[str]) -> dict[str, Any]:
        """Return the values of those named records that exist, by name."""
        lines = self._connection.execute(
            _SOME,
            {**self._key(kind, ""), "names": json.dumps(names), "oldest": self._oldest(kind)},
        )
        return {name: json.loads(value) for name, value in lines}

    def list(self, kind: RecordKind) -> list[StoredRecord]:
        """Return all records of one kind that have not expired, the last written first."""
        lines = self._connection.execute(
            _LIST, {**self._key(kind, ""), "oldest": self._oldest(kind)}
        )
        return [_record(line) for line in lines]

    def starting_with(self, kind: RecordKind, start: str) -> dict[str, Any]:
        """Return the values of the records whose names begin with an ASCII text, by name."""
        values = {**self._key(kind, start), "end": f"{start}\x7f", "oldest": self._oldest(kind)}
        return {name: json.loads(value) for name, value in self._connection.execute(_FROM, values)}

    def update(self, kind: RecordKind, name: str, change: Callable[[Any], Any]) -> Any:
        """Change a record and return its new value; see `PrincipalRecords.update`."""
        value = change(self.get(kind, name))
        if value is None:
            self.delete(kind, name)
        else:
            self.put(kind, name, value)
        return value

    def put(self, kind: RecordKind, name: str, value: Any) -> None:
        """Write a record, in place of one with the same kind and name.

        Raises:
            QuotaError: the principal's quota does not allow it.
        """
        if len(name.encode(errors="surrogatepass")) > MAX_NAME_BYTES:
            raise ValueError(f"a record's name has at most {MAX_NAME_BYTES} bytes")
        text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
        now = _written(self._now())
        self._connection.execute(
            _PUT,
            {**self._key(kind, name), "value": text, "now": now, "bytes": len(name) + len(text)},
        )
        self._connection.execute(
            _PRUNE, {**self._key(kind, ""), "oldest": self._oldest(kind), "most": kind.most}
        )
        used = self.used_bytes()
        if used > self._max_bytes:
            raise QuotaError(
                f"This would keep {used:,} bytes for you; state.max_bytes allows "
                f"{self._max_bytes:,}. Delete something you no longer need, or ask the operator "
                "to raise state.max_bytes."
            )

    def delete(self, kind: RecordKind, name: str) -> bool:
        """Delete a record, and return whether there was one."""
        return self._connection.execute(_DELETE, self._key(kind, name)).rowcount > 0

    def used_bytes(self) -> int:
        """Return the bytes of names and values that count towards the quota."""
        return self._connection.execute(_USED, {"principal": self._principal}).fetchone()[0]

    def _key(self, kind: RecordKind, name: str) -> dict[str, Any]:
        return {"principal": self._principal, "kind": kind.name, "name": name}

    def _oldest(self, kind: RecordKind) -> str:
        if kind.seconds is None:
            return ""
        return _written(self._now() - timedelta(seconds=kind.seconds))


def _written(moment: datetime) -> str:
    """Return a time as text that sorts by time: UTC to the microsecond."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _record(line: tuple[str, str, str, str, str]) -> StoredRecord:
    kind, name, value, created_at, updated_at = line
    return StoredRecord(
        kind,
        name,
        json.loads(value),
        datetime.fromisoformat(created_at),
        datetime.fromisoformat(updated_at),
    )


_GET = """
    SELECT value FROM records
    WHERE principal = :principal AND kind = :kind AND name = :name AND updated_at >= :oldest
"""
_SOME = """
    SELECT name, value FROM records
    WHERE principal = :principal AND kind = :kind AND updated_at >= :oldest
    AND name IN (SELECT value FROM json_each(:names))
"""
_LIST = """
    SELECT kind, name, value, created_at, updated_at FROM records
    WHERE principal = :principal AND kind = :kind AND updated_at >= :oldest
    ORDER BY updated_at DESC, name
"""
_FROM = """
    SELECT name, value FROM records
    WHERE principal = :principal AND kind = :kind AND updated_at >= :oldest
    AND name >= :name AND name < :end ORDER BY name
"""
_EXPORT = """
    SELECT kind, name, value, created_at, updated_at FROM records
    WHERE principal = :principal ORDER BY kind, name
"""
_PRINCIPALS = """
    SELECT principal, COUNT(*), SUM(bytes), MAX(updated_at) FROM records
    GROUP BY principal ORDER BY MAX(updated_at) DESC, principal
"""
_USED = "SELECT COALESCE(SUM(bytes), 0) FROM records WHERE principal = :principal"
_PUT = """
    INSERT INTO records (principal, kind, name, value, bytes, created_at, updated_at)
    VALUES (:principal, :kind, :name, :value, :bytes, :now, :now)
    ON CONFLICT (principal, kind, name) DO UPDATE
    SET value = :value, bytes = :bytes, updated_at = :now
"""
_DELETE = "DELETE FROM records WHERE principal = :principal AND kind = :kind AND name = :name"
_DELETE_ALL = "DELETE FROM records WHERE principal = :principal"
_PRUNE = """
    DELETE FROM records
    WHERE principal = :principal AND kind = :kind AND (
        updated_at < :oldest
        OR name IN (
            SELECT name FROM records WHERE principal = :principal AND kind = :kind
            ORDER BY updated_at DESC, name LIMIT -1 OFFSET :most
        )
    )
"""
