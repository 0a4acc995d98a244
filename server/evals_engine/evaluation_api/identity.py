"""Who a token belongs to, which the vendor's command line asks before every command."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from evals_engine.http.engine import owner_of


async def whoami(request: Request) -> Response:
    """GET /v3/whoami: the owner, as an organization without projects."""
    owner = owner_of(request)
    return JSONResponse(
        {
            "type": "org_api_key",
            "api_key": {"id": owner},
            "organization": {"id": owner, "name": owner},
        }
    )


routes = [Route("/whoami", whoami)]
below_v1 = [*routes, Route("/v3/whoami", whoami)]
"""For clients that append their whole path to a base URL that ends in /v1."""
