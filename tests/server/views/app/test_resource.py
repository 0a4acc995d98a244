"""The page as a resource: in both eras, over both transports."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from mcp import Client, MCPError
from mcp_types import TextResourceContents

from evals_mcp.views.app import EXTENSION, MIME_TYPE
from evals_mcp.views.app.resource import page_uri
from evals_mcp.views.document import app_document, page_text
from tests.server.fake_provider import FakeProvider
from tests.server.http.serving import app_over, listening
from tests.server.serving import MODES, Mode, served
from tests.server.stdio.exchanges import initialize, modern, sdk_answers

WITH_PAGE = {"create_evaluation", "get_evaluation", "compare_evaluations"}


@asynccontextmanager
async def over_stdio(mode: Mode) -> AsyncGenerator[Client]:
    """A client of the server without HTTP."""
    async with served(FakeProvider(), mode) as server:
        yield server.client


@asynccontextmanager
async def over_http(mode: Mode) -> AsyncGenerator[Client]:
    async with listening(app_over()) as url, Client(f"{url}/mcp", mode=mode) as client:
        yield client


Transport = Callable[[Mode], AbstractAsyncContextManager[Client]]
everywhere = pytest.mark.parametrize("transport", [over_stdio, over_http])


@everywhere
@pytest.mark.parametrize("mode", MODES)
async def test_the_page_is_listed_and_read_with_what_it_needs(
    transport: Transport, mode: Mode
) -> None:
    async with transport(mode) as client:
        listed, *_ = (await client.list_resources()).resources
        read = await client.read_resource(listed.uri)
        tools = (await client.list_tools()).tools

    (content,) = read.contents
    assert isinstance(content, TextResourceContents)
    assert listed.mime_type == content.mime_type == MIME_TYPE
    assert listed.meta == content.meta
    assert content.meta is not None
    assert content.meta["ui"]["csp"] == {"connectDomains": [], "resourceDomains": []}
    assert content.text == app_document()
    assert 'http-equiv="Content-Security-Policy"' in content.text
    with_page = {tool.name for tool in tools if tool.meta == {"ui": {"resourceUri": listed.uri}}}
    assert with_page == WITH_PAGE


async def test_the_address_of_an_earlier_page_answers_with_the_page_of_now() -> None:
    earlier = "ui://evals-mcp/page-00000000.html"
    async with served(FakeProvider()) as server:
        (content,) = (await server.client.read_resource(earlier)).contents

    assert earlier != page_uri()
    assert isinstance(content, TextResourceContents)
    assert (content.uri, content.text) == (earlier, app_document())


@pytest.mark.parametrize(
    "uri",
    [
        "ui://evals-mcp/page.html",
        "ui://evals-mcp/page-0000000g.html",
        "ui://evals-mcp/page-00000000.html?x",
        "file:///etc/passwd",
        "ui://evals-mcp/../page-00000000.html",
    ],
)
async def test_any_other_address_is_an_error_of_the_protocol(uri: str) -> None:
    async with served(FakeProvider()) as server:
        with pytest.raises(MCPError, match="There is no resource") as refused:
            await server.client.read_resource(uri)

    assert refused.value.code == -32602


async def test_the_extension_is_announced_in_the_era_that_knows_extensions() -> None:
    (handshake,) = await sdk_answers(initialize())
    (modern_era,) = await sdk_answers(modern(1, "server/discover"))

    earlier = handshake["result"]["capabilities"]
    assert earlier.keys() >= {"resources", "tools"}
    assert modern_era["result"]["capabilities"] == {"extensions": {EXTENSION: {}}, **earlier}


@pytest.mark.parametrize("mode", MODES)
async def test_the_page_is_not_read_before_a_client_asks_for_it_or_for_the_tools(
    mode: Mode,
) -> None:
    for cached in (page_uri, app_document, page_text):
        cached.cache_clear()
    async with served(FakeProvider(), mode) as server:
        assert page_text.cache_info().currsize == 0
        await server.client.list_resources()
        assert page_text.cache_info().currsize == 1
