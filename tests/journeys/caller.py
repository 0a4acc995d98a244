"""A client that sends each tool call as one bare request, and sees the whole answer."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import anyio
import httpx2

_ACCEPT = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}


@dataclass(frozen=True)
class Answer:
    """One answer as it came over the wire."""

    status: int
    headers: dict[str, str]
    """Names in lower case."""
    text: str

    @property
    def result(self) -> dict[str, Any]:
        """The tool's result."""
        assert self.status == 200, (self.status, self.text)
        (line,) = [one for one in self.text.splitlines() if one.startswith("data: {")]
        found = json.loads(line.removeprefix("data: "))
        assert "result" in found, self.text
        return found["result"]

    @property
    def is_error(self) -> bool:
        return self.result.get("isError", False)

    @property
    def content(self) -> dict[str, Any]:
        """The structured content of a success."""
        assert not self.is_error, self.text
        return self.result["structuredContent"]

    @property
    def refusal(self) -> str:
        """The text of an error."""
        assert self.is_error, self.text
        return self.result["content"][0]["text"]


@dataclass
class Caller:
    """One user of a server over HTTP."""

    http: httpx2.AsyncClient
    headers: dict[str, str] = field(default_factory=dict[str, str])
    heard: list[Answer] = field(default_factory=list[Answer])
    """Every answer so far."""

    async def post(self, body: Any) -> Answer:
        """Send a body, or a value as JSON, within a minute."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        with anyio.fail_after(60):
            sent = _ACCEPT | {"X-Request-Id": "same"} | self.headers
            got = await self.http.post("/mcp", content=content, headers=sent)
        headers = {name.lower(): value for name, value in got.headers.items()}
        answer = Answer(got.status_code, headers, got.text)
        self.heard.append(answer)
        return answer

    async def call(self, tool: str, **arguments: Any) -> Answer:
        return await self.post(tool_call(tool, **arguments))

    async def answer(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The structured content of a success."""
        return (await self.call(tool, **arguments)).content

    async def refusal(self, tool: str, **arguments: Any) -> str:
        """The text of an error."""
        return (await self.call(tool, **arguments)).refusal

    async def started(self, **request: Any) -> str:
        """The id of an evaluation that was started, with a code where one is wanted."""
        made = await self.answer("create_evaluation", **request)
        if made["outcome"] == "confirm":
            made = await self.answer("create_evaluation", **request, confirm=made["confirm"])
        assert made["outcome"] == "started", made
        return made["evaluation_id"]

    async def finished(self, **request: Any) -> str:
        """The id of an evaluation that has run to its end."""
        evaluation_id = await self.started(**request)
        await self.ended(evaluation_id)
        return evaluation_id

    async def ended(self, evaluation_id: str) -> None:
        """Wait for an evaluation's completion."""
        status = await self.answer("get_status", evaluation_id=evaluation_id, wait_seconds=45)
        assert status["status"] == "completed", status


def tool_call(tool: str, **arguments: Any) -> dict[str, Any]:
    """The message that calls a tool."""
    params = {"name": tool, "arguments": arguments}
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
