"""The engine as a Starlette app: routes, error bodies and the lifespan."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import anyio
from anyio import to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount

from evals_engine.benchmark_api.routes import BENCHMARK_ROUTES
from evals_engine.compute.pool import ComputePool
from evals_engine.config import EngineConfig
from evals_engine.errors import BENCHMARK_ROOT, ApiError
from evals_engine.evaluation_api import identity
from evals_engine.evaluation_api.routes import EVALUATION_ROUTES
from evals_engine.http import metrics
from evals_engine.http.engine import Engine
from evals_engine.http.middleware import (
    BoundedHeaders,
    InternalErrors,
    LoopbackOnly,
    PlainPaths,
    answer,
)
from evals_engine.http.owners import BearerTokens, check_other_tokens, owners_of
from evals_engine.http.uploads import Uploads
from evals_engine.models.access import ModelAccess
from evals_engine.models.client import ModelClient
from evals_engine.runs.creation import Creation
from evals_engine.runs.run import RunContext
from evals_engine.runs.scheduler import Scheduler, new_process_id
from evals_engine.store.errors import StorageError, UnavailableError
from evals_engine.store.store import Store

RETRY_AFTER = 5
"""Seconds after which a request may be sent again that found the database away."""


def create_app(config: EngineConfig, clock: Callable[[], float] = time.time) -> Starlette:
    """Return the app. Evaluations run while its lifespan is open, which the caller has to enter.

    Raises:
        ValueError: A token is empty, or two of them are equal, or two owners share a name.
        DataDirError: (On entering the lifespan) the data directory cannot be used.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[None]:
        opening = _on_disk if config.database_url is None else _on_database
        async with opening(config, clock) as engine:
            app.state.engine = engine
            yield

    app = Starlette(
        routes=_routes(),
        exception_handlers={
            ApiError: _api_error,
            HTTPException: _http_error,
            StorageError: _storage_error,
        },
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    owners = owners_of(config)
    check_other_tokens(config)
    app.add_middleware(BearerTokens, owners=owners, server_token=config.server_token)
    if not owners and config.server_token is None:
        app.add_middleware(LoopbackOnly)
    app.add_middleware(PlainPaths)
    app.add_middleware(BoundedHeaders)
    app.add_middleware(InternalErrors)
    return app


@asynccontextmanager
async def _on_disk(config: EngineConfig, clock: Callable[[], float]) -> AsyncGenerator[Engine]:
    """Yield the engine of a data directory, which runs the evaluations that it claims."""
    store = await to_thread.run_sync(Store, config.data_dir)
    try:
        async with (
            ModelClient(config.max_retries, config.call_timeout) as client,
            ComputePool(config.compute_workers, config.compute_limits) as pool,
        ):
            access = ModelAccess(config, client)
            context = RunContext(store, config, access, pool, clock, new_process_id())
            scheduler = Scheduler(context)
            uploads = Uploads(store, config.max_upload_bytes, config.quotas)
            creation = Creation(store, scheduler, config.quotas)
            engine = Engine(config, store, scheduler, access, pool, uploads, creation, clock)
            async with AsyncExitStack() as stack:
                if config.runs_evaluations:
                    await stack.enter_async_context(_running(scheduler))
                yield engine
    finally:
        store.close()


@asynccontextmanager
async def _on_database(config: EngineConfig, clock: Callable[[], float]) -> AsyncGenerator[Engine]:
    """Yield the engine of one of several nodes, which runs its share of the evaluations."""
    # Imported here: only nodes need the extra.
    from evals_engine.node_runs.membership import node_of, open_membership, running  # noqa: PLC0415

    assert config.database_url is not None
    url = config.database_url.get_secret_value()
    membership = await to_thread.run_sync(open_membership, url, config.lease_seconds)
    try:
        async with (
            ModelClient(config.max_retries, config.call_timeout) as client,
            ComputePool(config.compute_workers, config.compute_limits) as pool,
        ):
            access = ModelAccess(config, client)
            uploads = Uploads(membership.store, config.max_upload_bytes, config.quotas)
            creation = Creation(membership.store, membership.control, config.quotas)
            engine = Engine(
                config, membership.store, membership.control, access, pool, uploads, creation, clock
            )
            async with AsyncExitStack() as stack:
                if config.runs_evaluations:
                    node = node_of(membership, config, access, pool)
                    await stack.enter_async_context(running(node))
                yield engine
    finally:
        membership.store.close()


@asynccontextmanager
async def _running(scheduler: Scheduler) -> AsyncGenerator[None]:
    """Claim and run evaluations for as long as the context is open."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(scheduler.run)
        try:
            yield
        finally:
            with anyio.CancelScope(shield=True):
                await scheduler.stop()
            tasks.cancel_scope.cancel()


def _routes() -> list[BaseRoute]:
    """Return the routes of both contracts, and that of the metrics.

    `/v1/v1` is for the vendor's SDK, which appends /v1 even to a base URL that ends in /v1.
    """
    return [
        Mount("/v1/v1", routes=EVALUATION_ROUTES),
        Mount("/v1", routes=EVALUATION_ROUTES),
        Mount("/v3", routes=identity.routes),
        Mount(BENCHMARK_ROOT, routes=BENCHMARK_ROUTES),
        *metrics.routes,
    ]


async def _api_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return answer(error, request.scope)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    refused = ApiError(error.status_code, error.detail)
    refused.headers = error.headers or {}  # a 405 lists the allowed methods
    return answer(refused, request.scope)


async def _storage_error(request: Request, error: Exception) -> Response:
    if isinstance(error, UnavailableError):
        refused = ApiError(503, str(error), code="storage_unavailable")
        refused.headers = {"Retry-After": str(RETRY_AFTER)}
    else:
        refused = ApiError(507, str(error), code="storage")
    return answer(refused, request.scope)
