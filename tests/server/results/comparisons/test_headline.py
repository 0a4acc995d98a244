from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals_mcp.results.comparisons.headline import headline
from evals_mcp.results.comparisons.joining import Joined, join
from evals_mcp.results.comparisons.judging import Compared
from evals_mcp.results.rows import RowVerdict
from tests.server.results.comparisons.verdict_rows import (
    FAIL,
    PASS,
    compare,
    decided,
    paired,
    rows,
    scored,
)


def sentence(kind: str, joined: Joined) -> str:
    found = compare(kind, joined)
    return headline(found, joined.counts, Compared())


@pytest.mark.parametrize(
    ("kind", "verdicts", "expected"),
    [
        (
            "classify",
            [(FAIL, PASS)] * 24 + [(PASS, FAIL)] * 10 + [(PASS, PASS)] * 43 + [(FAIL, FAIL)] * 7,
            (
                "B passes 16.7 points more often than A on 84 paired rows (79.8 % against 63.1 %; "
                "95 % interval 3.2 to 29.7 points, exact McNemar p = 0.024)."
            ),
        ),
        (
            "classify",
            [(FAIL, PASS)] * 3 + [(PASS, FAIL)] * 9 + [(PASS, PASS)] * 28,
            (
                "No clear difference: B passes 15.0 points less often than A on 40 paired rows "
                "(77.5 % against 92.5 %; 95 % interval -32.1 to 2.2 points, exact McNemar "
                "p = 0.146); with this many rows a difference under 25.9 points could easily be "
                "missed."
            ),
        ),
        (
            "classify",
            [(PASS, PASS)] * 2 + [(FAIL, FAIL)],
            (
                "No row differs: A and B pass the same 2 of 3 paired rows; up to 56.1 points "
                "either way is still possible (95 %)."
            ),
        ),
        (
            "classify",
            [(PASS, FAIL)],
            (
                "No clear difference: B passes 100.0 points less often than A on 1 paired row "
                "(0.0 % against 100.0 %; 95 % interval -100.0 to 58.7 points, exact McNemar "
                "p = 1.000); only 1 row differs, too few for a power of 80 %."
            ),
        ),
        (
            "score",
            [(scored(1), scored(4)), (scored(2), scored(4)), (scored(3), scored(5))] * 4,
            (
                "B scores 2.333 higher than A on average, over 12 paired rows (4.333 against 2; "
                "95 % interval 2.021 to 2.646, paired t p < 0.001)."
            ),
        ),
        (
            "score",
            [(scored(4), scored(1))],
            (
                "B scores 3 below A on 1 paired row (1 against 4); how certain that is cannot be "
                "computed."
            ),
        ),
        (
            "classify",
            [(PASS, FAIL), (FAIL, PASS)] * 2,
            (
                "No clear difference: B passes as often as A on 4 paired rows (50.0 % against "
                "50.0 %; 95 % interval -70.0 to 70.0 points, exact McNemar p = 1.000); only 4 rows "
                "differ, too few for a power of 80 %."
            ),
        ),
        (
            "classify",
            [(RowVerdict("ok", "x"), RowVerdict("ok", "x")), (PASS, RowVerdict("ok", "x"))],
            (
                "A and B agree on labels in 1 of 2 paired rows (50.0 %, 95 % interval 9.5 to 90.5 "
                "%; Cohen's kappa 0.00; Gwet's AC1 0.20)."
            ),
        ),
        (
            "score",
            [(scored(2), scored(2)), (scored(4), scored(4))],
            "No row differs: A and B score the same on every one of 2 paired rows.",
        ),
        (
            "score",
            [(scored(1), scored(4)), (scored(4), scored(1))] * 2,
            (
                "No clear difference: B scores the same as A on average, over 4 paired rows (2.5 "
                "against 2.5; 95 % interval -5.512 to 5.512, paired t p = 1.000); with this many "
                "rows a difference under 7.207 could easily be missed."
            ),
        ),
        (
            "compare",
            [(decided("A"), decided("A"))] * 2,
            (
                "A and B agree on decisions in 2 of 2 paired rows (100.0 %, 95 % interval 34.2 to "
                "100.0 %; Gwet's AC1 1.00). The net preference for B over A is -100.0 points in A, "
                "-100.0 in B."
            ),
        ),
        (
            "compare",
            [(decided("A"), decided("Tie")), (decided("Tie"), decided("A"))],
            (
                "A and B agree on decisions in 0 of 2 paired rows (0.0 %, 95 % interval 0.0 to "
                "65.8 %; Cohen's kappa -1.00; Gwet's AC1 -0.33). No clear difference: the net "
                "preference for B over A is -50.0 points in A, -50.0 in B; difference +0.0 "
                "(95 % interval -200.0 to 200.0 points, paired t p = 1.000)."
            ),
        ),
        (
            "compare",
            [(decided("A"), decided("B"))] * 9 + [(decided("A"), decided("A"))],
            (
                "A and B agree on decisions in 1 of 10 paired rows (10.0 %, 95 % interval 1.8 to "
                "40.4 %; Cohen's kappa 0.00; Gwet's AC1 -0.20). The net preference for B over "
                "A is -100.0 points in A, +80.0 in B; difference +180.0 (95 % interval 134.8 to "
                "200.0 points, paired t p < 0.001)."
            ),
        ),
    ],
)
def test_the_headline_is_a_complete_sentence(
    kind: str, verdicts: Sequence[tuple[RowVerdict, RowVerdict]], expected: str
) -> None:
    assert sentence(kind, paired(verdicts)) == expected


def test_the_headline_names_the_rows_that_are_left_out() -> None:
    joined = join(rows(("x", PASS), ("y", PASS)), rows(("x", PASS)))

    assert sentence("classify", joined).endswith(" Left out: 1 of the 2 rows of A.")


def test_columns_and_models_are_named() -> None:
    joined = paired([(FAIL, PASS)] * 24 + [(PASS, PASS)] * 10)
    compared = Compared(names=("'old'", "'new'"))

    assert headline(compare("classify", joined), joined.counts, compared).startswith(
        "'new' passes 70.6 points more often than 'old' on 34 paired rows"
    )


@given(st.integers(0, 12), st.integers(0, 12), st.integers(0, 40), st.integers(0, 40))
def test_no_headline_contradicts_its_interval_or_its_test(
    only_a: int, only_b: int, both: int, neither: int
) -> None:
    verdicts = [(PASS, FAIL)] * only_a + [(FAIL, PASS)] * only_b
    verdicts += [(PASS, PASS)] * both + [(FAIL, FAIL)] * neither
    if not verdicts:
        return
    found = compare("classify", paired(verdicts))
    assert found.passes is not None
    text = sentence("classify", paired(verdicts))
    interval, p_value = found.passes.interval, found.passes.p_value
    assert interval is not None
    assert text.startswith("No row differs") is (p_value is None)
    if p_value is None:
        assert interval.high > 0
        return
    significant = [p_value < 0.05, not interval.low <= 0 <= interval.high]
    assert text.startswith("No clear difference") is not any(significant)
    assert text.startswith("Borderline") is (any(significant) and not all(significant))
    reasons = " ".join(found.not_computed.values())
    assert "too few to show" not in reasons + text
    # No rounding hides on which side of 0 an end of the interval lies.
    low, high = re.search(r"interval (\S+) to (\S+) points", text).groups()  # pyright: ignore[reportOptionalMemberAccess]
    assert [float(low) > 0, float(high) > 0] == [interval.low > 0, interval.high > 0]
    assert float(low) < float(high)
