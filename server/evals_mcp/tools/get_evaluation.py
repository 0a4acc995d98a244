"""`get_evaluation`: one evaluation with its results summed up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

import anyio
from anyio import from_thread, to_thread

from evals_mcp.cleaning import clean
from evals_mcp.errors import EvalsMCPError
from evals_mcp.providers.protocol import Provider
from evals_mcp.results.rows import Row, RowVerdict
from evals_mcp.results.summaries.benchmark_rows import summarize_benchmark_rows
from evals_mcp.results.summaries.row_summary import summarize_rows
from evals_mcp.results.summaries.summary import summarize
from evals_mcp.tools.calls.evaluation_ids import checked_evaluation_id
from evals_mcp.tools.calls.session import ToolSession
from evals_mcp.tools.job_text import (
    STATUS_SHOWN,
    after_failure,
    failure_reason,
    reason_code,
    shown_parameters,
    shown_progress,
)
from evals_schemas.benchmark_api.benchmarks import BENCHMARK
from evals_schemas.evaluation_api.evaluations import ENDED, EvaluationJob
from evals_schemas.tools.inputs import GetEvaluationInput
from evals_schemas.tools.outputs import GetEvaluationOutput
from evals_schemas.tools.summaries import Summary

if TYPE_CHECKING:
    from evals_mcp.result_files.index import ResultIndex

ROWS_SECONDS = 10.0
"""How long a summary waits for the rows; its totals are there without them."""

_CHECK_EVERY = 256
_FIGURES = "Quartiles, histogram and position bias"
_NEED_ROWS = {BENCHMARK: "Counted answers and a paired difference of two models"}
"""What no totals give, by type."""


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
        status=clean(job.status, STATUS_SHOWN),
        created_at=job.created_at,
        elapsed_seconds=session.seconds_since(job.created_at, job.updated_at if finished else None),
        progress=shown_progress(job.progress, job.type),
        summary=await _summary(job, session),
        error=failure_reason(job),
        reason=reason_code(job),
        result_file_id=result_file if isinstance(result_file, str) else None,
        parameters=shown_parameters(job.parameters),
        next_step=_next_step(job, session.provider.name_of(evaluation_id)),
    )


async def _summary(job: EvaluationJob, session: ToolSession) -> Summary | None:
    """From the rows where they can be had soon, else from what the service itself sums up."""
    summary = summarize(job, await _rows_of(job, session.provider))
    if summary is None or not (job.results or {}).get("result_file_id"):
        return summary
    try:
        reason = ""
        with anyio.move_on_after(ROWS_SECONDS) as waiting:
            async with session.result_rows(job) as index:
                told = _rows_told(job)
                if told is None or _has_all(job, index.total(), told):
                    return await to_thread.run_sync(_from_rows, job, index) or summary
                reason = f"the result file has {index.total():,} of {told:,} rows"
        if waiting.cancelled_caught:
            reason = f"reading them takes more than {ROWS_SECONDS:.0f} s; read_results does"
    except EvalsMCPError as error:
        reason = str(error).partition(". ")[0].rstrip(".")
    summary.notes.append(
        f"These are the service's own totals. {_NEED_ROWS.get(job.type or '', _FIGURES)} need the "
        f"rows, and those are not here: {reason}."
    )
    return summary


def _has_all(job: EvaluationJob, rows: int, told: int) -> bool:
    """Whether the file has every row; some services count a benchmark's questions, not answers."""
    return rows == told or (job.type == BENCHMARK and rows > told)


def _rows_told(job: EvaluationJob) -> int | None:
    """How many rows the service says that it judged; None where it does not say."""
    if job.progress:
        return job.progress.done
    results = job.results or {}
    counts = results.get("label_counts")
    if not isinstance(counts, dict):
        return None
    failed = [results.get(name) for name in _FAILURES]
    numbers = [*cast("dict[str, object]", counts).values(), *failed]
    told = [number for number in numbers if isinstance(number, int)]
    return sum(told) if len(told) == len(numbers) else None


_FAILURES = ("generation_fail_count", "judge_fail_count", "invalid_label_count")


def _from_rows(job: EvaluationJob, index: ResultIndex) -> Summary | None:
    """Runs in a worker thread."""
    summary = _summary_of_rows(job, index)
    if summary and index.damage.lines:
        summary.notes.append(
            f"{index.damage.lines} lines of the result file cannot be read and are in no figure."
        )
    return summary


def _summary_of_rows(job: EvaluationJob, index: ResultIndex) -> Summary | None:
    if job.type == BENCHMARK:
        return summarize_benchmark_rows(job, _every_row(index))
    verdicts = [(count.verdict, count.rows) for count in index.counts]
    return summarize_rows(job, verdicts, index.scores())


def _every_row(index: ResultIndex) -> Iterator[tuple[int, RowVerdict, Row]]:
    for place in index.every():
        if place.number % _CHECK_EVERY == 0:
            from_thread.check_cancelled()
        yield place.number, place.verdict, index.read(place)


async def _rows_of(job: EvaluationJob, provider: Provider) -> int | None:
    """The size of a finished evaluation's data set; None where nothing tells it."""
    if job.progress or job.status != "completed" or job.type not in {"score", "compare"}:
        return None
    wanted = job.parameters.get("input_data_file_path")
    rows = (file.LineCount for file in await provider.list_datasets() if file.id == wanted)
    return next(rows, None) or None


def _next_step(job: EvaluationJob, provider: str) -> str:
    if job.status == "completed":
        rows = "failing ones, or those of a label, decision or score"
        if job.type == BENCHMARK:
            rows = "wrong answers, or those of a score, or of one model with `label`"
        return (
            "Tell the headline with its interval and notes. Call read_results for the rows behind "
            f"it: {rows}."
        )
    if job.status in ENDED:
        return after_failure(job, provider)
    return f"Call get_status with evaluation_id {job.workflow_id} and wait_seconds 45."
