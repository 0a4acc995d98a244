"""The evaluations that this process has opened: checked, with compiled templates and lanes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import BinaryIO

import anyio
from anyio import to_thread

from evals_engine.models.access import CallLimit
from evals_engine.node_runs.lanes import Lanes
from evals_engine.nodes.parts import Marks
from evals_engine.nodes.shard import Shard
from evals_engine.runs.preparation import Preparation, Prepared

MOST_OPENED = 64
"""Evaluations that stay opened, so that their next shard need not compile their templates."""

Opener = Callable[[str, int], BinaryIO]
"""Opens a file by its id, from a byte on. Raises OSError and StorageError."""


@dataclass(frozen=True)
class OpenedEvaluation:
    """An evaluation whose rows this process can judge."""

    prepared: Prepared
    lanes: Lanes
    marks: Marks
    """Where the rows of the data set begin."""
    answer_marks: Marks
    """Where the lines of the result file begin whose answers are judged."""
    header: bytes
    """The bytes of a file of CSV before its first row."""
    open_file: Opener
    limits: tuple[int, ...]
    """The calls in flight of each model."""

    @property
    def smallest_limit(self) -> int:
        """The calls in flight of the model with the fewest; of rows, if no model is called."""
        return min(self.limits, default=self.lanes.rows_at_once)

    def open_line(self, row: int) -> BinaryIO:
        """Open the result file whose answers are judged at the line of a row. Blocking."""
        assert self.prepared.answers is not None
        at, first = self.answer_marks.before(row)
        stream = self.open_file(self.prepared.answers, at)
        for _ in range(row - first):
            stream.readline()
        return stream


class OpenedEvaluations:
    """Opens each evaluation once, for all of its shards in this process."""

    def __init__(
        self, preparation: Preparation, open_file: Opener, marks: Callable[[str], Marks]
    ) -> None:
        """Open nothing yet.

        Args:
            preparation: checks evaluations.
            open_file: opens files.
            marks: returns where the rows of a file begin.
        """
        self._preparation = preparation
        self._open_file = open_file
        self._marks = marks
        self._opened: OrderedDict[int, OpenedEvaluation] = OrderedDict()
        self._opening: dict[int, anyio.Lock] = {}

    async def open(self, shard: Shard) -> OpenedEvaluation:
        """Return the evaluation of a shard.

        Raises:
            RequestError: the request and the data set cannot work.
            DatasetError: the data set has no rows.
            StorageError: the data set cannot be read at the moment.
        """
        async with self._opening.setdefault(shard.key, anyio.Lock()):
            if shard.key not in self._opened:
                self._opened[shard.key] = await self._open(shard)
        self._opened.move_to_end(shard.key)
        for key in [key for key, each in self._opened.items() if each.lanes.is_idle]:
            if len(self._opened) > MOST_OPENED and key != shard.key:
                del self._opened[key], self._opening[key]
        return self._opened[shard.key]

    async def _open(self, shard: Shard) -> OpenedEvaluation:
        lanes, limits = Lanes(), list[int]()

        def limit(calls: int) -> CallLimit:
            limits.append(calls)
            return lanes.limit(calls)

        models = replace(self._preparation.models, limit=limit)
        prepared = await self._preparation.with_models(models).prepare(shard.evaluation, {})
        lanes.rows_at_once = prepared.evaluator.workers
        marks = await to_thread.run_sync(self._marks, prepared.file.id)
        answer_marks = Marks()
        if prepared.answers is not None:
            answer_marks = await to_thread.run_sync(self._marks, prepared.answers)
        header = b""
        if prepared.file.kind == "csv" and marks.offsets:
            header = await to_thread.run_sync(self._first_bytes, prepared.file.id, marks.offsets[0])
        return OpenedEvaluation(
            prepared, lanes, marks, answer_marks, header, self._open_file, tuple(limits)
        )

    def _first_bytes(self, file_id: str, count: int) -> bytes:
        with self._open_file(file_id, 0) as stream:
            return stream.read(count)
