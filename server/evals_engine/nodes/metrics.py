"""Figures of the nodes of a database, which any process of it can read."""

from __future__ import annotations

from evals_engine.nodes.database import Database
from evals_engine.store.metrics import Metric, Series, alone, by_label

SILENT_NODE_SECONDS = 30.0
"""Seconds after which a node counts as silent: it says every 10 s what it does."""

MAX_ENDPOINTS = 100
"""Endpoints that have a figure, at most; each is one of the configuration."""

TICKETS = Series("evals_tickets_queued", "gauge", "Tickets that no node has taken yet.")
OLDEST_TICKET = Series(
    "evals_tickets_oldest_seconds",
    "gauge",
    "Seconds for which the oldest of these tickets has waited; 0 if none waits.",
)
SHARDS = Series(
    "evals_shards",
    "gauge",
    "Shards of evaluations that have not ended, the preparation and the conclusion of each "
    "included.",
    "state",
    ("todo", "queued", "doing", "done"),
)
NODES = Series(
    "evals_nodes",
    "gauge",
    "Processes that work on shards; silent ones have said nothing for "
    f"{SILENT_NODE_SECONDS:.0f} s, and are forgotten after an hour.",
    "state",
    ("alive", "stopping", "silent"),
)
PAUSES = Series(
    "evals_endpoint_pause_seconds",
    "gauge",
    "Seconds for which no node calls a model endpoint, as its Retry-After says; 0 without a pause.",
    "endpoint",
)


def node_metrics(database: Database) -> list[Metric]:
    """Return the figures of tickets, shards, nodes and endpoints. Raises StorageError."""
    (tickets,) = database.read("waiting_tickets", {})
    return [
        alone(TICKETS, tickets["tickets"]),
        alone(OLDEST_TICKET, tickets["seconds"]),
        by_label(SHARDS, database.read("shards_by_state", {})),
        by_label(NODES, database.read("nodes_by_state", {"silence": SILENT_NODE_SECONDS})),
        by_label(PAUSES, database.read("endpoint_pauses", {"limit": MAX_ENDPOINTS})),
    ]
