"""From spawning the server to its first answers over stdio, beside a one-tool server."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.child_process import child, fresh_settings
from benchmarks.figures import Figure, compared
from benchmarks.resources import UNREADABLE, resident_mb
from benchmarks.stdio_session import initialize, list_tools

SERVER = (sys.executable, "-m", "evals_mcp.cli")
FLOOR = (sys.executable, str(Path(__file__).with_name("floor_server.py")))

WARM_UPS = 2
REPETITIONS = 15

START_BUDGET = 1.10
"""How much longer than the floor the first answer may take."""


@dataclass(frozen=True)
class Start:
    """One start: seconds from the spawn, and memory after the tools were listed."""

    initialized: float
    listed: float
    memory: float | None


def run(server: Sequence[str] = SERVER) -> list[Figure]:
    """Start the server and the floor by turns."""
    ours: list[Start] = []
    floor: list[Start] = []
    with fresh_settings() as settings:
        pair = ((server, ours), (FLOOR, floor))
        for repetition in range(WARM_UPS + REPETITIONS):
            # Whoever goes second finds a busier or a calmer machine, so the order changes.
            for command, starts in pair if repetition % 2 else reversed(pair):
                starts.append(one_start(command, settings))
    return [*times(ours[WARM_UPS:], floor[WARM_UPS:]), memory(ours[WARM_UPS:], floor[WARM_UPS:])]


def one_start(command: Sequence[str], settings: Mapping[str, str]) -> Start:
    spawned = time.perf_counter()
    with child(command, settings) as server:
        initialize(server)
        initialized = time.perf_counter() - spawned
        list_tools(server)
        listed = time.perf_counter() - spawned
        return Start(initialized, listed, resident_mb(server.pid))


def times(ours: Sequence[Start], floor: Sequence[Start]) -> list[Figure]:
    answers = {
        "start: spawn to initialize": (
            [s.initialized for s in ours],
            [s.initialized for s in floor],
        ),
        "start: spawn to tools/list": ([s.listed for s in ours], [s.listed for s in floor]),
    }
    return [
        compared(
            name,
            seconds,
            least,
            f"{median(seconds) * 1000:.0f} ms, one-tool server {median(least) * 1000:.0f} ms, "
            f"{len(seconds)} pairs",
            START_BUDGET if name.endswith("initialize") else None,
        )
        for name, (seconds, least) in answers.items()
    ]


def memory(ours: Sequence[Start], floor: Sequence[Start]) -> Figure:
    name = "start: resident memory"
    used = [start.memory for start in ours if start.memory is not None]
    least = [start.memory for start in floor if start.memory is not None]
    if not used or not least:
        return Figure(name, None, "x", note=UNREADABLE)
    note = f"{median(used):.0f} MB, one-tool server {median(least):.0f} MB, after tools/list"
    return compared(name, used, least, note)
