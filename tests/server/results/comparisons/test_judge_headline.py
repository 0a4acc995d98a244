"""A comparison of judges speaks of judges, and never of better or worse answers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals_mcp.results.comparisons.headline import headline
from evals_mcp.results.comparisons.judging import Compared
from evals_mcp.results.rows import RowVerdict
from tests.server.results.comparisons.verdict_rows import (
    FAIL,
    PASS,
    compare,
    decided,
    paired,
    scored,
)
from tests.volume import examples

Pairs = Sequence[tuple[RowVerdict, RowVerdict]]

TWO = Compared(names=("judge 'x'", "judge 'y'"), sides=("'old'", "'new'"), subject="judges")
TWICE = Compared(
    names=("evaluation e-1", "evaluation e-2"),
    sides=("'old'", "'new'"),
    subject="one judge twice",
    judge="judge 'x'",
)


def text_of(kind: str, pairs: Pairs, compared: Compared) -> str:
    joined = paired(pairs, same_answers=True)
    return headline(compare(kind, joined), joined.counts, compared)


def scores(*rows: tuple[float, float], times: int = 1) -> Pairs:
    return [(scored(a), scored(b)) for a, b in rows] * times


STRICTER = scores((5, 3), (4, 3), (3, 1), (5, 4), (2, 1), (1, 0), (4, 2), (3, 2), times=9)
NOISY = [(PASS, PASS)] * 60 + [(PASS, FAIL)] * 10 + [(FAIL, PASS)] * 8 + [(FAIL, FAIL)] * 22
RARE = [(PASS, PASS)] * 190 + [(PASS, FAIL)] * 5 + [(FAIL, PASS)] * 5


@pytest.mark.parametrize(
    ("kind", "pairs", "compared", "expected"),
    [
        pytest.param(
            "classify",
            NOISY,
            TWO,
            "On the same answers judge 'x' and judge 'y' agree on labels in 82 of 100 paired rows"
            " (82.0 %, 95 % interval 73.3 to 88.3 %; Cohen's kappa 0.58, 95 % interval 0.38 to "
            "0.74; Gwet's AC1 0.69). No clear difference in strictness: judge 'y' passes 2.0 "
            "points fewer of the answers than judge 'x' (68.0 % against 70.0 %; 95 % interval "
            "-10.9 to 6.7 points, exact McNemar p = 0.815); with this many rows a difference "
            "under 12.7 points could easily be missed.",
            id="labels",
        ),
        pytest.param(
            "classify",
            NOISY,
            TWICE,
            "Judge 'x' repeats its labels in 82 of 100 paired rows (82.0 %, 95 % interval 73.3 to"
            " 88.3 %; Cohen's kappa 0.58, 95 % interval 0.38 to 0.74; Gwet's AC1 0.69); the other"
            " 18 rows show how much the judge varies.",
            id="labels twice",
        ),
        pytest.param(
            "classify",
            RARE,
            TWO,
            "On the same answers judge 'x' and judge 'y' agree on labels in 190 of 200 paired "
            "rows (95.0 %, 95 % interval 91.0 to 97.3 %; Cohen's kappa -0.03; Gwet's AC1 0.95). "
            "Kappa has no interval: only 10 rows are 'bad' for either judge: too few. No clear "
            "difference in strictness: judge 'y' passes as many of the answers as judge 'x' (97.5"
            " % against 97.5 %; 95 % interval -3.6 to 3.6 points, exact McNemar p = 1.000); with "
            "this many rows a difference under 4.9 points could easily be missed.",
            id="a rare label",
        ),
        pytest.param(
            "classify",
            [(PASS, PASS)] * 60 + [(PASS, FAIL)] * 20 + [(FAIL, FAIL)] * 20,
            TWICE,
            "Judge 'x' repeats its labels in 80 of 100 paired rows (80.0 %, 95 % interval 71.1 to"
            " 86.7 %; Cohen's kappa 0.55, 95 % interval 0.39 to 0.70; Gwet's AC1 0.66); the other"
            " 20 rows show how much the judge varies. Yet 20.0 points fewer of the answers pass "
            "in evaluation e-2 than in evaluation e-1 (60.0 % against 80.0 %; 95 % interval -28.9"
            " to -13.3 points, exact McNemar p < 0.001): chance alone rarely does that, so the "
            "judge may have changed.",
            id="a judge that changed",
        ),
        pytest.param(
            "score",
            STRICTER,
            TWO,
            "Judge 'y' is stricter than judge 'x' by 1.375 on 72 paired rows (2 against 3.375; 95"
            " % interval -1.49 to -1.26, paired t p < 0.001); they rank alike (rank correlation "
            "0.93, 95 % interval 0.90 to 0.95; weighted kappa 0.59).",
            id="scores",
        ),
        pytest.param(
            "score",
            scores((1, 1), (2, 3), (3, 3), (4, 4), (5, 4), times=9),
            TWICE,
            "Judge 'x' repeats its score in 27 of 45 paired rows (60.0 %, 95 % interval 45.5 to "
            "73.0 %); it ranks alike both times (rank correlation 0.95, 95 % interval 0.91 to "
            "0.97; weighted kappa 0.88).",
            id="scores twice",
        ),
        pytest.param(
            "compare",
            [(decided("A"), decided("B")), (decided("B"), decided("B"))] * 10,
            TWO,
            "On the same answers judge 'x' and judge 'y' agree on decisions in 10 of 20 paired "
            "rows (50.0 %, 95 % interval 29.9 to 70.1 %; Cohen's kappa 0.00; Gwet's AC1 0.38). "
            "Kappa has no interval: only 10 rows differ from the commonest decision for either "
            "judge: too few. The net preference for 'new' over 'old' is +0.0 points by judge 'x',"
            " +100.0 by judge 'y'; difference +100.0 (95 % interval 52.0 to 148.0 points, paired "
            "t p < 0.001).",
            id="choices",
        ),
        pytest.param(
            "compare",
            [(decided("A"), decided("A")), (decided("B"), decided("B"))] * 10,
            TWICE,
            "Judge 'x' repeats its decisions in 20 of 20 paired rows (100.0 %, 95 % interval 83.9 "
            "to 100.0 %; Cohen's kappa 1.00; Gwet's AC1 1.00); no row differs.",
            id="choices twice",
        ),
        pytest.param(
            "benchmark",
            [(RowVerdict("ok", "m", 1.0, True), RowVerdict("ok", "m", 1.0, True))] * 5
            + [(RowVerdict("ok", "m", 0.0, False), RowVerdict("ok", "m", 1.0, True))] * 5,
            replace(TWO, differences=("services",), names=("evaluation e-1", "evaluation e-2")),
            "On the same answers evaluation e-1 and evaluation e-2 (other services) agree on pass"
            " or fail in 5 of 10 paired rows (50.0 %, 95 % interval 23.7 to 76.3 %; Cohen's kappa"
            " 0.00; Gwet's AC1 0.20). Kappa has no interval: only 5 rows fail for either judge: "
            "too few. Borderline: evaluation e-2 passes 50.0 points more of the answers than "
            "evaluation e-1 (100.0 % against 50.0 %; 95 % interval 8.4 to 76.3 points, exact "
            "McNemar p = 0.062); only 5 rows differ, too few for a power of 80 %.",
            id="benchmark answers",
        ),
    ],
)
def test_the_headline_is_about_the_judges(
    kind: str, pairs: Pairs, compared: Compared, expected: str
) -> None:
    assert text_of(kind, pairs, compared) == expected


verdicts = {
    "classify": st.sampled_from([PASS, FAIL]),
    "score": st.integers(1, 5).map(scored),
    "compare": st.sampled_from([decided(choice) for choice in ("A", "B", "Tie")]),
}


@settings(max_examples=examples(25))
@given(
    st.sampled_from(sorted(verdicts)).flatmap(
        lambda kind: st.tuples(
            st.just(kind), st.lists(st.tuples(verdicts[kind], verdicts[kind]), min_size=1)
        )
    ),
    st.sampled_from([TWO, TWICE]),
)
def test_no_headline_about_judges_calls_answers_better_or_worse(
    judged: tuple[Literal["classify", "score", "compare"], Pairs], compared: Compared
) -> None:
    kind, pairs = judged
    text = text_of(kind, pairs, compared)

    assert not re.search(r"\b(better|worse|wins?|more often|less often)\b", text)
    assert not re.search(r"\b(A|B)\b", text.replace("AC1", ""))
    assert re.search(r"[Jj]udge 'x'", text)
    assert "nan" not in text.lower()
