"""Takes the rows of an earlier try over into the result file of a retry."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from anyio import to_thread

from evals_mcp.derivations.carried_columns import whole_rows
from evals_mcp.derivations.derivation import is_taken
from evals_mcp.derivations.earlier_rows import ResultRow
from evals_mcp.derivations.matching import SentRows
from evals_mcp.derivations.tries import TRIES, Try, try_of
from evals_mcp.errors import NotFoundError
from evals_mcp.results.rows import JUDGED, TRY
from evals_schemas.datasets.list_cells import read_list
from evals_schemas.evaluation_api.evaluations import EvaluationJob

_PLACE, _ROW = "place", "row"


@dataclass(frozen=True)
class TriedRows:
    """The rows of the earlier evaluation, and the tries they are of; empty if it is no retry."""

    rows: Callable[[], Iterator[ResultRow]]
    tries: Sequence[Try]


@dataclass(frozen=True)
class EarlierTry:
    """The evaluation that a retry is of, and how its rows are read."""

    earlier_id: str
    retry: EvaluationJob
    keys: Sequence[str]
    """The columns that the retry was sent, by which its rows are found in the earlier ones."""
    earlier: EvaluationJob | None = None
    """None if it does not exist any more."""
    open: Callable[[], AbstractAsyncContextManager[TriedRows]] | None = None
    """Opens its rows; None if it does not exist any more."""

    @property
    def variant(self) -> str:
        """A name that is the same for the same tries."""
        return f"retry of {self.earlier_id}"

    async def bring_into(self, rows: Path) -> None:
        """Write the rows of all tries to the result file of the retry; write `TRIES` beside it.

        Raises:
            OSError: a file cannot be written.
            EvalsMCPError: the earlier rows cannot be read; that they are gone is a note.
        """
        missing: str | None = None
        tries: list[Try] = []
        if self.earlier is None or self.open is None:
            missing = self.earlier_id
        else:
            try:
                async with self.open() as tried:
                    tries = await to_thread.run_sync(self._merge, self.earlier, tried, rows)
            except NotFoundError:
                missing = self.earlier_id
        value = {"missing": missing, "tries": [asdict(each) for each in tries]}
        await to_thread.run_sync(rows.with_name(TRIES).write_text, json.dumps(value))

    def _merge(self, earlier: EvaluationJob, tried: TriedRows, rows: Path) -> list[Try]:
        """Replace the file by one with the rows of all tries; blocks."""
        tries = list(tried.tries) or [try_of(1, earlier)]
        tries.append(try_of(tries[-1].number + 1, self.retry))
        keys = [name for name in self.keys if not is_taken(name)]
        merged, matching = rows.with_name("tries-rows"), rows.with_name("tries-matching")
        counts = dict.fromkeys((each.number for each in tries), 0)
        used: set[int] = set()
        try:
            with closing(SentRows(matching, keys)) as anew, merged.open("xb") as out:
                for index, row in enumerate(whole_rows(rows)):
                    anew.add(_comparable(row, keys), {_PLACE: index, _ROW: row})
                for result in tried.rows():
                    row, number = dict(result.cells), int(result.cells.get(TRY) or 1)
                    again = None
                    if result.state != JUDGED:
                        again = anew.next(_comparable(row, keys))
                    if again is not None:
                        row, number = again[_ROW], tries[-1].number
                        used.add(again[_PLACE])
                    counts[number] = counts.get(number, 0) + 1
                    out.write(_line(row, number))
                for index, row in enumerate(whole_rows(rows)):
                    # Rows that the earlier evaluation was to judge and did not come to.
                    if index not in used:
                        counts[tries[-1].number] += 1
                        out.write(_line(row, tries[-1].number))
            merged.replace(rows)
        finally:
            for path in (merged, matching):
                path.unlink(missing_ok=True)
        return [replace(each, rows=counts[each.number]) for each in tries]


def _comparable(row: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    return {name: read_list(row.get(name)) for name in keys}


def _line(row: Mapping[str, Any], number: int) -> bytes:
    others = {name: value for name, value in row.items() if name != TRY}
    return json.dumps({TRY: number, **others}).encode() + b"\n"
