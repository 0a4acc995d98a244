"""The HTTP app on a port of loopback, over a provider of the test's."""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Any

import anyio
import httpx2
import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp

from evals_mcp.http.app import AppOptions, Front, build_app
from evals_mcp.http.limits import Limits
from evals_mcp.http.modes.local import LocalMode
from evals_mcp.lifetime import open_services
from evals_mcp.listener import without_delay
from evals_mcp.server import build_server
from evals_mcp.tools.calls.session import Clock
from tests.server.fake_provider import FakeProvider
from tests.server.serving import everyones, settings

PAGE = "https://evals.example"
FRONT = Front(
    path="/mcp",
    allowed_hosts=["127.0.0.1:*"],
    allowed_origins=[PAGE],
    max_body_bytes=10_000,
    limits=Limits(calls_per_minute=60_000, calls_at_once=100, total_at_once=100),
    key_headers=["X-Together-Api-Key"],
)


def app_over(
    provider: FakeProvider | None = None,
    front: Front = FRONT,
    clock: Clock | None = None,
    **choices: Any,
) -> Starlette:
    """The app in the mode `local`; `choices` are further fields of `AppOptions`."""

    server = build_server(
        "0.0", partial(open_services, settings(), everyones(provider or FakeProvider()), clock)
    )
    return build_app(server, front, AppOptions(LocalMode(), may_call=lambda _: True, **choices))


class _Server(uvicorn.Server):
    """Leaves signals to the test run."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


@asynccontextmanager
async def listening(app: ASGIApp, seconds: float = 300, http: Any = "auto") -> AsyncGenerator[str]:
    """Yield the base URL of an app that answers while the block runs, for `seconds` at most."""
    with socket.create_server(("127.0.0.1", 0)) as bound, anyio.fail_after(seconds):
        without_delay(bound)
        config = uvicorn.Config(
            app, http=http, log_config=None, lifespan="on", timeout_graceful_shutdown=5
        )
        server = _Server(config)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(server.serve, [bound])
            try:
                yield f"http://127.0.0.1:{bound.getsockname()[1]}"
            finally:
                server.should_exit = True


@asynccontextmanager
async def reached(app: ASGIApp) -> AsyncGenerator[httpx2.AsyncClient]:
    """A client of an app that listens."""
    async with (
        listening(app) as url,
        httpx2.AsyncClient(base_url=url, trust_env=False, timeout=60) as client,
    ):
        yield client
