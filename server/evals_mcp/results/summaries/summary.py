"""The summary of the totals of labels, scores and choices: figures with intervals, a headline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from evals_mcp.cleaning import clean, quoted
from evals_mcp.results.statistics.estimate import rounded, scale_of, within
from evals_mcp.results.statistics.rates import sign_test, t_interval, wilson_interval
from evals_mcp.token_estimate import fitting
from evals_schemas.evaluation_api.evaluations import (
    ClassifyResults,
    CompareResults,
    Results,
    ScoreResults,
)
from evals_schemas.tools.summaries import (
    Failures,
    Interval,
    LabelCount,
    Rate,
    Scores,
    Summary,
    Wins,
)

_SIGNIFICANT = 0.05
_LABELS_SHOWN = 20

LABELS_TOKENS = 350
"""Estimated tokens of the listed labels; rarer ones are only counted."""


def has_labels(results: ClassifyResults) -> bool:
    """Return whether any row has a label."""
    return bool(results.label_counts and any(results.label_counts.values()))


def has_scores(results: ScoreResults) -> bool:
    """Return whether there are figures of scores."""
    return results.aggregated_scores is not None


def has_wins(results: CompareResults) -> bool:
    """Return whether any pair has a choice."""
    return bool(results.A_wins or results.B_wins or results.Ties)


def summarize_labels(
    results: ClassifyResults, parameters: Mapping[str, Any], _: int | None
) -> Summary:
    """Return the summary of label counts: the pass rate, or the labels."""
    counts = results.label_counts or {}
    passing = _texts(parameters.get("pass_labels"))
    failures = _failures(results, results.invalid_label_count)
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
        headline=_rate_sentence(rate, failures)
        if rate or not valid
        else _labels_sentence(counts, failures),
        pass_rate=rate,
        labels=labels,
        failures=failures,
        notes=[
            *_other_labels(hidden),
            *_rate_notes(rate, results.pass_percentage),
        ],
    )


def _labels_sentence(counts: Mapping[str, int], failures: Failures) -> str:
    """Return the three most frequent labels, for an evaluation without pass labels."""
    ranked = sorted(counts.items(), key=lambda pair: -pair[1])[:3]
    shown = ", ".join(f"{quoted(label, 40)} {count}" for label, count in ranked)
    return f"Of {sum(counts.values())} answers: {shown}" + _failed_rows(failures) + "."


def _rate(
    passed: int | None, valid: int, reported: float | None, failures: Failures
) -> Rate | None:
    """Return the counted pass rate; without a count, the one that the service reports."""
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


def _rate_sentence(rate: Rate | None, failures: Failures) -> str:
    if rate is None:
        return "No row has a valid verdict" + _failed_rows(failures) + "."
    if rate.of is None or rate.interval is None:
        return f"{rate.percent:.1f} % of the valid answers pass; their number is unknown."
    text = f"{percent(rate.percent)} % of {rate.of} answers pass ({_range(rate.interval)} %)"
    return text + _failed_rows(failures) + "."


def percent(value: float) -> str:
    """Return a percentage with one decimal, or with more to keep 99.99 from reading as 100.0."""
    digits = 1
    while digits < 6 and 0 < value < 100 and float(f"{value:.{digits}f}") in {0.0, 100.0}:
        digits += 1
    return f"{value:.{digits}f}"


def _failed_rows(failures: Failures) -> str:
    return f"; {failures.total} more rows failed and are not counted" if failures.total else ""


def _rate_notes(rate: Rate | None, reported: float | None) -> list[str]:
    if rate is None or rate.of is None:
        return []
    notes: list[str] = []
    if rate.percent_of_all_rows is not None:
        notes.append(f"With failed rows counted as not passed: {rate.percent_of_all_rows:.1f} %.")
    if reported is not None and abs(reported - rate.percent) > 0.06:
        notes.append(f"The service itself reports a pass rate of {reported:.1f} %.")
    return notes


def _other_labels(hidden: int) -> list[str]:
    return [f"{hidden} rarer labels are not listed."] if hidden > 0 else []


def summarize_scores(
    results: ScoreResults, parameters: Mapping[str, Any], rows: int | None
) -> Summary:
    """Return the summary of scores: the mean and, with a threshold, the pass rate."""
    failures = _failures(results, results.invalid_score_count)
    if failures.total is None and results.failed_samples is not None:
        failures.total = results.failed_samples
    totals = results.aggregated_scores
    if totals is None or totals.mean_score is None:
        return Summary(
            headline="No row has a valid score" + _failed_rows(failures) + ".", failures=failures
        )
    n = _valid_rows(results, failures, rows)
    ends = t_interval(totals.mean_score, totals.std_score, n) if n and totals.std_score else None
    scale = scale_of(parameters.get("min_score"), parameters.get("max_score"))
    ends = within(ends, *scale) if ends and scale else ends
    scores = Scores(
        mean=totals.mean_score, std=totals.std_score, n=n, interval=_interval(ends, "t")
    )
    rate = _score_rate(totals.pass_percentage, n, failures)
    return Summary(
        headline=_score_sentence(scores, parameters, failures),
        pass_rate=rate,
        scores=scores,
        failures=failures,
        notes=[*_score_notes(scores), *_rate_notes(rate, None)],
    )


def _valid_rows(results: ScoreResults, failures: Failures, rows: int | None) -> int | None:
    failed = results.failed_samples if results.failed_samples is not None else failures.total
    return None if rows is None or failed is None else max(0, rows - failed)


def _score_rate(reported: float | None, n: int | None, failures: Failures) -> Rate | None:
    """Return the share at or above the threshold, with its count if that is a whole number."""
    if reported is None:
        return None
    passed = None if n is None else round(reported * n / 100)
    if n is None or passed is None or abs(100 * passed / n - reported) > 0.06:
        return Rate(percent=rounded(reported))
    return _rate(passed, n, reported, failures)


def _score_sentence(scores: Scores, parameters: Mapping[str, Any], failures: Failures) -> str:
    low, high = parameters.get("min_score"), parameters.get("max_score")
    scale = f" on a scale of {low:g} to {high:g}" if _numbers(low, high) else ""
    if scores.n is None:
        return f"The mean score is {scores.mean:.4g}{scale}; the number of answers is unknown."
    interval = f" ({_range(scores.interval)})" if scores.interval else ""
    text = f"The mean score of {scores.n} answers is {scores.mean:.4g}{scale}{interval}"
    return text + _failed_rows(failures) + "."


def _score_notes(scores: Scores) -> list[str]:
    if scores.interval:
        return []
    if scores.n is None:
        return ["No interval: the service does not report the number of scores."]
    if scores.n < 2:
        return ["No interval: it needs at least two scores."]
    return ["No interval: all scores are the same, or their deviation is unknown."]


def summarize_wins(
    results: CompareResults, parameters: Mapping[str, Any], rows: int | None
) -> Summary:
    """Return the summary of choices: wins, ties and the win rate."""
    a, b, ties = results.A_wins or 0, results.B_wins or 0, results.Ties or 0
    n = a + b + ties
    failures = _failures(results, results.invalid_choice_count)
    calls = (failures.generation, failures.judge)
    if rows is not None:
        failures.total = max(0, rows - n)
    elif None not in calls:
        failures.total = sum(call or 0 for call in calls)
    wins = Wins(
        a=a,
        b=b,
        ties=ties,
        a_percent=rounded(100 * (a + ties / 2) / n) if n else None,
        p_value=sign_test(a, b),
    )
    notes: list[str] = []
    one_order = bool(parameters.get("disable_position_bias_correction"))
    if one_order:
        notes.append(
            "Only one order was judged: a preference for the first answer counts as wins of A."
        )
    if n and failures.total and wins.a_percent is not None:
        whole = n + failures.total
        with_failed = 100 * (a + (ties + failures.total) / 2) / whole
        notes.append(f"With failed rows as ties, A's win rate is {with_failed:.1f} % of {whole}.")
    return Summary(
        headline=_wins_sentence(wins, n, one_order) + _failed_rows(failures) + ".",
        wins=wins,
        failures=failures,
        notes=notes,
    )


def _wins_sentence(wins: Wins, n: int, one_order: bool) -> str:
    if not n:
        return "No pair has a valid verdict"
    order = ", judged in the order A, B only" if one_order else ""
    counts = f"of {n} pairs A wins {wins.a}, B wins {wins.b} and {wins.ties} are ties{order}"
    if wins.p_value is None:
        return f"No winner: {counts}"
    chance = f"sign test p {_p_text(wins.p_value)}"
    if wins.p_value >= _SIGNIFICANT or wins.a == wins.b:
        return f"No clear winner: {counts} ({chance})"
    return f"{'A' if wins.a > wins.b else 'B'} is better: {counts} ({chance})"


def _p_text(p_value: float) -> str:
    return "< 0.001" if p_value < 0.001 else f"= {p_value:.3f}"


def _failures(results: Results, invalid: int | None) -> Failures:
    counts = (results.generation_fail_count, results.judge_fail_count, invalid)
    reported = [count for count in counts if count is not None]
    return Failures(
        generation=counts[0],
        judge=counts[1],
        invalid=invalid,
        total=sum(reported) if len(reported) == len(counts) else None,
    )


def _interval(ends: tuple[float, float] | None, method: str, scale: int = 1) -> Interval | None:
    if ends is None:
        return None
    return Interval(low=rounded(scale * ends[0]), high=rounded(scale * ends[1]), method=method)


def _range(interval: Interval) -> str:
    digits = ".1f" if interval.method == "wilson" else ".4g"
    return f"95 % interval {interval.low:{digits}}-{interval.high:{digits}}"


def _numbers(*values: object) -> bool:
    return all(isinstance(value, int | float) for value in values)


def _texts(value: object) -> list[str]:
    if not isinstance(value, list):
        return []
    return [item for item in cast("list[object]", value) if isinstance(item, str)]
