"""How keys look: found in what a model passes and in rows, so that none is sent on or quoted."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

_KNOWN = re.compile(
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
"""Keys and tokens that begin as only such do. Every look ahead has a bound: a text may be long."""

_MARKS = (
    "sk-", "tgp_v1_", "hf_", "gsk_", "ghp_", "gho_", "ghs_", "r8_", "xai-", "nvapi-", "pplx-",
    "github_pat_", "AKIA", "ASIA", "AIza", "earer", "eyJ",
)  # fmt: skip
"""One of them is in every text that `_KNOWN` finds something in; looking for them is quick."""

_RUN = re.compile(r"[A-Za-z0-9_-]{40,}")
_CHANGES = 0.35
"""Changes between small letters, capitals and digits in a random text, for each character.

Of 36, 62 or 16 letters and digits it is near 0.4, 0.63 and 0.47; of names it is below 0.3.
"""

_DISTINCT = 12
_DIGITS = 3
_PIECE = 8
"""Names have a hyphen or an underscore more often than every so many characters, keys do not."""


def may_hold_key(text: str) -> bool:
    """A quick look: false only where `holds_key` is."""
    return any(mark in text for mark in _MARKS)


def holds_key(text: str) -> bool:
    """Whether something in a text has the shape of a key of a known kind."""
    return may_hold_key(text) and _KNOWN.search(text) is not None


def looks_random(text: str) -> bool:
    """Whether a short text has 40 characters or more in a row that look drawn at random.

    Names of models and files, words, UUIDs and ids made of them do not.
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
    """How often the kind of the character changes; a hyphen or an underscore is of no kind."""
    kinds = [_kind(character) for character in run if character not in "-_"]
    return sum(one != next_ for one, next_ in pairwise(kinds))


def _kind(character: str) -> str:
    return "0" if character.isdigit() else "A" if character.isupper() else "a"
