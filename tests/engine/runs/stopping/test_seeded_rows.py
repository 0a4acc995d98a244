"""Tests for the rows of a run that are read in a random order."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anyio
import pytest

from evals_engine.runs.stopping.course import WINDOW
from evals_engine.runs.stopping.opening import open_course
from evals_engine.runs.stopping.row_values import RowValue, RowValues
from evals_engine.runs.stopping.seeded_rows import SeededRows, StoredRows
from evals_schemas.datasets.reader import Row
from evals_schemas.sequential.stop_when import EngineStopWhen


@pytest.fixture
def eager_threads() -> Iterator[None]:
    """Let threads take turns as often as they can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("eager_threads")
def test_threads_that_read_at_once_each_get_their_row(tmp_path: Path) -> None:
    rows = StoredRows(tmp_path)
    rows.write({"question": f"{number} " * (number % 50 + 1)} for number in range(300))

    def row(number: int) -> Row:
        return rows.row(number)

    numbers = [number * 7 % 300 for number in range(6_000)]
    with ThreadPoolExecutor(16) as threads:
        contents = list(threads.map(row, numbers))
    rows.close()

    assert [str(content["question"]).split()[0] for content in contents] == list(map(str, numbers))


class UnreadableRows(StoredRows):
    """Rows on a disk that can no longer be read."""

    def row(self, number: int) -> Row:
        """Raise the error of the disk."""
        raise OSError(5, "Input/output error")


async def test_a_row_that_cannot_be_read_lets_nobody_wait_for_its_turn(tmp_path: Path) -> None:
    stored = UnreadableRows(tmp_path)
    stored.write({"question": str(number)} for number in range(10))
    values = RowValues(lambda _: RowValue(1.0), is_difference=False)
    course = open_course(
        stored, EngineStopWhen(decided=True, seed=1, to_the_end=True), values, [], None
    )
    rows = SeededRows(stored, course, workers=1)
    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            for _ in range(WINDOW + 1):
                tasks.start_soon(rows.next)
    assert rows.problem == "Input/output error"
    rows.close()
