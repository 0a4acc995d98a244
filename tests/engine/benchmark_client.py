"""A client of `/api/v3`, an engine for it, and models that know some capitals."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import httpx2
from dirty_equals import IsStr

from evals_engine.app import create_app
from evals_engine.config import EngineConfig, ModelEndpoint
from evals_schemas.benchmark_api.benchmarks import (
    BenchmarkCreated,
    BenchmarkDownload,
    BenchmarkStatus,
    BenchmarkUploaded,
    BenchmarkWireResults,
)
from tests.engine.model_server import ChatRequest, ModelServer, Reply, completion

TIME = IsStr(regex=r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
CAPITALS = [
    {"question_num": 1, "question": "Capital of France?", "answer": "Paris"},
    {"question_num": 2, "question": "Capital of Italy?", "answer": "Rome"},
    {"question_num": 3, "question": "Capital of Spain?", "answer": "Madrid"},
    {"question_num": 4, "question": "Capital of Japan?", "answer": "Tokyo"},
]
ANSWERS = {one["question"]: one["answer"] for one in CAPITALS}
MODELS = ("alpha", "beta", "judge-1")


class BenchmarkClient:
    """What the tests say to an engine under `/api/v3`."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self.http = http

    async def upload(self, questions: Any = CAPITALS, **fields: str) -> str:
        """Upload questions that must be accepted, and answer the benchmark's id."""
        answer = await self.upload_bytes(json.dumps(questions).encode(), **fields)
        assert answer.status_code == 200, answer.text
        return BenchmarkUploaded.model_validate(answer.json()).benchmark_id

    async def upload_bytes(self, data: bytes, **fields: str) -> httpx2.Response:
        """Upload a file as it is."""
        files = {"file": ("capitals.json", data)}
        return await self.http.post("/benchmark/upload", files=files, data=fields)

    async def create(self, **body: Any) -> str:
        """Create an evaluation that must be accepted, and answer its id."""
        answer = await self.http.post("/evaluations", json=body)
        assert answer.status_code == 200, answer.text
        return BenchmarkCreated.model_validate(answer.json()).evaluation_id

    async def until(
        self, evaluation_id: str, reached: Callable[[dict[str, Any]], bool], seconds: float = 60
    ) -> dict[str, Any]:
        """Read the status until it is as wanted."""
        with anyio.fail_after(seconds):
            while True:
                answer = await self.http.get(f"/evaluations/{evaluation_id}/status")
                status = answer.json()
                BenchmarkStatus.model_validate(status)
                if reached(status):
                    return status
                await anyio.sleep(0.01)

    async def results(self, evaluation_id: str) -> dict[str, Any]:
        """Wait for the end, and answer the results."""
        await self.until(evaluation_id, has_ended)
        answer = await self.http.get(f"/evaluations/{evaluation_id}/results")
        assert answer.status_code == 200, answer.text
        BenchmarkWireResults.model_validate(answer.json())
        return answer.json()

    async def rows(self, evaluation_id: str) -> list[dict[str, Any]]:
        """The answers of an evaluation that has ended."""
        answer = (await self.http.get(f"/evaluations/{evaluation_id}/download")).json()
        BenchmarkDownload.model_validate(answer)
        return answer["detailed_results"]

    async def detail(self, method: str, path: str, status: int, **sent: Any) -> str:
        """The text of an error that has this status and the contract's form."""
        answer = await self.http.request(method, path, **sent)
        assert answer.status_code == status, answer.text
        assert set(answer.json()) == {"detail"}
        assert isinstance(answer.json()["detail"], str)
        return answer.json()["detail"]


def has_ended(status: dict[str, Any]) -> bool:
    return status["status"] in {"completed", "failed"}


@asynccontextmanager
async def serving(
    config: EngineConfig, headers: dict[str, str] | None = None
) -> AsyncGenerator[BenchmarkClient]:
    app = create_app(config)
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(
            transport=transport, base_url="http://engine/api/v3", timeout=60, headers=headers
        ) as http,
    ):
        yield BenchmarkClient(http)


def config_of(folder: Path, server: ModelServer, **changes: Any) -> EngineConfig:
    config = EngineConfig(
        folder / "engine", serverless=ModelEndpoint(server.base_url), max_retries=0
    )
    return replace(config, **changes)


@asynccontextmanager
async def with_models(
    folder: Path, reply: Callable[[ChatRequest], Reply], **changes: Any
) -> AsyncGenerator[BenchmarkClient]:
    async with (
        ModelServer(reply, models=MODELS) as server,
        serving(config_of(folder, server, **changes)) as client,
    ):
        yield client


def knows_all(request: ChatRequest) -> Reply:
    return completion(f"It is {ANSWERS[str(request.user)]}.")


def beta_knows_half(request: ChatRequest) -> Reply:
    if request.body["model"] == "beta" and "n?" not in str(request.user):
        return completion("I do not know.")
    return knows_all(request)
