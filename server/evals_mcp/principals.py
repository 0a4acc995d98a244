"""The identity that a call acts for; ids, cursors, codes and kept files belong to one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

from pydantic import SecretStr

SCOPE = "evals.principal"
"""Key of the principal in the ASGI scope, which no header can set."""

OWNER = "evals.owner"
"""Key under which a request to the embedded engine names its owner.

First in the extensions of the client's request, then in its ASGI scope. No header can set the key,
so a request over a network cannot.
"""


@dataclass(frozen=True)
class Principal:
    """The identity that a call acts for, its keys and its rights."""

    id: str
    """Unique id; a hash if it is derived from a key, so that it may be stored."""
    keys: Mapping[str, SecretStr] | None = field(default_factory=dict[str, SecretStr])
    """Keys by service, for this request only; None uses the configured tokens."""
    may_write: bool = True
    """Whether the principal may upload, start and cancel."""
    lacking: Mapping[str, str] = field(default_factory=dict[str, str])
    """How to add a missing key, by the name of the service."""
    remedy: str | None = None
    """What to do about a key that a service refuses; None if the key is the configured token."""

    @property
    def label(self) -> str:
        """Short pseudonym for logs, which does not reveal the identity."""
        return blake2b(self.id.encode(), digest_size=6, person=b"evals-log").hexdigest()


LOCAL = Principal("local", keys=None)
"""The user of this machine: over stdio, and over HTTP in mode `local`."""
