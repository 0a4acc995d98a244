"""A whole run of the engine, compared with the ideal, a bare loop and other harnesses.

All judge the same rows through the same endpoint with the same messages; the bare loop sends the
same number of requests with its own text. Only the evaluation is timed, from the first row to the
last stored verdict: no import, no upload, no warm-up.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import floor_loop
from benchmarks.ceiling import ceiling
from benchmarks.child_process import ChildFailedError
from benchmarks.engine_client import TEMPLATE, Engine, engine, model_endpoint, running_seconds
from benchmarks.engine_figures import Load, Runs, figures
from benchmarks.figures import Figure
from benchmarks.floor_loop import Usage
from benchmarks.harnesses.prompts import write_prompts
from benchmarks.harnesses.registry import HARNESSES, Harness, HarnessError
from benchmarks.resources import cpu_seconds, peak_mb

REPETITIONS = 3
LONG = 15.0
"""A run that takes more seconds is not repeated, so that the engine's part ends in 12 minutes."""
WARM_UP_ROWS = 4
CEILINGS = (64, 512)
"""Numbers of connections at which the ceiling is measured; the loads use the same ones."""

LOADS = (
    Load(100, 1, 50),
    Load(10, 1, 500),
    Load(2000, 64, 50, wall_budget=1.10, cpu_budget=1.0),
    Load(384, 64, 500),
    Load(1536, 512, 50),
    Load(4096, 512, 500, wall_budget=1.10),
)


def run() -> list[Figure]:
    """Measure every load, and the most that the endpoint itself could serve."""
    ceilings = [ceiling(connections) for connections in CEILINGS]
    return [*ceilings, *(figure for load in LOADS for figure in under(load))]


def under(load: Load) -> list[Figure]:
    """Measure all in turn under one load."""
    with (
        tempfile.TemporaryDirectory(prefix="evals-mcp-benchmark-") as folder,
        model_endpoint(load.latency_ms) as base_url,
        engine(base_url) as running,
    ):
        prompts = Path(folder, "prompts.jsonl")
        write_prompts(prompts, load.rows)
        one_run(running, running.upload(WARM_UP_ROWS), Load(WARM_UP_ROWS, 1, load.latency_ms))
        file_id = running.upload(load.rows)
        sides = [
            Side("evals-mcp", lambda: one_run(running, file_id, load)),
            Side("bare loop", lambda: floor_loop.run(base_url, load.rows, load.workers)),
            *(Side(one.name, judging(one, base_url, prompts, load)) for one in HARNESSES),
        ]
        for repetition in range(REPETITIONS):
            print(f"engine: {load}, {repetition + 1} of {REPETITIONS}", file=sys.stderr, flush=True)
            for side in sides:
                side.take()
    return figures(load, [Runs(side.name, side.usages, side.reason) for side in sides])


@dataclass
class Side:
    """One of the compared programs."""

    name: str
    judge: Callable[[], Usage]
    usages: list[Usage] = field(default_factory=list[Usage])
    reason: str | None = None
    """Why the program is no longer measured; None while it is."""

    def take(self) -> None:
        """Measure once more, unless the program has failed or takes too long."""
        if self.reason is not None or any(usage.wall > LONG for usage in self.usages):
            return
        try:
            self.usages.append(self.judge())
        except HarnessError as error:
            self.reason = str(error)


def judging(harness: Harness, base_url: str, prompts: Path, load: Load) -> Callable[[], Usage]:
    return lambda: harness.judge(base_url, prompts, load.rows, load.workers)


def one_run(running: Engine, file_id: str, load: Load) -> Usage:
    before = cpu_seconds(running.pid)
    job = running.wait(running.classify(file_id, "fixed", TEMPLATE, load.workers))
    after = cpu_seconds(running.pid)
    counts = job["results"]["label_counts"]
    if counts.get("good") != load.rows:
        raise ChildFailedError(f"{load}: not every row has its verdict: {counts}")
    spent = None if before is None or after is None else after - before
    return Usage(running_seconds(job), spent, peak_mb(running.pid))
