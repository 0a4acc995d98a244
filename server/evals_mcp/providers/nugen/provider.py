"""The provider for Nugen's benchmark evaluations and other services of the benchmark contract."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from evals_mcp.errors import (
    EvalsMCPError,
    NotFoundError,
    UnsupportedError,
)
from evals_mcp.providers.nugen.benchmarks import Benchmarks
from evals_mcp.providers.nugen.evaluations import Evaluations
from evals_mcp.providers.nugen.generations import (
    DetectedGeneration,
    Generations,
    create_body,
)
from evals_mcp.providers.nugen.listing import facts_of_request
from evals_mcp.providers.nugen.lost_creates import Sent, started
from evals_mcp.providers.nugen.results import evaluation_of_rows
from evals_mcp.providers.nugen.statuses import Deadline, state_of
from evals_mcp.providers.protocol import AnyRequest
from evals_mcp.providers.rest.client import LostAnswerError, RestClient
from evals_mcp.providers.single_service import RestService, cancel_unknown, create_unknown
from evals_mcp.service_spec import Capabilities
from evals_schemas.benchmark_api.benchmarks import BenchmarkCreated, BenchmarkRequest
from evals_schemas.evaluation_api.evaluations import (
    EvaluationCreated,
    EvaluationJob,
    EvaluationStatus,
)
from evals_schemas.evaluation_api.files import File
from evals_schemas.evaluation_api.models import Model
from evals_schemas.evaluation_types import BENCHMARK


class NugenProvider(RestService):
    """A `Provider` over the benchmark contract, in any of its generations."""

    def __init__(  # noqa: PLR0913 - one choice each, by keyword
        self,
        name: str,
        rest: RestClient,
        capabilities: Capabilities,
        *,
        generation: DetectedGeneration | int | None,
        deadline: timedelta | None,
        clock: Callable[[], datetime],
    ) -> None:
        """Prepare the provider; nothing is sent before the first call.

        Args:
            name: The service's name in the configuration and in answers.
            rest: Client of the service; its base URL is without `/api/v3`.
            capabilities: What the service can do.
            generation: 1, 2 or 3; None detects it with the first call; a `DetectedGeneration` is
                shared with other providers of the service.
            deadline: Time after its creation at which an unfinished evaluation is reported as
                failed; None for never.
            clock: Returns the time, with a zone.
        """
        super().__init__(name, rest, capabilities)
        self._clock = clock
        if not isinstance(generation, DetectedGeneration):
            generation = DetectedGeneration(generation)
        self._generations = Generations(rest, generation)
        self._evaluations = Evaluations(rest, self._generations, Deadline(deadline, clock))
        self._benchmarks = Benchmarks(rest, self._generations, clock)

    @property
    def types(self) -> frozenset[str]:
        """The type `benchmark` only."""
        return frozenset({BENCHMARK})

    async def create_evaluation(
        self, request: AnyRequest, key: str | None = None
    ) -> EvaluationCreated:
        """Start an evaluation with one request, never a second.

        When the answer is lost, the service's list is searched for an evaluation of the same
        models on the same benchmark; finding it counts as success.

        Raises:
            UnsupportedError: the service cannot run the type, or has no field for an argument.
            AmbiguousCreateError: the answer was lost, and the list does not show what happened.
            EvalsMCPError: any other failure; nothing was started.
        """
        if not isinstance(request, BenchmarkRequest):
            raise UnsupportedError(self._benchmarks_only(request.type))
        operations = await self._generations.operations()
        sent_at = self._clock()
        body = create_body(request, operations.generation, sent_at)
        sent = Sent(body, sent_at, self._evaluations.ids_seen)
        sent_key = key if self._capabilities.takes_keys else None
        try:
            created: BenchmarkCreated = await self._rest.call(
                operations.create, json=body, idempotency_key=sent_key
            )
        except LostAnswerError as error:
            lost = str(error)
        except UnsupportedError as error:
            raise UnsupportedError(
                f"{error} The request was for generation {operations.generation} of its API: check "
                "the setting nugen.generation too."
            ) from None
        except NotFoundError as error:
            raise NotFoundError(
                f"{error} Call list_datasets for the benchmarks, list_models for the models."
            ) from None
        else:
            return self._started(request, created, sent_at)
        return await self._recovered(request, sent, lost)

    def _started(
        self, request: BenchmarkRequest, created: BenchmarkCreated, sent_at: datetime
    ) -> EvaluationCreated:
        facts = facts_of_request(request, created.created_at, sent_at)
        self._evaluations.remember(created.evaluation_id, facts)
        return EvaluationCreated(workflow_id=created.evaluation_id, status=state_of(created.status))

    async def _recovered(
        self, request: BenchmarkRequest, sent: Sent, lost: str
    ) -> EvaluationCreated:
        """Return the evaluation that a create with a lost answer started, from the list."""
        try:
            lines = await self._evaluations.lines()
        except EvalsMCPError as error:
            unknown = str(error)
        else:
            earlier_ids = sent.earlier_ids | self._evaluations.ids_created
            sent = replace(sent, earlier_ids=earlier_ids)
            line = started(lines, sent, self._clock(), lost)
            created = BenchmarkCreated(
                evaluation_id=line.evaluation_id, status=line.status, created_at=line.created_at
            )
            return self._started(request, created, sent.time)
        raise create_unknown(lost, unknown)

    async def list_evaluations(
        self, status: str | None = None, limit: int | None = None
    ) -> list[EvaluationJob]:
        """Return the caller's evaluations, the newest first and those without a date last."""
        return await self._evaluations.listed(status, limit)

    async def get_evaluation(self, evaluation_id: str) -> EvaluationJob:
        """Return one evaluation, without results if it is too early for them."""
        return await self._evaluations.job(evaluation_id)

    async def get_status(self, evaluation_id: str) -> EvaluationStatus:
        """Return the evaluation's status; an unknown word is passed on and counts as running."""
        return await self._evaluations.status(evaluation_id)

    async def cancel_evaluation(self, evaluation_id: str) -> EvaluationJob:
        """Stop the evaluation, if the service can.

        Raises:
            UnsupportedError: the service has no such operation.
        """
        self._refuse_cancel()
        operations = await self._generations.operations()
        try:
            await self._rest.call(operations.cancel, item_id=evaluation_id)
        except LostAnswerError as error:
            lost = str(error)
        else:
            return await self._evaluations.job(evaluation_id)
        raise cancel_unknown(lost)

    async def delete_evaluation(self, evaluation_id: str) -> None:
        """Delete an ended evaluation, if the service can; see `Provider`."""
        if not self._capabilities.is_engine:
            await super().delete_evaluation(evaluation_id)
        operations = await self._generations.operations()
        await self._delete(operations.delete_evaluation, evaluation_id)

    async def delete_dataset(self, file_id: str) -> None:
        """Delete a benchmark, if the service can; see `Provider`."""
        if not self._capabilities.is_engine:
            await super().delete_dataset(file_id)
        operations = await self._generations.operations()
        await self._delete(operations.delete_benchmark, file_id)

    async def upload_dataset(self, path: Path, filename: str) -> File:  # noqa: ARG002 - refused
        """Raise UnsupportedError: the service has benchmarks only."""
        raise UnsupportedError(
            f"{self._rest.service} stores benchmarks only: call upload_dataset with "
            "`benchmark: true` and a file with the columns `question` and `answer`."
        )

    async def upload_benchmark(self, path: Path, filename: str) -> File:
        """Store a checked JSONL file with `question` and `answer`, with one request."""
        return await self._benchmarks.upload(path, filename)

    async def list_datasets(self) -> list[File]:
        """Return the benchmarks, the newest first."""
        return await self._benchmarks.listed()

    def dataset_content(self, file_id: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Stream an evaluation's rows (`rows-…`) or a benchmark's questions, as JSON Lines."""
        if (evaluation_id := evaluation_of_rows(file_id)) is not None:
            return self._evaluations.rows(evaluation_id, named=self._capabilities.is_engine)
        return self._benchmarks.questions(file_id)

    def rows_so_far(
        self, evaluation_id: str
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]] | None:
        """Return None: the service has no rows before the end."""

    async def list_models(self) -> list[Model]:
        """Return the models that can be evaluated on a benchmark."""
        return await self._benchmarks.models()

    async def list_judges(self) -> list[str] | None:
        """Return None: a request names no judge."""

    def _benchmarks_only(self, kind: str) -> str:
        return (
            f"{self._rest.service} evaluates a model on a benchmark and does not run {kind}: use "
            "`type: benchmark` with model_id and benchmark_id, or ask the administrator to "
            "configure another provider (server.provider)."
        )
