"""`evals-mcp view`: the page on loopback, with live data, until its terminal ends or it is idle."""

from __future__ import annotations

import secrets
import signal
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlencode, urlsplit

import anyio

from evals_mcp.commands.session import as_local_user, local_session
from evals_mcp.compose import open_idle_providers
from evals_mcp.lifetime import open_services
from evals_mcp.listener import Listener
from evals_mcp.settings.schema import Settings
from evals_mcp.tools.calls.session import ToolSession
from evals_mcp.views.viewer import Access, OpenSession, Viewer

IDLE_SECONDS = 1_800.0
"""Seconds without a call after which the viewer ends."""

_LOOPBACK = "127.0.0.1"
_STOP_SECONDS = 2.0


def view(
    settings: Settings,
    evaluation_id: str | None,
    announce: Callable[[str], None],
    idle_seconds: float = IDLE_SECONDS,
) -> None:
    """Show evaluations as the user of this machine, until a signal or until nobody looks.

    Args:
        settings: The configuration.
        evaluation_id: The evaluation that is shown first; the list if None.
        announce: Called with the address once it answers.
        idle_seconds: Seconds without a call after which the viewer ends.

    Raises:
        EvalsMCPError: there is no such evaluation, or it cannot be read.
        OSError: no port of loopback can be bound.
    """
    shown = anyio.run(_complete_id, settings, evaluation_id) if evaluation_id else None
    listener = Listener(_LOOPBACK, 0)
    token = secrets.token_urlsafe(24)
    port = urlsplit(listener.base_url).port or 0
    viewer: Viewer | None = None

    @asynccontextmanager
    async def opened() -> AsyncGenerator[OpenSession]:
        async with (
            open_services(settings, open_idle_providers) as services,
            anyio.create_task_group() as tasks,
        ):
            assert viewer is not None
            tasks.start_soon(_end_if_idle, viewer, idle_seconds)

            async def session() -> ToolSession:
                return await local_session(services)

            yield session
            tasks.cancel_scope.cancel()

    viewer = Viewer(Access(token, port), opened, time.monotonic)
    place = f"?{urlencode({'evaluation': shown})}" if shown else ""
    address = f"{listener.base_url}/{place}#{token}"
    listener.run(viewer.app, lambda: announce(address), _STOP_SECONDS)


async def _complete_id(settings: Settings, evaluation_id: str) -> str:
    """Return the complete id of an evaluation that this user can see.

    Raises:
        EvalsMCPError: there is no such evaluation, or it cannot be read.
    """

    async def existing(session: ToolSession) -> str:
        complete_id = await session.evaluation_id(evaluation_id)
        return (await session.evaluation(complete_id)).workflow_id

    return await as_local_user(settings, existing)


async def _end_if_idle(viewer: Viewer, idle_seconds: float) -> None:
    """Stop this process once nobody looks any more, as its operator would."""
    while (seconds_left := idle_seconds - viewer.idle_seconds) > 0:  # noqa: ASYNC110 - calls move it
        await anyio.sleep(seconds_left)
    signal.raise_signal(signal.SIGTERM)
