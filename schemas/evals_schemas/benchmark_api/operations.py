"""The operations of the benchmark contract (`/api/v3/…`), by generation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel

from evals_schemas.benchmark_api.benchmarks import (
    BenchmarkCreated,
    BenchmarkEvaluationPage,
    BenchmarkList,
    BenchmarkModels,
    BenchmarkStatus,
    BenchmarkUploaded,
    BenchmarkWireResults,
)
from evals_schemas.contract import Operation
from evals_schemas.evaluation_api.evaluations import EvaluationDeleted
from evals_schemas.evaluation_api.files import FileDeleted

_EVALUATIONS = "/api/v3/evaluations"
_MODELS = "/api/v3/models"

_SERVER_ERROR = frozenset({500})
"""Status that this service sends where others send 502 or 503, so a read is retried."""


@dataclass(frozen=True)
class BenchmarkOperations:
    """The operations of one generation of the contract, with paths that begin at the host."""

    generation: int
    create: Operation
    list_evaluations: Operation
    status: Operation
    results: Operation
    """Refused with 400 until the evaluation has finished."""
    rows: Operation
    """One JSON object with `detailed_results`; refused like `results`."""
    cancel: Operation
    """Only the embedded engine has it, as the next two."""
    delete_evaluation: Operation
    delete_benchmark: Operation
    upload: Operation
    list_benchmarks: Operation
    questions: Operation
    base_models: Operation
    aligned_models: Operation


def benchmark_operations(generation: int) -> BenchmarkOperations:
    """Return the operations of generation 1, 2 or 3. The first two differ only in status words."""
    later = generation >= 3
    benchmarks = "/api/v3/benchmarks" if later else "/api/v3/benchmark"
    evaluation = f"{_EVALUATIONS}/{{id}}"
    return BenchmarkOperations(
        generation=generation,
        create=_operation(
            "create_evaluation",
            f"{_EVALUATIONS}/create" if later else _EVALUATIONS,
            BenchmarkCreated,
            "POST",
        ),
        list_evaluations=_operation("list_evaluations", _EVALUATIONS, BenchmarkEvaluationPage),
        status=_operation("get_status", f"{evaluation}/status", BenchmarkStatus),
        results=_operation("get_evaluation", f"{evaluation}/results", BenchmarkWireResults),
        rows=_operation("read_benchmark_rows", f"{evaluation}/download", None),
        cancel=_operation("cancel_evaluation", f"{evaluation}/cancel", BenchmarkStatus, "POST"),
        delete_evaluation=_operation("delete_evaluation", evaluation, EvaluationDeleted, "DELETE"),
        delete_benchmark=_operation(
            "delete_benchmark", f"{benchmarks}/{{id}}", FileDeleted, "DELETE"
        ),
        upload=_operation("upload_benchmark", f"{benchmarks}/upload", BenchmarkUploaded, "POST"),
        list_benchmarks=_operation("list_benchmarks", f"{benchmarks}/list", BenchmarkList),
        questions=_operation("read_questions", f"{benchmarks}/{{id}}/data", None),
        base_models=_operation("list_models", f"{_MODELS}/base", BenchmarkModels),
        aligned_models=_operation("list_models", f"{_MODELS}/aligned", BenchmarkModels),
    )


def _operation(
    name: str,
    path: str,
    answers: type[BaseModel] | None,
    method: Literal["GET", "POST", "DELETE"] = "GET",
) -> Operation:
    return Operation(name, method, path, answers, vendor=False, also_retried=_SERVER_ERROR)
