"""The summary and the headline of an evaluation, the same for every tool.

The figures come from the rows if their index is on this machine, else from the totals that the
service reports. Only `get_evaluation` reads rows that are not indexed yet. The totals of the
embedded engine give the same headline as its rows; a headline from other totals says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, cast

import anyio
from anyio import from_thread, to_thread
from pydantic import ValidationError

from evals_mcp.derivations.requested import FILE_FIELD, SENT_FIELD
from evals_mcp.derivations.tries import reasons_to_keep_apart, tries_apart
from evals_mcp.errors import EvalsMCPError, InvalidRequestError
from evals_mcp.providers.same_request import RETRY_OF, SAMPLE
from evals_mcp.results.comparisons.joining import ready_answers
from evals_mcp.results.number_text import counted
from evals_mcp.results.rows import TRY, Row, RowVerdict, input_columns
from evals_mcp.results.sequential import sequential_of, with_evidence
from evals_mcp.results.summaries.clustered import with_repeated_input
from evals_mcp.results.types.summing import (
    part_of,
    summarize,
    summarize_clusters,
    summarize_rows,
    summarize_verdicts,
)
from evals_mcp.results.types.table import type_spec
from evals_mcp.results.types.tries import summarize_apart
from evals_mcp.tools.calls.session import ToolSession
from evals_mcp.tools.labelling.calibration import with_labels
from evals_schemas.evaluation_api.evaluations import ENDED, EvaluationJob
from evals_schemas.evaluation_api.files import File
from evals_schemas.tools.summaries import Summary
from evals_schemas.type_models import parse_results, type_of_results

if TYPE_CHECKING:
    from evals_mcp.result_files.index import ResultIndex

ROWS_SECONDS = 10.0
"""Seconds that a summary waits for the rows before it shows the service's totals."""

FROM_TOTALS = "From totals: "
"""The start of a headline that rows may correct."""

_TRIED_ROWS = "Of the rows of this retry alone, without those that it takes over: "

_CHECK_EVERY = 256
_REQUESTS_AT_ONCE = 5


async def summary_of(job: EvaluationJob, session: ToolSession) -> Summary | None:
    """Return a summary of the rows or, if they cannot be read in time, of the service's totals."""
    return _with_sample(job, await _Summaries(session).summary(job, download=True))


async def clustered_summary_of(
    job: EvaluationJob, session: ToolSession, column: str
) -> Summary | None:
    """Return a summary of the rows in clusters by a column; None while the evaluation runs.

    Raises:
        InvalidRequestError: the column cannot be used, or there is no result file.
        EvalsMCPError: the rows cannot be read.
    """
    if job.status not in ENDED:
        return None
    if sequential_of(job.results):
        raise InvalidRequestError(
            "`cluster_column` cannot be used for an evaluation with `stop_when`: its rows were "
            "counted one by one, and when it stopped depends on that. Leave it out."
        )
    async with session.result_rows(job) as index:
        refuse_tries_apart(index, "cluster_column")
        summary = await to_thread.run_sync(_clustered_summary, job, index, column)
    if summary:
        summary = await with_labels(job, summary, session, download=True)
    return _with_sample(job, summary)


def _with_sample(job: EvaluationJob, summary: Summary | None) -> Summary | None:
    """Return the summary with a note if only some rows of the data set were judged."""
    size: object = job.parameters.get(SAMPLE)
    # A data set with fewer rows was judged whole.
    total = job.progress.total if job.progress else None
    if summary and isinstance(size, int) and (total is None or total >= size):
        rows = counted(size, "row")
        summary.notes.append(
            f"Only a random sample of the data set was judged: {rows} (`{SAMPLE}`)."
        )
    return summary


def refuse_tries_apart(index: ResultIndex, argument: str) -> None:
    """Raise InvalidRequestError if the figures of the tries of a retry may not be added up.

    Args:
        index: the rows.
        argument: the argument of the call that would add them up.
    """
    if tries_apart(index.tries):
        why = ", ".join(reasons_to_keep_apart(index.tries))
        raise InvalidRequestError(
            f"`{argument}` would add up rows of several tries, which differ in {why}: leave it "
            "out, or call get_evaluation with it for the first try alone."
        )


async def headline_of(job: EvaluationJob, session: ToolSession) -> str | None:
    """Return the headline that every tool shows now; None if there is no summary."""
    summary = await _Summaries(session).summary(job, download=False)
    return summary.headline if summary else None


async def headlines_of(
    jobs: Sequence[EvaluationJob], session: ToolSession, datasets: list[File] | None
) -> dict[str, tuple[EvaluationJob, str | None]]:
    """Return listed evaluations with all that is known of them, and their headlines, by id.

    Evaluations of a type whose lists lack figures or models are read one by one.

    Args:
        jobs: the listed evaluations.
        session: the collaborators of the call.
        datasets: the service's data sets; None if the call has not read them.
    """
    summaries = _Summaries(session, datasets)
    headlines = dict[str, tuple[EvaluationJob, str | None]]()
    limiter = anyio.CapacityLimiter(_REQUESTS_AT_ONCE)

    async def add(listed: EvaluationJob) -> None:
        async with limiter:
            job = await _complete(listed, session)
            summary = await summaries.summary(job, download=False)
        headlines[listed.workflow_id] = job, summary.headline if summary else None

    async with anyio.create_task_group() as group:
        for job in jobs:
            group.start_soon(add, job)
    return headlines


async def _complete(job: EvaluationJob, session: ToolSession) -> EvaluationJob:
    """Return a listed evaluation with all figures that the service reports."""
    if type_spec(job.type).own_rows is None or job.status != "completed":
        return job
    try:
        return await session.provider.get_evaluation(job.workflow_id)
    except EvalsMCPError:
        return job


class _Summaries:
    """The summaries of one call."""

    def __init__(self, session: ToolSession, datasets: list[File] | None = None) -> None:
        self._session = session
        self._datasets = datasets
        self._lock = anyio.Lock()

    async def summary(self, job: EvaluationJob, *, download: bool) -> Summary | None:
        """Return the summary of an ended evaluation with its labels; None without figures.

        If the evaluation may stop early, its evidence comes first.

        Args:
            job: the evaluation.
            download: whether rows that are not indexed yet are downloaded and indexed.
        """
        summary = await self._without_labels(job, download=download)
        if summary is None:
            return None
        labelled = await with_labels(job, summary, self._session, download=download)
        return with_evidence(job, labelled)

    async def _without_labels(self, job: EvaluationJob, *, download: bool) -> Summary | None:
        if RETRY_OF in job.parameters:
            return await self._of_all_tries(job, download=download)
        from_totals = summarize(job, await self._row_count(job))
        if from_totals is None:
            return None
        suffice = _has_figures(from_totals) and self._totals_suffice(job)
        if suffice and not download:
            return from_totals
        reason = None
        if (job.results or {}).get("result_file_id"):
            from_rows, reason = await self._from_rows(job, download=download)
            if from_rows:
                update = {"headline": from_totals.headline} if suffice else {}
                if from_rows.pass_rate is None and from_totals.pass_rate is not None:
                    # The service does not repeat which labels pass, but how many rows do.
                    update = {
                        "pass_rate": from_totals.pass_rate,
                        "headline": from_totals.headline,
                    }
                return from_rows.model_copy(update=update)
        if reason and download:
            from_totals.notes.append(
                "These are the service's own totals. "
                f"{type_spec(job.type).summing.from_rows_only} need the rows, which are missing: "
                f"{reason}."
            )
        if not suffice and _has_figures(from_totals):
            from_totals.headline = FROM_TOTALS + from_totals.headline
        return from_totals

    async def _of_all_tries(self, job: EvaluationJob, *, download: bool) -> Summary | None:
        """Return the summary of a retry and of the rows that it takes over."""
        if job.status not in ENDED:
            return None
        from_rows, reason = await self._from_rows(job, download=download)
        if from_rows is not None:
            return from_rows
        alone = summarize(job, None)
        if alone is None:
            return None
        alone.headline = f"{_TRIED_ROWS}{alone.headline}"
        if reason:
            alone.notes.append(f"The rows that it takes over cannot be read: {reason}.")
        return alone

    async def _from_rows(
        self, job: EvaluationJob, *, download: bool
    ) -> tuple[Summary | None, str | None]:
        """Return the summary of the rows, or None and the reason."""
        session, reason = self._session, None
        try:
            with anyio.move_on_after(ROWS_SECONDS) as waiting:
                rows = session.result_rows(job) if download else session.indexed_rows(job)
                async with rows as index:
                    if index is None:
                        return None, None
                    expected = None if index.tries else _judged_rows(job)
                    if expected is None or _is_complete(job, index.total(), expected):
                        return await to_thread.run_sync(_summary, job, index), None
                    reason = f"the result file has {index.total():,} of {expected:,} rows"
            if waiting.cancelled_caught:
                reason = f"reading them takes more than {ROWS_SECONDS:.0f} s; call read_results"
        except EvalsMCPError as error:
            reason = str(error).partition(". ")[0].rstrip(".")
        return None, reason

    def _totals_suffice(self, job: EvaluationJob) -> bool:
        """Return whether the totals give the headline that the rows would give."""
        if not self._session.provider.service_of(job.workflow_id).capabilities.is_engine:
            return False
        try:
            results = parse_results(job.type, job.results)
        except ValidationError:
            return True
        name = type_of_results(results)
        return name is None or type_spec(name).summing.totals_suffice(results, job.parameters)

    async def _row_count(self, job: EvaluationJob) -> int | None:
        """Return the rows of a completed evaluation's data set; None if unknown."""
        needs_count = type_spec(job.type).summing.needs_row_count
        if job.progress or job.status != "completed" or not needs_count:
            return None
        async with self._lock:
            if self._datasets is None:
                self._datasets = await self._session.derived.stored_files()
        file_id = job.parameters.get(SENT_FIELD) or job.parameters.get(FILE_FIELD)
        rows = (file.LineCount for file in self._datasets if file.id == file_id)
        return next(rows, None) or None


def _has_figures(summary: Summary) -> bool:
    models = summary.benchmark.models if summary.benchmark else []
    figures = (summary.pass_rate, summary.labels, summary.scores, summary.wins)
    return any(figures) or any(model.correct or model.metrics for model in models)


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


def _summary(job: EvaluationJob, index: ResultIndex) -> Summary | None:
    """Return a summary of the rows; runs in a worker thread."""
    # Imported here because loading SQLite would slow down every start.
    from evals_mcp.result_files.clusters import file_repeated_input  # noqa: PLC0415

    summary = _summary_of_rows(job, index)
    if summary and type_spec(job.type).summing.headline:
        repeated = file_repeated_input(index, ready_answers(job.parameters))
        summary = with_repeated_input(summary, repeated)
    if summary and (lines := index.damage.lines):
        text = (
            "1 line of the result file cannot be read and is"
            if lines == 1
            else (f"{lines} lines of the result file cannot be read and are")
        )
        summary.notes.append(f"{text} in no figure.")
    if summary:
        summary.notes.extend(index.notes)
    return summary


def _clustered_summary(job: EvaluationJob, index: ResultIndex, column: str) -> Summary | None:
    # Imported here because loading SQLite would slow down every start.
    from evals_mcp.result_files.clusters import file_clusters  # noqa: PLC0415

    summary = _summary(job, index)
    if summary is None:
        return None
    clusters = file_clusters(index, column, input_columns(dict.fromkeys(index.columns)))
    verdicts: list[RowVerdict] = []
    for block in index.blocks(()):
        from_thread.check_cancelled()
        verdicts += block.verdicts
    return summarize_clusters(job, summary, verdicts, clusters)


def _summary_of_rows(job: EvaluationJob, index: ResultIndex) -> Summary | None:
    if index.tries:
        # The service's totals are those of the retried rows alone.
        job = part_of(job)
        if groups := tries_apart(index.tries):
            reasons = reasons_to_keep_apart(index.tries)
            return summarize_apart(job, _tried_verdicts(index), groups, reasons)
    if type_spec(job.type).summing.rows is not None:
        return summarize_rows(job, _every_row(index))
    verdicts = [(count.verdict, count.rows) for count in index.counts]
    return summarize_verdicts(job, verdicts, index.scores())


def _tried_verdicts(index: ResultIndex) -> Iterator[tuple[int, RowVerdict]]:
    return ((row[TRY], verdict) for _, verdict, row in _every_row(index))


def _every_row(index: ResultIndex) -> Iterator[tuple[int, RowVerdict, Row]]:
    for entry in index.every():
        if entry.number % _CHECK_EVERY == 0:
            from_thread.check_cancelled()
        yield entry.number, entry.verdict, index.read(entry)
