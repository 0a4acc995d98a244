"""The lists of a service that a plan reads. A list that cannot be fetched is left out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

import anyio

from evals_mcp.errors import EvalsMCPError
from evals_mcp.providers.protocol import Provider
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.evaluation_api.files import File
from evals_schemas.evaluation_api.models import Model

LIST_SECONDS = 10.0
"""Seconds after which a request for a list is given up."""

_JOBS = 100
"""Evaluations requested: the most that the contract lists."""


@dataclass
class ServiceLists:
    """The lists of a service."""

    models: dict[str, Model] | None = None
    """Models by name; None if the list was not needed or could not be fetched."""
    judges: frozenset[str] | None = None
    """Names that the service accepts in evaluations; None if the service has no such list."""
    jobs: list[EvaluationJob] = field(default_factory=list[EvaluationJob])
    """Evaluations, the newest first; also empty if the list could not be fetched."""
    datasets: list[File] | None = None
    """Data sets and benchmarks; None if the list was not needed or could not be fetched."""
    failures: dict[str, str] = field(default_factory=dict[str, str])
    """Why a list could not be fetched, by the name of the list's field."""

    @property
    def model_names(self) -> frozenset[str]:
        """Names in the list of models and the list of judges together."""
        return frozenset(self.models or ()) | (self.judges or frozenset())


async def fetch_lists(
    provider: Provider, service: Provider, *, models: bool = True, datasets: bool = False
) -> ServiceLists:
    """Fetch the lists concurrently.

    Args:
        provider: all services, for the lists of evaluations and data sets with public ids.
        service: the service that will run the evaluation, for its models alone.
        models: whether to fetch the lists of models, which a free rule does not need.
        datasets: whether to fetch the list of data sets and benchmarks.
    """
    lists = ServiceLists()

    async def list_models() -> None:
        lists.models = {model.id: model for model in await service.list_models()}

    async def list_judges() -> None:
        names = await service.list_judges()
        lists.judges = frozenset(names) if names else None

    async def list_jobs() -> None:
        lists.jobs = await provider.list_evaluations(limit=_JOBS)

    async def list_datasets() -> None:
        lists.datasets = await provider.list_datasets()

    fetchers = {"jobs": list_jobs}
    if models:
        fetchers |= {"models": list_models, "judges": list_judges}
    if datasets:
        fetchers["datasets"] = list_datasets
    async with anyio.create_task_group() as tasks:
        for name, fetch in fetchers.items():
            tasks.start_soon(partial(_fetch, lists, name, fetch))
    return lists


async def _fetch(lists: ServiceLists, name: str, fetch: Callable[[], Awaitable[None]]) -> None:
    """Fetch one list; note in `failures` why that failed."""
    try:
        with anyio.fail_after(LIST_SECONDS):
            await fetch()
    except EvalsMCPError as error:
        lists.failures[name] = str(error).rstrip(".")
    except TimeoutError:
        lists.failures[name] = f"no answer within {LIST_SECONDS:g} s"
