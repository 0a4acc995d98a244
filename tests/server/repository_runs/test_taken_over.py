"""Verdicts are taken over where nothing has changed that they depend on, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from evals_mcp.repository_runs.gates import taken_over
from evals_mcp.repository_runs.gates.baseline import Baseline, BaselineMetric
from evals_mcp.repository_runs.gates.taken_over import Candidate, TakenOver, take_over
from evals_mcp.repository_runs.metrics import Metric, metrics_of
from evals_mcp.repository_runs.rows import RowKeys, RunRow
from evals_mcp.results.rows import RowVerdict
from evals_schemas.tools.inputs import CreateEvaluationInput
from tests.server.serving import settings

NOW = datetime(2026, 11, 30, tzinfo=UTC)
DATA = [{"id": number, "answer": f"sum {number}"} for number in range(3)]
KEYS = RowKeys(("answer",), ignored=frozenset({"must_pass"}))


def metric(**changes: Any) -> Metric:
    arguments: dict[str, Any] = {
        "type": "classify",
        "labels": ["right", "wrong"],
        "pass_labels": ["right"],
        "response_column": "answer",
        "judge": {"model": "judge", "system_template": "Right? {{id}}"},
    }
    request = CreateEvaluationInput.model_validate(arguments | changes)
    (built,) = metrics_of({"quality": request}, settings(), "local")
    return built


def baseline(of: Metric, **changes: Any) -> Baseline:
    made_at = (NOW - timedelta(days=1)).isoformat()
    rows = [RunRow(row | {"label": "right"}, RowVerdict("ok", "right"), made_at) for row in DATA]
    source = BaselineMetric(rows, of.identity, {}, of.answer_columns)
    changed = replace(source, **changes)
    return Baseline("results.json", {"quality": changed}, candidate_version="v1")


def taken(of: Metric, source: Baseline, data: list[dict[str, Any]] = DATA) -> TakenOver:
    return take_over(of, source, Candidate(data, KEYS, "v1"), NOW)


def test_unchanged_rows_are_taken_over_whatever_says_nothing_about_them() -> None:
    judge = metric()
    assert taken(judge, baseline(judge)).missing == ()
    pinned = [row | {"must_pass": True} for row in DATA]
    assert taken(judge, baseline(judge), pinned).missing == ()
    # Which labels pass is applied to verdicts afterwards.
    assert taken(metric(pass_labels=["wrong"]), baseline(judge)).missing == ()


@pytest.mark.parametrize(
    "change", [{"answer": "other"}, {"id": 9}, {"context": "new"}, {"answer": None}]
)
def test_a_row_with_any_change_is_judged(change: dict[str, Any]) -> None:
    judge = metric()
    data = [DATA[0], DATA[1] | change, DATA[2]]
    assert taken(judge, baseline(judge), data).missing == (1,)


def test_a_row_that_stands_twice_takes_one_verdict_for_each_that_was_made() -> None:
    judge = metric()
    assert taken(judge, baseline(judge), [DATA[0], DATA[0], DATA[1]]).missing == (1,)


def test_failed_and_old_verdicts_are_not_taken_over_but_those_of_a_rule_stay() -> None:
    judge = metric()
    rows = list(baseline(judge).metrics["quality"].rows)
    rows[0] = replace(rows[0], verdict=RowVerdict("invalid"))
    rows[1] = replace(rows[1], judged_at=(NOW - timedelta(days=8)).isoformat())
    assert taken(judge, baseline(judge, rows=rows)).missing == (0, 1)
    old = [replace(row, judged_at=rows[1].judged_at) for row in rows]
    assert "more than 7 days old" in (taken(judge, baseline(judge, rows=old)).reason or "")
    rule = metric(judge={"model": "rule/contains", "system_template": "{{id}}"})
    assert taken(rule, baseline(rule, rows=old)).missing == (0,)


def test_nothing_is_taken_over_from_another_address_program_or_hidden_column() -> None:
    judge = metric()
    elsewhere = judge.identity.model_copy(update={"endpoint": "endpoint1-other"})
    assert taken(judge, baseline(judge, identity=elsewhere)).reason == (
        "the judge is at another address"
    )
    older = replace(baseline(judge), program="0.0.1")
    assert taken(judge, older).reason == "another version of evals-mcp has judged them"
    hidden = [row | {"feedback": "mine"} for row in DATA]
    assert len(taken(judge, baseline(judge), hidden).missing) == 3


def test_generated_answers_are_taken_over_only_under_a_version_that_both_name() -> None:
    candidate = {"model": "m", "system_template": "s", "input_template": "{{id}}"}
    judge = metric(response_column=None, model_to_evaluate=candidate)
    source = baseline(judge)
    assert taken(judge, source).missing == ()
    other = metric(response_column=None, model_to_evaluate=candidate | {"model": "n"})
    assert taken(other, source).reason == "the model that writes the answers is another one"
    for version, expected in ((None, "names no `candidate_version`"), ("v2", "of another")):
        found = take_over(judge, source, Candidate(DATA, KEYS, version), NOW)
        assert expected in (found.reason or "")
    assert taken_over.none_of(DATA, "asked").missing == (0, 1, 2)
