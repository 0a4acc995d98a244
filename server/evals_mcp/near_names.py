"""Suggests names for a misspelt or shortened one: models, columns, credentials."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher
from pathlib import PurePath

from evals_mcp.cleaning import quoted

_NEAR = 0.6
"""Least ratio of similarity, the default of `difflib.get_close_matches`."""

_LONGEST = 200
"""Most characters compared, so that a long text passed as a name costs little."""


def near_names(name: str, names: Iterable[str], most: int = 3) -> list[str]:
    """Return those of `names` that resemble `name`, the nearest first; empty if none does.

    Case, punctuation and the part before the last slash are ignored: `qwen3.5 9b` is near
    `Qwen/Qwen3.5-9B`. A part of a name is near the whole.

    Args:
        name: The name to look for.
        names: The existing names, in any order.
        most: How many to return, 1 or more.
    """
    matcher = SequenceMatcher(autojunk=False)
    # The matcher caches its analysis of the second sequence.
    matcher.set_seq2(bare_name := _bare(name))
    ratios = {other: _similarity(matcher, bare_name, _bare(other)) for other in names}
    ranked = sorted(ratios, key=lambda other: (-ratios[other], len(other), other))
    return [other for other in ranked if ratios[other] >= _NEAR][:most]


def near_file_name(name: str, names: Iterable[str]) -> str | None:
    """Return the nearest file name, without regard to folders and endings; None without one.

    Args:
        name: name or path of a file.
        names: names of existing files, in any order.
    """
    stems = {PurePath(each).stem: each for each in sorted(names, reverse=True)}
    near = near_names(PurePath(name.replace("\\", "/")).stem, stems, 1)
    return stems[near[0]] if near else None


def nearest_hint(name: str, names: Iterable[str]) -> str:
    """Return a question after the nearest name, with a blank before it; empty without one."""
    near = near_names(name, names, 1)
    return f" Did you mean {quoted(near[0], 60)}?" if near else ""


def _similarity(matcher: SequenceMatcher[str], name: str, other: str) -> float:
    """Return the ratio of common characters, 0 to 1, plus 1 if one name contains the other."""
    matcher.set_seq1(other)
    if min(len(name), len(other)) > 1 and (name in other or other in name):
        return 1 + matcher.ratio()
    if matcher.real_quick_ratio() < _NEAR or matcher.quick_ratio() < _NEAR:
        return 0
    return matcher.ratio()


def _bare(name: str) -> str:
    """Return the letters and digits after the last slash, or the whole name if there are none."""
    plain = name[:_LONGEST].casefold()
    last = plain.rstrip("/").rpartition("/")[2]
    return "".join(filter(str.isalnum, last)) or plain
