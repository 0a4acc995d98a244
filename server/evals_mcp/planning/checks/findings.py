"""What checks find in a request: the problems, warnings and notes of its plan."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Findings:
    """Problems, warnings and notes, a sentence each."""

    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @classmethod
    def merged(cls, parts: Iterable[Findings]) -> Findings:
        """Return the findings of all parts in their order."""
        parts = list(parts)
        return cls(
            tuple(text for part in parts for text in part.problems),
            tuple(text for part in parts for text in part.warnings),
            tuple(text for part in parts for text in part.notes),
        )
