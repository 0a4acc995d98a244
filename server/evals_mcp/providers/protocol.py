"""What every evaluation service can be asked for.

Each method raises the errors of `evals_mcp.errors`, and no other for anything a service or a
network can do.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from evals_schemas.benchmark_api.benchmarks import BenchmarkRequest
from evals_schemas.evaluation_api.evaluations import (
    ClassifyRequest,
    CompareRequest,
    EvaluationCreated,
    EvaluationJob,
    EvaluationStatus,
    ScoreRequest,
)
from evals_schemas.evaluation_api.files import File
from evals_schemas.evaluation_api.models import Model

LOCAL = "local"
"""The name of the service that is the embedded engine."""

JudgedRequest = ClassifyRequest | ScoreRequest | CompareRequest
"""An evaluation of a data set by a judge that the request names."""

AnyRequest = JudgedRequest | BenchmarkRequest


@dataclass(frozen=True)
class ListFailure:
    """Why a list lacks the items of one service."""

    service: str
    """The service's name."""
    message: str
    """A sentence for the user."""


class Provider(Protocol):
    """One evaluation service, reached with one token."""

    @property
    def name(self) -> str:
        """`together`, `nugen` or `local`: how the configuration and the answers call it."""
        ...

    def name_of(self, item_id: str) -> str:
        """The name of the service that an id belongs to, where several stand behind this one."""
        ...

    @property
    def types(self) -> frozenset[str]:
        """The types of evaluation that it takes: `classify`, `score`, `compare`, `benchmark`."""
        ...

    @property
    def account(self) -> str:
        """Whose data it is, as a name that no other service or token has; not the token itself."""
        ...

    @property
    def reports_progress(self) -> bool:
        """Whether a status says how many rows are done."""
        ...

    async def create_evaluation(
        self, request: AnyRequest, key: str | None = None
    ) -> EvaluationCreated:
        """Start an evaluation. Sent once: never repeated when it may have arrived.

        A service that takes an idempotency key is given `key`, and the same key never starts two.
        """
        ...

    async def list_evaluations(
        self, status: str | None = None, limit: int | None = None
    ) -> list[EvaluationJob]:
        """The caller's evaluations, the newest first; `limit` is 10 if absent, 100 at most."""
        ...

    async def get_evaluation(self, evaluation_id: str) -> EvaluationJob:
        """One evaluation with its parameters and, once finished, its results."""
        ...

    async def get_status(self, evaluation_id: str) -> EvaluationStatus:
        """Its status alone, cheap enough to poll."""
        ...

    async def cancel_evaluation(self, evaluation_id: str) -> EvaluationJob:
        """Stop it; rows that are running finish. Raises UnsupportedError where there is no way."""
        ...

    async def upload_dataset(self, path: Path, filename: str) -> File:
        """Store a checked data set under a name that ends in .jsonl or .csv."""
        ...

    async def upload_benchmark(self, path: Path, filename: str) -> File:
        """Store a checked JSONL file with the columns `question` and `answer` as a benchmark.

        Raises UnsupportedError where the service has no benchmarks.
        """
        ...

    async def list_datasets(self) -> list[File]:
        """Data sets (purpose `eval`) and benchmarks (`benchmark`), the newest first."""
        ...

    def dataset_content(self, file_id: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """A stored file's bytes as a stream; leaving the context ends the transfer."""
        ...

    def rows_so_far(
        self, evaluation_id: str
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]] | None:
        """The rows that a running evaluation has judged, as its result file will have them.

        None where the service hands out no rows before the end.
        """
        ...

    async def list_models(self) -> list[Model]:
        """The models that can be called."""
        ...

    async def list_judges(self) -> list[str] | None:
        """Names the service takes in an evaluation; None where it does not tell."""
        ...
