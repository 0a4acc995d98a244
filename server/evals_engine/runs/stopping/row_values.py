"""What a finished row says to the evidence of its run, by type of evaluation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from evals_schemas.evaluation_api.evaluations import (
    ClassifyParameters,
    CompareParameters,
    ScoreParameters,
)
from evals_schemas.sequential.evidence import NO_VALUE

_WIN_OF_B: Mapping[object, float] = {"A": 0.0, "B": 1.0, "Tie": 0.5}


class RowValue(NamedTuple):
    """The value of one row."""

    value: float
    """From 0 to 1; `NO_VALUE` for a row that does not count."""
    order_changed: bool | None = None
    """Whether the verdict changed with the order; None if the row was not judged in both."""


@dataclass(frozen=True)
class RowValues:
    """How the rows of one evaluation count."""

    of: Callable[[Mapping[str, Any]], RowValue]
    """Returns the value of a row with a verdict, from the fields of its outcome."""
    is_difference: bool
    """Whether 1 is a win of B and 0 one of A; else 1 is a pass."""


def label_values(parameters: ClassifyParameters) -> RowValues:
    """Return how labels count: 1 for a pass."""
    passing = frozenset(parameters.pass_labels)
    return RowValues(
        lambda fields: RowValue(float(fields.get("label") in passing)), is_difference=False
    )


def score_values(parameters: ScoreParameters) -> RowValues:
    """Return how scores count: 1 for a pass."""
    threshold = parameters.pass_threshold
    return RowValues(
        lambda fields: RowValue(float(fields["score"] >= threshold)), is_difference=False
    )


def choice_values(parameters: CompareParameters) -> RowValues:
    """Return how choices count: a winner that changes with the order is a tie.

    A pair of which only one order could be judged does not count.
    """
    if parameters.disable_position_bias_correction:
        return RowValues(
            lambda fields: RowValue(_WIN_OF_B[fields["final_decision"]]), is_difference=True
        )
    return RowValues(_both_orders, is_difference=True)


def _both_orders(fields: Mapping[str, Any]) -> RowValue:
    first, second = fields.get("choice_original"), fields.get("choice_flipped")
    if first is None or second is None:
        return RowValue(NO_VALUE)
    return RowValue(_WIN_OF_B[first] if first == second else 0.5, first != second)
