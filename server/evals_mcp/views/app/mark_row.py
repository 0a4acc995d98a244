"""`mark_row`: what the person in front of the page says about a verdict, or that it should be.

A model can call whatever the page can call. So a mark or a label needs a ticket, which is in the
`_meta` of the page's data and nowhere else: clients do not show that to their models.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from anyio import to_thread
from pydantic import ValidationError

from evals_mcp.errors import InvalidRequestError
from evals_mcp.tools.calls.definition import PeopleOnly
from evals_mcp.tools.calls.naming import item_of
from evals_mcp.tools.calls.session import ToolSession
from evals_mcp.tools.labelling.people import people_label
from evals_schemas.tools.app import MarkRowInput, MarkRowOutput

if TYPE_CHECKING:
    from pydantic import BaseModel

# ruff: noqa: PLC0415 - what the calls need is imported at the first one, not at the start


async def mark_row(arguments: MarkRowInput, session: ToolSession) -> MarkRowOutput:
    """Store a mark or a label of the person who looks at the page.

    Raises:
        InvalidRequestError: it does not fit, or the ticket is missing, wrong or expired.
        EvalsMCPError: the evaluation does not exist, or the state cannot be used.
    """
    from evals_mcp.views.report import data_of

    evaluation_id = await session.evaluation_id(arguments.evaluation_id)
    record = item_of(session.provider, evaluation_id).record
    await session.marks.check_ticket(arguments.ticket, record)
    if (arguments.mark is None) == (arguments.label is None):
        raise InvalidRequestError("The page sends either `mark` or `label`.")
    answer = await _answer(arguments, session)
    data = await to_thread.run_sync(data_of, answer)
    return MarkRowOutput(data=data, next_step="Show it to the user.")


async def _answer(arguments: MarkRowInput, session: ToolSession) -> BaseModel:
    from evals_mcp.views.calls import checked_call
    from evals_mcp.views.labels import LabelCall, labels_page
    from evals_mcp.views.marks import MarkCall
    from evals_mcp.views.marks import mark_row as mark

    one = {"evaluation_id": arguments.evaluation_id}
    if arguments.label is not None:
        return await labels_page(session, checked_call(LabelCall, arguments.label | one), "app")
    return await mark(session, checked_call(MarkCall, (arguments.mark or {}) | one), "app")


def rendered(_: MarkRowOutput) -> str:
    """Return a text in place of what the page shows."""
    return "It is stored, and the page shows it."


def _is_not_of_the_page(arguments: Mapping[str, Any]) -> bool:
    """Return whether a call differs from all that the page makes."""
    try:
        return not MarkRowInput.model_validate(dict(arguments)).ticket
    except ValidationError:
        return True


def _refusal(session: ToolSession) -> str:
    return (
        "Nothing was stored: a mark or a label is what a person says, and this call has no "
        f"`ticket`, which only the page has. They mark on the page, or in `evals-mcp view`. "
        f"{people_label(session)}"
    )


PEOPLE_ONLY = PeopleOnly(_is_not_of_the_page, _refusal)
"""Marks and labels: the page sends them with its ticket."""
