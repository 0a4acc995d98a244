"""The lifetime of the provider, which the first call that needs it opens.

A provider runs in a task of its own, which enters and leaves its context: an engine's runs belong
to the task that entered its lifespan, and a tool call may be cancelled at any time.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
from anyio.abc import TaskGroup, TaskStatus

from evals_mcp.errors import EvalsMCPError
from evals_mcp.exchange.uploads import Uploads
from evals_mcp.launching.ask_user import AskUser
from evals_mcp.launching.launches import ServerLaunches
from evals_mcp.planning.inputs.context import PlanningContext
from evals_mcp.principals import Principal
from evals_mcp.providers.protocol import Provider
from evals_mcp.settings.schema import Settings
from evals_mcp.tools.calls.bugs import log_bug
from evals_mcp.tools.calls.session import Clock, ReportProgress, ToolSession, WrittenReport

if TYPE_CHECKING:
    from evals_mcp.local_engine.server_pool import ServerPool

log = logging.getLogger(__name__)

OpenProviders = Callable[[Settings], "AbstractAsyncContextManager[Callable[[Principal], Provider]]"]
"""Opens the configured services and yields a function from a principal to its provider."""

UploadsOf = Callable[[str], Awaitable[Uploads]]
"""Returns how the principal of an id sends files."""

RESUME_AFTER = 1.0
"""Seconds between the client's first message and the start of an engine with earlier runs."""


@dataclass(frozen=True)
class Host:
    """What the process that serves gives to its calls."""

    clock: Clock | None = None
    """The time; the real one if None."""
    is_stopping: Callable[[], bool] = lambda: False
    """Returns True once waiting calls should end."""
    uploads_of: UploadsOf | None = None
    """Returns how a principal of another machine sends files; None if paths are of this one."""


class ProviderServices:
    """Opens the configured provider once, on demand, and keeps it until the server stops."""

    def __init__(
        self,
        settings: Settings,
        open_providers: OpenProviders,
        tasks: TaskGroup,
        host: Host,
    ) -> None:
        self._host = host
        self._settings = settings
        self._open_providers = open_providers
        self._tasks = tasks
        self._provider_of: Callable[[Principal], Provider] | None = None
        self._kept: tuple[PlanningContext, ServerLaunches, ServerPool] | None = None
        self._opening = anyio.Lock()
        self._client_active = anyio.Event()
        self._stopping = anyio.Event()
        self._resuming = anyio.CancelScope()

    def message_came(self) -> None:
        """Record that the client has sent a message."""
        self._client_active.set()

    async def session(
        self, principal: Principal, report_progress: ReportProgress, ask_user: AskUser
    ) -> ToolSession:
        """Return what a tool call works with; see `Services`."""
        provider_of, clock = await self.open(), self._host.clock or Clock()
        context, launches, pool = self._kept or await self._keep(clock)
        # Imported here because loading SQLite would slow down every start.
        from evals_mcp.derivations.provider import with_originals  # noqa: PLC0415
        from evals_mcp.labels.store import LabelStore  # noqa: PLC0415
        from evals_mcp.marks.store import Marks  # noqa: PLC0415

        uploads_of = self._host.uploads_of
        provider, derived = with_originals(
            provider_of(principal), launches.records_of(principal.id)
        )
        return ToolSession(
            provider,
            derived,
            self._settings,
            report_progress,
            ask_user,
            context,
            launches.of(principal.id),
            pool.prepare_file,
            launches.names(principal.id),
            Marks(launches.records_of(principal.id), launches.key),
            LabelStore(launches.records_of(principal.id)),
            clock,
            self._host.is_stopping,
            await uploads_of(principal.id) if uploads_of else None,
            _make_report,
            principal.may_write and not self._settings.server.read_only,
        )

    async def open(self) -> Callable[[Principal], Provider]:
        """Return the function to a principal's provider; the first call opens the services.

        Raises:
            OperatorError: the configuration does not allow it.
        """
        async with self._opening:
            provider_of = self._provider_of
            if provider_of is None:
                provider_of = self._provider_of = await self._tasks.start(self._hold)
            return provider_of

    async def _keep(self, clock: Clock) -> tuple[PlanningContext, ServerLaunches, ServerPool]:
        """Return what calls share; the first call opens it."""
        async with self._opening:
            if self._kept is None:
                pool: ServerPool = await self._tasks.start(self._hold_pool)
                context = PlanningContext(pool, clock.monotonic)
                self._kept = context, _server_launches(self._settings, clock), pool
            return self._kept

    async def _hold_pool(self, *, task_status: TaskStatus[ServerPool]) -> None:
        # Not before a call, because the engine is slow to import.
        from evals_mcp.local_engine.server_pool import open_server_pool  # noqa: PLC0415

        async with open_server_pool(self._settings) as pool:
            task_status.started(pool)
            await self._stopping.wait()

    async def resume_paused_runs(self) -> None:
        """Open services with earlier work, so that paused runs continue without a call.

        The start waits for the client's first message, so that it does not delay the first answer.
        """
        with self._resuming:
            await self._client_active.wait()
            if not self._settings.has_earlier_work():
                return
            await anyio.sleep(RESUME_AFTER)
            try:
                await self.open()
            except EvalsMCPError as error:
                log.warning("paused evaluations were not resumed: %s", error)
            except Exception as error:  # noqa: BLE001 - the next tool call tries again and reports it
                log_bug(error)

    def stop(self) -> None:
        """Close everything that was opened."""
        self._resuming.cancel()
        self._stopping.set()

    async def _hold(self, *, task_status: TaskStatus[Callable[[Principal], Provider]]) -> None:
        opened = False
        try:
            async with self._open_providers(self._settings) as provider_of:
                opened = True
                task_status.started(provider_of)
                await self._stopping.wait()
        except Exception as error:
            if not opened:
                raise
            log_bug(error)
        finally:
            self._provider_of = None


@asynccontextmanager
async def open_services(
    settings: Settings,
    open_providers: OpenProviders | None = None,
    clock: Clock | None = None,
    is_stopping: Callable[[], bool] = lambda: False,
    uploads_of: UploadsOf | None = None,
) -> AsyncGenerator[ProviderServices]:
    """Open the services of one server for as long as it runs.

    Args:
        settings: The configuration.
        open_providers: Opens the services; a test passes its own.
        clock: The time; a test passes its own.
        is_stopping: Returns True once waiting calls should end.
        uploads_of: Returns how a principal of another machine sends files; None if paths are of
            this machine.
    """
    async with anyio.create_task_group() as tasks:
        services = ProviderServices(
            settings, open_providers or _composed, tasks, Host(clock, is_stopping, uploads_of)
        )
        tasks.start_soon(services.resume_paused_runs)
        try:
            yield services
        finally:
            services.stop()


def _server_launches(settings: Settings, clock: Clock) -> ServerLaunches:
    """Return what the launches of all principals share; no file is opened yet."""
    from evals_mcp.state.locks import FolderLocks  # noqa: PLC0415 - not before a call
    from evals_mcp.state.records import State  # noqa: PLC0415 - not before a call

    folder = settings.state.folder
    state = State(folder, settings.state.max_bytes, clock.now)
    return ServerLaunches(settings.budget, state, FolderLocks(folder), clock.now)


async def _make_report(session: ToolSession, evaluation_id: str) -> WrittenReport:
    from evals_mcp.views.report import evaluation_report  # noqa: PLC0415 - not before a call

    return await evaluation_report(session, evaluation_id)


def _composed(
    settings: Settings,
) -> AbstractAsyncContextManager[Callable[[Principal], Provider]]:
    from evals_mcp.compose import open_providers  # noqa: PLC0415 - not before a call needs it

    return open_providers(settings)
