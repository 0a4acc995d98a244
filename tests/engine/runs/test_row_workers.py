"""Rows between the data set and the ledger, when the storage of either does not answer."""

from __future__ import annotations

from collections.abc import Sequence

import anyio
import pytest
from anyio import from_thread
from anyio.lowlevel import checkpoint

from evals_engine.rows.outcome import Outcome
from evals_engine.runs.row_workers import Pace, RowCounts, RowWorkers
from evals_engine.store.errors import UnavailableError
from evals_engine.store.records import FinishedRow
from evals_schemas.datasets.reader import Row

ROWS = 9


class EachGood:
    """Judges each row as good, the first one only when no further row can be read."""

    columns = frozenset[str]()
    workers, rows_together = 3, 1

    def __init__(self, is_away: anyio.Event) -> None:
        self._is_away = is_away
        self.judged: list[int] = []

    async def outcomes(self, rows: Sequence[Row]) -> list[Outcome]:
        """Return an outcome for each row."""
        if any(row.get("number") == 0 for row in rows):
            await self._is_away.wait()
            await checkpoint()
        self.judged += [row["number"] for row in rows]
        return [Outcome("ok", {}) for _ in rows]


class AwayAfterRows:
    """Hands out rows of a file whose storage then goes away."""

    def __init__(self, error: Exception) -> None:
        self._left = list(range(ROWS))
        self._error = error
        self.is_away = anyio.Event()

    async def next(self, most: int = 1) -> list[tuple[int, Row]]:
        """Return the next row, as long as the storage answers."""
        if not self._left:
            self.is_away.set()
            raise self._error
        assert most == 1
        number = self._left.pop(0)
        return [(number, {"number": number})]

    def stored(self, _: list[FinishedRow], /) -> bool:
        """Need further rows."""
        return False

    def stop(self) -> None:
        """Let nobody wait."""


class AwayAtFirst:
    """Stores rows, once the storage answers again."""

    def __init__(self) -> None:
        self.stored: list[int] = []
        self._refusals = 1

    def commit(self, batch: list[FinishedRow]) -> bool:
        """Store rows."""
        if self._refusals:
            self._refusals -= 1
            raise UnavailableError("away")
        self.stored += [row.row_number for row in batch]
        return True


@pytest.mark.parametrize("error", [UnavailableError("away"), ValueError("a bug")])
async def test_each_row_that_is_begun_before_reading_fails_is_stored_once(error: Exception) -> None:
    rows, ledger = AwayAfterRows(error), AwayAtFirst()
    counts = RowCounts(ROWS + 1, 0)
    run = RowWorkers(EachGood(rows.is_away), rows, counts, ledger.commit, Pace(1.0))
    with pytest.raises(type(error)) as raised:
        await run.run()
    assert raised.value is error
    assert sorted(ledger.stored) == list(range(ROWS))


async def test_rows_that_wait_for_their_commit_at_the_end_of_a_stop_are_stored() -> None:
    rows, ledger = AwayAfterRows(ValueError("a bug")), AwayAtFirst()
    rows.is_away.set()
    run: RowWorkers

    def commit(batch: list[FinishedRow]) -> bool:
        from_thread.run_sync(run.stop)
        return ledger.commit(batch)

    counts = RowCounts(ROWS, 0)
    judge = EachGood(rows.is_away)
    run = RowWorkers(judge, rows, counts, commit, Pace(0.0))
    await run.run()
    assert sorted(ledger.stored) == sorted(judge.judged)
