"""Different keys of a column, counted in fixed memory."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals_mcp.result_files.distinct_keys import DistinctKeys
from evals_schemas.datasets.repeated_inputs import EXACT_VALUES
from evals_schemas.digests import column_key


def counted(keys: list[bytes], block: int, capacity: int = EXACT_VALUES) -> DistinctKeys:
    distinct = DistinctKeys(capacity)
    for start in range(0, len(keys), block):
        part = keys[start : start + block]
        distinct.update(part, b"".join(part))
    return distinct


@given(st.lists(st.text(max_size=12)), st.integers(1, 9))
def test_different_keys_are_counted_exactly(values: list[str], block: int) -> None:
    distinct = counted(list(map(column_key, values)), block)

    assert distinct.exact
    assert distinct.count == len(set(values))


@given(st.lists(st.integers(0, 400)), st.integers(1, 200), st.integers(1, 64))
def test_an_estimate_depends_neither_on_the_blocks_nor_on_repetitions(
    numbers: list[int], block: int, capacity: int
) -> None:
    keys = list(map(column_key, numbers))

    distinct = counted(keys, block, capacity)
    another = counted(sorted(keys * 2, reverse=True), len(keys) or 1, capacity)

    assert (distinct.count, distinct.exact) == (another.count, another.exact)
    assert distinct.exact == (len(set(numbers)) <= capacity)


@pytest.mark.no_cover
@pytest.mark.parametrize(
    "spelling",
    [
        pytest.param("{}", id="short keys, the bytes of the value"),
        pytest.param("{}000", id="keys of which only the middle differs"),
        pytest.param("conversation {}", id="keys that are digests"),
    ],
)
def test_more_keys_than_are_kept_are_estimated(spelling: str) -> None:
    keys = [column_key(spelling.format(number)) for number in range(120_000)]

    distinct = counted(keys, 4096, capacity=256)

    assert not distinct.exact
    assert distinct.count == pytest.approx(120_000, rel=6 / 256**0.5)
