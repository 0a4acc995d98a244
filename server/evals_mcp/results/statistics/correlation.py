"""How alike two judges score and rank the same answers.

Scores are finite numbers, and pairs hold the number of rows for each pair of scores:
`Counter(zip(first, second))`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from operator import mul
from typing import NamedTuple

from evals_mcp.results.statistics.distributions import normal_quantile
from evals_mcp.results.statistics.resampling import bootstrap_intervals

ScorePairs = Mapping[tuple[float, float], int]
"""Rows by the scores of both judges."""

Ends = tuple[float, float]


class Sums(NamedTuple):
    """Sums over rows with two values each."""

    n: float
    a: float
    b: float
    aa: float
    bb: float
    ab: float


def pearson(pairs: ScorePairs) -> float | None:
    """Return the correlation of the scores, from -1 to 1.

    None without a spread: below two rows, or if one judge gave every row the same score.

    Source: K. Pearson, "Note on regression and inheritance in the case of two parents",
    Proceedings of the Royal Society of London 58 (1895), 240-242.
    """
    first, second = _unit(a for a, _ in pairs), _unit(b for _, b in pairs)
    return _correlation(_centred(((first[a], second[b]), count) for (a, b), count in pairs.items()))


def spearman(pairs: ScorePairs) -> float | None:
    """Return the correlation of the ranks, with the mean rank for equal scores; None as `pearson`.

    Source: C. Spearman, "The proof and measurement of association between two things", American
    Journal of Psychology 15 (1904), 72-101.
    """
    first, second = Counter[float](), Counter[float]()
    for (a, b), count in pairs.items():
        first[a] += count
        second[b] += count
    ranks_a = dict(zip(sorted(first), _ranks([first[a] for a in sorted(first)]), strict=True))
    ranks_b = dict(zip(sorted(second), _ranks([second[b] for b in sorted(second)]), strict=True))
    ranked = ((ranks_a[a], ranks_b[b], count) for (a, b), count in pairs.items())
    sums = [(count, a * a * count, b * b * count, a * b * count) for a, b, count in ranked]
    n, aa, bb, ab = map(sum, zip(*sums, strict=True)) if sums else (0, 0, 0, 0)
    return _correlation(Sums(n, 0, 0, aa, bb, ab))


def spearman_interval(correlation: float, n: int, level: float = 0.95) -> Ends | None:
    """Return the interval of `spearman` over n rows; None below four rows, or at -1 and 1.

    Source: D. G. Bonett, T. A. Wright, "Sample size requirements for estimating Pearson, Kendall
    and Spearman correlations", Psychometrika 65 (2000), 23-28.
    """
    if n < 4 or abs(correlation) >= 1:
        return None
    half = normal_quantile(0.5 + level / 2) * math.sqrt((1 + correlation**2 / 2) / (n - 3))
    centre = math.atanh(correlation)
    return math.tanh(centre - half), math.tanh(centre + half)


def quadratic_kappa(pairs: ScorePairs) -> float | None:
    """Return the weighted kappa of the scores, with squared differences as weights.

    1 if all scores are equal, 0 if they are as far apart as by chance. None without rows, or if all
    scores of both judges are the same.

    Source: J. Cohen, "Weighted kappa: nominal scale agreement with provision for scaled
    disagreement or partial credit", Psychological Bulletin 70 (1968), 213-220.
    """
    unit = _unit(score for pair in pairs for score in pair)
    scaled = (((unit[a], unit[b]), count) for (a, b), count in pairs.items())
    return _weighted(_centred(scaled))


def score_intervals(
    pairs: ScorePairs, seed: int = 0
) -> tuple[Ends | None, Ends | None, Ends | None]:
    """Return the bootstrap intervals of `pearson`, `spearman` and `quadratic_kappa`.

    None where the figure is undefined. The pairs have at most `agreement.LARGEST_TABLE` scores.
    """
    levels = sorted({score for pair in pairs for score in pair})
    counts = [pairs.get((a, b), 0) for a in levels for b in levels]
    common = _unit(levels)
    own = _unit(a for a, _ in pairs), _unit(b for _, b in pairs)
    # A level that a judge does not use has no rows, so any number can stand for it.
    linear = _SquareTable(*([unit.get(level, 0.0) for level in levels] for unit in own))
    weighted = _SquareTable(*([common[level] for level in levels] for _ in own))
    first, second, third = bootstrap_intervals(
        counts,
        [
            lambda sample: _correlation(linear.sums(sample)),
            lambda sample: _rank_correlation(sample, len(levels)),
            lambda sample: _weighted(weighted.sums(sample)),
        ],
        seed,
    )
    return first, second, third


class _SquareTable:
    """Computes sums from the counts of a square table, line by line."""

    def __init__(self, first: Sequence[float], second: Sequence[float]) -> None:
        self._first, self._second = first, second
        self._squares = [a * a for a in first], [b * b for b in second]
        self._products = [a * b for a in first for b in second]

    def sums(self, counts: Sequence[int]) -> Sums:
        lines, columns = _margins(counts, len(self._first))
        return Sums(
            sum(lines),
            sum(map(mul, self._first, lines)),
            sum(map(mul, self._second, columns)),
            sum(map(mul, self._squares[0], lines)),
            sum(map(mul, self._squares[1], columns)),
            sum(map(mul, self._products, counts)),
        )


def _rank_correlation(counts: Sequence[int], size: int) -> float | None:
    lines, columns = _margins(counts, size)
    ranks_a, ranks_b = _ranks(lines), _ranks(columns)
    by_line = (
        rank * sum(map(mul, ranks_b, counts[start : start + size]))
        for rank, start in zip(ranks_a, range(0, size * size, size), strict=True)
    )
    squares_a = sum(rank * rank * rows for rank, rows in zip(ranks_a, lines, strict=True))
    squares_b = sum(rank * rank * rows for rank, rows in zip(ranks_b, columns, strict=True))
    return _correlation(Sums(sum(lines), 0, 0, squares_a, squares_b, sum(by_line)))


def _margins(counts: Sequence[int], size: int) -> tuple[list[int], list[int]]:
    starts = range(0, size * size, size)
    lines = [sum(counts[start : start + size]) for start in starts]
    return lines, [sum(counts[column::size]) for column in range(size)]


def _ranks(rows: Iterable[int]) -> list[int]:
    """Return twice the mean rank of each level, minus its mean, from the rows by ascending level.

    All are integers, so that their sums are exact.
    """
    counts = list(rows)
    ranks, below, n = list[int](), 0, sum(counts)
    for count in counts:
        ranks.append(2 * below + count - n)
        below += count
    return ranks


def _unit(values: Iterable[float]) -> dict[float, float]:
    """Return each value's place between the lowest (0) and the highest (1) of them."""
    distinct = set(values)
    if not distinct:
        return {}
    low, high = min(distinct), max(distinct)
    # Divided first: the difference may be larger than the largest float.
    spread = high / 4 - low / 4
    return {value: (value / 4 - low / 4) / spread if spread else 0.0 for value in distinct}


def _centred(rows: Iterable[tuple[tuple[float, float], int]]) -> Sums:
    """Return the sums of values from whose mean one number is subtracted, the same for both.

    Subtracting the mean of both keeps the digits that the difference of large sums would lose.
    """
    held = list(rows)
    n = sum(count for _, count in held)
    if not n:
        return Sums(0, 0, 0, 0, 0, 0)
    centre = math.fsum(count * (a + b) for (a, b), count in held) / (2 * n)
    centred = [(a - centre, b - centre, count) for (a, b), count in held]
    return Sums(
        n,
        math.fsum(count * a for a, _, count in centred),
        math.fsum(count * b for _, b, count in centred),
        math.fsum(count * a * a for a, _, count in centred),
        math.fsum(count * b * b for _, b, count in centred),
        math.fsum(count * a * b for a, b, count in centred),
    )


def _correlation(sums: Sums) -> float | None:
    squares_a = sums.n * sums.aa - sums.a * sums.a
    squares_b = sums.n * sums.bb - sums.b * sums.b
    if squares_a <= 0 or squares_b <= 0:
        return None
    value = (sums.n * sums.ab - sums.a * sums.b) / math.sqrt(squares_a) / math.sqrt(squares_b)
    return max(-1.0, min(1.0, value))


def _weighted(sums: Sums) -> float | None:
    squares = sums.n * (sums.aa + sums.bb)
    by_chance = squares - 2 * sums.a * sums.b
    if by_chance <= 0:
        return None
    return 1 - (squares - 2 * sums.n * sums.ab) / by_chance
