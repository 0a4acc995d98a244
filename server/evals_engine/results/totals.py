"""Totals over the finished rows of an evaluation, by its type."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

from evals_schemas.evaluation_api.evaluations import (
    ClassifyParameters,
    CompareParameters,
    ScoreParameters,
)

MAX_MESSAGES = 1_000
"""The most messages of failures that are counted separately; further ones are counted together."""


@dataclass
class RunningStatistics:
    """Mean, spread and range of numbers that arrive one at a time."""

    count: int = 0
    low: float | None = None
    """The lowest number; None before the first."""
    high: float | None = None
    """The highest number; None before the first."""
    _mean: float = 0.0
    _squares: float = 0.0
    """Sum of squared distances from the mean (Welford 1962)."""

    def add(self, value: float) -> None:
        """Add one number."""
        self.count += 1
        distance = value - self._mean
        self._mean += distance / self.count
        self._squares += distance * (value - self._mean)
        self.low = value if self.low is None else min(self.low, value)
        self.high = value if self.high is None else max(self.high, value)

    @property
    def mean(self) -> float | None:
        """The mean; None without a number."""
        return self._mean if self.count else None

    @property
    def population_deviation(self) -> float | None:
        """The spread of exactly these numbers, over n; None without a number."""
        return math.sqrt(self._squares / self.count) if self.count else None

    @property
    def sample_deviation(self) -> float | None:
        """An estimate for their population, over n - 1; None below two numbers."""
        return math.sqrt(self._squares / (self.count - 1)) if self.count > 1 else None


class Totals:
    """The totals that all types have. A type adds its verdicts and the figures made from them."""

    def __init__(self) -> None:
        self.states = Counter[str]()
        self.failures = Counter[str]()
        """Rows without a verdict, by the message that says why."""
        self._reasons: dict[str, str | None] = {}
        """The code of each message; None for a message without a code."""
        self.input_tokens = 0
        self.output_tokens = 0

    def add(self, state: str, fields: dict[str, Any], reason: str | None = None) -> None:
        """Count one row.

        Args:
            state: Its state in the ledger.
            fields: What the row gains in the result file.
            reason: Code of the failed call; None without a failed call or a code.
        """
        self.states[state] += 1
        if state == "ok":
            self._add_verdict(fields)
        else:
            self._add_failure(str(fields.get("evaluation_error"))[:200], reason)

    def results(self) -> dict[str, Any]:
        """Return the `results` of the evaluation, without the id of the result file."""
        counts = {
            "generation_fail_count": self.states["generation_failed"],
            "judge_fail_count": self.states["judge_failed"],
        }
        usage = {"input_tokens": self.input_tokens, "output_tokens": self.output_tokens}
        return self._type_results() | counts | {"usage": usage}

    def _add_verdict(self, fields: dict[str, Any]) -> None:
        """Count a valid verdict."""

    def _type_results(self) -> dict[str, Any]:
        """Return the figures that only this type reports."""
        return {}

    def _add_failure(self, message: str, reason: str | None) -> None:
        separate = message in self.failures or len(self.failures) < MAX_MESSAGES
        self.failures[message if separate else "other reasons"] += 1
        if separate:
            self._reasons[message] = reason

    @property
    def valid(self) -> int:
        """Rows with a verdict."""
        return self.states["ok"]

    @property
    def failed(self) -> int:
        """Rows without a verdict."""
        return self.states.total() - self.valid

    @property
    def most_frequent_failure(self) -> str:
        """The most frequent message of the rows without a verdict; empty if all have one."""
        return self.failures.most_common(1)[0][0] if self.failures else ""

    @property
    def most_frequent_reason(self) -> str | None:
        """The code of `most_frequent_failure`; None if it has no code."""
        return self._reasons.get(self.most_frequent_failure)


class ClassifyTotals(Totals):
    """Counts of the labels, and the share that passes, over the rows with a verdict."""

    def __init__(self, parameters: ClassifyParameters) -> None:
        super().__init__()
        self._parameters = parameters
        self._labels = Counter[str]()

    def _add_verdict(self, fields: dict[str, Any]) -> None:
        self._labels[fields["label"]] += 1

    def _type_results(self) -> dict[str, Any]:
        passed = sum(self._labels[label] for label in set(self._parameters.pass_labels))
        return {
            "label_counts": {label: self._labels[label] for label in self._parameters.labels},
            "pass_percentage": _percentage(passed, self.valid),
            "invalid_label_count": self.states["invalid"],
        }


class ScoreTotals(Totals):
    """Mean and spread of the scores, and the share of those that pass."""

    def __init__(self, parameters: ScoreParameters) -> None:
        super().__init__()
        self._threshold = parameters.pass_threshold
        self._scores = RunningStatistics()
        self._passed = 0

    def _add_verdict(self, fields: dict[str, Any]) -> None:
        score = float(fields["score"])
        self._scores.add(score)
        self._passed += score >= self._threshold

    def _type_results(self) -> dict[str, Any]:
        scores = {
            "mean_score": self._scores.mean,
            "std_score": self._scores.sample_deviation,
            "pass_percentage": _percentage(self._passed, self.valid),
        }
        return {
            "aggregated_scores": scores if self.valid else None,
            "failed_samples": self.failed,
            "invalid_score_count": self.states["invalid"],
        }


class CompareTotals(Totals):
    """Counts of the decisions between two answers."""

    def __init__(self, _: CompareParameters) -> None:
        super().__init__()
        self._decisions = Counter[str]()

    def _add_verdict(self, fields: dict[str, Any]) -> None:
        self._decisions[fields["final_decision"]] += 1

    def _type_results(self) -> dict[str, Any]:
        return {
            "num_samples": self.valid,
            "A_wins": self._decisions["A"],
            "B_wins": self._decisions["B"],
            "Ties": self._decisions["Tie"],
            "invalid_choice_count": self.states["invalid"],
        }


def _percentage(part: int, whole: int) -> float | None:
    """Return `part` as a percentage of `whole`; None if `whole` is 0."""
    return 100.0 * part / whole if whole else None
