"""Tests for the rows of a run that are read in a random order."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from evals_engine.runs.stopping.seeded_rows import StoredRows
from evals_schemas.datasets.reader import Row


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
