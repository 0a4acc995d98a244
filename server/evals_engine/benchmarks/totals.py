"""What is counted over the questions of a benchmark evaluation, for each model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evals_engine.results.moments import Moments
from evals_engine.results.totals import Tally


class ModelTally:
    """One model's answers. Those without a score are counted, and in no mean."""

    def __init__(self, model_id: str, metrics: Sequence[str]) -> None:
        self.model_id = model_id
        self.answered = 0
        """Questions that the model gave an answer to, judged or not."""
        self._questions = 0
        self._correct = 0
        self._score = Moments()
        self._metrics = {name: Moments() for name in metrics}

    def add(self, entry: Mapping[str, Any]) -> None:
        """Count one answer, as the ledger has it."""
        self._questions += 1
        self.answered += entry["model_answer"] is not None
        if entry["score"] is None:
            return
        self._correct += entry["correct"]
        self._score.add(entry["score"])
        values = {"accuracy": float(entry["correct"]), "relevance": entry["relevance"]}
        for name, moments in self._metrics.items():
            moments.add(values[name])

    def figures(self) -> dict[str, Any]:
        """The metrics under the vendor's names; a mean of nothing is None."""
        figures: dict[str, Any] = {name: one.mean for name, one in self._metrics.items()}
        figures |= {
            "average_score": self._score.mean,
            "total_questions": self._questions,
            "correct_answers": self._correct,
            "failed_questions": self._questions - self._score.count,
        }
        for name, moments in self._metrics.items():
            figures |= {
                f"{name}_mean": moments.mean,
                f"{name}_std": moments.population_deviation,
                f"{name}_min": moments.low,
                f"{name}_max": moments.high,
            }
        return figures


class BenchmarkTally(Tally):
    """Every model's tally. A failed row can hold a valid answer of the other model."""

    def __init__(self, models: Sequence[str], metrics: Sequence[str]) -> None:
        super().__init__()
        self._models = [ModelTally(model, metrics) for model in models]

    def add(self, state: str, fields: dict[str, Any], reason: str | None = None) -> None:
        """Count one question; see `Tally.add`."""
        super().add(state, fields, reason)
        for model, entry in zip(self._models, fields["answers"], strict=True):
            model.add(entry)

    def _own_results(self) -> dict[str, Any]:
        return {
            "models": [
                {"model_id": model.model_id, "metrics": model.figures()} for model in self._models
            ],
            "raw_answers_count": sum(model.answered for model in self._models),
        }
