"""Services that repeat their requests, secrets included, in every kind of answer."""

from __future__ import annotations

import json
from typing import Any

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tests.engine.model_server import ChatRequest, Reply, completion, failure

FAILURES = ("refuse", "forbid", "fail", "page", "drop", "redirect", "shapeless")
"""Words that, anywhere in a request, choose the kind of failure."""


class Repeating:
    """Serves both contracts: repeats the request in every field, or fails as a word of it asks."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        """All requests, as text."""
        methods = ["GET", "POST", "PUT", "DELETE"]
        self.app = Starlette(routes=[Route("/{rest:path}", self._answer, methods=methods)])

    async def _answer(self, request: Request) -> Response:
        body = (await request.body()).decode(errors="replace")
        sent = f"{dict(request.headers)} {body}"
        self.sent.append(f"{request.method} {request.url} {sent}")
        asked = f"{request.url.path} {body}"
        word = next((one for one in FAILURES if one in asked), None)
        echo = {"X-Echo": request.headers.get("authorization", "")}
        if word == "drop":
            return _Dropped()
        if word == "page":
            return Response(f"<html>{sent}</html>", 502, echo, "text/html")
        if word == "redirect":
            return RedirectResponse(f"/elsewhere?key={echo['X-Echo']}", 302)
        if word == "shapeless":
            return JSONResponse({sent: sent}, 200, echo)
        status = {"refuse": 400, "forbid": 401, "fail": 500}.get(word or "", 200)
        return JSONResponse(failed(sent) if word else answer(request, sent), status, echo)


class _Dropped(Response):
    """A response that breaks off after its head."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = {"type": "http.response.start", "status": 200}
        await send(head | {"headers": [(b"content-length", b"100")]})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})
        await anyio.lowlevel.checkpoint()


def failed(sent: str) -> dict[str, Any]:
    error = {"message": sent, "type": sent, "param": sent, "code": sent}
    return {"error": error, "detail": sent}


def answer(request: Request, sent: str) -> Any:
    """Return a success of either contract with the request in each text field."""
    path = request.url.path
    file = {"id": "file-1", "filename": sent, "bytes": 1, "purpose": "eval", "created_at": 1}
    job = {
        "workflow_id": "eval-echo",
        "status": "error",
        "type": "classify",
        "parameters": {"judge": {"model": sent, "system_template": sent}, "labels": [sent]},
        "results": {"error": sent, "result_file_id": "file-1"},
    }
    if path.endswith("/content"):
        return {"question": sent, "label": sent, "feedback": sent, "evaluation_successful": True}
    if path.endswith("/evaluation/model-list"):
        return {"model_list": [sent]}
    if path.endswith("/evaluation"):
        return [job] if request.method == "GET" else {"workflow_id": "eval-echo", "status": sent}
    if "/files" in path:
        return {"object": "list", "data": [file]} if path.endswith("/files") else file
    if path.endswith("/models"):
        return [{"id": sent, "object": "model", "type": sent}]
    return job | {"evaluation_id": "eval-echo", "model_id": sent, "benchmark_id": sent}


def repeating_model(request: ChatRequest) -> Reply:
    """Answer with the request, or fail with the request in the error."""
    sent = f"{request.headers} {request.body}"
    place = f"http://127.0.0.1:9/{request.headers.get('authorization')}"
    replies = {
        "refuse": failure(400, sent),
        "forbid": failure(401, sent),
        "fail": failure(500, sent),
        "page": Reply(200, b"<html>" + sent.encode()),
        "drop": Reply(dropped=True),
        "redirect": failure(302, sent, Location=place),
    }
    text = str(request.user)
    told = completion(json.dumps({"feedback": sent, "label": "good"}))
    return next((reply for word, reply in replies.items() if word in text), told)
