"""Several nodes on one PostgreSQL, as processes of this machine, and a replica in this process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

import anyio
from anyio import to_thread
from pydantic import SecretStr

from evals_engine.config import EngineConfig, ModelEndpoint
from evals_engine.nodes.database import connect
from evals_engine.nodes.migrate import migrate
from tests.engine.running import EngineClient, running_engine
from tests.postgres import PostgresServer
from tests.proofs.nodes.endpoint import CountingEndpoint

JUDGE = {
    "model": "judge-1",
    "model_source": "serverless",
    "system_template": "Is it right? {{ question }}",
}
CANDIDATE = {
    "model": "candidate-1",
    "model_source": "serverless",
    "system_template": "",
    "input_template": "{{ question }}",
}
RULE = {
    "model": "rule/contains",
    "model_source": "serverless",
    "system_template": "{{ expected }}",
}


@dataclass
class Machines:
    """A database, an endpoint, a replica that answers requests, and the workers."""

    folder: Path
    postgres: PostgresServer
    endpoint: CountingEndpoint
    lease: float
    client: EngineClient
    workers: list[subprocess.Popen[str]] = field(default_factory=list[subprocess.Popen[str]])

    def speak_as(self, owner: str) -> None:
        """Send the token of an owner, `local` or `ann`, with all further requests."""
        self.client.http.headers["Authorization"] = f"Bearer token of {owner}"

    async def start_worker(
        self, url: str | None = None, source: Path | None = None
    ) -> subprocess.Popen[str]:
        """Start a worker; return once it takes tickets.

        Args:
            url: Another way to the database.
            source: A folder with another version of the packages.

        Raises:
            AssertionError: It has ended instead; the message is its log.
        """
        environment = {
            **surroundings(source),
            "EVALS_MCP_LOCAL__DATA_DIR": str(self.folder),
            "EVALS_MCP_LOCAL__DATABASE_URL": url or self.postgres.url,
            "EVALS_MCP_LOCAL__MODELS__BASE_URL": self.endpoint.base_url,
            "EVALS_MCP_LOCAL__LEASE_SECONDS": str(self.lease),
            "EVALS_MCP_LOCAL__STOP_SECONDS": "10",
        }
        log = self.folder / f"worker-{len(self.workers)}.log"
        worker = _started(environment, log)
        self.workers.append(worker)
        with anyio.fail_after(60):
            line = await to_thread.run_sync(cast("IO[str]", worker.stdout).readline)
        assert "takes tickets" in line, log.read_text()
        return worker

    async def judged(self, rows: int, workers: int) -> str:
        """Begin an evaluation whose judge is a model; return its id."""
        return await self.create(rows, JUDGE | {"num_workers": workers}, "answer", {})

    async def answered(self, rows: int, workers: int) -> str:
        """Begin an evaluation whose candidate is a model and whose judge is a rule."""
        return await self.create(rows, RULE, CANDIDATE | {"num_workers": workers}, {})

    async def create(
        self, rows: int, judge: dict[str, Any], candidate: Any, fields: dict[str, Any]
    ) -> str:
        """Upload rows and begin an evaluation of them; return its id."""
        file = await self.client.upload(data_set(rows, judge, candidate))
        return await self.client.create("classify", **parameters(file, judge, candidate), **fields)

    def query(self, statement: str) -> list[dict[str, Any]]:
        """Return the records of a statement."""
        with connect(self.postgres.url) as connection:
            return connection.execute(statement.encode()).fetchall()

    def busiest(self) -> subprocess.Popen[str]:
        """Return the worker with the most shards in hand."""
        pid = busiest_worker(self.postgres.url)
        return next(worker for worker in self.workers if worker.pid == pid)

    def end(self) -> None:
        """End all workers."""
        for worker in self.workers:
            if worker.poll() is None:
                worker.send_signal(signal.SIGCONT)
                worker.kill()
            worker.wait(60)
            cast("IO[str]", worker.stdout).close()


def surroundings(source: Path | None = None) -> dict[str, str]:
    """Return the environment without settings, in which the packages come from a folder."""
    usual = {name: value for name, value in os.environ.items() if not name.startswith("EVALS_")}
    if source is not None:
        usual["PYTHONPATH"] = os.pathsep.join([str(source / "server"), str(source / "schemas")])
    return usual


def _started(environment: dict[str, str], log: Path) -> subprocess.Popen[str]:
    with log.open("w") as errors:
        return subprocess.Popen(
            [sys.executable, "-m", "evals_mcp.cli", "worker"],
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environment,
            text=True,
        )


def busiest_worker(url: str) -> int | None:
    """Return the process id of the worker with the most shards in hand; None if none has any."""
    with connect(url) as connection:
        holders = connection.execute(
            "SELECT holder FROM shards WHERE state = 'doing' AND number >= 0"
            " GROUP BY holder ORDER BY count(*) DESC LIMIT 1"
        ).fetchone()
    return int(holders["holder"].split(":")[1]) if holders else None


def parameters(file: str, judge: dict[str, Any], candidate: Any) -> dict[str, Any]:
    """Return the parameters of an evaluation of an uploaded file."""
    labels = ["pass", "fail"] if judge["model"].startswith("rule/") else ["good", "bad"]
    return {
        "input_data_file_path": file,
        "judge": judge,
        "model_to_evaluate": candidate,
        "labels": labels,
        "pass_labels": labels[:1],
    }


def data_set(rows: int, judge: dict[str, Any], candidate: Any) -> Iterable[dict[str, Any]]:
    """Yield rows with the columns that an evaluation reads."""
    for number in range(rows):
        row = {"question": f"ROW-{number} What does the sensor show?"}
        if candidate == "answer":
            row["answer"] = f"nothing {number}"
        if judge["model"].startswith("rule/"):
            row["expected"] = f"answer {number % 7}"
        yield row


@asynccontextmanager
async def machines(
    workers: int, latency: float = 0.1, lease: float = 30.0
) -> AsyncGenerator[Machines]:
    """Yield a database with a replica and some workers; end all of them.

    Args:
        workers: How many are started.
        latency: Seconds that the endpoint takes for a call.
        lease: Seconds of a lease.
    """
    server = await to_thread.run_sync(lambda: PostgresServer().start())
    try:
        await to_thread.run_sync(migrate, server.url)
        with tempfile.TemporaryDirectory(prefix="evals-mcp-nodes-") as folder:
            async with CountingEndpoint(latency) as endpoint:
                config = EngineConfig(
                    data_dir=Path(folder),
                    database_url=SecretStr(server.url),
                    serverless=ModelEndpoint(endpoint.base_url),
                    lease_seconds=lease,
                    runs_evaluations=False,
                    token=SecretStr("token of local"),
                    tokens={"ann": SecretStr("token of ann")},
                )
                async with running_engine(config) as client:
                    each = Machines(Path(folder), server, endpoint, lease, client)
                    each.speak_as("local")
                    try:
                        for _ in range(workers):
                            await each.start_worker()
                        yield each
                    finally:
                        with anyio.CancelScope(shield=True):
                            await to_thread.run_sync(each.end)
    finally:
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(server.stop)


async def undisturbed(folder: Path, endpoint: CountingEndpoint, rows: int, workers: int) -> bytes:
    """Return the result file of the engine on SQLite, of the same evaluation."""
    config = EngineConfig(data_dir=folder, serverless=ModelEndpoint(endpoint.base_url))
    async with running_engine(config) as client:
        candidate = CANDIDATE | {"num_workers": workers}
        file = await client.upload(data_set(rows, RULE, candidate))
        created = await client.create("classify", **parameters(file, RULE, candidate))
        return await result_bytes(client, await client.finished(created, seconds=300))


async def result_bytes(client: EngineClient, job: dict[str, Any]) -> bytes:
    """Return the result file of an ended evaluation."""
    assert "result_file_id" in (job["results"] or {}), json.dumps(job)[:2_000]
    answer = await client.http.get(f"/files/{job['results']['result_file_id']}/content")
    return answer.content
