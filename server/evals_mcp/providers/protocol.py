"""The protocol of an evaluation service.

Whatever a service or a network does, its methods raise only the errors of `evals_mcp.errors`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from evals_mcp.principals import Principal
from evals_mcp.providers.rest.ids import IdKind
from evals_mcp.service_spec import Capabilities
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

    @property
    def services(self) -> Sequence[Provider]:
        """The services behind this provider, each with its own name; itself if it is one."""
        ...

    def service_of(self, item_id: str) -> Provider:
        """Return the service that an id belongs to; the provider itself for an unknown id."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What the service can do."""
        ...

    @property
    def types(self) -> frozenset[str]:
        """The types that it runs, among `classify`, `score`, `compare` and `benchmark`."""
        ...

    @property
    def account(self) -> str:
        """Hash that identifies the service and the data's owner; does not contain the token."""
        ...

    def advice_for_type(self, kind: str) -> str:
        """Return a sentence on how to get a service for a type; empty if there is no advice."""
        ...

    async def complete_id(self, item_id: str, kind: IdKind) -> str:
        """Return an id as callers see it now, with the name of its service where it needs one.

        An id without a name belongs to the default service, or else to the first other service
        that has it: it may be from a time when that service was the only one. An id that no
        service has is returned unchanged.

        Raises:
            NotFoundError: the id names a service that is not configured.
        """
        ...

    async def with_public_ids(self, request: AnyRequest) -> AnyRequest:
        """Return a request with its ids as callers see them now; see `complete_id`.

        Raises:
            UnsupportedError: no service runs the type.
            InvalidRequestError: the service that has the data does not run the type.
            NotFoundError: no service has the data set or benchmark.
        """
        ...

    def route(self, request: AnyRequest) -> tuple[Provider, AnyRequest]:
        """Return the service that runs a request, and the request with that service's own ids.

        Raises:
            UnsupportedError: no service runs the type.
            InvalidRequestError: the service that has the data does not run the type.
            NotFoundError: no service has the data set or benchmark.
        """
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

    async def evaluations_with_failures(
        self, status: str | None = None, limit: int | None = None
    ) -> tuple[list[EvaluationJob], list[ListFailure]]:
        """Return `list_evaluations`, and the failure of each service that failed."""
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

    async def delete_evaluation(self, evaluation_id: str) -> None:
        """Delete an ended evaluation and its result file.

        Raises UnsupportedError if the service has no such operation.
        """
        ...

    async def delete_dataset(self, file_id: str) -> None:
        """Delete a data set. Raises UnsupportedError if the service has no such operation."""
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

    async def datasets_with_failures(self) -> tuple[list[File], list[ListFailure]]:
        """Return `list_datasets`, and the failure of each service that failed."""
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


Member = Callable[[Principal], Provider | None]
"""Returns the provider of a service for a principal; None if the principal has no key for it."""
