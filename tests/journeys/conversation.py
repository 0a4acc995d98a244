"""A conversation with the real server over stdio and its embedded engine."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
from mcp import Client, StdioServerParameters
from mcp_types import CallToolResult, TextContent


@dataclass
class Conversation:
    """The tool calls of an assistant."""

    client: Client

    async def call(self, tool: str, **arguments: Any) -> CallToolResult:
        """Call a tool; fail if no answer comes within five minutes."""
        with anyio.fail_after(300):
            return await self.client.call_tool(tool, arguments)

    async def answer(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool that must succeed and return the structured content."""
        result = await self.call(tool, **arguments)
        assert not result.is_error, text_of(result)
        return result.structured_content

    async def refusal(self, tool: str, **arguments: Any) -> str:
        """Call a tool that must fail and return the text of the error."""
        result = await self.call(tool, **arguments)
        assert result.is_error, text_of(result)
        return text_of(result)


def text_of(result: CallToolResult) -> str:
    """Return the part of an answer that a text-only client shows."""
    return "\n".join(part.text for part in result.content if isinstance(part, TextContent))


@asynccontextmanager
async def conversation(data: Path, folder: Path, **settings: str) -> AsyncGenerator[Conversation]:
    """Start `evals-mcp` in a folder; the server stores all its files below `data`.

    Settings are environment variables without their `EVALS_MCP_` prefix.
    """
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "evals_mcp.cli"],
        cwd=folder,
        env={
            "XDG_DATA_HOME": str(data / "home"),
            "EVALS_MCP_SERVER__PROVIDER": "local",
            "EVALS_MCP_LOCAL__DATA_DIR": str(data / "engine"),
            "EVALS_MCP_RESULTS__CACHE_DIR": str(data / "results"),
            "EVALS_MCP_BUDGET__KEY_FILE": str(data / "confirm.key"),
            "EVALS_MCP_STATE__FOLDER": str(data / "state"),
            **{f"EVALS_MCP_{name}": value for name, value in settings.items()},
        },
    )
    async with Client(server) as client:
        yield Conversation(client)
