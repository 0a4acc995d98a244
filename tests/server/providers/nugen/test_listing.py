from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from dirty_equals import IsPartialDict

from tests.server.nugen_exchanges import (
    CREATED,
    FAILED,
    LIST,
    PAIR,
    RUNNING,
    SINGLE,
    Played,
    line,
    listing,
    nugen,
)
from tests.server.scripted_service import answer


async def test_the_list_gives_up_what_the_status_gives_up() -> None:
    late = listing(line("eval-late", status="Dreaming", created_at="2026-08-30T12:00:00Z"))
    async with nugen(1, {LIST: late}) as (provider, _):
        (job,) = await provider.list_evaluations("error")
        assert not await provider.list_evaluations("running")

    assert job.results == {
        "models": [],
        "error": pytest.approx(job.results and job.results["error"]),
    }
    assert "'Dreaming' for 48 h" in str(job.results)


async def test_an_evaluated_one_is_listed_by_whether_it_has_figures() -> None:
    lines = listing(
        line("eval-a", status="EVALUATED", created_at="2026-08-01T00:00:00"),
        line("eval-b", status="EVALUATED", metrics={"accuracy": 1}),
    )
    async with nugen(1, {LIST: lines}) as (provider, _):
        jobs = await provider.list_evaluations()

    assert {job.workflow_id: job.status for job in jobs} == {
        "eval-a": "running",
        "eval-b": "completed",
    }


@pytest.mark.parametrize(
    "created", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "soon", "", None, 7]
)
async def test_a_time_that_is_none_breaks_nothing(created: Any) -> None:
    odd = listing(line(status="completed", created_at=created))
    async with nugen(1, {LIST: odd}) as (provider, _):
        assert [job.workflow_id for job in await provider.list_evaluations()] == [CREATED]


def paged(total: int, *, cap: int = 100, with_total: bool = True, rising: bool = False) -> Played:
    """A service with `total` evaluations, one a minute, and `cap` in a page."""

    def page(request: httpx2.Request) -> httpx2.Response:
        offset = int(request.url.params["offset"])
        start = datetime(2026, 9, 1, tzinfo=UTC)
        ages = range(total - 1, -1, -1) if rising else range(total)
        lines = [
            line(f"eval-{age}", created_at=(start - timedelta(minutes=age)).isoformat())
            for age in ages
        ][offset : offset + cap]
        return answer({"evaluations": lines} | ({"total": total} if with_total else {}))

    return page


@pytest.mark.parametrize(
    ("service", "requests"),
    [
        pytest.param(paged(250), 1, id="newest first"),
        pytest.param(paged(250, rising=True), 3, id="oldest first"),
        pytest.param(paged(250, rising=True, with_total=False), 3, id="without a total"),
        pytest.param(paged(250, rising=True, cap=50), 5, id="smaller pages"),
    ],
)
async def test_the_newest_are_listed_whatever_the_order(service: Played, requests: int) -> None:
    async with nugen(1, {LIST: service}, configured=1) as (provider, played):
        jobs = await provider.list_evaluations(limit=3)

    assert [job.workflow_id for job in jobs] == ["eval-0", "eval-1", "eval-2"]
    assert len(played.requests) == requests


async def test_a_service_that_repeats_its_page_is_read_once() -> None:
    page = answer({"evaluations": [line(f"eval-{n}") for n in range(100)], "total": 9999})
    async with nugen(1, {LIST: page}, configured=1) as (provider, played):
        assert len(await provider.list_evaluations("completed")) == 0

    assert len(played.requests) == 2


async def test_a_list_without_an_end_is_read_as_far_as_its_limit() -> None:
    async with nugen(1, {LIST: paged(10_000)}, configured=1) as (provider, played):
        assert await provider.list_evaluations("completed") == []

    assert len(played.requests) == 20


async def test_a_status_filter_is_in_the_words_of_the_tools() -> None:
    async with nugen(2) as (provider, _):
        found = {
            status: [job.workflow_id for job in await provider.list_evaluations(status)]
            for status in ("running", "completed", "error", "pending")
        }

    assert found == {
        "running": [RUNNING],
        "completed": [PAIR, SINGLE],
        "error": [FAILED],
        "pending": [],
    }


async def test_a_completed_evaluation_is_listed_with_its_figures() -> None:
    async with nugen() as (provider, _):
        (job,) = [job for job in await provider.list_evaluations() if job.workflow_id == SINGLE]

    assert job.results == IsPartialDict(result_file_id=f"rows-{SINGLE}")
    assert job.created_at == datetime(2026, 9, 1, 9, 0)  # noqa: DTZ001 - the service tells no zone
