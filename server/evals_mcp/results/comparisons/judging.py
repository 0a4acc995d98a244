"""What two evaluations ask of their judges: what differs, and whether one judge judged twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from evals_mcp.cleaning import quoted
from evals_mcp.results.sides import (
    Names,
    candidate_names,
    evaluation_ids,
    judge_name,
    judge_names,
    side_names,
)
from evals_schemas.digests import value_digest
from evals_schemas.evaluation_api.defaults import JUDGE_MAX_TOKENS, TEMPERATURE
from evals_schemas.evaluation_api.evaluations import EvaluationJob

Subject = Literal["answers", "judges", "one judge twice"]
"""What a comparison is about."""

_DEFAULTS: Mapping[str, object] = {"temperature": TEMPERATURE, "max_tokens": JUDGE_MAX_TOKENS}
_NAMED = ("model", "model_source", "external_base_url")
"""The fields that say which model judges, and where."""

_NOT_MEASURED = frozenset({"num_workers", "external_api_token", "system_template", *_NAMED})
"""Fields of a judge that are no settings, or that are compared apart."""


@dataclass(frozen=True)
class Difference:
    """Something that two evaluations ask of their judges differently."""

    what: str
    """A plural noun, such as `judge templates`."""
    values: tuple[object, object] | None = None
    """What A and B have; None for values that are too long to be shown."""
    only_passes: bool = False
    """Whether only pass and fail can be compared."""
    own_words: bool = False
    """Whether the values are words of this server, which need no quotation marks."""

    def text(self, names: Names) -> str:
        """Return the difference as a sentence."""
        values = ""
        if self.values:
            shown = (
                f"{value if self.own_words else named(value)} for {name}"
                for value, name in zip(self.values, names, strict=True)
            )
            values = f": {', '.join(shown)}"
        return f"The {self.what} differ{values}{only_passes_text([self])}."


def judge_differences(
    a: EvaluationJob, b: EvaluationJob, services: tuple[str, str]
) -> list[Difference]:
    """Return what makes the verdicts of A and B those of two judges; empty for one judge twice.

    Which verdicts count as passes is not part of it; see `passing_differences`.

    Args:
        a: the baseline.
        b: the other evaluation.
        services: the names of the services that called the judges.
    """
    return [
        *_model_differences(_judge(a.parameters), _judge(b.parameters)),
        *_differing("services", services),
        *_task_differences(a, b),
    ]


def judge_identity(job: EvaluationJob, service: str) -> str | None:
    """Return a digest that evaluations by one judge share; None if the judge is unknown.

    It is of what `judge_differences` compares, so that labelled evaluations by a judge are found
    without reading any other. `num_workers`, a token, and which verdicts pass are no part of it.

    Args:
        job: the evaluation.
        service: the name of the service that called the judge.
    """
    if judge_name(job.parameters) is None:
        return None
    judge, parameters = _judge(job.parameters), job.parameters
    settings = {
        name: _default(judge.get(name), _DEFAULTS.get(name)) for name in {*judge, *_DEFAULTS}
    }
    measured = {name: value for name, value in settings.items() if name not in _NOT_MEASURED}
    measured |= {name: judge.get(name) for name in (*_NAMED, "system_template")}
    measured = {name: value for name, value in measured.items() if value is not None}
    asked = {name: _comparable(parameters.get(name)) for name in ("labels", "custom_metrics")}
    asked |= {name: parameters.get(name) for name in ("min_score", "max_score")}
    asked["one_order"] = bool(parameters.get("disable_position_bias_correction"))
    identity = {"service": service, "type": job.type, "judge": measured, "asked": asked}
    return value_digest("judge", identity)


def _model_differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterable[Difference]:
    if [a.get(name) for name in _NAMED] != [b.get(name) for name in _NAMED]:
        yield Difference("judge models", (a.get("model"), b.get("model")))
    if a.get("system_template") != b.get("system_template"):
        yield Difference("judge templates")
    settings = dict.fromkeys(
        name for judge in (a, b) for name in judge if name not in _NOT_MEASURED
    )
    for name in settings:
        values = tuple(_default(judge.get(name), _DEFAULTS.get(name)) for judge in (a, b))
        yield from _differing(f"judges' settings of {quoted(name, 40)}", values)


def _default(value: object, default: object) -> object:
    return default if value is None else value


def _task_differences(a: EvaluationJob, b: EvaluationJob) -> Iterable[Difference]:
    labels = tuple(_comparable(job.parameters.get("labels")) for job in (a, b))
    if labels[0] != labels[1]:
        yield Difference("labels", (labels[0], labels[1]), only_passes=True)
    yield from _of_parameter("custom metrics", "custom_metrics", a, b)
    orders = tuple(
        "one order only"
        if job.parameters.get("disable_position_bias_correction")
        else "both orders"
        for job in (a, b)
    )
    if orders[0] != orders[1]:
        yield Difference("judging orders", (orders[0], orders[1]), own_words=True)


def passing_differences(a: EvaluationJob, b: EvaluationJob) -> list[Difference]:
    """Return the differences in which verdicts count as passes."""
    return [
        *_of_parameter("pass labels", "pass_labels", a, b),
        *_of_parameter("pass thresholds", "pass_threshold", a, b),
    ]


def subject_of(
    a: EvaluationJob, b: EvaluationJob, same_answers: bool, differences: Sequence[Difference]
) -> Subject:
    """Return what a comparison is about: the answers, or who judged them.

    A judge that the service does not name is not taken for the same one.
    """
    if not same_answers:
        return "answers"
    known = all(judge_name(job.parameters) for job in (a, b))
    return "one judge twice" if known and not differences else "judges"


def only_passes_text(differences: Sequence[Difference]) -> str:
    """Return the end of a sentence that says so where only pass and fail can be compared."""
    only = any(difference.only_passes for difference in differences)
    return "; only pass and fail are compared" if only else ""


def named(value: object) -> str:
    """Return a parameter's value in a sentence."""
    if isinstance(value, list):
        return quoted(", ".join(map(str, cast("list[object]", value))), 100)
    if value is None:
        return "unknown"
    return str(value) if isinstance(value, int | float) else quoted(str(value), 60)


def _of_parameter(what: str, name: str, a: EvaluationJob, b: EvaluationJob) -> Iterable[Difference]:
    return _differing(what, tuple(_comparable(job.parameters.get(name)) for job in (a, b)))


def _differing(what: str, values: Sequence[object]) -> Iterable[Difference]:
    a, b = values
    if a != b:
        yield Difference(what, (a, b))


def _comparable(value: object) -> object:
    """Return a value for comparing; the order of a list does not count."""
    return sorted(map(str, cast("list[object]", value))) if isinstance(value, list) else value


def _judge(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    judge = parameters.get("judge")
    return cast("Mapping[str, Any]", judge) if isinstance(judge, Mapping) else {}


@dataclass(frozen=True)
class Compared:
    """What two evaluations are called, and what a comparison of them is about."""

    names: Names = ("A", "B")
    """The names of the candidates, of the judges or of the evaluations, by the subject."""
    sides: Names = ("A", "B")
    """compare: the names of the two answers that both evaluations compare."""
    subject: Subject = "answers"
    """What the comparison is about."""
    judge: str | None = None
    """The name of the judge that judged twice; None for other subjects."""
    judging_differs: bool = False
    """Whether anything in the judging differs beside the subject."""
    differences: Sequence[str] = ()
    """What differs between two judges whose names are equal or unknown."""
    clusters: str = ""
    """The sentence about clusters, or about a column that would do, after a space."""
    clustered: bool = False
    """Whether intervals and tests are those of clusters."""


def compared_of(
    a: EvaluationJob,
    b: EvaluationJob,
    subject: Subject,
    judge: Sequence[Difference],
    passing: Sequence[Difference],
) -> Compared:
    """Return what two evaluations are called, by the subject of their comparison.

    Args:
        a: the baseline.
        b: the other evaluation.
        subject: see `subject_of`.
        judge: see `judge_differences`.
        passing: see `passing_differences`.
    """
    models = [judge_name(job.parameters) for job in (a, b)]
    named_judges = None not in models and models[0] != models[1]
    names_of = {
        "answers": candidate_names,
        "judges": judge_names,
        "one judge twice": evaluation_ids,
    }[subject]
    return Compared(
        names=names_of(a, b),
        sides=side_names(a.parameters),
        subject=subject,
        judge=models[0] if subject == "one judge twice" else None,
        judging_differs=bool(passing or (judge and subject == "answers")),
        differences=() if named_judges else [difference.what for difference in judge],
    )
