"""Measures one reading of a result file in a process of its own.

The process imports its packages, prints a line and waits for a line. Then it finds the first page
of failing rows and the number of failing rows, and a later page several times. It prints the
seconds and both pages as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from threading import Event, Thread
from typing import Any

from benchmarks.child_process import child

PAGE_ROWS = 10
LATER_PAGE = 100
LATER_TIMES = 5

LOOK_SECONDS = 0.01
"""Seconds between two readings of the memory."""


@dataclass(frozen=True)
class Reading:
    """The figures of one process."""

    first: float
    """Seconds from the file to the first page and the number of failing rows."""
    later: float
    """Milliseconds of the later page, the median of its repetitions."""
    before: float | None
    """Memory before the start, in MB of 2**20 bytes; None if it cannot be read."""
    highest: float | None
    """The largest memory that was read, in MB; None if it cannot be read."""
    found: tuple[Any, ...]
    """Both pages, and the number of failing rows."""


def one_reading(command: Sequence[str], rows: Path) -> Reading:
    """Run a command that reads the file, and return its figures.

    Raises:
        ChildFailedError: the command failed.
    """
    numbers = [str(number) for number in (PAGE_ROWS, LATER_PAGE, LATER_TIMES)]
    with child([*command, str(rows), *numbers]) as running:
        running.receive()
        with memory_of(running.pid) as seen:
            running.send("begin")
            answer = json.loads(running.receive())
    found = (*answer["pages"], answer["matching"])
    before, highest = (seen[0], max(seen)) if seen else (None, None)
    return Reading(answer["first"], median(answer["later"]) * 1000, before, highest, found)


@contextmanager
def memory_of(pid: int) -> Generator[list[float]]:
    """Yield a list of readings of a process's private memory in MB; empty if it is unknown."""
    seen: list[float] = []
    done = Event()

    def look() -> None:
        while (now := private_mb(pid)) is not None:
            seen.append(now)
            if done.wait(LOOK_SECONDS):
                return

    thread = Thread(target=look)
    if (first := private_mb(pid)) is not None:
        seen.append(first)
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join()


def private_mb(pid: int) -> float | None:
    """Return the memory in RAM without mapped files, which the system can reclaim; Linux only."""
    status = Path(f"/proc/{pid}/status")
    try:
        lines = status.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next(
        (int(line.split()[1]) / 1024 for line in lines if line.startswith("RssAnon:")), None
    )
