"""What is said of an evaluation that may stop early."""

from __future__ import annotations

from typing import Any

import pytest

from evals_mcp.results.comparisons.comparability import request_cautions
from evals_mcp.results.sequential import (
    decision_sentence,
    progress_sentence,
    sequential_of,
    with_evidence,
    with_savings,
)
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.sequential.record import Sequential
from evals_schemas.tools.summaries import Interval, Rate, Summary, Wins

SIDES = {"model_a": "old", "model_b": "new"}


def evidence(**changes: Any) -> Sequential:
    """The evidence of 52 wins of A, 92 of B and 68 ties among 800 rows."""
    fields: dict[str, Any] = {
        "e": 27.4,
        "leads": "b",
        "counts": {"A": 52, "B": 92, "ties": 68},
        "rows_counted": 212,
        "rows_after_decision": 64,
        "rows_not_judged": 524,
        "interval": [0.6, 36.1],
        "decision": "b_better",
        "decided_at_row": 212,
        "order_seed": 5,
    }
    return Sequential.model_validate(fields | changes)


UNDECIDED = {
    "e": 3.5,
    "decision": "undecided",
    "decided_at_row": None,
    "interval": [-4.0, 16.0],
    "rows_counted": 800,
    "rows_after_decision": 0,
    "rows_not_judged": 0,
}


@pytest.mark.parametrize(
    ("changes", "rules", "sentence"),
    [
        (
            {},
            {},
            (
                "Decided after 212 of 800 rows: 'new' is better (e = 27), by 0.6 to 36.1 "
                "points (95 %, valid at every look)"
            ),
        ),
        (
            {"decision": "a_better", "interval": [-36.1, -0.6]},
            {},
            (
                "Decided after 212 of 800 rows: 'old' is better (e = 27), by 0.6 to 36.1 "
                "points (95 %, valid at every look)"
            ),
        ),
        (
            UNDECIDED,
            {},
            (
                "Undecided after all 800 rows: between 'old' better by 4.0 and 'new' better by "
                "16.0 points (95 %, valid at every look)"
            ),
        ),
        (
            UNDECIDED | {"decision": "b_better", "last_look": {"p": 0.0084, "level": 0.02}},
            {},
            (
                "'new' is better after all 800 rows, by one last test (p = 0.0084 of 0.02): "
                "between 'old' better by 4.0 and 'new' better by 16.0 points (95 %, "
                "valid at every look)"
            ),
        ),
        (
            {"decision": "smaller_than", "interval": [-4.8, 4.1]},
            {"smaller_than": 5},
            (
                "Decided after 212 of 800 rows: any difference is smaller than 5 points: "
                "between 'old' better by 4.8 and 'new' better by 4.1 points (95 %, "
                "valid at every look)"
            ),
        ),
        (
            {"decision": "budget", "interval": [-4.8, 9.1], "rows_failed": 30},
            {"max_usd": 2, "decided": True},
            (
                "Stopped at the budget of $2 after 212 of 800 rows; undecided: between "
                "'old' better "
                "by 4.8 and 'new' better by 9.1 points (95 %, valid at every look), "
                "among the rows that "
                "could be judged (30 of 242 failed)"
            ),
        ),
        (
            {"decision": "order_decides", "order_changed_percent": 61.0},
            {},
            (
                "The judge follows the order: after 212 of 800 rows, 61.0 % of the "
                "verdicts changed "
                "with the order of the answers, so no winner is named"
            ),
        ),
    ],
)
def test_a_decision_is_one_sentence_that_begins_with_what_was_decided(
    changes: dict[str, Any], rules: dict[str, Any], sentence: str
) -> None:
    rows = {"rows_not_judged": 800 - 212 - 64 - changes.get("rows_failed", 0)}
    known = evidence(**({} if "rows_not_judged" in changes else rows) | changes)

    assert decision_sentence(known, SIDES | {"stop_when": rules or {"decided": True}}) == sentence


def test_a_pass_rate_is_above_its_target_or_measured() -> None:
    rate = {"counts": {"passed": 200, "not_passed": 12}, "interval": [88.1, 97.2], "leads": "above"}
    rules = {"stop_when": {"decided": True, "target": 80}}

    above = decision_sentence(evidence(**rate, decision="above"), rules)
    width = decision_sentence(evidence(**rate, decision="width"), {"stop_when": {"width": 5}})

    assert above.startswith(
        "Decided after 212 of 800 rows: the pass rate is above 80 % (e = 27), 88.1 to 97.2 % pass"
    )
    assert width.startswith("Measured as precisely as was requested after 212 of 800 rows: 88.1")


def test_a_running_evaluation_says_who_is_ahead() -> None:
    running = {"decision": None, "decided_at_row": None, "rows_after_decision": 0}
    known = evidence(**running, e=3.46, rows_counted=180, rows_not_judged=620)

    assert progress_sentence(known, SIDES) == (
        "'new' ahead after 180 of 800 rows: e = 3.5 of 20 needed; not decided."
    )
    even = known.model_copy(update={"leads": None})
    assert progress_sentence(even, {}).startswith("No side ahead after")
    above = known.model_copy(update={"leads": "above"})
    assert progress_sentence(above, {}).startswith("Above the target after")


def job(sequential: dict[str, Any] | None) -> EvaluationJob:
    return EvaluationJob(
        workflow_id="eval-1",
        type="compare",
        status="completed",
        parameters=SIDES | {"stop_when": {"decided": True}},
        results={"sequential": sequential} if sequential else {},
    )


def test_figures_for_a_fixed_number_of_rows_are_left_out_with_the_reason() -> None:
    interval = Interval(low=30, high=70, method="wilson")
    rate = Rate(percent=50, interval=interval)
    wins = Wins(
        a=52, b=92, ties=68, p_value=0.001, a_percent=40, a_interval=interval, without_ties=rate
    )
    summary = Summary(headline="plain", wins=wins, pass_rate=rate)

    shown = with_evidence(job(evidence().model_dump()), summary)
    saved = with_savings(shown, 1.38)

    assert shown is not None
    assert shown.headline.startswith("Decided after 212 of 800 rows")
    assert shown.wins is not None
    assert (shown.wins.p_value, shown.wins.a_interval) == (None, None)
    assert shown.wins.without_ties == Rate(percent=50)
    assert shown.pass_rate == Rate(percent=50)
    assert any("`retry_of` eval-1" in note for note in shown.notes)
    assert any("fixed number of rows" in note for note in shown.notes)
    assert saved is not None
    assert saved.sequential is not None
    assert saved.sequential["saved_usd"] == 2.6
    assert saved.notes[0] == "About $2.6 were not spent."


def test_an_evaluation_of_all_rows_is_left_as_it_is() -> None:
    summary = Summary(headline="plain")

    assert with_evidence(job(None), summary) is summary
    assert with_savings(summary, 1.0) is summary
    assert sequential_of({"sequential": {"later": "form"}}) is None


def test_a_comparison_of_stopped_evaluations_is_called_too_sure() -> None:
    (first, second) = request_cautions(job(None), job(None), ("A", "B"))

    assert "A had `stop_when`" in first.text
    assert second.of == "rows"
