"""Remembers which answer format each model accepts from a judge's request."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class FormatKey:
    """What decides whether a format is accepted."""

    base_url: str
    model: str
    verdict_key: str
    """Part of the key because some endpoints accept a schema with an enum and refuse bounds."""


@dataclass(frozen=True)
class AnswerFormats:
    """The strictest format that each model has accepted.

    All runs of a process share one, so that only the first run has to search. A format is a number:
    0 is the strictest, and each further one is more lenient.
    """

    _accepted: dict[FormatKey, int] = field(default_factory=dict[FormatKey, int])

    def first_to_try(self, key: FormatKey) -> int:
        """Return the format that was accepted before; 0 if none is recorded."""
        return self._accepted.get(key, 0)

    def remember(self, key: FormatKey, number: int) -> None:
        """Record a format that the endpoint has accepted."""
        self._accepted[key] = number
