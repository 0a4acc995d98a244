"""Several nodes on one PostgreSQL beside the engine on SQLite, in one run.

The model takes 200 ms a call, and each worker has 64 calls in flight. The ideal is the time of the
calls alone. The processor time of nodes is that of all workers and of PostgreSQL, which the nodes,
the endpoint and the database share the cores of this machine with.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

from benchmarks.engine_client import POLL_SECONDS, engine, model_endpoint, running_seconds
from benchmarks.figures import Figure, measured
from benchmarks.resources import cpu_seconds
from evals_schemas.evaluation_api.evaluations import ENDED

if TYPE_CHECKING:
    from tests.engine.running import EngineClient

LATENCY = 0.2
CALLS = 64
"""Calls in flight for each worker."""

ROWS = 6_400
"""Rows for each worker: an ideal of 20 s."""

BUDGETS = {1: 1.10, 2: 1.15, 4: 1.20}
"""Wall time over the ideal, by the number of workers."""

CPU_BUDGET = 0.6
"""Milliseconds of processor time a row, PostgreSQL's included."""

IDEAL = ROWS * LATENCY / CALLS


def run() -> list[Figure]:
    """Measure SQLite, and each number of workers."""
    figures = [_on_sqlite()]
    for workers, budget in BUDGETS.items():
        print(f"nodes: {workers} workers", file=sys.stderr, flush=True)
        figures += anyio.run(_on_nodes, workers, budget)
    return figures


def _on_sqlite() -> Figure:
    with model_endpoint(1000 * LATENCY) as base_url, engine(base_url) as running:
        file = running.upload(ROWS)
        before = cpu_seconds(running.pid)
        job = running.wait(running.classify(file, "fixed", "{{ question }} {{ expected }}", CALLS))
        used = (cpu_seconds(running.pid) or 0) - (before or 0)
    wall = running_seconds(job)
    note = f"{wall:.1f} s of {IDEAL:.1f} s; {1000 * used / ROWS:.2f} ms CPU a row"
    return measured("nodes: one engine on SQLite, wall over ideal", [wall / IDEAL], "x", note)


async def _on_nodes(workers: int, budget: float) -> list[Figure]:
    from tests.proofs.nodes.machines import machines  # noqa: PLC0415 - needs the extra

    async with machines(workers, latency=LATENCY) as each:
        rows, calls = ROWS * workers, CALLS * workers
        pids = [worker.pid for worker in each.workers]
        before = cpu_of(pids) + cpu_of(postgres_processes(each.postgres.port))
        job = await _finished(each.client, await each.judged(rows, calls))
        used = cpu_of(pids) + cpu_of(postgres_processes(each.postgres.port)) - before
        most = each.endpoint.most_in_flight
    wall = _seconds(job)
    name = f"nodes: {workers} worker{'s' * (workers > 1)}"
    note = f"{wall:.1f} s of {IDEAL:.1f} s; most calls in flight {most} of {calls}"
    return [
        measured(f"{name}, wall over ideal", [wall / IDEAL], "x", note, budget),
        measured(f"{name}, CPU a row", [1000 * used / rows], "ms", "with PostgreSQL", CPU_BUDGET),
    ]


async def _finished(client: EngineClient, evaluation: str) -> dict[str, Any]:
    """Return an evaluation that has ended, read as often as that of the engine on SQLite."""
    job = await client.until(evaluation, lambda job: job["status"] == "running")
    while job["status"] not in ENDED:
        await anyio.sleep(POLL_SECONDS)
        job = (await client.http.get(f"/evaluation/{evaluation}")).json()
    return job


def _seconds(job: dict[str, Any]) -> float:
    times = {
        update["status"]: datetime.fromisoformat(update["timestamp"])
        for update in job["status_updates"]
    }
    return (times["completed"] - times["running"]).total_seconds()


def cpu_of(pids: Iterable[int]) -> float:
    """Return the processor seconds of those processes that still run."""
    return sum(cpu_seconds(pid) or 0 for pid in pids if Path(f"/proc/{pid}").exists())


def postgres_processes(port: int) -> list[int]:
    """Return the processes of the server at a port; none where there is no /proc."""
    commands = {
        int(folder.name): (folder / "cmdline").read_bytes().split(b"\0")
        for folder in Path("/proc").glob("[0-9]*")
        if (folder / "cmdline").exists()
    }
    roots = {pid for pid, command in commands.items() if str(port).encode() in command}
    return [*roots, *(pid for pid in commands if _parent(pid) in roots)]


def _parent(pid: int) -> int:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return 0
    return int(stat.rpartition(")")[2].split()[1])
