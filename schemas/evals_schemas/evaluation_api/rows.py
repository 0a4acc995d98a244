"""The rows of a result file: the input columns, and the fields below beside them.

Written by the embedded engine as the vendor's output was observed; read leniently, because output
of 2025 names two fields otherwise and leaves others out.
"""

from typing import Literal

from pydantic import Field

from evals_schemas.contract import Answer

OUTPUT = "MODEL_TO_EVALUATE_OUTPUT"
"""Column with the generated answer; `_A` and `_B` are appended for the sides of a comparison."""

AFTER_DECISION = "after_decision"
"""Field of a row: true if an evaluation with `stop_when` had decided without it. Only the
embedded engine has it."""

Choice = Literal["A", "B", "Tie"]

FailedAt = Literal["generation", "judge", "verdict"]
"""Step that failed: no answer, no judgement, or an unreadable verdict."""


class JudgedRow(Answer):
    """The fields of both classify and score rows."""

    evaluation_successful: bool | None = Field(
        default=None, description="Whether the row has a valid verdict."
    )
    feedback: str | None = Field(default=None, description="The judge's reason; may be empty.")
    evaluation_error: str | None = Field(
        default=None,
        description="Why the row has no verdict; the embedded engine only.",
    )
    failed_at: FailedAt | None = Field(
        default=None, description="Which step failed; the embedded engine only."
    )


class ClassifyRow(JudgedRow):
    """One row of a classify evaluation."""

    label: str | None = Field(default=None, description="The label; absent without a verdict.")


class ScoreRow(JudgedRow):
    """One row of a score evaluation."""

    score: float | None = Field(default=None, description="The score; absent without a verdict.")


class CompareRow(Answer):
    """One row of a compare evaluation. Flipped choices are already mapped back to A and B."""

    judge_raw_output_original: str | None = Field(
        default=None, description="The judge's text for the order A, B."
    )
    judge_raw_output_flipped: str | None = Field(
        default=None, description="The judge's text for the order B, A; absent in a single pass."
    )
    choice_original: str | None = Field(default=None, description="Verdict for the order A, B.")
    choice_flipped: str | None = Field(
        default=None, description="Verdict for the order B, A, mapped back."
    )
    judge_feedback_original_order: str | None = Field(default=None, description="Reason, A, B.")
    judge_feedback_flipped_order: str | None = Field(default=None, description="Reason, B, A.")
    final_decision: str | None = Field(
        default=None, description="A, B or Tie; empty or absent without a verdict."
    )
    evaluation_successful: bool | None = Field(
        default=None, description="Whether the row has a decision."
    )
    is_invalid_judge_output: bool | None = Field(
        default=None, description="Whether a judge's text could not be read."
    )
    is_incomplete: bool | None = Field(
        default=None, description="The same, as output of 2025 names it."
    )
    evaluation_error: str | None = Field(
        default=None,
        description="Why the row has no verdict; the embedded engine only.",
    )
    failed_at: FailedAt | None = Field(
        default=None, description="Which step failed; the embedded engine only."
    )
