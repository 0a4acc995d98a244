"""`mark_row`: what the person in front of the page says about a verdict.

A model can call whatever the page can call. So a mark needs a ticket, which is in the `_meta` of
the page's data and nowhere else: clients do not show that to their models.
"""

from __future__ import annotations

from anyio import to_thread

from evals_mcp.tools.calls.session import ToolSession
from evals_schemas.tools.app import MarkRowInput, MarkRowOutput

# ruff: noqa: PLC0415 - what the calls need is imported at the first one, not at the start


async def mark_row(arguments: MarkRowInput, session: ToolSession) -> MarkRowOutput:
    """Store a mark of the person who looks at the page.

    Raises:
        InvalidRequestError: the mark does not fit, or the ticket is missing, wrong or expired.
        EvalsMCPError: the evaluation does not exist, or the state cannot be used.
    """
    from evals_mcp.views.calls import checked_call
    from evals_mcp.views.marks import MarkCall, mark_with_ticket
    from evals_mcp.views.report import data_of

    call = checked_call(MarkCall, arguments.mark | {"evaluation_id": arguments.evaluation_id})
    answer = await mark_with_ticket(session, call, arguments.ticket)
    data = await to_thread.run_sync(data_of, answer)
    return MarkRowOutput(data=data, next_step="Show it to the user.")


def rendered(_: MarkRowOutput) -> str:
    """Return a text in place of the marks, which the page shows."""
    return "The mark is stored, and the page shows it."
