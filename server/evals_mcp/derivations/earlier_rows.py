"""The rows of a data set that an earlier evaluation judged or failed, with their answers."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from evals_mcp.datasets.profiles import DatasetProfile
from evals_mcp.derivations.derivation import Rows, is_taken
from evals_mcp.derivations.originals import rows_of
from evals_mcp.results.rows import JUDGED
from evals_schemas.datasets.list_cells import read_list
from evals_schemas.datasets.reader import Row

_STATE = "state"


class ResultRow(NamedTuple):
    """One row of a result file."""

    state: str
    """`ok` if its verdict counts; see `RowState`."""
    cells: Row


@dataclass(frozen=True)
class Chosen:
    """The rows that were chosen, written to a file with all columns of the data set."""

    path: Path
    numbers: array[int]
    """The number of each row in the data set, from 1."""
    without_answer: int = 0
    """Rows that were left out because they have no answer."""


@dataclass(frozen=True)
class EarlierRows:
    """A selection of rows by what an earlier evaluation made of them; see `Selection`."""

    argument: str
    """`ANSWERS_OF` or `RETRY_OF`."""
    evaluation_id: str
    """The service's own id of the earlier evaluation."""
    chosen: Chosen
    chosen_profile: DatasetProfile
    added: Sequence[str]
    """Columns of answers that the earlier evaluation generated, or was given itself."""
    sentence: str
    """What a plan says of the rows."""
    continued_file: str | None = None
    """The file whose seeded order goes on, as its caller sees it; None if the chosen rows are sent
    in a file of their own."""

    @property
    def arguments(self) -> Mapping[str, Any]:
        """The argument of `create_evaluation`."""
        return {self.argument: self.evaluation_id}

    def profile(self, whole: DatasetProfile) -> DatasetProfile:  # noqa: ARG002 - its own rows are known
        """Return the profile of the chosen rows with their answers."""
        return self.chosen_profile

    def note(self, rows: int) -> str:  # noqa: ARG002 - says where the rows come from
        """Return whose rows and answers they are."""
        return self.sentence

    def choose(self, rows: Rows) -> Iterator[tuple[int, Row]]:  # noqa: ARG002 - they are on disk
        """Yield the chosen rows with their numbers in the data set."""
        return zip(self.chosen.numbers, rows_of(self.chosen.path), strict=True)


@dataclass(frozen=True)
class EarlierResults:
    """What is needed to choose rows: the data set, and the rows of a result file."""

    original: Path
    results: Iterable[ResultRow]
    was_sent: Callable[[int], bool]
    """Returns whether the evaluation was to judge the row with this number."""
    keys: Sequence[str] | None
    """The columns that were sent, by which rows are found; None for all columns."""
    answers: Sequence[str]
    """Columns of the result file with answers to take over."""


def choose_rows(earlier: EarlierResults, folder: Path, *, with_verdict: bool) -> Chosen:
    """Write the rows that have every answer to take over; blocks.

    Rows with the same content are interchangeable: the first of the data set gets what the first of
    the result file has, and so on.

    Args:
        earlier: the data set and the results.
        folder: a folder for the file, which is the caller's to remove.
        with_verdict: whether rows whose verdict counts are chosen, too.

    Raises:
        OSError: the file cannot be written.
    """
    # Imported here because loading SQLite would slow down every start.
    from evals_mcp.derivations.matching import SentRows  # noqa: PLC0415

    path, matching = folder / "rows.jsonl", folder / "matching"
    numbers, left_out = array("q"), 0
    first = next(rows_of(earlier.original), Row())
    keys = [name for name in earlier.keys or first if not is_taken(name)]
    with closing(SentRows(matching, keys)) as matched, path.open("xb") as out:
        for result in earlier.results:
            cells = {name: result.cells.get(name) for name in earlier.answers}
            matched.add(_comparable(result.cells, keys), {_STATE: result.state, **cells})
        for number, row in enumerate(rows_of(earlier.original), 1):
            if not earlier.was_sent(number):
                continue
            cells = matched.next(_comparable(row, keys)) or {}
            if cells.pop(_STATE, None) == JUDGED and not with_verdict:
                continue
            if any(cells.get(name) is None for name in earlier.answers):
                left_out += 1
                continue
            numbers.append(number)
            out.write(json.dumps({**row, **cells}, separators=(",", ":")).encode() + b"\n")
    matching.unlink()
    return Chosen(path, numbers, left_out)


def _comparable(row: Row, keys: Iterable[str]) -> dict[str, Any]:
    """Return the columns by which rows are found, lists the same however they are written."""
    return {name: read_list(row.get(name)) for name in keys}
