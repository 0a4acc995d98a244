"""The names that a principal gives to evaluations and data sets, for services without a field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from anyio import to_thread

from evals_mcp.cleaning import clean
from evals_mcp.errors import InvalidRequestError
from evals_mcp.state.kinds import NAMES

if TYPE_CHECKING:
    from evals_mcp.state.records import PrincipalRecords

NAME_CHARS = 100
"""Characters of a name at most."""


@dataclass(frozen=True)
class NamedItem:
    """An evaluation or a data set of one account."""

    account: str
    """The account of its service."""
    own_id: str
    """Its id at the service, which does not change when other services are added."""

    @property
    def record(self) -> str:
        """The name of its record."""
        return f"{self.account} {self.own_id}"


class Names:
    """The names of one principal. Those of others do not exist here.

    Every method raises `StateError` if the state cannot be used.
    """

    def __init__(self, records: PrincipalRecords) -> None:
        self._records = records

    async def give(self, item: NamedItem, name: str) -> str:
        """Name an item that has no name yet, and return the name that it has now.

        Raises:
            QuotaError: the principal's quota does not allow it.
        """

        def first_name(earlier: str | None) -> str:
            return earlier or name

        return await to_thread.run_sync(self._records.update, NAMES, item.record, first_name)

    async def replace(self, item: NamedItem, name: str) -> None:
        """Name an item, whether it has a name or not.

        Raises:
            QuotaError: the principal's quota does not allow it.
        """
        await to_thread.run_sync(self._records.put, NAMES, item.record, name)

    async def of(self, item: NamedItem) -> str | None:
        """Return the name of an item; None without one."""
        return await to_thread.run_sync(self._records.get, NAMES, item.record)

    async def all(self) -> Mapping[str, str]:
        """Return every name by its item's `record`."""
        records = await to_thread.run_sync(self._records.list, NAMES)
        return {record.name: record.value for record in records}

    async def forget(self, item: NamedItem) -> None:
        """Remove the name of an item that was deleted."""
        await to_thread.run_sync(self._records.delete, NAMES, item.record)


def checked_name(text: str) -> str:
    """Return a name as one line without invisible characters.

    Raises:
        InvalidRequestError: nothing of it can be seen.
    """
    name = clean(text, NAME_CHARS)
    if not name:
        raise InvalidRequestError(
            "`name` has no visible character: give a short text, such as 'baseline', or leave it "
            "out."
        )
    return name
