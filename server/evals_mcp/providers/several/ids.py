"""Tells which of several services an id belongs to: by a prefix, or by the form of the id."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from evals_mcp.cleaning import quoted
from evals_mcp.errors import NotFoundError
from evals_mcp.providers.protocol import Provider
from evals_mcp.providers.rest.ids import BENCHMARK, IdKind


class Ids(Protocol):
    """A scheme that distinguishes the ids of several services."""

    @property
    def members(self) -> Sequence[Provider]:
        """The services, the first configured one first."""
        ...

    def public_id(self, member: Provider, own_id: str) -> str:
        """Return a service's own id as the caller sees it."""
        ...

    def resolve(self, public_id: str, kind: IdKind) -> tuple[Provider, str]:
        """Return the service that an id belongs to, and the service's own id.

        Raises:
            NotFoundError: the id belongs to no service.
        """
        ...


class ServiceIds:
    """The ids of the first service, unchanged, and those of the others, such as `local:eval-1`.

    The first service's name before an id is accepted as well: a conversation may contain ids from
    a time when other services were configured.
    """

    def __init__(self, members: Sequence[Provider], service_names: Collection[str]) -> None:
        """Keep the services, the default one first.

        Args:
            members: The services in use.
            service_names: The names of all services, which an id may begin with.
        """
        self._members: Mapping[str, Provider] = {member.name: member for member in members}
        self._service_names = service_names

    @property
    def members(self) -> Sequence[Provider]:
        """The services, the default one first."""
        return list(self._members.values())

    def public_id(self, member: Provider, own_id: str) -> str:
        """Return the id, with its service's name before it unless the service is the default."""
        return own_id if member is self.members[0] else f"{member.name}:{own_id}"

    def resolve(self, public_id: str, kind: IdKind) -> tuple[Provider, str]:
        """Return the service by the id's prefix, the default service without one; see `Ids`."""
        name, colon, own_id = public_id.partition(":")
        if not colon or not own_id or name not in self._service_names:
            return self.members[0], public_id
        if (member := self._members.get(name)) is not None:
            return member, own_id
        raise NotFoundError(
            f"The {kind.noun} id {quoted(public_id, 80)} belongs to {name}, which is not "
            f"configured here; {' and '.join(self._members)} {_is_or_are(self._members)}. Call "
            f"{kind.list_tool} for the existing ids."
        )


def _is_or_are(members: Mapping[str, Provider]) -> str:
    return "is" if len(members) == 1 else "are"


class ShapedIds:
    """The ids of two contracts of one service, unchanged, since they never look the same."""

    def __init__(self, judged: Provider, benchmarks: Provider) -> None:
        self._judged, self._benchmarks = judged, benchmarks

    @property
    def members(self) -> Sequence[Provider]:
        """The two contracts, the one for judged evaluations first."""
        return [self._judged, self._benchmarks]

    def public_id(self, member: Provider, own_id: str) -> str:  # noqa: ARG002 - the same for both
        """Return the id itself."""
        return own_id

    def resolve(self, public_id: str, kind: IdKind) -> tuple[Provider, str]:
        """Return the contract by the id's beginning; the judged contract refuses unknown forms."""
        is_benchmark = kind == BENCHMARK or _BENCHMARK_ID.match(public_id)
        return (self._benchmarks if is_benchmark else self._judged), public_id


_BENCHMARK_ID = re.compile(r"(rows-)?beval-|benchmark-")
"""How the embedded engine's ids of the benchmark contract begin."""
