"""The rows of open samples that wait for a label, whose verdicts nobody should see before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from anyio import to_thread

from evals_mcp.labels.counting import FIGURES_AT, LabelsBySubject, progress_of
from evals_mcp.labels.sample import LabelSample, short_name
from evals_mcp.marks.marked_rows import rows_named
from evals_mcp.marks.subjects import Subjects, subjects_of
from evals_schemas.evaluation_api.evaluations import EvaluationJob

if TYPE_CHECKING:
    from evals_mcp.labels.store import LabelStore
    from evals_mcp.result_files.index import ResultIndex

FEWEST_WAITING = 10
"""Rows that wait at least while a sample is open.

Who takes the visible rows from the totals learns what the others have in common. With one other row
that would be its verdict.
"""


@dataclass(frozen=True)
class WaitingRows:
    """The rows of one evaluation whose answers wait for a label."""

    rows: frozenset[int]
    """Their numbers in the result file."""
    samples: Sequence[LabelSample]
    """The open samples that they are of."""


async def waiting_rows(
    store: LabelStore, evaluation: str, job: EvaluationJob, index: ResultIndex
) -> WaitingRows:
    """Return the rows whose answers wait for a label, in a sample of whatever evaluation.

    Args:
        store: the labels of the principal.
        evaluation: the account and the own id of the evaluation.
        job: the evaluation.
        index: its rows.

    Raises:
        StateError: the state cannot be read.
    """
    subjects = subjects_of(job)
    samples = await store.samples(subjects.verdicts)
    if not samples:
        return WaitingRows(frozenset(), ())
    by_subject = await store.all_of(subjects.verdicts)

    def waiting() -> WaitingRows:
        rows, open_samples = set[int](), list[LabelSample]()
        for sample in samples:
            positions = waiting_positions(sample, by_subject)
            numbers = _rows_here(sample, positions, index, subjects)
            if sample.evaluation == evaluation:
                numbers |= {sample.rows[position - 1] for position in positions}
            rows |= numbers
            if numbers:
                open_samples.append(sample)
        return WaitingRows(frozenset(rows), open_samples)

    return await to_thread.run_sync(waiting)


async def close_samples(
    store: LabelStore, evaluation: str, job: EvaluationJob, index: ResultIndex
) -> int:
    """Close the samples for which rows wait here, until their next label; return how many.

    Those of other evaluations of the same answers are among them, which may be deleted by now.

    Raises:
        StateError: the state cannot be used.
    """
    verdicts = subjects_of(job).verdicts
    by_subject = await store.all_of(verdicts)
    waiting = await waiting_rows(store, evaluation, job, index)
    for sample in waiting.samples:
        await store.close_sample(verdicts, sample, progress_of(sample, by_subject).done)
    return len(waiting.samples)


def is_hidden(subject: str, samples: Sequence[LabelSample], by_subject: LabelsBySubject) -> bool:
    """Return whether the verdict on an answer is shown nowhere, because it waits in a sample."""
    name = short_name(subject)
    return any(
        name == sample.names[position - 1]
        for sample in samples
        for position in waiting_positions(sample, by_subject)
    )


def waiting_positions(sample: LabelSample, by_subject: LabelsBySubject) -> Sequence[int]:
    """Return the ranks of the rows that are labelled next, up to the labels at which figures come.

    If these are fewer than `FEWEST_WAITING`, the rows that were labelled last are among them: their
    verdicts were never shown.

    None wait where the figures have just come, after somebody has closed the sample, which both
    last until the next label, and after the last row of the sample.
    """
    progress = progress_of(sample, by_subject)
    counted = progress.done - progress.skipped
    closed = sample.closed_after is not None and progress.done <= sample.closed_after
    if closed or counted in FIGURES_AT:
        return []
    missing = next((labels for labels in FIGURES_AT if labels > counted), counted) - counted
    named = set(map(short_name, by_subject))
    labelled, unlabelled = list[int](), list[int]()
    for position, name in enumerate(sample.names, 1):
        (labelled if name in named else unlabelled).append(position)
    waiting = unlabelled[:missing]
    if not waiting:
        return []
    before = [position for position in labelled if position < waiting[-1]]
    padding = max(0, FEWEST_WAITING - len(waiting))
    return sorted((*before[len(before) - padding :], *waiting)) if padding else waiting


def _rows_here(
    sample: LabelSample, positions: Sequence[int], index: ResultIndex, subjects: Subjects
) -> frozenset[int]:
    """Return all rows of an evaluation with an answer at one of these ranks of a sample.

    An answer may be in several rows, and another evaluation may number its rows in another way.
    """
    names = {sample.names[position - 1] for position in positions}
    hints = [sample.rows[position - 1] for position in positions]
    return rows_named(index, subjects, names, hints)
