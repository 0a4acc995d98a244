"""Nugen's service: its settings and its entry in the table of services."""

from __future__ import annotations

from pydantic import Field

from evals_mcp.service_spec import Capabilities, ServiceSpec
from evals_mcp.settings.types import BaseUrl, TokenSource, VariableName
from evals_schemas.evaluation_types import BENCHMARK


class NugenSettings(TokenSource):
    """Nugen's benchmark evaluations, or another service with the same contract."""

    base_url: BaseUrl = Field(
        default="https://api.nugen.in", description="URL up to and without /api/v3."
    )
    token_env: VariableName | None = Field(
        default="NUGEN_API_KEY",
        description="Environment variable that holds the token, in capitals. "
        "Unset: there is no token, and this service is not used.",
    )
    generation: int | None = Field(
        default=None,
        description="Generation of its API, 1 to 3. Absent: detected from its responses.",
        ge=1,
        le=3,
    )
    deadline_hours: float = Field(
        default=24.0,
        description="Hours, above 0, after which an evaluation that has not ended is shown as "
        "failed, whatever status the service reports.",
        gt=0,
        allow_inf_nan=False,
    )


NUGEN = ServiceSpec(
    name="nugen",
    settings=NugenSettings,
    description="Nugen's benchmark evaluations.",
    types=frozenset({BENCHMARK}),
    open="evals_mcp.providers.nugen.opening:open_nugen",
    key_variable="NUGEN_API_KEY",
    key_header="X-Nugen-Api-Key",
    used_beside_others=True,
    capabilities=Capabilities(reports_progress=True),
)
