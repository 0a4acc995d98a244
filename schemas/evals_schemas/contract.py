"""What both contracts build on: models of requests and answers, and operations."""

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict


class Request(BaseModel):
    """Something a caller sends: an unknown field is an error, since it would be lost in silence."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())


class Answer(BaseModel):
    """Something a service answers: unknown fields are ignored, since services add them."""

    model_config = ConfigDict(extra="ignore", protected_namespaces=())


@dataclass(frozen=True)
class Operation:
    """One operation: where it is and what it answers."""

    name: str
    method: Literal["GET", "POST", "DELETE"]
    path: str
    """Below the base URL; `{id}` stands for a percent-encoded id."""
    answers: type[BaseModel] | None
    """The body of a success; None for a file's bytes."""
    as_list: bool = False
    """Whether the body is a bare JSON array of `answers`."""
    vendor: bool = True
    """Whether Together has it; the embedded engine has all."""
    also_retried: frozenset[int] = frozenset()
    """Statuses for which a read is sent again, beside those for which every read is."""
