"""Inputs that rows of a data set repeat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals_schemas.datasets.repeated_inputs import (
    EXACT_VALUES,
    MOST_COLUMNS,
    DistinctValues,
    InputCounter,
    RepeatedInput,
)


def counter(rows: Sequence[dict[str, Any]]) -> InputCounter:
    counted = InputCounter()
    for row in rows:
        counted.add(row)
    return counted


@given(st.lists(st.text(max_size=3)))
def test_different_values_are_counted_exactly(values: list[str]) -> None:
    distinct = DistinctValues()
    for value in values:
        distinct.add(value)

    assert distinct.count == len(set(values))
    assert distinct.exact


def test_more_values_than_are_held_are_estimated() -> None:
    values = DistinctValues()
    for number in range(200_000):
        values.add(str(number))

    assert not values.exact
    assert values.count == pytest.approx(200_000, rel=8 / EXACT_VALUES**0.5)


def test_the_repeated_input_with_the_most_values_is_found() -> None:
    rows = [
        {
            "passage": f"the text of passage number {number // 20}",
            "question": f"what is {number // 4}?",
            "topic": f"topic {number // 10}",
            "reply": f"a reply of many words, number {number // 2}",
        }
        for number in range(200)
    ]

    counted = counter(rows)

    found = RepeatedInput(column="question", rows=200, values=50)
    assert counted.repeated_input(["reply"]) == found
    assert counted.repeated_input([]) == RepeatedInput(column="reply", rows=200, values=100)
    assert counted.repeated_input(["question", "reply"]) == RepeatedInput(
        column="passage", rows=200, values=10
    )
    assert counted.repeated_input(["passage", "question", "reply"]) is None


def test_cells_without_a_value_and_later_columns_are_not_counted() -> None:
    late = {f"c{number}": 1 for number in range(MOST_COLUMNS - 4)}
    rows = [
        {
            "user_id": n // 10,
            "thread": None,
            "session": "",
            "list_id": [n // 9],
            **late,
            "id": n // 10,
        }
        for n in range(100)
    ]

    counted = counter(rows)

    assert counted.repeated_input([]) == RepeatedInput(column="user_id", rows=100, values=10)
    assert counted.repeated_input(["user_id"]) is None
    assert counter([]).repeated_input([]) is None
