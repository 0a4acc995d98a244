"""Fixture tools that answer at once, with every kind of content."""

from __future__ import annotations

from mcp.shared.exceptions import MCPError
from mcp_types import (
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    AudioContent,
    CallToolRequestParams,
    CallToolResult,
    ContentBlock,
    EmbeddedResource,
    ImageContent,
    TextContent,
    TextResourceContents,
)

from evals_mcp.tools.calls.request_context import Context
from tests.conformance.fixture import PNG, WAV, Called, FixtureTool, text

SCHEMA_2020_12 = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}
"""A schema with every keyword that the suite checks for loss."""


def _answering(name: str, *content: ContentBlock) -> FixtureTool:
    async def call(_: Context, __: CallToolRequestParams) -> Called:
        return CallToolResult(content=list(content))

    return FixtureTool(name, call)


async def _fail(_: Context, __: CallToolRequestParams) -> Called:
    return CallToolResult(content=[TextContent(text="failed, as it should")], is_error=True)


async def _need_sampling(context: Context, _: CallToolRequestParams) -> Called:
    declared = context.session.client_capabilities
    if declared is None or declared.sampling is None:
        raise MCPError(
            MISSING_REQUIRED_CLIENT_CAPABILITY,
            "The client has to support sampling.",
            {"requiredCapabilities": {"sampling": {}}},
        )
    return text("sampling is there")


async def _echo(_: Context, params: CallToolRequestParams) -> Called:
    return text(str(params.arguments))


def _embedded(uri: str) -> EmbeddedResource:
    contents = TextResourceContents(uri=uri, mime_type="text/plain", text="inside")
    return EmbeddedResource(resource=contents)


CONTENT_TOOLS = (
    _answering("test_simple_text", TextContent(text="a text")),
    _answering("test_image_content", ImageContent(data=PNG, mime_type="image/png")),
    _answering("test_audio_content", AudioContent(data=WAV, mime_type="audio/wav")),
    _answering("test_embedded_resource", _embedded("test://embedded-resource")),
    _answering(
        "test_multiple_content_types",
        TextContent(text="a text, an image and a resource"),
        ImageContent(data=PNG, mime_type="image/png"),
        _embedded("test://mixed-content-resource"),
    ),
    FixtureTool("test_error_handling", _fail),
    FixtureTool("test_missing_capability", _need_sampling),
    FixtureTool("json_schema_2020_12_tool", _echo, schema=SCHEMA_2020_12),
    FixtureTool(
        "test_custom_header", _echo, {"region": {"type": "string", "x-mcp-header": "Region"}}
    ),
)
