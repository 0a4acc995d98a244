"""Everything that is known of a request before anything is computed from it."""

from __future__ import annotations

from dataclasses import dataclass

import anyio

from evals_mcp.datasets.profiles import DatasetProfile
from evals_mcp.errors import EvalsMCPError
from evals_mcp.planning.inputs.context import PlanningDesk
from evals_mcp.planning.inputs.service_lists import Lookups, look_up
from evals_mcp.providers.protocol import LOCAL, JudgedRequest, Provider
from evals_schemas.evaluation_api.evaluations import (
    AnyParameters,
    CompareParameters,
    ModelRequest,
    candidates,
)
from evals_schemas.evaluation_api.rules import RULE_PREFIX


@dataclass(frozen=True)
class Gathered:
    """A request, its data set, and the lists of the service that will run it."""

    request: JudgedRequest
    service: str
    """Its name."""
    profile: DatasetProfile
    lookups: Lookups


async def gather(request: JudgedRequest, provider: Provider, desk: PlanningDesk) -> Gathered:
    """Read the data set and the lists side by side. Raises as `Profiles.of`."""
    file_id = request.parameters.input_data_file_path
    service = provider.name_of(file_id)
    # The rules of the embedded engine are known, have no price, and wait for no model endpoint.
    models = service != LOCAL or any(calls_per_row(request.parameters).values())
    lookups = Lookups()
    failed: EvalsMCPError | None = None
    profile = DatasetProfile()

    async def ask() -> None:
        nonlocal lookups
        lookups = await look_up(provider, models=models)

    async with anyio.create_task_group() as asking:
        asking.start_soon(ask)
        try:
            profile = await desk.profiles.of(provider, file_id)
        except EvalsMCPError as error:
            # Raised below: a task group would wrap it.
            failed = error
            asking.cancel_scope.cancel()
    if failed is not None:
        raise failed
    return Gathered(request, service, profile, lookups)


def calls_per_row(parameters: AnyParameters) -> dict[str, int]:
    """Model calls a row by role, retries aside; a rule makes none."""
    sides = candidates(parameters).items()
    found = {name: 1 for name, side in sides if isinstance(side, ModelRequest)}
    both = isinstance(parameters, CompareParameters) and not (
        parameters.disable_position_bias_correction
    )
    is_rule = parameters.judge.model.startswith(RULE_PREFIX)
    return found | {"judge": 0 if is_rule else 1 + both}
