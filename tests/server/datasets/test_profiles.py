import gc
import json
import tracemalloc
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals_mcp.datasets.profiles import (
    SAMPLED_BYTES,
    DatasetProfile,
    Profiles,
    Sample,
    SampledRow,
    read_profile,
)
from evals_schemas.evaluation_api.files import File
from tests.clocks import skip_time
from tests.server.fake_provider import FakeProvider, jsonl
from tests.volume import examples


async def profiled(provider: FakeProvider, seconds: float = 60) -> DatasetProfile:
    with anyio.fail_after(600):
        return await read_profile(provider, "file-1", seconds, anyio.current_time)


def of(content: bytes) -> FakeProvider:
    return FakeProvider(contents={"file-1": content})


@pytest.mark.parametrize(
    "content",
    [
        b'\xef\xbb\xbf{"a": 1, "b": "x"}\n\n{"a": 2, "b": ""}\n',
        b"a,b\n1,x\n2,\n",
        b'\r\na,b\r\n1,"x\ny"\r\n2,\r\n',
    ],
)
async def test_a_pass_finds_rows_columns_the_first_row_and_oddities(content: bytes) -> None:
    profile = await profiled(of(content))

    assert (profile.rows, profile.columns, profile.bytes) == (2, ["a", "b"], len(content))
    assert str((profile.first or {})["a"]) == "1"
    assert any("`b` is empty in 1 row" in text for text in profile.oddities())
    assert profile.problem() is None


async def test_faults_are_counted_and_the_first_ones_named() -> None:
    content = jsonl({"a": 1}) + b"[]\n" * 9

    problem = (await profiled(of(content))).problem()

    assert problem is not None
    assert problem.startswith("line 2: not a JSON object")
    assert problem.endswith("; and 4 more faults")


async def test_a_sample_is_spread_over_the_file_and_always_the_same() -> None:
    content = jsonl(*({"n": n} for n in range(20_000)))

    first, second = await profiled(of(content)), await profiled(of(content))

    numbers = [row.row["n"] for row in first.sample]
    assert numbers == [row.row["n"] for row in second.sample]
    assert len(numbers) == 200
    assert len({number // 2_000 for number in numbers}) == 10
    assert sum(numbers) / 200 == pytest.approx(10_000, rel=0.15)


@given(lengths=st.lists(st.integers(1, 400_000), min_size=1, max_size=300))
@settings(max_examples=examples(50))
def test_a_sample_keeps_within_its_bytes_or_to_one_row(lengths: list[int]) -> None:
    sample = Sample()
    for number, length in enumerate(lengths):
        if number == sample.next:
            sample.take(SampledRow({}, number + 1, length))

    total = sum(row.bytes for row in sample.rows)
    assert 1 <= len(sample.rows) <= 200
    assert total <= SAMPLED_BYTES or len(sample.rows) == 1


@dataclass
class Generated(FakeProvider):
    """Makes its data set while it is read, and may never come to its end."""

    rows: int = 0
    endless: bool = False
    ready: Sequence[bytes] = ()
    """The blocks, if they are not made while they are read."""

    @asynccontextmanager
    async def dataset_content(self, file_id: str) -> AsyncGenerator[AsyncIterator[bytes]]:
        yield self._blocks()

    async def _blocks(self) -> AsyncIterator[bytes]:
        for block in self.ready or self.made():
            yield block
        if self.endless:
            yield b'{"question": "cut'
            skip_time(90)
            await anyio.sleep_forever()

    def made(self) -> Iterator[bytes]:
        text = "lorem ipsum " * 10
        for start in range(0, self.rows, 500):
            lines = (
                json.dumps({"question": f"{n} {text}", "answer": str(n)})
                for n in range(start, min(start + 500, self.rows))
            )
            yield ("\n".join(lines) + "\n").encode()


@pytest.mark.no_cover
async def test_memory_does_not_grow_with_the_rows() -> None:
    await profiled(Generated(rows=2_000))
    # What is traced takes several times as long: the rows are made before.
    provider = Generated(ready=list(Generated(rows=200_000).made()))
    gc.collect()
    tracemalloc.start()
    try:
        profile = await profiled(provider, seconds=120)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert profile.rows == 200_000
    # The file has 33 MB. A bounded number of hashes of rows is kept, to tell repeated ones.
    assert most < 26_000_000


async def test_what_is_not_read_in_time_is_extrapolated_from_the_size_of_the_file() -> None:
    provider = Generated(rows=1_000, endless=True)
    size = sum(map(len, provider.made()))
    listed = File(id="file-1", bytes=10 * size)

    profile = await profiled(replace(provider, files=[listed]), seconds=60)

    assert not profile.complete
    assert profile.rows == pytest.approx(10_000, rel=0.01)
    assert profile.bytes == 10 * size
    assert profile.problem() is None


async def test_the_number_of_rows_that_a_service_tells_goes_before_an_extrapolation() -> None:
    provider = Generated(rows=1_000, endless=True)
    listed = File(id="file-1", bytes=10**9, LineCount=4_321)

    profile = await profiled(replace(provider, files=[listed]), seconds=60)

    assert profile.rows == 4_321


async def test_only_the_data_sets_looked_at_lately_are_remembered() -> None:
    provider = FakeProvider(contents={f"file-{n}": jsonl({"a": n}) for n in range(4)})
    profiles = Profiles(anyio.current_time, capacity=2)

    for n in (0, 1, 0, 2, 3):
        await profiles.of(provider, f"file-{n}")
    before = provider.chunks_read
    await profiles.of(provider, "file-3")
    await profiles.of(provider, "file-2")
    assert provider.chunks_read == before

    await profiles.of(provider, "file-0")
    assert provider.chunks_read > before


async def test_two_accounts_never_share_a_data_set() -> None:
    profiles = Profiles(anyio.current_time)
    mine = of(jsonl({"a": 1}))
    yours = replace(of(jsonl({"b": 1})), account="account-2")

    assert (await profiles.of(mine, "file-1")).columns == ["a"]
    assert (await profiles.of(yours, "file-1")).columns == ["b"]
