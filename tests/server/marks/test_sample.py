"""A sample is one random order, fixed beforehand, of which a page shows the beginning."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from evals_mcp.marks.sample import drawn, sample_seed


@given(
    numbers=st.lists(st.integers(1, 10**6), max_size=60, unique=True),
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(0, 80),
    more=st.integers(0, 80),
)
def test_a_larger_sample_has_the_rows_of_a_smaller_one_first(
    numbers: list[int], seed: int, count: int, more: int
) -> None:
    rows = drawn(numbers, seed, count)
    assert drawn(numbers, seed, count + more)[: len(rows)] == rows
    assert len(rows) == len(set(rows)) == min(count, len(numbers))
    assert set(rows) <= set(numbers)


def test_every_order_is_as_likely_as_another() -> None:
    orders = Counter(tuple(drawn([1, 2, 3], seed, 3)) for seed in range(6_000))
    assert len(orders) == 6
    # 1,000 expected with a standard deviation of 29.
    assert all(850 < times < 1_150 for times in orders.values())


def test_a_seed_never_changes_and_belongs_to_a_principal_and_an_evaluation() -> None:
    assert sample_seed("alice", "a eval-1") == 1_225_671_864
    seeds = {sample_seed(*names) for names in (("alice", "e"), ("bob", "e"), ("alice", "f"))}
    assert len(seeds) == 3
    assert drawn(range(1, 101), 7, 5) == [33, 16, 66, 11, 56]
