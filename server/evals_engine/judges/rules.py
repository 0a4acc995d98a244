"""Rule judges: verdicts computed from the answer and the expected text, without a model.

The judge's rendered `system_template` is the expected text. A rule computes how far the answer
agrees with it, from 0 to 1, and that agreement becomes a label, a score or a choice. The verdict is
written as the JSON that a model would write and is read by the same reader.

`rule/contains` looks for whole words and numbers: `40` is not in `40001`, and `cat` is not in
`concatenate`.
"""

import json
import math
import re
import unicodedata
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol, cast

import regex
from rapidfuzz.distance import Indel

from evals_engine.cleaning import cleaned
from evals_engine.faults import ModelCallError, RequestError
from evals_engine.judges.verdict_forms import ChoiceForm, VerdictForm
from evals_schemas.evaluation_api.rules import CONTAINS, EXACT_MATCH, NUMERIC, REGEX, SIMILARITY

MAX_COMPARED = 20_000
"""Characters of each text that `rule/similarity` and `rule/numeric` look at."""

SIMILAR_ENOUGH = 0.8
"""The similarity from which `rule/similarity` passes an answer if its verdict is a label."""

REGEX_SECONDS = 0.5
"""Seconds that one search of `rule/regex` may take."""

RULES: Mapping[str, str] = MappingProxyType(
    {
        EXACT_MATCH: "The answer equals the expected text; case and spacing do not count.",
        CONTAINS: "The expected text occurs in the answer, not as a part of another word or "
        "number; case and spacing do not count.",
        REGEX: "The expected text is a regular expression that is found in the answer.",
        NUMERIC: "The last number of the answer equals the last number expected.",
        SIMILARITY: "How alike the answer and the expected text are, from 0 to 1.",
    }
)
"""Each rule's description, by its name."""

_NUMBER = re.compile(
    r"(?P<number>(?:(?<![\w.)])[-+\u2212])?"
    r"(?:(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|(?<![\d.])\.\d+)(?:[eE][-+]?\d{1,3})?)"
    r"(?P<percent>\s?%|\s(?:percent|per cent)\b)?"
)

_INSIDE_A_WORD = regex.compile(
    r"(?V1)[[\p{L}\p{M}]--[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Hangul}\p{scx=Thai}"
    r"\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}]]"
    r"[[\p{L}\p{M}\p{N}]--[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Hangul}"
    r"\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}]]"
    r"|\p{N}\p{N}"
)
"""Two characters between which no word ends: a letter and its follower, or two digits.

A word ends between a digit and the letter of a unit, as in `40km`. Scripts that write no space
between words, or between a word and its particle, are left out: their word ends are not visible.
"""

_NUMBER_WINDOW = 64
"""Characters on each side of a position that are searched for a number around it."""


@dataclass(frozen=True)
class Agreement:
    """How far an answer agrees with the expected text."""

    value: float
    """From 0, not at all, to 1, fully."""
    reason: str
    """A few words, with the expected text cut to 80 characters."""


def check_rule(name: str) -> None:
    """Raise RequestError, with the names of all rules, if there is no rule of this name."""
    if name not in RULES:
        raise RequestError(
            f'There is no rule judge "{cleaned(name, 60)}". The rules are: {", ".join(RULES)}.',
            "judge.model",
        )


def agreement(rule: str, expected: str, answer: str) -> Agreement:
    """Apply one of `RULES`.

    No answer agrees with an empty expected text, except an empty one under `rule/exact-match`.

    Raises:
        RequestError: there is no such rule, or the expected text is not a regular expression.
        ModelCallError: the regular expression took too long on this answer.
    """
    check_rule(rule)
    if not expected.strip() and rule != EXACT_MATCH:
        return Agreement(0.0, "the expected text is empty")
    return _COMPUTE[rule](expected, answer)


def passing_agreement(rule: str) -> float:
    """Return the agreement from which an answer passes if the rule's verdict is a label."""
    return SIMILAR_ENOUGH if rule == SIMILARITY else 1.0


def verdict_text(form: VerdictForm, rule: str, compared: Agreement) -> str:
    """Return the verdict on one answer as a judge's JSON text.

    A classify evaluation gets its first pass label or the first label that is not a pass label, a
    score evaluation the agreement scaled to its range.
    """
    passes = compared.value >= passing_agreement(rule)
    verdict = form.rule_verdict(compared.value, passes=passes)
    return _judge_text(form, f"{rule}: {compared.reason}", verdict)


def choice_text(rule: str, a: Agreement, b: Agreement) -> str:
    """Return the verdict on two answers as a judge's JSON text: the higher agreement wins."""
    choice = "Tie" if a.value == b.value else "A" if a.value > b.value else "B"
    return _judge_text(ChoiceForm(), f"{rule}: A {a.reason}; B {b.reason}", choice)


def _judge_text(form: VerdictForm, feedback: str, verdict: str | float) -> str:
    return json.dumps({"feedback": feedback, form.key: verdict}, ensure_ascii=False)


def _folded(text: str) -> str:
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
    return " ".join(folded.split())


def _shown(text: str) -> str:
    line = " ".join(text[:400].split())
    return f'"{line}"' if len(line) <= 80 else f'"{line[:79]}…"'


def _exact_match(expected: str, answer: str) -> Agreement:
    equal = _folded(expected) == _folded(answer)
    return Agreement(float(equal), f"{'equals' if equal else 'differs from'} {_shown(expected)}")


def _contains(expected: str, answer: str) -> Agreement:
    inside = _occurs(_folded(expected), _folded(answer))
    return Agreement(float(inside), f"{'contains' if inside else 'lacks'} {_shown(expected)}")


def _occurs(expected: str, text: str) -> bool:
    """Return whether a text contains another without cutting a word or a number at either end."""
    start = text.find(expected)
    while start >= 0:
        if not _cuts(text, start) and not _cuts(text, start + len(expected)):
            return True
        start = text.find(expected, start + 1)
    return False


def _cuts(text: str, position: int) -> bool:
    """Return whether a cut at this position would split a word or a number.

    `40` is a part of `40.5`, `1,040` and `-40`, but not of `40.00`.
    """
    if position in {0, len(text)}:
        return False
    if _INSIDE_A_WORD.match(text, position - 1, position + 1):
        return True
    first = max(0, position - _NUMBER_WINDOW)
    for match in _NUMBER.finditer(text, first, position + _NUMBER_WINDOW):
        start, end = match.span("number")
        if start + (text[start] == "+") >= position:
            return False
        if end > position:
            return not re.fullmatch(r"\.0+", text[position:end])
    return False


class _Pattern(Protocol):
    def search(self, string: str, *, timeout: float, concurrent: bool) -> object | None: ...


def _pattern(expression: str) -> _Pattern:
    try:
        return cast("_Pattern", regex.compile(expression))
    except (regex.error, RecursionError, OverflowError, ValueError) as error:
        raise RequestError(
            f"The expected text is not a regular expression: {cleaned(str(error))}",
            "judge.system_template",
        ) from None


def _regex(expected: str, answer: str) -> Agreement:
    try:
        match = _pattern(expected).search(answer, timeout=REGEX_SECONDS, concurrent=True)
    except TimeoutError:
        raise ModelCallError(
            f"{REGEX}: searching took more than {REGEX_SECONDS} s; use a simpler expression"
        ) from None
    verb = "matches" if match is not None else "does not match"
    return Agreement(float(match is not None), f"{verb} {_shown(expected)}")


def last_number(text: str) -> float | None:
    """Return the last number of a text; None if the text has no number.

    Commas group thousands, a point begins decimals, `12 %` is 0.12. A minus sign after a letter,
    a digit or a closing bracket is read as a dash.
    """
    matches = deque(_NUMBER.finditer(text[-MAX_COMPARED:]), maxlen=1)
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
        _folded(expected[:MAX_COMPARED]), _folded(answer[:MAX_COMPARED])
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
