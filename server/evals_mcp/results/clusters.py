"""Rows in clusters, by the values of a column: when they are refused, and what is said of them."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from evals_mcp.cleaning import clean, quoted
from evals_mcp.errors import InvalidRequestError
from evals_mcp.results.number_text import counted, percent
from evals_mcp.results.statistics.clusters import FEW, FEWEST, ClusterSizes
from evals_mcp.results.statistics.estimate import rounded
from evals_schemas.datasets.repeated_inputs import RepeatedInput
from evals_schemas.tools.summaries import Clusters

LARGEST_SHARE = 0.5
"""Share of the rows in one cluster above which a column is refused."""

CLUSTERED = ", clustered"
"""The end of the name of a method for rows in clusters."""

_NAME = 40
_ARGUMENT = "`cluster_column`"


@dataclass(frozen=True)
class RowClusters:
    """The clusters of the rows that a figure counts."""

    column: str
    """The column whose values name the clusters."""
    of_row: Sequence[int]
    """The cluster of each row; a row without a value has a cluster of its own."""
    values: int
    """The clusters from this number on are the rows without a value."""

    @property
    def name(self) -> str:
        """The column in a sentence."""
        return quoted(self.column, _NAME)

    @property
    def without_value(self) -> int:
        """The number of rows without a value."""
        return sum(cluster >= self.values for cluster in self.of_row)

    def of(self, rows: Iterable[int]) -> RowClusters:
        """Return the clusters of some of the rows; `rows` are their indexes from 0."""
        return replace(self, of_row=array("I", (self.of_row[row] for row in rows)))

    @property
    def all_distinct(self) -> bool:
        """Whether every row has a cluster of its own, so that no figure changes."""
        return len(set(self.of_row)) == len(self.of_row)

    def sizes(self) -> ClusterSizes:
        """Return the sizes of the clusters of at least one row.

        Raises:
            InvalidRequestError: one of them has most of the rows.
        """
        sizes = ClusterSizes.of(self.of_row)
        if sizes.largest > LARGEST_SHARE * sizes.rows:
            share = percent(100 * sizes.largest / sizes.rows)
            held = f"{share} % of the {counted(sizes.rows, 'row')}"
            if sizes.count == 1:
                held = f"all {sizes.rows} rows" if sizes.rows > 1 else "the only row"
            raise InvalidRequestError(
                f"{_ARGUMENT}: one value of {self.name} holds {held}, so the others cannot show "
                "the error. Name a column with more values, such as the question or the "
                "conversation, or leave the argument out."
            )
        return sizes


def described(clusters: RowClusters, sizes: ClusterSizes, rows_worth: float | None) -> Clusters:
    """Return the clusters as they are answered."""
    return Clusters(
        column=clean(clusters.column, 80),
        count=sizes.count,
        effective=rounded(sizes.effective),
        largest_percent=rounded(100 * sizes.largest / sizes.rows),
        rows_worth=None if rows_worth is None else rounded(rows_worth),
    )


def origin_text(clusters: RowClusters, sizes: ClusterSizes) -> str:
    """Return which clusters rows come from, in a sentence, and whether they are few or unequal."""
    without_value = clusters.without_value
    text = f"{counted(sizes.count - without_value, 'value')} of {clusters.name}"
    if without_value:
        text += f" and {counted(without_value, 'row')} without one"
    remarks: list[str] = []
    if sizes.effective < sizes.count / 2:
        remarks.append(f"so unequal that they weigh as {sizes.effective:.1f}")
    if FEWEST <= sizes.effective < FEW:
        remarks.append("few")
    return f"{text} ({', '.join(remarks)})" if remarks else text


def cluster_clause(
    clusters: RowClusters, sizes: ClusterSizes, noun: str, rows_worth: float, independent: str
) -> str:
    """Return what a headline adds for clusters, beginning with a semicolon.

    Args:
        clusters: the clusters.
        sizes: their sizes.
        noun: what the rows are, in the plural.
        rows_worth: the number of independent rows that would be as precise.
        independent: the interval if all rows were independent; empty without one.
    """
    origin = f"the {noun} come from {origin_text(clusters, sizes)}"
    if sizes.effective < FEWEST:
        return (
            f"; no interval: {origin}, and fewer than {FEWEST:.0f} equal clusters show too little"
        )
    compared = f" ({independent} had all been independent)" if independent else ""
    return f"; {origin} and count as about {rows_worth:.0f} independent ones{compared}"


def cluster_notes(clusters: RowClusters) -> list[str]:
    """Return notes about rows without a value."""
    rows = clusters.without_value
    if not rows:
        return []
    verb = "has no value" if rows == 1 else "have no value"
    text = f"{counted(rows, 'row')} {verb} in {clusters.name}; each counts as a cluster of its own."
    return [f"{text} If they belong together, fill the column in."]


def all_distinct_note(clusters: RowClusters) -> str:
    """Return the note about a column in which no value repeats."""
    return (
        f"{_ARGUMENT} changes nothing: no two of the {len(clusters.of_row)} rows have the same "
        f"value of {clusters.name}. Name a column whose values repeat in rows that belong together."
    )


def test_name(method: str | None, plain: str) -> str:
    """Return the name of the test beside an interval of this method; `plain` without clusters."""
    return "cluster sign-flip" if method and method.endswith(CLUSTERED) else plain


def values_text(repeated: RepeatedInput) -> str:
    """Return how many different values a repeated input has."""
    return f"{'' if repeated.exact else 'about '}{repeated.values:,} values"


def repeated_sentence(repeated: RepeatedInput) -> str:
    """Return what a headline adds where rows repeat an input and no clusters were requested."""
    name = quoted(repeated.column, _NAME)
    return (
        f" {repeated.rows:,} rows share {values_text(repeated)} of {name}: cluster_column {name} "
        "allows for that, this interval does not."
    )
