"""The rows of open samples that wait for a label, whose verdicts nobody should see before it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from anyio import to_thread

from evals_mcp.labels.counting import LabelsBySubject, progress_of
from evals_mcp.labels.labelling import FIGURES_AT
from evals_mcp.labels.sample import LabelSample, short_name
from evals_mcp.marks.subjects import Subjects, subjects_of
from evals_schemas.evaluation_api.evaluations import EvaluationJob

if TYPE_CHECKING:
    from evals_mcp.labels.store import LabelStore
    from evals_mcp.result_files.index import ResultIndex


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
            numbers = [
                sample.rows[position - 1]
                for position in positions
                if sample.evaluation == evaluation
                or _is_same_answer(sample, position, index, subjects)
            ]
            rows.update(numbers)
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


def waiting_positions(sample: LabelSample, by_subject: LabelsBySubject) -> Sequence[int]:
    """Return the ranks of the rows that are labelled next, up to the labels at which figures come.

    None wait where the figures have just come, or after somebody has closed the sample: both last
    until the next label.
    """
    progress = progress_of(sample, by_subject)
    counted = progress.done - progress.skipped
    closed = sample.closed_after is not None and progress.done <= sample.closed_after
    if closed or counted in FIGURES_AT:
        return []
    missing = next((labels for labels in FIGURES_AT if labels > counted), counted) - counted
    unlabelled = _without_label(sample, by_subject)
    return [position for position, _ in zip(unlabelled, range(missing), strict=False)]


def _without_label(sample: LabelSample, by_subject: LabelsBySubject) -> Iterator[int]:
    names = set(map(short_name, by_subject))
    for position, name in enumerate(sample.names, 1):
        if name not in names:
            yield position


def _is_same_answer(
    sample: LabelSample, position: int, index: ResultIndex, subjects: Subjects
) -> bool:
    """Return whether a row of another evaluation's sample has the same answer here.

    Evaluations of one data set number its rows alike.
    """
    number = sample.rows[position - 1]
    if number > index.total():
        return False
    (entry,) = index.by_number([number])
    return short_name(subjects.of(index.read(entry))) == sample.names[position - 1]
