"""The cost of an evaluation as answers and manifests contain it."""

from __future__ import annotations

from evals_mcp.spending.settling import EvaluationCost, ends_free
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.tools.costs import Cost


def shown_usd(job: EvaluationJob, cost: EvaluationCost) -> float | None:
    """Return the US dollars of an ended evaluation for a line; None if they are unknown."""
    usd = cost.actual.usd if cost.actual else None
    return None if usd == 0 and not ends_free(job) else usd


def shown_cost(cost: EvaluationCost) -> Cost | None:
    """Return the cost; None while the evaluation runs."""
    if cost.actual is None:
        return None
    usage, estimate = cost.actual.usage, cost.estimate
    # Only tokens are known of the calls that an earlier version counted.
    has_calls = usage is not None and (usage.calls > 0 or not usage.input_tokens)
    return Cost(
        usd=cost.actual.usd,
        calls=usage.calls if usage and has_calls else None,
        input_tokens=usage.input_tokens if usage else None,
        output_tokens=usage.output_tokens if usage else None,
        estimated_usd=[estimate.low, estimate.high] if estimate else None,
        unknown=cost.actual.unknown,
    )
