"""How long the evaluation will run, by the speed of earlier evaluations of the same kind."""

from __future__ import annotations

import statistics
from collections.abc import Iterable

from evals_mcp.planning.estimates.past_runs import Kind, PastRun
from evals_schemas.tools.plans import Range

_SPREAD = 0.5
"""Relative error of the duration if there is only one earlier run."""


def duration_of(rows: int, workers: int, kind: Kind, runs: Iterable[PastRun]) -> Range | None:
    """Return seconds, from the quartiles of the time for a row in earlier runs of this kind.

    Args:
        rows: rows of the data set.
        workers: rows judged at once.
        kind: kind of the request.
        runs: runs of every kind; without one of this kind, the result is None.
    """
    row_seconds = [
        run.seconds * min(run.workers, run.rows) / run.rows
        for run in runs
        if run.kind == kind and run.seconds is not None
    ]
    if not row_seconds or not rows:
        return None
    low, high = row_seconds[0] * (1 - _SPREAD), row_seconds[0] * (1 + _SPREAD)
    if len(row_seconds) > 1:
        low, _, high = statistics.quantiles(row_seconds, n=4, method="inclusive")
    rows_per_worker = rows / min(workers, rows)
    return Range(low=_rounded(low * rows_per_worker), high=_rounded(high * rows_per_worker))


def no_duration(rows: int, sequential_calls: int, workers: int) -> str:
    """Return a note that says why there is no duration, and how to calculate one.

    Args:
        rows: rows of the data set.
        sequential_calls: calls for one row that wait for each other.
        workers: rows judged at once.
    """
    active = max(1, min(workers, rows))
    counted = "1 worker" if active == 1 else f"{active:,} workers"
    total = _in_words(rows * sequential_calls / active)
    return (
        f"No evaluation of this kind has completed yet: with {counted}, each second that a call "
        f"takes adds about {total} to the total time."
    )


def _in_words(seconds: float) -> str:
    if seconds >= 5400:
        hours = seconds / 3600
        return f"{hours:,.0f} h" if hours >= 10 else f"{hours:.1f} h"
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{max(1, round(seconds))} s"


def _rounded(seconds: float) -> float:
    return round(seconds) if seconds >= 10 else round(seconds, 1)
