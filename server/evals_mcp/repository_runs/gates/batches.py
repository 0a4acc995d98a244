"""The creates that judge the rows whose verdicts a gate does not have yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evals_mcp.repository_runs.judging import Batch
from evals_mcp.repository_runs.metrics import Metric


def batches_by_metric(
    metrics: Sequence[Metric], missing: Mapping[str, Sequence[int]], data: Sequence[Any]
) -> list[Batch]:
    """Return a create for each metric that misses verdicts.

    Args:
        metrics: the metrics of the file.
        missing: for each metric, the indexes of the rows to judge.
        data: all rows.
    """
    return [
        Batch(
            {metric.name: metric.arguments},
            metric.arguments.model_dump(exclude_unset=True, exclude_none=True),
            [data[index] for index in missing[metric.name]],
        )
        for metric in metrics
        if missing[metric.name]
    ]
