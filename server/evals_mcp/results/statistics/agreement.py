"""Agreement of two judges on the same rows.

A table holds the number of rows for each pair of labels: `Counter(zip(first, second))`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from operator import mul
from typing import NamedTuple, TypeVar

from evals_mcp.results.statistics.estimate import Estimate
from evals_mcp.results.statistics.rates import rate
from evals_mcp.results.statistics.resampling import bootstrap_intervals

Label = TypeVar("Label", bound=Hashable)
Ends = tuple[float, float]

LARGEST_TABLE = 20
"""Distinct labels or scores up to which intervals are computed; the cost is their square."""


class _Margins(NamedTuple):
    """What kappa and AC1 need of a table."""

    first: Sequence[int]
    """Rows by label of the first judge."""
    second: Sequence[int]
    """Rows by label of the second judge, in the same order."""
    same: int
    """Rows with the same label from both."""


def raw_agreement(table: Mapping[tuple[Label, Label], int], level: float = 0.95) -> Estimate | None:
    """Return the share of rows with the same label from both judges; None without rows."""
    same = sum(count for (a, b), count in table.items() if a == b)
    return rate(same, sum(table.values()), level)


def cohens_kappa(table: Mapping[tuple[Label, Label], int]) -> float | None:
    """Return the agreement beyond chance: 1 if all rows agree, 0 if as many as by chance.

    None if chance alone would agree on every row: without rows, or with the same label for every
    row.

    Source: J. Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological
    Measurement 20 (1960), 37-46.
    """
    return _kappa(_margins(table))


def gwets_ac1(table: Mapping[tuple[Label, Label], int], categories: int) -> float | None:
    """Return the agreement beyond chance, where only doubtful rows agree by chance.

    1 if all rows agree. Unlike kappa it stays high if nearly all rows agree on one label. None
    without rows or below two categories.

    Args:
        table: rows by pair of labels.
        categories: number of labels that the judges choose from.

    Source: K. L. Gwet, "Computing inter-rater reliability and its variance in the presence of high
    agreement", British Journal of Mathematical and Statistical Psychology 61 (2008), 29-48.
    """
    return _ac1(_margins(table), categories)


def agreement_intervals(
    table: Mapping[tuple[Label, Label], int], categories: int, seed: int = 0
) -> tuple[Ends | None, Ends | None]:
    """Return the bootstrap intervals of kappa and of AC1; None where the figure is undefined.

    The table has at most `LARGEST_TABLE` different labels.
    """
    labels = list(dict.fromkeys(label for pair in table for label in pair))
    size = len(labels)
    counts = [table.get((a, b), 0) for a in labels for b in labels]
    kappa, ac1 = bootstrap_intervals(
        counts,
        [
            lambda sample: _kappa(_square_margins(sample, size)),
            lambda sample: _ac1(_square_margins(sample, size), categories),
        ],
        seed,
    )
    return kappa, ac1


def rows_beside_commonest(table: Mapping[tuple[Label, Label], int]) -> tuple[int, Label]:
    """Return the rows to which either judge gives another label than the commonest, and that label.

    What kappa says rests on these rows. The table has at least one row.
    """
    labels = Counter[Label]()
    for pair, count in table.items():
        for label in pair:
            labels[label] += count
    commonest = labels.most_common(1)[0][0]
    return sum(table.values()) - table.get((commonest, commonest), 0), commonest


def _kappa(margins: _Margins) -> float | None:
    n = sum(margins.first)
    by_chance = sum(map(mul, margins.first, margins.second))
    if by_chance == n * n:
        return None
    return (n * margins.same - by_chance) / (n * n - by_chance)


def _ac1(margins: _Margins, categories: int) -> float | None:
    n = sum(margins.first)
    if n == 0 or categories < 2:
        return None
    # Twice the mean share of a label is an integer over n.
    doubled = [first + second for first, second in zip(margins.first, margins.second, strict=True)]
    by_chance = sum(both * (2 * n - both) for both in doubled) / (4 * n * n * (categories - 1))
    return (margins.same / n - by_chance) / (1 - by_chance)


def _margins(table: Mapping[tuple[Label, Label], int]) -> _Margins:
    first, second, same = Counter[Label](), Counter[Label](), 0
    for (a, b), count in table.items():
        first[a] += count
        second[b] += count
        same += count if a == b else 0
    labels = list(first | second)
    return _Margins([first[label] for label in labels], [second[label] for label in labels], same)


def _square_margins(counts: Sequence[int], size: int) -> _Margins:
    """Return the margins of the counts of a square table, line by line."""
    return _Margins(
        [sum(counts[start : start + size]) for start in range(0, size * size, size)],
        [sum(counts[column::size]) for column in range(size)],
        sum(counts[:: size + 1]),
    )
