"""The page as a resource, which is read when a client asks for it."""

from __future__ import annotations

import re
from functools import cache
from hashlib import sha256
from typing import Any

from mcp_types import (
    ReadResourceResult,
    Resource,
    TextResourceContents,
    Tool,
)

from evals_mcp.tools.calls.definition import ToolDefinition
from evals_mcp.views.app import MIME_TYPE
from evals_mcp.views.document import app_document

_URI = re.compile(r"ui://evals-mcp/page-[0-9a-f]{8}\.html")
_KEPT_MS = 3_600_000
"""How long a client may keep the page: another page has another address."""

_NO_DOMAINS: dict[str, list[str]] = {"connectDomains": [], "resourceDomains": []}
_LOOKS: dict[str, Any] = {"ui": {"csp": _NO_DOMAINS, "prefersBorder": True}}
"""What the page needs of a client: no address at all. Some clients read it in the list only."""


@cache
def page_uri() -> str:
    """Return the address of the page, which names its content because clients keep pages."""
    return f"ui://evals-mcp/page-{sha256(app_document().encode()).hexdigest()[:8]}.html"


def listed_tool(definition: ToolDefinition[Any, Any]) -> Tool:
    """Return a tool as clients list it, with the page if the page shows its answers."""
    if not definition.has_page:
        return definition.tool
    return definition.tool.model_copy(update={"meta": {"ui": {"resourceUri": page_uri()}}})


def page_resource() -> Resource:
    """Return the page as clients list it."""
    return Resource(
        uri=page_uri(),
        name="evaluation-page",
        title="Evaluation",
        description="Shows an evaluation: its plan, its progress, its results.",
        mime_type=MIME_TYPE,
        _meta=_LOOKS,
    )


def is_page(uri: str) -> bool:
    """Return whether an address is the page's, now or in an earlier version.

    A client may have kept the address with an earlier conversation.
    """
    return _URI.fullmatch(uri) is not None


def page_content(uri: str) -> ReadResourceResult:
    """Return the page as it is now, under any of its addresses."""
    content = TextResourceContents(uri=uri, mime_type=MIME_TYPE, text=app_document(), _meta=_LOOKS)
    return ReadResourceResult(contents=[content], ttl_ms=_KEPT_MS, cache_scope="public")
