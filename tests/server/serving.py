"""The real server over a provider of the test's, and the SDK's own client in memory."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal

import anyio
from mcp import Client
from mcp_types import CallToolResult, TextContent

from evals_mcp.server import build_server
from evals_mcp.services import open_services
from evals_mcp.settings_schema import Settings
from evals_mcp.tools.session import Clock
from tests.server.fake_provider import NOON, FakeProvider

Mode = Literal["legacy", "2026-07-28"]
MODES: tuple[Mode, ...] = ("legacy", "2026-07-28")


class FakeTime:
    """A clock that a sleep moves on."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.pauses: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.seconds += seconds
        await anyio.lowlevel.checkpoint()

    def clock(self, now: datetime = NOON) -> Clock:
        return Clock(now=lambda: now, monotonic=lambda: self.seconds, sleep=self.sleep)


def settings(folder: Path | None = None, **sections: Any) -> Settings:
    """Settings of the local provider that allow uploads from one folder."""
    sections.setdefault("datasets", {"allowed_folders": [folder] if folder else []})
    sections.setdefault("server", {"provider": "local"})
    if folder:
        sections.setdefault("results", {"cache_dir": folder / "kept-results"})
    return Settings.model_validate(sections, context={"cwd": Path.cwd()})


@dataclass
class Served:
    """A client of a running server."""

    client: Client

    async def call(self, tool: str, **arguments: Any) -> CallToolResult:
        with anyio.fail_after(10):
            return await self.client.call_tool(tool, arguments)

    async def answer(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The structured content of a success."""
        result = await self.call(tool, **arguments)
        assert not result.is_error, text_of(result)
        return result.structured_content

    async def text(self, tool: str, **arguments: Any) -> str:
        """The text of a success."""
        result = await self.call(tool, **arguments)
        assert not result.is_error, text_of(result)
        return text_of(result)

    async def refusal(self, tool: str, **arguments: Any) -> str:
        """The text of an error, which comes without structured content."""
        result = await self.call(tool, **arguments)
        assert result.is_error, text_of(result)
        assert result.structured_content is None
        return text_of(result)


def text_of(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


@asynccontextmanager
async def served(
    provider: FakeProvider,
    mode: Mode = "2026-07-28",
    configured: Settings | None = None,
    clock: Clock | None = None,
) -> AsyncGenerator[Served]:
    """A server over this provider, with a client connected."""

    @asynccontextmanager
    async def open_provider(_: Settings) -> AsyncGenerator[FakeProvider]:
        yield provider

    opening = partial(open_services, configured or settings(), open_provider, clock)
    with anyio.fail_after(30):
        async with Client(build_server("0.0", opening), mode=mode) as client:
            yield Served(client)
