"""An evaluation that is about to be started."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from evals_mcp.launching.agreed_estimate import Estimate
from evals_mcp.launching.codes import Code
from evals_mcp.providers.protocol import AnyRequest, Provider
from evals_mcp.providers.same_request import measured
from evals_schemas.benchmark_api.benchmarks import BenchmarkRequest
from evals_schemas.digests import request_digest
from evals_schemas.tools.plans import Plan


class Requested(Protocol):
    """A request for one evaluation, or for several."""

    @property
    def account(self) -> str:
        """The account of the service that will run it."""
        ...

    @property
    def digest(self) -> str:
        """The name of what is measured, for this account."""
        ...

    @property
    def digests(self) -> tuple[str, ...]:
        """The digests of all requests that a user's "no" to this one declines."""
        ...


class PlannedRequest(Requested, Protocol):
    """A request with its plan."""

    @property
    def plan(self) -> Plan:
        """What it would do."""
        ...

    @property
    def again(self) -> bool:
        """Whether to start another evaluation, even if an identical one was just started."""
        ...

    @property
    def estimate(self) -> Estimate:
        """The calls and the cost that the user is asked to agree to."""
        ...

    @property
    def kind(self) -> str:
        """The requested type or types, for answers."""
        ...

    @property
    def service(self) -> str:
        """The name of the service that will run it."""
        ...


@dataclass(frozen=True)
class RequestedEvaluation:
    """A request for an evaluation, and the provider that would run it."""

    request: AnyRequest
    provider: Provider

    @cached_property
    def _route(self) -> tuple[Provider, AnyRequest]:
        return self.provider.route(self.request)

    @property
    def account(self) -> str:
        """The account of the service that will run the evaluation."""
        return self._route[0].account

    @property
    def takes_keys(self) -> bool:
        """Whether the service starts one evaluation for each idempotency key."""
        return self._route[0].capabilities.takes_keys

    @property
    def digest(self) -> str:
        """The name of what is measured, for this account of this service.

        The digest is the same for every identical request, also if further services are
        configured later.
        """
        return self._digest

    @cached_property
    def _digest(self) -> str:
        provider, request = self._route
        parameters = measured(request.type, parameters_of(request))
        return request_digest(provider.account, request.type, parameters)

    @property
    def digests(self) -> tuple[str, ...]:
        """The digests of all requests that a user's "no" to this one declines."""
        return (self.digest,)

    @property
    def service(self) -> str:
        """The name of the service that will run the evaluation."""
        if isinstance(self.request, BenchmarkRequest):
            return self.provider.service_of(self.request.benchmark_id).name
        return self.provider.service_of(self.request.parameters.input_data_file_path).name


@dataclass(frozen=True)
class Launch(RequestedEvaluation):
    """A request, its plan, and how the caller wants the evaluation started."""

    plan: Plan
    again: bool
    """Whether to start another evaluation, even if an identical one was just started."""
    code: Code | None = None
    """The code under which the user agreed; None if the user was not asked yet."""

    @property
    def estimate(self) -> Estimate:
        """The calls and the cost that the user is asked to agree to."""
        return Estimate.of(self.plan)

    @property
    def kind(self) -> str:
        """The requested type, for answers."""
        return self.request.type


def parameters_of(request: AnyRequest) -> dict[str, Any]:
    """Return the parameters as they are sent, and as a service repeats them in its list."""
    if isinstance(request, BenchmarkRequest):
        return request.model_dump(mode="json", exclude_none=True, exclude={"type"})
    return request.parameters.model_dump(mode="json", exclude_none=True)
