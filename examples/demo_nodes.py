"""One evaluation on several nodes, one of which is killed half way.

Starts a PostgreSQL, `evals-mcp engine --no-runs` to answer requests, two `evals-mcp worker`, a
model endpoint that takes a second for each call, and `evals-mcp` over stdio, which uses the engine
as it uses any service. Run it with `make demo-nodes`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
from demo import call, says
from mcp import Client, StdioServerParameters
from tests.postgres import FAST, PostgresServer
from tests.proofs.nodes.endpoint import CountingEndpoint
from tests.proofs.nodes.machines import busiest_worker

from evals_engine.nodes.migrate import migrate

ROWS = 600
LEASE_SECONDS = "3"
ADDRESS = "http://127.0.0.1:{port}/v1"

CLASSIFY: dict[str, Any] = {
    "type": "classify",
    "judge": {
        "model": "judge-1",
        "model_source": "serverless",
        "num_workers": 64,
        "system_template": "Is the answer right? {{ question }}",
    },
    "labels": ["good", "bad"],
    "pass_labels": ["good"],
    "response_column": "answer",
}


async def main() -> None:
    """Start everything, hold the conversation, and kill a worker half way."""
    started = time.monotonic()
    server = PostgresServer(**FAST).start()
    says("machine", f"PostgreSQL answers at port {server.port}")
    migrate(server.url)
    try:
        with tempfile.TemporaryDirectory(prefix="evals-mcp-demo-") as folder:
            async with CountingEndpoint(latency=0.5) as endpoint:
                await _converse(Path(folder), server.url, endpoint)
    finally:
        server.stop()
    says("machine", f"{time.monotonic() - started:.0f} s in all; every process has ended")


async def _converse(folder: Path, database: str, endpoint: CountingEndpoint) -> None:
    environment = os.environ | {
        "EVALS_MCP_LOCAL__DATABASE_URL": database,
        "EVALS_MCP_LOCAL__DATA_DIR": str(folder / "engine"),
        "EVALS_MCP_LOCAL__MODELS__BASE_URL": endpoint.base_url,
        "EVALS_MCP_LOCAL__LEASE_SECONDS": LEASE_SECONDS,
    }
    with (
        _process(environment, "engine", "--no-runs", "--port", "0") as line,
        _process(environment, "worker"),
        _process(environment, "worker"),
    ):
        address = line.split()[-1]
        says("machine", f"a replica answers at {address}; two workers wait, without a port")
        (folder / "answers.jsonl").write_text("".join(map(_row, range(ROWS))))
        parameters = StdioServerParameters(
            command=sys.executable,
            args=["-m", "evals_mcp.cli"],
            cwd=folder,
            env={
                "EVALS_MCP_SERVER__PROVIDER": "together",
                "EVALS_MCP_TOGETHER__BASE_URL": address,
                "EVALS_MCP_TOGETHER__TOKEN": "not-checked-here",
                "EVALS_MCP_LOCAL__BESIDE_VENDORS": "false",
                "EVALS_MCP_STATE__FOLDER": str(folder / "state"),
            },
        )
        async with Client(parameters) as client, anyio.create_task_group() as tasks:
            says("you", f"How good are the {ROWS} answers of our bot?")
            upload = await call(client, "upload_dataset", {"path": "answers.jsonl"})
            tasks.start_soon(_kill_half_way, endpoint, database)
            request = CLASSIFY | {"input_data_file_path": upload["file_id"]}
            created = await call(client, "create_evaluation", request)
            evaluation = {"evaluation_id": created["evaluation_id"]}
            await call(client, "get_status", {**evaluation, "wait_seconds": 45})
            summary = await call(client, "get_evaluation", evaluation)
            judged, again = len(endpoint.by_row), endpoint.repeated
            says("machine", f"{summary['status']}: {ROWS - judged} rows lost, {again} judged again")


async def _kill_half_way(endpoint: CountingEndpoint, database: str) -> None:
    await endpoint.asked_about(ROWS // 2)
    if (worker := busiest_worker(database)) is not None:
        os.kill(worker, signal.SIGKILL)
        says("machine", f"one worker was killed (-9) after {len(endpoint.by_row)} rows")


@contextmanager
def _process(environment: dict[str, str], *arguments: str) -> Generator[str]:
    """Start a command; yield its first line; end it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "evals_mcp.cli", *arguments],
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline()
    finally:
        process.terminate()
        process.wait(60)
        process.stdout.close()


def _row(number: int) -> str:
    question = f"ROW-{number} What does sensor {number} show?"
    return json.dumps({"question": question, "answer": f"{number % 7}"}) + "\n"


if __name__ == "__main__":
    anyio.run(main)
