"""What a server keeps for its launches from one call to the next."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import anyio
from anyio import to_thread

from evals_mcp.launching.codes import ConfirmCodes
from evals_mcp.launching.key_file import confirmation_key
from evals_mcp.launching.repeats import Repeats
from evals_mcp.settings.schema import BudgetSettings

OPEN_QUESTIONS = 1_000
"""How many questions are remembered as open; the oldest is forgotten."""


class Launches:
    """The codes, the creates and the open questions of one server."""

    def __init__(self, budget: BudgetSettings, now: Callable[[], datetime]) -> None:
        """Begin with nothing launched; the key file is left alone until a code is needed."""
        self.repeats = Repeats(budget.repeat_seconds, now)
        self._budget = budget
        self._now = now
        self._codes: ConfirmCodes | None = None
        self._reading = anyio.Lock()
        self._open: dict[str, None] = {}

    async def codes(self) -> ConfirmCodes:
        """The codes of this server's key."""
        async with self._reading:
            if self._codes is None:
                key = await to_thread.run_sync(confirmation_key, self._budget.key_file)
                self._codes = ConfirmCodes(key, self._now)
            return self._codes

    def open_question(self, fingerprint: str) -> bool:
        """Note that the user is asked about a request; false when that is open already.

        A call that should have come with an answer and comes without one is from a client that
        says it can ask and cannot.
        """
        if fingerprint in self._open:
            return False
        self._open[fingerprint] = None
        if len(self._open) > OPEN_QUESTIONS:
            del self._open[next(iter(self._open))]
        return True

    def close_question(self, fingerprint: str) -> None:
        """An answer has come."""
        self._open.pop(fingerprint, None)
