"""Writes the result file from the data set and the ledger, and counts its rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from evals_engine.results.totals import ANY_ROLE, Totals
from evals_engine.store.private_files import write_private
from evals_engine.store.records import FinishedRow
from evals_schemas.datasets.reader import DatasetError, Row
from evals_schemas.evaluation_api.usage import Usage

MAX_FAILED_SHARE = 0.30
"""The largest share of rows without a verdict; above it the evaluation fails, as at the vendor."""

REASON = "reason"
"""Field of a ledger entry with the code of a failed call; see `Reason`."""

USAGE = "usage"
"""Field of a ledger entry with the numbers of a `Usage` by role."""

EARLIER_USAGE = "earlier_usage"
"""Field of a ledger entry that was taken over from a stopped evaluation, which has paid for it."""

_encode = json.JSONEncoder(ensure_ascii=False).encode


def write_result_file(
    path: Path, rows: Iterable[Row], ledger: Iterator[FinishedRow], totals: Totals
) -> None:
    """Write the judged rows and add each to the totals. Rows and ledger are streamed."""
    with write_private(path) as out:
        out.writelines(result_lines(rows, ledger, totals))


def result_lines(
    rows: Iterable[Row], ledger: Iterator[FinishedRow], totals: Totals
) -> Iterator[bytes]:
    """Yield the lines of the result file, and add each row to the totals."""
    for state, row, outcome in judged_rows(rows, ledger):
        totals.add_usage(_usage(outcome))
        totals.add(state, outcome, outcome.pop(REASON, None))
        totals.add_input(row)
        yield _line(row, outcome)


def rows_so_far(rows: Iterable[Row], ledger: Iterator[FinishedRow]) -> Iterator[bytes]:
    """Yield the rows that are judged so far, as the result file will have them."""
    for _, row, outcome in judged_rows(rows, ledger):
        shown = {name: value for name, value in outcome.items() if name not in _LEDGER_ONLY}
        yield _line(row, shown)


_LEDGER_ONLY = frozenset({USAGE, EARLIER_USAGE, "input_tokens", "output_tokens", REASON})
"""Fields of a ledger entry that a row of the result file does not have."""


def _usage(outcome: dict[str, Any]) -> dict[str, Usage]:
    """Take the usage out of a ledger entry; one of an earlier version has tokens without roles."""
    outcome.pop(EARLIER_USAGE, None)
    tokens = outcome.pop("input_tokens", 0), outcome.pop("output_tokens", 0)
    by_role = {role: Usage(*numbers) for role, numbers in outcome.pop(USAGE, {}).items()}
    return by_role | ({ANY_ROLE: Usage(0, *tokens)} if any(tokens) else {})


def judged_rows(
    rows: Iterable[Row], ledger: Iterator[FinishedRow]
) -> Iterator[tuple[str, Row, dict[str, Any]]]:
    """Yield state, columns and outcome of each row in the ledger, in the data set's order.

    Rows that are not in the ledger (not judged yet, or never because of a cancel) are left out.
    Where the data set cannot be read any more, the remaining rows have no columns.
    """
    finished = next(ledger, None)
    for number, row in enumerate(_readable(rows)):
        if finished is None:
            return
        if finished.row_number == number:
            yield finished.state, row, json.loads(finished.outcome)
            finished = next(ledger, None)
    while finished is not None:
        yield finished.state, {}, json.loads(finished.outcome)
        finished = next(ledger, None)


def _readable(rows: Iterable[Row]) -> Iterator[Row]:
    """Yield rows until the data set ends or cannot be read on."""
    with suppress(DatasetError, OSError):
        yield from rows


def _line(row: Row, outcome: dict[str, Any]) -> bytes:
    """Return one line. A column with the name of a verdict's field is renamed to `input_…`."""
    if not row.keys().isdisjoint(outcome):
        row = {f"input_{name}" if name in outcome else name: row[name] for name in row}
    joined = {**row, **outcome}
    try:
        return _encode(joined).encode() + b"\n"
    except UnicodeEncodeError:
        # Half an emoji in the data set: JSON can escape it, UTF-8 cannot encode it.
        return json.dumps(joined).encode() + b"\n"
