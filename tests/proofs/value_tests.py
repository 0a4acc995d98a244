"""How often a value of a column is called low or high although all rows are alike.

python -m tests.proofs.value_tests [runs]
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from evals_mcp.results.groups.figures import GroupFigures, MainFigure, Share
from evals_mcp.results.groups.verdicts import verdicts
from evals_mcp.results.statistics.distributions import t_tails
from evals_mcp.results.statistics.many_tests import holm
from evals_mcp.results.statistics.two_samples import Moments, all_others

RUNS = 300
MOST_FALSE = 5.0
"""Evaluations in percent with a false verdict, at most, but for three Monte-Carlo errors."""

SIZES = {
    "20 values of 10 rows": [10] * 20,
    "10 values of 50 rows": [50] * 10,
    "10 of 10 rows, one of 300": [10] * 10 + [300],
    "3 values of 200 rows": [200] * 3,
}

Numbers = np.random.Generator
Draw = Callable[[Numbers, int], list[float]]


def _chosen(values: Sequence[float], shares: Sequence[float]) -> Draw:
    return lambda numbers, n: numbers.choice(values, p=shares, size=n).tolist()


DRAWS: dict[str, Draw] = {
    "pass rate 65 %": _chosen((0, 1), (0.35, 0.65)),
    "pass rate 97 %": _chosen((0, 1), (0.03, 0.97)),
    "scores 1 to 5, 70 % fives": _chosen((1, 2, 3, 4, 5), (0.05, 0.05, 0.08, 0.12, 0.7)),
    "scores, very skewed": lambda numbers, n: numbers.lognormal(0, 1.5, n).tolist(),
    "wins and ties, 40-30-30": _chosen((100, 50, 0), (0.4, 0.3, 0.3)),
}
"""How the rows of every value are drawn."""


@dataclass(frozen=True)
class FalseVerdicts:
    """Share of evaluations with a false verdict in one situation, in percent."""

    draw: str
    sizes: str
    shown: float
    """By the rule of `verdicts`."""
    student: float
    """If Student's test alone decided, corrected likewise."""
    welch: float
    """If Welch's test alone decided, corrected likewise."""


def false_verdicts(runs: int) -> Iterator[FalseVerdicts]:
    """Yield the false verdicts of every situation."""
    numbers = np.random.default_rng(2028)
    for draw, draw_rows in DRAWS.items():
        for sizes, counts in SIZES.items():
            shown = student = welch = 0
            for _ in range(runs):
                values = [draw_rows(numbers, n) for n in counts]
                shown += _is_shown(values, is_rate=draw.startswith("pass"))
                moments = [_moments(rows) for rows in values]
                student += _is_found(moments, _student)
                welch += _is_found(moments, _welch)
            percent = 100 / runs
            yield FalseVerdicts(draw, sizes, percent * shown, percent * student, percent * welch)


def _is_shown(values: Sequence[Sequence[float]], *, is_rate: bool) -> bool:
    figures = [
        GroupFigures(
            len(rows),
            [sum(rows) / len(rows)],
            Share(int(sum(rows)), len(rows)) if is_rate else _moments(rows),
        )
        for rows in values
    ]
    return any(found.sign for found in verdicts(MainFigure("figure", "score", "rows"), figures))


def _moments(rows: Sequence[float]) -> Moments:
    array = np.asarray(rows)
    return Moments(len(rows), float(array.mean()), float(array.std()) * sqrt(len(rows)))


def _is_found(moments: Sequence[Moments], test: Callable[[Moments, Moments], float]) -> bool:
    p_values = [test(own, rest) for own, rest in zip(moments, all_others(moments), strict=True)]
    return min(holm(p_values)) < 0.05


def _student(a: Moments, b: Moments) -> float:
    freedom = a.n + b.n - 2
    error = sqrt((a.deviation**2 + b.deviation**2) / freedom * (1 / a.n + 1 / b.n))
    return t_tails((a.mean - b.mean) / error, freedom) if error else 1.0


def _welch(a: Moments, b: Moments) -> float:
    parts = [one.deviation**2 / (one.n - 1) / one.n for one in (a, b)]
    if not sum(parts):
        return 1.0
    freedom = sum(parts) ** 2 / (parts[0] ** 2 / (a.n - 1) + parts[1] ** 2 / (b.n - 1))
    return t_tails((a.mean - b.mean) / sqrt(sum(parts)), freedom)


def table(found: Sequence[FalseVerdicts]) -> str:
    """Return the table of docs/statistics.md."""
    lines = [f"| all rows alike | {' | '.join(SIZES)} |", f"|{'---|' * (len(SIZES) + 1)}"]
    for draw in DRAWS:
        cells = (
            f"{cell.shown:.1f} ({cell.student:.0f}, {cell.welch:.0f})"
            for cell in found
            if cell.draw == draw
        )
        lines.append(f"| {draw} | {' | '.join(cells)} |")
    return "\n".join(lines)


def failures(found: Sequence[FalseVerdicts], runs: int) -> Iterator[str]:
    """Yield a line for each situation with more false verdicts than promised."""
    share = MOST_FALSE / 100
    most = MOST_FALSE + 300 * sqrt(share * (1 - share) / runs)
    for cell in found:
        if cell.shown > most:
            yield f"false verdicts in {cell.shown:.1f} %: {cell.draw}, {cell.sizes}"


def main(runs: int) -> int:
    """Print the table; return 1 if a situation has too many false verdicts, else 0."""
    found = list(false_verdicts(runs))
    print(f"Evaluations in percent in which a value is called low or high; {runs} runs a cell.")
    print(
        "In parentheses: with Student's test alone, with Welch's alone, corrected by Holm, too.\n"
    )
    print(table(found))
    wrong = list(failures(found, runs))
    print(*wrong, sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else RUNS))
