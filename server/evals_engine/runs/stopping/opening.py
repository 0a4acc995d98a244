"""Opens the course of a run with `stop_when`, from its data set and its ledger."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

from evals_engine.runs.stopping.course import Course
from evals_engine.runs.stopping.row_values import RowValues
from evals_engine.runs.stopping.seeded_rows import StoredRows, with_earlier_lines
from evals_engine.store.records import FinishedRow
from evals_schemas.datasets.reader import Kind, read_rows
from evals_schemas.sequential.seeded_order import seeded_order
from evals_schemas.sequential.stop_when import EngineStopWhen


def stored_rows(
    folder: Path, dataset: BinaryIO, kind: Kind, earlier: BinaryIO | None
) -> StoredRows:
    """Return the rows of a data set, so that they can be read in any order. Closes the files.

    Args:
        folder: where a large copy is stored while the run lasts.
        dataset: the data set.
        kind: its format.
        earlier: the result file with the answers to judge; None without one.

    Raises:
        DatasetError: the data set cannot be read.
        OSError: likewise, or the disk is full.
    """
    rows = StoredRows(folder)
    with ExitStack() as files:
        files.enter_context(dataset)
        lines = files.enter_context(earlier) if earlier else None
        try:
            rows.write(with_earlier_lines(read_rows(dataset, kind), lines))
        except BaseException:
            rows.close()
            raise
    return rows


def open_course(
    rows: StoredRows,
    rules: EngineStopWhen,
    values: RowValues,
    ledger: Iterable[FinishedRow],
    before: Mapping[str, Any] | None,
) -> Course:
    """Return the course of a run with the rows that have ended already.

    Args:
        rows: the rows of the data set.
        rules: what ends the run, with a seed.
        values: how rows count.
        ledger: the finished rows.
        before: the record of its evidence that is stored; None in a new run.
    """
    column = rules.cluster_column
    clusters = list(rows.column(column)) if column else None
    course = Course(rules, seeded_order(rules.seed or 0, len(rows), clusters), values)
    course.resume(ledger, before)
    course.look()
    return course
