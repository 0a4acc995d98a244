"""All rows of an evaluation that have a verdict, and the labelled ones of them by class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from evals_mcp.results.calibration.labels import LabelValue
from evals_mcp.results.statistics.corrections.rogan_gladen import LabelledClasses
from evals_mcp.results.types.marking import Marking, Passes


@dataclass(frozen=True)
class PassedRows:
    """How many rows of an evaluation the judge passes."""

    passed: int
    total: int
    """Rows with a verdict."""
    passes: Passes | None
    """Which verdicts pass; None if rows neither pass nor fail."""


@dataclass(frozen=True)
class JudgedRows:
    """All rows of an evaluation that have a verdict."""

    verdicts: Mapping[LabelValue, int]
    """Rows by verdict."""
    marking: Marking
    parameters: Mapping[str, Any]
    side: str = "A"
    """compare: the name of side A."""

    @property
    def total(self) -> int:
        """The number of rows."""
        return sum(self.verdicts.values())

    @property
    def passes(self) -> Passes | None:
        """Which verdicts pass; None if rows neither pass nor fail."""
        return self.marking.passes(self.parameters)

    @property
    def passed(self) -> int:
        """Rows that the judge passes."""
        passes = self.passes
        return sum(n for verdict, n in self.verdicts.items() if passes and passes(verdict))

    @property
    def by_pass(self) -> PassedRows:
        """The rows by whether they pass."""
        return PassedRows(self.passed, self.total, self.passes)


def classes_of(
    labelled: Iterable[tuple[LabelValue, LabelValue]], passes: Passes
) -> LabelledClasses:
    """Return how the judge decides about rows that pass and that fail, by verdict and label."""
    table = Counter((passes(verdict), passes(label)) for verdict, label in labelled)
    return LabelledClasses(
        passing=table[True, True] + table[False, True],
        passed=table[True, True],
        failing=table[True, False] + table[False, False],
        failed=table[False, False],
    )
