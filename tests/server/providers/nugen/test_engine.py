"""The benchmark provider on the embedded engine, in process and with the real app."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest

from evals_engine.app import create_app
from evals_engine.config import EngineConfig, ModelEndpoint
from evals_mcp.errors import CallerError, InvalidRequestError, NotFoundError
from evals_mcp.local_engine.in_process import InProcessTransport
from evals_mcp.local_engine.service import LOCAL
from evals_mcp.providers.nugen.provider import NugenProvider
from evals_mcp.providers.rest.client import RestClient
from evals_mcp.providers.rest.service import Service
from evals_schemas.benchmark_api.benchmarks import BenchmarkRequest, BenchmarkResults
from evals_schemas.evaluation_api.evaluations import ENDED, EvaluationJob, EvaluationStatus
from tests.engine.model_server import ChatRequest, ModelServer, Reply, completion
from tests.server.nugen_exchanges import lines_of

CAPITALS = {
    "Capital of Peru?": "Lima",
    "Capital of Chad?": "N'Djamena",
    "Capital of Laos?": "Vientiane",
}


def one_knows_all(request: ChatRequest) -> Reply:
    """`alpha` knows every capital, any other model Lima only."""
    knows = request.body["model"] == "alpha" or "Peru" in str(request.user)
    return completion(CAPITALS[str(request.user)] if knows else "I do not know.")


@asynccontextmanager
async def local(
    folder: Path, reply: Callable[[ChatRequest], Reply] = one_knows_all
) -> AsyncGenerator[NugenProvider]:
    service = Service("local", "http://engine", None, "local.data_dir", "engine.token", str(folder))
    async with ModelServer(reply, models=("alpha", "beta")) as server:
        config = EngineConfig(folder, serverless=ModelEndpoint(server.base_url), max_retries=0)
        app = create_app(config)
        with anyio.fail_after(60):
            async with (
                app.router.lifespan_context(app),
                httpx2.AsyncClient(transport=InProcessTransport(app)) as client,
            ):
                yield NugenProvider(
                    "local",
                    RestClient(client, service),
                    LOCAL.capabilities,
                    generation=1,
                    deadline=None,
                    clock=lambda: datetime.now(UTC),
                )


async def uploaded(
    provider: NugenProvider, folder: Path, questions: Mapping[str, str] = CAPITALS
) -> str:
    path = folder / "capitals.jsonl"
    rows = [json.dumps({"question": q, "answer": a}) for q, a in questions.items()]
    path.write_text("\n".join(rows) + "\n", "utf-8")
    return (await provider.upload_benchmark(path, "capitals.jsonl")).id


async def until(
    provider: NugenProvider, evaluation_id: str, reached: Callable[[EvaluationStatus], bool]
) -> EvaluationJob:
    """Poll until a status is as wanted, within the bound of `local`."""
    while True:
        if reached(await provider.get_status(evaluation_id)):
            return await provider.get_evaluation(evaluation_id)
        await anyio.sleep(0.02)


def has_ended(status: EvaluationStatus) -> bool:
    return status.status in ENDED


def has_begun(status: EvaluationStatus) -> bool:
    return status.progress is not None and status.progress.done > 0


async def content(provider: NugenProvider, file_id: str) -> list[dict[str, Any]]:
    async with provider.dataset_content(file_id) as blocks:
        return lines_of(b"".join([block async for block in blocks]))


async def test_two_models_are_compared_from_the_upload_to_the_rows(tmp_path: Path) -> None:
    async with local(tmp_path / "data") as provider:
        benchmark = await uploaded(provider, tmp_path)
        request = BenchmarkRequest(model_id="alpha", model_id_2="beta", benchmark_id=benchmark)
        created = await provider.create_evaluation(request, key="key-1")
        again = await provider.create_evaluation(request, key="key-1")
        job = await until(provider, created.workflow_id, has_ended)
        rows = await content(provider, f"rows-{created.workflow_id}")
        (listed,) = await provider.list_evaluations("completed")

    assert again.workflow_id == created.workflow_id
    assert (job.type, job.status) == ("benchmark", "completed")
    assert job.parameters == {
        "model_id": "alpha",
        "model_id_2": "beta",
        "benchmark_id": benchmark,
    }
    assert job.progress
    assert (job.progress.done, job.progress.total) == (6, 6)
    results = BenchmarkResults.model_validate(job.results)
    assert [(one.model_id, one.correct, one.questions) for one in results.models] == [
        ("alpha", 3, 3),
        ("beta", 1, 3),
    ]
    assert results.models[1].metrics["accuracy"].mean == pytest.approx(1 / 3)
    assert results.result_file_id == f"rows-{created.workflow_id}"
    assert (results.error, results.note) == (None, None)
    assert job.created_at
    assert job.created_at.tzinfo
    assert [(row["question"], row["model_id"], row["correct"]) for row in rows] == [
        (question, model, model == "alpha" or "Peru" in question)
        for question in CAPITALS
        for model in ("alpha", "beta")
    ]
    assert listed.workflow_id == created.workflow_id
    assert listed.parameters == job.parameters


async def test_a_benchmark_is_listed_and_its_questions_are_read(tmp_path: Path) -> None:
    async with local(tmp_path / "data") as provider:
        benchmark = await uploaded(provider, tmp_path)
        (listed,) = await provider.list_datasets()
        questions = await content(provider, benchmark)
        models = await provider.list_models()

    assert (listed.id, listed.purpose, listed.LineCount) == (benchmark, "benchmark", 3)
    assert listed.created_at > 1_700_000_000
    assert listed.filename.startswith("capitals")
    assert [(one["question"], one["answer"]) for one in questions] == list(CAPITALS.items())
    assert {"alpha", "beta"} <= {model.id for model in models}


async def test_a_cancelled_evaluation_keeps_the_rows_that_were_judged(tmp_path: Path) -> None:
    many = {f"Number {number}?": "Lima" for number in range(400)}

    async with local(tmp_path / "data", lambda _: completion("Lima", delay=0.1)) as provider:
        benchmark = await uploaded(provider, tmp_path, many)
        request = BenchmarkRequest(model_id="alpha", benchmark_id=benchmark)
        created = await provider.create_evaluation(request)
        early = await until(provider, created.workflow_id, has_begun)
        await provider.cancel_evaluation(created.workflow_id)
        job = await until(provider, created.workflow_id, has_ended)
        rows = await content(provider, f"rows-{created.workflow_id}")

    assert (early.status, early.results) == ("running", None)
    results = BenchmarkResults.model_validate(job.results)
    assert job.status == "user_error"
    assert (results.error or "").startswith("Cancelled")
    assert results.result_file_id
    assert 0 < len(rows) < len(many)
    assert results.models[0].questions == results.models[0].correct == len(rows)


async def test_what_is_unknown_is_named_in_the_engines_words(tmp_path: Path) -> None:
    async with local(tmp_path / "data") as provider:
        benchmark = await uploaded(provider, tmp_path)
        with pytest.raises(CallerError, match="benchmark-0"):
            await provider.create_evaluation(
                BenchmarkRequest(model_id="alpha", benchmark_id="benchmark-0")
            )
        with pytest.raises(InvalidRequestError, match=r"model_id.*alpha"):
            await provider.create_evaluation(
                BenchmarkRequest(model_id="alhpa", benchmark_id=benchmark)
            )
        with pytest.raises(NotFoundError, match="list_evaluations"):
            await provider.get_status("beval-0")
        with pytest.raises(NotFoundError, match="list_datasets"):
            await content(provider, "benchmark-0")


async def test_a_benchmark_and_its_evaluation_are_deleted_with_all_their_bytes(
    tmp_path: Path,
) -> None:
    async with local(tmp_path / "engine") as provider:
        benchmark = await uploaded(provider, tmp_path)
        request = BenchmarkRequest(benchmark_id=benchmark, model_id="alpha")
        created = await provider.create_evaluation(request)
        await until(provider, created.workflow_id, lambda status: status.status in ENDED)
        await provider.delete_evaluation(created.workflow_id)
        await provider.delete_dataset(benchmark)
        assert await provider.list_evaluations() == []
        assert await provider.list_datasets() == []
        with pytest.raises(NotFoundError):
            await provider.delete_dataset(benchmark)
    assert list((tmp_path / "engine" / "files").iterdir()) == []
