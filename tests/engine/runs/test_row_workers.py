"""Rows between the data set and the ledger, when the storage of either does not answer."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from evals_engine.rows.outcome import Outcome
from evals_engine.runs.row_workers import Pace, RowCounts, RowWorkers
from evals_engine.store.errors import StorageError, UnavailableError
from evals_engine.store.records import FinishedRow
from evals_schemas.datasets.reader import Row

ROWS = 5


class EachGood:
    """Judges each row as good."""

    columns = frozenset[str]()
    workers, rows_together = 3, 1

    async def outcomes(self, rows: Sequence[Row]) -> list[Outcome]:
        """Return an outcome for each row."""
        return [Outcome("ok", {}) for _ in rows]


class AwayAfterRows:
    """Hands out rows of a file whose storage then goes away."""

    def __init__(self, error: Exception) -> None:
        self._left = list(range(ROWS))
        self._error = error

    async def next(self, most: int = 1) -> list[tuple[int, Row]]:
        """Return the next row, as long as the storage answers."""
        if not self._left:
            raise self._error
        assert most == 1
        row: Row = {}
        return [(self._left.pop(0), row)]

    def stored(self, _: list[FinishedRow], /) -> bool:
        """Need further rows."""
        return False

    def stop(self) -> None:
        """Let nobody wait."""


@pytest.mark.parametrize(
    ("error", "raised"),
    [(UnavailableError("away"), StorageError), (ValueError("a bug"), ExceptionGroup)],
)
async def test_rows_that_cannot_be_read_are_a_problem_of_the_storage_and_no_bug(
    error: Exception, raised: type[Exception]
) -> None:
    stored: list[FinishedRow] = []

    def commit(batch: list[FinishedRow]) -> bool:
        stored.extend(batch)
        return True

    counts = RowCounts(ROWS + 1, 0)
    run = RowWorkers(EachGood(), AwayAfterRows(error), counts, commit, Pace(1.0))
    with pytest.raises(raised):
        await run.run()
    # Rows in hand may be judged again by the next run; none is stored twice.
    assert len({row.row_number for row in stored}) == len(stored)
