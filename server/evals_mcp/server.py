"""The MCP server: lists the tools, calls them, and words what goes wrong.

What the tools need of the world is imported with the first call. Over stdio, `stdio` has given the
client its first answers by the time this module loads.
"""

from __future__ import annotations

import logging
import secrets
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from mcp.server import Server, ServerRequestContext
from mcp.server.context import CallNext, HandlerResult
from mcp_types import (
    CallToolRequestParams,
    CallToolResult,
    InputRequiredResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
)

from evals_mcp.errors import EvalsMCPError, NotFoundError, UnsupportedError
from evals_mcp.instructions import NAME, TITLE, instructions
from evals_mcp.launching.ask_user import AskUser, Elicitation, UserQuestionError
from evals_mcp.principals import LOCAL, SCOPE, Principal
from evals_mcp.tools.calls.definition import ToolDefinition
from evals_mcp.tools.calls.session import ReportProgress, ToolSession
from evals_mcp.tools.catalog import BY_NAME

log = logging.getLogger(__name__)


class Services(Protocol):
    """What the server asks of its composition, opened for as long as the server runs."""

    def message_came(self) -> None:
        """The client is there: work that waits for it may begin."""
        ...

    async def session(
        self, principal: Principal, report_progress: ReportProgress, ask_user: AskUser
    ) -> ToolSession:
        """A tool call's collaborators, as far as its principal may use them.

        Raises:
            OperatorError: the configuration does not allow a call.
        """
        ...


Context = ServerRequestContext[Services]


@dataclass(frozen=True)
class CallRecord:
    """How a tool call went, without anything of what was asked or answered."""

    tool: str
    """Its name; `unknown` where there is none of that name."""
    provider: str | None
    """The service that was to answer; None where the call did not get that far."""
    principal: Principal
    outcome: str
    """`ok`, `asked` where the user is asked first, or the kind of the error."""
    seconds: float


NoteCall = Callable[[CallRecord], None]


def build_server(
    version: str,
    open_services: Callable[[], AbstractAsyncContextManager[Services]],
    *,
    read_only: bool = False,
    note_call: NoteCall | None = None,
) -> Server[Services]:
    """The server, ready to run over any transport.

    Args:
        version: Told to the client.
        open_services: Opens what the calls need, for as long as the server runs.
        read_only: Leave out every tool that uploads, starts or cancels anything.
        note_call: Told of every call once it is over.
    """
    tools = _Tools(read_only, note_call)
    server = Server[Services](
        NAME,
        version=version,
        title=TITLE,
        instructions=instructions(read_only=read_only),
        lifespan=lambda _: open_services(),
        on_list_tools=tools.list,
        on_call_tool=tools.call,
    )
    server.middleware.append(_note_message)
    return server


async def _note_message(ctx: Context, call_next: CallNext) -> HandlerResult:
    ctx.lifespan_context.message_came()
    return await call_next(ctx)


class _Tools:
    """Lists the tools and calls them."""

    def __init__(self, read_only: bool, note_call: NoteCall | None) -> None:
        self._read_only = read_only
        self._note_call = note_call

    async def list(self, _: Context, __: PaginatedRequestParams | None) -> ListToolsResult:
        """Every tool that may be called."""
        return ListToolsResult(tools=[one.tool for one in self._catalog().values()])

    async def call(
        self, context: Context, params: CallToolRequestParams
    ) -> CallToolResult | InputRequiredResult:
        """One call, with whatever goes wrong worded for the model that made it."""
        call, started = _Call(context, params), time.perf_counter()
        try:
            result, outcome = await call.answer(self._definition(params.name)), "ok"
        except UserQuestionError as asked:
            result, outcome = asked.result, "asked"
        except EvalsMCPError as error:
            result, outcome = _error(str(error)), type(error).__name__
        except Exception as error:  # noqa: BLE001 - the one edge where a bug becomes an answer
            text = f"Internal error, logged as {log_bug(error)}; nothing to change in the request."
            result, outcome = _error(text), "internal error"
        if self._note_call is not None:
            self._note_call(call.record(outcome, time.perf_counter() - started))
        return result

    def _catalog(self) -> Mapping[str, ToolDefinition[Any, Any]]:
        if not self._read_only:
            return BY_NAME
        return {name: one for name, one in BY_NAME.items() if one.read_only}

    def _definition(self, name: str) -> ToolDefinition[Any, Any]:
        catalog = self._catalog()
        if (found := catalog.get(name)) is not None:
            return found
        if name in BY_NAME:
            raise UnsupportedError(
                f"{name} is switched off: this server only reads (server.read_only). Whoever runs "
                "it can change that; list_evaluations shows what is there to read."
            )
        raise NotFoundError(f"There is no tool of that name; there are {', '.join(catalog)}.")


class _Call:
    """One tool call, and what it got to."""

    def __init__(self, context: Context, params: CallToolRequestParams) -> None:
        self._context = context
        self._params = params
        self._tool = "unknown"
        self._provider: str | None = None
        self._principal = principal_of(context)

    async def answer(self, definition: ToolDefinition[Any, Any]) -> CallToolResult:
        """Check the arguments, open the session, run."""
        self._tool = definition.name
        if not (definition.read_only or self._principal.may_write):
            # HTTP has refused it already, as far as it could read the request.
            raise UnsupportedError(
                f"{definition.name} changes something, and you may only read: ask whoever grants "
                "your access for the right to write. list_evaluations shows what is there to read."
            )
        return await definition.call(self._params.arguments, self._open_session)

    def record(self, outcome: str, seconds: float) -> CallRecord:
        """How it went."""
        return CallRecord(self._tool, self._provider, self._principal, outcome, seconds)

    async def _open_session(self) -> ToolSession:
        context = self._context
        session = await context.lifespan_context.session(
            self._principal,
            context.session.report_progress,
            Elicitation(context, self._params),
        )
        self._provider = session.provider.name
        return session


def principal_of(context: Context) -> Principal:
    """Who made the request; over stdio it is the user of this machine."""
    request = context.request
    return LOCAL if request is None else request.scope[SCOPE]


def log_bug(error: BaseException) -> str:
    """Log where an unexpected exception came from, not its text: that may quote a row or a key.

    Returns the short id that the log and the answer share.
    """
    bug = secrets.token_hex(4)
    frames = "".join(traceback.format_tb(error.__traceback__))
    log.error("internal error %s: %s\n%s", bug, type(error).__qualname__, frames)
    return bug


def _error(text: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(text=text)], is_error=True)
