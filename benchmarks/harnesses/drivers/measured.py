"""The input and output of a driver, which prints one line of JSON at its end.

Drivers run with the packages of their harness, so they do not import this project.
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
"""Rows that are judged at once before the measurement, so that everything is loaded."""

Judge = Callable[[str, list[list[dict[str, str]]], int], int]
"""Takes an endpoint, the messages of each row and the rows in flight; returns the good rows."""


def main(judge: Judge) -> None:
    """Judge the rows of the file on the command line, and print the time and memory."""
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
    """Return the processor seconds, user and system, of this process and its ended children."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def peak_mb() -> float:
    """Return the most memory that this program has had, in MB of 2**20 bytes.

    Linux has two counts; this one starts with the program, the other one with its parent process.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
