"""A client that sends each tool call as one HTTP request and keeps the whole answer."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import anyio
import httpx2

_ACCEPT = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}


@dataclass(frozen=True)
class Answer:
    """One HTTP answer, unchanged."""

    status: int
    headers: dict[str, str]
    """Names in lower case."""
    text: str

    @property
    def result(self) -> dict[str, Any]:
        """The result of the tool call."""
        assert self.status == 200, (self.status, self.text)
        (line,) = [line for line in self.text.splitlines() if line.startswith("data: {")]
        message = json.loads(line.removeprefix("data: "))
        assert "result" in message, self.text
        return message["result"]

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
    answers: list[Answer] = field(default_factory=list[Answer])
    """Every answer so far."""

    async def post(self, body: Any) -> Answer:
        """Send bytes, or any other value as JSON; fail if no answer comes within five minutes."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        with anyio.fail_after(300):
            sent = _ACCEPT | {"X-Request-Id": "same"} | self.headers
            response = await self.http.post("/mcp", content=content, headers=sent)
        headers = {name.lower(): value for name, value in response.headers.items()}
        answer = Answer(response.status_code, headers, response.text)
        self.answers.append(answer)
        return answer

    async def call(self, tool: str, **arguments: Any) -> Answer:
        return await self.post(tool_call(tool, **arguments))

    async def answer(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool that must succeed and return the structured content."""
        return (await self.call(tool, **arguments)).content

    async def refusal(self, tool: str, **arguments: Any) -> str:
        """Call a tool that must fail and return the text of the error."""
        return (await self.call(tool, **arguments)).refusal

    async def started(self, **request: Any) -> str:
        """Start an evaluation, with a confirmation code if required, and return its id."""
        created = await self.answer("create_evaluation", **request)
        if created["outcome"] == "confirm":
            code = created["confirm"]
            created = await self.answer("create_evaluation", **request, confirm=code)
        assert created["outcome"] == "started", created
        return created["evaluation_id"]

    async def finished(self, **request: Any) -> str:
        """Start an evaluation, wait for its end, and return its id."""
        evaluation_id = await self.started(**request)
        await self.ended(evaluation_id)
        return evaluation_id

    async def ended(self, evaluation_id: str) -> None:
        """Wait until an evaluation is completed."""
        status = await self.answer("get_status", evaluation_id=evaluation_id, wait_seconds=45)
        assert status["status"] == "completed", status


def tool_call(tool: str, **arguments: Any) -> dict[str, Any]:
    """Return the JSON-RPC message that calls a tool."""
    params = {"name": tool, "arguments": arguments}
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
