"""The models that the configured endpoints offer."""

from __future__ import annotations

from evals_engine.config import EngineConfig
from evals_engine.faults import ModelCallError
from evals_engine.models.access import ModelAccess
from evals_schemas.evaluation_api.models import Model


def dedicated_models(config: EngineConfig) -> list[Model]:
    """Return the dedicated endpoints, which a request names like models."""
    return [
        Model(id=name, type="chat", organization="dedicated endpoint")
        for name in sorted(config.dedicated)
    ]


async def serverless_models(access: ModelAccess) -> list[Model]:
    """Return the models that the serverless endpoint lists.

    The list is empty if no endpoint is configured or while the endpoint does not answer, because
    rules and dedicated endpoints can still be used.
    """
    if access.config.serverless is None:
        return []
    try:
        return await access.client.list_models(access.config.serverless)
    except ModelCallError:
        return []
