"""Finds the evaluations in a service's list that a request may have started."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, cast

from pydantic import BaseModel

from evals_schemas.evaluation_api.defaults import (
    CANDIDATE_MAX_TOKENS,
    JUDGE_MAX_TOKENS,
    TEMPERATURE,
)
from evals_schemas.evaluation_api.evaluations import (
    EvaluationJob,
    JudgeModelConfig,
    ModelRequest,
)
from evals_schemas.sequential.stop_when import CONTINUES, STOP_WHEN, StopWhen
from evals_schemas.type_models import TYPE_MODELS

SEARCHED_JOBS = 100
"""Evaluations that are searched, the most that the API lists."""

CLOCK_SKEW = timedelta(seconds=120)
"""Most time by which the service's clock may be behind ours."""

_SECRET_FIELD = "external_api_token"  # noqa: S105 - the name of a field, not a token
_MODELS: Mapping[str, type[BaseModel]] = {
    "judge": JudgeModelConfig,
    "model_to_evaluate": ModelRequest,
    "model_a": ModelRequest,
    "model_b": ModelRequest,
}
"""Fields of a model, by the request field that contains it."""

_DEFAULTS: Mapping[type[BaseModel], Mapping[str, Any]] = {
    JudgeModelConfig: {"max_tokens": JUDGE_MAX_TOKENS, "temperature": TEMPERATURE},
    ModelRequest: {"max_tokens": CANDIDATE_MAX_TOKENS, "temperature": TEMPERATURE},
}
"""Documented defaults of the absent fields of a model."""

SAMPLE, ANSWERS_OF, RETRY_OF = "sample", "answers_of", "retry_of"
"""The arguments of `create_evaluation` that choose rows, at random or by an earlier evaluation."""

ROW_ARGUMENTS = frozenset({SAMPLE, RETRY_OF, ANSWERS_OF})
"""Arguments of `create_evaluation` that choose the rows: no service knows them, and they count."""

_RULES = tuple(StopWhen.model_fields)
"""Fields of `stop_when` that a caller gives; the others follow from them or are drawn."""

_IGNORED = frozenset({"type", "num_workers"})
"""Fields that do not change the results; the type is compared separately."""


def same_request(
    jobs: Iterable[EvaluationJob], kind: str, parameters: Mapping[str, Any]
) -> list[EvaluationJob]:
    """Return the jobs of one type that measure the same; see `measured`.

    Keys of external models are ignored: no service repeats them.
    """
    sent = measured(kind, without_keys(dict(parameters)))
    return [
        job
        for job in jobs
        if job.type == kind and measured(kind, without_keys(job.parameters)) == sent
    ]


def measured(kind: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of the parameters that is equal if two requests measure the same.

    An absent or null field has its documented default. Fields that only change the speed are left
    out, and so are fields that a service adds. The order of labels counts: the judge reads it.
    """
    models = TYPE_MODELS.get(kind)
    fields = dict(parameters)
    if models is not None:
        chosen = {name: parameters[name] for name in ROW_ARGUMENTS & parameters.keys()}
        fields = {**models.defaults, **_complete(parameters, models.parameters), **chosen}
    if isinstance(continued := parameters.get(CONTINUES), str):
        # Requested as a retry; whether the stopped evaluation judged a sample is its own matter.
        fields = {**fields, RETRY_OF: continued}
        fields.pop(SAMPLE, None)
    if isinstance(parameters.get(STOP_WHEN), dict):
        rules = cast("dict[str, Any]", parameters[STOP_WHEN])
        if not rules.get("to_the_end"):
            fields[STOP_WHEN] = {name: rules[name] for name in _RULES if rules.get(name)}
    for field, model in _MODELS.items():
        value = fields.get(field)
        if isinstance(value, dict):
            fields[field] = _complete(cast("dict[str, Any]", value), model)
    return fields


def _complete(fields: Mapping[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    """Return the relevant fields, with the defaults of absent ones."""
    present = {
        name: value
        for name, value in fields.items()
        if value is not None and name in model.model_fields and name not in _IGNORED
    }
    return {**_DEFAULTS.get(model, {}), **present}


def without_keys(value: Any) -> Any:
    """Return the JSON value without the keys of external models, at any depth."""
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        return {
            name: without_keys(below) for name, below in fields.items() if name != _SECRET_FIELD
        }
    return value
