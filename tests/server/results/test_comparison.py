from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from dirty_equals import IsApprox
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as _stats  # pyright: ignore[reportMissingTypeStubs]

from evals_mcp.errors import InvalidRequestError
from evals_mcp.results.comparisons.comparability import cautions, refuse_incomparable, row_cautions
from evals_mcp.results.comparisons.comparison import compare
from evals_mcp.results.comparisons.flips import flips
from evals_mcp.results.comparisons.headline import headline
from evals_mcp.results.comparisons.joining import (
    Joined,
    KeyedRow,
    answer_columns,
    digest,
    join,
    key_columns,
)
from evals_mcp.results.rows import RowVerdict
from evals_schemas.evaluation_api.evaluations import EvaluationJob

stats: Any = _stats

PASS, FAIL = RowVerdict("ok", "good", None, True), RowVerdict("ok", "bad", None, False)
INVALID = RowVerdict("invalid", "maybe")


def rows(*found: tuple[str, RowVerdict], answer: str = "") -> list[KeyedRow]:
    """Rows of these keys, in this order."""
    return [
        KeyedRow(number, key.encode(), (answer or key).encode(), verdict)
        for number, (key, verdict) in enumerate(found, 1)
    ]


def paired(verdicts: Iterable[tuple[RowVerdict, RowVerdict]], same_answers: bool = False) -> Joined:
    """Rows that match one to one."""
    both = list(verdicts)
    a = rows(*((f"key {n}", a) for n, (a, _) in enumerate(both)))
    b = rows(*((f"key {n}", b) for n, (_, b) in enumerate(both)))
    if not same_answers:
        b = [row._replace(answer=b"another " + row.answer) for row in b]
    return join(a, b)


def scored(value: float) -> RowVerdict:
    return RowVerdict("ok", None, value, value >= 3)


def decided(decision: str) -> RowVerdict:
    return RowVerdict("ok", decision)


def sentence(kind: str, joined: Joined) -> str:
    found = compare(kind, joined)
    return headline(found, joined.counts, same_answers=joined.same_answers, cautions=[])


# Joining


def test_rows_pair_by_key_in_whatever_order_they_come() -> None:
    joined = join(rows(("x", PASS), ("y", FAIL)), rows(("y", PASS), ("x", FAIL)))

    assert [(pair.row_a, pair.row_b) for pair in joined.pairs] == [(1, 2), (2, 1)]
    assert [(pair.a, pair.b) for pair in joined.pairs] == [(PASS, FAIL), (FAIL, PASS)]


def test_a_key_that_one_file_has_twice_makes_no_pair() -> None:
    joined = join(
        rows(("x", PASS), ("x", FAIL), ("y", PASS), ("z", PASS)),
        rows(("x", PASS), ("y", PASS), ("y", FAIL), ("z", PASS)),
    )

    assert [pair.row_a for pair in joined.pairs] == [4]
    assert (joined.counts.duplicated_a, joined.counts.duplicated_b) == (3, 3)


@given(
    st.lists(st.tuples(st.sampled_from("pqrstu"), st.sampled_from([PASS, FAIL, INVALID]))),
    st.lists(st.tuples(st.sampled_from("pqrstu"), st.sampled_from([PASS, FAIL, INVALID]))),
)
def test_every_row_is_a_pair_or_counted_among_those_left_out(
    a: list[tuple[str, RowVerdict]], b: list[tuple[str, RowVerdict]]
) -> None:
    counts = join(rows(*a), rows(*b)).counts

    assert (counts.rows_a, counts.rows_b) == (len(a), len(b))
    pairs = counts.pairs + counts.no_verdict
    assert pairs + counts.unmatched_a + counts.duplicated_a == len(a)
    assert pairs + counts.unmatched_b + counts.duplicated_b == len(b)
    once_a = {key for key, times in Counter(key for key, _ in a).items() if times == 1}
    once_b = {key for key, times in Counter(key for key, _ in b).items() if times == 1}
    assert pairs == len(once_a & once_b)
    assert counts.no_verdict <= counts.no_verdict_a + counts.no_verdict_b


def test_a_row_is_the_same_whatever_the_order_of_the_fields_inside_its_values() -> None:
    assert digest({"q": {"a": 1, "b": [2]}}, ["q"]) == digest({"q": {"b": [2], "a": 1}}, ["q"])
    assert digest({"q": "1"}, ["q"]) != digest({"q": 1}, ["q"])
    assert digest({"a": "x", "b": ""}, ["a", "b"]) != digest({"a": "", "b": "x"}, ["a", "b"])
    assert digest({"q": "\ud800"}, ["q"]) == digest({"q": "\ud800"}, ["q"])
    assert digest({}, ["q"]) == digest({"q": None}, ["q"])


V1: dict[str, Any] = {"model_to_evaluate": "v1", "input_data_file_path": "file-1"}
V2: dict[str, Any] = {"model_to_evaluate": "v2", "input_data_file_path": "file-1"}
COLUMNS = ["id", "v1", "v2", "MODEL_TO_EVALUATE_OUTPUT", "label", "feedback"]


def test_answers_are_no_part_of_what_makes_two_rows_the_same() -> None:
    assert key_columns(None, (COLUMNS, COLUMNS), (V1, V2)) == ["id"]


def test_the_same_ready_answers_of_the_same_data_tell_several_answers_to_one_question_apart() -> (
    None
):
    other_file = {**V1, "input_data_file_path": "file-2"}

    assert key_columns(None, (COLUMNS, COLUMNS), (V1, V1)) == ["id", "v1", "v2"]
    assert key_columns(None, (COLUMNS, COLUMNS), (V1, other_file)) == ["id", "v2"]


def test_a_key_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(InvalidRequestError, match="`ID` is no input column of both; both have id"):
        key_columns("ID", (COLUMNS, COLUMNS), (V1, V2))


def test_files_without_a_common_input_are_refused() -> None:
    with pytest.raises(InvalidRequestError, match=r"no input column in common.*both have none"):
        key_columns(None, (["id", "v1", "label"], ["question", "v2", "label"]), (V1, V2))


def test_what_was_judged_is_a_column_a_generated_answer_or_the_row_itself() -> None:
    model = {"model": "some"}

    assert answer_columns(V1, COLUMNS) == ["v1"]
    assert answer_columns({"model_to_evaluate": model}, COLUMNS) == ["MODEL_TO_EVALUATE_OUTPUT"]
    assert answer_columns({"model_a": "v1", "model_b": model}, COLUMNS) == [
        "v1",
        "MODEL_TO_EVALUATE_OUTPUT_B",
    ]
    assert answer_columns({}, COLUMNS) == ["id", "v1", "v2"]


# Figures


@given(
    st.lists(st.tuples(st.sampled_from([PASS, FAIL]), st.sampled_from([PASS, FAIL])), min_size=1)
)
def test_passes_are_those_of_scipy(verdicts: list[tuple[RowVerdict, RowVerdict]]) -> None:
    found = compare("classify", paired(verdicts)).passes

    assert found is not None
    only_a, only_b = verdicts.count((PASS, FAIL)), verdicts.count((FAIL, PASS))
    assert (found.only_a, found.only_b) == (only_a, only_b)
    assert found.difference == IsApprox(100 * (only_b - only_a) / len(verdicts), delta=1e-3)
    assert found.interval.low <= found.difference <= found.interval.high
    if only_a + only_b:
        expected = stats.binomtest(only_b, only_a + only_b).pvalue
        assert found.p_value == pytest.approx(expected, rel=1e-5)
    else:
        assert found.p_value is None


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=2))
def test_scores_are_those_of_scipy(scores: list[tuple[int, int]]) -> None:
    found = compare("score", paired((scored(a), scored(b)) for a, b in scores))

    assert found.scores is not None
    differences = [b - a for a, b in scores]
    if len(set(differences)) > 1:
        expected = stats.ttest_1samp(differences, 0)
        ends = expected.confidence_interval()
        assert found.scores.p_value == pytest.approx(expected.pvalue, rel=1e-5)
        assert found.scores.interval is not None
        assert found.scores.interval.low == pytest.approx(ends.low, rel=1e-5, abs=1e-9)
        assert found.scores.interval.high == pytest.approx(ends.high, rel=1e-5, abs=1e-9)
    else:
        assert found.scores.p_value is None
        assert found.not_computed["scores.p_value"] == "Every pair differs by the same amount."


def test_the_bootstrap_gives_the_same_interval_again() -> None:
    pairs = paired((scored(n % 5), scored((2 * n) % 7)) for n in range(60))

    first, second = compare("score", pairs).scores, compare("score", pairs).scores

    assert first is not None
    assert first.bootstrap is not None
    assert first == second
    assert first.bootstrap_seed == 0


def test_a_figure_that_cannot_be_had_has_its_reason() -> None:
    alone = compare("score", paired([(scored(1), scored(4))]))
    equal = compare("classify", paired([(PASS, PASS)] * 4, same_answers=True))

    assert alone.not_computed == {
        "scores.interval": "It needs two pairs or more.",
        "scores.p_value": "It needs two pairs or more.",
        "scores.bootstrap": "It needs two pairs or more.",
        "scores.smallest_detectable": "It needs two pairs or more.",
        "passes.smallest_detectable": "Only 1 of 1 pairs differ: too few to show any difference.",
    }
    assert set(equal.not_computed) == {
        "passes.p_value",
        "passes.smallest_detectable",
        "agreement.kappa",
        "agreement.interval",
    }


def test_failed_rows_as_no_pass_are_the_second_reading() -> None:
    joined = paired([(PASS, PASS), (PASS, FAIL), (PASS, INVALID), (INVALID, INVALID)])

    found = compare("classify", joined).passes

    assert found is not None
    assert found.difference == -50
    assert found.difference_with_failed == -50  # 1 of 4 against 3 of 4
    assert (joined.counts.no_verdict_a, joined.counts.no_verdict_b) == (1, 2)


def test_two_judges_of_the_same_answers_have_a_kappa() -> None:
    verdicts = [(PASS, PASS)] * 20 + [(PASS, FAIL)] * 5 + [(FAIL, PASS)] * 10 + [(FAIL, FAIL)] * 15

    found = compare("classify", paired(verdicts, same_answers=True)).agreement

    assert found is not None
    assert (found.of, found.same.count, found.kappa) == ("labels", 35, 0.4)
    assert compare("classify", paired(verdicts)).agreement is None


def test_comparisons_show_what_each_prefers_and_how_far_they_agree() -> None:
    decisions = [("A", "A")] * 10 + [("A", "B")] * 6 + [("Tie", "B")] * 4 + [("B", "B")] * 10

    found = compare("compare", paired((decided(a), decided(b)) for a, b in decisions))

    assert found.preference is not None
    assert found.agreement is not None
    assert (found.preference.a.a_wins, found.preference.a.b_wins) == (16, 10)
    assert found.preference.a.net == IsApprox(-20, delta=1e-6)
    assert found.preference.b.net == IsApprox(100 / 3, delta=1e-3)
    assert found.preference.difference == IsApprox(160 / 3, delta=1e-3)
    expected = stats.ttest_1samp([0] * 20 + [2] * 6 + [1] * 4, 0)
    assert found.preference.p_value == pytest.approx(expected.pvalue, rel=1e-5)
    assert (found.agreement.of, found.agreement.same.count) == ("decisions", 20)


# Headlines


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
                "p = 0.146); with this many rows a difference under 23.6 points could easily have "
                "gone unseen."
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
                "p = 1.000); so few rows differ that no difference could have shown."
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
            "B scores 3 below A on 1 paired row (1 against 4); how sure that is cannot be told.",
        ),
        (
            "classify",
            [(PASS, FAIL), (FAIL, PASS)] * 2,
            (
                "No clear difference: B passes as often as A on 4 paired rows (50.0 % against "
                "50.0 %; 95 % interval -70.0 to 70.0 points, exact McNemar p = 1.000); so few rows "
                "differ that no difference could have shown."
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
                "rows a difference under 7.207 could easily have gone unseen."
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
def test_the_headline_can_be_repeated(
    kind: str, verdicts: Sequence[tuple[RowVerdict, RowVerdict]], expected: str
) -> None:
    assert sentence(kind, paired(verdicts)) == expected


def test_two_judges_are_led_by_their_agreement() -> None:
    text = sentence("classify", paired([(PASS, PASS)] * 8 + [(FAIL, FAIL)] * 8, same_answers=True))

    assert text == (
        "A and B judged the same answers and agree on labels in 16 of 16 paired rows (100.0 %, "
        "Cohen's kappa 1.00). No difference: A and B pass the same 8 of 16 paired rows."
    )


def test_the_headline_says_how_many_rows_are_not_in_it() -> None:
    joined = join(rows(("x", PASS), ("y", PASS)), rows(("x", PASS)))

    assert sentence("classify", joined).endswith(" Not in it: 1 of A's 2 rows.")


# Flips


def test_lost_passes_come_before_won_ones_and_other_labels_last() -> None:
    fine = RowVerdict("ok", "fine", None, True)
    joined = paired([(PASS, PASS), (FAIL, PASS), (PASS, fine), (PASS, FAIL)])

    assert [pair.row_a for pair in flips("classify", joined.pairs)] == [4, 2, 3]
    assert [pair.row_a for pair in flips("classify", joined.pairs, same_labels=False)] == [4, 2]


def test_the_largest_change_of_score_is_first() -> None:
    joined = paired([(scored(1), scored(2)), (scored(5), scored(1)), (scored(3), scored(3))])

    assert [pair.row_a for pair in flips("score", joined.pairs)] == [2, 1]


def test_another_winner_comes_before_a_tie() -> None:
    verdicts = [("A", "Tie"), ("A", "A"), ("A", "B"), ("Tie", "B")]
    joined = paired((decided(a), decided(b)) for a, b in verdicts)

    assert [pair.row_a for pair in flips("compare", joined.pairs)] == [3, 1, 4]


# Whether they may be compared


def job(
    kind: str | None = "classify", status: str = "completed", **parameters: Any
) -> EvaluationJob:
    return EvaluationJob(
        workflow_id="eval-1",
        type=kind,
        status=status,
        parameters={
            "judge": {"model": "judge-1", "system_template": "{{q}}"},
            "input_data_file_path": "file-1",
            **parameters,
        },
    )


LABELS: dict[str, Any] = {"labels": ["good", "bad"], "pass_labels": ["good"]}


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (job("classify"), job("score"), "same type.*A is classify, B is score"),
        (job(None), job(None), "A is untold"),
        (
            job("score", min_score=1, max_score=5),
            job("score", min_score=0, max_score=10),
            "different ranges: A 1 to 5, B 0 to 10.*`min_score`",
        ),
        (
            job("compare", model_a="v1", model_b="v2"),
            job("compare", model_a="v1", model_b="v3"),
            "different sides .model_b differ",
        ),
        (
            job("compare", model_a={"model": "m", "input_template": "x"}, model_b="v2"),
            job("compare", model_a={"model": "m", "input_template": "y"}, model_b="v2"),
            "different sides .model_a differ",
        ),
        (job(**LABELS), job(labels=["x", "y"]), "different `labels`.*`pass_labels`"),
    ],
)
def test_what_means_nothing_is_refused(a: EvaluationJob, b: EvaluationJob, expected: str) -> None:
    with pytest.raises(InvalidRequestError, match=expected):
        refuse_incomparable(a, b)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (job(**LABELS), job(labels=["bad", "good"], pass_labels=["good"]), []),
        (job(status="error"), job(), ["A did not finish"]),
        (job(), job(input_data_file_path="file-2"), ["data set files differ"]),
        (
            job(),
            job(judge={"model": "judge-2\u202e", "system_template": "{{q}}!"}),
            ["judge models differ: judge-1 in A, judge-2 in B.", "judge templates differ"],
        ),
        (
            job(**LABELS),
            job(labels=["x", "y"], pass_labels=["x"]),
            ["labels differ: bad, good in A, x, y in B; only pass", "pass labels differ"],
        ),
        (job("score", pass_threshold=3), job("score", pass_threshold=4), ["thresholds differ"]),
        (
            job("compare", disable_position_bias_correction=True),
            job("compare", disable_position_bias_correction=None),
            ["A judged each pair in one order only"],
        ),
    ],
)
def test_what_differs_beside_is_named(
    a: EvaluationJob, b: EvaluationJob, expected: list[str]
) -> None:
    refuse_incomparable(a, b)
    found = [caution.text for caution in cautions(a, b)]

    assert len(found) == len(expected), found
    assert all(part in text for part, text in zip(expected, found, strict=True)), found


def test_rows_left_out_and_few_pairs_are_warned_of() -> None:
    a = rows(*((f"key {n}", PASS) for n in range(10)), ("twice", PASS), ("twice", PASS))
    b = rows(*((f"key {n}", INVALID if n < 3 else PASS) for n in range(9)), ("twice", PASS))

    text = json.dumps([caution.text for caution in row_cautions(join(a, b).counts)])

    assert "1 of A's 12 rows have no match" in text
    assert "2 of A's 12 rows have the same key" in text
    assert "3 matching rows have no valid verdict" in text
    assert "Only 6 pairs" in text
