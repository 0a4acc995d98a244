"""One pass over a stored data set: its rows, its faults, and a sample of the rows."""

from __future__ import annotations

import math
import random
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass, field
from io import BufferedReader
from typing import Any

import anyio
from anyio import to_thread

from evals_mcp.cleaning import clean
from evals_mcp.datasets.streams import Blocks, opened
from evals_mcp.errors import DatasetFaultError, EvalsMCPError, NotFoundError
from evals_mcp.providers.protocol import Provider
from evals_schemas.datasets.quality import DatasetQuality, EmptyCells
from evals_schemas.datasets.reader import FAULTS_NAMED, Fault, Kind, Row, scan

SAMPLED_ROWS = 200
"""The most rows kept of one data set."""

SAMPLED_BYTES = 1024 * 1024
"""The most bytes of them; of longer rows fewer are kept."""

READING_SECONDS = 20.0
"""How long one data set is read; what is known by then is extrapolated."""

PROFILES_KEPT = 16
"""How many data sets are remembered."""


@dataclass(frozen=True)
class SampledRow:
    """One row of the sample."""

    row: Row
    number: int
    """Its place among the rows; 1 for the first one."""
    bytes: int
    """Its length in the file."""


@dataclass
class DatasetProfile:
    """What one pass over a data set found."""

    rows: int = 0
    """Rows without a fault; estimated where `complete` is false."""
    columns: list[str] = field(default_factory=list[str])
    bytes: int = 0
    """Bytes of the rows; estimated where `complete` is false."""
    complete: bool = True
    """Whether the whole file was read."""
    fault_count: int = 0
    faults: list[Fault] = field(default_factory=list[Fault])
    """The first of them."""
    sample: list[SampledRow] = field(default_factory=list[SampledRow])
    """Every row as likely as any other, in the order of the file."""
    first: Row | None = None
    repeated: list[str] = field(default_factory=list[str])
    """That rows repeat others, a sentence without a full stop; empty where none does."""
    empty: dict[str, EmptyCells] = field(default_factory=dict[str, EmptyCells])
    """By column; only those with cells that hold nothing."""

    def oddities(self, told: Collection[str] = ()) -> list[str]:
        """Repeated rows and empty cells, a sentence each without a full stop.

        Args:
            told: columns whose empty cells need no further word.
        """
        empty = {column: cells for column, cells in self.empty.items() if column not in told}
        return [*self.repeated, *DatasetQuality(empty=empty).warnings("row")]

    def problem(self) -> str | None:
        """Why a service would refuse the file; None where it would not."""
        if not self.fault_count:
            return None
        more = self.fault_count - len(self.faults)
        named = "; ".join(map(str, self.faults))
        return f"{named}; and {more:,} more faults" if more else named


class Sample:
    """Rows of a stream drawn without knowing its length, always the same of the same stream.

    Source: K.-H. Li, "Reservoir-sampling algorithms of time complexity O(n(1+log(N/n)))", ACM
    TOMS 20 (1994), 481-493, algorithm L. Where the rows drawn get too long together, places are
    given up at random.
    """

    def __init__(self, rows: int = SAMPLED_ROWS, most_bytes: int = SAMPLED_BYTES) -> None:
        self.kept: list[SampledRow] = []
        self.next = 0
        """Number of the next row to offer, the first being 0."""
        self._places = rows
        self._most_bytes = most_bytes
        self._bytes = 0
        self._random = random.Random(20)  # noqa: S311 - a sample, not a secret
        self._weight = 1.0

    def take(self, row: SampledRow) -> None:
        """Keep the row with the number `next`, and say which is the next one."""
        self._bytes += row.bytes
        if len(self.kept) < self._places:
            self.kept.append(row)
        else:
            place = self._random.randrange(self._places)
            self._bytes -= self.kept[place].bytes
            self.kept[place] = row
        while self._bytes > self._most_bytes and len(self.kept) > 1:
            self._give_up_a_place()
        self.next += 1 if len(self.kept) < self._places else self._skip()

    def _give_up_a_place(self) -> None:
        gone = self.kept.pop(self._random.randrange(len(self.kept)))
        self._bytes -= gone.bytes
        self._places = len(self.kept)
        # What the weight is on average for so many places among the rows seen.
        self._weight = self._places / (self.next + 1)

    def _skip(self) -> int:
        self._weight *= math.exp(math.log(1 - self._random.random()) / self._places)
        missed = math.log(1 - self._random.random()) / math.log1p(-min(self._weight, 1 - 1e-12))
        return 1 + int(missed)


class Profiles:
    """The data sets looked at lately. A stored file never changes, so each is read once."""

    def __init__(
        self,
        clock: Callable[[], float],
        seconds: float = READING_SECONDS,
        kept: int = PROFILES_KEPT,
    ) -> None:
        self._clock = clock
        self._seconds = seconds
        self._most = kept
        self._kept: OrderedDict[tuple[str, str], DatasetProfile] = OrderedDict()
        self._reading: dict[tuple[str, str], anyio.Lock] = {}

    async def of(self, provider: Provider, file_id: str) -> DatasetProfile:
        """The profile of a stored data set; calls at the same time share one pass.

        Raises:
            NotFoundError: there is none of that id.
            DatasetFaultError: it has no row that can be read.
            EvalsMCPError: it cannot be had.
        """
        key = provider.account, file_id
        lock = self._reading.setdefault(key, anyio.Lock())
        try:
            async with lock:
                if key not in self._kept:
                    self._keep(
                        key, await read_profile(provider, file_id, self._seconds, self._clock)
                    )
                self._kept.move_to_end(key)
                return self._kept[key]
        finally:
            if not lock.statistics().tasks_waiting and not lock.locked():
                self._reading.pop(key, None)

    def _keep(self, key: tuple[str, str], profile: DatasetProfile) -> None:
        self._kept[key] = profile
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)


async def read_profile(
    provider: Provider, file_id: str, seconds: float, clock: Callable[[], float]
) -> DatasetProfile:
    """Read a stored data set once, as a stream, for so many seconds. Raises as `Profiles.of`."""
    try:
        async with provider.dataset_content(file_id) as chunks:
            blocks = Blocks(chunks, seconds, clock)
            profile = await to_thread.run_sync(_profiled, blocks)
    except NotFoundError:
        raise NotFoundError(
            "`input_data_file_path` names no data set of yours: take a file_id from list_datasets "
            "or from the answer of upload_dataset."
        ) from None
    if not profile.columns:
        raise DatasetFaultError(_no_row(profile))
    if not profile.complete:
        await _extrapolate(profile, provider, file_id)
    return profile


@dataclass
class _RowQuality(DatasetQuality):
    """Counts rows where others count lines: a data set need not be a file on the caller's side."""

    rows: int = 0

    def add(self, row: Mapping[str, Any], line: int, key: Hashable) -> str | None:  # noqa: ARG002 - of DatasetQuality
        """Look at one row; `line` is not told of."""
        problem = super().add(row, self.rows + 1, key)
        self.rows += problem is None
        return problem


def _profiled(blocks: Blocks) -> DatasetProfile:
    stream = opened(blocks)
    kind: Kind = "jsonl" if _starts_with_a_brace(stream) else "csv"
    profile, quality, sample = DatasetProfile(), _RowQuality(), Sample()
    start = 0
    for row in scan(stream, kind, quality):
        if isinstance(row, Fault):
            # The last line is cut where the time ran out.
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
    return _finished(profile, quality, sample, blocks)


def _no_row(profile: DatasetProfile) -> str:
    found = clean(profile.problem() or "it is empty", 300)
    return (
        f"No row of the data set can be read: it must be JSONL or CSV in UTF-8 ({found}). Call "
        "upload_dataset, which checks a file before it sends it."
    )


def _starts_with_a_brace(stream: BufferedReader) -> bool:
    """A row of JSONL begins with one, and no header of a CSV file does."""
    return stream.peek().removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{"


def _count_fault(profile: DatasetProfile, fault: Fault) -> None:
    profile.fault_count += 1
    if len(profile.faults) < FAULTS_NAMED:
        profile.faults.append(fault)


def _finished(
    profile: DatasetProfile, quality: DatasetQuality, sample: Sample, blocks: Blocks
) -> DatasetProfile:
    profile.bytes = blocks.bytes
    profile.complete = not blocks.ran_out
    profile.sample = sorted(sample.kept, key=lambda row: row.number)
    # What counts repetitions is large and not kept.
    profile.repeated = DatasetQuality(repetitions=quality.repetitions).warnings("row")
    profile.empty = quality.empty
    return profile


async def _extrapolate(profile: DatasetProfile, provider: Provider, file_id: str) -> None:
    """From the part that was read to the whole, as far as the service tells how large that is."""
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
