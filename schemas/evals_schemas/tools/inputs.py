"""The arguments of each tool.

They are flat and use the API's own names; bounds and descriptions are taken from the requests in
`evals_schemas.evaluation_api.evaluations`, so that the two cannot drift apart.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import (
    BaseModel,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.json_schema import SkipJsonSchema

from evals_schemas.benchmark_api.benchmarks import BenchmarkRequest
from evals_schemas.contract import Request
from evals_schemas.evaluation_api.defaults import (
    CANDIDATE_MAX_TOKENS,
    JUDGE_MAX_TOKENS,
    TEMPERATURE,
)
from evals_schemas.evaluation_api.evaluations import (
    ClassifyParameters,
    CompareParameters,
    JudgeModelConfig,
    ModelRequest,
    ModelSource,
    ScoreParameters,
    State,
)
from evals_schemas.evaluation_api.rules import RULE_NAMES
from evals_schemas.evaluation_types import RequestType
from evals_schemas.sequential.stop_when import StopEarly
from evals_schemas.tools.earlier import with_changes_apart
from evals_schemas.tools.groups import BY
from evals_schemas.tools.metrics import MetricNames, SeveralMetrics, with_judges_in_metrics

_BOUNDS = ("ge", "gt", "le", "lt", "min_length", "max_length", "allow_inf_nan")


def _as_in(
    request: type[BaseModel],
    name: str,
    description: str | None = None,
    default: object = None,
    required: bool = False,
) -> Any:
    """Return a field with the bounds and, by default, the description of the request's field."""
    source = request.model_fields[name]
    bounds: dict[str, Any] = {
        bound: getattr(item, bound)
        for item in source.metadata
        for bound in _BOUNDS
        if getattr(item, bound, None) is not None
    }
    return Field(
        default=... if required else default,
        description=description or source.description,
        **bounds,
    )


_CREDENTIAL = "Name of a configured credential, for an external model. Never a key."


class JudgeInput(Request):
    """The judge: a model with a rubric, or a rule."""

    model: str = _as_in(
        JudgeModelConfig,
        "model",
        f"Model name, or a rule that calls no model: {', '.join(RULE_NAMES)}.",
        required=True,
    )
    system_template: str = _as_in(
        JudgeModelConfig,
        "system_template",
        "The rubric, Jinja2 over the columns: {{question}}; or a ready one, such as "
        "rubric/correctness. For a rule: the expected text, such as {{expected}}.",
        required=True,
    )
    model_source: ModelSource = _as_in(JudgeModelConfig, "model_source", default="serverless")
    max_tokens: int | None = _as_in(
        JudgeModelConfig, "max_tokens", f"{JUDGE_MAX_TOKENS} if absent."
    )
    temperature: float | None = _as_in(JudgeModelConfig, "temperature", f"{TEMPERATURE} if absent.")
    num_workers: int | None = _as_in(JudgeModelConfig, "num_workers", "Calls in flight at once.")
    external_credential: str | None = Field(default=None, description=_CREDENTIAL)


class CandidateInput(Request):
    """A model that answers every row before the judge sees it."""

    model: str = _as_in(ModelRequest, "model", required=True)
    system_template: str = _as_in(
        ModelRequest, "system_template", "System prompt, Jinja2 over the columns.", required=True
    )
    input_template: str = _as_in(
        ModelRequest, "input_template", "User prompt, Jinja2 over the columns.", required=True
    )
    model_source: ModelSource = _as_in(
        ModelRequest, "model_source", "As for the judge.", default="serverless"
    )
    max_tokens: int | None = _as_in(
        ModelRequest, "max_tokens", f"{CANDIDATE_MAX_TOKENS} if absent."
    )
    temperature: float | None = _as_in(ModelRequest, "temperature", f"{TEMPERATURE} if absent.")
    num_workers: int | None = _as_in(ModelRequest, "num_workers", "Calls in flight at once.")
    external_credential: str | None = Field(default=None, description="As for the judge.")


RESPONSE_COLUMNS = {
    "model_to_evaluate": "response_column",
    "model_a": "response_column_a",
    "model_b": "response_column_b",
}
"""The argument for a column of ready answers, by the API's field for a column or a model."""


class CreateEvaluationInput(Request):
    """The arguments of `create_evaluation`; which fields apply depends on `type`."""

    type: RequestType = Field(
        description="classify: a label an answer; score: a number; compare: the better of two; "
        "benchmark: a model's answers to a benchmark's questions."
    )
    input_data_file_path: str | None = _as_in(
        ClassifyParameters, "input_data_file_path", "All but benchmark: a data set's `file-…` id."
    )
    sample: int | None = Field(
        default=None,
        description="All but benchmark: judge only so many rows, drawn at random; to try first.",
        ge=1,
        le=10_000,
    )
    answers_of: str | None = Field(
        default=None,
        description="All but benchmark: an ended evaluation whose rows and answers are judged "
        "anew; nothing is generated.",
        min_length=1,
    )
    retry_of: str | None = Field(
        default=None,
        description="All but benchmark: an ended evaluation; sends only its rows without a "
        "verdict, takes over the others and absent arguments.",
        min_length=1,
    )
    stop_when: StopEarly = None
    changes: SkipJsonSchema[dict[str, Any] | None] = Field(default=None)
    """The models of a call with `answers_of` or `retry_of`, whose other fields are taken over. No
    caller sends it; see `with_changes_apart`."""
    judge: JudgeInput | None = _as_in(ClassifyParameters, "judge", "All but benchmark: the judge.")
    labels: list[str] | None = _as_in(
        ClassifyParameters, "labels", "classify: every label the judge may give."
    )
    pass_labels: list[str] | None = _as_in(
        ClassifyParameters, "pass_labels", "classify: the labels that count as a pass."
    )
    min_score: float | None = _as_in(ScoreParameters, "min_score", "score: lowest score.")
    max_score: float | None = _as_in(ScoreParameters, "max_score", "score: highest score.")
    pass_threshold: float | None = _as_in(
        ScoreParameters, "pass_threshold", "score: this or more is a pass."
    )
    response_column: str | None = Field(
        default=None,
        description="classify, score: column of ready answers, instead of model_to_evaluate.",
        min_length=1,
    )
    model_to_evaluate: CandidateInput | None = Field(
        default=None, description="classify, score: a model to run on every row."
    )
    response_column_a: str | None = Field(
        default=None,
        description="compare: column of A's ready answers, instead of model_a.",
        min_length=1,
    )
    model_a: CandidateInput | None = Field(
        default=None, description="compare: the model to run as A."
    )
    response_column_b: str | None = Field(
        default=None,
        description="compare: column of B's ready answers, instead of model_b.",
        min_length=1,
    )
    model_b: CandidateInput | None = Field(
        default=None, description="compare: the model to run as B."
    )
    disable_position_bias_correction: bool | None = _as_in(
        CompareParameters,
        "disable_position_bias_correction",
        "compare: true judges one order only, at half the cost.",
    )
    model_id: str | None = _as_in(BenchmarkRequest, "model_id", "benchmark: the model.")
    benchmark_id: str | None = _as_in(
        BenchmarkRequest, "benchmark_id", "benchmark: its id; see list_datasets."
    )
    model_id_2: str | None = _as_in(
        BenchmarkRequest, "model_id_2", "benchmark: a second model, to compare."
    )
    custom_metrics: MetricNames | None = Field(
        default=None,
        description="benchmark: metrics by name, such as accuracy; or an object by name.",
    )
    metrics: SeveralMetrics | None = Field(
        default=None,
        description="Several evaluations of one data set: for each a name and the arguments that "
        "differ, such as judge.",
    )
    name: str | None = Field(
        default=None, description="A name to find it by.", min_length=1, max_length=100
    )
    dry_run: bool = Field(
        default=False, description="true starts nothing: returns rows, calls, cost and warnings."
    )
    half_width: float = Field(
        default=10,
        description="Desired 95 % interval, plus or minus points; warns if rows are too few.",
        ge=0.1,
        le=49,
    )
    confirm: str | None = Field(
        default=None,
        description="The code from the answer that asked to confirm this same request.",
    )
    again: bool = Field(
        default=False, description="true starts another although an identical one was just started."
    )

    @model_validator(mode="before")
    @classmethod
    def judges_belong_to_metrics(cls, arguments: object) -> object:
        """Give each metric the common judge, which may lack what the metrics add."""
        return with_judges_in_metrics(arguments)

    @model_validator(mode="before")
    @classmethod
    def models_may_be_taken_over(cls, arguments: object) -> object:
        """Keep models apart of which an earlier evaluation has the other fields."""
        return with_changes_apart(arguments)

    @field_validator("model_to_evaluate", "model_a", "model_b", mode="before")
    @classmethod
    def a_model_is_an_object(cls, value: object, info: ValidationInfo) -> object:
        """Refuse a string: the API reads a column's name, but most callers mean a model's."""
        if isinstance(value, str):
            column = RESPONSE_COLUMNS[info.field_name or ""]
            raise ValueError(  # noqa: TRY004 - pydantic reads no TypeError
                f"{info.field_name}: pass an object with model, system_template and "
                f"input_template; the name of a column of ready answers goes into {column}"
            )
        return value


class ListEvaluationsInput(Request):
    """The arguments of `list_evaluations`."""

    status: State | None = Field(default=None, description="Only this status.")
    type: RequestType | None = Field(default=None, description="Only this type.")
    name: str | None = Field(
        default=None, description="Only names that contain this.", min_length=1
    )
    model: str | None = Field(
        default=None, description="Only with such a judge or candidate.", min_length=1
    )
    data_set: str | None = Field(
        default=None,
        description="Only with this data set: its id or part of its name.",
        min_length=1,
    )
    limit: int = Field(default=10, description="How many.", ge=1, le=50)
    cursor: str | None = Field(
        default=None, description="next_cursor of the previous page, with the same filters."
    )


LabelsAre = Literal[
    "people", "people_random_sample", "people_chosen", "model", "unknown", "no_labels"
]
"""Who gave the labels of a column and, if only some rows have one, how these were selected;
`no_labels` forgets the column."""

_EVALUATION_ID = "The evaluation's id, such as `eval-…`."


class GetEvaluationInput(Request):
    """The arguments of `get_evaluation`."""

    evaluation_id: str = Field(
        description="Its id, such as `eval-…`; several with commas are shown side by side.",
        min_length=1,
    )
    cluster_column: str | None = Field(
        default=None,
        description="Column whose equal values mark rows that belong together, such as several "
        "answers to one question; widens the intervals.",
        min_length=1,
    )
    by: str | None = Field(default=None, description=BY, min_length=1)
    human_column: str | None = Field(
        default=None,
        description="Column of labels to check the judge; remembered.",
        min_length=1,
    )
    labels_are: LabelsAre | None = Field(
        default=None, description="Who gave them; ask the user, never guess."
    )


class GetStatusInput(Request):
    """The arguments of `get_status`."""

    evaluation_id: str = Field(description=_EVALUATION_ID, min_length=1)
    wait_seconds: float = Field(
        default=0, description="Wait up to this long for it to end.", ge=0, le=45
    )


class CancelEvaluationInput(Request):
    """The arguments of `cancel_evaluation`."""

    evaluation_id: str = Field(description=_EVALUATION_ID, min_length=1)


class DeleteDataInput(Request):
    """The arguments of `delete_data`."""

    id: str = Field(description="Whole id of a data set or evaluation.", min_length=1)
    confirm: bool = Field(
        default=False, description="true once the user agreed; without it, only shows what goes."
    )


class UploadDatasetInput(Request):
    """The arguments of `upload_dataset`: a file or inline rows."""

    path: str | None = Field(
        default=None,
        description="A .jsonl, .csv, .tsv, .json or .parquet file in an allowed folder.",
        min_length=1,
    )
    rows: list[dict[str, Any]] | None = Field(
        default=None,
        description="Instead of path: the rows, each with the same columns.",
        min_length=1,
    )
    name: str | None = Field(default=None, description="Name to store it under.", min_length=1)
    columns: list[str] | None = Field(
        default=None, description="Send only these columns.", min_length=1
    )
    benchmark: bool = Field(
        default=False, description="true stores question and answer columns as a benchmark."
    )


class ListDatasetsInput(Request):
    """The arguments of `list_datasets`."""

    name: str | None = Field(
        default=None, description="Only names that contain this.", min_length=1
    )


class ListModelsInput(Request):
    """The arguments of `list_models`."""

    filter: str | None = Field(
        default=None,
        description="Only names that contain this; rubric/ lists ready rubrics.",
    )
    role: Literal["judge", "candidate"] | None = Field(
        default=None, description="Only those for this role."
    )
    model_source: ModelSource | None = Field(default=None, description="Only this source.")
    max_price: float | None = Field(
        default=None, description="US dollars per million tokens at most.", ge=0
    )
    limit: int = Field(default=30, description="How many.", ge=1, le=200)
