"""The forms of a verdict: a label, a score or a choice; how to ask for one and how to read it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from types import MappingProxyType
from typing import Any, Protocol, cast

from evals_engine.faults import RequestError
from evals_engine.judges.dress import DECORATION, layers
from evals_schemas.evaluation_api.evaluations import (
    ClassifyParameters,
    CompareParameters,
    ScoreParameters,
)

_NUMBER = re.compile(
    r"[+-]?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})(?:e[+-]?\d{1,3})?", re.IGNORECASE
)
_OPEN_OUT_OF = re.compile(r"[*_`\s]{0,8}(?:/(?!\s{1,5}[^\W\d])|out of)", re.IGNORECASE)
"""A scale that must follow; `6 / Clarity` is the end of an item in a list."""

_OUT_OF = re.compile(rf"[*_`\s]{{0,8}}(?:/|out of)[*_`\s]{{0,8}}({_NUMBER.pattern})", re.IGNORECASE)
_UNIT = re.compile(r"[*_`\s]{0,8}(?:points?|pts?|stars?)\b", re.IGNORECASE)
_OTHER_FIGURE = re.compile(r"[\d%]")
_AROUND_A_NUMBER = DECORATION.replace(".", "").replace("<", "").replace(">", "")
_MAX_LISTS = 3
"""How many lists around a value are taken off."""

_OTHER_WORDS = frozenset(
    {"max", "maximum", "min", "minimum", "highest", "lowest", "possible", "previous"}
)
_CHOICES: Mapping[str, str] = MappingProxyType({"a": "A", "b": "B", "tie": "Tie"})


class VerdictForm(Protocol):
    """What a verdict looks like: what the judge is asked for, and what is accepted."""

    @property
    def key(self) -> str:
        """The JSON key that holds the verdict."""
        ...

    @property
    def scale_words(self) -> frozenset[str]:
        """Words before the key, as in `maximum score: 10`, that make it not the verdict."""
        ...

    def instruction(self) -> str:
        """Return the text that is appended to the judge's system prompt."""
        ...

    def json_schema(self) -> dict[str, Any]:
        """Return a strict object with `feedback` first, so that the reason precedes the verdict."""
        ...

    def read(self, value: object) -> str | float | None:
        """Return the verdict that a whole value, without its dress, is; None if it is not one."""
        ...

    def read_prose(self, text: str) -> str | float | None:
        """Return the verdict that the rest of a line after `label:` expresses, or None."""
        ...

    def check_rule(self) -> None:
        """Raise RequestError if a rule could not fail any answer in this form."""
        ...

    def rule_verdict(self, agreement: float, *, passes: bool) -> str | float:
        """Return the verdict of a rule on one answer.

        Args:
            agreement: how far the answer agrees with the expected text, from 0 to 1.
            passes: whether that agreement is enough for the rule.
        """
        ...


@dataclass(frozen=True)
class LabelForm:
    """One of the given labels, in their own spelling."""

    labels: tuple[str, ...]
    pass_labels: tuple[str, ...] = ()
    """The labels that count as a pass; a rule gives the first of them to an answer that agrees."""
    key = "label"
    scale_words = _OTHER_WORDS

    @classmethod
    def of(cls, parameters: ClassifyParameters) -> LabelForm:
        """Return the form of a classify evaluation's verdicts."""
        return cls(tuple(parameters.labels), tuple(parameters.pass_labels))

    @cached_property
    def _by_folded(self) -> dict[str, str]:
        return {label.strip().casefold(): label for label in reversed(self.labels)}

    def instruction(self) -> str:
        """Ask for one label, each quoted."""
        quoted = ", ".join(json.dumps(label, ensure_ascii=False) for label in self.labels)
        return _instruction(self.key, f"exactly one of these labels: {quoted}")

    def json_schema(self) -> dict[str, Any]:
        """Return the labels as an enum."""
        return _schema(self.key, {"type": "string", "enum": list(self.labels)})

    def read(self, value: object) -> str | None:
        """Return the label that equals the whole value except for case and dress.

        A JSON true, false or whole number is read as its text, for labels such as `true` or `1`.
        """
        value = _single(value)
        if isinstance(value, bool):
            value = "true" if value else "false"
        elif isinstance(value, int):
            value = str(value) if abs(value) < 10**18 else None
        return _first(self._by_folded, value, self.key) if isinstance(value, str) else None

    def read_prose(self, text: str) -> str | None:
        """Return the label that equals the text except for case and dress."""
        return self.read(text)

    def check_rule(self) -> None:
        """See `VerdictForm`: every label may be a pass label."""
        self._failing_label()

    def rule_verdict(self, agreement: float, *, passes: bool) -> str:  # noqa: ARG002 - of VerdictForm
        """Return the first pass label, or the first label that is not a pass label."""
        return self.pass_labels[0] if passes else self._failing_label()

    def _failing_label(self) -> str:
        for label in self.labels:
            if label not in self.pass_labels:
                return label
        raise RequestError(
            "A rule judge needs a label that is not a pass label, for answers that do not agree.",
            "pass_labels",
        )


@dataclass(frozen=True)
class ScoreForm:
    """A number from `min_score` to `max_score`, both included."""

    min_score: float
    max_score: float
    key = "score"
    scale_words = _OTHER_WORDS | {"perfect", "full", "ideal", "best", "worst", "top", "passing"}

    @classmethod
    def of(cls, parameters: ScoreParameters) -> ScoreForm:
        """Return the form of a score evaluation's verdicts."""
        return cls(parameters.min_score, parameters.max_score)

    def instruction(self) -> str:
        """Ask for a number and name the range."""
        low, high = self.min_score, self.max_score
        return _instruction(self.key, f"a number from {low:g} to {high:g}")

    def json_schema(self) -> dict[str, Any]:
        """Return the range as bounds."""
        bounds = {"minimum": _plain(self.min_score), "maximum": _plain(self.max_score)}
        return _schema(self.key, {"type": "number"} | bounds)

    def read(self, value: object) -> float | None:
        """Return the number, also from text such as `7 points` or, if 10 is the highest, `7/10`.

        A bool, NaN, an infinity or a number outside the range gives None; nothing is clamped.
        """
        value = _single(value)
        if isinstance(value, str):
            texts = chain(layers(value, self.key), (value.strip(_AROUND_A_NUMBER),))
            numbers = (self._number(text, whole=True) for text in texts)
            value = next((number for number in numbers if number is not None), None)
        return self._in_range(value)

    def read_prose(self, text: str) -> float | None:
        """Return the score that the text begins with; None if another figure follows it."""
        score = self.read(text)
        if score is not None:
            return score
        return self._in_range(self._number(text.strip(_AROUND_A_NUMBER), whole=False))

    def check_rule(self) -> None:
        """See `VerdictForm`: any range can express an agreement."""

    def rule_verdict(self, agreement: float, *, passes: bool) -> float:  # noqa: ARG002 - of VerdictForm
        """Return the agreement scaled to the range."""
        score = self.min_score + agreement * (self.max_score - self.min_score)
        return min(max(score, self.min_score), self.max_score)  # rounding can overshoot

    def _in_range(self, value: object) -> float | None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return float(value) if self.min_score <= value <= self.max_score else None

    def _number(self, text: str, *, whole: bool) -> float | None:
        """Return the number that the text begins with, or is, if it must be the whole text."""
        match = _NUMBER.match(text)
        if not match or text[match.end() : match.end() + 1].isalnum():
            return None
        end = self._end_of_scale(text, _past(_UNIT, text, match.end()))
        if end is None:
            return None
        rest = text[end:]
        if rest[:1].isalnum() or _OTHER_FIGURE.search(rest):
            return None
        if whole and rest.strip(_AROUND_A_NUMBER + "."):
            return None
        return float(match.group())

    def _end_of_scale(self, text: str, start: int) -> int | None:
        """Return where `/10` ends, or `start` without it; None if the scale is another one."""
        if out_of := _OUT_OF.match(text, start):
            is_this_scale = float(out_of[1]) == self.max_score
            return _past(_UNIT, text, out_of.end()) if is_this_scale else None
        return None if _OPEN_OUT_OF.match(text, start) else start


@dataclass(frozen=True)
class ChoiceForm:
    """The better of two answers, or neither."""

    key = "choice"
    scale_words = _OTHER_WORDS

    @classmethod
    def of(cls, parameters: CompareParameters) -> ChoiceForm:  # noqa: ARG003 - as other forms
        """Return the form of a compare evaluation's verdicts, the same for all of them."""
        return cls()

    def instruction(self) -> str:
        """Ask for A, B or Tie."""
        choices = '"A" if answer A is better, "B" if answer B is better, "Tie" if neither is'
        return _instruction(self.key, choices)

    def json_schema(self) -> dict[str, Any]:
        """Return the three choices as an enum."""
        return _schema(self.key, {"type": "string", "enum": list(_CHOICES.values())})

    def read(self, value: object) -> str | None:
        """Return A, B or Tie, in any case and dress; no other wording is accepted."""
        value = _single(value)
        return _first(_CHOICES, value, self.key) if isinstance(value, str) else None

    def read_prose(self, text: str) -> str | None:
        """Return the choice that equals the text except for case and dress."""
        return self.read(text)

    def check_rule(self) -> None:
        """See `VerdictForm`: two agreements can always be compared."""

    def rule_verdict(self, agreement: float, *, passes: bool) -> str:  # noqa: ARG002 - of VerdictForm
        """Raise TypeError: a choice needs two answers; see `rules.choice_of`."""
        raise TypeError("a choice needs two answers")


def _past(pattern: re.Pattern[str], text: str, start: int) -> int:
    """Return where a match that begins at `start` ends; `start` if there is no match."""
    match = pattern.match(text, start)
    return match.end() if match else start


def _single(value: object) -> object:
    """Return the only item of a list with one item, such as `["A"]`; else the value itself."""
    for _ in range(_MAX_LISTS):
        items = cast("list[object]", value) if isinstance(value, list) else []
        if len(items) != 1:
            break
        value = items[0]
    return cast("object", value)


def _first(verdicts: Mapping[str, str], text: str, key: str) -> str | None:
    """Return the verdict that the text is with as much of its dress as possible."""
    texts = chain(layers(text, key), (text.strip(DECORATION),))
    folded = (each.casefold() for each in texts)
    return next((verdicts[layer] for layer in folded if layer in verdicts), None)


def _instruction(key: str, verdict: str) -> str:
    return (
        "Answer with one JSON object and nothing else. It has two keys, in this order: "
        f'"feedback", a short text with your reasons, and "{key}", {verdict}.'
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
