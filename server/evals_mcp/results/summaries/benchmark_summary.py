"""The summary of a benchmark evaluation from the service's figures, by model id.

The service's average of improvements is not used: it also averages deviations and extremes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from evals_mcp.cleaning import clean, inert, quoted
from evals_mcp.results.number_text import (
    SIGNIFICANT,
    counted,
    ends,
    fixed,
    p_text,
    percent,
    percent_ends,
    score,
    score_ends,
)
from evals_mcp.results.statistics.estimate import rounded
from evals_mcp.results.statistics.paired import mcnemar, paired_rate_difference
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

MAIN_METRICS = ("accuracy", "average_score", "score", "relevance")
"""Metrics for a headline without a count of correct answers; the first available one is used."""

ACCURACY = "accuracy"
"""The metric that the count of correct answers shows."""

_OTHER_NAMES = {"average_score": "score"}
_METRICS_SHOWN = 12
_NO_FIGURES = "The evaluation completed; the service reported no figures"
_NAME = 60


def has_metrics(results: BenchmarkResults) -> bool:
    """Return whether any model has figures."""
    return any(model.metrics for model in results.models)


def knows_difference(results: BenchmarkResults, parameters: Mapping[str, Any]) -> bool:
    """Return whether the totals give the headline: with two models, the pairs of answers do."""
    return not parameters.get("model_id_2") or results.paired_answers is not None


def summarize_benchmark(
    results: BenchmarkResults, parameters: Mapping[str, Any], _: int | None
) -> Summary:
    """Return the summary of the service's own figures, with the metrics of the request."""
    metrics = requested_metrics(parameters)
    models = [with_metrics(_model(figures), metrics) for figures in results.models]
    notes = judging_notes(results)
    differences = _paired_difference(results)
    if len(models) > 1 and not differences:
        notes.append(
            "Only the rows show whether the two models differ by more than chance: call "
            "read_results; some services do not return rows."
        )
    benchmark = BenchmarkSummary(models=models, judge=results.judge, differences=differences)
    return summary_of(benchmark, _failures(results), notes)


def _paired_difference(results: BenchmarkResults) -> list[BenchmarkDifference]:
    """Return the difference of two models from the counted pairs of answers; none without them."""
    counts = {name: count or 0 for name, count in (results.paired_answers or {}).items()}
    n = sum(counts.values())
    if len(results.models) != 2 or not n:
        return []
    both, only_first = counts.get("both", 0), counts.get("only_first", 0)
    only_second = counts.get("only_second", 0)
    estimate = paired_rate_difference(only_first, only_second, n)
    assert estimate is not None, "there is a pair"
    assert estimate.interval is not None, "every rate has an interval"
    low, high = (rounded(100 * end) for end in estimate.interval)
    p_value = mcnemar(only_first, only_second)
    first, second = (clean(model.model_id, 120) for model in results.models)
    return [
        BenchmarkDifference(
            of="correct",
            model_id=first,
            model_id_2=second,
            questions=n,
            first=both + only_first,
            second=both + only_second,
            difference=rounded(100 * estimate.value),
            interval=Interval(low=low, high=high, method=estimate.method),
            p_value=_maybe(p_value),
            only_first=only_first,
            only_second=only_second,
        )
    ]


def summary_of(
    benchmark: BenchmarkSummary, failures: Failures | None, notes: Sequence[str]
) -> Summary:
    """Return the summary with a headline that stays true when it is quoted alone."""
    main = _headline(benchmark.models, benchmark.differences)
    judged = f"; judged by {benchmark.judge}" if benchmark.judge else ""
    return Summary(
        headline=f"{main}{_left_out(failures)}{judged}.",
        benchmark=benchmark,
        failures=failures,
        notes=list(notes),
    )


def judging_notes(results: BenchmarkResults) -> list[str]:
    """Return the service's note on its figures, and a note on how the answers were judged."""
    notes = [inert(results.note, 300)] if results.note else []
    if results.judge and results.judge.startswith(RULE_PREFIX):
        notes.append(
            f"Judged by {results.judge}, which compares texts: a right answer in other words "
            "counts as wrong. The operator can set local.benchmark_judge to another rule or a "
            "model."
        )
    elif results.judge:
        notes.append(f"Judged by {results.judge}.")
    return notes


def requested_metrics(parameters: Mapping[str, Any]) -> frozenset[str] | None:
    """Return the metrics that the request names; None if it names none, which means all."""
    custom_metrics = parameters.get("custom_metrics")
    if not isinstance(custom_metrics, list | dict):
        return None
    names = [name for name in cast("Iterable[object]", custom_metrics) if isinstance(name, str)]
    return frozenset(_OTHER_NAMES.get(name, name) for name in names) or None


def with_metrics(model: BenchmarkedModel, requested: frozenset[str] | None) -> BenchmarkedModel:
    """Return the model with the requested metrics only; with all if it has none of them.

    The count of correct answers always stays, because a row passes or fails by it.
    """
    if requested is None:
        return model
    metrics = [metric for metric in model.metrics if metric.metric in requested]
    if metrics or (model.correct and ACCURACY in requested):
        model.metrics = metrics
    return model


def correct_rate(correct: int, n: int, failed: int = 0) -> Rate | None:
    """Return the share of correct answers in percent with Wilson's interval; None when n is 0.

    Args:
        correct: number of correct answers.
        n: number of questions with a verdict.
        failed: number of further questions, without a verdict.
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


def metric_summary(name: str, figures: MetricFigures, n: int | None) -> MetricSummary:
    """Return a metric as the service reports it, over `n` questions (None: unknown)."""
    return MetricSummary(
        metric=clean(name, _NAME),
        mean=_maybe(figures.mean),
        std=_maybe(figures.std),
        min=_maybe(figures.min),
        max=_maybe(figures.max),
        n=n,
    )


def _maybe(value: float | None) -> float | None:
    return None if value is None else rounded(value)


def _model(figures: ModelFigures) -> BenchmarkedModel:
    shown_metrics = list(figures.metrics.items())[:_METRICS_SHOWN]
    rate = None
    if figures.correct is not None and figures.questions:
        correct = min(figures.correct, figures.questions)
        rate = correct_rate(correct, figures.questions, figures.failed or 0)
    return BenchmarkedModel(
        model_id=clean(figures.model_id, 120),
        correct=rate,
        metrics=[
            metric_summary(name, metric_figures, figures.questions)
            for name, metric_figures in shown_metrics
        ],
    )


def _failures(results: BenchmarkResults) -> Failures | None:
    failed = [model.failed for model in results.models if model.failed is not None]
    return Failures(total=sum(failed)) if failed and len(failed) == len(results.models) else None


def _headline(
    models: Sequence[BenchmarkedModel], differences: Sequence[BenchmarkDifference]
) -> str:
    if differences:
        return _difference_text(differences[0])
    texts = [text for model in models if (text := _model_text(model))]
    if not texts:
        return "No question has a verdict" if models else _NO_FIGURES
    return "; ".join(texts)


def _model_text(model: BenchmarkedModel) -> str | None:
    """Return one model's main figure as text; None if the model has no figure."""
    name = quoted(model.model_id, 120)
    if (rate := model.correct) and rate.interval:
        interval = f"95 % interval {percent_ends(rate.interval.low, rate.interval.high)} %"
        return (
            f"{name} answers {rate.count} of {_questions(rate.of or 0)} correctly: "
            f"{percent(rate.percent)} % ({interval})"
        )
    named = {each.metric: each for each in model.metrics if each.mean is not None}
    metric = next((name for name in MAIN_METRICS if name in named), next(iter(named), None))
    if metric is None:
        return None
    n = named[metric].n
    over = f" over {_questions(n)}" if n else "; the number of questions is unknown"
    mean = score(named[metric].mean or 0.0)
    return f"{name} has a mean {inert(metric, 60)} of {mean}{over}"


def _difference_text(difference: BenchmarkDifference) -> str:
    """Return which of two models is better and by how much, with interval and p-value."""
    if difference.p_value is None or difference.interval is None:
        return _text_without_interval(difference)
    second_is_better = difference.difference >= 0
    low, high = difference.interval.low, difference.interval.high
    low, high = (low, high) if second_is_better else (-high, -low)
    is_correct = difference.of == "correct"
    interval = f"{ends(low, high)} points" if is_correct else score_ends(low, high)
    test = "exact McNemar" if is_correct else "paired t"
    chance = f"95 % interval {interval}, {test} {p_text(difference.p_value)}"
    text = f"{_sizes_text(difference)} ({chance})"
    shown = [difference.p_value < SIGNIFICANT, not low <= 0 <= high]
    if all(shown):
        return text
    return f"{'Borderline' if any(shown) else 'No clear difference'}: {text}"


def _sizes_text(difference: BenchmarkDifference) -> str:
    """Return both models' figures and their difference, the better model first."""
    sides = [(difference.second, difference.model_id_2), (difference.first, difference.model_id)]
    (high, better), (low, other) = sides if difference.difference >= 0 else sides[::-1]
    better, other = quoted(better, 120), quoted(other, 120)
    n, size = _questions(difference.questions), abs(difference.difference)
    if difference.of == "correct":
        if not size:
            return f"{better} and {other} each answer {high:.0f} of {n} correctly"
        return (
            f"{better} answers more questions correctly than {other}: {high:.0f} against "
            f"{low:.0f} of {difference.questions}, {fixed(size)} points"
        )
    if not size:
        return f"{better} and {other} have the same mean score of {score(high)} over {n}"
    return (
        f"{better} scores {score(size)} higher on average than {other} over {n}: {score(high)} "
        f"against {score(low)}"
    )


def _text_without_interval(difference: BenchmarkDifference) -> str:
    """Return the text of a difference that is equal on every question and so has no interval."""
    if not difference.difference:
        text = f"No question differs: {_sizes_text(difference)}"
        if difference.of == "correct" and difference.interval:
            text += (
                f"; up to {fixed(difference.interval.high)} points either way is possible (95 %)"
            )
        return text
    return f"{_sizes_text(difference)}; how certain that is cannot be computed"


def _questions(number: int) -> str:
    return counted(number, "question")


def _left_out(failures: Failures | None) -> str:
    if not failures or not failures.total:
        return ""
    if failures.total == 1:
        return "; 1 more answer failed and is not counted"
    return f"; {failures.total} more answers failed and are not counted"
