"""The embedded evaluation service as a Starlette app: routes, error bodies, and the lifespan."""

from __future__ import annotations

import hmac
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio
from anyio import to_thread
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from evals_engine.config import EngineConfig
from evals_engine.errors import ApiError, log_bug
from evals_engine.handlers import evaluations, files, models
from evals_engine.models import ModelClient
from evals_engine.runner import Tools
from evals_engine.scheduler import Scheduler, new_owner
from evals_engine.store import StorageError, Store
from evals_engine.uploads import Uploads

OWNER = "local"
"""Whose everything is, while one token opens the service."""


@dataclass(frozen=True)
class Engine:
    """What the handlers work with; `request.app.state.engine` while the lifespan is open."""

    config: EngineConfig
    store: Store
    scheduler: Scheduler
    client: ModelClient
    uploads: Uploads
    clock: Callable[[], float]


def create_app(config: EngineConfig, clock: Callable[[], float] = time.time) -> Starlette:
    """Build the service. Whoever embeds it enters its lifespan: the runs live there.

    Raises (from the lifespan):
        DataDirError: the data directory cannot be used.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[None]:
        store = await to_thread.run_sync(Store, config.data_dir)
        try:
            async with ModelClient(config.max_retries, config.call_timeout) as client:
                scheduler = Scheduler(Tools(store, config, client, clock, new_owner()))
                uploads = Uploads(store, config.max_upload_bytes)
                app.state.engine = Engine(config, store, scheduler, client, uploads, clock)
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(scheduler.run)
                    yield
                    tasks.cancel_scope.cancel()
        finally:
            store.close()

    api: list[BaseRoute] = [*models.routes, *evaluations.routes, *files.routes]
    app = Starlette(
        # The vendor's SDK appends /v1 to a base URL that ends in it already.
        routes=[Mount("/v1/v1", routes=api), Mount("/v1", routes=api)],
        exception_handlers={
            ApiError: _api_error,
            HTTPException: _http_error,
            StorageError: _storage_error,
        },
        lifespan=lifespan,
    )
    app.add_middleware(BearerToken, token=config.token)
    app.add_middleware(InternalErrors)
    return app


class InternalErrors:
    """Ends a request that met a defect: logged without its text, and answered with a 500.

    Nothing is raised on to the server, which would log the text; that may quote a row or a key.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; answer in its place unless an answer has begun."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answered = False

        async def watched(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except ClientDisconnect:
            return  # who asked has gone, in the middle of sending
        except Exception as error:  # noqa: BLE001 - the last place before the server's own log
            log_bug(f"{scope['method']} {scope['path']}", error)
            if not answered:
                failure = ApiError(500, "Internal error; the request was not carried out.")
                await _answer(failure)(scope, receive, send)


class BearerToken:
    """Lets a request in with the token of the configuration, or any when there is none."""

    def __init__(self, app: ASGIApp, token: SecretStr | None) -> None:
        self.app = app
        self.token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401, or pass the request on with its owner."""
        if scope["type"] == "http":
            scope["owner"] = OWNER
            if not (self._is_open(scope) or self._matches(scope)):
                error = ApiError(401, "Wrong or missing bearer token.", code="invalid_api_key")
                await _answer(error)(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _is_open(self, scope: Scope) -> bool:
        """An announced upload brings its own key in its path, and by contract no token."""
        return self.token is None or (scope["method"] == "PUT" and "/uploads/" in scope["path"])

    def _matches(self, scope: Scope) -> bool:
        assert self.token is not None
        given = dict(scope["headers"]).get(b"authorization", b"")
        return hmac.compare_digest(given, f"Bearer {self.token.get_secret_value()}".encode())


def _answer(error: ApiError) -> Response:
    return JSONResponse(error.body.model_dump(), status_code=error.status)


async def _api_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return _answer(error)


async def _http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _answer(ApiError(error.status_code, error.detail))


async def _storage_error(_: Request, error: Exception) -> Response:
    return _answer(ApiError(507, str(error), code="storage"))
