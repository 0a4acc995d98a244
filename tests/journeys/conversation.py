"""A conversation with the real server over stdio, the embedded engine behind it."""

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
    """What an assistant says and hears."""

    client: Client

    async def call(self, tool: str, **arguments: Any) -> CallToolResult:
        """Call a tool, within a minute."""
        with anyio.fail_after(60):
            return await self.client.call_tool(tool, arguments)

    async def answer(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The structured content of a success."""
        result = await self.call(tool, **arguments)
        assert not result.is_error, text_of(result)
        return result.structured_content

    async def refusal(self, tool: str, **arguments: Any) -> str:
        """The text of an error."""
        result = await self.call(tool, **arguments)
        assert result.is_error, text_of(result)
        return text_of(result)


def text_of(result: CallToolResult) -> str:
    """What a client that knows text alone shows."""
    return "\n".join(part.text for part in result.content if isinstance(part, TextContent))


@asynccontextmanager
async def conversation(data: Path, folder: Path, **settings: str) -> AsyncGenerator[Conversation]:
    """Start `evals-mcp` in a folder, with everything it keeps below `data`.

    Settings are environment variables without their `EVALS_MCP_` prefix.
    """
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "evals_mcp.cli"],
        cwd=folder,
        env={
            "EVALS_MCP_SERVER__PROVIDER": "local",
            "EVALS_MCP_LOCAL__DATA_DIR": str(data / "engine"),
            "EVALS_MCP_RESULTS__CACHE_DIR": str(data / "results"),
            "EVALS_MCP_BUDGET__KEY_FILE": str(data / "confirm.key"),
            **{f"EVALS_MCP_{name}": value for name, value in settings.items()},
        },
    )
    async with Client(server) as client:
        yield Conversation(client)
