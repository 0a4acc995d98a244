"""What the page and the terminal show to somebody who labels rows: no verdict, no reason."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

LabelRole = Literal["input", "answer", "first", "second"]
"""What a text is to a labeller; first and second: two answers in a random order."""


class LabelText(BaseModel):
    """One text of a row that is shown for a label."""

    name: str
    """Its column; empty for one of two answers, because the name could tell them apart."""
    role: LabelRole
    text: str

    @property
    def heading(self) -> str:
        """What stands above the text: its column, which says if it is the answer that was judged.

        A row can hold several answers; only this tells a labeller which one the label is about.
        """
        match self.role:
            case "input":
                return self.name
            case "answer":
                return f"{self.name} (the judged answer)".lstrip()
            case _:
                return f"{self.role} answer"


class LabelRow(BaseModel):
    """A row that is shown for a label. It holds nothing that the judge said of it."""

    position: int
    """Its rank in the order of the sample, from 1; names the row when it is labelled."""
    row: int
    """Its number in the result file, from 1."""
    texts: list[LabelText]
    cut: bool = False
    """Whether a text was too long to be shown whole."""


class LabelKey(BaseModel):
    """A label, and the keys that give it."""

    keys: str
    """One or two characters."""
    value: str | float
    name: str
    """The label as a text."""


class LabelsPage(BaseModel):
    """The rows of a sample that a labeller labels next, without any verdict."""

    evaluation_id: str
    plan: Literal["random", "balanced"]
    seed: int
    labeller: str
    question: str | None = None
    """What the judge was asked, without the row; None if it is unknown."""
    keys: list[LabelKey]
    """The labels and their keys; empty if a number is typed."""
    low: float | None = None
    """score: the lowest number; None if it is unknown."""
    high: float | None = None
    total: int
    """Rows of the sample."""
    labelled: int
    """Rows of the sample that this labeller has labelled."""
    skipped: int
    """Rows that this labeller has skipped."""
    others: dict[str, int]
    """Labels of other labellers, by their names."""
    both: int
    """Rows of the sample with labels of two labellers."""
    next_figures: int | None = None
    """Labels at which the figures come next; None after the last time."""
    rows: list[LabelRow]
    """The next rows in the order of the sample."""
    sentences: list[str]
    """What the counts say."""
