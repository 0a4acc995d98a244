"""The last shard of an evaluation: its result file, and its end."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from typing import Any, BinaryIO

from evals_engine.nodes.parts import Marks
from evals_engine.nodes.shard import Shard
from evals_engine.nodes.shards import Shards
from evals_engine.nodes.store import NodeStore
from evals_engine.results.result_file import result_lines
from evals_engine.results.totals import Totals
from evals_engine.runs.ending import last_change, result_file_record
from evals_engine.runs.preparation import stored_parameters
from evals_engine.store.records import MARK_ROWS, StatusChange, StoredFile
from evals_schemas.datasets.reader import Kind, Row, read_rows


class Conclusion:
    """Joins data set and ledger into the result file, and ends evaluations."""

    def __init__(self, shards: Shards, store: NodeStore, clock: Callable[[], float]) -> None:
        self._shards = shards
        self._store = store
        self._files = store.files
        self._clock = clock

    def conclude(self, shard: Shard) -> bool:
        """Write the result file and end the evaluation with it. Blocking.

        Returns False if the shard is another process's now; nothing was changed then.

        Raises:
            StorageError: the database is away; the conclusion can be tried again.
        """
        evaluation = shard.evaluation
        file = self._store.get_file(evaluation.file_id, evaluation.owner)
        parameters = stored_parameters(evaluation)
        totals = parameters.totals()
        # A new id for each attempt: a process that slept may not write over another one's file.
        result_id = f"file-{uuid.uuid4()}"
        offsets = list[int]()
        lines = self._lines(shard, file, totals)
        with closing(lines):
            size = self._files.write(result_id, _marked(lines, offsets))
        judged = totals.valid + totals.failed
        now = self._clock()
        if shard.failure and not judged:
            self._files.discard(result_id)
            return self.give_up(shard, shard.failure)
        total = evaluation.total_rows or judged
        change = last_change(totals, total, now, shard.failure)
        record = result_file_record(evaluation, parameters, totals, (result_id, size), now)
        results = totals.results() | {"result_file_id": result_id}
        try:
            is_ours = self._end(shard, change, results, (record, Marks(MARK_ROWS, offsets)))
        except BaseException:
            self._files.discard(result_id)
            raise
        if not is_ours:
            self._files.discard(result_id)
            return False
        return True

    def give_up(self, shard: Shard, failure: StatusChange) -> bool:
        """End the evaluation without a result file. Blocking.

        Returns False if the shard is another process's now.
        """
        return self._end(shard, failure, {}, None)

    def _end(
        self,
        shard: Shard,
        change: StatusChange,
        results: Mapping[str, Any],
        file: tuple[StoredFile, Marks] | None,
    ) -> bool:
        if change.status != "completed":
            results = {**results, **change.failure}
        with self._shards.transaction() as transaction:
            if not self._shards.conclude(shard, change, results, transaction):
                return False
            if file is not None:
                self._files.record(transaction, *file)
        self._shards.clear(shard.key)
        return True

    def _lines(self, shard: Shard, file: StoredFile | None, totals: Totals) -> Generator[bytes]:
        rows: Iterable[Row] = ()
        if file is not None:
            rows = _rows_of(self._files.open(file.id), file.kind)
        yield from result_lines(rows, self._shards.rows(shard), totals)


def _rows_of(stream: BinaryIO, kind: Kind) -> Iterator[Row]:
    with stream:
        yield from read_rows(stream, kind)


def _marked(lines: Iterator[bytes], offsets: list[int]) -> Iterator[bytes]:
    """Yield lines, and add the byte at which every `MARK_ROWS`th one begins."""
    at = 0
    for number, line in enumerate(lines):
        if number % MARK_ROWS == 0:
            offsets.append(at)
        at += len(line)
        yield line
