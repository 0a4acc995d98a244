"""Figures of the whole engine for those who watch it: counts and ages, of all owners together.

No figure has a label with an id, a name of a user or a text of a request, and every label has a
fixed set of values or those of the configuration.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from evals_engine.store.records import Record

SILENT_SECONDS = 6.0
"""Seconds without a renewal after which the holder of a shard counts as silent."""


@dataclass(frozen=True)
class Series:
    """What a figure is called and means."""

    name: str
    kind: Literal["gauge", "counter"]
    meaning: str
    label: str | None = None
    """The name of its label; None without one."""
    values: tuple[str, ...] = ()
    """All values of the label, where they are fixed; each has a sample."""


@dataclass(frozen=True)
class Metric:
    """A figure at one moment."""

    series: Series
    samples: Mapping[str, float]
    """Numbers by the value of the label; by "" without a label."""


EVALUATIONS = Series(
    "evals_evaluations",
    "gauge",
    "Evaluations that have not ended.",
    "status",
    ("pending", "queued", "running"),
)
ROWS_DONE = Series(
    "evals_rows_done_total",
    "counter",
    "Rows that were finished and stored, with or without a verdict, by any process.",
)
ROWS_FAILED = Series(
    "evals_rows_failed_total",
    "counter",
    "Rows among them without a verdict: failed, or invalid.",
)
LEASES = Series(
    "evals_leases",
    "gauge",
    "Leases of processes on shards, or on whole evaluations where one machine runs them; silent "
    f"ones were not renewed for {SILENT_SECONDS:.0f} s.",
    "state",
)


def alone(series: Series, value: float) -> Metric:
    """Return a figure without a label."""
    return Metric(series, {"": value})


def by_label(series: Series, records: Iterable[Record]) -> Metric:
    """Return a figure of records with a `label` and a `value`; a fixed value without one is 0."""
    counted = {record["label"]: float(record["value"]) for record in records}
    return Metric(series, dict.fromkeys(series.values, 0.0) | counted)
