"""The kinds of ids: how an id looks, and which tool lists the existing ones."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

from evals_mcp.cleaning import quoted
from evals_mcp.errors import NotFoundError
from evals_schemas.contract import Operation

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,199}")
"""An id; it begins with a letter or digit, so that no id is `..` in a path."""


_SERVICE = re.compile(r"[a-z][a-z0-9_]{0,30}:(?=[A-Za-z0-9])")
"""The name of a service before an id."""


def own_id_of(public_id: str) -> str:
    """Return an id without the name of its service, which it has or lacks by the configuration."""
    return _SERVICE.sub("", public_id, count=1) if _SERVICE.match(public_id) else public_id


@dataclass(frozen=True)
class IdKind:
    """A kind of thing that has ids."""

    noun: str
    """Its name in messages, such as `data set`."""
    example: str
    """An id of this kind."""
    list_tool: str
    """The tool that lists the existing ids."""

    def missing(self, item_id: str, *, by_token: bool) -> NotFoundError:
        """Return the error for an id that does not exist.

        Args:
            item_id: The id.
            by_token: Whether the id may exist for another token.
        """
        scope = " for this token" if by_token else ""
        return NotFoundError(
            f"No {self.noun} {quoted(item_id, 80)} exists{scope}. "
            f"Call {self.list_tool} for the existing ids."
        )


EVALUATION = IdKind("evaluation", "eval-de4c-1751308922", "list_evaluations")
DATASET = IdKind("data set", "file-5f0e8a1c-3b1e-4c52-9b0e-2f1d6c7a8b90", "list_datasets")
BENCHMARK = IdKind("benchmark", "benchmark-abc123", "list_datasets")


_FORMS = {
    "eval-": EVALUATION.noun,
    "beval-": EVALUATION.noun,
    "file-": DATASET.noun,
    "benchmark-": BENCHMARK.noun,
    "rows-": "result file",
}
"""What has ids that begin so."""


def noun_of(public_id: str) -> str | None:
    """Return what an id belongs to by its beginning; None if that tells nothing."""
    own_id = own_id_of(public_id.strip())
    return next((noun for start, noun in _FORMS.items() if own_id.startswith(start)), None)


def id_kind_of(operation: Operation) -> IdKind:
    """Return the kind of the id in an operation's path."""
    if operation.path.startswith("/api/v3/benchmark"):
        return BENCHMARK
    return DATASET if operation.path.startswith("/files") else EVALUATION


def path_of(operation: Operation, item_id: str | None) -> str:
    """Return the operation's path with the percent-encoded id in it.

    Raises:
        NotFoundError: the text cannot be an id; nothing was sent.
    """
    if item_id is None:
        return operation.path
    if not _ID.fullmatch(item_id):
        kind = id_kind_of(operation)
        raise NotFoundError(
            f"{quoted(item_id, 80)} is not a valid {kind.noun} id: one looks like {kind.example}. "
            f"Call {kind.list_tool} for the existing ids."
        )
    return operation.path.replace("{id}", quote(item_id, safe=""))
