"""The calls and tokens of models, as the results of an evaluation report them by role."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import Any, cast

BY_ROLE = "by_role"
"""Field of `usage` in the results with the calls and tokens of each role."""

JUDGE = "judge"
"""The judge's role; the others are the fields of the request that name a model."""


@dataclass(frozen=True)
class Usage:
    """Calls that were answered, and their tokens."""

    calls: int = 0
    """Answers of a model, whether a verdict could be read from them or not."""
    input_tokens: int = 0
    """Prompt tokens of the calls whose endpoint reports them."""
    output_tokens: int = 0
    """Generated tokens, likewise."""
    unreported_calls: int = 0
    """Calls whose endpoint reports no tokens."""

    def plus(self, other: Usage) -> Usage:
        """Return both together."""
        return Usage(
            self.calls + other.calls,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.unreported_calls + other.unreported_calls,
        )

    def as_list(self) -> list[int]:
        """Return the four numbers, from which `Usage(*numbers)` makes an equal one."""
        return list(astuple(self))


NO_USAGE = Usage()
"""No call."""


def add_usage(totals: dict[str, Usage], more: Mapping[str, Usage]) -> None:
    """Add the usage of each role to totals by role."""
    for role, usage in more.items():
        totals[role] = totals.get(role, NO_USAGE).plus(usage)


def read_usage(value: object) -> Usage | None:
    """Return the usage in a service's answer; None if it has no numbers of calls or tokens."""
    if not isinstance(value, Mapping):
        return None
    fields = cast("Mapping[str, Any]", value)
    names = ("calls", "input_tokens", "output_tokens", "unreported_calls")
    numbers = [fields.get(name, 0) for name in names]
    if not any(name in fields for name in names) or not all(map(_is_count, numbers)):
        return None
    return Usage(*numbers)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
