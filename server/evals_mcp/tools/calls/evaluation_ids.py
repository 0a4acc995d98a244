"""Checks evaluation ids for common mistakes, because a service only answers "not found"."""

from __future__ import annotations

import re

from evals_mcp.errors import InvalidRequestError
from evals_mcp.providers.rest.ids import EVALUATION, noun_of

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")


def checked_evaluation_id(text: str, field: str = "evaluation_id") -> str:
    """Return the id without the blanks around it.

    Args:
        text: The argument.
        field: Its name, for messages.

    Raises:
        InvalidRequestError: the text is the id of another kind of thing, or not an id.
    """
    evaluation_id = text.strip()
    if (noun := noun_of(evaluation_id)) and noun != EVALUATION.noun:
        raise InvalidRequestError(
            f"`{field}` is the id of a {noun}; the ids of evaluations are in the answers of "
            "create_evaluation and list_evaluations."
        )
    if not _ID.fullmatch(evaluation_id):
        raise InvalidRequestError(
            f"`{field}` is not an id: copy it from the answer of create_evaluation or "
            "list_evaluations."
        )
    return evaluation_id
