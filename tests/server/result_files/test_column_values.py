"""Rows by the value of a column."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals_mcp.errors import InvalidRequestError
from evals_mcp.result_files.building import build_index
from evals_mcp.result_files.column_values import (
    ColumnValues,
    TooManyValuesError,
    check_column,
    column_values,
    value_of,
)
from evals_mcp.result_files.index import ResultIndex
from evals_mcp.results.types.table import row_reader

VALUES: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, False, 0, 1, 1.5, "", "1", "billing", "x" * 9_000, [1], ["a", {}], {"a": [1]}]
)


def row(value: Any) -> dict[str, Any]:
    return {"topic": value, "score": value}


ROWS = st.lists(st.builds(row, VALUES), min_size=1)


def valued(rows: list[dict[str, Any]], column: str, most: int | None = None) -> ColumnValues:
    with TemporaryDirectory() as folder:
        path, index = Path(folder, "rows"), Path(folder, "index")
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        build_index(path, index, row_reader("classify", {}))
        with closing(ResultIndex(path, index)) as opened:
            found = column_values(opened, column, most)
            assert [repr(value_of(opened, column, row)) for row in found.first_rows] == [
                repr(rows[row - 1].get(column)) for row in found.first_rows
            ]
        return found


@given(ROWS, st.sampled_from(["topic", "score"]))
def test_rows_have_the_same_number_if_their_values_are_the_same(
    rows: list[dict[str, Any]], column: str
) -> None:
    found = valued(rows, column)

    texts = [json.dumps(row[column]) for row in rows]
    distinct = list(dict.fromkeys(texts))
    assert list(found.of_row) == [distinct.index(text) for text in texts]
    assert list(found.first_rows) == [texts.index(text) + 1 for text in distinct]
    assert list(found.rows) == [texts.count(text) for text in distinct]


def test_rows_of_later_blocks_keep_the_numbers_of_their_values() -> None:
    rows = [{"topic": f"t{min(n, 5_000) % 5_000 % 3}"} for n in range(9_000)]
    rows[8_999] = {}

    found = valued(rows, "topic")

    assert list(found.first_rows) == [1, 2, 3, 9_000]
    assert list(found.rows) == [5_666, 1_667, 1_666, 1]
    assert found.of_row[-1] == 3


def test_too_many_values_are_refused_with_the_row_that_has_the_first_one_too_many() -> None:
    rows = [{"topic": str(n // 2)} for n in range(100)]

    with pytest.raises(TooManyValuesError) as raised:
        valued(rows, "topic", most=20)

    assert raised.value.rows_read == 41
    assert len(valued(rows, "topic", most=50).rows) == 50


def test_an_unknown_column_is_refused_with_the_nearest_ones() -> None:
    columns = ["topic", *(f"c{n}" for n in range(30))]

    with pytest.raises(InvalidRequestError) as raised:
        check_column("topics", columns, "by")

    assert str(raised.value).startswith(
        "`by`: no row of the result file has a column 'topics'. Did you mean 'topic'? The columns "
        "are 'topic', 'c0', "
    )
    assert str(raised.value).endswith("'c18' and 11 more.")
    check_column("topic", columns, "by")
