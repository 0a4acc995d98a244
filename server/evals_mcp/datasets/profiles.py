"""The profile of a stored data set, from one pass: rows, faults and a sample of the rows."""

from __future__ import annotations

import math
import random
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from io import BufferedReader
from pathlib import Path
from typing import Any

import anyio
from anyio import to_thread

from evals_mcp.cleaning import inert
from evals_mcp.datasets.missing_data import missing_dataset
from evals_mcp.datasets.streams import BLOCK_BYTES, Blocks, opened
from evals_mcp.errors import DatasetFaultError, EvalsMCPError, NotFoundError
from evals_mcp.providers.protocol import Provider
from evals_schemas.datasets.list_cells import with_lists
from evals_schemas.datasets.quality import DatasetQuality, EmptyCells
from evals_schemas.datasets.reader import FAULTS_NAMED, Fault, Kind, Row, scan
from evals_schemas.datasets.repeated_inputs import InputCounter

SAMPLED_ROWS = 200
"""Most rows in the sample of one data set."""

SAMPLED_BYTES = 1024 * 1024
"""Most bytes of a sample; it has fewer rows if they are long."""

READING_SECONDS = 20.0
"""Seconds for reading one data set; the rest of the file is extrapolated."""

PROFILES_REMEMBERED = 16
"""Profiles that are remembered; the least recently used is forgotten."""


@dataclass(frozen=True)
class SampledRow:
    """One row of the sample."""

    row: Row
    number: int
    """Its number among the rows; 1 for the first."""
    bytes: int
    """Its length in the file, in bytes."""


@dataclass
class DatasetProfile:
    """The result of one pass over a data set."""

    rows: int = 0
    """Number of rows without a fault; estimated if `complete` is false."""
    columns: list[str] = field(default_factory=list[str])
    bytes: int = 0
    """Bytes of the rows; estimated if `complete` is false."""
    complete: bool = True
    """Whether the whole file was read."""
    fault_count: int = 0
    faults: list[Fault] = field(default_factory=list[Fault])
    """The first faults."""
    sample: list[SampledRow] = field(default_factory=list[SampledRow])
    """A random sample of the rows, in the order of the file."""
    first: Row | None = None
    repeated: list[str] = field(default_factory=list[str])
    """A sentence about repeated rows, without a full stop; empty if there are none."""
    empty: dict[str, EmptyCells] = field(default_factory=dict[str, EmptyCells])
    """Empty cells by column, for columns that have any."""
    inputs: InputCounter = field(default_factory=InputCounter)
    """The counted values of its columns, of the rows that were read."""

    def with_rows(self, rows: int) -> DatasetProfile:
        """Return the profile of so many rows like these; how often inputs repeat is not known."""
        scale = rows / self.rows if self.rows else 0
        return replace(self, rows=rows, bytes=round(self.bytes * scale), inputs=InputCounter())

    def with_lists(self, columns: Sequence[str]) -> DatasetProfile:
        """Return the profile with the JSON texts of some columns read as lists."""
        if not columns:
            return self
        sample = [replace(row, row=with_lists(row.row, columns)) for row in self.sample]
        return replace(self, sample=sample, first=self.first and with_lists(self.first, columns))

    def oddities(self, reported_columns: Collection[str] = ()) -> list[str]:
        """Return sentences about repeated rows and empty cells, without a full stop.

        Args:
            reported_columns: columns with empty cells that are already reported.
        """
        empty = {
            column: cells for column, cells in self.empty.items() if column not in reported_columns
        }
        return [*self.repeated, *DatasetQuality(empty=empty).warnings("row")]

    def problem(self) -> str | None:
        """Return why a service would refuse the file; None if it would not."""
        if not self.fault_count:
            return None
        more = self.fault_count - len(self.faults)
        named = "; ".join(map(str, self.faults))
        return f"{named}; and {more:,} more faults" if more else named


class Sample:
    """A random sample of a stream of unknown length; the same stream gives the same sample.

    Source: K.-H. Li, "Reservoir-sampling algorithms of time complexity O(n(1+log(N/n)))", ACM
    TOMS 20 (1994), 481-493, algorithm L. If the sampled rows get too long together, rows are
    dropped at random and the sample becomes smaller.
    """

    def __init__(self, capacity: int = SAMPLED_ROWS, most_bytes: int = SAMPLED_BYTES) -> None:
        self.rows: list[SampledRow] = []
        self.next = 0
        """Number of the next row to take, 0 for the first."""
        self._capacity = capacity
        self._most_bytes = most_bytes
        self._bytes = 0
        self._random = random.Random(20)  # noqa: S311 - a sample, not a secret
        self._weight = 1.0

    def take(self, row: SampledRow) -> None:
        """Add the row with the number `next`, and set `next` to the row to take after it."""
        self._bytes += row.bytes
        if len(self.rows) < self._capacity:
            self.rows.append(row)
        else:
            index = self._random.randrange(self._capacity)
            self._bytes -= self.rows[index].bytes
            self.rows[index] = row
        while self._bytes > self._most_bytes and len(self.rows) > 1:
            self._drop_row()
        self.next += 1 if len(self.rows) < self._capacity else self._skip()

    def _drop_row(self) -> None:
        dropped = self.rows.pop(self._random.randrange(len(self.rows)))
        self._bytes -= dropped.bytes
        self._capacity = len(self.rows)
        # The mean weight for a sample of this size among the rows seen so far.
        self._weight = self._capacity / (self.next + 1)

    def _skip(self) -> int:
        self._weight *= math.exp(math.log(1 - self._random.random()) / self._capacity)
        missed = math.log(1 - self._random.random()) / math.log1p(-min(self._weight, 1 - 1e-12))
        return 1 + int(missed)


class Profiles:
    """Profiles of recent data sets. A stored file never changes, so each file is read once."""

    def __init__(
        self,
        clock: Callable[[], float],
        seconds: float = READING_SECONDS,
        capacity: int = PROFILES_REMEMBERED,
    ) -> None:
        self._clock = clock
        self._seconds = seconds
        self._capacity = capacity
        self._profiles: OrderedDict[tuple[str, str], DatasetProfile] = OrderedDict()
        self._reading: dict[tuple[str, str], anyio.Lock] = {}

    async def of(self, provider: Provider, file_id: str) -> DatasetProfile:
        """Return the profile of a stored data set; concurrent calls share one pass.

        Raises:
            NotFoundError: no data set has this id.
            DatasetFaultError: the data set has no readable row.
            EvalsMCPError: the data set cannot be fetched.
        """
        key = provider.account, file_id
        lock = self._reading.setdefault(key, anyio.Lock())
        try:
            async with lock:
                if key not in self._profiles:
                    self._remember(
                        key, await read_profile(provider, file_id, self._seconds, self._clock)
                    )
                self._profiles.move_to_end(key)
                return self._profiles[key]
        finally:
            if not lock.statistics().tasks_waiting and not lock.locked():
                self._reading.pop(key, None)

    def _remember(self, key: tuple[str, str], profile: DatasetProfile) -> None:
        self._profiles[key] = profile
        while len(self._profiles) > self._capacity:
            self._profiles.popitem(last=False)


async def read_profile(
    provider: Provider, file_id: str, seconds: float, clock: Callable[[], float]
) -> DatasetProfile:
    """Return the profile of a data set, read for at most `seconds`. Raises as `Profiles.of`."""
    try:
        async with provider.dataset_content(file_id) as chunks:
            blocks = Blocks(chunks, seconds, clock)
            profile = await to_thread.run_sync(_read_profile, blocks)
    except NotFoundError:
        raise await missing_dataset(provider, file_id) from None
    if not profile.columns:
        raise DatasetFaultError(_no_row(profile))
    if not profile.complete:
        await _extrapolate(profile, provider, file_id)
    return profile


async def read_file_profile(
    path: Path, clock: Callable[[], float], seconds: float = READING_SECONDS
) -> DatasetProfile:
    """Return the profile of a data set on this machine's disk, which may have no row."""
    async with await anyio.open_file(path, "rb") as stream:
        blocks = Blocks(_chunks(stream), seconds, clock)
        return await to_thread.run_sync(_read_profile, blocks)


async def _chunks(stream: anyio.AsyncFile[bytes]) -> AsyncIterator[bytes]:
    while chunk := await stream.read(BLOCK_BYTES):
        yield chunk


@dataclass
class _RowQuality(DatasetQuality):
    """Counts rows instead of lines, because the caller need not have the data set as a file."""

    rows: int = 0
    inputs: InputCounter = field(default_factory=InputCounter)

    def add(self, row: Mapping[str, Any], line: int, key: Hashable) -> str | None:  # noqa: ARG002 - of DatasetQuality
        """Check one row; reports row numbers instead of `line`."""
        problem = super().add(row, self.rows + 1, key)
        if problem is None:
            self.rows += 1
            self.inputs.add(row)
        return problem


def _read_profile(blocks: Blocks) -> DatasetProfile:
    stream = opened(blocks)
    kind: Kind = "jsonl" if _starts_with_a_brace(stream) else "csv"
    profile, quality, sample = DatasetProfile(), _RowQuality(), Sample()
    start = 0
    for row in scan(stream, kind, quality):
        if isinstance(row, Fault):
            # If the time ran out, the last line is cut.
            if not blocks.ran_out:
                _count_fault(profile, row)
            continue
        if not profile.rows:
            profile.columns, profile.first = list(row), row
        profile.rows += 1
        if profile.rows > sample.next:
            sample.take(SampledRow(row, profile.rows, stream.tell() - start))
        if profile.rows == sample.next:
            start = stream.tell()
    return _finish(profile, quality, sample, blocks)


def _no_row(profile: DatasetProfile) -> str:
    reason = inert(profile.problem() or "it is empty", 300)
    return (
        f"No row of the data set can be read: it must be JSONL or CSV in UTF-8 ({reason}). Call "
        "upload_dataset, which checks a file before it sends it."
    )


def _starts_with_a_brace(stream: BufferedReader) -> bool:
    """Return whether the stream begins with a brace, as JSONL does and CSV does not."""
    return stream.peek().removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{"


def _count_fault(profile: DatasetProfile, fault: Fault) -> None:
    profile.fault_count += 1
    if len(profile.faults) < FAULTS_NAMED:
        profile.faults.append(fault)


def _finish(
    profile: DatasetProfile, quality: _RowQuality, sample: Sample, blocks: Blocks
) -> DatasetProfile:
    profile.bytes = blocks.bytes
    profile.complete = not blocks.ran_out
    profile.sample = sorted(sample.rows, key=lambda row: row.number)
    # The counter of repetitions is large, so only its result is stored.
    profile.repeated = DatasetQuality(repetitions=quality.repetitions).warnings("row")
    profile.empty = quality.empty
    profile.inputs = quality.inputs
    return profile


async def _extrapolate(profile: DatasetProfile, provider: Provider, file_id: str) -> None:
    """Extrapolate rows and bytes to the whole file, if the service reports its size."""
    try:
        files = await provider.list_datasets()
    except EvalsMCPError:
        return
    file = next((file for file in files if file.id == file_id), None)
    if file is None or not profile.bytes:
        return
    scale = max(1.0, file.bytes / profile.bytes)
    profile.rows = (
        max(file.LineCount, profile.rows) if file.LineCount else round(profile.rows * scale)
    )
    profile.bytes = max(file.bytes, profile.bytes)
