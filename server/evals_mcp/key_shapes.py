"""Recognizes API keys by their shape, so that none in an argument or a row is sent on or quoted."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

_KEY = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"sk-(?=[A-Za-z0-9_-]{0,200}[0-9])[A-Za-z0-9_-]{16,}"
    r"|sk-ant-[A-Za-z0-9_-]{8,}"
    r"|tgp_v1_[A-Za-z0-9_-]{6,}"
    r"|(?:hf|gsk|ghp|gho|ghs|r8)_[A-Za-z0-9]{20,}"
    r"|(?:xai|nvapi|pplx)-[A-Za-z0-9]{20,}"
    r"|github_pat_[A-Za-z0-9_]{20,}"
    r"|A[KS]IA[0-9A-Z]{16}(?![A-Za-z0-9])"
    r"|AIza[A-Za-z0-9_-]{30,}"
    r"|[Bb]earer\s{1,4}(?=[A-Za-z0-9._~+/-]{0,200}[0-9])[A-Za-z0-9._~+/-]{16,}"
    r"|eyJ[A-Za-z0-9_-]{8,300}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"
    r")"
)
"""Keys and tokens with an unmistakable beginning. Look-aheads are bounded: a text may be long."""

_MARKS = (
    "sk-", "tgp_v1_", "hf_", "gsk_", "ghp_", "gho_", "ghs_", "r8_", "xai-", "nvapi-", "pplx-",
    "github_pat_", "AKIA", "ASIA", "AIza", "earer", "eyJ",
)  # fmt: skip
"""At least one of these is in every text that `_KEY` matches; searching for them is fast."""

_RUN = re.compile(r"[A-Za-z0-9_-]{40,}")
_CHANGES = 0.35
"""Changes between small letters, capitals and digits per character of a random text.

About 0.4, 0.63 and 0.47 for random texts over 36, 62 and 16 characters; below 0.3 for names.
"""

_DISTINCT = 12
_DIGITS = 3
_PIECE = 8
"""Characters per hyphen or underscore: names have one more often than this, keys do not."""


def may_hold_key(text: str) -> bool:
    """Return quickly whether `holds_key` can be true for this text."""
    return any(mark in text for mark in _MARKS)


def holds_key(text: str) -> bool:
    """Return whether a part of the text has the shape of a known kind of key."""
    return may_hold_key(text) and _KEY.search(text) is not None


def looks_random(text: str) -> bool:
    """Return whether a short text has 40 or more characters in a row that look random.

    Names of models and files, words, UUIDs and ids made of UUIDs do not look random.
    """
    return not any(map(str.isspace, text)) and _any_random(_RUN.findall(text))


def _any_random(runs: Iterable[str]) -> bool:
    return any(
        len(run) >= _PIECE * (1 + run.count("-") + run.count("_"))
        and len(set(run)) >= _DISTINCT
        and sum(map(str.isdigit, run)) >= _DIGITS
        and _changes(run) >= _CHANGES * len(run)
        for run in runs
    )


def _changes(run: str) -> int:
    """Return how often the kind of character changes; hyphens and underscores do not count."""
    kinds = [_kind(character) for character in run if character not in "-_"]
    return sum(kind != next_kind for kind, next_kind in pairwise(kinds))


def _kind(character: str) -> str:
    return "0" if character.isdigit() else "A" if character.isupper() else "a"
