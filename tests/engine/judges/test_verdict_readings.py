"""Reads every text of `verdict_readings.txt` and compares the reading with the expected one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from evals_engine.judges.verdict_forms import ChoiceForm, LabelForm, ScoreForm, VerdictForm
from evals_engine.judges.verdicts import Verdict, read_verdict

TABLE = Path(__file__).with_name("verdict_readings.txt")

FORMS: Mapping[str, VerdictForm] = {
    "label": LabelForm(("good", "bad")),
    "score": ScoreForm(0, 10),
    "choice": ChoiceForm(),
}
WORDS: Mapping[str, Mapping[str, str]] = {
    "label": {"$1": '"good"', "$2": '"bad"', "$one": "good", "$two": "bad"},
    "score": {"$1": "7", "$2": "3", "$one": "7", "$two": "3"},
    "choice": {"$1": '"A"', "$2": '"B"', "$one": "A", "$two": "B"},
}
MARKS = {ord("⏎"): "\n", ord("¤"): "\u200b"}
REASONS = {"two verdicts": "two verdicts", "copied": "is copied from what was judged"}
SETTING = re.compile(r"(forms|answer|prompt|answer_A|answer_B): (.*)")


@dataclass
class Family:
    """Readings that share what was judged."""

    name: str
    forms: list[str] = field(default_factory=lambda: list(FORMS))
    material: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Reading:
    """One text of a judge for one form, with the reading that the rule demands."""

    family: str
    form: str
    expected: str
    text: str
    material: tuple[str, ...]


def filled(template: str, form: str) -> str:
    """Return a text of the table for one form."""
    words = {"$key": form, "$Key": form.capitalize(), "$KEY": form.upper(), **WORDS[form]}
    names = sorted(words, key=len, reverse=True)
    pattern = "|".join(re.escape(name) for name in names)
    return re.sub(pattern, lambda name: words[name[0]], template).translate(MARKS)


def readings() -> Iterator[Reading]:
    """Yield each line of the table for each form of its family."""
    family = Family("")
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            family = Family(line.strip("[]"))
        elif setting := SETTING.fullmatch(line):
            if setting[1] == "forms":
                family.forms = setting[2].split(", ")
            else:
                family.material.append(setting[2])
        else:
            expected, text = line.split(" | ", 1)
            for form in family.forms:
                material = tuple(filled(judged, form) for judged in family.material)
                wanted = filled(f"${expected}", form) if expected in {"one", "two"} else expected
                yield Reading(family.name, form, wanted, filled(text, form), material)


READINGS = list(readings())


def reading_of(verdict: Verdict) -> str:
    """Return a verdict in the words of the table."""
    if verdict.invalid is not None:
        return next((word for word, part in REASONS.items() if part in verdict.invalid), "none")
    return f"{verdict.value:g}" if isinstance(verdict.value, float) else str(verdict.value)


@pytest.mark.parametrize(
    "reading", READINGS, ids=[f"{each.family}, {each.form}: {each.text}" for each in READINGS]
)
def test_a_text_is_read_as_the_rule_demands(reading: Reading) -> None:
    verdict = read_verdict(reading.text, FORMS[reading.form], material=reading.material)
    assert (reading_of(verdict), verdict.raw) == (reading.expected, reading.text)


def test_the_table_has_at_least_300_different_texts() -> None:
    assert len({(each.form, each.text, each.material) for each in READINGS}) >= 300
