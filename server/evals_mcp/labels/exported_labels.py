"""The labels of people as an export has them, beside the verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evals_mcp.labels.counting import counted_labels
from evals_mcp.results.calibration.labels import Labels, LabelValue, RowLabel
from evals_schemas.digests import value_digest
from evals_schemas.evaluation_api.evaluations import EvaluationJob

if TYPE_CHECKING:
    from evals_mcp.labels.store import LabelStore
    from evals_mcp.result_files.index import ResultIndex

CHOSEN = "chosen"
"""The plan of a row outside of the unbroken first part of a sample, or labelled after a look."""

LabelCells = tuple[LabelValue, str, str, Mapping[str, LabelValue] | None]
"""The label; who gave it; how its row was selected; labels of further labellers by their names."""


@dataclass(frozen=True)
class ExportedLabels:
    """The labels of people for the rows of one evaluation."""

    rows: Mapping[int, LabelCells]
    """By the number of the row in the result file, from 1."""

    @property
    def digest(self) -> str:
        """The name of these labels, which changes when one of them does."""
        return value_digest("labels", [[row, list(cells)] for row, cells in self.rows.items()])


async def exported_labels(
    store: LabelStore, evaluation: str, job: EvaluationJob, index: ResultIndex
) -> ExportedLabels:
    """Return the labels that people gave to rows with a verdict; those of models are left out.

    Args:
        store: the labels of the principal.
        evaluation: the account and the own id of the evaluation.
        job: the evaluation.
        index: its rows.

    Raises:
        StateError: the state cannot be read.
    """
    labels = await counted_labels(store, evaluation, job, index)
    return ExportedLabels({} if labels is None else dict(_rows(labels)))


def _rows(labels: Labels) -> Iterable[tuple[int, LabelCells]]:
    by_people = [label for label in labels.labels if label.kind == "human"]
    numbers = Counter(label.labeller for label in by_people)
    by_row = dict[int, list[RowLabel]]()

    def order(label: RowLabel) -> tuple[bool, int, str]:
        return not label.blind, -numbers[label.labeller], label.labeller

    for label in sorted(by_people, key=order):
        by_row.setdefault(label.row, []).append(label)
    for row, (first, *others) in sorted(by_row.items()):
        more = {label.labeller: label.value for label in others}
        yield row, (first.value, first.labeller, _plan(first, labels), more or None)


def _plan(label: RowLabel, labels: Labels) -> str:
    sample = labels.sample
    if sample is None or label.position is None or label.position > sample.counted:
        return CHOSEN
    if not label.blind:
        return CHOSEN
    return sample.plan
