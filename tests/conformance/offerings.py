"""Fixture resources, prompts and completions, which the product itself does not offer."""

from __future__ import annotations

import re

from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    BlobResourceContents,
    CompleteRequestParams,
    CompleteResult,
    Completion,
    ContentBlock,
    EmbeddedResource,
    EmptyResult,
    GetPromptRequestParams,
    GetPromptResult,
    ImageContent,
    InputRequiredResult,
    ListPromptsResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    PaginatedRequestParams,
    Prompt,
    PromptArgument,
    PromptMessage,
    ReadResourceRequestParams,
    ReadResourceResult,
    RequestParams,
    Resource,
    ResourceTemplate,
    TextContent,
    TextResourceContents,
)

from evals_mcp.tools.calls.request_context import Context
from tests.conformance.asking_tools import form, missing
from tests.conformance.fixture import PNG

TEXT, BINARY = "test://static-text", "test://static-binary"
_OF_TEMPLATE = re.compile(r"test://template/(?P<id>[^/]+)/data")

PROMPTS = {
    "test_simple_prompt": (),
    "test_prompt_with_arguments": ("arg1", "arg2"),
    "test_prompt_with_embedded_resource": ("resourceUri",),
    "test_prompt_with_image": (),
    "test_input_required_result_prompt": (),
}
"""The arguments of each prompt."""


async def list_resources(_: Context, __: PaginatedRequestParams) -> ListResourcesResult:
    found = [
        Resource(uri=TEXT, name="text", mime_type="text/plain"),
        Resource(uri=BINARY, name="binary", mime_type="image/png"),
    ]
    return ListResourcesResult(resources=found)


async def list_templates(_: Context, __: PaginatedRequestParams) -> ListResourceTemplatesResult:
    template = ResourceTemplate(uri_template="test://template/{id}/data", name="by id")
    return ListResourceTemplatesResult(resource_templates=[template])


async def read_resource(_: Context, params: ReadResourceRequestParams) -> ReadResourceResult:
    uri = str(params.uri)
    if uri == BINARY:
        pixel = BlobResourceContents(uri=uri, mime_type="image/png", blob=PNG)
        return ReadResourceResult(contents=[pixel])
    if uri == TEXT:
        return _read(uri, "a static text")
    if match := _OF_TEMPLATE.fullmatch(uri):
        return _read(uri, f"the data of {match['id']}")
    raise MCPError(INVALID_PARAMS, "There is no such resource.", {"uri": uri})


def _read(uri: str, text: str) -> ReadResourceResult:
    contents = TextResourceContents(uri=uri, mime_type="text/plain", text=text)
    return ReadResourceResult(contents=[contents])


async def accept(_: Context, __: RequestParams) -> EmptyResult:
    """Accept a subscription or a log level; the suite checks no more than that."""
    return EmptyResult()


async def list_prompts(_: Context, __: PaginatedRequestParams) -> ListPromptsResult:
    prompts = [
        Prompt(
            name=name,
            description=name.replace("_", " "),
            arguments=[PromptArgument(name=argument, required=True) for argument in arguments],
        )
        for name, arguments in PROMPTS.items()
    ]
    return ListPromptsResult(prompts=prompts)


async def get_prompt(
    _: Context, params: GetPromptRequestParams
) -> GetPromptResult | InputRequiredResult:
    arguments = params.arguments or {}
    if params.name == "test_input_required_result_prompt":
        questions = {"user_context": form("In which context?", "context")}
        return missing(params, questions) or _prompt(TextContent(text=str(params.input_responses)))
    if params.name == "test_prompt_with_image":
        return _prompt(ImageContent(data=PNG, mime_type="image/png"), TextContent(text="See it?"))
    if params.name == "test_prompt_with_embedded_resource":
        inside = TextResourceContents(
            uri=arguments["resourceUri"], mime_type="text/plain", text="inside"
        )
        return _prompt(EmbeddedResource(resource=inside))
    if params.name in PROMPTS:
        return _prompt(TextContent(text=f"a prompt with {arguments}"))
    raise MCPError(INVALID_PARAMS, "There is no such prompt.")


def _prompt(*contents: ContentBlock) -> GetPromptResult:
    messages = [PromptMessage(role="user", content=content) for content in contents]
    return GetPromptResult(messages=messages)


async def complete(_: Context, __: CompleteRequestParams) -> CompleteResult:
    return CompleteResult(completion=Completion(values=["paris", "park"], has_more=False))
