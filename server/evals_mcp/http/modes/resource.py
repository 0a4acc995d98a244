"""The description of this server for OAuth clients: protected-resource metadata (RFC 9728)."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

READ, WRITE = "evals:read", "evals:write"
SCOPES = (READ, WRITE)
"""Scopes of a token: reading; uploading, starting and cancelling."""


@dataclass(frozen=True)
class Resource:
    """The resource that tokens are issued for."""

    url: str
    """The identifier that a token's audience must hold: the public URL of the endpoint."""
    issuer: str
    """URL of the issuer, exactly as configured: clients compare it letter by letter."""

    @property
    def metadata_path(self) -> str:
        """Path of the metadata, between host and resource path (RFC 9728, section 3.1)."""
        return f"/.well-known/oauth-protected-resource{urlsplit(self.url).path.rstrip('/')}"

    @property
    def metadata_url(self) -> str:
        """URL of the metadata."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}{self.metadata_path}"


def metadata_route(resource: Resource) -> Route:
    """Return the route of the metadata, which anyone may read, pages of any origin included."""
    body = {
        "resource": resource.url,
        "authorization_servers": [resource.issuer],
        "scopes_supported": list(SCOPES),
        "bearer_methods_supported": ["header"],
        "resource_name": "evals-mcp",
    }

    async def metadata(_: Request) -> Response:
        return JSONResponse(body, headers={"Access-Control-Allow-Origin": "*"})

    return Route(resource.metadata_path, metadata)
