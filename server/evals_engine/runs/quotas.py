"""How much one owner may have waiting: a bound that leaves the others room."""

from __future__ import annotations

from evals_engine.errors import ApiError
from evals_engine.store.records import UserName
from evals_engine.store.store import Store

RETRY_AFTER = 30
"""Seconds after which a refused create may be sent again; an evaluation may have ended by then."""


def refuse_too_many(store: Store, owner: UserName, most: int) -> None:
    """Let an owner start one evaluation more.

    Raises:
        ApiError: 429, as many as there may be have not ended.
    """
    if (unfinished := store.count_unfinished(owner)) >= most:
        refused = ApiError(
            429,
            f"{unfinished} of your evaluations have not ended, and {most} may wait at once: wait "
            "for some to end, or cancel some.",
            code="too_many_evaluations",
        )
        refused.headers = {"Retry-After": str(RETRY_AFTER)}
        raise refused
