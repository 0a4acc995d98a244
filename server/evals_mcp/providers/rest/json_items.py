"""The items of one array inside a JSON answer, one at a time while the answer arrives."""

from __future__ import annotations

import codecs
import json
from collections.abc import AsyncGenerator, AsyncIterator

MAX_VALUE_CHARACTERS = 64 * 1024 * 1024
"""The longest single value that is read."""

_FIRST_READ = 64 * 1024
_DECODER = json.JSONDecoder(parse_constant=lambda _constant: None)


class NoItemsError(Exception):
    """The text is not JSON, ends early, or has no such array; `str` continues `answered …`."""


async def items(blocks: AsyncIterator[bytes], names: frozenset[str]) -> AsyncGenerator[object]:
    """The items of the first array under one of these names, or of the text itself if it is one.

    The name is looked for in the outermost object, and in an object that is under one of the names.

    Raises:
        NoItemsError: there is no such array, or it does not end.
    """
    text = _Arriving(blocks)
    await _find(text, names)
    while (following := await text.next()) != "]":
        if following == ",":
            text.skip()
        else:
            yield await text.value()


async def _find(text: _Arriving, names: frozenset[str]) -> None:
    """Stop behind the bracket that opens the array."""
    first = await text.next()
    while first != "[":
        if first not in {"{", "}", ","}:
            key = await text.value()
            if await text.next() != ":":
                raise NoItemsError("with something that is not complete JSON")
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
    """A text of which the beginning is there."""

    def __init__(self, blocks: AsyncIterator[bytes]) -> None:
        self._blocks = blocks
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._text, self._at, self._ended = "", 0, False

    def skip(self) -> None:
        """Go past the character that `next` answered."""
        self._at += 1

    async def next(self, at_end: str = "with a list that breaks off") -> str:
        """The next character that is no white space, without going past it.

        Raises:
            NoItemsError: with `at_end`, where the text ends.
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
        """The JSON value that begins here."""
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
                # A number at the end of what is there may go on.
                if end < len(self._text) or self._ended:
                    self._at = end
                    return value
            except (ValueError, RecursionError):
                if self._ended or len(self._text) - self._at > MAX_VALUE_CHARACTERS:
                    break
            await self._read_on()
        raise NoItemsError("with something that is not complete JSON")

    async def _read_on(self) -> None:
        """Read as much again as is there, so that decoding anew costs twice the length at most."""
        rest = self._text[self._at :]
        parts, wanted = [rest], max(_FIRST_READ, len(rest))
        while wanted > 0:
            block = await anext(self._blocks, None)
            if block is None:
                self._ended = True
                parts.append(self._decoder.decode(b"", final=True))
                break
            parts.append(self._decoder.decode(block))
            wanted -= len(block)
        self._text, self._at = "".join(parts), 0
