"""Evaluations with shards in a database, as a process that answers requests stores them."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from evals_engine.nodes.database import Database, connect
from evals_engine.nodes.parts import Part
from evals_engine.nodes.queue import Queue
from evals_engine.nodes.shard import PREPARATION
from evals_engine.nodes.shards import Shards
from evals_engine.store.records import FinishedRow


@contextmanager
def shards_of(url: str, holder: str = "this node", lease: float = 30.0) -> Generator[Shards]:
    """Yield the access of one process to the shards of a database."""
    database = Database(url)
    try:
        yield Shards(database, Queue(url), holder, lease)
    finally:
        database.close()


def add_evaluation(url: str, shards: Shards, name: str = "eval-1", owner: str = "ann") -> int:
    """Store an evaluation, queue its preparation, and return its key."""
    database = Database(url)
    try:
        with database.transaction() as transaction:
            record = transaction.connection.execute(
                "INSERT INTO evaluations (id, owner, type, parameters, file_id, status, created_at,"
                " updated_at) VALUES (%s, %s, 'classify', %s, 'file-1', 'pending', 0, 0)"
                " RETURNING key",
                (name, owner, json.dumps({})),
            ).fetchone()
            shards.created(transaction, name)
    finally:
        database.close()
    assert record is not None
    return int(record["key"])


def started(url: str, shards: Shards, sizes: list[int], shares: list[int], **fields: str) -> int:
    """Store an evaluation whose rows are divided into shards of these sizes; return its key."""
    key = add_evaluation(url, shards, **fields)
    preparation = shards.begin(key, PREPARATION)
    assert preparation is not None
    parts = [Part(sum(sizes[:number]), size, 0, 0) for number, size in enumerate(sizes)]
    assert shards.start(preparation, parts, shares, now=0)
    return key


def finished(*numbers: int, state: str = "ok") -> list[FinishedRow]:
    """Return finished rows with these numbers."""
    return [FinishedRow(number, state, "{}") for number in numbers]


def query(url: str, statement: str, *values: Any) -> list[dict[str, Any]]:
    """Return the records of a statement."""
    with connect(url) as connection:
        return connection.execute(statement.encode(), values).fetchall()


def tickets(url: str) -> list[tuple[int, int]]:
    """Return the key and number of each ticket that waits, in the order of their hand-out."""
    statement = (
        "SELECT args FROM procrastinate_jobs WHERE status = 'todo' ORDER BY priority DESC, id"
    )
    return [(each["args"]["key"], each["args"]["number"]) for each in query(url, statement)]
