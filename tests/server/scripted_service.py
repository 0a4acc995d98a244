"""A service that replays a script, and a clock that only the pauses advance."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio.lowlevel
import httpx2
from pydantic import SecretStr

from evals_mcp.providers.rest.client import RestClient
from evals_mcp.providers.rest.retrying import Timing
from evals_mcp.providers.rest.service import Service

TOKEN = "tgp_v1_5up3r53cr3t"
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SERVICE = Service(
    name="together",
    base_url="https://api.together.ai/v1",
    token=SecretStr(TOKEN),
    base_url_setting="together.base_url",
    token_setting="the environment variable TOGETHER_API_KEY",
)

Step = httpx2.Response | Exception | Callable[[httpx2.Request], httpx2.Response]


def answer(body: object, status: int = 200, **headers: str) -> httpx2.Response:
    return httpx2.Response(
        status,
        content=body if isinstance(body, bytes) else json.dumps(body).encode(),
        headers={"content-type": "application/json"} | headers,
    )


@dataclass
class Script:
    """Replays one step per request, and the last one for all further requests."""

    steps: list[Step]
    requests: list[httpx2.Request] = field(default_factory=list[httpx2.Request])
    pauses: list[float] = field(default_factory=list[float])

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        step = self.steps[min(len(self.requests), len(self.steps) - 1)]
        self.requests.append(request)
        if isinstance(step, Exception):
            raise step
        return step if isinstance(step, httpx2.Response) else step(request)

    def sent(self, method: str) -> list[httpx2.Request]:
        return [request for request in self.requests if request.method == method]

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await anyio.lowlevel.checkpoint()

    def timing(self) -> Timing:
        return Timing(
            sleep=self.sleep,
            chance=lambda: 1.0,
            monotonic=lambda: sum(self.pauses),
            now=lambda: NOON + timedelta(seconds=sum(self.pauses)),
        )


@asynccontextmanager
async def scripted(
    *steps: Step, service: Service = SERVICE
) -> AsyncGenerator[tuple[RestClient, Script]]:
    script = Script(list(steps))
    transport = httpx2.MockTransport(script)
    async with httpx2.AsyncClient(transport=transport) as client:
        with anyio.fail_after(60):
            yield RestClient(client, service, script.timing()), script


def assert_nothing_leads_to(secret: str, error: BaseException | None) -> None:
    """Assert that no text of the error or its causes contains the secret."""
    pending: list[BaseException | None] = [error]
    while pending:
        error = pending.pop()
        if error is not None:
            assert secret not in f"{error} {error!r} {error.args}"
            pending += [error.__cause__, error.__context__]


def json_of(request: httpx2.Request) -> Any:
    return json.loads(request.content)
