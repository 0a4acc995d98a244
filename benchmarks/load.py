"""Many clients at once over HTTP with one worker, compared with the plain SDK and with bare REST.

LOAD_SECONDS sets the length of the main part, 60 by default.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import aiohttp

from benchmarks.child_process import Child, child, fresh_settings
from benchmarks.engine_client import Engine, engine
from benchmarks.figures import Figure
from benchmarks.resources import UNREADABLE, resident_mb

CLIENTS = 200
SECONDS = float(os.environ.get("LOAD_SECONDS", "60"))
COMPARED_SECONDS = 15.0
WARM_UP = 10.0
"""Seconds before memory is read for the first time."""

LATENCY_BUDGET = 5.0
"""The largest allowed ratio of the 99th percentile to the median."""
MEMORY_BUDGET = 10.0
"""MB that memory may grow after the warm-up, because an allocator may not return memory."""

SERVER = (sys.executable, "-m", "evals_mcp.cli", "serve", "--http", "--port", "0")
FLOOR = (sys.executable, str(Path(__file__).with_name("floor_http_server.py")))

Request = tuple[str, str, Mapping[str, Any] | None]
"""Method, URL and JSON body."""


@dataclass
class Outcome:
    """The result of a load."""

    latencies: list[float] = field(default_factory=list[float])
    """Seconds of each call."""
    errors: list[str] = field(default_factory=list[str])
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Calls a second."""
        return len(self.latencies) / self.seconds


def run() -> list[Figure]:
    """Make mixed calls for a minute, then one kind of call in turn with the floor and bare REST."""
    with engine(None) as upstream, fresh_settings() as settings:
        evaluations = [_evaluation(upstream) for _ in range(4)]
        base = str(upstream.client.base_url).rstrip("/")
        together = {
            "EVALS_MCP_SERVER__PROVIDER": "together",
            "EVALS_MCP_TOGETHER__BASE_URL": base,
            "EVALS_MCP_TOGETHER__TOKEN": "a-token-of-the-load-benchmark",
            "EVALS_MCP_HTTP__TOTAL_AT_ONCE": "1000",
        }
        with _http(SERVER, settings | together) as (ours, url):
            mixed = _mixed(url, evaluations)
            asyncio.run(load(mixed, WARM_UP))
            before = resident_mb(ours.pid)
            main = asyncio.run(load(mixed, SECONDS))
            after = resident_mb(ours.pid)
            status = _status(url, evaluations[0])
            single = asyncio.run(load(status, COMPARED_SECONDS))
        with _http(FLOOR, {"FLOOR_UPSTREAM": base}) as (_, floor_url):
            floor = asyncio.run(load(_status(floor_url, evaluations[0]), COMPARED_SECONDS))
        bare_url = f"{base}/evaluation/{evaluations[0]}/status"
        bare = asyncio.run(load(lambda _: ("GET", bare_url, None), COMPARED_SECONDS))
    return [*_main(main), _memory(before, after), *_overhead(single, floor, bare)]


def _evaluation(upstream: Engine) -> str:
    file_id = upstream.upload(50)
    evaluation = upstream.classify(file_id, "rule/contains", "{{ question }}{{ expected }}", 8)
    upstream.wait(evaluation)
    return evaluation


@contextmanager
def _http(command: tuple[str, ...], settings: Mapping[str, str]) -> Iterator[tuple[Child, str]]:
    with child(command, settings, stops_at_eof=False) as server:
        yield server, server.receive().split()[-1]


def _mixed(url: str, evaluations: list[str]) -> Callable[[int], Request]:
    calls: list[tuple[str, dict[str, Any]]] = [
        ("get_status", {}),
        ("get_status", {}),
        ("get_status", {}),
        ("list_evaluations", {"limit": 5}),
        ("get_evaluation", {}),
        ("read_results", {"limit": 5}),
        ("list_datasets", {}),
    ]

    def request(number: int) -> Request:
        name, arguments = calls[number % len(calls)]
        if name not in {"list_evaluations", "list_datasets"}:
            arguments = {"evaluation_id": evaluations[number % len(evaluations)], **arguments}
        return _call(url, number, name, arguments)

    return request


def _status(url: str, evaluation: str) -> Callable[[int], Request]:
    return lambda number: _call(url, number, "get_status", {"evaluation_id": evaluation})


def _call(url: str, number: int, name: str, arguments: Mapping[str, Any]) -> Request:
    params = {"name": name, "arguments": dict(arguments)}
    return "POST", url, {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}


async def load(requests: Callable[[int], Request], seconds: float) -> Outcome:
    """Run clients that each make one call after the other, for a number of seconds."""
    found, numbers = Outcome(), count(1)
    headers = {
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": "2025-11-25",
    }
    started = time.perf_counter()
    connector = aiohttp.TCPConnector(limit=CLIENTS)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

        async def client() -> None:
            while time.perf_counter() - started < seconds:
                method, url, body = requests(next(numbers))
                begun = time.perf_counter()
                async with session.request(method, url, json=body) as answer:
                    text = await answer.text()
                found.latencies.append(time.perf_counter() - begun)
                if answer.status != 200 or '"isError":true' in text or '"error":{' in text:
                    found.errors.append(f"{answer.status} {text[:300]}")

        await asyncio.gather(*(client() for _ in range(CLIENTS)))
    found.seconds = time.perf_counter() - started
    return found


def _main(found: Outcome) -> list[Figure]:
    p99 = quantiles(found.latencies, n=100)[98]
    middle = median(found.latencies)
    errors = f"; the first: {found.errors[0]}" if found.errors else ""
    shown = f"{CLIENTS} clients, {found.seconds:.0f} s, one worker, mixed calls"
    return [
        Figure("load: errors", len(found.errors), "calls", budget=0, note=shown + errors),
        Figure(
            "load: p99 over p50",
            p99 / middle,
            "x",
            budget=LATENCY_BUDGET,
            note=f"{p99 * 1000:.0f} ms over {middle * 1000:.0f} ms",
        ),
        Figure("load: throughput", found.rate, "calls/s", note=shown),
    ]


def _memory(before: float | None, after: float | None) -> Figure:
    if before is None or after is None:
        return Figure("load: memory on top", None, "MB", note=UNREADABLE)
    note = f"{before:.0f} MB after {WARM_UP:.0f} s, {after:.0f} MB at the end"
    return Figure("load: memory on top", after - before, "MB", budget=MEMORY_BUDGET, note=note)


def _overhead(ours: Outcome, floor: Outcome, bare: Outcome) -> list[Figure]:
    """Make the same call three ways, each with the same number of clients."""
    problems = [json.dumps(one.errors[:1]) for one in (ours, floor, bare) if one.errors]
    note = f"{ours.rate:.0f} against {floor.rate:.0f} calls/s {' '.join(problems)}".rstrip()
    rest = f"{ours.rate:.0f} against {bare.rate:.0f} calls/s"
    return [
        Figure(
            "load: get_status, time a call over the SDK's", floor.rate / ours.rate, "x", note=note
        ),
        Figure(
            "load: get_status, time a call over bare REST", bare.rate / ours.rate, "x", note=rest
        ),
    ]
