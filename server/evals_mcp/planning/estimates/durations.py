"""How long the evaluation will run, from how fast those of its kind ran."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from evals_mcp.planning.estimates.past_runs import Kind, PastRun
from evals_schemas.tools.plans import Range

_SPREAD = 0.5
"""How far one earlier run alone may be off."""


def duration_of(rows: int, workers: int, kind: Kind, runs: Sequence[PastRun]) -> Range | None:
    """Seconds, by the quartiles of what a row took a worker before; None where nothing ran yet.

    Args:
        rows: of the data set.
        workers: rows in flight at once.
        kind: of the request.
        runs: what the service's list has.
    """
    paces = [
        run.seconds * min(run.workers, run.rows) / run.rows
        for run in runs
        if run.kind == kind and run.seconds is not None
    ]
    if not paces or not rows:
        return None
    low, high = paces[0] * (1 - _SPREAD), paces[0] * (1 + _SPREAD)
    if len(paces) > 1:
        low, _, high = statistics.quantiles(paces, n=4, method="inclusive")
    share = rows / min(workers, rows)
    return Range(low=_rounded(low * share), high=_rounded(high * share))


def no_duration(rows: int, calls_in_a_row: int, workers: int) -> str:
    """Why there is no duration, and how to tell one.

    Args:
        rows: of the data set.
        calls_in_a_row: calls of one row that wait for each other.
        workers: rows in flight at once.
    """
    at_once = max(1, min(workers, rows))
    counted = "1 worker" if at_once == 1 else f"{at_once:,} workers"
    return (
        f"No evaluation of this kind has completed yet: with {counted} every second a call takes "
        f"is about {_spoken(rows * calls_in_a_row / at_once)} in all."
    )


def _spoken(seconds: float) -> str:
    if seconds >= 5400:
        hours = seconds / 3600
        return f"{hours:,.0f} h" if hours >= 10 else f"{hours:.1f} h"
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{max(1, round(seconds))} s"


def _rounded(seconds: float) -> float:
    return round(seconds) if seconds >= 10 else round(seconds, 1)
