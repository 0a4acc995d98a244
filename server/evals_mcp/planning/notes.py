"""Sentences of a plan about its data set, labels and rubric: most are notes before the start."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator

from evals_mcp.cleaning import inert, quoted
from evals_mcp.datasets.profiles import DatasetProfile
from evals_mcp.planning.checks.columns import response_columns
from evals_mcp.planning.checks.models import models_called
from evals_mcp.results.clusters import values_text
from evals_mcp.service_spec import Capabilities
from evals_schemas.evaluation_api.evaluations import AnyParameters, ClassifyParameters
from evals_schemas.evaluation_api.workers import MAX_WORKERS
from evals_schemas.rubrics.table import rubric_of

_ODDITIES = 3
_PAIRS = 3


def nested_labels(parameters: AnyParameters) -> Iterator[str]:
    """Yield a note if one label contains another, since a judge or a reader may confuse them."""
    if not isinstance(parameters, ClassifyParameters):
        return
    pairs = [
        f"{quoted(inner, 30)} in {quoted(outer, 30)}"
        for inner in parameters.labels
        for outer in parameters.labels
        if inner != outer and inner.strip().casefold() in outer.casefold()
    ]
    if pairs:
        more = f" and {len(pairs) - _PAIRS} more" if len(pairs) > _PAIRS else ""
        yield (
            f"Labels contain one another: {', '.join(pairs[:_PAIRS])}{more}. A verdict counts as "
            "a label only if it is exactly that label."
        )


def text_of_ready_rubric(parameters: AnyParameters) -> str | None:
    """Return the judge's template if it is the text of a ready rubric; else None."""
    template = parameters.judge.system_template
    return template if rubric_of(template) else None


def ready_rubric(parameters: AnyParameters) -> Iterator[str]:
    """Yield a note that names the ready rubric in use and the verdicts that count."""
    recognised = rubric_of(parameters.judge.system_template)
    if recognised is None:
        return
    rubric, columns = recognised
    values = [
        f"{name} {json.dumps(getattr(parameters, name), ensure_ascii=False)}"
        for name in (*rubric.fixed, *rubric.usual)
    ]
    yield (
        f"Ready rubric {inert('; '.join([rubric.reference(columns), *values]), 300)}. How well "
        "judges agree with people under it was not measured: check some verdicts with read_results."
    )


def too_many_workers(parameters: AnyParameters, capabilities: Capabilities) -> Iterator[str]:
    """Yield a note for each `num_workers` above what runs at once, or what services accept."""
    for role, endpoint in models_called(parameters).items():
        if (workers := endpoint.num_workers or 0) > MAX_WORKERS:
            limit = f"at most {MAX_WORKERS:,} calls are made at once"
            if not capabilities.is_engine:
                limit = f"times are for {MAX_WORKERS:,}, more than most services answer at once"
            yield f"`{role}.num_workers` is {workers:,}: {limit}."


def rows_in_clusters(parameters: AnyParameters, profile: DatasetProfile) -> Iterator[str]:
    """Yield a note if rows repeat an input, so that they may not be independent."""
    repeated = profile.inputs.repeated_input([column for _, column in response_columns(parameters)])
    if repeated:
        column = quoted(repeated.column, 40)
        yield (
            f"{repeated.rows:,} rows share {values_text(repeated)} of {column}. If rows with one "
            "value belong together, read the results with get_evaluation and `cluster_column` "
            f"{column}."
        )


def faults_of_data_set(profile: DatasetProfile) -> Iterator[str]:
    """Yield why a service would refuse the data set; nothing if it would not."""
    if fault := profile.problem():
        yield f"The data set cannot be used: {fault}."


def dataset_oddities(
    profile: DatasetProfile, reported_columns: Collection[str] = ()
) -> Iterator[str]:
    """Yield notes about repeated rows, empty cells and a partly read file.

    Args:
        profile: profile of the data set.
        reported_columns: columns with empty cells that a warning already names.
    """
    oddities = profile.oddities(reported_columns)
    if oddities:
        more = f"; and {len(oddities) - _ODDITIES} more" if len(oddities) > _ODDITIES else ""
        yield f"Data set: {'; '.join(inert(text, 160) for text in oddities[:_ODDITIES])}{more}."
    if not profile.complete:
        yield (
            "Only the beginning of the data set was read before the time limit: rows (about "
            f"{profile.rows:,}) and tokens are extrapolated, later faults are unknown."
        )
