"""A running engine without a port: the real app, its lifespan entered, reached over ASGI."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import httpx2

from evals_engine.app import create_app
from evals_engine.config import EngineConfig
from evals_schemas.evaluation_api.evaluations import ENDED

RULE_JUDGE = {
    "model": "rule/exact-match",
    "model_source": "serverless",
    "system_template": "{{ expected }}",
}
MODEL_JUDGE = {
    "model": "judge-1",
    "model_source": "serverless",
    "system_template": "Is it right? Expected: {{ expected }}",
}


class EngineClient:
    """What the tests say to an engine."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self.http = http

    async def upload(self, rows: Iterable[dict[str, Any]], name: str = "data.jsonl") -> str:
        """Upload rows and answer the file's id."""
        data = "".join(json.dumps(row) + "\n" for row in rows).encode()
        return (await self.upload_bytes(data, name))["id"]

    async def upload_bytes(self, data: bytes, name: str) -> dict[str, Any]:
        """Upload bytes as they are and answer the body, whatever the status."""
        answer = await self.http.post(
            "/files/upload", files={"file": (name, data)}, data={"purpose": "eval"}
        )
        return answer.json()

    async def create(self, kind: str, **parameters: Any) -> str:
        """Create an evaluation that must be accepted and answer its id."""
        body = {"type": kind, "parameters": parameters}
        answer = await self.http.post("/evaluation", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()["workflow_id"]

    async def finished(self, evaluation_id: str, seconds: float = 60) -> dict[str, Any]:
        """Wait for the end of an evaluation and answer the job."""
        return await self.until(evaluation_id, lambda job: job["status"] in ENDED, seconds)

    async def until(
        self, evaluation_id: str, reached: Callable[[dict[str, Any]], bool], seconds: float = 60
    ) -> dict[str, Any]:
        """Read an evaluation until it is as wanted, and answer the job."""
        with anyio.fail_after(seconds):
            while True:
                job = (await self.http.get(f"/evaluation/{evaluation_id}")).json()
                if reached(job):
                    return job
                await anyio.sleep(0.01)

    async def result_rows(self, job: dict[str, Any]) -> list[dict[str, Any]]:
        """The rows of a finished evaluation's result file."""
        file_id = job["results"]["result_file_id"]
        answer = await self.http.get(f"/files/{file_id}/content")
        return [json.loads(line) for line in answer.text.splitlines()]


@asynccontextmanager
async def running_engine(
    config: EngineConfig | Path, *, clock: Callable[[], float] = time.time, **changes: Any
) -> AsyncGenerator[EngineClient]:
    """An engine on a data directory, stopped at the end as a graceful shutdown stops it."""
    if isinstance(config, Path):
        config = EngineConfig(data_dir=config)
    # A model that never answers holds no test for long.
    changes = {"stop_seconds": 1.0} | changes
    app = create_app(replace(config, **changes), clock)
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://engine/v1", timeout=60) as http,
    ):
        yield EngineClient(http)
