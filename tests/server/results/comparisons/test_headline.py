from __future__ import annotations

from collections.abc import Sequence

import pytest

from evals_mcp.results.comparisons.headline import headline
from evals_mcp.results.comparisons.joining import Joined, join
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
    return headline(found, joined.counts, same_answers=joined.same_answers, cautions=[])


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
                "p = 0.146); with this many rows a difference under 23.6 points could easily be "
                "missed."
            ),
        ),
        (
            "classify",
            [(PASS, PASS)] * 2 + [(FAIL, FAIL)],
            "No difference: A and B pass the same 2 of 3 paired rows.",
        ),
        (
            "classify",
            [(PASS, FAIL)],
            (
                "No clear difference: B passes 100.0 points less often than A on 1 paired row "
                "(0.0 % against 100.0 %; 95 % interval -100.0 to 58.7 points, exact McNemar "
                "p = 1.000); so few rows differ that no difference could have been significant."
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
                "50.0 %; 95 % interval -70.0 to 70.0 points, exact McNemar p = 1.000); so few rows "
                "differ that no difference could have been significant."
            ),
        ),
        (
            "classify",
            [(RowVerdict("ok", "x"), RowVerdict("ok", "x")), (PASS, RowVerdict("ok", "x"))],
            "A and B agree on labels in 1 of 2 paired rows (50.0 %, Cohen's kappa 0.00).",
        ),
        (
            "score",
            [(scored(2), scored(2)), (scored(4), scored(4))],
            "No difference: A and B score the same on all of 2 paired rows.",
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
                "A and B agree on decisions in 2 of 2 paired rows (100.0 %). The net preference "
                "for side B is -100.0 points in B, -100.0 in A."
            ),
        ),
        (
            "compare",
            [(decided("A"), decided("Tie")), (decided("Tie"), decided("A"))],
            (
                "A and B agree on decisions in 0 of 2 paired rows (0.0 %, Cohen's kappa -1.00). No "
                "clear difference: the net preference for side B is -50.0 points in B, -50.0 in A; "
                "difference +0.0 (95 % interval -200.0 to 200.0 points, paired t p = 1.000)."
            ),
        ),
        (
            "compare",
            [(decided("A"), decided("B"))] * 9 + [(decided("A"), decided("A"))],
            (
                "A and B agree on decisions in 1 of 10 paired rows (10.0 %, Cohen's kappa 0.00). "
                "The net preference for side B is +80.0 points in B, -100.0 in A; difference "
                "+180.0 (95 % interval 134.8 to 200.0 points, paired t p < 0.001)."
            ),
        ),
    ],
)
def test_the_headline_is_a_complete_sentence(
    kind: str, verdicts: Sequence[tuple[RowVerdict, RowVerdict]], expected: str
) -> None:
    assert sentence(kind, paired(verdicts)) == expected


def test_the_headline_of_two_judges_begins_with_their_agreement() -> None:
    text = sentence("classify", paired([(PASS, PASS)] * 8 + [(FAIL, FAIL)] * 8, same_answers=True))

    assert text == (
        "A and B judged the same answers and agree on labels in 16 of 16 paired rows (100.0 %, "
        "Cohen's kappa 1.00). No difference: A and B pass the same 8 of 16 paired rows."
    )


def test_the_headline_names_the_rows_that_are_left_out() -> None:
    joined = join(rows(("x", PASS), ("y", PASS)), rows(("x", PASS)))

    assert sentence("classify", joined).endswith(" Left out: 1 of A's 2 rows.")
