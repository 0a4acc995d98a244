"""Texts that others wrote, made fit to be shown: cleaned, cut, keys removed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast

from evals_mcp.cleaning import clean
from evals_schemas.benchmark_api.benchmarks import BENCHMARK
from evals_schemas.evaluation_api.evaluations import Progress
from evals_schemas.tools.outputs import RESPONSE_COLUMNS, ProgressOutput

STATUS_SHOWN = 40
"""Characters of a status: a service may write one of its own."""

UNITS: Mapping[str | None, Literal["answers"]] = {BENCHMARK: "answers"}
"""What progress counts, by type, where it is not rows."""

_TEXT = 300
_ITEMS = 20
_KEYS = frozenset({"external_api_token", "external_base_url"})
_DEPTH = 4


def shown_progress(progress: Progress | None, kind: str | None) -> ProgressOutput | None:
    """How far an evaluation of that type is; None where the service does not tell."""
    if progress is None:
        return None
    return ProgressOutput(done=progress.done, total=progress.total, unit=UNITS.get(kind))


def shown_parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """A request's parameters as `create_evaluation` takes them: a column of ready answers has a
    field of its own there. Keys and URLs are removed, and everything long is cut.
    """
    taken = {
        RESPONSE_COLUMNS.get(name, name) if isinstance(value, str) else name: value
        for name, value in parameters.items()
    }
    return cast("dict[str, Any]", _shown(taken, _DEPTH))


def _shown(value: object, depth: int) -> object:
    if isinstance(value, str):
        return clean(value, _TEXT)
    if isinstance(value, Mapping):
        items = list(cast("Mapping[str, object]", value).items())[:_ITEMS]
        return {
            clean(str(name), 80): _shown(item, depth - 1)
            for name, item in items
            if depth and item is not None and name not in _KEYS
        }
    if isinstance(value, list):
        items = cast("list[object]", value)[:_ITEMS]
        return [_shown(item, depth - 1) for item in items] if depth else []
    return value
