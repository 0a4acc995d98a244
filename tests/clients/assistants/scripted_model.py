"""The model of an assistant: an HTTP server whose replies the story decides."""

from __future__ import annotations

import json
from typing import Any, Self

import anyio
from aiohttp import web
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from tests.clients.assistants.model_apis import MODEL_APIS, ModelApi, Offered, Reply
from tests.clients.story import Tool, UnreadableError

LONGEST_STEP = 90
"""Seconds that an assistant may take for its start, or for one call."""
NEVER_USED = "upload_dataset"
"""The tool by whose name the server's tools are recognised."""
WAIT_TOOL = "WaitForMcpServers"
"""The tool with which an assistant waits for its servers."""

Turn = tuple[list[Offered], str]


class ScriptedModel:
    """Serves the APIs of models on loopback; the story is the other side."""

    def __init__(self) -> None:
        self.base_url = ""
        self._turns: tuple[MemoryObjectSendStream[Turn], MemoryObjectReceiveStream[Turn]]
        self._turns = anyio.create_memory_object_stream[Turn](8)
        self._replies = anyio.create_memory_object_stream[tuple[str, dict[str, Any]] | None](8)
        self._number = 0
        self._offered: list[Offered] = []

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.base_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        with anyio.CancelScope(shield=True):
            await self._runner.cleanup()
        for stream in (*self._turns, *self._replies):
            stream.close()

    async def tools(self) -> list[Tool]:
        """Return the server's tools under the names that the server gave them."""
        self._offered, _ = await self._next_turn()
        return [
            Tool(self._own_name(each.tool.name), each.tool.description, each.tool.parameters)
            for each in self._offered
        ]

    async def call(self, tool: str, arguments: dict[str, Any]) -> str:
        """Let the model call a tool; return what it sees of the answer."""
        await self._replies[0].send((tool, arguments))
        _, seen = await self._next_turn()
        return seen

    async def finish(self) -> None:
        """Let the model say that it is done."""
        await self._replies[0].send(None)

    async def _next_turn(self) -> Turn:
        try:
            with anyio.fail_after(LONGEST_STEP):
                return await self._turns[1].receive()
        except TimeoutError:
            raise UnreadableError(f"the assistant sent nothing within {LONGEST_STEP} s") from None

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        api = next((each for each in MODEL_APIS if each.path in request.path), None)
        if request.method != "POST" or api is None:
            return web.json_response({})
        body = json.loads(await request.read())
        offered = api.offered(body)
        ours = [each for each in offered if _is_of_this_server(each, offered)]
        self._number += 1
        reply = Reply(self._number)
        wait = next((each for each in offered if each.tool.name == WAIT_TOOL), None)
        if ours:
            try:
                await self._turns[0].send((ours, api.seen(body)))
                chosen = await self._replies[1].receive()
            except (anyio.ClosedResourceError, anyio.EndOfStream):
                chosen = None  # the story has ended
            if chosen:
                name, arguments = chosen
                called = next(each for each in ours if each.tool.name.endswith(name))
                reply = Reply(self._number, called, arguments)
        elif wait:
            reply = Reply(self._number, wait, {})
        return await _stream(request, api, reply)

    def _own_name(self, name: str) -> str:
        marker = next(e.tool.name for e in self._offered if e.tool.name.endswith(NEVER_USED))
        return name.removeprefix(marker.removesuffix(NEVER_USED))


def _is_of_this_server(tool: Offered, offered: list[Offered]) -> bool:
    """Return whether a tool has the namespace or prefix of `upload_dataset`."""
    marker = next((each for each in offered if each.tool.name.endswith(NEVER_USED)), None)
    if marker is None or tool.namespace != marker.namespace:
        return False
    return tool.tool.name.startswith(marker.tool.name.removesuffix(NEVER_USED))


async def _stream(request: web.Request, api: ModelApi, reply: Reply) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for name, data in api.events(reply):
        typed = {"type": name, **data} if name else data
        text = typed if isinstance(typed, str) else json.dumps(typed)
        event = f"event: {name}\n" if name else ""
        await response.write(f"{event}data: {text}\n\n".encode())
    await response.write_eof()
    return response
