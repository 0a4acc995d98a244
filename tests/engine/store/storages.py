"""Both stores, as the tests of their contract open them: each as often as there are nodes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from evals_engine.store.protocols import Storage
from evals_engine.store.store import Store

if TYPE_CHECKING:
    from evals_engine.nodes.database import Database, Transaction
    from evals_engine.nodes.store import NodeStore

Opener = Callable[[], Storage]
"""Opens one more access to the same data."""


def sqlite_opener(folder: Path) -> Opener:
    return lambda: Store(folder)


def postgres_opener(url: str) -> Opener:
    from evals_engine.nodes.store import open_database  # noqa: PLC0415 - see conftest

    return lambda: idle_store(open_database(url))


def idle_store(database: Database) -> NodeStore:
    """Return a store whose evaluations no node runs."""
    from evals_engine.nodes.store import NodeStore  # noqa: PLC0415 - see conftest

    def created(_transaction: Transaction, _evaluation_id: str) -> None:
        """Queue nothing."""

    def cancelled(_transaction: Transaction, _evaluation_id: str) -> bool:
        return True

    return NodeStore(database, created, cancelled)
