"""What happens to an evaluation when nodes or their database fail: one function a fault."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import anyio
from anyio import to_thread

from evals_schemas.evaluation_api.evaluations import ENDED
from tests.proofs.nodes.finding import Finding
from tests.proofs.nodes.machines import Machines, machines
from tests.proofs.nodes.network import Mode, Proxy

CALLS = 64
"""Calls in flight over all nodes."""

BOUND = 900
"""Seconds after which an evaluation has not ended; far more than a busy machine needs."""

CANCELS = 20
"""Evaluations that are cancelled around their last shard."""


async def ended(each: Machines, evaluation: str, name: str, since: float) -> Finding:
    """Wait for the end of an evaluation that completes; return what it has led to."""
    job = await each.client.finished(evaluation, seconds=BOUND)
    assert job["status"] == "completed", job
    total = job["progress"]["total"]
    rows = await each.client.result_rows(job)
    numbers = [int(row["question"].split()[0][4:]) for row in rows]
    assert numbers == sorted(set(numbers)), "rows twice, or not in order"
    assert job["progress"]["done"] == len(rows), job["progress"]
    lost = total - len(rows)
    return Finding(name, total, lost, each.endpoint.repeated, time.monotonic() - since)


async def killed_node(rows: int) -> Finding:
    """`kill -9` of one of two nodes at half: the other goes on after the lease."""
    async with machines(2, lease=3) as each:
        evaluation = await each.judged(rows, CALLS)
        await each.endpoint.asked_about(rows // 2)
        each.busiest().kill()
        finding = await ended(each, evaluation, "kill -9 of a node", time.monotonic())
        return finding.check(2 * CALLS)


async def stopped_node(rows: int) -> Finding:
    """SIGTERM: no row is repeated, and the other node goes on at once."""
    async with machines(2) as each:
        evaluation = await each.judged(rows, CALLS)
        await each.endpoint.asked_about(rows // 2)
        since = time.monotonic()
        node = each.busiest()
        node.send_signal(signal.SIGTERM)
        with anyio.fail_after(60):
            assert await to_thread.run_sync(node.wait) == 0
        gone = time.monotonic() - since
        finding = (await ended(each, evaluation, "SIGTERM of a node", since)).check(0)
        finding.detail = f"gone after {gone:.1f} s"
        return finding


async def sleeping_node(rows: int) -> Finding:
    """SIGSTOP beyond the lease, then SIGCONT: its finished rows count once."""
    async with machines(2, lease=3) as each:
        evaluation = await each.judged(rows, CALLS)
        await each.endpoint.asked_about(rows // 2)
        since = time.monotonic()
        node = each.busiest()
        node.send_signal(signal.SIGSTOP)
        await anyio.sleep(6)
        node.send_signal(signal.SIGCONT)
        finding = await ended(each, evaluation, "SIGSTOP for 6 s, lease 3 s", since)
        return finding.check(2 * CALLS)


async def lost_database(rows: int, seconds: float = 10) -> Finding:
    """`kill -9` of the database at half; it comes back within the lease: nothing is repeated."""
    async with machines(2) as each:
        evaluation = await each.judged(rows, CALLS)
        await each.endpoint.asked_about(rows // 2)
        since = time.monotonic()
        each.postgres.kill()
        answer = await each.client.http.get(f"/evaluation/{evaluation}")
        await anyio.sleep(seconds)
        await to_thread.run_sync(each.postgres.start)
        await _answering(each, evaluation)
        finding = await ended(each, evaluation, f"database away for {seconds:g} s", since)
        finding.detail = f"status meanwhile: {answer.status_code}"
        assert answer.status_code == 503, answer.text
        return finding.check(0)


async def _answering(each: Machines, evaluation: str) -> None:
    with anyio.fail_after(60):
        answer = await each.client.http.get(f"/evaluation/{evaluation}")
        while answer.status_code != 200:
            await anyio.sleep(0.1)
            answer = await each.client.http.get(f"/evaluation/{evaluation}")


async def cut_off(rows: int, mode: Mode, lease: float, most_repeated: int) -> Finding:
    """Two of four nodes lose the way to the database for 10 s, and find it again."""
    async with machines(2, lease=lease) as each, AsyncExitStack() as stack:
        ways = [await stack.enter_async_context(Proxy(each.postgres.url)) for _ in range(2)]
        for way in ways:
            await each.start_worker(way.url)
        evaluation = await each.judged(rows, 2 * CALLS)
        await each.endpoint.asked_about(rows // 2)
        since = time.monotonic()
        for way in ways:
            way.set(mode)
        await anyio.sleep(10)
        for way in ways:
            way.set("open")
        name = f"2 of 4 nodes cut off for 10 s ({mode}), lease {lease:g} s"
        return (await ended(each, evaluation, name, since)).check(most_repeated)


async def emptied_queue(rows: int) -> Finding:
    """All tickets are deleted at half: the queue is not the truth."""
    async with machines(2, lease=3) as each:
        evaluation = await each.judged(rows, CALLS)
        await each.endpoint.asked_about(rows // 2)
        since = time.monotonic()
        each.query("DELETE FROM procrastinate_jobs RETURNING id")
        return (await ended(each, evaluation, "tickets deleted", since)).check(2 * CALLS)


async def cancelled(rows: int) -> Finding:
    """A cancel at another process: no call 2 s later, and a file with exactly the stored rows."""
    async with machines(2, latency=0.5) as each:
        evaluation = await each.judged(rows, CALLS)
        await each.endpoint.asked_about(rows // 4)
        since = time.monotonic()
        answer = await each.client.http.post(f"/evaluation/{evaluation}/cancel")
        assert answer.status_code == 200, answer.text
        job = await each.client.finished(evaluation, seconds=BOUND)
        took = time.monotonic() - since
        late = each.endpoint.last_call - since
        assert job["status"] == "user_error", job
        assert late <= 2, late
        stored = await each.client.result_rows(job)
        assert job["progress"]["done"] == len(stored), job["progress"]
        assert len(stored) <= len(each.endpoint.by_row)
        finding = Finding("cancel", len(stored), 0, each.endpoint.repeated, took)
        finding.detail = f"last call {late:.1f} s after the cancel"
        return finding.check(0)


async def calls_in_flight(rows: int) -> Finding:
    """Four nodes: calls in flight reach `num_workers` and never exceed it."""
    async with machines(4, latency=0.5) as each:
        since = time.monotonic()
        evaluation = await each.judged(rows, 4 * CALLS)
        finding = await ended(each, evaluation, "calls in flight, 4 nodes", since)
        most = each.endpoint.most_in_flight
        finding.detail = f"most {most} of {4 * CALLS}"
        assert most == 4 * CALLS, most
        return finding.check(0)


async def no_port() -> Finding:
    """A worker listens at no port."""
    async with machines(1) as each:
        since = time.monotonic()
        listening = _listening_inodes()
        folder = f"/proc/{each.workers[0].pid}/fd"
        held = await to_thread.run_sync(partial(_sockets, folder))
        assert not listening & held
        return Finding("ports of a worker", 0, 0, 0, time.monotonic() - since, "none")


def _listening_inodes() -> set[str]:
    inodes = set[str]()
    for name in ("tcp", "tcp6"):
        with open(f"/proc/net/{name}", encoding="ascii") as table:  # noqa: PTH123
            lines = [line.split() for line in table][1:]
        inodes |= {fields[9] for fields in lines if fields[3] == "0A"}
    return inodes


def _sockets(folder: str) -> set[str]:
    names = [str(path.readlink()) for path in Path(folder).iterdir()]
    return {name[8:-1] for name in names if name.startswith("socket:[")}


async def fair_share(rows: int) -> Finding:
    """An owner with one small evaluation does not wait for another's four large ones."""
    async with machines(2) as each:
        since = time.monotonic()
        each.speak_as("ann")
        for _ in range(4):
            await each.judged(rows, CALLS)
        each.speak_as("local")
        await each.endpoint.asked_about(rows // 4)
        small = await each.judged(rows // 5, CALLS)
        started = time.monotonic()
        job = await each.client.finished(small, seconds=BOUND)
        took = time.monotonic() - started
        unfinished = each.query(
            "SELECT count(*) AS n FROM evaluations WHERE owner = 'ann' AND status = 'running'"
        )
        assert job["status"] == "completed"
        assert unfinished[0]["n"] == 4, "the large ones ended first"
        finding = Finding("fair share of a later owner", rows // 5, 0, 0, time.monotonic() - since)
        finding.detail = f"done after {took:.1f} s, 4 x {rows} rows still run"
        return finding


async def cancelled_at_the_end(rows: int) -> Finding:
    """Cancels around the moment of the last shard: each evaluation ends once, with its rows."""
    draw = random.Random(1)
    ends = Counter[str]()
    async with machines(2, latency=0.01) as each:
        since = time.monotonic()
        for _ in range(CANCELS):
            calls = each.endpoint.by_row.total() + draw.randint(rows - CALLS, rows)
            evaluation = await each.judged(rows, CALLS)
            while each.endpoint.by_row.total() < calls:  # noqa: ASYNC110
                await anyio.sleep(0.002)
            await each.client.http.post(f"/evaluation/{evaluation}/cancel")
            job = await each.client.finished(evaluation, seconds=BOUND)
            changes = [change["status"] for change in job["status_updates"]]
            assert sum(status in ENDED for status in changes) == 1, changes
            stored = await each.client.result_rows(job)
            assert job["progress"]["done"] == len(stored), job["progress"]
            assert job["status"] != "completed" or len(stored) == rows, job
            ends[job["status"]] += 1
        took = time.monotonic() - since
        finding = Finding("cancels around the last shard", rows * CANCELS, 0, 0, took)
        finding.detail = ", ".join(f"{count} {status}" for status, count in sorted(ends.items()))
        return finding
