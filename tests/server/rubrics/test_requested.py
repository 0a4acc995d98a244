"""A named rubric becomes its text, or is refused with what works."""

from dataclasses import replace
from typing import Any

import pytest

from evals_mcp.errors import InvalidRequestError
from evals_mcp.launching.request import to_request
from evals_mcp.providers.protocol import JudgedRequest
from evals_mcp.rubrics.requested import with_ready_rubric
from evals_schemas.benchmark_api.benchmarks import BenchmarkRequest
from evals_schemas.evaluation_api.evaluations import ScoreParameters
from evals_schemas.rubrics.rubric import Rubric
from evals_schemas.rubrics.table import RUBRICS, newest
from evals_schemas.tools.inputs import CreateEvaluationInput

CORRECTNESS = RUBRICS[0]
MODEL = {"model": "m", "system_template": "Be brief.", "input_template": "{{question}}"}


def arguments(template: str, judge: str = "judge-1", **changes: Any) -> CreateEvaluationInput:
    fields: dict[str, Any] = {
        "type": "classify",
        "input_data_file_path": "file-1",
        "judge": {"model": judge, "system_template": template},
        "response_column": "answer",
    }
    return CreateEvaluationInput.model_validate(fields | changes)


def request(template: str, **changes: Any) -> JudgedRequest:
    made = to_request(arguments(template, **changes), {})
    assert not isinstance(made, BenchmarkRequest)
    return made


def fields_for(rubric: Rubric) -> dict[str, Any]:
    sides = {"response_column": None, "response_column_a": "a", "response_column_b": "b"}
    return {"type": rubric.type, **(sides if rubric.type == "compare" else {})}


@pytest.mark.parametrize("rubric", RUBRICS, ids=lambda each: each.full_name)
def test_a_request_by_name_equals_the_request_with_the_text_written_by_hand(
    rubric: Rubric,
) -> None:
    sides = fields_for(rubric)
    by_hand = request(rubric.text(), **rubric.fixed, **rubric.usual, **sides)
    assert request(rubric.full_name, **sides) == by_hand
    assert request(f" rubric/{rubric.name} ", **sides) == by_hand


def test_other_columns_and_other_passes_are_the_users_choice() -> None:
    made = request(
        "rubric/correctness@1( reference=expected,question = prompt )",
        labels=["wrong", "incomplete", "correct"],
        pass_labels=["correct", "incomplete"],
    )
    assert made == request(
        CORRECTNESS.text({"reference": "expected", "question": "prompt"}),
        labels=["wrong", "incomplete", "correct"],
        pass_labels=["correct", "incomplete"],
    )
    score = {"type": "score", "min_score": 1, "pass_threshold": 3}
    parameters = request("rubric/helpfulness", **score).parameters
    assert isinstance(parameters, ScoreParameters)
    assert (parameters.max_score, parameters.pass_threshold) == (5, 3)


def test_a_version_stays_what_it_is_when_a_newer_one_comes() -> None:
    second = replace(CORRECTNESS, version=2, task="Decide anew.")
    table = (*RUBRICS, second)

    def text(name: str) -> str | None:
        judge = with_ready_rubric(arguments(name), table).judge
        return judge.system_template if judge else None

    assert text("rubric/correctness@1") == CORRECTNESS.text()
    assert text("rubric/correctness") == text("rubric/correctness@2") == second.text()
    assert newest(table)[0] == second
    with pytest.raises(InvalidRequestError, match=r"no version 3, only .*@1, .*@2"):
        text("rubric/correctness@3")


def test_a_text_that_only_mentions_a_rubric_is_sent_as_it_is() -> None:
    labels = {"labels": ["a", "b"], "pass_labels": ["a"]}
    for text in ("Use rubric/correctness for {{question}}", "rubric: {{question}}", "Be correct."):
        assert request(text, **labels).parameters.judge.system_template == text


@pytest.mark.parametrize(
    ("template", "changes", "sentences"),
    [
        ("rubric/corectness", {}, ["'rubric/corectness'", "Did you mean rubric/correctness?"]),
        ("Rubric/Correctness", {}, ["Did you mean rubric/correctness?", "filter` rubric/"]),
        ("rubrics/toxicity", {}, ["Did you mean rubric/toxicity?"]),
        ("toxicity", {}, ["'toxicity'", "Did you mean rubric/toxicity?"]),
        ("rubric/zzz", {}, ["There are rubric/correctness, rubric/faithfulness"]),
        ("rubric/correctness@9", {}, ["no version 9, only rubric/correctness@1"]),
        ("rubric/correctness@one", {}, ["Did you mean rubric/correctness?"]),
        ("rubric/correctness(expected)", {}, ["'expected'", "(question=prompt)"]),
        ("rubric/correctness(reference=an x)", {}, ["'reference=an x'", "letters, digits"]),
        ("rubric/correctness(reference=not)", {}, ["'reference=not'", "letters, digits"]),
        ("rubric/correctness(context=c)", {}, ["no column 'context'", "question, reference"]),
        ("rubric/toxicity(question=q)", {}, ["reads the answer only"]),
        ("rubric/correctness", {"labels": ["good", "bad"]}, ["correct, incomplete, wrong"]),
        (
            "rubric/correctness",
            {"type": "score"},
            ["type classify, not score", "rubric/helpfulness@1, rubric/conciseness@1 or"],
        ),
        (
            "rubric/preference",
            {},
            ["type compare, not classify", "use rubric/correctness@1, "],
        ),
        ("rubric/helpfulness", {"type": "score", "max_score": 10}, ["`max_score`", "for 5."]),
        ("rubric/correctness", {"judge": "rule/contains"}, ["a rule compares", "Name a model"]),
        ("x", {"judge": "rubric/correctness"}, ["goes into `judge.system_template`"]),
        ("rubric/tone", {"response_column": None}, ["`response_column` or `model_to_evaluate`"]),
        (
            "x",
            {"model_to_evaluate": MODEL | {"system_template": "rubric/tone"}},
            ["`model_to_evaluate.system_template`", "for the judge"],
        ),
    ],
)
def test_a_name_that_does_not_fit_is_refused_with_what_works(
    template: str, changes: dict[str, Any], sentences: list[str]
) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        request(template, **changes)
    for sentence in sentences:
        assert sentence in str(refused.value)
    assert len(str(refused.value)) < 500
