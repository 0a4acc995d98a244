"""Agreement of two or more judges on the same rows."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

from evals_mcp.results.statistics.distributions import normal_quantile
from evals_mcp.results.statistics.estimate import Estimate
from evals_mcp.results.statistics.rates import rate

Label = TypeVar("Label", bound=Hashable)


def raw_agreement(table: Mapping[tuple[Label, Label], int], level: float = 0.95) -> Estimate | None:
    """Return the share of rows with the same label from both judges; None without rows.

    `table` holds the number of rows for each pair of labels: `Counter(zip(first, second))`.
    """
    return rate(_same(table), sum(table.values()), level)


def cohens_kappa(table: Mapping[tuple[Label, Label], int], level: float = 0.95) -> Estimate | None:
    """Return the agreement beyond chance: 1 if all rows agree, 0 if as many as by chance.

    `table` is as for `raw_agreement`. None if chance alone would agree on every row: without rows,
    or with the same label for every row. The interval is cut at -1 and 1; it is None if its
    standard error for large samples is 0, for example if all rows agree.

    Source: J. Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological
    Measurement 20 (1960), 37-46; its error:
    J. L. Fleiss, J. Cohen, B. S. Everitt, "Large sample standard errors of kappa and weighted
    kappa", Psychological Bulletin 72 (1969), 323-327.
    """
    n = sum(table.values())
    first, second = _margins(table)
    by_chance = sum(count * second[label] for label, count in first.items())
    if by_chance == n * n:
        return None
    value = (n * _same(table) - by_chance) / (n * n - by_chance)
    half = normal_quantile(0.5 + level / 2) * _kappa_error(table, value, by_chance / (n * n))
    ends = (max(-1.0, value - half), min(1.0, value + half)) if half else None
    return Estimate(value, ends, n, "kappa")


def _kappa_error(table: Mapping[tuple[Label, Label], int], kappa: float, by_chance: float) -> float:
    """Return the standard error for large samples, without assuming that kappa is 0."""
    n = sum(table.values())
    first, second = _margins(table)
    disagreement = 1 - kappa
    terms: list[float] = []
    for (a, b), count in table.items():
        if a == b:
            pull = 1 - (first[a] + second[a]) / n * disagreement
        else:
            pull = (second[a] + first[b]) / n * disagreement
        terms.append(count / n * pull * pull)
    variance = math.fsum(terms) - (kappa - by_chance * disagreement) ** 2
    return math.sqrt(variance / n) / (1 - by_chance) if variance > 1e-14 else 0.0


def _margins(table: Mapping[tuple[Label, Label], int]) -> tuple[Counter[Label], Counter[Label]]:
    """Return the number of rows with each label, for the first and for the second judge."""
    first, second = Counter[Label](), Counter[Label]()
    for (a, b), count in table.items():
        first[a] += count
        second[b] += count
    return first, second


def _same(table: Mapping[tuple[Label, Label], int]) -> int:
    """Return the number of rows with the same label from both judges."""
    return sum(count for (a, b), count in table.items() if a == b)


def krippendorffs_alpha(rows: Iterable[Sequence[Label]]) -> float | None:
    """Return the agreement beyond chance of any number of judges: 1 is perfect, 0 is chance.

    Each row holds its labels, without missing ones; rows with fewer than two labels are ignored.
    None if no rows are left, or if all their labels are the same. Labels are nominal: two different
    labels are simply different, however similar.

    Source: K. Krippendorff, Content Analysis, 2nd ed. (2004), 11.3, nominal data.
    """
    totals, disagreements = Counter[Label](), list[float]()
    for row in rows:
        if len(row) > 1:
            counts = Counter(row)
            totals.update(counts)
            others = sum(count * (len(row) - count) for count in counts.values())
            disagreements.append(others / (len(row) - 1))
    n = totals.total()
    by_chance = sum(count * (n - count) for count in totals.values())
    return 1 - (n - 1) * math.fsum(disagreements) / by_chance if by_chance else None
