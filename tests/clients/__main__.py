"""Runs the story through every client and prints how far each came.

The first run installs the clients, which takes their registries; nothing else leaves this machine.
Words behind the command keep the runs whose client has one of them in its name.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio

from tests.clients.driven import driven
from tests.clients.install import BUILD, NPM, install
from tests.clients.runs import RUNS, Run
from tests.clients.story import STEPS, Reader, UnreadableError
from tests.engine.model_server import ModelServer, verdict
from tests.journeys.served_http import served_over_http

LOGS = BUILD / "logs"
LINE = "{:38} {:6} {:11}" + "{:>10}" * len(STEPS) + "{:>8}"


@dataclass
class Outcome:
    """How far one run came."""

    done: list[str] = field(default_factory=list[str])
    """The steps that went well."""
    sees: str = ""
    """Which parts of an answer the model saw."""
    fault: str | None = None
    seconds: float = 0.0


async def main(words: Sequence[str]) -> int:
    """Run all; 0 where every client came to the end."""
    install()
    LOGS.mkdir(exist_ok=True)
    chosen = [run for run in RUNS if not words or any(word in run.client for word in words)]
    print(LINE.format("client", "over", "sees", *(step.__name__ for step in STEPS), "seconds"))
    faults: list[str] = []
    async with ModelServer(lambda _: verdict(feedback="", label="good"), ["fixed"]) as model:
        for number, run in enumerate(chosen):
            log = LOGS / f"{number:02}-{Path(run.driver).stem}-{run.over}.txt"
            outcome = await told(run, model.base_url, log)
            print(row(run, outcome), flush=True)
            if outcome.fault:
                way = " ".join(filter(None, (run.client, "over", run.over, run.view)))
                faults.append(f"\n{way}: {outcome.fault}\nLog: {log}")
    print(*faults, sep="\n")
    print(f"{len(chosen) - len(faults)} of {len(chosen)} clients did the main job")
    return int(bool(faults) or not chosen)


async def told(run: Run, model_url: str, log: Path) -> Outcome:
    """Tell one client the story, with a server and a data folder of its own."""
    outcome, started = Outcome(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="evals-mcp-clients-") as data, log.open("w") as errors:
        try:
            async with (
                served(run, Path(data), model_url) as target,
                driven(run.command(target), NPM, errors) as client,
            ):
                await _tell(Reader(client), outcome)
        except UnreadableError as fault:
            outcome.fault = str(fault)
    outcome.seconds = time.monotonic() - started
    return outcome


async def _tell(reader: Reader, outcome: Outcome) -> None:
    for step in STEPS:
        await step(reader)
        outcome.done.append(step.__name__)
        outcome.sees = "+".join(sorted(reader.forms))


@asynccontextmanager
async def served(run: Run, data: Path, model_url: str) -> AsyncGenerator[dict[str, Any]]:
    """What a driver is told of its server: the command to start, or the address of one started."""
    settings = {
        "SERVER__PROVIDER": "local",
        "LOCAL__MODELS__BASE_URL": model_url,
        "BUDGET__CONFIRM_ABOVE_CALLS": "0",
    }
    if run.over == "http":
        async with served_over_http(data, **settings) as server:
            yield {"url": server.url}
        return
    settings |= {
        "LOCAL__DATA_DIR": str(data / "engine"),
        "RESULTS__CACHE_DIR": str(data / "results"),
        "BUDGET__KEY_FILE": str(data / "confirm.key"),
    }
    yield {
        "command": sys.executable,
        "args": ["-m", "evals_mcp.cli"],
        "cwd": str(data),
        "env": {f"EVALS_MCP_{name}": value for name, value in settings.items()},
    }


def row(run: Run, outcome: Outcome) -> str:
    """A line of the table: the first step that is not done is the one that failed."""
    marks = ["ok"] * len(outcome.done)
    if len(marks) < len(STEPS):
        marks += ["FAILED", *["-"] * (len(STEPS) - len(marks) - 1)]
    name = run.client.removeprefix("@modelcontextprotocol/")
    return LINE.format(name, run.over, outcome.sees, *marks, f"{outcome.seconds:.1f}")


if __name__ == "__main__":
    sys.exit(anyio.run(main, sys.argv[1:]))
