"""Signed links: URLs of this server that allow one action on one thing for a short time.

A link carries its action, its principal, its subject, its end and its size limit, with an
HMAC-SHA256 (RFC 2104) over all of them. Nothing is stored, so every server that shares
`budget.key_file` takes the link of any other.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Literal, cast

from evals_mcp.errors import InvalidRequestError

LinkAction = Literal["upload", "download", "page"]

MAX_SECONDS = 86_400.0
"""The longest time for which a link may be valid."""

PATH = "/links/"
"""The path under which links are answered; the token follows."""

_PURPOSE = b"evals-mcp link 1\n"
_SEAL_BYTES = 16


class LinkError(InvalidRequestError):
    """The link was altered, was not issued by this server, or has expired."""


@dataclass(frozen=True)
class Link:
    """What a link allows."""

    action: LinkAction
    principal_id: str
    """Whose data the action reads or writes."""
    subject: str
    """What the action is about, such as the name of a file."""
    expires: datetime
    """When the link ends; UTC, to the second."""
    max_bytes: int
    """The most bytes that are read or written through the link."""


class Links:
    """Issues and reads the links of one key."""

    def __init__(self, key: bytes, public_url: str, now: Callable[[], datetime]) -> None:
        """Sign with a key.

        Args:
            key: random bytes that never leave the servers which share them.
            public_url: the URL under which users reach this server, without a path of its own.
            now: the time with its zone.
        """
        self._key = key
        self._public_url = public_url.rstrip("/")
        self._now = now

    def issue(
        self,
        action: LinkAction,
        principal_id: str,
        subject: str,
        *,
        seconds: float,
        max_bytes: int,
    ) -> str:
        """Return the URL of a new link.

        Args:
            action: what the link allows.
            principal_id: whose data it is about.
            subject: what the action is about.
            seconds: for how long the link is valid, above 0 and at most `MAX_SECONDS`.
            max_bytes: the most bytes that may be read or written, 1 or more.
        """
        if not 0 < seconds <= MAX_SECONDS or max_bytes < 1:
            raise ValueError("a link has an end within a day and a size limit")
        expires = int((self._now() + timedelta(seconds=seconds)).timestamp())
        fields = [action, principal_id, subject, expires, max_bytes]
        text = json.dumps(fields, separators=(",", ":")).encode()
        token = _token(self._seal(text) + text)
        return f"{self._public_url}{PATH}{token}"

    def read(self, token: str, action: LinkAction) -> Link:
        """Return what a link allows.

        Args:
            token: what follows `PATH` in the URL.
            action: the action that is wanted.

        Raises:
            LinkError: the link does not allow the action, or no longer.
        """
        fields = self._fields(token)
        if fields is None or fields[0] != action:
            raise LinkError(
                f"This link is not valid for the action `{action}` on this server. Ask the "
                "assistant for a new one."
            )
        _, principal_id, subject, expires, max_bytes = fields
        end = datetime.fromtimestamp(expires, self._now().tzinfo)
        if self._now() >= end:
            raise LinkError(
                f"This link expired at {end:%Y-%m-%d %H:%M:%S %Z}. Ask the assistant for a new one."
            )
        return Link(action, principal_id, subject, end, max_bytes)

    def _fields(self, token: str) -> tuple[str, str, str, int, int] | None:
        """Return the fields of a genuine token; None if it is not genuine."""
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (ValueError, binascii.Error):
            return None
        if _token(raw) != token:  # another spelling of the same bytes
            return None
        seal, text = raw[:_SEAL_BYTES], raw[_SEAL_BYTES:]
        if not hmac.compare_digest(seal, self._seal(text)):
            return None
        return cast("tuple[str, str, str, int, int]", tuple(json.loads(text)))

    def _seal(self, text: bytes) -> bytes:
        return hmac.new(self._key, _PURPOSE + text, sha256).digest()[:_SEAL_BYTES]


def _token(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
