"""A vendor that gives all users the same ids, so that only their keys differ."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.journeys.caller import Caller
from tests.journeys.two_users import (
    ROWS,
    by_header,
    callers,
    configured,
    serving,
)
from tests.server.http.serving import listening


class Vendor:
    """Serves judged evaluations; every key has the same ids and different rows."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, httpx2.Headers]] = []
        """Method, path and headers of each request."""
        self.jobs: dict[str, list[dict[str, Any]]] = {}
        self.app = Starlette(
            routes=[
                Route("/v1/evaluation", self._create, methods=["POST"]),
                Route("/v1/evaluation", self._list),
                Route("/v1/evaluation/model-list", self._models),
                Route("/v1/evaluation/{id}", self._get),
                Route("/v1/models", self._models),
                Route("/v1/files", self._files),
                Route("/v1/files/{id}/content", self._content),
                Route("/{rest:path}", self._nothing, methods=["GET", "POST"]),
            ]
        )

    def keys_of(self, method: str, path: str) -> list[str]:
        """Return the keys of the requests with this method and path, in order."""
        return [
            headers["authorization"].removeprefix("Bearer ")
            for asked, where, headers in self.asked
            if (asked, where) == (method, path)
        ]

    def _noted(self, request: Request) -> str:
        headers = httpx2.Headers(request.headers.raw)
        self.asked.append((request.method, request.url.path, headers))
        return headers["authorization"].removeprefix("Bearer ")

    async def _create(self, request: Request) -> Response:
        mine = self.jobs.setdefault(self._noted(request), [])
        job = await request.json()
        mine.insert(0, job | {"workflow_id": f"eval-{len(mine)}", "status": "completed"})
        mine[0] |= {"created_at": datetime.now(UTC).isoformat()}
        mine[0] |= {"results": {"result_file_id": "file-2", "label_counts": {"good": 1}}}
        return JSONResponse({"workflow_id": mine[0]["workflow_id"], "status": "pending"})

    async def _list(self, request: Request) -> Response:
        return JSONResponse(self.jobs.get(self._noted(request), []))

    async def _get(self, request: Request) -> Response:
        mine = self.jobs.get(self._noted(request), [])
        found = [job for job in mine if job["workflow_id"] == request.path_params["id"]]
        return JSONResponse(found[0] if found else {}, 200 if found else 404)

    async def _models(self, request: Request) -> Response:
        self._noted(request)
        return JSONResponse([])

    async def _files(self, request: Request) -> Response:
        self._noted(request)
        return JSONResponse({"object": "list", "data": []})

    async def _nothing(self, request: Request) -> Response:
        self._noted(request)
        return JSONResponse({"detail": "nothing of that name"}, 404)

    async def _content(self, request: Request) -> Response:
        key = self._noted(request)
        if request.path_params["id"] == "file-1":
            return Response("".join(json.dumps(row) + "\n" for row in ROWS))
        row = {
            "question": f"of {key.partition('-')[0]}",
            "label": "bad",
            "evaluation_successful": True,
        }
        return Response(json.dumps(row) + "\n")


@asynccontextmanager
async def of_one_vendor(
    folder: Path, *keys: str, **settings: str
) -> AsyncGenerator[tuple[Vendor, list[Caller]]]:
    """Run a server in the mode `header` for one vendor; yield the vendor and the users."""
    vendor = Vendor()
    async with listening(vendor.app) as place:
        settings.setdefault("SERVER__PROVIDER", "together")
        found = configured(
            folder, HTTP__MODE="header", TOGETHER__BASE_URL=f"{place}/v1", **settings
        )
        headers = [by_header("together", key) for key in keys]
        async with serving(found) as url, callers(url, *headers) as users:
            yield vendor, users
