"""The things that have ids: how an id looks, and which tool lists those that exist."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

from evals_mcp.cleaning import clean
from evals_mcp.errors import NotFoundError
from evals_schemas.contract import Operation

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,199}")
"""Begins with a letter or digit, so that no id is a step up in a path."""


@dataclass(frozen=True)
class IdKind:
    """A kind of thing that operations are about."""

    kind: str
    example: str
    list_tool: str

    def missing(self, item_id: str, *, by_token: bool) -> NotFoundError:
        """The error for an id that the service does not know, or not for the token it was given."""
        whose = " for this token" if by_token else ""
        return NotFoundError(
            f"No {self.kind} {clean(item_id, 80)!r} exists{whose}. "
            f"Call {self.list_tool} to see the ids there are."
        )


EVALUATION = IdKind("evaluation", "eval-de4c-1751308922", "list_evaluations")
DATASET = IdKind("data set", "file-5f0e8a1c-3b1e-4c52-9b0e-2f1d6c7a8b90", "list_datasets")
BENCHMARK = IdKind("benchmark", "benchmark-abc123", "list_datasets")


def id_kind_of(operation: Operation) -> IdKind:
    """What an operation is about."""
    if operation.path.startswith("/api/v3/benchmark"):
        return BENCHMARK
    return DATASET if operation.path.startswith("/files") else EVALUATION


def path_of(operation: Operation, item_id: str | None) -> str:
    """The operation's path with the id in it, percent-encoded.

    Raises:
        NotFoundError: the text cannot be an id; nothing was sent.
    """
    if item_id is None:
        return operation.path
    if not _ID.fullmatch(item_id):
        id_kind = id_kind_of(operation)
        raise NotFoundError(
            f"{clean(item_id, 80)!r} is no {id_kind.kind} id: one looks like "
            f"{id_kind.example}. Call {id_kind.list_tool} to see the ids there are."
        )
    return operation.path.replace("{id}", quote(item_id, safe=""))
