"""Four APIs of models, as far as a script needs them: what is offered, what is seen, one reply."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from tests.clients.story import Tool

Body = Mapping[str, Any]
DONE = "Done."


@dataclass(frozen=True)
class Offered:
    """A tool as the model is offered it, and how it is called."""

    tool: Tool
    namespace: str | None = None


@dataclass(frozen=True)
class Reply:
    """What the model says next: a call, or that it is done."""

    number: int
    call: Offered | None = None
    arguments: Mapping[str, Any] | None = None

    @property
    def arguments_text(self) -> str:
        return json.dumps(self.arguments or {})


@dataclass(frozen=True)
class ModelApi:
    """One API."""

    path: str
    """What a request's path contains."""
    offered: Callable[[Body], list[Offered]]
    seen: Callable[[Body], str]
    """Returns what the model sees of the last call's result."""
    events: Callable[[Reply], Iterator[tuple[str | None, Any]]]
    """Yields the events of a stream: a name or None, and data."""


def _text(content: Any) -> str:
    """Return the text in a content of any form."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(_text(part) for part in cast("list[Any]", content))
    if isinstance(content, dict):
        fields = cast("dict[str, Any]", content)
        inner = fields.get("text", fields.get("output", fields.get("content")))
        return json.dumps(fields) if inner is None else _text(inner)
    return ""


def _messages_offered(body: Body) -> list[Offered]:
    return [
        Offered(Tool(tool["name"], tool.get("description", ""), tool.get("input_schema", {})))
        for tool in body.get("tools", [])
    ]


def _messages_seen(body: Body) -> str:
    content: Any = body["messages"][-1]["content"]
    parts = cast("list[dict[str, Any]]", content) if isinstance(content, list) else []
    return _text([part["content"] for part in parts if part.get("type") == "tool_result"])


def _messages_events(reply: Reply) -> Iterator[tuple[str | None, Any]]:
    usage = {"input_tokens": 1, "output_tokens": 1}
    message: dict[str, Any] = {
        "id": f"msg_{reply.number}",
        "type": "message",
        "role": "assistant",
        "content": [],
    }
    message |= {"model": "scripted", "stop_reason": None, "stop_sequence": None, "usage": usage}
    yield "message_start", {"message": message}
    use: dict[str, Any]
    if reply.call:
        name = reply.call.tool.name
        use = {"type": "tool_use", "id": f"toolu_{reply.number}", "name": name, "input": {}}
        delta = {"type": "input_json_delta", "partial_json": reply.arguments_text}
    else:
        use, delta = {"type": "text", "text": ""}, {"type": "text_delta", "text": DONE}
    yield "content_block_start", {"index": 0, "content_block": use}
    yield "content_block_delta", {"index": 0, "delta": delta}
    yield "content_block_stop", {"index": 0}
    stop = "tool_use" if reply.call else "end_turn"
    yield "message_delta", {"delta": {"stop_reason": stop, "stop_sequence": None}, "usage": usage}
    yield "message_stop", {}


def _responses_offered(body: Body) -> list[Offered]:
    offered: list[Offered] = []
    for tool in body.get("tools", []):
        if tool["type"] == "namespace":
            offered += [
                Offered(Tool(t["name"], t["description"], t["parameters"]), tool["name"])
                for t in tool["tools"]
            ]
        elif tool["type"] == "function":
            offered.append(Offered(Tool(tool["name"], tool["description"], tool["parameters"])))
    return offered


def _responses_seen(body: Body) -> str:
    last = body["input"][-1]
    return _text(last["output"]) if last["type"] == "function_call_output" else ""


def _responses_events(reply: Reply) -> Iterator[tuple[str | None, Any]]:
    response = {"id": f"resp_{reply.number}"}
    yield "response.created", {"response": response}
    if reply.call:
        call_id = f"call_{reply.number}"
        item: dict[str, Any] = {"type": "function_call", "id": f"fc_{reply.number}"}
        item |= {
            "call_id": call_id,
            "name": reply.call.tool.name,
            "arguments": reply.arguments_text,
        }
        if reply.call.namespace:
            item["namespace"] = reply.call.namespace
    else:
        content = [{"type": "output_text", "text": DONE}]
        item = {"type": "message", "id": "msg", "role": "assistant", "content": content}
    yield "response.output_item.done", {"output_index": 0, "item": item}
    usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
    yield "response.completed", {"response": {**response, "usage": usage}}


def _generate_offered(body: Body) -> list[Offered]:
    return [
        Offered(
            Tool(
                declared["name"],
                declared.get("description", ""),
                declared.get("parametersJsonSchema", declared.get("parameters", {})),
            )
        )
        for tool in body.get("tools", [])
        for declared in tool.get("functionDeclarations", [])
    ]


def _generate_seen(body: Body) -> str:
    parts = body["contents"][-1]["parts"]
    return _text([p["functionResponse"]["response"] for p in parts if "functionResponse" in p])


def _generate_events(reply: Reply) -> Iterator[tuple[str | None, Any]]:
    part: dict[str, Any] = {"text": DONE}
    if reply.call:
        name = reply.call.tool.name
        part = {"functionCall": {"id": f"c{reply.number}", "name": name, "args": reply.arguments}}
    candidate = {"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}
    usage = {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}
    yield None, {"candidates": [candidate], "usageMetadata": usage}


def _chat_offered(body: Body) -> list[Offered]:
    functions = [tool["function"] for tool in body.get("tools", [])]
    return [Offered(Tool(f["name"], f.get("description", ""), f["parameters"])) for f in functions]


def _chat_seen(body: Body) -> str:
    last = body["messages"][-1]
    return _text(last["content"]) if last["role"] == "tool" else ""


def _chat_events(reply: Reply) -> Iterator[tuple[str | None, Any]]:
    delta: dict[str, Any] = {"role": "assistant", "content": DONE}
    if reply.call:
        function = {"name": reply.call.tool.name, "arguments": reply.arguments_text}
        call = {"index": 0, "id": f"call_{reply.number}", "type": "function", "function": function}
        delta = {"role": "assistant", "tool_calls": [call]}
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "scripted"}
    yield None, {**chunk, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    reason = "tool_calls" if reply.call else "stop"
    yield None, {**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}
    yield None, "[DONE]"


MODEL_APIS = (
    ModelApi("/v1/messages", _messages_offered, _messages_seen, _messages_events),
    ModelApi("/v1/responses", _responses_offered, _responses_seen, _responses_events),
    ModelApi(":streamGenerateContent", _generate_offered, _generate_seen, _generate_events),
    ModelApi("/v1/chat/completions", _chat_offered, _chat_seen, _chat_events),
)
