"""An evaluation that is about to be started."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any, cast

from evals_mcp.launching.agreed_estimate import Estimate
from evals_mcp.launching.codes import Code
from evals_mcp.providers.protocol import AnyRequest, Provider
from evals_mcp.providers.same_request import measured
from evals_schemas.benchmark_api.benchmarks import BenchmarkRequest
from evals_schemas.tools.plans import Plan

_SECRET_FIELD = "external_api_token"  # noqa: S105 - the name of a field, not a token


@dataclass(frozen=True)
class Launch:
    """A request, its plan, and how the caller wants the evaluation started."""

    request: AnyRequest
    provider: Provider
    plan: Plan
    again: bool
    """Whether to start another evaluation, even if an identical one was just started."""
    code: Code | None = None
    """The code under which the user agreed; None if the user was not asked yet."""

    @cached_property
    def fingerprint(self) -> str:
        """A digest that is the same for every identical call of this account."""
        return fingerprint(self.request, self.provider.account)

    @property
    def estimate(self) -> Estimate:
        """The calls and the cost that the user is asked to agree to."""
        return Estimate.of(self.plan)

    @property
    def service(self) -> str:
        """The name of the service that will run the evaluation."""
        if isinstance(self.request, BenchmarkRequest):
            return self.provider.service_of(self.request.benchmark_id).name
        return self.provider.service_of(self.request.parameters.input_data_file_path).name


def fingerprint(request: AnyRequest, account: str) -> str:
    """Return a digest that is equal for requests of one account that measure the same."""
    parameters = measured(request.type, parameters_of(request))
    sent = {"type": request.type, "parameters": _without_keys(parameters)}
    canonical = json.dumps(sent, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return sha256(f"{account}\n{canonical}".encode()).hexdigest()


def parameters_of(request: AnyRequest) -> dict[str, Any]:
    """Return the parameters as they are sent, and as a service repeats them in its list."""
    if isinstance(request, BenchmarkRequest):
        return request.model_dump(mode="json", exclude_none=True, exclude={"type"})
    return request.parameters.model_dump(mode="json", exclude_none=True)


def _without_keys(value: Any) -> Any:
    """Return the JSON value with a digest in place of each external model's key."""
    if not isinstance(value, dict):
        return value
    fields = cast("dict[str, Any]", value)
    return {
        name: sha256(str(below).encode()).hexdigest()
        if name == _SECRET_FIELD
        else _without_keys(below)
        for name, below in fields.items()
    }
