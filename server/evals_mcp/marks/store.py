"""The marks of one principal in the state, by what they are about."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC
from typing import TYPE_CHECKING, Any, cast

from anyio import to_thread

from evals_mcp.marks.mark import Mark, mark_of
from evals_mcp.marks.tickets import Tickets
from evals_mcp.state.kinds import MARKS
from evals_schemas.digests import value_digest

if TYPE_CHECKING:
    from evals_mcp.state.records import PrincipalRecords

MOST_EARLIER = 20
"""Marks of one labeller on one answer that are kept besides the newest one."""


class Marks:
    """The marks and tickets of one principal. Those of others do not exist here.

    The newest mark of a labeller on an answer counts. Earlier ones are kept beside it, so that a
    change of mind can be seen.

    Methods that read or write the state raise `StateError` if it cannot be used.
    """

    def __init__(self, records: PrincipalRecords, key: Callable[[], Awaitable[bytes]]) -> None:
        """Use the records of one principal, and the key of this server's tickets."""
        self._records = records
        self._key = key

    @property
    def labeller(self) -> str:
        """Who marks here."""
        return self._records.principal_id

    def now(self) -> str:
        """Return the time as marks have it."""
        return self._records.now().astimezone(UTC).isoformat(timespec="seconds")

    async def ticket(self, evaluation: str) -> str:
        """Return a ticket for marks in an evaluation, named as `Mark.evaluation` names it."""
        return (await self._tickets()).issue(self.labeller, evaluation)

    async def check_ticket(self, ticket: str | None, evaluation: str) -> None:
        """Raise InvalidRequestError unless a ticket is for this principal and this evaluation."""
        (await self._tickets()).check(ticket, self.labeller, evaluation)

    async def add(self, subject: str, mark: Mark) -> None:
        """Store a mark, which then counts in place of the labeller's earlier one.

        Args:
            subject: what it is about; see `Subjects.of`.
            mark: the mark.

        Raises:
            QuotaError: the principal's quota does not allow it.
        """

        def added(stored: Any) -> Any:
            earlier = cast("Mapping[str, list[Any]]", stored or {"marks": []})["marks"]
            return {"marks": [mark.stored(), *earlier[:MOST_EARLIER]]}

        name = f"{subject} {_labeller_digest(mark.labeller)}"
        await to_thread.run_sync(self._records.update, MARKS, name, added)

    async def of(self, subjects: Sequence[str]) -> Mapping[str, Mark]:
        """Return this labeller's marks by what they are about, of those that exist."""
        end = f" {_labeller_digest(self.labeller)}"
        names = [f"{subject}{end}" for subject in subjects]
        stored = await to_thread.run_sync(self._records.some, MARKS, names)
        return {name.removesuffix(end): _newest(value) for name, value in stored.items()}

    async def all_of(self, verdicts: str) -> Mapping[str, Mark]:
        """Return this labeller's marks on answers with these possible verdicts.

        Args:
            verdicts: their digest; see `Subjects.verdicts`.
        """
        end = f" {_labeller_digest(self.labeller)}"
        stored = await to_thread.run_sync(self._records.starting_with, MARKS, f"{verdicts} ")
        return {
            name.removesuffix(end): _newest(value)
            for name, value in stored.items()
            if name.endswith(end)
        }

    async def _tickets(self) -> Tickets:
        return Tickets(await self._key(), self._records.now)


def _newest(stored: Mapping[str, Any]) -> Mark:
    return mark_of(stored["marks"][0])


def _labeller_digest(labeller: str) -> str:
    return value_digest("labeller", labeller)
