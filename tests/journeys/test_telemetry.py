"""Traces and metrics reach a configured exporter and hold no arguments or answers."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest
from mcp import Client
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.journeys.conversation import Conversation
from tests.journeys.served_http import served_over_http
from tests.server.http.serving import listening

SECRET = "a-question-that-nobody-else-reads"


class Collector:
    """A collector for OTLP over HTTP."""

    def __init__(self) -> None:
        self.received: dict[str, bytes] = {}
        self.app = Starlette(
            routes=[Route(f"/v1/{kind}", self._take, methods=["POST"]) for kind in self.kinds]
        )

    kinds = ("traces", "metrics")

    async def _take(self, request: Request) -> Response:
        kind = request.url.path.rpartition("/")[2]
        self.received[kind] = self.received.get(kind, b"") + await request.body()
        return Response(b"", media_type="application/x-protobuf")


async def test_calls_are_traced_and_counted_by_tool_and_outcome(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector = Collector()
    async with listening(collector.app, seconds=60) as url:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        async with served_over_http(tmp_path, SERVER__PROVIDER="local") as served:
            async with Client(served.url) as client:
                talk = Conversation(client)
                await talk.answer("upload_dataset", rows=[{"question": SECRET}])
                await talk.refusal("get_status", evaluation_id="eval-no-such")
            served.process.terminate()
            assert await anyio.to_thread.run_sync(served.process.wait, 30) == 0

    assert set(collector.received) == {"traces", "metrics"}
    assert b"tools/call upload_dataset" in collector.received["traces"]
    for word in (b"evals_mcp.tool.duration", b"upload_dataset", b"NotFoundError", b"ok"):
        assert word in collector.received["metrics"]
    everything = b"".join(collector.received.values())
    assert SECRET.encode() not in everything
    assert b"eval-no-such" not in everything


async def test_without_an_endpoint_nothing_is_exported_and_nothing_said(tmp_path: Path) -> None:
    async with served_over_http(tmp_path, SERVER__PROVIDER="local") as served:
        async with Client(served.url) as client:
            await Conversation(client).answer("list_models")
        served.process.terminate()
        await anyio.to_thread.run_sync(served.process.wait, 30)
        assert "OpenTelemetry" not in served.logged()
