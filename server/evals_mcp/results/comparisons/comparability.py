"""Whether two evaluations may be compared, told from how each was asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from evals_mcp.cleaning import clean
from evals_mcp.errors import InvalidRequestError
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.tools.comparisons import PairedRows

FEW_PAIRS = 30
"""Fewer pairs than this are called few."""

MANY_LEFT_OUT = 0.05
"""From this share of a file's rows on, rows that are left out are warned of."""

_KINDS = ("classify", "score", "compare", "benchmark")
_JUDGING: Mapping[str, str] = {
    "labels": "labels",
    "pass_labels": "pass labels",
    "pass_threshold": "pass thresholds",
    "custom_metrics": "custom metrics",
}
_WHO = ("model", "model_source", "external_base_url")
_CANDIDATE = ("model", "model_source", "system_template", "input_template")


@dataclass(frozen=True)
class Caution:
    """Something that differs beside what is measured."""

    text: str
    of: Literal["judging", "data", "rows"]


def refuse_incomparable(a: EvaluationJob, b: EvaluationJob) -> None:
    """Stop where a difference would mean nothing.

    Raises:
        InvalidRequestError: the types, the score ranges, the labels without passes, or the
            compared sides differ.
    """
    if a.type != b.type or a.type not in _KINDS:
        kinds = f"A is {clean(a.type or 'untold', 40)}, B is {clean(b.type or 'untold', 40)}"
        raise InvalidRequestError(
            f"Only evaluations of the same type can be compared; {kinds}. Call list_evaluations "
            "with a type for others, or create_evaluation for one of A's type."
        )
    if a.type == "score":
        _refuse_ranges(a.parameters, b.parameters)
    elif a.type == "compare":
        _refuse_sides(a.parameters, b.parameters)
    elif a.type == "benchmark":
        _refuse_two_models(a, b)
    elif not same_labels(a, b) and not (_labels(a, "pass_labels") and _labels(b, "pass_labels")):
        raise InvalidRequestError(
            "The two evaluations have different `labels`, and not both have `pass_labels`: there "
            "is nothing that both say. Call create_evaluation with the labels of one of them."
        )


def _refuse_ranges(a: Mapping[str, Any], b: Mapping[str, Any]) -> None:
    ranges = [(one.get("min_score"), one.get("max_score")) for one in (a, b)]
    if ranges[0] != ranges[1]:
        raise InvalidRequestError(
            f"The scores have different ranges: A {_range(*ranges[0])}, B {_range(*ranges[1])}. "
            "Call create_evaluation with the same `min_score` and `max_score` as one of them."
        )


def _range(low: object, high: object) -> str:
    return f"{_named(low)} to {_named(high)}"


def _refuse_sides(a: Mapping[str, Any], b: Mapping[str, Any]) -> None:
    if different := [side for side in ("model_a", "model_b") if _side(a, side) != _side(b, side)]:
        raise InvalidRequestError(
            f"The two evaluations compare different sides ({' and '.join(different)} differ), so "
            "their decisions are about different things. Call create_evaluation with type compare "
            "and the two candidates themselves as its sides."
        )


def _refuse_two_models(*jobs: EvaluationJob) -> None:
    """A benchmark evaluation of two models answers each question twice, and compares them itself.

    Raises:
        InvalidRequestError: names the one that has two.
    """
    for name, job in zip("AB", jobs, strict=True):
        if job.parameters.get("model_id_2"):
            raise InvalidRequestError(
                f"{name} ran two models already: get_evaluation with evaluation_id "
                f"{job.workflow_id} compares them question by question. Here both evaluations "
                "have one model each; call create_evaluation with model_id alone for one."
            )


def _side(parameters: Mapping[str, Any], side: str) -> object:
    """A column's name, or what makes a model the same candidate."""
    value = parameters.get(side)
    if isinstance(value, Mapping):
        return _parts(cast("Mapping[str, Any]", value), _CANDIDATE)
    return value


def same_labels(a: EvaluationJob, b: EvaluationJob) -> bool:
    """Whether both judges chose among the same labels, in any order."""
    return set(_labels(a, "labels")) == set(_labels(b, "labels"))


def _labels(job: EvaluationJob, name: str) -> list[str]:
    return sorted(cast("list[str]", job.parameters.get(name) or []))


def cautions(a: EvaluationJob, b: EvaluationJob) -> list[Caution]:
    """What differs in how the two were asked for, and whether they finished."""
    found: list[Caution] = []
    for name, job in (("A", a), ("B", b)):
        if job.status != "completed":
            found.append(Caution(f"{name} did not finish: it has only some of its rows.", "rows"))
    if a.parameters.get("input_data_file_path") != b.parameters.get("input_data_file_path"):
        found.append(Caution("The data set files differ.", "data"))
    if a.parameters.get("benchmark_id") != b.parameters.get("benchmark_id"):
        found.append(Caution("The benchmarks differ: only questions in both are paired.", "data"))
    return [*found, *_judges(a.parameters, b.parameters), *_rules(a, b)]


def _judges(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterable[Caution]:
    judge_a, judge_b = _judge(a), _judge(b)
    if _parts(judge_a, _WHO) != _parts(judge_b, _WHO):
        names = f"{_named(judge_a.get('model'))} in A, {_named(judge_b.get('model'))} in B"
        yield Caution(f"The judge models differ: {names}.", "judging")
    if judge_a.get("system_template") != judge_b.get("system_template"):
        yield Caution("The judge templates differ.", "judging")


def _rules(a: EvaluationJob, b: EvaluationJob) -> Iterable[Caution]:
    """What else decides a verdict: labels, threshold, orders."""
    for name, called in _JUDGING.items():
        value_a, value_b = (_setting(job.parameters.get(name)) for job in (a, b))
        if value_a != value_b:
            only = "; only pass and fail are compared" if name == "labels" else ""
            text = f"The {called} differ: {_named(value_a)} in A, {_named(value_b)} in B{only}."
            yield Caution(text, "judging")
    if _one_order(a) != _one_order(b):
        only = "A" if _one_order(a) else "B"
        yield Caution(f"{only} judged each pair in one order only, the other in both.", "judging")


def _setting(value: object) -> object:
    """A value by what it means: a list's order does not count."""
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
        return clean(", ".join(map(str, cast("list[object]", value))), 100)
    return "untold" if value is None else clean(str(value), 60)


def row_cautions(rows: PairedRows) -> list[Caution]:
    """Many rows left out, and few rows in."""
    found: list[Caution] = []
    for name, total, unmatched, duplicated in (
        ("A", rows.rows_a, rows.unmatched_a, rows.duplicated_a),
        ("B", rows.rows_b, rows.unmatched_b, rows.duplicated_b),
    ):
        if unmatched > MANY_LEFT_OUT * total:
            found.append(Caution(f"{unmatched} of {name}'s {total} rows have no match.", "rows"))
        if duplicated > MANY_LEFT_OUT * total:
            text = f"{duplicated} of {name}'s {total} rows have the same key as another and are "
            found.append(Caution(text + "left out: name a `key` column that is unique.", "rows"))
    if rows.no_verdict > MANY_LEFT_OUT * (rows.pairs + rows.no_verdict):
        text = f"{rows.no_verdict} matching rows have no valid verdict in A or B and are left out."
        found.append(Caution(text, "rows"))
    if rows.pairs < FEW_PAIRS:
        found.append(Caution(f"Only {rows.pairs} pairs: too few for most differences.", "rows"))
    return found
