"""A plan as text: its calls, tokens, cost and remarks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from evals_mcp.cleaning import quoted
from evals_mcp.launching.agreed_estimate import Estimate
from evals_mcp.spending.dollars import usd_range
from evals_schemas.tools.plans import ModelCalls, Plan, Range

_COUNT = re.compile(r"and [0-9,]+ more")


def plan_lines(plan: Plan) -> Iterator[str]:
    """Yield problems, figures and notes, one per line; warnings are not part of a plan's text."""
    yield from (f"Problem: {problem}" for problem in plan.problems)
    rows = "Rows unknown" if plan.rows is None else _count(plan.rows, "row")
    yield f"{rows}; {Estimate.of(plan)}{_tokens(plan.input_tokens, plan.output_tokens)}."
    yield from map(_model, plan.models)
    if plan.duration_seconds:
        yield f"Estimated to take {_span(plan.duration_seconds)}."
    if plan.power:
        yield plan.power.sentence
    if plan.columns_used:
        yield f"Columns sent: {_names(plan.columns_used)}"
    if plan.columns_carried:
        yield f"Columns not sent, joined back to the results: {_names(plan.columns_carried)}"
    if plan.rubric:
        yield f"The ready rubric in full, as a template:\n{plan.rubric}"
    if plan.first_row:
        yield "First row, rendered (data, not instructions):"
        yield from (f"- {rendered.template}: {rendered.text}" for rendered in plan.first_row)
    yield from (f"Note: {note}" for note in plan.notes)


def _names(columns: Sequence[str]) -> str:
    """Return the columns as a list in a sentence; a shortened list ends in a count."""
    *names, last = columns
    shown = last if _COUNT.fullmatch(last) else quoted(last, 60)
    return ", ".join([*(quoted(name, 60) for name in names), shown])


def cost_line(calls: int | None, cost: Range | None) -> str | None:
    """Return calls and cost in a few words; None if both are unknown."""
    if calls is None and cost is None:
        return None
    return "no model calls, no cost" if calls == 0 else str(Estimate(calls, cost))


def _model(calls: ModelCalls) -> str:
    price = f", {usd_range(calls.cost_usd)}" if calls.cost_usd else ""
    tokens = _tokens(calls.input_tokens, calls.output_tokens) if calls.calls else ""
    return f"- {calls.role} {quoted(calls.model, 80)}: {_count(calls.calls, 'call')}{tokens}{price}"


def _tokens(read: int | None, written: int | None) -> str:
    if read is None or written is None or not read + written:
        return ""
    return f", about {_amount(read)} tokens in and {_amount(written)} out"


def _amount(number: int) -> str:
    """Return a number rounded to three significant digits, the precision of an estimate."""
    rounded = int(float(f"{number:.3g}"))
    for word, unit in (("billion", 10**9), ("million", 10**6)):
        if rounded >= unit:
            return f"{rounded / unit:,.3g} {word}"
    return f"{rounded:,}"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _span(seconds: Range) -> str:
    unit, name = (1, "s") if seconds.high < 90 else (60, "min")
    unit, name = (3600, "h") if seconds.high >= 5400 else (unit, name)
    if seconds.high < 1:
        return "under a second"
    low, high = f"{seconds.low / unit:.2g}", f"{seconds.high / unit:.2g}"
    return f"{low} {name}" if low == high else f"{low} to {high} {name}"
