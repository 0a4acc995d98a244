"""The summary of the totals of labels and scores: figures with intervals, a headline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from evals_mcp.cleaning import clean, quoted
from evals_mcp.results.number_text import counted, percent, percent_ends, score, score_ends
from evals_mcp.results.statistics.estimate import rounded, scale_of, within
from evals_mcp.results.statistics.rates import t_interval, wilson_interval
from evals_mcp.results.summaries.failed_rows import failures_of, with_failed_rows
from evals_mcp.token_estimate import fitting
from evals_schemas.evaluation_api.evaluations import ClassifyResults, ScoreResults
from evals_schemas.tools.summaries import Failures, Interval, LabelCount, Rate, Scores, Summary

_LABELS_SHOWN = 20

FEW_SCORES = 10
"""Scores up to which the interval of a mean comes with a note: simulated with skewed scores, it
covered as little as 78 %."""

LABELS_TOKENS = 350
"""Estimated tokens of the listed labels; rarer ones are only counted."""


def has_labels(results: ClassifyResults) -> bool:
    """Return whether any row has a label."""
    return bool(results.label_counts and any(results.label_counts.values()))


def has_scores(results: ScoreResults) -> bool:
    """Return whether there are figures of scores."""
    return results.aggregated_scores is not None


def summarize_labels(
    results: ClassifyResults, parameters: Mapping[str, Any], _: int | None
) -> Summary:
    """Return the summary of label counts: the pass rate, or the labels."""
    passing = _texts(parameters.get("pass_labels"))
    failures = failures_of(results, results.invalid_label_count)
    if results.label_counts is None and results.pass_percentage is None:
        return Summary(headline="The service reported no counts of labels.", failures=failures)
    counts = results.label_counts or {}
    valid = sum(counts.values())
    passed = sum(counts.get(label, 0) for label in passing) if passing else None
    rate = _rate(passed, valid, results.pass_percentage, failures)
    labels = [
        LabelCount(
            label=clean(label, 80),
            count=count,
            percent=rounded(100 * count / valid),
            passes=label in passing if passing else None,
        )
        for label, count in sorted(counts.items(), key=lambda pair: -pair[1])[:_LABELS_SHOWN]
        if valid
    ]
    labels = labels[: fitting([label.label for label in labels], LABELS_TOKENS)]
    hidden = len(counts) - len(labels) if valid else 0
    return Summary(
        headline=with_failed_rows(
            _rate_sentence(rate) if rate or not valid else _labels_sentence(counts),
            failures,
            valid,
            more=bool(valid),
        ),
        pass_rate=rate,
        labels=labels,
        failures=failures,
        notes=[*_other_labels(hidden), *_rate_notes(rate, results.pass_percentage, failures)],
    )


def rate_headline(summary: Summary, _: Mapping[str, Any], clause: str) -> str | None:
    """Return the headline of a counted pass rate; None without one.

    `clause` is added to its sentence.
    """
    rate, failures = summary.pass_rate, summary.failures
    if rate is None or rate.of is None or failures is None:
        return None
    return with_failed_rows(f"{_rate_sentence(rate)}{clause}", failures, rate.of, more=True)


def score_headline(summary: Summary, parameters: Mapping[str, Any], clause: str) -> str | None:
    """Return the headline of counted scores; None without any. See `rate_headline`."""
    scores, failures = summary.scores, summary.failures
    if scores is None or scores.n is None or failures is None:
        return None
    sentence = f"{_score_sentence(scores, parameters)}{clause}"
    return with_failed_rows(sentence, failures, scores.n, more=True)


def _labels_sentence(counts: Mapping[str, int]) -> str:
    """Return the three most frequent labels, for an evaluation without pass labels."""
    ranked = sorted(counts.items(), key=lambda pair: -pair[1])[:3]
    shown = ", ".join(f"{quoted(label, 40)} {count}" for label, count in ranked)
    return f"Of {counted(sum(counts.values()), 'answer')}: {shown}"


def _rate(
    passed: int | None, valid: int, reported: float | None, failures: Failures
) -> Rate | None:
    """Return the counted pass rate; without a count, the one that the service reports."""
    if passed is None and reported is not None:
        passed = _count_of(reported, valid)
    if passed is None or not valid:
        return None if reported is None else Rate(percent=rounded(reported))
    ends = wilson_interval(passed, valid)
    return Rate(
        percent=rounded(100 * passed / valid),
        count=passed,
        of=valid,
        interval=_interval(ends, "wilson", scale=100),
        percent_of_all_rows=rounded(100 * passed / (valid + failures.total))
        if failures.total
        else None,
    )


def _rate_sentence(rate: Rate | None) -> str:
    if rate is None:
        return "No row has a valid verdict"
    if rate.of is None:
        return f"{percent(rate.percent)} % of the valid answers pass; their number is unknown"
    verb = "passes" if rate.of == 1 else "pass"
    sentence = f"{percent(rate.percent)} % of {counted(rate.of, 'answer')} {verb}"
    if rate.interval is None:
        return sentence
    interval = percent_ends(rate.interval.low, rate.interval.high)
    return f"{sentence} (95 % interval {interval} %)"


def _rate_notes(rate: Rate | None, reported: float | None, failures: Failures) -> list[str]:
    if rate is None or rate.of is None:
        return []
    notes: list[str] = []
    if failures.total and rate.count is not None:
        rows = rate.of + failures.total
        low, high = 100 * rate.count / rows, 100 * (rate.count + failures.total) / rows
        bounds = f"{percent(low)} % and {percent(high)} %"
        notes.append(f"With the failed rows, the pass rate lies between {bounds}.")
    if reported is not None and abs(reported - rate.percent) > 0.06:
        notes.append(f"The service itself reports a pass rate of {percent(reported)} %.")
    return notes


def _other_labels(hidden: int) -> list[str]:
    if hidden <= 0:
        return []
    return [f"{counted(hidden, 'rarer label')} {'is' if hidden == 1 else 'are'} not listed."]


def summarize_scores(
    results: ScoreResults, parameters: Mapping[str, Any], rows: int | None
) -> Summary:
    """Return the summary of scores: the mean and, with a threshold, the pass rate."""
    failures = failures_of(results, results.invalid_score_count)
    if failures.total is None and results.failed_samples is not None:
        failures.total = results.failed_samples
    totals = results.aggregated_scores
    if totals is None or totals.mean_score is None:
        return Summary(headline=_without_scores(failures, rows), failures=failures)
    n = _valid_rows(results, failures, rows)
    ends = t_interval(totals.mean_score, totals.std_score, n) if n and totals.std_score else None
    scale = scale_of(parameters.get("min_score"), parameters.get("max_score"))
    ends = within(ends, *scale) if ends and scale else ends
    scores = Scores(
        mean=totals.mean_score, std=totals.std_score, n=n, interval=_interval(ends, "t")
    )
    rate = _score_rate(totals.pass_percentage, n, failures)
    return Summary(
        headline=with_failed_rows(
            _score_sentence(scores, parameters), failures, n or 0, more=n is not None
        ),
        pass_rate=rate,
        scores=scores,
        failures=failures,
        notes=[
            *_score_notes(scores),
            *_rate_notes(rate, None, failures),
            *_mean_bounds(scores, scale, failures),
        ],
    )


def _valid_rows(results: ScoreResults, failures: Failures, rows: int | None) -> int | None:
    failed = results.failed_samples if results.failed_samples is not None else failures.total
    return None if rows is None or failed is None else max(0, rows - failed)


def _score_rate(reported: float | None, n: int | None, failures: Failures) -> Rate | None:
    """Return the share at or above the threshold, with its count if that is a whole number."""
    if reported is None:
        return None
    return _rate(None, n or 0, reported, failures)


def _count_of(reported: float, n: int) -> int | None:
    """Return the rows that a reported share stands for; None for part of a row."""
    passed = round(reported * n / 100)
    return passed if n and abs(100 * passed / n - reported) <= 0.06 else None


def _without_scores(failures: Failures, rows: int | None) -> str:
    """Return the headline of totals without a mean: all rows failed, or it is not reported."""
    if failures.total is None or (rows is not None and failures.total < rows):
        return "The service reported no mean score."
    return with_failed_rows("No row has a valid score", failures, 0, more=False)


def _score_sentence(scores: Scores, parameters: Mapping[str, Any]) -> str:
    low, high = parameters.get("min_score"), parameters.get("max_score")
    scale = f" on a scale of {low:g} to {high:g}" if _numbers(low, high) else ""
    mean = score(scores.mean)
    if scores.n is None:
        return f"The mean score is {mean}{scale}; the number of answers is unknown"
    ends = scores.interval
    interval = f" (95 % interval {score_ends(ends.low, ends.high)})" if ends else ""
    return f"The mean score of {counted(scores.n, 'answer')} is {mean}{scale}{interval}"


def _score_notes(scores: Scores) -> list[str]:
    if scores.interval and scores.n and scores.n <= FEW_SCORES:
        return [f"With {scores.n} scores, the interval is too narrow if they are skewed."]
    if scores.interval:
        return []
    if scores.n is None:
        return ["No interval: the service does not report the number of scores."]
    if scores.n < 2:
        return ["No interval: it needs at least two scores."]
    if scores.std == 0:
        return ["No interval: all scores are the same."]
    return ["No interval: the deviation of the scores is unknown."]


def _mean_bounds(
    scores: Scores, scale: tuple[float, float] | None, failures: Failures
) -> list[str]:
    """Return the range of the mean of all rows, whatever the failed rows would have scored."""
    if not failures.total or not scores.n or scale is None:
        return []
    rows = scores.n + failures.total
    low, high = (scores.mean * (scores.n / rows) + end * (failures.total / rows) for end in scale)
    return [f"With the failed rows, the mean lies between {score(low)} and {score(high)}."]


def _interval(ends: tuple[float, float] | None, method: str, scale: int = 1) -> Interval | None:
    if ends is None:
        return None
    return Interval(low=rounded(scale * ends[0]), high=rounded(scale * ends[1]), method=method)


def _numbers(*values: object) -> bool:
    return all(isinstance(value, int | float) for value in values)


def _texts(value: object) -> list[str]:
    if not isinstance(value, list):
        return []
    return [item for item in cast("list[object]", value) if isinstance(item, str)]
