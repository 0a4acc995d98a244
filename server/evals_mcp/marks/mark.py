"""One mark: what a person said about the verdict of one row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from evals_mcp.results.types.marking import Value
from evals_schemas.tools.page import MarkSource, Opinion


@dataclass(frozen=True)
class Drawn:
    """The place of a row in a random sample."""

    seed: int
    """What the order of the sample follows from."""
    position: int
    """Place in that order, from 1."""


@dataclass(frozen=True)
class Mark:
    """What one labeller said at one time. A mark never changes; a later one replaces it."""

    opinion: Opinion | Literal["withdrawn"]
    """About the verdict; `withdrawn` if the labeller took an earlier mark back."""
    verdict: Value
    """The verdict that the labeller saw."""
    label: Value | None
    """What the verdict should be; None if the labeller did not say."""
    labeller: str
    """Who said it: the id of the principal."""
    source: MarkSource
    """Where it was said."""
    at: str
    """When; UTC, in the form of ISO 8601."""
    evaluation: str
    """The account and the own id of the evaluation in which it was said."""
    row: int
    """Number of the row in the result file of that evaluation."""
    question: str
    """The digest of what the judge was asked there."""
    sample: Drawn | None = None
    """The place of the row in the sample that was shown; None if the row was found otherwise."""
    blind: bool = False
    """Whether the verdict was hidden from the labeller; never so far."""
    kind: Literal["human"] = "human"
    """What the labeller is."""

    def about(self, verdict: Value) -> Mark | None:
        """Return what the mark says about another verdict on the same answer.

        None if it says nothing: a verdict that is wrong leaves open whether another one is right.
        """
        if self.opinion == "withdrawn":
            return None
        if self.opinion == "unsure" or self.verdict == verdict:
            return self
        if self.label is None:
            return None
        opinion: Opinion = "right" if self.label == verdict else "wrong"
        return replace(self, opinion=opinion, verdict=verdict, sample=None)

    def stored(self) -> dict[str, Any]:
        """Return the mark as a JSON value."""
        return asdict(self)


def mark_of(stored: Mapping[str, Any]) -> Mark:
    """Return the mark of a JSON value."""
    mark, sample = Mark(**stored), stored.get("sample")
    return replace(mark, sample=Drawn(**sample)) if sample else mark
