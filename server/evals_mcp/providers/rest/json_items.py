"""Reads the items of one array in a JSON answer, one at a time while the answer arrives."""

from __future__ import annotations

import codecs
import json
from collections.abc import AsyncGenerator, AsyncIterator

MAX_VALUE_CHARACTERS = 64 * 1024 * 1024
"""Most characters of a single value."""

_FIRST_READ = 64 * 1024
_DECODER = json.JSONDecoder(parse_constant=lambda _constant: None)


class NoItemsError(Exception):
    """The text is not JSON, ends early or lacks the array; the message continues `answered …`."""


async def items(blocks: AsyncIterator[bytes], names: frozenset[str]) -> AsyncGenerator[object]:
    """Yield the items of the first array under one of these names, or of a top-level array.

    The names are searched in the outermost object, and in an object under one of the names.

    Raises:
        NoItemsError: there is no such array, or the text ends within it.
    """
    text = _Arriving(blocks)
    await _find(text, names)
    while (following := await text.next()) != "]":
        if following == ",":
            text.skip()
        else:
            yield await text.value()


async def _find(text: _Arriving, names: frozenset[str]) -> None:
    """Advance past the bracket that opens the array."""
    first = await text.next()
    while first != "[":
        if first not in {"{", "}", ","}:
            key = await text.value()
            if await text.next() != ":":
                raise NoItemsError("with incomplete or invalid JSON")
            text.skip()
            first = await text.next()
            if key in names and first in {"[", "{"}:
                continue
            await text.value()
        else:
            text.skip()
        first = await text.next(at_end=f"with JSON that has no list under {min(names)}")
    text.skip()


class _Arriving:
    """A text that is still arriving."""

    def __init__(self, blocks: AsyncIterator[bytes]) -> None:
        self._blocks = blocks
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._text, self._at, self._ended = "", 0, False

    def skip(self) -> None:
        """Advance past the character that `next` returned."""
        self._at += 1

    async def next(self, at_end: str = "with a list that breaks off") -> str:
        """Return the next character other than white space, without advancing past it.

        Raises:
            NoItemsError: the text ends; its message is `at_end`.
        """
        while True:
            while self._at < len(self._text):
                if not self._text[self._at].isspace() and self._text[self._at] != "\ufeff":
                    return self._text[self._at]
                self._at += 1
            if self._ended:
                raise NoItemsError(at_end)
            await self._read_on()

    async def value(self) -> object:
        """Read the JSON value that begins at the current position."""
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
                # A number at the end of the buffer may continue in the next block.
                if end < len(self._text) or self._ended:
                    self._at = end
                    return value
            except (ValueError, RecursionError):
                if self._ended or len(self._text) - self._at > MAX_VALUE_CHARACTERS:
                    break
            await self._read_on()
        raise NoItemsError("with incomplete or invalid JSON")

    async def _read_on(self) -> None:
        """Double the buffer, so that repeated decoding costs at most twice the text's length."""
        rest = self._text[self._at :]
        parts, missing = [rest], max(_FIRST_READ, len(rest))
        while missing > 0:
            block = await anext(self._blocks, None)
            if block is None:
                self._ended = True
                parts.append(self._decoder.decode(b"", final=True))
                break
            parts.append(self._decoder.decode(block))
            missing -= len(block)
        self._text, self._at = "".join(parts), 0
