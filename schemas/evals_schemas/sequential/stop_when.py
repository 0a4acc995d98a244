"""When a run may stop before its last row."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, WithJsonSchema, model_validator

from evals_schemas.contract import Request
from evals_schemas.sequential.seeded_order import MOST_SEED

STOP_WHEN = "stop_when"
"""The field of a request, and of the parameters of its evaluation, with a `StopWhen`."""

CONTINUES = "continues"
"""The field of a request, and of the parameters of its evaluation, that names the stopped
evaluation whose verdicts it takes over."""


class StopWhen(Request):
    """What ends a run early; the first that is reached does."""

    decided: bool = Field(
        default=False,
        description="When it is certain that A or B is better (compare), or that the pass rate is "
        "above or below `target`.",
    )
    target: float | None = Field(
        default=None, description="Pass rate in percent, for `decided`.", gt=0, lt=100
    )
    smaller_than: float | None = Field(
        default=None,
        description="compare: when it is certain that A and B differ by fewer points.",
        gt=0,
        lt=100,
    )
    width: float | None = Field(
        default=None,
        description="When the figure is known to plus or minus so many points.",
        gt=0,
        lt=50,
    )
    max_usd: float | None = Field(
        default=None, description="When so many US dollars are spent.", gt=0, allow_inf_nan=False
    )

    @model_validator(mode="after")
    def something_ends_the_run(self) -> Self:
        """Refuse an object that would never stop anything."""
        if not (self.decided or self.smaller_than or self.width or self.max_usd):
            raise ValueError(
                "stop_when: it needs at least one of decided (true), smaller_than, width and "
                "max_usd"
            )
        if self.target is not None and not self.decided:
            raise ValueError("stop_when: `target` is what `decided` (true) is about; add it")
        return self


class TokenPrice(Request):
    """US dollars for a million tokens of one model."""

    input: float = Field(description="Of prompt tokens.", ge=0, allow_inf_nan=False)
    output: float = Field(description="Of generated tokens.", ge=0, allow_inf_nan=False)


class EngineStopWhen(StopWhen):
    """`StopWhen` as the embedded engine takes and stores it."""

    prices: dict[str, TokenPrice] | None = Field(
        default=None, description="By role, such as `judge`; `max_usd` counts by them."
    )
    cluster_column: str | None = Field(
        default=None,
        description="Column whose equal values mark rows that belong together: the mean of each "
        "such group counts once, and groups are judged whole.",
        min_length=1,
    )
    seed: int | None = Field(
        default=None,
        description="Of the random order of the rows; drawn by the engine if absent.",
        ge=0,
        le=MOST_SEED,
    )
    to_the_end: bool = Field(
        default=False,
        description="Whether all rows are judged, whatever is decided before: so with `continues` "
        "and without rules of its own.",
    )


StopWhenField = Annotated[
    EngineStopWhen | None,
    Field(
        description="The embedded engine only: what ends the evaluation before its last row. Rows "
        "are judged in a seeded random order."
    ),
]
"""A field of a request; None judges all rows in their order."""

ContinuesField = Annotated[
    str | None,
    Field(
        description="The embedded engine only: an evaluation with `stop_when` of the same request "
        "that ended before its last row. Its verdicts are taken over, and its order goes on: until "
        "`stop_when`, or to the end.",
        max_length=200,
    ),
]
"""A field of a request; None continues no evaluation."""

StopEarly = Annotated[
    Annotated[StopWhen, WithJsonSchema({"type": "object"})] | None,
    Field(
        description="All but benchmark: stop early, by evidence valid at every look, at the first "
        "reached of {decided: true, target: pass rate % (classify, score), smaller_than or width: "
        "points, max_usd}."
    ),
]
"""An argument of a tool, an object that its description explains; None judges all rows."""
