"""Remembers which requests the user has declined, over processes and restarts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anyio import to_thread

from evals_mcp.launching.codes import MAX_GENERATION
from evals_mcp.state.kinds import DECLINED

if TYPE_CHECKING:
    from evals_mcp.state.records import PrincipalRecords


class Declines:
    """The requests that one user has declined, by the digests in their codes.

    Each "no" begins a new generation of the request. A code is valid in the generation in which it
    was issued, so a "no" withdraws every code and every question from before it.

    Every method raises `StateError` if the state cannot be used.
    """

    def __init__(self, records: PrincipalRecords) -> None:
        self._records = records

    async def generation(self, request: bytes) -> int:
        """Return how often the user has declined a request."""
        return (await self._record(request))["generation"]

    async def is_declined(self, request: bytes) -> bool:
        """Return whether the user has declined a request and has not agreed to it since."""
        return (await self._record(request))["declined"]

    async def decline(self, request: bytes) -> None:
        """Record that the user has declined a request."""

        def count(value: dict[str, Any] | None) -> dict[str, Any]:
            generation = (value or {}).get("generation", 0) + 1
            return {"generation": generation % MAX_GENERATION, "declined": True}

        await to_thread.run_sync(self._records.update, DECLINED, request.hex(), count)

    async def agree(self, request: bytes, generation: int) -> None:
        """Record that the user has agreed to a request, unless a "no" came after this generation.

        The count of the declines stays as it is.
        """

        def lift(value: dict[str, Any] | None) -> dict[str, Any] | None:
            if value and value["generation"] == generation:
                return {**value, "declined": False}
            return value

        await to_thread.run_sync(self._records.update, DECLINED, request.hex(), lift)

    async def _record(self, request: bytes) -> dict[str, Any]:
        value = await to_thread.run_sync(self._records.get, DECLINED, request.hex())
        return value or {"generation": 0, "declined": False}
