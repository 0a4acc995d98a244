"""The benchmark contract (`/api/v3/…`): requests, answers, and the form that tools read.

The contract is Nugen's. It has had three generations in nine months; the models here are generation
1, read leniently. What the later ones changed is the provider's to translate, so that everything
behind it sees `BenchmarkResults` alone.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from evals_schemas.contract import Answer, Request

BENCHMARK = "benchmark"
"""The type of an evaluation of a model on a benchmark, beside `EvaluationType`."""


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
    model_id_2: str | None = None
    custom_metrics: list[str] | dict[str, Any] | None = None
    judge_provider: str | None = None
    """Seen in one crawl of the vendor's documentation; accepted and not used."""


class BenchmarkCreated(Answer):
    """The answer to a create."""

    evaluation_id: str
    model_id: str | None = None
    status: str = "pending"
    benchmark_id: str | None = None
    created_at: str | None = None
    message: str | None = None


class BenchmarkEvaluationLine(Answer):
    """One evaluation in a list."""

    evaluation_id: str
    model_id: str | None = None
    benchmark_id: str | None = None
    status: str
    judge_provider: str | None = None
    created_at: str | None = None
    metrics: dict[str, Any] | None = None


class BenchmarkEvaluationPage(Answer):
    """`GET /api/v3/evaluations`: a page by `limit` (1 to 100) and `offset`."""

    user_id: str | None = None
    evaluations: list[BenchmarkEvaluationLine]
    total: int | None = None
    limit: int | None = None
    offset: int | None = None


class BenchmarkStatus(Answer):
    """`GET /api/v3/evaluations/{id}/status`."""

    evaluation_id: str | None = None
    status: str
    benchmark_id: str | None = None
    progress: str | None = None
    """Such as `10/10 questions`."""
    questions_completed: int | None = None
    total_questions: int | None = None
    """Questions times models."""
    avg_time_per_question: float | None = None
    """Seconds."""
    eta_seconds: float | None = None
    start_time: str | None = None
    end_time: str | None = None


class BenchmarkWireResults(Answer):
    """`GET /api/v3/evaluations/{id}/results`, single (`eval`) and side by side (`eval-compare`).

    The blocks `base_model` and `eval_model` are told apart by the `model_id` in each, never by
    their names.
    """

    evaluation_id: str | None = None
    model_id: str | None = None
    model_id_2: str | None = None
    benchmark_id: str | None = None
    status: str | None = None
    method: str | None = None
    raw_answers_count: int | None = None
    completed_at: str | None = None
    metrics: dict[str, Any] | None = None
    base_model: dict[str, Any] | None = None
    eval_model: dict[str, Any] | None = None
    comparison: dict[str, Any] | None = None


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
    benchmark_name: str | None = None
    status: str | None = None
    documents: list[Any] | None = None
    num_questions: int | None = None
    created_at: str | None = None
    updated_at: str | None = None


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
    benchmark_name: str | None = None
    status: str | None = None
    questions: list[Any] | None = None
    num_questions: int | None = None


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
    questions: int | None = Field(default=None, description="Questions; absent where untold.")
    correct: int | None = Field(default=None, description="Correct ones; absent where untold.")


class BenchmarkResults(Answer):
    """`results` of a benchmark evaluation in the one form that tools read."""

    models: list[ModelFigures] = Field(
        default_factory=list[ModelFigures], description="In the order of the request."
    )
    result_file_id: str | None = Field(
        default=None, description="What `dataset_content` gives the rows for; absent without rows."
    )
    error: str | None = Field(default=None, description="Why it failed; absent when it did not.")
    note: str | None = Field(default=None, description="What the service left out or said oddly.")
