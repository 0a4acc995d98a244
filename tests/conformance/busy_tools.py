"""Fixture tools that talk to the client while they run: progress, logs, questions, lost streams."""

from __future__ import annotations

from typing import Any

import anyio
from mcp.shared.message import ServerMessageMetadata
from mcp_types import (
    CallToolRequestParams,
    CreateMessageRequest,
    CreateMessageRequestParams,
    CreateMessageResult,
    SamplingMessage,
    TextContent,
)

from evals_mcp.tools.calls.request_context import Context
from tests.conformance.fixture import Called, FixtureTool, text

STEP = 0.02
"""Seconds between two notifications, so that the suite sees them arrive one by one."""

DEFAULTS = {
    "name": {"type": "string", "default": "John Doe"},
    "age": {"type": "integer", "default": 30},
    "score": {"type": "number", "default": 95.5},
    "status": {
        "type": "string",
        "enum": ["active", "inactive", "pending"],
        "default": "active",
    },
    "verified": {"type": "boolean", "default": True},
}
"""One field with a default for every type that a form supports."""

PLAIN = ["option1", "option2", "option3"]
TITLED = [{"const": f"value{number}", "title": f"Choice {number}"} for number in (1, 2, 3)]
CHOICES = {
    "untitledSingle": {"type": "string", "enum": PLAIN},
    "titledSingle": {"type": "string", "oneOf": TITLED},
    "legacyEnum": {
        "type": "string",
        "enum": ["opt1", "opt2", "opt3"],
        "enumNames": ["One", "Two", "Three"],
    },
    "untitledMulti": {"type": "array", "items": {"type": "string", "enum": PLAIN}},
    "titledMulti": {"type": "array", "items": {"anyOf": TITLED}},
}
"""One field for every way in which a form can offer a choice."""

PERSON = {"username": {"type": "string"}, "email": {"type": "string"}}


async def _progress(context: Context, _: CallToolRequestParams) -> Called:
    for done in (0, 50, 100):
        await context.session.report_progress(done, 100)
        await anyio.sleep(STEP)
    return text("done")


async def _log(context: Context, _: CallToolRequestParams) -> Called:
    for message in ("started", "working", "completed"):
        await context.session.send_log_message(  # pyright: ignore[reportDeprecated] - still asked of 2025-11-25
            "info", message, related_request_id=context.request_id
        )
        await anyio.sleep(STEP)
    return text("logged")


async def _sample(context: Context, params: CallToolRequestParams) -> Called:
    prompt = TextContent(text=str((params.arguments or {}).get("prompt")))
    message = SamplingMessage(role="user", content=prompt)
    answer = await context.session.send_request(
        CreateMessageRequest(params=CreateMessageRequestParams(messages=[message], max_tokens=100)),
        CreateMessageResult,
        metadata=ServerMessageMetadata(related_request_id=context.request_id),
    )
    return text(f"sampled: {answer.content}")


async def _ask(context: Context, message: str, properties: dict[str, Any]) -> Called:
    schema: dict[str, Any] = {"type": "object", "properties": properties, "required": []}
    answer = await context.session.elicit_form(message, schema, context.request_id)
    return text(f"{answer.action}: {answer.content}")


async def _ask_person(context: Context, params: CallToolRequestParams) -> Called:
    return await _ask(context, str((params.arguments or {}).get("message")), PERSON)


async def _ask_with_defaults(context: Context, _: CallToolRequestParams) -> Called:
    return await _ask(context, "What of these?", DEFAULTS)


async def _ask_choices(context: Context, _: CallToolRequestParams) -> Called:
    return await _ask(context, "Which of these?", CHOICES)


async def _lose_stream(context: Context, _: CallToolRequestParams) -> Called:
    if context.close_sse_stream is not None:
        await context.close_sse_stream()
        await anyio.sleep(STEP)
    return text("still there")


BUSY_TOOLS = (
    FixtureTool("test_tool_with_progress", _progress),
    FixtureTool("test_tool_with_logging", _log),
    FixtureTool("test_logging_tool", _log),
    FixtureTool("test_sampling", _sample, {"prompt": {"type": "string"}}),
    FixtureTool("test_elicitation", _ask_person, {"message": {"type": "string"}}),
    FixtureTool("test_elicitation_sep1034_defaults", _ask_with_defaults),
    FixtureTool("test_elicitation_sep1330_enums", _ask_choices),
    FixtureTool("test_reconnection", _lose_stream),
)
