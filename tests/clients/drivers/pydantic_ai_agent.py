"""A pydantic-ai agent whose model is the pipe."""

import asyncio

from fastmcp.client.transports import StdioTransport
from model_pipe import TARGET, next_call, offer, show
from pydantic_ai import Agent
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.messages import ModelResponse, RetryPromptPart, TextPart, ToolCallPart
from pydantic_ai.models.function import FunctionModel


async def model(messages, info):
    """Return the model's answer: the next tool call."""
    if len(messages) == 1:
        tools = info.function_tools
        offer((tool.name, tool.description, tool.parameters_json_schema) for tool in tools)
    else:
        show("\n".join(map(as_seen, messages[-1].parts)))
    call = await next_call()
    return ModelResponse([ToolCallPart(*call) if call else TextPart("Done.")])


def as_seen(part):
    """Return the text that a vendor's API is sent for a part."""
    retry = isinstance(part, RetryPromptPart)
    return part.model_response() if retry else part.model_response_str()


async def main():
    server = TARGET["url"] if "url" in TARGET else StdioTransport(**TARGET)
    agent = Agent(FunctionModel(model), toolsets=[MCPToolset(server)])
    async with agent:
        await agent.run("How good are our answers?")


asyncio.run(main())
