"""What a file consents to: dollars by the plan, or calls where no price is known."""

from __future__ import annotations

from typing import Any

import pytest

from evals_mcp.errors import InvalidRequestError
from evals_mcp.repository_runs.consent import models_are_here, refuse_without_consent
from evals_schemas.repository.evals_file import EvalsFile
from evals_schemas.tools.inputs import CreateEvaluationInput
from evals_schemas.tools.plans import Range
from tests.server.serving import settings

CLASSIFY: dict[str, Any] = {
    "type": "classify",
    "labels": ["a", "b"],
    "pass_labels": ["a"],
    "response_column": "answer",
    "judge": {"model": "judge", "system_template": "{{x}}"},
}


def file(**fields: Any) -> EvalsFile:
    return EvalsFile.model_validate(CLASSIFY | {"data": "rows.jsonl"} | fields)


def refused(content: EvalsFile, *costs: tuple[int | None, float | None], here: bool = False) -> str:
    ranges = [
        (calls, None if usd is None else Range(low=usd / 2, high=usd)) for calls, usd in costs
    ]
    try:
        refuse_without_consent(content, ranges, are_free=here)
    except InvalidRequestError as error:
        return str(error)
    return ""


def test_the_high_end_of_all_plans_together_must_be_within_the_limit() -> None:
    assert refused(file(max_usd=1), (10, 0.6), (10, 0.4)) == ""
    text = refused(file(max_usd=1), (10, 0.6), (10, 0.5))
    assert text.startswith("It would cost $0.55 to $1.10, and `max_usd` is $1.00")
    assert text.endswith("Nothing was started.")
    assert "`max_usd = 0.60`" in refused(file(), (10, 0.5))
    assert refused(file(max_usd=0), (10, 0.01)) != ""


def test_what_makes_no_call_or_is_on_this_machine_needs_no_consent() -> None:
    assert refused(file(), (0, None), (0, 0)) == ""
    assert refused(file(), (500, None), here=True) == ""
    assert refused(file(), (500, 0)) == ""


def test_calls_without_a_price_need_a_consent_of_their_own() -> None:
    assert "`max_calls = 30`" in refused(file(max_usd=100), (10, None), (20, None))
    assert refused(file(max_calls=30), (10, None), (20, None)) == ""
    assert "`max_calls` is 29" in refused(file(max_calls=29), (10, None), (20, None))
    assert "unknown" in refused(file(max_calls=29, max_usd=9), (None, None))


@pytest.mark.parametrize(
    ("base_url", "here"), [("http://127.0.0.1:1/v1", True), ("https://gpu.lan/v1", False)]
)
def test_a_model_costs_nothing_only_at_an_address_of_this_machine(
    base_url: str, here: bool
) -> None:
    request = CreateEvaluationInput.model_validate(CLASSIFY)
    configured = settings(local={"models": {"base_url": base_url}})
    assert models_are_here([request], configured) is here
    rule = {"judge": {"model": "rule/contains", "system_template": "x"}}
    assert models_are_here([CreateEvaluationInput.model_validate(CLASSIFY | rule)], configured)
    vendors = settings(server={"provider": "together"}, together={"token": "x"})
    assert not models_are_here([request], vendors)
