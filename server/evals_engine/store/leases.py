"""Leases: which process runs which evaluation.

A lease has no end in time, because the clocks of two processes may differ. Its holder adds 1 to its
renewals again and again; other processes watch whether it does (`evals_engine.runs.silent_leases`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from evals_engine.store.database import Database
from evals_engine.store.records import ProcessId, StoredEvaluation, UserName, evaluation_of


@dataclass(frozen=True)
class Lease:
    """The right of one process to run an evaluation, as it stands in the database."""

    evaluation_id: str
    process_id: ProcessId
    renewals: int
    """How often a lease on this evaluation was renewed; never falls."""


class Leases:
    """The leases on all evaluations of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of_others(self, process_id: ProcessId) -> list[Lease]:
        """Return the leases on unfinished evaluations that other processes hold."""
        records = self._database.read("leases_of_others", {"lease_owner": process_id})
        return [
            Lease(record["id"], ProcessId(record["lease_owner"]), record["lease_renewals"])
            for record in records
        ]

    def claim(
        self,
        process_id: ProcessId,
        running: Iterable[str],
        busy: Iterable[UserName] = (),
        silent: Iterable[Lease] = (),
    ) -> StoredEvaluation | None:
        """Lease the oldest evaluation that no live process runs; return None if all are run.

        Args:
            process_id: The process that gets the lease.
            running: Ids of evaluations to skip, because this process runs them already.
            busy: Owners whose evaluations are skipped.
            silent: Leases whose holders no longer renew them. One that was renewed meanwhile
                counts as held.
        """
        values = {
            "lease_owner": process_id,
            "running": json.dumps(list(running)),
            "busy": json.dumps(list(busy)),
            "silent": json.dumps([vars(lease) for lease in silent]),
        }
        with self._database.transaction():
            record = self._database.run("claim", values).fetchone()
            return record and evaluation_of(record)

    def renew(self, process_id: ProcessId) -> dict[str, bool]:
        """Renew all leases of a process.

        Returns whether each evaluation that the process runs is to be cancelled, by id.
        """
        with self._database.transaction():
            records = self._database.run("renew_leases", {"lease_owner": process_id}).fetchall()
        return {record["id"]: bool(record["cancel_requested"]) for record in records}

    def release(self, evaluation_id: str, process_id: ProcessId) -> None:
        """End the lease of a process on an evaluation, so that any process can claim it."""
        values = {"id": evaluation_id, "lease_owner": process_id}
        with self._database.transaction():
            self._database.run("release_lease", values)
