"""The session of a command, as the user of this machine."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from evals_mcp.errors import EvalsMCPError

if TYPE_CHECKING:
    from evals_mcp.launching.ask_user import AskUser
    from evals_mcp.settings.schema import Settings
    from evals_mcp.tools.calls.request_context import Services
    from evals_mcp.tools.calls.session import ReportProgress, ToolSession

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
    from evals_mcp.tools.calls.unattended import NobodyToAsk, no_progress

    return await services.session(LOCAL, no_progress, NobodyToAsk())


async def as_running_user(
    settings: Settings,
    report_progress: ReportProgress,
    ask_user: AskUser,
    work: Callable[[ToolSession], Awaitable[Result]],
) -> Result:
    """Return the result of some work with a session that starts evaluations and waits for them.

    The embedded engine, if it is one of the services, runs evaluations meanwhile.

    Raises:
        EvalsMCPError: the work raised it, or the services cannot be opened.
    """
    from evals_mcp.lifetime import open_services
    from evals_mcp.principals import LOCAL

    async with open_services(settings) as services:
        try:
            return await work(await services.session(LOCAL, report_progress, ask_user))
        except EvalsMCPError as error:
            failure = error  # raised below, because a task group would wrap it
    raise failure
