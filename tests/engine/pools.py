"""A pool of worker processes for tests."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio

from evals_engine.compute.jobs import Limits
from evals_engine.compute.pool import ComputePool, OwnerPool

WAIT = 120.0
"""Seconds after which a test that hangs is ended."""


@asynccontextmanager
async def owner_pool(limits: Limits | None = None) -> AsyncGenerator[OwnerPool]:
    """Open a pool with one worker process, used by one owner."""
    with anyio.fail_after(WAIT):
        async with ComputePool(1, limits) as pool:
            yield OwnerPool(pool, "tester")
