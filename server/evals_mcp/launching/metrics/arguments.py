"""Turns a create with `metrics` into one create for each metric."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from evals_mcp.argument_errors.messages import explain
from evals_mcp.cleaning import quoted
from evals_mcp.errors import InvalidRequestError
from evals_mcp.launching.request import CALL_FIELDS, COLUMN_OF, MODEL_OF, ROW_FIELDS, has_field
from evals_schemas.evaluation_types import BENCHMARK
from evals_schemas.tools.inputs import CreateEvaluationInput
from evals_schemas.tools.portable_schema import portable_schema

_OF_ALL = CALL_FIELDS | ROW_FIELDS | {"input_data_file_path"}
"""Arguments that are the same for all metrics."""

_NAME = 60
"""Most characters of a metric's name."""


def arguments_by_metric(arguments: CreateEvaluationInput) -> dict[str, CreateEvaluationInput]:
    """Return the arguments of each metric by its name, in the order of the request.

    A metric takes over each argument of the request that its type has and that it does not give
    itself; of its judge, each field that it does not give itself.

    Raises:
        InvalidRequestError: a metric has no name of its own, gives an argument that is the same
            for all metrics or does not exist, or no metric's type has an argument of the request.
    """
    if arguments.retry_of is not None:
        raise InvalidRequestError(
            "`metrics` and `retry_of` exclude each other: a retry is of one evaluation. Call "
            "create_evaluation with `retry_of` once for each."
        )
    common = arguments.model_dump(exclude_unset=True, exclude_none=True, exclude={"metrics"})
    unused = set(common) - _OF_ALL - {"type"}
    requested: dict[str, CreateEvaluationInput] = {}
    for metric in arguments.metrics or ():
        name = _name(metric, requested)
        kind = metric.get("type", arguments.type)
        if kind == BENCHMARK:
            raise InvalidRequestError(
                f"{of_metric(name)}a benchmark asks models its own questions, so it is no metric "
                "of a data set: start it with a call of its own, without `metrics`."
            )
        fields = _fields(name, kind, metric, common)
        unused -= fields.keys()
        requested[name] = _checked(name, fields)
    if unused:
        first = min(unused)
        raise InvalidRequestError(
            f"`{first}` is given for all metrics, and no metric uses it: leave it out, or give the "
            "`type` that it belongs to in a metric."
        )
    return requested


def of_metric(name: str) -> str:
    """Return the beginning of a sentence about one metric."""
    return f"Metric {quoted(name, _NAME)}: "


def _name(metric: Mapping[str, Any], others: Mapping[str, object]) -> str:
    value = metric.get("name")
    name = value.strip() if isinstance(value, str) else ""
    if not 0 < len(name) <= _NAME:
        raise InvalidRequestError(
            f"Each metric needs a `name` of 1 to {_NAME} characters, by which answers call it, "
            "such as correctness."
        )
    if name.casefold() in {other.casefold() for other in others}:
        raise InvalidRequestError(
            f"Two metrics have the name {quoted(name, _NAME)}: give each a name of its own."
        )
    return name


def _fields(
    name: str, kind: object, metric: Mapping[str, Any], common: Mapping[str, Any]
) -> dict[str, Any]:
    differing = {
        field: value for field, value in metric.items() if field != "name" and value is not None
    }
    if shared := sorted(differing.keys() & _OF_ALL):
        raise InvalidRequestError(
            f"{of_metric(name)}`{shared[0]}` is the same for all metrics: give it once, beside "
            "`metrics`."
        )
    replaced = {*differing, *(COLUMN_OF.get(field) or MODEL_OF.get(field) for field in differing)}
    inherited = {
        field: value
        for field, value in common.items()
        if field not in replaced
        and (field == "input_data_file_path" or has_field(str(kind), field))
    }
    return {**inherited, **differing, "type": kind}


def _checked(name: str, fields: Mapping[str, Any]) -> CreateEvaluationInput:
    try:
        return CreateEvaluationInput.model_validate(fields)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=True)
        schema = portable_schema(CreateEvaluationInput)
        text = explain(problems, schema, "create_evaluation")
        raise InvalidRequestError(of_metric(name) + text) from None
