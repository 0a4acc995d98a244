"""Ids as models mistake them: caught here, since a service only says that nothing is there."""

from __future__ import annotations

import re

from evals_mcp.errors import InvalidRequestError

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
_OTHERS = {"file-": "data set", "benchmark-": "benchmark", "rows-": "result file"}
"""What else has ids, by how these begin."""


def checked_evaluation_id(text: str, field: str = "evaluation_id") -> str:
    """Return the id without the blanks around it.

    Args:
        text: The argument.
        field: Its name, for messages.

    Raises:
        InvalidRequestError: it is another thing's, or nothing that a service gives as an id.
    """
    evaluation_id = text.strip()
    # Where several services are configured, an id begins with its service's name and a colon.
    own_id = evaluation_id.rpartition(":")[2]
    if other := next((kind for start, kind in _OTHERS.items() if own_id.startswith(start)), None):
        raise InvalidRequestError(
            f"`{field}` holds a {other}'s id; an evaluation's is in the answer of "
            "create_evaluation and in list_evaluations."
        )
    if not _ID.fullmatch(evaluation_id):
        raise InvalidRequestError(
            f"`{field}` is not an id: copy it from the answer of create_evaluation or from "
            "list_evaluations."
        )
    return evaluation_id
