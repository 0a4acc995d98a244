"""The summary of an evaluation from its rows: everything the totals give, and what they cannot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from evals_mcp.results.rows import RowVerdict
from evals_mcp.results.statistics.estimate import Estimate
from evals_mcp.results.statistics.rates import rate
from evals_mcp.results.statistics.scores import histogram, mean, quantiles, sample_deviation
from evals_mcp.results.statistics.wins import position_bias, win_rate
from evals_mcp.results.summaries.summary import summarize
from evals_schemas.evaluation_api.evaluations import EvaluationJob, Progress
from evals_schemas.tools.summaries import Interval, Rate, Scores, Summary, Wins

DOUBTFUL_PERCENT = 20.0
"""From this share of pairs whose verdict changed with the order on, a headline says so."""
UNDECIDED_PERCENT = 50.0
"""From here on the order decided more pairs than the answers did, and nothing else is concluded."""

_QUARTERS = (0.0, 0.25, 0.5, 0.75, 1.0)


def summarize_rows(
    job: EvaluationJob, verdicts: Iterable[tuple[RowVerdict, int]], scores: Sequence[float]
) -> Summary | None:
    """The summary of an ended evaluation; None where no row has a verdict to sum up.

    Args:
        job: the evaluation; its own totals are not used.
        verdicts: every verdict, without its score, and how many rows have it.
        scores: every valid score, ascending.
    """
    counted = list(verdicts)
    total = sum(rows for _, rows in counted)
    of = job.progress.total if job.progress and job.progress.total else total
    counted_job = job.model_copy(
        update={
            "results": _totals(job, counted, scores),
            "progress": Progress(done=total, total=of),
        }
    )
    summary = summarize(counted_job, total)
    if summary is None:
        return None
    if summary.scores:
        summary.scores = _more_of_scores(summary.scores, scores, job)
    if summary.wins:
        summary.wins = _more_of_wins(summary.wins, counted)
        summary.headline = _wins_headline(summary.headline, summary.wins)
    return summary


def _totals(
    job: EvaluationJob, verdicts: Sequence[tuple[RowVerdict, int]], scores: Sequence[float]
) -> dict[str, Any]:
    """The totals that the service would give for these rows, under the API's names."""
    states: Counter[str] = Counter()
    found: Counter[str] = Counter()
    passed = 0
    for verdict, rows in verdicts:
        states[verdict.state] += rows
        if verdict.state == "ok":
            passed += rows if verdict.passed else 0
            if verdict.verdict is not None:
                found[verdict.verdict] += rows
    failed = states.total() - states["ok"]
    totals: dict[str, Any] = {
        "generation_fail_count": states["generation_failed"],
        "judge_fail_count": states["judge_failed"],
    }
    match job.type:
        case "score":
            average = mean(scores)
            totals |= {"invalid_score_count": states["invalid"], "failed_samples": failed}
            if average is not None:
                totals["aggregated_scores"] = {
                    "mean_score": average.value,
                    "std_score": sample_deviation(scores),
                    "pass_percentage": 100 * passed / states["ok"],
                }
        case "compare":
            totals |= {"A_wins": found["A"], "B_wins": found["B"], "Ties": found["Tie"]}
            totals["invalid_choice_count"] = states["invalid"]
        case _:
            labels: list[str] = list(job.parameters.get("labels") or found)
            totals |= {
                "label_counts": {label: found[label] for label in labels},
                "invalid_label_count": states["invalid"],
            }
    return totals


def _more_of_scores(found: Scores, scores: Sequence[float], job: EvaluationJob) -> Scores:
    low, high = job.parameters.get("min_score"), job.parameters.get("max_score")
    quarters = quantiles(scores, _QUARTERS)
    bars = None
    if isinstance(low, int | float) and isinstance(high, int | float):
        bars = histogram(scores, low, high)
    return found.model_copy(
        update={
            "std_kind": "sample (n - 1)" if found.std is not None else None,
            "quartiles": [_round(value) for value in quarters] if quarters else None,
            "histogram": bars,
        }
    )


def _more_of_wins(found: Wins, verdicts: Sequence[tuple[RowVerdict, int]]) -> Wins:
    orders: Counter[tuple[str, str]] = Counter()
    for verdict, rows in verdicts:
        if verdict.original and verdict.flipped:
            orders[verdict.original, verdict.flipped] += rows
    differing = sum(rows for (first, second), rows in orders.items() if first != second)
    bias = position_bias(orders["A", "B"], orders["B", "A"], orders["A", "A"] + orders["B", "B"])
    return found.model_copy(
        update={
            "a_interval": _interval(win_rate(found.a, found.b, found.ties)),
            "without_ties": _rate(rate(found.a, found.a + found.b)),
            "disagreements": _rate(rate(differing, orders.total())),
            "first_slot": _rate(bias.first_slot) if bias else None,
            "first_slot_p": bias.p_value if bias else None,
        }
    )


def _wins_headline(headline: str, wins: Wins) -> str:
    """With the interval that the totals cannot give, and the one doubt that undoes any verdict."""
    if wins.a_percent is not None and wins.a_interval is not None:
        low, high = wins.a_interval.low, wins.a_interval.high
        interval = f"{low:.1f}-{high:.1f} %"
        headline = f"{headline[:-1]}; A's win rate is {wins.a_percent:.1f} % (95 % {interval})."
    flips = wins.disagreements
    if flips and flips.percent >= UNDECIDED_PERCENT:
        headline = f"The judge decides little: {headline.partition(': ')[2]}"
    if flips and flips.percent >= DOUBTFUL_PERCENT:
        headline = f"{headline[:-1]}; the verdict changed with the order in {flips.percent:.0f} %."
    return headline


def _rate(found: Estimate | None) -> Rate | None:
    if found is None:
        return None
    return Rate(percent=_round(100 * found.value), of=found.n, interval=_interval(found))


def _interval(found: Estimate | None) -> Interval | None:
    if found is None or found.interval is None:
        return None
    low, high = found.interval
    return Interval(low=_round(100 * low), high=_round(100 * high), method=found.method)


def _round(value: float) -> float:
    return float(f"{value:.6g}")
