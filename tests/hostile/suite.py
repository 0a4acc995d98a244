"""Runs each hostile case while a second user works, and observes both."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import anyio

from tests.hostile.cases import FILES
from tests.journeys.caller import Caller
from tests.journeys.two_users import LABELS, by_tokens
from tests.server.fake_provider import FakeProvider
from tests.server.serving import served, settings, text_of

BREATH = 0.05
"""Seconds between two rounds of the second user's work: no user calls without a pause."""

Work = Callable[[], Awaitable[object]]
Show = Callable[["Observed"], None]


@dataclass(frozen=True)
class Observed:
    """What became of a case."""

    case: str
    outcome: str
    alone: Sequence[float]
    """Seconds of the second user's calls just before the case."""
    beside: Sequence[float]
    """Seconds of the second user's calls while the case ran."""
    growth_mb: float
    """Growth of this process, which runs the server and both clients."""
    worker_mb: float
    """Largest address space of a worker process."""

    @property
    def ratio(self) -> float:
        """How many times as long the second user's calls took as without the case."""
        return median(self.beside) / median(self.alone)

    @property
    def line(self) -> str:
        """The case as a row of the table."""
        seconds = f"{median(self.alone):.3f} s | {median(self.beside):.3f} s ({self.ratio:.1f} x)"
        slowest = f"{max(self.alone):.2f} s | {max(self.beside):.2f} s"
        memory = f"{self.growth_mb:.0f} MB | {self.worker_mb:.0f} MB"
        return f"| {self.case} | {self.outcome} | {seconds} | {slowest} | {memory} |"


MOST_SECONDS = 4 * 3600.0
"""Seconds that the cases of one kind may take together."""

HEAD = (
    "| case | what became of it | median call alone | beside | slowest alone | beside "
    "| server grew | worker |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- |"
)


def totals(seen: Sequence[Observed]) -> str:
    """Return the figures of all cases in a few lines."""
    ratios = sorted(each.ratio for each in seen)
    slowest = max(max(each.beside) for each in seen)
    return (
        f"{len(seen)} cases, {sum(len(each.beside) for each in seen)} calls beside them\n"
        f"calls beside a case take {median(ratios):.2f} x as long as without it (median), "
        f"{ratios[int(0.95 * (len(ratios) - 1))]:.2f} x (95 %), {ratios[-1]:.2f} x (most)\n"
        f"slowest call {slowest:.2f} s, calls of 1 s or more "
        f"{sum(seconds >= 1 for each in seen for seconds in each.beside)}\n"
        f"the server grew by at most {max(each.growth_mb for each in seen):.0f} MB, "
        f"a worker had at most {max(each.worker_mb for each in seen):.0f} MB"
    )


async def observe_templates(
    folder: Path, templates: Sequence[str], show: Show, calls: int = 1
) -> None:
    """Plan and run an evaluation with each template, beside a second user.

    Args:
        folder: where everything is stored.
        templates: the judge templates.
        show: gets what became of each.
        calls: how often the second user works alone before each, to compare with.
    """
    async with by_tokens(folder, MOST_SECONDS) as (alice, bob):
        work = await _settled(_as_bob(bob))
        rows = [{"big": "a" * 100_000, "answer": "x"}]
        used = "{% if not (big and answer) %}x{% endif %}"
        for number, template in enumerate(templates, 1):
            judge = {"model": "rule/contains", "system_template": template + used}
            attempt = _Attempt(alice, {**LABELS, "response_column": "answer", "judge": judge}, rows)
            name = f"template {number}: `{_short(template)}`"
            show(await _beside(name, attempt.plan_and_run, work, calls))


async def observe_cells(
    folder: Path, cells: Sequence[tuple[str, str, str]], show: Show, calls: int = 1
) -> None:
    """Plan and run an evaluation of each cell, beside a second user; see `observe_templates`."""
    async with by_tokens(folder, MOST_SECONDS) as (alice, bob):
        work = await _settled(_as_bob(bob))
        for number, (rule, expected, answer) in enumerate(cells, 1):
            rows = [{"expected": expected, "answer": answer}]
            judge = {"model": rule, "system_template": "{{expected}}"}
            attempt = _Attempt(alice, {**LABELS, "response_column": "answer", "judge": judge}, rows)
            name = f"cell {number}: {rule}, `{_short(expected)}` in `{_short(answer)}`"
            show(await _beside(name, attempt.plan_and_run, work, calls))


async def observe_files(folder: Path, names: Sequence[str], show: Show, calls: int = 1) -> None:
    """Upload each file, beside other calls; see `observe_templates`."""
    async with served(FakeProvider(), configured=settings(folder)) as server:

        async def call() -> None:
            await server.call("upload_dataset", rows=[{"a": "x"}])
            await server.call("list_evaluations")

        work = await _settled(call)
        for name in names:
            path = await anyio.to_thread.run_sync(FILES[name], folder)

            async def upload(path: str = path) -> str:
                return text_of(await server.call("upload_dataset", path=path))

            show(await _beside(f"file: {name}", upload, work, calls))


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
            # The limit may be reached only now, where the template takes about as long.
            reason = created.refusal if created.is_error else created.content["outcome"]
            return f"{planned}; not started: {reason}"
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


async def _settled(work: Work) -> Work:
    """Work once, so that everything is loaded, and exempt it from garbage collection.

    The command does the same when it has loaded.
    """
    await work()
    gc.collect()
    gc.freeze()
    return work


async def _beside(
    name: str, attempt: Callable[[], Awaitable[str]], work: Work, calls: int
) -> Observed:
    alone = [await _seconds(work) for _ in range(calls)]
    before, outcome = _memory(os.getpid(), "VmRSS"), ""
    beside: list[float] = []
    largest, ended = [0.0], anyio.Event()
    async with _sampled(largest), anyio.create_task_group() as tasks:

        async def keep_working() -> None:
            # The last one counts as well: it began beside the case.
            while not ended.is_set():
                beside.append(await _seconds(work))
                await anyio.sleep(BREATH)

        tasks.start_soon(keep_working)
        outcome = await attempt()
        ended.set()
    growth = _memory(os.getpid(), "VmRSS") - before
    return Observed(name, _short(outcome, 160), alone, beside, growth, largest[0])


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
