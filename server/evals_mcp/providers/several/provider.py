"""Several services behind one `Provider`, which sends each call to the service it belongs to."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar

import anyio

from evals_mcp.cleaning import quoted
from evals_mcp.errors import (
    AmbiguousCreateError,
    EvalsMCPError,
    InvalidRequestError,
)
from evals_mcp.providers.protocol import AnyRequest, ListFailure, Provider
from evals_mcp.providers.rest.ids import BENCHMARK, DATASET, EVALUATION, IdKind
from evals_mcp.providers.several.ids import Ids
from evals_mcp.providers.several.types import refuse_unsupported_type
from evals_mcp.providers.times import created_at
from evals_mcp.service_spec import Capabilities
from evals_schemas.benchmark_api.benchmarks import BenchmarkRequest
from evals_schemas.evaluation_api.evaluations import (
    EvaluationCreated,
    EvaluationJob,
    EvaluationStatus,
)
from evals_schemas.evaluation_api.files import File
from evals_schemas.evaluation_api.models import Model
from evals_schemas.evaluation_types import BENCHMARK as BENCHMARK_TYPE
from evals_schemas.evaluation_types import CLASSIFY

_IDS_REMEMBERED = 1_000
"""Ids of the default service that are not searched again."""

_LISTED = 10
"""Evaluations in a list without a limit, as at each service."""

_T = TypeVar("_T")


class SeveralProviders:
    """A `Provider` over other providers, which it neither opens nor closes."""

    def __init__(self, name: str, ids: Ids, advice: Callable[[str], str] = lambda _: "") -> None:
        """Combine the services of `ids`.

        Args:
            name: Name of all services together, in the configuration and in answers.
            ids: Tells which service an id belongs to.
            advice: Returns a sentence on how to get a service for a type of evaluation.
        """
        self._name = name
        self._advice = advice
        self._ids = ids
        self._members = ids.members
        self._seen: OrderedDict[str, None] = OrderedDict()

    @property
    def name(self) -> str:
        """Name of all services together, in the configuration and in answers."""
        return self._name

    @property
    def services(self) -> Sequence[Provider]:
        """The services behind this provider, if their names differ; else the provider itself."""
        if len(self._members) == 1:
            return self._members[0].services
        names = {member.name for member in self._members}
        return self._members if len(names) == len(self._members) else [self]

    def service_of(self, item_id: str) -> Provider:
        """Return the service that an id belongs to; the provider itself for an unknown id."""
        try:
            member, own_id = self._ids.resolve(item_id, EVALUATION)
        except EvalsMCPError:
            return self
        return member.service_of(own_id)

    @property
    def capabilities(self) -> Capabilities:
        """What the service can do; for several services, only the defaults are certain."""
        if len({member.name for member in self._members}) > 1:
            return Capabilities()
        return self._members[0].capabilities

    def advice_for_type(self, kind: str) -> str:
        """Return a sentence on how to get a service for a type."""
        return self._advice(kind)

    @property
    def types(self) -> frozenset[str]:
        """Every type that at least one of them runs."""
        return frozenset[str]().union(*(member.types for member in self._members))

    @property
    def account(self) -> str:
        """A hash of all accounts in their order; the account itself if there is only one."""
        if len(self._members) == 1:
            return self._members[0].account
        accounts = "\n".join(member.account for member in self._members)
        return blake2b(accounts.encode(), digest_size=16, person=b"evals-several").hexdigest()

    async def create_evaluation(
        self, request: AnyRequest, key: str | None = None
    ) -> EvaluationCreated:
        """Start an evaluation at the service that stores its data set or benchmark.

        Raises:
            UnsupportedError: no service runs the type.
            InvalidRequestError: the service that stores the data does not run the type.
            EvalsMCPError: the service's own error.
        """
        member, own_request = self._routed(request)
        try:
            created = await member.create_evaluation(own_request, key)
        except AmbiguousCreateError as error:
            message = str(error)
        else:
            self._note_seen(member, created.workflow_id)
            return created.model_copy(
                update={"workflow_id": self._ids.public_id(member, created.workflow_id)}
            )
        if prefix := self._ids.public_id(member, ""):
            message += f" Its ids begin with {prefix} here."
        raise AmbiguousCreateError(message)

    def route(self, request: AnyRequest) -> tuple[Provider, AnyRequest]:
        """Return the single service that runs a request, and its own request; see `Provider`."""
        member, own_request = self._routed(request)
        return member.route(own_request)

    def _routed(self, request: AnyRequest) -> tuple[Provider, AnyRequest]:
        """Return the service that runs a request, and the request with that service's own id.

        Raises:
            UnsupportedError: no service runs the type.
            InvalidRequestError: the service that stores the data does not run the type.
            NotFoundError: its data set or benchmark belongs to no service.
        """
        if isinstance(request, BenchmarkRequest):
            member = self._runner(request.type, request.benchmark_id, BENCHMARK)
            _, own_id = self._ids.resolve(request.benchmark_id, BENCHMARK)
            return member, request.model_copy(update={"benchmark_id": own_id})
        file_id = request.parameters.input_data_file_path
        member = self._runner(request.type, file_id, DATASET)
        _, own_id = self._ids.resolve(file_id, DATASET)
        parameters = request.parameters.model_copy(update={"input_data_file_path": own_id})
        return member, request.model_copy(update={"parameters": parameters})

    async def complete_id(self, item_id: str, kind: IdKind) -> str:
        """Return an id as callers see it now; see `Provider`."""
        default, own_id = self._ids.resolve(item_id, kind)
        if own_id != item_id or default is not self._members[0] or item_id in self._seen:
            return self._ids.public_id(default, own_id)
        for member in self._searched():
            if await _has(member, own_id, kind):
                self._note_seen(member, own_id)
                return self._ids.public_id(member, own_id)
        return item_id

    def _searched(self) -> list[Provider]:
        """Return the services that may have an id without a name; none if there is no choice."""
        if len({member.name for member in self._members}) == 1:
            return []
        default, *others = self._members
        # A service that can be asked without a network before those of vendors.
        return [default, *sorted(others, key=lambda member: not member.capabilities.is_engine)]

    def _note_seen(self, member: Provider, own_id: str) -> None:
        """Remember an id of the default service, so that it is not searched again."""
        if member is self._members[0]:
            self._seen[own_id] = None
            if len(self._seen) > _IDS_REMEMBERED:
                self._seen.popitem(last=False)

    async def with_public_ids(self, request: AnyRequest) -> AnyRequest:
        """Return the request with public ids in their complete form; see `Provider`.

        A request whose data are not stored at a service that runs it is refused here, before any
        data is read.
        """
        if isinstance(request, BenchmarkRequest):
            complete_id = await self.complete_id(request.benchmark_id, BENCHMARK)
            request = request.model_copy(update={"benchmark_id": complete_id})
        else:
            file_id = request.parameters.input_data_file_path
            complete_id = await self.complete_id(file_id, DATASET)
            parameters = request.parameters.model_copy(update={"input_data_file_path": complete_id})
            request = request.model_copy(update={"parameters": parameters})
        member, own_request = self._routed(request)
        return self._public_request(member, await member.with_public_ids(own_request))

    def _public_request(self, member: Provider, request: AnyRequest) -> AnyRequest:
        """Return a service's request with its ids as the caller sees them."""
        if isinstance(request, BenchmarkRequest):
            public_id = self._ids.public_id(member, request.benchmark_id)
            return request.model_copy(update={"benchmark_id": public_id})
        public_id = self._ids.public_id(member, request.parameters.input_data_file_path)
        parameters = request.parameters.model_copy(update={"input_data_file_path": public_id})
        return request.model_copy(update={"parameters": parameters})

    def _runner(self, kind: str, data_id: str, id_kind: IdKind) -> Provider:
        """Return the service that stores the data, if it runs evaluations of this type."""
        runners = self._runners(kind)
        member, _ = self._ids.resolve(data_id, id_kind)
        if any(member is runner for runner in runners):
            return member
        others = " or ".join(runner.name for runner in runners)
        problem = f"belongs to {member.name}, which runs no {kind} evaluation; {others} does"
        if member.name == others:
            problem = f"is not a {id_kind.noun}, which a {kind} evaluation needs"
        raise InvalidRequestError(
            f"{quoted(data_id, 80)} {problem}. Call {id_kind.list_tool} for a {id_kind.noun} of "
            f"{others}, or store the rows there with upload_dataset."
        )

    def _first_runner(self, kind: str) -> Provider:
        """Return the first service for this type; a single service words its own refusal."""
        return self._members[0] if len(self._members) == 1 else self._runners(kind)[0]

    def _runners(self, kind: str) -> list[Provider]:
        refuse_unsupported_type(kind, self)
        return [member for member in self._members if kind in member.types]

    async def list_evaluations(
        self, status: str | None = None, limit: int | None = None
    ) -> list[EvaluationJob]:
        """Return the evaluations of all services, the newest first, without failing services.

        Raises:
            EvalsMCPError: no service answered.
        """
        return (await self.evaluations_with_failures(status, limit))[0]

    async def evaluations_with_failures(
        self, status: str | None = None, limit: int | None = None
    ) -> tuple[list[EvaluationJob], list[ListFailure]]:
        """Return the list of `list_evaluations`, and the failure of each service left out."""

        async def fetch(member: Provider) -> tuple[list[EvaluationJob], list[ListFailure]]:
            jobs, failures = await member.evaluations_with_failures(status, limit)
            return [self._public_job(member, job) for job in jobs], failures

        answers, failures = await self._from_each(fetch)
        jobs = [job for listed, _ in answers for job in listed]
        inner_failures = [failure for _, inner in answers for failure in inner]
        newest = sorted(jobs, key=created_at, reverse=True)
        return newest[: limit or _LISTED], [*inner_failures, *failures]

    async def get_evaluation(self, evaluation_id: str) -> EvaluationJob:
        """Return one evaluation with public ids, which may be passed back."""
        member, own_id = self._ids.resolve(evaluation_id, EVALUATION)
        return self._public_job(member, await member.get_evaluation(own_id))

    async def get_status(self, evaluation_id: str) -> EvaluationStatus:
        """Return the evaluation's status."""
        member, own_id = self._ids.resolve(evaluation_id, EVALUATION)
        status = await member.get_status(own_id)
        results = self._with_public_ids(member, status.results, "result_file_id")
        return status.model_copy(update={"results": results})

    async def cancel_evaluation(self, evaluation_id: str) -> EvaluationJob:
        """Stop the evaluation, if its service can."""
        member, own_id = self._ids.resolve(evaluation_id, EVALUATION)
        return self._public_job(member, await member.cancel_evaluation(own_id))

    async def delete_evaluation(self, evaluation_id: str) -> None:
        """Delete an ended evaluation, if its service can."""
        member, own_id = self._ids.resolve(evaluation_id, EVALUATION)
        await member.delete_evaluation(own_id)

    async def delete_dataset(self, file_id: str) -> None:
        """Delete a data set, if its service can."""
        member, own_id = self._ids.resolve(file_id, DATASET)
        await member.delete_dataset(own_id)

    async def upload_dataset(self, path: Path, filename: str) -> File:
        """Store a data set at the first service that judges data sets, by one of their types."""
        member = self._first_runner(CLASSIFY)
        return self._public_file(member, await member.upload_dataset(path, filename))

    async def upload_benchmark(self, path: Path, filename: str) -> File:
        """Store a benchmark at the first service that runs benchmarks."""
        member = self._first_runner(BENCHMARK_TYPE)
        return self._public_file(member, await member.upload_benchmark(path, filename))

    async def list_datasets(self) -> list[File]:
        """Return the data sets of all services, the newest first, without failing services."""
        return (await self.datasets_with_failures())[0]

    async def datasets_with_failures(self) -> tuple[list[File], list[ListFailure]]:
        """Return the list of `list_datasets`, and the failure of each service left out."""

        async def fetch(member: Provider) -> tuple[list[File], list[ListFailure]]:
            files, failures = await member.datasets_with_failures()
            return [self._public_file(member, file) for file in files], failures

        answers, failures = await self._from_each(fetch)
        files = [file for listed, _ in answers for file in listed]
        inner_failures = [failure for _, inner in answers for failure in inner]
        newest = sorted(files, key=lambda file: file.created_at, reverse=True)
        return newest, [*inner_failures, *failures]

    def dataset_content(self, file_id: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Stream a stored file's bytes from its service."""
        member, own_id = self._ids.resolve(file_id, DATASET)
        return member.dataset_content(own_id)

    def rows_so_far(
        self, evaluation_id: str
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]] | None:
        """Stream the rows of a running evaluation; None if its service does not offer them."""
        member, own_id = self._ids.resolve(evaluation_id, EVALUATION)
        return member.rows_so_far(own_id)

    async def list_models(self) -> list[Model]:
        """Return the models of all services; of models with one name, the first service's."""
        answers, _ = await self._from_each(lambda member: member.list_models())
        by_id: dict[str, Model] = {}
        for model in (model for models in answers for model in models):
            by_id.setdefault(model.id, model)
        return list(by_id.values())

    async def list_judges(self) -> list[str] | None:
        """Return the names that at least one service accepts; None if no service lists names."""
        answers, _ = await self._from_each(lambda member: member.list_judges())
        lists = [names for names in answers if names is not None]
        return [name for names in lists for name in names] if lists else None

    async def _from_each(
        self, fetch: Callable[[Provider], Awaitable[_T]]
    ) -> tuple[list[_T], list[ListFailure]]:
        """Call all services at once; return their answers, and the failures of the others.

        Raises:
            EvalsMCPError: no service answered; the first service's error.
        """
        answers: dict[int, _T] = {}
        errors: dict[int, EvalsMCPError] = {}

        async def call(number: int, member: Provider) -> None:
            try:
                answers[number] = await fetch(member)
            except EvalsMCPError as error:
                errors[number] = error

        async with anyio.create_task_group() as tasks:
            for number, member in enumerate(self._members):
                tasks.start_soon(call, number, member)
        if not answers:
            raise errors[0]
        failures = [
            ListFailure(
                self._members[number].name,
                f"Without those of {self._members[number].name}: {errors[number]}",
            )
            for number in sorted(errors)
        ]
        return [answers[number] for number in sorted(answers)], failures

    def _public_job(self, member: Provider, job: EvaluationJob) -> EvaluationJob:
        self._note_seen(member, job.workflow_id)
        ids = ("input_data_file_path", "benchmark_id")
        return job.model_copy(
            update={
                "workflow_id": self._ids.public_id(member, job.workflow_id),
                "parameters": self._with_public_ids(member, job.parameters, *ids),
                "results": self._with_public_ids(member, job.results, "result_file_id"),
            }
        )

    def _with_public_ids(
        self, member: Provider, fields: dict[str, Any] | None, *names: str
    ) -> dict[str, Any] | None:
        if fields is None:
            return None
        own_ids = {name: fields[name] for name in names if isinstance(fields.get(name), str)}
        return fields | {
            name: self._ids.public_id(member, own_id) for name, own_id in own_ids.items()
        }

    def _public_file(self, member: Provider, file: File) -> File:
        self._note_seen(member, file.id)
        return file.model_copy(update={"id": self._ids.public_id(member, file.id)})


async def _has(member: Provider, own_id: str, kind: IdKind) -> bool:
    """Return whether a service has an id; False where it cannot be asked."""
    try:
        if kind is EVALUATION:
            await member.get_evaluation(own_id)
            return True
        return any(file.id == own_id for file in await member.list_datasets())
    except EvalsMCPError:
        return False
