"""The time from spawning the server to the answer of a tool that is called at once.

The early answers to `initialize` and `tools/list` leave work for later; this figure includes all of
it. Our server opens its provider for the call, with the embedded engine and its database.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from statistics import median
from typing import Any

from benchmarks.child_process import child, fresh_settings
from benchmarks.figures import Figure, compared
from benchmarks.start import REPETITIONS, WARM_UPS, ours_and_floor
from benchmarks.stdio_session import Server, ask, initialize, list_tools


def run() -> list[Figure]:
    """Start both servers in turn."""
    with fresh_settings() as settings:
        ours, floor = ours_and_floor(settings | {"EVALS_MCP_SERVER__PROVIDER": "local"})
        calls = {ours.name: ("list_datasets", {}), floor.name: ("echo", {"text": "here"})}
        seconds: dict[str, list[float]] = {ours.name: [], floor.name: []}
        for turn in range(WARM_UPS + REPETITIONS):
            for server in (ours, floor) if turn % 2 else (floor, ours):
                seconds[server.name].append(first_answer(server, *calls[server.name]))
    mine, least = (taken[WARM_UPS:] for taken in seconds.values())
    note = f"{median(mine) * 1000:,.0f} ms, {floor.name} {median(least) * 1000:,.0f} ms"
    return [compared("start: spawn to the first answer of a tool", mine, least, note)]


def first_answer(server: Server, tool: str, arguments: Mapping[str, Any]) -> float:
    """Return the seconds from the spawn to the answer."""
    spawned = time.perf_counter()
    with child(server.command, server.settings) as process:
        initialize(process)
        list_tools(process)
        ask(process, "tools/call", {"name": tool, "arguments": arguments})
        return time.perf_counter() - spawned
