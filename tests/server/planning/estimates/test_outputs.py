from typing import Any

import pytest
from inline_snapshot import snapshot
from tests.server.planning.requests import (
    JUDGE,
    candidate,
    classify,
    completed,
    planned,
    stored,
)

from evals_schemas.tools.plans import Plan


async def test_earlier_runs_of_the_kind_tell_tokens_and_time() -> None:
    runs = [completed(seconds=seconds) for seconds in (40, 60, 90)]

    plan = await planned(classify(), stored(jobs=runs))

    assert plan.output_tokens == 200 * 25
    assert plan.duration_seconds is not None
    assert (plan.duration_seconds.low, plan.duration_seconds.high) == (100, 150)
    assert plan.notes[0] == snapshot(
        "Output: 25 tokens a row, from 3 earlier runs with the same templates."
    )


async def test_a_verdict_measured_without_a_candidate_counts_with_one() -> None:
    plan = await planned(classify(model_to_evaluate=candidate()), stored(jobs=[completed()]))

    assert {each.role: each.output_tokens for each in plan.models} == {
        "model_to_evaluate": 200 * 300,
        "judge": 200 * 25,
    }


def _verdicts_cost(plan: Plan) -> tuple[float, float]:
    """The range of the output price of a plan in which the judge alone is called, about."""
    assert plan.cost_usd is not None
    read = (plan.input_tokens or 0) / 1e6
    return plan.cost_usd.low - 0.9 * read, plan.cost_usd.high - 1.1 * read


_OTHER = {**JUDGE, "system_template": "{{question}} {{expected}}"}


@pytest.mark.parametrize(
    ("earlier", "tokens_a_row", "note"),
    [
        ({}, (18.75, 31.25), "25 tokens a row, from 1 earlier run with the same templates."),
        (
            {"judge": _OTHER},
            (25 / 3, 180),
            "(8 to 180), from 1 earlier run of this judge with another template.",
        ),
        (
            {"labels": ["right", "wrong", "so-so"]},
            (25 / 3, 180),
            "from 1 earlier run of this judge with other labels, scale or max_tokens.",
        ),
        ({"judge": {**JUDGE, "max_tokens": 200}}, (25 / 3, 180), "other labels, scale or max_tok"),
    ],
)
async def test_only_a_run_that_asked_the_same_narrows_the_range(
    earlier: dict[str, Any], tokens_a_row: tuple[float, float], note: str
) -> None:
    plan = await planned(classify(), stored(jobs=[completed(**earlier)]))

    assert plan.output_tokens == 200 * 25
    low, high = (200 * each * 2 / 1e6 for each in tokens_a_row)
    assert _verdicts_cost(plan) == (pytest.approx(low, abs=2e-4), pytest.approx(high, rel=0.01))
    assert note in plan.notes[0]


async def test_runs_that_differ_widen_the_range_as_far_as_they_do() -> None:
    runs = [completed(output_tokens=output) for output in (1_000, 4_000, 10_000)]

    plan = await planned(classify(), stored(jobs=runs))

    assert _verdicts_cost(plan)[1] == pytest.approx(200 * 100 * 2 / 1e6, rel=0.01)


async def test_no_answer_is_taken_to_be_longer_than_allowed() -> None:
    short = {**JUDGE, "max_tokens": 30}

    plan = await planned(classify(judge=short), stored(jobs=[completed(output_tokens=9_000)]))

    assert plan.output_tokens == 200 * 30
    assert _verdicts_cost(plan)[1] == pytest.approx(200 * 30 * 2 / 1e6, rel=0.01)


@pytest.mark.parametrize("data", ["file-1", "file-2"])
async def test_who_of_two_models_wrote_how_much_is_not_taken_for_known(data: str) -> None:
    request = classify(model_to_evaluate=candidate())
    earlier = completed(model_to_evaluate=candidate(), input_data_file_path=data)

    plan = await planned(request, stored(jobs=[earlier]))

    # The judge is the dear one, and may have written all of it.
    judge = plan.models[-1]
    assert judge.cost_usd is not None
    assert judge.cost_usd.high >= 200 * 25 * 2 / 1e6
    assert (plan.output_tokens, "other templates, limits or data" in plan.notes[0]) == (
        5_000,
        data == "file-2",
    )
