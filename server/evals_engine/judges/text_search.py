"""Folding of texts, and the search for whole words and numbers, in time that grows with the text.

Texts come from rows and models, so no input may make them slow: a run of combining marks is split
before it is normalised, and each number of a text is found once.
"""

from __future__ import annotations

import re
import unicodedata

import regex

_LONG_RUN_OF_MARKS = regex.compile(r"\p{M}{31}")
_GRAPHEME_JOINER = "\u034f"

NUMBER = re.compile(
    r"(?P<number>(?:(?<![\w.)])[-+\u2212])?"
    r"(?:(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|(?<![\d.])\.\d+)(?:[eE][-+]?\d{1,3})?)"
    r"(?P<percent>\s?%|\s(?:percent|per cent)\b)?"
)
"""A number as people write it, with a percent sign or word if it has one."""

INSIDE_A_WORD = regex.compile(
    r"(?V1)[[\p{L}\p{M}]--[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Hangul}\p{scx=Thai}"
    r"\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}]]"
    r"[[\p{L}\p{M}\p{N}]--[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Hangul}"
    r"\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}]]"
    r"|\p{N}\p{N}"
)
"""Two characters between which no word ends: a letter and what follows it, or two digits.

A digit and the letter of a unit are apart, as in `40km`. Scripts that write no space between words
or between a word and its particle have no visible ends of words.
"""

_NUMBER_WINDOW = 64
"""Characters to each side of a place in which the number around it is searched."""

_NUMBER_SIGNS = frozenset("+-\u2212.,")


def folded(text: str) -> str:
    """Return a text in one case, one Unicode form (NFC) and with single blanks.

    A run of more than 30 combining marks is split by U+034F, since normalising a run takes time
    that grows with the square of its length (Unicode Standard Annex 15, section 13).
    """
    if text.isascii():
        return " ".join(text.lower().split())
    composed = _composed(_with_short_runs(text))
    return " ".join(_composed(_with_short_runs(composed.casefold())).split())


def occurs(wanted: str, text: str) -> bool:
    """Return whether a text has the wanted one without cutting a word or a number at either end."""
    start = text.find(wanted)
    while start >= 0:
        if not cuts(text, start) and not cuts(text, start + len(wanted)):
            return True
        start = text.find(wanted, _next_start(text, start))
    return False


def cuts(text: str, place: int) -> bool:
    """Return whether a place lies inside a word or a number.

    `40` is a part of `40.5`, `1,040` and `-40`, and not of `40.00`.
    """
    if place in {0, len(text)}:
        return False
    before, after = text[place - 1], text[place]
    if before.isascii() and after.isascii():
        if (before.isalpha() and after.isalnum()) or (before.isdigit() and after.isdigit()):
            return True
        if not _is_part_of_a_number(before) and not _is_part_of_a_number(after):
            return False
    elif INSIDE_A_WORD.match(text, place - 1, place + 1):
        return True
    return cuts_a_number(text, place)


def _next_start(text: str, start: int) -> int:
    """Return the next place to look at; within a run of digits no further place can begin one."""
    after = start + 1
    if start == 0 or not (_is_digit(text[start - 1]) and _is_digit(text[start])):
        return after
    while after < len(text) and _is_digit(text[after]):
        after += 1
    return after


def cuts_a_number(text: str, place: int) -> bool:
    """Return whether a place lies inside a number, looking 64 characters to each side."""
    first = max(0, place - _NUMBER_WINDOW)
    for number in NUMBER.finditer(text, first, place + _NUMBER_WINDOW):
        start, end = number.span("number")
        if start + (text[start] == "+") >= place:
            return False
        if end > place:
            return not re.fullmatch(r"\.0+", text[place:end])
    return False


def _is_digit(character: str) -> bool:
    return "0" <= character <= "9"


def _is_part_of_a_number(character: str) -> bool:
    return character.isdigit() or character in _NUMBER_SIGNS or character in "eE"


def _with_short_runs(text: str) -> str:
    if _LONG_RUN_OF_MARKS.search(text) is None:
        return text
    return _LONG_RUN_OF_MARKS.sub(lambda run: run[0][:30] + _GRAPHEME_JOINER + run[0][30:], text)


def _composed(text: str) -> str:
    return text if unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text)
