"""The rows without a verdict: their counts and their place in a headline."""

from __future__ import annotations

from evals_mcp.results.number_text import counted
from evals_schemas.evaluation_api.evaluations import Results
from evals_schemas.tools.summaries import Failures

MANY_FAILED = 0.1
"""Share of failed rows from which on the headline begins with them."""


def failures_of(results: Results, invalid: int | None) -> Failures:
    """Return the failures that the totals report; their sum is None if one of them is unknown."""
    counts = (results.generation_fail_count, results.judge_fail_count, invalid)
    reported = [count for count in counts if count is not None]
    return Failures(
        generation=counts[0],
        judge=counts[1],
        invalid=invalid,
        total=sum(reported) if len(reported) == len(counts) else None,
    )


def with_failed_rows(sentence: str, failures: Failures, counted_rows: int, *, more: bool) -> str:
    """Return the headline with its full stop and the failed rows, first if they are many.

    Args:
        sentence: the headline without a full stop.
        failures: the failed rows.
        counted_rows: the other rows.
        more: whether the sentence names a number of rows, which the failed ones add to.
    """
    failed = failures.total
    if not failed:
        return f"{sentence}."
    if not more:
        return f"{sentence}; {counted(failed, 'row')} failed."
    if failed >= MANY_FAILED * (failed + counted_rows):
        verb = "is" if failed == 1 else "are"
        first = f"{failed} of {failed + counted_rows} rows failed and {verb} not counted"
        return f"{first}: {sentence}."
    return f"{sentence}; {failed_text(failed)}."


def failed_text(failed: int) -> str:
    """Return how many more rows failed."""
    if failed == 1:
        return "1 more row failed and is not counted"
    return f"{failed} more rows failed and are not counted"
