"""The main figure of one metric, with its interval, and the sentence about it."""

from __future__ import annotations

from collections.abc import Sequence

from evals_mcp.gate.pairs import value_of
from evals_mcp.repository_runs.metrics import Metric
from evals_mcp.repository_runs.rows import RunRow
from evals_mcp.results.number_text import (
    counted,
    ends,
    percent,
    percent_ends,
    score,
    score_ends,
    signed,
)
from evals_mcp.results.statistics.estimate import Estimate, rounded
from evals_mcp.results.statistics.paired import tango_interval
from evals_mcp.results.statistics.rates import rate
from evals_mcp.results.statistics.scores import mean
from evals_schemas.repository.evals_file import Figure
from evals_schemas.repository.results import Ends, RunFigure

_LEVEL = 95.0


def main_figure(metric: Metric, rows: Sequence[RunRow], wished: Figure | None) -> RunFigure | None:
    """Return the figure that a file is about; None if no row has one."""
    figures = metric.figures
    name = wished if wished in figures else next(iter(figures), None)
    if name is None:
        return None
    values = [value for row in rows if (value := value_of(row.verdict, name)) is not None]
    if not values:
        return None
    estimate = _estimate(name, values)
    unit = 1 if name == "mean_score" else 100
    interval = None
    if estimate.interval:
        low, high = (rounded(unit * end) for end in estimate.interval)
        interval = Ends(low=low, high=high, level=_LEVEL, method=estimate.method)
    return RunFigure(name=name, value=rounded(unit * estimate.value), interval=interval)


def sentence(figure: RunFigure | None, rows: int, failed: int) -> str:
    """Return a figure in words, for rows whose verdicts are of several evaluations."""
    left_out = f"; {counted(failed, 'row')} without a verdict" if failed else ""
    of_rows = f"of {counted(rows, 'row')}{left_out}"
    if figure is None:
        return f"No figure {of_rows}."
    chance = f" (95 % {_ends(figure, figure.interval)})" if figure.interval else ""
    match figure.name:
        case "pass_rate":
            return f"{percent(figure.value)} % pass{chance}, {of_rows}."
        case "mean_score":
            return f"Mean score {score(figure.value)}{chance}, {of_rows}."
        case _:
            return f"B minus A: {signed(figure.value)} points{chance}, {of_rows}."


def shown(figure: RunFigure | None) -> tuple[str, str]:
    """Return a figure and its interval as the cells of a table."""
    if figure is None:
        return "-", ""
    match figure.name:
        case "pass_rate":
            value = f"{percent(figure.value)} %"
        case "mean_score":
            value = score(figure.value)
        case _:
            value = f"{signed(figure.value)} points"
    return value, _ends(figure, figure.interval) if figure.interval else ""


def _ends(figure: RunFigure, interval: Ends) -> str:
    low, high = interval.low, interval.high
    if figure.name == "mean_score":
        return score_ends(low, high)
    return percent_ends(low, high) if figure.name == "pass_rate" else ends(low, high)


def _estimate(name: str, values: Sequence[float]) -> Estimate:
    n = len(values)
    if name == "net_preference":
        more, fewer = sum(value > 0 for value in values), sum(value < 0 for value in values)
        return Estimate((more - fewer) / n, tango_interval(more, fewer, n), n, "tango")
    estimate = rate(sum(value > 0 for value in values), n) if name == "pass_rate" else mean(values)
    assert estimate is not None, "there is a value"
    return estimate
