"""Rows that a rule computes together: each has its own outcome."""

from __future__ import annotations

from pathlib import Path

from evals_engine.config import EngineConfig
from evals_engine.judges.rule_judge import MAX_ANSWER
from evals_engine.judges.verdict_forms import ChoiceForm, LabelForm
from evals_engine.models.access import ModelAccess
from evals_engine.models.client import ModelClient
from evals_engine.rows.evaluators import pair_evaluator, single_evaluator
from evals_schemas.evaluation_api.evaluations import ClassifyParameters, CompareParameters
from tests.engine.pools import owner_pool

JUDGE = {
    "model": "rule/regex",
    "model_source": "serverless",
    "system_template": "{{ 'a' * times }}",
}
ACCESS = ModelAccess(EngineConfig(Path()), ModelClient(0, 1))


async def test_rows_that_fail_leave_those_beside_them_their_verdicts() -> None:
    parameters = ClassifyParameters.model_validate(
        {
            "judge": JUDGE,
            "labels": ["bad", "good"],
            "pass_labels": ["good"],
            "model_to_evaluate": "answer",
            "input_data_file_path": "file-1",
        }
    )
    form = LabelForm(("bad", "good"), pass_labels=("good",))
    rows = [
        {"times": 2, "answer": "aa"},
        {"times": 10**9, "answer": "a bomb"},
        {"times": 2, "answer": None},
        {"times": "many", "answer": "no number"},
        {"times": 2, "answer": "a" * (MAX_ANSWER + 1)},
        {"times": 3, "answer": "aa"},
    ]

    async with owner_pool() as pool:
        evaluator = await single_evaluator(parameters, form, ACCESS, pool, {})
        outcomes = await evaluator.outcomes(rows)

    assert [outcome.fields["label"] for outcome in outcomes] == [
        *("good", None, None, None, None, "bad")
    ]
    assert [outcome.fields.get("failed_at") for outcome in outcomes] == [
        *(None, "judge", "generation", "judge", "judge", None)
    ]
    reasons = [outcome.fields.get("evaluation_error", "") for outcome in outcomes]
    assert "512 MiB of memory" in reasons[1]
    assert reasons[2] == "column answer is null"
    assert "judge.system_template" in reasons[3]
    assert "1,048,577 characters" in reasons[4]


async def test_pairs_computed_together_are_decided_each_by_its_answers() -> None:
    parameters = CompareParameters.model_validate(
        {"judge": JUDGE, "model_a": "a", "model_b": "b", "input_data_file_path": "file-1"}
    )
    rows = [
        {"times": 2, "a": "aa", "b": "b"},
        {"times": 2, "a": "b", "b": "aa"},
        {"times": 2, "a": "aa", "b": None},
    ]

    async with owner_pool() as pool:
        evaluator = await pair_evaluator(parameters, ChoiceForm(), ACCESS, pool, {})
        outcomes = await evaluator.outcomes(rows)

    assert [outcome.fields["final_decision"] for outcome in outcomes] == ["A", "B", None]
    assert [outcome.state for outcome in outcomes] == ["ok", "ok", "generation_failed"]
