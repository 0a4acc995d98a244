"""Keeps what was offered for some seconds, because clients ask at every key that is pressed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

_SECONDS = 30.0
"""How long a list is offered again before its service is asked anew."""

_MOST = 256
"""Lists that are kept; the one used longest ago goes first."""


@dataclass(frozen=True)
class OfferedValue:
    """A value to choose."""

    value: str
    also: str = ""
    """Another text that a person may type for it, such as its name."""


Key = tuple[str, ...]
"""Whose list it is, of which kind, and of which data set."""


@dataclass
class Remembered:
    """The lists of all principals; a key begins with its principal's id."""

    clock: Callable[[], float]
    """A clock in seconds that never goes back."""
    _lists: OrderedDict[Key, tuple[float, tuple[OfferedValue, ...]]] = field(
        default_factory=OrderedDict[Key, tuple[float, tuple[OfferedValue, ...]]]
    )

    def get(self, key: Key) -> tuple[OfferedValue, ...] | None:
        """Return a list; None if it is not kept or too old."""
        if (entry := self._lists.get(key)) is None or self.clock() - entry[0] > _SECONDS:
            return None
        self._lists.move_to_end(key)
        return entry[1]

    def keep(self, key: Key, values: tuple[OfferedValue, ...]) -> None:
        """Keep a list."""
        self._lists[key] = self.clock(), values
        self._lists.move_to_end(key)
        while len(self._lists) > _MOST:
            self._lists.popitem(last=False)
