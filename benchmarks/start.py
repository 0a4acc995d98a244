"""The time from spawning the server to its first answers over stdio, compared with others."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.child_process import ChildFailedError, child, fresh_settings
from benchmarks.figures import Figure, compared
from benchmarks.peers.registry import peers, reason
from benchmarks.resources import UNREADABLE, resident_mb
from benchmarks.stdio_session import Server, initialize, list_tools

SERVER = (sys.executable, "-m", "evals_mcp.cli")
FLOOR = (sys.executable, str(Path(__file__).with_name("floor_server.py")))

OURS = "evals-mcp"
LEAST = "one-tool server"

WARM_UPS = 2
REPETITIONS = 15

START_BUDGET = 0.30
"""How long the first answer may take, as a share of the floor's."""

SETTLED = 0.01
"""Growth between two readings of the memory below which a server has finished loading."""
LOOK_SECONDS = 0.2
LOOKS = 25


@dataclass(frozen=True)
class Start:
    """One start."""

    initialized: float
    """Seconds from the spawn to the answer."""
    listed: float
    """Seconds from the spawn to the list of tools, which is requested after the first answer."""
    memory: float | None
    """MB in RAM once memory no longer grows, because a server may continue to load after its
    answers; None if the platform does not report it."""


@dataclass(frozen=True)
class Measure:
    """The compared amounts of a start, with the form in which a note shows each."""

    name: str
    of: Callable[[Start], float | None]
    shown: Callable[[float], str]


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:,.0f} ms"


INITIALIZE = Measure("start: spawn to initialize", lambda start: start.initialized, milliseconds)
TOOLS_LIST = Measure("start: spawn to tools/list", lambda start: start.listed, milliseconds)
MEMORY = Measure("start: resident memory", lambda start: start.memory, lambda mb: f"{mb:.0f} MB")


def run(server: Sequence[str] = SERVER) -> list[Figure]:
    """Start the server, the floor and the peers in turn."""
    with fresh_settings() as settings, peers() as (others, reasons):
        ours, floor = ours_and_floor(settings, server)
        starts, failures = by_turns([ours, floor, *others])
    for one in (ours, floor):
        if one.name in failures:
            raise ChildFailedError(failures[one.name])
    figures = [
        ratio(measure, ours, floor, starts, START_BUDGET if measure is INITIALIZE else None)
        for measure in (INITIALIZE, TOOLS_LIST, MEMORY)
    ]
    for peer in others:
        if peer.name in starts:
            figures += [
                ratio(measure, peer, beside, starts)
                for measure in (INITIALIZE, TOOLS_LIST, MEMORY)
                for beside in (floor, ours)
            ]
    missing = reasons | failures
    return [
        *figures,
        *(Figure(f"start: {name}", None, "x", note=missing[name]) for name in missing),
    ]


def ours_and_floor(
    settings: Mapping[str, str], server: Sequence[str] = SERVER
) -> tuple[Server, Server]:
    """Return our server and the one-tool server."""
    return Server(OURS, tuple(server), settings), Server(LEAST, FLOOR, settings)


def by_turns(servers: Sequence[Server]) -> tuple[dict[str, list[Start]], dict[str, str]]:
    """Return the starts of each server by its name, and why the others have none.

    The load of the machine changes over time, so each turn begins with another server, and after
    each server has begun once, the order is reversed.
    """
    starts: dict[str, list[Start]] = {server.name: [] for server in servers}
    failures: dict[str, str] = {}
    for turn in range(WARM_UPS + REPETITIONS):
        laps, first = divmod(turn, len(servers))
        order = [*servers[first:], *servers[:first]]
        for server in reversed(order) if laps % 2 else order:
            if server.name in failures:
                continue
            try:
                starts[server.name].append(one_start(server))
            except (ChildFailedError, OSError) as error:
                failures[server.name] = reason(error)
                del starts[server.name]
    return {name: taken[WARM_UPS:] for name, taken in starts.items()}, failures


def one_start(server: Server) -> Start:
    spawned = time.perf_counter()
    with child(server.command, server.settings) as process:
        initialize(process)
        initialized = time.perf_counter() - spawned
        list_tools(process)
        listed = time.perf_counter() - spawned
        return Start(initialized, listed, settled_mb(process.pid))


def settled_mb(pid: int) -> float | None:
    """Return the memory in MB when it no longer grows, or after some seconds."""
    before = resident_mb(pid)
    for _ in range(LOOKS):
        time.sleep(LOOK_SECONDS)
        now = resident_mb(pid)
        if before is None or now is None or now <= before * (1 + SETTLED):
            return now
        before = now
    return before


def ratio(
    measure: Measure,
    server: Server,
    beside: Server,
    starts: Mapping[str, Sequence[Start]],
    budget: float | None = None,
) -> Figure:
    """Return the ratio of an amount between two servers, start by start."""
    name = measure.name if server.name == OURS else f"{measure.name}, {server.name}"
    if beside.name == OURS:
        name += f" over {OURS}"
    samples, least = (
        [amount for start in starts[one.name] if (amount := measure.of(start)) is not None]
        for one in (server, beside)
    )
    if not samples or not least:
        return Figure(name, None, "x", note=UNREADABLE)
    absolute = [measure.shown(median(amounts)) for amounts in (samples, least)]
    note = f"{server.title} {absolute[0]}, {beside.title} {absolute[1]}, {len(samples)} pairs"
    return compared(name, samples, least, note, budget)
