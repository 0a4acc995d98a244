"""`get_evaluation`: one evaluation with a summary of its results."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

import anyio
from anyio import from_thread, to_thread

from evals_mcp.cleaning import inert
from evals_mcp.errors import EvalsMCPError
from evals_mcp.providers.protocol import Provider
from evals_mcp.results.rows import Row, RowVerdict
from evals_mcp.results.types.summing import summarize, summarize_rows, summarize_verdicts
from evals_mcp.results.types.table import type_spec
from evals_mcp.service_spec import Capabilities
from evals_mcp.tools.calls.session import ToolSession
from evals_mcp.tools.job_text import (
    STATUS_SHOWN,
    after_failure,
    failure_reason,
    reason_code,
    shown_parameters,
    shown_progress,
)
from evals_schemas.evaluation_api.evaluations import ENDED, EvaluationJob
from evals_schemas.tools.inputs import GetEvaluationInput
from evals_schemas.tools.outputs import GetEvaluationOutput
from evals_schemas.tools.summaries import Summary

if TYPE_CHECKING:
    from evals_mcp.result_files.index import ResultIndex

ROWS_SECONDS = 10.0
"""Seconds that a summary waits for the rows before it shows the service's totals."""

_CHECK_EVERY = 256


async def get_evaluation(
    arguments: GetEvaluationInput, session: ToolSession
) -> GetEvaluationOutput:
    """Return one evaluation with its results, without its rows."""
    evaluation_id = await session.evaluation_id(arguments.evaluation_id)
    job = await session.provider.get_evaluation(evaluation_id)
    finished = job.status in ENDED
    result_file = (job.results or {}).get("result_file_id")
    return GetEvaluationOutput(
        evaluation_id=evaluation_id,
        type=job.type,
        status=inert(job.status, STATUS_SHOWN),
        created_at=job.created_at,
        elapsed_seconds=session.seconds_since(job.created_at, job.updated_at if finished else None),
        progress=shown_progress(job.progress, job.type),
        summary=await _summary(job, session),
        error=failure_reason(job),
        reason=reason_code(job),
        result_file_id=result_file if isinstance(result_file, str) else None,
        parameters=shown_parameters(job.parameters),
        next_step=_next_step(job, session.provider.service_of(evaluation_id).capabilities),
    )


async def _summary(job: EvaluationJob, session: ToolSession) -> Summary | None:
    """Return a summary of the rows or, if they cannot be read in time, of the service's totals."""
    summary = summarize(job, await _rows_of(job, session.provider))
    if summary is None or not (job.results or {}).get("result_file_id"):
        return summary
    try:
        reason = ""
        with anyio.move_on_after(ROWS_SECONDS) as waiting:
            async with session.result_rows(job) as index:
                expected = _judged_rows(job)
                if expected is None or _is_complete(job, index.total(), expected):
                    return await to_thread.run_sync(_from_rows, job, index) or summary
                reason = f"the result file has {index.total():,} of {expected:,} rows"
        if waiting.cancelled_caught:
            reason = f"reading them takes more than {ROWS_SECONDS:.0f} s; call read_results"
    except EvalsMCPError as error:
        reason = str(error).partition(". ")[0].rstrip(".")
    summary.notes.append(
        f"These are the service's own totals. {type_spec(job.type).summing.from_rows_only} need "
        f"the rows, which are missing: {reason}."
    )
    return summary


def _is_complete(job: EvaluationJob, rows: int, expected: int) -> bool:
    """Return whether a file has all rows; for a benchmark, some services count only questions."""
    return rows == expected or (rows > expected and type_spec(job.type).own_rows is not None)


def _judged_rows(job: EvaluationJob) -> int | None:
    """Return how many rows the service reports as judged; None if it does not report that."""
    if job.progress:
        return job.progress.done
    results = job.results or {}
    counts = results.get("label_counts")
    if not isinstance(counts, dict):
        return None
    failed = [results.get(name) for name in _FAILURES]
    numbers = [*cast("dict[str, object]", counts).values(), *failed]
    reported = [number for number in numbers if isinstance(number, int)]
    return sum(reported) if len(reported) == len(numbers) else None


_FAILURES = ("generation_fail_count", "judge_fail_count", "invalid_label_count")


def _from_rows(job: EvaluationJob, index: ResultIndex) -> Summary | None:
    """Return a summary of the rows; runs in a worker thread."""
    summary = _summary_of_rows(job, index)
    if summary and index.damage.lines:
        summary.notes.append(
            f"{index.damage.lines} lines of the result file cannot be read and are in no figure."
        )
    return summary


def _summary_of_rows(job: EvaluationJob, index: ResultIndex) -> Summary | None:
    if type_spec(job.type).summing.rows is not None:
        return summarize_rows(job, _every_row(index))
    verdicts = [(count.verdict, count.rows) for count in index.counts]
    return summarize_verdicts(job, verdicts, index.scores())


def _every_row(index: ResultIndex) -> Iterator[tuple[int, RowVerdict, Row]]:
    for entry in index.every():
        if entry.number % _CHECK_EVERY == 0:
            from_thread.check_cancelled()
        yield entry.number, entry.verdict, index.read(entry)


async def _rows_of(job: EvaluationJob, provider: Provider) -> int | None:
    """Return the rows of a finished evaluation's data set; None if unknown."""
    needs_count = type_spec(job.type).summing.needs_row_count
    if job.progress or job.status != "completed" or not needs_count:
        return None
    file_id = job.parameters.get("input_data_file_path")
    rows = (file.LineCount for file in await provider.list_datasets() if file.id == file_id)
    return next(rows, None) or None


def _next_step(job: EvaluationJob, capabilities: Capabilities) -> str:
    if job.status == "completed":
        return (
            "Report the headline with its interval and notes. Call read_results for the rows: "
            f"{type_spec(job.type).rows_to_read}."
        )
    if job.status in ENDED:
        return after_failure(job, capabilities)
    return f"Call get_status with evaluation_id {job.workflow_id} and wait_seconds 45."
