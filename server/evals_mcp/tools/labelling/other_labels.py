"""A pass rate without enough own labels, by those of another evaluation by the same judge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import anyio
from anyio import to_thread

from evals_mcp.derivations.requested import beside
from evals_mcp.derivations.tries import tries_apart
from evals_mcp.errors import EvalsMCPError
from evals_mcp.marks.subjects import subjects_of
from evals_mcp.results.calibration.counted import FEWEST, CountedLabels, count_labels
from evals_mcp.results.calibration.judged import PassedRows
from evals_mcp.results.calibration.other_answers import (
    LabelsElsewhere,
    rate_by_other_labels,
    with_figure_of,
)
from evals_mcp.results.comparisons.judging import judge_differences, judge_identity
from evals_mcp.results.sequential import sequential_of
from evals_mcp.results.subjects import data_set_of
from evals_mcp.results.types.table import type_spec
from evals_mcp.tools.calls.naming import item_of
from evals_mcp.tools.calls.session import ToolSession
from evals_mcp.tools.labelling.judged_rows import judged_rows, verdicts_of
from evals_mcp.tools.labelling.labels import labels_of_evaluation
from evals_schemas.evaluation_api.evaluations import ENDED, EvaluationJob
from evals_schemas.tools.summaries import Calibration, CorrectedFigure, Summary

MOST_READ = 2
"""Labelled evaluations that are read for one figure: the second if the first corrects nothing."""

DOWNLOAD_SECONDS = 10.0
"""Seconds that a figure waits for the labelled rows of another evaluation."""


@dataclass(frozen=True)
class LabelledEvaluation:
    """An evaluation by the same judge that has labels."""

    own_id: str
    labels: int
    """How many, as far as the state knows."""
    at: str
    """When the newest was given; empty if the state does not know."""


async def note_labelled(job: EvaluationJob, labels: int, session: ToolSession) -> None:
    """Remember that people label an evaluation, so that other ones by its judge find the labels.

    Nothing is remembered where the state cannot be written: the figures of others lack then.
    """
    identity = _identity(job, session)
    if identity is None or not session.may_write:
        return
    evaluation = item_of(session.provider, job.workflow_id).record
    with suppress(EvalsMCPError):
        await session.labels.note_judge(identity, evaluation, labels)


async def forget_labelled(job: EvaluationJob, session: ToolSession) -> None:
    """Forget an evaluation that is deleted.

    Raises:
        StateError: the state cannot be used.
    """
    if (identity := _identity(job, session)) is not None:
        evaluation = item_of(session.provider, job.workflow_id).record
        await session.labels.forget_judge(identity, evaluation)


async def labelled_by_same_judge(
    job: EvaluationJob, summary: Summary, session: ToolSession
) -> Sequence[LabelledEvaluation]:
    """Return the evaluations whose labels may correct a pass rate, the one with most labels first.

    Only the state is read. Empty without a pass rate of single rows.

    Raises:
        StateError: the state cannot be read.
    """
    rate, identity = summary.pass_rate, _identity(job, session)
    if identity is None or rate is None or rate.count is None or not rate.of:
        return []
    passes = type_spec(job.type).marking.passes(job.parameters)
    if passes is None or summary.clusters is not None or sequential_of(job.results):
        return []
    own = item_of(session.provider, job.workflow_id)
    account = f"{own.account} "
    stored = {
        name.removeprefix(account): labels
        for name, labels in (await session.labels.evaluations_by(identity)).items()
        if name.startswith(account) and name != own.record
    }
    if not stored:
        return []
    counts, newest = Counter[str](), dict[str, str]()
    for labels in (await session.labels.all_of(subjects_of(job).verdicts)).values():
        for label in labels:
            name = label.evaluation.removeprefix(account)
            counts[name] += label.value is not None
            newest[name] = max(newest.get(name, ""), label.at)
    found = [
        LabelledEvaluation(own_id, max(labels, counts[own_id]), newest.get(own_id, ""))
        for own_id, labels in stored.items()
    ]
    enough = [each for each in found if each.labels >= FEWEST]
    return sorted(enough, key=lambda each: (each.labels, each.at), reverse=True)[:MOST_READ]


async def with_other_labels(
    job: EvaluationJob,
    labels: tuple[Calibration | None, Sequence[LabelledEvaluation]],
    summary: Summary,
    session: ToolSession,
    *,
    download: bool,
) -> Calibration | None:
    """Return the calibration with the pass rate by labels of another evaluation, or its refusal.

    It is as it was if no other evaluation can be read, or not without a download.

    Args:
        job: the evaluation.
        labels: what its own labels say, and the other evaluations by its judge that have labels.
        summary: its figures.
        session: the collaborators of the call.
        download: whether rows that are not on this machine are downloaded.
    """
    own, others = labels
    rate = summary.pass_rate
    assert rate is not None and rate.count is not None and rate.of  # noqa: PT018 - see above
    passes = type_spec(job.type).marking.passes(job.parameters)
    rows, refused = PassedRows(rate.count, rate.of, passes), None
    for other in others:
        found = await _labels_of(job, other, session, download=download)
        if found is None:
            continue
        elsewhere, counted = found
        figure: CorrectedFigure | str = rate_by_other_labels(rows, counted)
        if not isinstance(figure, str):
            return with_figure_of(own, figure, elsewhere)
        refused = refused or (figure, elsewhere)
    return own if refused is None else with_figure_of(own, *refused)


async def _labels_of(
    job: EvaluationJob, other: LabelledEvaluation, session: ToolSession, *, download: bool
) -> tuple[LabelsElsewhere, CountedLabels] | None:
    """Return the labels of another evaluation that count; None if they cannot be read."""
    labelled = None
    with suppress(EvalsMCPError):
        labelled = await session.provider.get_evaluation(beside(job.workflow_id, other.own_id))
    if (
        labelled is None
        or labelled.status not in ENDED
        or not _is_same_judge(job, labelled, session)
    ):
        return None
    counted = None
    with suppress(EvalsMCPError), anyio.move_on_after(DOWNLOAD_SECONDS):
        counted = await _counted(labelled, session, download=download)
    if counted is None:
        return None
    elsewhere = LabelsElsewhere(
        labelled.workflow_id,
        await session.name_of(labelled.workflow_id),
        len(counted.rows),
        data_set_of(job.parameters) == data_set_of(labelled.parameters),
    )
    return elsewhere, counted


async def _counted(
    labelled: EvaluationJob, session: ToolSession, *, download: bool
) -> CountedLabels | None:
    rows = session.result_rows(labelled) if download else session.indexed_rows(labelled)
    async with rows as index:
        labels = await labels_of_evaluation(session, labelled, index) if index else None
        if index is None or labels is None:
            return None
        refusal = None
        if index.tries and tries_apart(index.tries):
            refusal = "Its rows are of several tries that were judged differently."
        given = {label.row for label in labels.labels}
        verdicts = await to_thread.run_sync(verdicts_of, labelled, index, given)
        total = (await to_thread.run_sync(judged_rows, labelled, index)).total
        return count_labels(labels, verdicts, total, refusal)


def _is_same_judge(job: EvaluationJob, other: EvaluationJob, session: ToolSession) -> bool:
    services = [session.provider.service_of(each.workflow_id).name for each in (job, other)]
    return not judge_differences(job, other, (services[0], services[1]))


def _identity(job: EvaluationJob, session: ToolSession) -> str | None:
    return judge_identity(job, session.provider.service_of(job.workflow_id).name)
