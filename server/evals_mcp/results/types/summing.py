"""Sums up an evaluation by its type: from the service's totals, or from its rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydantic import ValidationError

from evals_mcp.errors import InvalidRequestError
from evals_mcp.results.clusters import RowClusters
from evals_mcp.results.rows import Row, RowVerdict
from evals_mcp.results.summaries.clustered import with_clusters, with_repeated_input
from evals_mcp.results.summaries.row_summary import with_row_figures
from evals_mcp.results.types.table import RowCollection, type_spec
from evals_schemas.evaluation_api.evaluations import ENDED, EvaluationJob, Progress, Results
from evals_schemas.tools.summaries import Summary
from evals_schemas.type_models import AnyResults, parse_results, type_of_results


def summarize(job: EvaluationJob, rows: int | None = None) -> Summary | None:
    """Return the summary of an ended evaluation; None while it runs or if it has no figures.

    An evaluation that ended early is summed up over the rows that were judged; its headline begins
    with that. Results that do not follow the contract give a headline that says so instead of an
    error, so that one such evaluation does not hide the others of a list.

    Args:
        job: the evaluation.
        rows: number of rows of its data set; used if the job does not report one itself.
    """
    if job.status not in ENDED:
        return None
    try:
        results = parse_results(job.type, job.results)
    except ValidationError:
        return Summary(headline="The evaluation ended; its figures have an unknown form.")
    if job.status == "completed":
        if job.progress and job.progress.total is not None:
            rows = job.progress.total
        return _figures(results, job, rows)
    if not _has_figures(results):
        return None
    done = job.progress.done if job.progress else None
    return marked_unfinished(_figures(results, job, done), job)


def summarize_verdicts(
    job: EvaluationJob, verdicts: Iterable[tuple[RowVerdict, int]], scores: Sequence[float]
) -> Summary | None:
    """Return the summary of an ended evaluation; None if it has nothing to sum up.

    Args:
        job: the evaluation, of a type with `Summing.totals`; its own totals are ignored.
        verdicts: every distinct verdict, without its score, and its number of rows.
        scores: every valid score, ascending.
    """
    counts = list(verdicts)
    judged = sum(rows for _, rows in counts)
    total = job.progress.total if job.progress and job.progress.total else judged
    totals = type_spec(job.type).summing.totals
    counted_job = job.model_copy(
        update={
            "results": totals(counts, scores, job) if totals else None,
            "progress": Progress(done=judged, total=total),
        }
    )
    summary = summarize(counted_job, judged)
    return with_row_figures(summary, counts, scores, job) if summary else None


def summarize_clusters(
    job: EvaluationJob,
    summary: Summary,
    verdicts: Sequence[RowVerdict],
    clusters: RowClusters,
) -> Summary:
    """Return the summary of all rows with the intervals and tests of their clusters.

    Args:
        job: the evaluation.
        summary: the summary of its rows, without clusters.
        verdicts: the verdict of every row.
        clusters: the cluster of every row.

    Raises:
        InvalidRequestError: one cluster has most of the rows, or the type has no clusters.
    """
    headline = type_spec(job.type).summing.headline
    if headline is None:
        raise InvalidRequestError(
            "`cluster_column` is not for a benchmark, in which each question is asked once: call "
            "get_evaluation without it."
        )
    found = with_clusters(summary, verdicts, clusters, job.parameters, headline)
    return marked_unfinished(found, job) if found.clusters else found


def summarize_rows(
    job: EvaluationJob, rows: Iterable[tuple[int, RowVerdict, Row]]
) -> Summary | None:
    """Return the summary of an ended evaluation; None if it has no row.

    Args:
        job: the evaluation, of a type with `Summing.rows`.
        rows: every row with its number and its verdict.
    """
    collected = collect_rows(job)
    if collected is None:
        return None
    for number, verdict, row in rows:
        collected.add(number, verdict, row)
    summary = collected.summary(job)
    return marked_unfinished(summary, job) if summary else None


def collect_rows(job: EvaluationJob) -> RowCollection | None:
    """Return what whole rows of the evaluation are added to; None if verdicts suffice."""
    collection = type_spec(job.type).summing.rows
    return collection() if collection else None


def part_of(job: EvaluationJob) -> EvaluationJob:
    """Return an evaluation for the summary of some of its rows, without its own totals."""
    return job.model_copy(update={"results": {}, "progress": None})


def marked_unfinished(summary: Summary, job: EvaluationJob) -> Summary:
    """Return the summary; if the evaluation did not complete, its headline begins with that."""
    if job.status == "completed":
        return summary
    return summary.model_copy(update={"headline": _unfinished_text(job) + summary.headline})


def _figures(results: AnyResults | None, job: EvaluationJob, rows: int | None) -> Summary:
    if (name := type_of_results(results)) is None:
        return Summary(headline="The evaluation completed; the service reported no figures.")
    summary = type_spec(name).summing.figures(results, job.parameters, rows)
    repeated = results.repeated_input if isinstance(results, Results) else None
    return with_repeated_input(summary, repeated)


def _has_figures(results: AnyResults | None) -> bool:
    name = type_of_results(results)
    return name is not None and type_spec(name).summing.has_figures(results)


def _unfinished_text(job: EvaluationJob) -> str:
    if job.progress is None or job.progress.total is None:
        return "The evaluation did not finish; so far: "
    unit = type_spec(job.type).summing.unit or "rows"
    done, total = job.progress.done, job.progress.total
    if done >= total:
        return f"The evaluation failed at the end of its {total} {unit}: "
    return f"The evaluation did not finish; it ended after {done} of {total} {unit}: "
