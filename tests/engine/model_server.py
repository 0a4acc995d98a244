"""A scripted OpenAI-compatible endpoint on real loopback.

async with ModelServer(lambda request: verdict(feedback="", label="good")) as server:
    ModelEndpoint(server.base_url)
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import anyio
from aiohttp import web

USAGE = {"prompt_tokens": 40, "completion_tokens": 20, "total_tokens": 60}


@dataclass(frozen=True)
class ChatRequest:
    """One request as it arrived."""

    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: dict[str, Any]

    @property
    def system(self) -> str:
        return next((m["content"] for m in self.body["messages"] if m["role"] == "system"), "")

    @property
    def user(self) -> Any:
        return next(m["content"] for m in self.body["messages"] if m["role"] == "user")


@dataclass(frozen=True)
class Reply:
    """What the endpoint answers. `delay` seconds pass first; a dropped reply closes the socket."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    delay: float = 0.0
    dropped: bool = False


def completion(
    text: str | None,
    *,
    finish_reason: str = "stop",
    delay: float = 0.0,
    usage: Mapping[str, int] | None = USAGE,
    **message: Any,
) -> Reply:
    """A completion; further keywords become fields of the message."""
    said = {"role": "assistant", "content": text} | message
    choice = {"index": 0, "finish_reason": finish_reason, "message": said}
    body: dict[str, Any] = {"id": "chatcmpl-1", "object": "chat.completion", "choices": [choice]}
    if usage is not None:
        body["usage"] = dict(usage)
    return as_json(body, delay=delay)


def verdict(delay: float = 0.0, **fields: Any) -> Reply:
    """A completion whose text is the fields as JSON."""
    return completion(json.dumps(fields), delay=delay)


def failure(status: int, message: str = "scripted", **headers: str) -> Reply:
    """An error body; keywords become headers, `_` written as `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    error = {"message": message, "type": "scripted", "param": None, "code": None}
    return as_json({"error": error}, status=status, headers=named)


def as_json(
    body: Any,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    delay: float = 0.0,
) -> Reply:
    """Any JSON body."""
    given = {"Content-Type": "application/json"} | dict(headers or {})
    return Reply(status, json.dumps(body).encode(), given, delay)


def _in_order(replies: Iterable[Reply]) -> Callable[[ChatRequest], Reply]:
    queue = iter(replies)

    def answer(_: ChatRequest) -> Reply:
        return next(queue, failure(500, "the script has ended"))

    return answer


class ModelServer:
    """Answers `POST /v1/chat/completions` by a function, or from a list and then 500.

    `requests` holds what arrived, in order; `most_in_flight` how many overlapped at most.
    """

    def __init__(
        self,
        answers: Callable[[ChatRequest], Reply] | Iterable[Reply],
        models: Iterable[str | dict[str, Any]] = ("scripted",),
    ) -> None:
        self._answer = answers if callable(answers) else _in_order(answers)
        self._models = tuple(models)
        self.requests: list[ChatRequest] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self.base_url = ""

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [request.body for request in self.requests]

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_get("/v1/models", self._list_models)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.base_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        with anyio.CancelScope(shield=True):
            await self._runner.cleanup()

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        seen = ChatRequest(request.path, headers, json.loads(await request.read()))
        self.requests.append(seen)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            reply = self._answer(seen)
            await anyio.sleep(reply.delay)
        finally:
            self.in_flight -= 1
        if reply.dropped and request.transport is not None:
            request.transport.close()
        return web.Response(status=reply.status, body=reply.body, headers=dict(reply.headers))

    async def _list_models(self, request: web.Request) -> web.StreamResponse:
        listed = [
            {"id": one, "object": "model"} if isinstance(one, str) else one for one in self._models
        ]
        return web.json_response({"object": "list", "data": listed})
