"""The names of evaluations and data sets in calls, and hints for an id that does not exist.

A name is no address: two evaluations may have the same one, so tools take ids only. An error names
the ids that a name belongs to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property
from typing import TYPE_CHECKING

import anyio

from evals_mcp.cleaning import inert, quoted
from evals_mcp.errors import EvalsMCPError, OperatorError
from evals_mcp.providers.protocol import Provider
from evals_mcp.providers.rest.ids import own_id_of
from evals_schemas.evaluation_api.files import File

if TYPE_CHECKING:
    from evals_mcp.state.names import NamedItem, Names

_SEARCHED = 100
_SEARCH_SECONDS = 5.0
"""Seconds that an answer waits for a list that only adds to it."""

_SHOWN = 3
_ALIKE = 0.95
"""Least similarity of a misspelt id: one character in twenty may be wrong.

Ids that were created in the same second differ in more characters, but for one pair in a thousand.
"""

_SHORTEST = 6
"""Characters of a part of an id that is recognised."""


def item_of(provider: Provider, public_id: str) -> NamedItem:
    """Return what a name belongs to, whatever services are configured."""
    from evals_mcp.state.names import NamedItem  # noqa: PLC0415 - not before a call

    return NamedItem(provider.service_of(public_id).account, own_id_of(public_id))


async def name_of(names: Names, provider: Provider, public_id: str) -> str | None:
    """Return the name that an item was given; None without, or if the state cannot be used."""
    try:
        return await names.of(item_of(provider, public_id))
    except OperatorError:
        return None


@dataclass(frozen=True)
class ListedNames:
    """The names of one user's evaluations and data sets, as a list shows them."""

    provider: Provider
    by_record: Mapping[str, str]
    """The names in the state, by `NamedItem.record`."""
    files: list[File] | None
    """The service's data sets and benchmarks; None if they cannot be read."""
    problem: str | None
    """Why names in the state are missing; None if they are not."""

    def of_evaluation(self, evaluation_id: str) -> str | None:
        """Return the name that an evaluation was given."""
        return self.by_record.get(_key(self.provider, evaluation_id))

    def of_data_set(self, file_id: str | None) -> str | None:
        """Return the name that a data set was given, or else the one that it is stored under."""
        if file_id is None:
            return None
        return self.by_record.get(_key(self.provider, file_id)) or self._file_names.get(file_id)

    @cached_property
    def _file_names(self) -> Mapping[str, str]:
        return {file.id: file.filename for file in self.files or [] if file.filename}


async def listed_names(names: Names, provider: Provider) -> ListedNames:
    """Return all names; what cannot be read soon is left out."""
    files = None
    with suppress(EvalsMCPError), anyio.move_on_after(_SEARCH_SECONDS):
        files, _ = await provider.datasets_with_failures()
    return await with_given_names(names, provider, files)


async def with_given_names(
    names: Names, provider: Provider, files: list[File] | None
) -> ListedNames:
    """Return the names of the state beside the names that data sets are stored under."""
    try:
        return ListedNames(provider, await names.all(), files, None)
    except OperatorError as error:
        return ListedNames(provider, {}, files, f"Names are not shown: {error}")


async def hint(text: str, provider: Provider, names: Names) -> str:
    """Return a sentence with the evaluations that a text may mean, with a blank before it.

    The sentence is empty if none of the caller's newest evaluations is meant. Only the caller's
    own names and ids are searched.
    """
    # The error without a hint is right, too.
    with suppress(EvalsMCPError), anyio.move_on_after(_SEARCH_SECONDS):
        by_record = await names.all()
        jobs, _ = await provider.evaluations_with_failures(limit=_SEARCHED)
        ids = [job.workflow_id for job in jobs]
        return _hint(text.strip(), {each: by_record.get(_key(provider, each)) for each in ids})
    return ""


def _key(provider: Provider, public_id: str) -> str:
    return item_of(provider, public_id).record


def _hint(text: str, names: Mapping[str, str | None]) -> str:
    lower = text.casefold()
    named = [each for each, name in names.items() if name and name.casefold() == lower]
    if named:
        are = "is the name of" if len(named) == 1 else f"is the name of {len(named)} evaluations:"
        return f" {quoted(text, 60)} {are} {_listed(named)}; pass the id."
    near = [each for each in names if _is_near(lower, own_id_of(each).casefold())]
    return f" Did you mean {_listed(near)}?" if near else ""


def _is_near(text: str, own_id: str) -> bool:
    """Return whether a text is an id with a mistake, or a part of it."""
    bare = own_id_of(text)
    if len(bare) >= _SHORTEST and bare in own_id:
        return True
    matcher = SequenceMatcher(None, bare, own_id, autojunk=False)
    return matcher.quick_ratio() >= _ALIKE and matcher.ratio() >= _ALIKE


def _listed(ids: Sequence[str]) -> str:
    shown = [inert(each, 80) for each in ids[:_SHOWN]]
    more = f" and {len(ids) - _SHOWN} more" if len(ids) > _SHOWN else ""
    return f"{', '.join(shown)}{more}"
