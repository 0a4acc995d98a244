"""What else is worth knowing before the start: it informs, and nothing waits for it."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from evals_mcp.cleaning import clean
from evals_mcp.datasets.profiles import DatasetProfile
from evals_mcp.planning.checks.models import models_called
from evals_mcp.providers.protocol import LOCAL
from evals_mcp.results.statistics.rates import wilson_interval
from evals_mcp.results.statistics.sample_size import rows_for_half_width
from evals_schemas.evaluation_api.defaults import MAX_WORKERS
from evals_schemas.evaluation_api.evaluations import AnyParameters, ClassifyParameters

_ODDITIES = 3
_PAIRS = 3


def too_few_rows(rows: int, half_width: float) -> Iterator[str]:
    """Whether the wanted interval can be had.

    Args:
        rows: of the data set.
        half_width: wanted, in points each way.
    """
    needed = rows_for_half_width(half_width / 100)
    interval = wilson_interval(rows // 2, rows)
    if needed is None or interval is None or rows >= needed:
        return
    given = 50 * (interval[1] - interval[0])
    give = "1 row gives" if rows == 1 else f"{rows:,} rows give"
    yield (
        f"{give} a rate ±{given:.1f} points or so (95 %); ±{half_width:g} takes {needed:,} rows."
    )


def nested_labels(parameters: AnyParameters) -> Iterator[str]:
    """Labels that a reader, or a judge, may take for one another."""
    if not isinstance(parameters, ClassifyParameters):
        return
    pairs = [
        f"{clean(inner, 30)!r} in {clean(outer, 30)!r}"
        for inner in parameters.labels
        for outer in parameters.labels
        if inner != outer and inner.strip().casefold() in outer.casefold()
    ]
    if pairs:
        more = f" and {len(pairs) - _PAIRS} more" if len(pairs) > _PAIRS else ""
        yield (
            f"Labels contain one another: {', '.join(pairs[:_PAIRS])}{more}. A verdict counts as "
            "a label only where it is the whole of it."
        )


def too_many_workers(parameters: AnyParameters, service: str) -> Iterator[str]:
    """More calls at once than are made, or than a service is likely to answer."""
    for role, endpoint in models_called(parameters).items():
        if (given := endpoint.num_workers or 0) > MAX_WORKERS:
            made = f"{MAX_WORKERS:,} calls are made at once at most"
            if service != LOCAL:
                made = f"the times here are for {MAX_WORKERS:,}, which few services answer at once"
            yield f"`{role}.num_workers` is {given:,}: {made}."


def dataset_oddities(profile: DatasetProfile, told: Collection[str] = ()) -> Iterator[str]:
    """Repeated rows, empty cells, and how much of the file was looked at.

    Args:
        profile: of the data set.
        told: columns whose empty cells a warning has named.
    """
    found = profile.oddities(told)
    if found:
        more = f"; and {len(found) - _ODDITIES} more" if len(found) > _ODDITIES else ""
        yield f"Data set: {'; '.join(clean(text, 160) for text in found[:_ODDITIES])}{more}."
    if not profile.complete:
        yield (
            f"Only the beginning of the data set was read in the time for it: rows (about "
            f"{profile.rows:,}) and tokens are extrapolated, later faults are not known."
        )
