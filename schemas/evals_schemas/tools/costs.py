"""What an evaluation has cost."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, WithJsonSchema


class Cost(BaseModel):
    """The cost of an ended evaluation."""

    usd: float | None
    """US dollars; None if unknown."""
    calls: int | None
    """Answers of models; None if the service does not report them."""
    input_tokens: int | None
    """Prompt tokens of all calls; None if the service does not report them."""
    output_tokens: int | None
    """Generated tokens of all calls; None if the service does not report them."""
    estimated_usd: list[float] | None = None
    """Both ends of the estimate before the start; None without one."""
    unknown: str | None = None
    """Why `usd` is None; None if it is known."""


CostField = Annotated[
    Cost | None,
    WithJsonSchema(
        {
            "type": "object",
            "description": "Once ended: usd (null: see `unknown`), calls, tokens, the estimate.",
        }
    ),
]
"""The field of an answer, whose schema is an open object so that the list of tools stays short."""
