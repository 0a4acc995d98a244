"""Which processes have died: those that no longer renew their leases, while this one watches."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from evals_engine.store.leases import Lease


@dataclass(frozen=True)
class _Watched:
    lease: Lease
    silent_seconds: float


class SilentLeases:
    """Finds the leases of others that stay unchanged for `lease_seconds`.

    Time is what passes for this process between two looks, so no clock of another process counts.
    One interval counts as half of `lease_seconds` at most: after a pause of this process, or of the
    whole machine, the others have time to renew.
    """

    def __init__(self, lease_seconds: float) -> None:
        self._lease_seconds = lease_seconds
        self._watched: dict[str, _Watched] = {}
        self._looked_at = 0.0

    def among(self, leases: Iterable[Lease], now: float) -> list[Lease]:
        """Return the leases whose holders have been silent for too long.

        Args:
            leases: The leases of all other processes, as they are now.
            now: The current time in seconds, of a clock that only goes forward.
        """
        passed = min(now - self._looked_at, self._lease_seconds / 2)
        before, self._watched = self._watched, {}
        for lease in leases:
            earlier = before.get(lease.evaluation_id)
            seconds = 0.0
            if earlier is not None and earlier.lease == lease:
                seconds = earlier.silent_seconds + passed
            self._watched[lease.evaluation_id] = _Watched(lease, seconds)
        self._looked_at = now
        return [
            each.lease
            for each in self._watched.values()
            if each.silent_seconds >= self._lease_seconds
        ]
