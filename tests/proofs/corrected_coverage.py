"""How often intervals of corrected figures cover the truth.

python -m tests.proofs.corrected_coverage [runs]

Each cell is compared with a table that was simulated before with other code. The intervals are
those of the product; so many runs of it are quick because their counts repeat.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import sqrt
from typing import Any

import numpy as np

from evals_mcp.results.calibration.corrected import SAYS_AS_MUCH, WINS, corrected_mean
from evals_mcp.results.statistics.corrections.rogan_gladen import (
    LabelledClasses,
    informedness,
    rogan_gladen_rate,
)
from evals_mcp.results.statistics.corrections.strata import Stratum, stratified_rate
from evals_mcp.results.statistics.rates import wilson_interval

RUNS = 20_000
MEAN_RUNS = 2_000
"""Runs of a cell of the means, whose numbers do not repeat."""
ROWS, FEWER_ROWS = 1_000, 800
LABELS = (30, 60, 120, 300)
RATES = (0.5, 0.8, 0.95)
JUDGES: Mapping[str, tuple[float, float]] = {
    "sharp": (0.95, 0.95),
    "lenient": (0.97, 0.55),
    "fair": (0.85, 0.80),
    "weak": (0.76, 0.76),
    "coin": (0.55, 0.50),
}
"""Sensitivity and specificity."""

LEAST, MOST = 92.0, 99.5
"""What every cell covers, in percent, but for three Monte-Carlo errors."""

SIMULATED: Mapping[tuple[float, str], Sequence[float]] = {
    (0.8, "sharp"): (99.2, 98.4, 97.0, 95.6),
    (0.8, "lenient"): (96.5, 95.7, 95.7, 95.3),
    (0.8, "fair"): (95.9, 95.7, 95.5, 95.2),
    (0.8, "weak"): (95.4, 95.3, 94.9, 95.2),
    (0.8, "coin"): (93.7, 94.3, 95.2, 94.9),
    (0.95, "sharp"): (98.2, 97.8, 97.6, 96.8),
    (0.95, "lenient"): (94.4, 95.7, 95.4, 94.8),
    (0.95, "weak"): (93.4, 94.5, 95.0, 95.4),
}
"""The coverage of the stratified interval by true rate and judge, with 20,000 runs a cell."""

SIMULATED_RUNS = 20_000
_ROUNDING = 0.05

Ends = tuple[float, float]
Counts = Any


@dataclass(frozen=True)
class Cell:
    """The coverage and the mean width of one interval in one situation, both in percent."""

    covered: float
    width: float
    runs: int
    expected: float | None = None

    @property
    def is_off(self) -> bool:
        """Whether the coverage differs from the earlier table by more than three errors."""
        if self.expected is None:
            return False
        share = self.expected / 100
        variance = share * (1 - share) * (1 / self.runs + 1 / SIMULATED_RUNS)
        return abs(self.covered - self.expected) > 300 * sqrt(variance) + _ROUNDING

    @property
    def is_outside(self) -> bool:
        """Whether it covers less or more than any cell should, by more than three errors."""
        low, high = (300 * sqrt(end / 100 * (1 - end / 100) / self.runs) for end in (LEAST, MOST))
        return not LEAST - low <= self.covered <= min(100.0, MOST + high)

    def text(self) -> str:
        """Return both figures."""
        return f"{self.covered:.1f}/{self.width:.1f}"


@dataclass(frozen=True)
class Situation:
    """One judge at one true rate, with the intervals by number of labels."""

    rate: float
    judge: str
    alone: Cell
    stratified: Sequence[Cell]
    shown: Sequence[Cell]
    """As the product shows them: the labels alone where they say as much."""
    balanced: Sequence[Cell]
    elsewhere: Sequence[Cell | None]
    """Rogan-Gladen, with labels of a set in which half of the rows pass."""
    refused: Sequence[float]
    """How often that is refused, in percent."""


def rates(runs: int, chosen: Sequence[tuple[float, str]] | None = None) -> Iterator[Situation]:
    """Yield the coverage of corrected pass rates in every situation, or in some."""
    for rate in RATES:
        for judge in JUDGES:
            if chosen is None or (rate, judge) in chosen:
                yield _situation(rate, judge, runs)


def _situation(rate: float, judge: str, runs: int) -> Situation:
    numbers = np.random.default_rng([2026, round(100 * rate), list(JUDGES).index(judge)])
    sensitivity, specificity = JUDGES[judge]
    shares = [
        rate * sensitivity,
        rate * (1 - sensitivity),
        (1 - rate) * (1 - specificity),
        (1 - rate) * specificity,
    ]
    passed = numbers.binomial(ROWS, shares[0] + shares[2], runs)
    alone = _cell(passed[:, None], _judge_alone, rate)
    stratified, shown, balanced = list[Cell](), list[Cell](), list[Cell]()
    elsewhere, refused = list[Cell | None](), list[float]()
    simulated = SIMULATED.get((rate, judge), (None,) * len(LABELS))
    for labels, expected in zip(LABELS, simulated, strict=True):
        table = numbers.multinomial(labels, shares, runs)
        others = numbers.binomial(ROWS - labels, shares[0] + shares[2], runs)
        counts = np.column_stack([table, others])
        stratified.append(_cell(counts, _stratified, rate, expected))
        shown.append(_cell(counts, _shown, rate))
        balanced.append(_balanced(numbers, shares, labels, runs))
        cell, share = _elsewhere(numbers, (rate, sensitivity, specificity), labels, runs)
        elsewhere.append(cell)
        refused.append(share)
    return Situation(rate, judge, alone, stratified, shown, balanced, elsewhere, refused)


def _cell(
    counts: Counts,
    interval: Callable[..., Ends | None],
    truth: float,
    expected: float | None = None,
) -> Cell:
    """Return the coverage over all lines of counts that have an interval."""
    kinds, numbers = np.unique(counts, axis=0, return_counts=True)
    covered, width, runs = 0, 0.0, 0
    for line, number in zip(kinds.tolist(), numbers.tolist(), strict=True):
        if (ends := interval(*line)) is not None:
            covered += number * (ends[0] <= truth <= ends[1])
            width += number * (ends[1] - ends[0])
            runs += number
    return Cell(100 * covered / runs, 100 * width / runs, runs, expected)


def _judge_alone(passed: int) -> Ends | None:
    return wilson_interval(passed, ROWS)


@cache
def _strata(both: int, missed: int, wrong: int, failed: int, others: int) -> Any:
    passed = both + wrong
    return stratified_rate(
        [
            Stratum(passed + others, both, passed),
            Stratum(ROWS - passed - others, missed, missed + failed),
        ]
    )


def _stratified(*counts: int) -> Ends | None:
    return _strata(*counts).interval


def _shown(both: int, missed: int, wrong: int, failed: int, others: int) -> Ends | None:
    labels = both + missed + wrong + failed
    corrected = _strata(both, missed, wrong, failed, others).interval
    alone = wilson_interval(both + missed, labels) or (0.0, 1.0)
    if corrected[1] - corrected[0] > SAYS_AS_MUCH * (alone[1] - alone[0]):
        return alone
    return corrected


def _balanced(
    numbers: np.random.Generator, shares: Sequence[float], labels: int, runs: int
) -> Cell:
    """Return the coverage with half of the labels among the rows that the judge passes."""
    passes = shares[0] + shares[2]
    passed = numbers.binomial(ROWS, passes, runs)
    half = labels // 2
    failed = np.minimum(labels - half, ROWS - passed)
    both = numbers.binomial(half, shares[0] / passes, runs)
    missed = numbers.binomial(failed, shares[1] / (1 - passes))

    def interval(rows: int, right: int, of_failed: int, wrong: int) -> Ends | None:
        figure = stratified_rate(
            [Stratum(rows, right, half), Stratum(ROWS - rows, wrong, of_failed)]
        )
        return figure.interval if figure else None

    counts = np.column_stack([passed, both, failed, missed])
    return _cell(counts, interval, shares[0] + shares[1])


def _elsewhere(
    numbers: np.random.Generator, truth: tuple[float, float, float], labels: int, runs: int
) -> tuple[Cell | None, float]:
    rate, sensitivity, specificity = truth
    passing = numbers.binomial(labels, 0.5, runs)
    passed = numbers.binomial(passing, sensitivity)
    failed = numbers.binomial(labels - passing, specificity)
    judged = numbers.binomial(ROWS, rate * sensitivity + (1 - rate) * (1 - specificity), runs)
    refused = 0

    def interval(good: int, right: int, wrong: int, rows: int) -> Ends | None:
        classes = LabelledClasses(good, right, labels - good, wrong)
        excess = informedness(classes) if 5 <= good <= labels - 5 else None
        if excess is None or excess.interval is None or excess.interval[0] <= 0:
            return None
        figure = rogan_gladen_rate(rows, ROWS, classes)
        return figure.interval if figure else None

    counts = np.column_stack([passing, passed, failed, judged])
    kinds, times = np.unique(counts, axis=0, return_counts=True)
    for line, number in zip(kinds.tolist(), times.tolist(), strict=True):
        refused += number * (interval(*line) is None)
    if refused > runs / 2:
        return None, 100 * refused / runs
    return _cell(counts, interval, rate), 100 * refused / runs


@dataclass(frozen=True)
class Mean:
    """The coverage of a corrected mean by number of labels, and of the judge alone."""

    name: str
    alone: float
    cells: Sequence[Cell]


MEANS: Mapping[str, tuple[Sequence[float], Sequence[float], float]] = {
    f"{name}, judge right in {100 * right:.0f} %": ((1.0, 0.0, -1.0), shares, right)
    for name, shares in {
        "compare 45-25-30": (0.45, 0.25, 0.30),
        "paired passes +10/-6": (0.10, 0.84, 0.06),
        "paired passes +3/-1": (0.03, 0.96, 0.01),
    }.items()
    for right in (0.9, 0.75, 0.5)
}
SCORES = (0.05, 0.05, 0.08, 0.12, 0.70)


def means(runs: int, chosen: Sequence[str] | None = None) -> Iterator[Mean]:
    """Yield the coverage of corrected means in every situation, or in some."""
    for place, (name, (values, shares, right)) in enumerate(MEANS.items()):
        if chosen is None or name in chosen:
            numbers = np.random.default_rng([2027, place])

            def choices(
                numbers: np.random.Generator = numbers,
                shares: Sequence[float] = shares,
                right: float = right,
            ) -> tuple[Counts, Counts]:
                people = numbers.choice([1, 0, -1], FEWER_ROWS, p=shares)
                shifted = (people + 1 + numbers.integers(1, 3, FEWER_ROWS)) % 3 - 1
                return people, np.where(numbers.random(FEWER_ROWS) < right, people, shifted)

            truth = sum(value * share for value, share in zip(values, shares, strict=True))
            yield _mean(name, choices, truth, runs)
    for place, (name, strict) in enumerate((("strict", True), ("coin", False))):
        title = f"score 1-5, 70 % fives, {name} judge"
        if chosen is None or title in chosen:
            numbers = np.random.default_rng([2028, place])

            def scores(
                numbers: np.random.Generator = numbers, *, strict: bool = strict
            ) -> tuple[Counts, Counts]:
                people = numbers.choice([1, 2, 3, 4, 5], FEWER_ROWS, p=SCORES)
                if not strict:
                    return people, numbers.choice([1, 2, 3, 4, 5], FEWER_ROWS)
                shift = numbers.normal(-0.7, 0.7, FEWER_ROWS)
                return people, np.clip(np.round(people + shift), 1, 5)

            yield _mean(title, scores, float(np.dot(SCORES, [1, 2, 3, 4, 5])), runs)


def _mean(name: str, draw: Callable[[], tuple[Counts, Counts]], truth: float, runs: int) -> Mean:
    scale = (1.0, 5.0) if name.startswith("score") else WINS
    covered, widths, shown = Counter[int](), Counter[int](), Counter[int]()
    alone = 0
    for _ in range(runs):
        people, judge = draw()
        every = Counter[float](map(float, judge.tolist()))
        error = 1.96 * float(judge.std(ddof=1)) / sqrt(FEWER_ROWS)
        alone += abs(float(judge.mean()) - truth) <= error
        for labels in LABELS:
            first = [list(map(float, each[:labels].tolist())) for each in (judge, people)]
            figure = corrected_mean(every, first[0], first[1], scale)
            if isinstance(figure, str) or figure.estimate.interval is None:
                continue
            low, high = figure.estimate.interval
            covered[labels] += low <= truth <= high
            widths[labels] += high - low  # pyright: ignore[reportArgumentType]
            shown[labels] += 1
    cells = [
        Cell(100 * covered[n] / shown[n], 100 * widths[n] / shown[n], shown[n]) for n in LABELS
    ]
    return Mean(name, 100 * alone / runs, cells)


def table(found: Sequence[Situation], averages: Sequence[Mean]) -> str:
    """Return the tables as Markdown."""
    head = " | ".join(f"{labels} labels" for labels in LABELS)
    rule = "|---" * (len(LABELS) + 3) + "|"
    lines = [f"| true rate | judge | judge alone | {head} |", rule]
    for one in found:
        cells = " | ".join(cell.text() for cell in one.stratified)
        lines.append(f"| {100 * one.rate:.0f} % | {one.judge} | {one.alone.text()} | {cells} |")
    lines += ["", f"| true rate | judge | | {head} |", rule]
    for one in found:
        for name, cells in (("as shown", one.shown), ("balanced", one.balanced)):
            texts = " | ".join(cell.text() for cell in cells)
            lines.append(f"| {100 * one.rate:.0f} % | {one.judge} | {name} | {texts} |")
        pairs = zip(one.elsewhere, one.refused, strict=True)
        texts = " | ".join(
            f"{cell.text()} ({share:.0f})" if cell else f"({share:.0f})" for cell, share in pairs
        )
        lines.append(f"| {100 * one.rate:.0f} % | {one.judge} | another set | {texts} |")
    lines += ["", f"| mean | judge alone | {head} |", "|---" * (len(LABELS) + 2) + "|"]
    for mean in averages:
        cells = " | ".join(f"{cell.covered:.1f}" for cell in mean.cells)
        lines.append(f"| {mean.name} | {mean.alone:.0f} | {cells} |")
    return "\n".join(lines)


def doubtful(found: Sequence[Situation], averages: Sequence[Mean]) -> Iterator[str]:
    """Yield the cells that differ from the earlier table, or cover too little or too much."""
    for one in found:
        for labels, cell in zip(LABELS, one.stratified, strict=True):
            if cell.is_off or cell.is_outside:
                yield f"{one.rate} {one.judge} {labels}: {cell}"
        for name, cells in (("as shown", one.shown), ("balanced", one.balanced)):
            yield from (
                f"{one.rate} {one.judge} {name}: {cell}" for cell in cells if cell.is_outside
            )
    for mean in averages:
        low = (cell for cell in mean.cells if cell.covered < LEAST and cell.is_outside)
        yield from (f"{mean.name}: {cell}" for cell in low)


def main(runs: int) -> int:
    """Print the tables; return 1 if a cell is not as it should be."""
    found, averages = list(rates(runs)), list(means(min(runs, MEAN_RUNS)))
    print(table(found, averages))
    off = list(doubtful(found, averages))
    for text in off:
        print(f"not as expected: {text}")
    return 1 if off else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else RUNS))
