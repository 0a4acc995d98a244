"""What an evaluation has cost: only what the service reports, and never 0 for what is unknown."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals_mcp.providers.protocol import Provider
from evals_mcp.rendering.costs import cost as cost_text
from evals_mcp.spending.actual import ActualCost, actual_cost, used_by
from evals_mcp.spending.prices import PriceList
from evals_mcp.spending.settling import EvaluationCost
from evals_mcp.spending.shown import shown_cost
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.evaluation_api.models import Model, Pricing
from evals_schemas.evaluation_api.usage import Usage
from evals_schemas.tools.plans import Range
from tests.server.fake_provider import FakeProvider

PRICES = PriceList(
    {
        "cheap": Model(id="cheap", pricing=Pricing(input=1, output=2)),
        "dear": Model(id="dear", pricing=Pricing(input=10, output=30)),
        "local": Model(id="local"),
    }
)
ENGINE = FakeProvider()
VENDOR = FakeProvider(name="together")


def model(name: str, source: str = "serverless") -> dict[str, Any]:
    return {"model": name, "model_source": source}


def used(calls: int, read: int, written: int, unreported: int = 0) -> dict[str, int]:
    names = ("calls", "input_tokens", "output_tokens", "unreported_calls")
    return dict(zip(names, (calls, read, written, unreported), strict=True))


def ended(usage: Any = None, *, status: str = "completed", **parameters: Any) -> EvaluationJob:
    results = {"pass_percentage": 50.0} | ({} if usage is None else {"usage": usage})
    return EvaluationJob(
        workflow_id="eval-1",
        type="classify",
        status=status,
        parameters=parameters or {"judge": model("cheap")},
        results=results,
    )


def cost(job: EvaluationJob, service: Provider = ENGINE, prices: PriceList = PRICES) -> ActualCost:
    use = used_by(job, service)
    assert use is not None
    return actual_cost(job, use, prices)


def told(job: EvaluationJob, service: Provider = ENGINE, estimate: Range | None = None) -> str:
    known = EvaluationCost(service.name, estimate, cost(job, service))
    return cost_text(shown_cost(known)) or ""


def by_role(**roles: dict[str, int]) -> dict[str, Any]:
    tokens = {
        name: sum(role[name] for role in roles.values())
        for name in ("input_tokens", "output_tokens")
    }
    return tokens | {"by_role": roles}


@given(
    st.tuples(st.integers(1, 9), st.integers(0, 10**9), st.integers(0, 10**9)),
    st.tuples(st.integers(1, 9), st.integers(0, 10**9), st.integers(0, 10**9)),
)
def test_each_model_is_paid_by_its_own_price(
    judge: tuple[int, int, int], answers: tuple[int, int, int]
) -> None:
    usage = by_role(judge=used(*judge), model_to_evaluate=used(*answers))
    job = ended(usage, judge=model("cheap"), model_to_evaluate=model("dear"))
    found = cost(job)
    expected = (judge[1] + 2 * judge[2] + 10 * answers[1] + 30 * answers[2]) / 1e6
    assert found.usd == pytest.approx(expected, rel=1e-5)
    assert found.usage == Usage(*judge).plus(Usage(*answers))
    assert found.unknown is None


def test_a_cost_is_told_with_its_calls_its_tokens_and_the_estimate() -> None:
    job = ended(by_role(judge=used(300, 100_000, 20_000)))
    assert told(job, estimate=Range(low=0.1, high=0.25)) == (
        "Cost: $0.14; 300 calls, 100,000 tokens in and 20,000 out; the estimate was $0.10 to $0.25."
    )


@pytest.mark.parametrize(
    ("job", "service", "reason"),
    [
        pytest.param(ended(), VENDOR, "not reported by together", id="a vendor"),
        pytest.param(ended(), ENGINE, "not reported by local", id="figures without tokens"),
        pytest.param(
            ended({"input_tokens": 0, "output_tokens": 0}),
            ENGINE,
            "not reported by local",
            id="an earlier engine whose endpoint reports nothing",
        ),
        pytest.param(
            ended({"input_tokens": "many"}), VENDOR, "not reported by together", id="no numbers"
        ),
        pytest.param(
            ended(
                {"input_tokens": 9, "output_tokens": 9},
                judge=model("cheap"),
                model_to_evaluate=model("dear"),
            ),
            ENGINE,
            "local does not report the tokens of each model",
            id="two models together",
        ),
        pytest.param(
            ended(by_role(judge=used(3, 9, 9)), judge=model("local")),
            ENGINE,
            "no price is known for 'local'",
            id="no price",
        ),
        pytest.param(
            ended(by_role(judge=used(3, 9, 9)), judge=model("cheap", "external")),
            ENGINE,
            "no price is known for 'cheap'",
            id="somebody else's model of the same name",
        ),
        pytest.param(
            ended(by_role(judge=used(3, 9, 9, 2))), ENGINE, "2 of 3 calls reported no tokens"
        ),
    ],
)
def test_what_is_unknown_is_none_with_its_reason(
    job: EvaluationJob, service: Provider, reason: str
) -> None:
    found = cost(job, service)
    assert (found.usd, found.unknown) == (None, reason)
    assert told(job, service, Range(low=0.27, high=3.18)).startswith(f"Cost: unknown ({reason})")
    assert told(job, service, Range(low=0.27, high=3.18)).endswith("was $0.27 to $3.18.")


def test_without_a_price_list_the_tokens_remain() -> None:
    job = ended(by_role(judge=used(3, 9, 9)))
    found = cost(job, prices=PriceList(failure="no answer within 5 s"))
    assert found.unknown == "the price list is unavailable (no answer within 5 s)"
    assert found.usage == Usage(3, 9, 9)


def test_tokens_of_an_earlier_version_are_those_of_the_only_model() -> None:
    usage = {"input_tokens": 1_000_000, "output_tokens": 500_000}
    job = ended(usage, judge=model("rule/contains"), model_to_evaluate=model("cheap"))
    assert cost(job).usd == 2.0
    assert told(job) == "Cost: $2.00; 1,000,000 tokens in and 500,000 out."


def test_what_calls_no_model_costs_nothing_and_what_runs_has_no_cost_yet() -> None:
    free = ended(judge=model("rule/contains"), model_to_evaluate="answer")
    nothing_judged = ended(status="user_error")
    nothing_judged.results = {"error": "The endpoint is gone.", "reason": "endpoint_unreachable"}
    for job in (free, nothing_judged):
        assert cost(job) == ActualCost(Usage(), 0.0)
        assert told(job) == "Cost: none; no model was called."
    assert used_by(ended(status="running"), ENGINE) is None
