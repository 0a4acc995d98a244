"""Several requests that are planned, agreed and started together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from evals_mcp.cleaning import clean, quoted
from evals_mcp.errors import InvalidRequestError
from evals_mcp.launching.agreed_estimate import Estimate
from evals_mcp.launching.codes import Code
from evals_mcp.launching.launch import Derive, Launch, RequestedEvaluation
from evals_mcp.launching.metrics.arguments import of_metric
from evals_mcp.providers.protocol import JudgedRequest
from evals_mcp.spending.day import Day
from evals_schemas.benchmark_api.benchmarks import BenchmarkRequest
from evals_schemas.digests import value_digest
from evals_schemas.tools.plans import Plan

_LONGEST = 1_200
_REASON = 300
_NAMED = 6
"""Metrics that a question describes; the others are counted."""


@dataclass(frozen=True)
class RequestedMetrics:
    """One request for each metric, all for the same data set."""

    requests: Mapping[str, RequestedEvaluation]
    """By the name of the metric, in the order of the call; at least one."""

    def check(self) -> None:
        """Raise InvalidRequestError if two metrics would be the same evaluation."""
        names: dict[str, str] = {}
        for name, requested in self.requests.items():
            if (other := names.setdefault(requested.digest, name)) != name:
                raise InvalidRequestError(
                    f"{of_metric(name)}it asks the same as {quoted(other, 60)}, so it would be the "
                    "same evaluation: leave one of them out, or let them differ."
                )

    @property
    def _first(self) -> RequestedEvaluation:
        return next(iter(self.requests.values()))

    @property
    def account(self) -> str:
        """The account of the service that will run all of them."""
        return self._first.account

    @property
    def digest(self) -> str:
        """The name of what all of them measure, in any order and under any names."""
        return self._digest

    @cached_property
    def _digest(self) -> str:
        return value_digest("metrics", sorted(each.digest for each in self.requests.values()))

    @property
    def digests(self) -> tuple[str, ...]:
        """The digest of all together, and of each: who declines all declines each."""
        return (self.digest, *(each.digest for each in self.requests.values()))

    @property
    def service(self) -> str:
        """The name of the service that will run all of them."""
        return self._first.service

    @property
    def kind(self) -> str:
        """The types of the metrics."""
        return ", ".join(dict.fromkeys(each.request.type for each in self.requests.values()))


@dataclass(frozen=True)
class MetricsLaunch(RequestedMetrics):
    """The requests with their plans, and how the caller wants them started."""

    plans: Mapping[str, Plan]
    """The plan of each metric."""
    plan: Plan
    """The plan of all together."""
    again: bool
    """Whether to start other evaluations, even if identical ones were just started."""
    code: Code | None = None
    """The code under which the user agreed to all of them; None if they were not asked yet."""
    day: Day | None = None
    """What was spent in the last 24 hours; None without a limit of a day."""

    taken: Mapping[str, str] = field(default_factory=dict[str, str])
    """The metric whose answers a metric takes, by the name of the one that takes them."""
    derives: Mapping[str, Derive | None] = field(default_factory=dict[str, Derive | None])
    """What makes the file of each metric that is not sent the data set itself."""

    @property
    def estimate(self) -> Estimate:
        """The calls and the cost of all together."""
        return Estimate.of(self.plan)

    def launches(self) -> dict[str, Launch]:
        """Return the launch of each metric, under the code of all."""
        return {
            name: Launch(
                requested.request,
                requested.provider,
                self.plans[name],
                self.again,
                self.code,
                derive=self.derives.get(name),
                selection=requested.selection,
            )
            for name, requested in self.requests.items()
        }


def metrics_question(launch: MetricsLaunch, reasons: list[str]) -> str:
    """Return one short paragraph for the user who has to agree to all metrics."""
    rows = launch.plan.rows
    of = "" if rows is None else f"{rows:,} row{'' if rows == 1 else 's'} each, "
    judged = [
        (name, each.request)
        for name, each in launch.requests.items()
        if not isinstance(each.request, BenchmarkRequest)
    ]
    shown = ", ".join(_described(name, request) for name, request in judged[:_NAMED])
    more = f" and {len(judged) - _NAMED} more" if len(judged) > _NAMED else ""
    on = quoted(judged[0][1].parameters.input_data_file_path, 80)
    start = (
        f"Start {len(judged)} evaluations on {launch.service}? {shown}{more}, on data set {on}; "
        f"{of}{launch.estimate} in total."
    )
    sentences = " ".join(clean(reason, _REASON) for reason in reasons)
    return clean(f"{start} {sentences}", _LONGEST)


def _described(name: str, request: JudgedRequest) -> str:
    judge = quoted(request.parameters.judge.model, 60)
    return f"{quoted(name, 60)} ({request.type}, judge {judge})"
