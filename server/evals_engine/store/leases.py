"""Leases: which process runs which evaluation, and until when."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from evals_engine.store.database import Database
from evals_engine.store.records import ProcessId, StoredEvaluation, UserName, evaluation_of

LONGEST_LEASE = 3600.0
"""Most seconds that a valid lease can last.

One that seems to last longer was given before the clock was set back, and counts as expired.
"""


@dataclass(frozen=True)
class Lease:
    """The right of one process to run evaluations until a time in Unix seconds."""

    process_id: ProcessId
    until: float


class Leases:
    """The leases on all evaluations of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(
        self,
        lease: Lease,
        now: float,
        running: Iterable[str],
        busy: Iterable[UserName] = (),
    ) -> StoredEvaluation | None:
        """Lease the oldest evaluation that no live process runs; return None if all are run.

        Args:
            lease: The lease to give.
            now: The current time in Unix seconds.
            running: Ids of evaluations to skip, because this process runs them already.
            busy: Owners whose evaluations are skipped.
        """
        values = {
            "lease_owner": lease.process_id,
            "lease_until": lease.until,
            "now": now,
            "latest": now + LONGEST_LEASE,
            "running": json.dumps(list(running)),
            "busy": json.dumps(list(busy)),
        }
        with self._database.transaction():
            record = self._database.run("claim", values).fetchone()
            return record and evaluation_of(record)

    def renew(self, lease: Lease) -> dict[str, bool]:
        """Prolong all leases of a process.

        Returns whether each evaluation that the process runs is to be cancelled, by id.
        """
        values = {"lease_owner": lease.process_id, "lease_until": lease.until}
        with self._database.transaction():
            records = self._database.run("renew_leases", values).fetchall()
        return {record["id"]: bool(record["cancel_requested"]) for record in records}

    def release(self, evaluation_id: str, process_id: ProcessId) -> None:
        """End the lease of a process on an evaluation, so that any process can claim it."""
        values = {"id": evaluation_id, "lease_owner": process_id}
        with self._database.transaction():
            self._database.run("release_lease", values)
