"""Tables of rows by two verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evals_schemas.tools.page import Matrix

MOST_NAMES = 12
"""Verdicts of a table at most; with more of them it could not be read."""


def matrix_of(
    counts: Mapping[tuple[str, str], int],
    order: Sequence[str],
    passes: Mapping[str, bool],
) -> Matrix | None:
    """Return the table of counts by a first and a second verdict; None with too many verdicts.

    Args:
        counts: the number of rows by both verdicts.
        order: the verdicts that come first, in this order; the others follow by name.
        passes: whether verdicts are passes; those that are not in it are of unknown meaning.
    """
    seen = {name for pair in counts for name in pair}
    names = [name for name in order if name in seen]
    names += sorted(seen - set(names))
    if len(names) > MOST_NAMES:
        return None
    table = [[counts.get((first, second), 0) for second in names] for first in names]
    return Matrix(
        names=names,
        passes=[passes.get(name) for name in names],
        counts=table,
        row_totals=[sum(row) for row in table],
        column_totals=[sum(column) for column in zip(*table, strict=True)],
    )
