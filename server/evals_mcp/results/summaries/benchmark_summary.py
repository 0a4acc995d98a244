"""The summary of a benchmark evaluation: figures by model, named by the model's own id.

A service's own average of improvements is not used: it averages deviations and extremes too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from evals_mcp.cleaning import clean
from evals_mcp.results.statistics.rates import wilson_interval
from evals_schemas.benchmark_api.benchmarks import BenchmarkResults, MetricFigures, ModelFigures
from evals_schemas.evaluation_api.rules import RULE_PREFIX
from evals_schemas.tools.summaries import (
    BenchmarkDifference,
    BenchmarkedModel,
    BenchmarkSummary,
    Failures,
    Interval,
    MetricSummary,
    Rate,
    Summary,
)

SIGNIFICANT = 0.05
"""The p-value below which a difference is called clear."""

MAIN_METRICS = ("accuracy", "average_score", "score", "relevance")
"""What a headline tells of a model whose correct answers are not counted: the first that it has."""

ACCURACY = "accuracy"
"""The metric that counted correct answers stand for."""

_OTHER_NAMES = {"average_score": "score"}
_METRICS_SHOWN = 12
_NAME = 60


def summarize_benchmark(results: BenchmarkResults, parameters: Mapping[str, Any]) -> Summary:
    """The summary from what the service itself sums up, of the metrics that were asked for."""
    asked = asked_metrics(parameters)
    models = [only_asked(_model(figures), asked) for figures in results.models]
    notes = told_notes(results)
    if len(models) > 1:
        notes.append(
            "Whether the two differ by more than chance needs the rows, question by question: "
            "read_results has them where the service hands them out."
        )
    found = BenchmarkSummary(models=models, judge=results.judge)
    return summary_of(found, _failures(results), notes)


def summary_of(found: BenchmarkSummary, failures: Failures | None, notes: Sequence[str]) -> Summary:
    """The summary of these figures, with a sentence that may be repeated alone."""
    main = _headline(found.models, found.differences)
    judged = f"; judged by {found.judge}" if found.judge else ""
    return Summary(
        headline=f"{main}{_left_out(failures)}{judged}.",
        benchmark=found,
        failures=failures,
        notes=list(notes),
    )


def told_notes(results: BenchmarkResults) -> list[str]:
    """What the service says about its figures, and how the answers were judged."""
    notes = [clean(results.note, 300)] if results.note else []
    if results.judge and results.judge.startswith(RULE_PREFIX):
        notes.append(
            f"Judged by {results.judge}, which compares texts: a right answer in other words "
            "counts as wrong. Whoever runs this server can name another rule, or a model, as "
            "local.benchmark_judge."
        )
    elif results.judge:
        notes.append(f"Judged by {results.judge}.")
    return notes


def asked_metrics(parameters: Mapping[str, Any]) -> frozenset[str] | None:
    """The metrics that the request names; None where it names none, and so wants all."""
    given = parameters.get("custom_metrics")
    if not isinstance(given, list | dict):
        return None
    names = [name for name in cast("Iterable[object]", given) if isinstance(name, str)]
    return frozenset(_OTHER_NAMES.get(name, name) for name in names) or None


def only_asked(model: BenchmarkedModel, asked: frozenset[str] | None) -> BenchmarkedModel:
    """The model with the metrics that were asked for; with all where it has none of them.

    The correct answers stay: they are what a row passes or fails by.
    """
    if asked is None:
        return model
    kept = [metric for metric in model.metrics if metric.metric in asked]
    if kept or (model.correct and ACCURACY in asked):
        model.metrics = kept
    return model


def correct_rate(correct: int, n: int, failed: int = 0) -> Rate | None:
    """Correct answers of n with their Wilson interval, in percent; None when n is 0.

    `failed` are questions without a verdict beside the n.
    """
    ends = wilson_interval(correct, n)
    if ends is None:
        return None
    return Rate(
        percent=rounded(100 * correct / n),
        count=correct,
        of=n,
        interval=Interval(low=rounded(100 * ends[0]), high=rounded(100 * ends[1]), method="wilson"),
        percent_of_all_rows=rounded(100 * correct / (n + failed)) if failed else None,
    )


def metric_summary(name: str, found: MetricFigures, n: int | None) -> MetricSummary:
    """A metric as the service sums it up; n is how many questions it is over."""
    return MetricSummary(
        metric=clean(name, _NAME),
        mean=_maybe(found.mean),
        std=_maybe(found.std),
        min=_maybe(found.min),
        max=_maybe(found.max),
        n=n,
    )


def rounded(value: float) -> float:
    """Six significant digits: more would only cost tokens."""
    return float(f"{value:.6g}")


def _maybe(value: float | None) -> float | None:
    return None if value is None else rounded(value)


def _model(figures: ModelFigures) -> BenchmarkedModel:
    shown = list(figures.metrics.items())[:_METRICS_SHOWN]
    counted = None
    if figures.correct is not None and figures.questions:
        correct = min(figures.correct, figures.questions)
        counted = correct_rate(correct, figures.questions, figures.failed or 0)
    return BenchmarkedModel(
        model_id=clean(figures.model_id, 120),
        correct=counted,
        metrics=[metric_summary(name, found, figures.questions) for name, found in shown],
    )


def _failures(results: BenchmarkResults) -> Failures | None:
    told = [model.failed for model in results.models if model.failed is not None]
    return Failures(total=sum(told)) if told and len(told) == len(results.models) else None


def _headline(
    models: Sequence[BenchmarkedModel], differences: Sequence[BenchmarkDifference]
) -> str:
    if differences:
        return _difference(differences[0])
    told = [text for model in models if (text := _reached(model))]
    if not told:
        return (
            "No question has a verdict" if models else "It completed; the service gave no figures"
        )
    return "; ".join(told)


def _reached(model: BenchmarkedModel) -> str | None:
    """What one model reached; None where nothing is told of it."""
    if (rate := model.correct) and rate.interval:
        ends = f"95 % interval {rate.interval.low:.1f}-{rate.interval.high:.1f} %"
        return (
            f"{model.model_id} answers {rate.count} of {_questions(rate.of or 0)} correctly: "
            f"{rate.percent:.1f} % ({ends})"
        )
    named = {metric.metric: metric for metric in model.metrics if metric.mean is not None}
    name = next((name for name in MAIN_METRICS if name in named), next(iter(named), None))
    if name is None:
        return None
    n = named[name].n
    over = f" over {_questions(n)}" if n else "; over how many questions is not told"
    return f"{model.model_id} has a mean {name} of {named[name].mean:.4g}{over}"


def _difference(found: BenchmarkDifference) -> str:
    """Which of two models is better, how surely, and by how much."""
    if found.p_value is None or found.interval is None:
        return _without_chance(found)
    is_second = found.difference >= 0
    low, high = found.interval.low, found.interval.high
    low, high = (low, high) if is_second else (-high, -low)
    digits, unit, test = (
        (".1f", " points", "exact McNemar") if found.of == "correct" else (".4g", "", "paired t")
    )
    chance = f"{test} p {'< 0.001' if found.p_value < 0.001 else f'= {found.p_value:.3f}'}"
    text = f"{_what(found)} (95 % interval {low:z{digits}} to {high:z{digits}}{unit}, {chance})"
    clear = found.p_value < SIGNIFICANT and not low <= 0 <= high
    return text if clear else f"No clear difference: {text}"


def _what(found: BenchmarkDifference) -> str:
    ends = [(found.second, found.model_id_2), (found.first, found.model_id)]
    (high, better), (low, other) = ends if found.difference >= 0 else ends[::-1]
    n, size = _questions(found.questions), abs(found.difference)
    if found.of == "correct":
        if not size:
            return f"{better} and {other} each answer {high:.0f} of {n} correctly"
        return (
            f"{better} answers more questions correctly than {other}: {high:.0f} against "
            f"{low:.0f} of {found.questions}, {size:.1f} points"
        )
    if not size:
        return f"{better} and {other} have the same mean score of {high:.4g} over {n}"
    return (
        f"{better} scores {size:.4g} higher on average than {other} over {n}: {high:.4g} against "
        f"{low:.4g}"
    )


def _without_chance(found: BenchmarkDifference) -> str:
    """Where nothing varies from question to question, so that nothing says how sure it is."""
    if not found.difference:
        return f"No difference on any question: {_what(found)}"
    return f"{_what(found)}; how sure that is cannot be told"


def _questions(number: int) -> str:
    return "1 question" if number == 1 else f"{number} questions"


def _left_out(failures: Failures | None) -> str:
    if not failures or not failures.total:
        return ""
    if failures.total == 1:
        return "; 1 more answer failed and is not counted"
    return f"; {failures.total} more answers failed and are not counted"
