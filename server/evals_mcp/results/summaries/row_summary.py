"""The figures of an evaluation from its rows: the totals of each type, and what totals lack."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from evals_mcp.results.rows import RowVerdict
from evals_mcp.results.statistics.estimate import rounded
from evals_mcp.results.statistics.rates import rate
from evals_mcp.results.statistics.scores import histogram, quantiles
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.exact_statistics import RunningStatistics
from evals_schemas.tools.summaries import Interval, Rate, Scores, Summary, Wins

_FAILURE_NAMES = {
    "generation_fail_count": "failed generations",
    "judge_fail_count": "failed judge calls",
}

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
    if scores:
        statistics = RunningStatistics()
        for value in scores:
            statistics.add(value)
        passed = sum(rows for verdict, rows in counts if verdict.state == "ok" and verdict.passed)
        totals["aggregated_scores"] = {
            "mean_score": statistics.mean,
            "std_score": statistics.sample_deviation,
            "pass_percentage": 100 * passed / states["ok"],
        }
    return totals


def choice_totals(counts: Counts, _: Sequence[float], job: EvaluationJob) -> dict[str, Any]:
    """Return the totals of choices that the engine would report, under the API's names."""
    totals, states, values = _failures_and_values(counts)
    one_order, orders = Counter[str](), Counter[str]()
    for verdict, rows in counts:
        if verdict.state == "one_order" and verdict.verdict is not None:
            one_order[verdict.verdict] += rows
        elif verdict.state == "ok" and verdict.original and verdict.flipped:
            orders[f"{verdict.original},{verdict.flipped}"] += rows
    totals |= {
        "A_wins": values["A"] + one_order["A"],
        "B_wins": values["B"] + one_order["B"],
        "Ties": values["Tie"] + one_order["Tie"],
        "invalid_choice_count": states["invalid"],
    }
    if not job.parameters.get("disable_position_bias_correction"):
        totals["one_order_counts"] = {choice: one_order[choice] for choice in ("A", "B", "Tie")}
        totals["order_counts"] = dict(orders)
    return totals


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
    """Return the summary with the figures that only rows give: the distribution of the scores."""
    if summary.scores:
        summary.scores = _with_distribution(summary.scores, scores, job)
    if summary.wins:
        summary.wins = _with_lengths(summary.wins, counts)
    if note := _other_failures(counts, job):
        summary.notes.append(note)
    return summary


def _with_lengths(wins: Wins, counts: Counts) -> Wins:
    """Return the wins with the share of choices for the longer answer.

    Only pairs with a winner and two texts of different length count.
    """
    chosen = Counter[tuple[bool, bool]]()
    for verdict, rows in counts:
        if verdict.state == "ok" and verdict.longer and verdict.verdict in {"A", "B"}:
            chosen[verdict.longer == "A", verdict.longer == verdict.verdict] += rows
    share = rate(chosen[True, True] + chosen[False, True], chosen.total())
    if share is None or share.interval is None:
        return wins
    low, high = (rounded(100 * end) for end in share.interval)
    longer = Rate(
        percent=rounded(100 * share.value),
        count=chosen[True, True] + chosen[False, True],
        of=share.n,
        interval=Interval(low=low, high=high, method=share.method),
    )
    a_longer = chosen[True, True] + chosen[True, False]
    return wins.model_copy(update={"longer": longer, "a_longer": a_longer})


def _other_failures(counts: Counts, job: EvaluationJob) -> str | None:
    """Return a note if the service reports other failures than its rows show; else None."""
    totals, _states, _values = _failures_and_values(counts)
    reported = {
        name: count
        for name in totals
        if isinstance(count := (job.results or {}).get(name), int) and count != totals[name]
    }
    if not reported:
        return None
    text = " and ".join(f"{_FAILURE_NAMES[name]} {count}" for name, count in reported.items())
    return f"These counts are from the rows; the service itself reports {text}."


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
