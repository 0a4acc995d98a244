"""The real server over a provider of the test's, and the SDK's own client in memory."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import anyio
from mcp import Client
from mcp.client.session import ElicitationFnT
from mcp_types import CallToolResult, TextContent

from evals_mcp.compose import open_providers
from evals_mcp.lifetime import OpenProviders, open_services
from evals_mcp.local_engine.service import LocalSettings
from evals_mcp.principals import LOCAL, Principal
from evals_mcp.providers.protocol import Provider
from evals_mcp.server import build_server
from evals_mcp.services import SERVICES
from evals_mcp.settings.schema import Settings, settings_class
from evals_mcp.tools.calls.session import Clock
from tests.server.fake_provider import NOON, FakeProvider

Mode = Literal["legacy", "2026-07-28"]
MODES: tuple[Mode, ...] = ("legacy", "2026-07-28")


HANG_GUARD = 300.0
"""Seconds after which something hangs, however busy the machine is."""

NOWHERE = "http://127.0.0.1:9/v1"


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


@cache
def _scratch() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="evals-mcp-tests-", ignore_cleanup_errors=True)


def unused_folder() -> Path:
    """Return a folder that does not exist and that no other test uses."""
    return Path(_scratch().name) / secrets.token_hex(8)


def settings(folder: Path | None = None, **sections: Any) -> Settings:
    """Settings of the local provider that allow uploads from one folder.

    Unless told otherwise it has an endpoint for models, at which nothing answers.
    Without a folder nothing is written: below a file there is no place for the key of the codes,
    which is then of the server alone.
    """
    key_file = (folder or Path(__file__)) / "confirm.key"
    sections["budget"] = {"key_file": key_file, **sections.get("budget", {})}
    sections.setdefault("state", {"folder": (folder or unused_folder()) / "state"})
    sections.setdefault("datasets", {"allowed_folders": [folder] if folder else []})
    sections.setdefault("server", {"provider": "local"})
    sections.setdefault("local", {"models": {"base_url": NOWHERE}})
    if folder:
        sections.setdefault("results", {"cache_dir": folder / "kept-results"})
        sections.setdefault("export", {"folder": folder / "exports"})
    return settings_class(SERVICES).model_validate(sections, context={"cwd": Path.cwd()})


@dataclass
class Served:
    """A client of a running server."""

    client: Client

    async def call(self, tool: str, **arguments: Any) -> CallToolResult:
        with anyio.fail_after(HANG_GUARD):
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


def everyones(provider: Provider) -> OpenProviders:
    """Open one provider for every principal."""

    @asynccontextmanager
    async def open_providers(
        configured: Settings,
    ) -> AsyncGenerator[Callable[[Principal], Provider]]:
        if isinstance(provider, FakeProvider):
            provider.configure(configured.section(LocalSettings))
        yield lambda _: provider

    return open_providers


@asynccontextmanager
async def own_provider(configured: Settings) -> AsyncGenerator[Provider]:
    """The provider that the configuration gives the user of this machine."""
    async with open_providers(configured) as provider_of:
        yield provider_of(LOCAL)


@asynccontextmanager
async def served(
    provider: Provider,
    mode: Mode = "2026-07-28",
    configured: Settings | None = None,
    clock: Clock | None = None,
    ask_user: ElicitationFnT | None = None,
    *,
    hang_guard: float = HANG_GUARD,
) -> AsyncGenerator[Served]:
    """A server over this provider, with a client connected that may be able to ask its user."""

    configured = configured or settings()
    opening = partial(open_services, configured, everyones(provider), clock)
    with anyio.fail_after(hang_guard):
        server = build_server("0.0", opening, read_only=configured.server.read_only)
        async with Client(server, mode=mode, elicitation_callback=ask_user) as client:
            yield Served(client)
