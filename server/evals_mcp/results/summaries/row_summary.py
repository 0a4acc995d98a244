"""The figures of an evaluation from its rows: the totals of each type, and what totals lack."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from evals_mcp.results.rows import RowVerdict
from evals_mcp.results.statistics.estimate import Estimate, rounded
from evals_mcp.results.statistics.rates import rate
from evals_mcp.results.statistics.scores import histogram, mean, quantiles, sample_deviation
from evals_mcp.results.statistics.wins import position_bias, win_rate
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.tools.summaries import Interval, Rate, Scores, Summary, Wins

DOUBTFUL_PERCENT = 20.0
"""Share of pairs whose verdict changed with the order, from which on the headline mentions it."""

UNDECIDED_PERCENT = 50.0
"""Share from which on the headline names no winner: the order decided most of the pairs."""

_QUARTERS = (0.0, 0.25, 0.5, 0.75, 1.0)


Counts = Sequence[tuple[RowVerdict, int]]
"""Every distinct verdict, without its score, and its number of rows."""


def label_totals(counts: Counts, _: Sequence[float], job: EvaluationJob) -> dict[str, Any]:
    """Return the totals of labels that the service would report, under the API's names."""
    totals, states, values = _failures_and_values(counts)
    labels: list[str] = list(job.parameters.get("labels") or values)
    return totals | {
        "label_counts": {label: values[label] for label in labels},
        "invalid_label_count": states["invalid"],
    }


def score_totals(counts: Counts, scores: Sequence[float], _: EvaluationJob) -> dict[str, Any]:
    """Return the totals of scores that the service would report, under the API's names."""
    totals, states, _values = _failures_and_values(counts)
    totals |= {
        "invalid_score_count": states["invalid"],
        "failed_samples": states.total() - states["ok"],
    }
    if (average := mean(scores)) is not None:
        passed = sum(rows for verdict, rows in counts if verdict.state == "ok" and verdict.passed)
        totals["aggregated_scores"] = {
            "mean_score": average.value,
            "std_score": sample_deviation(scores),
            "pass_percentage": 100 * passed / states["ok"],
        }
    return totals


def choice_totals(counts: Counts, _scores: Sequence[float], _: EvaluationJob) -> dict[str, Any]:
    """Return the totals of choices that the service would report, under the API's names."""
    totals, states, values = _failures_and_values(counts)
    return totals | {
        "A_wins": values["A"],
        "B_wins": values["B"],
        "Ties": values["Tie"],
        "invalid_choice_count": states["invalid"],
    }


def _failures_and_values(counts: Counts) -> tuple[dict[str, Any], Counter[str], Counter[str]]:
    """Return the totals of failures, the rows by state, and the valid rows by verdict."""
    states: Counter[str] = Counter()
    values: Counter[str] = Counter()
    for verdict, rows in counts:
        states[verdict.state] += rows
        if verdict.state == "ok" and verdict.verdict is not None:
            values[verdict.verdict] += rows
    totals = {
        "generation_fail_count": states["generation_failed"],
        "judge_fail_count": states["judge_failed"],
    }
    return totals, states, values


def with_row_figures(
    summary: Summary, counts: Counts, scores: Sequence[float], job: EvaluationJob
) -> Summary:
    """Return the summary with the figures that only rows give: distribution and judging order."""
    if summary.scores:
        summary.scores = _with_distribution(summary.scores, scores, job)
    if summary.wins:
        summary.wins = _with_order_figures(summary.wins, counts)
        summary.headline = _wins_headline(summary.headline, summary.wins)
    return summary


def _with_distribution(summary: Scores, scores: Sequence[float], job: EvaluationJob) -> Scores:
    """Return the summary with quartiles and a histogram."""
    low, high = job.parameters.get("min_score"), job.parameters.get("max_score")
    quarters = quantiles(scores, _QUARTERS)
    bars = None
    if isinstance(low, int | float) and isinstance(high, int | float):
        bars = histogram(scores, low, high)
    return summary.model_copy(
        update={
            "std_kind": "sample (n - 1)" if summary.std is not None else None,
            "quartiles": [rounded(value) for value in quarters] if quarters else None,
            "histogram": bars,
        }
    )


def _with_order_figures(wins: Wins, verdicts: Counts) -> Wins:
    """Return the wins with intervals and with the figures on position bias."""
    orders: Counter[tuple[str, str]] = Counter()
    for verdict, rows in verdicts:
        if verdict.original and verdict.flipped:
            orders[verdict.original, verdict.flipped] += rows
    differing = sum(rows for (first, second), rows in orders.items() if first != second)
    bias = position_bias(orders["A", "B"], orders["B", "A"], orders["A", "A"] + orders["B", "B"])
    return wins.model_copy(
        update={
            "a_interval": _interval(win_rate(wins.a, wins.b, wins.ties)),
            "without_ties": _rate(rate(wins.a, wins.a + wins.b)),
            "disagreements": _rate(rate(differing, orders.total())),
            "first_slot": _rate(bias.first_slot) if bias else None,
            "first_slot_p": bias.p_value if bias else None,
        }
    )


def _wins_headline(headline: str, wins: Wins) -> str:
    """Return the headline with the win rate's interval, and with a warning of position bias."""
    if wins.a_percent is not None and wins.a_interval is not None:
        low, high = wins.a_interval.low, wins.a_interval.high
        interval = f"{low:.1f}-{high:.1f} %"
        headline = (
            f"{headline[:-1]}; A's win rate is {wins.a_percent:.1f} % (95 % interval {interval})."
        )
    flips = wins.disagreements
    if flips and flips.percent >= UNDECIDED_PERCENT:
        headline = f"The judge follows the order: {headline.partition(': ')[2]}"
    if flips and flips.percent >= DOUBTFUL_PERCENT:
        headline = f"{headline[:-1]}; the order changed {flips.percent:.0f} % of the verdicts."
    return headline


def _rate(share: Estimate | None) -> Rate | None:
    """Return a share in percent."""
    if share is None:
        return None
    return Rate(percent=rounded(100 * share.value), of=share.n, interval=_interval(share))


def _interval(share: Estimate | None) -> Interval | None:
    """Return the interval of a share, in percent."""
    if share is None or share.interval is None:
        return None
    low, high = share.interval
    return Interval(low=rounded(100 * low), high=rounded(100 * high), method=share.method)
