"""The benchmark contract (`/api/v3/…`): requests, answers, and the form that tools read.

The contract is Nugen's. It has had three generations in nine months; the models here are generation
1 with what the later ones added, read leniently: a field that is not needed is never the reason why
an answer cannot be read. Everything behind the provider sees `BenchmarkResults` alone.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast

from pydantic import BeforeValidator, Field, model_validator

from evals_schemas.contract import Answer, Request

BENCHMARK = "benchmark"
"""The type of an evaluation of a model on a benchmark, beside `EvaluationType`."""


def _told(value: object) -> str | None:
    """A text; a number as text; None for anything else, as a service may leave a field odd."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return value if isinstance(value, str) else str(value)


def as_count(value: object) -> int | None:
    """A count that fits 64 bits; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value < 2**63 and value == int(value) else None


def as_number(value: object) -> float | None:
    """A finite number; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 1e300 else None


def _listed(value: object) -> list[object] | None:
    return cast("list[object]", value) if isinstance(value, list) else None


def _by_name(value: object) -> dict[str, object] | None:
    return cast("dict[str, object]", value) if isinstance(value, dict) else None


Told = Annotated[str | None, BeforeValidator(_told)]
Counted = Annotated[int | None, BeforeValidator(as_count)]
Measured = Annotated[float | None, BeforeValidator(as_number)]
Listed = Annotated[list[Any] | None, BeforeValidator(_listed)]
ByName = Annotated[dict[str, Any] | None, BeforeValidator(_by_name)]


Metric = Literal["accuracy", "relevance"]
"""What the embedded engine computes: 1 or 0 a question, and how near an answer comes, 0 to 1."""

METRICS: tuple[Metric, ...] = ("accuracy", "relevance")


class BenchmarkRequest(Request):
    """Run one model, or two side by side, on the questions of a benchmark."""

    type: Literal["benchmark"] = Field(default="benchmark", description="Always `benchmark`.")
    model_id: str = Field(description="The model to evaluate.", min_length=1)
    benchmark_id: str = Field(description="Id of a benchmark from list_datasets.", min_length=1)
    model_id_2: str | None = Field(
        default=None, description="A second model, to compare with the first.", min_length=1
    )
    custom_metrics: list[str] | dict[str, Any] | None = Field(
        default=None, description="Metrics by name, or an object by name; the service's if absent."
    )


class BenchmarkCreateBody(Request):
    """The body of `POST /api/v3/evaluations`."""

    model_id: str = Field(min_length=1)
    benchmark_id: str = Field(min_length=1)
    model_id_2: str | None = Field(default=None, min_length=1)
    custom_metrics: list[str] | dict[str, Any] | None = None
    judge_provider: str | None = None
    """Seen in one crawl of the vendor's documentation; accepted and not used."""


class BenchmarkNamedBody(Request):
    """The body of `POST /api/v3/evaluations/create`, generation 3."""

    model_id: str = Field(min_length=1)
    """The model that is compared with the baseline, where there is one."""
    benchmark_id: str = Field(min_length=1)
    evaluation_name: str
    baseline_model_id: str | None = None
    """`BenchmarkRequest.model_id` of a comparison: what the second model is measured against."""


class BenchmarkCreated(Answer):
    """The answer to a create."""

    evaluation_id: str
    model_id: Told = None
    status: str = "pending"
    benchmark_id: Told = None
    created_at: Told = None
    message: Told = None


class BenchmarkEvaluationLine(Answer):
    """One evaluation in a list."""

    evaluation_id: str
    evaluation_name: Told = None
    """Generation 3 only."""
    model_id: Told = None
    model_id_2: Told = None
    """The vendor does not list it; the embedded engine does."""
    baseline_model_id: Told = None
    """Generation 3 only: the first model of a comparison, `model_id` being the second."""
    benchmark_id: Told = None
    status: str
    judge_provider: Told = None
    created_at: Told = None
    metrics: ByName = None


class BenchmarkEvaluationPage(Answer):
    """`GET /api/v3/evaluations`: a page by `limit` (1 to 100) and `offset`."""

    user_id: Told = None
    evaluations: list[BenchmarkEvaluationLine]
    total: Counted = None
    limit: Counted = None
    offset: Counted = None


class BenchmarkStatus(Answer):
    """`GET /api/v3/evaluations/{id}/status`."""

    evaluation_id: Told = None
    status: str
    benchmark_id: Told = None
    progress: Told = None
    """Such as `10/10 questions`."""
    questions_completed: Counted = None
    total_questions: Counted = None
    """Questions times models."""
    avg_time_per_question: Measured = None
    """Seconds."""
    eta_seconds: Measured = None
    start_time: Told = None
    end_time: Told = None
    error: Told = None
    """Why it failed; the vendor does not promise one."""
    reason: Told = None
    """Code for `error`, see `Reason`; the embedded engine only."""
    message: Told = None
    note: Told = None
    """Why it does not get on; the embedded engine only."""


class BenchmarkWireResults(Answer):
    """`GET /api/v3/evaluations/{id}/results`, single (`eval`) and side by side (`eval-compare`).

    The blocks `base_model` and `eval_model` are told apart by the `model_id` in each, never by
    their names.
    """

    evaluation_id: Told = None
    model_id: Told = None
    model_id_2: Told = None
    baseline_model_id: Told = None
    """Generation 3 only: the first model of a comparison, `model_id` being the second."""
    benchmark_id: Told = None
    status: Told = None
    method: Told = None
    raw_answers_count: Counted = None
    completed_at: Told = None
    metrics: ByName = None
    base_model: ByName = None
    eval_model: ByName = None
    comparison: ByName = None
    judge: Told = None
    """What judged the answers; the embedded engine only."""
    custom_metrics: Listed = None
    """The metrics, where fewer than all were asked for; the embedded engine only."""
    error: Told = None
    """Why it failed; the embedded engine only."""
    reason: Told = None
    """Code for `error`, see `Reason`; the embedded engine only."""


class DetailedResult(Answer):
    """One question as one model answered it, in `GET /api/v3/evaluations/{id}/download`."""

    question_id: str | int | None = None
    question: str | None = None
    expected_answer: str | None = None
    model_answer: str | None = None
    score: float | None = None
    relevance: float | None = None
    model_id: str | None = None
    """Which model answered; the embedded engine tells, the vendor only where two were run."""
    correct: bool | None = None
    """Whether it counts as correct; only the embedded engine tells."""
    error: str | None = None
    """Why there is no score; only the embedded engine tells."""


class BenchmarkDownload(Answer):
    """`GET /api/v3/evaluations/{id}/download`."""

    detailed_results: list[DetailedResult]


class BenchmarkListed(Answer):
    """One benchmark in `GET /api/v3/benchmark/list`."""

    id: str
    benchmark_name: Told = None
    status: Told = None
    documents: Listed = None
    num_questions: Counted = None
    bytes: Counted = None
    """Size of the questions as they are kept; the embedded engine only."""
    created_at: Told = None
    updated_at: Told = None

    @model_validator(mode="before")
    @classmethod
    def _name(cls, value: object) -> object:
        return _renamed(value, {"benchmark_id": "id", "name": "benchmark_name"})


class BenchmarkList(Answer):
    """`GET /api/v3/benchmark/list`."""

    benchmarks: list[BenchmarkListed]


class Question(Answer):
    """One question of a benchmark."""

    question_num: int | str | None = None
    question: str
    answer: str


class BenchmarkUploaded(Answer):
    """The answer to `POST /api/v3/benchmark/upload`."""

    benchmark_id: str
    benchmark_name: Told = None
    status: Told = None
    questions: Listed = None
    num_questions: Counted = None

    @model_validator(mode="before")
    @classmethod
    def _name(cls, value: object) -> object:
        return _renamed(value, {"id": "benchmark_id", "name": "benchmark_name"})


class BenchmarkModel(Answer):
    """One model that can be evaluated: a base model, or one aligned to a domain."""

    model_id: str
    model_name: Told = None
    type: Told = None

    @model_validator(mode="before")
    @classmethod
    def _name(cls, value: object) -> object:
        if isinstance(value, str):
            return {"model_id": value}
        return _renamed(value, {"id": "model_id", "name": "model_name"})


class BenchmarkModels(Answer):
    """`GET /api/v3/models/base` (`models`) and `/models/aligned` (`domain_aligned_models`)."""

    models: list[BenchmarkModel]

    @model_validator(mode="before")
    @classmethod
    def _name(cls, value: object) -> object:
        if isinstance(value, list):
            return {"models": cast("list[object]", value)}
        others = ("domain_aligned_models", "aligned_models", "base_models")
        return _renamed(value, dict.fromkeys(others, "models"))


def _renamed(value: object, names: dict[str, str]) -> object:
    """The object with what some generations call otherwise under its first name as well."""
    if not isinstance(value, dict):
        return value
    fields = dict(cast("dict[str, object]", value))
    for other, name in names.items():
        if other in fields:
            fields.setdefault(name, fields[other])
    return fields


class MetricFigures(Answer):
    """One metric over all questions that a model answered. Each figure is absent where untold."""

    mean: float | None = Field(default=None, description="Mean.")
    std: float | None = Field(default=None, description="Population standard deviation.")
    min: float | None = Field(default=None, description="Lowest.")
    max: float | None = Field(default=None, description="Highest.")


class ModelFigures(Answer):
    """What one model reached on the benchmark."""

    model_id: str = Field(description="The model.")
    metrics: dict[str, MetricFigures] = Field(
        default_factory=dict[str, MetricFigures], description="By name."
    )
    questions: int | None = Field(
        default=None, description="Questions that the figures are over; absent where untold."
    )
    correct: int | None = Field(default=None, description="Correct ones; absent where untold.")
    failed: int | None = Field(
        default=None, description="Questions beside these without a score; absent where untold."
    )


class BenchmarkResults(Answer):
    """`results` of a benchmark evaluation in the one form that tools read."""

    models: list[ModelFigures] = Field(
        default_factory=list[ModelFigures], description="In the order of the request."
    )
    result_file_id: str | None = Field(
        default=None, description="What `dataset_content` gives the rows for; absent without rows."
    )
    judge: str | None = Field(
        default=None, description="What judged the answers, a rule or a model; absent where untold."
    )
    error: str | None = Field(default=None, description="Why it failed; absent when it did not.")
    reason: str | None = Field(default=None, description="Code for `error`, see `Reason`.")
    note: str | None = Field(default=None, description="What the service left out or said oddly.")
