"""Recognises what a judge has copied from the texts that it judged."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property

MAX_PHRASES = 200
"""The most different phrases of one judge's text that are searched; a bound for hostile text."""

_BETWEEN_WORDS = re.compile(r"(?:(?!(?<=[0-9])\.(?=[0-9]))[\W_])+")
_END_OF_ASCII = re.compile(r"(?<=[a-z0-9])(?=[^\x00-\x7f])|(?<=[^\x00-\x7f ])(?=[a-z0-9])")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_LAYOUT = frozenset("nrtbf")
"""Letters that stand for line breaks and the like after a backslash."""

_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")


def words_of(text: str) -> str:
    """Return the words and numbers of a text in lower case, with a space around each.

    Punctuation, quotes and line breaks are left out, so that a text that was quoted or laid out in
    another way still has the same words. Linear in the text.
    """
    if not text.isascii():
        text = _INVISIBLE.sub("", text)
    words = _BETWEEN_WORDS.sub(" ", text.casefold())
    if not words.isascii():
        words = _END_OF_ASCII.sub(" ", words)
    words = words.strip()
    return f" {words} " if words else ""


class JudgedMaterial:
    """The texts that a judge has seen and may quote: the prompt, and the answer or answers."""

    def __init__(self, texts: Iterable[str], key: str) -> None:
        """Read nothing yet.

        Args:
            texts: what the judge was shown to judge.
            key: the name of the verdict.
        """
        self._texts = [text for text in texts if text]
        self._key = key
        self._searched: dict[str, bool] = {}

    @cached_property
    def _words(self) -> list[str]:
        """The words of each text in which the key occurs; the others cannot state a verdict.

        A text with escapes also counts as what it is without them, up to JSON within JSON.
        """
        readings = (reading for text in self._texts for reading in _unescaped(text))
        words = (words_of(text) for text in readings if self._key in _plain(text))
        return [text for text in words if f" {self._key} " in text]

    def contains(self, phrase: str) -> bool:
        """Return whether the phrase, from `words_of`, stands in one of the texts.

        Beyond `MAX_PHRASES` different phrases the answer is True: such a judge's text repeats
        lists, and what cannot be checked does not count as the judge's own.
        """
        if not phrase or not self._words:
            return False
        if phrase not in self._searched:
            if len(self._searched) >= MAX_PHRASES:
                return True
            self._searched[phrase] = any(phrase in words for words in self._words)
        return self._searched[phrase]


def _unescaped(text: str) -> Iterator[str]:
    """Yield the text, and as it is after one and after two decodings of JSON's escapes."""
    yield text
    for _ in range(2):
        if "\\" not in text:
            break
        text = _ESCAPE.sub(_character, text)
        yield text


def _character(escape: re.Match[str]) -> str:
    if escape[1]:
        return chr(int(escape[1], 16))
    return " " if escape[2] in _LAYOUT else escape[2]


def _plain(text: str) -> str:
    return text.casefold() if text.isascii() else _INVISIBLE.sub("", text).casefold()
