"""Stands for a user who is asked nothing and told no progress."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evals_mcp.launching.ask_user import Answer, Reply, Sleep


async def no_progress(
    progress: float, total: float | None = None, message: str | None = None
) -> None:
    """Report nothing."""


class NobodyToAsk:
    """A user who cannot be asked."""

    reply: Reply | None = None
    answers_later = False

    async def ask(
        self,
        question: str,  # noqa: ARG002 - of AskUser, as the others
        code: str,  # noqa: ARG002
        sleep: Sleep,  # noqa: ARG002
    ) -> Answer:
        """Return that nobody has answered, so nothing starts."""
        return "unanswered"
