"""What is counted over the finished rows of an evaluation, by its type."""

from __future__ import annotations

from collections import Counter
from typing import Any

from evals_engine.results.moments import Moments
from evals_schemas.evaluation_api.evaluations import (
    AnyParameters,
    ClassifyParameters,
    CompareParameters,
    ScoreParameters,
)

FAILURES_TOLD_APART = 1_000
"""Reasons that are counted each for itself; what comes after them is counted together."""


class Tally:
    """What every type counts. A type adds what its verdicts hold, and what it makes of them."""

    def __init__(self) -> None:
        self.states = Counter[str]()
        self.failures = Counter[str]()
        """Rows without a verdict, by the message that says why."""
        self._reasons: dict[str, str | None] = {}
        """The code that comes with each message, where there is one."""
        self.input_tokens = 0
        self.output_tokens = 0

    def add(self, state: str, fields: dict[str, Any], reason: str | None = None) -> None:
        """Count one row.

        Args:
            state: Its state in the ledger.
            fields: What the row gains in the result file.
            reason: Code of the failed call; None where there is none.
        """
        self.states[state] += 1
        if state == "ok":
            self._add_verdict(fields)
        else:
            self._add_failure(str(fields.get("evaluation_error"))[:200], reason)

    def results(self) -> dict[str, Any]:
        """The `results` of the evaluation, without the result file's id."""
        counts = {
            "generation_fail_count": self.states["generation_failed"],
            "judge_fail_count": self.states["judge_failed"],
        }
        usage = {"input_tokens": self.input_tokens, "output_tokens": self.output_tokens}
        return self._own_results() | counts | {"usage": usage}

    def _add_verdict(self, fields: dict[str, Any]) -> None:
        """Count what a valid verdict says."""

    def _own_results(self) -> dict[str, Any]:
        """What this type reports beside the counts of every type."""
        return {}

    def _add_failure(self, message: str, reason: str | None) -> None:
        is_counted = message in self.failures or len(self.failures) < FAILURES_TOLD_APART
        self.failures[message if is_counted else "other reasons"] += 1
        if is_counted:
            self._reasons[message] = reason

    @property
    def valid(self) -> int:
        """Rows with a verdict."""
        return self.states["ok"]

    @property
    def failed(self) -> int:
        """Rows without one."""
        return self.states.total() - self.valid

    @property
    def commonest_failure(self) -> str:
        """The message that most rows without a verdict share; empty without such rows."""
        return self.failures.most_common(1)[0][0] if self.failures else ""

    @property
    def commonest_reason(self) -> str | None:
        """The code of `commonest_failure`; None where there is none."""
        return self._reasons.get(self.commonest_failure)


class ClassifyTally(Tally):
    """Labels, and the share of those that pass, over the rows with a verdict."""

    def __init__(self, parameters: ClassifyParameters) -> None:
        super().__init__()
        self._parameters = parameters
        self._labels = Counter[str]()

    def _add_verdict(self, fields: dict[str, Any]) -> None:
        self._labels[fields["label"]] += 1

    def _own_results(self) -> dict[str, Any]:
        passed = sum(self._labels[label] for label in set(self._parameters.pass_labels))
        return {
            "label_counts": {label: self._labels[label] for label in self._parameters.labels},
            "pass_percentage": _percentage(passed, self.valid),
            "invalid_label_count": self.states["invalid"],
        }


class ScoreTally(Tally):
    """Mean and spread of the scores, and the share of those that pass."""

    def __init__(self, parameters: ScoreParameters) -> None:
        super().__init__()
        self._threshold = parameters.pass_threshold
        self._scores = Moments()
        self._passed = 0

    def _add_verdict(self, fields: dict[str, Any]) -> None:
        score = float(fields["score"])
        self._scores.add(score)
        self._passed += score >= self._threshold

    def _own_results(self) -> dict[str, Any]:
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


class CompareTally(Tally):
    """Decisions between the two sides."""

    def __init__(self) -> None:
        super().__init__()
        self._decisions = Counter[str]()

    def _add_verdict(self, fields: dict[str, Any]) -> None:
        self._decisions[fields["final_decision"]] += 1

    def _own_results(self) -> dict[str, Any]:
        return {
            "num_samples": self.valid,
            "A_wins": self._decisions["A"],
            "B_wins": self._decisions["B"],
            "Ties": self._decisions["Tie"],
            "invalid_choice_count": self.states["invalid"],
        }


def judged_tally(parameters: AnyParameters) -> Tally:
    """The tally of an evaluation that judges rows; its results have the vendor's names."""
    match parameters:
        case ClassifyParameters():
            return ClassifyTally(parameters)
        case ScoreParameters():
            return ScoreTally(parameters)
        case CompareParameters():
            return CompareTally()


def _percentage(part: int, whole: int) -> float | None:
    """Over the rows with a verdict; None when there is none."""
    return 100.0 * part / whole if whole else None
