"""What was estimated and what was spent, recorded for each evaluation of one principal.

A create is recorded before it is sent, in the same transaction as the check of the day's limit, so
creates of several processes at once cannot exceed the limit together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from anyio import to_thread

from evals_mcp.errors import DailyLimitError
from evals_mcp.providers.rest.ids import own_id_of
from evals_mcp.spending.day import DAY, Day, Spent
from evals_mcp.state.kinds import COSTS
from evals_schemas.tools.plans import Range

if TYPE_CHECKING:
    from evals_mcp.state.records import PrincipalRecords, RecordsTransaction

_UNANSWERED = "create "
"""Before the idempotency key, it names the record of a create without an answer."""


@dataclass(frozen=True)
class CostRecord:
    """What is recorded about one evaluation."""

    name: str
    """Its service and own id."""
    estimate: Range | None
    """US dollars; None without a price."""
    has_ended: bool
    """Whether its end was seen."""
    usd: float | None
    """What it has cost; None if that is unknown or it still runs."""


class Spending:
    """The costs of one principal's evaluations.

    Methods that read or write the state raise `StateError` if it cannot be used.
    """

    def __init__(
        self, records: PrincipalRecords, limit: float | None, now: Callable[[], datetime]
    ) -> None:
        """Use the records of one principal.

        Args:
            records: where the costs are recorded.
            limit: US dollars for 24 hours; None for no limit.
            now: returns the time, with its zone.
        """
        self._records = records
        self._limit = limit
        self._now = now

    async def day(self) -> Day | None:
        """Return the last 24 hours; None without a limit."""
        if self._limit is None:
            return None
        records = await to_thread.run_sync(self._records.list, COSTS)
        return Day.of(map(_spent, (record.value for record in records)), self._limit, self._now())

    async def record_of(self, service: str, evaluation_id: str) -> CostRecord | None:
        """Return the record of an evaluation; None if this server did not start it."""
        name = record_name(service, evaluation_id)
        value = await to_thread.run_sync(self._records.get, COSTS, name)
        return None if value is None else _record(name, value)

    async def recorded_usd(self, names: Sequence[str]) -> dict[str, float]:
        """Return the recorded US dollars of the named evaluations that have any, by name."""
        records = await to_thread.run_sync(self._records.some, COSTS, names)
        return {name: value["usd"] for name, value in records.items() if value["usd"] is not None}

    async def running(self) -> list[CostRecord]:
        """Return the evaluations whose end was not seen yet, the last written first."""
        records = await to_thread.run_sync(self._records.list, COSTS)
        return [
            _record(record.name, record.value)
            for record in records
            if not record.name.startswith(_UNANSWERED) and record.value["ended_at"] is None
        ]

    def reserve(self, records: RecordsTransaction, key: str, estimate: Range | None) -> None:
        """Record a create that is about to be sent; once for each key.

        Args:
            records: the transaction in which the create itself is recorded.
            key: the create's idempotency key.
            estimate: US dollars; None without a price.

        Raises:
            DailyLimitError: the day's limit has no room for it.
        """
        name = _UNANSWERED + key
        if records.get(COSTS, name) is not None:
            return
        if self._limit is not None and estimate is not None:
            everything = (record.value for record in records.list(COSTS))
            day = Day.of(map(_spent, everything), self._limit, self._now())
            if not day.fits(estimate):
                raise DailyLimitError(day.refusal(estimate))
        now = self._now().astimezone(UTC).isoformat()
        ends = {"low": estimate.low, "high": estimate.high} if estimate else {"high": None}
        records.put(COSTS, name, {"at": now, **ends, "sent": True, "ended_at": None, "usd": None})

    def release(self, records: RecordsTransaction, key: str) -> None:
        """Forget a create that started nothing."""
        records.delete(COSTS, _UNANSWERED + key)

    def started(
        self, records: RecordsTransaction, key: str, service: str, evaluation_id: str
    ) -> None:
        """Record the evaluation that a create has started, in place of the create."""
        value = records.get(COSTS, _UNANSWERED + key)
        name = record_name(service, evaluation_id)
        if value is not None:
            self.release(records, key)
            if records.get(COSTS, name) is None:
                records.put(COSTS, name, value | {"sent": False})

    async def ended(self, name: str, at: datetime | None, usd: float | None) -> None:
        """Record the end of an evaluation, and its cost once it is known.

        Args:
            name: the name of its record.
            at: when it ended by the service's clock; None if unknown.
            usd: US dollars; None if unknown.
        """
        now = self._now()

        def change(value: dict[str, Any] | None) -> dict[str, Any] | None:
            if value is None:
                return None
            ended_at = value["ended_at"] or _ended_at(at, value["at"], now)
            return value | {
                "ended_at": ended_at,
                "usd": value["usd"] if value["usd"] is not None else usd,
            }

        await to_thread.run_sync(self._records.update, COSTS, name, change)


def record_name(service: str, evaluation_id: str) -> str:
    """Return the name of an evaluation's record, which no change of the configuration changes."""
    return f"{service}:{own_id_of(evaluation_id)}"


def _record(name: str, value: dict[str, Any]) -> CostRecord:
    high = value["high"]
    estimate = None if high is None else Range(low=value["low"], high=high)
    return CostRecord(name, estimate, value["ended_at"] is not None, value["usd"])


def _spent(value: dict[str, Any]) -> Spent:
    """Return what a record counts with. A create without an answer counts for a day."""
    end = value["at"] if value["sent"] else value["ended_at"]
    until = None if end is None else datetime.fromisoformat(end) + DAY
    return Spent(value["high"], until, value["usd"], value["ended_at"] is not None)


def _ended_at(at: datetime | None, started: str, now: datetime) -> str:
    """Return when an evaluation ended: not before its start, and not after now."""
    if at is None or at.tzinfo is None:
        return now.astimezone(UTC).isoformat()
    return max(min(at, now), datetime.fromisoformat(started)).astimezone(UTC).isoformat()
