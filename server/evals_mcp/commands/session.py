"""The session of a command: the user of this machine, who is asked nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from evals_mcp.errors import EvalsMCPError

if TYPE_CHECKING:
    from evals_mcp.launching.ask_user import Answer, Reply, Sleep
    from evals_mcp.server import Services
    from evals_mcp.settings.schema import Settings
    from evals_mcp.tools.calls.session import ToolSession

# ruff: noqa: PLC0415 - the command line imports what it needs once a command is chosen

Result = TypeVar("Result")


async def as_local_user(
    settings: Settings, work: Callable[[ToolSession], Awaitable[Result]]
) -> Result:
    """Return the result of some work with a session that reads and starts no evaluation.

    The embedded engine, if it is one of the services, claims no evaluation meanwhile.

    Raises:
        EvalsMCPError: the work raised it, or the services cannot be opened.
    """
    from evals_mcp.compose import open_idle_providers
    from evals_mcp.lifetime import open_services

    async with open_services(settings, open_idle_providers) as services:
        try:
            return await work(await local_session(services))
        except EvalsMCPError as error:
            failure = error  # raised below, because a task group would wrap it
    raise failure


async def local_session(services: Services) -> ToolSession:
    """Return a session of the user of this machine, to whom no progress is reported."""
    from evals_mcp.principals import LOCAL

    return await services.session(LOCAL, _no_progress, _NobodyToAsk())


async def _no_progress(
    progress: float, total: float | None = None, message: str | None = None
) -> None:
    """Report nothing."""


class _NobodyToAsk:
    """Stands for a user who cannot be asked."""

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
