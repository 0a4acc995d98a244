"""The time that nodes take over that of the calls alone, and their processor time."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from benchmarks.nodes import cpu_of, postgres_processes

from tests.proofs.nodes.checks import CALLS, ended
from tests.proofs.nodes.finding import SLOW, Finding
from tests.proofs.nodes.machines import machines

CPU_MS = 0.6
"""Milliseconds of processor time a row, at most, PostgreSQL's included."""


async def speed(workers: int, latency: float, most: float | None, rows: int) -> Finding:
    """Judge rows without any fault: all are there, in order, none twice.

    Args:
        workers: Nodes, each with calls of its own in flight.
        latency: Seconds of a call.
        most: Wall time over the ideal above which the verdict is `slow`; None for no limit.
        rows: How many.
    """
    async with machines(workers, latency=latency) as each:
        processes = [worker.pid for worker in each.workers]
        processes += postgres_processes(each.postgres.port)
        before = cpu_of(processes)
        evaluation = await each.judged(rows, CALLS * workers)
        name = f"{workers} worker{'s' * (workers > 1)}, {latency * 1000:g} ms"
        finding = (await ended(each, evaluation, name, 0.0)).check(0)
        # The processes that PostgreSQL has started meanwhile.
        used = cpu_of({*processes, *postgres_processes(each.postgres.port)}) - before
        job = (await each.client.http.get(f"/evaluation/{evaluation}")).json()
    finding.seconds = judging_seconds(job)
    over = finding.seconds * CALLS * workers / (rows * latency)
    cpu = 1000 * used / rows
    finding.detail = f"wall {over:.2f} x ideal, {cpu:.2f} ms CPU a row"
    if (most is not None and over > most) or cpu > CPU_MS:
        finding.verdict = SLOW
        limit = "" if most is None else f"wall {most:g}, "
        finding.detail += f"; limits on a quiet machine: {limit}CPU {CPU_MS:g}"
    return finding


def judging_seconds(job: dict[str, Any]) -> float:
    """Return the seconds from the first row of an evaluation to its end."""
    at = {
        update["status"]: datetime.fromisoformat(update["timestamp"])
        for update in job["status_updates"]
    }
    return (at["completed"] - at["running"]).total_seconds()
