"""From data set and ledger to the result file, counting on the way."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from evals_engine.results.totals import Tally
from evals_engine.store.private_files import write_private
from evals_engine.store.records import FinishedRow
from evals_schemas.datasets.reader import Row

MAX_FAILED_SHARE = 0.30
"""Above this share of rows without a verdict the whole evaluation has failed; the vendor's rule."""

REASON = "reason"
"""Field of a ledger entry with the code of a failed call; see `Reason`."""

_encode = json.JSONEncoder(ensure_ascii=False).encode


def write_result_file(
    path: Path, rows: Iterable[Row], ledger: Iterator[FinishedRow], tally: Tally
) -> None:
    """Write the judged rows, and count each in the tally. Both sides are streamed."""
    with write_private(path) as out:
        for state, row, outcome in judged_rows(rows, ledger):
            tally.input_tokens += outcome.pop("input_tokens", 0)
            tally.output_tokens += outcome.pop("output_tokens", 0)
            reason = outcome.pop(REASON, None)
            tally.add(state, outcome, reason)
            out.write(_line(row, outcome))


def rows_so_far(rows: Iterable[Row], ledger: Iterator[FinishedRow]) -> Iterator[bytes]:
    """The rows that are judged by now, as the result file will have them."""
    for _, row, outcome in judged_rows(rows, ledger):
        shown = {name: value for name, value in outcome.items() if name not in _LEDGER_ONLY}
        yield _line(row, shown)


_LEDGER_ONLY = frozenset({"input_tokens", "output_tokens", REASON})
"""Fields of a ledger entry that a row of the result file does not have."""


def judged_rows(
    rows: Iterable[Row], ledger: Iterator[FinishedRow]
) -> Iterator[tuple[str, Row, dict[str, Any]]]:
    """State, columns and outcome of each row in the ledger, in the data set's order.

    Rows that the ledger lacks (a cancelled evaluation's, those not judged yet) are left out.
    """
    finished = next(ledger, None)
    for number, row in enumerate(rows):
        if finished is None:
            return
        if finished.row_number == number:
            yield finished.state, row, json.loads(finished.outcome)
            finished = next(ledger, None)


def _line(row: Row, outcome: dict[str, Any]) -> bytes:
    """One line. A column that a verdict's field takes the place of is kept as `input_…`."""
    if not row.keys().isdisjoint(outcome):
        row = {f"input_{name}" if name in outcome else name: row[name] for name in row}
    joined = {**row, **outcome}
    try:
        return _encode(joined).encode() + b"\n"
    except UnicodeEncodeError:
        # A cut emoji in the data set: JSON can escape it, UTF-8 cannot hold it.
        return json.dumps(joined).encode() + b"\n"
