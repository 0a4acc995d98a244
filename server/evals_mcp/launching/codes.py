"""Confirmation codes: what a user agreed to, in sixty characters that only this server can write.

A code carries when it was given out, for how long, for which request and at which estimate, and an
HMAC-SHA256 (RFC 2104), cut to 128 bits, over all of it and the account. Nothing of it is stored, so
every process that shares the key takes it.
"""

from __future__ import annotations

import base64
import hmac
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from evals_mcp.errors import InvalidRequestError
from evals_mcp.launching.agreed_estimate import Estimate, changed

_VERSION = "evals-mcp confirm 1"
_HEAD = struct.Struct(">II12s9s")
_HEAD_BYTES, _SEAL_BYTES, _MARK_BYTES = _HEAD.size, 16, 9
_WRITTEN = re.compile(r"[A-Za-z0-9_-]{60}")


@dataclass(frozen=True)
class Code:
    """A genuine code, read."""

    text: str
    issued: datetime
    lifetime: int
    """Seconds."""
    again: bool
    """Whether it is for another evaluation beside an identical one."""
    estimate: Estimate
    mark: bytes
    """Stands for the request."""


class ConfirmCodes:
    """Writes and reads the codes of one key."""

    def __init__(self, key: bytes, now: Callable[[], datetime]) -> None:
        """Write with this key.

        Args:
            key: 32 random bytes, which never leave this machine.
            now: the time, with its zone.
        """
        self._key = key
        self._now = now

    def issue(
        self, account: str, fingerprint: str, estimate: Estimate, lifetime: float, *, again: bool
    ) -> Code:
        """A code for one request at one estimate, for so many seconds."""
        issued, held = int(self._now().timestamp()), max(1, int(lifetime))
        mark = self._mark(fingerprint)
        head = _HEAD.pack(issued, held << 1 | again, estimate.packed, mark)
        text = base64.urlsafe_b64encode(head + self._seal(account, head)).decode()
        return Code(text, datetime.fromtimestamp(issued, UTC), held, again, estimate, mark)

    def read(self, text: str, account: str) -> Code:
        """The code behind a text.

        Raises:
            InvalidRequestError: it was altered, or not given out here to this account; which of
                them is not told.
        """
        if _WRITTEN.fullmatch(text := text.strip()):
            raw = base64.urlsafe_b64decode(text)
            head, seal = raw[:_HEAD_BYTES], raw[_HEAD_BYTES:]
            if hmac.compare_digest(seal, self._seal(account, head)):
                issued, held, packed, mark = _HEAD.unpack(head)
                return Code(
                    text=text,
                    issued=datetime.fromtimestamp(issued, UTC),
                    lifetime=held >> 1,
                    again=bool(held & 1),
                    estimate=Estimate.unpacked(packed),
                    mark=mark,
                )
        raise InvalidRequestError(
            "`confirm` is no code that this server has given out to you. Leave it out to be told "
            "the estimate and, where the user has to agree, a code."
        )

    def is_for(self, code: Code, fingerprint: str) -> bool:
        """Whether a code was given out for this request, at whatever estimate."""
        return hmac.compare_digest(code.mark, self._mark(fingerprint))

    def why_not(
        self, code: Code, fingerprint: str, estimate: Estimate, *, again: bool
    ) -> str | None:
        """Why a genuine code does not stand for this request now; None when it does."""
        if not self.is_for(code, fingerprint):
            return "The code was given out for another request: a field has changed since."
        if again and not code.again:
            return "The code was given out without `again`, which starts another one."
        if not code.estimate.covers(estimate):
            return changed(code.estimate, estimate)
        if (self._now() - code.issued).total_seconds() > code.lifetime:
            return f"The code has expired; it held for {code.lifetime} s."
        return None

    def creation_key(self, code: Code) -> str:
        """An idempotency key that every process derives from the same code."""
        return hmac.new(self._key, f"{_VERSION} create\n{code.text}".encode(), sha256).hexdigest()

    def _mark(self, fingerprint: str) -> bytes:
        made = hmac.new(self._key, f"{_VERSION} request\n{fingerprint}".encode(), sha256)
        return made.digest()[:_MARK_BYTES]

    def _seal(self, account: str, head: bytes) -> bytes:
        text = f"{_VERSION} seal\n{account}\n".encode()
        return hmac.new(self._key, text + head, sha256).digest()[:_SEAL_BYTES]
