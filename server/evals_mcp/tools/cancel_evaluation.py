"""`cancel_evaluation`: stop one where the service can."""

from __future__ import annotations

from evals_mcp.errors import UnsupportedError
from evals_mcp.tools.calls.evaluation_ids import checked_evaluation_id
from evals_mcp.tools.calls.session import ToolSession
from evals_mcp.tools.job_text import after_failure, failure_reason, is_cancelled
from evals_schemas.evaluation_api.evaluations import ENDED, EvaluationJob
from evals_schemas.tools.outputs import CancelEvaluationInput, CancelEvaluationOutput


async def cancel_evaluation(
    arguments: CancelEvaluationInput, session: ToolSession
) -> CancelEvaluationOutput:
    """Stop an evaluation; rows that are running have a while to finish.

    Raises:
        UnsupportedError: the service cannot; the message says what the evaluation will come to.
        EvalsMCPError: it could not be stopped.
    """
    evaluation_id = checked_evaluation_id(arguments.evaluation_id)
    try:
        job = await session.provider.cancel_evaluation(evaluation_id)
    except UnsupportedError as error:
        job = await session.provider.get_evaluation(evaluation_id)
        if job.status not in ENDED:
            raise await _with_total(error, job, session) from None
    return CancelEvaluationOutput(
        evaluation_id=evaluation_id,
        status=job.status,
        next_step=_next_step(evaluation_id, job, session.provider.name_of(evaluation_id)),
    )


async def _with_total(
    error: UnsupportedError, job: EvaluationJob, session: ToolSession
) -> UnsupportedError:
    # Jinja2 costs start-up time that only this answer has to pay.
    from evals_mcp.tools.left_alone import expected_total  # noqa: PLC0415

    total = await expected_total(job, session)
    return error if total is None else UnsupportedError(f"{error} Left alone it takes {total}.")


def _next_step(evaluation_id: str, job: EvaluationJob, provider: str) -> str:
    if job.status == "completed":
        return f"It had ended before: call get_evaluation with evaluation_id {evaluation_id}."
    if is_cancelled(job):
        return f"{failure_reason(job)} {after_failure(job, provider)}"
    if job.status in ENDED:
        return f"Call get_evaluation with evaluation_id {evaluation_id} to see how far it came."
    return (
        "It starts no further row and ends once those in flight have finished, in half a minute at "
        f"the most: call get_status with evaluation_id {evaluation_id}, wait_seconds 45."
    )
