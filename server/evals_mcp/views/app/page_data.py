"""`page_data`: the data of the page in a conversation, which only the page calls.

The page gets whole rows, which would be too long for a model, and what it draws.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from anyio import to_thread

from evals_mcp.errors import InvalidRequestError
from evals_mcp.tools.calls.session import ToolSession
from evals_schemas.tools.app import PageDataInput, PageDataOutput

if TYPE_CHECKING:
    from evals_mcp.views.calls import PageCalls

# ruff: noqa: PLC0415 - what the calls need is imported at the first one, not at the start

_OF_TWO = {"comparison", "flips"}
_WITH_TICKET = {"evaluation", "rows"}


async def page_data(arguments: PageDataInput, session: ToolSession) -> PageDataOutput:
    """Return one part of the page.

    Raises:
        InvalidRequestError: the arguments do not suit the view.
        EvalsMCPError: an evaluation does not exist, or cannot be read.
    """
    from evals_mcp.views.marks import mark_ticket
    from evals_mcp.views.report import data_of

    page = await _calls().answer(arguments.view, _call(arguments), session)
    shown = PageDataOutput(
        data=await to_thread.run_sync(data_of, page),
        may_write=session.may_write,
        next_step="Show it to the user.",
    )
    if arguments.view not in _WITH_TICKET or not session.may_write:
        return shown
    evaluation_id = await session.evaluation_id(arguments.evaluation_id)
    return shown.with_ticket(await mark_ticket(session, evaluation_id))


def rendered(_: PageDataOutput) -> str:
    """Return a text in place of the data, which are for the page alone."""
    return "The page shows this to the user. For a model: get_evaluation and read_results."


def for_page(answer: PageDataOutput) -> Mapping[str, Any]:
    """Return what the page receives and models do not."""
    return {} if answer.ticket is None else {"ticket": answer.ticket}


@cache
def _calls() -> PageCalls:
    """Return the calls of the page. They remember how fast evaluations were seen to run."""
    from evals_mcp.views.calls import PageCalls
    from evals_mcp.views.pace import Paces

    return PageCalls(Paces(time.monotonic))


def _call(arguments: PageDataInput) -> dict[str, Any]:
    """Return the arguments of the call that answers a view."""
    view, against = arguments.view, arguments.against
    if (view in _OF_TWO) != (against is not None):
        needed = "needs" if view in _OF_TWO else "has no"
        raise InvalidRequestError(f"The view {view} {needed} `against`, the id of evaluation B.")
    ids = {"evaluation_id": arguments.evaluation_id}
    if against is not None:
        ids = {"evaluation_id_a": arguments.evaluation_id, "evaluation_id_b": against}
    return (arguments.options or {}) | ids
