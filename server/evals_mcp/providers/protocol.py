"""The protocol of an evaluation service.

Whatever a service or a network does, its methods raise only the errors of `evals_mcp.errors`.
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
"""A request to judge the rows of a data set."""

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
        """Name in the configuration and in answers: `together`, `nugen` or `local`."""
        ...

    def name_of(self, item_id: str) -> str:
        """Return the name of the service that an id belongs to."""
        ...

    @property
    def types(self) -> frozenset[str]:
        """The types that it runs, among `classify`, `score`, `compare` and `benchmark`."""
        ...

    @property
    def account(self) -> str:
        """Hash that identifies the service and the data's owner; does not contain the token."""
        ...

    @property
    def reports_progress(self) -> bool:
        """Whether a status reports how many rows are done."""
        ...

    async def create_evaluation(
        self, request: AnyRequest, key: str | None = None
    ) -> EvaluationCreated:
        """Start an evaluation; a create that may have arrived is never sent again without a key.

        Services that accept idempotency keys get `key`; one key never starts two evaluations.
        """
        ...

    async def list_evaluations(
        self, status: str | None = None, limit: int | None = None
    ) -> list[EvaluationJob]:
        """Return the caller's evaluations, the newest first; `limit` is 1 to 100, 10 if absent."""
        ...

    async def get_evaluation(self, evaluation_id: str) -> EvaluationJob:
        """Return one evaluation with its parameters and, once it has ended, its results."""
        ...

    async def get_status(self, evaluation_id: str) -> EvaluationStatus:
        """Return the evaluation's status, at a cost low enough for polling."""
        ...

    async def cancel_evaluation(self, evaluation_id: str) -> EvaluationJob:
        """Stop an evaluation; started rows finish. Raise UnsupportedError if that is impossible."""
        ...

    async def upload_dataset(self, path: Path, filename: str) -> File:
        """Store a checked data set under a name that ends in .jsonl or .csv."""
        ...

    async def upload_benchmark(self, path: Path, filename: str) -> File:
        """Store a checked JSONL file with the columns `question` and `answer` as a benchmark.

        Raises UnsupportedError if the service has no benchmarks.
        """
        ...

    async def list_datasets(self) -> list[File]:
        """Return data sets (purpose `eval`) and benchmarks (`benchmark`), the newest first."""
        ...

    def dataset_content(self, file_id: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Stream a stored file's bytes; leaving the context ends the transfer."""
        ...

    def rows_so_far(
        self, evaluation_id: str
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]] | None:
        """Stream the rows that a running evaluation has judged, in the form of its result file.

        None if the service offers no rows before the end.
        """
        ...

    async def list_models(self) -> list[Model]:
        """Return the models that can be called."""
        ...

    async def list_judges(self) -> list[str] | None:
        """Return the models that evaluations accept; None if the service has no such list."""
        ...
