"""Runs each hostile case while a second user works, and observes both."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio

from tests.hostile.cases import FILES
from tests.journeys.caller import Caller
from tests.journeys.two_users import LABELS, by_tokens
from tests.server.fake_provider import FakeProvider
from tests.server.serving import served, settings, text_of

Work = Callable[[], Awaitable[object]]


@dataclass(frozen=True)
class Observed:
    """What became of a case."""

    case: str
    outcome: str
    slowest_call: float
    """Seconds of the second user's slowest call meanwhile."""
    usual_call: float
    """Seconds of the second user's slowest call without the case."""
    growth_mb: float
    """Growth of this process, which runs the server and both clients."""
    worker_mb: float
    """Largest address space of a worker process."""

    @property
    def line(self) -> str:
        """The case as a row of the table."""
        ratio = self.slowest_call / self.usual_call
        figures = f"{self.slowest_call:.2f} s ({ratio:.1f} x) | {self.growth_mb:.0f} MB"
        return f"| {self.case} | {self.outcome} | {figures} | {self.worker_mb:.0f} MB |"


HEAD = (
    "| case | what became of it | second user's slowest call | server grew | worker |\n"
    "| --- | --- | --- | --- | --- |"
)


async def observe_templates(
    folder: Path, templates: Sequence[str], show: Callable[[Observed], None]
) -> None:
    """Plan and run an evaluation with each template, beside a second user."""
    async with by_tokens(folder) as (alice, bob):
        usual = await _usual(_as_bob(bob))
        rows = [{"big": "a" * 100_000, "answer": "x"}]
        used = "{% if not (big and answer) %}x{% endif %}"
        for number, template in enumerate(templates, 1):
            judge = {"model": "rule/contains", "system_template": template + used}
            attempt = _Attempt(alice, {**LABELS, "response_column": "answer", "judge": judge}, rows)
            name = f"template {number}: `{_short(template)}`"
            show(await _beside(name, attempt.plan_and_run, usual))


async def observe_cells(
    folder: Path, cells: Sequence[tuple[str, str, str]], show: Callable[[Observed], None]
) -> None:
    """Plan and run an evaluation of each cell, beside a second user."""
    async with by_tokens(folder) as (alice, bob):
        usual = await _usual(_as_bob(bob))
        for number, (rule, expected, answer) in enumerate(cells, 1):
            rows = [{"expected": expected, "answer": answer}]
            judge = {"model": rule, "system_template": "{{expected}}"}
            attempt = _Attempt(alice, {**LABELS, "response_column": "answer", "judge": judge}, rows)
            name = f"cell {number}: {rule}, `{_short(expected)}` in `{_short(answer)}`"
            show(await _beside(name, attempt.plan_and_run, usual))


async def observe_files(
    folder: Path, names: Sequence[str], show: Callable[[Observed], None]
) -> None:
    """Upload each file, beside another call."""
    async with served(FakeProvider(), configured=settings(folder)) as server:

        async def call() -> None:
            await server.call("upload_dataset", rows=[{"a": "x"}])
            await server.call("list_evaluations")

        usual = await _usual(call)
        for name in names:
            path = await anyio.to_thread.run_sync(FILES[name], folder)

            async def upload(path: str = path) -> str:
                return text_of(await server.call("upload_dataset", path=path))

            show(await _beside(f"file: {name}", upload, usual))


@dataclass(frozen=True)
class _Attempt:
    """A request of the first user."""

    user: Caller
    request: dict[str, Any]
    rows: Sequence[dict[str, Any]]

    async def plan_and_run(self) -> str:
        """Return what the plan and the run end with."""
        uploaded = await self.user.call("upload_dataset", rows=self.rows)
        if uploaded.is_error:
            return uploaded.refusal
        request = self.request | {"input_data_file_path": uploaded.content["file_id"]}
        plan = await self.user.call("create_evaluation", **request, dry_run=True)
        problems: list[str] = [] if plan.is_error else plan.content["plan"].get("problems", [])
        planned = plan.refusal if plan.is_error else "; ".join(problems) or "planned"
        created = await self.user.call("create_evaluation", **request)
        if created.is_error or created.content["outcome"] != "started":
            return f"{planned} (not started)"
        evaluation = created.content["evaluation_id"]
        status: dict[str, Any] = {"status": "running"}
        while status["status"] in {"pending", "queued", "running"}:
            status = await self.user.answer("get_status", evaluation_id=evaluation, wait_seconds=30)
        return f"{planned}; {status['status']}: {status.get('error') or ''}"


def _as_bob(user: Caller) -> Work:
    judge = {"model": "rule/contains", "system_template": "{{expected}}"}
    rows = [{"expected": "x", "answer": str(number)} for number in range(20)]

    async def work() -> None:
        uploaded = await user.answer("upload_dataset", rows=rows)
        request = {**LABELS, "response_column": "answer", "judge": judge}
        request |= {"input_data_file_path": uploaded["file_id"]}
        await user.answer("create_evaluation", **request, dry_run=True)
        created = await user.answer("create_evaluation", **request)
        if evaluation := created.get("evaluation_id"):
            await user.answer("get_status", evaluation_id=evaluation)

    return work


@dataclass(frozen=True)
class _Usual:
    """The work of the second user."""

    work: Work
    seconds: float
    """Seconds that the slowest of a few takes without a case beside it."""


async def _usual(work: Work) -> _Usual:
    await work()
    return _Usual(work, max([await _seconds(work) for _ in range(3)]))


async def _beside(name: str, attempt: Callable[[], Awaitable[str]], usual: _Usual) -> Observed:
    before, outcome = _memory(os.getpid(), "VmRSS"), ""
    slowest, largest = [0.0], [0.0]
    async with _sampled(largest), anyio.create_task_group() as tasks:

        async def work() -> None:
            while True:
                slowest[0] = max(slowest[0], await _seconds(usual.work))

        tasks.start_soon(work)
        outcome = await attempt()
        tasks.cancel_scope.cancel()
    growth = _memory(os.getpid(), "VmRSS") - before
    return Observed(name, _short(outcome, 160), slowest[0], usual.seconds, growth, largest[0])


async def _seconds(work: Work) -> float:
    started = time.monotonic()
    await work()
    return time.monotonic() - started


@asynccontextmanager
async def _sampled(largest: list[float]) -> AsyncGenerator[None]:
    """Put the largest address space of a child process into `largest`."""

    async def sample() -> None:
        while True:
            peaks = [_memory(pid, "VmPeak") for pid in _children(os.getpid())]
            largest[0] = max([largest[0], *peaks])
            await anyio.sleep(0.05)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(sample)
        yield
        tasks.cancel_scope.cancel()


def _children(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(child) for child in text.split()]


def _memory(pid: int, figure: str) -> float:
    """Return a figure of a process in MB; 0 where the system does not tell."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    found = [line.split()[1] for line in lines if line.startswith(f"{figure}:")]
    return int(found[0]) / 1024 if found else 0.0


def _short(text: str, most: int = 50) -> str:
    line = " ".join(text.replace("|", "\u00a6").replace("`", "'")[: 4 * most].split())
    return line if len(line) <= most else line[: most - 1] + "\u2026"
