"""What a driver is given, and what it tells: one line of JSON, the last that it prints.

Drivers run with the packages of their harness, so they import nothing of this project.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

WARM_UP = 4
"""Rows that are judged side by side before anything is measured, for what is loaded late."""

Judge = Callable[[str, list[list[dict[str, str]]], int], int]
"""From an endpoint, the messages of each row and the rows in flight to the rows judged good."""


def main(judge: Judge) -> None:
    """Judge the rows of the command line's file, and tell what it took."""
    base_url, path, workers = sys.argv[1:4]
    with Path(path).open(encoding="utf-8") as lines:
        rows: list[list[dict[str, str]]] = [json.loads(line)["messages"] for line in lines]
    judge(base_url, rows[:WARM_UP], WARM_UP)
    cpu, started = processor_seconds(), time.perf_counter()
    good = judge(base_url, rows, int(workers))
    told: dict[str, Any] = {
        "seconds": time.perf_counter() - started,
        "cpu": processor_seconds() - cpu,
        "peak_mb": peak_mb(),
        "good": good,
    }
    print(json.dumps(told), flush=True)


def processor_seconds() -> float:
    """Of this process and the children that have ended, user and system."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def peak_mb() -> float:
    """The most memory that this program had, in MB of 2**20 bytes.

    Of Linux' two counts this is the one that begins with the program: the other one begins with
    whoever started it.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
