"""The page in a conversation: as a resource of MCP Apps, with a tool that only the page calls.

The names are here, without any import, for the answers that do not wait for the SDK.
"""

EXTENSION = "io.modelcontextprotocol/ui"
"""The extension of the protocol, as servers and clients announce it."""

MIME_TYPE = "text/html;profile=mcp-app"
"""The type of a page that such clients show."""
