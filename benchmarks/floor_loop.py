"""The floor for a run: the same number of requests to the same endpoint, and nothing else."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import aiohttp

BODY = {
    "model": "fixed",
    "messages": [
        {"role": "system", "content": "Is the answer good or bad? " * 10},
        {"role": "user", "content": "A question and an answer of the usual length. " * 5},
    ],
}
"""A text about as long as the judge's request."""


@dataclass(frozen=True)
class Usage:
    """The time and memory of a run."""

    wall: float
    """Seconds."""
    cpu: float | None
    """Processor seconds; None if the platform does not report them."""
    peak_mb: float | None = None
    """The most memory, in MB; None if it was not measured."""


def run(base_url: str, requests: int, workers: int) -> Usage:
    """Send the requests from this process, `workers` of them in flight at once."""
    cpu = time.process_time()
    wall = asyncio.run(send(base_url, requests, workers))
    return Usage(wall, time.process_time() - cpu)


async def send(base_url: str, requests: int, workers: int) -> float:
    """Send the requests and return the seconds from the first to the last answer."""
    remaining = iter(range(requests))
    connector = aiohttp.TCPConnector(limit=workers)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def worker() -> None:
            for _ in remaining:
                async with session.post(f"{base_url}/chat/completions", json=BODY) as answer:
                    answer.raise_for_status()
                    await answer.json()

        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(worker())
        return time.perf_counter() - began
