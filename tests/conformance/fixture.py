"""Fixtures: what the conformance suite expects every server to have."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from mcp_types import CallToolRequestParams, CallToolResult, InputRequiredResult, TextContent, Tool

from evals_mcp.tools.calls.request_context import Context

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="
"""A grey pixel."""
WAV = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQIAAACAgA=="
"""Two silent samples."""

Called = CallToolResult | InputRequiredResult


@dataclass(frozen=True)
class FixtureTool:
    """A tool with the name that the suite calls."""

    name: str
    call: Callable[[Context, CallToolRequestParams], Awaitable[Called]]
    properties: dict[str, Any] | None = None
    schema: dict[str, Any] | None = None
    """The whole input schema; None if the properties are sufficient."""

    @property
    def tool(self) -> Tool:
        """Return the tool as it is listed."""
        described = self.name.replace("_", " ")
        schema = self.schema or {"type": "object", "properties": self.properties or {}}
        return Tool(name=self.name, description=described, input_schema=schema)


def text(content: str) -> CallToolResult:
    """Return a result with one text."""
    return CallToolResult(content=[TextContent(text=content)])
