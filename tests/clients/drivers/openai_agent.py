"""An agent of the OpenAI Agents SDK whose model is the pipe."""

import asyncio
import json
from itertools import count

from agents import Agent, Runner, Usage, set_tracing_disabled
from agents.items import ModelResponse
from agents.mcp import MCPServerStdio, MCPServerStreamableHttp
from agents.models.interface import Model
from model_pipe import TARGET, next_call, offer, show
from openai.types.responses import (
    ResponseFunctionToolCall,
    ResponseOutputMessage,
    ResponseOutputText,
)

LONGEST_CALL = 60
"""Seconds for one call. A session gives up after 5 by itself, too early on a busy machine."""


class PipeModel(Model):
    """A model that answers with the next tool call."""

    def __init__(self):
        self.ids = count(1)

    async def get_response(self, **request):
        items = request["input"]
        if isinstance(items, str) or len(items) == 1:
            offer(
                (tool.name, tool.description, tool.params_json_schema) for tool in request["tools"]
            )
        else:
            show(as_seen(items[-1]["output"]))
        call = await next_call()
        return ModelResponse([tool_call(self.ids, *call) if call else DONE], Usage(), None)

    def stream_response(self, **_):
        raise NotImplementedError("no step of the story streams")


def as_seen(output):
    """Return the text of a function's output, which is a text or a list of parts."""
    if isinstance(output, str):
        return output
    return "\n".join(part["text"] for part in output)


def tool_call(ids, name, arguments):
    """Return a function call in the form of the Responses API."""
    return ResponseFunctionToolCall(
        type="function_call", call_id=f"{next(ids)}", name=name, arguments=json.dumps(arguments)
    )


DONE = ResponseOutputMessage(
    id="done",
    type="message",
    role="assistant",
    status="completed",
    content=[ResponseOutputText(type="output_text", text="Done.", annotations=[])],
)


async def main():
    set_tracing_disabled(True)
    server_type = MCPServerStreamableHttp if "url" in TARGET else MCPServerStdio
    async with server_type(TARGET, client_session_timeout_seconds=LONGEST_CALL) as server:
        agent = Agent("evaluator", model=PipeModel(), mcp_servers=[server])
        await Runner.run(agent, "How good are our answers?", max_turns=30)


asyncio.run(main())
