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
    first, second, rows = _columns(pairs)
    return _correlation(_centred(_unit(first), _unit(second), rows))


def spearman(pairs: ScorePairs) -> float | None:
    """Return the correlation of the ranks, with the mean rank for equal scores; None as `pearson`.

    Source: C. Spearman, "The proof and measurement of association between two things", American
    Journal of Psychology 15 (1904), 72-101.
    """
    first, second, rows = _columns(pairs)
    ranks_a, ranks_b = _ranks_of(first, rows), _ranks_of(second, rows)
    weighted = list(map(mul, rows, ranks_a))
    squares_a, products = sum(map(mul, weighted, ranks_a)), sum(map(mul, weighted, ranks_b))
    squares_b = sum(map(mul, map(mul, rows, ranks_b), ranks_b))
    return _correlation(Sums(sum(rows), 0, 0, squares_a, squares_b, products))


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
    first, second, rows = _columns(pairs)
    unit = _unit([*first, *second])
    return _weighted(_sums(unit[: len(first)], unit[len(first) :], rows))


def score_intervals(
    pairs: ScorePairs, seed: int = 0
) -> tuple[Ends | None, Ends | None, Ends | None]:
    """Return the bootstrap intervals of `pearson`, `spearman` and `quadratic_kappa`.

    None where the figure is undefined. The pairs have at most `agreement.LARGEST_TABLE` scores.
    """
    levels = sorted({score for pair in pairs for score in pair})
    counts = [pairs.get((a, b), 0) for a in levels for b in levels]
    used = sorted({a for a, _ in pairs}), sorted({b for _, b in pairs})
    own = [dict(zip(scores, _unit(scores), strict=True)) for scores in used]
    # A level that a judge does not use has no rows, so any number can stand for it.
    linear = _SquareTable(*([unit.get(level, 0.0) for level in levels] for unit in own))
    common = _unit(levels)
    weighted = _SquareTable(common, common)
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


def _columns(pairs: ScorePairs) -> tuple[list[float], list[float], list[int]]:
    """Return both scores and the rows of each distinct pair."""
    return [a for a, _ in pairs], [b for _, b in pairs], list(pairs.values())


def _ranks_of(scores: Sequence[float], rows: Sequence[int]) -> list[int]:
    """Return the rank of each score, as `_ranks` has them."""
    counts = Counter(scores)
    if len(scores) < sum(rows):
        counts.clear()
        for score, count in zip(scores, rows, strict=True):
            counts[score] += count
    levels = sorted(counts)
    ranks = dict(zip(levels, _ranks(map(counts.__getitem__, levels)), strict=True))
    return list(map(ranks.__getitem__, scores))


def _unit(values: Sequence[float]) -> list[float]:
    """Return each value's place between the lowest (0) and the highest (1) of them."""
    if not values:
        return []
    low, high = min(values) / 4, max(values) / 4
    # Divided first: the difference may be larger than the largest float.
    spread = high - low
    return [(value / 4 - low) / spread if spread else 0.0 for value in values]


def _centred(first: Sequence[float], second: Sequence[float], rows: Sequence[int]) -> Sums:
    """Return the sums of both values after the mean of each is subtracted from it.

    Subtracting it keeps the digits that the difference of large sums would lose.
    """
    means = (_mean(first, rows), _mean(second, rows))
    return _sums([a - means[0] for a in first], [b - means[1] for b in second], rows)


def _mean(values: Sequence[float], rows: Sequence[int]) -> float:
    return math.fsum(map(mul, rows, values)) / sum(rows) if rows else 0.0


def _sums(first: Sequence[float], second: Sequence[float], rows: Sequence[int]) -> Sums:
    rows_a, rows_b = list(map(mul, rows, first)), list(map(mul, rows, second))
    return Sums(
        sum(rows),
        math.fsum(rows_a),
        math.fsum(rows_b),
        math.fsum(map(mul, rows_a, first)),
        math.fsum(map(mul, rows_b, second)),
        math.fsum(map(mul, rows_a, second)),
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
