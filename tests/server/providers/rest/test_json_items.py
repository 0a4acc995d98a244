from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals_mcp.providers.rest.json_items import NoItemsError, items

NAMES = frozenset({"rows"})

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.text(max_size=8),
    lambda below: (
        st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=4), below, max_size=3)
    ),
    max_leaves=8,
)
OTHERS = st.dictionaries(
    st.text(max_size=4).filter(lambda name: name not in NAMES), JSON, max_size=3
)


async def blocks_of(data: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def read(data: bytes, size: int = 7) -> list[object]:
    async def every() -> list[object]:
        found: AsyncGenerator[object] = items(blocks_of(data, size), NAMES)
        return [item async for item in found]

    return anyio.run(every)


@settings(deadline=None)
@given(before=OTHERS, rows=st.lists(JSON, max_size=4), after=OTHERS, size=st.integers(1, 50))
def test_items_arrive_as_the_whole_answer_would_be_read(
    before: dict[str, Any], rows: list[Any], after: dict[str, Any], size: int
) -> None:
    body = {**before, "rows": rows, **{f"z{name}": value for name, value in after.items()}}
    indented = json.dumps(body, ensure_ascii=False, indent=1).encode(errors="replace")
    assert read(indented, size) == json.loads(indented)["rows"]


@settings(deadline=None)
@given(rows=st.lists(JSON, max_size=4))
def test_a_bare_array_is_read_too(rows: list[Any]) -> None:
    assert read(json.dumps(rows).encode()) == rows


def test_the_array_may_lie_in_an_object_of_its_name() -> None:
    assert read(b'\xef\xbb\xbf{"x": {"rows": [9]}, "rows": {"n": 2, "rows": [1, 2]}}') == [1, 2]


@settings(deadline=None)
@given(data=st.binary(max_size=40) | st.text('{}[]",:rows1 ', max_size=30).map(str.encode))
def test_whatever_arrives_is_items_or_one_kind_of_error(data: bytes) -> None:
    with suppress(NoItemsError):
        read(data)


@settings(deadline=None)
@given(cut=st.integers(0, 39))
def test_an_array_that_breaks_off_is_an_error(cut: int) -> None:
    whole = b'{"rows": [{"a": "b"}, {"c": [1, 2, 30]}]}'
    with pytest.raises(NoItemsError):
        read(whole[:cut])
