"""What a server keeps between calls about the evaluations that it starts."""

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
"""Most questions that are remembered as open; the oldest is forgotten."""


class Launches:
    """The confirmation codes, the creates and the open questions of one server."""

    def __init__(self, budget: BudgetSettings, now: Callable[[], datetime]) -> None:
        """Start with no creates; the key file is not read until a code is needed."""
        self.repeats = Repeats(budget.repeat_seconds, now)
        self._budget = budget
        self._now = now
        self._codes: ConfirmCodes | None = None
        self._reading = anyio.Lock()
        self._open: dict[str, None] = {}

    async def codes(self) -> ConfirmCodes:
        """Return the codes of this server's key."""
        async with self._reading:
            if self._codes is None:
                key = await to_thread.run_sync(confirmation_key, self._budget.key_file)
                self._codes = ConfirmCodes(key, self._now)
            return self._codes

    def open_question(self, fingerprint: str) -> bool:
        """Note that the user is asked about a request; return false if that question is open.

        If a question is open and the call comes without an answer, the client declared that it can
        ask, but cannot.
        """
        if fingerprint in self._open:
            return False
        self._open[fingerprint] = None
        if len(self._open) > OPEN_QUESTIONS:
            del self._open[next(iter(self._open))]
        return True

    def close_question(self, fingerprint: str) -> None:
        """Note that an answer has come."""
        self._open.pop(fingerprint, None)
