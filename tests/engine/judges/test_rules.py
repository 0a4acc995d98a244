"""Rule judges: agreement of an answer with what is expected, and the verdict that follows."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals_engine.compute.tasks import TaskError
from evals_engine.faults import RequestError
from evals_engine.judges.rule_computations import Agreement, agreement, last_number
from evals_engine.judges.rules import (
    RULES,
    choice_of,
    verdict_of,
)
from evals_engine.judges.verdict_forms import ChoiceForm, LabelForm, ScoreForm
from evals_engine.judges.verdicts import read_verdict


@pytest.mark.parametrize(
    ("rule", "expected", "answer", "value"),
    [
        ("rule/exact-match", "Paris", " paris\n", 1),
        ("rule/exact-match", "New  York", "new york", 1),
        ("rule/exact-match", "caf\u00e9", "cafe\u0301", 1),
        ("rule/exact-match", "Stra\u00dfe", "STRASSE", 1),
        ("rule/exact-match", "Paris", "Paris.", 0),
        ("rule/exact-match", "", " ", 1),
        ("rule/contains", "new york", "It is New\nYork, of course.", 1),
        ("rule/contains", "Rome", "It is Paris.", 0),
        ("rule/contains", " ", "anything", 0),
        ("rule/regex", r"\b\d{4}\b", "in 1984", 1),
        ("rule/regex", r"^\d+$", "in 1984", 0),
        ("rule/regex", "", "anything", 0),
        ("rule/numeric", "1,234.5", "The sum is 1234.50.", 1),
        ("rule/numeric", "12%", "a share of 0.12", 1),
        ("rule/numeric", "-5", "from 3 to -5", 1),
        ("rule/numeric", "6.02e23", "6.02E+23", 1),
        ("rule/numeric", "42", "42.1", 0),
        ("rule/numeric", "42", "no idea", 0),
        ("rule/numeric", "none", "42", 0),
        ("rule/similarity", "abcd", "ABCD", 1),
        ("rule/similarity", "abcd", "wxyz", 0),
        ("rule/similarity", "abcd", "abxy", 0.5),
    ],
)
def test_each_rule_agrees_as_it_says(rule: str, expected: str, answer: str, value: float) -> None:
    assert agreement(rule, expected, answer).value == value


@pytest.mark.parametrize(
    ("expected", "answer"),
    [
        ("40", "The sum is 40."),
        ("40", "[40,41]"),
        ("40", "$40.00 a month"),
        ("40", "40km, not more"),
        ("40", "from 10-40"),
        ("40", "40 %"),
        ("40", "40001, or rather 40"),
        ("$5", "It is US$5."),
        ("cat", "a **cat**, a _cat_, the cat's"),
        ("c++", "in C++20"),
        ("\u6771\u4eac", "\u5927\u6771\u4eac\u90fd"),
        ("40", "\u7b2c40\u56de"),
        ("\uc11c\uc6b8", "\uc11c\uc6b8\uc740"),
    ],
)
def test_a_word_or_number_of_its_own_is_contained(expected: str, answer: str) -> None:
    assert agreement("rule/contains", expected, answer).value == 1


@pytest.mark.parametrize(
    ("expected", "answer"),
    [
        ("40", "The sum is 40001."),
        ("40", "It is 1,040."),
        ("40", "It is 40,000."),
        ("40", "It is 40.5."),
        ("40", "It is 3.40."),
        ("40", "It is -40."),
        ("$5", "It is $50."),
        ("12", "vitamin B12"),
        ("B", "vitamin B12"),
        ("cat", "concatenate"),
        ("month", "two months"),
        ("a", "a\u0301"),
    ],
)
def test_a_part_of_a_longer_word_or_number_is_not_contained(expected: str, answer: str) -> None:
    found = agreement("rule/contains", expected, answer)
    assert (found.value, found.reason) == (0, f'lacks "{expected}"')


@pytest.mark.parametrize("rule", RULES)
@given(expected=st.text(max_size=30), answer=st.text(max_size=60))
def test_agreement_is_a_share_and_says_why(rule: str, expected: str, answer: str) -> None:
    try:
        found = agreement(rule, expected, answer)
    except TaskError:
        assert rule == "rule/regex"
        return
    assert 0 <= found.value <= 1
    assert found.reason


@pytest.mark.parametrize("rule", sorted(set(RULES) - {"rule/regex", "rule/numeric"}))
@given(st.text(min_size=1).filter(str.strip))
def test_every_text_agrees_with_itself(rule: str, text: str) -> None:
    assert agreement(rule, text, text).value == 1


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15))
def test_a_number_is_found_again_in_every_notation(number: float) -> None:
    for written in (f"{number!r}", f"{number:,.6f}", f"{number:.9e}"):
        found = last_number(f"First 1, then x = {written}.")
        assert found is not None
        assert math.isclose(found, number, rel_tol=1e-6, abs_tol=1e-6)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5-3", 3),
        ("2026-11-20", 20),
        ("(4) -3", -3),
        ("\u22122.5", -2.5),
        ("50 percent", 0.5),
        (".5", 0.5),
        ("1e999", None),
        ("no number", None),
    ],
)
def test_the_last_number_of_a_text(text: str, number: float | None) -> None:
    assert last_number(text) == number


def test_a_pattern_that_is_none_is_the_callers_fault() -> None:
    with pytest.raises(TaskError, match="not a regular expression"):
        agreement("rule/regex", "(", "x")


def test_what_is_wrong_with_a_pattern_is_said_without_quoting_the_row() -> None:
    with pytest.raises(TaskError, match=r"expression: missing \) at position 16") as caught:
        agreement("rule/regex", "(ssn 123-45-6789", "x")
    assert "123" not in str(caught.value)


def test_a_pattern_that_takes_too_long_fails_this_row_only() -> None:
    with pytest.raises(TaskError, match=r"more than 0\.5 s"):
        agreement("rule/regex", r"(?:(?:a|a)+)+(?=b)$", "a" * 40)


def test_the_reason_cuts_a_long_expected_text() -> None:
    reason = agreement("rule/exact-match", "word " * 100, "x").reason
    assert reason.startswith('differs from "word word')
    assert len(reason) < 100


LABELS = LabelForm(("bad", "fine", "good"), pass_labels=("good", "fine"))


@pytest.mark.parametrize(
    ("rule", "value", "label"),
    [
        ("rule/exact-match", 1.0, "good"),
        ("rule/exact-match", 0.0, "bad"),
        ("rule/similarity", 0.8, "good"),
        ("rule/similarity", 0.79, "bad"),
    ],
)
def test_agreement_becomes_the_first_pass_label_or_the_first_other(
    rule: str, value: float, label: str
) -> None:
    verdict = verdict_of(LABELS, rule, Agreement(value, 'differs from "x"'))
    assert verdict == read_verdict(verdict.raw, LABELS)
    assert (verdict.value, verdict.feedback) == (label, f'{rule}: differs from "x"')


def test_labels_that_all_pass_cannot_be_judged_by_a_rule() -> None:
    with pytest.raises(RequestError, match="not a pass label"):
        LabelForm(LABELS.labels, LABELS.labels).check_rule()


@given(st.floats(0, 1), st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_agreement_becomes_its_place_in_the_score_range(
    value: float, low: float, width: float
) -> None:
    form = ScoreForm(low, low + width)
    verdict = verdict_of(form, "rule/similarity", Agreement(value, "r"))
    assert verdict == read_verdict(verdict.raw, form)
    assert verdict.value == pytest.approx(low + value * width, abs=1e-6 * (abs(low) + width))


@pytest.mark.parametrize(("a", "b", "choice"), [(1, 0, "A"), (0, 1, "B"), (0.5, 0.5, "Tie")])
def test_the_higher_agreement_wins_and_equal_is_a_tie(a: float, b: float, choice: str) -> None:
    verdict = choice_of("rule/contains", Agreement(a, "yes"), Agreement(b, "no"))
    assert json.loads(verdict.raw) == {"feedback": "rule/contains: A yes; B no", "choice": choice}
    assert verdict == read_verdict(verdict.raw, ChoiceForm())
