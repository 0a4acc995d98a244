import json
from dataclasses import dataclass

import pytest
from dirty_equals import IsPartialDict
from inline_snapshot import snapshot
from tests.server.fake_provider import FakeProvider, jsonl
from tests.server.planning.requests import (
    JUDGE,
    LABELS,
    ROWS,
    RULE,
    candidate,
    classify,
    compare,
    planned,
    stored,
)
from tests.server.tokens import tokens

from evals_mcp.errors import UnavailableError
from evals_schemas.evaluation_api.evaluations import parse_evaluation_request
from evals_schemas.evaluation_api.models import Model


async def test_a_rule_over_ready_answers_is_free_and_waits_for_no_list_of_models() -> None:
    judge = {**RULE, "system_template": "{{expected}}{{question}}"}

    free = await planned(classify(judge=judge), Listless(contents={"file-1": jsonl(*ROWS)}))

    assert (free.calls, free.input_tokens, free.output_tokens) == (0, 0, 0)
    assert free.cost_usd is not None
    assert (free.cost_usd.low, free.cost_usd.high) == (0, 0)
    assert free.notes == []


@dataclass
class Listless(FakeProvider):
    """Has the data set and nothing else."""

    async def list_models(self) -> list[Model]:
        raise UnavailableError("together does not answer.")

    async def list_judges(self) -> list[str] | None:
        raise UnavailableError("together does not answer.")


async def test_without_a_price_list_the_estimate_is_in_tokens() -> None:
    provider = Listless(contents={"file-1": jsonl(*ROWS)}, error=UnavailableError("down"))

    plan = await planned(classify(), provider)

    assert plan.cost_usd is None
    assert plan.input_tokens
    assert plan.notes == snapshot(
        [
            "Assumed output: judge 60 tokens a call (40 to 1,000). Reasoning models write more.",
            "The price list is unavailable (together does not answer): the estimate is in tokens.",
            (
                "No evaluation of this kind has completed yet: with 25 workers, each second that a "
                "call takes adds about 8 s to the total time."
            ),
        ]
    )


async def test_a_pair_is_judged_in_both_orders_unless_one_is_asked_for() -> None:
    both = await planned(compare())
    one = await planned(compare(disable_position_bias_correction=True))

    assert (both.calls, one.calls) == (400, 200)
    assert both.input_tokens == pytest.approx(2 * (one.input_tokens or 0), abs=1)


async def test_what_a_service_adds_that_is_not_the_embedded_engine_is_said_to_be_assumed() -> None:
    provider = stored(name="together", judges=["judge-1"])

    plan = await planned(classify(), provider)

    assert plan.notes == snapshot(
        [
            "Assumed output: judge 60 tokens a call (40 to 1,000). Reasoning models write more.",
            (
                "The text that together adds to a judge's prompt is unknown; it is assumed to be "
                "as long as the embedded engine's."
            ),
            (
                "No evaluation of this kind has completed yet: with 25 workers, each second that a "
                "call takes adds about 8 s to the total time."
            ),
        ]
    )


async def test_long_rows_count_although_few_of_them_are_looked_at() -> None:
    long = "The gauge showed nothing until the morning. " * 60
    rows = [
        {"question": f"Row {n}", "expected": "yes", "answer": long if n % 61 == 0 else "yes"}
        for n in range(3_000)
    ]

    plan = await planned(classify(), stored(*rows))
    none_long = await planned(classify(), stored(*(row | {"answer": "yes"} for row in rows)))

    added = (plan.input_tokens or 0) - (none_long.input_tokens or 0)
    assert added == pytest.approx(sum(tokens(row["answer"]) - 1 for row in rows), rel=0.1)


async def test_a_plan_of_a_long_comparison_names_what_is_missing_from_its_prices() -> None:
    request = parse_evaluation_request(
        {
            "type": "classify",
            "parameters": {
                "judge": {**JUDGE, "model_source": "dedicated"},
                "input_data_file_path": "file-1",
                "model_to_evaluate": "answer",
                **LABELS,
            },
        }
    )

    plan = await planned(request)

    assert plan.cost_usd is None
    assert "No price is known for 'judge-1': the estimate is in tokens." in plan.notes
    assert json.loads(plan.model_dump_json()) == IsPartialDict(rows=200, calls=200)


async def test_what_does_not_fit_leaves_calls_and_other_models_in_the_plan() -> None:
    judge = {**JUDGE, "system_template": "{{qestion}} {{expected}}"}
    free = {**RULE, "system_template": "{{expcted}}"}

    plan = await planned(classify(judge=judge, model_to_evaluate=candidate()))
    by_rule = await planned(classify(judge=free, model_to_evaluate=candidate()))
    unused = await planned(classify(judge={**JUDGE, "system_template": "Is it right?"}))

    assert (plan.calls, plan.cost_usd) == (400, None)
    assert [each.role for each in plan.models] == ["model_to_evaluate"]
    assert by_rule.problems
    assert by_rule.cost_usd is not None
    assert unused.columns_carried == ["question", "expected"]
    assert not unused.problems
    assert unused.cost_usd is not None
