"""Rule judges: verdicts computed from the answer and the text that is expected, with no model.

The judge's rendered `system_template` is what is expected. A rule finds how far the answer agrees
with it, from 0 to 1, and that agreement becomes a label, a score or a choice. The verdict is
written as the JSON that a model would write and read by the same reader.

`rule/contains` looks for whole words and numbers: `40` is not in `40001`, nor `cat` in
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

from evals_engine.faults import ModelCallError, RequestError, cleaned
from evals_engine.judges.verdicts import ChoiceForm, LabelForm, ScoreForm, VerdictForm
from evals_schemas.evaluation_api.rules import CONTAINS, EXACT_MATCH, NUMERIC, REGEX, SIMILARITY

MAX_COMPARED = 20_000
"""Characters of each text that `rule/similarity` and `rule/numeric` look at."""

SIMILAR_ENOUGH = 0.8
"""The similarity from which `rule/similarity` passes where its verdict is yes or no."""

REGEX_SECONDS = 0.5
"""How long one search of `rule/regex` may take."""

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
"""Every rule judge by name, with what it does."""

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
"""Two characters between which no word ends: a letter and what follows it, or two digits.

A digit and the letter of a unit are apart, as in `40km`. Scripts that write no space between words
or between a word and its particle have no ends of words that could be seen.
"""

_NUMBER_WINDOW = 64
"""Characters to each side of a place in which the number that it may be in is looked for."""


@dataclass(frozen=True)
class Agreement:
    """How far an answer agrees with what is expected."""

    value: float
    """0 is not at all, 1 is fully."""
    reason: str
    """In a few words, with the expected text cut to 80 characters."""


def check_rule(name: str) -> None:
    """Raise RequestError, naming every rule, unless this is one."""
    if name not in RULES:
        raise RequestError(
            f'There is no rule judge "{cleaned(name, 60)}". The rules are: {", ".join(RULES)}.',
            "judge.model",
        )


def agreement(rule: str, expected: str, answer: str) -> Agreement:
    """Apply one of `RULES`.

    Nothing agrees with an empty expected text, save an empty answer under `rule/exact-match`.

    Raises:
        RequestError: no such rule, or the expected text is no regular expression.
        ModelCallError: the regular expression took too long on this answer.
    """
    check_rule(rule)
    if not expected.strip() and rule != EXACT_MATCH:
        return Agreement(0.0, "the expected text is empty")
    return _COMPUTE[rule](expected, answer)


def passing_agreement(rule: str) -> float:
    """The agreement from which an answer passes where a rule's verdict is yes or no."""
    return SIMILAR_ENOUGH if rule == SIMILARITY else 1.0


def verdict_text(
    form: VerdictForm, pass_labels: tuple[str, ...], rule: str, found: Agreement
) -> str:
    """The verdict on one answer as a judge's JSON text.

    A classify evaluation gets its first pass label or the first label that is no pass label, a
    score evaluation the agreement's place in its range.
    """
    if isinstance(form, ScoreForm):
        verdict: str | float = form.min_score + found.value * (form.max_score - form.min_score)
        verdict = min(max(verdict, form.min_score), form.max_score)  # rounding can overshoot
    else:
        passes = found.value >= passing_agreement(rule)
        verdict = pass_labels[0] if passes else failing_label(form, pass_labels)
    return _judge_text(form, f"{rule}: {found.reason}", verdict)


def choice_text(rule: str, a: Agreement, b: Agreement) -> str:
    """The verdict on two answers as a judge's JSON text: the higher agreement wins."""
    choice = "Tie" if a.value == b.value else "A" if a.value > b.value else "B"
    return _judge_text(ChoiceForm(), f"{rule}: A {a.reason}; B {b.reason}", choice)


def failing_label(form: VerdictForm, pass_labels: tuple[str, ...]) -> str:
    """The label of an answer that does not agree.

    Raises:
        RequestError: every label is a pass label, so that nothing could fail.
    """
    labels = form.labels if isinstance(form, LabelForm) else ()
    for label in labels:
        if label not in pass_labels:
            return label
    raise RequestError(
        "A rule judge needs a label that is no pass label, for answers that do not agree.",
        "pass_labels",
    )


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


def _occurs(wanted: str, text: str) -> bool:
    """Whether a text has the wanted one without cutting a word or a number at either end."""
    start = text.find(wanted)
    while start >= 0:
        if not _cuts(text, start) and not _cuts(text, start + len(wanted)):
            return True
        start = text.find(wanted, start + 1)
    return False


def _cuts(text: str, place: int) -> bool:
    """Whether what ends or begins at a place is a part of a longer word or number there.

    `40` is a part of `40.5`, `1,040` and `-40`, and not of `40.00`.
    """
    if place in {0, len(text)}:
        return False
    if _INSIDE_A_WORD.match(text, place - 1, place + 1):
        return True
    first = max(0, place - _NUMBER_WINDOW)
    for found in _NUMBER.finditer(text, first, place + _NUMBER_WINDOW):
        start, end = found.span("number")
        if start + (text[start] == "+") >= place:
            return False
        if end > place:
            return not re.fullmatch(r"\.0+", text[place:end])
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
        found = _pattern(expected).search(answer, timeout=REGEX_SECONDS, concurrent=True)
    except TimeoutError:
        raise ModelCallError(
            f"rule/regex: searching took more than {REGEX_SECONDS} s; use a simpler expression"
        ) from None
    said = "matches" if found is not None else "does not match"
    return Agreement(float(found is not None), f"{said} {_shown(expected)}")


def last_number(text: str) -> float | None:
    """The last number of a text; None when it has none.

    Commas group thousands, a point begins decimals, `12 %` is 0.12. A minus sign after a letter,
    a digit or a closing bracket is a dash.
    """
    found = deque(_NUMBER.finditer(text[-MAX_COMPARED:]), maxlen=1)
    if not found:
        return None
    last = found[0]
    number = float(last.group("number").replace(",", "").replace("\u2212", "-"))
    number /= 100 if last.group("percent") else 1
    return number if math.isfinite(number) else None


def _numeric(expected: str, answer: str) -> Agreement:
    wanted, given = last_number(expected), last_number(answer)
    if wanted is None:
        return Agreement(0.0, f"no number in the expected text {_shown(expected)}")
    if given is None:
        return Agreement(0.0, f"no number in the answer, {wanted:g} is expected")
    equal = math.isclose(wanted, given, rel_tol=1e-6, abs_tol=1e-12)
    return Agreement(float(equal), f"{given:.10g} {'equals' if equal else 'is not'} {wanted:.10g}")


def _similarity(expected: str, answer: str) -> Agreement:
    """Normalized Indel similarity: twice the longest common subsequence over both lengths."""
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
