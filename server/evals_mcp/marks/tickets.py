"""Tickets: what lets a page in a chat send the marks of the person who looks at it.

A model can call every tool that a page can call. So a mark over MCP needs a ticket, which only a
page receives: it is delivered in the `_meta` of a result, which is not for models. A ticket names
its end and has an HMAC-SHA256 (RFC 2104) over the principal, the evaluation and that end, cut to
128 bits. The server stores no tickets, so every process that has the key can check them.
"""

from __future__ import annotations

import base64
import hmac
import re
import struct
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256

from evals_mcp.errors import InvalidRequestError

TICKET_SECONDS = 7_200
"""Seconds for which a ticket is valid; a page gets a new one with each answer."""

_VERSION = "evals-mcp ticket 1"
_END = struct.Struct(">I")
_SEAL_BYTES = 16
_TEXT = re.compile(r"[A-Za-z0-9_-]{27}")

_ELSEWHERE = "People mark and label rows on the page of the evaluation, or in `evals-mcp view`."


class Tickets:
    """Issues and checks the tickets of one key."""

    def __init__(self, key: bytes, now: Callable[[], datetime]) -> None:
        """Use this key.

        Args:
            key: 32 random bytes, which never leave this machine.
            now: returns the time, with its zone.
        """
        self._key = key
        self._now = now

    def issue(self, principal_id: str, evaluation: str) -> str:
        """Return a ticket for the marks of one principal in one evaluation."""
        end = _END.pack(int(self._now().timestamp()) + TICKET_SECONDS)
        return self._ticket(principal_id, evaluation, end)

    def check(self, ticket: str | None, principal_id: str, evaluation: str) -> None:
        """Raise InvalidRequestError unless a ticket is valid; the message says what to do."""
        if not ticket:
            raise InvalidRequestError(
                "Nothing was stored: this is what a person says, and this call has no `ticket`, "
                f"which only the page has. {_ELSEWHERE}"
            )
        end = (
            base64.urlsafe_b64decode(f"{ticket}=")[: _END.size] if _TEXT.fullmatch(ticket) else b""
        )
        genuine = self._ticket(principal_id, evaluation, end)
        if not end or not hmac.compare_digest(ticket, genuine):
            raise InvalidRequestError(
                "Nothing was stored: `ticket` is not one that this server has issued to you for "
                f"this evaluation. {_ELSEWHERE}"
            )
        if self._now().timestamp() > _END.unpack(end)[0]:
            raise InvalidRequestError(
                "Nothing was stored: the ticket of this page has expired; it was valid for "
                f"{TICKET_SECONDS // 3600} hours. Open the evaluation again, then go on."
            )

    def _ticket(self, principal_id: str, evaluation: str, end: bytes) -> str:
        # Each part with its length, so that no other parts make the same text.
        parts = [_VERSION, principal_id, evaluation]
        text = "".join(f"{len(part)}\n{part}\n" for part in parts).encode("utf-8", "surrogatepass")
        seal = hmac.new(self._key, text + end, sha256).digest()[:_SEAL_BYTES]
        return base64.urlsafe_b64encode(end + seal).decode().rstrip("=")
