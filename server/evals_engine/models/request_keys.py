"""Keys of external models: in a request and in memory, never in a stored row.

A stored request has a mark where a key was, so that a run in another process knows what it lacks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from pydantic import SecretStr

from evals_schemas.evaluation_api.evaluations import AnyParameters, candidates

KEY_FIELD = "external_api_token"
REDACTED = "[redacted]"
"""What stands in a stored request where a key was."""

Keys = Mapping[str, SecretStr]
"""Keys by the field whose model they are for: judge, model_to_evaluate, model_a, model_b."""


def keys_of(parameters: AnyParameters) -> dict[str, SecretStr]:
    """The keys that a request brings."""
    models = {"judge": parameters.judge, **candidates(parameters)}
    return {
        field: SecretStr(model.external_api_token)
        for field, model in models.items()
        if not isinstance(model, str) and model.external_api_token
    }


def stored_parameters(parameters: AnyParameters) -> dict[str, Any]:
    """A request's parameters as they are stored and answered: absent fields out, keys marked."""
    stored = parameters.model_dump(mode="json", exclude_none=True)
    for model in _models(stored).values():
        if KEY_FIELD in model:
            model[KEY_FIELD] = REDACTED
    return stored


def without_marks(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Stored parameters as a request that brings no keys."""
    clean = dict(stored)
    for field, model in _models(stored).items():
        clean[field] = {name: value for name, value in model.items() if name != KEY_FIELD}
    return clean


def missing_key(stored: Mapping[str, Any], keys: Keys) -> str | None:
    """The first field whose key came with the request and is not in this process."""
    marked = (field for field, model in _models(stored).items() if KEY_FIELD in model)
    return next((field for field in marked if field not in keys), None)


def _models(parameters: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        field: cast("dict[str, Any]", value)
        for field, value in parameters.items()
        if isinstance(value, dict)
    }
