"""The MCP server: tools over evaluation services, with summaries that fit a context window."""
