"""Whose an id is, where services stand behind one: by a prefix, or by the id's own form."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Protocol

from evals_mcp.cleaning import clean
from evals_mcp.errors import NotFoundError
from evals_mcp.providers.protocol import Provider
from evals_mcp.providers.rest.ids import BENCHMARK, IdKind

SERVICES = frozenset({"together", "nugen", "local"})
"""What an id may begin with: every service that a configuration can name."""


class Ids(Protocol):
    """How the ids of several services are told apart."""

    @property
    def members(self) -> Sequence[Provider]:
        """The services, the first one first."""
        ...

    def public_id(self, member: Provider, own_id: str) -> str:
        """A service's own id as the caller sees it."""
        ...

    def resolve(self, given: str, id_kind: IdKind) -> tuple[Provider, str]:
        """The service that an id belongs to, and the id as that service knows it.

        Raises:
            NotFoundError: it is none of theirs.
        """
        ...


class PrefixedIds:
    """`together:eval-1`. Ids of different services may look the same, so none goes without."""

    def __init__(self, members: Sequence[Provider]) -> None:
        self._members: Mapping[str, Provider] = {member.name: member for member in members}

    @property
    def members(self) -> Sequence[Provider]:
        """The services, the first one first."""
        return list(self._members.values())

    def public_id(self, member: Provider, own_id: str) -> str:
        """The id behind the service's name."""
        return f"{member.name}:{own_id}"

    def resolve(self, given: str, id_kind: IdKind) -> tuple[Provider, str]:
        """The id without the name; see `Ids`."""
        name, colon, own_id = given.partition(":")
        if (member := self._members.get(name)) is not None and own_id:
            return member, own_id
        what = "names no service" if not colon else f"names {clean(name, 40)!r}"
        raise NotFoundError(
            f"The {id_kind.kind} id {clean(given, 80)!r} {what}; configured are "
            f"{' and '.join(self._members)}, and an id begins with one of them, such as "
            f"{next(iter(self._members))}:{id_kind.example}. Call {id_kind.list_tool} and copy the "
            "whole id."
        )


class OwnIds:
    """One service alone: its ids go out as they are, and come in with its name before them too.

    A conversation may hold ids from a time when several services were configured.
    """

    def __init__(self, member: Provider) -> None:
        self._member = member

    @property
    def members(self) -> Sequence[Provider]:
        """The service."""
        return [self._member]

    def public_id(self, member: Provider, own_id: str) -> str:  # noqa: ARG002 - there is one
        """The id itself."""
        return own_id

    def resolve(self, given: str, id_kind: IdKind) -> tuple[Provider, str]:
        """The id without the service's own name; another service's is refused. See `Ids`."""
        name, colon, own_id = given.partition(":")
        if not colon or not own_id or name not in SERVICES:
            return self._member, given
        if name == self._member.name:
            return self._member, own_id
        raise NotFoundError(
            f"The {id_kind.kind} id {clean(given, 80)!r} is of {name}, which is not configured "
            f"here; {self._member.name} is. Call {id_kind.list_tool} to see the ids there are."
        )


class ShapedIds:
    """Two contracts of one service, whose ids never look the same: nothing is added to them."""

    def __init__(self, judged: Provider, benchmarks: Provider) -> None:
        self._judged, self._benchmarks = judged, benchmarks

    @property
    def members(self) -> Sequence[Provider]:
        """The contract of judged evaluations first."""
        return [self._judged, self._benchmarks]

    def public_id(self, member: Provider, own_id: str) -> str:  # noqa: ARG002 - the same for both
        """The id itself."""
        return own_id

    def resolve(self, given: str, id_kind: IdKind) -> tuple[Provider, str]:
        """By what the id begins with; of any other form it is for the judged contract to refuse."""
        named = id_kind == BENCHMARK or _OF_BENCHMARKS.match(given)
        return (self._benchmarks if named else self._judged), given


_OF_BENCHMARKS = re.compile(r"(rows-)?beval-|benchmark-")
"""How the embedded engine's ids of the benchmark contract begin."""
