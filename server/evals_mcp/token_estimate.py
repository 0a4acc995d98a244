"""Estimates how many tokens a text has for a model, without a vocabulary.

A text is split as byte-pair tokenizers split it before they merge: into words, runs of digits,
punctuation and white space. The mean number of tokens by kind and length of a piece was measured
with o200k on translated manuals, prose, source code and JSON. For words in Latin letters, the
tokens for each letter depend on the language, which is recognized by its most common words. The
result is within a tenth of o200k on ordinary texts; vocabularies of other models differ by as much.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

_UPPER = "A-ZÀ-ÖØ-Þ"
_LOWER = "a-zß-öø-ÿĀ-ɏ"
_PIECES = re.compile(
    rf"(?P<latin>(?:(?![\r\n])[\W_])?(?:[{_UPPER}]*[{_LOWER}]+|[{_UPPER}]+)(?:'(?:s|t|re|ve|m|ll|d)\b)?)"
    r"|(?P<digits>\d{1,3})"
    r"|(?P<han>[\u3005\u3400-\u9fff\uf900-\ufaff]+)"
    r"|(?P<kana>[\u3041-\u30ff]+)"
    r"|(?P<cyrillic> ?[\u0400-\u052f]+)"
    r"|(?P<devanagari> ?[\u0900-\u0963\u0970-\u097f]+)"
    r"|(?P<hangul> ?[\u1100-\u11ff\uac00-\ud7af]+)"
    r"|(?P<semitic> ?[\u0590-\u06ff\u0750-\u077f]+)"
    r"|(?P<greek> ?[\u0370-\u03ff\u1f00-\u1fff]+)"
    r"|(?P<thai>[\u0e00-\u0e7f]+)"
    r"|(?P<lines>\s*[\r\n]+)"
    r"|(?P<marks> ?[!-/:-@\[-`{-~]+[\r\n]*)"
    r"|(?P<blanks>[^\S\r\n]+)"
    r"|(?P<wide>[\U00010000-\U0010ffff])"
    r"|(?P<joiner>[\u200d\ufe0e\ufe0f])"
    r"|(?P<other>.)",
    re.DOTALL,
)
"""Splits a text so that every character is in exactly one piece."""

_BY_LETTER = {
    "han": (0.03, 0.8),
    "kana": (0.03, 0.72),
    "hangul": (0.4, 0.5),
    "thai": (0.4, 0.42),
}
"""Tokens of a piece, and of each of its characters, in scripts without short words."""

_BY_LENGTH = {
    "cyrillic": (2, 0.155),
    "devanagari": (3, 0.33),
    "semitic": (2, 0.25),
    "greek": (4, 0.47),
}
"""Letters of the longest word with one token, and tokens for each further letter."""

_ENGLISH, _ROMANCE, _GERMANIC, _OTHER = 0.03, 0.13, 0.22, 0.38
"""Tokens for each letter of a Latin word beyond the fourth, by group of languages."""

_COMMON_WORDS = {
    **dict.fromkeys(
        [
            "the",
            "of",
            "and",
            "to",
            "is",
            "in",
            "that",
            "it",
            "for",
            "you",
            "with",
            "are",
            "this",
            "be",
            "as",
            "on",
            "not",
        ],
        _ENGLISH,
    ),
    **dict.fromkeys(
        [
            "de",
            "la",
            "que",
            "el",
            "le",
            "les",
            "et",
            "los",
            "des",
            "un",
            "une",
            "en",
            "il",
            "per",
            "del",
            "che",
            "da",
            "do",
            "em",
            "para",
        ],
        _ROMANCE,
    ),
    **dict.fromkeys(
        [
            "der",
            "die",
            "und",
            "das",
            "den",
            "von",
            "zu",
            "mit",
            "ist",
            "nicht",
            "ein",
            "eine",
            "het",
            "een",
            "och",
            "att",
            "det",
            "som",
            "er",
            "på",
        ],
        _GERMANIC,
    ),
    **dict.fromkeys(
        [
            "nie",
            "się",
            "że",
            "jest",
            "na",
            "w",
            "z",
            "se",
            "je",
            "že",
            "ve",
            "bir",
            "bu",
            "nem",
            "az",
            "egy",
            "és",
            "hogy",
            "ja",
            "ei",
        ],
        _OTHER,
    ),
}
"""The most common words of each group of languages, with the tokens for each further letter."""

_UNKNOWN, _ACCENTED = 0.05, 0.24
"""Tokens for each further letter without a common word, and with an accented letter."""

_SINGLE = {"wide": 1.5, "joiner": 0.4}
"""Tokens of a character outside the basic plane, such as an emoji, and of a joiner."""

_GIBBERISH = 24
"""Letters of the longest real word; longer runs have about a token for two letters."""


def estimate_tokens(text: str) -> float:
    """Return the tokens of a text; 0 for an empty text. Takes time in proportion to its length."""
    pieces = Counter((match.lastgroup or "", match.group()) for match in _PIECES.finditer(text))
    growth = _growth(pieces)
    return sum(number * _cost(kind, piece, growth) for (kind, piece), number in pieces.items())


def fitting(texts: Sequence[str], most: float) -> int:
    """Return how many of the first texts have at most so many tokens together, at least one."""
    tokens = 0.0
    for number, text in enumerate(texts):
        tokens += estimate_tokens(text)
        if number and tokens > most:
            return number
    return len(texts)


def _growth(pieces: Counter[tuple[str, str]]) -> float:
    """Return the tokens for each further letter of Latin words, as a mean over common words."""
    weight, total = 1, _UNKNOWN
    for (kind, piece), number in pieces.items():
        if kind == "latin":
            word = piece.lower().lstrip(" ")
            rate = _COMMON_WORDS.get(word, None if word.isascii() else _ACCENTED)
            if rate is not None:
                weight += number
                total += number * rate
    return total / weight


def _cost(kind: str, piece: str, growth: float) -> float:
    if kind == "latin":
        return _latin(piece, growth)
    if kind in _BY_LETTER:
        whole, each = _BY_LETTER[kind]
        return whole + each * len(piece)
    if kind in _BY_LENGTH:
        free, each = _BY_LENGTH[kind]
        return 1 + each * max(0, len(piece.lstrip(" ")) - free)
    if kind == "marks":
        return _marks(piece.strip())
    return _SINGLE.get(kind, 1.0)


def _latin(piece: str, growth: float) -> float:
    length = len(piece)
    glued = not piece[0].isalpha() and piece[0] != " "
    cost = 1 + growth * max(0, length - 5) + glued * (0.2 + 3 * growth)
    return cost + max(0, length - _GIBBERISH) / 2


def _marks(run: str) -> float:
    """Return one token for a run of one character, else about one for two or three characters."""
    if len(set(run)) == 1:
        return 1 + len(run) // 32
    return 1 + 0.4 * max(0, len(run) - 2)
