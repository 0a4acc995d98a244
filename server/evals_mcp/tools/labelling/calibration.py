"""The labels of an evaluation beside its verdicts, in its summary and its headline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from anyio import to_thread

from evals_mcp.cleaning import quoted
from evals_mcp.derivations.tries import tries_apart
from evals_mcp.errors import EvalsMCPError
from evals_mcp.marks.subjects import subjects_of
from evals_mcp.results.calibration.calibration import calibration_of
from evals_mcp.results.calibration.counted import count_labels
from evals_mcp.results.calibration.headline import NOT_READ, headline_with
from evals_mcp.results.calibration.labels import Labels
from evals_mcp.results.types.table import type_spec
from evals_mcp.tools.calls.naming import item_of
from evals_mcp.tools.calls.session import ToolSession
from evals_mcp.tools.labelling.judged_rows import judged_rows, verdicts_of
from evals_mcp.tools.labelling.labels import labels_of_evaluation
from evals_mcp.tools.labelling.other_labels import (
    labelled_by_same_judge,
    note_labelled,
    with_other_labels,
)
from evals_schemas.evaluation_api.evaluations import ENDED, EvaluationJob
from evals_schemas.evaluation_api.rules import RULE_PREFIX
from evals_schemas.tools.summaries import Calibration, Summary

if TYPE_CHECKING:
    from evals_mcp.result_files.index import ResultIndex

_NAME = 60

_ROWS_NOT_HERE = Calibration(sentences=[], labels=0)
"""In place of a calibration that needs rows of another machine."""


async def with_labels(
    job: EvaluationJob, summary: Summary, session: ToolSession, *, download: bool
) -> Summary:
    """Return the summary with the calibration of its judge, and a headline that tells of it.

    Without labels a rule is not called unchecked. The summary is left as it is if the labels cannot
    be read.

    Args:
        job: the evaluation.
        summary: the summary of its rows or of its totals.
        session: the collaborators of the call.
        download: whether rows that are not on this machine are downloaded.
    """
    if job.status not in ENDED or not _has_figures(summary):
        return summary
    try:
        own = await _own_labels(job, summary, session, download=download)
        if own is _ROWS_NOT_HERE:
            return summary.model_copy(update={"headline": summary.headline + NOT_READ})
        if own is not None and own.corrected:
            return _with(summary, own)
        by_model = _is_by_a_model(job, summary)
        # A rule errs by the words of the data, not alike everywhere.
        others = await labelled_by_same_judge(job, summary, session) if by_model else ()
        if others:
            found = (own, others)
            own = await with_other_labels(job, found, summary, session, download=download)
    except EvalsMCPError:
        return summary
    if own is None and not by_model:
        return summary
    return _with(summary, own)


async def _own_labels(
    job: EvaluationJob, summary: Summary, session: ToolSession, *, download: bool
) -> Calibration | None:
    """Return what labels of the evaluation itself say; None without any.

    `_ROWS_NOT_HERE` if there may be some and the rows would have to be downloaded.
    """
    if not await may_have_labels(job, session):
        return None
    rows = session.result_rows(job) if download else session.indexed_rows(job)
    async with rows as index:
        if index is None:
            return _ROWS_NOT_HERE
        labels = await labels_of_evaluation(session, job, index)
        if labels is None:
            return None
        found = await to_thread.run_sync(calibrated, job, index, labels, summary)
    if found.corrected:
        await note_labelled(job, found.labels, session)
    return found


def calibrated(
    job: EvaluationJob, index: ResultIndex, labels: Labels, summary: Summary
) -> Calibration:
    """Return the calibration of an evaluation. Blocks."""
    rows = judged_rows(job, index)
    verdicts = verdicts_of(job, index, {label.row for label in labels.labels})
    counted = count_labels(labels, verdicts, rows.total, _refusal(job, index, summary))
    return calibration_of(rows, labels, counted)


def _with(summary: Summary, calibration: Calibration | None) -> Summary:
    return summary.model_copy(
        update={
            "headline": headline_with(summary.headline, calibration),
            "calibration": calibration,
        }
    )


async def may_have_labels(job: EvaluationJob, session: ToolSession) -> bool:
    """Return whether a label or a column of labels exists that may be of this evaluation."""
    evaluation = item_of(session.provider, job.workflow_id).record
    if await session.labels.column(evaluation) is not None:
        return True
    verdicts = subjects_of(job).verdicts
    return bool(await session.labels.all_of(verdicts) or await session.labels.samples(verdicts))


def _refusal(job: EvaluationJob, index: ResultIndex, summary: Summary) -> str | None:
    """Return why nothing of an evaluation is corrected; None if it may be."""
    if summary.clusters is not None:
        column = quoted(summary.clusters.column, _NAME)
        return (
            "Rows that belong together were labelled one by one; a correction needs whole "
            f"clusters of {column}. Call get_evaluation without `cluster_column` for one that "
            "takes the rows as independent."
        )
    if index.tries and tries_apart(index.tries):
        return "The rows are of several tries that were judged differently: label the first try."
    if len({count.verdict.verdict for count in index.counts}) > 1 and (
        type_spec(job.type).own_rows is not None
    ):
        return "The rows are answers of two models: label an evaluation of one of them."
    return None


def _is_by_a_model(job: EvaluationJob, summary: Summary) -> bool:
    judge: object = job.parameters.get("judge")
    name: object = None
    if isinstance(judge, Mapping):
        name = cast("Mapping[str, object]", judge).get("model")
    elif summary.benchmark:
        name = summary.benchmark.judge
    return isinstance(name, str) and not name.startswith(RULE_PREFIX)


def _has_figures(summary: Summary) -> bool:
    return any((summary.pass_rate, summary.labels, summary.scores, summary.wins, summary.benchmark))
