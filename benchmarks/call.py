"""The time to read one status: through MCP, by bare REST, and by the vendor's SDK and CLI.

Calls are made one after the other. `get_status` reads the whole evaluation, for its headline; the
one-tool server, the vendor's SDK and its CLI read only the status. All clients are synchronous and
keep their connections; over stdio, a call includes about 0.2 ms for the thread that watches for a
server that stops answering.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median

from benchmarks.call_ways import (
    BARE,
    BARE_WHOLE,
    CLI,
    FLOOR_HTTP,
    FLOOR_STDIO,
    HTTP,
    SDK,
    SPAWNED,
    STDIO,
    Ask,
    spawned,
    staying,
)
from benchmarks.child_process import ChildFailedError
from benchmarks.engine_client import Engine, engine
from benchmarks.figures import Figure, compared

ROUNDS, CALLS, WARM_UP = 5, 200, 50
"""Calls in each round, and calls before the first round, of the ways that stay connected."""
SPAWNS = 7
"""Rounds of the ways that start a process for each call, after one round that is not counted."""

PEERS = frozenset({FLOOR_STDIO, FLOOR_HTTP, SDK, CLI})
"""Ways whose failure becomes a note instead of an error."""


@dataclass
class Taken:
    """The times of all ways."""

    seconds: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    """The median time of a call in each round, by way."""
    problems: dict[str, str] = field(default_factory=dict[str, str])
    """Why a way has no times."""


def run() -> list[Figure]:
    """Read the status of an ended evaluation, each way in turn."""
    with engine() as upstream:
        evaluation = ended(upstream)
        base_url = str(upstream.client.base_url).rstrip("/")
        with staying(base_url, evaluation) as ways:
            stays = by_turns(ways, ROUNDS, CALLS, WARM_UP)
        with spawned(base_url, evaluation) as ways:
            spawns = by_turns(ways, SPAWNS, 1, 1)
    return [
        *(ratio(stays, way, BARE) for way in (BARE_WHOLE, STDIO, HTTP, SDK)),
        ratio(stays, STDIO, FLOOR_STDIO),
        ratio(stays, HTTP, FLOOR_HTTP),
        ratio(stays, STDIO, SDK),
        ratio(spawns, SPAWNED, CLI),
    ]


def ended(upstream: Engine) -> str:
    """Return a completed evaluation of 50 rows."""
    file_id = upstream.upload(50)
    evaluation = upstream.classify(file_id, "rule/contains", "{{ question }}{{ expected }}", 8)
    upstream.wait(evaluation)
    return evaluation


def by_turns(ways: Mapping[str, Ask], rounds: int, calls: int, warm_up: int) -> Taken:
    """Run `rounds` rounds of `calls` calls each, after a round that is not counted."""
    taken = Taken({name: [] for name in ways})
    for number in range(rounds + 1):
        found = {name: list[float]() for name in ways if name not in taken.problems}
        for turn in range(number, number + (calls if number else warm_up)):
            # The load of the machine changes over time, so the order of the ways changes too.
            for name in found if turn % 2 else reversed(found):
                if name not in taken.problems:
                    one_call(name, ways[name], found[name], taken.problems)
        for name, seconds in found.items():
            if number and name not in taken.problems:
                taken.seconds[name].append(median(seconds))
    return taken


def one_call(name: str, ask: Ask, seconds: list[float], problems: dict[str, str]) -> None:
    """Call once, and record the time or the reason of the failure."""
    try:
        seconds.append(ask())
    except ChildFailedError as error:
        if name not in PEERS:
            raise
        problems[name] = " ".join(str(error).split())[-200:]


def ratio(taken: Taken, way: str, base: str) -> Figure:
    """Return the ratio of a call one way to a call another way, round by round."""
    name = f"call: {way}, over {base}"
    for each in (way, base):
        if problem := taken.problems.get(each):
            return Figure(name, None, "x", note=f"{each}: {problem}")
    samples, floor = taken.seconds[way], taken.seconds[base]
    note = f"{median(samples) * 1000:.2f} ms, {base} {median(floor) * 1000:.2f} ms"
    return compared(name, samples, floor, note)
