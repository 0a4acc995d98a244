"""The evaluation contract: strict in what it takes, lenient in what it reads."""

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from evals_schemas.evaluation_api import errors, evaluations, files, models, rows
from evals_schemas.evaluation_api.evaluations import (
    ClassifyResults,
    CompareResults,
    EvaluationJob,
    ModelRequest,
    Results,
    ScoreResults,
    parse_evaluation_request,
)
from evals_schemas.evaluation_api.operations import OPERATIONS
from evals_schemas.type_models import parse_results

JUDGE = {"model": "judge", "model_source": "serverless", "system_template": "Judge {{ answer }}."}
CLASSIFY: dict[str, Any] = {
    "judge": JUDGE,
    "input_data_file_path": "file-1",
    "labels": ["good", "bad"],
    "pass_labels": ["good"],
    "model_to_evaluate": "answer",
}
SCORE: dict[str, Any] = {
    "judge": JUDGE,
    "input_data_file_path": "file-1",
    "min_score": 1,
    "max_score": 5,
    "pass_threshold": 4,
}
COMPARE: dict[str, Any] = {
    "judge": JUDGE,
    "input_data_file_path": "file-1",
    "model_a": "a",
    "model_b": "b",
}


@pytest.mark.parametrize(
    ("kind", "parameters", "field"),
    [
        ("classify", CLASSIFY | {"pass_labels": ["great"]}, "pass_labels"),
        ("classify", CLASSIFY | {"labels": ["good", "Good "]}, "labels"),
        ("classify", CLASSIFY | {"labels": ["good"]}, "labels"),
        ("classify", CLASSIFY | {"lables": "good"}, "lables"),
        ("score", SCORE | {"pass_threshold": 6}, "pass_threshold"),
        ("score", SCORE | {"max_score": 1}, "max_score"),
        ("score", SCORE | {"min_score": float("nan")}, "min_score"),
        ("compare", COMPARE | {"model_b": None}, "model_b"),
        ("compare", COMPARE | {"judge": JUDGE | {"temperature": 3}}, "temperature"),
    ],
)
def test_a_request_that_cannot_work_is_refused_by_field(
    kind: str, parameters: dict[str, Any], field: str
) -> None:
    with pytest.raises(ValidationError, match=field):
        parse_evaluation_request({"type": kind, "parameters": parameters})


def test_explicit_nulls_count_as_absent() -> None:
    request = parse_evaluation_request(
        {
            "type": "classify",
            "parameters": CLASSIFY
            | {
                "judge": JUDGE | {"num_workers": None, "max_tokens": None, "temperature": None},
                "model_to_evaluate": JUDGE
                | {"input_template": "{{ question }}", "max_tokens": None, "temperature": None},
            },
        }
    )
    assert isinstance(request.parameters, evaluations.ClassifyParameters)
    assert isinstance(request.parameters.model_to_evaluate, ModelRequest)


@pytest.mark.parametrize("label_counts", ['{"yes": 10, "no": 0}', {"yes": 10, "no": 0}])
def test_label_counts_are_read_as_an_object_and_as_a_string(label_counts: object) -> None:
    results = parse_results("classify", {"label_counts": label_counts, "surprise": 1})
    assert isinstance(results, ClassifyResults)
    assert results.label_counts == {"yes": 10, "no": 0}


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"label_counts": {}}, ClassifyResults),
        ({"aggregated_scores": None}, ScoreResults),
        ({"A_wins": 1}, CompareResults),
        ({"error": "no"}, Results),
    ],
)
def test_results_of_an_unknown_type_are_told_by_their_fields(
    fields: dict[str, Any], kind: type[Results]
) -> None:
    assert type(parse_results(None, fields)) is kind


def test_a_job_of_a_later_version_is_still_read() -> None:
    job = EvaluationJob.model_validate(
        {"workflow_id": "eval-1", "status": "completed", "region": "eu", "parameters": {"x": 1}}
    )
    assert job.parameters == {"x": 1}


def every_model() -> list[type[BaseModel]]:
    modules = (errors, evaluations, files, models, rows)
    found = {
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, BaseModel) and value.model_fields
    }
    return sorted(found, key=lambda model: model.__qualname__)


@pytest.mark.parametrize("model", every_model())
def test_every_model_and_every_field_says_what_it_means(model: type[BaseModel]) -> None:
    assert model.__doc__
    assert [name for name, field in model.model_fields.items() if not field.description] == []


def test_every_operation_has_a_name_and_a_place_of_its_own() -> None:
    assert len({one.name for one in OPERATIONS}) == len(OPERATIONS)
    assert len({(one.method, one.path) for one in OPERATIONS}) == len(OPERATIONS)
