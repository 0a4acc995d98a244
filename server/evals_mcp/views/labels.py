"""Labelling in the page: the next rows of a sample, and what the person says of one."""

from __future__ import annotations

from pydantic import Field

from evals_mcp.errors import UnsupportedError
from evals_mcp.results.calibration.labels import LabelSource
from evals_mcp.tools.calls.session import ToolSession
from evals_mcp.tools.labelling.label_rows import ROWS_AT_ONCE, opened_labelling
from evals_schemas.contract import Request
from evals_schemas.labelling.call import PlanOfSample
from evals_schemas.labelling.page import LabelsPage


class LabelCall(Request):
    """What a person says that a verdict should be; only reads without a position."""

    evaluation_id: str = Field(min_length=1)
    plan: PlanOfSample = "random"
    labeller: str = Field(default="labeller 1", min_length=1)
    position: int | None = Field(default=None, description="Of the row in the sample.")
    value: str | float | None = Field(default=None, description="null skips the row.")
    seconds: float | None = None
    close: bool = Field(default=False, description="Shows the verdicts until the next label.")


async def labels_page(
    session: ToolSession, call: LabelCall, source: LabelSource = "page"
) -> LabelsPage:
    """Store what the person says, if anything, and return the rows that come next.

    Raises:
        InvalidRequestError: the evaluation still runs, or the label does not fit.
        UnsupportedError: the server only reads.
        EvalsMCPError: the evaluation cannot be read, or the state cannot be used.
    """
    from evals_mcp.labels.labelling import Said, checked_labeller  # noqa: PLC0415 - slow to import
    from evals_mcp.labels.waiting import close_samples  # noqa: PLC0415 - as above

    if not session.may_write:
        raise UnsupportedError(
            "Nothing was labelled: the server sets server.read_only, or you lack the right to "
            "write."
        )
    labeller = checked_labeller(call.labeller)
    async with opened_labelling(session, call.evaluation_id) as labelling:
        sample = await labelling.sample(call.plan)
        if call.position is not None:
            said = Said(call.position, call.value, labeller, source, call.seconds)
            await labelling.say(sample, said)
        if call.close:
            await close_samples(
                labelling.store, labelling.evaluation, labelling.job, labelling.index
            )
        return await labelling.page(sample, labeller, ROWS_AT_ONCE)
