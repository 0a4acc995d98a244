"""`get_status`: the status of an evaluation, optionally after waiting for its end."""

from __future__ import annotations

from evals_mcp.cleaning import inert
from evals_mcp.derivations.requested import beside
from evals_mcp.results.sequential import progress_sentence
from evals_mcp.service_spec import Capabilities
from evals_mcp.spending.settling import cost_of_job
from evals_mcp.spending.shown import shown_usd
from evals_mcp.tools.calls.session import ToolSession
from evals_mcp.tools.evaluation_summary import headline_of
from evals_mcp.tools.job_text import (
    STATUS_SHOWN,
    after_failure,
    failure_reason,
    reason_code,
    shown_progress,
    unit_of,
)
from evals_schemas.evaluation_api.evaluations import (
    ANSWERS_FROM,
    ENDED,
    EvaluationJob,
    EvaluationStatus,
)
from evals_schemas.tools.inputs import GetStatusInput
from evals_schemas.tools.outputs import StatusOutput

ID_SHOWN = 80

_FIRST_PAUSE = 0.25
_GROWTH = 1.5
_LONGEST_PAUSE = {True: 2.0, False: 5.0}
"""Seconds between polls at most, by whether the service reports progress."""


async def get_status(arguments: GetStatusInput, session: ToolSession) -> StatusOutput:
    """Return the status, after any wait. A cancelled call does not stop the evaluation."""
    evaluation_id = await session.evaluation_id(arguments.evaluation_id)
    job = await session.evaluation(evaluation_id)
    status: EvaluationStatus = job
    if job.status not in ENDED and arguments.wait_seconds > 0:
        status = await _wait(evaluation_id, job, arguments.wait_seconds, session)
        if status.status in ENDED:
            status = job = await session.provider.get_evaluation(evaluation_id)
    if status.status not in ENDED:
        return _answer(evaluation_id, job, status, session)
    headline = await headline_of(job, session)
    cost = await cost_of_job(job, session.provider, session.launches.spending)
    answer = _answer(evaluation_id, job, status, session)
    return answer.model_copy(update={"headline": headline, "cost_usd": shown_usd(job, cost)})


async def _wait(
    evaluation_id: str, job: EvaluationJob, seconds: float, session: ToolSession
) -> EvaluationStatus:
    """Poll until the evaluation has ended or the time is up; report each row done to the client."""
    status: EvaluationStatus = job
    unit = unit_of(job)
    clock, pause, reported = session.clock, _FIRST_PAUSE, -1
    deadline = clock.monotonic() + seconds
    while True:
        if status.progress and status.progress.done > reported:
            reported = status.progress.done
            total = status.progress.total
            of = f" of {total:,}" if total is not None else ""
            await session.report_progress(reported, total, f"{reported:,}{of} {unit} done")
        remaining = deadline - clock.monotonic()
        if status.status in ENDED or remaining <= 0 or session.is_stopping():
            return status
        await clock.sleep(min(pause, remaining))
        pause = min(pause * _GROWTH, _LONGEST_PAUSE[status.progress is not None])
        status = await session.provider.get_status(evaluation_id)


def _answer(
    evaluation_id: str,
    job: EvaluationJob,
    status: EvaluationStatus,
    session: ToolSession,
) -> StatusOutput:
    """Return the answer without what is known of an ended evaluation alone."""
    finished = status.status in ENDED
    note = status.progress.note if status.progress and not finished else None
    if status.progress is None and not finished:
        unit = unit_of(job)
        note = f"This service does not report how many {unit} are done."
    answers_from = job.parameters.get(ANSWERS_FROM)
    if status.status == "pending" and isinstance(answers_from, str):
        generating = inert(beside(evaluation_id, answers_from), ID_SHOWN)
        note = f"It judges the answers of {generating}, and starts when that one has ended."
    if status.sequential and not finished and note is None:
        note = progress_sentence(status.sequential, job.parameters)
    return StatusOutput(
        evaluation_id=evaluation_id,
        status=inert(status.status, STATUS_SHOWN),
        finished=finished,
        progress=shown_progress(status.progress, job.type),
        progress_note=note,
        elapsed_seconds=session.seconds_since(job.created_at, job.updated_at if finished else None),
        error=failure_reason(job) if finished else None,
        reason=reason_code(job) if finished else None,
        next_step=_next_step(
            evaluation_id, job, status, session.provider.service_of(evaluation_id).capabilities
        ),
    )


def _next_step(
    evaluation_id: str, job: EvaluationJob, status: EvaluationStatus, capabilities: Capabilities
) -> str:
    if status.status == "completed":
        return f"Call get_evaluation with evaluation_id {evaluation_id} for the results."
    if status.status in ENDED:
        return after_failure(job, capabilities)
    return f"Call get_status with evaluation_id {evaluation_id} and wait_seconds 45."
