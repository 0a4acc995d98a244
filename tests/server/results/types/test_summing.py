"""Summaries from the totals that a service reports."""

from typing import Any

import pytest
from dirty_equals import IsApprox, IsPartialDict
from hypothesis import given
from hypothesis import strategies as st

from evals_mcp.results.types.summing import summarize
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.tools.summaries import Summary


def job(kind: str, results: dict[str, Any], **parameters: Any) -> EvaluationJob:
    return EvaluationJob.model_validate(
        {
            "workflow_id": "eval-1",
            "type": kind,
            "status": "completed",
            "results": results,
            "parameters": parameters,
        }
    )


def summary(
    kind: str, results: dict[str, Any], rows: int | None = None, **parameters: Any
) -> Summary:
    found = summarize(job(kind, results, **parameters), rows)
    assert found is not None
    return found


NO_FAILURES = {"generation_fail_count": 0, "judge_fail_count": 0}


@pytest.mark.parametrize(
    ("kind", "missing"), [("classify", "counts of labels"), ("compare", "counts of wins")]
)
def test_totals_without_counts_are_not_called_failed_rows(kind: str, missing: str) -> None:
    found = summary(kind, NO_FAILURES, rows=100)

    assert found.headline == f"The service reported no {missing}."
    assert (found.pass_rate, found.wins) == (None, None)


@given(st.integers(0, 5000), st.integers(0, 5000), st.integers(0, 50))
def test_a_pass_rate_lies_in_its_interval_and_counts_failed_rows_when_there_are_any(
    passed: int, other: int, failed: int
) -> None:
    found = summary(
        "classify",
        {
            "label_counts": {"good": passed, "bad": other},
            "invalid_label_count": failed,
            **NO_FAILURES,
        },
        pass_labels=["good"],
    )

    rate = found.pass_rate
    if passed + other == 0:
        assert rate is None
        assert found.headline.startswith("No row has a valid verdict")
        return
    assert rate is not None
    assert rate.interval is not None
    assert rate.interval.low <= rate.percent + 1e-3
    assert rate.percent <= rate.interval.high + 1e-3
    assert (rate.percent_of_all_rows is None) == (failed == 0)
    assert ("failed" in found.headline) == (failed > 0)


def test_label_counts_as_a_string_are_read() -> None:
    found = summary(
        "classify", {"label_counts": '{"good": 3, "bad": 1}', **NO_FAILURES}, pass_labels=["good"]
    )

    assert found.pass_rate is not None
    assert found.pass_rate.percent == 75.0


def test_the_services_own_rate_is_noted_if_it_differs() -> None:
    found = summary(
        "classify",
        {"label_counts": {"good": 8, "bad": 2}, "pass_percentage": 40.0, **NO_FAILURES},
        pass_labels=["good"],
    )

    assert found.notes == ["The service itself reports a pass rate of 40.0 %."]


def test_without_pass_labels_the_services_rate_is_shown() -> None:
    found = summary("classify", {"label_counts": {"good": 8}, "pass_percentage": 80.0})

    assert found.headline == "80.0 % of the valid answers pass; their number is unknown."


def test_a_mean_has_an_interval_only_when_the_rows_are_known() -> None:
    results = {
        "aggregated_scores": {"mean_score": 3.5, "std_score": 1.0, "pass_percentage": 50.0},
        "failed_samples": 2,
    }

    counted = summary("score", results, rows=102, min_score=1, max_score=5)
    uncounted = summary("score", results)

    assert counted.scores is not None
    assert counted.scores.n == 100
    assert counted.scores.interval is not None
    assert counted.scores.interval.model_dump() == IsPartialDict(
        low=IsApprox(3.30158, delta=1e-4), high=IsApprox(3.69842, delta=1e-4)
    )
    assert counted.pass_rate is not None
    assert (counted.pass_rate.count, counted.pass_rate.of) == (50, 100)
    assert "2 more rows failed" in counted.headline
    assert uncounted.scores is not None
    assert uncounted.scores.interval is None
    assert "unknown" in uncounted.headline
    assert uncounted.notes


def test_no_valid_score_is_not_a_mean_of_zero() -> None:
    found = summary("score", {"failed_samples": 7, **NO_FAILURES})

    assert found.headline == "No row has a valid score; 7 rows failed."
    assert found.scores is None


@pytest.mark.parametrize(
    ("a", "b", "ties", "start"),
    [
        (40, 10, 10, "A is better: of 60 pairs A wins 40, B wins 10 and 10 are ties"),
        (10, 40, 10, "B is better"),
        (12, 10, 10, "No clear winner"),
        (0, 0, 5, "No winner: of 5 pairs"),
        (0, 0, 0, "No pair has a valid verdict"),
    ],
)
def test_a_winner_is_named_only_if_the_sign_test_is_significant(
    a: int, b: int, ties: int, start: str
) -> None:
    orders = {"A,A": a, "B,B": b, "Tie,Tie": ties}
    wins = {"A_wins": a, "B_wins": b, "Ties": ties, "order_counts": orders}
    found = summary("compare", wins | NO_FAILURES)

    assert found.headline.startswith(start)


def test_totals_that_do_not_say_how_the_orders_were_judged_name_no_winner() -> None:
    found = summary("compare", {"A_wins": 80, "B_wins": 20, "Ties": 0, **NO_FAILURES})

    assert found.headline.startswith("Of 100 pairs A wins 80, B wins 20 and 0 are ties (sign test")
    assert "no winner is named" in found.headline


def test_a_tie_is_half_a_win() -> None:
    found = summary("compare", {"A_wins": 2, "B_wins": 1, "Ties": 1, **NO_FAILURES})

    assert found.wins is not None
    assert found.wins.a_percent == 62.5


def test_one_order_only_is_noted() -> None:
    found = summary(
        "compare",
        {"A_wins": 2, "B_wins": 1, "Ties": 1},
        rows=6,
        disable_position_bias_correction=True,
    )

    assert "preference for the first answer" in found.notes[0]
    assert found.failures is not None
    assert found.failures.total == 2


def test_labels_are_cleaned() -> None:
    found = summary("classify", {"label_counts": {"bad\x1b[31m\u202e": 1}}, pass_labels=["good"])

    assert found.labels is not None
    assert found.labels[0].label == "bad"


@pytest.mark.parametrize("counts", ["not json", {"good": "many"}, [1]])
def test_the_headline_says_that_figures_have_an_unknown_form(counts: object) -> None:
    found = summary("classify", {"label_counts": counts})

    assert "unknown form" in found.headline


def test_only_a_completed_evaluation_has_a_summary() -> None:
    assert summarize(EvaluationJob(workflow_id="eval-1", status="running")) is None
    assert summarize(EvaluationJob(workflow_id="eval-1", status="completed")) is not None


def test_a_cancelled_evaluation_is_summed_up_over_its_judged_rows() -> None:
    found = summarize(
        EvaluationJob.model_validate(
            {
                "workflow_id": "eval-1",
                "type": "classify",
                "status": "user_error",
                "progress": {"done": 12, "total": 60},
                "results": {
                    "error": "Cancelled after 12 of 60 rows",
                    "label_counts": {"good": 9, "bad": 3},
                    "invalid_label_count": 0,
                    **NO_FAILURES,
                },
                "parameters": {"pass_labels": ["good"]},
            }
        )
    )
    assert found is not None
    assert found.headline.startswith(
        "The evaluation did not finish; it ended after 12 of 60 rows: 75.0 % of 12 answers pass"
    )


@pytest.mark.parametrize("status", ["running", "verifying"])
def test_an_evaluation_that_has_not_ended_has_no_summary(status: str) -> None:
    running = EvaluationJob(workflow_id="eval-1", type="classify", status=status)
    assert summarize(running) is None


def test_a_failed_evaluation_without_a_verdict_has_no_summary() -> None:
    failed = {"error": "25 of 60 rows failed", "label_counts": {"good": 0}, "judge_fail_count": 25}
    job = EvaluationJob(workflow_id="eval-1", type="classify", status="error", results=failed)
    assert summarize(job) is None
