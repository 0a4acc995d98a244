"""The floor for the start: a server on the plain SDK with one tool, over stdio."""

from __future__ import annotations

from mcp.server import MCPServer


def main() -> None:
    server = MCPServer("floor")

    @server.tool()
    def echo(text: str) -> str:  # pyright: ignore[reportUnusedFunction]  # the decorator keeps it
        """Return the text."""
        return text

    server.run()


if __name__ == "__main__":
    main()
