"""fastmcp's Client; a host shows one part of an answer, and the text of an error."""

import asyncio

from fastmcp import Client
from fastmcp.client.transports import StdioTransport, StreamableHttpTransport
from model_pipe import TARGET, VIEW, next_call, offer, show, text_of


async def main():
    is_url = "url" in TARGET
    transport = StreamableHttpTransport(**TARGET) if is_url else StdioTransport(**TARGET)
    async with Client(transport) as client:
        tools = await client.list_tools()
        offer((tool.name, tool.description, tool.input_schema) for tool in tools)
        while call := await next_call():
            result = await client.call_tool(*call, raise_on_error=False)
            structured = VIEW == "structured" and result.structured_content
            show(structured or text_of(result.content))


asyncio.run(main())
