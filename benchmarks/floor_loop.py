"""The floor for a run: as many requests to the same endpoint, and nothing else."""

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
"""About as long as the judge's request."""


@dataclass(frozen=True)
class Usage:
    """What a run took."""

    wall: float
    """Seconds."""
    cpu: float | None
    """Seconds on a processor; None where the platform does not tell."""
    peak_mb: float | None = None
    """The most memory, in MB; None where it was not looked at."""


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
