"""A data set of 300 rows, a judge that is too lenient, and a person who knows the truth."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from evals_mcp.results.calibration.corrected import says_as_much
from evals_mcp.results.statistics.corrections.strata import Stratum, stratified_rate
from evals_mcp.results.statistics.rates import rate

ROWS, LABELS = 300, 60
TRUTH, BY_JUDGE = 50.0, 80.0
"""Percent of the rows that a person passes, and that the judge passes."""

NAMES = ("right", "wrong")
PASSES = {"labels": list(NAMES), "pass_labels": ["right"]}
_NUMBER = re.compile(r"Is answer (\d+) right\?")


def is_right(number: int) -> bool:
    """Return what the person says of a row."""
    return number % 10 < 5


def judge_passes(number: int) -> bool:
    """Return what the judge says of it: it passes three of five wrong answers, too."""
    return number % 10 < 8


def rows() -> list[dict[str, Any]]:
    """Return the rows; a rule that looks for `expected` in the answer is this judge."""
    return [
        {
            "question": f"Is answer {number} right?",
            "answer": f"It is {number}.",
            "expected": f"It is {number}" if judge_passes(number) else "Something else",
        }
        for number in range(ROWS)
    ]


def number_in(text: str) -> int:
    """Return the number of the row that was shown last in a text."""
    return int(_NUMBER.findall(text)[-1])


def key_for(number: int) -> str:
    """Return the key by which the person labels a row."""
    return "1" if is_right(number) else "2"


def check_corrected(answer: Mapping[str, Any], numbers: list[int]) -> list[float]:
    """Check the corrected pass rate in an answer of `get_evaluation`, and return it.

    Args:
        answer: the answer.
        numbers: the numbers of the labelled rows, in the order in which they were labelled.
    """
    assert len(set(numbers)) == LABELS, "no row was labelled twice"
    calibration = answer["summary"]["calibration"]
    (corrected,) = calibration["corrected"]
    assert (calibration["labels"], calibration["plan"]) == (LABELS, "random")
    assert corrected["judge_alone"] == BY_JUDGE
    expected = [round(100 * each, 4) for each in _expected(numbers)]
    assert [round(each, 4) for each in corrected["figure"]] == expected
    value, low, high = corrected["figure"]
    # Of 20 people one misses the truth; of ten thousand one misses it by twice as much.
    assert 2 * low - value <= TRUTH <= 2 * high - value < 2 * BY_JUDGE
    assert high < BY_JUDGE
    assert answer["summary"]["headline"].startswith(
        f"Corrected by {LABELS} labels of people, the pass rate is "
    )
    return corrected["figure"]


def _expected(numbers: list[int]) -> tuple[float, float, float]:
    """Return the corrected rate and its interval, from the rows and the formulas alone."""
    strata = list[Stratum]()
    for verdict in (True, False):
        size = sum(judge_passes(number) == verdict for number in range(ROWS))
        labelled = [number for number in numbers if judge_passes(number) == verdict]
        strata.append(Stratum(size, sum(map(is_right, labelled)), len(labelled)))
    figure, alone = stratified_rate(strata), rate(sum(map(is_right, numbers)), len(numbers))
    assert figure is not None
    assert alone is not None
    shown = alone if says_as_much(figure, alone) else figure
    assert shown.interval is not None
    return shown.value, *shown.interval
