"""The provider for Together's evaluation API and other services of the evaluation contract."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path
from typing import Any

from evals_mcp.errors import (
    AmbiguousCreateError,
    EvalsMCPError,
    InvalidRequestError,
    NotFoundError,
    UnavailableError,
    UnsupportedError,
)
from evals_mcp.providers.endings import results_with_reason
from evals_mcp.providers.protocol import AnyRequest
from evals_mcp.providers.rest.client import LostAnswerError, RestClient
from evals_mcp.providers.rest.retrying import pause_after
from evals_mcp.providers.same_request import (
    CLOCK_SKEW,
    SEARCHED_JOBS,
    same_request,
    without_keys,
)
from evals_mcp.providers.single_service import RestService, cancel_unknown, create_unknown
from evals_mcp.providers.times import created_at
from evals_mcp.service_spec import Capabilities
from evals_schemas.datasets.reader import kind_of
from evals_schemas.evaluation_api import operations
from evals_schemas.evaluation_api.evaluations import (
    EvaluationCreated,
    EvaluationJob,
    EvaluationStatus,
)
from evals_schemas.evaluation_api.files import DATASET_PURPOSE, File
from evals_schemas.evaluation_api.models import Model
from evals_schemas.evaluation_types import JUDGED_TYPES

RESENT = 2
"""Most times that a create with a key is sent again after a lost answer."""


class TogetherProvider(RestService):
    """A `Provider` over the evaluation contract."""

    def __init__(
        self,
        name: str,
        rest: RestClient,
        capabilities: Capabilities,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        """Prepare the provider; nothing is sent before the first call.

        Args:
            name: the service's name in the configuration and in answers.
            rest: client of the service.
            capabilities: What the service can do.
            clock: returns the time, with a zone.
        """
        super().__init__(name, rest, capabilities)
        self._clock = clock
        self._created: set[str] = set()

    @property
    def types(self) -> frozenset[str]:
        """The types with a judge."""
        return frozenset(JUDGED_TYPES)

    async def create_evaluation(
        self, request: AnyRequest, key: str | None = None
    ) -> EvaluationCreated:
        """Start an evaluation, and never a second one.

        After a lost answer, a service that accepts keys gets the same request with the same key
        again. In the list of any other service, an evaluation with the same parameters is
        searched; finding it counts as success.

        Raises:
            AmbiguousCreateError: the answer was lost, and whether the evaluation runs is unknown.
            EvalsMCPError: any other failure; nothing was started.
        """
        body = request.model_dump(mode="json", exclude_none=True)
        sent_key = key if self._capabilities.takes_keys else None
        sent_at = self._clock()
        try:
            created = await self._create(body, sent_key)
        except LostAnswerError as error:
            lost = str(error)
        else:
            return created
        if sent_key:
            return await self._sent_again(body, sent_key, lost)
        return await self._recovered(body, sent_at, lost)

    async def _create(self, body: Mapping[str, Any], key: str | None) -> EvaluationCreated:
        try:
            created: EvaluationCreated = await self._rest.call(
                operations.CREATE_EVALUATION, json=body, idempotency_key=key
            )
        except NotFoundError as error:
            raise NotFoundError(
                f"{error} Call list_datasets for the data sets, list_models for the models."
            ) from None
        self._created.add(created.workflow_id)
        return created

    async def _sent_again(self, body: Mapping[str, Any], key: str, lost: str) -> EvaluationCreated:
        """Return the evaluation that the create with this key started, now or before."""
        timing = self._rest.timing
        started = timing.monotonic()
        for tries in range(1, RESENT + 1):
            await timing.sleep(pause_after(tries, None, timing.chance()))
            if timing.monotonic() - started > self._rest.patience.budget / 2:
                break
            try:
                return await self._create(body, key)
            except UnavailableError:
                # Whether the first request arrived is as unknown as before.
                continue
            except InvalidRequestError:
                # The service checks the key first, so this refusal means that nothing was started.
                raise
            except EvalsMCPError as error:
                # A proxy may have refused the token or the path, not the service.
                lost = f"{lost} The second request was refused: {error}"
                break
        raise AmbiguousCreateError(
            f"{lost} Whether the evaluation was started is unknown. Call create_evaluation with "
            "the same arguments again in a minute: it looks for this one before it starts another."
        )

    async def _recovered(
        self, body: Mapping[str, Any], sent_at: datetime, lost: str
    ) -> EvaluationCreated:
        """Return the evaluation that a create with a lost answer started, from the list."""
        try:
            jobs = await self.list_evaluations(limit=SEARCHED_JOBS)
        except EvalsMCPError as error:
            unknown = str(error)
        else:
            return self._only_one(self._possible(jobs, body, sent_at), lost)
        raise create_unknown(lost, unknown)

    def _possible(
        self, jobs: list[EvaluationJob], body: Mapping[str, Any], sent_at: datetime
    ) -> list[EvaluationJob]:
        """Return the jobs that the create may have started: new, and of no other create."""
        return [
            job
            for job in same_request(jobs, body["type"], body["parameters"])
            if job.workflow_id not in self._created
            and (job.created_at is None or created_at(job) >= sent_at - CLOCK_SKEW)
        ]

    def _only_one(self, possible: list[EvaluationJob], lost: str) -> EvaluationCreated:
        if len(possible) == 1 and possible[0].created_at is not None:
            job = possible[0]
            self._created.add(job.workflow_id)
            return EvaluationCreated(workflow_id=job.workflow_id, status=job.status)
        if possible:
            ids = ", ".join(job.workflow_id for job in possible)
            raise AmbiguousCreateError(
                f"{lost} The list has evaluations with these parameters, any of which may be it: "
                f"{ids}. Call get_evaluation on them before creating it again."
            )
        raise AmbiguousCreateError(
            f"{lost} No such evaluation was found in the list; it may still appear. Call "
            "list_evaluations in a minute, and create it again only if it is not there."
        )

    async def list_evaluations(
        self, status: str | None = None, limit: int | None = None
    ) -> list[EvaluationJob]:
        """Return the caller's evaluations, the newest first and those without a date last."""
        params = {"status": status, "limit": limit}
        jobs: list[EvaluationJob] = await self._rest.call(
            operations.LIST_EVALUATIONS,
            params={name: value for name, value in params.items() if value is not None},
        )
        newest_first = sorted(jobs, key=created_at, reverse=True)
        return [_read(job) for job in newest_first]

    async def get_evaluation(self, evaluation_id: str) -> EvaluationJob:
        """Return one evaluation, without keys in its parameters."""
        job: EvaluationJob = await self._rest.call(operations.GET_EVALUATION, item_id=evaluation_id)
        return _read(job)

    async def get_status(self, evaluation_id: str) -> EvaluationStatus:
        """Return the evaluation's status."""
        status: EvaluationStatus = await self._rest.call(
            operations.GET_STATUS, item_id=evaluation_id
        )
        results = results_with_reason(status.status, status.results)
        return status.model_copy(update={"results": results})

    async def cancel_evaluation(self, evaluation_id: str) -> EvaluationJob:
        """Stop the evaluation, if the service can.

        Raises:
            UnsupportedError: the service has no such operation.
        """
        self._refuse_cancel()
        try:
            job: EvaluationJob = await self._rest.call(
                operations.CANCEL_EVALUATION, item_id=evaluation_id
            )
        except LostAnswerError as error:
            lost = str(error)
        else:
            return _read(job)
        raise cancel_unknown(lost)

    async def delete_evaluation(self, evaluation_id: str) -> None:
        """Delete an ended evaluation, if the service can; see `Provider`."""
        if not self._capabilities.is_engine:
            await super().delete_evaluation(evaluation_id)
        await self._delete(operations.DELETE_EVALUATION, evaluation_id)

    async def delete_dataset(self, file_id: str) -> None:
        """Delete a data set."""
        await self._delete(operations.DELETE_FILE, file_id)

    async def upload_dataset(self, path: Path, filename: str) -> File:
        """Store a checked data set, with one request."""
        fields = {"file_name": filename, "purpose": DATASET_PURPOSE, "file_type": kind_of(filename)}
        try:
            stored: File = await self._rest.upload(path, filename, fields)
        except LostAnswerError as error:
            lost = str(error)
        else:
            return stored
        raise UnavailableError(f"{lost} Call list_datasets before uploading it again.")

    async def upload_benchmark(self, path: Path, filename: str) -> File:  # noqa: ARG002 - refused
        """Raise UnsupportedError: the contract has no benchmarks."""
        raise UnsupportedError(
            f"{self._rest.service} has no benchmarks: upload the rows as a data set, without "
            "`benchmark`."
        )

    async def list_datasets(self) -> list[File]:
        """Return the uploaded data sets, the newest first, without result files."""
        files = await self._rest.call(operations.LIST_FILES)
        data_sets = [file for file in files.data if file.purpose == DATASET_PURPOSE]
        return sorted(data_sets, key=lambda file: file.created_at, reverse=True)

    def dataset_content(self, file_id: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Stream a stored file's bytes; leaving the context ends the transfer."""
        return self._rest.stream(operations.GET_FILE_CONTENT, file_id)

    def rows_so_far(
        self, evaluation_id: str
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]] | None:
        """Stream the rows judged so far; None at the vendor's service, which offers none."""
        if not self._capabilities.reports_progress:
            return None
        return self._rest.stream(operations.READ_ROWS, evaluation_id)

    async def list_models(self) -> list[Model]:
        """Return the models that can be called."""
        models: list[Model] = await self._rest.call(operations.LIST_MODELS)
        return models

    async def list_judges(self) -> list[str] | None:
        """Return the models that evaluations accept; None if the service has no such list."""
        try:
            judges = await self._rest.call(operations.LIST_JUDGES)
        except UnsupportedError:
            return None
        return judges.model_list


def _read(job: EvaluationJob) -> EvaluationJob:
    """Return a job without keys in its parameters and with a reason code where it was cancelled."""
    return job.model_copy(
        update={
            "parameters": without_keys(job.parameters),
            "results": results_with_reason(job.status, job.results),
        }
    )
