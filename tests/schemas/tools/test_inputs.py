import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from pydantic import BaseModel, Field

from evals_schemas.benchmark_api.benchmarks import BenchmarkRequest
from evals_schemas.contract import Request
from evals_schemas.evaluation_api.evaluations import (
    ClassifyParameters,
    CompareParameters,
    JudgeModelConfig,
    ModelRequest,
    ScoreParameters,
)
from evals_schemas.labelling.call import LabelRowsInput
from evals_schemas.tools.comparisons import CompareEvaluationsInput
from evals_schemas.tools.exports import ExportResultsInput
from evals_schemas.tools.inputs import (
    CancelEvaluationInput,
    CandidateInput,
    CreateEvaluationInput,
    DeleteDataInput,
    GetEvaluationInput,
    GetStatusInput,
    JudgeInput,
    ListDatasetsInput,
    ListEvaluationsInput,
    ListModelsInput,
    UploadDatasetInput,
)
from evals_schemas.tools.outputs import Output
from evals_schemas.tools.portable_schema import Figures, answer_schema, portable_schema
from evals_schemas.tools.result_pages import ReadResultsInput

INPUTS = [
    CancelEvaluationInput,
    DeleteDataInput,
    CompareEvaluationsInput,
    CreateEvaluationInput,
    ExportResultsInput,
    LabelRowsInput,
    GetEvaluationInput,
    GetStatusInput,
    ListDatasetsInput,
    ListEvaluationsInput,
    ListModelsInput,
    ReadResultsInput,
    UploadDatasetInput,
]
OUTPUTS = Output.__subclasses__()
COMMITTED = Path(__file__).parents[3] / "schemas" / "evals_schemas" / "tools" / "tools.json"


def every_schema(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield schema
    inner = list(cast("dict[str, dict[str, Any]]", schema.get("properties", {})).values())
    inner += [
        schema[key]
        for key in ("items", "additionalProperties")
        if isinstance(schema.get(key), dict)
    ]
    for part in inner:
        yield from every_schema(part)


@pytest.mark.parametrize("model", [*INPUTS, *OUTPUTS], ids=lambda model: model.__name__)
def test_every_schema_is_portable(model: type[BaseModel]) -> None:
    schema = portable_schema(model)

    assert schema["type"] == "object"
    for part in every_schema(schema):
        assert not part.keys() & {
            "$ref",
            "$defs",
            "$schema",
            "title",
            "const",
            "anyOf",
            "oneOf",
            "allOf",
            "discriminator",
        }
        assert part.get("default", "some") is not None
        assert part["type"] in {"object", "array", "string", "integer", "number", "boolean"}
        assert part["type"] != "array" or "type" in part["items"]


@pytest.mark.parametrize("model", [*INPUTS, *OUTPUTS], ids=lambda model: model.__name__)
def test_every_field_is_described(model: type[BaseModel]) -> None:
    for part in every_schema(portable_schema(model)):
        for name, field in part.get("properties", {}).items():
            assert field.get("description"), name


@pytest.mark.parametrize("model", INPUTS, ids=lambda model: model.__name__)
def test_inputs_are_closed(model: type[Request]) -> None:
    assert portable_schema(model)["additionalProperties"] is False


def test_a_real_union_has_no_portable_form() -> None:
    class Either(BaseModel):
        value: int | str = Field(description="One or the other.")

    with pytest.raises(ValueError, match="no portable form"):
        portable_schema(Either)


def test_a_nullable_field_becomes_an_optional_one() -> None:
    schema = portable_schema(ListEvaluationsInput)

    assert schema["properties"]["type"] == {
        "type": "string",
        "enum": ["classify", "score", "compare", "benchmark"],
        "description": "Only this type.",
    }
    assert "required" not in schema


NOT_FOR_A_MODEL = {"external_base_url", "external_api_token"}


@pytest.mark.parametrize(
    ("tool", "request_model"), [(JudgeInput, JudgeModelConfig), (CandidateInput, ModelRequest)]
)
def test_a_model_takes_the_fields_of_the_request_but_no_key_and_no_url(
    tool: type[BaseModel], request_model: type[BaseModel]
) -> None:
    expected = request_model.model_fields.keys() - NOT_FOR_A_MODEL | {"external_credential"}

    assert tool.model_fields.keys() == expected


def test_create_evaluation_takes_every_parameter_of_every_type() -> None:
    parameters = (
        ClassifyParameters.model_fields.keys()
        | ScoreParameters.model_fields.keys()
        | CompareParameters.model_fields.keys()
    )
    columns = {"response_column", "response_column_a", "response_column_b"}

    call = {"type", "name", "metrics", "dry_run", "half_width", "confirm", "again", "sample"}
    call |= {"answers_of", "retry_of", "stop_when", "changes"}
    benchmark = BenchmarkRequest.model_fields.keys()

    assert CreateEvaluationInput.model_fields.keys() == parameters | columns | benchmark | call


def test_bounds_are_those_of_the_requests() -> None:
    judge = portable_schema(JudgeInput)["properties"]

    assert (judge["temperature"]["minimum"], judge["temperature"]["maximum"]) == (0, 2)
    assert judge["num_workers"]["minimum"] == 1
    assert portable_schema(CreateEvaluationInput)["properties"]["labels"]["minItems"] == 2


def test_the_committed_tool_list_is_what_the_command_prints(
    capsys: pytest.CaptureFixture[str],
) -> None:
    from evals_mcp.cli import main  # noqa: PLC0415 - the other tests of this file need no server

    assert main(["tools"]) == 0

    printed = capsys.readouterr().out
    assert COMMITTED.read_text(encoding="utf-8") == printed
    assert len(json.loads(printed)["tools"]) == len(INPUTS)


class Interval(BaseModel):
    """Both ends."""

    low: float
    high: float


class Rate(BaseModel):
    """A share of rows."""

    percent: float
    interval: Interval = Field(description="Of the rate.")


class Rates(BaseModel):
    first: Rate
    second: Rate = Field(description="The other one.")
    groups: list[Interval]
    named: dict[str, Interval] | None = None


def test_an_answer_describes_each_object_once_and_none_inside_another() -> None:
    schema = answer_schema(Rates)["properties"]
    assert schema["first"]["properties"]["percent"] == {"type": "number"}
    assert schema["first"]["properties"]["interval"] == {
        "description": "Of the rate.",
        "type": "object",
    }
    assert schema["second"] == {"description": "The other one.", "type": "object"}
    assert schema["groups"]["items"]["properties"].keys() == {"low", "high"}
    assert schema["named"]["additionalProperties"] == {
        "description": "Both ends.",
        "type": "object",
    }


class Difference(Figures):
    """Both means."""

    first: float = Field(description="The first.", ge=0)


class Compared(BaseModel):
    pairs: int = Field(default=0, description="Pairs in it.", ge=0)
    means: Difference = Field(description="The means: `first`.")


def test_an_answer_describes_figures_in_one_sentence_and_has_no_rules_for_callers() -> None:
    assert answer_schema(Compared)["properties"] == {
        "pairs": {"type": "integer", "description": "Pairs in it."},
        "means": {"type": "object", "description": "The means: `first`."},
    }
    means = portable_schema(Compared)["properties"]["means"]["properties"]
    assert means == {"first": {"type": "number", "description": "The first.", "minimum": 0}}
