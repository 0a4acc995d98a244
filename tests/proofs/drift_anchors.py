"""Anchors of a gate: how often they say falsely that a judge has moved, and how often rightly.

python -m tests.proofs.drift_anchors [runs of a cell]

Each anchor is a verdict then and one now. Of the verdicts of a judge that has not moved, so many
change by chance, to either side alike; of one that has moved, so many points more to one side.
Prints a table and fails if a false alarm is more frequent than 5 %.
"""

from __future__ import annotations

import random
import sys
from functools import cache

from evals_mcp.gate.drift import LEVEL
from evals_mcp.results.statistics.paired import mcnemar

RUNS = 20_000
NUMBERS = (30, 60, 120)
CHANGES = (0.02, 0.05, 0.1, 0.2)
MOVES = (0, 5, 10, 20)
"""Points by which the pass rate of the same answers differs."""

MOST_FALSE = 0.05


def main(runs: int) -> int:
    """Print the table; return 1 if a false alarm is too frequent, else 0."""
    print("| anchors | verdicts that change by chance | " + " | ".join(map(_named, MOVES)) + " |")
    print("|---" * (2 + len(MOVES)) + "|")
    worst = 0.0
    for number in NUMBERS:
        for share in CHANGES:
            cells = [alarms(number, share, points / 100, runs) for points in MOVES]
            worst = max(worst, cells[0])
            shown = " | ".join(f"{100 * cell:.1f} %" for cell in cells)
            print(f"| {number} | {100 * share:g} % | {shown} |")
    print(f"false alarms: {100 * worst:.1f} % at most, bound {100 * MOST_FALSE:g} %")
    return int(worst > MOST_FALSE)


def alarms(number: int, share: float, moved: float, runs: int) -> float:
    """Return the share of runs whose anchors say that the judge has moved."""
    draw = random.Random(f"{number} {share} {moved}")
    better, worse = share / 2, share / 2 + moved
    found = 0
    for _ in range(runs):
        drawn = [draw.random() for _ in range(number)]
        counts = sum(each < better for each in drawn), sum(1 - each <= worse for each in drawn)
        found += _has_moved(*counts)
    return found / runs


@cache
def _has_moved(better: int, worse: int) -> bool:
    p = mcnemar(better, worse)
    return p is not None and p < LEVEL


def _named(points: int) -> str:
    return f"moved by {points} points" if points else "not moved"


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else RUNS))
