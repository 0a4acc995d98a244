"""The services of `deploy/compose-nodes.yaml`, run as they are written, without containers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Any, cast

import anyio
import httpx2
import pytest
import yaml  # pyright: ignore[reportMissingModuleSource] - without types
from anyio import to_thread

from evals_engine.nodes.database import connect
from tests.engine.model_server import ModelServer, verdict
from tests.engine.running import MODEL_JUDGE, EngineClient
from tests.postgres import FAST, PostgresServer, binaries

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
FILE = DEPLOY / "compose-nodes.yaml"

VARIABLE = re.compile(r"\$\{(\w+):\?\}")
"""A variable that must be set, as the file has them."""

TOKEN, PASSWORD = "of-the-engine-0123", "letters4digits"

ROWS = [{"expected": "a", "answer": "a"}, {"expected": "a", "answer": "b"}]


def composed(**values: str) -> dict[str, Any]:
    """Return the file with these values of its variables."""
    text = VARIABLE.sub(lambda variable: values[variable[1]], FILE.read_text(encoding="utf-8"))
    return yaml.safe_load(text)


def in_seconds(text: str) -> int:
    assert text.endswith("s")
    return int(text[:-1])


def test_the_file_refers_to_what_there_is() -> None:
    text = FILE.read_text(encoding="utf-8")
    head = "".join(line for line in text.splitlines() if line.startswith("#"))
    variables = set(VARIABLE.findall(text))
    assert "${" not in VARIABLE.sub("", text)
    assert not [name for name in variables if name not in head]
    file = composed(**dict.fromkeys(variables, "x"))
    services = file["services"]
    for name, service in services.items():
        assert set(service.get("depends_on", {})) <= set(services), name
        if build := service.get("build"):
            context = (DEPLOY / build["context"]).resolve()
            assert (context / build["dockerfile"]).is_file()
            # The rows in flight have 30 s, and what follows 2 s; a kill meanwhile repeats them.
            assert in_seconds(service["stop_grace_period"]) > 32
            assert service["read_only"] is True
    assert services["migration"]["restart"] == "no"
    assert set(file["volumes"]) == {
        volume.split(":")[0] for each in services.values() for volume in each.get("volumes", [])
    }


class Service:
    """A service of the file, as a process of this machine."""

    def __init__(self, folder: Path, service: dict[str, Any], database: str) -> None:
        """Prepare the service of a file; `database` is the address that stands for its host."""
        self._folder = folder
        environment: dict[str, str] = service["environment"]
        url = environment["EVALS_MCP_LOCAL__DATABASE_URL"]
        assert "@database:5432/" in url
        usual = {name: text for name, text in os.environ.items() if not name.startswith("EVALS_")}
        moved = {"EVALS_MCP_LOCAL__DATABASE_URL": url.replace("database:5432", database)}
        self._environment = {**usual, **environment, **moved, "HOME": str(folder)}
        self._command = [sys.executable, "-m", "evals_mcp.cli", *map(free_port, service["command"])]

    async def ended(self) -> str:
        """Run the service to its end; return what it has printed."""
        done = await anyio.run_process(
            self._command, cwd=self._folder, env=self._environment, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[str]:
        """Yield the first line of the service; stop it at the end."""
        process = self._started()
        output = cast("IO[str]", process.stdout)
        try:
            with anyio.fail_after(120):
                yield await to_thread.run_sync(output.readline)
        finally:
            process.terminate()
            with anyio.CancelScope(shield=True):
                assert await to_thread.run_sync(process.wait, 120) == 0
            output.close()

    def _started(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self._command,
            cwd=self._folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            text=True,
        )


def free_port(argument: str) -> str:
    """Return an argument of a command, or 0 for the port, which another process may have."""
    return "0" if argument == "8001" else argument


@pytest.mark.usefixtures("lines_not_counted")
async def test_each_service_starts_with_its_command_and_its_variables(tmp_path: Path) -> None:
    async with ModelServer(lambda _: verdict(feedback="", label="right")) as models:
        values = {"POSTGRES_PASSWORD": PASSWORD, "EVALS_ENGINE_TOKEN": TOKEN}
        file = composed(MODELS_BASE_URL=models.base_url, **values)
        services = file["services"]
        server = await to_thread.run_sync(lambda: PostgresServer(**FAST).start())
        try:
            await prepared(server, services["database"])
            address = f"127.0.0.1:{server.port}"
            migration, engine, worker = (
                Service(tmp_path, services[name], address)
                for name in ("migration", "engine", "worker")
            )
            await migration.ended()
            async with engine.running() as line, worker.running() as takes:
                assert "takes tickets" in takes
                await judged(line.split()[-1].replace("0.0.0.0", "127.0.0.1"))
        finally:
            with anyio.CancelScope(shield=True):
                await to_thread.run_sync(server.stop)
    # The containers are read-only.
    assert not list(tmp_path.rglob("*"))


async def prepared(server: PostgresServer, service: dict[str, Any]) -> None:
    """Do what the image of the database does with its variables; ask it whether it is healthy."""
    given = service["environment"]
    user, name = given["POSTGRES_USER"], given["POSTGRES_DB"]
    with connect(server.url) as connection:
        create = f"CREATE ROLE {user} LOGIN SUPERUSER PASSWORD '{given['POSTGRES_PASSWORD']}'"
        connection.execute(create.encode())
        connection.execute(f"CREATE DATABASE {name} OWNER {user}".encode())
    check = service["healthcheck"]["test"]
    assert check[0] == "CMD"
    address = ["--host", "127.0.0.1", "--port", str(server.port)]
    await anyio.run_process([str(binaries() / check[1]), *check[2:], *address])


async def judged(url: str) -> None:
    """Judge rows at a served engine, to which a request without the token has no access."""
    async with httpx2.AsyncClient(base_url=url, trust_env=False, timeout=60) as http:
        assert (await http.get("/evaluation")).status_code == 401
        http.headers["Authorization"] = f"Bearer {TOKEN}"
        client = EngineClient(http)
        evaluation = await client.create(
            "classify",
            judge=MODEL_JUDGE,
            labels=["right", "wrong"],
            pass_labels=["right"],
            model_to_evaluate="answer",
            input_data_file_path=await client.upload(ROWS),
        )
        job = await client.finished(evaluation)
        assert job["status"] == "completed", job
        metrics = await http.get(f"{url.removesuffix('/v1')}/metrics")
        assert "\nevals_rows_done_total 2\n" in metrics.text
        assert '\nevals_nodes{state="alive"} 1\n' in metrics.text
