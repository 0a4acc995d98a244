"""Recorded exchanges with each generation of the benchmark service, and a service replaying them.

All three contain the same: a benchmark of two questions, one model run on it, two models
compared, one evaluation that is running, and one that failed.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import httpx2
from pydantic import SecretStr

from evals_mcp.local_engine.service import LOCAL
from evals_mcp.providers.nugen.provider import NugenProvider
from evals_mcp.providers.nugen.service import NUGEN
from evals_mcp.providers.protocol import Provider
from evals_mcp.providers.rest.client import RestClient
from evals_mcp.providers.rest.service import Service
from evals_schemas.benchmark_api.benchmarks import BenchmarkRequest
from tests.server.scripted_service import Script, answer

NUGEN_TOKEN = "nugen-5up3r-53cr3t"
SERVICE = Service(
    name="nugen",
    base_url="https://api.nugen.in",
    token=SecretStr(NUGEN_TOKEN),
    base_url_setting="nugen.base_url",
    token_setting="the environment variable NUGEN_API_KEY",
)
NOW = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)

BENCHMARK_ID = "benchmark-abc123"
FIRST, SECOND = "model-xyz789", "model-def456"
SINGLE, PAIR, RUNNING, FAILED, CREATED = "eval-one", "eval-two", "eval-run", "eval-bad", "eval-new"

Route = tuple[str, str]
Played = httpx2.Response | Callable[[httpx2.Request], httpx2.Response]

LIST: Route = ("GET", "/api/v3/evaluations")
CREATE: Route = ("POST", "/api/v3/evaluations")
STATUS: Route = ("GET", f"/api/v3/evaluations/{RUNNING}/status")
RESULTS: Route = ("GET", f"/api/v3/evaluations/{SINGLE}/results")


STATUS_WORDS = {
    1: {SINGLE: "completed", PAIR: "completed", RUNNING: "in_progress", FAILED: "failed"},
    2: {SINGLE: "READY", PAIR: "READY", RUNNING: "PROCESSING", FAILED: "FAILED"},
    3: {SINGLE: "COMPLETED", PAIR: "READY", RUNNING: "EVALUATING", FAILED: "FAILED"},
}
FIRST_WORDS = {1: "pending", 2: "PENDING", 3: "CREATED"}
DONE = {SINGLE: (2, 2), PAIR: (4, 4), RUNNING: (1, 2), FAILED: (0, 2)}
TIMES = {
    RUNNING: "2026-09-01T11:30:00",
    PAIR: "2026-09-01T10:00:00",
    SINGLE: "2026-09-01T09:00:00",
    FAILED: "2026-08-31T09:00:00",
}

SINGLE_METRICS: dict[str, Any] = {
    "accuracy": 0.5,
    "relevance": 0.75,
    "average_score": 0.625,
    "total_questions": 2,
    "correct_answers": 1,
}


def moments(mean: float) -> dict[str, Any]:
    """One model's metrics in a comparison."""
    return {
        "accuracy_mean": mean,
        "accuracy_std": 0.5,
        "accuracy_min": 0.0,
        "accuracy_max": 1.0,
        "total_questions": 2,
        "correct_answers": round(2 * mean),
    }


QUESTIONS = [
    {"question_num": 1, "question": "2 + 2?", "answer": "4"},
    {"question_num": 2, "question": "Capital of Peru?", "answer": "Lima"},
]
ROWS: list[dict[str, Any]] = [
    {
        "question_id": 1,
        "question": "2 + 2?",
        "expected_answer": "4",
        "model_answer": "4",
        "score": 1.0,
        "relevance": 1.0,
    },
    {
        "question_id": 2,
        "question": "Capital of Peru?",
        "expected_answer": "Lima",
        "model_answer": "Cuzco, “sí”",
        "score": 0.25,
        "relevance": 0.5,
    },
]


def recorded(generation: int) -> dict[Route, httpx2.Response]:
    """All answers of a service of the generation, by method and path."""
    later = generation == 3
    benchmarks = "/api/v3/benchmarks" if later else "/api/v3/benchmark"
    evaluations = "/api/v3/evaluations"
    bodies: dict[Route, Any] = {
        ("GET", evaluations): _page(generation),
        ("POST", f"{evaluations}/create" if later else evaluations): _created(generation),
        ("GET", f"{benchmarks}/list"): {"benchmarks": [_benchmark(generation)]},
        ("POST", f"{benchmarks}/upload"): _uploaded(generation),
        ("GET", f"{benchmarks}/{BENCHMARK_ID}/data"): _data(generation),
        ("GET", "/api/v3/models/base"): {
            "models": [
                {"model_id": FIRST, "model_name": "One", "type": "llm"},
                {"model_id": SECOND, "model_name": "Two", "type": "llm"},
            ]
        },
        ("GET", "/api/v3/models/aligned"): {
            "domain_aligned_models": [{"id": "ours-1", "name": "Ours"}, {"id": FIRST, "name": "1"}]
        },
        ("GET", f"{evaluations}/{SINGLE}/results"): _single(generation),
        ("GET", f"{evaluations}/{PAIR}/results"): _pair(generation),
        ("GET", f"{evaluations}/{SINGLE}/download"): {"detailed_results": ROWS},
    }
    for evaluation_id in TIMES:
        bodies["GET", f"{evaluations}/{evaluation_id}/status"] = _status(generation, evaluation_id)
    played = {route: answer(body) for route, body in bodies.items()}
    for evaluation_id in (RUNNING, FAILED):
        for part in ("results", "download"):
            early = answer({"detail": "Evaluation is not completed yet"}, 400)
            played["GET", f"{evaluations}/{evaluation_id}/{part}"] = early
    return played


def _page(generation: int) -> dict[str, Any]:
    lines = [_line(generation, evaluation_id) for evaluation_id in TIMES]
    return {"user_id": "user-1", "evaluations": lines, "total": 4, "limit": 100, "offset": 0}


def _line(generation: int, evaluation_id: str) -> dict[str, Any]:
    line: dict[str, Any] = {
        "evaluation_id": evaluation_id,
        "model_id": FIRST,
        "benchmark_id": BENCHMARK_ID,
        "status": STATUS_WORDS[generation][evaluation_id],
        "created_at": TIMES[evaluation_id],
        "metrics": SINGLE_METRICS if evaluation_id == SINGLE else None,
    }
    if evaluation_id == PAIR:
        line |= {"model_id": SECOND, "baseline_model_id": FIRST} if generation == 3 else {}
        line |= {"model_id_2": SECOND} if generation != 3 else {}
    if generation == 1:
        line["judge_provider"] = "anthropic"
    return line


def _created(generation: int) -> dict[str, Any]:
    return {
        "evaluation_id": CREATED,
        "model_id": FIRST,
        "status": FIRST_WORDS[generation],
        "benchmark_id": BENCHMARK_ID,
        "created_at": "2026-09-01T12:00:00",
        "message": "Evaluation created successfully",
    }


def _status(generation: int, evaluation_id: str) -> dict[str, Any]:
    done, total = DONE[evaluation_id]
    body: dict[str, Any] = {
        "evaluation_id": evaluation_id,
        "status": STATUS_WORDS[generation][evaluation_id],
        "benchmark_id": BENCHMARK_ID,
        "progress": f"{done}/{total} questions",
        "avg_time_per_question": 1.5,
        "eta_seconds": None,
        "start_time": TIMES[evaluation_id],
        "end_time": None,
    }
    # Generation 2 reports the numbers only in the sentence.
    return (
        body if generation == 2 else body | {"questions_completed": done, "total_questions": total}
    )


def _single(generation: int) -> dict[str, Any]:
    return {
        "evaluation_id": SINGLE,
        "model_id": FIRST,
        "benchmark_id": BENCHMARK_ID,
        "status": STATUS_WORDS[generation][SINGLE],
        "method": "eval",
        "raw_answers_count": 2,
        "completed_at": "2026-09-01T09:05:00",
        "metrics": SINGLE_METRICS,
    }


def _pair(generation: int) -> dict[str, Any]:
    """A comparison; in the last generation the labels of the blocks are the other way round."""
    first = {"model_id": FIRST, "metrics": moments(0.5)}
    second = {"model_id": SECOND, "metrics": moments(1.0)}
    ids = {"model_id": FIRST, "model_id_2": SECOND}
    if generation == 3:
        ids = {"model_id": SECOND, "baseline_model_id": FIRST}
    return {
        "evaluation_id": PAIR,
        **ids,
        "benchmark_id": BENCHMARK_ID,
        "status": STATUS_WORDS[generation][PAIR],
        "method": "eval-compare",
        "completed_at": "2026-09-01T10:05:00",
        "base_model": second if generation == 3 else first,
        "eval_model": first if generation == 3 else second,
        "comparison": {
            "metrics": [
                {"metric": "accuracy_mean", "base": 0.5, "evaluated": 1.0, "improvement_%": 100.0}
            ],
            "summary": {"avg_improvement": 12345.678},
        },
    }


def _benchmark(generation: int) -> dict[str, Any]:
    return {
        "id": BENCHMARK_ID,
        "benchmark_name": "capitals",
        "status": {1: "completed", 2: "READY", 3: "uploaded"}[generation],
        "documents": [],
        "num_questions": 2,
        "created_at": "2026-08-30T10:00:00",
        "updated_at": "2026-08-30T10:00:00",
    }


def _uploaded(generation: int) -> dict[str, Any]:
    found = {"status": "completed", "questions": QUESTIONS, "num_questions": 2}
    if generation == 1:
        return found | {"benchmark_id": BENCHMARK_ID, "benchmark_name": "capitals"}
    return found | {"id": BENCHMARK_ID, "name": "capitals"}


def _data(generation: int) -> Any:
    renamed = [
        {"question_num": row["question_num"], "question": row["question"], "expected_answer": a}
        for row in QUESTIONS
        if (a := row["answer"])
    ]
    return {
        1: {"benchmark_id": BENCHMARK_ID, "documents": [], "questions": QUESTIONS},
        2: {"data": {"num": 2, "questions": QUESTIONS}},
        3: {"questions": renamed},
    }[generation]


@dataclass
class PlayedService:
    """Replays the recorded answers with changes; answers 404 to other requests."""

    routes: dict[Route, Played]
    requests: list[httpx2.Request] = field(default_factory=list[httpx2.Request])

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        played = self.routes.get((request.method, request.url.path))
        if played is None:
            return answer({"detail": "Not Found"}, 404)
        return deepcopy(played) if isinstance(played, httpx2.Response) else played(request)

    def sent(self, method: str) -> list[httpx2.Request]:
        return [request for request in self.requests if request.method == method]

    @property
    def paths(self) -> list[str]:
        return [f"{request.method} {request.url.path}" for request in self.requests]


@dataclass
class Clock:
    """A clock that a test sets."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@asynccontextmanager
async def nugen(
    generation: int = 1,
    changes: dict[Route, Played] | None = None,
    *,
    configured: int | None = None,
    deadline: timedelta | None = timedelta(hours=24),
    embedded: bool = False,
    clock: Clock | None = None,
) -> AsyncGenerator[tuple[NugenProvider, PlayedService]]:
    """A provider on a service of the generation, detected unless it is configured."""
    service = PlayedService({**recorded(generation), **(changes or {})})
    timing = Script([]).timing()
    async with httpx2.AsyncClient(transport=httpx2.MockTransport(service)) as client:
        provider = NugenProvider(
            "nugen",
            RestClient(client, SERVICE, timing),
            LOCAL.capabilities if embedded else NUGEN.capabilities,
            generation=configured,
            deadline=deadline,
            clock=clock or Clock(),
        )
        as_promised: Provider = provider
        assert as_promised.name == "nugen"
        with anyio.fail_after(60):
            yield provider, service


def failing(status: int, body: object = None) -> httpx2.Response:
    """A failed answer."""
    return answer({"detail": "Internal Server Error"} if body is None else body, status)


def html(status: int = 200) -> httpx2.Response:
    """A web page, as a proxy or a portal answers."""
    return httpx2.Response(status, html="<!doctype html><p>gateway</p>")


def lines_of(content: bytes) -> list[dict[str, Any]]:
    """The rows of JSON Lines."""
    return [json.loads(line) for line in content.splitlines()]


def single() -> BenchmarkRequest:
    return BenchmarkRequest(model_id=FIRST, benchmark_id=BENCHMARK_ID)


def comparison() -> BenchmarkRequest:
    return BenchmarkRequest(model_id=FIRST, model_id_2=SECOND, benchmark_id=BENCHMARK_ID)


async def content(stream: AbstractAsyncContextManager[AsyncIterator[bytes]]) -> bytes:
    async with stream as blocks:
        return b"".join([block async for block in blocks])


def status_of(word: str, **fields: Any) -> httpx2.Response:
    return answer({"evaluation_id": RUNNING, "status": word, **fields})


def listing(*lines: dict[str, Any]) -> httpx2.Response:
    return answer({"evaluations": list(lines), "total": len(lines)})


def line(evaluation_id: str = CREATED, **changes: Any) -> dict[str, Any]:
    return {
        "evaluation_id": evaluation_id,
        "model_id": FIRST,
        "benchmark_id": BENCHMARK_ID,
        "status": "pending",
        "created_at": "2026-09-01T12:00:01",
        **changes,
    }
