from __future__ import annotations

from collections.abc import Iterable

import anyio
import httpx2
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from evals_mcp.http.limits import BUSY_SECONDS, PRINCIPALS, CallLimits, Limits
from evals_mcp.principals import SCOPE, Principal

Answer = tuple[int, int | None]
"""A status, and the seconds to wait."""


class Service:
    """Limits in front of an app, asked as principals, at times of the test's."""

    def __init__(self, limits: Limits, app: ASGIApp | None = None) -> None:
        self.now = 0.0
        self.limited = CallLimits(app or PlainTextResponse("done"), limits, lambda: self.now)

    async def call(self, principal: str = "one") -> Answer:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            scope[SCOPE] = Principal(principal)
            await self.limited(scope, receive, send)

        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://here") as client:
            answer = await client.get("/")
        wait = answer.headers.get("retry-after")
        return answer.status_code, None if wait is None else int(wait)

    async def let_in(self, principal: str, times: Iterable[float]) -> list[float]:
        """When calls were let in."""
        found: list[float] = []
        for self.now in times:
            if (await self.call(principal))[0] == 200:
                found.append(self.now)
        return found


async def test_a_burst_is_twice_the_rate_and_refills_with_time() -> None:
    service = Service(Limits(calls_per_minute=30, calls_at_once=5, total_at_once=5))

    assert len(await service.let_in("one", [0.0] * 70)) == 60
    assert await service.call() == (429, 2)
    service.now = 2.0
    assert await service.call() == (200, None)
    assert await service.call() == (429, 2)


async def test_the_time_to_wait_is_long_enough() -> None:
    service = Service(Limits(calls_per_minute=7, calls_at_once=5, total_at_once=5))
    await service.let_in("one", [0.0] * 14)

    status, wait = await service.call()
    assert (status, wait) == (429, 9)
    service.now += wait or 0
    assert await service.call() == (200, None)


async def test_one_principal_uses_up_nothing_of_anothers() -> None:
    service = Service(Limits(calls_per_minute=1, calls_at_once=5, total_at_once=5))

    assert len(await service.let_in("one", [0.0] * 9)) == 2
    assert len(await service.let_in("two", [0.0] * 9)) == 2


async def test_a_clock_that_steps_back_gives_nothing_away() -> None:
    service = Service(Limits(calls_per_minute=1, calls_at_once=5, total_at_once=5))

    assert len(await service.let_in("one", [100.0, 100.0, 0.0, 0.0])) == 2


@given(
    st.integers(1, 120),
    st.lists(st.floats(0, 30, allow_nan=False), min_size=1, max_size=60),
)
def test_nobody_gets_more_than_the_burst_and_what_time_brings(
    per_minute: int, pauses: list[float]
) -> None:
    times = [sum(pauses[: count + 1]) for count in range(len(pauses)) for _ in range(5)]

    async def run() -> list[float]:
        limits = Limits(calls_per_minute=per_minute, calls_at_once=5, total_at_once=5)
        return await Service(limits).let_in("one", times)

    found = anyio.run(run)
    for first in range(0, len(found), 7):
        for last in range(first, len(found)):
            brought = (found[last] - found[first]) * per_minute / 60
            assert last - first + 1 <= 2 * per_minute + brought + 1e-6


async def test_calls_in_flight_are_counted_for_one_and_for_all_and_given_back() -> None:
    entered, leave = anyio.Event(), anyio.Event()

    async def waiting(scope: Scope, receive: Receive, send: Send) -> None:
        entered.set()
        await leave.wait()
        await PlainTextResponse("done")(scope, receive, send)

    service = Service(Limits(calls_per_minute=60, calls_at_once=1, total_at_once=2), waiting)
    answers: list[Answer] = []
    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(service.call, "one")
            await entered.wait()
            answers.append(await service.call("one"))
            entered = anyio.Event()
            tasks.start_soon(service.call, "two")
            await entered.wait()
            answers.append(await service.call("three"))
            leave.set()
        answers.append(await service.call("one"))

    assert answers == [(429, BUSY_SECONDS), (503, BUSY_SECONDS), (200, None)]


async def test_a_call_that_breaks_off_gives_its_place_back() -> None:
    async def breaking(scope: Scope, receive: Receive, send: Send) -> None:
        raise ConnectionError

    service = Service(Limits(calls_per_minute=60, calls_at_once=1, total_at_once=1), breaking)
    for _ in range(3):
        try:
            await service.call()
        except ConnectionError:
            continue
        raise AssertionError("the call should have broken off")

    assert service.limited.in_flight == 0


async def test_what_is_remembered_of_principals_has_an_end() -> None:
    service = Service(Limits(calls_per_minute=1, calls_at_once=5, total_at_once=5))
    reached = service.limited
    scope: Scope = {"type": "http", "method": "GET", "headers": []}

    async def receive() -> dict[str, object]:
        return {"type": "http.disconnect"}

    async def send(_: object) -> None:
        return

    await service.let_in("first", [0.0] * 3)
    for number in range(PRINCIPALS):
        await reached(scope | {SCOPE: Principal(str(number))}, receive, send)

    assert len(await service.let_in("first", [0.0] * 3)) == 2
