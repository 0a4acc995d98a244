"""Sets the server up in MCP clients: their table, the entry for each, changes of files."""
