"""What an evaluation that cannot be stopped will come to."""

from __future__ import annotations

from typing import Any

import anyio
from pydantic import ValidationError

from evals_mcp.errors import EvalsMCPError
from evals_mcp.launching.agreed_estimate import usd_range
from evals_mcp.planning.plan import plan_evaluation
from evals_mcp.tools.calls.session import ToolSession
from evals_schemas.evaluation_api.evaluations import EvaluationJob, parse_evaluation_request
from evals_schemas.tools.plans import Plan

SECONDS = 5.0
"""How long it may take to find out."""


async def expected_total(job: EvaluationJob, session: ToolSession) -> str | None:
    """Such as `about $0.40 to $1.20 in all (2,000 calls)`; None where it cannot be told in time.

    Raises nothing that a service or its answers can do.
    """
    with anyio.move_on_after(SECONDS):
        try:
            request = parse_evaluation_request({"type": job.type, "parameters": _parameters(job)})
            return in_all(await plan_evaluation(request, session.provider, session.desk))
        except (EvalsMCPError, ValidationError):
            return None
    return None


def in_all(plan: Plan) -> str | None:
    """The cost of a plan, or else its tokens; None where neither is known."""
    if not plan.calls:
        return None if plan.calls is None else "nothing, since it calls no model"
    tokens = (plan.input_tokens or 0) + (plan.output_tokens or 0)
    price = f"{tokens:,} tokens" if plan.cost_usd is None else usd_range(plan.cost_usd)
    return f"about {price} in all ({plan.calls:,} calls)"


def _parameters(job: EvaluationJob) -> dict[str, Any]:
    """Some services answer with explicit nulls and fields of their own at the top."""
    return {name: value for name, value in job.parameters.items() if value is not None}
