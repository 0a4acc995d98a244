"""The tools that only the page of a conversation calls.

A client that renders pages keeps these tools from its model. Over stdio the server knows whether
the client does; over HTTP it may not know, so there every client lists them.
"""

from __future__ import annotations

from typing import Any

from mcp.server import ServerRequestContext
from mcp_types import Tool

from evals_mcp.tools.calls.definition import ToolDefinition
from evals_mcp.views.app import APP_ONLY, EXTENSION, mark_row, page_data, renders_pages
from evals_schemas.tools.app import MarkRowInput, MarkRowOutput, PageDataInput, PageDataOutput

APP_TOOLS: tuple[ToolDefinition[Any, Any], ...] = (
    ToolDefinition(
        name="page_data",
        title="Show an evaluation",
        description="For the evaluation page only, not for a model.",
        takes=PageDataInput,
        returns=PageDataOutput,
        run=page_data.page_data,
        render=page_data.rendered,
        for_page=page_data.for_page,
        read_only=True,
        idempotent=True,
    ),
    ToolDefinition(
        name="mark_row",
        title="Mark a verdict",
        description="For the evaluation page only, not for a model.",
        takes=MarkRowInput,
        returns=MarkRowOutput,
        run=mark_row.mark_row,
        render=mark_row.rendered,
        people_only=mark_row.PEOPLE_ONLY,
        idempotent=True,
    ),
)

APP_TOOLS_BY_NAME = {definition.name: definition for definition in APP_TOOLS}


def listed_app_tool(definition: ToolDefinition[Any, Any]) -> Tool:
    """Return a tool of the page as clients list it."""
    return definition.tool.model_copy(update={"meta": {"ui": APP_ONLY}})


def lists_app_tools(context: ServerRequestContext[Any, Any]) -> bool:
    """Return whether the client of a request is shown the tools of the page."""
    if context.request is not None:
        return True
    capabilities = context.session.client_capabilities
    extensions = capabilities.extensions if capabilities else None
    return renders_pages(extensions and extensions.get(EXTENSION))
