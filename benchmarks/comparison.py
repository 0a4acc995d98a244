"""Comparisons of two evaluations with a million rows each, beside a plain loop over both files."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.child_process import child
from benchmarks.figures import Figure, compared, measured
from benchmarks.pages import REPETITIONS, ROWS, UNREADABLE, write
from benchmarks.pages_readings import memory_of

MODULE = "benchmarks.comparison_ways"
STEPS = ("loop", "new", "indexed")
NOTES = {
    "new": "with copies as the downloads and both indexes",
    "indexed": "with both indexes in place",
}
BUDGETS = {"new": 4.0, "indexed": 1.2}


@dataclass(frozen=True)
class Step:
    """The figures of one step of the child."""

    seconds: float
    grown: float | None
    """MB of private memory above what the process had before; None if it cannot be read."""
    flips: int


def run() -> list[Figure]:
    """Compare two files in new processes, each with the loop, the new and the indexed way."""
    with tempfile.TemporaryDirectory(prefix="evals-mcp-benchmark-") as folder:
        files = [Path(folder) / name for name in ("a.jsonl", "b.jsonl")]
        for shift, file in enumerate(files):
            write(file, shift)
        readings = [steps(files) for _ in range(REPETITIONS)]
    name = f"comparison, 2 x {ROWS:,} rows"
    loops = [one["loop"].seconds for one in readings]
    figures: list[Figure] = []
    for way, budget in BUDGETS.items():
        taken = [one[way].seconds for one in readings]
        note = f"{median(taken):.1f} s {NOTES[way]}; {median(loops):.1f} s plain loop over both"
        figures.append(compared(f"{name}, {way} over plain loop", taken, loops, note, budget))
    return figures + [memory(name, way, [one[way].grown for one in readings]) for way in STEPS]


def steps(files: Sequence[Path]) -> dict[str, Step]:
    """Return the figures of each step in one process; all must count the same flips."""
    found: dict[str, Step] = {}
    with child([sys.executable, "-m", MODULE, *map(str, files)]) as running:
        for name in STEPS:
            running.receive()
            with memory_of(running.pid) as seen:
                running.send("begin")
                answer = json.loads(running.receive())
            grown = max(seen) - seen[0] if seen else None
            found[name] = Step(answer["seconds"], grown, answer["flips"])
    if len({step.flips for step in found.values()}) > 1:
        raise running.failure("counted other flips than the plain loop")
    return found


def memory(name: str, way: str, grown: Sequence[float | None]) -> Figure:
    """Return how much memory one way takes above what the process had before."""
    known = [one for one in grown if one is not None]
    if not known:
        return Figure(f"{name}, memory of {way}", None, "MB", note=UNREADABLE)
    return measured(f"{name}, memory of {way}", known, "MB", "grown over the start of the step")
