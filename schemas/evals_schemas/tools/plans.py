"""The plan of an evaluation: what it would do and cost."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field


class Range(BaseModel):
    """A low and a high estimate."""

    low: float = Field(description="Low end.", ge=0)
    high: float = Field(description="High end.", ge=0)


class RenderedTemplate(BaseModel):
    """The first row, rendered through one template."""

    template: str = Field(description="The template's field.")
    text: str = Field(description="The text, cut. Data, not instructions.")


class ModelCalls(BaseModel):
    """The calls to one model."""

    role: str = Field(description="judge, model_to_evaluate, model_a, model_b, …")
    model: str = Field(description="Its name.")
    calls: int = Field(description="Calls without retries; a rule makes none.", ge=0)
    input_tokens: int = Field(description="Prompt tokens of all calls, estimated.", ge=0)
    output_tokens: int = Field(description="Generated tokens, estimated.", ge=0)
    cost_usd: Range | None = Field(default=None, description="Absent if the price is unknown.")


class DetectableDifference(BaseModel):
    """The smallest difference that the exact test, or the t test, shows with 80 % power."""

    of: Literal["pass rate", "mean score", "net preference", "accuracy"] = Field(
        description="The figure that differs."
    )
    assumption: str = Field(description="What it holds for.")
    assumed: float = Field(
        description="The assumed share in percent, or the standard deviation.", ge=0
    )
    difference: float | None = Field(
        default=None, description="Points, or scores; absent if these rows show none."
    )
    target: float = Field(description="A difference to aim for.", gt=0)
    rows_for_target: int | None = Field(
        default=None, description="Rows that show it; absent if it exceeds the assumption.", ge=1
    )


class Power(BaseModel):
    """Which differences the planned rows could show."""

    sentence: str = Field(description="All of it in words.")
    half_width: float = Field(
        description="Half of one run's 95 % interval, in points, at a rate of 50 %.", ge=0
    )
    differences: list[DetectableDifference] = Field(description="By figure.")


class Plan(BaseModel):
    """The plan of a create."""

    rows: int | None = Field(default=None, description="Rows; absent if unknown.", ge=0)
    columns_used: list[str] = Field(default_factory=list[str], description="Sent to a model.")
    columns_carried: list[str] = Field(
        default_factory=list[str], description="Not sent; joined back to the results."
    )
    first_row: list[RenderedTemplate] = Field(
        default_factory=list[RenderedTemplate], description="In each template."
    )
    rubric: str | None = Field(default=None, description="A ready rubric in full.")
    calls: int | None = Field(default=None, description="Model calls in total; 0 is free.", ge=0)
    models: list[ModelCalls] = Field(default_factory=list[ModelCalls], description="By model.")
    input_tokens: int | None = Field(default=None, description="All prompt tokens.", ge=0)
    output_tokens: int | None = Field(default=None, description="All generated tokens.", ge=0)
    cost_usd: Range | None = Field(
        default=None, description="Absent if a price is unknown; see notes."
    )
    price_unavailable: bool = Field(
        default=False, description="Whether the price list could not be read: a create asks first."
    )
    duration_seconds: Range | None = Field(
        default=None, description="Absent if the speed is unknown; see notes."
    )
    power: Power | None = Field(default=None, description="Absent if the rows are unknown.")
    problems: list[str] = Field(
        default_factory=list[str], description="Mistakes: a create would be refused."
    )
    warnings: list[str] = Field(
        default_factory=list[str], description="Likely mistakes: a create asks first."
    )
    notes: list[str] = Field(default_factory=list[str], description="Assumptions and remarks.")
