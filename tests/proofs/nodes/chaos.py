"""Half a minute of misfortune: nodes are killed or stopped, and the database is killed twice."""

from __future__ import annotations

import random
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import anyio
import httpx2
from anyio import to_thread

from tests.proofs.nodes.checks import BOUND
from tests.proofs.nodes.endpoint import CountingEndpoint
from tests.proofs.nodes.finding import Finding
from tests.proofs.nodes.machines import Machines, machines, result_bytes, undisturbed

NODES = 4
CALLS = 256
LEASE = 6.0
STOP_SECONDS = 8.0
"""How long a stopped node sleeps: beyond its lease."""

EVERY_SECONDS = 2.0
"""Seconds between two misfortunes of nodes."""

DATABASE_AT = (9.0, 21.0)
"""Seconds after the start in which the database is killed."""

KILLS, STOPS = 10, 5

EVENTS = (
    f"{KILLS} x kill -9, {STOPS} x SIGSTOP, {len(DATABASE_AT)} x database; the same file, "
    "byte for byte"
)


async def chaos(seed: int, rows: int) -> Finding:
    """Run an evaluation through misfortunes that a seed decides.

    Its judge is a rule and its candidate a model with fixed answers, so the result file has to be
    that of an undisturbed run on SQLite, byte for byte.
    """
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="evals-mcp-undisturbed-") as folder:
        async with CountingEndpoint(0.0) as endpoint:
            expected = await undisturbed(Path(folder), endpoint, rows, 64)
    async with machines(NODES, latency=0.1, lease=LEASE) as each:
        since = time.monotonic()
        evaluation = await each.answered(rows, CALLS)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_database_fails, each, draw)
            tasks.start_soon(_nodes_fail, each, draw)
        job = await _ended(each, evaluation)
        found = await result_bytes(each.client, job)
        seconds = time.monotonic() - since
        counted = each.endpoint.repeated
        assert job["status"] == "completed", job
        assert found == expected, (seed, len(found), len(expected))
        lost = rows - found.count(b"\n")
        assert job["progress"] == {"done": rows, "total": rows}, job["progress"]
        name = f"chaos, seed {seed}"
        return Finding(name, rows, lost, counted, seconds, EVENTS)


async def _nodes_fail(each: Machines, draw: random.Random) -> None:
    """Kill and stop nodes until enough of it has happened."""
    misfortunes = ["kill"] * KILLS + ["stop"] * STOPS
    draw.shuffle(misfortunes)
    alive = list(each.workers)
    async with anyio.create_task_group() as tasks:
        for misfortune in misfortunes:
            await anyio.sleep(EVERY_SECONDS)
            index = draw.randrange(NODES)
            node = alive[index]
            if misfortune == "stop":
                node.send_signal(signal.SIGSTOP)
                tasks.start_soon(_continue_later, node)
            else:
                node.kill()
                alive[index] = await _started(each)


async def _started(each: Machines) -> subprocess.Popen[str]:
    """Start a node; try again while the database is away, when none can start."""
    while True:
        try:
            return await each.start_worker()
        except AssertionError:
            await anyio.sleep(1)


async def _continue_later(node: subprocess.Popen[str]) -> None:
    await anyio.sleep(STOP_SECONDS)
    with suppress(ProcessLookupError):
        node.send_signal(signal.SIGCONT)


async def _database_fails(each: Machines, draw: random.Random) -> None:
    started = time.monotonic()
    for at in DATABASE_AT:
        await anyio.sleep(max(0.0, at - (time.monotonic() - started)))
        each.postgres.kill()
        await anyio.sleep(draw.choice([1, 3, 8]))
        await to_thread.run_sync(each.postgres.start)


async def _ended(each: Machines, evaluation: str) -> dict[str, object]:
    with anyio.fail_after(BOUND):
        while True:
            with suppress(httpx2.HTTPError):
                answer = await each.client.http.get(f"/evaluation/{evaluation}")
                if answer.status_code == 200:
                    job = answer.json()
                    if job["status"] not in {"pending", "queued", "running"}:
                        return job
            await anyio.sleep(0.2)
