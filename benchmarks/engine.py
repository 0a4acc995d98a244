"""A whole run of the engine, beside the ideal and a bare loop over the same endpoint."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from benchmarks import floor_loop
from benchmarks.child_process import ChildFailedError
from benchmarks.engine_client import Engine, engine, model_endpoint, running_seconds
from benchmarks.figures import Figure, compared, measured
from benchmarks.floor_loop import Usage
from benchmarks.resources import UNREADABLE, cpu_seconds

REPETITIONS = 5

TEMPLATE = (
    "Is the answer to this question good? Good answers agree with the reference.\n"
    "Question: {{ question }}\nReference: {{ expected }}"
)


@dataclass(frozen=True)
class Load:
    """How much is run against how slow a model."""

    rows: int
    workers: int
    latency_ms: float
    wall_budget: float | None = None
    """Over the ideal."""
    cpu_budget: float | None = None
    """Milliseconds a row."""

    @property
    def ideal(self) -> float:
        """Seconds that a run takes when every worker waits for the model all the time."""
        return self.rows * self.latency_ms / 1000 / self.workers

    def __str__(self) -> str:
        return f"{self.rows:,} rows, {self.workers} workers, {self.latency_ms:.0f} ms"


LOADS = (Load(2000, 64, 50, wall_budget=1.10, cpu_budget=1.0), Load(4000, 512, 500))


def run() -> list[Figure]:
    """Run the engine and the bare loop by turns under each load."""
    return [figure for load in LOADS for figure in under(load)]


def under(load: Load) -> list[Figure]:
    ours: list[Usage] = []
    floor: list[Usage] = []
    with model_endpoint(load.latency_ms) as base_url, engine(base_url) as running:
        file_id = running.upload(load.rows)
        for _ in range(REPETITIONS):
            floor.append(floor_loop.run(base_url, load.rows, load.workers))
            ours.append(one_run(running, file_id, load))
    return [wall(load, ours, floor), over_floor(load, ours, floor), cpu(load, ours, floor)]


def one_run(running: Engine, file_id: str, load: Load) -> Usage:
    before = cpu_seconds(running.pid)
    job = running.wait(running.classify(file_id, "fixed", TEMPLATE, load.workers))
    after = cpu_seconds(running.pid)
    counts = job["results"]["label_counts"]
    if counts.get("good") != load.rows:
        raise ChildFailedError(f"{load}: not every row has its verdict: {counts}")
    spent = None if before is None or after is None else after - before
    return Usage(running_seconds(job), spent)


def wall(load: Load, ours: list[Usage], floor: list[Usage]) -> Figure:
    least = median(usage.wall for usage in floor) / load.ideal
    ratios = [usage.wall / load.ideal for usage in ours]
    note = f"bare loop {least:.2f} x; 1 is rows * latency / workers = {load.ideal:.2f} s"
    return measured(f"engine: wall, {load}", ratios, "x", note, load.wall_budget)


def over_floor(load: Load, ours: list[Usage], floor: list[Usage]) -> Figure:
    walls = [usage.wall for usage in ours]
    least = [usage.wall for usage in floor]
    note = f"{median(walls):.2f} s, bare loop {median(least):.2f} s"
    return compared(f"engine: wall over the bare loop, {load}", walls, least, note)


def cpu(load: Load, ours: list[Usage], floor: list[Usage]) -> Figure:
    name = f"engine: CPU a row, {load}"
    spent = [usage.cpu * 1000 / load.rows for usage in ours if usage.cpu is not None]
    least = [usage.cpu * 1000 / load.rows for usage in floor if usage.cpu is not None]
    if not spent:
        return Figure(name, None, "ms", note=UNREADABLE)
    return measured(name, spent, "ms", f"bare loop {median(least):.2f} ms", load.cpu_budget)
