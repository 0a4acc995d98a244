"""A limit of tokens below what the same prompts needed before is asked about."""

from __future__ import annotations

from typing import Any

import pytest
from tests.server.planning.requests import (
    JUDGE,
    RULE,
    candidate,
    classify,
    completed,
    planned,
    stored,
)

from evals_schemas.tools.plans import Plan


def _warned(plan: Plan) -> list[str]:
    return [text for text in plan.warnings if "max_tokens" in text]


@pytest.mark.parametrize(
    ("limit", "run", "warned"),
    [
        (5, {}, True),
        (18, {}, False),
        (None, {}, False),
        (5, {"judge": {**JUDGE, "max_tokens": 20}}, True),
        (5, {"judge": {**JUDGE, "max_tokens": 4}}, False),
        (5, {"judge": {**JUDGE, "system_template": "{{question}}{{expected}}?"}}, False),
        (5, {"labels": ["right", "false"]}, False),
    ],
)
async def test_a_verdict_that_took_more_tokens_is_not_cut_off_unasked(
    limit: int | None, run: dict[str, Any], warned: bool
) -> None:
    judge = {**JUDGE, "max_tokens": limit} if limit else JUDGE
    earlier = completed(rows=100, output_tokens=1_800, **run)
    plan = await planned(classify(judge=judge), stored(jobs=[earlier]))

    expected = (
        f"`judge.max_tokens` is {limit}, but a verdict took 18 tokens on average in 1 earlier run "
        "with the same prompt: most would be cut off. Set it to 40 or more, or leave it out."
    )
    assert _warned(plan) == ([expected] if warned else [])


async def test_an_answer_that_took_more_tokens_is_not_cut_off_unasked() -> None:
    rule = {**RULE, "system_template": "{{expected}}"}
    run: dict[str, Any] = {"judge": rule, "model_to_evaluate": candidate()}
    short = classify(judge=rule, model_to_evaluate=candidate(max_tokens=16))
    judged = classify(model_to_evaluate=candidate(max_tokens=16))

    (warning,) = _warned(await planned(short, stored(jobs=[completed(**run)])))
    assert "`model_to_evaluate.max_tokens` is 16, but an answer took 25 tokens" in warning
    # With a model as judge, the share of the answers is known only beside the judge's own.
    both = completed(model_to_evaluate=candidate(), output_tokens=4_300)
    alone = completed(output_tokens=1_800)
    assert _warned(await planned(judged, stored(jobs=[both]))) == []
    (warning,) = _warned(await planned(judged, stored(jobs=[both, alone])))
    assert "an answer took 25 tokens" in warning
