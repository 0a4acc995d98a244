"""Who lists the tools of the page: clients that render it, and all where that is not known."""

from __future__ import annotations

from typing import Any

import pytest
from mcp import Client

from evals_mcp.views.app import EXTENSION, MIME_TYPE
from tests.server.fake_provider import FakeProvider
from tests.server.http.serving import app_over, listening
from tests.server.serving import MODES, Mode, served
from tests.server.stdio.exchanges import INITIALIZED, initialize, modern, request, sdk_answers
from tests.server.tokens import tokens

READING, OF_PAGE = {"page_data"}, {"page_data", "mark_row"}
RENDERS = {"extensions": {EXTENSION: {"mimeTypes": [MIME_TYPE]}}}
RENDERS_NONE: tuple[dict[str, Any], ...] = (
    {},
    {"extensions": {}},
    {"extensions": {EXTENSION: {}}},
    {"extensions": {EXTENSION: {"mimeTypes": ["text/html"]}}},
    {"extensions": {EXTENSION: {"mimeTypes": MIME_TYPE}}},
)


async def listed(era: Mode, capabilities: dict[str, Any], *, read_only: bool = False) -> set[str]:
    if era == "legacy":
        opening = initialize(capabilities=capabilities)
        said = (opening, INITIALIZED, request(2, "tools/list"))
    else:
        said = (modern(2, "tools/list", clientCapabilities=capabilities),)
    answers = await sdk_answers(*said, read_only=read_only)
    return {tool["name"] for tool in answers[-1]["result"]["tools"]}


@pytest.mark.parametrize("era", MODES)
async def test_over_stdio_a_client_that_renders_pages_lists_their_tools(era: Mode) -> None:
    assert await listed(era, RENDERS) >= OF_PAGE
    assert await listed(era, RENDERS, read_only=True) & OF_PAGE == READING


@pytest.mark.parametrize("era", MODES)
@pytest.mark.parametrize("capabilities", RENDERS_NONE)
async def test_over_stdio_no_other_client_sees_them(
    era: Mode, capabilities: dict[str, Any]
) -> None:
    assert not await listed(era, capabilities) & OF_PAGE


@pytest.mark.parametrize("mode", MODES)
async def test_over_http_every_client_lists_them_marked_as_not_for_models(mode: Mode) -> None:
    async with listening(app_over()) as url, Client(f"{url}/mcp", mode=mode) as client:
        tools = (await client.list_tools()).tools

    of_page = [tool for tool in tools if tool.meta == {"ui": {"visibility": ["app"]}}]
    assert {tool.name for tool in of_page} == OF_PAGE
    seen = [
        {"name": tool.name, "description": tool.description, "input_schema": tool.input_schema}
        for tool in of_page
    ]
    assert sum(map(tokens, seen)) <= 250


async def test_a_client_that_was_shown_no_tool_of_the_page_has_none_to_call_by_name() -> None:
    async with served(FakeProvider()) as server:
        assert "tools are" in (refused := await server.refusal("page_dat"))
        assert "page_data" not in refused.replace("page_dat ", "")
