"""What a fixture is: something that the conformance suite expects every server to have."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from mcp_types import CallToolRequestParams, CallToolResult, InputRequiredResult, TextContent, Tool

from evals_mcp.server import Context

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="
"""A grey pixel."""
WAV = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQIAAACAgA=="
"""Two silent samples."""

Called = CallToolResult | InputRequiredResult


@dataclass(frozen=True)
class FixtureTool:
    """A tool of the suite's, by the name that the suite calls."""

    name: str
    call: Callable[[Context, CallToolRequestParams], Awaitable[Called]]
    properties: dict[str, Any] | None = None
    schema: dict[str, Any] | None = None
    """The whole input schema, where properties alone do not say it."""

    @property
    def tool(self) -> Tool:
        """The tool as it is listed."""
        described = self.name.replace("_", " ")
        schema = self.schema or {"type": "object", "properties": self.properties or {}}
        return Tool(name=self.name, description=described, input_schema=schema)


def text(said: str) -> CallToolResult:
    """A result that only says something."""
    return CallToolResult(content=[TextContent(text=said)])
