"""The names of the compared sides and of the compared evaluations in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from evals_mcp.cleaning import quoted

_NAME = 40

Names = tuple[str, str]
"""The names of A and B in a sentence."""


def side_names(parameters: Mapping[str, Any]) -> Names:
    """Return the columns or models of a compare evaluation; A and B where they are unknown."""
    return distinct_names(*(_candidate(parameters.get(side)) for side in ("model_a", "model_b")))


def evaluation_names(a: Mapping[str, Any], b: Mapping[str, Any]) -> Names:
    """Return what two evaluations differ in: their candidates, else their judges, else A and B."""
    for name_of in (_evaluated, _judge):
        name_a, name_b = name_of(a), name_of(b)
        if name_a and name_b and name_a != name_b:
            return name_a, name_b
    return "A", "B"


def distinct_names(a: str | None, b: str | None) -> Names:
    """Return both names; A and B where one is missing, with the name if both are the same."""
    if not a or not b:
        return "A", "B"
    return (a, b) if a != b else (f"A ({a})", f"B ({b})")


def _candidate(value: object) -> str | None:
    """Return the name of a column or of a model; None if it is unknown."""
    if isinstance(value, Mapping):
        value = cast("Mapping[str, object]", value).get("model")
    return quoted(value, _NAME) if isinstance(value, str) and value else None


def _evaluated(parameters: Mapping[str, Any]) -> str | None:
    return _candidate(parameters.get("model_to_evaluate") or parameters.get("model_id"))


def _judge(parameters: Mapping[str, Any]) -> str | None:
    name = _candidate(parameters.get("judge"))
    return f"judge {name}" if name else None
