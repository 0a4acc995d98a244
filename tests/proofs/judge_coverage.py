"""How often the intervals of two judges' agreement cover the truth.

python -m tests.proofs.judge_coverage [runs]
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import sqrt
from typing import Any

import numpy as np
from scipy import stats as _stats  # pyright: ignore[reportMissingTypeStubs]

from evals_mcp.results.comparisons.agreements import agreement_on
from evals_mcp.results.statistics.agreement import agreement_intervals
from evals_mcp.results.statistics.correlation import spearman_interval
from evals_schemas.tools.comparisons import DifferenceInterval

stats: Any = _stats

RUNS = 300
ROWS = (50, 200, 1_000)
RARE = (0.01, 0.05, 0.2, 0.5)
"""Share of the rows that each judge calls bad."""
KAPPAS = (0.0, 0.3, 0.8)
CORRELATIONS = (0.3, 0.7, 0.9)
RANKED_ROWS = (20, 50, 200)

LEAST = 88.0
"""The least coverage of a cell in percent, but for three Monte-Carlo errors."""

SHOWN = 20.0
"""Share of the runs in percent that show an interval, from which on its coverage counts."""

_SHOWN = "where shown (in % of runs)"


@dataclass(frozen=True)
class Agreement:
    """The coverage of kappa and AC1 in one situation, in percent."""

    rows: int
    rare: float
    kappa: float
    without_rule: float
    """Of kappa's interval, as if it was always shown."""
    kappa_shown: float
    kappa_covered: float | None
    """None if no run shows the interval."""
    ac1_shown: float
    ac1_covered: float | None

    def is_low(self, runs: int) -> bool:
        """Return whether an interval that is often shown covers less than promised."""
        cells = ((self.kappa_shown, self.kappa_covered), (self.ac1_shown, self.ac1_covered))
        return any(
            covered is not None and shown >= SHOWN and covered < _least(runs * shown / 100)
            for shown, covered in cells
        )


@dataclass(frozen=True)
class Ranks:
    """The coverage of the interval of Spearman's correlation of many scores, in percent."""

    ceiling: bool
    correlation: float
    rows: int
    covered: float


def _least(runs: float) -> float:
    share = LEAST / 100
    return 100 * (share - 3 * sqrt(share * (1 - share) / runs))


def agreements(runs: int) -> Iterator[Agreement]:
    """Yield the coverage of kappa and AC1 in every situation."""
    numbers = np.random.default_rng(2026)
    for rows in ROWS:
        for rare in RARE:
            for kappa in KAPPAS:
                yield _agreement(numbers, (rows, rare, kappa), runs)


def _agreement(
    numbers: np.random.Generator, situation: tuple[int, float, float], runs: int
) -> Agreement:
    rows, rare, kappa = situation
    both = rare * rare + kappa * rare * (1 - rare)
    shares = (1 - 2 * rare + both, rare - both, rare - both, both)
    by_chance = 2 * rare * (1 - rare)
    ac1 = (1 - 2 * (rare - both) - by_chance) / (1 - by_chance)
    always = kappas = ac1s = kappa_hits = ac1_hits = 0
    for _ in range(runs):
        good, first, second, bad = map(int, numbers.multinomial(rows, shares))
        table = {
            ("good", "good"): good,
            ("bad", "good"): first,
            ("good", "bad"): second,
            ("bad", "bad"): bad,
        }
        pairs = [pair for pair, count in table.items() for _ in range(count)]
        found = agreement_on("labels", pairs, {})
        always += _covers(found.interval, kappa)
        if found.interval is None:
            ends = agreement_intervals(table, 2)[0]
            always += ends is not None and ends[0] <= kappa <= ends[1]
        kappas += found.interval is not None
        ac1s += found.ac1_interval is not None
        kappa_hits += _covers(found.interval, kappa)
        ac1_hits += _covers(found.ac1_interval, ac1)
    return Agreement(
        rows,
        rare,
        kappa,
        without_rule=100 * always / runs,
        kappa_shown=100 * kappas / runs,
        kappa_covered=100 * kappa_hits / kappas if kappas else None,
        ac1_shown=100 * ac1s / runs,
        ac1_covered=100 * ac1_hits / ac1s if ac1s else None,
    )


def _covers(interval: DifferenceInterval | None, truth: float) -> bool:
    return interval is not None and interval.low <= truth <= interval.high


def ranks(runs: int) -> Iterator[Ranks]:
    """Yield the coverage of the interval of a rank correlation in every situation."""
    numbers = np.random.default_rng(2026)
    for ceiling in (False, True):
        for correlation in CORRELATIONS:
            truth = _spearman(_scores(numbers, correlation, 200_000, ceiling=ceiling))
            for rows in RANKED_ROWS:
                covered = 0
                for _ in range(runs):
                    found = _spearman(_scores(numbers, correlation, rows, ceiling=ceiling))
                    ends = spearman_interval(found, rows)
                    covered += ends is not None and ends[0] <= truth <= ends[1]
                yield Ranks(ceiling, correlation, rows, 100 * covered / runs)


def _scores(
    numbers: np.random.Generator, correlation: float, rows: int, *, ceiling: bool
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    spread = [[1.0, correlation], [correlation, 1.0]]
    values = numbers.multivariate_normal([0.0, 0.0], spread, rows)
    return np.minimum(np.round(3 * values + 9, 1), 10.0) if ceiling else values


def _spearman(scores: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> float:
    return float(stats.spearmanr(scores[:, 0], scores[:, 1])[0])


def table(found: Sequence[Agreement], ranked: Sequence[Ranks]) -> str:
    """Return both tables as Markdown."""
    names = ["rows", "each judge calls bad", "kappa, if always shown"]
    names += [f"kappa, {_SHOWN}", f"AC1, {_SHOWN}"]
    lines = [f"| {' | '.join(names)} |", "|---|---|---|---|---|"]
    for (rows, rare), group in groupby(found, lambda one: (one.rows, one.rare)):
        ones = list(group)
        always = " / ".join(f"{one.without_rule:.0f}" for one in ones)
        kappa = " / ".join(_cell(one.kappa_shown, one.kappa_covered) for one in ones)
        ac1 = " / ".join(_cell(one.ac1_shown, one.ac1_covered) for one in ones)
        lines.append(f"| {rows:,} | {100 * rare:g} % | {always} | {kappa} | {ac1} |")
    rows_named = "/".join(map(str, RANKED_ROWS))
    lines += ["", f"| scores | correlation | covered, {rows_named} rows |", "|---|---|---|"]
    for (ceiling, correlation), group in groupby(
        ranked, lambda one: (one.ceiling, one.correlation)
    ):
        covered = " / ".join(f"{one.covered:.1f}" for one in group)
        scores = "with a ceiling" if ceiling else "normal"
        lines.append(f"| {scores} | {correlation:g} | {covered} |")
    return "\n".join(lines)


def _cell(shown: float, covered: float | None) -> str:
    return "never" if covered is None else f"{covered:.0f} ({shown:.0f})"


def main(runs: int) -> int:
    """Print the tables; return 1 if an interval covers too little."""
    found, ranked = list(agreements(runs)), list(ranks(runs))
    print(table(found, ranked))
    low: list[object] = [one for one in found if one.is_low(runs)]
    low += [one for one in ranked if one.covered < _least(runs)]
    for one in low:
        print(f"covers too little: {one}")
    return 1 if low else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else RUNS))
