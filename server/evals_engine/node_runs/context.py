"""The collaborators of a node, and the shards that it has in hand."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

import anyio
from anyio import to_thread

from evals_engine.config import EngineConfig
from evals_engine.faults import RequestError
from evals_engine.models.client import ModelClient
from evals_engine.node_runs.conclusion import Conclusion
from evals_engine.node_runs.opened import OpenedEvaluations
from evals_engine.node_runs.shard_run import ShardRun
from evals_engine.nodes.queue import Queue
from evals_engine.nodes.shard import Shard
from evals_engine.nodes.shards import Shards
from evals_engine.store.errors import StorageError
from evals_engine.store.records import StatusChange
from evals_schemas.datasets.reader import DatasetError

LANES = 16
"""Tickets that a process works on at once."""

PAUSE_SECONDS = 1.0
"""Seconds between two attempts of a step while the database is away."""

MAX_CLAIMS = 12
"""How often a shard may be begun without a row being stored, such as by processes that it kills.

Each end of a process counts against all shards in its hands, so that a few unrelated ends while
calls are slow must not be taken for the fault of a shard.
"""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class NodeContext:
    """The collaborators of a node."""

    config: EngineConfig
    shards: Shards
    queue: Queue
    opened: OpenedEvaluations
    conclusion: Conclusion
    client: ModelClient
    clock: Callable[[], float]
    """Unix seconds, for what is shown; leases go by the clock of the database."""
    version: str
    pause_note: Callable[[], str | None]
    """Returns why calls to an endpoint wait; None while none does."""
    lanes: int = LANES

    def failure(self, message: str) -> StatusChange:
        """Return the end of an evaluation that cannot go on, through no fault of its user."""
        return StatusChange("error", message, self.clock())

    def refusal(self, fault: RequestError | DatasetError) -> StatusChange:
        """Return the end of an evaluation whose request or data set cannot work."""
        reason = fault.reason if isinstance(fault, RequestError) else None
        return StatusChange("user_error", str(fault), self.clock(), reason)

    def given_up(self, shard: Shard) -> StatusChange | None:
        """Return the end of an evaluation with a shard that was begun too often; None otherwise."""
        return self.failure(_GIVEN_UP) if shard.claims > MAX_CLAIMS else None


class HeldShards:
    """The shards that this process has begun and not yet ended, on which it renews its lease."""

    def __init__(self, context: NodeContext) -> None:
        """Hold none yet."""
        self._context = context
        self.runs: dict[Shard, ShardRun] = {}
        self.are_given_back = False
        """Whether the process stops, and gives back what it does not finish soon."""

    def hold(self, shard: Shard) -> ShardRun:
        """Return the run of a shard that was begun."""
        context = self._context
        run = ShardRun(shard, context.pause_note, context.config.stop_seconds)
        self.runs[shard] = run
        if self.are_given_back:
            run.release()
        return run

    def drop(self, run: ShardRun) -> None:
        """Renew the lease on a shard no longer."""
        self.runs.pop(run.shard, None)

    def give_back(self) -> None:
        """Start no further row, so that other nodes go on."""
        self.are_given_back = True
        for run in self.runs.values():
            run.release()

    async def patiently(self, run: ShardRun, step: Callable[[], object]) -> bool:
        """Run a step, however long the database is away: what it stores has been paid for.

        Returns what the step does, as a truth value; False if the process stops while the database
        is away.
        """
        result: object = None
        with anyio.CancelScope(shield=True):
            is_done = False
            while not is_done:
                try:
                    result = await to_thread.run_sync(step)
                except StorageError as error:
                    run.waiting_for = str(error)
                    if self.are_given_back:
                        log.error("evaluation %s: %s", run.shard.evaluation.id, error)
                        return False
                    await anyio.sleep(PAUSE_SECONDS)
                else:
                    run.waiting_for = None
                    is_done = True
        return bool(result)


_GIVEN_UP = (
    f"The processes that ran a part of the evaluation have ended {MAX_CLAIMS} times before a row "
    "of it was stored, so it is not tried again. The operator looks into the logs."
)
