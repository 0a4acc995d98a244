"""The queue of tickets, an existing one: no other module uses procrastinate."""

from __future__ import annotations

from procrastinate.schema import SchemaManager


def queue_schema() -> str:
    """Return the SQL that creates the queue's tables and functions."""
    return SchemaManager.get_schema()
