"""The ledger: the outcome of each finished row, stored as soon as it is known."""

from __future__ import annotations

from collections.abc import Iterator

from evals_engine.store.database import Database
from evals_engine.store.records import FinishedRow, ProcessId

LEDGER_PAGE = 1_000
"""Rows that are read or deleted at once."""


class Ledger:
    """The finished rows of evaluations that have not ended, or that may be continued."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_rows(
        self,
        evaluation_id: str,
        process_id: ProcessId,
        rows: list[FinishedRow],
        now: float,
        sequential: str | None = None,
    ) -> bool:
        """Store finished rows and count them in the evaluation's record.

        Args:
            evaluation_id: The evaluation.
            process_id: The process that judged them.
            rows: The rows.
            now: Unix seconds.
            sequential: JSON of the evidence with these rows; None leaves what is stored.

        Returns False, and stores nothing, if the process no longer has the lease.
        """
        lines = [{"id": evaluation_id, **vars(row)} for row in rows]
        counts = {
            "id": evaluation_id,
            "lease_owner": process_id,
            "done": len(rows),
            "failed": sum(row.state != "ok" for row in rows),
            "now": now,
            "sequential": sequential,
        }
        with self._database.transaction():
            if not self._database.run("count_rows", counts).rowcount:
                return False
            self._database.run_many("add_row", lines)
            return True

    def finished_flags(self, evaluation_id: str, total: int) -> bytearray:
        """Return one byte for each of `total` rows of the data set: 1 if finished, else 0."""
        flags = bytearray(total)
        with self._database.long_read("done_row_numbers", {"id": evaluation_id}) as records:
            for record in records:
                flags[record["row_number"]] = 1
        return flags

    def rows(self, evaluation_id: str) -> Iterator[FinishedRow]:
        """Yield the finished rows in the order of the data set."""
        with self._database.long_read("ledger", {"id": evaluation_id}) as records:
            while page := records.fetchmany(LEDGER_PAGE):
                for record in page:
                    yield FinishedRow(record["row_number"], record["state"], record["outcome"])

    def ended_evaluations(self) -> list[str]:
        """Return the ended evaluations that still have rows here.

        A process that is killed between the end of an evaluation and the deletion of its rows
        leaves them.
        """
        return [record["id"] for record in self._database.read("ended_with_rows", {})]

    def clear(self, evaluation_id: str) -> None:
        """Delete the rows of an ended evaluation, which are in its result file, page by page."""
        page = {"id": evaluation_id, "limit": LEDGER_PAGE}
        deleted = LEDGER_PAGE
        while deleted == LEDGER_PAGE:
            with self._database.transaction():
                deleted = self._database.run("clear_ledger", page).rowcount
