"""What a plan says of `stop_when`: whether it works here, what it likely saves, its limits."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from evals_mcp.planning.checks.findings import Findings
from evals_mcp.planning.estimates.past_runs import workers_of
from evals_mcp.planning.estimates.total import Figures
from evals_mcp.planning.inputs.facts import RequestFacts
from evals_mcp.providers.protocol import JudgedRequest
from evals_mcp.spending.dollars import usd
from evals_schemas.evaluation_api.evaluations import CompareParameters
from evals_schemas.sequential.betting import lower_end
from evals_schemas.sequential.stop_when import StopWhen
from evals_schemas.tools.plans import Range

FEW_ROWS = 200
"""Rows below which many workers have judged most of them before anything is decided."""

FEW_WORKERS = 16

_MOST_ROWS = 1_000_000


def stopping_findings(facts: RequestFacts) -> Findings:
    """Return the problems and notes of `stop_when`; none without it."""
    rules = facts.request.stop_when
    if rules is None:
        return Findings()
    if not facts.capabilities.stops_early:
        problem = (
            f"{facts.service} cannot stop an evaluation, so `stop_when` needs a process that sends "
            "the rows in parts and waits: `evals-mcp run` does that. Leave it out here, or judge "
            "some rows with `sample`."
        )
        return Findings(problems=(problem,))
    return Findings(notes=tuple(_notes(rules, facts)))


def within_dollars(figures: Figures, request: JudgedRequest) -> Figures:
    """Return an estimate whose cost is at most the limit in dollars of the request."""
    limit = request.stop_when.max_usd if request.stop_when else None
    cost = figures.get("cost_usd")
    if limit is None or cost is None:
        return figures
    capped = Range(low=min(cost.low, limit), high=min(cost.high, limit))
    return {**figures, "cost_usd": capped}


def rows_for_width(points: float, *, is_difference: bool) -> int | None:
    """Return about how many rows give an interval as narrow, valid at every look.

    For a rate of 50 %, or a comparison with 30 % ties. None above a million rows.
    """
    low, high = 1, 2
    while _half_width(high, is_difference) > points:
        low, high = high, 2 * high
        if low > _MOST_ROWS:
            return None
    while high - low > max(1, low // 100):
        middle = (low + high) // 2
        low, high = (
            (low, middle) if _half_width(middle, is_difference) <= points else (middle, high)
        )
    return high


@lru_cache(maxsize=256)
def _half_width(rows: int, is_difference: bool) -> float:
    ties = 3 * rows // 10 if is_difference else 0
    wins = (rows - ties) // 2
    counts = {0.0: wins, 0.5: rows - 2 * wins, 1.0: wins}
    return (0.5 - lower_end(counts)) * (200 if is_difference else 100)


def _notes(rules: StopWhen, facts: RequestFacts) -> Iterator[str]:
    rows, compares = facts.profile.rows, isinstance(facts.request.parameters, CompareParameters)
    if rules.decided:
        yield (
            "`stop_when` decided: likely a quarter of the rows if the difference is over 20 "
            "points, nearly all if it is under 5; calls and cost are those of all rows. At most "
            "5 % of such runs decide falsely, however often you look."
        )
    if rules.smaller_than is not None:
        yield (
            f"`stop_when` smaller_than {rules.smaller_than:g} needs many ties: 5 points take about "
            "350 to 625 rows with 90 to 96 % ties, about 4,000 with 30 %."
        )
    if rules.width is not None:
        needed = rows_for_width(rules.width, is_difference=compares)
        of = "30 % ties" if compares else "a rate of 50 %"
        count = f"about {needed:,} rows" if needed else "more than a million rows"
        yield f"`stop_when` width {rules.width:g} takes {count} with {of}."
    if rules.max_usd is not None:
        yield (
            f"`stop_when` max_usd {usd(rules.max_usd)}: no row is started that would likely exceed "
            "it; every finished row is kept."
        )
    workers = workers_of(facts.request.parameters.model_dump(exclude_none=True))
    if rows < FEW_ROWS and workers > FEW_WORKERS:
        yield (
            f"{workers} rows at once of {rows:,}: many are judged before anything is decided. "
            f"`num_workers` of {FEW_WORKERS} or fewer saves more."
        )
