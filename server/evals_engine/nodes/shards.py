"""Shards of evaluations: who has which, what they have stored, and which comes next.

A shard is a range of the rows of an evaluation. At most as many shards of an evaluation as it has
slots are queued or run at a time, each with its share of the calls; the transaction that ends one
queues the next. So the limit of calls holds over all nodes, and the queue stays short. A process
has a shard as long as the shard's epoch is the one that it was begun with. Every method blocks and
is safe to call from any thread.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from evals_engine.nodes.database import Database, Transaction
from evals_engine.nodes.parts import Part
from evals_engine.nodes.queue import Queue
from evals_engine.results.result_file import MAX_FAILED_SHARE
from evals_engine.store.records import (
    FinishedRow,
    StatusChange,
    StoredEvaluation,
    evaluation_of,
)

PREPARATION, CONCLUSION = -2, -1
"""Numbers of the first and the last shard of an evaluation; those from 0 on are rows."""

LEDGER_PAGE = 2_000
"""Rows that are deleted at once."""


@dataclass(frozen=True, eq=False)
class Shard:
    """A shard that this process has begun."""

    evaluation: StoredEvaluation
    key: int
    """The evaluation's key in the tables of shards and rows."""
    number: int
    epoch: int
    """How often it was begun; it is this process's as long as that stays so."""
    claims: int
    """How often it was begun without a row having been stored since."""
    calls: int
    """Its share of the evaluation's rows in flight."""
    first_row: int
    size: int
    byte_at: int
    row_at: int
    """The row that begins at `byte_at`, from which the shard is read."""
    failed: int
    """Rows of the shard that are stored as failed."""
    failure: StatusChange | None
    """Why the evaluation ends early; None if its rows decide how it ends."""

    @property
    def identity(self) -> dict[str, int]:
        """What names the shard, and this process's right to it, in statements."""
        return {"key": self.key, "number": self.number, "epoch": self.epoch}

    @property
    def ends_early(self) -> bool:
        """Whether no further row of the evaluation is to be judged."""
        return self.evaluation.cancel_requested or self.failure is not None


@dataclass(frozen=True)
class Orders:
    """What the database says about a shard that this process still has."""

    stops: bool
    """Whether its evaluation was cancelled or fails."""
    failed_elsewhere: int
    """Rows of other shards of the evaluation that have failed."""


class Shards:
    """The shards of all evaluations of a database, and their tickets."""

    def __init__(self, database: Database, queue: Queue, holder: str, lease: float) -> None:
        """Begin nothing yet.

        Args:
            database: has the shards.
            queue: gets the tickets.
            holder: the id of this process.
            lease: seconds of silence after which a shard is handed to another process.
        """
        self._database = database
        self._queue = queue
        self._holder = holder
        self.lease = lease

    def transaction(self) -> AbstractContextManager[Transaction]:
        """Return a transaction, which several steps can share."""
        return self._database.transaction()

    # Evaluations

    def created(self, transaction: Transaction, evaluation_id: str) -> None:
        """Queue the first step of a new evaluation, in the transaction that stores it."""
        values = {"evaluation_id": evaluation_id}
        record = transaction.run("add_preparation", values).fetchone()
        if record and record["state"] == "queued":
            self._enqueue(transaction, record["evaluation_key"], PREPARATION)

    def cancelled(self, transaction: Transaction, evaluation_id: str) -> bool:
        """Wake the nodes, in the transaction that notes the cancel.

        Returns True if no process has begun the evaluation, and none will: the caller ends it.
        """
        values = {"evaluation_id": evaluation_id}
        transaction.run("notify_nodes", values)
        return transaction.run("end_preparation", values).fetchone() is not None

    # Shards

    def begin(self, key: int, number: int) -> Shard | None:
        """Take a shard; None if it is another process's, done, or its evaluation has ended."""
        values = {"key": key, "number": number, "holder": self._holder}
        records = self._database.read("begin_shard", values)
        return _shard(records[0]) if records else None

    def failed_rows(self, key: int) -> int:
        """Return how many rows of an evaluation have failed so far."""
        return self._database.read("failed_rows", {"key": key})[0]["failed"]

    def finished_flags(self, shard: Shard) -> bytearray:
        """Return one byte for each row from `row_at` to the end of the shard: 1 if not to judge."""
        end = shard.first_row + shard.size
        flags = bytearray(b"\1" * (shard.first_row - shard.row_at)) + bytearray(shard.size)
        values = {"key": shard.key, "first_row": shard.first_row, "end_row": end}
        for record in self._database.read("done_numbers", values):
            flags[record["row_number"] - shard.row_at] = 1
        return flags

    def add_rows(self, shard: Shard, rows: list[FinishedRow]) -> bool:
        """Store finished rows once each; return False if the shard is another process's now."""
        values = {
            "key": shard.key,
            "number": shard.number,
            "numbers": [row.row_number for row in rows],
            "states": [row.state for row in rows],
            "outcomes": [row.outcome for row in rows],
        }
        records = self._database.read("add_rows", values)
        return bool(records) and records[0]["epoch"] == shard.epoch

    def end(self, shard: Shard, failure: StatusChange | None = None) -> bool:
        """End a shard and queue what comes next, in one transaction.

        Args:
            shard: whose rows are stored.
            failure: why the whole evaluation ends early; None if it does not because of this shard.

        Returns False if the shard is another process's now.
        """
        with self._database.transaction() as transaction:
            evaluation = transaction.run("lock_evaluation", {"key": shard.key}).fetchone()
            if evaluation is None:
                return False
            ended = transaction.run("end_shard", shard.identity).fetchone()
            if ended is None:
                return False
            if failure is not None:
                self._fail(transaction, shard, failure)
            stops = evaluation["cancel_requested"] or evaluation["failure"] or failure
            if not stops and not self._too_many_failed(transaction, shard, evaluation):
                self._queue_next(transaction, shard.key, ended["calls"])
            self._queue_conclusion(transaction, shard.key)
            return True

    def start(self, shard: Shard, parts: list[Part], shares: list[int], now: float) -> bool:
        """End the preparation of an evaluation: store its shards, and queue the first ones.

        Args:
            shard: the preparation.
            parts: the ranges of all rows.
            shares: the calls of each slot.
            now: Unix seconds.

        Returns False if the preparation is another process's now.
        """
        with self._database.transaction() as transaction:
            transaction.run("lock_evaluation", {"key": shard.key})
            if transaction.run("end_shard", shard.identity).fetchone() is None:
                return False
            total = sum(part.size for part in parts)
            values = {"key": shard.key, "total_rows": total, "slots": len(shares), "now": now}
            transaction.run("start_evaluation", values)
            self._add_status(transaction, shard, StatusChange("running", RUNNING, now))
            self._add_parts(transaction, shard.key, parts)
            for calls in shares:
                self._queue_next(transaction, shard.key, calls)
            return True

    def check(self, shard: Shard, change: StatusChange) -> None:
        """Show that the data set of an evaluation is being checked."""
        with self._database.transaction() as transaction:
            values = {"key": shard.key, "now": change.time}
            if transaction.run("check_evaluation", values).rowcount:
                self._add_status(transaction, shard, change)

    def release(self, shard: Shard) -> None:
        """Give a shard back, so that any node begins it at once."""
        with self._database.transaction() as transaction:
            if transaction.run("release_shard", shard.identity).rowcount:
                self._enqueue(transaction, shard.key, shard.number)

    def renew(self, leased: Mapping[Shard, str | None]) -> dict[Shard, Orders]:
        """Renew the leases on shards; return orders for those that are still this process's.

        Args:
            leased: shards, each with the reason why it makes no progress; None without one.
        """
        if not leased:
            return {}
        values = {
            "keys": [shard.key for shard in leased],
            "numbers": [shard.number for shard in leased],
            "epochs": [shard.epoch for shard in leased],
            "notes": list(leased.values()),
        }
        orders = {
            (record["evaluation_key"], record["number"]): Orders(
                record["stops"], record["failed_elsewhere"]
            )
            for record in self._database.read("renew_shards", values)
        }
        names = {(shard.key, shard.number): shard for shard in leased}
        return {names[name]: order for name, order in orders.items()}

    def queue_silent(self) -> list[tuple[int, int]]:
        """Queue shards again whose ticket or holder is gone; return their keys and numbers.

        Also queues evaluations that have waited for the answers of one that has ended.
        """
        with self._database.transaction() as transaction:
            only = transaction.run("only_one", {}).fetchone()
            if not (only and only["is_only"]):
                return []
            silent = transaction.run("queue_silent", {"lease": self.lease}).fetchall()
            silent += transaction.run("queue_waiting", {}).fetchall()
            for record in silent:
                self._enqueue(transaction, record["evaluation_key"], record["number"])
            return [(record["evaluation_key"], record["number"]) for record in silent]

    # The end of an evaluation

    def rows(self, shard: Shard) -> Iterator[FinishedRow]:
        """Yield the finished rows of an evaluation in the order of the data set."""
        with self._database.long_read("ledger_of_key", {"key": shard.key}) as records:
            for record in records:
                yield FinishedRow(record["row_number"], record["state"], record["outcome"])

    def conclude(
        self,
        shard: Shard,
        change: StatusChange,
        results: Mapping[str, Any],
        transaction: Transaction,
    ) -> bool:
        """End an evaluation in a caller's transaction, which also records its result file.

        Returns False if the shard is another process's now; the caller rolls back.
        """
        transaction.run("lock_evaluation", {"key": shard.key})
        if transaction.run("end_shard", shard.identity).fetchone() is None:
            return False
        values = {
            "key": shard.key,
            "status": change.status,
            "results": json.dumps(results),
            "result_file_id": results.get("result_file_id"),
            "now": change.time,
        }
        if not transaction.run("end_evaluation", values).rowcount:
            return False
        transaction.run("delete_shards", {"key": shard.key})
        self._add_status(transaction, shard, change)
        waiting = transaction.run("queue_waiting", {}).fetchall()
        for record in waiting:
            self._enqueue(transaction, record["evaluation_key"], record["number"])
        return True

    def clear(self, key: int) -> None:
        """Delete the rows of an ended evaluation, which are in its result file."""
        page = {"key": key, "limit": LEDGER_PAGE}
        deleted = LEDGER_PAGE
        while deleted == LEDGER_PAGE:
            with self._database.transaction() as transaction:
                deleted = transaction.run("clear_ledger_page", page).rowcount
        with self._database.transaction() as transaction:
            transaction.run("delete_conclusion", page)

    def clear_left(self) -> None:
        """Delete the rows of ended evaluations that a process did not come to delete."""
        for record in self._database.read("ended_with_rows_left", {"lease": self.lease}):
            self.clear(record["evaluation_key"])

    # Nodes

    def beat(self, version: str, shards: int, *, stopping: bool) -> None:
        """Record what this node does."""
        values = {"id": self._holder, "version": version, "shards": shards, "stopping": stopping}
        with self._database.transaction() as transaction:
            transaction.run("beat_node", values)

    def remove_node(self) -> None:
        """Delete the record of this node, which ends."""
        with self._database.transaction() as transaction:
            transaction.run("remove_node", {"id": self._holder})
            transaction.run("remove_silent_nodes", {})

    def _too_many_failed(
        self, transaction: Transaction, shard: Shard, evaluation: Mapping[str, Any]
    ) -> bool:
        failed = transaction.run("failed_rows", {"key": shard.key}).fetchone()
        assert failed is not None
        return failed["failed"] > MAX_FAILED_SHARE * (evaluation["total_rows"] or 0)

    def _fail(self, transaction: Transaction, shard: Shard, failure: StatusChange) -> None:
        transaction.run("fail_evaluation", {"key": shard.key, "failure": json.dumps(vars(failure))})
        transaction.run("notify_nodes", {"evaluation_id": shard.evaluation.id})
        if shard.number == PREPARATION:
            self._add_parts(transaction, shard.key, [])

    def _add_parts(self, transaction: Transaction, key: int, parts: list[Part]) -> None:
        parts = [Part(0, 0, 0, 0), *parts]
        values = {
            "key": key,
            "numbers": list(range(CONCLUSION, len(parts) - 1)),
            "first_rows": [part.first_row for part in parts],
            "sizes": [part.size for part in parts],
            "bytes": [part.byte_at for part in parts],
            "rows": [part.row_at for part in parts],
        }
        transaction.run("add_shards", values)

    def _add_status(self, transaction: Transaction, shard: Shard, change: StatusChange) -> None:
        values = {
            "id": shard.evaluation.id,
            "status": change.status,
            "message": change.message,
            "now": change.time,
        }
        transaction.run("note_status", values)

    def _queue_next(self, transaction: Transaction, key: int, calls: int) -> None:
        following = transaction.run("queue_next", {"key": key, "calls": calls}).fetchone()
        if following is not None:
            self._enqueue(transaction, key, following["number"])

    def _queue_conclusion(self, transaction: Transaction, key: int) -> None:
        if transaction.run("queue_conclusion", {"key": key}).fetchone() is not None:
            self._enqueue(transaction, key, CONCLUSION)

    def _enqueue(self, transaction: Transaction, key: int, number: int) -> None:
        """Add a ticket; owners of whom few shards run come first."""
        record = transaction.run("slots_of_owner", {"key": key}).fetchone()
        priority = -record["slots"] if record and number >= 0 else 0
        self._queue.enqueue(transaction.connection, key, number, priority)


RUNNING = "Rows are being judged"
"""Message of the status of an evaluation with shards."""


def _shard(record: Mapping[str, Any]) -> Shard:
    failure = record["failure"] and StatusChange(**json.loads(record["failure"]))
    return Shard(
        evaluation=evaluation_of(record),
        key=record["key"],
        number=record["number"],
        epoch=record["epoch"],
        claims=record["shard_claims"],
        calls=record["calls"],
        first_row=record["first_row"],
        size=record["size"],
        byte_at=record["byte_at"],
        row_at=record["row_at"],
        failed=record["shard_failed"],
        failure=failure,
    )
