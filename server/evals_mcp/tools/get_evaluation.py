"""`get_evaluation`: an evaluation with a summary of its results, or several side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from anyio import to_thread

from evals_mcp.cleaning import clean, inert
from evals_mcp.errors import InvalidRequestError
from evals_mcp.results.calibration.headline import next_step_by
from evals_mcp.results.sequential import with_savings
from evals_mcp.results.types.table import type_spec
from evals_mcp.service_spec import Capabilities
from evals_mcp.spending.settling import cost_of_job
from evals_mcp.spending.shown import shown_cost, shown_usd
from evals_mcp.tools.calls.session import ToolSession
from evals_mcp.tools.evaluation_summary import (
    clustered_summary_of,
    refuse_tries_apart,
    summary_of,
)
from evals_mcp.tools.job_text import (
    STATUS_SHOWN,
    after_failure,
    failure_reason,
    reason_code,
    shown_parameters,
    shown_progress,
)
from evals_mcp.tools.labelling.misjudged import wrong_by_column
from evals_mcp.tools.labelling.named_column import remember_column
from evals_mcp.tools.labelling.waiting import hidden_rows
from evals_schemas.evaluation_api.evaluations import ENDED, EvaluationJob
from evals_schemas.tools.groups import Groups
from evals_schemas.tools.inputs import GetEvaluationInput
from evals_schemas.tools.metrics import MOST_METRICS
from evals_schemas.tools.outputs import GetEvaluationOutput
from evals_schemas.tools.summaries import Summary

SEPARATOR = ","

_OWN_VALUES = 6
_VALUE = 80
"""Most parameters that a line shows, and the length of one."""


async def get_evaluation(
    arguments: GetEvaluationInput, session: ToolSession
) -> GetEvaluationOutput:
    """Return one evaluation with its results, without its rows, or several side by side."""
    if SEPARATOR in arguments.evaluation_id:
        names = ("by", "cluster_column", "human_column", "labels_are")
        if name := next((name for name in names if getattr(arguments, name)), None):
            raise InvalidRequestError(
                f"`{name}` is for one evaluation: call get_evaluation for each id alone, or for "
                f"several without `{name}`."
            )
        return await _side_by_side(arguments.evaluation_id, session)
    evaluation_id = await session.evaluation_id(arguments.evaluation_id)
    job = await session.evaluation(evaluation_id)
    to_ask = await remember_column(job, arguments, session)
    summary, groups = await _results(job, arguments, session)
    cost = await cost_of_job(job, session.provider, session.launches.spending)
    summary = with_savings(summary, cost.actual.usd if cost.actual else None)
    finished = job.status in ENDED
    next_step = _next_step(job, summary, session.provider.service_of(evaluation_id).capabilities)
    result_file = (job.results or {}).get("result_file_id")
    return GetEvaluationOutput(
        evaluation_id=evaluation_id,
        name=await session.name_of(evaluation_id),
        type=job.type,
        status=inert(job.status, STATUS_SHOWN),
        created_at=job.created_at,
        elapsed_seconds=session.seconds_since(job.created_at, job.updated_at if finished else None),
        progress=shown_progress(job.progress, job.type),
        summary=summary,
        by=groups,
        cost=shown_cost(cost),
        error=failure_reason(job),
        reason=reason_code(job),
        result_file_id=result_file if isinstance(result_file, str) else None,
        parameters=shown_parameters(job.parameters),
        next_step=f"{to_ask} {next_step}" if to_ask else next_step,
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
        refuse_tries_apart(index, "by")
        # The rows are indexed now, so the summary is theirs, too.
        summary, hidden = await summary_of(job, session), await hidden_rows(session, job, index)
        if summary and summary.calibration:
            wrong_by = await wrong_by_column(session, job, index, by, hidden.rows)
            summary.calibration.wrong_by = wrong_by
        hidden.refuse_all(index.total(), "`by` has no figure to show.")
        groups = await to_thread.run_sync(figures_by_column, job, index, by, summary, hidden.rows)
        return summary, groups.model_copy(update={"notes": [*groups.notes, *hidden.notes]})


def _next_step(job: EvaluationJob, summary: Summary | None, capabilities: Capabilities) -> str:
    retry = ""
    failed = summary.failures.total if summary and summary.failures else None
    if failed and type_spec(job.type).own_rows is None:
        retry = (
            " To try only the rows without a verdict again, call create_evaluation with `retry_of` "
            f"{job.workflow_id} and what should differ."
        )
    if job.status == "completed":
        return (
            "Report the headline with its interval and notes. Call read_results for the rows: "
            f"{type_spec(job.type).rows_to_read}.{_about_judge(summary)}{retry}"
        )
    if job.status in ENDED:
        return after_failure(job, capabilities) + retry
    return f"Call get_status with evaluation_id {job.workflow_id} and wait_seconds 45."


def _about_judge(summary: Summary | None) -> str:
    return next_step_by(summary.headline, summary.calibration) if summary else ""


async def _side_by_side(ids: str, session: ToolSession) -> GetEvaluationOutput:
    """Return one line for each evaluation: its headline, and the parameters that only it has.

    Args:
        ids: the ids with commas between them.
        session: the collaborators of the call.

    Raises:
        InvalidRequestError: one text is no id, there are too many, or one stands there twice.
        EvalsMCPError: one does not exist, or cannot be read.
    """
    names = [part.strip() for part in ids.split(SEPARATOR) if part.strip()]
    if not 1 < len(names) <= MOST_METRICS:
        raise InvalidRequestError(
            f"`evaluation_id` takes one id, or 2 to {MOST_METRICS} with commas between them; got "
            f"{len(names)}."
        )
    jobs: dict[str, EvaluationJob] = {}
    for name in names:
        evaluation_id = await session.evaluation_id(name)
        jobs[evaluation_id] = await session.evaluation(evaluation_id)
    shown = [_paths(shown_parameters(job.parameters)) for job in jobs.values()]
    common = {
        path: value
        for path, value in shown[0].items()
        if all(values.get(path) == value for values in shown)
    }
    lines = [
        await _line(
            job, {path: value for path, value in values.items() if path not in common}, session
        )
        for job, values in zip(jobs.values(), shown, strict=True)
    ]
    return GetEvaluationOutput(
        evaluation_id=SEPARATOR.join(jobs),
        type=_joined([job.type or "unknown" for job in jobs.values()]),
        status=_joined([inert(job.status, STATUS_SHOWN) for job in jobs.values()]),
        evaluations=lines,
        parameters=common,
        next_step=_step_of_several(jobs),
    )


async def _line(
    job: EvaluationJob, differing: Mapping[str, Any], session: ToolSession
) -> dict[str, Any]:
    summary = await summary_of(job, session)
    failures = summary.failures.total if summary and summary.failures else None
    cost = await cost_of_job(job, session.provider, session.launches.spending)
    figures = {
        "evaluation_id": job.workflow_id,
        "name": await session.name_of(job.workflow_id),
        "type": job.type,
        "status": inert(job.status, STATUS_SHOWN),
        "headline": summary.headline if summary else None,
        "failed_rows": failures,
        "cost_usd": shown_usd(job, cost),
        "error": failure_reason(job),
        "parameters": dict(list(differing.items())[:_OWN_VALUES]),
    }
    return {name: value for name, value in figures.items() if value is not None}


def _paths(parameters: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Return the values by their paths, such as `judge.model`; lists stay whole."""
    values: dict[str, Any] = {}
    for name, value in parameters.items():
        if isinstance(value, dict):
            values |= _paths(cast("dict[str, Any]", value), f"{above}{name}.")
        else:
            values[above + name] = clean(value, _VALUE) if isinstance(value, str) else value
    return values


def _joined(values: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(values))


def _step_of_several(jobs: Mapping[str, EvaluationJob]) -> str:
    running = [name for name, job in jobs.items() if job.status not in ENDED]
    if running:
        return (
            f"{len(running)} of {len(jobs)} still run: call get_status with evaluation_id "
            f"{running[0]} and wait_seconds 45, then this tool again."
        )
    return (
        "Report each headline with its interval, side by side. Call compare_evaluations for a test "
        "of two over the same rows, and read_results for the rows of one."
    )
