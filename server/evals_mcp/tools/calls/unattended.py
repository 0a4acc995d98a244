"""Stands for a user who is asked nothing and told no progress."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evals_mcp.launching.ask_user import Answer, Filled, Form, Reply, Sleep


async def no_progress(
    progress: float, total: float | None = None, message: str | None = None
) -> None:
    """Report nothing."""


class NobodyToAsk:
    """A user who cannot be asked."""

    answer: Answer = "unanswered"
    """What every question gets; so nothing starts."""

    reply: Reply | None = None
    answers_later = False
    can_ask = False
    filled: Filled | None = None

    async def fill(self, form: Form, sleep: Sleep) -> Filled:  # noqa: ARG002 - of AskUser
        """Return that nobody has filled the form in."""
        from evals_mcp.launching.ask_user import Filled  # noqa: PLC0415 - slow to import

        return Filled("unanswered", {})

    async def ask(
        self,
        question: str,  # noqa: ARG002 - of AskUser, as the others
        code: str,  # noqa: ARG002
        sleep: Sleep,  # noqa: ARG002
    ) -> Answer:
        """Return the answer that every question gets."""
        return self.answer
