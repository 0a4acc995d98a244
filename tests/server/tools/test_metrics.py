"""Mistakes in `metrics`, and in ids that are read side by side."""

from dataclasses import replace
from typing import Any

import pytest
from tests.server.fake_provider import FakeProvider, classify_job, jsonl
from tests.server.serving import served
from tests.server.tokens import tokens

from evals_schemas.evaluation_api.models import Model

JUDGE = {"model": "judge-1", "system_template": "Rate {{question}}"}
REQUEST: dict[str, Any] = {
    "type": "classify",
    "input_data_file_path": "file-1",
    "labels": ["good", "bad"],
    "pass_labels": ["good"],
    "response_column": "answer",
    "judge": JUDGE,
}
RIGHT = {"name": "right"}
KIND = {"name": "kind", "judge": {"system_template": "Is it kind? {{question}}"}}
SCORE = {"type": "score", "min_score": 0, "max_score": 1, "pass_threshold": 1}


def provider() -> FakeProvider:
    rows = [{"question": f"What is {n} + 1?", "answer": str(n + 1)} for n in range(20)]
    jobs = [classify_job(f"eval-{n}") for n in range(1, 25)]
    return FakeProvider(contents={"file-1": jsonl(*rows)}, models=[Model(id="judge-1")], jobs=jobs)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"metrics": []}, "`metrics` must be an array of 1 to 20; got an array of 0"),
        ({"metrics": [RIGHT] * 21}, "`metrics` must be an array of 1 to 20; got an array of 21"),
        ({"metrics": "right"}, "`metrics` must be"),
        ({"metrics": ["right"]}, "an array of objects, each with a "),
        ({"metrics": [3]}, "`metrics.0` must be an object with name"),
        ({"metrics": [{"judge": JUDGE}]}, "Each metric needs a `name` of 1 to 60 characters"),
        ({"metrics": [RIGHT, {**KIND, "name": "Right"}]}, "Two metrics have the name 'Right'"),
        ({"metrics": [RIGHT, {"name": "same"}]}, "Metric 'same': it asks the same as 'right'"),
        ({"metrics": [{**RIGHT, "type": "benchmark"}]}, "it is no metric of a data set"),
        ({"metrics": [{**RIGHT, "type": "scor"}]}, "Metric 'right': `type` must be one of"),
        ({"metrics": [{**RIGHT, "dry_run": True}]}, "`dry_run` is the same for all metrics"),
        ({"metrics": [{**RIGHT, "input_data_file_path": "file-2"}]}, "give it once, beside"),
        ({"metrics": [{**RIGHT, "lables": ["a"]}]}, "did you mean `labels`?"),
        ({"metrics": [{**RIGHT, "labels": ["a"]}]}, "Metric 'right': `labels` must be an array"),
        ({"metrics": [{**RIGHT, "judge": {"max_tokens": 0}}]}, "Metric 'right': `judge.max_tokens"),
        ({"metrics": [{**RIGHT, **SCORE}]}, "`labels` is given for all metrics, and no metric"),
        ({"metrics": [RIGHT], "judge": {"model": "judge-1"}}, "`judge.system_template` is missing"),
        ({"metrics": [RIGHT], "input_data_file_path": "file-x"}, "take a file_id from"),
        ({"metrics": [RIGHT, {**KIND, "response_column": "anser"}]}, "Metric 'kind': "),
        ({"metrics": [{**RIGHT, "judge": {"api_key": "sk-very-secret"}}]}, "external_credential"),
    ],
)  # fmt: skip
async def test_metrics_that_cannot_be_are_refused_with_the_way_out(
    changes: dict[str, Any], expected: str
) -> None:
    fake = provider()
    async with served(fake) as server:
        text = await server.refusal("create_evaluation", **{**REQUEST, **changes})

    assert expected in text
    assert "create_evaluation again" in text
    assert "sk-very-secret" not in text
    assert not fake.requests


async def test_a_metric_takes_over_what_its_type_has_and_json_in_texts_is_read() -> None:
    fake = provider()
    close = {"name": "close", **SCORE, "judge": '{"max_tokens": 100}'}
    column = {
        "name": "question",
        "response_column": "question",
        "judge": {"system_template": "Rate {{answer}}"},
    }
    async with served(fake) as server:
        answer = await server.answer("create_evaluation", **REQUEST, metrics=[RIGHT, close, column])

    assert [metric["type"] for metric in answer["metrics"]] == ["classify", "score", "classify"]
    right, score, other = [request.parameters for request in fake.requests]
    assert right.judge == score.judge.model_copy(update={"max_tokens": None})
    assert (score.model_dump()["model_to_evaluate"], score.judge.max_tokens) == ("answer", 100)
    assert other.model_dump()["model_to_evaluate"] == "question"


async def test_a_plan_of_many_metrics_is_short_and_adds_them_up() -> None:
    metrics = [
        {"name": f"m{n}", "judge": {"system_template": f"{n}: {{{{question}}}} " + "x" * 400}}
        for n in range(20)
    ]
    async with served(provider()) as server:
        text = await server.text("create_evaluation", **REQUEST, metrics=metrics, dry_run=True)
        plan = await server.answer("create_evaluation", **REQUEST, metrics=metrics, dry_run=True)

    assert (plan["calls"], plan["plan"]["rows"]) == (400, 20)
    assert plan["plan"]["models"][0]["calls"] == 400
    read = sum(metric["input_tokens"] for metric in plan["metrics"])
    assert plan["plan"]["input_tokens"] == read
    assert tokens(text) <= 2_000
    assert tokens(plan) <= 2_600


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"evaluation_id": "eval-1,"}, "takes one id, or 2 to 20 with commas between them; got 1"),
        ({"evaluation_id": ",".join(f"eval-{n}" for n in range(1, 23))}, "got 22"),
        ({"evaluation_id": "eval-1,file-1"}, "`evaluation_id` is the id of a data set"),
        ({"evaluation_id": "eval-1,eval-404"}, "There is no evaluation of that id"),
        ({"evaluation_id": "eval-1,eval-2", "by": "topic"}, "`by` is for one evaluation"),
        ({"evaluation_id": "eval-1,eval-2", "cluster_column": "a"}, "several without `cluster_"),
    ],
)
async def test_ids_that_cannot_be_read_side_by_side_are_refused(
    arguments: dict[str, str], expected: str
) -> None:
    async with served(provider()) as server:
        assert expected in await server.refusal("get_evaluation", **arguments)


async def test_twenty_evaluations_fit_an_answer() -> None:
    ids = ",".join(f"eval-{n}" for n in range(1, 21))
    async with served(provider()) as server:
        text = await server.text("get_evaluation", evaluation_id=ids)
        answer = await server.answer("get_evaluation", evaluation_id=ids)

    assert len(answer["evaluations"]) == 20
    assert tokens(text) <= 2_000
    assert tokens(answer) <= 3_000


async def test_a_service_that_hands_on_no_answers_generates_them_for_each_metric_and_says_so() -> (
    None
):
    candidate = {"model": "judge-1", "system_template": "", "input_template": "{{answer}}"}
    request = {name: value for name, value in REQUEST.items() if name != "response_column"}
    fake = replace(provider(), name="together")
    async with served(fake) as server:
        plan = await server.answer(
            "create_evaluation",
            **request,
            model_to_evaluate=candidate,
            metrics=[RIGHT, KIND],
            dry_run=True,
        )

    assert [metric["calls"] for metric in plan["metrics"]] == [40, 40]
    assert plan["plan"]["notes"][0] == (
        "Answers are generated for each metric anew, 40 calls in all. To generate them once, start "
        "one metric, and when it has ended the others with `answers_of` its id."
    )
