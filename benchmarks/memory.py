"""Whether the engine's memory grows with the data set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from benchmarks.engine_client import TEMPLATE, Engine, engine, model_endpoint, running_seconds
from benchmarks.figures import Figure, measured
from benchmarks.resources import UNREADABLE, resident_mb

FEW = 2_000
MANY = 200_000
WORKERS = 64
LATENCY_MS = 1
REPETITIONS = 3

GROWTH_BUDGET = 50.0
"""MB that a hundred times the rows may add."""

RULE_TEMPLATE = "{% set unused = question %}{{ expected }}"
"""A template with every column, because a request must use them all, even if a rule does not."""

JudgeKind = Literal["rule", "model"]
JUDGES: dict[JudgeKind, tuple[str, str]] = {
    "rule": ("rule/exact-match", RULE_TEMPLATE),
    "model": ("fixed", TEMPLATE),
}
"""Model and template of each kind of judge."""


@dataclass(frozen=True)
class Footprint:
    """The engine's memory in one run, in MB."""

    afterwards: float
    highest: float
    """The largest reading during the run."""
    seconds: float
    """Seconds that the run took."""


Pair = tuple[Footprint | None, Footprint | None]
"""Readings with few rows and with many; None if memory cannot be read."""


def run() -> list[Figure]:
    """Measure with a rule judge, which calls no model, so that only the engine takes time."""
    pairs: list[Pair] = []
    for _ in range(REPETITIONS):
        with engine() as running:
            pairs.append(few_and_many(running, "rule"))
    return figures(pairs, "rule")


def run_with_model() -> list[Figure]:
    """Measure once with a model judge, which takes several times as long."""
    with model_endpoint(LATENCY_MS) as base_url, engine(base_url) as running:
        return figures([few_and_many(running, "model")], "model")


def few_and_many(running: Engine, kind: JudgeKind) -> Pair:
    return footprint(running, FEW, kind), footprint(running, MANY, kind)


def figures(pairs: Sequence[Pair], kind: JudgeKind) -> list[Figure]:
    """Return the ratios of memory with many rows to memory with few, each pair in a new engine."""
    name = f"engine: memory growth, {FEW:,} to {MANY:,} rows, {kind} judge"
    read = [(few, many) for few, many in pairs if few is not None and many is not None]
    if not read:
        return [Figure(name, None, "MB", note=UNREADABLE)]
    fewest, most = read[-1]
    after = f"the last: {fewest.afterwards:.0f} MB, then {most.afterwards:.0f} MB"
    during = f"while it runs; {MANY / most.seconds:,.0f} rows/s"
    grown = [many.afterwards - few.afterwards for few, many in read]
    highest = [many.highest - few.highest for few, many in read]
    return [
        measured(name, grown, "MB", after, GROWTH_BUDGET),
        measured(f"{name}, highest", highest, "MB", during),
    ]


def footprint(running: Engine, rows: int, kind: JudgeKind) -> Footprint | None:
    """Upload and run this many rows; return None if memory cannot be read."""
    readings: list[float] = []

    def read() -> None:
        if (now := resident_mb(running.pid)) is not None:
            readings.append(now)

    evaluation = running.classify(running.upload(rows), *JUDGES[kind], WORKERS)
    job = running.wait(evaluation, look=read)
    read()
    if not readings:
        return None
    return Footprint(readings[-1], max(readings), running_seconds(job))
