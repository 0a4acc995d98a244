"""Whether an evaluation may start, and whether the user is asked first."""

from __future__ import annotations

from collections.abc import Iterator

from evals_mcp.launching.agreed_estimate import usd, usd_range
from evals_mcp.settings.schema import BudgetSettings
from evals_schemas.tools.plans import Plan


def over_the_limit(plan: Plan, budget: BudgetSettings) -> str | None:
    """Why a plan is refused whatever the user says; None when it is not."""
    limit, cost = budget.max_usd, plan.cost_usd
    if limit is None or cost is None or plan.calls == 0 or cost.high <= limit:
        return None
    above = "is above" if cost.low > limit else "may be above"
    return (
        f"The estimated cost, {usd_range(cost)}, {above} budget.max_usd ({usd(limit)}): "
        f"{_what_fits(plan, limit)}a cheaper model would cost less, and whoever runs this server "
        "may raise budget.max_usd."
    )


def reasons_to_ask(plan: Plan, budget: BudgetSettings) -> list[str]:
    """Why the user is asked before this plan is carried out; empty when it simply starts."""
    return [*_of_money(plan, budget), *plan.warnings]


def _of_money(plan: Plan, budget: BudgetSettings) -> Iterator[str]:
    if plan.calls == 0:
        return
    if plan.cost_usd is not None:
        if plan.cost_usd.high > budget.confirm_above_usd:
            above = usd(budget.confirm_above_usd)
            yield f"The cost may be above {above} (budget.confirm_above_usd)."
    elif budget.max_usd is not None:
        yield f"Without a price, budget.max_usd ({usd(budget.max_usd)}) cannot be kept."
    elif plan.price_unavailable:
        yield "The service's price list cannot be had at the moment."
    elif plan.calls is None:
        yield "It cannot be told how much that is."
    elif plan.calls > budget.confirm_above_calls:
        above = f"{budget.confirm_above_calls:,} calls (budget.confirm_above_calls)"
        yield f"Without a price, more than {above} are asked about first."


def _what_fits(plan: Plan, limit: float) -> str:
    """About how many rows the limit is enough for; nothing where that cannot be said."""
    if not plan.rows or plan.cost_usd is None:
        return ""
    rows = int(plan.rows * limit / plan.cost_usd.high)
    if rows < 1:
        return "not even one row fits; "
    return f"about {_rounded_down(rows):,} of its {plan.rows:,} rows would fit; "


def _rounded_down(rows: int) -> int:
    """Two leading digits: more would promise too much."""
    step = 10 ** max(0, len(str(rows)) - 2)
    return rows // step * step
