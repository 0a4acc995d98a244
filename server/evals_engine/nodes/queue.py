"""The queue of tickets, an existing one: no other module uses procrastinate.

A ticket says "look at this shard" and decides nothing: who has a shard is in our own table. So a
ticket may be lost, or come twice, and the worker of the queue may end at any time; it is started
again, whether it ended with an error or without one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from procrastinate import App, PsycopgConnector, SyncPsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.jobs import Status
from procrastinate.schema import SchemaManager
from procrastinate.worker import Worker

from evals_engine.nodes.database import Connection, conninfo

CONTROL_CHANNEL = "evals_control"
"""Channel on which nodes are told that an evaluation was cancelled or fails."""

RESTART_SECONDS = 1.0
"""Seconds after which a worker that has ended is started again."""

IDLE_SECONDS = 5.0
"""Seconds after which an idle worker looks for tickets of which it was not notified."""

_QUEUE, _TASK = "shards", "shard"

log = logging.getLogger(__name__)

RunTicket = Callable[[int, int], Awaitable[None]]
"""Looks at a shard: the key of its evaluation, and its number."""


def queue_schema() -> str:
    """Return the SQL that creates the queue's tables and functions."""
    return SchemaManager.get_schema()


class Queue:
    """The tickets of all nodes of a database."""

    def __init__(self, url: str) -> None:
        """Open no connection yet; `url` is that of the database."""
        self._conninfo = conninfo(url)
        self._enqueuing = App(connector=SyncPsycopgConnector(conninfo=self._conninfo))
        self._worker: Worker | None = None
        self._stopping = False
        # Both report an outage of the database again and again; the node does so in its own words.
        for name in ("procrastinate", "psycopg.pool"):
            logging.getLogger(name).setLevel(logging.CRITICAL)

    def enqueue(self, connection: Connection, key: int, number: int, priority: int) -> None:
        """Add the ticket of a shard in a caller's transaction, unless it waits already.

        Args:
            connection: that of the transaction.
            key: the key of the evaluation.
            number: the number of the shard.
            priority: tickets with a higher one are handed out first.
        """
        with suppress(AlreadyEnqueued), connection.transaction():
            self._enqueuing.configure_task(
                _TASK,
                queue=_QUEUE,
                queueing_lock=f"{key}/{number}",
                priority=priority,
                connection=connection,
            ).defer(key=key, number=number)

    def stop(self) -> None:
        """Take no further ticket; `work` returns once those in hand have ended."""
        self._stopping = True
        if self._worker is not None:
            self._worker.stop()

    async def work(
        self, run_ticket: RunTicket, on_control: Callable[[], None], lanes: int, lease: float
    ) -> None:
        """Take tickets until `stop`, however often the database goes away.

        Args:
            run_ticket: called with each ticket. A ticket that is taken back goes on running.
            on_control: called when an evaluation was cancelled or fails.
            lanes: tickets in hand at once.
            lease: seconds after which a silent worker counts as dead.
        """
        running = set[asyncio.Task[None]]()

        async def take(key: int, number: int) -> None:
            ticket = asyncio.ensure_future(run_ticket(key, number))
            running.add(ticket)
            ticket.add_done_callback(running.discard)
            await asyncio.shield(ticket)

        try:
            while not self._stopping:
                try:
                    await self._work_once(take, on_control, lanes, lease)
                except (ConnectorException, OSError) as error:
                    log.warning("the queue waits for the database: %s", error.__cause__ or error)
                if not self._stopping:
                    await asyncio.sleep(RESTART_SECONDS)
            await asyncio.gather(*running)
        finally:
            for ticket in running:
                ticket.cancel()

    async def _work_once(
        self, take: RunTicket, on_control: Callable[[], None], lanes: int, lease: float
    ) -> None:
        """Run one worker; it ends, with or without an error, when the database goes away."""
        connector = PsycopgConnector(conninfo=self._conninfo, min_size=1, max_size=3, timeout=5)
        app = App(connector=connector)
        app.task(name=_TASK, queue=_QUEUE)(take)

        async def notified(**_: Any) -> None:
            on_control()

        async with app.open_async():
            beside = [
                asyncio.create_task(self._delete_lost_tickets(app, lease)),
                asyncio.create_task(connector.listen_notify(notified, [CONTROL_CHANNEL])),
            ]
            self._worker = Worker(
                app,
                queues=[_QUEUE],
                concurrency=lanes,
                fetch_job_polling_interval=IDLE_SECONDS,
                abort_job_polling_interval=60.0,
                shutdown_graceful_timeout=0,
                update_heartbeat_interval=lease / 3,
                stalled_worker_timeout=4 * lease,
                install_signal_handlers=False,
                delete_jobs="always",
            )
            if self._stopping:
                return
            try:
                await self._worker.run()
            finally:
                for task in beside:
                    task.cancel()
                await asyncio.gather(*beside, return_exceptions=True)

    @staticmethod
    async def _delete_lost_tickets(app: App, lease: float) -> None:
        """Delete the tickets in the hands of dead workers; their shards are queued again."""
        while True:
            await asyncio.sleep(2 * lease)
            jobs = app.job_manager
            for job in await jobs.get_stalled_jobs(seconds_since_heartbeat=4 * lease):
                with suppress(ConnectorException):
                    await jobs.finish_job(job, Status.FAILED, delete_job=True)
