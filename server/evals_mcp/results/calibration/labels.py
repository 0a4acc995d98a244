"""The labels that people or models gave to the rows of one evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

LabelValue = str | float
"""A label as a verdict of the type: a label of `classify`, `A`, `B` or `Tie`, or a score."""

LabelKind = Literal["human", "model", "unknown"]
"""What a labeller is; `unknown` until the user has said it of a column."""

LabelSource = Literal["column", "page", "app", "terminal", "chat"]

Plan = Literal["random", "balanced", "chosen", "all"]
"""How the labelled rows were selected.

`random`: a random order of the rows with a verdict; `balanced`: half of them from those that the
judge passes; `chosen`: by a person; `all`: every row has a label.
"""


@dataclass(frozen=True, slots=True)
class RowLabel:
    """What one labeller says that the verdict of one row should be."""

    row: int
    """Number of the row in the result file, from 1."""
    value: LabelValue
    labeller: str
    """Who labelled: a name or an id, the same for all labels of one labeller."""
    kind: LabelKind
    source: LabelSource
    blind: bool
    """Whether the verdict was hidden from the labeller."""
    position: int | None = None
    """The rank of the row in the order of the sample, from 1; None for rows outside of it."""
    seconds: float | None = None
    """Time that the labeller took; None if unknown."""


@dataclass(frozen=True, slots=True)
class LabelSample:
    """The rows that were selected for labels, in an order that was fixed before the first one."""

    plan: Plan
    seed: int | None
    """What the order follows from; None for a column."""
    drawn: int
    """Rows of the sample, whether they are labelled or not."""
    counted: int
    """Length of the unbroken first part of the order: rows with a label or a skip."""
    skipped: int
    """Skips in that part, which have no label."""


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels of one evaluation: the newest of each labeller for each row."""

    labels: Sequence[RowLabel]
    sample: LabelSample | None
    """None if no rows were selected beforehand."""
    of_other_answers: int = 0
    """More labels, which are about answers that this evaluation does not have."""
    column: str | None = None
    """The column of the data set that the labels come from; None for marks."""
    origin_unknown: bool = False
    """Whether nobody has said how the labelled rows of a partial column were selected."""
