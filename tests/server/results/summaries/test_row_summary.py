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
    assert found.wins.without_ties is not None
    assert (found.wins.without_ties.percent, found.wins.without_ties.of) == (100, 8)


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
