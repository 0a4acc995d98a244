"""What both contracts build on: models of requests and answers, and operations."""

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict


class Request(BaseModel):
    """Base of request bodies: an unknown field is an error, because it would be lost silently."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())


class Answer(BaseModel):
    """Base of answers of services: unknown fields are ignored, because services add fields."""

    model_config = ConfigDict(extra="ignore", protected_namespaces=())


@dataclass(frozen=True)
class Operation:
    """One operation of a contract: its method, its path and its answer."""

    name: str
    method: Literal["GET", "POST", "DELETE"]
    path: str
    """Below the base URL; `{id}` stands for a percent-encoded id."""
    answers: type[BaseModel] | None
    """Model of a success's body; None for a file's bytes."""
    as_list: bool = False
    """Whether the body is a bare JSON array of `answers`."""
    vendor: bool = True
    """Whether Together has the operation; the embedded engine has all."""
    also_retried: frozenset[int] = frozenset()
    """Statuses after which a read is retried, in addition to those after which every read is."""
