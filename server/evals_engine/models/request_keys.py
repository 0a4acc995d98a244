"""Keys of external models, which exist in a request and in memory but are never stored.

A stored request has a mark in place of each key, so that a run in another process knows which keys
are missing.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any, cast

from pydantic import SecretStr

from evals_engine.config import EngineConfig
from evals_engine.models.endpoints import external_endpoint
from evals_schemas.evaluation_api.evaluations import (
    BESIDE_PARAMETERS,
    AnyParameters,
    Endpoint,
    candidates,
)

KEY_FIELD = "external_api_token"
REDACTED = "[redacted]"
"""The mark in place of a key in a stored request."""

Keys = Mapping[str, SecretStr]
"""Keys by the field of their model: judge, model_to_evaluate, model_a, model_b."""


def without_configured_keys(parameters: AnyParameters, config: EngineConfig) -> AnyParameters:
    """Return a request without those keys that the configuration has for the same base URL.

    Every process has them, so the evaluation can run in any of them, also after a restart.
    """
    changes = {
        field: model.model_copy(update={KEY_FIELD: None})
        for field, model in _models_of(parameters).items()
        if _is_configured(model, config)
    }
    return parameters.model_copy(update=changes)


def _is_configured(model: Endpoint, config: EngineConfig) -> bool:
    """Return whether a model's key is the one that a run would use without it."""
    endpoint = external_endpoint(config, model)
    if model.external_api_token is None or endpoint is None or endpoint.token is None:
        return False
    configured = endpoint.token.get_secret_value()
    return hmac.compare_digest(_bytes_of(model.external_api_token), _bytes_of(configured))


def _bytes_of(key: str) -> bytes:
    return key.encode(errors="surrogatepass")


def keys_of(parameters: AnyParameters) -> dict[str, SecretStr]:
    """Return the keys in a request."""
    return {
        field: SecretStr(model.external_api_token)
        for field, model in _models_of(parameters).items()
        if model.external_api_token
    }


def _models_of(parameters: AnyParameters) -> dict[str, Endpoint]:
    """Return the judge and the candidates that are models, by the field of a request."""
    models = {"judge": parameters.judge, **candidates(parameters)}
    return {field: model for field, model in models.items() if not isinstance(model, str)}


def stored_parameters(parameters: AnyParameters) -> dict[str, Any]:
    """Return the parameters to store and to answer: without absent fields, with keys as marks."""
    stored = parameters.model_dump(mode="json", exclude_none=True)
    for model in _models(stored).values():
        if KEY_FIELD in model:
            model[KEY_FIELD] = REDACTED
    return stored


def without_marks(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return stored parameters as those of a request, without keys and what stands beside them."""
    clean = {name: value for name, value in stored.items() if name not in BESIDE_PARAMETERS}
    for field, model in _models(clean).items():
        clean[field] = {name: value for name, value in model.items() if name != KEY_FIELD}
    return clean


def missing_key(stored: Mapping[str, Any], keys: Keys) -> str | None:
    """Return the first field with a key that this process does not have; None if it has all."""
    marked = (field for field, model in _models(stored).items() if KEY_FIELD in model)
    return next((field for field in marked if field not in keys), None)


def _models(parameters: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        field: cast("dict[str, Any]", value)
        for field, value in parameters.items()
        if isinstance(value, dict)
    }
