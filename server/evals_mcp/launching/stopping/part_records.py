"""Which evaluation judges which part of a run, so that no part is created twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anyio import to_thread

from evals_mcp.state.kinds import PARTS
from evals_schemas.digests import value_digest

if TYPE_CHECKING:
    from evals_mcp.state.records import PrincipalRecords


class PartRecords:
    """The parts that one principal has started. Every method may raise `StateError`."""

    def __init__(self, records: PrincipalRecords) -> None:
        self._records = records

    async def evaluation_of(self, part: str) -> str | None:
        """Return the id of the evaluation of a part; None if it was not started."""
        return await to_thread.run_sync(self._records.get, PARTS, part)

    async def remember(self, part: str, evaluation_id: str) -> None:
        """Record the evaluation of a part."""
        await to_thread.run_sync(self._records.put, PARTS, part, evaluation_id)


def part_name(data_digest: str, seed: int, number: int, request: Any) -> str:
    """Return the name of a part.

    Args:
        data_digest: the name of all rows.
        seed: of their order.
        number: of the part, from 1.
        request: the account and the arguments that decide how its rows are judged.
    """
    return value_digest("part", [data_digest, seed, number, request])
