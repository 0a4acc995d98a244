"""Labels in a column of the data set: what the user says of them, and which row has which."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from evals_mcp.exports.rows import LABEL_COLUMNS
from evals_mcp.results.calibration.labels import LabelKind, LabelValue, Plan, RowLabel
from evals_mcp.results.rows import JUDGED
from evals_mcp.results.types.marking import Marking
from evals_mcp.results.types.table import type_spec
from evals_schemas.datasets.cells import cell_text
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.tools.inputs import LabelsAre

if TYPE_CHECKING:
    from evals_mcp.result_files.index import ResultIndex

_KINDS: Mapping[LabelsAre, LabelKind] = {
    "people": "human",
    "people_random_sample": "human",
    "people_chosen": "human",
    "model": "model",
    "unknown": "unknown",
}


_EXPORTED, _, _EXPORTED_PLAN, _ = LABEL_COLUMNS
_DRAWN = frozenset({"random", "all"})
"""How rows were selected that stand for the others."""


@dataclass(frozen=True)
class LabelColumn:
    """A column that the user has named for its labels."""

    name: str
    labels_are: LabelsAre | None = None
    """None until the user has said it."""

    @property
    def kind(self) -> LabelKind:
        """What the labellers are."""
        return _KINDS[self.labels_are or "unknown"]

    @property
    def is_random_sample(self) -> bool:
        """Whether the user said that the rows with a label were drawn at random."""
        return self.labels_are == "people_random_sample"

    def stored(self) -> dict[str, Any]:
        """Return the column as a JSON value."""
        return asdict(self)


@dataclass
class ColumnLabels:
    """The labels of a column."""

    labels: list[RowLabel] = field(default_factory=list[RowLabel])
    """For rows with a verdict, in the order of the file."""
    plan: Plan = "chosen"
    without: int = 0
    """Rows with a verdict whose cell is empty."""
    unusable: Counter[str] = field(default_factory=Counter[str])
    """Values that are no verdict of this evaluation, by how many rows have them."""


def column_of(stored: Mapping[str, Any]) -> LabelColumn:
    """Return the column of a JSON value."""
    return LabelColumn(**stored)


def labels_in(index: ResultIndex, job: EvaluationJob, column: LabelColumn) -> ColumnLabels:
    """Return the labels of a column for the rows with a verdict. Blocks.

    A column that an export wrote has another one beside it that says how each row was selected:
    rows that were chosen are no part of the random sample.
    """
    marking = type_spec(job.type).marking
    value_of = label_reader(marking, job.parameters)
    result, outside = ColumnLabels(), set[int]()
    for entry in index.every():
        if entry.verdict.state != JUDGED or marking.value(entry.verdict) is None:
            continue
        row = index.read(entry)
        cell = row.get(column.name)
        if cell is None or (isinstance(cell, str) and not cell.strip()):
            result.without += 1
        elif (value := value_of(cell)) is None:
            result.unusable[cell_text(cell)] += 1
        else:
            result.labels.append(_label(entry.number, value, column))
            if column.name == _EXPORTED and row.get(_EXPORTED_PLAN, "random") not in _DRAWN:
                outside.add(entry.number)
    result.plan = "random" if column.is_random_sample else "chosen"
    if not (result.without or result.unusable):
        result.plan, outside = "all", set[int]()
    inside = (label for label in result.labels if label.row not in outside)
    ranks = {label.row: position for position, label in enumerate(inside, 1)}
    result.labels = [replace(label, position=ranks.get(label.row)) for label in result.labels]
    return result


def _label(row: int, value: LabelValue, column: LabelColumn) -> RowLabel:
    return RowLabel(
        row=row, value=value, labeller=column.name, kind=column.kind, source="column", blind=True
    )


def label_reader(
    marking: Marking, parameters: Mapping[str, Any]
) -> Callable[[object], LabelValue | None]:
    """Return the function that reads a label from a cell or from what a person typed.

    It returns None for what is no verdict of the evaluation. Case and surrounding spaces do not
    count, as long as two labels do not differ in them only.
    """
    names = list(marking.names(parameters))
    if not names:
        low, high = marking.scale(parameters) or (-math.inf, math.inf)
        return lambda cell: _score(cell, low, high)
    exact = {name: name for name in names}
    folded = _unambiguous(names)

    def label(text: str) -> str | None:
        return exact.get(text) or folded.get(_fold(text))

    def read(cell: object) -> LabelValue | None:
        text = cell_text(cell)
        # An exported CSV has `'` in front of a label that a spreadsheet could run as a formula.
        return label(text) or (label(text[1:]) if text.startswith("'") else None)

    return read


def _unambiguous(names: Sequence[str]) -> dict[str, str]:
    counts = Counter(map(_fold, names))
    return {_fold(name): name for name in names if counts[_fold(name)] == 1}


def _fold(text: str) -> str:
    return text.strip().casefold()


def _score(cell: object, low: float, high: float) -> float | None:
    if isinstance(cell, bool):
        return None
    try:
        number = float(cell) if isinstance(cell, int | float | str) else math.nan
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and low <= number <= high else None
