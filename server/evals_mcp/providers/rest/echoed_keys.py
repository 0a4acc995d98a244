"""Takes a service's key out of what the service answers: some repeat the request they were sent."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator

from pydantic import SecretStr

SHORTEST = 16
"""Characters of the shortest key looked for: a shorter one is a stand-in, and may be any word."""

REMOVED = b"[removed]"


class KeyRedactor:
    """Looks for one key."""

    def __init__(self, token: SecretStr | None) -> None:
        key = token.get_secret_value().encode() if token else b""
        self._key = key if len(key) >= SHORTEST else b""

    def removed(self, body: bytes) -> bytes:
        """The body without the key."""
        return body.replace(self._key, REMOVED) if self._key else body

    async def removed_from(self, blocks: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
        """A stream without the key, which may lie across two of its blocks."""
        held = b""
        async for block in blocks:
            found = self.removed(held + block)
            sent = len(found) - self._begun(found)
            held = found[sent:]
            if sent:
                yield found[:sent]
        if held:
            yield held

    def _begun(self, text: bytes) -> int:
        """How many bytes at the end may be the beginning of the key."""
        longest = min(len(self._key) - 1, len(text))
        fitting = (n for n in range(longest, 0, -1) if self._key.startswith(text[-n:]))
        return next(fitting, 0)
