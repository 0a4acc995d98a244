"""What a run that may stop early says of its evidence, while it runs and at its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from evals_schemas.contract import Answer
from evals_schemas.sequential.betting import ALPHA, NEEDED
from evals_schemas.sequential.evidence import Figures
from evals_schemas.sequential.last_look import LastLook, last_look
from evals_schemas.sequential.stopping import Decision, Stopping

DecisionName = Literal[
    "a_better",
    "b_better",
    "above",
    "below",
    "smaller_than",
    "width",
    "budget",
    "order_decides",
    "undecided",
    "all_rows",
]

CERTAIN = frozenset({"a_better", "b_better", "above", "below"})
"""The decisions that name a side."""


class LastLookFigures(Answer):
    """The exact test after all rows of a comparison."""

    p: float = Field(description="Two-sided p-value of the sign test.")
    level: float = Field(description="It decides up to this p-value.")


class EarlierDecision(Answer):
    """What a stopped evaluation had decided before its other rows were judged."""

    evaluation_id: str = Field(description="The evaluation that stopped.")
    ended_at: str | None = Field(default=None, description="When it ended, in ISO 8601.")
    decision: DecisionName | None = Field(default=None, description="Absent if it was cancelled.")
    decided_at_row: int | None = Field(default=None, description="Rows of the order it counted.")
    e: float = Field(description="The e-value then.", ge=0)
    interval: list[float] = Field(description="The interval then; see `Sequential`.")
    rows_judged: int = Field(description="Rows with a verdict or a failure, all told.", ge=0)


class Sequential(Answer):
    """Evidence over the rows in their seeded order."""

    claim: str = Field(
        default="rows like these", description="What the decision is about: not only these rows."
    )
    alpha: float = Field(default=ALPHA, description="Probability of a false decision, at most.")
    e: float = Field(description="The e-value; `needed` decides.", ge=0)
    needed: float = Field(default=NEEDED, description="The e-value that decides.")
    leads: str | None = Field(
        default=None, description="a, b, above or below; absent if neither leads."
    )
    counts: dict[str, float] = Field(
        description="A, B and ties, or passed and not_passed, among the rows counted."
    )
    rows_counted: int = Field(description="Rows with a verdict that the evidence counts.", ge=0)
    rows_failed: int = Field(default=0, description="Rows among them without a verdict.", ge=0)
    rows_waiting: int = Field(default=0, description="Judged, behind a row that is out.", ge=0)
    rows_after_decision: int = Field(
        default=0, description="Judged as well, and not counted.", ge=0
    )
    rows_not_judged: int = Field(description="Rows left.", ge=0)
    rows_taken_over: int = Field(
        default=0, description="Judged by the stopped evaluation that this one continues.", ge=0
    )
    earlier: list[EarlierDecision] | None = Field(
        default=None,
        description="What the evaluations that were continued had decided, the first one first.",
    )
    interval: list[float] = Field(
        description="Both ends at 95 %, valid at every look: B - A in points, or the pass rate in "
        "percent."
    )
    decision: DecisionName | None = Field(default=None, description="Absent while it runs.")
    decided_at_row: int | None = Field(default=None, description="Rows of the order it counts.")
    decided_at_unit: int | None = Field(
        default=None, description="Units of the order it counts: rows, or clusters."
    )
    last_look: LastLookFigures | None = Field(
        default=None, description="After all rows of a comparison."
    )
    order_changed_percent: float | None = Field(
        default=None, description="Pairs whose verdict changed with the order."
    )
    order_seed: int = Field(description="The seed of the order.")
    spent_usd: float | None = Field(default=None, description="By the prices of the request.")


SequentialField = Annotated[
    Sequential | None,
    Field(
        description="Evidence and decision of an evaluation with `stop_when`; the embedded engine "
        "only."
    ),
]
"""A field with what is known so far, or since the end; None without `stop_when`."""


@dataclass(frozen=True)
class RowNumbers:
    """The rows behind the units of a run."""

    total: int
    """Rows of the data set."""
    judged: int
    """Rows that have ended."""
    counted: int
    """Rows of the units that the figures count."""
    failed: int
    """Rows among them without a verdict."""
    seed: int
    spent_usd: float | None = None
    has_ended: bool = False
    """Whether no further row is judged now."""
    taken_over: int = 0
    """Rows whose verdicts are those of the evaluation that is continued."""


def sequential_record(
    stopping: Stopping,
    rows: RowNumbers,
) -> Sequential:
    """Return what is known now, or since the decision.

    Args:
        stopping: the rules and the values.
        rows: the rows behind the units that are counted: the decision's, else the prefix.
    """
    decision = stopping.decision
    units = decision.units if decision else stopping.prefix
    figures = stopping.evidence.figures(units)
    look = None
    if rows.has_ended and decision is None and rows.judged == rows.total:
        certain = _certain_at_the_end(stopping, figures)
        look = None if certain else _last_look(stopping, figures)
    name = _name(stopping, figures, decision, look) if decision or rows.has_ended else None
    low, high = figures.interval()
    beyond = rows.judged - rows.counted
    return Sequential(
        e=_rounded(figures.e(stopping.mean)),
        leads=_leader(stopping, figures),
        counts=_counts(stopping, figures),
        rows_counted=rows.counted - rows.failed,
        rows_failed=rows.failed,
        rows_waiting=0 if decision else max(0, beyond),
        rows_after_decision=max(0, beyond) if decision else 0,
        rows_not_judged=rows.total - rows.judged,
        rows_taken_over=rows.taken_over,
        interval=[_points(stopping, low), _points(stopping, high)],
        decision=name,
        decided_at_row=rows.counted if decision else None,
        decided_at_unit=decision.units if decision else None,
        last_look=look and LastLookFigures(p=look.p, level=look.level),
        order_changed_percent=_order_changed(stopping, units),
        order_seed=rows.seed,
        spent_usd=rows.spent_usd,
    )


def _last_look(stopping: Stopping, figures: Figures) -> LastLook | None:
    """Return the exact test of a comparison whose rows each count as a win, a loss or a tie."""
    values = figures.at_least
    if not (stopping.is_difference and stopping.rules.decided) or values.keys() - {0.0, 0.5, 1.0}:
        return None
    return last_look(values.get(1.0, 0), values.get(0.0, 0))


def _name(
    stopping: Stopping, figures: Figures, decision: Decision | None, look: LastLook | None
) -> DecisionName:
    if decision is None:
        certain = _certain_at_the_end(stopping, figures)
        if certain is None and (look is None or not look.decides):
            asked = stopping.rules.decided or not stopping.to_the_end
            return "undecided" if asked else "all_rows"
        if stopping.evidence.order_changed(stopping.prefix) >= 0.5:
            return "order_decides"
        if certain is not None:
            return certain
        wins, losses = figures.at_least.get(1.0, 0), figures.at_least.get(0.0, 0)
        return "b_better" if wins > losses else "a_better"
    if not stopping.is_difference or decision.kind not in {"above", "below"}:
        return decision.kind
    return "b_better" if decision.kind == "above" else "a_better"


def _certain_at_the_end(stopping: Stopping, figures: Figures) -> DecisionName | None:
    """Return the side that all rows show, of a run that nothing could stop; None if none."""
    has_target = stopping.is_difference or stopping.rules.target is not None
    if not (stopping.to_the_end and has_target):
        return None
    names: tuple[DecisionName, DecisionName] = (
        ("b_better", "a_better") if stopping.is_difference else ("above", "below")
    )
    if figures.shows(stopping.mean, "above"):
        return names[0]
    return names[1] if figures.shows(stopping.mean, "below") else None


def _leader(stopping: Stopping, figures: Figures) -> str | None:
    total = sum(value * count for value, count in figures.at_least.items())
    mean = total / figures.units if figures.units else stopping.mean
    if abs(mean - stopping.mean) < 1e-12:
        return None
    names = ("b", "a") if stopping.is_difference else ("above", "below")
    return names[mean < stopping.mean]


def _counts(stopping: Stopping, figures: Figures) -> dict[str, float]:
    values = figures.at_least
    if stopping.is_difference and not values.keys() - {0.0, 0.5, 1.0}:
        return {"A": values.get(0.0, 0), "B": values.get(1.0, 0), "ties": values.get(0.5, 0)}
    passed = sum(value * count for value, count in values.items())
    if stopping.is_difference:
        return {"A": _rounded(figures.units - passed), "B": _rounded(passed)}
    return {"passed": _rounded(passed), "not_passed": _rounded(figures.units - passed)}


def _points(stopping: Stopping, mean: float) -> float:
    return round(stopping.scale * mean - (100 if stopping.is_difference else 0), 4)


def _order_changed(stopping: Stopping, units: int) -> float | None:
    share = stopping.evidence.order_changed(units)
    return _rounded(100 * share) if share else None


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")
