"""An evaluation that is about to be started."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from evals_mcp.derivations.derivation import Selection
from evals_mcp.launching.agreed_estimate import Estimate
from evals_mcp.launching.codes import Code
from evals_mcp.providers.protocol import AnyRequest, Provider
from evals_mcp.providers.same_request import measured
from evals_mcp.spending.day import Day
from evals_schemas.benchmark_api.benchmarks import BenchmarkRequest
from evals_schemas.digests import request_digest
from evals_schemas.sequential.stop_when import STOP_WHEN
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
    def day(self) -> Day | None:
        """What was spent in the last 24 hours; None without a limit of a day."""
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


Derive = Callable[[], Awaitable[AnyRequest]]
"""Makes a derived file, unless its service has it, and returns the request on that file."""


@dataclass(frozen=True)
class RequestedEvaluation:
    """A request for an evaluation, and the provider that would run it."""

    request: AnyRequest
    """The request, on the data set that the caller named."""
    provider: Provider
    selection: Selection | None = field(default=None, kw_only=True)
    """The rows of the data set that are chosen; None for all."""
    copied_from: str | None = field(default=None, kw_only=True)
    """The service whose data set was copied for a rule; None if it was not copied."""

    @cached_property
    def parameters(self) -> dict[str, Any]:
        """What is requested, as `DerivedData.shown` repeats it for the evaluation."""
        return parameters_of(self.request) | self._chosen

    @property
    def _chosen(self) -> dict[str, Any]:
        return dict(self.selection.arguments) if self.selection else {}

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
        parameters = measured(request.type, parameters_of(request) | self._chosen)
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
    day: Day | None = None
    """What was spent in the last 24 hours; None without a limit of a day."""
    derive: Derive | None = None
    """Makes the file to send, if the data set itself is not sent."""
    sent: AnyRequest | None = None
    """The request on the derived file, once there is one; None if it is the request itself."""

    @property
    def sent_request(self) -> AnyRequest:
        """The request as the service gets it."""
        return self.sent or self.request

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
    parameters = request.parameters.model_dump(mode="json", exclude_none=True)
    if request.stop_when is not None:
        rules = request.stop_when.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
        parameters |= {STOP_WHEN: rules}
    return parameters
