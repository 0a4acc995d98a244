"""Finds the endpoint of a request's model, and how many calls it may have in flight."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pydantic import SecretStr

from evals_engine.config import EngineConfig, ModelEndpoint
from evals_engine.faults import RequestError
from evals_schemas.evaluation_api.evaluations import Endpoint
from evals_schemas.evaluation_api.rules import RULE_PREFIX
from evals_schemas.evaluation_api.workers import CalledModel, rows_at_once
from evals_schemas.reasons import Reason


def endpoint_for(
    config: EngineConfig, model: Endpoint, field: str, token: SecretStr | None = None
) -> ModelEndpoint | None:
    """Return the endpoint of a judge or candidate; None for a rule.

    Raises:
        RequestError: the source is not configured, or the base URL is not allowed.
    """
    if model.model.startswith(RULE_PREFIX):
        return None
    if model.model_source == "serverless":
        return _serverless(config, field)
    if model.model_source == "dedicated":
        return _dedicated(config, model, field)
    return _external(config, model, field, token)


def external_endpoint(config: EngineConfig, model: Endpoint) -> ModelEndpoint | None:
    """Return the first configured endpoint with the base URL of an external model, else None."""
    base_url = (model.external_base_url or "").rstrip("/")
    if model.model_source != "external" or not base_url:
        return None
    return next((each for each in config.external if each.base_url.rstrip("/") == base_url), None)


def workers_for(model: Endpoint) -> int:
    """Return the most calls in flight for one judge or candidate."""
    return _called(model).calls_at_once


def row_workers(models: Iterable[Endpoint]) -> int:
    """Return how many rows are in flight, for the judge and the candidates of an evaluation."""
    return rows_at_once(map(_called, models))


def _called(model: Endpoint) -> CalledModel:
    return CalledModel(model.model, model.model_source, model.num_workers)


def _serverless(config: EngineConfig, field: str) -> ModelEndpoint:
    if config.serverless is None:
        raise RequestError(
            "No model endpoint is configured for model_source serverless. Set "
            "local.models.base_url to an OpenAI-compatible API, or use a rule judge such as "
            "rule/exact-match.",
            param=f"{field}.model_source",
            reason=Reason.ENDPOINT_MISCONFIGURED,
        )
    return config.serverless


def _dedicated(config: EngineConfig, model: Endpoint, field: str) -> ModelEndpoint:
    if model.model not in config.dedicated:
        names = ", ".join(sorted(config.dedicated)) or "(none)"
        raise RequestError(
            f"No dedicated endpoint has this name. Configured: {names}. "
            "Add it as local.dedicated.NAME, or use another model_source.",
            param=f"{field}.model",
            reason=Reason.ENDPOINT_MISCONFIGURED,
        )
    return config.dedicated[model.model]


def _external(
    config: EngineConfig, model: Endpoint, field: str, token: SecretStr | None
) -> ModelEndpoint:
    if (allowed := external_endpoint(config, model)) is not None:
        return replace(allowed, token=token or allowed.token)
    raise RequestError(
        "This base URL is not allowed. External models are called only at the base URLs of the "
        "configured credentials: add [credentials.NAME] with this base_url.",
        param=f"{field}.external_base_url",
        reason=Reason.ENDPOINT_MISCONFIGURED,
    )
