from __future__ import annotations

import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import anyio
import httpx2
import pytest
import uvicorn
from anyio.abc import SocketStream
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from evals_mcp.listener import HeaderDeadline, Listener
from tests.server.http.serving import listening

HALF = b"GET / HTTP/1.1\r\nHost: here\r\n"
POST = b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 100000000\r\n\r\n"
WHOLE = HALF + b"\r\n"


async def _answer(_: Request) -> Response:
    return PlainTextResponse("done")


async def _slow_answer(_: Request) -> Response:
    await anyio.sleep(3 * HeaderDeadline.header_seconds)
    return PlainTextResponse("done")


APP = Starlette(routes=[Route("/", _answer, methods=["GET", "POST"]), Route("/slow", _slow_answer)])


@pytest.fixture(autouse=True)
def short_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HeaderDeadline, "header_seconds", 0.2)


@asynccontextmanager
async def connected(url: str) -> AsyncGenerator[SocketStream]:
    address = urlsplit(url)
    async with await anyio.connect_tcp(address.hostname or "", address.port or 0) as stream:
        yield stream


async def assert_closed(stream: SocketStream) -> bytes:
    """Read until the server closes the connection; return what came before."""
    received = b""
    with anyio.fail_after(60):
        while True:
            try:
                received += await stream.receive()
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                return received


async def drip(stream: SocketStream, start: bytes, drop: bytes) -> None:
    """Send the start, then one drop after the other until the connection is closed."""
    await stream.send(start)
    while True:
        try:
            await stream.send(drop)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            return
        await anyio.sleep(0.02)


@pytest.mark.parametrize("sent", [b"", b"G", HALF], ids=["nothing", "a letter", "half"])
async def test_a_request_whose_headers_do_not_arrive_loses_its_socket(sent: bytes) -> None:
    async with listening(APP, http=HeaderDeadline) as url, connected(url) as stream:
        if sent:
            await stream.send(sent)
        assert await assert_closed(stream) == b""


async def test_headers_that_drip_do_not_prolong_the_deadline() -> None:
    async with (
        listening(APP, http=HeaderDeadline) as url,
        connected(url) as stream,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(drip, stream, HALF, b"X-Drip: 1\r\n")
        await assert_closed(stream)
        tasks.cancel_scope.cancel()


async def test_the_second_request_of_a_connection_has_a_deadline_too() -> None:
    async with listening(APP, http=HeaderDeadline) as url, connected(url) as stream:
        await stream.send(WHOLE + HALF)
        assert (await assert_closed(stream)).count(b"200 OK") == 1


async def test_a_body_that_drips_after_its_answer_holds_no_socket() -> None:
    async with (
        listening(APP, http=HeaderDeadline) as url,
        connected(url) as stream,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(drip, stream, POST, b"x")
        assert b"200 OK" in await assert_closed(stream)
        tasks.cancel_scope.cancel()


async def test_an_answer_may_take_longer_than_the_headers() -> None:
    async with (
        listening(APP, http=HeaderDeadline) as url,
        httpx2.AsyncClient(base_url=url, trust_env=False, timeout=60) as client,
    ):
        assert (await client.get("/slow")).text == "done"
        assert (await client.get("/")).text == "done"


async def test_half_requests_leave_room_for_whole_ones() -> None:
    async with listening(APP, http=HeaderDeadline) as url:
        address = urlsplit(url)
        held = [socket.create_connection((address.hostname, address.port)) for _ in range(50)]
        try:
            for each in held:
                each.sendall(HALF)
            async with httpx2.AsyncClient(base_url=url, trust_env=False, timeout=60) as client:
                assert (await client.get("/")).text == "done"
            for each in held:
                each.settimeout(60)
                assert await anyio.to_thread.run_sync(_read_to_end, each) == b""
        finally:
            for each in held:
                each.close()


def _read_to_end(connection: socket.socket) -> bytes:
    try:
        return connection.recv(1024)
    except ConnectionResetError:
        return b""


def test_the_listener_uses_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    configured: list[object] = []

    def remember(server: uvicorn.Server, sockets: object = None) -> None:
        configured.append(server.config.http)

    monkeypatch.setattr(uvicorn.Server, "run", remember)
    Listener("127.0.0.1", 0).run(APP, lambda: None, 1)

    assert configured == [HeaderDeadline]
