"""The principal of a request, to whom its ids, cursors, codes and cached files belong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

from pydantic import SecretStr

SCOPE = "evals.principal"
"""Key of the ASGI scope that holds a request's principal; no header can set the key."""

OWNER = "evals.owner"
"""Key under which a request to the embedded engine names its owner.

First in the extensions of the client's request, then in its ASGI scope. No header can set the key,
so a request over a network cannot.
"""

NAMED_OWNER = "X-Evals-Owner"
"""Header in which a request to a served engine names its owner; `local.token` permits that."""


def _ignore(_: str) -> None:
    """Do nothing."""


@dataclass(frozen=True)
class Principal:
    """The identity that a request acts for, and what the request may do."""

    id: str
    """Unique id; if the id is made from a key, a hash that may be stored."""
    keys: Mapping[str, SecretStr] | None = field(default_factory=dict[str, SecretStr])
    """Keys for services, by service name, for this request alone; None uses the configured keys."""
    may_write: bool = True
    """Whether the principal may upload, start, cancel and delete."""
    lacking: Mapping[str, str] = field(default_factory=dict[str, str])
    """How to bring a key for a service without one, by service name."""
    remedy: str | None = None
    """What to do about a key that a service refuses; None for a configured key."""
    limited_as: str | None = None
    """Name that the limits of calls count this request under; None counts it under the id."""
    key_accepted: Callable[[str], None] = field(default=_ignore, compare=False, repr=False)
    """Called with the name of a service that has accepted the principal's key."""

    @property
    def label(self) -> str:
        """A short name for logs that does not reveal the identity."""
        return blake2b(self.id.encode(), digest_size=6, person=b"evals-log").hexdigest()


LOCAL = Principal("local", keys=None)
"""The user of this machine: over stdio, and over HTTP in the mode `local`."""
