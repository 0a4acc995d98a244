"""Starts the evaluations of several metrics, each at most once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from evals_mcp.errors import AmbiguousCreateError, CallerError, EvalsMCPError
from evals_mcp.launching.codes import Code
from evals_mcp.launching.launches import Launches
from evals_mcp.launching.metrics.group import MetricsLaunch
from evals_mcp.launching.metrics.shared_answers import taking_answers
from evals_mcp.launching.repeats import StartedEvaluation
from evals_mcp.launching.starting import earlier_evaluation, start_evaluation

MetricOutcome = Literal["started", "exists", "declined", "unknown", "not started"]
"""unknown: the create was sent and its answer lost."""


@dataclass(frozen=True)
class StartedMetric:
    """What became of one metric."""

    name: str
    outcome: MetricOutcome
    evaluation: StartedEvaluation | None = None
    """None unless it was started or exists."""
    error: EvalsMCPError | None = None
    """Why it was not started; None if it was, or if its turn did not come."""


async def start_metrics(launch: MetricsLaunch, launches: Launches) -> list[StartedMetric]:
    """Start each metric, and return what became of each.

    A metric that takes the answers of another one is sent with the id of that one's evaluation.
    A metric that the service refuses does not keep the others from starting. If the service cannot
    be used, or loses an answer, the metrics after it are not sent.

    Raises:
        EvalsMCPError: the first failure, if no metric was started and none exists.
    """
    results: list[StartedMetric] = []
    generating: dict[str, StartedEvaluation] = {}
    stopped = False
    for name, each in launch.launches().items():
        if stopped:
            results.append(StartedMetric(name, "not started"))
            continue
        source = launch.taken.get(name, name)
        if source in generating:
            each = taking_answers(each, generating[source])  # noqa: PLW2901 - the same launch
        try:
            started = await start_evaluation(each, launches, part=each.digest)
        except EvalsMCPError as error:
            is_lost = isinstance(error, AmbiguousCreateError)
            results.append(
                StartedMetric(name, "unknown" if is_lost else "not started", error=error)
            )
            stopped = not isinstance(error, CallerError)
            continue
        if started is None:
            results.append(StartedMetric(name, "declined"))
            stopped = True
        else:
            evaluation, is_new = started
            # If the service refuses the first metric, the next one generates the answers.
            generating.setdefault(source, evaluation)
            results.append(StartedMetric(name, "started" if is_new else "exists", evaluation))
    _raise_if_nothing_runs(results)
    return results


async def metrics_under(
    code: Code, launch: MetricsLaunch, launches: Launches
) -> list[StartedMetric] | None:
    """Return the metrics that were started under a code; None unless all of them were."""
    results: list[StartedMetric] = []
    for name, each in launch.launches().items():
        started = await launches.repeats.started_under(code, each)
        if started is None:
            return None
        results.append(StartedMetric(name, "exists", started))
    return results


async def earlier_metrics(launch: MetricsLaunch, launches: Launches) -> list[StartedMetric]:
    """Return the metrics that identical creates have started, without those that none has."""
    results: list[StartedMetric] = []
    for name, each in launch.launches().items():
        if earlier := await earlier_evaluation(each, launches):
            results.append(StartedMetric(name, "exists", earlier))
    return results


def _raise_if_nothing_runs(results: Sequence[StartedMetric]) -> None:
    errors = [result.error for result in results if result.error]
    if errors and not any(result.evaluation for result in results):
        lost = (error for error in errors if isinstance(error, AmbiguousCreateError))
        raise next(lost, errors[0])
