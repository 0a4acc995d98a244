"""Reads a judge's text: a label, a score or a choice, or the reason why the text has no verdict.

Judges wrap their verdict in reasoning, fences and prose. The text is read in steps, the most
reliable first: the whole text as JSON, the last JSON object that has the key, the last `label: …`
in the prose. A verdict is matched whole or not at all, and nothing is rounded, clamped or guessed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from evals_engine.cleaning import cleaned, well_formed
from evals_engine.judges.verdict_forms import DECORATION, VerdictForm

MAX_OBJECTS = 100
"""The most JSON objects of one text that are tried, from its end: a bound for hostile text."""

MAX_TEXT = 1024 * 1024
"""Characters of a judge's text that are read, from its end."""

_REASONING_TAG = re.compile(r"<(/?)(?:think|thinking|reasoning|analysis)\s*>", re.IGNORECASE)
_FENCE = re.compile(r"```\w*[ \t]*\n|```")
_OBJECT_START = re.compile(r'\{\s*"')
_NOT_THE_VERDICT = ("max", "maximum", "min", "minimum", "highest", "lowest", "possible", "previous")


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


def read_verdict(text: str, form: VerdictForm, truncated: bool = False) -> Verdict:
    """Read the verdict from any text that a judge can write. Never raises; linear in the text.

    Args:
        text: the judge's whole answer.
        form: what a verdict must look like.
        truncated: whether the answer was cut at its token limit. Such an answer is invalid even if
            it can be parsed: the missing end may have changed the verdict.
    """
    if truncated:
        return Verdict(None, "", text, "truncated")
    end = text[-MAX_TEXT:]
    if (whole := _verdict_object(end.strip(), form.key)) is not None:
        return _from_object(whole, form, text)
    answer = _without_fences(_without_reasoning(end))
    if not answer:
        return Verdict(None, "", text, "the judge's answer is empty")
    if (last := _last_object(answer, form.key)) is not None:
        return _from_object(last, form, text)
    return _from_prose(answer, form, text)


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


# Accepts raw line breaks inside strings, because judges write them.
_decoder = json.JSONDecoder(strict=False)


def _verdict_object(text: str, key: str) -> dict[str, Any] | None:
    """Return the text as a JSON object that has the key; None if the text is anything else."""
    if not (text.startswith("{") and text.endswith("}")):
        return None
    fields, end, _ = _object_at(text, 0)
    return fields if fields is not None and end == len(text) and _has(fields, key) else None


def _object_at(text: str, start: int) -> tuple[dict[str, Any] | None, int, int]:
    """Return the JSON object that starts here, its end, and how far the text was read."""
    try:
        value, end = cast("tuple[object, int]", _decoder.raw_decode(text, start))
    except json.JSONDecodeError as error:
        return None, start, error.pos
    except (RecursionError, ValueError):
        return None, start, len(text)
    return (cast("dict[str, Any]", value) if isinstance(value, dict) else None), end, end


def _has(fields: dict[str, Any], key: str) -> bool:
    return key in fields or any(name.strip().casefold() == key for name in fields)


def _last_object(text: str, key: str) -> dict[str, Any] | None:
    """Return the last object with the key; of nested objects, the outermost that has it."""
    best: dict[str, Any] | None = None
    best_start = len(text)
    characters_left = 4 * len(text)
    for start in _starts_from_the_end(text):
        fields, end, read_to = _object_at(text, start)
        if fields is not None and _has(fields, key) and (best is None or end > best_start):
            best, best_start = fields, start
        characters_left -= read_to - start
        if characters_left < 0:
            break
    return best


def _starts_from_the_end(text: str) -> Iterator[int]:
    starts = [match.start() for match in _OBJECT_START.finditer(text)]
    return reversed(starts[-MAX_OBJECTS:])


def _from_object(original: dict[str, Any], form: VerdictForm, raw: str) -> Verdict:
    fields = {name.strip().casefold(): value for name, value in original.items()} | original
    value = form.read(fields[form.key])
    if value is None:
        return _unreadable(fields[form.key], form, raw)
    feedback = fields.get("feedback")
    if feedback is not None and not isinstance(feedback, str):
        feedback = json.dumps(feedback, ensure_ascii=False)
    return Verdict(value, well_formed(feedback or ""), raw, None)


def _from_prose(text: str, form: VerdictForm, raw: str) -> Verdict:
    last = None
    for head in _heads(form.key).finditer(text):
        if not _introduces_another(text, head.start()):
            last = head
    if last is None:
        return Verdict(None, "", raw, f"no {form.key} found in the judge's answer")
    quoted = _verdict_text(text, last.end())
    value = form.read_prose(quoted) if quoted is not None else None
    if value is None:
        return _unreadable(quoted, form, raw)
    return Verdict(value, well_formed(text[: last.start()].strip(DECORATION + "\n")), raw, None)


def _heads(key: str) -> re.Pattern[str]:
    """Return a pattern for `label:` in its usual spellings, up to where the verdict begins."""
    return re.compile(rf"(?<!\w){key}[\"'*_`\s]{{0,8}}[:=][*_`\s]{{0,8}}", re.IGNORECASE)


def _introduces_another(text: str, start: int) -> bool:
    before = text[max(0, start - 16) : start].rstrip(DECORATION.replace("(", ""))
    return before.casefold().endswith(_NOT_THE_VERDICT)


def _verdict_text(text: str, start: int) -> str | None:
    """Return the rest of the line, or its part in opening quotes; None if they never close."""
    end = text.find("\n", start)
    line = text[start : end if end >= 0 else len(text)]
    if line[:1] not in {'"', "'"}:
        return line
    closing = line.find(line[0], 1)
    return line[1:closing] if closing > 0 else None


def _unreadable(value: object, form: VerdictForm, raw: str) -> Verdict:
    if value is None:
        return Verdict(None, "", raw, f"the {form.key} is missing or cut off")
    if isinstance(value, dict | list):
        return Verdict(None, "", raw, f"the {form.key} is not a single value")
    shown = cleaned(value if isinstance(value, str) else repr(value)[:100], 60)
    return Verdict(None, "", raw, f'"{shown}" is not a valid {form.key}')
