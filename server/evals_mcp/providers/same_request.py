"""Finds in a service's list the evaluations that a request may have started."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, cast

from pydantic import BaseModel

from evals_schemas.benchmark_api.benchmarks import BENCHMARK, BenchmarkRequest
from evals_schemas.evaluation_api.defaults import (
    CANDIDATE_MAX_TOKENS,
    JUDGE_MAX_TOKENS,
    TEMPERATURE,
)
from evals_schemas.evaluation_api.evaluations import (
    ClassifyParameters,
    CompareParameters,
    EvaluationJob,
    JudgeModelConfig,
    ModelRequest,
    ScoreParameters,
)

SEARCHED_JOBS = 100
"""How many evaluations are searched: the most that the API lists."""

CLOCK_SKEW = timedelta(seconds=120)
"""How far the service's clock may be behind ours."""

_SECRET_FIELD = "external_api_token"  # noqa: S105 - the name of a field, not a token
_PARAMETERS: Mapping[str, type[BaseModel]] = {
    "classify": ClassifyParameters,
    "score": ScoreParameters,
    "compare": CompareParameters,
    BENCHMARK: BenchmarkRequest,
}
"""What a request of each type may hold."""

_MODELS: Mapping[str, type[BaseModel]] = {
    "judge": JudgeModelConfig,
    "model_to_evaluate": ModelRequest,
    "model_a": ModelRequest,
    "model_b": ModelRequest,
}
"""What a model may hold, by the field that it stands in."""

_DEFAULTS: Mapping[type[BaseModel], Mapping[str, Any]] = {
    JudgeModelConfig: {"max_tokens": JUDGE_MAX_TOKENS, "temperature": TEMPERATURE},
    ModelRequest: {"max_tokens": CANDIDATE_MAX_TOKENS, "temperature": TEMPERATURE},
    CompareParameters: {"disable_position_bias_correction": False},
}
"""What a field that is left out stands for, by the contract's documentation."""

_MEASURES_THE_SAME = frozenset({"type", "num_workers"})
"""Fields that change nothing of what is measured; the type is compared by itself."""


def same_request(
    jobs: Iterable[EvaluationJob], kind: str, parameters: Mapping[str, Any]
) -> list[EvaluationJob]:
    """The jobs of one type that measure the same; see `measured`.

    The keys of external models are left out: no service repeats them.
    """
    sent = measured(kind, without_keys(dict(parameters)))
    return [
        job
        for job in jobs
        if job.type == kind and measured(kind, without_keys(job.parameters)) == sent
    ]


def measured(kind: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """What two requests of one type share when they measure the same.

    A field that is absent or null stands for its documented default. What only says how fast it
    is done is left out, and so is what a service adds that no request has. Labels in another order
    are another request: the order is what the judge reads.
    """
    found = _complete(parameters, _PARAMETERS[kind]) if kind in _PARAMETERS else dict(parameters)
    for field, model in _MODELS.items():
        value = found.get(field)
        if isinstance(value, dict):
            found[field] = _complete(cast("dict[str, Any]", value), model)
    return found


def _complete(fields: Mapping[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    """The fields that a request has, with the defaults of those that are left out."""
    told = {
        name: value
        for name, value in fields.items()
        if value is not None and name in model.model_fields and name not in _MEASURES_THE_SAME
    }
    return {**_DEFAULTS.get(model, {}), **told}


def without_keys(value: Any) -> Any:
    """The same JSON value without the keys of external models, at any depth."""
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        return {
            name: without_keys(below) for name, below in fields.items() if name != _SECRET_FIELD
        }
    return value
