"""The parts of a process that belongs to several nodes, put together."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version

import anyio

from evals_engine.compute.pool import ComputePool
from evals_engine.config import EngineConfig
from evals_engine.models.access import ModelAccess
from evals_engine.models.client import ModelClient
from evals_engine.node_runs.conclusion import Conclusion
from evals_engine.node_runs.context import NodeContext
from evals_engine.node_runs.node import Node
from evals_engine.node_runs.opened import OpenedEvaluations
from evals_engine.nodes.budgets import EndpointBudgets
from evals_engine.nodes.control import Control
from evals_engine.nodes.queue import Queue
from evals_engine.nodes.shards import Shards
from evals_engine.nodes.store import NodeStore, open_database
from evals_engine.runs.preparation import Preparation
from evals_engine.runs.scheduler import new_process_id


@dataclass(frozen=True)
class Membership:
    """The access of one process to what all nodes share."""

    store: NodeStore
    queue: Queue
    shards: Shards
    control: Control


def open_membership(url: str, lease_seconds: float) -> Membership:
    """Open the database of all nodes. Blocking; closing the store closes everything.

    Args:
        url: That of the database.
        lease_seconds: Seconds of silence after which a node's shards are handed to others.

    Raises:
        DatabaseUnusableError: The database cannot be used; the message says who has to act.
    """
    database = open_database(url)
    queue = Queue(url)
    shards = Shards(database, queue, new_process_id(), lease_seconds)
    store = NodeStore(database, shards.created, shards.cancelled)
    return Membership(store, queue, shards, Control(database))


def node_of(
    membership: Membership, config: EngineConfig, models: ModelAccess, pool: ComputePool
) -> Node:
    """Return the node of this process, which takes no ticket yet.

    Args:
        membership: What all nodes share.
        config: The settings of this one.
        models: Makes the calls, at the rates of all nodes from now on.
        pool: Renders templates and computes rules.
    """
    files = membership.store.files
    budgets = models.client.admission = EndpointBudgets(membership.store.database)
    preparation = Preparation(membership.store, files.open, models, pool)
    return Node(
        NodeContext(
            config=config,
            shards=membership.shards,
            queue=membership.queue,
            opened=OpenedEvaluations(preparation, files.open, files.marks),
            conclusion=Conclusion(membership.shards, membership.store, time.time),
            client=models.client,
            clock=time.time,
            version=version("evals-mcp"),
            pause_note=lambda: budgets.note,
        )
    )


@asynccontextmanager
async def running(node: Node) -> AsyncGenerator[None]:
    """Let a node work for as long as the context is open."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(node.run)
        try:
            yield
        finally:
            with anyio.CancelScope(shield=True):
                await node.stop()
            tasks.cancel_scope.cancel()


async def work(
    membership: Membership,
    config: EngineConfig,
    announce: Callable[[], None],
    stopped: Callable[[], Awaitable[None]],
) -> None:
    """Work as a node without any port.

    Args:
        membership: What all nodes share.
        config: The settings of this one.
        announce: Called once tickets are taken.
        stopped: Returns when the node is to stop; a node that is cancelled gives no shard back.
    """
    async with (
        ModelClient(config.max_retries, config.call_timeout) as client,
        ComputePool(config.compute_workers, config.compute_limits) as pool,
        running(node_of(membership, config, ModelAccess(config, client), pool)),
    ):
        if config.serverless is not None:
            # Loads the client before the first row waits for it.
            client.open(config.serverless)
        announce()
        await stopped()
