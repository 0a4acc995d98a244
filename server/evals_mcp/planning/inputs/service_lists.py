"""What a plan asks the service for besides the data set. It does without whatever cannot be had."""

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

LOOKUP_SECONDS = 10.0
"""How long a list is waited for."""

_JOBS = 100
"""How many evaluations are looked through: the most that the contract lists."""


@dataclass
class Lookups:
    """The service's lists."""

    models: dict[str, Model] | None = None
    """By name; None where the list cannot be had or was not needed."""
    judges: frozenset[str] | None = None
    """Names taken in evaluations; None where the service does not tell."""
    jobs: list[EvaluationJob] = field(default_factory=list[EvaluationJob])
    """The newest first; empty also where the list cannot be had."""
    datasets: list[File] | None = None
    """None where the list cannot be had or was not needed."""
    missing: dict[str, str] = field(default_factory=dict[str, str])
    """Why a list cannot be had, by the name of its field."""

    @property
    def model_names(self) -> frozenset[str]:
        """Every name in either list; empty where there is none."""
        return frozenset(self.models or ()) | (self.judges or frozenset())


async def look_up(provider: Provider, *, models: bool = True, datasets: bool = False) -> Lookups:
    """Ask for the lists side by side.

    Args:
        provider: the service.
        models: whether a model will be called; a rule has no price and needs no list.
        datasets: whether to ask for data sets and benchmarks.
    """
    found = Lookups()

    async def list_models() -> None:
        found.models = {model.id: model for model in await provider.list_models()}

    async def list_judges() -> None:
        listed = await provider.list_judges()
        found.judges = frozenset(listed) if listed else None

    async def list_jobs() -> None:
        found.jobs = await provider.list_evaluations(limit=_JOBS)

    async def list_datasets() -> None:
        found.datasets = await provider.list_datasets()

    wanted = {"jobs": list_jobs}
    if models:
        wanted |= {"models": list_models, "judges": list_judges}
    if datasets:
        wanted["datasets"] = list_datasets
    async with anyio.create_task_group() as asking:
        for name, ask in wanted.items():
            asking.start_soon(partial(_ask, found, name, ask))
    return found


async def _ask(found: Lookups, name: str, ask: Callable[[], Awaitable[None]]) -> None:
    try:
        with anyio.fail_after(LOOKUP_SECONDS):
            await ask()
    except EvalsMCPError as error:
        found.missing[name] = str(error).rstrip(".")
    except TimeoutError:
        found.missing[name] = f"no answer within {LOOKUP_SECONDS:g} s"
