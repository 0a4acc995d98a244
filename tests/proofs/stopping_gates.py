"""How often a gate that stops when it is decided errs, and how many rows it takes.

python -m tests.proofs.stopping_gates [replays] [exact tables]

The first table replays gates by their own decision. The second sums the exact probabilities of all
tables of rows, look by look, and compares them with those of a gate with one look; its last line
is outside if any gate that stops errs more often than its level, or than Tango's interval does.
"""

from __future__ import annotations

import math
import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from evals_mcp.gate.decision import Look, Measured, decide
from evals_mcp.gate.figures import LOSS_SHARE
from evals_mcp.gate.looks import LAST_SHARE
from evals_mcp.gate.pairs import Pairs
from evals_mcp.gate.stop_rules import FIRST_ROWS, StopRules
from evals_mcp.repository_runs.gates.stopping.parts import gate_order
from evals_mcp.results.statistics.distributions import normal_quantile
from evals_mcp.results.statistics.estimate import UNIT
from evals_mcp.results.statistics.rates import wilson_interval
from evals_schemas.repository.evals_file import GateRules
from evals_schemas.sequential.betting import SHARES

np: Any = import_module("numpy")
signal: Any = import_module("scipy.signal")
special: Any = import_module("scipy.special")

REPLAYS = 1_000
PASS_RATE = 0.8
FLIPS = 0.1

MOST_RED, LEAST_RED, MOST_FALSE_PASSES = 0.016, 0.95, 0.031


@dataclass(frozen=True)
class Situation:
    """What is planted, and how the replays ended."""

    name: str
    rows: int
    margin: float
    """In points."""
    better: float
    """Share of rows that become better."""
    worse: float
    outcomes: Counter[str] = field(default_factory=Counter[str])
    paid: list[int] = field(default_factory=list[int])
    """Rows that each replay has judged."""

    def share(self, outcome: str) -> float:
        return self.outcomes[outcome] / max(1, len(self.paid))

    def __str__(self) -> str:
        shares = [f"{100 * self.share(each):.1f} %" for each in _OUTCOMES]
        ends = wilson_interval(self.outcomes["regressed"], len(self.paid))
        assert ends is not None, "there is a replay"
        red = f"{shares[2]} ({100 * ends[0]:.1f} to {100 * ends[1]:.1f})"
        paid = f"{100 * sum(self.paid) / (self.rows * len(self.paid)):.0f} %"
        cells = (self.name, f"{self.rows:,}", *shares[:2], red, paid)
        return f"| {' | '.join(cells)} |"


_OUTCOMES = ("passed", "not_enough_evidence", "regressed")


def situations() -> list[Situation]:
    """Return what is replayed; of each, 10 % of the rows change by chance unless it says more."""
    half = FLIPS / 2
    return [
        Situation("no change", 300, 5, half, half),
        Situation("no change, 2 % of the rows change", 300, 5, 0.01, 0.01),
        Situation("a loss of the margin, 5 points", 300, 5, half - 0.025, half + 0.025),
        Situation("a loss of 10 points", 300, 5, 0.0, FLIPS),
        Situation("a loss of 10 points besides 10 % by chance", 300, 5, half, half + 0.1),
        Situation("a loss of 20 points besides 10 % by chance", 300, 5, half, half + 0.2),
        Situation("no change", 1_000, 3, half, half),
        Situation("a loss of the margin, 3 points", 1_000, 3, half - 0.015, half + 0.015),
        Situation("a loss of 10 points besides 10 % by chance", 1_000, 3, half, half + 0.1),
    ]


def replayed(situation: Situation, replays: int, seed: int = 2026) -> Situation:
    """Decide replays of one situation by the gate's own decision."""
    numbers = random.Random(f"{seed} {situation.name} {situation.rows}")
    looks = _looks(situation.rows)
    for _ in range(replays):
        baseline, candidate = _drawn(situation, numbers)
        for end in looks:
            pairs = Pairs("pass_rate", UNIT, baseline[:end], candidate[:end])
            look: Look = "last" if end == looks[-1] else "early"
            measured = Measured("quality", pairs, situation.margin)
            report = decide([measured], GateRules(margin=situation.margin), look=look)
            if report.outcome in {"passed", "regressed"} or look == "last":
                situation.outcomes[report.outcome] += 1
                situation.paid.append(end)
                break
    return situation


def _drawn(situation: Situation, numbers: random.Random) -> tuple[list[float], list[float]]:
    baseline: list[float] = []
    candidate: list[float] = []
    for _ in range(situation.rows):
        draw = numbers.random()
        if draw < situation.better:
            before, after = 0.0, 1.0
        elif draw < situation.better + situation.worse:
            before, after = 1.0, 0.0
        else:
            before = after = float(numbers.random() < PASS_RATE)
        baseline.append(before)
        candidate.append(after)
    return baseline, candidate


def _looks(rows: int) -> list[int]:
    order = gate_order(1, rows, range(rows), StopRules(FIRST_ROWS, None, None))
    return [part.end for part in order.parts]


@dataclass(frozen=True)
class Errors:
    """Exact probabilities of one gate: of a false pass at minus the margin, of a false alarm."""

    name: str
    passes: float
    """As a share of the level, such as 2.5 %."""
    alarms: float
    once_passes: float
    """The same of a gate with one look."""
    once_alarms: float

    @property
    def holds(self) -> bool:
        """Whether it errs at most as often as its level, or as a gate with one look, allows."""
        return self.passes <= max(1, self.once_passes) and self.alarms <= max(1, self.once_alarms)

    def __str__(self) -> str:
        cells = (self.passes, self.once_passes, self.alarms, self.once_alarms)
        return f"| {self.name} | {' | '.join(f'{cell:.2f}' for cell in cells)} |"


def exact_errors(certainty: float, rows: int, margin: float, flips: float) -> Errors:
    """Return the errors of a gate over all tables that its rows could give.

    Args:
        certainty: percent.
        rows: of the data set, all of them to judge.
        margin: as a share.
        flips: the share of rows that change.
    """
    passing, losing = (100 - certainty) / 200, LOSS_SHARE * (100 - certainty) / 100
    lost = ((flips - margin) / 2, (flips + margin) / 2)
    same = (flips / 2, flips / 2)
    looks = _looks(rows)
    levels = (passing, losing)
    return Errors(
        f"{certainty:g} %, {rows:,} rows, margin {100 * margin:g}, {100 * flips:g} % change",
        _ended(looks, lost, margin, levels)[0] / passing,
        _ended(looks, same, margin, levels)[1] / losing,
        _ended([rows], lost, margin, levels)[0] / passing,
        _ended([rows], same, margin, levels)[1] / losing,
    )


def _ended(
    looks: Sequence[int], shares: tuple[float, float], margin: float, levels: tuple[float, float]
) -> tuple[float, float]:
    """Return the probabilities that a gate passes, and that it is red."""
    table, before = np.ones((1, 1)), 0
    most = [
        min(looks[-1], int(looks[-1] * p + 9 * math.sqrt(looks[-1] * p + 1)) + 3) for p in shares
    ]
    passed = red = 0.0
    several = len(looks) > 1
    share = LAST_SHARE if several else 1.0
    for end in looks:
        step = _multinomial(end - before, shares, most)
        table = np.maximum(signal.fftconvolve(table, step), 0)[: most[0] + 1, : most[1] + 1]
        before = end
        better = np.arange(table.shape[0], dtype=float)[:, None] + np.zeros(table.shape[1])
        worse = np.arange(table.shape[1], dtype=float)[None, :] + np.zeros((table.shape[0], 1))
        passes, loses = better < 0, better < 0
        if several:
            passes = _wealth(end, better, worse, (1 - margin) / 2, 1) >= -math.log(levels[0])
            loses = _wealth(end, better, worse, 0.5, -1) >= -math.log(levels[1])
        if end == looks[-1]:
            decided = passes | loses
            last = _tango(end, better, worse, -margin) > -normal_quantile(share * levels[0])
            late = _tango(end, better, worse, 0.0) < normal_quantile(share * levels[1])
            passes, loses = passes | (last & ~decided), loses | (late & ~decided)
        loses = loses & ~passes
        passed, red = passed + float(table[passes].sum()), red + float(table[loses].sum())
        table = np.where(passes | loses, 0, table)
    return passed, red


def _multinomial(rows: int, shares: tuple[float, float], most: Sequence[int]) -> Any:
    """Return the probability of so many better and worse rows."""
    better = np.arange(min(rows, most[0]) + 1)[:, None]
    worse = np.arange(min(rows, most[1]) + 1)[None, :]
    rest = np.maximum(rows - better - worse, 0)
    ways = special.gammaln([rows + 1])[0] - sum(
        special.gammaln(count + 1) for count in (better, worse, rest)
    )
    weights = [math.log(max(share, 1e-300)) for share in shares]
    logs = ways + better * weights[0] + worse * weights[1] + rest * math.log(1 - sum(shares))
    return np.where(better + worse <= rows, np.exp(logs), 0)


def _wealth(rows: int, better: Any, worse: Any, mean: float, side: int) -> Any:
    """Return the logarithm of the wealth of a bet, for a table of counts."""
    counts = {1.0: better, 0.5: np.maximum(rows - better - worse, 0), 0.0: worse}
    if side < 0:
        counts, mean = {1 - value: count for value, count in counts.items()}, 1 - mean
    logs = np.stack(
        [
            sum(count * math.log1p(share * (value / mean - 1)) for value, count in counts.items())
            for share in SHARES
        ]
    )
    return special.logsumexp(logs, axis=0) - math.log(len(SHARES))


def _tango(rows: int, better: Any, worse: Any, difference: float) -> Any:
    """Return Tango's score statistic of a difference, for a table of counts."""
    linear = (2 * rows - better + worse) * difference - better - worse
    constant = -worse * difference * (1 - difference)
    root = np.sqrt(np.maximum(linear * linear - 8 * rows * constant, 0))
    share = (root - linear) / (4 * rows)
    variance = rows * (2 * share + difference * (1 - difference))
    return (better - worse - rows * difference) / np.sqrt(np.maximum(variance, 1e-300))


def all_errors(most: int | None = None) -> Iterator[Errors]:
    """Yield the errors of many gates; the first ones alone if `most` says so."""
    cells = [
        (certainty, rows, margin, flips)
        for certainty in (95, 80, 99)
        for rows, margin in ((300, 0.05), (100, 0.1), (1_000, 0.03), (3_000, 0.02))
        for flips in (0.1, 0.02, 0.05, 0.2, 0.4)
        if flips >= margin
    ]
    for cell in cells[:most]:
        yield exact_errors(*cell)


def main(replays: int, tables: int | None) -> int:
    """Print both tables; return 1 if a promise is broken."""
    print(f"{replays:,} replays each, first look after {FIRST_ROWS} rows")
    print("| situation | rows | passed | not enough evidence | regressed (95 %) | rows judged |")
    print("|---|---|---|---|---|---|")
    done: list[Situation] = []
    for situation in situations():
        print(replayed(situation, replays), flush=True)
        done.append(situation)
    unchanged, _, at_margin, lost = done[:4]
    broken = (
        unchanged.share("regressed") > MOST_RED
        or at_margin.share("passed") > MOST_FALSE_PASSES
        or lost.share("regressed") < LEAST_RED
    )
    print("\nErrors as shares of their level, summed over all tables")
    print(
        "| gate | false passes | at one look | false alarms | at one look |\n|---|---|---|---|---|"
    )
    for errors in all_errors(tables):
        print(errors, "" if errors.holds else " OUTSIDE", flush=True)
        broken |= not errors.holds
    if broken:
        print("a promise is broken")
    return int(broken)


if __name__ == "__main__":
    chosen = [int(argument) for argument in sys.argv[1:]]
    sys.exit(main(chosen[0] if chosen else REPLAYS, chosen[1] if len(chosen) > 1 else None))
