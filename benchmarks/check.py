"""The check of a data set, compared with a plain loop over the same lines."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import BinaryIO

from benchmarks.child_process import child
from benchmarks.figures import Figure, compared, measured
from benchmarks.resources import UNREADABLE, resident_mb
from evals_schemas.datasets.reader import check

ROWS = 1_000_000
FEW = 100_000
REPETITIONS = 3
FILLER = "It rained for most of the night and the gauge showed nothing until the morning. "


def run() -> list[Figure]:
    """Check a million rows three times, each time after a `json.loads` of every line."""
    with tempfile.TemporaryDirectory(prefix="evals-mcp-benchmark-") as folder:
        few, many = Path(folder) / "few.jsonl", Path(folder) / "many.jsonl"
        write(few, FEW)
        write(many, ROWS)
        pairs = [timed(many) for _ in range(REPETITIONS)]
        grown = growth(few, many)
    loops, checks = zip(*pairs, strict=True)
    note = f"processor {median(checks):.1f} s; json.loads over the lines {median(loops):.1f} s"
    name = "check: memory growth, "
    return [
        compared(f"check: {ROWS:,} rows", checks, loops, note, 1.5),
        Figure(f"{name}{FEW:,} to {ROWS:,} rows", None, "MB", note=UNREADABLE)
        if grown is None
        else measured(
            f"{name}{FEW:,} to {ROWS:,} rows",
            [grown],
            "MB",
            "a process each; up to 2**18 hashes of rows are kept",
            32.0,
        ),
    ]


def write(path: Path, rows: int) -> None:
    """Write rows as support teams have them: question, answer, expected answer and marks."""
    with path.open("w", encoding="utf-8") as out:
        for number in range(rows):
            row = {
                "id": number,
                "question": f"Question {number}. {FILLER}",
                "answer": f"Answer {number}." if number % 100 else "",
                "expected": f"Reference {number}. {FILLER}",
                "language": "en",
            }
            out.write(json.dumps(row) + "\n")


def timed(path: Path) -> tuple[float, float]:
    """Return the processor seconds of a plain loop and of the check, each in its own process."""
    return float(measure("loop", path)[0]), float(measure("check", path)[0])


def growth(few: Path, many: Path) -> float | None:
    """Return the MB held after the larger file minus those after the smaller; None if unknown."""
    held = [measure("check", path)[1] for path in (few, many)]
    return None if "None" in held else float(held[1]) - float(held[0])


def measure(what: str, path: Path) -> list[str]:
    command = [sys.executable, "-m", "benchmarks.check", what, str(path)]
    with child(command) as running:
        return running.receive().split()


def main(what: str, path: Path) -> None:
    """Run the loop or the check; print its processor seconds and the MB held at the end."""
    started = time.process_time()
    with path.open("rb") as stream:
        found = check(stream, "jsonl") if what == "check" else loop(stream)
    seconds = time.process_time() - started
    print(seconds, resident_mb(os.getpid()), found and found.rows)


def loop(stream: BinaryIO) -> None:
    for line in stream:
        json.loads(line)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
