"""Which differences the rows of a plan could show, before anything is spent."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from pydantic import ValidationError

from evals_mcp.planning.estimates.past_runs import runs_of_the_same_rubric
from evals_mcp.providers.protocol import AnyRequest, JudgedRequest
from evals_mcp.results.statistics.estimate import rounded
from evals_mcp.results.statistics.rates import wilson_interval
from evals_mcp.results.statistics.sample_size import (
    detectable_mean_difference,
    detectable_rate_difference,
    rows_for_half_width,
    rows_for_mean_difference,
    rows_for_rate_difference,
)
from evals_schemas.benchmark_api.benchmarks import BenchmarkRequest
from evals_schemas.evaluation_api.evaluations import (
    CompareParameters,
    CompareResults,
    EvaluationJob,
    ScoreParameters,
    ScoreResults,
)
from evals_schemas.tools.plans import DetectableDifference, Power
from evals_schemas.type_models import AnyResults, parse_results

DIFFERING = 0.2
"""Share of rows assumed to pass in only one of two runs."""

TIES = 0.3
"""Share of ties assumed if no earlier run of the same rubric tells it."""

SPREAD = 0.25
"""Deviation of a row's two scores from each other, as a share of the scale, if no earlier run of
the same rubric tells it. If it does, the deviation of its scores is taken: the two are equal if the
scores of two runs correlate with 0.5."""

TARGET = 0.05
"""The difference that the plan gives a number of rows for: 5 points, or 5 % of the scale."""

_FEWEST_VERDICTS = 30
"""Verdicts of earlier runs from which on their ties or their deviation are used."""


_PHRASES = MappingProxyType(
    {
        "pass rate": ("a difference of {size} or more in the pass rate", "the pass rate"),
        "mean score": ("a difference of {size} or more in the mean score", "the mean score"),
        "net preference": ("a net preference of {size} or more", "the wins"),
        "accuracy": ("a difference of {size} or more in accuracy", "accuracy"),
    }
)
"""How a difference is said by the figure that differs, and the figure where none shows."""


@dataclass(frozen=True)
class _Shown:
    """What the rows of one type could show, and what its parts are called."""

    figure: str
    """The figure of one run whose interval is given."""
    subject: str
    """What shows a difference: two such runs, or the one run."""
    differences: Sequence[DetectableDifference]
    row: str = "row"


def power_of_request(
    request: AnyRequest, rows: int, half_width: float, jobs: Iterable[EvaluationJob] = ()
) -> Power | None:
    """Return which differences this many rows could show; None without rows.

    The rows are taken as independent of each other, and all of them as judged.

    Args:
        request: the request that is planned.
        rows: rows of the data set, or questions of the benchmark.
        half_width: half the width of the requested interval, in percentage points.
        jobs: earlier evaluations, the newest first.
    """
    interval = wilson_interval(rows // 2, rows)
    if interval is None:
        return None
    shown = _shown(request, rows, jobs)
    half = 50 * (interval[1] - interval[0])
    needed = rows_for_half_width(half_width / 100) or 0
    wider = f"; ±{half_width:g} needs {_count(needed, shown.row)}" if rows < needed else ""
    differences = ", and ".join(_in_words(each, shown.row) for each in shown.differences)
    sentence = (
        f"{_count(rows, shown.row)} {'gives' if rows == 1 else 'give'} {shown.figure} within "
        f"about ±{half:.1f} points (95 %{wider}). With 80 % power, {shown.subject} "
        f"{differences}."
    )
    return Power(sentence=sentence, half_width=rounded(half), differences=list(shown.differences))


def _shown(request: AnyRequest, rows: int, jobs: Iterable[EvaluationJob]) -> _Shown:
    if isinstance(request, BenchmarkRequest):
        differing = f"{100 * DIFFERING:g} % of the questions differ"
        difference = _rate_difference("accuracy", rows, DIFFERING, DIFFERING, differing)
        two = "the two models" if request.model_id_2 else "two such runs"
        return _Shown("an accuracy", two, [difference], "question")
    results = _earlier_results(request, jobs)
    if isinstance(request.parameters, CompareParameters):
        return _Shown("a win rate", "they", [_net_preference(rows, results)], "pair")
    differing = f"{100 * DIFFERING:g} % of the rows differ"
    differences = [_rate_difference("pass rate", rows, DIFFERING, DIFFERING, differing)]
    if isinstance(request.parameters, ScoreParameters):
        differences += _mean_difference(request.parameters, rows, results)
    return _Shown("a pass rate", "two such runs", differences)


def _rate_difference(
    of: Literal["pass rate", "net preference", "accuracy"],
    rows: int,
    discordant: float,
    assumed: float,
    assumption: str,
) -> DetectableDifference:
    difference = detectable_rate_difference(rows, discordant)
    return DetectableDifference(
        of=of,
        assumption=assumption,
        assumed=rounded(100 * assumed),
        difference=None if difference is None else rounded(100 * difference),
        target=100 * TARGET,
        rows_for_target=rows_for_rate_difference(TARGET, discordant),
    )


def _net_preference(rows: int, results: Sequence[AnyResults]) -> DetectableDifference:
    """Return the difference of the shares of wins, with the ties of earlier runs if known."""
    wins = ties = 0
    for each in results:
        if isinstance(each, CompareResults):
            wins += (each.A_wins or 0) + (each.B_wins or 0)
            ties += each.Ties or 0
    share, source = TIES, ""
    if wins and wins + ties >= _FEWEST_VERDICTS:
        share, source = ties / (wins + ties), ", as in earlier runs of this rubric"
    assumption = f"{100 * share:.3g} % of the pairs are ties{source}"
    return _rate_difference("net preference", rows, 1 - share, share, assumption)


def _mean_difference(
    parameters: ScoreParameters, rows: int, results: Sequence[AnyResults]
) -> Iterator[DetectableDifference]:
    """Yield the difference of means, unless the scale is wider than the largest float."""
    scale = parameters.max_score - parameters.min_score
    if not math.isfinite(scale):
        return
    deviations = [
        each.aggregated_scores.std_score
        for each in results
        if isinstance(each, ScoreResults) and each.aggregated_scores
    ]
    usable = [each for each in deviations if each and math.isfinite(each)]
    std, source = SPREAD * scale, "a quarter of the scale"
    if usable:
        std, source = max(usable), "as much as scores vary in earlier runs of this rubric"
    difference = detectable_mean_difference(rows, 1.0)
    yield DetectableDifference(
        of="mean score",
        assumption=f"a row's two scores differ with a standard deviation of {std:.3g}, {source}",
        assumed=rounded(std),
        difference=None if difference is None else rounded(difference * std),
        target=rounded(TARGET * scale),
        rows_for_target=rows_for_mean_difference(TARGET * scale / std, 1.0),
    )


def _earlier_results(request: JudgedRequest, jobs: Iterable[EvaluationJob]) -> list[AnyResults]:
    """Return the readable results of earlier runs of the same rubric."""
    readable: list[AnyResults] = []
    for job in runs_of_the_same_rubric(jobs, request):
        with suppress(ValidationError):
            readable += [parsed] if (parsed := parse_results(job.type, job.results)) else []
    return readable


def _in_words(difference: DetectableDifference, row: str) -> str:
    phrase, figure = _PHRASES[difference.of]
    what = f"cannot show any difference in {figure}"
    if difference.difference is not None:
        what = f"show {phrase.format(size=_size(difference, difference.difference))}"
    more = ""
    if difference.rows_for_target:
        target = _size(difference, difference.target)
        need = "need" if target.endswith("points") else "needs"
        more = f" ({target} {need} {_count(difference.rows_for_target, row)})"
    return f"{what} if {difference.assumption}{more}"


def _size(difference: DetectableDifference, value: float) -> str:
    size = f"{value:.2g}" if value < 100 else f"{value:,.0f}"
    return size if difference.of == "mean score" else f"{size} points"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
