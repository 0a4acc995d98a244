"""Evaluations that stop when decided: how often falsely, what they miss, what they pay.

python -m tests.proofs.stopping [null streams] [tables] [runs of the engine] [kills]

Prints a table and fails if a line is outside its bound. Null streams have no difference. Tables are
simulated comparisons of 800 rows whose differences are spread from 0 to 50 points. In runs, a
judge answers faster the rows that one side wins, and 64 rows are in flight.
"""

from __future__ import annotations

import heapq
import json
import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import log1p
from pathlib import Path

import anyio

from evals_engine.runs.stopping.course import Course
from evals_engine.runs.stopping.row_values import RowValue, RowValues
from evals_engine.store.records import FinishedRow
from evals_schemas.sequential.betting import LOG_NEEDED, SHARES, log_mean
from evals_schemas.sequential.last_look import LEVELS, last_look
from evals_schemas.sequential.seeded_order import seeded_order
from evals_schemas.sequential.stop_when import EngineStopWhen, StopWhen
from evals_schemas.sequential.stopping import Stopping
from tests.proofs.stopped_engines import false_decisions, kept_evidence

NULL_STREAMS, TABLES, ENGINE_RUNS, KILLS = 10_000, 300, 200, 20
ROWS = 300
TABLE_ROWS = 800
WORKERS = 64
TIES = (0.0, 0.5, 0.9)
LOOK_EVERY = 8
"""Rows that end between two looks, as one commit stores several."""

SHIFT = 0.5
"""By how many standard deviations of log time a win of B is answered faster."""

MOST_FALSE, FEWEST_FINDINGS, MOST_PAID = 0.05, 0.85, 0.55

DECIDED = EngineStopWhen(decided=True, seed=1)
VALUES = RowValues(lambda fields: RowValue(fields["value"]), is_difference=True)


@dataclass(frozen=True)
class Line:
    """One line of the table."""

    what: str
    figure: float
    bound: float
    is_upper: bool = True

    @property
    def holds(self) -> bool:
        return self.figure <= self.bound if self.is_upper else self.figure >= self.bound

    def __str__(self) -> str:
        sign = "at most" if self.is_upper else "at least"
        verdict = "" if self.holds else "  OUTSIDE"
        return f"{self.what:<66}{self.figure:>8.4f}   {sign} {self.bound:g}{verdict}"


def drawn(numbers: random.Random, rows: int, gap: float, ties: float) -> list[float]:
    """Return rows of which B wins more than A by `gap`, as a share."""
    weights = ((1 - ties - gap) / 2, ties, (1 - ties + gap) / 2)
    return numbers.choices((0.0, 0.5, 1.0), weights, k=rows)


def null_streams(streams: int, ties: Sequence[float] = TIES) -> Iterator[Line]:
    """Yield how often streams without a difference are decided, also with the last look."""
    for share in ties:
        numbers, early, late = random.Random(f"null {share}"), 0, 0
        for _ in range(streams):
            rows = drawn(numbers, ROWS, 0, share)
            if decided_at(rows) is not None:
                early += 1
                continue
            look = last_look(rows.count(1.0), rows.count(0.0))
            late += look is not None and look.decides
        what = f"{streams:,} null streams, {share:.0%} ties: decided"
        yield Line(what, early / streams, MOST_FALSE)
        yield Line(f"{what}, with the last look", (early + late) / streams, MOST_FALSE)


def decided_at(rows: Sequence[float]) -> int | None:
    """Return after how many rows a stream is decided."""
    stopping = Stopping(StopWhen(decided=True), len(rows), is_difference=True)
    for unit, value in enumerate(rows):
        stopping.evidence.end(unit, value)
    decision = stopping.look(len(rows))
    return decision.units if decision else None


def exact_levels(differing: Sequence[int] = (40, 600, 2_500, 5_000)) -> Iterator[Line]:
    """Yield the exact probability that either rule errs, over the wins of a fair coin."""
    for rows in differing:
        decided, alive = _reached(rows)
        level = next(level for most, level in LEVELS if rows <= most)
        tail, late = 0.0, 0.0
        for wins in range(rows // 2 + 1):
            tail += _fair(rows, wins)
            if 2 * tail > level:
                break
            late += alive[wins] + alive[rows - wins]
        yield Line(f"exact, {rows:,} rows that differ: both rules together", decided + late, 0.05)


def _fair(rows: int, wins: int) -> float:
    from math import exp, lgamma, log  # noqa: PLC0415

    ways = lgamma(rows + 1) - lgamma(wins + 1) - lgamma(rows - wins + 1)
    return exp(ways - rows * log(2))


def _reached(rows: int) -> tuple[float, list[float]]:
    """Return how likely the e-value decides, and the other paths by their number of wins."""
    up, down = [log1p(share) for share in SHARES], [log1p(-share) for share in SHARES]
    alive, decided, fewest = [1.0], 0.0, 0
    for step in range(1, rows + 1):
        alive = [
            (alive[wins] if wins < step else 0.0) / 2 + (alive[wins - 1] if wins else 0.0) / 2
            for wins in range(step + 1)
        ]
        fewest = max(fewest, (step + 1) // 2)
        while (
            fewest <= step
            and log_mean(fewest * a + (step - fewest) * b for a, b in zip(up, down, strict=True))
            < LOG_NEEDED
        ):
            fewest += 1
        for wins in range(fewest, step + 1):
            for side in {wins, step - wins}:
                decided += alive[side]
                alive[side] = 0.0
    return decided, alive


@dataclass(frozen=True)
class Ran:
    """How a simulated run ended."""

    kind: str | None
    paid: int


def simulated_run(numbers: random.Random, rows: Sequence[float], workers: int = WORKERS) -> Ran:
    """Run the course of an evaluation with a judge whose delay depends on its verdict."""
    course = Course(DECIDED, seeded_order(1, len(rows)), VALUES)
    flight: list[tuple[float, int]] = []
    clock, position, ended = 0.0, 0, 0
    while ended % LOOK_EVERY or course.look() is None:
        while (
            position < len(rows)
            and len(flight) < workers
            and course.may_start(position, len(flight), workers)
        ):
            number = course.order.rows[position]
            seconds = numbers.lognormvariate(-SHIFT * 2 * (rows[number] - 0.5), 1.0)
            seconds += 33 * (numbers.random() < 0.01)
            heapq.heappush(flight, (clock + seconds, number))
            course.start(position)
            position += 1
        if not flight:
            course.look()
            break
        ended += 1
        clock, number = heapq.heappop(flight)
        course.add([FinishedRow(number, "ok", json.dumps({"value": rows[number]}))])
    decision = course.stopping.decision
    return Ran(decision.kind if decision else None, position)


def tables(count: int) -> Iterator[Line]:
    """Yield what tables with and without a difference lead to, beside all of their rows."""
    numbers = random.Random("tables")
    opposite = findings = of_full = paid = 0
    for number in range(count):
        rows = drawn(numbers, TABLE_ROWS, 0.5 * number / count, 0.3)
        wins, losses = rows.count(1.0), rows.count(0.0)
        look, ran = last_look(wins, losses), simulated_run(numbers, rows)
        full = look is not None and look.p <= 0.05
        kind = ran.kind or (
            ("above" if wins > losses else "below") if look and look.decides else ""
        )
        of_full += full
        findings += full and bool(kind)
        opposite += kind == ("below" if wins > losses else "above")
        paid += ran.paid
    yield Line(f"{count} tables: the opposite winner", opposite / count, 0.0)
    yield Line("share of what all rows decide", findings / of_full, FEWEST_FINDINGS, is_upper=False)
    yield Line("rows paid, of all rows", paid / (count * TABLE_ROWS), MOST_PAID)


def delayed_runs(runs: int) -> Line:
    """Return how often runs without a difference decide, if wins of B are answered faster."""
    numbers = random.Random("delays")
    false = sum(
        simulated_run(numbers, drawn(numbers, ROWS, 0, 0.3)).kind is not None for _ in range(runs)
    )
    return Line(f"{runs:,} runs, delay by verdict, {WORKERS} workers: decided", false / runs, 0.05)


async def main(streams: int, table_count: int, engine_runs: int, kills: int) -> list[Line]:
    """Print every line and return them."""
    lines: list[Line] = []
    for line in _plain_lines(streams, table_count):
        print(line, flush=True)
        lines.append(line)
    with tempfile.TemporaryDirectory(prefix="evals-mcp-stopping-") as folder:
        false = await false_decisions(Path(folder, "engine"), engine_runs)
        what = f"{engine_runs} runs of the engine, delay by verdict: decided"
        lines.append(Line(what, false / engine_runs, MOST_FALSE))
        same = await kept_evidence(Path(folder, "killed"), kills)
        lines.append(Line(f"{kills} killed engines: other evidence", 1 - same / kills, 0.0))
    print(*lines[-2:], sep="\n", flush=True)
    return lines


def _plain_lines(streams: int, table_count: int) -> Iterator[Line]:
    yield from null_streams(streams)
    yield from exact_levels()
    yield from tables(table_count)
    yield delayed_runs(max(1, streams // 10))


if __name__ == "__main__":
    amounts = [int(text) for text in sys.argv[1:]]
    defaults = [NULL_STREAMS, TABLES, ENGINE_RUNS, KILLS]
    streams, table_count, engine_runs, kills = [*amounts, *defaults[len(amounts) :]]
    printed = anyio.run(main, streams, table_count, engine_runs, kills)
    sys.exit(any(not line.holds for line in printed))
