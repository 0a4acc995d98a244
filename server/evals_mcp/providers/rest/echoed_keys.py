"""Removes a service's key from its answers: some services repeat the request in them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator

from pydantic import SecretStr

SHORTEST = 16
"""Characters of the shortest key removed: a shorter one is a placeholder that may be any word."""

REMOVED = b"[removed]"


class KeyRedactor:
    """Removes one key from answers."""

    def __init__(self, token: SecretStr | None) -> None:
        key = token.get_secret_value().encode() if token else b""
        self._key = key if len(key) >= SHORTEST else b""

    def removed(self, body: bytes) -> bytes:
        """Return the body without the key."""
        return body.replace(self._key, REMOVED) if self._key else body

    async def removed_from(self, blocks: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
        """Yield a stream without the key, even if the key spans two blocks."""
        held = b""
        async for block in blocks:
            text = self.removed(held + block)
            sent = len(text) - self._partial_key_bytes(text)
            held = text[sent:]
            if sent:
                yield text[:sent]
        if held:
            yield held

    def _partial_key_bytes(self, text: bytes) -> int:
        """Return how many bytes at the end may be the beginning of the key."""
        longest = min(len(self._key) - 1, len(text))
        matching = (n for n in range(longest, 0, -1) if self._key.startswith(text[-n:]))
        return next(matching, 0)
