"""How often the intervals over clusters cover the truth, and how often the test finds nothing.

python -m tests.proofs.cluster_coverage [runs]
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from evals_mcp.results.statistics.clusters import (
    ClusteredEstimate,
    clustered_difference,
    clustered_rate,
    sign_flip_test,
)
from evals_mcp.results.statistics.distributions import t_quantile
from evals_mcp.results.statistics.paired import mcnemar
from evals_mcp.results.statistics.rates import wilson_interval, wilson_score

RUNS = 4_000
ALIKE = (0.2, 0.5, 0.8)
"""How alike the rows of one cluster are: the intraclass correlation of the simulated rows."""
CLUSTERS = (10, 20, 50)
ROWS_OF_A_RATE = 5
ROWS_OF_A_DIFFERENCE = 10
DIFFERING = 0.3
"""Share of the paired rows that pass in one of two evaluations only."""

PUBLISHED_RUNS = 4_000
PUBLISHED = {
    ("equal", 0.65): ((96.9, 95.9, 95.0), (95.9, 96.2, 95.3), (96.4, 96.9, 95.3)),
    ("equal", 0.9): ((98.0, 94.8, 94.6), (98.2, 94.1, 94.5), (97.9, 93.2, 95.9)),
    ("unequal", 0.65): ((97.2, 95.6, 95.0), (95.8, 94.9, 95.3), (95.0, 95.1, 94.7)),
    ("unequal", 0.9): ((98.6, 95.2, 93.9), (98.7, 92.2, 92.0), (99.0, 90.8, 89.4)),
}
"""Coverage in percent of the same rule in an independent program, by `ALIKE` and `CLUSTERS`."""

LEAST = {"equal": 93.0, "unequal": 89.0}
"""The least coverage of a cell, in percent, but for three Monte-Carlo errors."""

MOST_FALSE = 5.7
"""The most differences in percent that the test may find where there are none."""

Numbers = np.random.Generator


@dataclass(frozen=True)
class Coverage:
    """The coverage of one simulated situation, in percent."""

    sizes: str
    share: float
    alike: float
    clusters: int
    plain: float
    """Of Wilson's interval, which ignores the clusters."""
    clustered: float
    """Of the interval over clusters, as if it was always shown."""
    shown: float
    """Share of the runs in which there are enough effective clusters to show it."""
    when_shown: float
    """Of the interval over clusters, where it is shown."""

    def published(self) -> float:
        """Return the coverage that the independent program found."""
        table = PUBLISHED[self.sizes, self.share]
        return table[ALIKE.index(self.alike)][CLUSTERS.index(self.clusters)]

    def differs_by(self, runs: int) -> float:
        """Return the distance from the published coverage in Monte-Carlo errors of both."""
        share = self.published() / 100
        error = 100 * sqrt(share * (1 - share) * (1 / runs + 1 / PUBLISHED_RUNS))
        return abs(self.clustered - self.published()) / error

    def is_low(self, runs: int) -> bool:
        """Return whether the coverage is lower than promised by more than chance."""
        share = LEAST[self.sizes] / 100
        return self.clustered < 100 * (share - 3 * sqrt(share * (1 - share) / runs))


@dataclass(frozen=True)
class FalseFindings:
    """How often a paired difference is found without any, and covered with one."""

    alike: float
    clusters: int
    mcnemar: float
    """Differences in percent that McNemar's test finds, which ignores the clusters."""
    sign_flips: float
    """Differences in percent that the test over clusters finds."""
    covered: float
    """Coverage in percent of the interval, at a true difference of 10 points."""


def coverages(runs: int) -> Iterator[Coverage]:
    """Yield the coverage of pass rates in every situation."""
    numbers = np.random.default_rng(2026)
    for sizes, share in PUBLISHED:
        for alike in ALIKE:
            for clusters in CLUSTERS:
                yield _coverage(numbers, (sizes, share, alike, clusters), runs)


def _coverage(numbers: Numbers, situation: tuple[str, float, float, int], runs: int) -> Coverage:
    sizes, share, alike, clusters = situation
    plain = clustered = shown = when_shown = 0
    for _ in range(runs):
        rows = _sizes(numbers, clusters, unequal=sizes == "unequal")
        passed = numbers.binomial(rows, _shares(numbers, share, alike, clusters)).tolist()
        values = [
            place < total for n, total in zip(rows, passed, strict=True) for place in range(n)
        ]
        found = clustered_rate(values, np.repeat(np.arange(clusters), rows).tolist())
        assert found is not None
        plain += _covers(wilson_interval(sum(values), len(values)), share)
        covers = _covers(_unrefused(found), share)
        clustered += covers
        if found.estimate.interval:
            shown += 1
            when_shown += covers
    percent = 100 / runs
    covered_when_shown = 100 * when_shown / shown if shown else float("nan")
    return Coverage(
        *situation, percent * plain, percent * clustered, percent * shown, covered_when_shown
    )


def _unrefused(found: ClusteredEstimate) -> tuple[float, float]:
    """Return the interval, also where there are too few effective clusters to show it."""
    if found.estimate.interval:
        return found.estimate.interval
    quantile = t_quantile(0.975, max(found.sizes.effective - 1, 1.0))
    return wilson_score(found.estimate.value, found.rows_worth, quantile)


def false_findings(runs: int) -> Iterator[FalseFindings]:
    """Yield the false findings of paired pass rates in every situation."""
    numbers = np.random.default_rng(2027)
    for alike in ALIKE:
        for clusters in CLUSTERS:
            groups = np.repeat(np.arange(clusters), ROWS_OF_A_DIFFERENCE).tolist()
            naive = found = covered = 0
            for _ in range(runs):
                changes = _changes(numbers, 0.0, alike, clusters)
                chance = mcnemar(changes.count(-1), changes.count(1))
                naive += chance is not None and chance < 0.05
                tested = sign_flip_test(changes, groups)
                found += tested is not None and tested < 0.05
                estimate = clustered_difference(_changes(numbers, 0.1, alike, clusters), groups)
                covered += estimate is not None and _covers(estimate.estimate.interval, 0.1)
            percent = 100 / runs
            yield FalseFindings(
                alike, clusters, percent * naive, percent * found, percent * covered
            )


def _sizes(numbers: Numbers, clusters: int, *, unequal: bool) -> list[int]:
    if not unequal:
        return [ROWS_OF_A_RATE] * clusters
    weights = numbers.lognormal(0, 1, clusters)
    shares: list[float] = (weights / weights.mean()).tolist()
    return [max(1, round(ROWS_OF_A_RATE * share)) for share in shares]


def _shares(numbers: Numbers, share: float, alike: float, clusters: int) -> list[float]:
    """Return the true share of each cluster."""
    spread = (1 - alike) / alike
    return numbers.beta(share * spread, (1 - share) * spread, clusters).tolist()


def _changes(numbers: Numbers, difference: float, alike: float, clusters: int) -> list[int]:
    """Return 1 for each row that passes in B only, -1 for each in A only, 0 for each other."""
    upward = _shares(numbers, (1 + difference / DIFFERING) / 2, alike, clusters)
    differing = numbers.binomial(ROWS_OF_A_DIFFERENCE, DIFFERING, clusters)
    gained = numbers.binomial(differing, upward).tolist()
    changes: list[int] = []
    for more, total in zip(gained, differing.tolist(), strict=True):
        changes += [1] * more + [-1] * (total - more) + [0] * (ROWS_OF_A_DIFFERENCE - total)
    return changes


def _covers(ends: tuple[float, float] | None, truth: float) -> bool:
    return ends is not None and ends[0] <= truth <= ends[1]


def table(found: Sequence[Coverage], findings: Sequence[FalseFindings]) -> str:
    """Return the tables of docs/statistics.md."""
    lines = ["| pass rate, 10/20/50 clusters | alike .2 | .5 | .8 |", "|---|---|---|---|"]
    for sizes, share in PUBLISHED:
        cells = [cell for cell in found if (cell.sizes, cell.share) == (sizes, share)]
        rate = f"{100 * share:.0f} %, {sizes} sizes"
        lines.append(_row(f"{rate}: Wilson", [cell.plain for cell in cells]))
        lines.append(_row(f"{rate}: over clusters", [cell.clustered for cell in cells]))
        if sizes == "unequal":
            lines.append(_row(f"{rate}: shown in % of runs", [cell.shown for cell in cells]))
            lines.append(_row(f"{rate}: where shown", [cell.when_shown for cell in cells]))
    lines.append(_row("false findings: McNemar", [each.mcnemar for each in findings]))
    lines.append(_row("false findings: sign flips", [each.sign_flips for each in findings]))
    lines.append(_row("difference of 10 points", [each.covered for each in findings]))
    return "\n".join(lines)


def _row(title: str, cells: Iterable[float]) -> str:
    texts = [f"{cell:.1f}" for cell in cells]
    n = len(CLUSTERS)
    groups = [" / ".join(texts[start : start + n]) for start in range(0, len(texts), n)]
    return f"| {title} | {' | '.join(groups)} |"


def failures(
    found: Sequence[Coverage], findings: Sequence[FalseFindings], runs: int
) -> Iterator[str]:
    """Yield what is not as promised."""
    for cell in found:
        if cell.is_low(runs):
            yield f"covers {cell.clustered:.1f} %: {cell}"
        if (errors := cell.differs_by(runs)) > 3:
            yield f"{errors:.1f} Monte-Carlo errors from {cell.published()} %: {cell}"
    for each in findings:
        if each.sign_flips > MOST_FALSE:
            yield f"finds {each.sign_flips:.1f} %: {each}"


def main(runs: int) -> None:
    """Print the tables and what is not as promised; exit with 1 if there is any."""
    found, findings = list(coverages(runs)), list(false_findings(runs))
    print(table(found, findings))
    print(
        f"{runs:,} runs a cell; at most "
        f"{max(cell.differs_by(runs) for cell in found):.1f} Monte-Carlo errors from the published "
        "coverage"
    )
    if problems := list(failures(found, findings, runs)):
        sys.exit("\n".join(problems))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else RUNS)
