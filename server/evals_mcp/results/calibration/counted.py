"""Which labels of an evaluation count, and whether they may correct its figures."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from evals_mcp.cleaning import quoted
from evals_mcp.results.calibration.labels import (
    LabelKind,
    Labels,
    LabelSample,
    LabelValue,
    Plan,
    RowLabel,
)
from evals_mcp.results.number_text import counted

FEWEST = 30
"""Labels below which nothing is corrected."""

_STEPS = (30, 60, 120, 300)
_SAMPLES: frozenset[Plan] = frozenset({"random", "balanced", "all"})
_NAME = 60


@dataclass(frozen=True, slots=True)
class LabelledRow:
    """One row with the judge's verdict and the label that counts."""

    row: int
    verdict: LabelValue
    label: LabelValue
    seconds: float | None = None


@dataclass(frozen=True)
class CountedLabels:
    """The labels that figures are computed from."""

    rows: Sequence[LabelledRow]
    kind: LabelKind
    plan: Plan
    labellers: int
    waiting: int = 0
    """More labels of the sample, which count from the next step on."""
    refusal: str | None = None
    """Why they correct nothing; None if they may."""
    sample: LabelSample | None = None
    several: Sequence[tuple[LabelValue, LabelValue]] = field(default=())
    """The labels of two labellers, for each row that has both."""
    second_looks: int = 0
    """Rows of the sample with a label that was given when the verdict could be seen."""

    @property
    def total(self) -> int:
        """Labels that there are for the sample, those included that wait."""
        return len(self.rows) + self.waiting


def steps() -> Iterable[int]:
    """Yield the numbers of labels at which figures appear, so that nobody stops when they suit."""
    yield from _STEPS
    step = _STEPS[-1]
    while True:
        step *= 2
        yield step


def step_of(labels: int) -> int:
    """Return the largest step that so many labels reach; 0 below the first one."""
    reached = 0
    for step in steps():
        if step > labels:
            return reached
        reached = step
    raise AssertionError("steps never end")


def next_step(labels: int) -> int:
    """Return the first step above so many labels."""
    return next(step for step in steps() if step > labels)


def count_labels(
    labels: Labels, verdicts: Mapping[int, LabelValue], rows: int, refusal: str | None = None
) -> CountedLabels:
    """Return the labels that count.

    Args:
        labels: all labels of the evaluation.
        verdicts: the judge's verdicts on the labelled rows.
        rows: all rows with a verdict.
        refusal: why nothing of this evaluation is corrected; None if it may be.
    """
    usable = [label for label in labels.labels if label.row in verdicts]
    sample = labels.sample
    kind = _kind(usable)
    usable = [label for label in usable if label.kind == kind]
    if kind == "human" and sample and sample.plan in _SAMPLES and not labels.origin_unknown:
        ranked = [each for each in usable if each.position and each.position <= sample.counted]
        if any(label.blind for label in ranked):
            return _of_sample(labels, sample, ranked, verdicts, (rows, refusal))
    single = _one_a_row(usable)
    return CountedLabels(
        rows=_judged(single, verdicts),
        kind=kind,
        plan=sample.plan if sample and kind != "human" else "chosen",
        labellers=len({label.labeller for label in usable}),
        refusal=_refusal(labels, kind, usable),
        several=_several(usable),
    )


def _of_sample(
    labels: Labels,
    sample: LabelSample,
    ranked: Sequence[RowLabel],
    verdicts: Mapping[int, LabelValue],
    limits: tuple[int, str | None],
) -> CountedLabels:
    """Return the labels of a sample up to the last step; all of a column, or if every row has one.

    Args:
        labels: all labels of the evaluation.
        sample: the sample.
        ranked: the labels of its unbroken first part.
        verdicts: the judge's verdicts.
        limits: all rows with a verdict, and why nothing is corrected.
    """
    rows, refusal = limits
    blind = [label for label in ranked if label.blind]
    single = sorted(_one_a_row(blind), key=lambda label: label.position or math.inf)
    whole = labels.column is not None or len(single) >= rows
    shown = single if whole else single[: step_of(len(single))]
    if refusal is None and len(shown) < min(FEWEST, rows):
        refusal = f"{counted(len(single), 'label')}; {min(FEWEST, rows)} are the fewest."
    return CountedLabels(
        rows=_judged(shown, verdicts),
        kind="human",
        plan="all" if len(single) >= rows else sample.plan,
        labellers=len({label.labeller for label in blind}),
        waiting=len(single) - len(shown),
        refusal=refusal,
        sample=sample,
        several=_several(ranked),
        second_looks=len({label.row for label in ranked if not label.blind}),
    )


def _kind(labels: Sequence[RowLabel]) -> LabelKind:
    """Return whose labels count: those of people if there are any, else the commonest kind."""
    kinds = Counter[LabelKind](label.kind for label in labels)
    if kinds["human"] or not kinds:
        return "human"
    return max(kinds, key=lambda kind: kinds[kind])


def _refusal(labels: Labels, kind: LabelKind, usable: Sequence[RowLabel]) -> str:
    column = quoted(labels.column, _NAME) if labels.column else None
    if kind == "model":
        return "The labels are by another model, not by people."
    if kind == "unknown":
        return (
            f"Nobody has said who gave the labels in column {column}: ask the user, then call "
            "get_evaluation with `human_column` and `labels_are`."
        )
    if not usable:
        return "No person has labelled any of these answers."
    if labels.origin_unknown:
        return (
            f"Only some rows have a label in column {column}, and nobody has said how they were "
            "selected: ask the user, then call get_evaluation with `human_column` and "
            "`labels_are` people_random_sample or people_chosen."
        )
    if labels.sample and not any(label.blind for label in usable):
        return "The labels were given with the verdicts in view, which makes agreement more likely."
    return (
        "The labelled rows were chosen, not drawn at random, so they do not stand for the others: "
        "label_rows draws a sample."
    )


def _one_a_row(labels: Sequence[RowLabel]) -> list[RowLabel]:
    """Return one label for each row: that of the labeller with the most labels who labelled it."""
    numbers = Counter(label.labeller for label in labels)
    rows = dict[int, RowLabel]()
    for label in sorted(labels, key=lambda each: (-numbers[each.labeller], each.labeller)):
        rows.setdefault(label.row, label)
    return sorted(rows.values(), key=lambda label: label.row)


def _several(labels: Sequence[RowLabel]) -> list[tuple[LabelValue, LabelValue]]:
    by_row = dict[int, list[RowLabel]]()
    for label in labels:
        by_row.setdefault(label.row, []).append(label)
    pairs = [sorted(each, key=lambda label: label.labeller) for each in by_row.values()]
    return [(first.value, second.value) for first, second, *_ in (p for p in pairs if len(p) > 1)]


def _judged(labels: Sequence[RowLabel], verdicts: Mapping[int, LabelValue]) -> list[LabelledRow]:
    return [
        LabelledRow(label.row, verdicts[label.row], label.value, label.seconds) for label in labels
    ]
