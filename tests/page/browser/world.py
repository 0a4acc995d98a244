"""What the browser looks at: reports as files, a viewer as a process, and runs of a server here."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from anyio import to_thread

from evals_mcp.views.report import Extent, evaluation_report
from tests.page.browser.packages import FLAGS, chromium
from tests.page.examples import (
    HANG_GUARD,
    Home,
    cancelled,
    classify,
    fill,
    fill_hostile,
    judged,
    open_home,
    support_rows,
    upload,
)
from tests.page.hostile_rows import hostile_rows
from tests.server.fake_provider import FakeProvider, jsonl
from tests.server.serving import Served, served
from tests.server.views.sessions import session_of
from tests.server.views.test_report import job

COMMAND = [sys.executable, "-m", "evals_mcp.cli"]


@dataclass
class World:
    """Everything that there is to look at."""

    home: Home
    server: Served
    asking: Served
    """A client of a server that wants an agreement to everything, without a way to ask for it."""
    browser: Any
    reports: dict[str, Path] = field(default_factory=dict[str, Path])
    file_id: str = ""
    """A data set of which evaluations can be started."""

    def process(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """Start a command of the command line as a process."""
        environment = {**os.environ, **self.home.environment(), **variables}
        return subprocess.Popen(
            [*COMMAND, *arguments], env=environment, stdout=subprocess.PIPE, text=True
        )

    async def report(self, name: str, *arguments: str) -> None:
        """Write a report with the command."""
        path = self.home.folder / f"{name}.html"
        process = self.process("report", *arguments, "--output", str(path))
        output, _ = await to_thread.run_sync(process.communicate)
        assert process.returncode == 0, output
        self.reports[name] = path

    async def running(self, model: str = "judge-slow") -> str:
        """Start an evaluation that takes a while, and return its id."""
        arguments = classify(self.file_id, model=model)
        judge = arguments["judge"] | {"num_workers": 2}
        arguments |= {"judge": judge, "again": True}
        return await judged(self.server, wait=False, **arguments)


@asynccontextmanager
async def open_world(ways: int = 2) -> AsyncGenerator[World]:
    """Make everything, and open a browser."""
    # Installed by `packages.install`.
    from playwright.async_api import async_playwright  # noqa: PLC0415

    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(ignore_cleanup_errors=True)))
        home, server = await stack.enter_async_context(open_home(folder))
        playwright = await stack.enter_async_context(async_playwright())
        browser = await playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        stack.push_async_callback(browser.close)
        careful = home.settings(budget={"confirm_above_calls": 0})
        asking = await stack.enter_async_context(
            served(home.provider, configured=careful, hang_guard=HANG_GUARD)
        )
        world = World(home, server, asking, browser)
        await fill(home, server, ways)
        await fill_hostile(home, server, hostile_rows())
        rows = [
            {name: text for name, text in row.items() if name != "answer_v2"}
            for row in support_rows(1)
        ]
        world.file_id = await upload(server, folder, rows, "slow")
        home.ids["stopped"] = await cancelled(home, server, world.file_id)
        await _reports(world)
        yield world


async def _reports(world: World) -> None:
    ids = world.home.ids
    await world.report("classify", ids["v1"], "--by", "topic")
    await world.report("score", ids["score"])
    await world.report("compare", ids["compare"])
    await world.report("comparison", ids["v1"], ids["v2"], "--by", "topic")
    await world.report("judges", ids["v2"], ids["small"])
    await world.report("scores", ids["score"], ids["score_v2"])
    await world.report("hostile", ids["hostile"])
    await world.report("stopped", ids["stopped"])


async def large_report(folder: Path, rows: int) -> Path:
    """Return a report of so many rows."""
    content = jsonl(*_many(rows))
    provider = FakeProvider(jobs=[job()], contents={"file-1": content})
    async with session_of(provider, folder) as session:
        made = await evaluation_report(session, "eval-1", Extent(rows=rows))
    path = folder / "large.html"
    path.write_bytes(made.document)
    return path


def _many(rows: int) -> Iterator[dict[str, Any]]:
    for n in range(rows):
        yield {
            "question": f"Question {n}: " + "how does it work, and why? " * 8,
            "topic": f"topic {n % 7}",
            "answer": f"Answer {n}. " + "It works as the manual says. " * 10,
            "label": "good" if n % 3 else "bad",
            "feedback": f"Reason {n}.\n\n" + "The reference says the same. " * 5,
        }


@contextmanager
def viewer(
    world: World, arguments: Sequence[str] = (), **variables: str
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Start a viewer; yield its address and its process, which is ended afterwards."""
    process = world.process("view", *arguments, **variables)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip(), process
    finally:
        process.terminate()
        process.wait(60)
        process.stdout.close()
