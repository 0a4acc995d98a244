"""Two HTTP clients that the engine could call models with, in turn against the same endpoint."""

from __future__ import annotations

import asyncio
import time

import httpx2

from benchmarks import floor_loop
from benchmarks.engine_client import model_endpoint
from benchmarks.figures import Figure, measured
from benchmarks.floor_loop import BODY, Usage

REQUESTS, WORKERS, LATENCY_MS = 2000, 64, 50.0
REPETITIONS = 3


def run() -> list[Figure]:
    """Measure a bare loop with each client: wall time over the ideal, and CPU time a request."""
    found: dict[str, list[Usage]] = {"aiohttp": [], "httpx2": []}
    with model_endpoint(LATENCY_MS) as base_url:
        for _ in range(REPETITIONS):
            found["aiohttp"].append(floor_loop.run(base_url, REQUESTS, WORKERS))
            found["httpx2"].append(with_httpx2(base_url))
    ideal = REQUESTS * LATENCY_MS / 1000 / WORKERS
    load = f"{REQUESTS:,} requests, {WORKERS} in flight, {LATENCY_MS:.0f} ms"
    return [
        figure
        for client, usages in found.items()
        for figure in (
            measured(f"clients: wall, {client}", [one.wall / ideal for one in usages], "x", load),
            measured(
                f"clients: CPU a request, {client}",
                [1000 * (one.cpu or 0.0) / REQUESTS for one in usages],
                "ms",
                load,
            ),
        )
    ]


def with_httpx2(base_url: str) -> Usage:
    cpu = time.process_time()
    wall = asyncio.run(send(base_url))
    return Usage(wall, time.process_time() - cpu)


async def send(base_url: str) -> float:
    remaining = iter(range(REQUESTS))
    limits = httpx2.Limits(max_connections=WORKERS, max_keepalive_connections=WORKERS)
    timeout = httpx2.Timeout(60.0, pool=None)
    async with httpx2.AsyncClient(limits=limits, timeout=timeout, trust_env=False) as client:

        async def worker() -> None:
            for _ in remaining:
                answer = await client.post(f"{base_url}/chat/completions", json=BODY)
                answer.raise_for_status()
                answer.json()

        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(WORKERS):
                group.create_task(worker())
        return time.perf_counter() - began
