"""Confirmation codes: what a user agreed to, in sixty characters that only this server can write.

A code contains its time of issue, its lifetime, a digest of the request, how often the user has
declined the request before, the estimate, and an HMAC-SHA256 (RFC 2104) over all of these and the
owner, cut to 128 bits. The server stores no codes, so every process that has the key can read them.
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
from evals_mcp.launching.agreed_estimate import Estimate, change_reason

_VERSION = "evals-mcp confirm 2"
_HEAD = struct.Struct(">II12s9s")
_HEAD_BYTES, _SEAL_BYTES, _DIGEST_BYTES = _HEAD.size, 16, 9
_LIFETIME_BITS = 17
MAX_GENERATION = 2**14
"""Declines after which the count in codes starts again at 0."""

_CODE_TEXT = re.compile(r"[A-Za-z0-9_-]{60}")


@dataclass(frozen=True)
class Code:
    """The content of a genuine code."""

    text: str
    issued: datetime
    lifetime: int
    """Seconds."""
    again: bool
    """Whether the code is for another evaluation besides an identical one."""
    generation: int
    """How often the user had declined the request when the code was issued."""
    estimate: Estimate
    request_digest: bytes
    """Identifies the request."""


class ConfirmCodes:
    """Issues and reads the codes of one key."""

    def __init__(self, key: bytes, now: Callable[[], datetime]) -> None:
        """Use this key.

        Args:
            key: 32 random bytes, which never leave this machine.
            now: returns the time, with its zone.
        """
        self._key = key
        self._now = now

    def issue(  # noqa: PLR0913 - the parts of a code
        self,
        owner: str,
        request: str,
        estimate: Estimate,
        lifetime: float,
        *,
        again: bool,
        generation: int = 0,
    ) -> Code:
        """Return a code for one request at one estimate.

        Args:
            owner: who may use the code: the user and the account.
            request: the digest of the request.
            estimate: what the user is shown.
            lifetime: seconds, up to a day, in which the code is valid.
            again: whether the code is for another evaluation besides an identical one.
            generation: how often the user has declined the request; below `MAX_GENERATION`.
        """
        issued = int(self._now().timestamp())
        seconds = min(max(1, int(lifetime)), 2**_LIFETIME_BITS - 1)
        flags = (generation << _LIFETIME_BITS | seconds) << 1 | again
        digest = self.request_digest(request)
        head = _HEAD.pack(issued, flags, estimate.packed, digest)
        text = base64.urlsafe_b64encode(head + self._seal(owner, head)).decode()
        return self._code(text, head)

    def read(self, text: str, owner: str) -> Code:
        """Return the content of a code.

        Raises:
            InvalidRequestError: the code was altered, or not issued by this server to this
                owner; the message does not say which.
        """
        if _CODE_TEXT.fullmatch(text := text.strip()):
            raw = base64.urlsafe_b64decode(text)
            head, seal = raw[:_HEAD_BYTES], raw[_HEAD_BYTES:]
            if hmac.compare_digest(seal, self._seal(owner, head)):
                return self._code(text, head)
        raise InvalidRequestError(
            "`confirm` is not a code that this server has issued to you. Leave it out to get the "
            "estimate and, if the user has to agree, a code."
        )

    @staticmethod
    def _code(text: str, head: bytes) -> Code:
        issued, flags, packed, digest = _HEAD.unpack(head)
        return Code(
            text=text,
            issued=datetime.fromtimestamp(issued, UTC),
            lifetime=flags >> 1 & 2**_LIFETIME_BITS - 1,
            again=bool(flags & 1),
            generation=flags >> 1 + _LIFETIME_BITS,
            estimate=Estimate.unpacked(packed),
            request_digest=digest,
        )

    def is_for(self, code: Code, request: str) -> bool:
        """Return whether a code was issued for this request, at any estimate."""
        return hmac.compare_digest(code.request_digest, self.request_digest(request))

    def rejection(self, code: Code, request: str, estimate: Estimate, *, again: bool) -> str | None:
        """Return why a genuine code is not valid for this request now; None if it is valid."""
        if not self.is_for(code, request):
            return "The code was issued for another request: a field has changed since."
        if again and not code.again:
            return "The code was issued without `again`, which starts another evaluation."
        if not code.estimate.covers(estimate):
            return change_reason(code.estimate, estimate)
        if (self._now() - code.issued).total_seconds() > code.lifetime:
            return f"The code has expired; it was valid for {code.lifetime} s."
        return None

    def creation_key(self, code: Code, part: str = "") -> str:
        """Return an idempotency key that is the same in every process for the same code.

        Args:
            code: the code under which an evaluation starts.
            part: which evaluation, of several that start under the code; empty for one alone.
        """
        text = f"{_VERSION} create\n{code.text}" + (f"\n{part}" if part else "")
        return hmac.new(self._key, text.encode(), sha256).hexdigest()

    def request_digest(self, request: str) -> bytes:
        """Return the nine bytes that stand for a request in its codes."""
        digest = hmac.new(self._key, f"{_VERSION} request\n{request}".encode(), sha256)
        return digest.digest()[:_DIGEST_BYTES]

    def _seal(self, owner: str, head: bytes) -> bytes:
        text = f"{_VERSION} seal\n{owner}\n".encode()
        return hmac.new(self._key, text + head, sha256).digest()[:_SEAL_BYTES]
