"""One evaluation on its way to being started."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from evals_mcp.launching.agreed_estimate import Estimate
from evals_mcp.launching.codes import Code
from evals_mcp.launching.fingerprint import fingerprint
from evals_mcp.providers.protocol import AnyRequest, Provider
from evals_schemas.benchmark_api.benchmarks import BenchmarkRequest
from evals_schemas.tools.plans import Plan


@dataclass(frozen=True)
class Launch:
    """A request, what it would do, and how the caller asked for it."""

    request: AnyRequest
    provider: Provider
    plan: Plan
    again: bool
    """Start another, although the same may just have been started."""
    code: Code | None = None
    """The code under which the user agreed; None where nobody was asked, or not yet."""

    @cached_property
    def fingerprint(self) -> str:
        """What it shares with every identical call of this account."""
        return fingerprint(self.request, self.provider.account)

    @property
    def estimate(self) -> Estimate:
        """What the user is asked to agree to."""
        return Estimate.of(self.plan)

    @property
    def service(self) -> str:
        """The name of the service that will run it."""
        if isinstance(self.request, BenchmarkRequest):
            return self.provider.name_of(self.request.benchmark_id)
        return self.provider.name_of(self.request.parameters.input_data_file_path)
