"""What the server holds while it runs: the provider, opened by the first call that needs it.

A provider lives in a task of its own, which enters and leaves its context: an engine's runs belong
to the task that entered its lifespan, and a tool call may be cancelled at any time.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING

import anyio
from anyio.abc import TaskGroup, TaskStatus

from evals_mcp.errors import EvalsMCPError
from evals_mcp.server import log_bug
from evals_mcp.settings_schema import Settings

if TYPE_CHECKING:
    from evals_mcp.providers.protocol import Provider
    from evals_mcp.tools.session import Clock, ReportProgress, ToolSession

log = logging.getLogger(__name__)

OpenProvider = Callable[[Settings], "AbstractAsyncContextManager[Provider]"]

RESUME_AFTER = 1.0
"""Seconds between the client's first message and the start of an engine with earlier runs."""


class ProviderServices:
    """Opens the configured provider once, on demand, and keeps it until the server stops."""

    def __init__(
        self,
        settings: Settings,
        open_provider: OpenProvider,
        tasks: TaskGroup,
        clock: Clock | None = None,
    ) -> None:
        self._settings = settings
        self._open_provider = open_provider
        self._tasks = tasks
        self._clock = clock
        self._provider: Provider | None = None
        self._opening = anyio.Lock()
        self._client_there = anyio.Event()
        self._stopping = anyio.Event()
        self._resuming = anyio.CancelScope()

    def message_came(self) -> None:
        """The client is there."""
        self._client_there.set()

    async def session(self, report_progress: ReportProgress) -> ToolSession:
        """A tool call's collaborators; see `Services`."""
        from evals_mcp.tools.session import Clock, ToolSession  # noqa: PLC0415 - not before a call

        provider = await self.provider()
        return ToolSession(provider, self._settings, report_progress, self._clock or Clock())

    async def provider(self) -> Provider:
        """The provider, opened by the first call.

        Raises:
            OperatorError: the configuration does not allow it.
        """
        async with self._opening:
            provider = self._provider
            if provider is None:
                provider = self._provider = await self._tasks.start(self._hold)
            return provider

    async def resume_paused_runs(self) -> None:
        """Start an embedded engine that has worked before, so that paused runs go on by themselves.

        It waits for the client, so that starting costs the first answer nothing.
        """
        with self._resuming:
            await self._client_there.wait()
            if (
                "local" not in self._settings.providers
                or not self._settings.local.data_dir.exists()
            ):
                return
            await anyio.sleep(RESUME_AFTER)
            try:
                await self.provider()
            except EvalsMCPError as error:
                log.warning("paused evaluations stay paused: %s", error)
            except Exception as error:  # noqa: BLE001 - the next tool call tries again and tells
                log_bug(error)

    def stop(self) -> None:
        """Let everything that was opened close itself."""
        self._resuming.cancel()
        self._stopping.set()

    async def _hold(self, *, task_status: TaskStatus[Provider]) -> None:
        opened = False
        try:
            async with self._open_provider(self._settings) as provider:
                opened = True
                task_status.started(provider)
                await self._stopping.wait()
        except Exception as error:
            if not opened:
                raise
            log_bug(error)
        finally:
            self._provider = None


@asynccontextmanager
async def open_services(
    settings: Settings,
    open_provider: OpenProvider | None = None,
    clock: Clock | None = None,
) -> AsyncGenerator[ProviderServices]:
    """The services of one server, for as long as it runs.

    A test passes its own `open_provider` and `clock`.
    """
    async with anyio.create_task_group() as tasks:
        services = ProviderServices(settings, open_provider or _composed, tasks, clock)
        tasks.start_soon(services.resume_paused_runs)
        try:
            yield services
        finally:
            services.stop()


def _composed(settings: Settings) -> AbstractAsyncContextManager[Provider]:
    from evals_mcp.compose import open_provider  # noqa: PLC0415 - not before a call needs it

    return open_provider(settings)
