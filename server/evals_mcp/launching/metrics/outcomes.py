"""The output of a create with several metrics, one function for each outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evals_mcp.cleaning import inert
from evals_mcp.launching.metrics.group import MetricsLaunch
from evals_mcp.launching.metrics.starting import StartedMetric
from evals_schemas.tools.outputs import CreateEvaluationOutput

_ERROR = 400


def started_metrics(
    launch: MetricsLaunch, results: Sequence[StartedMetric]
) -> CreateEvaluationOutput:
    """Return the output for metrics of which at least one was started or exists."""
    ids = [result.evaluation.evaluation_id for result in results if result.evaluation]
    missing = [result for result in results if result.evaluation is None]
    outcome = "exists"
    if any(result.outcome == "started" for result in results):
        outcome = "started"
    if missing:
        outcome = "partial"
    step = _after_a_part(launch, missing) if missing else _after_all(ids)
    if outcome == "exists":
        step += (
            " To start others anyway, call create_evaluation again with `again` true and without "
            "`confirm`."
        )
    return CreateEvaluationOutput(
        outcome=outcome,
        type=launch.kind,
        provider=launch.service,
        calls=launch.plan.calls,
        cost_usd=launch.plan.cost_usd,
        warnings=launch.plan.warnings,
        metrics=[_line(launch, result) for result in results],
        next_step=step,
    )


def with_metrics(
    output: CreateEvaluationOutput,
    launch: MetricsLaunch,
    figures: Mapping[str, Mapping[str, Any]],
) -> CreateEvaluationOutput:
    """Return an output without a start, with a line for each metric.

    Args:
        output: the output for all together.
        launch: the metrics.
        figures: the figures of each metric's plan; see `plan_figures`.
    """
    lines = [
        {"name": name, "type": each.request.type, **figures[name]}
        for name, each in launch.requests.items()
    ]
    return output.model_copy(update={"metrics": lines})


def _line(launch: MetricsLaunch, result: StartedMetric) -> dict[str, Any]:
    line: dict[str, Any] = {
        "name": result.name,
        "type": launch.requests[result.name].request.type,
        "outcome": result.outcome,
    }
    if result.evaluation:
        line |= {
            "evaluation_id": result.evaluation.evaluation_id,
            "status": result.evaluation.status,
        }
    if result.error:
        line["error"] = inert(str(result.error), _ERROR)
    return line


def _after_all(ids: Sequence[str]) -> str:
    return (
        "Call get_status for each evaluation_id with wait_seconds 45 until all have ended; then "
        f"get_evaluation with evaluation_id {','.join(ids)} for all results side by side."
    )


def _after_a_part(launch: MetricsLaunch, missing: Sequence[StartedMetric]) -> str:
    if any(result.outcome == "declined" for result in missing):
        return (
            "The user declined while the metrics were being started. Do not start the others "
            "unless the user asks for them."
        )
    how = ""
    if launch.code:
        how = " and the same `confirm`"
    elif launch.again:
        how = " but without `again`"
    return (
        "Correct what the errors name, or wait, then call create_evaluation again with the same "
        f"arguments{how}: metrics that were started are found again and not started twice."
    )
