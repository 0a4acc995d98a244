from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from urllib.parse import urlsplit

import anyio
import httpx2
import pytest
from anyio.abc import SocketStream
from mcp import Client

from evals_mcp.http.limits import Limits
from evals_mcp.http.modes.resource import Resource, metadata_route
from evals_schemas.evaluation_api.evaluations import EvaluationStatus, Progress
from evals_schemas.evaluation_api.models import Model
from tests.clocks import skip_time
from tests.server.fake_provider import FakeProvider, classify_job
from tests.server.http.serving import FRONT, PAGE, app_over, listening, reached
from tests.server.serving import MODES, FakeTime, Mode

MODERN = "2026-07-28"
ACCEPT = {"Accept": "application/json, text/event-stream"}
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


def running(done: int) -> EvaluationStatus:
    return EvaluationStatus(status="running", progress=Progress(done=done, total=72))


def watched() -> FakeProvider:
    """A provider whose one evaluation ends after two polls."""
    ended = classify_job()
    return FakeProvider(
        jobs=[ended.model_copy(update=dict(running(0)) | {"results": None})],
        statuses=[running(0), running(40), ended],
        ended=ended,
    )


async def posted(client: httpx2.AsyncClient, **headers: str) -> httpx2.Response:
    """A ping of a handshake-era client."""
    return await client.post("/mcp", json=PING, headers=ACCEPT | headers)


@pytest.mark.parametrize("mode", MODES)
async def test_a_client_of_either_era_lists_the_tools_and_hears_of_progress(mode: Mode) -> None:
    seen: list[tuple[float, float | None]] = []

    async def progressed(progress: float, total: float | None, message: str | None) -> None:
        seen.append((progress, total))

    async with (
        listening(app_over(watched(), clock=FakeTime().clock())) as url,
        Client(f"{url}/mcp", mode=mode) as client,
    ):
        names = {tool.name for tool in (await client.list_tools()).tools}
        result = await client.call_tool(
            "get_status",
            {"evaluation_id": "eval-1", "wait_seconds": 45},
            progress_callback=progressed,
        )

    assert {"create_evaluation", "get_status", "read_results"} <= names
    assert result.structured_content["status"] == "completed"
    assert seen[0] == (0, 72)
    assert seen[-1] == (72, 72)


async def test_a_request_stands_alone() -> None:
    async with reached(app_over()) as client:
        answer = await posted(client)

    assert answer.status_code == 200
    assert "mcp-session-id" not in answer.headers


async def test_without_sessions_there_is_nothing_to_wait_for_or_to_end() -> None:
    async with reached(app_over()) as client:
        for method in ("GET", "DELETE", "PUT"):
            answer = await client.request(method, "/mcp", headers=ACCEPT)
            assert answer.status_code == 405, method
            assert answer.headers["allow"] == "POST"


async def test_with_sessions_a_client_gets_one_and_may_end_it() -> None:
    hello = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "0"},
        },
    }
    async with reached(app_over(stateless=False)) as client:
        begun = await client.post("/mcp", json=hello, headers=ACCEPT)
        session = {"Mcp-Session-Id": begun.headers["mcp-session-id"]}
        ended = await client.delete("/mcp", headers=session)
        after = await posted(client, **session)

    assert [begun.status_code, ended.status_code, after.status_code] == [200, 200, 404]


async def test_health_is_told_to_everybody_and_readiness_may_end_first() -> None:
    ready = True
    async with reached(app_over(is_ready=lambda: ready)) as client:
        assert (await client.get("/healthz")).json() == {"alive": True}
        before = await client.get("/readyz")
        ready = False
        after = await client.get("/readyz")
        assert (await client.get("/healthz")).status_code == 200

    assert (before.status_code, before.json()) == (200, {"ready": True})
    assert (after.status_code, after.json()) == (503, {"ready": False})


# What a browser may do


@pytest.mark.parametrize("version", [{}, {"Mcp-Protocol-Version": MODERN}])
async def test_a_name_that_was_rebound_to_this_machine_is_not_answered(
    version: dict[str, str],
) -> None:
    async with reached(app_over()) as client:
        answer = await posted(client, Host="evil.example", **version)

    assert answer.status_code == 421
    assert "http.allowed_hosts" in answer.json()["error"]["message"]


@pytest.mark.parametrize("version", [{}, {"Mcp-Protocol-Version": MODERN}])
async def test_a_page_from_elsewhere_may_not_call(version: dict[str, str]) -> None:
    async with reached(app_over()) as client:
        answer = await posted(client, Origin="https://evil.example", **version)

    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers


async def test_an_allowed_page_may_call_and_read_what_it_needs() -> None:
    async with reached(app_over()) as client:
        asked = await client.options(
            "/mcp",
            headers={
                "Origin": PAGE,
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "content-type,mcp-method,x-together-api-key",
            },
        )
        answer = await posted(client, Origin=PAGE)

    assert asked.status_code == 200
    assert asked.headers["access-control-allow-origin"] == PAGE
    assert "x-together-api-key" in asked.headers["access-control-allow-headers"].lower()
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert "Retry-After" in answer.headers["access-control-expose-headers"]


async def test_another_page_is_refused_before_it_calls() -> None:
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    async with reached(app_over()) as client:
        asked = await client.options("/mcp", headers=headers)

    assert asked.status_code == 400
    assert "access-control-allow-origin" not in asked.headers


# Bodies


async def test_a_long_body_is_refused_whether_or_not_its_length_is_told() -> None:
    long = json.dumps(PING | {"params": {"x": "x" * 20_000}}).encode()
    headers = ACCEPT | {"Content-Type": "application/json"}

    async def in_pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(long), 4096):
            yield long[start : start + 4096]

    async with reached(app_over()) as client:
        told = await client.post("/mcp", content=long, headers=headers)
        untold = await client.post("/mcp", content=in_pieces(), headers=headers)

    assert (told.status_code, untold.status_code) == (413, 413)
    assert told.json() == untold.json()
    problem = told.json()["error"]["message"]
    assert "more than 10,000 bytes" in problem
    assert "upload_dataset" in problem
    assert "http.max_body_bytes" in problem


async def test_headers_that_no_client_sends_are_refused() -> None:
    async with reached(app_over()) as client:
        refused = await posted(client, **{"X-Long": "x" * 40_000})
        taken = await posted(client, **{"X-Long": "x" * 4_000})

    assert (refused.status_code, taken.status_code) == (431, 200)
    assert "32768 bytes" in refused.json()["error"]["message"]


async def test_what_the_server_is_to_oauth_clients_is_told_to_every_page() -> None:
    resource = Resource("https://evals.example/mcp", "https://login.example/")

    async with reached(app_over(routes=[metadata_route(resource)])) as client:
        told = await client.get("/.well-known/oauth-protected-resource/mcp")

    assert told.headers["access-control-allow-origin"] == "*"
    assert told.json() == {
        "resource": "https://evals.example/mcp",
        "authorization_servers": ["https://login.example/"],
        "scopes_supported": ["evals:read", "evals:write"],
        "bearer_methods_supported": ["header"],
        "resource_name": "evals-mcp",
    }
    assert resource.metadata_url == (
        "https://evals.example/.well-known/oauth-protected-resource/mcp"
    )


async def test_a_body_that_trickles_is_not_waited_for() -> None:
    hasty = replace(FRONT, body_seconds=0.05)
    async with listening(app_over(front=hasty)) as url, await _connected(url) as stream:
        await stream.send(
            b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:1\r\nContent-Type: application/json\r\n"
            b"Accept: application/json, text/event-stream\r\nContent-Length: 100\r\n\r\n{"
        )
        head = await stream.receive()

    assert head.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in head.lower()


async def test_a_body_in_time_is_followed_by_as_long_an_answer_as_it_takes() -> None:
    class Slow(FakeProvider):
        async def list_models(self) -> list[Model]:
            skip_time(1.5 * hasty.body_seconds)
            await anyio.sleep(0.01)
            return []

    hasty = replace(FRONT, body_seconds=30.0)
    call = PING | {"method": "tools/call", "params": {"name": "list_models"}}
    async with reached(app_over(Slow(), hasty)) as client:
        answer = await client.post("/mcp", json=call, headers=ACCEPT)

    assert answer.status_code == 200
    assert '"result"' in answer.text


async def _connected(url: str) -> SocketStream:
    address = urlsplit(url)
    return await anyio.connect_tcp(address.hostname or "", address.port or 0)


# Limits and logs


async def test_who_calls_too_often_is_told_when_to_come_back() -> None:
    limits = Limits(calls_per_minute=1, calls_at_once=5, total_at_once=5)
    async with reached(app_over(front=replace(FRONT, limits=limits))) as client:
        answers = [await posted(client) for _ in range(3)]
        health = await client.get("/healthz")

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
    message = answers[-1].json()["error"]["message"]
    assert "Too many calls" in message
    assert "http.calls_per_minute" in message
    assert health.status_code == 200


@pytest.mark.parametrize(
    ("limits", "status", "setting"),
    [
        (Limits(600, calls_at_once=1, total_at_once=9), 429, "http.calls_at_once"),
        (Limits(600, calls_at_once=9, total_at_once=1), 503, "http.total_at_once"),
    ],
)
async def test_a_call_beyond_the_room_there_is_is_answered_at_once(
    limits: Limits, status: int, setting: str
) -> None:
    async with (
        listening(app_over(front=replace(FRONT, limits=limits))) as url,
        await _connected(url) as stream,
    ):
        await stream.send(
            b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:1\r\nExpect: 100-continue\r\n"
            b"Content-Length: 100\r\n\r\n"
        )
        assert (await stream.receive()).startswith(b"HTTP/1.1 100 ")
        async with httpx2.AsyncClient(base_url=url, trust_env=False) as client:
            refused = await posted(client)

    assert refused.status_code == status
    assert setting in refused.json()["error"]["message"]
    assert int(refused.headers["retry-after"]) >= 1


async def test_every_answer_has_an_id_that_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "evals_mcp.access")
    async with reached(app_over()) as client:
        given = await posted(client, **{"X-Request-Id": "from-a-proxy.1"})
        made = await posted(client)
        unfit = await posted(client, **{"X-Request-Id": "a b"})

    assert given.headers["x-request-id"] == "from-a-proxy.1"
    assert len({answer.headers["x-request-id"] for answer in (given, made, unfit)}) == 3
    lines = [vars(record)["fields"] for record in caplog.records]
    assert [(line["method"], line["status"]) for line in lines] == [("POST", 200)] * 3
