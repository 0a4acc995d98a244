"""Shards of evaluations: who has which, what they have stored, and which comes next.

A shard is a range of the rows of an evaluation. At most as many shards of an evaluation as it has
slots have a share of its calls at a time; the transaction that ends one gives the share to the next
one, which the same process has begun already, or which is queued. So the limit of calls holds over
all nodes, and the queue stays short. A process has a shard as long as the shard's epoch is the one
that it was begun with. Every method blocks and is safe to call from any thread.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any

from evals_engine.nodes.database import Database, Transaction
from evals_engine.nodes.node_record import NodeRecord
from evals_engine.nodes.parts import Part
from evals_engine.nodes.queue import Queue
from evals_engine.nodes.shard import (
    CONCLUSION,
    NOTHING_BEGUN,
    PREPARATION,
    Following,
    Orders,
    Shard,
    shard_of,
)
from evals_engine.results.result_file import MAX_FAILED_SHARE
from evals_engine.store.records import (
    FinishedRow,
    StatusChange,
)

LEDGER_PAGE = 2_000
"""Rows that are deleted at once."""


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
        self.node = NodeRecord(database, holder)
        """What others see of this process."""

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
        return shard_of(records[0]) if records else None

    def begin_next(self, shard: Shard) -> Following:
        """Take the shard after one that this process still judges, to go on with the same share.

        Takes none if the share is to pass through the queue, for the sake of another evaluation or
        node, or if the evaluation ends early.
        """
        values = {**shard.identity, "holder": self._holder}
        with self._database.transaction() as transaction:
            evaluation = transaction.run("lock_evaluation", values).fetchone()
            if evaluation is None or _stops(evaluation):
                return Following(None)
            passes = transaction.run("passes_through_queue", values).fetchone()
            if passes and passes["passes"]:
                return Following(None)
            record = transaction.run("begin_next", values).fetchone()
            return Following(shard_of(record)) if record else Following(None, is_last=True)

    def failed_rows(self, key: int) -> int:
        """Return how many rows of an evaluation have failed so far."""
        return self._database.read("failed_rows", {"key": key})[0]["failed"]

    def finished_flags(self, shard: Shard) -> bytearray:
        """Return one byte for each row from `row_at` to the end of the shard: 1 if not to judge."""
        end = shard.first_row + shard.size
        flags = bytearray(b"\1" * (shard.first_row - shard.row_at)) + bytearray(shard.size)
        values = {"key": shard.key, "first_row": shard.first_row, "end_row": end}
        if shard.epoch == 1:
            return flags
        for record in self._database.read("done_numbers", values):
            flags[record["row_number"] - shard.row_at] = 1
        return flags

    def add_rows(self, shard: Shard, rows: list[FinishedRow]) -> bool:
        """Store finished rows once each; return False if the shard is another process's now."""
        values = {
            "key": shard.key,
            "number": shard.number,
            # JSON takes a sixth of the time that psycopg needs for arrays.
            "rows": json.dumps([(row.row_number, row.state, row.outcome) for row in rows]),
        }
        records = self._database.read("add_rows", values)
        return bool(records) and records[0]["epoch"] == shard.epoch

    def end(
        self,
        shard: Shard,
        failure: StatusChange | None = None,
        following: Following = NOTHING_BEGUN,
    ) -> bool:
        """End a shard and hand its share of the calls on, in one transaction.

        Args:
            shard: whose rows are stored.
            failure: why the whole evaluation ends early; None if it does not because of this shard.
            following: what comes next; by default the share passes through the queue.

        Returns False if the shard is another process's now.
        """
        with self._database.transaction() as transaction:
            evaluation = transaction.run("lock_evaluation", {"key": shard.key}).fetchone()
            if evaluation is None:
                return False
            if following.shard is not None:
                transaction.run("lock_pair", shard.before(following.shard))
            ended = transaction.run("end_shard", shard.identity).fetchone()
            if ended is None:
                # The database may have gone away after it had ended the shard.
                share = following.shard and transaction.run("has_share", following.shard.identity)
                return share is not None and share.fetchone() is not None
            if failure is not None:
                self._fail(transaction, shard, failure)
                evaluation["failure"] = failure
            calls = ended["calls"]
            if following.shard is not None:
                values = {**following.shard.identity, "calls": calls}
                if transaction.run("pass_share", values).rowcount:
                    return True
            self._hand_on(transaction, shard.key, evaluation, calls, if_idle=following.is_last)
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

    def release(self, shard: Shard, following: Shard | None = None) -> None:
        """Give a shard back, with the next one if it was begun, so that any node begins it at once.

        The shard may be another process's now.
        """
        with self._database.transaction() as transaction:
            evaluation = transaction.run("lock_evaluation", {"key": shard.key}).fetchone()
            if evaluation is None:
                return
            if following is not None:
                transaction.run("lock_pair", shard.before(following))
                if not transaction.run("give_back_next", following.identity).rowcount:
                    self._release(transaction, following)
            if not self._release(transaction, shard) and following is not None:
                self._hand_on(transaction, shard.key, evaluation, shard.calls, if_idle=True)

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
            silent = transaction.run("silent_shards", {"lease": self.lease}).fetchall()
            values = {
                "keys": [record["evaluation_key"] for record in silent],
                "numbers": [record["number"] for record in silent],
            }
            shards = transaction.run("queue_silent", values).fetchall() if silent else []
            queued = [record for record in shards if record["state"] == "queued"]
            queued += transaction.run("queue_waiting", {}).fetchall()
            for record in queued:
                self._enqueue(transaction, record["evaluation_key"], record["number"])
            for key in {each["evaluation_key"] for each in shards if each["state"] == "todo"}:
                evaluation = transaction.run("lock_evaluation", {"key": key}).fetchone()
                assert evaluation is not None
                self._hand_on(transaction, key, evaluation, None, if_idle=True)
            return [(record["evaluation_key"], record["number"]) for record in queued]

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

    def _hand_on(
        self,
        transaction: Transaction,
        key: int,
        evaluation: Mapping[str, Any],
        calls: int | None,
        *,
        if_idle: bool,
    ) -> None:
        """Queue what comes next for a share of the calls, None if it is not known.

        With `if_idle`, a shard is queued only if no other one of the evaluation has a share.
        """
        if not _stops(evaluation) and not self._too_many_failed(transaction, key, evaluation):
            self._queue_next(transaction, key, calls, if_idle=if_idle)
        self._queue_conclusion(transaction, key)

    def _release(self, transaction: Transaction, shard: Shard) -> bool:
        """Queue a shard of this process again; return False if it is another process's now."""
        if not transaction.run("release_shard", shard.identity).rowcount:
            return False
        self._enqueue(transaction, shard.key, shard.number)
        return True

    def _too_many_failed(
        self, transaction: Transaction, key: int, evaluation: Mapping[str, Any]
    ) -> bool:
        failed = transaction.run("failed_rows", {"key": key}).fetchone()
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

    def _queue_next(
        self, transaction: Transaction, key: int, calls: int | None, *, if_idle: bool = False
    ) -> None:
        values = {"key": key, "calls": calls, "if_idle": if_idle}
        following = transaction.run("queue_next", values).fetchone()
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


def _stops(evaluation: Mapping[str, Any]) -> bool:
    """Return whether no further shard of an evaluation is to be begun."""
    return bool(evaluation["cancel_requested"] or evaluation["failure"])
