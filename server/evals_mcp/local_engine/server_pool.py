"""The worker processes of this server: they render the templates of plans.

They are others than those of the embedded engine, so that a call never waits for the rows of a run.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from evals_engine.compute.pool import ComputePool, OwnerPool
from evals_engine.faults import RequestError
from evals_engine.templates.template import open_template
from evals_mcp.errors import InvalidRequestError
from evals_mcp.local_engine.configuration import compute_limits
from evals_mcp.local_engine.service import LocalSettings
from evals_mcp.planning.inputs.context import Render, RenderError
from evals_mcp.settings.schema import Settings


class ServerPool:
    """Worker processes that start with the first work; no work of one owner holds all of them."""

    def __init__(self, pool: ComputePool) -> None:
        self._pool = pool

    async def compile_template(self, source: str, field: str, owner: str) -> Render:
        """Return a function that renders a template exactly as the embedded engine will.

        Raises:
            InvalidRequestError: the engine does not accept the template.
        """
        try:
            template = await open_template(source, field, OwnerPool(self._pool, owner))
        except RequestError as error:
            raise InvalidRequestError(str(error)) from None

        async def render(row: Mapping[str, Any]) -> str:
            try:
                return await template.render(row)
            except RequestError as error:
                raise RenderError(str(error)) from None

        return render


@asynccontextmanager
async def open_server_pool(settings: Settings) -> AsyncGenerator[ServerPool]:
    """Open the worker processes of a server; none of them is started yet."""
    section = settings.section(LocalSettings)
    async with ComputePool(section.compute_workers, compute_limits(section)) as pool:
        yield ServerPool(pool)
