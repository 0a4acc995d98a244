"""From a judge's text to a label, a score or a choice, or a reason why there is none.

Judges wrap their verdict in reasoning, fences and prose. The text is read in steps, the surest
first: the whole text as JSON, the last JSON object that has the key, the last `label: …` in the
prose. A verdict is matched whole or not at all, and nothing is rounded, clamped or guessed.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, cast

from evals_engine.faults import cleaned

MAX_OBJECTS = 100
"""How many JSON objects of one text are tried, from its end. Bounds the time on hostile text."""

_REASONING_TAG = re.compile(r"<(/?)(?:think|thinking|reasoning|analysis)\s*>", re.IGNORECASE)
_FENCE = re.compile(r"```\w*[ \t]*\n|```")
_OBJECT_START = re.compile(r'\{\s*"')
_NUMBER = re.compile(
    r"[+-]?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})(?:e[+-]?\d{1,3})?", re.IGNORECASE
)
_OUT_OF = re.compile(r"\s{0,5}(?:/|out of)\s{0,5}", re.IGNORECASE)
_OTHER_FIGURE = re.compile(r"[\d%]")
_NOT_THE_VERDICT = ("max", "maximum", "min", "minimum", "highest", "lowest", "possible", "previous")
_DECORATION = " \t\r*_`'\".,;:()[]{}<>#|"


class VerdictForm(Protocol):
    """What a verdict looks like: what the judge is asked for, and what is accepted."""

    @property
    def key(self) -> str:
        """The JSON key that holds the verdict."""
        ...

    def instruction(self) -> str:
        """What is appended to the judge's system prompt."""
        ...

    def json_schema(self) -> dict[str, Any]:
        """A strict object; `feedback` comes first, so that the reason precedes the verdict."""
        ...

    def read(self, value: object) -> str | float | None:
        """The verdict that a JSON value stands for; None when it stands for none."""
        ...


@dataclass(frozen=True)
class LabelForm:
    """One of the given labels, in their own spelling."""

    labels: tuple[str, ...]
    key = "label"

    @cached_property
    def _by_folded(self) -> dict[str, str]:
        return {label.strip().casefold(): label for label in reversed(self.labels)}

    def instruction(self) -> str:
        """Ask for one label, each quoted."""
        quoted = ", ".join(json.dumps(label, ensure_ascii=False) for label in self.labels)
        return _instruction(self.key, f"exactly one of these labels: {quoted}")

    def json_schema(self) -> dict[str, Any]:
        """The labels as an enum."""
        return _schema(self.key, {"type": "string", "enum": list(self.labels)})

    def read(self, value: object) -> str | None:
        """The label that equals the whole value but for case and outer spaces.

        A JSON true, false or whole number is read as its text, for labels such as `true` or `1`.
        """
        if isinstance(value, bool):
            value = "true" if value else "false"
        elif isinstance(value, int):
            value = str(value) if abs(value) < 10**18 else None
        return self._by_folded.get(value.strip().casefold()) if isinstance(value, str) else None


@dataclass(frozen=True)
class ScoreForm:
    """A number from `min_score` to `max_score`, both included."""

    min_score: float
    max_score: float
    key = "score"

    def instruction(self) -> str:
        """Ask for a number and name the range."""
        low, high = self.min_score, self.max_score
        return _instruction(self.key, f"a number from {low:g} to {high:g}")

    def json_schema(self) -> dict[str, Any]:
        """The range as bounds."""
        bounds = {"minimum": _plain(self.min_score), "maximum": _plain(self.max_score)}
        return _schema(self.key, {"type": "number"} | bounds)

    def read(self, value: object) -> float | None:
        """The number, also from text such as `7` or, where 10 is the highest score, `7/10`.

        A bool, NaN, an infinity and anything outside the range is none; nothing is clamped.
        """
        if isinstance(value, str):
            value = self._number(value.strip(), whole=True)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        if not self.min_score <= value <= self.max_score:
            return None
        return float(value)

    def read_leading(self, text: str) -> float | None:
        """The score that a line of prose begins with; none if another figure follows on it."""
        return self.read(self._number(text.strip(_DECORATION.replace(".", "")), whole=False))

    def _number(self, text: str, *, whole: bool) -> float | None:
        found = _NUMBER.match(text)
        if not found:
            return None
        rest = text[found.end() :]
        if out_of := _OUT_OF.match(rest):
            highest = _NUMBER.match(rest, out_of.end())
            if not highest or float(highest.group()) != self.max_score:
                return None
            rest = rest[highest.end() :]
        if rest[:1].isalnum() or _OTHER_FIGURE.search(rest) or (whole and rest):
            return None
        return float(found.group())


@dataclass(frozen=True)
class ChoiceForm:
    """The better of two answers, or neither."""

    key = "choice"

    def instruction(self) -> str:
        """Ask for A, B or Tie."""
        wanted = '"A" if answer A is better, "B" if answer B is better, "Tie" if neither is'
        return _instruction(self.key, wanted)

    def json_schema(self) -> dict[str, Any]:
        """The three choices as an enum."""
        return _schema(self.key, {"type": "string", "enum": ["A", "B", "Tie"]})

    def read(self, value: object) -> str | None:
        """A, B or Tie, in any case; no other wording."""
        folded = value.strip().casefold() if isinstance(value, str) else ""
        return {"a": "A", "b": "B", "tie": "Tie"}.get(folded)


@dataclass(frozen=True)
class Verdict:
    """What a judge's text says. Exactly one of `value` and `invalid` is None."""

    value: str | float | None
    feedback: str
    """The judge's reason; may be empty, and is whenever the verdict is invalid."""
    raw: str
    """The judge's whole text."""
    invalid: str | None
    """Why there is no verdict."""


def read_verdict(text: str, form: VerdictForm, truncated: bool = False) -> Verdict:
    """Read a verdict out of anything a judge can write. Never raises, in time linear in the text.

    Args:
        text: the judge's whole answer.
        form: what a verdict must look like.
        truncated: whether the answer was cut at its token limit. It is invalid then, whatever
            parses: the end may have said otherwise.
    """
    if truncated:
        return Verdict(None, "", text, "truncated")
    if (whole := _verdict_object(text.strip(), form.key)) is not None:
        return _from_object(whole, form, text)
    answer = _without_fences(_without_reasoning(text))
    if not answer:
        return Verdict(None, "", text, "the judge's answer is empty")
    if (found := _last_object(answer, form.key)) is not None:
        return _from_object(found, form, text)
    return _from_prose(answer, form, text)


def _instruction(key: str, wanted: str) -> str:
    return (
        "Answer with one JSON object and nothing else. It has two keys, in this order: "
        f'"feedback", a short text with your reasons, and "{key}", {wanted}.'
    )


def _schema(key: str, verdict: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"feedback": {"type": "string"}, key: verdict},
        "required": ["feedback", key],
        "additionalProperties": False,
    }


def _plain(number: float) -> float:
    return int(number) if float(number).is_integer() else number


def _without_reasoning(text: str) -> str:
    """The text outside reasoning tags.

    A closing tag that nothing opened ends reasoning that began at the start, as when the opening
    tag was part of the prompt; a tag that nothing closes opens reasoning up to the end.
    """
    kept: list[str] = []
    start, inside = 0, False
    for tag in _REASONING_TAG.finditer(text):
        if not inside and not tag.group(1):
            kept.append(text[start : tag.start()])
        elif not inside:
            kept.clear()
        start, inside = tag.end(), not tag.group(1)
    if not inside:
        kept.append(text[start:])
    return "".join(kept)


def _without_fences(text: str) -> str:
    text = text.strip()
    if opening := _FENCE.match(text):
        text = text[opening.end() :]
    return text.removesuffix("```").strip()


# Lenient about raw line breaks inside strings, which judges write.
_decoder = json.JSONDecoder(strict=False)


def _verdict_object(text: str, key: str) -> dict[str, Any] | None:
    """The text as one JSON object that has the key; None when it is anything else."""
    if not (text.startswith("{") and text.endswith("}")):
        return None
    found, end, _ = _object_at(text, 0)
    return found if found is not None and end == len(text) and _has(found, key) else None


def _object_at(text: str, start: int) -> tuple[dict[str, Any] | None, int, int]:
    """The JSON object that starts here, where it ends, and how far the text was read for it."""
    try:
        value, end = cast("tuple[object, int]", _decoder.raw_decode(text, start))
    except json.JSONDecodeError as error:
        return None, start, error.pos
    except (RecursionError, ValueError):
        return None, start, len(text)
    return (cast("dict[str, Any]", value) if isinstance(value, dict) else None), end, end


def _has(found: dict[str, Any], key: str) -> bool:
    return key in found or any(name.strip().casefold() == key for name in found)


def _last_object(text: str, key: str) -> dict[str, Any] | None:
    """The last object with the key; of objects inside one another, the outermost that has it."""
    best: dict[str, Any] | None = None
    best_start = len(text)
    patience = 4 * len(text)
    for start in _starts_from_the_end(text):
        found, end, read_to = _object_at(text, start)
        if found is not None and _has(found, key) and (best is None or end > best_start):
            best, best_start = found, start
        patience -= read_to - start
        if patience < 0:
            break
    return best


def _starts_from_the_end(text: str) -> Iterator[int]:
    starts = [match.start() for match in _OBJECT_START.finditer(text)]
    return reversed(starts[-MAX_OBJECTS:])


def _from_object(found: dict[str, Any], form: VerdictForm, raw: str) -> Verdict:
    fields = {name.strip().casefold(): value for name, value in found.items()} | found
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
    said = _said(text, last.end())
    value = _read_said(said, form) if said is not None else None
    if value is None:
        return _unreadable(said, form, raw)
    return Verdict(value, well_formed(text[: last.start()].strip(_DECORATION + "\n")), raw, None)


def _read_said(said: str, form: VerdictForm) -> str | float | None:
    if isinstance(form, ScoreForm):
        return form.read_leading(said)
    exact = form.read(said)
    return exact if exact is not None else form.read(said.strip(_DECORATION))


def _heads(key: str) -> re.Pattern[str]:
    """`label:` in its usual dresses, up to where the verdict begins."""
    return re.compile(rf"(?<!\w){key}[\"'*_`\s]{{0,8}}[:=][*_`\s]{{0,8}}", re.IGNORECASE)


def _introduces_another(text: str, start: int) -> bool:
    before = text[max(0, start - 16) : start].rstrip(_DECORATION.replace("(", ""))
    return before.casefold().endswith(_NOT_THE_VERDICT)


def _said(text: str, start: int) -> str | None:
    """What follows on the line, or inside the quotes that open there; None if they never close."""
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


def well_formed(text: str) -> str:
    """The text without lone surrogates, which JSON can carry and UTF-8 cannot."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
