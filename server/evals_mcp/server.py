"""The MCP server: lists the tools, calls them, and words what goes wrong.

The collaborators of tools are imported at the first call. Over stdio, `evals_mcp.stdio` answers the
client's first messages before this module is loaded.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from mcp.server import Server
from mcp.server.context import CallNext, HandlerResult
from mcp_types import (
    CallToolRequestParams,
    CallToolResult,
    InputRequiredResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
)

from evals_mcp.completions.handlers import CompletionHandler
from evals_mcp.errors import EvalsMCPError, NotFoundError, UnsupportedError
from evals_mcp.instructions import NAME, TITLE, instructions
from evals_mcp.launching.ask_user import Elicitation, UserQuestionError
from evals_mcp.principals import Principal
from evals_mcp.prompts.handlers import PromptHandlers
from evals_mcp.resources.handlers import list_resources, list_templates, read_resource
from evals_mcp.resources.kinds import VALUES_OF
from evals_mcp.tools.calls.bugs import log_bug
from evals_mcp.tools.calls.definition import ToolDefinition
from evals_mcp.tools.calls.request_context import Context, Services, principal_of
from evals_mcp.tools.calls.session import ToolSession
from evals_mcp.tools.catalog import BY_NAME
from evals_mcp.views.app import EXTENSION
from evals_mcp.views.app.resource import listed_tool
from evals_mcp.views.app.tools import (
    APP_TOOLS,
    APP_TOOLS_BY_NAME,
    listed_app_tool,
    lists_app_tools,
)


@dataclass(frozen=True)
class CallRecord:
    """The outcome of a tool call, without its arguments and its answer."""

    tool: str
    """Name of the tool; `unknown` if no tool has the requested name."""
    provider: str | None
    """Service that the call used; None if the call ended before it reached one."""
    principal: Principal
    outcome: str
    """`ok`, `asked` if the user was asked to confirm, or the type of the error."""
    seconds: float


NoteCall = Callable[[CallRecord], None]


def build_server(
    version: str,
    open_services: Callable[[], AbstractAsyncContextManager[Services]],
    *,
    read_only: bool = False,
    note_call: NoteCall | None = None,
) -> Server[Services]:
    """Return a server that can run over any transport.

    Args:
        version: Version that the client is shown.
        open_services: Opens the collaborators of calls, for as long as the server runs.
        read_only: Leave out each tool that uploads, starts, cancels or deletes something.
        note_call: Called after each tool call.
    """
    tools, prompts = _Tools(read_only, note_call), PromptHandlers(read_only=read_only)
    completions = CompletionHandler(VALUES_OF)
    server = Server[Services](
        NAME,
        version=version,
        title=TITLE,
        instructions=instructions(read_only=read_only),
        lifespan=lambda _: open_services(),
        on_list_tools=tools.list,
        on_call_tool=tools.call,
        on_list_prompts=prompts.list,
        on_get_prompt=prompts.get,
        on_list_resources=list_resources,
        on_list_resource_templates=list_templates,
        on_read_resource=read_resource,
        on_completion=completions.complete,
    )
    server.extensions[EXTENSION] = {}
    server.middleware.append(_note_message)
    return server


async def _note_message(ctx: Context, call_next: CallNext) -> HandlerResult:
    ctx.lifespan_context.message_came()
    return await call_next(ctx)


class _Tools:
    """The handlers that list the tools and call them."""

    def __init__(self, read_only: bool, note_call: NoteCall | None) -> None:
        self._read_only = read_only
        self._note_call = note_call

    async def list(self, context: Context, _: PaginatedRequestParams | None) -> ListToolsResult:
        """Return the tools that may be called."""
        tools = [listed_tool(each) for each in self._catalog().values()]
        if lists_app_tools(context):
            of_page = [each for each in APP_TOOLS if each.read_only or not self._read_only]
            tools += map(listed_app_tool, of_page)
        return ListToolsResult(tools=tools)

    async def call(
        self, context: Context, params: CallToolRequestParams
    ) -> CallToolResult | InputRequiredResult:
        """Run one call; answer errors with a text for the model that made the call."""
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
        return {name: tool for name, tool in BY_NAME.items() if tool.read_only}

    def _definition(self, name: str) -> ToolDefinition[Any, Any]:
        catalog = self._catalog()
        if (definition := catalog.get(name)) is not None:
            return definition
        of_page = APP_TOOLS_BY_NAME.get(name)
        if of_page is not None and (of_page.read_only or not self._read_only):
            return of_page
        if name in BY_NAME or of_page is not None:
            raise UnsupportedError(
                f"{name} is switched off: this server only reads (server.read_only), which its "
                "operator can change. list_evaluations shows the evaluations that you can read."
            )
        raise NotFoundError(f"No tool has this name; the tools are {', '.join(catalog)}.")


class _Call:
    """One tool call with its progress so far."""

    def __init__(self, context: Context, params: CallToolRequestParams) -> None:
        self._context = context
        self._params = params
        self._tool = "unknown"
        self._provider: str | None = None
        self._principal = principal_of(context)

    async def answer(self, definition: ToolDefinition[Any, Any]) -> CallToolResult:
        """Check the arguments, open the session, and run the tool."""
        self._tool = definition.name
        if not (definition.read_only or self._principal.may_write):
            # The HTTP front has refused such a call already, if it could read the request.
            raise UnsupportedError(
                f"{definition.name} needs the right to write, and you may only read: ask the "
                "administrator for it. list_evaluations shows the evaluations that you can read."
            )
        return await definition.call(self._params.arguments, self._open_session)

    def record(self, outcome: str, seconds: float) -> CallRecord:
        """Return the record of this call."""
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


def _error(text: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(text=text)], is_error=True)
