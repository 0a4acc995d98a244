"""Totals over the questions of a benchmark evaluation, for each model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from evals_engine.benchmarks.parameters import BenchmarkParameters
from evals_engine.results.totals import Totals
from evals_schemas.exact_statistics import RunningStatistics


class ModelTotals:
    """Totals of one model. Answers without a score are counted but do not enter a mean."""

    def __init__(self, model_id: str, metrics: Sequence[str]) -> None:
        self.model_id = model_id
        self.answered = 0
        """Questions that the model answered, judged or not."""
        self._questions = 0
        self._correct = 0
        self._score = RunningStatistics()
        self._metrics = {name: RunningStatistics() for name in metrics}

    def add(self, entry: Mapping[str, Any]) -> None:
        """Count one answer from the ledger."""
        self._questions += 1
        self.answered += entry["model_answer"] is not None
        if entry["score"] is None:
            return
        self._correct += entry["correct"]
        self._score.add(entry["score"])
        values = {"accuracy": float(entry["correct"]), "relevance": entry["relevance"]}
        for name, statistics in self._metrics.items():
            statistics.add(values[name])

    def figures(self) -> dict[str, Any]:
        """Return the metrics under the vendor's names; a mean of no scores is None."""
        figures: dict[str, Any] = {
            name: statistics.mean for name, statistics in self._metrics.items()
        }
        figures |= {
            "average_score": self._score.mean,
            "total_questions": self._questions,
            "correct_answers": self._correct,
            "failed_questions": self._questions - self._score.count,
        }
        for name, statistics in self._metrics.items():
            figures |= {
                f"{name}_mean": statistics.mean,
                f"{name}_std": statistics.population_deviation,
                f"{name}_min": statistics.low,
                f"{name}_max": statistics.high,
            }
        return figures


class BenchmarkTotals(Totals):
    """The totals of each model. A failed row can have a valid answer of the other model."""

    def __init__(self, models: Sequence[str], metrics: Sequence[str]) -> None:
        super().__init__()
        self._models = [ModelTotals(model, metrics) for model in models]
        self._pairs = Counter[tuple[bool, ...]]()
        """Questions that both models have a score for, by whether each answer is correct."""

    @classmethod
    def of(cls, parameters: BenchmarkParameters) -> BenchmarkTotals:
        """Return empty totals for an evaluation with these parameters."""
        return cls(parameters.models, parameters.metrics)

    def add(self, state: str, fields: dict[str, Any], reason: str | None = None) -> None:
        """Count one question; see `Totals.add`."""
        super().add(state, fields, reason)
        for model, entry in zip(self._models, fields["answers"], strict=True):
            model.add(entry)
        if len(self._models) > 1 and all(entry["score"] is not None for entry in fields["answers"]):
            self._pairs[tuple(bool(entry["correct"]) for entry in fields["answers"])] += 1

    def _type_results(self) -> dict[str, Any]:
        paired = {
            "both": self._pairs[True, True],
            "only_first": self._pairs[True, False],
            "only_second": self._pairs[False, True],
            "neither": self._pairs[False, False],
        }
        return {
            "paired_answers": paired if len(self._models) > 1 else None,
            "models": [
                {"model_id": model.model_id, "metrics": model.figures()} for model in self._models
            ],
            "raw_answers_count": sum(model.answered for model in self._models),
        }
