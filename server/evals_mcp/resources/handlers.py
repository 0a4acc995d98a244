"""The handlers of `resources/list`, `resources/templates/list` and `resources/read`."""

from __future__ import annotations

from functools import partial

from mcp import MCPError
from mcp_types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    ListResourcesResult,
    ListResourceTemplatesResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
    ResourceTemplate,
    TextResourceContents,
)
from pydantic import ValidationError

from evals_mcp.cleaning import quoted
from evals_mcp.errors import EvalsMCPError
from evals_mcp.resources.kinds import KINDS, ResourceKind
from evals_mcp.resources.listing import own_resources, rubric_resources
from evals_mcp.tools.calls.bugs import log_bug
from evals_mcp.tools.calls.request_context import Context, reading_session
from evals_mcp.views.app.resource import is_page, page_content, page_resource


async def list_resources(context: Context, _: PaginatedRequestParams | None) -> ListResourcesResult:
    """Return the page, the ready rubrics, and the caller's newest evaluations and data sets."""
    newest = await own_resources(partial(reading_session, context))
    return ListResourcesResult(resources=[page_resource(), *rubric_resources(), *newest])


async def list_templates(
    _: Context, __: PaginatedRequestParams | None
) -> ListResourceTemplatesResult:
    """Return the address of each kind, with its variable."""
    templates = [
        ResourceTemplate(
            uri_template=kind.template,
            name=kind.name,
            title=kind.title,
            description=kind.description,
            mime_type=kind.mime_type,
        )
        for kind in KINDS
    ]
    return ListResourceTemplatesResult(resource_templates=templates)


async def read_resource(context: Context, params: ReadResourceRequestParams) -> ReadResourceResult:
    """Return one resource of the caller's, or the page.

    Raises:
        MCPError: there is no such resource, or it cannot be read; the message says why.
    """
    uri = str(params.uri)
    if is_page(uri):
        return page_content(uri)
    for kind in KINDS:
        if (value := kind.value_in(uri)) is not None:
            return await _read(context, uri, kind, value)
    addresses = ", ".join(kind.template for kind in KINDS)
    raise MCPError(
        INVALID_PARAMS, f"There is no resource {quoted(uri, 80)}; the addresses are {addresses}."
    )


async def _read(context: Context, uri: str, kind: ResourceKind, value: str) -> ReadResourceResult:
    try:
        content = await kind.read(value, partial(reading_session, context))
    except EvalsMCPError as error:
        raise MCPError(INVALID_PARAMS, str(error)) from None
    except ValidationError:
        message = f"{quoted(value, 80)} cannot be the {kind.variable} of a {kind.title.lower()}."
        raise MCPError(INVALID_PARAMS, message) from None
    except Exception as error:  # noqa: BLE001 - the one edge where a bug becomes an answer
        message = f"Internal error, logged as {log_bug(error)}; nothing to change in the request."
        raise MCPError(INTERNAL_ERROR, message) from None
    contents = TextResourceContents(uri=uri, mime_type=content.mime_type, text=content.text)
    return ReadResourceResult(contents=[contents])
