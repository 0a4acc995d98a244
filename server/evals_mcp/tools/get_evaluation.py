"""`get_evaluation`: one evaluation with a summary of its results."""

from __future__ import annotations

from anyio import to_thread

from evals_mcp.cleaning import clean, inert
from evals_mcp.errors import InvalidRequestError
from evals_mcp.results.types.table import type_spec
from evals_mcp.service_spec import Capabilities
from evals_mcp.tools.calls.session import ToolSession
from evals_mcp.tools.evaluation_summary import clustered_summary_of, summary_of
from evals_mcp.tools.job_text import (
    STATUS_SHOWN,
    after_failure,
    failure_reason,
    reason_code,
    shown_parameters,
    shown_progress,
)
from evals_schemas.evaluation_api.evaluations import ENDED, EvaluationJob
from evals_schemas.tools.groups import Groups
from evals_schemas.tools.inputs import GetEvaluationInput
from evals_schemas.tools.outputs import GetEvaluationOutput
from evals_schemas.tools.summaries import Summary


async def get_evaluation(
    arguments: GetEvaluationInput, session: ToolSession
) -> GetEvaluationOutput:
    """Return one evaluation with its results, without its rows."""
    evaluation_id = await session.evaluation_id(arguments.evaluation_id)
    job = await session.provider.get_evaluation(evaluation_id)
    summary, groups = await _results(job, arguments, session)
    finished = job.status in ENDED
    result_file = (job.results or {}).get("result_file_id")
    return GetEvaluationOutput(
        evaluation_id=evaluation_id,
        type=job.type,
        status=inert(job.status, STATUS_SHOWN),
        created_at=job.created_at,
        elapsed_seconds=session.seconds_since(job.created_at, job.updated_at if finished else None),
        progress=shown_progress(job.progress, job.type),
        summary=summary,
        by=groups,
        error=failure_reason(job),
        reason=reason_code(job),
        result_file_id=result_file if isinstance(result_file, str) else None,
        parameters=shown_parameters(job.parameters),
        next_step=_next_step(job, session.provider.service_of(evaluation_id).capabilities),
    )


async def _results(
    job: EvaluationJob, arguments: GetEvaluationInput, session: ToolSession
) -> tuple[Summary | None, Groups | None]:
    """Return the summary and, if a column is named, the figures by its values.

    Raises:
        InvalidRequestError: the evaluation still runs, or a column cannot be used.
        EvalsMCPError: the rows cannot be read.
    """
    by, cluster_column = arguments.by, arguments.cluster_column
    if by is None and cluster_column is None:
        return await summary_of(job, session), None
    if by is None:
        return await clustered_summary_of(job, session, cluster_column or ""), None
    if cluster_column is not None:
        raise InvalidRequestError(
            "`by` and `cluster_column` exclude each other: the intervals of a value take its rows "
            "as independent. Call get_evaluation once with each."
        )
    if job.status not in ENDED:
        raise InvalidRequestError(
            f"`by` is for ended evaluations; {job.workflow_id} is {clean(job.status, 40)}. Call "
            "get_status with wait_seconds 45 until it has ended, then call get_evaluation again."
        )
    # Imported here because loading SQLite would slow down every start.
    from evals_mcp.result_files.groups import figures_by_column  # noqa: PLC0415

    async with session.result_rows(job) as index:
        # The rows are indexed now, so the summary is theirs, too.
        summary = await summary_of(job, session)
        return summary, await to_thread.run_sync(figures_by_column, job, index, by, summary)


def _next_step(job: EvaluationJob, capabilities: Capabilities) -> str:
    if job.status == "completed":
        return (
            "Report the headline with its interval and notes. Call read_results for the rows: "
            f"{type_spec(job.type).rows_to_read}."
        )
    if job.status in ENDED:
        return after_failure(job, capabilities)
    return f"Call get_status with evaluation_id {job.workflow_id} and wait_seconds 45."
