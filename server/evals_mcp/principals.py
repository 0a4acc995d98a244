"""Whose request it is. Every id, cursor, code and cached file belongs to one principal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

from pydantic import SecretStr

SCOPE = "evals.principal"
"""Where a request carries its principal: a key of the ASGI scope, which no header can set."""

OWNER = "evals.owner"
"""Key under which a request to the embedded engine names its owner.

First in the extensions of the client's request, then in its ASGI scope. No header can set the key,
so a request over a network cannot.
"""


@dataclass(frozen=True)
class Principal:
    """Who a request is from, and what it may do."""

    id: str
    """Tells it from every other; a hash where it comes from a key, so that it may be stored."""
    keys: Mapping[str, SecretStr] | None = field(default_factory=dict[str, SecretStr])
    """Its keys for services, by their names, for this request alone; None: the configured ones."""
    may_write: bool = True
    """Whether it may upload, start and cancel."""
    lacking: Mapping[str, str] = field(default_factory=dict[str, str])
    """How to bring a key for a service that it has none for, by the names of the services."""
    remedy: str | None = None
    """What to do about a key that a service does not take; None where it is the configured one."""

    @property
    def label(self) -> str:
        """A short name for logs, from which nothing can be told about who it is."""
        return blake2b(self.id.encode(), digest_size=6, person=b"evals-log").hexdigest()


LOCAL = Principal("local", keys=None)
"""Whoever uses this machine: over stdio, and over HTTP in the mode `local`."""
