from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from evals_mcp.local_engine.in_process import InProcessTransport


class Service:
    """An app that counts what it has sent."""

    def __init__(self) -> None:
        self.sent = 0
        self.ended = anyio.Event()
        self.entered = anyio.Event()
        self.app = Starlette(
            routes=[
                Route("/echo", self._echo, methods=["POST"]),
                Mount("/endless", self._endless),
                Mount("/silent", self._silent),
                Route("/torn", self._torn),
                Route("/broken", self._broken),
            ]
        )

    async def _echo(self, request: Request) -> Response:
        body = await request.body()
        return PlainTextResponse(f"{request.url.query} {body.decode()}", status_code=201)

    async def _endless(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        try:
            while True:
                self.sent += 1
                await send({"type": "http.response.body", "body": b"x" * 1000, "more_body": True})
        finally:
            self.ended.set()

    async def _silent(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.entered.set()
        try:
            await anyio.sleep_forever()
        finally:
            self.ended.set()

    async def _torn(self, _: Request) -> Response:
        async def chunks() -> AsyncGenerator[bytes]:
            yield b"half"
            raise ValueError("bug")

        return StreamingResponse(chunks())

    async def _broken(self, _: Request) -> Response:
        raise ValueError("bug")


@asynccontextmanager
async def client_of(service: Service) -> AsyncGenerator[httpx2.AsyncClient]:
    with anyio.fail_after(60):
        transport = InProcessTransport(service.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://engine") as client:
            yield client


async def test_a_request_arrives_whole_and_its_answer_comes_back() -> None:
    async with client_of(Service()) as client:
        answer = await client.post("/echo?a=1", content=b"hello")

    assert (answer.status_code, answer.text) == (201, "a=1 hello")


async def test_an_answer_streams_and_ends_when_it_is_closed() -> None:
    service = Service()
    async with client_of(service) as client:
        async with client.stream("GET", "/endless/") as answer:
            chunks = answer.aiter_raw()
            assert len(await anext(chunks)) == 1000
        await service.ended.wait()

    assert service.sent < 5


async def test_an_app_that_fails_has_answered_with_its_status() -> None:
    async with client_of(Service()) as client:
        answer = await client.get("/broken")

    assert answer.status_code == 500


async def test_an_answer_that_breaks_off_is_an_error() -> None:
    async with client_of(Service()) as client:
        with pytest.raises(httpx2.ReadError):
            await client.get("/torn")


async def test_a_caller_that_gives_up_ends_the_request() -> None:
    service = Service()
    async with client_of(service) as client:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(client.get, "/silent/")
            await service.entered.wait()
            tasks.cancel_scope.cancel()
        await service.ended.wait()


async def test_leaving_the_transport_ends_what_is_running() -> None:
    service = Service()
    async with client_of(service) as client:
        request = client.build_request("GET", "/endless/")
        answer = await client.send(request, stream=True)
        assert answer.status_code == 200
    assert service.sent < 5
    await answer.aclose()
