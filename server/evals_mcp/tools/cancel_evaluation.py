"""`cancel_evaluation`: stops an evaluation if the service can."""

from __future__ import annotations

from typing import Any

import anyio
from pydantic import ValidationError

from evals_mcp.derivations.requested import sent_parameters
from evals_mcp.errors import EvalsMCPError, UnsupportedError
from evals_mcp.service_spec import Capabilities
from evals_mcp.spending.dollars import usd_range
from evals_mcp.tools.calls.session import ToolSession
from evals_mcp.tools.job_text import after_failure, failure_reason, is_cancelled
from evals_schemas.evaluation_api.evaluations import (
    ENDED,
    EvaluationJob,
    parse_evaluation_request,
)
from evals_schemas.tools.inputs import CancelEvaluationInput
from evals_schemas.tools.outputs import CancelEvaluationOutput
from evals_schemas.tools.plans import Plan

PLAN_SECONDS = 5.0
"""Seconds that planning an evaluation that cannot be cancelled may take."""


async def cancel_evaluation(
    arguments: CancelEvaluationInput, session: ToolSession
) -> CancelEvaluationOutput:
    """Stop an evaluation; rows that are being judged have half a minute to finish.

    Raises:
        UnsupportedError: the service cannot cancel; the message says what the evaluation will cost.
        EvalsMCPError: it could not be stopped.
    """
    evaluation_id = await session.evaluation_id(arguments.evaluation_id)
    try:
        job = await session.provider.cancel_evaluation(evaluation_id)
    except UnsupportedError as error:
        job = await session.provider.get_evaluation(evaluation_id)
        if job.status not in ENDED:
            raise await _with_total(error, job, session) from None
    return CancelEvaluationOutput(
        evaluation_id=evaluation_id,
        status=job.status,
        next_step=_next_step(
            evaluation_id, job, session.provider.service_of(evaluation_id).capabilities
        ),
    )


async def _with_total(
    error: UnsupportedError, job: EvaluationJob, session: ToolSession
) -> UnsupportedError:
    total = await _expected_total(job, session)
    return (
        error if total is None else UnsupportedError(f"{error} Without a cancel it takes {total}.")
    )


async def _expected_total(job: EvaluationJob, session: ToolSession) -> str | None:
    """Return a text such as `about $0.40 to $1.20 in all (2,000 calls)`.

    Return None if the evaluation cannot be planned, or not within `PLAN_SECONDS`.
    """
    # Imported here because planning is slow to import, and a start does not need it.
    from evals_mcp.planning.plan import plan_evaluation  # noqa: PLC0415

    with anyio.move_on_after(PLAN_SECONDS):
        try:
            request = parse_evaluation_request({"type": job.type, "parameters": _parameters(job)})
            plan = await plan_evaluation(request, session.provider, session.planning)
            return _cost_in_words(plan)
        except (EvalsMCPError, ValidationError):
            return None
    return None


def _cost_in_words(plan: Plan) -> str | None:
    """Return the cost of a plan or, without prices, its tokens; None if its calls are unknown."""
    if not plan.calls:
        return None if plan.calls is None else "nothing, since it calls no model"
    tokens = (plan.input_tokens or 0) + (plan.output_tokens or 0)
    price = f"{tokens:,} tokens" if plan.cost_usd is None else usd_range(plan.cost_usd)
    return f"about {price} in all ({plan.calls:,} calls)"


def _parameters(job: EvaluationJob) -> dict[str, Any]:
    """Return the parameters that were sent, without the nulls that some services answer with."""
    sent = sent_parameters(job)
    return {name: value for name, value in sent.items() if value is not None}


def _next_step(evaluation_id: str, job: EvaluationJob, capabilities: Capabilities) -> str:
    if job.status == "completed":
        return f"It had already ended: call get_evaluation with evaluation_id {evaluation_id}."
    if is_cancelled(job):
        return f"{failure_reason(job)} {after_failure(job, capabilities)}"
    if job.status in ENDED:
        return f"Call get_evaluation with evaluation_id {evaluation_id} for its results."
    return (
        "It starts no further row and ends when the rows in progress have finished, within half a "
        f"minute: call get_status with evaluation_id {evaluation_id}, wait_seconds 45."
    )
