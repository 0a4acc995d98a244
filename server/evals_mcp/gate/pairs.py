"""The rows of a baseline and of a candidate, as pairs of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evals_mcp.results.rows import JUDGED, RowVerdict
from evals_mcp.results.statistics.estimate import UNIT, Scale
from evals_schemas.repository.evals_file import Figure

_PREFERENCE = {"A": -1.0, "Tie": 0.0, "B": 1.0}

PREFERENCES: Scale = (-1.0, 1.0)
"""The scale of one row's preference: 1 if B is better, -1 if A is."""


@dataclass(frozen=True)
class Pairs:
    """One metric's rows, in the order of the candidate; None stands for a row without a verdict."""

    figure: Figure
    scale: Scale
    """The lowest and the highest value of a row."""
    baseline: Sequence[float | None]
    candidate: Sequence[float | None]
    clusters: Sequence[int] | None = None
    """The cluster of each row; None if all rows are independent."""
    same_answers: bool = False
    """Whether every row was judged on the same answer in both."""

    @property
    def both(self) -> list[tuple[float, float]]:
        """The rows with a verdict on both sides."""
        sides = zip(self.baseline, self.candidate, strict=True)
        return [
            (before, after) for before, after in sides if before is not None and after is not None
        ]

    @property
    def clusters_of_both(self) -> list[int] | None:
        """The clusters of the rows with a verdict on both sides."""
        if self.clusters is None:
            return None
        rows = zip(self.baseline, self.candidate, self.clusters, strict=True)
        return [
            cluster for before, after, cluster in rows if before is not None and after is not None
        ]

    @property
    def against_the_candidate(self) -> list[tuple[float, float]]:
        """All rows, with the worst value for a missing verdict of the candidate.

        A missing verdict of the baseline counts as its best value.
        """
        low, high = self.scale
        return [
            (high if before is None else before, low if after is None else after)
            for before, after in zip(self.baseline, self.candidate, strict=True)
        ]

    @property
    def missing(self) -> tuple[int, int]:
        """The numbers of rows without a verdict: of the baseline, and of the candidate."""
        return sum(value is None for value in self.baseline), sum(
            value is None for value in self.candidate
        )


def value_of(verdict: RowVerdict, figure: Figure) -> float | None:
    """Return what a row counts for a figure; None if its verdict does not count."""
    if verdict.state != JUDGED:
        return None
    if figure == "pass_rate":
        return None if verdict.passed is None else float(verdict.passed)
    if figure == "mean_score":
        return verdict.score
    return _PREFERENCE.get(verdict.verdict or "")


def scale_of_figure(figure: Figure, low: float | None, high: float | None) -> Scale:
    """Return the scale of one row's value, given the bounds of scores."""
    if figure == "pass_rate":
        return UNIT
    if figure == "net_preference":
        return PREFERENCES
    return (low if low is not None else 0.0, high if high is not None else 1.0)
