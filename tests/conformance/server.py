"""Serves the product's HTTP app with the suite's fixtures besides the product's tools.

Everything between a socket and a handler belongs to the product: the app, its middleware and the
MCP server. Only handlers are added, and only here; no command of the product uses this module.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import sys
from functools import partial
from typing import cast

import uvicorn
from mcp.server import Server
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.server.subscriptions import (
    InMemorySubscriptionBus,
    ListenHandler,
    PromptsListChanged,
    ServerEvent,
    ToolsListChanged,
)
from mcp_types import (
    CallToolRequestParams,
    CompleteRequestParams,
    GetPromptRequestParams,
    ListToolsResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    SetLevelRequestParams,
    SubscribeRequestParams,
    SubscriptionsListenRequestParams,
    UnsubscribeRequestParams,
)
from starlette.applications import Starlette

from evals_mcp.http.app import AppOptions, Front, build_app
from evals_mcp.http.limits import Limits
from evals_mcp.http.modes.local import LocalMode
from evals_mcp.lifetime import open_services
from evals_mcp.server import build_server
from evals_mcp.tools.calls.request_context import Context, Services
from tests.conformance import offerings
from tests.conformance.asking_tools import ASKING_TOOLS
from tests.conformance.busy_tools import BUSY_TOOLS
from tests.conformance.content_tools import CONTENT_TOOLS
from tests.conformance.event_store import MemoryEventStore
from tests.conformance.fixture import Called, FixtureTool, text
from tests.server.fake_provider import FakeProvider
from tests.server.serving import everyones, settings

FRONT = Front(
    path="/mcp",
    allowed_hosts=["127.0.0.1:*", "localhost:*"],
    allowed_origins=["http://127.0.0.1:*", "http://localhost:*"],
    max_body_bytes=4 * 1024 * 1024,
    limits=Limits(calls_per_minute=60_000, calls_at_once=1000, total_at_once=1000),
)


def conformance_app(*, stateless: bool) -> Starlette:
    """Return the product's app with the fixtures, over a provider without evaluations."""

    server = build_server("0.0", partial(open_services, settings(), everyones(FakeProvider())))
    _add_tools(server)
    _add_offerings(server)
    security = RequestStateSecurity.ephemeral()
    server.middleware.append(RequestStateBoundary(security, default_audience=server.name))
    return build_app(
        server,
        FRONT,
        AppOptions(
            LocalMode(),
            may_call=lambda _: True,
            stateless=stateless,
            event_store=None if stateless else MemoryEventStore(),
        ),
    )


def _add_tools(server: Server[Services]) -> None:
    """Add the fixture tools after the product's tools."""
    bus = InMemorySubscriptionBus()
    listed, called = (server.get_request_handler(f"tools/{verb}") for verb in ("list", "call"))
    assert listed is not None
    assert called is not None
    fixtures = {
        fixture.name: fixture
        for fixture in (
            *CONTENT_TOOLS,
            *BUSY_TOOLS,
            *ASKING_TOOLS,
            _changing("test_trigger_tool_change", bus, ToolsListChanged()),
            _changing("test_trigger_prompt_change", bus, PromptsListChanged()),
        )
    }

    async def list_tools(context: Context, params: PaginatedRequestParams) -> ListToolsResult:
        product = cast("ListToolsResult", await listed.handler(context, params))
        added = [fixture.tool for fixture in fixtures.values()]
        return product.model_copy(update={"tools": [*product.tools, *added]})

    async def call_tool(context: Context, params: CallToolRequestParams) -> Called:
        if fixture := fixtures.get(params.name):
            return await fixture.call(context, params)
        return cast("Called", await called.handler(context, params))

    server.add_request_handler("tools/list", PaginatedRequestParams, list_tools)
    server.add_request_handler("tools/call", CallToolRequestParams, call_tool)
    server.add_request_handler(
        "subscriptions/listen", SubscriptionsListenRequestParams, ListenHandler(bus)
    )


def _changing(name: str, bus: InMemorySubscriptionBus, event: ServerEvent) -> FixtureTool:
    async def call(_: Context, __: CallToolRequestParams) -> Called:
        await bus.publish(event)
        return text("changed")

    return FixtureTool(name, call)


def _add_offerings(server: Server[Services]) -> None:
    add = server.add_request_handler
    add("resources/list", PaginatedRequestParams, offerings.list_resources)
    add("resources/templates/list", PaginatedRequestParams, offerings.list_templates)
    add("resources/read", ReadResourceRequestParams, offerings.read_resource)
    add("resources/subscribe", SubscribeRequestParams, offerings.accept)
    add("resources/unsubscribe", UnsubscribeRequestParams, offerings.accept)
    add("logging/setLevel", SetLevelRequestParams, offerings.accept)
    add("prompts/list", PaginatedRequestParams, offerings.list_prompts)
    add("prompts/get", GetPromptRequestParams, offerings.get_prompt)
    add("completion/complete", CompleteRequestParams, offerings.complete)


async def _serve(*, stateless: bool) -> None:
    """Serve on a free port until stdin ends; print the address as the first line."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        app = conformance_app(stateless=stateless)
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        port = listening.getsockname()[1]
        print(f"http://127.0.0.1:{port}{FRONT.path}", flush=True)
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        await asyncio.to_thread(sys.stdin.buffer.read)
        server.should_exit = True
        await serving


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stateful", action="store_true", help="keep sessions between requests")
    asyncio.run(_serve(stateless=not parser.parse_args().stateful))
