"""Several services behind one `Provider`: what is asked for goes to the one it belongs to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar

import anyio

from evals_mcp.cleaning import clean
from evals_mcp.errors import (
    AmbiguousCreateError,
    EvalsMCPError,
    InvalidRequestError,
)
from evals_mcp.providers.protocol import AnyRequest, ListFailure, Provider
from evals_mcp.providers.rest.ids import BENCHMARK, DATASET, EVALUATION, IdKind
from evals_mcp.providers.several.ids import Ids
from evals_mcp.providers.several.types import refuse_unsupported_type
from evals_schemas.benchmark_api.benchmarks import BENCHMARK as BENCHMARK_TYPE
from evals_schemas.benchmark_api.benchmarks import BenchmarkRequest
from evals_schemas.evaluation_api.evaluations import (
    EvaluationCreated,
    EvaluationJob,
    EvaluationStatus,
)
from evals_schemas.evaluation_api.files import File
from evals_schemas.evaluation_api.models import Model

JUDGED_TYPE = "classify"
"""A type that whoever judges data sets takes."""

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_LISTED = 10
"""Evaluations that a list has when no limit is given, as each service has it."""

_T = TypeVar("_T")


class SeveralProviders:
    """A `Provider` that stands for others, which it neither opens nor closes."""

    def __init__(
        self, name: str, ids: Ids, lacking: Callable[[str], str | None] | None = None
    ) -> None:
        """Compose it.

        Args:
            name: How the configuration and the answers call all of them together.
            ids: Whose an id is.
            lacking: What a user does who has brought no key for a service that there is, by the
                service's name; None where the configuration alone decides.
        """
        self._name = name
        self._lacking = lacking
        self._ids = ids
        self._members = ids.members

    @property
    def name(self) -> str:
        """How the configuration and the answers call all of them together."""
        return self._name

    def name_of(self, item_id: str) -> str:
        """The service that an id belongs to; the common name where it is none of theirs."""
        try:
            member, own_id = self._ids.resolve(item_id, EVALUATION)
        except EvalsMCPError:
            return self._name
        return member.name_of(own_id)

    def without_key(self, service: str) -> str | None:
        """See `evals_mcp.providers.several.types.KeyedProvider`."""
        return None if self._lacking is None else self._lacking(service) or ""

    @property
    def members(self) -> Sequence[Provider]:
        """Those it stands for, the first one first."""
        return self._members

    @property
    def types(self) -> frozenset[str]:
        """Every type that one of them takes."""
        return frozenset[str]().union(*(member.types for member in self._members))

    @property
    def account(self) -> str:
        """A hash of the accounts of all, in their order; the one account where there is one."""
        if len(self._members) == 1:
            return self._members[0].account
        known = "\n".join(member.account for member in self._members)
        return blake2b(known.encode(), digest_size=16, person=b"evals-several").hexdigest()

    @property
    def reports_progress(self) -> bool:
        """Whether any of them does; a status that has none says so itself."""
        return any(member.reports_progress for member in self._members)

    async def create_evaluation(
        self, request: AnyRequest, key: str | None = None
    ) -> EvaluationCreated:
        """Start it at the service that its data set or benchmark belongs to.

        Raises:
            UnsupportedError: none of them takes the type.
            InvalidRequestError: the service that has the data does not take the type.
            EvalsMCPError: as the service raises it.
        """
        member, own = self.routed(request)
        try:
            created = await member.create_evaluation(own, key)
        except AmbiguousCreateError as error:
            told = str(error)
        else:
            return created.model_copy(
                update={"workflow_id": self._ids.public_id(member, created.workflow_id)}
            )
        if prefix := self._ids.public_id(member, ""):
            told += f" Its ids begin with {prefix} here."
        raise AmbiguousCreateError(told)

    def routed(self, request: AnyRequest) -> tuple[Provider, AnyRequest]:
        """Who runs a request, and the request with that service's own id in it.

        Raises:
            UnsupportedError: none of them takes the type.
            InvalidRequestError: the service that has the data does not take the type.
            NotFoundError: its data set or benchmark is of none of them.
        """
        if isinstance(request, BenchmarkRequest):
            member = self._runner(request.type, request.benchmark_id, BENCHMARK)
            _, own_id = self._ids.resolve(request.benchmark_id, BENCHMARK)
            return member, request.model_copy(update={"benchmark_id": own_id})
        given = request.parameters.input_data_file_path
        member = self._runner(request.type, given, DATASET)
        _, own_id = self._ids.resolve(given, DATASET)
        parameters = request.parameters.model_copy(update={"input_data_file_path": own_id})
        return member, request.model_copy(update={"parameters": parameters})

    def with_public_ids(self, member: Provider, request: AnyRequest) -> AnyRequest:
        """A request of one service with its ids as the caller sees them."""
        if isinstance(request, BenchmarkRequest):
            own = self._ids.public_id(member, request.benchmark_id)
            return request.model_copy(update={"benchmark_id": own})
        own = self._ids.public_id(member, request.parameters.input_data_file_path)
        parameters = request.parameters.model_copy(update={"input_data_file_path": own})
        return request.model_copy(update={"parameters": parameters})

    def _runner(self, kind: str, given: str, id_kind: IdKind) -> Provider:
        takers = self._takers(kind)
        member, _ = self._ids.resolve(given, id_kind)
        if any(member is taker for taker in takers):
            return member
        others = " or ".join(taker.name for taker in takers)
        whose = f"of {member.name}, which runs no {kind} evaluation; {others} does"
        if member.name == others:
            whose = f"no {id_kind.kind}, which is what a {kind} evaluation needs"
        raise InvalidRequestError(
            f"{clean(given, 80)} is {whose}. Call {id_kind.list_tool} for a {id_kind.kind} of "
            f"{others}, or store the rows there with upload_dataset."
        )

    def _first_taker(self, kind: str) -> Provider:
        """One service alone words its own refusal."""
        return self._members[0] if len(self._members) == 1 else self._takers(kind)[0]

    def _takers(self, kind: str) -> list[Provider]:
        refuse_unsupported_type(kind, self)
        return [member for member in self._members if kind in member.types]

    async def list_evaluations(
        self, status: str | None = None, limit: int | None = None
    ) -> list[EvaluationJob]:
        """Those of all of them, the newest first; a service that fails is left out.

        Raises:
            EvalsMCPError: none of them answered.
        """
        listed, _ = await self.list_with_failures(status, limit)
        return listed

    async def list_with_failures(
        self, status: str | None = None, limit: int | None = None
    ) -> tuple[list[EvaluationJob], list[ListFailure]]:
        """As `list_evaluations`, with a sentence for each service that is left out."""

        async def ask(member: Provider) -> tuple[list[EvaluationJob], list[ListFailure]]:
            jobs, failures = await evaluations_of(member, status, limit)
            return [self._outward_job(member, job) for job in jobs], failures

        answers, failures = await self._from_each(ask)
        jobs = [job for found, _ in answers for job in found]
        told = [text for _, texts in answers for text in texts]
        newest = sorted(jobs, key=_created_at, reverse=True)
        return newest[: limit or _LISTED], [*told, *failures]

    async def get_evaluation(self, evaluation_id: str) -> EvaluationJob:
        """One evaluation; every id in it may be passed back."""
        member, own_id = self._ids.resolve(evaluation_id, EVALUATION)
        return self._outward_job(member, await member.get_evaluation(own_id))

    async def get_status(self, evaluation_id: str) -> EvaluationStatus:
        """Its status alone."""
        member, own_id = self._ids.resolve(evaluation_id, EVALUATION)
        status = await member.get_status(own_id)
        results = self._outward(member, status.results, "result_file_id")
        return status.model_copy(update={"results": results})

    async def cancel_evaluation(self, evaluation_id: str) -> EvaluationJob:
        """Stop it, where its service can."""
        member, own_id = self._ids.resolve(evaluation_id, EVALUATION)
        return self._outward_job(member, await member.cancel_evaluation(own_id))

    async def upload_dataset(self, path: Path, filename: str) -> File:
        """Store it at the first service that judges data sets."""
        member = self._first_taker(JUDGED_TYPE)
        return self._outward_file(member, await member.upload_dataset(path, filename))

    async def upload_benchmark(self, path: Path, filename: str) -> File:
        """Store it at the first service that runs benchmarks."""
        member = self._first_taker(BENCHMARK_TYPE)
        return self._outward_file(member, await member.upload_benchmark(path, filename))

    async def list_datasets(self) -> list[File]:
        """Those of all of them, the newest first; a service that fails is left out."""

        listed, _ = await self.datasets_with_failures()
        return listed

    async def datasets_with_failures(self) -> tuple[list[File], list[ListFailure]]:
        """As `list_datasets`, with a sentence for each service that is left out."""

        async def ask(member: Provider) -> tuple[list[File], list[ListFailure]]:
            files, failures = await datasets_of(member)
            return [self._outward_file(member, file) for file in files], failures

        answers, failures = await self._from_each(ask)
        files = [file for found, _ in answers for file in found]
        told = [text for _, texts in answers for text in texts]
        newest = sorted(files, key=lambda file: file.created_at, reverse=True)
        return newest, [*told, *failures]

    def dataset_content(self, file_id: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """A stored file's bytes, from the service that has it."""
        member, own_id = self._ids.resolve(file_id, DATASET)
        return member.dataset_content(own_id)

    def rows_so_far(
        self, evaluation_id: str
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]] | None:
        """The rows of a running evaluation, where its service hands them out."""
        member, own_id = self._ids.resolve(evaluation_id, EVALUATION)
        return member.rows_so_far(own_id)

    async def list_models(self) -> list[Model]:
        """The models of all of them; of two with one name the first service's."""
        answers, _ = await self._from_each(lambda member: member.list_models())
        named: dict[str, Model] = {}
        for model in (model for found in answers for model in found):
            named.setdefault(model.id, model)
        return list(named.values())

    async def list_judges(self) -> list[str] | None:
        """The names that any of them takes; None where none of them tells."""
        answers, _ = await self._from_each(lambda member: member.list_judges())
        told = [names for names in answers if names is not None]
        return [name for names in told for name in names] if told else None

    async def _from_each(
        self, ask: Callable[[Provider], Awaitable[_T]]
    ) -> tuple[list[_T], list[ListFailure]]:
        """What each answers, all asked at once, and why some did not.

        Raises:
            EvalsMCPError: none of them answered; the first one's reason.
        """
        answers: dict[int, _T] = {}
        errors: dict[int, EvalsMCPError] = {}

        async def one(place: int, member: Provider) -> None:
            try:
                answers[place] = await ask(member)
            except EvalsMCPError as error:
                errors[place] = error

        async with anyio.create_task_group() as tasks:
            for place, member in enumerate(self._members):
                tasks.start_soon(one, place, member)
        if not answers:
            raise errors[0]
        left_out = [
            ListFailure(
                self._members[place].name,
                f"Without those of {self._members[place].name}: {errors[place]}",
            )
            for place in sorted(errors)
        ]
        return [answers[place] for place in sorted(answers)], left_out

    def _outward_job(self, member: Provider, job: EvaluationJob) -> EvaluationJob:
        ids = ("input_data_file_path", "benchmark_id")
        return job.model_copy(
            update={
                "workflow_id": self._ids.public_id(member, job.workflow_id),
                "parameters": self._outward(member, job.parameters, *ids),
                "results": self._outward(member, job.results, "result_file_id"),
            }
        )

    def _outward(
        self, member: Provider, fields: dict[str, Any] | None, *names: str
    ) -> dict[str, Any] | None:
        if fields is None:
            return None
        found = {name: fields[name] for name in names if isinstance(fields.get(name), str)}
        return fields | {name: self._ids.public_id(member, own) for name, own in found.items()}

    def _outward_file(self, member: Provider, file: File) -> File:
        return file.model_copy(update={"id": self._ids.public_id(member, file.id)})


def services_of(provider: Provider) -> Sequence[Provider]:
    """The services behind a provider, each with a name of its own; itself where it is one."""
    if not isinstance(provider, SeveralProviders):
        return [provider]
    members = provider.members
    if len(members) == 1:
        return services_of(members[0])
    return members if len({member.name for member in members}) == len(members) else [provider]


def with_own_ids(request: AnyRequest, provider: Provider) -> AnyRequest:
    """The request with its ids as they are handed out here.

    It stops one whose data are not with a service that runs it, before anything is read.

    Raises:
        CallerError: see `SeveralProviders.routed`.
    """
    if not isinstance(provider, SeveralProviders):
        return request
    member, own = provider.routed(request)
    return provider.with_public_ids(member, with_own_ids(own, member))


async def datasets_of(provider: Provider) -> tuple[list[File], list[ListFailure]]:
    """A provider's data sets, and a sentence for each service behind it that is left out."""
    if isinstance(provider, SeveralProviders):
        return await provider.datasets_with_failures()
    return await provider.list_datasets(), []


async def evaluations_of(
    provider: Provider, status: str | None = None, limit: int | None = None
) -> tuple[list[EvaluationJob], list[ListFailure]]:
    """A provider's list, and a sentence for each service behind it that is left out."""
    if isinstance(provider, SeveralProviders):
        return await provider.list_with_failures(status, limit)
    return await provider.list_evaluations(status, limit), []


def _created_at(job: EvaluationJob) -> datetime:
    """A time without a zone is read as UTC, to be put in order."""
    moment = job.created_at or _LONG_AGO
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
