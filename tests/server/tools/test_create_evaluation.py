from typing import Any

import pytest
from tests.server.fake_provider import FakeProvider, jsonl
from tests.server.serving import served, settings

from evals_mcp.errors import (
    AmbiguousCreateError,
    EvalsMCPError,
    InvalidRequestError,
    OperatorError,
    UnavailableError,
)
from evals_mcp.providers.protocol import AnyRequest
from evals_schemas.evaluation_api.evaluations import CompareRequest, EvaluationCreated, ScoreRequest
from evals_schemas.evaluation_api.models import Model
from evals_schemas.reasons import Reason

JUDGE = {"model": "judge-1", "system_template": "Rate {{question}}"}
MODEL = {"model": "m", "system_template": "Be brief.", "input_template": "{{question}}"}
CLASSIFY: dict[str, Any] = {
    "type": "classify",
    "input_data_file_path": "file-1",
    "judge": JUDGE,
    "labels": ["good", "bad"],
    "pass_labels": ["good"],
    "response_column": "answer",
}
SCORE: dict[str, Any] = {
    "type": "score",
    "input_data_file_path": "file-2",
    "judge": JUDGE,
    "min_score": 1,
    "max_score": 5,
    "pass_threshold": 4,
    "model_to_evaluate": MODEL,
}


def provider() -> FakeProvider:
    return FakeProvider(
        contents={
            "file-1": jsonl({"question": "1+1", "answer": "2"}),
            "file-2": jsonl({"question": "1+1"}),
        },
        models=[Model(id="judge-1"), Model(id="m")],
    )


CREDENTIALS = {"vendor": {"base_url": "https://models.example/v1", "token": "sk-private"}}


async def test_a_column_of_answers_becomes_the_string_of_the_api() -> None:
    fake = provider()
    async with served(fake) as server:
        answer = await server.answer("create_evaluation", **CLASSIFY)

    (request,) = fake.requests
    assert request.model_dump(exclude_none=True) == {
        "type": "classify",
        "parameters": {
            "judge": {**JUDGE, "model_source": "serverless"},
            "input_data_file_path": "file-1",
            "labels": ["good", "bad"],
            "pass_labels": ["good"],
            "model_to_evaluate": "answer",
        },
    }
    assert answer["calls"] == 1
    assert answer["evaluation_id"] in answer["next_step"]


async def test_a_model_to_run_costs_a_call_of_its_own() -> None:
    fake = provider()
    async with served(fake) as server:
        answer = await server.answer("create_evaluation", **SCORE)

    (request,) = fake.requests
    assert isinstance(request, ScoreRequest)
    assert answer["calls"] == 2


@pytest.mark.parametrize(("once", "calls"), [(None, 3), (True, 2)])
async def test_a_comparison_judges_each_row_twice_unless_told_otherwise(
    once: bool | None, calls: int
) -> None:
    fake = provider()
    async with served(fake) as server:
        answer = await server.answer(
            "create_evaluation",
            type="compare",
            input_data_file_path="file-1",
            judge=JUDGE,
            response_column_a="answer",
            model_b=MODEL,
            disable_position_bias_correction=once,
        )

    (request,) = fake.requests
    assert isinstance(request, CompareRequest)
    assert request.parameters.model_a == "answer"
    assert answer["calls"] == calls


async def test_a_rule_judge_costs_nothing() -> None:
    judge = {"model": "rule/contains", "system_template": "{{question}}"}
    async with served(provider()) as server:
        text = await server.text("create_evaluation", **{**CLASSIFY, "judge": judge})

    assert "no model calls, no cost" in text


async def test_a_credential_is_looked_up_by_its_name() -> None:
    fake = provider()
    judge = {**JUDGE, "model_source": "external", "external_credential": "vendor"}
    async with served(fake, configured=settings(credentials=CREDENTIALS)) as server:
        result = await server.call("create_evaluation", **{**CLASSIFY, "judge": judge})

    (request,) = fake.requests
    assert request.parameters.judge.external_base_url == "https://models.example/v1"
    assert request.parameters.judge.external_api_token == "sk-private"
    assert "sk-private" not in result.model_dump_json()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"min_score": 1}, "`min_score` belongs to type score, not classify"),
        ({"response_column_a": "x"}, "`response_column_a` belongs to type compare"),
        ({"model_to_evaluate": MODEL}, "exclude each other"),
        ({"model_to_evaluate": "gpt-5"}, "goes into `response_column`"),
        ({"labels": None}, "`labels` is missing: give every label that the judge may give"),
        ({"judge": {**JUDGE, "model_source": "external"}},
         ("`judge.external_credential` is missing: model_source external needs a credential. "
         "None is configured")),
        ({"labels": ["good"]}, "`labels` must be an array of 2 to 1,000; got an array of 1"),
        ({"pass_labels": ["fine"]}, "`pass_labels`: 'fine' is not one of `labels`; the labels are"),
        ({"labels": ["good", "Good "]}, "differ by more than case"),
        ({"parameters": {}}, "put its fields beside `type`"),
        ({"judge": "rule/contains"}, "an object with model, system_template"),
        ({"judge": {**JUDGE, "temperatur": 1}}, "of `judge`; did you mean `temperature`?"),
        ({"judge": {**JUDGE, "temperature": 9}}, "must be a number from 0 to 2; got 9"),
        ({"judge": {**JUDGE, "external_credential": "v"}}, "needs `judge.model_source` external"),
        ({"input_data_file_path": "file-x"}, "take a file_id from list_datasets"),
        ({"type": "compare", "labels": None, "pass_labels": None, "response_column": None},
         "`response_column_a` or `model_a` is missing"),
    ],
)  # fmt: skip
async def test_a_request_that_cannot_be_is_refused_with_the_way_out(
    changes: dict[str, Any], expected: str
) -> None:
    fake = provider()
    async with served(fake) as server:
        text = await server.refusal("create_evaluation", **{**CLASSIFY, **changes})

    assert expected in text
    assert "create_evaluation" in text
    assert ".." not in text
    assert not fake.requests


@pytest.mark.parametrize(
    ("error", "ending"),
    [
        (UnavailableError("together is overloaded. Try again in 5 s."), "Nothing was started."),
        (
            OperatorError("No credit is left; nothing was started.", Reason.NOTHING_STARTED),
            "was started.",
        ),
        (InvalidRequestError("No such model."), "call create_evaluation again."),
        (AmbiguousCreateError("Its answer was lost."), "Its answer was lost."),
    ],
)
async def test_a_failed_create_says_what_became_of_it(error: EvalsMCPError, ending: str) -> None:
    class Failing(FakeProvider):
        async def create_evaluation(
            self, request: AnyRequest, key: str | None = None
        ) -> EvaluationCreated:
            raise error

    known = provider()
    async with served(Failing(contents=known.contents, models=known.models)) as server:
        text = await server.refusal("create_evaluation", **CLASSIFY)

    assert text.endswith(ending)
    assert text.casefold().count("nothing was started") == (
        0 if isinstance(error, AmbiguousCreateError) else 1
    )


async def test_a_data_set_that_cannot_be_read_starts_nothing() -> None:
    class Failing(FakeProvider):
        def dataset_content(self, file_id: str) -> Any:
            raise UnavailableError("together could not be reached.")

    async with served(Failing()) as server:
        text = await server.refusal("create_evaluation", **CLASSIFY)

    assert text == "together could not be reached. Nothing was started."


async def test_a_credential_whose_variable_is_unset_names_the_variable() -> None:
    credentials = {"vendor": {"base_url": "https://models.example/v1", "token_env": "VENDOR_KEY"}}
    judge = {**JUDGE, "model_source": "external", "external_credential": "vendor"}
    async with served(provider(), configured=settings(credentials=credentials)) as server:
        text = await server.refusal("create_evaluation", **{**CLASSIFY, "judge": judge})

    assert "set the environment variable VENDOR_KEY and to restart" in text
    assert text.endswith("Nothing was started.")


@pytest.mark.parametrize("field", ["external_api_token", "external_base_url", "api_key"])
@pytest.mark.parametrize("nested", [True, False])
async def test_a_key_or_url_is_refused_and_not_repeated(field: str, nested: bool) -> None:
    secret = {field: "sk-very-secret"}
    changes = {"judge": {**JUDGE, **secret}} if nested else secret
    fake = provider()
    async with served(fake) as server:
        text = await server.refusal("create_evaluation", **{**CLASSIFY, **changes})

    assert "external_credential" in text
    assert "sk-very-secret" not in text
    assert not fake.requests


KEY = "tgp_v1_0123456789abcdefABCDEF"


@pytest.mark.parametrize(
    ("tool", "arguments", "place"),
    [
        ("create_evaluation", {**CLASSIFY, "judge": {**JUDGE, "model": KEY}}, "`judge.model`"),
        ("create_evaluation", {**CLASSIFY, "judge": f'{{"model": "{KEY}"}}'}, "`judge.model`"),
        ("create_evaluation", {**CLASSIFY, "judge": f'{{"model": "{KEY}'}, "`judge`"),
        ("create_evaluation", {**CLASSIFY, "response_column": KEY}, "`response_column`"),
        ("create_evaluation", {**CLASSIFY, "labels": ["a", KEY]}, "`labels`"),
        ("create_evaluation", {**CLASSIFY, KEY: 1}, "The name of a field"),
        ("create_evaluation", {**CLASSIFY, "other": {"a": [KEY]}}, "`other.a`"),
        (
            "create_evaluation",
            {**CLASSIFY, "judge": {**JUDGE, "system_template": f"Use {KEY}: {{{{question}}}}"}},
            "`judge.system_template`",
        ),
        ("get_evaluation", {"evaluation_id": KEY}, "`evaluation_id`"),
        ("list_models", {"filter": KEY}, "`filter`"),
        ("list_models", {"filter": "9f" + "0a1b2c3d4e" * 4}, "`filter`"),
        ("upload_dataset", {"path": f"/tmp/{KEY}"}, "`path`"),
    ],
)
async def test_a_key_anywhere_in_the_arguments_is_refused_and_not_quoted(
    tool: str, arguments: dict[str, Any], place: str
) -> None:
    fake = provider()
    async with served(fake) as server:
        text = await server.refusal(tool, **arguments)

    assert text.startswith(f"{place} holds what looks like a key")
    assert "external_credential" in text
    assert KEY[:12] not in text
    assert "0a1b2c" not in text
    assert not fake.requests


async def test_too_many_labels_are_refused_with_the_most_that_are_taken() -> None:
    async with served(provider()) as server:
        text = await server.refusal(
            "create_evaluation", **{**CLASSIFY, "labels": [f"label {n}" for n in range(2000)]}
        )

    assert "`labels` must be an array of 2 to 1,000; got an array of 2000" in text


async def test_an_unknown_credential_is_answered_with_the_names_there_are() -> None:
    judge = {**JUDGE, "model_source": "external", "external_credential": "sk-pasted"}
    async with served(provider(), configured=settings(credentials=CREDENTIALS)) as server:
        text = await server.refusal("create_evaluation", **{**CLASSIFY, "judge": judge})

    assert "Configured: vendor." in text
    assert "sk-" not in text


async def test_what_is_wrong_ends_with_one_full_stop_or_question_mark() -> None:
    judge = JUDGE | {"system_template": "Is it right? {{qestion}}"}
    async with served(provider()) as server:
        text = await server.refusal("create_evaluation", **{**CLASSIFY, "judge": judge})

    assert "Did you mean 'question'? Nothing was started; correct this" in text
