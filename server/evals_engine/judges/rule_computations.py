"""Rules: how far an answer agrees with the expected text, computed in worker processes.

`rule/contains` looks for whole words and numbers: `40` is not in `40001`, and `cat` is not in
`concatenate`.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol, cast

import regex
from rapidfuzz.distance import Indel

from evals_engine.cleaning import cleaned
from evals_engine.compute.tasks import TaskError
from evals_engine.judges.text_search import NUMBER, folded, occurs
from evals_schemas.evaluation_api.rules import CONTAINS, EXACT_MATCH, NUMERIC, REGEX, SIMILARITY

MAX_COMPARED = 20_000
"""Characters of each text that `rule/similarity` and `rule/numeric` look at."""

REGEX_SECONDS = 0.5
"""Seconds that one search of `rule/regex` may take."""

MAX_EXPRESSION = 10_000
"""Characters of the longest regular expression."""


@dataclass(frozen=True)
class Agreement:
    """How far an answer agrees with the expected text."""

    value: float
    """From 0, not at all, to 1, fully."""
    reason: str
    """A few words, with the expected text cut to 80 characters."""


def agreement(rule: str, expected: str, answer: str) -> Agreement:
    """Apply a rule, one of `RULES` in `evals_engine.judges.rules`.

    No answer agrees with an empty expected text, except an empty one under `rule/exact-match`.

    Raises:
        TaskError: the expected text is not a regular expression, or is too long for one, or
            searching took too long.
    """
    if not expected.strip() and rule != EXACT_MATCH:
        return Agreement(0.0, "the expected text is empty")
    return _COMPUTE[rule](expected, answer)


def _shown(text: str) -> str:
    line = " ".join(text[:400].split())
    return f'"{line}"' if len(line) <= 80 else f'"{line[:79]}…"'


def _exact_match(expected: str, answer: str) -> Agreement:
    equal = folded(expected) == folded(answer)
    return Agreement(float(equal), f"{'equals' if equal else 'differs from'} {_shown(expected)}")


def _contains(expected: str, answer: str) -> Agreement:
    inside = occurs(folded(expected), folded(answer))
    return Agreement(float(inside), f"{'contains' if inside else 'lacks'} {_shown(expected)}")


class _Pattern(Protocol):
    def search(self, string: str, *, timeout: float) -> object | None: ...


def _pattern(expression: str) -> _Pattern:
    if len(expression) > MAX_EXPRESSION:
        raise TaskError(
            f"{REGEX}: the expression has {len(expression):,} characters, {MAX_EXPRESSION:,} are "
            "the most"
        )
    try:
        return cast("_Pattern", regex.compile(expression))
    except (regex.error, RecursionError, OverflowError, ValueError) as error:
        raise TaskError(
            f"The expected text is not a regular expression: {cleaned(str(error))}"
        ) from None


def _regex(expected: str, answer: str) -> Agreement:
    try:
        match = _pattern(expected).search(answer, timeout=REGEX_SECONDS)
    except TimeoutError:
        raise TaskError(
            f"{REGEX}: searching took more than {REGEX_SECONDS} s; use a simpler expression"
        ) from None
    verb = "matches" if match is not None else "does not match"
    return Agreement(float(match is not None), f"{verb} {_shown(expected)}")


def last_number(text: str) -> float | None:
    """Return the last number of a text; None if the text has no number.

    Commas group thousands, a point begins decimals, `12 %` is 0.12. A minus sign after a letter,
    a digit or a closing bracket is read as a dash.
    """
    matches = deque(NUMBER.finditer(text[-MAX_COMPARED:]), maxlen=1)
    if not matches:
        return None
    last = matches[0]
    number = float(last.group("number").replace(",", "").replace("\u2212", "-"))
    number /= 100 if last.group("percent") else 1
    return number if math.isfinite(number) else None


def _numeric(expected: str, answer: str) -> Agreement:
    target, number = last_number(expected), last_number(answer)
    if target is None:
        return Agreement(0.0, f"no number in the expected text {_shown(expected)}")
    if number is None:
        return Agreement(0.0, f"no number in the answer, {target:g} is expected")
    equal = math.isclose(target, number, rel_tol=1e-6, abs_tol=1e-12)
    return Agreement(float(equal), f"{number:.10g} {'equals' if equal else 'is not'} {target:.10g}")


def _similarity(expected: str, answer: str) -> Agreement:
    """Return twice the longest common subsequence over the sum of lengths (normalized Indel)."""
    alike = Indel.normalized_similarity(
        folded(expected[:MAX_COMPARED]), folded(answer[:MAX_COMPARED])
    )
    return Agreement(alike, f"{alike:.3f} similar to {_shown(expected)}")


_COMPUTE: Mapping[str, Callable[[str, str], Agreement]] = MappingProxyType(
    {
        EXACT_MATCH: _exact_match,
        CONTAINS: _contains,
        REGEX: _regex,
        NUMERIC: _numeric,
        SIMILARITY: _similarity,
    }
)
