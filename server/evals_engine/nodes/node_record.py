"""The record of a node: what it does, for those who watch the nodes and for the other nodes."""

from __future__ import annotations

from evals_engine.nodes.database import Database


class NodeRecord:
    """The record of one process; written again and again, as long as it works."""

    def __init__(self, database: Database, node_id: str) -> None:
        """Write nothing yet."""
        self._database = database
        self._id = node_id

    def beat(self, version: str, shards: int, *, stopping: bool) -> None:
        """Record what this node does."""
        values = {"id": self._id, "version": version, "shards": shards, "stopping": stopping}
        with self._database.transaction() as transaction:
            transaction.run("beat_node", values)

    def remove(self) -> None:
        """Delete the record of this node, which ends, and those of nodes that ended silently."""
        with self._database.transaction() as transaction:
            transaction.run("remove_node", {"id": self._id})
            transaction.run("remove_silent_nodes", {})
