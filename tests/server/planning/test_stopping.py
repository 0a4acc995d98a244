"""What a plan says of `stop_when`."""

from __future__ import annotations

from typing import Any

import pytest
from tests.server.planning.requests import JUDGE, ROWS, classify, compare, planned, stored

from evals_mcp.errors import InvalidRequestError
from evals_mcp.launching.stopping.rules import with_prices
from evals_mcp.planning.stopping import rows_for_width
from evals_mcp.providers.protocol import JudgedRequest
from evals_schemas.sequential.stop_when import EngineStopWhen


def stopping(request: JudgedRequest, **rules: Any) -> JudgedRequest:
    return request.model_copy(update={"stop_when": EngineStopWhen.model_validate(rules)})


async def test_a_service_that_cannot_stop_is_a_problem_with_a_way_out() -> None:
    service = stored(*ROWS)
    service.name = "together"
    request = stopping(classify(), decided=True, target=80)
    plan = await planned(request, service)

    assert any("`evals-mcp run` does that" in problem for problem in plan.problems)


def test_rows_for_a_width_are_those_whose_interval_is_as_narrow() -> None:
    assert rows_for_width(15.8, is_difference=False) == pytest.approx(100, rel=0.03)
    assert rows_for_width(4.2, is_difference=False) == pytest.approx(1_500, rel=0.05)
    assert rows_for_width(10, is_difference=True) == pytest.approx(730, rel=0.05)
    assert rows_for_width(0.01, is_difference=False) is None


async def test_a_limit_in_dollars_brings_the_prices_that_it_is_counted_by() -> None:
    service = stored(*ROWS)
    request = stopping(classify(), max_usd=1)

    priced = await with_prices(request, service)
    plain = await with_prices(classify(), service)

    assert priced.stop_when is not None
    assert list(priced.stop_when.prices or {}) == ["judge"]
    assert plain.stop_when is None
    unknown = classify(judge={**JUDGE, "model": "no-such-model"})
    with pytest.raises(InvalidRequestError, match="max_usd cannot be counted"):
        await with_prices(stopping(unknown, max_usd=1), service)
    assert (await with_prices(stopping(compare(), decided=True), service)).stop_when


async def test_a_plan_says_what_each_rule_takes_and_costs() -> None:
    request = stopping(compare(), decided=True, smaller_than=5, width=10, max_usd=0.5)
    plan = await planned(request, stored(*ROWS[:100]))
    notes = " ".join(plan.notes)

    assert not plan.problems
    assert "a quarter of the rows" in notes
    assert "about 4,000 with 30 %" in notes
    assert "width 10 takes about" in notes
    assert "max_usd $0.50" in notes
    assert "25 rows at once of 100" in notes
    assert plan.cost_usd is None or plan.cost_usd.high <= 0.5
