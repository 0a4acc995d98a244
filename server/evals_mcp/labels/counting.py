"""The labels that count for an evaluation, from whatever source and evaluation they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from anyio import to_thread

from evals_mcp.labels.column import ColumnLabels, LabelColumn, labels_in
from evals_mcp.labels.sample import LabelSample, short_name
from evals_mcp.labels.stored_label import StoredLabel
from evals_mcp.marks.marked_rows import rows_by_subject
from evals_mcp.marks.subjects import Subjects, subjects_of
from evals_mcp.results.calibration.labels import Labels, Plan, RowLabel
from evals_mcp.results.calibration.labels import LabelSample as CountedSample
from evals_mcp.results.rows import JUDGED
from evals_schemas.evaluation_api.evaluations import EvaluationJob

if TYPE_CHECKING:
    from evals_mcp.labels.store import LabelStore
    from evals_mcp.result_files.index import ResultIndex

FIGURES_AT = (30, 60, 120, 300, 600, 1_200)
"""Labels at which figures are shown, so that nobody stops when they look good."""

MOST_LACKING = 0.1
"""The largest share of a sample's labelled rows whose answers may be others here."""

_CORRECTING: frozenset[Plan] = frozenset({"random", "balanced", "all"})

LabelsBySubject = Mapping[str, Sequence[StoredLabel]]


async def counted_labels(
    store: LabelStore, evaluation: str, job: EvaluationJob, index: ResultIndex
) -> Labels | None:
    """Return the labels of an evaluation; None without a column, a sample and a label.

    Args:
        store: the labels of the principal.
        evaluation: the account and the own id of the evaluation.
        job: the evaluation.
        index: its rows.

    Raises:
        StateError: the state cannot be read.
    """
    subjects = subjects_of(job)
    column = await store.column(evaluation)
    by_subject = await store.all_of(subjects.verdicts)
    samples = await store.samples(subjects.verdicts)
    if column is not None and column.name not in index.columns:
        column = None
    if column is None and not by_subject and not any(s.evaluation == evaluation for s in samples):
        return None
    counting = _Counting(evaluation, subjects, index, by_subject, samples)
    return await to_thread.run_sync(counting.labels, job, column)


@dataclass(frozen=True)
class Progress:
    """How far the labelling of a sample is."""

    done: int
    """Length of the unbroken first part of its order: rows with a label or a skip."""
    skipped: int
    """Rows of that part that nobody labelled while their verdicts were hidden."""
    labels: Mapping[str, int]
    """Labels by labeller, of all rows of the sample."""
    both: int
    """Rows of the sample with labels of two labellers."""
    equal: int
    """Those of them whose labels are all the same."""


def progress_of(sample: LabelSample, by_subject: LabelsBySubject) -> Progress:
    """Return how far the labelling of a sample is."""
    by_name = {short_name(subject): labels for subject, labels in by_subject.items()}
    states = [by_name.get(name, ()) for name in sample.names]
    done = next((n for n, labels in enumerate(states) if not labels), len(states))
    labelled = [[each for each in labels if each.value is not None] for labels in states]
    counts = dict[str, int]()
    for each in (label for labels in labelled for label in labels):
        counts[each.labeller] = counts.get(each.labeller, 0) + 1
    several = [labels for labels in labelled if len(labels) > 1]
    equal = sum(len({label.value for label in labels}) == 1 for labels in several)
    skipped = sum(not any(each.blind for each in labels) for labels in labelled[:done])
    return Progress(done, skipped, counts, len(several), equal)


@dataclass(frozen=True)
class _Counting:
    evaluation: str
    subjects: Subjects
    index: ResultIndex
    by_subject: LabelsBySubject
    samples: Sequence[LabelSample]

    def labels(self, job: EvaluationJob, column: LabelColumn | None) -> Labels | None:
        """Return the labels that count. Blocks."""
        rows = self._rows()
        marked = [label for subject in rows for label in self._of(subject, rows[subject], None)]
        others = self._of_other_answers(rows)
        sampled = [(sample, self._sampled(sample, rows)) for sample in self.samples]
        # The sample of another evaluation says nothing here unless its labels are about answers
        # that this one has.
        candidates = [
            labels
            for sample, labels in sampled
            if labels.labels or sample.evaluation == self.evaluation
        ]
        in_column = None if column is None else labels_in(self.index, job, column)
        if in_column is not None and column is not None:
            candidates.append(_of_column(in_column, column))
        chosen = max(candidates, key=_worth, default=None)
        column_labels = in_column.labels if in_column else []
        if chosen is None:
            return Labels(marked, None, others) if marked or others else None
        in_sample = {(label.row, label.labeller) for label in chosen.labels}
        outside = [
            replace(label, position=None)
            for label in (*marked, *column_labels)
            if (label.row, label.labeller) not in in_sample
        ]
        everything = sorted((*chosen.labels, *outside), key=lambda label: label.row)
        return replace(chosen, labels=everything, of_other_answers=others)

    def _rows(self) -> dict[str, int]:
        """Return the rows with labels whose verdicts count, by what they are about."""
        hints = {subject: labels[0].row for subject, labels in self.by_subject.items()}
        rows = rows_by_subject(self.index, self.subjects, hints)
        entries = self.index.by_number(list(rows.values()))
        judged = {entry.number for entry in entries if entry.verdict.state == JUDGED}
        return {subject: number for subject, number in rows.items() if number in judged}

    def _of(self, subject: str, row: int, position: int | None) -> Iterator[RowLabel]:
        for label in self.by_subject.get(subject, ()):
            if label.value is not None:
                yield RowLabel(
                    row=row,
                    value=label.value,
                    labeller=label.labeller,
                    kind=label.kind,
                    source=label.source,
                    blind=label.blind,
                    position=position,
                    seconds=label.seconds,
                )

    def _sampled(self, sample: LabelSample, rows: Mapping[str, int]) -> Labels:
        """Return the labels of a sample, of this evaluation or of another one."""
        subjects = {short_name(subject): subject for subject in self.by_subject}
        progress = progress_of(sample, self.by_subject)
        labels, lacking = list[RowLabel](), 0
        for position, name in enumerate(sample.names, 1):
            subject = subjects.get(name)
            if subject is None:
                continue
            if subject in rows:
                labels += self._of(subject, rows[subject], position)
            elif position <= progress.done:
                lacking += any(label.value is not None for label in self.by_subject[subject])
        own = sample.evaluation == self.evaluation
        plan: Plan = sample.plan
        if not own and (plan == "balanced" or lacking > MOST_LACKING * progress.done):
            plan = "chosen"
        skipped = progress.skipped + lacking
        counted = CountedSample(plan, sample.seed, len(sample.rows), progress.done, skipped)
        return Labels(_once(labels), counted)

    def _of_other_answers(self, rows: Mapping[str, int]) -> int:
        """Return the number of labels about other answers to rows of this evaluation."""
        others = [subject for subject in self.by_subject if subject not in rows]
        return sum(map(self._is_of_other_answer, others))

    def _is_of_other_answer(self, subject: str) -> bool:
        number = self.by_subject[subject][0].row
        if not 1 <= number <= self.index.total():
            return False
        (entry,) = self.index.by_number([number])
        here = self.subjects.of(self.index.read(entry))
        return here != subject and here.rpartition(" ")[0] == subject.rpartition(" ")[0]


def _once(labels: Iterable[RowLabel]) -> list[RowLabel]:
    """Return the first label of each labeller for each row: equal rows share their labels."""
    first = dict[tuple[int, str], RowLabel]()
    for label in labels:
        first.setdefault((label.row, label.labeller), label)
    return list(first.values())


def _of_column(found: ColumnLabels, column: LabelColumn) -> Labels:
    count = sum(label.position is not None for label in found.labels)
    rows = len(found.labels) + found.without + sum(found.unusable.values())
    drawn = rows if found.plan == "all" else count
    origin_unknown = found.plan == "chosen" and column.labels_are in {None, "people", "unknown"}
    sample = CountedSample(found.plan, None, drawn, count, 0)
    return Labels(found.labels, sample, column=column.name, origin_unknown=origin_unknown)


def _worth(labels: Labels) -> tuple[bool, int]:
    """Return how much labels are worth: those that may correct first, then the most of them."""
    sample = cast("CountedSample", labels.sample)
    counted = sum(
        label.position is not None and label.position <= sample.counted for label in labels.labels
    )
    people = all(label.kind == "human" for label in labels.labels)
    return (people and counted > 0 and sample.plan in _CORRECTING, counted)
