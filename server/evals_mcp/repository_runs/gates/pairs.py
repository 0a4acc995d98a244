"""Pairs the rows of a candidate with those of its baseline, by their content."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass

from evals_mcp.gate.decision import Measured
from evals_mcp.gate.pairs import Pairs, scale_of_figure, value_of
from evals_mcp.repository_runs.gates.baseline import BaselineMetric
from evals_mcp.repository_runs.gates.demands import Demand
from evals_mcp.repository_runs.metrics import Metric
from evals_mcp.repository_runs.rows import Cells, RowKeys, RunRow
from evals_mcp.results.clusters import RowClusters
from evals_schemas.digests import column_key


@dataclass(frozen=True)
class PairedRows:
    """The rows of one metric: of the baseline, and of the candidate."""

    metric: Metric
    pairs: Sequence[tuple[RunRow, RunRow]]
    same_answers: bool
    """Whether every row and its answer are the same in both."""


def baseline_rows(baseline: BaselineMetric, data: Sequence[Cells], keys: RowKeys) -> list[RunRow]:
    """Return the baseline's row for each row of the data.

    Rows with the same content are interchangeable: the first of one belongs to the first of the
    other, and so on. Both have the same rows, which was checked before.
    """
    waiting: dict[bytes, deque[RunRow]] = defaultdict(deque)
    for row in baseline.rows:
        waiting[keys.row(row.cells)].append(row)
    return [waiting[keys.row(cells)].popleft() for cells in data]


def paired_rows(
    metric: Metric,
    baseline: BaselineMetric,
    pairs: Sequence[tuple[RunRow, RunRow]],
    keys: RowKeys,
) -> PairedRows:
    """Return pairs of a baseline's and a candidate's row, with whether all answers are the same."""
    judged = baseline.answer_columns, metric.answer_columns
    same = all(
        after.taken_over
        or keys.content(before.cells, judged[0]) == keys.content(after.cells, judged[1])
        for before, after in pairs
    )
    return PairedRows(metric, pairs, same)


def measured_metric(demand: Demand, paired: PairedRows, cluster_column: str | None) -> Measured:
    """Return the pairs as numbers, with what the gate demands.

    Raises:
        InvalidRequestError: one cluster has most of the rows.
    """
    figure = demand.figure
    pairs = Pairs(
        figure=figure,
        scale=scale_of_figure(figure, *demand.metric.scale()),
        baseline=[value_of(before.verdict, figure) for before, _ in paired.pairs],
        candidate=[value_of(after.verdict, figure) for _, after in paired.pairs],
        clusters=_clusters(paired, cluster_column),
        same_answers=paired.same_answers,
    )
    return Measured(demand.metric.name, pairs, demand.margin, demand.floor)


def _clusters(paired: PairedRows, column: str | None) -> Sequence[int] | None:
    """Return the cluster of each row; a row without a value has a cluster of its own."""
    if column is None:
        return None
    numbers: dict[bytes, int] = {}
    of_row: list[int] = []
    without_value: list[int] = []
    for index, (_, row) in enumerate(paired.pairs):
        value = row.cells.get(column)
        if value is None:
            without_value.append(index)
            of_row.append(-1)
        else:
            of_row.append(numbers.setdefault(column_key(value), len(numbers)))
    for number, index in enumerate(without_value, len(numbers)):
        of_row[index] = number
    clusters = RowClusters(column, of_row, len(numbers))
    if clusters.all_distinct:
        return None
    clusters.sizes()
    return of_row
