"""Summaries from the rows: the figures of the totals, and those that need the rows."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as _stats  # pyright: ignore[reportMissingTypeStubs]

from evals_mcp.results.types.summing import summarize_verdicts
from evals_mcp.results.types.table import row_reader
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.tools.summaries import Summary

stats: Any = _stats


def summary_of(kind: str, rows: list[dict[str, Any]], **parameters: Any) -> Summary | None:
    job = EvaluationJob(workflow_id="eval-1", type=kind, status="completed", parameters=parameters)
    verdicts = [row_reader(kind, parameters)(row) for row in rows]
    counted = Counter(verdict._replace(score=None) for verdict in verdicts)
    scores = sorted(one.score for one in verdicts if one.score is not None and one.state == "ok")
    return summarize_verdicts(job, counted.items(), scores)


LABELS: dict[str, Any] = {"labels": ["good", "bad"], "pass_labels": ["good"]}
RANGE: dict[str, Any] = {"min_score": 0, "max_score": 10, "pass_threshold": 5}


def test_labels_failures_and_both_denominators_are_counted_from_the_rows() -> None:
    rows = [{"label": "good"}] * 6 + [{"label": "bad"}] * 2 + [{"label": "odd"}, {"label": None}]
    found = summary_of("classify", rows, **LABELS)
    assert found is not None
    assert found.pass_rate is not None
    assert (found.pass_rate.count, found.pass_rate.of) == (6, 8)
    assert found.pass_rate.percent_of_all_rows == 60
    assert found.failures is not None
    assert (found.failures.invalid, found.failures.judge, found.failures.total) == (1, 1, 2)


@given(st.lists(st.floats(0, 10), min_size=3, max_size=40))
def test_scores_have_mean_interval_and_quartiles_as_scipy_has_them(scores: list[float]) -> None:
    found = summary_of("score", [{"score": score} for score in scores], **RANGE)
    assert found is not None
    assert found.scores is not None
    assert found.scores.mean == pytest.approx(sum(scores) / len(scores), abs=1e-9)
    assert found.scores.quartiles is not None
    expected = [float(value) for value in stats.mstats.mquantiles(scores, [0.25, 0.5, 0.75], 1, 1)]
    assert found.scores.quartiles[1:4] == pytest.approx(expected, rel=1e-5, abs=1e-9)
    assert found.scores.histogram is not None
    assert sum(int(line.split()[1]) for line in found.scores.histogram) == len(scores)


def test_the_interval_of_a_few_scores_comes_with_a_note() -> None:
    few = summary_of("score", [{"score": score} for score in range(10)], **RANGE)
    more = summary_of("score", [{"score": score} for score in [*range(10), 10]], **RANGE)

    assert few is not None
    assert more is not None
    assert "With 10 scores, the interval is too narrow if they are skewed." in few.notes
    assert more.notes == []


def test_a_judge_that_prefers_the_first_answer_is_detected() -> None:
    biased = {"final_decision": "Tie", "choice_original": "A", "choice_flipped": "B"}
    fair = {"final_decision": "A", "choice_original": "A", "choice_flipped": "A"}
    found = summary_of("compare", [biased] * 12 + [fair] * 8)
    assert found is not None
    assert found.wins is not None
    assert found.wins.disagreements is not None
    assert found.wins.disagreements.percent == 60
    assert found.wins.first_slot is not None
    assert found.wins.first_slot.percent == 80
    assert found.wins.first_slot_p == pytest.approx(stats.binomtest(12, 12).pvalue)
    # The order decided: no figure suggests a winner.
    assert (found.wins.a_percent, found.wins.a_interval, found.wins.without_ties) == (None,) * 3


ANSWERS = st.sampled_from(["", "short", "a longer answer", "\U0001f642" * 9, None, 7])
CHOSEN = st.sampled_from(["A", "B", "Tie", None])


@given(st.lists(st.tuples(ANSWERS, ANSWERS, CHOSEN), max_size=30))
def test_choices_of_the_longer_answer_are_counted_where_there_is_one(
    rows: list[tuple[object, object, str | None]],
) -> None:
    judged = [{"v1": a, "v2": b, "final_decision": choice} for a, b, choice in rows]
    found = summary_of("compare", judged, model_a="v1", model_b="v2")

    lengths = [
        (len(a) - len(b), choice)
        for a, b, choice in rows
        if isinstance(a, str) and isinstance(b, str) and choice in {"A", "B"}
    ]
    counted = [("A" if more > 0 else "B", choice) for more, choice in lengths if more]
    wins = found.wins if found else None
    if not counted or wins is None:
        assert wins is None or (wins.longer, wins.a_longer) == (None, None)
        return
    assert wins.longer is not None
    assert wins.longer.of == len(counted)
    assert wins.longer.count == sum(longer == choice for longer, choice in counted)
    assert wins.a_longer == sum(longer == "A" for longer, _ in counted)
    expected = stats.binomtest(wins.longer.count, wins.longer.of).proportion_ci(method="wilson")
    assert wins.longer.interval is not None
    assert wins.longer.interval.low == pytest.approx(100 * expected.low, rel=1e-5, abs=1e-9)
    assert wins.longer.interval.high == pytest.approx(100 * expected.high, rel=1e-5, abs=1e-9)


def test_generated_answers_have_lengths_too_and_pairs_of_one_order_do_not_count() -> None:
    row = {"MODEL_TO_EVALUATE_OUTPUT_A": "a long answer", "MODEL_TO_EVALUATE_OUTPUT_B": "short"}
    both = {"final_decision": "A", "choice_original": "A", "choice_flipped": "A", **row}
    one_order = {"final_decision": "B", "choice_original": "B", **row}
    models = {"model_a": {"model": "m"}, "model_b": {"model": "n"}}

    found = summary_of("compare", [both] * 6 + [one_order] * 3, **models)

    assert found is not None
    assert found.wins is not None
    assert found.wins.longer is not None
    assert (found.wins.longer.count, found.wins.longer.of, found.wins.a_longer) == (6, 6, 6)


def test_a_single_pass_has_no_position_figures() -> None:
    rows = [{"final_decision": "A", "choice_original": "A"}] * 3
    found = summary_of("compare", rows, disable_position_bias_correction=True)
    assert found is not None
    assert found.wins is not None
    assert (found.wins.disagreements, found.wins.first_slot) == (None, None)


@pytest.mark.parametrize("kind", ["classify", "score", "compare"])
def test_no_rows_or_no_verdicts_give_a_headline_without_figures(kind: str) -> None:
    for rows in ([], [{"label": None}]):
        found = summary_of(kind, rows, **(LABELS | RANGE))
        assert found is not None
        assert found.headline.startswith("No ")


def test_almost_all_is_not_rounded_to_all() -> None:
    rows = [{"label": "good"}] * 9_999 + [{"label": "bad"}]
    found = summary_of("classify", rows, **LABELS)
    assert found is not None
    assert found.headline.startswith("99.99 % of 10000 answers pass")


@pytest.mark.parametrize(
    ("biased", "start"),
    [
        (0, "A is better: of 100 pairs"),
        (20, "A is better: of 100 pairs"),
        (49, "A is better: of 100 pairs"),
        (50, "The judge follows the order: of 100 pairs A wins 50, B wins 0 and 50 are ties"),
        (100, "The judge follows the order: of 100 pairs A wins 0, B wins 0 and 100 are ties"),
    ],
)
def test_no_winner_is_named_for_a_judge_that_follows_the_order(biased: int, start: str) -> None:
    first_slot = {"final_decision": "Tie", "choice_original": "A", "choice_flipped": "B"}
    agreed = {"final_decision": "A", "choice_original": "A", "choice_flipped": "A"}

    found = summary_of("compare", [first_slot] * biased + [agreed] * (100 - biased))

    assert found is not None
    assert found.headline.startswith(start)
    doubt = f"the order changed {biased} % of the verdicts."
    assert found.headline.endswith(doubt) is (biased >= 20)
    assert ("win rate" in found.headline) is (biased < 50)


def test_pairs_judged_in_one_order_only_are_counted_apart_from_the_wins() -> None:
    agreed = [
        {"final_decision": side, "choice_original": side, "choice_flipped": side} for side in "AB"
    ]
    one_order = {
        "final_decision": "A",
        "choice_original": "A",
        "choice_flipped": None,
        "is_invalid_judge_output": True,
    }
    found = summary_of(
        "compare", agreed * 20 + [one_order] * 60, model_a="old answer", model_b="new answer"
    )

    assert found is not None
    assert found.headline == (
        "No clear winner: of 40 pairs 'old answer' wins 20, 'new answer' wins 20 and 0 are ties "
        "(sign test p = 1.000); 'old answer' has a win rate of 50.0 % (95 % interval 35.2 to "
        "64.8 %); 60 more pairs were judged in one order only and are not counted."
    )
    assert found.wins is not None
    assert (found.wins.a, found.wins.b, found.wins.one_order) == (20, 20, 60)
    assert found.failures is not None
    assert found.failures.total == 0
    assert any("show one_order" in note for note in found.notes)
    assert any("between 20.0 % and 80.0 %" in note for note in found.notes)


def test_a_comparison_in_one_order_says_which_answer_was_shown_first() -> None:
    rows = [{"final_decision": "A", "choice_original": "A"}] * 40 + [
        {"final_decision": "B", "choice_original": "B"}
    ] * 10
    sides = {"model_a": "old", "model_b": {"model": "new"}}
    first = summary_of("compare", rows, disable_position_bias_correction=True, **sides)
    rows = [row | {"final_decision": {"A": "B", "B": "A"}[row["final_decision"]]} for row in rows]
    second = summary_of("compare", rows, disable_position_bias_correction=True, **sides)

    assert first is not None
    assert second is not None
    assert first.headline.startswith("'old' was chosen more often, always shown first: of 50 pairs")
    assert second.headline.startswith(
        "'new' was chosen more often, although 'old' was always shown"
    )
    assert "better" not in first.headline + second.headline
    # All of its pairs are counted, so no figure calls them left out.
    assert first.wins is not None
    assert first.wins.one_order is None


def test_the_win_rate_in_the_headline_is_the_winners() -> None:
    rows = [{"final_decision": "B", "choice_original": "B", "choice_flipped": "B"}] * 30 + [
        {"final_decision": "A", "choice_original": "A", "choice_flipped": "A"}
    ] * 10
    found = summary_of("compare", rows)

    assert found is not None
    assert found.headline.startswith("B is better: ")
    assert "B has a win rate of 75.0 %" in found.headline


def test_failed_rows_bound_the_pass_rate_and_the_mean_in_both_directions() -> None:
    found = summary_of("score", [{"score": 7}] * 70 + [{"score": None}] * 30, **RANGE)

    assert found is not None
    assert found.headline.startswith("30 of 100 rows failed and are not counted: The mean score")
    assert found.notes[-2:] == [
        "With the failed rows, the pass rate lies between 70.0 % and 100.0 %.",
        "With the failed rows, the mean lies between 4.9 and 7.9.",
    ]


def test_rows_that_show_other_failures_than_the_service_reports_are_noted() -> None:
    job = EvaluationJob(
        workflow_id="eval-1",
        type="classify",
        status="completed",
        parameters=LABELS,
        results={"judge_fail_count": 2, "generation_fail_count": 0},
    )
    verdicts = [row_reader("classify", LABELS)({"label": name}) for name in ("good", "odd")]
    found = summarize_verdicts(job, [(verdict, 1) for verdict in verdicts], [])

    assert found is not None
    assert found.notes[-1] == (
        "These counts are from the rows; the service itself reports failed judge calls 2."
    )


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=12))
def test_scores_of_any_size_have_a_summary(scores: list[float]) -> None:
    found = summary_of("score", [{"score": score} for score in scores], pass_threshold=5)

    assert found is not None
    assert found.model_dump_json()
    assert ("all scores are the same" in " ".join(found.notes)) is (
        len(scores) > 1 and len(set(scores)) == 1
    )
