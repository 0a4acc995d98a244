"""The arguments and the answer of `label_rows`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from evals_schemas.contract import Request
from evals_schemas.tools.outputs import Output

PlanOfSample = Literal["random", "balanced"]
"""How the rows are drawn; `balanced`: half of them from those that the judge passes."""


class LabelRowsInput(Request):
    """The arguments of `label_rows`."""

    evaluation_id: str = Field(description="Its id.", min_length=1)
    plan: PlanOfSample = Field(default="random", description="balanced: for rare failures.")


class LabelRowsOutput(Output):
    """How far the labelling is, and what is labelled next."""

    labels: dict[str, Any] = Field(description="Counts, next row: data.")
