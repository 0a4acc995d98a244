"""Whether the budget allows an evaluation, and whether the user is asked first."""

from __future__ import annotations

from collections.abc import Iterator

from evals_mcp.settings.schema import BudgetSettings
from evals_mcp.spending.day import Day
from evals_mcp.spending.dollars import usd, usd_range
from evals_schemas.tools.plans import Plan


def over_the_limit(plan: Plan, budget: BudgetSettings) -> str | None:
    """Return why the budget refuses a plan, even with the user's agreement; None if it does not."""
    limit, cost = budget.max_usd, plan.cost_usd
    if limit is None or cost is None or plan.calls == 0 or cost.high <= limit:
        return None
    above = "is above" if cost.low > limit else "may be above"
    return (
        f"The estimated cost, {usd_range(cost)}, {above} budget.max_usd ({usd(limit)}): "
        f"{_rows_within(plan, limit)}use a cheaper model, or ask the administrator to raise "
        "budget.max_usd."
    )


def over_the_day(plan: Plan, day: Day | None) -> str | None:
    """Return why the limit of a day refuses a plan; None if it does not, or without a limit."""
    if day is None or plan.cost_usd is None or plan.calls == 0 or day.fits(plan.cost_usd):
        return None
    return day.refusal(plan.cost_usd)


DECLINED_BEFORE = "The user has declined this request before."
"""The reason to ask about a request that would need no agreement otherwise."""


def reasons_to_ask(plan: Plan, budget: BudgetSettings) -> list[str]:
    """Return why the user is asked before this plan starts; empty if no question is needed."""
    return [*_cost_reasons(plan, budget), *plan.warnings]


def _cost_reasons(plan: Plan, budget: BudgetSettings) -> Iterator[str]:
    if plan.calls == 0:
        return
    if plan.cost_usd is not None:
        if plan.cost_usd.high > budget.confirm_above_usd:
            above = usd(budget.confirm_above_usd)
            yield f"The cost may be above {above} (budget.confirm_above_usd)."
    elif limits := list(_limits(budget)):
        yield f"Without a price, {' and '.join(limits)} cannot be enforced."
    elif plan.price_unavailable:
        yield "The service's price list is unavailable at the moment."
    elif plan.calls is None:
        yield "The number of calls is unknown."
    elif plan.calls > budget.confirm_above_calls:
        above = f"{budget.confirm_above_calls:,} calls (budget.confirm_above_calls)"
        yield f"Without a price, more than {above} need the user's agreement."


def _limits(budget: BudgetSettings) -> Iterator[str]:
    for name in ("max_usd", "max_usd_per_day"):
        limit: float | None = getattr(budget, name)
        if limit is not None:
            yield f"budget.{name} ({usd(limit)})"


def _rows_within(plan: Plan, limit: float) -> str:
    """Return about how many rows the limit covers, or an empty text if that is unknown."""
    if not plan.rows or plan.cost_usd is None:
        return ""
    rows = int(plan.rows * limit / plan.cost_usd.high)
    if rows < 1:
        return "not even one row fits; "
    return f"about {_rounded_down(rows):,} of the {plan.rows:,} rows would fit; "


def _rounded_down(rows: int) -> int:
    """Round down to two leading digits, since the estimate is not more precise."""
    step = 10 ** max(0, len(str(rows)) - 2)
    return rows // step * step
