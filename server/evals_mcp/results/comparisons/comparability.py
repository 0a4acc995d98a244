"""Checks from their parameters whether two evaluations can be compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from evals_mcp.cleaning import quoted
from evals_mcp.errors import InvalidRequestError
from evals_mcp.results.number_text import counted
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.tools.comparisons import PairedRows

FEW_PAIRS = 30
"""A comparison with fewer pairs gets a caution."""

MANY_LEFT_OUT = 0.05
"""A comparison that leaves out a larger share of a file's rows gets a caution."""

_JUDGING: Mapping[str, str] = {
    "labels": "labels",
    "pass_labels": "pass labels",
    "pass_threshold": "pass thresholds",
    "custom_metrics": "custom metrics",
}
_JUDGE_IDENTITY = ("model", "model_source", "external_base_url")
_CANDIDATE = ("model", "model_source", "system_template", "input_template")


@dataclass(frozen=True)
class Caution:
    """A difference that weakens the comparison."""

    text: str
    of: Literal["judging", "data", "rows"]


def refuse_different_labels(a: EvaluationJob, b: EvaluationJob) -> None:
    """Refuse two evaluations with different labels unless both have pass labels.

    Raises:
        InvalidRequestError: the verdicts cannot be compared.
    """
    if not same_labels(a, b) and not (_labels(a, "pass_labels") and _labels(b, "pass_labels")):
        raise InvalidRequestError(
            "The two evaluations have different `labels`, and not both have `pass_labels`, so "
            "their verdicts cannot be compared. Call create_evaluation with the labels of one of "
            "them."
        )


def refuse_different_ranges(a: EvaluationJob, b: EvaluationJob) -> None:
    """Refuse two evaluations whose scores have different ranges.

    Raises:
        InvalidRequestError: names both ranges.
    """
    ranges = [(job.parameters.get("min_score"), job.parameters.get("max_score")) for job in (a, b)]
    if ranges[0] != ranges[1]:
        raise InvalidRequestError(
            f"The scores have different ranges: A {_range(*ranges[0])}, B {_range(*ranges[1])}. "
            "Call create_evaluation with the same `min_score` and `max_score` as one of them."
        )


def _range(low: object, high: object) -> str:
    return f"{_named(low)} to {_named(high)}"


def refuse_different_sides(a: EvaluationJob, b: EvaluationJob) -> None:
    """Refuse two evaluations that compare different columns or candidates.

    Raises:
        InvalidRequestError: names the sides that differ.
    """
    sides = ("model_a", "model_b")
    if different := [
        side for side in sides if _side(a.parameters, side) != _side(b.parameters, side)
    ]:
        raise InvalidRequestError(
            f"The two evaluations compare different sides ({' and '.join(different)} differ), so "
            "their decisions cannot be compared. Call create_evaluation with type compare and the "
            "two candidates as model_a and model_b."
        )


def refuse_two_models(a: EvaluationJob, b: EvaluationJob) -> None:
    """Refuse a benchmark evaluation of two models, which has two answers to each question.

    Raises:
        InvalidRequestError: names the evaluation with two models.
    """
    for name, job in (("A", a), ("B", b)):
        if job.parameters.get("model_id_2"):
            raise InvalidRequestError(
                f"{name} ran two models: get_evaluation with evaluation_id {job.workflow_id} "
                "compares them question by question. compare_evaluations needs evaluations with "
                "one model each; call create_evaluation with model_id alone for one."
            )


def _side(parameters: Mapping[str, Any], side: str) -> object:
    """Return a column's name, or the parameters that identify a model as candidate."""
    value = parameters.get(side)
    if isinstance(value, Mapping):
        return _parts(cast("Mapping[str, Any]", value), _CANDIDATE)
    return value


def same_labels(a: EvaluationJob, b: EvaluationJob) -> bool:
    """Return whether both judges chose among the same labels, in any order."""
    return set(_labels(a, "labels")) == set(_labels(b, "labels"))


def _labels(job: EvaluationJob, name: str) -> list[str]:
    return sorted(cast("list[str]", job.parameters.get(name) or []))


def cautions(a: EvaluationJob, b: EvaluationJob) -> list[Caution]:
    """Return the differences between the two requests, and which evaluation did not finish."""
    differences: list[Caution] = []
    for name, job in (("A", a), ("B", b)):
        if job.status != "completed":
            text = f"{name} did not finish: only some of its rows were judged."
            differences.append(Caution(text, "rows"))
    if a.parameters.get("input_data_file_path") != b.parameters.get("input_data_file_path"):
        differences.append(Caution("The data set files differ.", "data"))
    if a.parameters.get("benchmark_id") != b.parameters.get("benchmark_id"):
        text = "The benchmarks differ: only questions in both are paired."
        differences.append(Caution(text, "data"))
    return [*differences, *_judge_differences(a.parameters, b.parameters), *_rule_differences(a, b)]


def _judge_differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterable[Caution]:
    judge_a, judge_b = _judge(a), _judge(b)
    if _parts(judge_a, _JUDGE_IDENTITY) != _parts(judge_b, _JUDGE_IDENTITY):
        names = f"{_named(judge_a.get('model'))} in A, {_named(judge_b.get('model'))} in B"
        yield Caution(f"The judge models differ: {names}.", "judging")
    if judge_a.get("system_template") != judge_b.get("system_template"):
        yield Caution("The judge templates differ.", "judging")


def _rule_differences(a: EvaluationJob, b: EvaluationJob) -> Iterable[Caution]:
    """Yield the differences in labels, thresholds, metrics and judging orders."""
    for name, noun in _JUDGING.items():
        value_a, value_b = (_comparable(job.parameters.get(name)) for job in (a, b))
        if value_a != value_b:
            only = "; only pass and fail are compared" if name == "labels" else ""
            text = f"The {noun} differ: {_named(value_a)} in A, {_named(value_b)} in B{only}."
            yield Caution(text, "judging")
    if _one_order(a) != _one_order(b):
        name = "A" if _one_order(a) else "B"
        yield Caution(f"{name} judged each pair in one order only, the other in both.", "judging")


def _comparable(value: object) -> object:
    """Return a value for comparing; the order of a list does not count."""
    return sorted(map(str, cast("list[object]", value))) if isinstance(value, list) else value


def _one_order(job: EvaluationJob) -> bool:
    return bool(job.parameters.get("disable_position_bias_correction"))


def _judge(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    judge = parameters.get("judge")
    return cast("Mapping[str, Any]", judge) if isinstance(judge, Mapping) else {}


def _parts(value: Mapping[str, Any], names: Iterable[str]) -> list[object]:
    return [value.get(name) for name in names]


def _named(value: object) -> str:
    if isinstance(value, list):
        return quoted(", ".join(map(str, cast("list[object]", value))), 100)
    return (
        "unknown" if value is None else quoted(value, 60) if isinstance(value, str) else str(value)
    )


def _have(rows: int) -> str:
    return "has" if rows == 1 else "have"


def row_cautions(rows: PairedRows) -> list[Caution]:
    """Return cautions about many rows left out, and about few pairs."""
    row_problems: list[Caution] = []
    for name, total, unmatched, duplicated in (
        ("A", rows.rows_a, rows.unmatched_a, rows.duplicated_a),
        ("B", rows.rows_b, rows.unmatched_b, rows.duplicated_b),
    ):
        if unmatched > MANY_LEFT_OUT * total:
            row_problems.append(
                Caution(
                    f"{unmatched} of {name}'s {total} rows {_have(unmatched)} no match.", "rows"
                )
            )
        if duplicated > MANY_LEFT_OUT * total:
            text = (
                f"{duplicated} of {name}'s {total} rows {_have(duplicated)} the key of another row "
                f"and {'is' if duplicated == 1 else 'are'} "
            )
            row_problems.append(
                Caution(text + "left out: name a `key` column that is unique.", "rows")
            )
    if rows.no_verdict > MANY_LEFT_OUT * (rows.pairs + rows.no_verdict):
        matching = counted(rows.no_verdict, "matching row")
        left_out = "is left out" if rows.no_verdict == 1 else "are left out"
        text = f"{matching} {_have(rows.no_verdict)} no valid verdict in A or B and {left_out}."
        row_problems.append(Caution(text, "rows"))
    if rows.pairs < FEW_PAIRS:
        row_problems.append(
            Caution(f"Only {counted(rows.pairs, 'pair')}: too few for most differences.", "rows")
        )
    return row_problems
