"""`get_evaluation`: one evaluation with its results summed up."""

from __future__ import annotations

from evals_mcp.evaluation_ids import checked_evaluation_id
from evals_mcp.providers.protocol import Provider
from evals_mcp.results.summary import summarize
from evals_mcp.tools.session import ToolSession
from evals_mcp.tools.shown import failure_reason, shown_parameters
from evals_schemas.evaluations import ENDED, EvaluationJob
from evals_schemas.tools import GetEvaluationInput, GetEvaluationOutput, ProgressOutput


async def get_evaluation(
    arguments: GetEvaluationInput, session: ToolSession
) -> GetEvaluationOutput:
    """Everything about one evaluation but its rows."""
    evaluation_id = checked_evaluation_id(arguments.evaluation_id)
    job = await session.provider.get_evaluation(evaluation_id)
    finished = job.status in ENDED
    result_file = (job.results or {}).get("result_file_id")
    return GetEvaluationOutput(
        evaluation_id=evaluation_id,
        type=job.type,
        status=job.status,
        created_at=job.created_at,
        elapsed_seconds=session.seconds_since(job.created_at, job.updated_at if finished else None),
        progress=ProgressOutput(done=job.progress.done, total=job.progress.total)
        if job.progress
        else None,
        summary=summarize(job, await _rows_of(job, session.provider)),
        error=failure_reason(job),
        result_file_id=result_file if isinstance(result_file, str) else None,
        parameters=shown_parameters(job.parameters),
        next_step=_next_step(job),
    )


async def _rows_of(job: EvaluationJob, provider: Provider) -> int | None:
    """The size of a finished evaluation's data set; None where nothing tells it."""
    if job.progress or job.status != "completed" or job.type == "classify":
        return None
    wanted = job.parameters.get("input_data_file_path")
    rows = (file.LineCount for file in await provider.list_datasets() if file.id == wanted)
    return next(rows, None) or None


def _next_step(job: EvaluationJob) -> str:
    if job.status == "completed":
        return (
            "Tell the headline with its interval and notes. Call read_results for the rows behind "
            "it: failing ones, or those of a label, decision or score."
        )
    if job.status in ENDED:
        return "To run it again, correct what the error names and call create_evaluation."
    return f"Call get_status with evaluation_id {job.workflow_id} and wait_seconds 45."
