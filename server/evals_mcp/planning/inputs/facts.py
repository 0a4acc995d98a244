"""What is known about a request before anything is checked or estimated."""

from __future__ import annotations

from dataclasses import dataclass

import anyio

from evals_mcp.datasets.profiles import DatasetProfile
from evals_mcp.errors import EvalsMCPError
from evals_mcp.planning.inputs.context import PlanningContext
from evals_mcp.planning.inputs.service_lists import ServiceLists, fetch_lists
from evals_mcp.planning.inputs.templates import ReadTemplates, templates
from evals_mcp.providers.protocol import JudgedRequest, Provider
from evals_mcp.service_spec import Capabilities
from evals_schemas.evaluation_api.evaluations import (
    AnyParameters,
    CompareParameters,
    ModelRequest,
    candidates,
)
from evals_schemas.evaluation_api.rules import RULE_PREFIX


@dataclass(frozen=True)
class RequestFacts:
    """A request, its data set, and the lists of the service that will run it."""

    request: JudgedRequest
    service: str
    """Name of the service."""
    capabilities: Capabilities
    """What the service can do."""
    profile: DatasetProfile
    lists: ServiceLists
    templates: ReadTemplates
    rules_at: str | None = None
    """Another service that has rules; None without one."""
    models_at: str | None = None
    """The service that uploads go to, if it is another one; None if it is not."""


async def collect_facts(
    request: JudgedRequest, provider: Provider, context: PlanningContext
) -> RequestFacts:
    """Read the data set, the lists and the templates concurrently. Raises as `Profiles.of`."""
    file_id = request.parameters.input_data_file_path
    service = provider.service_of(file_id)
    # Rules are known and free, and must not wait for a model endpoint.
    calls_models = any(calls_per_row(request.parameters).values())
    needs_models = calls_models or not service.capabilities.runs_rules
    lists = ServiceLists()
    names: ReadTemplates = {}
    failure: EvalsMCPError | None = None
    profile = DatasetProfile()

    async def fetch() -> None:
        nonlocal lists
        lists = await fetch_lists(provider, service, models=needs_models)

    async def read_templates() -> None:
        nonlocal names
        sources = [*templates(request.parameters)]
        names = await context.templates.read_names(sources, provider.account)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(fetch)
        tasks.start_soon(read_templates)
        try:
            profile = await context.profiles.of(provider, file_id)
        except EvalsMCPError as error:
            # Raised below: a task group would wrap the error in a group.
            failure = error
            tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure
    runners = [each for each in provider.services if request.type in each.types]
    rules = (each.name for each in runners if each.capabilities.runs_rules)
    first = runners[0].name if runners and runners[0].name != service.name else None
    return RequestFacts(
        request,
        service.name,
        service.capabilities,
        profile,
        lists,
        names,
        rules_at=next(rules, None),
        models_at=first,
    )


def calls_per_row(parameters: AnyParameters) -> dict[str, int]:
    """Return the model calls for each row by role, without retries; a rule makes none."""
    sides = candidates(parameters).items()
    calls = {name: 1 for name, side in sides if isinstance(side, ModelRequest)}
    both_orders = isinstance(parameters, CompareParameters) and not (
        parameters.disable_position_bias_correction
    )
    is_rule = parameters.judge.model.startswith(RULE_PREFIX)
    return calls | {"judge": 0 if is_rule else 1 + both_orders}
