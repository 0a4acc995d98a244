"""Settings that answer nothing are asked about, and empty cells of free runs are not."""

from __future__ import annotations

from tests.server.planning.requests import (
    LABELS,
    ROWS,
    RULE,
    candidate,
    classify,
    compare,
    planned,
    stored,
)

from evals_mcp.launching.budget import reasons_to_ask
from evals_mcp.planning.checks.doubtful_settings import check_settings
from evals_mcp.settings.schema import BudgetSettings


def test_a_column_compared_with_itself_is_asked_about() -> None:
    (warning,) = check_settings(compare().parameters).warnings

    assert "are both 'answer': the answers are compared with themselves" in warning
    assert not check_settings(compare(model_b="expected").parameters).warnings


def test_a_model_compared_with_itself_is_asked_about_unless_its_prompt_differs() -> None:
    same = compare(model_a=candidate(), model_b=candidate())
    other = compare(model_a=candidate(), model_b=candidate(system_template="Be long."))

    assert "the same model with the same prompts" in check_settings(same.parameters).warnings[0]
    assert not check_settings(other.parameters).warnings


def test_labels_that_all_pass_are_asked_about_and_refused_for_a_rule() -> None:
    both = LABELS["labels"]
    (warning,) = check_settings(classify(pass_labels=both).parameters).warnings
    (problem,) = check_settings(classify(pass_labels=both, judge=RULE).parameters).problems

    assert warning == problem
    assert "every row would pass: leave out the labels that are no pass" in warning
    assert not check_settings(classify().parameters).warnings


async def test_a_rule_run_that_costs_nothing_notes_empty_cells_and_asks_nothing() -> None:
    rows = [row | {"answer": ""} if number in {2, 5} else row for number, row in enumerate(ROWS)]
    rule = {**RULE, "system_template": "{{question}}{{expected}}"}
    free = await planned(classify(judge=rule), stored(*rows))
    judged = await planned(classify(), stored(*rows))
    sentence = "`response_column` 'answer' is empty in 2 of 200 sampled rows, first in row 3."

    assert reasons_to_ask(free, BudgetSettings()) == []
    assert sentence in free.notes
    assert sentence in judged.warnings
