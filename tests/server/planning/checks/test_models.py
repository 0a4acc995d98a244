from typing import Any

import pytest
from tests.server.planning.requests import (
    JUDGE,
    ROWS,
    RULE,
    candidate,
    classify,
    planned,
    stored,
)

from evals_engine.judges.rules import RULES as ENGINE_RULES
from evals_schemas.evaluation_api.models import Model
from evals_schemas.evaluation_api.rules import RULE_NAMES


@pytest.mark.parametrize(
    ("changes", "provider", "problem", "warning"),
    [
        ({"judge": {**JUDGE, "model": "judge-l"}}, {}, "", "local does not list 'judge-l'. Did"),
        (
            {"judge": {**JUDGE, "model": "judge-l"}},
            {"name": "together", "judges": ["judge-1"]},
            "together does not list 'judge-l'. Did you mean 'judge-1'?",
            "",
        ),
        (
            {"judge": {**JUDGE, "model": "small-1"}},
            {"name": "together", "judges": ["judge-1"]},
            "",
            "not among the models that the service accepts",
        ),
        (
            {"judge": {**RULE, "model": "rule/contain"}},
            {},
            "no rule 'rule/contain'. Did you mean rule/contains?",
            "",
        ),
        (
            {"judge": {**JUDGE, "max_tokens": 9_000}},
            {"models": [Model(id="judge-1", context_length=8_192)]},
            "",
            "`judge.max_tokens` 9,000 is above the context length of 'judge-1', 8,192 tokens",
        ),
        (
            {},
            {"models": [Model(id="judge-1", type="embedding")]},
            "`judge.model` 'judge-1' is listed as a model of type embedding and cannot judge",
            "",
        ),
        ({"judge": RULE}, {"name": "together"}, "is a rule, and together has no rules", ""),
        ({}, {"models": [Model(id="rule/contains", type="rule")]}, "", "lists no model at all"),
        (
            {"model_to_evaluate": candidate(model="judge-1")},
            {},
            "",
            "`judge.model` and `model_to_evaluate.model` are the same",
        ),
    ],
)
async def test_models_are_checked_against_the_lists(
    changes: dict[str, Any], provider: dict[str, Any], problem: str, warning: str
) -> None:
    plan = await planned(classify(**changes), stored(**provider))

    assert problem in " ".join(plan.problems)
    assert warning in " ".join(plan.warnings)
    assert bool(warning) == bool(plan.warnings)


NEEDS_ENDPOINT = "local has no endpoint for models. Ask the administrator to set local.models"


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({}, ["judge.model"]),
        ({"judge": RULE}, []),
        ({"judge": RULE, "model_to_evaluate": candidate()}, ["model_to_evaluate.model"]),
        ({"judge": {**JUDGE, "model_source": "dedicated"}}, []),
    ],
)
async def test_a_model_without_an_endpoint_is_a_problem_before_anybody_is_asked(
    changes: dict[str, Any], fields: list[str]
) -> None:
    plan = await planned(classify(**changes), stored(models=[]), serves_models=False)

    needing = [problem for problem in plan.problems if NEEDS_ENDPOINT in problem]
    assert [problem.split("`")[1] for problem in needing] == fields
    assert bool(plan.warnings) == (changes.get("judge", {}).get("model_source") == "dedicated")


async def test_no_endpoint_elsewhere_says_nothing_of_this_machine() -> None:
    plan = await planned(classify(), stored(name="together"), serves_models=False)

    assert plan.problems == []


async def test_a_model_may_be_named_without_the_tag_that_ollama_lists() -> None:
    provider = stored(models=[Model(id="judge-1:latest")])

    assert (await planned(classify(), provider)).warnings == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"judge": {**RULE, "system_template": "{{expected}}{{question}}"}},
            "rule reads text only",
        ),
        ({}, "local sends images to a model that answers"),
        (
            {"model_to_evaluate": candidate()},
            "`model_to_evaluate.model` 'small-1' may not accept",
        ),
        ({"model_to_evaluate": candidate(model="qwen2.5-vl")}, ""),
    ],
)
async def test_images_need_a_model_that_reads_them(changes: dict[str, Any], expected: str) -> None:
    rows = [row | {"image_data_urls": "data:image/png;base64,aGk="} for row in ROWS]

    plan = await planned(classify(**changes), stored(*rows, models=[]))

    said = [text for text in plan.warnings if "lists no model" not in text]
    assert expected in " ".join(said)
    assert bool(said) == bool(expected)


def test_the_rules_known_are_those_of_the_engine() -> None:
    assert set(RULE_NAMES) == set(ENGINE_RULES)
