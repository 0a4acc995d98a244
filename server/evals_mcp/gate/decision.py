"""The decision of a gate over all its metrics.

The rules apply in this order. *Could not run*: a metric has too few pairs, or too many rows without
a verdict. *Regressed*: a pinned row fails, or a metric is surely worse and does not pass. *Passed*:
every metric passes. *Not enough evidence*: all else.

A gate that stops looks at the first rows of a random order again and again. Before the last row it
decides by bets, which hold at every look; after it also by the tests of a gate with one look, at a
lower level.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from evals_mcp.gate import words
from evals_mcp.gate.figures import LOSS_SHARE, Difference, Ends, interval_of_loss, measured
from evals_mcp.gate.floors import Level, level_against
from evals_mcp.gate.looks import last_certainty, loss_at_a_look, measured_at_a_look
from evals_mcp.gate.pairs import Pairs
from evals_mcp.gate.rows_needed import rows_to_pass
from evals_mcp.results.statistics.many_tests import holm
from evals_schemas.repository.evals_file import FEWEST_PAIRS, GateRules, MetricRule
from evals_schemas.repository.results import (
    EXIT_CODES,
    Decision,
    GateMetric,
    GateReport,
    PinnedRows,
)
from evals_schemas.repository.results import Ends as ReportedEnds

MOST_FAILED = 0.05
"""Share of rows without a verdict, on either side, above which nothing is decided."""

FEW_ROWS = 300
"""Rows up to which the margin is `MARGIN_OF_FEW` points if the file names none."""

MARGIN_OF_FEW, MARGIN_OF_MANY = 5.0, 3.0

Look = Literal["only", "early", "last"]
"""Which look at the rows it is: the only one, one before the last row, or the last of several."""


@dataclass(frozen=True)
class _Tests:
    """How a difference is tested."""

    measured: Callable[[Pairs, float], Difference]
    interval_of_loss: Callable[[Pairs, float], Ends | None]
    reaches_floors: bool
    """Whether a floor can be reached: it is about all rows."""


_ONCE = _Tests(measured, interval_of_loss, reaches_floors=True)
_AT_EVERY_LOOK = _Tests(measured_at_a_look, loss_at_a_look, reaches_floors=False)


@dataclass(frozen=True)
class Measured:
    """One metric, with what its gate demands of it."""

    name: str
    pairs: Pairs
    margin: float
    """In points, or in the unit of a score."""
    floor: float | None = None

    @property
    def unit(self) -> float:
        """Points, or scores, of a row's value of 1."""
        return 1.0 if self.pairs.figure == "mean_score" else 100.0

    @property
    def refusal(self) -> str | None:
        """Return why nothing can be decided; None if it can."""
        rows, both = len(self.pairs.candidate), len(self.pairs.both)
        missing_before, missing_after = self.pairs.missing
        if not rows:
            return "there is not one row"
        if missing_after > MOST_FAILED * rows:
            return f"{missing_after} of {rows} answers have no verdict"
        if missing_before > MOST_FAILED * rows:
            return f"{missing_before} of {rows} answers of the baseline have no verdict"
        if both < FEWEST_PAIRS:
            return f"{both} rows have a verdict on both sides; {FEWEST_PAIRS} are the fewest"
        return None


@dataclass
class _Judged:
    """One metric while it is decided."""

    metric: Measured
    difference: Difference
    passes: bool = False
    level: Level = "met"
    p_holm: float = 1.0
    is_lost: bool = False
    """Whether its loss is certain."""
    notes: list[str] = field(default_factory=list[str])

    @property
    def outcome(self) -> Decision:
        if self.level == "surely missed" or (self.is_lost and not self.passes):
            return "regressed"
        return "passed" if self.passes and self.level == "met" else "not_enough_evidence"


def margin_of(rule: MetricRule, common: MetricRule, rows: int) -> float:
    """Return the margin of a metric: its own, that of all, or the default for these rows."""
    for chosen in (rule.margin, common.margin):
        if chosen is not None:
            return chosen
    return MARGIN_OF_FEW if rows <= FEW_ROWS else MARGIN_OF_MANY


def decide(
    metrics: Sequence[Measured],
    rules: GateRules,
    pinned: PinnedRows | None = None,
    look: Look = "only",
) -> GateReport:
    """Return the decision of a gate.

    Args:
        metrics: the metrics, at least one.
        rules: the section `[gate]`.
        pinned: the pinned rows, and those that failed; None without any.
        look: which of its looks it is. At a look before the last, rows that cannot be judged may
            still be outnumbered, so `could_not_run` is not final.
    """
    if look == "only":
        return _decided(metrics, rules, pinned, _ONCE)
    report = _decided(metrics, rules, pinned, _AT_EVERY_LOOK)
    if look == "early" or report.outcome in {"passed", "regressed"}:
        return report
    lower = rules.model_copy(update={"certainty": last_certainty(rules.certainty)})
    report = _decided(metrics, lower, pinned, _ONCE)
    return report.model_copy(update={"certainty": rules.certainty})


def _decided(
    metrics: Sequence[Measured], rules: GateRules, pinned: PinnedRows | None, tests: _Tests
) -> GateReport:
    refusals = [(metric, text) for metric in metrics if (text := metric.refusal)]
    if refusals:
        return _could_not_run(metrics, refusals, rules)
    judged = [_Judged(each, tests.measured(each.pairs, rules.certainty)) for each in metrics]
    _judge(judged, rules, tests)
    several = len(judged) > 1
    lines = [_line(each, rules, several=several) for each in judged]
    outcomes = [each.outcome for each in judged]
    overall: Decision = "not_enough_evidence"
    if "regressed" in outcomes or (pinned and pinned.failed):
        overall = "regressed"
    elif all(outcome == "passed" for outcome in outcomes):
        overall = "passed"
    return GateReport(
        outcome=overall,
        exit_code=exit_code(overall, rules),
        sentence=words.whole(overall, lines, pinned),
        certainty=rules.certainty,
        metrics=lines,
        pinned=pinned,
        notes=[note for each in judged for note in each.notes],
    )


def exit_code(outcome: Decision, rules: GateRules | None) -> int:
    """Return the exit code of an outcome."""
    if outcome == "not_enough_evidence" and (rules is None or rules.unclear != "fail"):
        return 0
    return EXIT_CODES[outcome]


def _judge(judged: Sequence[_Judged], rules: GateRules, tests: _Tests) -> None:
    """Decide what passes and what is surely lost; several metrics are corrected by Holm."""
    tail = LOSS_SHARE * (100 - rules.certainty) / 100
    corrected = holm([each.difference.p for each in judged])
    for each, p_holm in zip(judged, corrected, strict=True):
        margin = each.metric.margin / each.metric.unit
        ends = each.difference.interval
        within_margin = ends is not None and ends[0] > -margin
        each.p_holm = p_holm
        each.passes = within_margin or each.metric.pairs.same_answers
        each.is_lost = _is_lost(each, len(judged), tail, rules, tests)
        floor = each.metric.floor
        if floor is not None and not tests.reaches_floors:
            each.level = "open"
        elif floor is not None:
            pairs, unit = each.metric.pairs, each.metric.unit
            each.level = level_against(pairs, floor / unit, tail / len(judged))
        if each.passes and each.is_lost:
            each.notes.append(words.small_loss(each.metric.name, each.metric.margin))


def _is_lost(judged: _Judged, metrics: int, tail: float, rules: GateRules, tests: _Tests) -> bool:
    """Return whether a loss is certain: by the interval, and with several metrics by Holm."""
    if rules.fail_if == "worse_than_margin":
        ends = tests.interval_of_loss(judged.metric.pairs, tail / metrics)
        return ends is not None and ends[1] < -judged.metric.margin / judged.metric.unit
    if metrics > 1:
        return judged.p_holm <= tail
    ends = judged.difference.interval_of_loss
    return ends is not None and ends[1] < 0


def _line(judged: _Judged, rules: GateRules, *, several: bool) -> GateMetric:
    metric, difference = judged.metric, judged.difference
    unit, pairs = metric.unit, metric.pairs
    line = GateMetric(
        name=metric.name,
        figure=pairs.figure,
        outcome=judged.outcome,
        sentence="",
        margin=metric.margin,
        floor=metric.floor,
        rows=len(pairs.candidate),
        pairs=len(pairs.both),
        baseline=_rounded(difference.baseline * unit),
        candidate=_rounded(difference.candidate * unit),
        difference=_rounded(difference.value * unit),
        interval=_ends(difference.interval, unit, difference.level, difference.method),
        interval_of_loss=_ends(
            difference.interval_of_loss, unit, difference.level_of_loss, difference.method
        ),
        better=difference.better,
        worse=difference.worse,
        p=_rounded(difference.p),
        p_holm=_rounded(judged.p_holm) if several else None,
        rows_needed=rows_to_pass(difference.spread, metric.margin / unit, rules.certainty),
    )
    sentence = words.of_metric(line, judged.level, same_answers=pairs.same_answers)
    return line.model_copy(update={"sentence": sentence})


def _could_not_run(
    metrics: Sequence[Measured], refusals: Sequence[tuple[Measured, str]], rules: GateRules
) -> GateReport:
    reasons = {metric.name: text for metric, text in refusals}
    lines = [
        GateMetric(
            name=metric.name,
            figure=metric.pairs.figure,
            outcome="could_not_run",
            sentence=words.could_not_run(reasons.get(metric.name, "another metric could not run")),
            margin=metric.margin,
            rows=len(metric.pairs.candidate),
            pairs=len(metric.pairs.both),
        )
        for metric in metrics
    ]
    sentence = words.could_not_run("; ".join(words.named(lines, reasons)))
    return GateReport(
        outcome="could_not_run",
        exit_code=EXIT_CODES["could_not_run"],
        sentence=sentence,
        certainty=rules.certainty,
        metrics=lines,
    )


def _ends(ends: Ends | None, unit: float, level: float, method: str) -> ReportedEnds | None:
    if ends is None:
        return None
    low, high = (_rounded(unit * end) for end in ends)
    return ReportedEnds(low=low, high=high, level=_rounded(level), method=method)


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")
