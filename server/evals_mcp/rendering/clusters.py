"""The clusters behind figures as a line of text."""

from __future__ import annotations

from evals_mcp.cleaning import quoted
from evals_mcp.results.number_text import counted, percent
from evals_schemas.tools.summaries import Clusters


def clusters_line(clusters: Clusters) -> str:
    """Return which clusters there are, how unequal they are, and what their rows are worth."""
    line = (
        f"Clusters by {quoted(clusters.column, 80)}: {clusters.count}, worth "
        f"{clusters.effective:.1f} equal ones; the largest has {percent(clusters.largest_percent)} "
        "% of the rows"
    )
    if clusters.rows_worth is not None:
        line += f"; worth {counted(round(clusters.rows_worth), 'independent row')}"
    return f"{line}."
