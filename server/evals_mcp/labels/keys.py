"""The keys that give labels: at most two for each where labels have names or few levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evals_mcp.cleaning import clean
from evals_mcp.results.calibration.labels import LabelValue
from evals_mcp.results.types.marking import CHOICES, Marking
from evals_schemas.labelling.page import LabelKey

FIRST, SECOND, TIE = "first", "second", "tie"
"""The labels of two answers as they are shown, in a random order."""

_ONE_KEY, _TWO_KEYS = 9, 99
_NAME = 120


def label_keys(marking: Marking, parameters: Mapping[str, Any]) -> Sequence[LabelKey]:
    """Return the labels of an evaluation with their keys; empty if a number has to be typed."""
    if marking is CHOICES:
        pairs = (("1", FIRST), ("2", SECOND), ("3", TIE))
        return [LabelKey(keys=key, value=value, name=value) for key, value in pairs]
    names = marking.names(parameters)
    if names:
        return [] if len(names) > _TWO_KEYS else _numbered(names)
    low, high = marking.scale(parameters) or (0.5, 0.5)
    # Each digit stands for one number; 0 for 10.
    is_short = low.is_integer() and high.is_integer() and low >= 0 and high <= 10
    if not is_short or high - low > _ONE_KEY:
        return []
    levels = range(int(low), int(high) + 1)
    return [LabelKey(keys=str(n % 10), value=float(n), name=str(n)) for n in levels]


def _numbered(names: Sequence[LabelValue]) -> list[LabelKey]:
    width = 1 if len(names) <= _ONE_KEY else 2
    return [
        LabelKey(keys=f"{number:0{width}}", value=name, name=clean(str(name), _NAME))
        for number, name in enumerate(names, 1)
    ]
