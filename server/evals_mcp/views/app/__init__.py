"""The page in a conversation: as a resource of MCP Apps, with a tool that only the page calls.

The names are here, without any import of the SDK, for the answers that do not wait for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

EXTENSION = "io.modelcontextprotocol/ui"
"""The extension of the protocol, as servers and clients announce it."""

MIME_TYPE = "text/html;profile=mcp-app"
"""The type of a page that such clients show."""

APP_ONLY = {"visibility": ["app"]}
"""Marks a tool that clients keep from their models."""


def renders_pages(announced: object) -> bool:
    """Return whether a client renders pages, from what it announces for the extension."""
    if not isinstance(announced, Mapping):
        return False
    types = cast("Mapping[str, object]", announced).get("mimeTypes")
    return isinstance(types, list | tuple) and MIME_TYPE in types
