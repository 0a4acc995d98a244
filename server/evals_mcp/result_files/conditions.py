"""Conditions on the rows of a result file, and the orders in which they are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Where:
    """A condition on rows: SQL expressions, and the values of the `:name`s in them."""

    expression: str = "1"
    """About state, verdict, passed, original and flipped."""
    values: Mapping[str, str | float | None] = field(
        default_factory=dict[str, "str | float | None"]
    )
    score_expression: str = ""
    """About score and number; it must not hold without a score. Empty without a condition."""

    def also(self, expression: str, **values: str | float | None) -> Where:
        """Return the condition that an expression about the verdict holds as well."""
        expression = f"{self.expression} AND ({expression})"
        return replace(self, expression=expression, values={**self.values, **values})

    def also_of_score(self, expression: str, **values: str | float | None) -> Where:
        """Return the condition that an expression about the score holds as well.

        Args:
            expression: an expression that does not hold for rows without a score.
            values: the values of the `:name`s in it.
        """
        both = f"{self.score_expression} AND " if self.score_expression else ""
        values = {**self.values, **values}
        return replace(self, score_expression=f"{both}({expression})", values=values)


@dataclass(frozen=True)
class Order:
    """A sort order, and how it continues after a row."""

    by: str
    """The SQL expressions to sort by."""
    after: str
    """The SQL condition for rows after the row with `:score` and `:number`."""
    scored_only: bool = False
    """Whether rows without a score are left out."""


ORDERS = {
    "file": Order("number", "number > :number"),
    "score_ascending": Order(
        "score, number", "score > :score OR (score = :score AND number > :number)", True
    ),
    "score_descending": Order(
        "score DESC, number DESC", "score < :score OR (score = :score AND number < :number)", True
    ),
}
"""The sort orders by name."""
