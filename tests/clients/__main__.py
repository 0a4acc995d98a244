"""Runs the story through every client and prints which steps each client completed.

The first run installs the clients from their registries; nothing else leaves this machine. Words
after the command select the clients whose name contains one of them.
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
    """The result of one run."""

    done: list[str] = field(default_factory=list[str])
    """The names of the completed steps."""
    sees: str = ""
    """The parts of an answer that the model saw."""
    fault: str | None = None
    seconds: float = 0.0


async def main(words: Sequence[str]) -> int:
    """Run the chosen clients; return 0 if every client completed the story, else 1."""
    install()
    LOGS.mkdir(exist_ok=True)
    chosen = [run for run in RUNS if not words or any(word in run.client for word in words)]
    print(LINE.format("client", "over", "sees", *(step.__name__ for step in STEPS), "seconds"))
    faults: list[str] = []
    async with ModelServer(lambda _: verdict(feedback="", label="good"), ["fixed"]) as model:
        for number, run in enumerate(chosen):
            log = LOGS / f"{number:02}-{Path(run.driver).stem}-{run.over}.txt"
            outcome = await run_story(run, model.base_url, log)
            print(row(run, outcome), flush=True)
            if outcome.fault:
                way = " ".join(filter(None, (run.client, "over", run.over, run.view)))
                faults.append(f"\n{way}: {outcome.fault}\nLog: {log}")
    print(*faults, sep="\n")
    print(f"{len(chosen) - len(faults)} of {len(chosen)} clients did the main job")
    return int(bool(faults) or not chosen)


async def run_story(run: Run, model_url: str, log: Path) -> Outcome:
    """Run the story through one client, with its own server and data folder."""
    outcome, started = Outcome(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="evals-mcp-clients-") as data, log.open("w") as errors:
        try:
            async with (
                served(run, Path(data), model_url) as target,
                driven(run.command(target), NPM, errors) as client,
            ):
                await _run_steps(Reader(client), outcome)
        except UnreadableError as fault:
            outcome.fault = str(fault)
    outcome.seconds = time.monotonic() - started
    return outcome


async def _run_steps(reader: Reader, outcome: Outcome) -> None:
    for step in STEPS:
        await step(reader)
        outcome.done.append(step.__name__)
        outcome.sees = "+".join(sorted(reader.forms))


@asynccontextmanager
async def served(run: Run, data: Path, model_url: str) -> AsyncGenerator[dict[str, Any]]:
    """Yield the driver's server: the command to start, or the address of a running server."""
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
        "STATE__FOLDER": str(data / "state"),
    }
    yield {
        "command": sys.executable,
        "args": ["-m", "evals_mcp.cli"],
        "cwd": str(data),
        "env": {f"EVALS_MCP_{name}": value for name, value in settings.items()},
    }


def row(run: Run, outcome: Outcome) -> str:
    """Return a line of the table; the step after the completed ones has failed."""
    marks = ["ok"] * len(outcome.done)
    if len(marks) < len(STEPS):
        marks += ["FAILED", *["-"] * (len(STEPS) - len(marks) - 1)]
    name = run.client.removeprefix("@modelcontextprotocol/")
    return LINE.format(name, run.over, outcome.sees, *marks, f"{outcome.seconds:.1f}")


if __name__ == "__main__":
    sys.exit(anyio.run(main, sys.argv[1:]))
