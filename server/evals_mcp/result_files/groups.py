"""Sums up the rows of a result file for each value of a column. All functions block."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from anyio import from_thread

from evals_mcp.cleaning import quoted
from evals_mcp.errors import InvalidRequestError
from evals_mcp.result_files.column_values import (
    ColumnValues,
    TooManyValuesError,
    check_column,
    column_values,
    few_valued_columns,
    value_of,
)
from evals_mcp.results.comparisons.joining import Pair
from evals_mcp.results.groups.differences import ReadPairs
from evals_mcp.results.groups.figures import GroupFigures, MainFigure
from evals_mcp.results.groups.groups import COMPARED_TOKENS, ValueRows, groups_of
from evals_mcp.results.groups.text import value_text
from evals_mcp.results.rows import RowVerdict
from evals_mcp.results.types.summing import collect_rows, part_of, summarize_verdicts
from evals_mcp.results.types.table import RowCollection, type_spec
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.tools.groups import Groups
from evals_schemas.tools.summaries import Summary

if TYPE_CHECKING:
    from evals_mcp.result_files.index import ResultIndex

MOST_VALUES = 2_000
"""Different values of a column, above which its rows are not grouped."""

_CHECK_EVERY = 256


def figures_by_column(
    job: EvaluationJob,
    index: ResultIndex,
    column: str,
    overall: Summary | None,
    hidden: Collection[int] = (),
) -> Groups:
    """Return the figures of an ended evaluation for each value of a column, the worst first.

    Args:
        job: the evaluation.
        index: its rows.
        column: a column of the rows.
        overall: the summary of all rows; no value is called low or high if it has no main figure.
        hidden: numbers of rows that are in no figure of a value; not of all rows.

    Raises:
        InvalidRequestError: there is no such column, or its values cannot be grouped.
    """
    values = grouped_rows(index, column).without_rows(hidden)
    main, read = type_spec(job.type).summing.by_value(job.parameters)
    summaries = _summaries(part_of(job), index, values)
    figures = [
        ValueRows(rows, read(summary, rows) if summary else GroupFigures())
        for summary, rows in zip(summaries, values.rows, strict=True)
    ]
    if main and (overall is None or read(overall, index.total()).main is None):
        main = replace(main, is_tested=False)
    return groups_of(column, main, figures, _texts(index, column, values))


def differences_by_column(
    index: ResultIndex,
    column: str,
    pairs: Sequence[Pair],
    figure: tuple[MainFigure, ReadPairs],
    hidden: Collection[int] = (),
) -> Groups:
    """Return the figures of a comparison for each value that a column has in A, the worst first.

    Args:
        index: the rows of A.
        column: a column of them.
        pairs: the rows of A with a partner in B, of those that are not hidden.
        figure: the main figure, and how it is read from some of the pairs.
        hidden: numbers of rows of A that are in no figure of a value; not of all rows.

    Raises:
        InvalidRequestError: there is no such column, or its values cannot be grouped.
    """
    main, read = figure
    values = grouped_rows(index, column, "the result file of A").without_rows(hidden)
    by_value: list[list[Pair]] = [[] for _ in values.rows]
    for pair in pairs:
        by_value[values.of_row[pair.row_a - 1]].append(pair)
    figures: list[ValueRows] = []
    for rows, own_pairs in zip(values.rows, by_value, strict=True):
        from_thread.check_cancelled()
        figures.append(ValueRows(rows, read(own_pairs)))
    texts = _texts(index, column, values)
    return groups_of(column, main, figures, texts, most_tokens=COMPARED_TOKENS)


def _texts(index: ResultIndex, column: str, values: ColumnValues) -> Callable[[int], str]:
    def text_of(place: int) -> str:
        return value_text(value_of(index, column, values.first_rows[place]))

    return text_of


def grouped_rows(index: ResultIndex, column: str, file: str = "the result file") -> ColumnValues:
    """Return the rows by the values of a column that has some values in common.

    Raises:
        InvalidRequestError: there is no such column, or it has too many values.
    """
    check_column(column, index.columns, "by", file)
    total, name = index.total(), quoted(column, 60)
    try:
        values = column_values(index, column, MOST_VALUES)
    except TooManyValuesError as error:
        raise InvalidRequestError(
            f"`by`: {name} has more than {MOST_VALUES:,} different values ({MOST_VALUES + 1:,} in "
            f"the first {error.rows_read:,} of {total:,} rows). {_advice(index, column)}"
        ) from None
    if len(values.rows) == total > 1:
        raise InvalidRequestError(
            f"`by`: {name} has a different value in each of the {total:,} rows. "
            f"{_advice(index, column)}"
        )
    return values


def _advice(index: ResultIndex, column: str) -> str:
    names = [name for name in few_valued_columns(index) if name != column]
    others = ", ".join(quoted(name, 60) for name in names)
    if others:
        return f"Name a column with fewer values: {others}."
    return "Upload a data set that has a column with fewer values, such as a topic or a range."


@dataclass
class _ValueVerdicts:
    """The verdicts of the rows with one value."""

    counts: Counter[RowVerdict] = field(default_factory=Counter[RowVerdict])
    """Rows by verdict, without its score."""
    scores: array[float] = field(default_factory=lambda: array("d"))


def _summaries(
    job: EvaluationJob, index: ResultIndex, values: ColumnValues
) -> list[Summary | None]:
    """Return a summary for each value; None if its rows have nothing to sum up."""
    # The last one is of the rows without a value here, and is dropped.
    number = len(values.rows) + 1
    collections = [collect_rows(job) for _ in range(number)]
    whole_rows = [one for one in collections if one is not None]
    if whole_rows:
        return _summaries_of_rows(job, index, values, whole_rows)[:-1]
    verdicts = [_ValueVerdicts() for _ in range(number)]
    for block in index.blocks([]):
        from_thread.check_cancelled()
        start = block.first - 1
        numbers = values.of_row[start : start + len(block.verdicts)]
        for (value, verdict), rows in Counter(zip(numbers, block.verdicts, strict=True)).items():
            one = verdicts[value]
            one.counts[verdict.with_score(None)] += rows
            if verdict.state == "ok" and verdict.score is not None:
                one.scores.extend([verdict.score] * rows)
    return [
        summarize_verdicts(job, list(one.counts.items()), sorted(one.scores))
        for one in verdicts[:-1]
    ]


def _summaries_of_rows(
    job: EvaluationJob,
    index: ResultIndex,
    values: ColumnValues,
    collections: Sequence[RowCollection],
) -> list[Summary | None]:
    for entry, number in zip(index.every(), values.of_row, strict=True):
        if entry.number % _CHECK_EVERY == 0:
            from_thread.check_cancelled()
        collections[number].add(entry.number, entry.verdict, index.read(entry))
    return [collection.summary(job, is_part=True) for collection in collections]
