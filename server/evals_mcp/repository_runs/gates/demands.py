"""What a gate demands of each metric, and whether its rows could ever meet that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evals_mcp.cleaning import quoted
from evals_mcp.errors import InvalidRequestError
from evals_mcp.gate.decision import margin_of
from evals_mcp.gate.looks import last_certainty
from evals_mcp.gate.rows_needed import ASSUMED_FLIPS, can_pass, fewest_rows, rows_to_pass
from evals_mcp.near_names import nearest_hint
from evals_mcp.repository_runs.file import RepositoryFile
from evals_mcp.repository_runs.metrics import Metric, figure_of
from evals_mcp.repository_runs.rows import Cells
from evals_mcp.results.number_text import counted
from evals_mcp.results.rows import input_columns
from evals_schemas.repository.evals_file import (
    FEWEST_PAIRS,
    MOST_PINNED,
    Figure,
    GateRules,
    MetricRule,
)

_NAME = 60
_TRUE = frozenset({"true", "yes", "1", "x"})


@dataclass(frozen=True)
class Demand:
    """What a gate demands of one metric."""

    metric: Metric
    figure: Figure
    margin: float
    """In points, or in the unit of a score."""
    floor: float | None

    def sentence(self, rows: int, certainty: float) -> str:
        """Return the demand, and the rows that an unchanged candidate takes to meet it."""
        floor = "" if self.floor is None else f", floor {self.floor:g}"
        text = (
            f"Gate: {quoted(self.metric.name, _NAME)} by {self.figure}, margin {self.margin:g}"
            f"{floor}, certainty {certainty:g} %, {counted(rows, 'row')}."
        )
        if self.figure != "pass_rate":
            return text
        needed = rows_to_pass(ASSUMED_FLIPS, self.margin / 100, certainty)
        return (
            f"{text} If {100 * ASSUMED_FLIPS:g} % of the verdicts change by chance, {needed:,} "
            "rows pass an unchanged candidate four times in five."
        )


def rules_of(file: RepositoryFile) -> GateRules:
    """Return the section `[gate]`; its defaults if the file has none."""
    return file.content.gate or GateRules()


def demands_of(
    file: RepositoryFile, metrics: Sequence[Metric], rows: int, *, stops_early: bool = False
) -> list[Demand]:
    """Return what the gate demands of each metric.

    Args:
        file: the file.
        metrics: its metrics.
        rows: of the data set.
        stops_early: whether it is decided at several looks.

    Raises:
        InvalidRequestError: a metric lacks the figure, or no rows could meet a demand.
    """
    rules = rules_of(file)
    demands = [_demand(metric, rules, rows) for metric in metrics]
    limits, certainty = file.stop_rules, rules.certainty
    compared = rows if limits is None else min(rows, limits.most_rows or rows)
    if limits is not None and stops_early and compared > limits.first_rows:
        certainty = last_certainty(certainty)
    for demand in demands:
        _refuse_hopeless(demand, compared if stops_early else rows, certainty)
    return demands


def check_arguments(file: RepositoryFile) -> None:
    """Refuse arguments that a gate that judges every row cannot keep.

    Raises:
        InvalidRequestError: there is one.
    """
    if "sample" in file.arguments:
        raise InvalidRequestError(
            "`sample`: a gate judges every row; leave it out, or let the gate begin with so many "
            'by `unclear = "more"` in `[gate]`.'
        )
    if "stop_when" in file.arguments:
        raise InvalidRequestError(
            "`stop_when` of a file without `[gate]` is about `evals-mcp run`: add `[gate]` with a "
            "`margin`, and it says when the gate stops."
        )


def pinned_rows(rules: GateRules, data: Sequence[Cells]) -> list[int]:
    """Return the indexes of the pinned rows.

    Raises:
        InvalidRequestError: there is no such column, or too many rows are pinned.
    """
    if rules.pinned is None:
        return []
    _check_column("gate.pinned", rules.pinned, data)
    pinned = [index for index, row in enumerate(data) if _is_true(row.get(rules.pinned))]
    if len(pinned) > MOST_PINNED:
        raise InvalidRequestError(
            f"`gate.pinned`: {len(pinned)} rows are pinned, and {MOST_PINNED} are the most: each "
            "adds a chance of a false alarm. Pin what must never fail."
        )
    return pinned


def check_columns(rules: GateRules, data: Sequence[Cells]) -> None:
    """Refuse rules about columns that the data does not have.

    Raises:
        InvalidRequestError: there is no such column.
    """
    for name in rules.key:
        _check_column("gate.key", name, data)
    if rules.cluster_column is not None:
        _check_column("gate.cluster_column", rules.cluster_column, data)


def _demand(metric: Metric, rules: GateRules, rows: int) -> Demand:
    rule = rules.metrics.get(metric.name, MetricRule())
    figure = figure_of(metric, rule.metric or rules.metric)
    floor = rules.floor if rule.floor is None else rule.floor
    is_score = figure == "mean_score"
    if is_score and rule.margin is None and rules.margin is None:
        raise InvalidRequestError(
            f"`gate.margin` is missing: {quoted(metric.name, _NAME)} is decided by its mean score, "
            "whose largest acceptable loss only you can name, in the unit of the score."
        )
    return Demand(metric, figure, margin_of(rule, rules, rows), floor)


def _refuse_hopeless(demand: Demand, rows: int, certainty: float) -> None:
    """Refuse a demand that this many rows can never meet."""
    name = quoted(demand.metric.name, _NAME)
    if rows < FEWEST_PAIRS:
        raise InvalidRequestError(
            f"The gate could never pass: {counted(rows, 'row')}, and {FEWEST_PAIRS} are the fewest "
            f"that decide anything. {_needs(demand, certainty)}"
        )
    if demand.figure == "pass_rate" and not can_pass(rows, demand.margin / 100, certainty):
        raise InvalidRequestError(
            f"The gate could never pass: with {counted(rows, 'row')}, {name} cannot be shown to "
            f"have lost less than {demand.margin:g} points, even if not one verdict changes. "
            f"{_needs(demand, certainty)}"
        )
    low, high = demand.metric.scale()
    if demand.figure == "mean_score" and low is not None and high is not None:
        if demand.margin >= high - low:
            raise InvalidRequestError(
                f"`gate.margin`: {demand.margin:g} is as wide as the scale of {name}, {low:g} to "
                f"{high:g}, so every answer would pass."
            )
        _check_floor(demand, low, high)
    elif demand.figure == "pass_rate":
        _check_floor(demand, 0, 100)


def _check_floor(demand: Demand, low: float, high: float) -> None:
    if demand.floor is not None and not low <= demand.floor <= high:
        raise InvalidRequestError(
            f"`gate.floor`: {demand.floor:g} is outside of {low:g} to {high:g}, the range of "
            f"{quoted(demand.metric.name, _NAME)}."
        )


def _needs(demand: Demand, certainty: float) -> str:
    """Return how many rows the demand takes."""
    if demand.figure != "pass_rate":
        return f"Add rows: at least {FEWEST_PAIRS}."
    share = demand.margin / 100
    fewest = max(FEWEST_PAIRS, fewest_rows(share, certainty))
    usual = rows_to_pass(ASSUMED_FLIPS, share, certainty)
    return (
        f"It takes at least {fewest:,} rows; {usual:,}, to pass an unchanged candidate four times "
        f"in five when {100 * ASSUMED_FLIPS:g} % of the verdicts change by chance (7.85 q/M² at "
        "95 %). Add rows, or widen `margin`."
    )


def _check_column(field: str, name: str, data: Sequence[Cells]) -> None:
    columns = list(input_columns(data[0])) if data else []
    if name not in columns:
        raise InvalidRequestError(
            f"`{field}`: the data has no column {quoted(name, _NAME)}.{nearest_hint(name, columns)}"
        )


def _is_true(value: object) -> bool:
    if isinstance(value, str):
        return value.strip().lower() in _TRUE
    return bool(value)
