"""Links over HTTP: one file, one action, for a short time, up to a size, for one principal."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import httpx2
import pytest
from starlette.applications import Starlette

from evals_mcp.exchange.exchange_folder import ExchangeFolder
from evals_mcp.exchange.links import LinkAction, Links
from evals_mcp.http.links import AT_ONCE, LinkRoute

BASE = "http://evals.example"


class Front:
    """An app with the link route, its clock and its files."""

    def __init__(self, folder: Path) -> None:
        self.now = datetime(2026, 11, 1, tzinfo=UTC)
        self.links = Links(b"k" * 32, BASE, lambda: self.now)
        self.folder = ExchangeFolder(folder / "exchange")
        self.app = self.app_that_waits(60)

    def app_that_waits(self, seconds: float) -> Starlette:
        return Starlette(routes=[LinkRoute(self._links, self.folder, seconds).route])

    async def _links(self) -> Links:
        return self.links

    def issue(
        self, action: LinkAction, subject: str = "rows.csv", owner: str = "alice", size: int = 1_000
    ) -> str:
        return self.links.issue(action, owner, subject, seconds=60, max_bytes=size)

    @asynccontextmanager
    async def client(self) -> AsyncGenerator[httpx2.AsyncClient]:
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(self.app)) as client:
            yield client


@pytest.fixture
def front(tmp_path: Path) -> Front:
    return Front(tmp_path)


async def test_a_file_is_sent_once_and_can_be_fetched(front: Front) -> None:
    async with front.client() as client:
        sent = await client.put(front.issue("upload"), content=b"a,b\n1,2\n")
        again = await client.put(front.issue("upload"), content=b"other")
        fetched = await client.get(front.issue("download"))
    assert (sent.status_code, sent.json()) == (201, {"stored": "rows.csv"})
    assert again.status_code == 409
    assert (fetched.status_code, fetched.content) == (200, b"a,b\n1,2\n")
    assert fetched.headers["content-disposition"] == 'attachment; filename="rows.csv"'
    assert fetched.headers["x-content-type-options"] == "nosniff"
    path = front.folder.path_of("alice", "rows.csv")
    if os.name == "posix":
        assert path.stat().st_mode & 0o777 == 0o600


async def test_a_principal_reaches_its_own_files_only(front: Front) -> None:
    async with front.client() as client:
        await client.put(front.issue("upload"), content=b"hers")
        other = await client.get(front.issue("download", owner="bob"))
        escaped = await client.get(front.issue("download", "../../alice/rows.csv", "bob"))
    assert other.status_code == escaped.status_code == 404


async def test_a_link_is_for_its_action_and_time_only(front: Front) -> None:
    upload, download = front.issue("upload"), front.issue("download")
    async with front.client() as client:
        wrong = await client.put(download, content=b"x")
        altered = await client.put(upload[:-1] + ("a" if upload[-1] != "a" else "b"), content=b"x")
        front.now += timedelta(seconds=61)
        late = await client.put(upload, content=b"x")
    assert wrong.status_code == altered.status_code == late.status_code == 403
    assert "expired at 2026-11-01 00:01:00 UTC" in late.json()["error"]
    assert not front.folder.path_of("alice", "rows.csv").exists()


async def blocks(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"x" * 100


@pytest.mark.parametrize("content", [b"x" * 1_001, blocks(11)])
async def test_a_file_over_the_links_size_is_refused_and_not_kept(
    front: Front, content: bytes | AsyncIterator[bytes]
) -> None:
    async with front.client() as client:
        answer = await client.put(front.issue("upload"), content=content)
    assert answer.status_code == 413
    assert "1,000 bytes (datasets.max_bytes)" in answer.json()["error"]
    assert list(front.folder.path_of("alice", "rows.csv").parent.glob("*")) == []


async def test_a_sender_that_falls_silent_is_given_up_and_may_try_again(front: Front) -> None:
    async def stalling() -> AsyncIterator[bytes]:
        yield b"half"
        await anyio.sleep_forever()

    impatient = httpx2.ASGITransport(front.app_that_waits(0.05))
    async with front.client() as client, httpx2.AsyncClient(transport=impatient) as stalled:
        answer = await stalled.put(front.issue("upload"), content=stalling())
        retry = await client.put(front.issue("upload"), content=b"whole")
    assert answer.status_code == 408
    assert retry.status_code == 201


async def test_one_principal_sends_only_a_few_files_at_once(front: Front) -> None:
    started = anyio.Event()
    release = anyio.Event()
    running = 0

    async def waiting() -> AsyncIterator[bytes]:
        nonlocal running
        running += 1
        if running == AT_ONCE:
            started.set()
        while not release.is_set():
            yield b"x"
            await anyio.lowlevel.checkpoint()

    async with front.client() as client, anyio.create_task_group() as tasks:
        for number in range(AT_ONCE):
            link = front.issue("upload", f"{number}.csv", size=10**9)
            tasks.start_soon(lambda url=link: client.put(url, content=waiting()))
        with anyio.fail_after(60):
            await started.wait()
        refused = await client.put(front.issue("upload", "more.csv"), content=b"x")
        other = await client.put(front.issue("upload", "more.csv", "bob"), content=b"x")
        release.set()
        assert refused.status_code == 429
        assert other.status_code == 201
