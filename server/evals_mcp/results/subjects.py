"""What an evaluation judges, and what judges it, as far as its parameters say so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from evals_mcp.cleaning import clean, quoted

_SHOWN = 60
"""Characters of the name of a model or a column."""

_DATA_SETS = ("input_data_file_path", "benchmark_id")
_CANDIDATES = ("model_to_evaluate", "model_a", "model_b")
_BENCHMARKED = ("model_id", "model_id_2")


def judge_of(parameters: Mapping[str, Any]) -> str | None:
    """Return the name of the judge, a model or a rule; None if it is unknown."""
    model = _model(parameters.get("judge"))
    return clean(model, _SHOWN) if model else None


def judged_of(parameters: Mapping[str, Any]) -> str | None:
    """Return what is judged, such as `column 'answer'`; None for whole rows, or if unknown.

    Two sides are joined by `and`.
    """
    sides = [side for name in _CANDIDATES if (side := _side(parameters.get(name)))]
    sides += [
        f"model {quoted(model, _SHOWN)}"
        for name in _BENCHMARKED
        if isinstance(model := parameters.get(name), str) and model
    ]
    return " and ".join(sides) or None


def models_of(parameters: Mapping[str, Any]) -> list[str]:
    """Return the names of the judge and of the models that answer."""
    named = (_model(parameters.get(name)) for name in ("judge", *_CANDIDATES))
    benchmarked = (parameters.get(name) for name in _BENCHMARKED)
    return [name for name in (*named, *benchmarked) if isinstance(name, str) and name]


def data_set_of(parameters: Mapping[str, Any]) -> str | None:
    """Return the id of the data set or benchmark; None if it is unknown."""
    ids = (parameters.get(name) for name in _DATA_SETS)
    return next((item_id for item_id in ids if isinstance(item_id, str) and item_id), None)


def _model(value: object) -> str | None:
    if isinstance(value, Mapping):
        value = cast("Mapping[str, object]", value).get("model")
        return value if isinstance(value, str) and value else None
    return None


def _side(value: object) -> str | None:
    if isinstance(value, str) and value:
        return f"column {quoted(value, _SHOWN)}"
    return f"model {quoted(model, _SHOWN)}" if (model := _model(value)) else None
