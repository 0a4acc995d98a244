"""Takes off what judges put around a verdict: quotes, emphasis, brackets, tags and the key."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

DECORATION: Final = " \t\r\n*_`'\".,;:!()[]{}<>#|"
"""Characters that may surround a verdict and are not part of it."""

MAX_LAYERS = 12
"""The most layers that are taken off."""

_PAIRS: Final = frozenset(
    {"**", "__", "``", '""', "''", "()", "[]", "{}", "<>", "||"}
    | {"“”", "„“", "„”", "\u2018\u2019", "«»", "「」", "【】"}
)
"""The first and last character of what may be around a verdict."""

_AT_THE_END: Final = ".,;:!。"
_TAG = re.compile(r"<([A-Za-z][\w-]{0,31})>")


def layers(text: str, key: str) -> Iterator[str]:
    """Yield the text, then with more and more of its dress taken off.

    Dress is what stands around the whole text: a pair of quotes, brackets or tags, emphasis,
    punctuation at the end, and the verdict's key as in `Choice: A`. The number of texts has a
    bound, so the time is linear in the text.

    Args:
        text: a whole value or a whole answer of a judge.
        key: the name of the verdict.
    """
    text = text.strip()
    yield text
    for _ in range(MAX_LAYERS):
        inner = _without_a_layer(text, key)
        if inner is None:
            break
        text = inner
        yield text


def head_pattern(key: str) -> str:
    """Return the pattern of `label:` in its usual spellings, up to where the verdict begins."""
    return rf"(?<!\w){key}[\"'*_`\s]{{0,8}}[:=\uff1a\uff1d][*_`\s]{{0,8}}"


@lru_cache
def _head(key: str) -> re.Pattern[str]:
    return re.compile(head_pattern(key), re.IGNORECASE)


def _without_a_layer(text: str, key: str) -> str | None:
    """Return the text without its outermost dress; None if it has none."""
    if len(text) < 2:
        return None
    if (tag := _TAG.match(text)) and text.endswith(closing := f"</{tag[1]}>"):
        return text[tag.end() : -len(closing)].strip()
    if head := _head(key).match(text):
        return text[head.end() :].strip()
    if text[0] + text[-1] in _PAIRS:
        return text[1:-1].strip()
    return text[:-1].strip() if text[-1] in _AT_THE_END else None
