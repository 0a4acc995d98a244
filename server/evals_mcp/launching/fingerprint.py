"""What tells one request from another: all that is measured, with which keys, for one account."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any, cast

from evals_mcp.providers.protocol import AnyRequest
from evals_mcp.providers.same_request import measured
from evals_schemas.benchmark_api.benchmarks import BenchmarkRequest

_SECRET_FIELD = "external_api_token"  # noqa: S105 - the name of a field, not a token


def fingerprint(request: AnyRequest, account: str) -> str:
    """A digest that two requests share when they measure the same for the same account."""
    parameters = measured(request.type, parameters_of(request))
    sent = {"type": request.type, "parameters": _hidden(parameters)}
    canonical = json.dumps(sent, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return sha256(f"{account}\n{canonical}".encode()).hexdigest()


def parameters_of(request: AnyRequest) -> dict[str, Any]:
    """The parameters as they are sent, and as a service repeats them in its list."""
    if isinstance(request, BenchmarkRequest):
        return request.model_dump(mode="json", exclude_none=True, exclude={"type"})
    return request.parameters.model_dump(mode="json", exclude_none=True)


def _hidden(value: Any) -> Any:
    """The same JSON value with a digest in place of each external model's key."""
    if not isinstance(value, dict):
        return value
    fields = cast("dict[str, Any]", value)
    return {
        name: sha256(str(below).encode()).hexdigest() if name == _SECRET_FIELD else _hidden(below)
        for name, below in fields.items()
    }
