"""Totals over the finished rows of an evaluation, by its type."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from functools import reduce
from typing import Any

from evals_engine.cleaning import cleaned
from evals_schemas.datasets.reader import Row
from evals_schemas.datasets.repeated_inputs import InputCounter
from evals_schemas.evaluation_api.evaluations import (
    AnyParameters,
    ClassifyParameters,
    CompareParameters,
    ScoreParameters,
    candidates,
)
from evals_schemas.evaluation_api.usage import BY_ROLE, Usage, add_usage
from evals_schemas.exact_statistics import RunningStatistics

MAX_JUDGE_TEXT = 120
"""The most characters quoted of what a judge wrote instead of a verdict."""

MAX_MESSAGES = 1_000
"""The most messages of failures that are counted separately; further ones are counted together."""


ANY_ROLE = ""
"""Stands for the role of calls that an earlier version counted without it."""


class Totals:
    """The totals that all types have. A type adds its verdicts and the figures made from them."""

    def __init__(self, parameters: AnyParameters | None = None) -> None:
        """Start without a row; without `parameters` no repeated input is looked for."""
        self._inputs = InputCounter() if parameters else None
        sides = candidates(parameters).values() if parameters else ()
        self._answers = frozenset(side for side in sides if isinstance(side, str))
        self.states = Counter[str]()
        self.failures = Counter[str]()
        """Rows without a verdict, by the message that says why."""
        self._reasons: dict[str, str | None] = {}
        """The code of each message; None for a message without a code."""
        self._judge_texts: dict[str, str] = {}
        """What a judge wrote in the first row of each message about an unreadable verdict."""
        self._usage: dict[str, Usage] = {}

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
            message = str(fields.get("evaluation_error"))[:200]
            if state == "invalid":
                message = _without_the_value(message)
                if (text := _judge_text(fields)) is not None:
                    self._judge_texts.setdefault(message, text)
            self._add_failure(message, reason)

    def add_usage(self, usage: Mapping[str, Usage]) -> None:
        """Count the calls and tokens of one row, by role."""
        add_usage(self._usage, usage)

    def _usage_results(self) -> dict[str, Any]:
        """Return the tokens of all roles, and the calls and tokens of each known one."""
        total = reduce(Usage.plus, self._usage.values(), Usage())
        by_role = {role: asdict(used) for role, used in self._usage.items() if role != ANY_ROLE}
        tokens = {"input_tokens": total.input_tokens, "output_tokens": total.output_tokens}
        return tokens | {BY_ROLE: by_role}

    def add_input(self, row: Row) -> None:
        """Count the columns of one row of the data set."""
        if self._inputs:
            self._inputs.add(row)

    def results(self) -> dict[str, Any]:
        """Return the `results` of the evaluation, without the id of the result file."""
        counts = {
            "generation_fail_count": self.states["generation_failed"],
            "judge_fail_count": self.states["judge_failed"],
        }
        repeated = self._inputs.repeated_input(self._answers) if self._inputs else None
        found = {"repeated_input": repeated.model_dump()} if repeated else {}
        return self._type_results() | counts | found | {"usage": self._usage_results()}

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
    def unreadable_text(self) -> str | None:
        """What a judge wrote in a row with `most_frequent_failure`, cleaned and cut.

        None if these rows did not fail at reading the verdict.
        """
        return self._judge_texts.get(self.most_frequent_failure)

    @property
    def most_frequent_reason(self) -> str | None:
        """The code of `most_frequent_failure`; None if it has no code."""
        return self._reasons.get(self.most_frequent_failure)


def _without_the_value(message: str) -> str:
    """Return why verdicts are invalid without the value of one row, so that rows can be counted."""
    _, is_value, form = message.rpartition('" is not a valid ')
    return f"the judge gave no valid {form}" if is_value else message


def _judge_text(fields: dict[str, Any]) -> str | None:
    """Return what the judge wrote, cleaned and cut; None if the row does not have it.

    Of two judging orders or two models, the one whose verdict could not be read.
    """
    texts = [fields.get("judge_raw_output")]
    answers = fields.get("answers", ())
    texts += [
        each.get("judge_raw_output") for each in answers if each.get("failed_at") == "verdict"
    ]
    texts += [
        fields.get(f"judge_raw_output_{order}")
        for order in ("original", "flipped")
        if fields.get(f"choice_{order}") is None
    ]
    return next((cleaned(text, MAX_JUDGE_TEXT) for text in texts if isinstance(text, str)), None)


class ClassifyTotals(Totals):
    """Counts of the labels, and the share that passes, over the rows with a verdict."""

    def __init__(self, parameters: ClassifyParameters) -> None:
        super().__init__(parameters)
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
        super().__init__(parameters)
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
    """Counts of the decisions between two answers, and how the two orders were judged."""

    def __init__(self, parameters: CompareParameters) -> None:
        super().__init__(parameters)
        self._both_orders = not parameters.disable_position_bias_correction
        self._decisions = Counter[str]()
        self._orders = Counter[str]()
        self._one_order = Counter[str]()

    def _add_verdict(self, fields: dict[str, Any]) -> None:
        decision = fields["final_decision"]
        self._decisions[decision] += 1
        if not self._both_orders:
            return
        original, flipped = fields.get("choice_original"), fields.get("choice_flipped")
        if original is None or flipped is None:
            self._one_order[decision] += 1
        else:
            self._orders[f"{original},{flipped}"] += 1

    def _type_results(self) -> dict[str, Any]:
        results: dict[str, Any] = {
            "num_samples": self.valid,
            "A_wins": self._decisions["A"],
            "B_wins": self._decisions["B"],
            "Ties": self._decisions["Tie"],
            "invalid_choice_count": self.states["invalid"],
        }
        if self._both_orders:
            one_order = {choice: self._one_order[choice] for choice in ("A", "B", "Tie")}
            results |= {"one_order_counts": one_order, "order_counts": dict(self._orders)}
        return results


def _percentage(part: int, whole: int) -> float | None:
    """Return `part` as a percentage of `whole`; None if `whole` is 0."""
    return 100.0 * part / whole if whole else None
