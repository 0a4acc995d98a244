"""Tells which of several services an id belongs to: by a prefix, or by the form of the id."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from evals_mcp.cleaning import clean
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


class PrefixedIds:
    """Ids such as `together:eval-1`, since the ids of different services may look the same."""

    def __init__(self, members: Sequence[Provider]) -> None:
        self._members: Mapping[str, Provider] = {member.name: member for member in members}

    @property
    def members(self) -> Sequence[Provider]:
        """The services, the first configured one first."""
        return list(self._members.values())

    def public_id(self, member: Provider, own_id: str) -> str:
        """Return the id with the service's name before it."""
        return f"{member.name}:{own_id}"

    def resolve(self, public_id: str, kind: IdKind) -> tuple[Provider, str]:
        """Return the service and the id without its name; see `Ids`."""
        name, colon, own_id = public_id.partition(":")
        if (member := self._members.get(name)) is not None and own_id:
            return member, own_id
        what = "names no service" if not colon else f"names {clean(name, 40)!r}"
        raise NotFoundError(
            f"The {kind.noun} id {clean(public_id, 80)!r} {what}; configured are "
            f"{' and '.join(self._members)}, and an id begins with one of them, such as "
            f"{next(iter(self._members))}:{kind.example}. Call {kind.list_tool} and copy the "
            "whole id."
        )


class OwnIds:
    """The ids of a single service, unchanged; the service's name before an id is accepted too.

    A conversation may contain ids from a time when several services were configured.
    """

    def __init__(self, member: Provider, service_names: Collection[str]) -> None:
        """Keep the service, and the names of all services, which an id may begin with."""
        self._member = member
        self._service_names = service_names

    @property
    def members(self) -> Sequence[Provider]:
        """The only service."""
        return [self._member]

    def public_id(self, member: Provider, own_id: str) -> str:  # noqa: ARG002 - the only one
        """Return the id itself."""
        return own_id

    def resolve(self, public_id: str, kind: IdKind) -> tuple[Provider, str]:
        """Return the id without the service's name; refuse another service's. See `Ids`."""
        name, colon, own_id = public_id.partition(":")
        if not colon or not own_id or name not in self._service_names:
            return self._member, public_id
        if name == self._member.name:
            return self._member, own_id
        raise NotFoundError(
            f"The {kind.noun} id {clean(public_id, 80)!r} belongs to {name}, which is not "
            f"configured here; {self._member.name} is. Call {kind.list_tool} for the existing ids."
        )


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
