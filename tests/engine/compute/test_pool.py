"""Worker processes: foreign work ends at its limits, and neighbours go on."""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio import to_thread

from evals_engine.compute import process
from evals_engine.compute.jobs import Job, LimitError, Limits
from evals_engine.compute.pool import MOST_FAULTS, ComputePool
from evals_engine.compute.tasks import TaskError

WAIT = 120.0
QUICK = Limits(cpu_seconds=0.3, wall_seconds=60.0)
ENDLESS = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"
ENDLESS_ON_DEMAND = "{% if bomb %}" + ENDLESS + "{% endif %}{{ x }}"

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no limit of processor time")


@asynccontextmanager
async def pool(workers: int = 2, limits: Limits = QUICK) -> AsyncGenerator[ComputePool]:
    with anyio.fail_after(WAIT):
        async with ComputePool(workers, limits) as opened:
            yield opened


async def template(opened: ComputePool, source: str, owner: str = "alice") -> Job:
    return await opened.open(owner, "template", {"source": source, "field": "judge"})


async def results(opened: ComputePool, job: Job, rows: list[dict[str, Any]]) -> list[str]:
    """Compute all rows side by side; an error counts as its text."""
    texts = [""] * len(rows)

    async def compute(place: int, row: dict[str, Any]) -> None:
        try:
            texts[place] = await opened.compute(job, row)
        except TaskError as error:
            texts[place] = f"{type(error).__name__}: {error}"

    async with anyio.create_task_group() as tasks:
        for place, row in enumerate(rows):
            tasks.start_soon(compute, place, row)
    return texts


async def test_rows_come_back_in_their_places() -> None:
    async with pool() as opened:
        job = await template(opened, "{{ x }}-{{ y }}")
        assert job.facts["columns"] == ["x", "y"]
        rows = [{"x": number, "y": "é\ud83d"} for number in range(300)]
        assert await results(opened, job, rows) == [f"{number}-é\ud83d" for number in range(300)]


async def test_a_row_at_fault_fails_alone() -> None:
    async with pool() as opened:
        job = await template(opened, "{{ x.y }}")
        texts = await results(opened, job, [{"x": {"y": 1}}, {"x": {}}, {"x": {"y": 2}}])
        assert texts[0] == "1"
        assert texts[1].startswith("TaskError: judge, line 1: ")
        assert texts[2] == "2"


async def test_a_bomb_ends_its_row_and_its_neighbours_go_on() -> None:
    async with pool() as opened:
        job = await template(opened, ENDLESS_ON_DEMAND)
        rows = [{"x": number, "bomb": number == 7} for number in range(20)]
        texts = await results(opened, job, rows)
        assert texts[7] == (
            "LimitError: takes more than 0.3 s of processor time or 512 MiB of memory "
            "(local.compute_memory_mb)"
        )
        assert [text for place, text in enumerate(texts) if place != 7] == [
            str(number) for number in range(20) if number != 7
        ]


async def test_a_job_whose_rows_are_bombs_stops_trying() -> None:
    async with pool() as opened:
        job = await template(opened, ENDLESS)
        texts = await results(opened, job, [{}] * 40)
        assert all(text.startswith("LimitError: ") for text in texts)
        assert job.faults == MOST_FAULTS
        assert "3 rows have run into the limits" in texts[-1]
        with pytest.raises(LimitError, match="3 rows have run into the limits"):
            await opened.compute(job, {})


async def test_what_takes_too_much_memory_ends_its_row() -> None:
    async with pool() as opened:
        job = await template(opened, "{{ 'x' * n }}".replace("'x' * n", "('x' * n)|length"))
        texts = await results(opened, job, [{"n": 10}, {"n": 10**10}, {"n": 20}])
        assert texts[0] == "10"
        assert texts[1].startswith("LimitError: takes more than")
        assert texts[2] == "20"


FOLDED = [
    "{{ 'x' * 10**10 }}",
    "{{ 2 ** (2 ** 40) }}",
    "{% if 0 %}{{ 7 ** (7 ** (7 ** 7)) }}{% endif %}",
]


@pytest.mark.parametrize("source", [*FOLDED, "{{ 1", "{% include 'x' %}", "{{ x|nothing }}"])
async def test_a_template_that_is_a_bomb_by_itself_ends_in_a_reason(source: str) -> None:
    async with pool() as opened:
        with pytest.raises(TaskError):
            await opened.compute(await template(opened, source), {"x": 1})
        assert await results(opened, await template(opened, "fine"), [{}]) == ["fine"]


async def test_one_owner_never_holds_all_workers() -> None:
    async with pool(limits=Limits(cpu_seconds=2.0, wall_seconds=60.0)) as opened:
        slow = await template(opened, ENDLESS, "alice")
        quick = await template(opened, "{{ x }}", "bob")
        done: list[str] = []

        async def bombs() -> None:
            done.extend(await results(opened, slow, [{}] * 4))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(bombs)
            for number in range(30):
                assert await opened.compute(quick, {"x": number}) == str(number)
            assert not done, "bob's rows waited for alice's bombs"
            tasks.cancel_scope.cancel()


async def test_cancelled_callers_leave_the_pool_usable() -> None:
    async with pool() as opened:
        job = await template(opened, ENDLESS_ON_DEMAND)
        with anyio.move_on_after(0.05):
            await opened.compute(job, {"x": 1, "bomb": True})
        assert await opened.compute(job, {"x": 2, "bomb": False}) == "2"


async def test_nothing_is_left_running_when_the_pool_closes() -> None:
    async with pool() as opened:
        job = await template(opened, "{{ x }}")
        await opened.compute(job, {"x": 1})
        (pid,) = opened.idle_pids
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_worker_sees_no_variable_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOGETHER_API_KEY", "planted-key")
    async with pool() as opened:
        await template(opened, "{{ x }}")
        (pid,) = opened.idle_pids
        environment = Path(f"/proc/{pid}/environ")
        if environment.exists():
            assert b"planted-key" not in environment.read_bytes()


async def test_a_worker_that_dies_while_idle_is_replaced() -> None:
    async with pool() as opened:
        job = await template(opened, "{{ x }}")
        (pid,) = opened.idle_pids
        os.kill(pid, 9)
        assert await opened.compute(job, {"x": 1}) == "1"


async def test_a_worker_whose_caller_has_gone_is_ended() -> None:
    async with pool(1, Limits(cpu_seconds=10_000.0, wall_seconds=10_000.0)) as opened:
        job = await template(opened, ENDLESS_ON_DEMAND)
        with anyio.move_on_after(0.05):
            await results(opened, job, [{"bomb": True}] * 3)
        assert await opened.compute(job, {"x": 2, "bomb": False}) == "2"
        with anyio.move_on_after(0.05):
            await template(opened, ENDLESS.replace("99999", "10 ** 9"))
        assert await results(opened, await template(opened, "fine"), [{}]) == ["fine"]


async def test_who_still_waits_keeps_the_worker_when_another_caller_goes() -> None:
    async with pool(1) as opened:
        job = await template(opened, "{{ x }}")
        texts: list[str] = []

        async def compute(number: int, seconds: float) -> None:
            with anyio.move_on_after(seconds):
                texts.append(await opened.compute(job, {"x": number}))

        async with anyio.create_task_group() as tasks:
            for number in range(200):
                tasks.start_soon(compute, number, 0.0 if number % 2 else WAIT)
        assert texts == [str(number) for number in range(0, 200, 2)]


async def test_an_owner_whose_work_ends_workers_leaves_others_theirs() -> None:
    async with pool() as opened:
        quick = await template(opened, "{{ x }}", "bob")
        (pid,) = opened.idle_pids
        bombs = await template(opened, ENDLESS, "alice")
        await results(opened, bombs, [{}] * 4)
        assert await opened.compute(quick, {"x": 1}) == "1"
        assert pid in opened.idle_pids


async def test_work_that_takes_long_lets_others_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "LONG_SECONDS", 0.0)
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    async with pool(1) as opened:
        await template(opened, "{{ x }}", "alice")
        (slow,) = opened.idle_pids
        assert os.getpriority(os.PRIO_PROCESS, slow) == min(19, usual + process.NICER)
        monkeypatch.setattr(process, "LONG_SECONDS", WAIT)
        await template(opened, "{{ x }}", "bob")
        (fresh,) = opened.idle_pids
        assert os.getpriority(os.PRIO_PROCESS, fresh) == usual


@pytest.mark.skipif(not hasattr(os, "waitid"), reason="the system cannot wait without reaping")
async def test_a_worker_that_dies_just_before_it_is_ended_leaves_no_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    waitpid, kill, killed = os.waitpid, os.kill, threading.Event()

    def late(pid: int, options: int) -> tuple[int, int]:
        """Let the thread with which asyncio waits for a process come last."""
        if threading.current_thread() is not threading.main_thread():
            killed.wait(WAIT / 2)
        return waitpid(pid, options)

    def noted(pid: int, number: int) -> None:
        kill(pid, number)
        killed.set()

    monkeypatch.setattr(os, "waitpid", late)
    with anyio.fail_after(WAIT):
        worker = await process.WorkerProcess.start(QUICK.memory_bytes)
        kill(worker.pid, 9)
        dead = (os.P_PID, worker.pid, os.WEXITED | os.WNOWAIT)
        await to_thread.run_sync(os.waitid, *dead)
        monkeypatch.setattr(os, "kill", noted)
        await worker.stop()
    assert not caplog.records
