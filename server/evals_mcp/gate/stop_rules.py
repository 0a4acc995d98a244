"""When a gate stops before the last row: what its file says, and whether that can be."""

from __future__ import annotations

from dataclasses import dataclass

from evals_mcp.errors import InvalidRequestError
from evals_schemas.repository.evals_file import EvalsFile

FIRST_ROWS = 50
"""Rows that are judged before the first look, if the file names no `sample`."""

_OF_RUNS = ("target", "smaller_than", "width")


@dataclass(frozen=True)
class StopRules:
    """The limits of a gate that looks again and again while it judges."""

    first_rows: int
    """Rows that are judged before the first look."""
    most_rows: int | None
    """Rows that are compared at most; None for all."""
    max_usd: float | None
    """US dollars beyond which no further part is started; None without such a limit."""


def stop_rules(content: EvalsFile) -> StopRules | None:
    """Return when the gate of a file stops; None if it judges every row at once.

    Raises:
        InvalidRequestError: a rule cannot be kept by a gate that stops.
    """
    gate, stop_when = content.gate, content.stop_when
    if gate is None:
        return None
    if stop_when is None and gate.unclear != "more":
        if gate.max_rows is not None:
            raise InvalidRequestError(
                "`gate.max_rows` limits a gate that stops when it is decided: add "
                '`stop_when = { decided = true }` or `unclear = "more"`, or leave it out.'
            )
        return None
    if gate.cluster_column is not None:
        name = "stop_when" if stop_when is not None else 'unclear = "more"'
        raise InvalidRequestError(
            f"`gate.cluster_column` and `{name}` exclude each other: a gate by clusters judges "
            "every row. Leave one of them out."
        )
    if stop_when is not None:
        for name in _OF_RUNS:
            if getattr(stop_when, name) is not None:
                raise InvalidRequestError(
                    f"`stop_when.{name}` is not for a file with `[gate]`, which stops as soon as "
                    "the change passes or is surely worse: leave it out."
                )
        if not stop_when.decided:
            raise InvalidRequestError(
                "`stop_when` of a file with `[gate]` needs `decided = true`: the gate stops when "
                "it is decided, or before at `max_usd`."
            )
    return StopRules(
        first_rows=content.sample or FIRST_ROWS,
        most_rows=gate.max_rows,
        max_usd=stop_when.max_usd if stop_when is not None else None,
    )
