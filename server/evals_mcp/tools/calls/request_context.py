"""What the handlers of every request find in the server: its services, and who asks."""

from __future__ import annotations

from typing import Protocol

from mcp.server import ServerRequestContext

from evals_mcp.launching.ask_user import AskUser
from evals_mcp.principals import LOCAL, SCOPE, Principal
from evals_mcp.tools.calls.session import ReportProgress, ToolSession
from evals_mcp.tools.calls.unattended import NobodyToAsk, no_progress


class Services(Protocol):
    """What the composition provides while the server runs."""

    def message_came(self) -> None:
        """Start the work that waits for a client's first message."""
        ...

    async def session(
        self, principal: Principal, report_progress: ReportProgress, ask_user: AskUser
    ) -> ToolSession:
        """Return the collaborators of a tool call that its principal may use.

        Raises:
            OperatorError: the configuration does not allow a call.
        """
        ...


Context = ServerRequestContext[Services]


def principal_of(context: Context) -> Principal:
    """Return who made the request; over stdio, the user of this machine."""
    request = context.request
    return LOCAL if request is None else request.scope[SCOPE]


async def reading_session(context: Context) -> ToolSession:
    """Return the session of a request that only reads, so that its user is asked nothing.

    Raises:
        OperatorError: the configuration does not allow it.
    """
    services = context.lifespan_context
    return await services.session(principal_of(context), no_progress, NobodyToAsk())
