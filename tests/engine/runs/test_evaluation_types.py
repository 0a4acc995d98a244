"""The table of evaluation types: every type of both contracts, and what a stored one is read as."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import pytest
from anyio import to_thread
from pydantic import BaseModel, ValidationError

from evals_engine.benchmarks.totals import BenchmarkTotals
from evals_engine.http.owners import LOCAL
from evals_engine.judges.verdict_forms import ScoreForm
from evals_engine.results.totals import ClassifyTotals, CompareTotals, ScoreTotals, Totals
from evals_engine.rows.evaluators import RowEvaluator
from evals_engine.rows.outcome import Outcome
from evals_engine.runs import evaluation_types
from evals_engine.runs.evaluation_types import TYPES, TypeSpec, typed_parameters
from evals_engine.store.records import BENCHMARK_OUTPUT, EVAL_OUTPUT
from evals_engine.store.store import Store
from evals_schemas.datasets.reader import Row
from evals_schemas.evaluation_types import BENCHMARK, JUDGED_TYPES, EvaluationType
from tests.engine.running import running_engine
from tests.engine.store.samples import an_evaluation

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


class WordCount(BaseModel):
    """The parameters of a type that no contract has."""

    column: str


@dataclass(frozen=True)
class WordCounter(RowEvaluator):
    """Counts the words of one column."""

    columns: frozenset[str]
    workers: int = 2

    async def outcome(self, row: Row) -> Outcome:
        (column,) = self.columns
        return Outcome("ok", {"words": len(str(row[column]).split())})


class WordTotals(Totals):
    """The words of all rows."""

    def __init__(self, _: WordCount) -> None:
        super().__init__()
        self.words = 0

    def _add_verdict(self, fields: dict[str, Any]) -> None:
        self.words += fields["words"]

    def _type_results(self) -> dict[str, Any]:
        return {"words": self.words}


def no_form(_: WordCount) -> ScoreForm:
    return ScoreForm(0, 1)


async def word_counter(parameters: WordCount, *_: object) -> WordCounter:
    return WordCounter(frozenset({parameters.column}))


async def test_a_type_in_the_table_alone_is_run_counted_and_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    spec = TypeSpec("word-count", WordCount, no_form, word_counter, WordTotals)
    monkeypatch.setattr(evaluation_types, "TYPES", {**TYPES, spec.name: spec})
    async with running_engine(tmp_path) as engine:
        file_id = await engine.upload([{"text": "one two"}, {"text": "three"}])
        store = Store(tmp_path)
        await to_thread.run_sync(add, store, spec.name, {"column": "text"}, file_id)
        job = await engine.finished("eval-words")
        assert (job["status"], job["type"], job["results"]["words"]) == ("completed", spec.name, 3)
        assert [row["words"] for row in await engine.result_rows(job)] == [2, 1]
        store.close()


def add(store: Store, kind: str, parameters: dict[str, Any], file_id: str) -> None:
    evaluation = replace(
        an_evaluation("eval-words", LOCAL), type=kind, parameters=parameters, file_id=file_id
    )
    store.add_evaluation(evaluation, "Job is pending evaluation", None)
