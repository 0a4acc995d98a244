"""The rows of an export: every column of the result file, after what the server read from it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from evals_mcp.results.paging import shown_columns
from evals_mcp.results.rows import Row, RowVerdict, input_columns
from evals_mcp.results.types.table import type_spec
from evals_schemas.digests import DatasetDigest

if TYPE_CHECKING:
    from evals_mcp.result_files.index import ResultIndex

READ_COLUMNS = ("evals_row", "evals_state", "evals_verdict", "evals_score", "evals_passed")
"""Number of the row in the result file, from 1; `ok` or why it has no valid verdict; label,
decision or model; score; and whether it passes. The same for every type and every service."""

MARK_COLUMNS = ("evals_mark", "evals_mark_should_be", "evals_mark_by", "evals_mark_at")
"""What a person said about the verdict, what a wrong one should be, who said it, and when."""

LABEL_COLUMNS = ("evals_label", "evals_label_by", "evals_label_plan", "evals_label_others")
"""What the verdict should be by a person who did not see it, who that is, how the row was selected,
and the labels of further people by their names."""

WAITING = "waits_for_label"
"""`evals_state` of a row whose verdict is hidden, because somebody is about to label it."""

MarksOf = Callable[[Row, RowVerdict], tuple[object, ...] | None]
"""Returns the values of `MARK_COLUMNS` of a row; None for a row without a mark."""

_CHECK_EVERY = 256


def _never() -> None:
    """Do nothing."""


@dataclass
class ExportRows:
    """The rows of a result file, read one by one."""

    index: ResultIndex
    type: str | None
    """The type of the evaluation."""
    check_cancelled: Callable[[], None] = _never
    """Called now and then; raises if nobody waits for the export any more."""
    marks_of: MarksOf | None = None
    """The marks; None if no row has one, which leaves out their columns."""
    labels: Mapping[int, tuple[object, ...]] = field(default_factory=dict[int, tuple[object, ...]])
    """The values of `LABEL_COLUMNS` of labelled rows by number; empty leaves out their columns."""
    hidden: frozenset[int] = frozenset()
    """Numbers of the rows of which no verdict, score, reason or mark is written."""
    digest: DatasetDigest = field(default_factory=DatasetDigest)
    """Of the input columns of the rows that were read so far."""
    marked: Counter[object] = field(default_factory=Counter[object])
    """Rows with a mark that were read so far, by what it says."""

    @property
    def columns(self) -> list[str]:
        """The columns of the export, in their order."""
        return [*self._read_columns(), *self.index.columns]

    def input_columns(self) -> list[str]:
        """Return the columns that come from the data set or benchmark, in their order."""
        own_rows = type_spec(self.type).own_rows
        if own_rows is None:
            return input_columns(dict.fromkeys(self.index.columns))
        return [name for name in self.index.columns if name in own_rows.inputs]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield every row in the order of the file, and add it to the digest."""
        names, inputs = self._read_columns(), self.input_columns()
        judged = self._columns_without_verdict()
        for entry in self.index.every():
            if entry.number % _CHECK_EVERY == 0:
                self.check_cancelled()
            row = self.index.read(entry)
            self.digest.add({name: row.get(name) for name in inputs})
            if entry.number in self.hidden:
                row = {name: row[name] if name in judged else None for name in row}
                blank = (None,) * (len(names) - 2)
                yield dict(zip(names, (entry.number, WAITING, *blank), strict=True)) | finite(row)
                continue
            values = (
                *_read_values(entry.number, entry.verdict),
                *self._marks(row, entry.verdict),
                *self._labels(entry.number),
            )
            yield dict(zip(names, values, strict=True)) | finite(row)

    def _columns_without_verdict(self) -> Sequence[str]:
        """Return the columns of the data set and of the answers."""
        own_rows = type_spec(self.type).own_rows
        return shown_columns(self.index.columns) if own_rows is None else own_rows.shown

    def _marks(self, row: Row, verdict: RowVerdict) -> tuple[object, ...]:
        """Return the values of `MARK_COLUMNS` of a row, and count the mark."""
        if self.marks_of is None:
            return ()
        values = self.marks_of(row, verdict)
        if values is None:
            return (None,) * len(MARK_COLUMNS)
        self.marked[values[0]] += 1
        return values

    def _labels(self, number: int) -> tuple[object, ...]:
        """Return the values of `LABEL_COLUMNS` of a row."""
        if not self.labels:
            return ()
        return self.labels.get(number, (None,) * len(LABEL_COLUMNS))

    def _read_columns(self) -> list[str]:
        """Return the columns in front, with `_` added to a name that the file has already."""
        marks = () if self.marks_of is None else MARK_COLUMNS
        names = (*READ_COLUMNS, *marks, *(LABEL_COLUMNS if self.labels else ()))
        return list(_free_names(names, frozenset(self.index.columns)))


def finite(row: Row) -> dict[str, Any]:
    """Return the row with null for NaN and infinities, which are no JSON."""
    return {name: _finite(value) for name, value in row.items()}


def _finite(value: object) -> object:
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [_finite(item) for item in cast("list[object]", value)]
    if isinstance(value, Mapping):
        fields = cast("Mapping[str, object]", value)
        return {name: _finite(item) for name, item in fields.items()}
    return value


def _read_values(number: int, verdict: RowVerdict) -> tuple[object, ...]:
    return number, verdict.state, verdict.verdict, verdict.score, verdict.passed


def _free_names(names: Iterable[str], taken: frozenset[str]) -> Iterator[str]:
    for name in names:
        free = name
        while free in taken:
            free += "_"
        yield free
