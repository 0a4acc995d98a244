"""langchain-mcp-adapters; a model sees the content of the ToolMessage, never its artifact."""

import asyncio

from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools
from model_pipe import TARGET, next_call, offer, show


async def main():
    transport = "streamable_http" if "url" in TARGET else "stdio"
    client = MultiServerMCPClient({"evals": {"transport": transport, **TARGET}})
    async with client.session("evals") as session:
        tools = {tool.name: tool for tool in await load_mcp_tools(session)}
        offer((name, tool.description, tool.tool_call_schema) for name, tool in tools.items())
        while call := await next_call():
            name, arguments = call
            request = {"type": "tool_call", "id": "1", "name": name, "args": arguments}
            show((await tools[name].ainvoke(request)).text)


asyncio.run(main())
