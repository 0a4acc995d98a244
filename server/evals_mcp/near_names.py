"""The names that somebody may have meant: models, columns, credentials, misspelt or shortened."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher

_ENOUGH = 0.6
"""The ratio that `difflib.get_close_matches` takes for near by default."""

_LONGEST = 200
"""Characters compared, so that a text in the place of a name costs little."""


def near_names(name: str, names: Iterable[str], most: int = 3) -> list[str]:
    """Those of `names` that resemble `name`, the nearest first; empty when none does.

    Case and punctuation do not count, nor does what stands before the last slash: `qwen3.5 9b`
    is near `Qwen/Qwen3.5-9B`. A part of a name is near the whole.

    Args:
        name: What was given.
        names: What there is, without an order.
        most: How many to return, 1 or more.
    """
    matcher = SequenceMatcher(autojunk=False)
    # The matcher keeps what it learns of its second sequence.
    matcher.set_seq2(given := _bare(name))
    found = {other: _likeness(matcher, given, _bare(other)) for other in names}
    ranked = sorted(found, key=lambda other: (-found[other], len(other), other))
    return [other for other in ranked if found[other] >= _ENOUGH][:most]


def _likeness(matcher: SequenceMatcher[str], given: str, other: str) -> float:
    """From 0 to 2: the ratio of common characters, and 1 more where one holds the other."""
    matcher.set_seq1(other)
    if min(len(given), len(other)) > 1 and (given in other or other in given):
        return 1 + matcher.ratio()
    if matcher.real_quick_ratio() < _ENOUGH or matcher.quick_ratio() < _ENOUGH:
        return 0
    return matcher.ratio()


def _bare(name: str) -> str:
    """Letters and digits of the part after the last slash, or the name itself without any."""
    plain = name[:_LONGEST].casefold()
    last = plain.rstrip("/").rpartition("/")[2]
    return "".join(filter(str.isalnum, last)) or plain
