"""What a person can say about the verdicts of a type: what is marked, and what it could be."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from evals_mcp.results.rows import RowVerdict
from evals_mcp.results.statistics.estimate import Scale, scale_of

Parameters = Mapping[str, Any]
Value = str | float
"""A verdict as it is marked: a label, a choice, or a score."""

CORRECT, NOT_CORRECT = "correct", "not correct"
Passes = Callable[[Value], bool]
"""Whether a row with this verdict passes."""

_CHOICES = ("A", "Tie", "B")
_WINS: Mapping[Value, float] = {"A": 1.0, "Tie": 0.0, "B": -1.0}


def _no_names(_: Parameters) -> Sequence[str]:
    return ()


def _no_scale(_: Parameters) -> Scale | None:
    return None


def _no_passes(_: Parameters) -> Passes | None:
    return None


@dataclass(frozen=True)
class Marking:
    """How verdicts of one type are marked."""

    value: Callable[[RowVerdict], Value | None]
    """Returns what is marked; None if the row has no verdict."""
    names: Callable[[Parameters], Sequence[str]] = _no_names
    """Returns the values that a verdict can have; empty for numbers."""
    scale: Callable[[Parameters], Scale | None] = _no_scale
    """Returns the range of the numbers that a verdict can be; None if it is unknown."""
    passes: Callable[[Parameters], Passes | None] = _no_passes
    """Returns which verdicts pass; None if rows neither pass nor fail."""
    number: Callable[[Value], float] | None = None
    """Returns a verdict as a number whose mean is a figure; None if it is only a name."""


def _label(verdict: RowVerdict) -> Value | None:
    return verdict.verdict


def _score(verdict: RowVerdict) -> Value | None:
    return verdict.score


def _answer(verdict: RowVerdict) -> Value | None:
    return None if verdict.passed is None else CORRECT if verdict.passed else NOT_CORRECT


def _labels(parameters: Parameters) -> Sequence[str]:
    labels = cast("Sequence[object]", parameters.get("labels") or ())
    return [label for label in labels if isinstance(label, str)]


def _range(parameters: Parameters) -> Scale | None:
    scale = scale_of(parameters.get("min_score"), parameters.get("max_score"))
    return scale if scale and all(map(math.isfinite, scale)) else None


def _passing_labels(parameters: Parameters) -> Passes | None:
    passing = frozenset(cast("Sequence[Value]", parameters.get("pass_labels") or ()))
    return passing.__contains__ if passing else None


def _passing_scores(parameters: Parameters) -> Passes | None:
    threshold = parameters.get("pass_threshold")
    if isinstance(threshold, bool) or not isinstance(threshold, int | float):
        return None
    return lambda score: isinstance(score, int | float) and score >= threshold


LABELS = Marking(_label, _labels, passes=_passing_labels)
SCORES = Marking(_score, scale=_range, passes=_passing_scores, number=float)
CHOICES = Marking(_label, lambda _: _CHOICES, number=lambda choice: _WINS[choice])
ANSWERS = Marking(_answer, lambda _: (CORRECT, NOT_CORRECT), passes=lambda _: CORRECT.__eq__)
