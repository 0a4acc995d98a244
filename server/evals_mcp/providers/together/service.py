"""Together's service: its settings and its entry in the table of services."""

from __future__ import annotations

from pydantic import Field

from evals_mcp.service_spec import ServiceSpec
from evals_mcp.settings.types import BaseUrl, TokenSource, VariableName
from evals_schemas.evaluation_types import JUDGED_TYPES


class TogetherSettings(TokenSource):
    """Together's evaluation service, or another service with the same contract."""

    base_url: BaseUrl = Field(
        default="https://api.together.ai/v1", description="URL up to and without /evaluation."
    )
    token_env: VariableName | None = Field(
        default="TOGETHER_API_KEY",
        description="Environment variable that holds the token, in capitals. "
        "Unset: there is no token, and the local provider is the default.",
    )


TOGETHER = ServiceSpec(
    name="together",
    settings=TogetherSettings,
    description="Together's evaluation service.",
    types=frozenset(JUDGED_TYPES),
    open="evals_mcp.providers.together.opening:open_together",
    key_variable="TOGETHER_API_KEY",
    key_header="X-Together-Api-Key",
)
