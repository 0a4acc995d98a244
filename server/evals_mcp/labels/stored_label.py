"""One label as it is stored: what a labeller says that the verdict on one answer should be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from evals_mcp.results.calibration.labels import LabelSource, LabelValue


@dataclass(frozen=True)
class StoredLabel:
    """What one labeller said at one time, without the verdict in view. It never changes.

    It holds no text of a row. A later label by the same labeller replaces it.
    """

    value: LabelValue | None
    """What the verdict should be; None if the labeller skipped the row."""
    labeller: str
    """The name of the labeller, as the labeller gave it."""
    source: LabelSource
    """Where it was said."""
    at: str
    """When; UTC, in the form of ISO 8601."""
    seconds: float | None
    """Time that the labeller took; None if unknown."""
    evaluation: str
    """The account and the own id of the evaluation in which it was said."""
    row: int
    """Number of the row in the result file of that evaluation."""
    question: str
    """The digest of what the judge was asked there."""
    sample: str
    """The id of the sample that the row was shown from."""
    position: int
    """The rank of the row in the order of that sample, from 1."""
    blind: bool = True
    """Whether the verdict was shown nowhere until then; a second labeller may have seen it."""
    kind: Literal["human", "model"] = "human"
    """What the labeller is."""

    def stored(self) -> dict[str, Any]:
        """Return the label as a JSON value."""
        return asdict(self)


def label_of(stored: Mapping[str, Any]) -> StoredLabel:
    """Return the label of a JSON value."""
    return StoredLabel(**stored)
