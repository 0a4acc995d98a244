from __future__ import annotations

from typing import Any

import pytest

from evals_mcp.launching.budget import over_the_limit, reasons_to_ask
from evals_mcp.settings.schema import BudgetSettings
from evals_schemas.tools.plans import Plan, Range


def plan(high: float | None = None, **fields: Any) -> Plan:
    cost = None if high is None else Range(low=high / 2, high=high)
    return Plan.model_validate({"rows": 500, "calls": 500, "cost_usd": cost, **fields})


def budget(**fields: Any) -> BudgetSettings:
    return BudgetSettings(**fields)


@pytest.mark.parametrize(
    ("planned", "settings", "asked"),
    [
        (plan(1.0), {}, None),
        (plan(1.01), {}, "above $1.00 (budget.confirm_above_usd)"),
        (plan(0.01), {"confirm_above_usd": 0}, "above $0.00"),
        (plan(0.0), {"confirm_above_usd": 0}, None),
        (plan(calls=1000), {}, None),
        (plan(calls=1001), {}, "more than 1,000 calls (budget.confirm_above_calls)"),
        (plan(calls=1), {"confirm_above_calls": 0}, "more than 0 calls"),
        (
            plan(calls=1),
            {"max_usd": 25},
            "Without a price, budget.max_usd ($25.00) cannot be enforced",
        ),
        (plan(calls=None), {}, "number of calls is unknown"),
        (plan(calls=1, price_unavailable=True), {}, "price list is unavailable"),
        (plan(0.5, calls=1), {}, None),
        (plan(0.5, calls=100_000), {}, None),
        (plan(calls=0), {"confirm_above_calls": 0, "confirm_above_usd": 0, "max_usd": 0}, None),
        (plan(5.0, calls=0), {"max_usd": 0}, None),
    ],
)
def test_the_user_is_asked_above_the_budget(
    planned: Plan, settings: dict[str, float], asked: str | None
) -> None:
    reasons = reasons_to_ask(planned, budget(**settings))

    if asked is None:
        assert not reasons
    else:
        (reason,) = reasons
        assert asked in reason


def test_a_likely_mistake_is_asked_about_though_it_costs_nothing() -> None:
    assert reasons_to_ask(plan(calls=0, warnings=["The same text twice."]), budget()) == [
        "The same text twice."
    ]


@pytest.mark.parametrize(
    ("planned", "limit", "told"),
    [
        (plan(10.0), 10, None),
        (plan(10.0), None, None),
        (plan(None), 1, None),
        (plan(10.0, calls=0), 1, None),
        (plan(10.0), 5, "about 250 of the 500 rows would fit"),
        (plan(10.0, rows=12_345), 5, "about 6,100 of the 12,345 rows would fit"),
        (plan(10.0), 0.001, "not even one row fits"),
        (plan(10.0, rows=None), 5, "may be above budget.max_usd ($5.00)"),
        (plan(10.0), 4.99, "$5.00 to $10.00, is above budget.max_usd ($4.99)"),
    ],
)
def test_above_the_limit_nothing_starts_and_what_would_fit_is_told(
    planned: Plan, limit: float | None, told: str | None
) -> None:
    text = over_the_limit(planned, budget(max_usd=limit))

    if told is None:
        assert text is None
    else:
        assert text is not None
        assert told in text
        assert "The estimated cost, $5.00 to $10.00, " in text
        assert "above budget.max_usd (" in text
        assert "raise budget.max_usd" in text
