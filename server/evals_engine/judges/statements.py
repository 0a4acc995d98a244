"""Finds every place in a judge's text that states a verdict, and how it stands there."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Literal, cast

from evals_engine.judges.copied_text import JudgedMaterial, words_of
from evals_engine.judges.dress import DECORATION, head_pattern
from evals_engine.judges.verdict_forms import VerdictForm

MAX_BROKEN_OBJECTS = 500
"""The most places of one text that look like JSON and are not; a bound for hostile text."""

MAX_STATEMENTS = 1_000
"""The most statements of one text that are read; a bound for hostile text."""

MAX_DOCUMENTS = 5_000
"""The most pieces of JSON in one text, with a verdict or without."""

MAX_READ_AGAIN = 4
"""How many times the length of a text is read at most while JSON is searched."""

_JSON_START = re.compile(r'\{\s*"|\[\s*[\[{]')
_QUOTATION = re.compile(
    r"^[ \t]{0,3}>.*$"
    r"|(?<!\w)\"[^\"\n]*\"(?!\w)|(?<!\w)'[^'\n]*'(?!\w)|(?<!`)`(?!`)[^`\n]*`(?!`)"
    r"|“[^“”\n]*”|„[^„“”\n]*[“”]|«[^«»\n]*»|\u2018[^\u2018\u2019\n]*\u2019|「[^「」\n]*」",
    re.MULTILINE,
)
_LEAD = frozenset({"my", "the", "final", "overall", "total", "so", "verdict"})
"""Words before `label:` with which it is still the judge's own line, as in `Final label: good`."""

_LONGEST_LEAD = 80
"""Characters of a line before `label:` that are looked at."""

_HIDDEN = "\0"
"""Stands in for each character of JSON in the prose around it."""


class TooMuchToReadError(Exception):
    """The text holds more statements or more broken JSON than is read."""


@dataclass(frozen=True)
class Statement:
    """One place in a judge's text that states a verdict."""

    kind: Literal["json", "prose"]
    raw: object
    """What stands where the verdict should be; None if it is missing or cut off."""
    value: str | float | None
    """The verdict; None if `raw` is not a valid one."""
    start: int
    end: int
    feedback: str | None = None
    """json: the judge's reason; None in prose, where the reason is the text before."""
    other_words: tuple[str, ...] = ()
    """The words of each further text in the same JSON object."""
    is_aside: bool = False
    """Whether it is nested in other JSON or stands in quotes."""
    leads_its_line: bool = True
    """prose: whether it begins its line, so that it is not a remark within a sentence."""

    @property
    def is_blank(self) -> bool:
        """Whether a form was left open, as in `"label": "..."`, and nothing stated."""
        if self.raw is None:
            return True
        if not isinstance(self.raw, str) or self.value is not None:
            return False
        text = self.raw.strip()
        in_brackets = text[:1] + text[-1:] in {"<>", "[]", "{}"}
        return in_brackets or not any(character.isalnum() for character in text)

    def is_json_of_length(self, characters: int) -> bool:
        """Return whether it is a JSON value of this many characters."""
        return self.kind == "json" and self.end - self.start == characters

    def is_copied(self, material: JudgedMaterial, key: str, *, is_whole_text: bool) -> bool:
        """Return whether it is copied from what was judged.

        Its key and verdict have to stand there, and all that it says beside them. A judge whose
        whole text is a bare verdict in the form asked for has stated it itself.
        """
        others = [words for words in self.other_words if words]
        if is_whole_text and not others:
            return False
        spelled = f"{self.value:g}" if isinstance(self.value, float) else str(self.raw)
        stated = (words_of(f"{key}: {text}") for text in {spelled, str(self.raw)})
        if not any(material.contains(words) for words in stated):
            return False
        return all(material.contains(words) for words in others)


class _Quotations:
    """The parts of a text in quotation marks, and its lines that begin with `>`."""

    def __init__(self, text: str) -> None:
        self._text = text

    @cached_property
    def _spans(self) -> tuple[list[int], list[int]]:
        """Where each quotation starts, and where it ends before its mark."""
        matches = list(_QUOTATION.finditer(self._text))
        ends = [match.end() - (not match[0].lstrip().startswith(">")) for match in matches]
        return [match.start() for match in matches], ends

    def around(self, start: int, end: int) -> int | None:
        """Return where the quotation around this part ends, before its mark; None without one."""
        starts, ends = self._spans
        number = bisect_right(starts, start) - 1
        return ends[number] if number >= 0 and end <= ends[number] else None


class _Object:
    """A JSON object with all its pairs, also those with the same key."""

    def __init__(self, pairs: list[tuple[str, object]]) -> None:
        self.pairs = [(name.strip().casefold(), value) for name, value in pairs]

    def values(self, key: str) -> list[object]:
        """Return the value of each pair with this key, which is given in lower case."""
        return [value for name, value in self.pairs if name == key]


# Accepts raw line breaks inside strings, because judges write them.
_decoder = json.JSONDecoder(strict=False, object_pairs_hook=_Object)


def whole_object(text: str, form: VerdictForm) -> list[Statement]:
    """Return the statements of a text that is one JSON object with the key; else none."""
    if not (text.startswith("{") and text.endswith("}")):
        return []
    value, end, _ = _decoded(text, 0)
    if not isinstance(value, _Object) or end != len(text) or not value.values(form.key):
        return []
    return _of_object(value, form, 0, end, is_aside=False)


def statements_in(text: str, form: VerdictForm) -> list[Statement]:
    """Return all statements of a verdict in the text, in their order in JSON and then in prose.

    Raises:
        TooMuchToReadError: the text states more than `MAX_STATEMENTS` verdicts, or holds too much
            broken JSON.
    """
    documents = list(_documents(text))
    prose = _without(documents, text)
    quotations = _Quotations(prose)
    in_json: list[Statement] = []
    for value, start, end in documents:
        is_aside = quotations.around(start, end) is not None
        in_json += _of_document(value, form, start, end, is_aside=is_aside)
        if len(in_json) > MAX_STATEMENTS:
            raise TooMuchToReadError
    return in_json + list(_of_prose(prose, form, quotations))


def _documents(text: str) -> Iterator[tuple[object, int, int]]:
    """Yield each JSON object or list of objects that is not part of another, with its span."""
    start, whole, broken, budget = 0, 0, 0, MAX_READ_AGAIN * len(text)
    while match := _JSON_START.search(text, start):
        value, end, read_to = _decoded(text, match.start())
        budget -= read_to - match.start()
        if value is None:
            broken += 1
            start = match.start() + 1
        else:
            whole += 1
            yield value, match.start(), end
            start = end
        if broken > MAX_BROKEN_OBJECTS or whole > MAX_DOCUMENTS or budget < 0:
            raise TooMuchToReadError


def _decoded(text: str, start: int) -> tuple[object, int, int]:
    """Return the JSON value that starts here or None, its end, and how far the text was read."""
    try:
        value, end = cast("tuple[object, int]", _decoder.raw_decode(text, start))
    except json.JSONDecodeError as error:
        return None, start, error.pos
    except (RecursionError, ValueError):
        return None, start, len(text)
    return value, end, end


def _of_document(
    value: object, form: VerdictForm, start: int, end: int, *, is_aside: bool
) -> list[Statement]:
    """Return the statements of the outermost objects with the key.

    What stands beside such an object and could itself be the verdict counts as a statement too: in
    `{"overall": 6, "clarity": {"score": 3}}` no score can be told from the other.
    """
    statements: list[Statement] = []
    beside: list[Statement] = []
    waiting: list[tuple[object, bool]] = [(value, is_aside)]
    while waiting:
        item, nested = waiting.pop()
        if isinstance(item, _Object):
            if item.values(form.key):
                statements += _of_object(item, form, start, end, is_aside=nested)
                continue
            children = [value for _, value in item.pairs]
        elif isinstance(item, list):
            children = cast("list[object]", item)
            if len(children) == 1:
                waiting.append((children[0], nested))
                continue
        else:
            verdict = form.read(item)
            if verdict is not None:
                beside.append(Statement("json", item, verdict, start, end, is_aside=True))
            continue
        waiting += [(child, True) for child in reversed(children)]
    return statements + beside if statements else []


def _of_object(
    fields: _Object, form: VerdictForm, start: int, end: int, *, is_aside: bool
) -> list[Statement]:
    """Return the statement of an object, or several if its key occurs with different values."""
    feedback = next((value for value in reversed(fields.values("feedback")) if value), "")
    others = tuple(
        words_of(text) for name, text in fields.pairs if name != form.key and isinstance(text, str)
    )
    statements = [
        Statement("json", raw, form.read(raw), start, end, _as_text(feedback), others, is_aside)
        for raw in fields.values(form.key)
    ]
    if len({(statement.value, repr(statement.raw)) for statement in statements}) == 1:
        return statements[:1]
    same = statements[0].value is not None and len({each.value for each in statements}) == 1
    return statements[:1] if same else [_as_stated(each) for each in statements]


def _as_stated(statement: Statement) -> Statement:
    """Return it as a statement that counts even if nothing was filled in."""
    return replace(statement, raw=repr(statement.raw)) if statement.is_blank else statement


def _as_text(feedback: object) -> str:
    if isinstance(feedback, str):
        return feedback
    return json.dumps(feedback, ensure_ascii=False, default=lambda value: dict(value.pairs))


def _without(documents: Sequence[tuple[object, int, int]], text: str) -> str:
    """Return the text with all JSON hidden, so that each other character keeps its place."""
    parts: list[str] = []
    last = 0
    for _, start, end in documents:
        parts += [text[last:start], _HIDDEN * (end - start)]
        last = end
    return "".join([*parts, text[last:]])


def _of_prose(text: str, form: VerdictForm, quotations: _Quotations) -> Iterator[Statement]:
    """Yield a statement for each `label: …` and each `<label>…</label>`."""
    pattern = rf"{head_pattern(form.key)}|<{form.key}>\s{{0,8}}"
    heads = list(islice(re.finditer(pattern, text, re.IGNORECASE), MAX_STATEMENTS + 1))
    if len(heads) > MAX_STATEMENTS:
        raise TooMuchToReadError
    next_starts = [*(head.start() for head in heads[1:]), len(text)]
    for head, next_start in zip(heads, next_starts, strict=False):
        before = text[max(0, head.start() - _LONGEST_LEAD) : head.start()]
        line = before.rpartition("\n")[2]
        words = line.casefold().replace(_HIDDEN, "x").strip(DECORATION + "-+•").split()
        if words and words[-1].strip(DECORATION) in form.scale_words:
            continue
        quotation_end = quotations.around(head.start(), head.end())
        end = next_start if quotation_end is None else min(next_start, quotation_end)
        is_tag = head[0].lstrip().startswith("<")
        raw = _verdict_text(text, head.end(), end, is_tag=is_tag)
        at_start = "\n" in before or head.start() <= _LONGEST_LEAD
        yield Statement(
            "prose",
            raw,
            form.read_prose(raw) if raw is not None else None,
            head.start(),
            head.end() + len(raw or ""),
            is_aside=quotation_end is not None,
            leads_its_line=at_start and _LEAD.issuperset(words),
        )


def _verdict_text(text: str, start: int, end: int, *, is_tag: bool) -> str | None:
    """Return the rest of the line, or its part in opening quotes; None if they never close."""
    newline = text.find("\n", start, end)
    line = text[start : newline if newline >= 0 else end].rstrip()
    if is_tag:
        return line.partition("</")[0]
    if line[:1] not in {'"', "'"}:
        return line.partition(_HIDDEN)[0]
    closing = line.find(line[0], 1)
    return line[1:closing] if closing > 0 else None
