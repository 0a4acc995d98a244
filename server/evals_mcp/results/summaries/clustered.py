"""A summary over rows in clusters: the same figures with the intervals and tests of clusters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evals_mcp.results.clusters import (
    RowClusters,
    all_distinct_note,
    cluster_clause,
    cluster_notes,
    described,
    repeated_sentence,
)
from evals_mcp.results.number_text import percent_ends, score_ends
from evals_mcp.results.rows import RowVerdict
from evals_mcp.results.statistics.clusters import (
    ClusteredEstimate,
    clustered_difference,
    clustered_mean,
    clustered_rate,
    sign_flip_test,
)
from evals_mcp.results.statistics.estimate import rounded, scale_of
from evals_schemas.datasets.repeated_inputs import RepeatedInput
from evals_schemas.tools.summaries import Interval, Rate, Scores, Summary, Wins

Headline = Callable[[Summary, Mapping[str, Any], str], str | None]
"""Returns the headline of figures with a clause added; None without a figure with an interval."""

_NET = {"A": 1.0, "B": -1.0}


@dataclass(frozen=True)
class _Rows:
    """The rows that a summary counts, with their clusters."""

    verdicts: Sequence[RowVerdict]
    clusters: Sequence[int]


def with_clusters(
    summary: Summary,
    verdicts: Sequence[RowVerdict],
    clusters: RowClusters,
    parameters: Mapping[str, Any],
    headline: Headline,
) -> Summary:
    """Return the summary of all rows of a file with the intervals and tests of clusters.

    Args:
        summary: the summary of these rows, without clusters.
        verdicts: the verdict of every row.
        clusters: the cluster of every row.
        parameters: the parameters of the evaluation.
        headline: how its type words a headline.

    Raises:
        InvalidRequestError: one cluster has most of the rows.
    """
    valid = [number for number, verdict in enumerate(verdicts) if verdict.state == "ok"]
    clusters = clusters.of(valid)
    if not valid or headline(summary, parameters, "") is None:
        note = f"`cluster_column` changes nothing: no figure of {clusters.name} has an interval."
        return _with_notes(summary, [note])
    if clusters.all_distinct:
        return _with_notes(summary, [all_distinct_note(clusters)])
    sizes = clusters.sizes()
    rows = _Rows([verdicts[number] for number in valid], clusters.of_row)
    figure, independent, noun = _main_figure(summary, rows, parameters)
    update = {
        "pass_rate": summary.pass_rate and _rate(summary.pass_rate, _passed(rows)),
        "scores": summary.scores and _scores(summary.scores, rows, parameters),
        "wins": summary.wins and _wins(summary.wins, rows),
        "clusters": described(clusters, sizes, figure.rows_worth),
    }
    changed = _with_notes(summary, cluster_notes(clusters)).model_copy(update=update)
    clause = cluster_clause(clusters, sizes, noun, figure.rows_worth, independent)
    return changed.model_copy(update={"headline": headline(changed, parameters, clause)})


def with_repeated_input(summary: Summary, repeated: RepeatedInput | None) -> Summary:
    """Return the summary with the column by which its rows may belong together in its headline.

    It is not named where no figure of the headline has an interval.
    """
    rate, wins = summary.pass_rate, summary.wins
    figures = (wins and wins.a_interval, summary.scores and summary.scores.interval)
    if repeated is None or not (any(figures) or (rate and rate.interval)):
        return summary
    return summary.model_copy(update={"headline": summary.headline + repeated_sentence(repeated)})


def _main_figure(
    summary: Summary, rows: _Rows, parameters: Mapping[str, Any]
) -> tuple[ClusteredEstimate, str, str]:
    """Return the figure of the headline, its interval without clusters, and what is counted."""
    if summary.wins:
        figure = clustered_difference(_net(rows), rows.clusters)
        ends, noun = summary.wins.a_interval, "pairs"
        if ends and summary.wins.b > summary.wins.a:
            ends = Interval(low=100 - ends.high, high=100 - ends.low, method=ends.method)
    elif summary.scores:
        figure = _mean(rows, parameters)
        ends, noun = summary.scores.interval, "answers"
    else:
        figure = _passed(rows)
        ends, noun = summary.pass_rate and summary.pass_rate.interval, "answers"
    assert figure is not None, "there is a row"
    if ends is None:
        return figure, "", noun
    if summary.scores:
        return figure, score_ends(ends.low, ends.high), noun
    return figure, f"{percent_ends(ends.low, ends.high)} %", noun


def _passed(rows: _Rows) -> ClusteredEstimate | None:
    return clustered_rate([bool(verdict.passed) for verdict in rows.verdicts], rows.clusters)


def _mean(rows: _Rows, parameters: Mapping[str, Any]) -> ClusteredEstimate | None:
    scale = scale_of(parameters.get("min_score"), parameters.get("max_score"))
    scores = [verdict.score or 0.0 for verdict in rows.verdicts]
    return clustered_mean(scores, rows.clusters, scale=scale)


def _net(rows: _Rows) -> list[float]:
    return [_NET.get(verdict.verdict or "", 0.0) for verdict in rows.verdicts]


def _rate(rate: Rate, figure: ClusteredEstimate | None) -> Rate:
    return rate.model_copy(update={"interval": _interval(figure, lambda end: 100 * end)})


def _scores(scores: Scores, rows: _Rows, parameters: Mapping[str, Any]) -> Scores:
    interval = _interval(_mean(rows, parameters), lambda end: end)
    return scores.model_copy(update={"interval": interval})


def _wins(wins: Wins, rows: _Rows) -> Wins:
    """Return the choices with intervals and tests over clusters; counts stay as they are."""
    update: dict[str, Any] = {}
    if wins.a_percent is not None:
        net = _net(rows)
        update["a_interval"] = _half(clustered_difference(net, rows.clusters))
        if wins.p_value is not None:
            update["p_value"] = sign_flip_test(net, rows.clusters)
    decided = [row for row, value in enumerate(_net(rows)) if value]
    if wins.without_ties and decided:
        won = [rows.verdicts[row].verdict == "A" for row in decided]
        figure = clustered_rate(won, [rows.clusters[row] for row in decided])
        update["without_ties"] = _rate(wins.without_ties, figure)
    return wins.model_copy(update=update | _orders(wins, rows))


def _orders(wins: Wins, rows: _Rows) -> dict[str, Any]:
    """Return the figures of the two orders over clusters."""
    update: dict[str, Any] = {}
    judged = [
        (verdict.original, verdict.flipped, cluster)
        for verdict, cluster in zip(rows.verdicts, rows.clusters, strict=True)
        if verdict.original and verdict.flipped
    ]
    if wins.disagreements:
        differs = [original != flipped for original, flipped, _ in judged]
        figure = clustered_rate(differs, [cluster for *_, cluster in judged])
        update["disagreements"] = _rate(wins.disagreements, figure)
    decided = [row for row in judged if "Tie" not in row[:2]]
    if wins.first_slot and decided:
        first = [_FIRST.get((original, flipped), 0.0) for original, flipped, _ in decided]
        clusters = [cluster for *_, cluster in decided]
        interval = _half(clustered_difference(first, clusters))
        update["first_slot"] = wins.first_slot.model_copy(update={"interval": interval})
        if wins.first_slot_p is not None:
            update["first_slot_p"] = sign_flip_test(first, clusters)
    return update


_FIRST = {("A", "B"): 1.0, ("B", "A"): -1.0}
"""1 where the answer shown first was chosen in both orders, -1 where the second one was."""


def _half(figure: ClusteredEstimate | None) -> Interval | None:
    """Return the interval of a share in percent, from that of a difference between -1 and 1."""
    return _interval(figure, lambda end: 50 * (1 + end))


def _interval(
    figure: ClusteredEstimate | None, scaled: Callable[[float], float]
) -> Interval | None:
    if figure is None or figure.estimate.interval is None:
        return None
    low, high = (rounded(scaled(end)) for end in figure.estimate.interval)
    return Interval(low=low, high=high, method=figure.estimate.method)


def _with_notes(summary: Summary, notes: Sequence[str]) -> Summary:
    return summary.model_copy(update={"notes": [*summary.notes, *notes]})
