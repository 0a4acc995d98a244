"""The table of evaluation types: every type of both contracts, and what a stored one is read as."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from pydantic import ValidationError

from evals_engine.benchmarks.totals import BenchmarkTotals
from evals_engine.results.totals import ClassifyTotals, CompareTotals, ScoreTotals, Totals
from evals_engine.runs.evaluation_types import TYPES, typed_parameters
from evals_engine.store.records import BENCHMARK_OUTPUT, EVAL_OUTPUT
from evals_schemas.evaluation_types import BENCHMARK, JUDGED_TYPES, EvaluationType

JUDGED: dict[str, Any] = {
    "judge": {"model": "m", "model_source": "serverless", "system_template": "Judge."},
    "input_data_file_path": "file-1",
}
LABELS = {"labels": ["good", "bad"], "pass_labels": ["good"]}
RANGE = {"min_score": 0, "max_score": 5, "pass_threshold": 3}
SIDES = {"model_a": "a", "model_b": "b"}
QUESTIONS = {"benchmark_id": "b", "model_id": "m", "judge": "rule/contains", "questions": 2}


def test_the_table_has_every_type_of_both_contracts() -> None:
    assert get_args(EvaluationType) == JUDGED_TYPES
    assert set(TYPES) == {*JUDGED_TYPES, BENCHMARK}
    assert all(name == spec.name for name, spec in TYPES.items())


@pytest.mark.parametrize(
    ("name", "stored", "totals", "purpose", "key"),
    [
        ("classify", JUDGED | LABELS, ClassifyTotals, EVAL_OUTPUT, "label"),
        ("score", JUDGED | RANGE, ScoreTotals, EVAL_OUTPUT, "score"),
        ("compare", JUDGED | SIDES, CompareTotals, EVAL_OUTPUT, "choice"),
        (BENCHMARK, QUESTIONS, BenchmarkTotals, BENCHMARK_OUTPUT, "score"),
    ],
)
def test_a_stored_evaluation_is_read_by_its_type(
    name: str, stored: dict[str, Any], totals: type[Totals], purpose: str, key: str
) -> None:
    typed = typed_parameters(name, stored)
    assert type(typed.totals()) is totals
    assert typed.spec.output_purpose == purpose
    assert typed.spec.verdict_form(typed.parameters).key == key


def test_parameters_of_another_type_and_unknown_types_are_refused() -> None:
    with pytest.raises(ValidationError):
        typed_parameters("score", JUDGED | LABELS)
    with pytest.raises(KeyError):
        typed_parameters("rank", JUDGED)
