"""Reads the verdict of a row of a result file, for every type and every service.

The embedded engine writes the stage at which a row failed. The vendor does not: the stage is
derived from the fields that a row has and lacks, in the vendor's formats of 2025 and of 2026.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, cast

from evals_schemas.evaluation_api.rows import AFTER_DECISION, OUTPUT

RowState = Literal["ok", "one_order", "invalid", "judge_failed", "generation_failed"]
"""one_order: of the two orders of a pair only one has a readable choice, so it is not counted."""

Row = Mapping[str, Any]

TRY = "evals_try"
"""The column that this server adds where rows are of several tries: 1 for the first."""

JUDGED: RowState = "ok"
"""The state of a row whose verdict counts."""

RESULT_FIELDS = frozenset(
    {
        AFTER_DECISION,
        "choice_flipped",
        "choice_original",
        "evaluation_error",
        "evaluation_successful",
        TRY,
        "failed_at",
        "feedback",
        "final_decision",
        "is_incomplete",
        "is_invalid_judge_output",
        "judge_attempts",
        "judge_feedback_flipped_order",
        "judge_feedback_original_order",
        "judge_raw_output",
        "judge_raw_output_flipped",
        "judge_raw_output_original",
        "label",
        "score",
    }
)
"""The columns that an evaluation adds to a row, besides the generated answers."""

OUTPUTS = (OUTPUT, f"{OUTPUT}_A", f"{OUTPUT}_B")
"""The columns of generated answers."""

PASSING_SCORE = 0.5
"""Score from which on a benchmark answer counts as correct if the service does not say."""

_FAILED_AT: Mapping[str, RowState] = {
    "generation": "generation_failed",
    "judge": "judge_failed",
    "verdict": "invalid",
}
_DECISIONS = frozenset({"A", "B", "Tie"})


class RowVerdict(NamedTuple):
    """The verdict of one row."""

    state: RowState
    verdict: str | None = None
    """The label or the decision; in the state invalid also one that is not allowed.

    benchmark: the id of the model that answered; None if unknown.
    """
    score: float | None = None
    passed: bool | None = None
    """None for compare, without a valid verdict, or without a definition of what passes."""
    original: str | None = None
    """compare: the choice for the order A, B."""
    flipped: str | None = None
    """compare: the choice for the order B, A, mapped back to A and B."""
    longer: Literal["A", "B"] | None = None
    """compare: the answer with more characters; None if both are as long, or not both are texts."""

    def with_score(self, score: float | None) -> RowVerdict:
        """Return the verdict with another score."""
        state, verdict, _, passed, original, flipped, longer = self
        return RowVerdict(state, verdict, score, passed, original, flipped, longer)


@dataclass(frozen=True)
class ReadRow:
    """Reads the verdicts of an evaluation's rows."""

    read: Callable[[Row], RowVerdict]
    """Returns the verdict of a row, without the longer answer."""
    sides: tuple[str, str] | None = None
    """The columns of answers A and B, whose lengths are compared; None for one answer a row."""

    def __call__(self, row: Row) -> RowVerdict:
        """Return the verdict of a row."""
        verdict = self.read(row)
        if self.sides is None:
            return verdict
        lengths = (text_length(row.get(name)) for name in self.sides)
        return verdict._replace(longer=longer_side(*lengths))


def text_length(value: object) -> int | None:
    """Return the number of characters of a text; None for anything else."""
    return len(value) if isinstance(value, str) else None


def longer_side(a: int | None, b: int | None) -> Literal["A", "B"] | None:
    """Return the side with the larger length; None if they are equal or one is unknown."""
    if a is None or b is None or a == b:
        return None
    return "A" if a > b else "B"


def input_columns(row: Row) -> list[str]:
    """Return the columns that come from the data set, in their order."""
    return [name for name in row if name not in RESULT_FIELDS and name not in OUTPUTS]


def _generated(parameters: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the columns in which the answers of candidates are stored."""
    sides = {"model_to_evaluate": OUTPUT, "model_a": f"{OUTPUT}_A", "model_b": f"{OUTPUT}_B"}
    return tuple(
        column for side, column in sides.items() if isinstance(parameters.get(side), Mapping)
    )


def answer_columns_of(parameters: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the columns of the judged answers in a result file, A before B; empty without any."""
    sides = {"model_to_evaluate": OUTPUT, "model_a": f"{OUTPUT}_A", "model_b": f"{OUTPUT}_B"}
    return tuple(
        value if isinstance(value, str) else column
        for side, column in sides.items()
        if (value := parameters.get(side)) is not None
    )


def _sides(parameters: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the columns of both answers of a compare evaluation; None if they are unknown."""
    columns = [
        f"{OUTPUT}_{side}" if isinstance(value, Mapping) else value
        for side, value in (("A", parameters.get("model_a")), ("B", parameters.get("model_b")))
    ]
    a, b = columns
    return (a, b) if isinstance(a, str) and isinstance(b, str) else None


def label_reader(parameters: Mapping[str, Any]) -> ReadRow:
    """Return the function that reads the labels of an evaluation with these parameters."""
    outputs = _generated(parameters)
    labels = frozenset(cast("list[str]", parameters.get("labels") or ()))
    passing = frozenset(cast("list[str]", parameters.get("pass_labels") or ()))
    valid = {
        label: RowVerdict("ok", label, passed=label in passing if passing else None)
        for label in labels
    }

    def read(row: Row) -> RowVerdict:
        label = row.get("label")
        if not isinstance(label, str) or not label:
            return RowVerdict(_failure(row, outputs))
        if verdict := valid.get(label):
            return verdict
        if labels:
            return RowVerdict("invalid", label)
        return RowVerdict("ok", label, passed=label in passing if passing else None)

    return ReadRow(read)


def score_reader(parameters: Mapping[str, Any]) -> ReadRow:
    """Return the function that reads the scores of an evaluation with these parameters."""
    outputs = _generated(parameters)
    low = _number(parameters.get("min_score"), -math.inf)
    high = _number(parameters.get("max_score"), math.inf)
    threshold = _number(parameters.get("pass_threshold"), math.nan)

    def read(row: Row) -> RowVerdict:
        score = row.get("score")
        if isinstance(score, bool) or not isinstance(score, int | float):
            return RowVerdict(_failure(row, outputs))
        if not low <= score <= high:
            return RowVerdict("invalid")
        passed = None if math.isnan(threshold) else score >= threshold
        return RowVerdict("ok", score=float(score), passed=passed)

    return ReadRow(read)


def choice_reader(parameters: Mapping[str, Any]) -> ReadRow:
    """Return the function that reads the choices of an evaluation with these parameters."""
    outputs = _generated(parameters)
    both_orders = not parameters.get("disable_position_bias_correction")

    def read(row: Row) -> RowVerdict:
        decision = row.get("final_decision")
        original, flipped = _choice(row, "choice_original"), _choice(row, "choice_flipped")
        if isinstance(decision, str) and decision in _DECISIONS:
            # Rows without any choice are from a service that reports decisions only.
            lacks_order = (original is None) != (flipped is None) or (
                original is None and _is_unreadable(row)
            )
            state = "one_order" if lacks_order and both_orders else "ok"
            return RowVerdict(state, decision, None, None, original, flipped)
        return RowVerdict(_failure(row, outputs), None, None, None, original, flipped)

    return ReadRow(read, _sides(parameters))


def answer_reader(parameters: Mapping[str, Any]) -> ReadRow:
    """Return the function that reads the answers of a benchmark evaluation."""
    single_model = None if parameters.get("model_id_2") else _text(parameters.get("model_id"))

    def read(row: Row) -> RowVerdict:
        model = _text(row.get("model_id")) or single_model
        score, correct = _number(row.get("score"), math.nan), row.get("correct")
        if isinstance(correct, bool):
            return RowVerdict("ok", model, None if math.isnan(score) else score, correct)
        if math.isfinite(score):
            return RowVerdict("ok", model, score, score >= PASSING_SCORE)
        return RowVerdict(_failure(row, ("model_answer",)), model)

    return ReadRow(read)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _choice(row: Row, field: str) -> str | None:
    value = row.get(field)
    return value if isinstance(value, str) and value in _DECISIONS else None


def _failure(row: Row, outputs: tuple[str, ...]) -> RowState:
    """Return the stage at which a row without a valid verdict failed."""
    if state := _FAILED_AT.get(str(row.get("failed_at"))):
        return state
    if any(row.get(column) is None for column in outputs):
        return "generation_failed"
    texts = [row[field] for field in _JUDGE_TEXTS if field in row]
    if any(texts) or (_is_unreadable(row) and not texts):
        return "invalid"
    return "judge_failed"


def _is_unreadable(row: Row) -> bool:
    """Return whether the service marks the judge's output of this row as unreadable."""
    return bool(row.get("is_invalid_judge_output") or row.get("is_incomplete"))


_JUDGE_TEXTS = ("judge_raw_output", "judge_raw_output_original", "judge_raw_output_flipped")


def _number(value: object, otherwise: float) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(cast("float", value)) if is_number else otherwise
