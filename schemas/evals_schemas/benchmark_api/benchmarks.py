"""The benchmark contract (`/api/v3/…`): requests, answers, and the form that tools read.

The contract is Nugen's and has three generations. The models here are generation 1 with the
additions of the later ones, read leniently: a field that is not needed never makes an answer
unreadable. Only the provider sees these models; the tools see `BenchmarkResults`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast

from pydantic import BeforeValidator, Field, model_validator

from evals_schemas.contract import Answer, Request


def _text(value: object) -> str | None:
    """Return a text or a number as text; None for anything else, which some services send."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return value if isinstance(value, str) else str(value)


def as_count(value: object) -> int | None:
    """Return a count that fits into 64 bits; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value < 2**63 and value == int(value) else None


def as_number(value: object) -> float | None:
    """Return a finite number; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 1e300 else None


def _listed(value: object) -> list[object] | None:
    return cast("list[object]", value) if isinstance(value, list) else None


def _by_name(value: object) -> dict[str, object] | None:
    return cast("dict[str, object]", value) if isinstance(value, dict) else None


Text = Annotated[str | None, BeforeValidator(_text)]
Counted = Annotated[int | None, BeforeValidator(as_count)]
Measured = Annotated[float | None, BeforeValidator(as_number)]
Listed = Annotated[list[Any] | None, BeforeValidator(_listed)]
ByName = Annotated[dict[str, Any] | None, BeforeValidator(_by_name)]


Metric = Literal["accuracy", "relevance"]
"""Metrics of the embedded engine: 1 or 0 per question, and the answer's similarity from 0 to 1."""

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
    """The model to evaluate, compared with the baseline if one is named."""
    benchmark_id: str = Field(min_length=1)
    evaluation_name: str
    baseline_model_id: str | None = None
    """`BenchmarkRequest.model_id` of a comparison: what the second model is measured against."""


class BenchmarkCreated(Answer):
    """The answer to a create."""

    evaluation_id: str
    model_id: Text = None
    status: str = "pending"
    benchmark_id: Text = None
    created_at: Text = None
    message: Text = None


class BenchmarkEvaluationLine(Answer):
    """One evaluation in a list."""

    evaluation_id: str
    evaluation_name: Text = None
    """Generation 3 only."""
    model_id: Text = None
    model_id_2: Text = None
    """The vendor does not list it; the embedded engine does."""
    baseline_model_id: Text = None
    """Generation 3 only: the first model of a comparison, `model_id` being the second."""
    benchmark_id: Text = None
    status: str
    judge_provider: Text = None
    created_at: Text = None
    metrics: ByName = None


class BenchmarkEvaluationPage(Answer):
    """`GET /api/v3/evaluations`: a page by `limit` (1 to 100) and `offset`."""

    user_id: Text = None
    evaluations: list[BenchmarkEvaluationLine]
    total: Counted = None
    limit: Counted = None
    offset: Counted = None


class BenchmarkStatus(Answer):
    """`GET /api/v3/evaluations/{id}/status`."""

    evaluation_id: Text = None
    status: str
    benchmark_id: Text = None
    progress: Text = None
    """Such as `10/10 questions`."""
    questions_completed: Counted = None
    total_questions: Counted = None
    """Questions times models."""
    avg_time_per_question: Measured = None
    """Seconds."""
    eta_seconds: Measured = None
    start_time: Text = None
    end_time: Text = None
    error: Text = None
    """Why it failed; the vendor does not promise one."""
    reason: Text = None
    """Code for `error`, see `Reason`; the embedded engine only."""
    message: Text = None
    note: Text = None
    """Why there is no progress; the embedded engine only."""


class BenchmarkWireResults(Answer):
    """`GET /api/v3/evaluations/{id}/results`, single (`eval`) and side by side (`eval-compare`).

    The `model_id` in the blocks `base_model` and `eval_model` says which model each is for; their
    names do not.
    """

    evaluation_id: Text = None
    model_id: Text = None
    model_id_2: Text = None
    baseline_model_id: Text = None
    """Generation 3 only: the first model of a comparison, `model_id` being the second."""
    benchmark_id: Text = None
    status: Text = None
    method: Text = None
    raw_answers_count: Counted = None
    completed_at: Text = None
    metrics: ByName = None
    base_model: ByName = None
    eval_model: ByName = None
    comparison: ByName = None
    paired_answers: ByName = None
    """Questions with a score for both models, by which answers are correct; the embedded engine
    only."""
    judge: Text = None
    """Judge of the answers; the embedded engine only."""
    custom_metrics: Listed = None
    """The requested metrics, if not all; the embedded engine only."""
    usage: ByName = None
    """Calls and tokens; the embedded engine only."""
    error: Text = None
    """Why it failed; the embedded engine only."""
    reason: Text = None
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
    """Model that answered; the vendor reports it only if two models were run."""
    correct: bool | None = None
    """Whether the answer counts as correct; the embedded engine only."""
    error: str | None = None
    """Why there is no score; the embedded engine only."""


class BenchmarkDownload(Answer):
    """`GET /api/v3/evaluations/{id}/download`."""

    detailed_results: list[DetailedResult]


class BenchmarkListed(Answer):
    """One benchmark in `GET /api/v3/benchmark/list`."""

    id: str
    benchmark_name: Text = None
    status: Text = None
    documents: Listed = None
    num_questions: Counted = None
    bytes: Counted = None
    """Size of the stored questions; the embedded engine only."""
    created_at: Text = None
    updated_at: Text = None

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
    benchmark_name: Text = None
    status: Text = None
    questions: Listed = None
    num_questions: Counted = None

    @model_validator(mode="before")
    @classmethod
    def _name(cls, value: object) -> object:
        return _renamed(value, {"id": "benchmark_id", "name": "benchmark_name"})


class BenchmarkModel(Answer):
    """One model that can be evaluated: a base model, or one aligned to a domain."""

    model_id: str
    model_name: Text = None
    type: Text = None

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
    """Return the object with fields under the first name that some generations name otherwise."""
    if not isinstance(value, dict):
        return value
    fields = dict(cast("dict[str, object]", value))
    for other, name in names.items():
        if other in fields:
            fields.setdefault(name, fields[other])
    return fields


class MetricFigures(Answer):
    """One metric over all questions that a model answered. Figures are absent if unknown."""

    mean: float | None = Field(default=None, description="Mean.")
    std: float | None = Field(default=None, description="Population standard deviation.")
    min: float | None = Field(default=None, description="Lowest.")
    max: float | None = Field(default=None, description="Highest.")


class ModelFigures(Answer):
    """The figures of one model on the benchmark."""

    model_id: str = Field(description="The model.")
    metrics: dict[str, MetricFigures] = Field(
        default_factory=dict[str, MetricFigures], description="By name."
    )
    questions: int | None = Field(
        default=None, description="Questions that the figures are over; absent if unknown."
    )
    correct: int | None = Field(default=None, description="Correct ones; absent if unknown.")
    failed: int | None = Field(
        default=None, description="Other questions, without a score; absent if unknown."
    )


class BenchmarkResults(Answer):
    """`results` of a benchmark evaluation in the one form that tools read."""

    models: list[ModelFigures] = Field(
        default_factory=list[ModelFigures], description="In the order of the request."
    )
    paired_answers: dict[str, Counted] | None = Field(
        default=None,
        description="Questions with a score for both models, under both, only_first, only_second "
        "and neither by which answers are correct; absent if unknown.",
    )
    result_file_id: str | None = Field(
        default=None,
        description="Id of the rows for `dataset_content`; absent without rows.",
    )
    judge: str | None = Field(
        default=None, description="The judge of the answers, a rule or a model; absent if unknown."
    )
    usage: dict[str, Any] | None = Field(
        default=None, description="Calls and tokens; absent if not reported."
    )
    error: str | None = Field(default=None, description="Why it failed; absent if it did not.")
    reason: str | None = Field(default=None, description="Code for `error`, see `Reason`.")
    note: str | None = Field(default=None, description="Oddities of the service's answer.")
