"""The parts of the engine that handlers use, and how a request leads to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request

from evals_engine.compute.pool import ComputePool
from evals_engine.config import EngineConfig
from evals_engine.http.uploads import Uploads
from evals_engine.models.access import ModelAccess
from evals_engine.runs.creation import Creation
from evals_engine.runs.dispatch import Dispatch
from evals_engine.store.protocols import Storage
from evals_engine.store.records import UserName


@dataclass(frozen=True)
class Engine:
    """The parts of a running engine; `app.state.engine` while the lifespan is open."""

    config: EngineConfig
    store: Storage
    dispatch: Dispatch
    models: ModelAccess
    pool: ComputePool
    uploads: Uploads
    creation: Creation
    clock: Callable[[], float]
    """Returns the current time in Unix seconds."""


def engine_of(request: Request) -> Engine:
    """Return the engine that answers a request."""
    engine: Engine = request.app.state.engine
    return engine


def owner_of(request: Request) -> UserName:
    """Return the user whose token came with a request."""
    owner: UserName = request.scope["owner"]
    return owner
