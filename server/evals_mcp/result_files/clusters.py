"""The clusters of the rows of a result file, from the keys in its index."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

from evals_mcp.cleaning import quoted
from evals_mcp.errors import InvalidRequestError
from evals_mcp.result_files.column_values import TooManyValuesError, check_column, column_values
from evals_mcp.results.clusters import RowClusters
from evals_mcp.results.rows import OUTPUTS
from evals_schemas.datasets.repeated_inputs import RepeatedInput, repeated_input

if TYPE_CHECKING:
    from evals_mcp.result_files.index import ResultIndex

MAX_VALUES = 500_000
"""Most values of a column that are held, with about 150 bytes each."""

ARGUMENT = "cluster_column"

_ROWS_READ = 20
"""Rows whose texts are measured."""


def file_repeated_input(index: ResultIndex, answers: Collection[str]) -> RepeatedInput | None:
    """Return the input that the rows of a file repeat, from its index; None if they repeat none.

    Lengths of texts are those of a few rows.

    Args:
        index: an open result file; the call blocks.
        answers: the columns of judged answers.
    """
    rows = index.total()
    repeated = [
        each
        for each in index.values
        if each.column not in answers and each.column not in OUTPUTS and each.repeats(rows)
    ]
    if not repeated:
        return None
    numbers = range(1, rows + 1, -(-rows // _ROWS_READ))
    sample = [index.read(row) for row in index.by_number(numbers)]
    measured = [replace(each, mean_length=_mean_length(sample, each.column)) for each in repeated]
    return repeated_input(measured, rows)


def _mean_length(rows: Sequence[Mapping[str, object]], column: str) -> float:
    texts = [text for row in rows if isinstance(text := row.get(column), str) and text]
    return sum(map(len, texts)) / len(texts) if texts else 0.0


def file_clusters(index: ResultIndex, column: str, inputs: Sequence[str]) -> RowClusters:
    """Return the clusters of all rows of a file by a column; the call blocks.

    Null and the empty text are no values: such a row has a cluster of its own.

    Args:
        index: an open result file.
        column: the column whose values name the clusters.
        inputs: the columns that can be named.

    Raises:
        InvalidRequestError: it is not one of these columns, or it has too many values.
    """
    check_column(column, inputs, ARGUMENT)
    try:
        values = column_values(index, column, MAX_VALUES)
    except TooManyValuesError:
        raise InvalidRequestError(
            f"`{ARGUMENT}`: {quoted(column, 60)} has more than {MAX_VALUES:,} values, the most "
            "that can be held. Name a column with fewer values, or leave the argument out."
        ) from None
    number_of_values = len(values.rows)
    if not values.empty:
        return RowClusters(column, values.of_row, number_of_values)
    single = count(number_of_values)
    of_row = (next(single) if number in values.empty else number for number in values.of_row)
    return RowClusters(column, array("I", of_row), number_of_values)
