"""A provider that tests configure."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import anyio

from evals_mcp.errors import NotFoundError
from evals_mcp.local_engine.service import LocalSettings
from evals_mcp.providers.protocol import AnyRequest, JudgedRequest
from evals_mcp.providers.single_service import SingleService
from evals_mcp.service_spec import Capabilities, advice_for_type
from evals_mcp.services import SERVICES
from evals_schemas.benchmark_api.benchmarks import BenchmarkRequest
from evals_schemas.evaluation_api.evaluations import (
    EvaluationCreated,
    EvaluationJob,
    EvaluationStatus,
)
from evals_schemas.evaluation_api.files import File
from evals_schemas.evaluation_api.models import Model

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@dataclass
class FakeProvider(SingleService):
    """A provider with given jobs, files and models; each poll returns the next of `statuses`."""

    name: str = "local"
    account: str = "account-1"
    reports_progress: bool = True
    types: frozenset[str] = frozenset({"classify", "score", "compare"})
    jobs: list[EvaluationJob] = field(default_factory=list[EvaluationJob])
    statuses: list[EvaluationStatus] = field(default_factory=list[EvaluationStatus])
    ended: EvaluationJob | None = None
    """The answer of `get_evaluation` once the statuses are used up."""
    contents: dict[str, bytes] = field(default_factory=dict[str, bytes])
    files: list[File] = field(default_factory=list[File])
    models: list[Model] = field(default_factory=list[Model])
    judges: list[str] | None = None
    requests: list[JudgedRequest] = field(default_factory=list[JudgedRequest])
    benchmark_requests: list[BenchmarkRequest] = field(default_factory=list[BenchmarkRequest])
    missing_endpoint: str | None = None
    benchmark_judge: str | None = None
    dedicated: frozenset[str] = frozenset()
    polls: int = 0
    chunks_read: int = 0
    error: Exception | None = None
    """Raised by every method that reads evaluations."""

    @property
    def capabilities(self) -> Capabilities:
        service = next((spec for spec in SERVICES if spec.name == self.name), None)
        capabilities = service.capabilities if service else Capabilities()
        if capabilities.is_engine:
            capabilities = replace(
                capabilities,
                missing_endpoint=self.missing_endpoint,
                benchmark_judge=self.benchmark_judge,
                dedicated_models=frozenset(self.dedicated),
            )
        return replace(capabilities, reports_progress=self.reports_progress)

    def configure(self, section: LocalSettings) -> None:
        """Take on what the settings change of the embedded engine."""
        self.missing_endpoint = None if section.models.base_url else "local.models.base_url"
        self.benchmark_judge = section.benchmark_judge
        self.dedicated = frozenset(section.dedicated)

    def advice_for_type(self, kind: str) -> str:
        return advice_for_type(SERVICES, kind, None)

    async def create_evaluation(
        self, request: AnyRequest, key: str | None = None
    ) -> EvaluationCreated:
        if isinstance(request, BenchmarkRequest):
            self.benchmark_requests.append(request)
        else:
            self.requests.append(request)
        return EvaluationCreated(workflow_id="eval-0001-1", status="pending")

    async def list_evaluations(
        self, status: str | None = None, limit: int | None = None
    ) -> list[EvaluationJob]:
        if self.error:
            raise self.error
        found = [job for job in self.jobs if status in (None, job.status)]
        return found[: limit or 10]

    async def get_evaluation(self, evaluation_id: str) -> EvaluationJob:
        if self.error:
            raise self.error
        if self.polls and self.ended:
            return self.ended
        for job in self.jobs:
            if job.workflow_id == evaluation_id:
                return job
        raise NotFoundError("There is no evaluation of that id; call list_evaluations.")

    async def get_status(self, evaluation_id: str) -> EvaluationStatus:
        self.polls += 1
        return self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]

    async def cancel_evaluation(self, evaluation_id: str) -> EvaluationJob:
        job = await self.get_evaluation(evaluation_id)
        return job.model_copy(update={"status": "error"})

    async def upload_dataset(self, path: Path, filename: str) -> File:
        content = await anyio.Path(path).read_bytes()
        file = File(
            id=f"file-{len(self.files) + 1}",
            filename=filename,
            created_at=1_763_640_000,
            bytes=len(content),
        )
        self.contents[file.id] = content
        self.files.insert(0, file)
        return file

    async def upload_benchmark(self, path: Path, filename: str) -> File:
        stored = await self.upload_dataset(path, filename)
        stored.purpose = "benchmark"
        return stored

    async def list_datasets(self) -> list[File]:
        return self.files

    @asynccontextmanager
    async def dataset_content(self, file_id: str) -> AsyncGenerator[AsyncIterator[bytes]]:
        if file_id not in self.contents:
            raise NotFoundError("no such file")
        yield self._chunks(self.contents[file_id])

    def rows_so_far(
        self, evaluation_id: str
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]] | None:
        return self.dataset_content(evaluation_id) if self.reports_progress else None

    async def _chunks(self, content: bytes) -> AsyncIterator[bytes]:
        for start in range(0, len(content), 16):
            self.chunks_read += 1
            yield content[start : start + 16]

    async def list_models(self) -> list[Model]:
        return self.models

    async def list_judges(self) -> list[str] | None:
        return self.judges


def jsonl(*rows: Mapping[str, object]) -> bytes:
    """Rows as a data set's bytes."""
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def classify_job(
    evaluation_id: str = "eval-1", passed: int = 61, failed: int = 11, judge_failures: int = 0
) -> EvaluationJob:
    """A completed classify evaluation."""
    total = passed + failed + judge_failures
    return EvaluationJob.model_validate(
        {
            "workflow_id": evaluation_id,
            "type": "classify",
            "status": "completed",
            "created_at": NOON,
            "updated_at": NOON.replace(minute=2),
            "progress": {"done": total, "total": total},
            "parameters": {
                "judge": {
                    "model": "rule/contains",
                    "model_source": "serverless",
                    "system_template": "{{expected}}",
                    "external_api_token": "sk-secret",
                },
                "input_data_file_path": "file-1",
                "labels": ["good", "bad"],
                "pass_labels": ["good"],
                "model_to_evaluate": "answer",
            },
            "results": {
                "label_counts": {"good": passed, "bad": failed},
                "pass_percentage": round(100 * passed / max(1, passed + failed), 2),
                "generation_fail_count": 0,
                "judge_fail_count": judge_failures,
                "invalid_label_count": 0,
                "result_file_id": "file-9",
            },
        }
    )
