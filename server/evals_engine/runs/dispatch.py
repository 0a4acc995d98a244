"""What the handlers need of whatever runs the evaluations: this process, or other nodes."""

from __future__ import annotations

from typing import Protocol

from evals_engine.models.request_keys import Keys
from evals_engine.store.records import ProcessId


class Dispatch(Protocol):
    """Hands new evaluations to whatever runs them."""

    def keep_keys(self, evaluation_id: str, keys: Keys) -> ProcessId | None:
        """Keep the keys of a new evaluation until it has ended.

        Returns the only process that can run it; None if any can, because there are no keys.

        Raises:
            ApiError: 400, no process can have keys that come with a request.
        """
        ...

    def forget_keys(self, evaluation_id: str) -> None:
        """Forget the keys of an evaluation that was not stored."""
        ...

    def note_on(self, evaluation_id: str) -> str | None:
        """Return why an evaluation makes no progress; None without a known reason. May block."""
        ...

    def wake(self) -> None:
        """Look for work now, because an evaluation was created or is to be cancelled."""
        ...
