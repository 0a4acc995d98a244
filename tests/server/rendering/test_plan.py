from __future__ import annotations

import pytest

from evals_mcp.rendering.plan import cost_line, plan_lines
from evals_schemas.tools.plans import ModelCalls, Plan, Range


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (4, 4, "4 s"),
        (12, 80, "12 to 80 s"),
        (60, 600, "1 to 10 min"),
        (3600, 7200, "1 to 2 h"),
        (5400, 36_000, "1.5 to 10 h"),
    ],
)
def test_a_duration_is_told_in_the_unit_of_its_high_end(low: float, high: float, text: str) -> None:
    plan = Plan(duration_seconds=Range(low=low, high=high))
    assert f"Estimated to take {text}." in list(plan_lines(plan))


def test_a_plan_of_which_nothing_is_known_says_so() -> None:
    assert list(plan_lines(Plan())) == [
        "Rows unknown; an unknown number of model calls, price unknown."
    ]
    assert cost_line(None, None) is None


def test_a_rule_makes_no_calls_and_reads_no_tokens() -> None:
    rule = ModelCalls(role="judge", model="rule/contains", calls=0, input_tokens=9, output_tokens=0)
    lines = list(plan_lines(Plan(rows=1, calls=0, models=[rule])))
    assert lines == ["1 row; 0 model calls, no cost.", "- judge 'rule/contains': 0 calls"]


@pytest.mark.parametrize(
    ("read", "written", "text"),
    [
        (164_987_654, 1_999_999, "about 165 million tokens in and 2 million out"),
        (123_456, 999, "about 123,000 tokens in and 999 out"),
        (12_345_678_901, 9_994, "about 12.3 billion tokens in and 9,990 out"),
    ],
)
def test_tokens_are_told_to_three_digits(read: int, written: int, text: str) -> None:
    lines = list(plan_lines(Plan(rows=2, calls=2, input_tokens=read, output_tokens=written)))
    assert text in lines[0]
