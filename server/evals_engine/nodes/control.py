"""What requests need of the nodes: why an evaluation waits, and keys that no node would have."""

from __future__ import annotations

from evals_engine.errors import ApiError
from evals_engine.models.request_keys import Keys
from evals_engine.nodes.database import Database
from evals_engine.store.errors import StorageError
from evals_engine.store.metrics import SILENT_SECONDS
from evals_engine.store.records import ProcessId


class Control:
    """The nodes of a database, as a process that answers requests sees them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def wake(self) -> None:
        """Do nothing: what a request changes is announced in its own transaction."""

    def keep_keys(self, evaluation_id: str, keys: Keys) -> ProcessId | None:  # noqa: ARG002
        """Refuse keys that came with a request, because other nodes would not have them.

        Returns None: any process can run an evaluation without keys.

        Raises:
            ApiError: 400, always, unless there are no keys.
        """
        if keys:
            raise ApiError(
                400,
                "Several nodes run evaluations here, and a key that comes with a request would be "
                "in the memory of one. Only the key of the first configured credential with this "
                "base_url is known to all: leave the key out to use that one, or ask the "
                "administrator to add [credentials.NAME].",
                param=f"{next(iter(keys))}.external_api_token",
            )
        return None

    def forget_keys(self, evaluation_id: str) -> None:
        """Do nothing: no keys are held."""

    def note_on(self, evaluation_id: str) -> str | None:
        """Return why an evaluation makes no progress; None without a reason. Blocking."""
        try:
            records = self._database.read(
                "waiting_reason", {"evaluation_id": evaluation_id, "silence": SILENT_SECONDS}
            )
        except StorageError as error:
            return str(error)
        state = records[0]
        if state["note"]:
            return f"The evaluation waits and resumes by itself: {state['note']}"
        if state["silent"]:
            return (
                f"The nodes that judge {state['silent']} of the {state['running']} parts in hand "
                f"have not been heard of for {state['seconds']} s; after the lease other nodes go "
                "on, and no stored row is lost."
            )
        if state["cancel_requested"]:
            return "The evaluation is being cancelled; rows in flight have some seconds to finish."
        return None
