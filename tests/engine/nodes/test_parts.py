"""Parts: every row is in one shard, and the shares of the calls never exceed what is allowed."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from evals_engine.nodes.parts import LARGEST, SMALLEST, Marks, parts_of, shares_of
from tests.volume import examples


@settings(max_examples=examples(60))
@given(st.integers(1, 50_000), st.integers(1, 16))
def test_the_shards_have_every_row_once(rows: int, shares: int) -> None:
    marks = Marks(250, [10 * row for row in range(0, rows, 250)])
    parts = parts_of(rows, shares, marks)
    assert [part.first_row for part in parts] == [0] + [
        part.first_row + part.size for part in parts[:-1]
    ]
    assert sum(part.size for part in parts) == rows
    assert all(0 < part.size <= LARGEST for part in parts)
    sizes = [part.size for part in parts]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] <= SMALLEST
    assert all(part.byte_at == 10 * part.row_at for part in parts)
    assert all(0 <= part.first_row - part.row_at < 250 for part in parts)


@settings(max_examples=examples(200))
@given(st.integers(1, 1_024), st.data())
def test_all_shares_are_all_rows_in_flight_and_no_model_has_too_many_calls(
    rows_at_once: int, data: st.DataObject
) -> None:
    limit = data.draw(st.integers(1, rows_at_once))
    shares = shares_of(rows_at_once, limit)
    assert sum(shares) == rows_at_once
    assert min(shares) >= 1
    assert sum(max(1, limit * share // rows_at_once) for share in shares) <= limit


def test_without_marks_a_shard_is_read_from_the_start() -> None:
    assert {(part.byte_at, part.row_at) for part in parts_of(1_000, 2, Marks())} == {(0, 0)}
