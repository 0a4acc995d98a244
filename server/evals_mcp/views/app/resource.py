"""The page as a resource, which is read when a client asks for it."""

from __future__ import annotations

import re
from functools import cache
from hashlib import sha256
from typing import Any

from mcp import MCPError
from mcp_types import (
    INVALID_PARAMS,
    ListResourcesResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
    Resource,
    TextResourceContents,
    Tool,
)

from evals_mcp.cleaning import quoted
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


async def list_resources(_: object, __: PaginatedRequestParams | None) -> ListResourcesResult:
    """Return the page, the only resource."""
    page = Resource(
        uri=page_uri(),
        name="evaluation-page",
        title="Evaluation",
        description="Shows an evaluation: its plan, its progress, its results.",
        mime_type=MIME_TYPE,
        _meta=_LOOKS,
    )
    return ListResourcesResult(resources=[page])


async def read_resource(_: object, params: ReadResourceRequestParams) -> ReadResourceResult:
    """Return the page as it is now, also for the address of an earlier one.

    A client may have kept the address with an earlier conversation.

    Raises:
        MCPError: there is no such resource.
    """
    uri = str(params.uri)
    if not _URI.fullmatch(uri):
        message = f"There is no resource {quoted(uri, 80)}; the page is at {page_uri()}."
        raise MCPError(INVALID_PARAMS, message)
    content = TextResourceContents(uri=uri, mime_type=MIME_TYPE, text=app_document(), _meta=_LOOKS)
    return ReadResourceResult(contents=[content], ttl_ms=_KEPT_MS, cache_scope="public")
