"""The argument `metrics` of `create_evaluation`: several evaluations over one data set."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, cast

from pydantic import BeforeValidator, Field, WithJsonSchema

from evals_schemas.evaluation_types import BENCHMARK


def _names_or_object(value: object) -> object:
    """Return one name as a list; raise ValueError for anything but names and an object."""
    if isinstance(value, str):
        return [value]
    names = cast("list[object]", value) if isinstance(value, list) else [None]
    if isinstance(value, dict) or all(isinstance(name, str) for name in names):
        return cast("object", value)
    raise ValueError("custom_metrics: must be an array of names, or an object with names as keys")


MetricNames = Annotated[
    list[str] | dict[str, Any],
    BeforeValidator(_names_or_object),
    WithJsonSchema({"type": "array", "items": {"type": "string"}}),
]
"""Metrics as a list of names, the only portable form; an object or one name is accepted too."""

MOST_METRICS = 20
"""Most metrics of one request."""

Metric = Annotated[
    dict[str, Any],
    WithJsonSchema(
        {
            "type": "object",
            "properties": {"name": {"type": "string", "description": "Its name."}},
            "required": ["name"],
        }
    ),
]
"""A name, and the arguments in which one metric differs from the request."""

SeveralMetrics = Annotated[list[Metric], Field(min_length=1, max_length=MOST_METRICS)]


def with_judges_in_metrics(arguments: object) -> object:
    """Return the arguments with the common judge moved into each metric.

    A judge of all metrics may then lack its rubric, and a metric may give nothing but the rubric.
    A `type` that only the metrics name becomes the type of the request. Anything that is not of
    this form is returned unchanged, for the validation that follows.

    Raises:
        ValueError: a metric is a name alone.
    """
    if not isinstance(arguments, Mapping):
        return arguments
    fields = dict(cast("Mapping[str, Any]", arguments))
    metrics: object = fields.get("metrics")
    if not isinstance(metrics, list) or not metrics:
        return cast("object", arguments)
    metric_list = cast("list[object]", metrics)
    if any(isinstance(metric, str) and _object(metric) is None for metric in metric_list):
        raise ValueError(_instead_of_names(fields.get("type")))
    common = _object(fields.pop("judge", None))
    written: list[object] = []
    for metric in metric_list:
        fields_of_metric = _object(metric)
        if fields_of_metric is None:
            written.append(metric)
            continue
        judge = fields_of_metric.get("judge")
        both = {**(common or {}), **(_object(judge) or {})}
        is_readable = judge is None or _object(judge) is not None
        written.append(
            {**fields_of_metric, "judge": both} if both and is_readable else fields_of_metric
        )
        if isinstance(fields_of_metric.get("type"), str):
            fields.setdefault("type", fields_of_metric["type"])
    return {**fields, "metrics": written}


def _instead_of_names(kind: object) -> str:
    if kind == BENCHMARK:
        return "metrics: these are metrics by name; did you mean custom_metrics?"
    return (
        "metrics: must be an array of objects, each with a name of your choice and the arguments "
        "that differ, such as judge"
    )


def _object(value: object) -> dict[str, Any] | None:
    """Return an object, also one that is written as a JSON text; None for anything else."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None
