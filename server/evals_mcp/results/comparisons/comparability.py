"""Checks from their parameters whether two evaluations can be compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from evals_mcp.errors import InvalidRequestError
from evals_mcp.results.comparisons.judging import Difference, Subject, named, only_passes_text
from evals_mcp.results.number_text import counted, sentence_of
from evals_mcp.results.sides import Names
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.tools.comparisons import PairedRows

FEW_PAIRS = 30
"""A comparison with fewer pairs gets a caution."""

MANY_LEFT_OUT = 0.05
"""A comparison that leaves out a larger share of a file's rows gets a caution."""

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
    return f"{named(low)} to {named(high)}"


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


def request_cautions(a: EvaluationJob, b: EvaluationJob, names: Names) -> list[Caution]:
    """Return the differences of the data, and which evaluation did not finish."""
    differences: list[Caution] = []
    for name, job in zip(names, (a, b), strict=True):
        if job.status != "completed":
            text = f"{sentence_of(name)} did not finish: only some of its rows were judged."
            differences.append(Caution(text, "rows"))
        if "stop_when" in job.parameters:
            text = (
                f"{sentence_of(name)} had `stop_when`: its verdicts decided how many rows there "
                "are, so p-values and intervals here are too sure."
            )
            differences.append(Caution(text, "rows"))
    if a.parameters.get("input_data_file_path") != b.parameters.get("input_data_file_path"):
        differences.append(Caution("The data set files differ.", "data"))
    if a.parameters.get("benchmark_id") != b.parameters.get("benchmark_id"):
        text = "The benchmarks differ: only questions in both are paired."
        differences.append(Caution(text, "data"))
    return differences


def judging_cautions(
    subject: Subject,
    judge: Sequence[Difference],
    passing: Sequence[Difference],
    names: Names,
) -> list[Caution]:
    """Return the differences of the judging that weaken a comparison.

    Between two judges a single difference is what is compared, and weakens nothing; but of other
    labels only pass and fail are compared.

    Args:
        subject: what the comparison is about.
        judge: what makes the verdicts those of two judges.
        passing: the differences in which verdicts pass.
        names: what the evaluations are called.
    """
    texts = [difference.text(names) for difference in passing]
    if subject == "answers":
        texts = [*(difference.text(names) for difference in judge), *texts]
    elif len(judge) > 1:
        kinds = " and ".join(difference.what for difference in judge)
        text = f"More than one thing differs ({kinds}): which of them matters is not known"
        texts = [f"{text}{only_passes_text(judge)}.", *texts]
    else:
        texts = [*(one.text(names) for one in judge if one.only_passes), *texts]
    return [Caution(text, "judging") for text in texts]


def _parts(value: Mapping[str, Any], names: Iterable[str]) -> list[object]:
    return [value.get(name) for name in names]


def _have(rows: int) -> str:
    return "has" if rows == 1 else "have"


def row_cautions(rows: PairedRows, names: Names) -> list[Caution]:
    """Return cautions about many rows left out, and about few pairs."""
    row_problems: list[Caution] = []
    for name, total, unmatched, duplicated in (
        (names[0], rows.rows_a, rows.unmatched_a, rows.duplicated_a),
        (names[1], rows.rows_b, rows.unmatched_b, rows.duplicated_b),
    ):
        if unmatched > MANY_LEFT_OUT * total:
            row_problems.append(
                Caution(
                    f"{unmatched} of the {total} rows of {name} {_have(unmatched)} no match.",
                    "rows",
                )
            )
        if duplicated > MANY_LEFT_OUT * total:
            rows_of = f"{duplicated} of the {total} rows of {name}"
            text = (
                f"{rows_of} {_have(duplicated)} the key of another row and "
                f"{'is' if duplicated == 1 else 'are'} "
            )
            row_problems.append(
                Caution(text + "left out: name a `key` column that is unique.", "rows")
            )
    if rows.no_verdict > MANY_LEFT_OUT * (rows.pairs + rows.no_verdict):
        matching = counted(rows.no_verdict, "matching row")
        left_out = "is left out" if rows.no_verdict == 1 else "are left out"
        lack = f"{_have(rows.no_verdict)} no valid verdict in one of the two"
        text = f"{matching} {lack} and {left_out}."
        row_problems.append(Caution(text, "rows"))
    if rows.pairs < FEW_PAIRS:
        row_problems.append(
            Caution(f"Only {counted(rows.pairs, 'pair')}: too few for most differences.", "rows")
        )
    return row_problems
