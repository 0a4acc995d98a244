"""Reads a judge's text: a label, a score or a choice, or the reason why the text has no verdict.

Judges wrap their verdict in reasoning, fences and prose, and quote what they judge. The rule that
says which statement counts is in `docs/design`. A verdict is matched whole or not at all, and
nothing is rounded, clamped or guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from evals_engine.cleaning import cleaned, well_formed
from evals_engine.judges.copied_text import JudgedMaterial
from evals_engine.judges.dress import DECORATION
from evals_engine.judges.statements import (
    Statement,
    TooMuchToReadError,
    statements_in,
    whole_object,
)
from evals_engine.judges.verdict_forms import VerdictForm

MAX_TEXT = 1024 * 1024
"""Characters of a judge's text that are read, from its end."""

TWO_VERDICTS = "the judge gave two verdicts"
"""Why a text is invalid that states different verdicts of the same rank."""

_REASONING_TAG = re.compile(r"<(/?)(?:think|thinking|reasoning|analysis)\s*>", re.IGNORECASE)
_FENCE = re.compile(r"```\w*[ \t]*\n|```")


@dataclass(frozen=True)
class Verdict:
    """What was read from a judge's text. Exactly one of `value` and `invalid` is None."""

    value: str | float | None
    feedback: str
    """The judge's reason; may be empty, and always is if the verdict is invalid."""
    raw: str
    """The judge's whole text."""
    invalid: str | None
    """Why the text has no valid verdict; None if it has one."""


def read_verdict(
    text: str, form: VerdictForm, truncated: bool = False, material: Iterable[str] = ()
) -> Verdict:
    """Read the verdict from any text that a judge can write. Never raises; linear in the text.

    Args:
        text: the judge's whole answer.
        form: what a verdict must look like.
        truncated: whether the answer was cut at its token limit. Such an answer is invalid even if
            it can be parsed: the missing end may have changed the verdict.
        material: the texts that the judge was shown to judge. A verdict that only stands in what
            the judge has copied from them is not the judge's.
    """
    if truncated:
        return _invalid("truncated", text)
    end = text[-MAX_TEXT:].strip()
    judged = JudgedMaterial(material, form.key)
    if statements := whole_object(end, form):
        return _read(statements, form, text, end, judged)
    answer = _without_fences(_without_reasoning(end))
    if not answer:
        return _invalid("the judge's answer is empty", text)
    if (value := form.read(answer)) is not None:
        return Verdict(value, "", text, None)
    try:
        statements = statements_in(answer, form)
    except TooMuchToReadError:
        return _invalid("the judge's answer has too many verdicts or too much broken JSON", text)
    return _read(statements, form, text, answer, judged)


def _without_reasoning(text: str) -> str:
    """Return the text outside reasoning tags.

    A closing tag without an opening one ends reasoning that began at the start: the opening tag may
    have been part of the prompt. An opening tag without a closing one starts reasoning that lasts
    to the end.
    """
    outside: list[str] = []
    start, inside = 0, False
    for tag in _REASONING_TAG.finditer(text):
        if not inside and not tag.group(1):
            outside.append(text[start : tag.start()])
        elif not inside:
            outside.clear()
        start, inside = tag.end(), not tag.group(1)
    if not inside:
        outside.append(text[start:])
    return "".join(outside)


def _without_fences(text: str) -> str:
    text = text.strip()
    if opening := _FENCE.match(text):
        text = text[opening.end() :]
    return text.removesuffix("```").strip()


def _read(
    statements: Sequence[Statement],
    form: VerdictForm,
    raw: str,
    answer: str,
    judged: JudgedMaterial,
) -> Verdict:
    """Return the verdict of the statements that count.

    Args:
        statements: all statements in the judge's text.
        form: what a verdict must look like.
        raw: the judge's whole text.
        answer: the part of the text that was read.
        judged: what the judge was shown.
    """
    if not statements:
        return _invalid(f"no {form.key} found in the judge's answer", raw)
    stated = [each for each in statements if not each.is_blank] or statements[-1:]
    own = [
        each
        for each in stated
        if not each.is_copied(judged, form.key, is_whole_text=each.is_json_of_length(len(answer)))
    ]
    if not own:
        return _invalid(f"the only {form.key} is copied from what was judged", raw)
    counted = _of_the_highest_rank(own)
    if len({each.value for each in counted}) > 1:
        return _invalid(TWO_VERDICTS, raw)
    last = counted[-1]
    if last.value is None:
        return _unreadable(last.raw, form, raw)
    feedback = last.feedback
    if feedback is None:
        feedback = answer[: last.start].strip(DECORATION)
    return Verdict(last.value, well_formed(feedback), raw, None)


def _of_the_highest_rank(statements: Sequence[Statement]) -> Sequence[Statement]:
    """Return the statements that stand above the others.

    Asides count only if nothing else does. Beside JSON, the form asked for, prose counts if it is a
    valid verdict that begins its line or follows the JSON; other prose leads up to the JSON.
    """
    statements = [each for each in statements if not each.is_aside] or statements
    last_json = max((each.start for each in statements if each.kind == "json"), default=None)
    if last_json is None:
        return statements
    return [
        each
        for each in statements
        if each.kind == "json"
        or (each.value is not None and (each.leads_its_line or each.start > last_json))
    ]


def _invalid(reason: str, raw: str) -> Verdict:
    return Verdict(None, "", raw, reason)


def _unreadable(value: object, form: VerdictForm, raw: str) -> Verdict:
    if value is None:
        return _invalid(f"the {form.key} is missing or cut off", raw)
    if not isinstance(value, str | int | float):
        return _invalid(f"the {form.key} is not a single value", raw)
    shown = cleaned(value if isinstance(value, str) else repr(value)[:100], 60)
    return _invalid(f'"{shown}" is not a valid {form.key}', raw)
